//! A call's sound over the network.
//!
//! - [`negotiated`]: what the signalling agreed upon;
//! - [`error`]: what can go wrong before sound flows.

pub mod error;
pub mod negotiated;

pub use error::MediaError;
pub use negotiated::{Codec, Direction, Negotiated, SrtpKeys, SrtpSuite};
