//! Cutting a byte stream into SIP messages by Content-Length (RFC 3261 §18.3), with CRLF keep-alives between them.

/// Nothing larger is read; a clinic's SDP is under 2 kB.
const LARGEST: usize = 65_535;

/// What came out of the stream.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Frame {
    /// Double CRLF: the peer asks whether we live.
    Ping,
    /// One whole message.
    Message(Vec<u8>),
    /// A head whose length cannot be trusted: answer it, then close, because nobody knows where the next one begins.
    Last(Vec<u8>),
    /// Nothing more can be read from this stream.
    Broken,
}

/// Collects bytes and gives out frames.
#[derive(Debug, Default)]
pub(crate) struct Framer {
    bytes: Vec<u8>,
}

impl Framer {
    pub(crate) fn push(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    pub(crate) fn next(&mut self) -> Option<Frame> {
        loop {
            if self.bytes.starts_with(b"\r\n\r\n") {
                self.bytes.drain(..4);
                return Some(Frame::Ping);
            }
            // A lone CRLF is a pong, or the beginning of a ping.
            match self.bytes.as_slice() {
                [b'\r', b'\n', third, ..] if *third != b'\r' => drop(self.bytes.drain(..2)),
                [b'\r', b'\n', b'\r', fourth, ..] if *fourth != b'\n' => drop(self.bytes.drain(..3)),
                _ => break,
            }
        }
        if matches!(self.bytes.as_slice(), [] | [b'\r'] | [b'\r', b'\n'] | [b'\r', b'\n', b'\r']) {
            return None;
        }
        let Some(end) = self.bytes.windows(4).position(|w| w == b"\r\n\r\n").map(|at| at + 4) else {
            return (self.bytes.len() > LARGEST).then_some(Frame::Broken);
        };
        match content_length(&self.bytes[..end]) {
            Ok(length) if end + length > LARGEST => Some(Frame::Last(self.bytes.drain(..end).collect())),
            Ok(length) if self.bytes.len() < end + length => None,
            Ok(length) => Some(Frame::Message(self.bytes.drain(..end + length).collect())),
            Err(()) => Some(Frame::Last(self.bytes.drain(..end).collect())),
        }
    }
}

/// The declared length; a head without one has no body, and one with two cannot be trusted.
fn content_length(head: &[u8]) -> Result<usize, ()> {
    let mut declared = None;
    for line in head.split(|b| *b == b'\n').skip(1) {
        let Some(colon) = line.iter().position(|b| *b == b':') else { continue };
        let name = line[..colon].trim_ascii();
        if name.eq_ignore_ascii_case(b"content-length") || name.eq_ignore_ascii_case(b"l") {
            let value = std::str::from_utf8(line[colon + 1..].trim_ascii()).map_err(|_| ())?;
            if value.is_empty() || !value.bytes().all(|b| b.is_ascii_digit()) {
                return Err(());
            }
            if declared.replace(value.parse().map_err(|_| ())?).is_some() {
                return Err(());
            }
        }
    }
    Ok(declared.unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(length: &str, body: &str) -> String {
        format!("OPTIONS sip:x SIP/2.0\r\nContent-Length: {length}\r\n\r\n{body}")
    }

    #[test]
    fn messages_come_out_whole_however_they_arrive() {
        let wire = format!("\r\n\r\n{}\r\n{}", message("5", "12345"), message("0", ""));
        for size in [1, 2, 3, 7, 1000] {
            let (mut framer, mut out) = (Framer::default(), Vec::new());
            for chunk in wire.as_bytes().chunks(size) {
                framer.push(chunk);
                while let Some(frame) = framer.next() {
                    out.push(frame);
                }
            }
            let whole = |m: String| Frame::Message(m.into_bytes());
            assert_eq!(out, [Frame::Ping, whole(message("5", "12345")), whole(message("0", ""))], "chunks of {size}");
        }
    }

    #[test]
    fn a_length_that_cannot_be_trusted_ends_the_stream() {
        for length in ["-1", "abc", "99999999999999999999", "70000", "", "4\r\nl: 4"] {
            let mut framer = Framer::default();
            framer.push(message(length, "rest").as_bytes());
            assert!(matches!(framer.next(), Some(Frame::Last(_))), "{length:?}");
        }
        let mut endless = Framer::default();
        endless.push(&vec![b'x'; LARGEST + 1]);
        assert_eq!(endless.next(), Some(Frame::Broken));
    }
}
