//! A call's sound over the network.
//!
//! - [`negotiated`]: what the signalling agreed upon;
//! - [`sdp`]: session descriptions, and the offer and answer by which two ends agree;
//! - [`error`]: what can go wrong before sound flows.

pub mod error;
pub mod negotiated;
pub mod sdp;

pub use error::MediaError;
pub use negotiated::{Codec, Direction, Dtls, Fingerprint, Negotiated, OpusSettings, SrtpKeys, SrtpSuite};
