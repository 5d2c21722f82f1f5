//! The front check: what a message must satisfy before the lenient parser behind it is allowed to see it.

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
    /// Do not parse it; send these bytes back to where it came from.
    Answer(Vec<u8>),
    /// Do not parse it and say nothing, for instance to a broken response or ACK.
    Ignore,
}

/// Judges one complete message (a datagram, or one frame of a stream).
pub fn check(message: &[u8], transport: Transport) -> Verdict {
    let _ = transport;
    match message.windows(4).any(|w| w == b"\r\n\r\n") {
        true => Verdict::Pass,
        false => Verdict::Ignore,
    }
}
