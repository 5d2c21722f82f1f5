//! The pacer in virtual time; and once with threads of its own, where only what does not depend on time is looked at.

use std::sync::mpsc;

use super::*;

/// Says when it was polled, beaten and skipped, and ends after so many frames.
struct Spy {
    heard: mpsc::Sender<Said>,
    frames: usize,
    panics_at: Option<usize>,
}

#[derive(Debug, PartialEq, Clone, Copy)]
enum Said {
    Poll,
    Frame,
    Skipped(u64),
    Dropped,
}

impl Paced for Spy {
    fn poll(&mut self) {
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
    (Box::new(Spy { heard, frames, panics_at: None }), said)
}

fn count(said: &mpsc::Receiver<Said>, what: Said) -> usize {
    said.try_iter().filter(|it| *it == what).count()
}

#[test]
fn a_call_beats_every_twenty_milliseconds_and_is_polled_every_one() {
    let (pacer, mut hand) = Pacer::by_hand();
    let (call, said) = spy(usize::MAX);
    pacer.add(call);
    hand.turn(Duration::from_millis(1_000));
    let said: Vec<Said> = said.try_iter().collect();
    let beats: Vec<usize> = (0..said.len()).filter(|at| said[*at] == Said::Frame).collect();
    assert_eq!(beats.len(), 50);
    assert_eq!(said.len(), 1_050, "a thousand polls and fifty frames");
    assert!(beats.windows(2).all(|pair| pair[1] - pair[0] == 21), "twenty polls between two frames: {beats:?}");
}

#[test]
fn many_calls_are_spread_over_the_phases() {
    let (pacer, mut hand) = Pacer::by_hand();
    let (heard, said) = mpsc::channel();
    for _ in 0..1_000 {
        pacer.add(Box::new(Spy { heard: heard.clone(), frames: usize::MAX, panics_at: None }));
    }
    assert_eq!(pacer.calls(), 1_000);
    hand.turn(Duration::from_millis(40));
    said.try_iter().for_each(drop);
    for _ in 0..PHASES {
        hand.turn(TICK);
        assert_eq!(count(&said, Said::Frame), 50);
    }
    let lateness = pacer.lateness();
    assert_eq!((lateness.frames, lateness.skipped, lateness.share_on_time()), (3_000, 0, 1.0));
}

#[test]
fn a_phase_that_lost_its_calls_is_filled_first() {
    let (pacer, mut hand) = Pacer::by_hand();
    let (heard, said) = mpsc::channel();
    for number in 0..40 {
        let frames = if number % PHASES == 7 { 1 } else { 1_000 };
        pacer.add(Box::new(Spy { heard: heard.clone(), frames, panics_at: None }));
    }
    hand.turn(Duration::from_millis(20));
    assert_eq!(pacer.calls(), 38);
    for _ in 0..2 {
        pacer.add(Box::new(Spy { heard: heard.clone(), frames: 1_000, panics_at: None }));
    }
    hand.turn(Duration::from_millis(20));
    said.try_iter().for_each(drop);
    for _ in 0..PHASES {
        hand.turn(TICK);
        assert_eq!(count(&said, Said::Frame), 2, "the two took the free places");
    }
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
    let said: Vec<Said> = said.try_iter().filter(|it| *it != Said::Poll).collect();
    assert_eq!(said, [Said::Frame, Said::Frame, Said::Frame, Said::Dropped]);
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
