//! Keys that travel as events (RFC 4733): understood once each, and sent so that a loss does not swallow them.
//!
//! - [`blocks`] reads the payload, [`Listener`] makes keys of what comes
//! - [`Dialler`] makes the packets of keys we press

mod dialler;
mod listener;

pub use dialler::{Dialler, Press};
pub use listener::Listener;

/// One block of a telephone event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Block {
    /// What is pressed: 0 to 9, 10 is `*`, 11 `#`, 12 to 15 `A` to `D`; others are no keys.
    pub event: u8,
    /// It is not pressed any more.
    pub end: bool,
    /// Power, 0 to 63 dB below the reference.
    pub volume: u8,
    /// How long it has been pressed, in ticks.
    pub duration: u16,
}

/// Bytes of a block.
pub const BLOCK: usize = 4;

/// The blocks of a payload, oldest first. A piece of a block at the end is left out.
pub fn blocks(payload: &[u8]) -> impl Iterator<Item = Block> + '_ {
    payload.chunks_exact(BLOCK).map(|bytes| Block {
        event: bytes[0],
        end: bytes[1] & 0x80 != 0,
        volume: bytes[1] & 0x3f,
        duration: u16::from_be_bytes([bytes[2], bytes[3]]),
    })
}

impl Block {
    /// Its bytes.
    pub fn write(&self) -> [u8; BLOCK] {
        let [high, low] = self.duration.to_be_bytes();
        [self.event, u8::from(self.end) << 7 | self.volume & 0x3f, high, low]
    }
}

/// The key of an event, if it is one.
pub fn key(event: u8) -> Option<char> {
    KEYS.get(usize::from(event)).map(|&key| char::from(key))
}

/// The event of a key, if it has one.
pub fn event(key: char) -> Option<u8> {
    let key = key.to_ascii_uppercase();
    KEYS.iter().position(|&known| char::from(known) == key).map(|at| at as u8)
}

const KEYS: &[u8; 16] = b"0123456789*#ABCD";
