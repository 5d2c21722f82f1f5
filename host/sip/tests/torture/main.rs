//! Torture: the 49 messages of RFC 4475 and the 12 of RFC 5118, byte for byte as the archives in the RFCs' appendices hold
//! them, sent to a running endpoint over UDP and over TCP. Each names the section it is from and what has to happen.
//!
//! The endpoint serves REGISTER for a few users, takes calls from strangers, and refuses each with 486 here, which is how
//! the tests see that a call came through. Where an RFC leaves a choice, the one taken stands beside the message.

// Functions that tests share are tests too; clippy.toml exempts only those marked `#[test]`.
#![allow(clippy::unwrap_used, reason = "all of this is tests")]

mod harness;
mod rfc4475;
mod rfc5118;

/// What has to happen to a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Expect {
    /// The request is answered with this status.
    Status(u16),
    /// A call comes in.
    Call,
    /// No word.
    Silence,
    /// Cannot be sent on a stream: it never ends there.
    Endless,
}

/// One message.
struct Case {
    name: &'static str,
    /// The section of its RFC.
    section: &'static str,
    bytes: &'static [u8],
    datagram: Expect,
    stream: Expect,
}
