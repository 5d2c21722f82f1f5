//! The front check: what a message must satisfy before the lenient parser behind it is allowed to see it.
//!
//! That parser takes SIP/7.0, negative lengths and headers that come twice, loses every header after a byte that is not
//! UTF-8, and is silent where an answer is due. So every message is judged here first, without state, as RFC 4475 expects
//! of an endpoint: requests that cannot be served are answered, what cannot be answered is ignored, and what is sound in
//! an unusual dress (folded lines, blanks everywhere, names in one letter, a name in another alphabet's bytes, no
//! Content-Length) is written anew in the form the parser understands.
//!
//! - [`message`] splits a message into its parts; [`grammar`] knows what addresses, Via and parameters look like
//! - [`rules`] says what is wrong with a request or a response, and with which status that is answered
//! - [`reply`] writes the answer, [`tidy`] the plain form
//!
//! Invariants: nothing from outside panics; an answer goes only to a request that has a Via and is no ACK; an answer holds
//! no line of the sender's that we did not take apart.

mod grammar;
mod message;
mod reply;
mod rules;
mod tidy;

use std::net::SocketAddr;

/// How a message reached us.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Transport {
    /// One message a datagram.
    Udp,
    /// A stream, framed by Content-Length.
    Tcp,
    /// A stream inside TLS.
    Tls,
}

/// What is to be done with a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// Hand it to the parser.
    Pass,
    /// Hand these bytes to the parser in its place: the same message in plain form.
    Tidy(Vec<u8>),
    /// Do not parse it; send these bytes back to where it came from.
    Answer(Vec<u8>),
    /// Do not parse it and say nothing, for instance to a broken response or ACK.
    Ignore,
}

/// Judges one complete message (a datagram, or one frame of a stream) that came from `source`.
pub fn check(bytes: &[u8], transport: Transport, source: SocketAddr) -> Verdict {
    let Some(message) = message::Message::split(bytes) else { return Verdict::Ignore };
    match rules::judge(&message, transport) {
        Ok(body_length) => {
            let plain = tidy::plain(&message, body_length);
            if plain == bytes { Verdict::Pass } else { Verdict::Tidy(plain) }
        }
        Err(fault) => reply::to(&message, &fault, source).map_or(Verdict::Ignore, Verdict::Answer),
    }
}

#[cfg(test)]
mod tests;
