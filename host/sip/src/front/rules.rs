//! What is wrong with a message, and the status that is answered.

use super::Transport;
use super::grammar::{Address, Via, Wrong, check_uri, is_token, scheme, split_outside};
use super::message::{Message, RequestLine, Start, Version};
use crate::message::{ALLOW, SUPPORTED};
use crate::replaces::Replaces;

/// Longer addresses in a request line are nobody's number.
const MOST_URI: usize = 2_048;
/// Methods of SIP's that are known and not served.
const KNOWN: [&str; 3] = ["MESSAGE", "PUBLISH", "SUBSCRIBE"];
/// Headers that may stand once only, and whose second copy could be read in place of the first.
const SINGLE: [&str; 12] = [
    "Call-ID",
    "CSeq",
    "From",
    "To",
    "Max-Forwards",
    "Content-Length",
    "Content-Type",
    "Expires",
    "RAck",
    "Refer-To",
    "Replaces",
    "Session-Expires",
];
const SDP: &str = "application/sdp";

/// What is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Fault {
    /// To be answered (unless it is an ACK), with headers that say more.
    Answer { status: u16, reason: &'static str, headers: Vec<(&'static str, String)> },
    /// To be passed over in silence: responses, and what only looks like SIP.
    Silent,
}

impl From<Wrong> for Fault {
    fn from(reason: Wrong) -> Self {
        answer(400, reason)
    }
}

fn answer(status: u16, reason: &'static str) -> Fault {
    Fault::Answer { status, reason, headers: Vec::new() }
}

fn answer_with(status: u16, reason: &'static str, name: &'static str, value: String) -> Fault {
    Fault::Answer { status, reason, headers: vec![(name, value)] }
}

/// The length of the body, or what is wrong.
pub(super) fn judge(message: &Message, transport: Transport) -> Result<usize, Fault> {
    match &message.start {
        Start::Request(line) => request(message, line, transport),
        Start::Response { status, version, .. } => {
            let sound = *version == Version::Two && status.is_some_and(|s| (100..700).contains(&s));
            if sound { response(message, transport).map_err(|_| Fault::Silent) } else { Err(Fault::Silent) }
        }
    }
}

fn request(message: &Message, line: &RequestLine, transport: Transport) -> Result<usize, Fault> {
    if line.version != Version::Two {
        return Err(answer(505, "Version Not Supported"));
    }
    if !line.well_formed {
        return Err("Malformed Request-Line".into());
    }
    if line.uri.len() > MOST_URI {
        return Err(answer(414, "Request-URI Too Long"));
    }
    check_uri(line.uri)?;
    let length = frame(message, transport)?;
    if cseq(message)? != line.method {
        return Err("CSeq Does Not Match the Method".into());
    }
    let scheme = scheme(line.uri).unwrap_or_default();
    if !matches!(scheme.as_str(), "sip" | "sips" | "tel") {
        return Err(answer(416, "Unsupported URI Scheme"));
    }
    // Headers inside an address are for web pages; in a request line they are forbidden (RFC 3261 §19.1.1).
    let after_user = line.uri.rsplit_once('@').map_or(line.uri, |(_, rest)| rest);
    if after_user.contains('?') {
        return Err("Headers in the Request-URI".into());
    }
    contacts(message, line.method)?;
    for number in message.all("Max-Forwards") {
        let sound = number.bytes().all(|b| b.is_ascii_digit()) && number.parse::<u16>().is_ok_and(|n| n < 256);
        if !sound {
            return Err("Malformed Max-Forwards".into());
        }
    }
    method(line.method)?;
    extensions(message, line.method)?;
    replaces(message, line.method)?;
    body(message, line.method, length)?;
    Ok(length)
}

/// What requests and responses have to have in common; gives the length of the body.
fn frame(message: &Message, transport: Transport) -> Result<usize, Fault> {
    if let Some(fault) = message.fault {
        return Err(fault.into());
    }
    if SINGLE.into_iter().any(|name| message.all(name).nth(1).is_some()) {
        return Err("A Single Header Occurs Twice".into());
    }
    for (name, missing) in [
        ("Via", "Missing Via"),
        ("From", "Missing From"),
        ("To", "Missing To"),
        ("Call-ID", "Missing Call-ID"),
        ("CSeq", "Missing CSeq"),
    ] {
        if message.one(name).is_none_or(str::is_empty) {
            return Err(missing.into());
        }
    }
    for value in message.all("Via") {
        for via in split_outside(value, ',') {
            let via = Via::parse(via.trim())?;
            // The mark of a branch that is unique, and nothing unique behind it.
            if via.parameter("branch").flatten() == Some("z9hG4bK") {
                return Err("Branch Names No Transaction".into());
            }
        }
    }
    for name in ["From", "To"] {
        let Some(value) = message.one(name) else { continue };
        let tag =
            |(name, value): &(&str, Option<&str>)| name.eq_ignore_ascii_case("tag") && value.is_none_or(str::is_empty);
        if Address::parse(value)?.parameters.iter().any(tag) {
            return Err("Empty Tag".into());
        }
    }
    if message.one("Call-ID").is_some_and(|id| id.contains([' ', '\t'])) {
        return Err("Malformed Call-ID".into());
    }
    length(message, transport)
}

fn length(message: &Message, transport: Transport) -> Result<usize, Fault> {
    let here = message.body.len();
    let Some(written) = message.one("Content-Length") else {
        return if transport == Transport::Udp { Ok(here) } else { Err("Missing Content-Length".into()) };
    };
    let digits = !written.is_empty() && written.bytes().all(|b| b.is_ascii_digit());
    match written.parse::<usize>() {
        Ok(length) if digits && length <= here => Ok(length),
        Ok(_) if digits => Err("Content-Length Is Longer Than the Message".into()),
        _ => Err("Malformed Content-Length".into()),
    }
}

/// The method in CSeq. The number is below 2^31 (RFC 3261 §8.1.1.5).
fn cseq<'m>(message: &'m Message) -> Result<&'m str, Fault> {
    let mut words = message.one("CSeq").unwrap_or_default().split_ascii_whitespace();
    let number = words.next().filter(|n| n.bytes().all(|b| b.is_ascii_digit()) && n.len() <= 20);
    let sound = number.and_then(|n| n.parse::<u64>().ok()).is_some_and(|n| n < 1 << 31);
    match (sound, words.next(), words.next()) {
        (true, Some(method), None) if is_token(method) => Ok(method),
        _ => Err("Malformed CSeq".into()),
    }
}

fn contacts(message: &Message, method: &str) -> Result<(), Fault> {
    let mut count = 0;
    for value in message.all("Contact") {
        for contact in split_outside(value, ',') {
            count += 1;
            if contact.trim() != "*" {
                Address::parse(contact)?;
            }
        }
    }
    if count > 1 && method == "INVITE" {
        return Err("More Than One Contact".into());
    }
    if method == "REGISTER" {
        let to = Address::parse(message.one("To").unwrap_or_default())?;
        if !matches!(scheme(to.uri).as_deref(), Some("sip" | "sips" | "tel")) {
            return Err("Nobody Can Be Registered Under That Scheme".into());
        }
    }
    if let Some(target) = message.one("Refer-To") {
        Address::parse(target)?;
    }
    Ok(())
}

/// Method names mean case (RFC 3261 §7.1): `invite` is an unknown one.
fn method(name: &str) -> Result<(), Fault> {
    if ALLOW.split(", ").any(|allowed| allowed == name) {
        return Ok(());
    }
    let (status, reason) = if KNOWN.contains(&name) { (405, "Method Not Allowed") } else { (501, "Not Implemented") };
    Err(answer_with(status, reason, "Allow", ALLOW.to_owned()))
}

fn extensions(message: &Message, method: &str) -> Result<(), Fault> {
    // ACK and CANCEL are to be understood whatever they require (RFC 3261 §8.2.2.3).
    if matches!(method, "ACK" | "CANCEL") {
        return Ok(());
    }
    let required =
        message.all("Require").flat_map(|value| value.split(',')).map(str::trim).filter(|tag| !tag.is_empty());
    let unknown: Vec<&str> =
        required.filter(|tag| !SUPPORTED.iter().any(|known| known.eq_ignore_ascii_case(tag))).collect();
    if unknown.iter().any(|tag| !is_token(tag)) {
        return Err("Malformed Require".into());
    }
    if unknown.is_empty() { Ok(()) } else { Err(answer_with(420, "Bad Extension", "Unsupported", unknown.join(", "))) }
}

/// What may name a call that is to be replaced, and how (RFC 3891 §3).
fn replaces(message: &Message, method: &str) -> Result<(), Fault> {
    let Some(named) = message.one("Replaces") else { return Ok(()) };
    if method != "INVITE" {
        return Err("Replaces Outside of INVITE".into());
    }
    if message.one("Join").is_some() {
        return Err("Replaces Contradicts Join".into());
    }
    if Replaces::parse(named).is_none() {
        return Err("Malformed Replaces".into());
    }
    Ok(())
}

/// Session descriptions are the only bodies that INVITE, UPDATE and PRACK may bring here.
fn body(message: &Message, method: &str, length: usize) -> Result<(), Fault> {
    if !matches!(method, "INVITE" | "UPDATE" | "PRACK") {
        return Ok(());
    }
    if method == "INVITE" {
        let mut accepts = message.all("Accept").peekable();
        let named =
            |value: &str, kind: &str| value.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case(kind);
        let takes = |value: &str| [SDP, "application/*", "*/*"].iter().any(|kind| named(value, kind));
        if accepts.peek().is_some() && !accepts.flat_map(|value| value.split(',')).any(takes) {
            return Err(answer(406, "Not Acceptable: Sessions Are Described in SDP"));
        }
    }
    if length == 0 {
        return Ok(());
    }
    let kind = message.one("Content-Type").ok_or("Body Without Content-Type")?;
    let kind = kind.split(';').next().unwrap_or_default().trim();
    let family = kind.split_once('/').map_or("", |(family, _)| family.trim());
    if !kind.eq_ignore_ascii_case(SDP) && !family.eq_ignore_ascii_case("multipart") {
        return Err(answer_with(415, "Unsupported Media Type", "Accept", SDP.to_owned()));
    }
    let plain = |coding: &str| coding.trim().is_empty() || coding.trim().eq_ignore_ascii_case("identity");
    if !message.all("Content-Encoding").flat_map(|value| value.split(',')).all(plain) {
        return Err(answer_with(415, "Unsupported Content Encoding", "Accept-Encoding", "identity".to_owned()));
    }
    Ok(())
}

/// A response belongs to a request of ours, or to nobody.
fn response(message: &Message, transport: Transport) -> Result<usize, Fault> {
    let length = frame(message, transport)?;
    cseq(message)?;
    // We add the only Via a response to us can have (RFC 3261 §8.1.3.3).
    let vias: usize = message.all("Via").map(|value| split_outside(value, ',').len()).sum();
    if vias == 1 { Ok(length) } else { Err(Fault::Silent) }
}
