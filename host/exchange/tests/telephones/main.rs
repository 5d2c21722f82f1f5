//! Whole calls over real sockets: an exchange, and telephones made of the signalling and media rooms.

// Functions that tests share are tests too; clippy.toml exempts only those marked `#[test]`.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "all of this is tests")]

mod support;

mod audiosocket;
mod calls;
mod doctor;
mod live;
mod outgoing;
mod queue;
mod replacing;
