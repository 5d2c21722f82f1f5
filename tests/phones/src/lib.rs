//! Real telephones against a real Gudok.
//!
//! The programs of other people call `gudok serve`, which runs as it would in a clinic: sipp speaks the protocol by the
//! letter, baresip and linphone are telephones with a WAV file as microphone. Nothing of Gudok is linked into this crate
//! but the reading of WAV files, so both ends of a call are never our own.
//!
//! - [`gudok`]: the server, with a home, ports and a clinic of its own; what it wrote down of a call, over HTTP;
//! - [`sipp`], [`baresip`], [`linphone`]: the clients; [`rtp`]: a bare media end for what they cannot do;
//! - [`voice`]: the caller's lines, spoken by festival; [`conversation`]: who says what, when;
//! - [`compare`]: whether what was heard is what was said;
//! - [`wait`], [`process`]: waiting for a condition, and processes that do not outlive their test.
//!
//! Nothing sleeps for a time that seems long enough: every wait has a condition and a limit. Every test has
//! ports of its own, so tests may run beside each other.

pub mod baresip;
pub mod compare;
pub mod conversation;
pub mod gudok;
pub mod linphone;
pub mod process;
pub mod rtp;
pub mod sipp;
pub mod voice;
pub mod wait;
