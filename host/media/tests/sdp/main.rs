//! Offers and answers: the examples of RFC 4317, what telephones write, and what chance writes.

// Functions that tests share are tests too; clippy.toml exempts only those marked `#[test]`.
#![allow(clippy::unwrap_used, reason = "all of this is tests")]

mod chance;
mod dialog;
mod phones;
mod rfc4317;
mod security;

use media::Codec;
use media::sdp::{Capabilities, Local, Session};

/// Where we are in every test.
fn local() -> Local {
    Local::new("192.0.2.1".parse().expect("an address"), 20_000, 7)
}

/// With these codecs and nothing else out of the ordinary.
fn capable(codecs: &[Codec]) -> Capabilities {
    Capabilities { codecs: codecs.to_vec(), ..Capabilities::default() }
}

/// Lines of a description, ended as they should be.
fn session(lines: &str) -> Session {
    Session::parse(&crlf(lines)).expect("a sound description")
}

fn crlf(lines: &str) -> String {
    lines.trim().lines().map(|line| format!("{}\r\n", line.trim())).collect()
}

/// A description with this much of it given.
fn audio(rest: &str) -> String {
    crlf(&format!("v=0\no=- 1 1 IN IP4 192.0.2.7\ns=-\nc=IN IP4 192.0.2.7\nt=0 0\n{rest}"))
}
