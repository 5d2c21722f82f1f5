//! The door of a call whose other end is a socket: AudioSocket and every WebSocket protocol use it.
//!
//! [`pair`] makes two ends. [`SocketDoor`] is what the conversation holds: it never blocks. [`SocketEnd`] is what the task
//! beside the socket holds: it puts in what arrived and waits for what is to be sent. A dropped door is a hang-up, and so is
//! a dropped end.
//!
//! TCP delivers in bursts, so there is a small buffer: it waits for two frames before it plays, and once more than six are
//! waiting it leaves out quiet ones until it has caught up. Words are left out only past two seconds.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use crate::door::{Door, FRAME_SAMPLES, Pace, Received};

/// Frames that must be there before sound begins, so that a late packet does not cut a word.
const CUSHION: usize = 2 * FRAME_SAMPLES;
/// More than this is delay that the caller feels.
const LATE: usize = 6 * FRAME_SAMPLES;
/// More than this is given up, words or not.
const HOPELESS: usize = 100 * FRAME_SAMPLES;
/// A frame without a sample beyond this holds no word (−42 dBFS).
const QUIET: u16 = 256;
/// What a socket that does not drain may leave waiting, in frames.
const MOST_WAITING: usize = 50;
/// Keys nobody fetched; more are no person's.
const MOST_KEYS: usize = 64;

/// What is to be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(
    clippy::large_enum_variant,
    reason = "nearly all of them are frames, fifty a second: a box each would cost more"
)]
pub enum Out {
    /// 20 ms of sound, 8 kHz.
    Frame([i16; FRAME_SAMPLES]),
    /// Drop what was sent and not heard yet.
    Flush,
    /// Press these keys.
    Keys(String),
}

/// Both ends of a call.
pub fn pair() -> (SocketDoor, SocketEnd) {
    let shared = Arc::new(Shared { state: Mutex::new(State::default()), wake: Notify::new() });
    (SocketDoor(Arc::clone(&shared)), SocketEnd(shared))
}

/// The conversation's end.
#[derive(Debug)]
pub struct SocketDoor(Arc<Shared>);

/// The socket's end.
#[derive(Debug)]
pub struct SocketEnd(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    state: Mutex<State>,
    wake: Notify,
}

#[derive(Debug, Default)]
struct State {
    heard: VecDeque<i16>,
    flowing: bool,
    keys: Vec<char>,
    held: bool,
    /// The other side hung up, or its task is gone.
    gone: bool,
    out: VecDeque<Out>,
    /// The door was dropped.
    over: bool,
}

impl Shared {
    /// A panic elsewhere leaves nothing half done here, so the state is good.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn put(&self, out: Out) {
        let mut state = self.state();
        if state.gone {
            return;
        }
        if out == Out::Flush {
            state.out.retain(|waiting| !matches!(waiting, Out::Frame(_)));
        } else if state.out.len() >= MOST_WAITING {
            state.out.pop_front();
        }
        state.out.push_back(out);
        drop(state);
        self.wake.notify_one();
    }
}

impl Door for SocketDoor {
    fn pace(&self) -> Pace {
        Pace::RealTime
    }

    fn receive(&mut self) -> Option<Received> {
        let mut state = self.0.state();
        if state.gone {
            return None;
        }
        Some(Received { audio: state.frame(), digits: std::mem::take(&mut state.keys) })
    }

    fn send(&mut self, frame: &[i16; FRAME_SAMPLES]) {
        self.0.put(Out::Frame(*frame));
    }

    fn flush(&mut self) {
        self.0.put(Out::Flush);
    }

    fn send_digits(&mut self, digits: &str) {
        self.0.put(Out::Keys(digits.to_owned()));
    }

    fn held(&self) -> bool {
        self.0.state().held
    }
}

impl Drop for SocketDoor {
    fn drop(&mut self) {
        self.0.state().over = true;
        self.0.wake.notify_one();
    }
}

impl SocketEnd {
    /// The caller's voice arrived, 8 kHz, any length.
    pub fn hear(&self, samples: &[i16]) {
        let mut state = self.0.state();
        state.heard.extend(samples);
        let excess = state.heard.len().saturating_sub(HOPELESS);
        state.heard.drain(..excess);
    }

    /// The caller pressed a key.
    pub fn key(&self, key: char) {
        let mut state = self.0.state();
        if state.keys.len() < MOST_KEYS {
            state.keys.push(key);
        }
    }

    /// The other side put the call on hold, or took it back.
    pub fn hold(&self, held: bool) {
        self.0.state().held = held;
    }

    /// The caller hung up.
    pub fn hung_up(&self) {
        self.0.state().gone = true;
    }

    /// The next thing to send; none once the conversation has hung up and everything was given out. Safe to cancel.
    pub async fn next(&self) -> Option<Out> {
        loop {
            {
                let mut state = self.0.state();
                if let Some(out) = state.out.pop_front() {
                    return Some(out);
                }
                if state.over {
                    return None;
                }
            }
            self.0.wake.notified().await;
        }
    }
}

impl Drop for SocketEnd {
    fn drop(&mut self) {
        self.hung_up();
    }
}

impl State {
    fn frame(&mut self) -> [i16; FRAME_SAMPLES] {
        while self.heard.len() > LATE && self.heard.iter().take(FRAME_SAMPLES).all(|s| s.unsigned_abs() < QUIET) {
            self.heard.drain(..FRAME_SAMPLES);
        }
        let mut frame = [0; FRAME_SAMPLES];
        self.flowing = self.heard.len() >= if self.flowing { FRAME_SAMPLES } else { CUSHION };
        if self.flowing {
            for (sample, heard) in frame.iter_mut().zip(self.heard.drain(..FRAME_SAMPLES)) {
                *sample = heard;
            }
        }
        frame
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOUD: [i16; FRAME_SAMPLES] = [9_000; FRAME_SAMPLES];
    const STILL: [i16; FRAME_SAMPLES] = [3; FRAME_SAMPLES];

    #[test]
    fn sound_begins_with_a_cushion_and_none_of_it_is_lost() {
        let (mut door, end) = pair();
        end.hear(&LOUD);
        assert_eq!(door.receive().unwrap().audio, [0; FRAME_SAMPLES], "one late packet would cut a word");
        end.hear(&LOUD);
        assert_eq!(door.receive().unwrap().audio, LOUD);
        assert_eq!(door.receive().unwrap().audio, LOUD);
        assert_eq!(door.receive().unwrap(), Received::silence());
    }

    #[test]
    fn a_burst_is_caught_up_in_the_pauses_only() {
        let (mut door, end) = pair();
        for frame in [[STILL; 10], [LOUD; 10], [STILL; 10]].concat() {
            end.hear(&frame);
        }
        let heard: Vec<_> = (0..30).map(|_| door.receive().unwrap().audio).collect();
        assert_eq!(heard.iter().filter(|frame| **frame == LOUD).count(), 10);
        assert!(heard.iter().filter(|frame| **frame == STILL).count() < 10, "the delay stays");
        for _ in 0..200 {
            end.hear(&LOUD);
        }
        assert_eq!(std::iter::from_fn(|| door.receive().filter(|r| r.audio == LOUD)).count(), 100);
    }

    #[test]
    fn keys_holds_and_hang_ups_pass() {
        let (mut door, end) = pair();
        end.key('5');
        end.key('#');
        assert_eq!(door.receive().unwrap().digits, ['5', '#']);
        assert!(door.receive().unwrap().digits.is_empty());
        end.hold(true);
        assert!(door.held());
        end.hung_up();
        assert_eq!(door.receive(), None);
        let (mut door, end) = pair();
        drop(end);
        assert_eq!(door.receive(), None, "a task that died is a caller who is gone");
    }

    #[tokio::test]
    async fn what_was_not_sent_yet_is_flushed_and_a_dropped_door_ends_it() {
        let (mut door, end) = pair();
        door.send(&LOUD);
        door.send_digits("12");
        door.flush();
        door.send(&STILL);
        assert_eq!(end.next().await, Some(Out::Keys("12".into())));
        assert_eq!(end.next().await, Some(Out::Flush));
        assert_eq!(end.next().await, Some(Out::Frame(STILL)));
        for _ in 0..1_000 {
            door.send(&LOUD);
        }
        let (drained, ()) = tokio::join!(
            async {
                let mut drained = 0;
                while end.next().await.is_some() {
                    drained += 1;
                }
                drained
            },
            async { drop(door) }
        );
        assert_eq!(drained, MOST_WAITING);
    }
}
