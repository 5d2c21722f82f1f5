//! The doors a caller comes in by.
//!
//! A door gives the caller's audio in frames of 20 ms and takes the robot's in the same measure; a typed door gives and
//! takes text. What stands today:
//!
//! - [`caller`]: a caller who follows a [`script`], by voice ([`spoken`]) or by text: for tests, demonstrations, authors
//! - [`pacer`]: the clock that real telephones' calls share
//! - [`audiosocket`]: a call of Asterisk over TCP; [`websocket`]: Asterisk, Twilio and a browser's page, as pure codecs;
//!   [`socket`]: the door itself, for whatever socket a call comes by
//! - [`recordings`]: calls that already happened, from a PBX's folder of recordings
//!
//! Invariants: a door never blocks (a frame is always there, silence if need be); a door knows nothing of flows, desks or
//! recognition.

pub mod asterisk;
pub mod audiosocket;
pub mod caller;
pub mod door;
pub mod pacer;
pub mod recordings;
pub mod script;
pub mod socket;
pub mod spoken;
pub mod websocket;

pub use door::{Door, FRAME_SAMPLES, LINE_RATE, Line, Moved, Pace, Quality, Received};
pub use pacer::{Beat, Lateness, Paced, Pacer};
