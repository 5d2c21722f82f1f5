//! Keys that we press: a queue, and the packets of each press.

use std::collections::VecDeque;

use super::{Block, event};

/// Presses keys one after the other: 100 ms each, 60 ms apart.
#[derive(Debug)]
pub struct Dialler {
    clock: u32,
    waiting: VecDeque<u8>,
    pressing: Option<Pressing>,
    /// Frames of silence that are left before the next key.
    pause: u8,
}

#[derive(Debug)]
struct Pressing {
    event: u8,
    timestamp: u32,
    frames: u8,
}

/// One packet to send.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Press {
    /// First of its key.
    pub marker: bool,
    /// When the key went down: the same in every packet of the key.
    pub timestamp: u32,
    /// The payload.
    pub block: Block,
}

/// Frames of 20 ms a key is down.
const FRAMES_DOWN: u8 = 5;
/// Frames between keys.
const FRAMES_UP: u8 = 3;
/// The end is told so often (RFC 4733, 2.5.1.4).
const ENDS: usize = 3;
/// Power of the tone that a gateway makes of it: -10 dBm0.
const VOLUME: u8 = 10;
/// More than anybody dials at once.
const MOST: usize = 128;

impl Dialler {
    /// For a clock of events, in ticks a second.
    pub fn new(clock: u32) -> Dialler {
        Dialler { clock, waiting: VecDeque::new(), pressing: None, pause: 0 }
    }

    /// Queues keys. What is no key is left out.
    pub fn press(&mut self, keys: &str) {
        let room = MOST - self.waiting.len().min(MOST);
        self.waiting.extend(keys.chars().filter_map(event).take(room));
    }

    /// Is anything being pressed, or waiting?
    pub fn busy(&self) -> bool {
        self.pressing.is_some() || self.pause > 0 || !self.waiting.is_empty()
    }

    /// Is a key down, so that packets of events go out in place of sound?
    pub fn sounding(&self) -> bool {
        self.pressing.is_some()
    }

    /// The next 20 ms. A key that goes down does so at `timestamp`, in the clock of events.
    pub fn frame(&mut self, timestamp: u32, mut send: impl FnMut(Press)) {
        if self.pressing.is_none() {
            if self.pause > 0 {
                self.pause -= 1;
                return;
            }
            let Some(event) = self.waiting.pop_front() else { return };
            self.pressing = Some(Pressing { event, timestamp, frames: 0 });
        }
        let Some(pressing) = &mut self.pressing else { return };
        pressing.frames += 1;
        let ended = pressing.frames == FRAMES_DOWN;
        let duration = u32::from(pressing.frames) * self.clock / 50;
        let block = Block { event: pressing.event, end: ended, volume: VOLUME, duration: duration.min(0xffff) as u16 };
        let press = Press { marker: pressing.frames == 1, timestamp: pressing.timestamp, block };
        for _ in 0..if ended { ENDS } else { 1 } {
            send(press);
        }
        if ended {
            self.pressing = None;
            self.pause = FRAMES_UP;
        }
    }

    /// Takes the next key out of the queue, where keys are to be played as tones instead.
    pub fn next_key(&mut self) -> Option<u8> {
        self.waiting.pop_front()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_press_as_it_goes_out() {
        let mut dialler = Dialler::new(8_000);
        dialler.press("5x#");
        let mut sent = Vec::new();
        let mut frames = 0;
        while dialler.busy() {
            dialler.frame(1_000 + frames * 160, |press| sent.push((frames, press)));
            frames += 1;
        }
        let told: Vec<_> = sent
            .iter()
            .map(|(frame, press)| {
                (*frame, press.marker, press.timestamp, press.block.event, press.block.end, press.block.duration)
            })
            .collect();
        assert_eq!(told[0], (0, true, 1_000, 5, false, 160));
        assert_eq!(told[3], (3, false, 1_000, 5, false, 640));
        assert_eq!(told[4..7], [(4, false, 1_000, 5, true, 800); 3]);
        assert_eq!(told[7], (8, true, 2_280, 11, false, 160));
        assert_eq!(told.len(), 14);
        assert_eq!(frames, 16);
    }
}
