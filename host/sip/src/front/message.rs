//! Takes a message apart: start line, header fields, body. Lenient on purpose: what is wrong is noted, so that an answer
//! can still be written from the rest.

use super::grammar::{is_token, is_token_byte};

/// Larger header sections and more fields than these are nobody's.
const MOST_HEAD: usize = 32 * 1024;
const MOST_FIELDS: usize = 256;

/// A message in parts.
#[derive(Debug)]
pub(super) struct Message<'a> {
    pub start: Start<'a>,
    pub fields: Vec<Field>,
    /// Everything after the empty line; more than the message's own body in a datagram that carries more.
    pub body: &'a [u8],
    /// The first thing that is wrong with the lines themselves.
    pub fault: Option<&'static str>,
}

/// The first line.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Start<'a> {
    Request(RequestLine<'a>),
    Response {
        /// The status, where it is three digits.
        status: Option<u16>,
        reason: String,
        version: Version,
    },
}

#[derive(Debug, PartialEq, Eq)]
pub(super) struct RequestLine<'a> {
    pub method: &'a str,
    pub uri: &'a str,
    pub version: Version,
    /// One space between the words and none after them.
    pub well_formed: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Version {
    Two,
    Other,
}

/// One header field, unfolded, under its long name.
#[derive(Debug)]
pub(super) struct Field {
    pub name: String,
    pub value: String,
}

impl<'a> Message<'a> {
    /// `None`: this is no SIP at all.
    pub(super) fn split(bytes: &'a [u8]) -> Option<Self> {
        // Empty lines may come before the first (RFC 3261 §7.5).
        let blank = bytes.iter().take_while(|b| matches!(b, b'\r' | b'\n')).count();
        let bytes = bytes.get(blank..)?;
        let (head, body) = match bytes.windows(4).position(|w| w == b"\r\n\r\n") {
            Some(end) => (bytes.get(..end)?, bytes.get(end + 4..)?),
            // A datagram that ends with its headers; the empty line is missing.
            None => (bytes.strip_suffix(b"\r\n").unwrap_or(bytes), &[][..]),
        };
        let mut fault = None;
        let head = if head.len() > MOST_HEAD {
            fault = Some("Header Section Too Long");
            head.get(..MOST_HEAD)?
        } else {
            head
        };
        let mut lines = split_lines(head);
        let start = start_line(lines.next()?)?;
        let mut fields: Vec<Field> = Vec::new();
        for line in lines {
            if line.iter().any(|b| matches!(b, b'\r' | b'\n')) {
                fault = fault.or(Some("Line Break That Is Not CRLF"));
            }
            // What is no UTF-8 (names in old code pages) becomes one mark each; control characters become spaces.
            let text: String =
                String::from_utf8_lossy(line).chars().map(|c| if is_break(c) { ' ' } else { c }).collect();
            if text.starts_with([' ', '\t']) {
                match fields.last_mut() {
                    Some(field) => {
                        field.value.push(' ');
                        field.value.push_str(text.trim());
                    }
                    None => fault = fault.or(Some("Folded Line Before Any Header")),
                }
                continue;
            }
            if fields.len() == MOST_FIELDS {
                fault = fault.or(Some("Too Many Headers"));
                break;
            }
            match text.split_once(':') {
                Some((name, value)) if is_token(name.trim_end_matches([' ', '\t'])) => {
                    let name = long_name(name.trim_end_matches([' ', '\t'])).to_owned();
                    fields.push(Field { name, value: value.trim().to_owned() });
                }
                _ => fault = fault.or(Some("Malformed Header")),
            }
        }
        for field in &mut fields {
            if field.value.len() != field.value.trim().len() {
                field.value = field.value.trim().to_owned();
            }
        }
        Some(Self { start, fields, body, fault })
    }

    /// The values of a header, in order.
    pub(super) fn all<'m>(&'m self, name: &'m str) -> impl Iterator<Item = &'m str> + 'm {
        self.fields.iter().filter(move |f| f.name.eq_ignore_ascii_case(name)).map(|f| f.value.as_str())
    }

    /// The first value of a header.
    pub(super) fn one(&self, name: &str) -> Option<&str> {
        self.fields.iter().find(|f| f.name.eq_ignore_ascii_case(name)).map(|f| f.value.as_str())
    }
}

fn split_lines(head: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = Some(head);
    std::iter::from_fn(move || {
        let bytes = rest?;
        match bytes.windows(2).position(|w| w == b"\r\n") {
            Some(end) => {
                rest = bytes.get(end + 2..);
                bytes.get(..end)
            }
            None => {
                rest = None;
                Some(bytes)
            }
        }
    })
}

fn is_break(c: char) -> bool {
    c.is_ascii_control() && c != '\t'
}

fn start_line(line: &[u8]) -> Option<Start<'_>> {
    if line.get(..4).is_some_and(|head| head.eq_ignore_ascii_case(b"SIP/")) {
        let text = String::from_utf8_lossy(line);
        let mut words = text.splitn(3, ' ');
        let version = version(words.next()?)?;
        let status = words.next().filter(|s| s.len() == 3 && s.bytes().all(|b| b.is_ascii_digit()));
        let reason = words.next().unwrap_or_default().chars().map(|c| if is_break(c) { ' ' } else { c }).collect();
        return Some(Start::Response { status: status.and_then(|s| s.parse().ok()), reason, version });
    }
    let text = std::str::from_utf8(line).ok()?;
    let trimmed = text.trim_end_matches([' ', '\t']);
    let (rest, last) = trimmed.rsplit_once([' ', '\t'])?;
    let version = version(last)?;
    let (method, uri) = rest.split_once([' ', '\t'])?;
    let uri_alone = uri.trim_matches([' ', '\t']);
    let clean = uri.bytes().all(|b| b.is_ascii_graphic()) && method.bytes().all(is_token_byte) && !method.is_empty();
    let well_formed = clean && trimmed == text && uri_alone == uri && !text.contains('\t');
    Some(Start::Request(RequestLine { method, uri: uri_alone, version, well_formed }))
}

/// `None`: not SIP's way of writing a version.
fn version(word: &str) -> Option<Version> {
    let (name, number) = word.split_at_checked(4)?;
    if !name.eq_ignore_ascii_case("SIP/") {
        return None;
    }
    let (major, minor) = number.split_once('.')?;
    let digits = |s: &str| !s.is_empty() && s.len() < 4 && s.bytes().all(|b| b.is_ascii_digit());
    (digits(major) && digits(minor)).then_some(if number == "2.0" { Version::Two } else { Version::Other })
}

/// The long name of a compact form (RFC 3261 §7.3.3 and the registry it founded).
fn long_name(name: &str) -> &str {
    let &[letter] = name.as_bytes() else { return name };
    match letter.to_ascii_lowercase() {
        b'b' => "Referred-By",
        b'c' => "Content-Type",
        b'e' => "Content-Encoding",
        b'f' => "From",
        b'i' => "Call-ID",
        b'k' => "Supported",
        b'l' => "Content-Length",
        b'm' => "Contact",
        b'o' => "Event",
        b'r' => "Refer-To",
        b's' => "Subject",
        b't' => "To",
        b'u' => "Allow-Events",
        b'v' => "Via",
        b'x' => "Session-Expires",
        _ => name,
    }
}
