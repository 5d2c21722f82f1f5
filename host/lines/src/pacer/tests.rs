//! The pacer in virtual time; and once with threads of its own, where only what does not depend on time is looked at.

use std::sync::mpsc;

use super::*;

/// Says when it was polled, beaten and skipped, and ends after so many frames.
struct Spy {
    heard: mpsc::Sender<Said>,
    frames: usize,
    panics_at: Option<usize>,
    /// Of each time it was polled.
    wakers: Arc<Mutex<Vec<Waker>>>,
}

#[derive(Debug, PartialEq, Clone, Copy)]
enum Said {
    Poll,
    Frame,
    Skipped(u64),
    Dropped,
}

impl Paced for Spy {
    fn poll(&mut self, context: &mut Context<'_>) {
        self.wakers.lock().unwrap().push(context.waker().clone());
        self.heard.send(Said::Poll).unwrap();
    }

    fn frame(&mut self) -> Beat {
        assert_ne!(self.panics_at, Some(self.frames), "as asked for");
        self.heard.send(Said::Frame).unwrap();
        self.frames -= 1;
        if self.frames == 0 { Beat::Over } else { Beat::On }
    }

    fn skipped(&mut self, frames: u64) {
        self.heard.send(Said::Skipped(frames)).unwrap();
    }
}

impl Drop for Spy {
    fn drop(&mut self) {
        self.heard.send(Said::Dropped).ok();
    }
}

fn spy(frames: usize) -> (Box<Spy>, mpsc::Receiver<Said>) {
    let (heard, said) = mpsc::channel();
    (Box::new(Spy { heard, frames, panics_at: None, wakers: Arc::default() }), said)
}

fn count(said: &mpsc::Receiver<Said>, what: Said) -> usize {
    said.try_iter().filter(|it| *it == what).count()
}

#[test]
fn a_call_beats_every_twenty_milliseconds_and_is_polled_when_it_is_woken_and_at_no_other_time() {
    let (pacer, mut hand) = Pacer::by_hand();
    let (call, said) = spy(usize::MAX);
    let wakers = Arc::clone(&call.wakers);
    pacer.add(call);
    hand.turn(Duration::from_millis(1_000));
    let all: Vec<Said> = said.try_iter().collect();
    assert_eq!(all[0], Said::Poll, "what arrived before it joined");
    assert_eq!(all[1..], [Said::Frame; 50], "and nothing more: nothing arrived");
    let wake = || wakers.lock().unwrap().last().unwrap().wake_by_ref();
    // Between two frames, within a tick, and once however often it is rung.
    hand.turn(Duration::from_millis(7));
    wake();
    wake();
    hand.turn(TICK);
    assert_eq!(said.try_iter().collect::<Vec<_>>(), [Said::Poll]);
    wake();
    hand.turn(Duration::from_millis(12));
    assert_eq!(said.try_iter().collect::<Vec<_>>(), [Said::Poll, Said::Frame]);
    // A frame that is due gets what arrived right before it.
    hand.turn(Duration::from_millis(19));
    wake();
    hand.turn(TICK);
    assert_eq!(said.try_iter().collect::<Vec<_>>(), [Said::Poll, Said::Frame]);
}

#[test]
fn a_waker_that_outlives_its_call_wakes_nobody() {
    let (pacer, mut hand) = Pacer::by_hand();
    let (call, said) = spy(1);
    let wakers = Arc::clone(&call.wakers);
    pacer.add(call);
    hand.turn(Duration::from_millis(20));
    assert_eq!(said.try_iter().last(), Some(Said::Dropped));
    // Its number is another's now.
    let (next, said) = spy(usize::MAX);
    pacer.add(next);
    hand.turn(TICK);
    said.try_iter().for_each(drop);
    wakers.lock().unwrap()[0].wake_by_ref();
    hand.turn(TICK);
    assert_eq!(count(&said, Said::Poll), 0);
}

/// Calls that share where they tell it.
fn many(pacer: &Pacer, calls: usize, frames: impl Fn(usize) -> usize) -> mpsc::Receiver<Said> {
    let (heard, said) = mpsc::channel();
    for number in 0..calls {
        let spy = Spy { heard: heard.clone(), frames: frames(number), panics_at: None, wakers: Arc::default() };
        pacer.add(Box::new(spy));
    }
    said
}

/// Frames of each tick of a round.
fn round(hand: &mut Hand, said: &mpsc::Receiver<Said>) -> Vec<usize> {
    said.try_iter().for_each(drop);
    let tick = |_| {
        hand.turn(TICK);
        count(said, Said::Frame)
    };
    (0..PHASES).map(tick).collect()
}

#[test]
fn many_calls_are_spread_over_the_phases_and_few_share_few() {
    let (pacer, mut hand) = Pacer::by_hand();
    let said = many(&pacer, TOGETHER, |_| usize::MAX);
    hand.turn(Duration::from_millis(40));
    let frames = round(&mut hand, &said);
    assert_eq!(frames.iter().filter(|frames| **frames > 0).count(), 1, "one waking in 20 ms: {frames:?}");
    let more = many(&pacer, PHASES * TOGETHER - TOGETHER, |_| usize::MAX);
    hand.turn(Duration::from_millis(40));
    let frames = round(&mut hand, &more);
    assert_eq!(frames.iter().sum::<usize>(), (PHASES - 1) * TOGETHER);
    assert_eq!(pacer.calls(), PHASES * TOGETHER);
    assert!(frames.iter().filter(|frames| **frames > 0).all(|frames| *frames == TOGETHER), "{frames:?}");
    let lateness = pacer.lateness();
    assert_eq!((lateness.skipped, lateness.share_on_time()), (0, 1.0));
}

#[test]
fn a_phase_that_lost_its_calls_is_filled_first() {
    let (pacer, mut hand) = Pacer::by_hand();
    // Three phases are in use, in turn.
    let said = many(&pacer, 2 * TOGETHER + 3, |number| if number < 10 { 1 } else { 1_000 });
    hand.turn(Duration::from_millis(20));
    assert_eq!(pacer.calls(), 2 * TOGETHER - 7);
    let of_phases = |hand: &Hand| {
        let mut calls: Vec<usize> = hand.ring.phases.iter().map(Vec::len).filter(|calls| *calls > 0).collect();
        calls.sort_unstable();
        calls
    };
    assert_eq!(of_phases(&hand), [3, TOGETHER - 10, TOGETHER]);
    let more = many(&pacer, 7, |_| 1_000);
    assert_eq!(round(&mut hand, &more).iter().sum::<usize>(), 7);
    assert_eq!(of_phases(&hand), [3, TOGETHER - 3, TOGETHER]);
    drop(said);
}

#[test]
fn a_little_late_is_caught_up_and_counted() {
    let (pacer, mut hand) = Pacer::by_hand();
    let (call, said) = spy(usize::MAX);
    pacer.add(call);
    hand.turn(Duration::from_millis(100));
    said.try_iter().for_each(drop);
    hand.jump(Duration::from_millis(100));
    assert_eq!(count(&said, Said::Frame), 5);
    let lateness = pacer.lateness();
    assert_eq!((lateness.frames, lateness.skipped), (10, 0));
    assert!((5..=6).contains(&lateness.on_time), "{lateness:?}");
    assert!(lateness.latest > Duration::from_millis(75), "{lateness:?}");
}

#[test]
fn far_behind_the_clock_frames_are_left_out_and_the_call_is_told() {
    let (pacer, mut hand) = Pacer::by_hand();
    let (call, said) = spy(usize::MAX);
    pacer.add(call);
    hand.turn(Duration::from_millis(100));
    said.try_iter().for_each(drop);
    hand.jump(Duration::from_secs(10));
    let all: Vec<Said> = said.try_iter().collect();
    let frames = all.iter().filter(|it| **it == Said::Frame).count();
    assert!(frames <= 1, "no burst: {frames}");
    let skipped = all.iter().find_map(|it| if let Said::Skipped(frames) = it { Some(*frames) } else { None });
    assert_eq!(skipped.map(|skipped| skipped + frames as u64), Some(500));
    assert!(pacer.lateness().share_on_time() < 0.02);
    hand.turn(Duration::from_millis(100));
    assert_eq!(count(&said, Said::Frame), 5, "and on it goes");
}

#[test]
fn a_panic_ends_its_own_call_only() {
    let (pacer, mut hand) = Pacer::by_hand();
    let (mut bad, bad_said) = spy(100);
    bad.panics_at = Some(98);
    let (good, good_said) = spy(100);
    pacer.add(bad);
    pacer.add(good);
    hand.turn(Duration::from_millis(200));
    assert_eq!(count(&bad_said, Said::Frame), 2);
    assert_eq!(count(&good_said, Said::Frame), 10);
    assert_eq!((pacer.calls(), pacer.lateness().panicked), (1, 1));
}

#[test]
fn a_call_that_is_over_is_dropped() {
    let (pacer, mut hand) = Pacer::by_hand();
    let (call, said) = spy(3);
    pacer.add(call);
    hand.turn(Duration::from_millis(100));
    let said: Vec<Said> = said.try_iter().collect();
    assert_eq!(said, [Said::Poll, Said::Frame, Said::Frame, Said::Frame, Said::Dropped]);
    assert_eq!(pacer.calls(), 0);
}

#[test]
fn threads_hold_many_calls_to_their_end() {
    let pacer = Pacer::start(3);
    let mut calls = Vec::new();
    for _ in 0..60 {
        let (call, said) = spy(5);
        pacer.add(call);
        calls.push(said);
    }
    for said in calls {
        // Ends when the call is dropped, and with it the sender.
        let frames = said.iter().filter(|it| *it == Said::Frame).count();
        assert_eq!(frames, 5);
    }
    pacer.stop();
    assert_eq!(pacer.lateness().frames, 300);
}

#[test]
fn stopping_drops_what_is_in_progress_and_takes_nothing_more() {
    let pacer = Pacer::start(2);
    let (call, said) = spy(usize::MAX);
    pacer.add(call);
    said.recv().unwrap();
    pacer.stop();
    assert_eq!(said.iter().last(), Some(Said::Dropped));
    let (late, late_said) = spy(1);
    pacer.add(late);
    assert_eq!(late_said.iter().collect::<Vec<_>>(), [Said::Dropped]);
}

#[test]
fn a_sleeping_shard_is_woken_by_what_arrives_and_ends_with_the_last_handle() {
    let pacer = Pacer::start(1);
    let (call, said) = spy(usize::MAX);
    let wakers = Arc::clone(&call.wakers);
    pacer.add(call);
    assert_eq!(said.recv().unwrap(), Said::Poll);
    for _ in 0..50 {
        wakers.lock().unwrap().last().unwrap().wake_by_ref();
        while said.recv().unwrap() != Said::Poll {}
    }
    drop(pacer);
    // The call goes on to its end all the same.
    said.iter().find(|it| *it == Said::Frame).unwrap();

    // One whose shards have nobody ends at once: their threads' handles are gone with it.
    let idle = Pacer::start(1);
    let (call, said) = spy(1);
    idle.add(call);
    assert_eq!(said.iter().last(), Some(Said::Dropped));
    let threads = std::mem::take(&mut *idle.shards.threads.lock().unwrap());
    drop(idle);
    for thread in threads {
        thread.join().unwrap();
    }
}
