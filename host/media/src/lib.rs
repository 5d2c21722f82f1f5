//! A call's sound over the network.
//!
//! - [`sdp`]: session descriptions, and the offer and answer by which two ends agree; [`negotiated`]: what they agreed upon
//! - [`ports`]: where sound comes in; [`door`]: the house's door upon a pair of ports, and the signalling's handle to it
//! - [`stream`]: one call's sound, both ways, without sockets and without a clock. Of it are made:
//!   [`rtp`], [`rtcp`] (packets), [`srtp`] (encrypted ones), [`latch`] (whose they are), [`reception`] and [`report`]
//!   (what arrived, and telling so), [`playout`] (order, jitter, loss), [`codec`], [`digits`] (keys as events), [`sender`]
//! - [`mos`]: what a listener would say of the line; [`error`]: what can go wrong before sound flows
//!
//! Invariants: nothing from the network panics, waits, or is an error once sound flows; nothing but [`door`] and [`ports`]
//! knows a socket or a clock; a frame never waits for another thread.

pub mod codec;
pub mod digits;
pub mod door;
pub mod error;
pub mod latch;
pub mod mos;
pub mod negotiated;
pub mod playout;
pub mod ports;
pub mod reception;
pub mod report;
pub mod rtcp;
pub mod rtp;
pub mod sdp;
pub mod sender;
mod socket;
pub mod srtp;
pub mod stream;

pub use door::{Ended, RtpControl, RtpDoor};
pub use error::MediaError;
pub use negotiated::{Codec, Direction, Dtls, Fingerprint, Negotiated, OpusSettings, SrtpKeys, SrtpSuite};
pub use ports::{PortSettings, Ports, RtpSocket};
pub use stream::Settings;
