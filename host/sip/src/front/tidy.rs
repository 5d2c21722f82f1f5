//! The plain form of a sound message: one line a header, long names, no blanks around the marks, the length of the body
//! written out and nothing after it. Most messages are in it already.

use super::grammar::{Address, Scan, two_colons};
use super::message::{Message, Start};

/// The tag under which a caller of RFC 2543's time, who sends none, is known here.
const OLD_TAG: &str = "rfc2543";

/// Writes the message.
pub(super) fn plain(message: &Message, body_length: usize) -> Vec<u8> {
    let mut out = match &message.start {
        Start::Request(line) => format!("{} {} SIP/2.0\r\n", line.method, request_uri(line.uri)),
        Start::Response { status, reason, .. } => format!("SIP/2.0 {} {reason}\r\n", status.unwrap_or_default()),
    };
    let mut measured = false;
    for field in &message.fields {
        let value = match field.name.to_ascii_lowercase().as_str() {
            "via" => two_colons(&tighten(&field.value, true)),
            "from" => with_tag(&name(&field.value)),
            "to" => name(&field.value),
            "contact" | "route" | "record-route" | "refer-to" | "referred-by" => {
                two_colons(&tighten(&field.value, false))
            }
            "cseq" | "session-expires" | "event" => tighten(&field.value, false),
            "content-type" => tighten(&field.value, true),
            "content-length" => {
                measured = true;
                body_length.to_string()
            }
            _ => field.value.clone(),
        };
        let separator = if value.is_empty() { ":" } else { ": " };
        out.push_str(&field.name);
        out.push_str(separator);
        out.push_str(&value);
        out.push_str("\r\n");
    }
    // Callers of that time are reached where From says (RFC 2543 §6.13).
    if let Start::Request(line) = &message.start
        && line.method == "INVITE"
        && message.one("Contact").is_none()
        && let Some(Ok(from)) = message.one("From").map(Address::parse)
        && from.parameter("tag").is_none()
    {
        out.push_str(&format!("Contact: <{}>\r\n", two_colons(from.uri)));
    }
    if !measured {
        out.push_str(&format!("Content-Length: {body_length}\r\n"));
    }
    out.push_str("\r\n");
    let mut out = out.into_bytes();
    out.extend_from_slice(message.body.get(..body_length).unwrap_or(message.body));
    out
}

/// A user part may hold semicolons and question marks (RFC 3261 §25.1), which the parser takes for the end of it.
fn request_uri(uri: &str) -> String {
    let Some((user, rest)) = uri.rsplit_once('@') else { return two_colons(uri) };
    format!("{}@{}", user.replace(';', "%3B").replace('?', "%3F"), two_colons(rest))
}

/// An address whose display name is in quotes wherever it is more than plain words.
fn name(value: &str) -> String {
    let value = two_colons(value);
    let Ok(address) = Address::parse(&value) else { return value };
    let word = |c: char| c.is_ascii_alphanumeric() || " -.!%*_+`'~".contains(c);
    if address.quoted || address.display.chars().all(word) {
        return tighten(&value, false);
    }
    let display = address.display.replace('\\', "\\\\");
    let rest = value.find('<').and_then(|at| value.get(at..)).unwrap_or_default();
    format!("\"{display}\" {}", tighten(rest, false))
}

fn with_tag(from: &str) -> String {
    match Address::parse(from) {
        Ok(address) if address.parameter("tag").is_none() => format!("{from};tag={OLD_TAG}"),
        _ => from.to_owned(),
    }
}

/// Takes the blanks away from around `;`, `=`, `,` (and `/`), outside of quotes and brackets; others become one space.
fn tighten(value: &str, slash: bool) -> String {
    let mut out = String::with_capacity(value.len());
    let (mut scan, mut blank, mut glued) = (Scan::default(), false, true);
    for c in value.chars() {
        let outside = scan.outside(c);
        if outside && matches!(c, ' ' | '\t') {
            blank = true;
            continue;
        }
        let mark = outside && (matches!(c, ';' | '=' | ',') || (slash && c == '/'));
        if blank && !mark && !glued {
            out.push(' ');
        }
        out.push(c);
        (blank, glued) = (false, mark);
    }
    out
}
