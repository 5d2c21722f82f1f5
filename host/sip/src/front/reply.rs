//! The answer to a request that goes no further, written from what could be read of it.

use std::fmt::Write as _;
use std::net::{IpAddr, SocketAddr};

use super::grammar::{Address, Via, split_outside};
use super::message::{Message, Start};
use super::rules::Fault;

/// `None`: there is nothing to answer, or nobody to answer to.
pub(super) fn to(message: &Message, fault: &Fault, source: SocketAddr) -> Option<Vec<u8>> {
    let Fault::Answer { status, reason, headers } = fault else { return None };
    let Start::Request(line) = &message.start else { return None };
    if line.method.eq_ignore_ascii_case("ACK") {
        return None;
    }
    let mut vias = message.all("Via");
    let top = received(vias.next()?, source);
    // A String takes all that is written to it.
    let mut out = format!("SIP/2.0 {status} {reason}\r\nVia: {top}\r\n");
    for via in vias {
        let _ = write!(out, "Via: {via}\r\n");
    }
    if let Some(from) = message.one("From") {
        let _ = write!(out, "From: {from}\r\n");
    }
    if let Some(to) = message.one("To") {
        let tagged = Address::parse(to).is_ok_and(|to| to.parameter("tag").is_some());
        let tag = if tagged { String::new() } else { format!(";tag={:016x}", mark(message)) };
        let _ = write!(out, "To: {to}{tag}\r\n");
    }
    for name in ["Call-ID", "CSeq"] {
        if let Some(value) = message.one(name) {
            let _ = write!(out, "{name}: {value}\r\n");
        }
    }
    for (name, value) in headers {
        let _ = write!(out, "{name}: {value}\r\n");
    }
    out.push_str("Content-Length: 0\r\n\r\n");
    Some(out.into_bytes())
}

/// The first Via value with where the request really came from (RFC 3261 §18.2.1, RFC 3581 §4).
fn received(value: &str, source: SocketAddr) -> String {
    let all = split_outside(value, ',');
    let first = all.first().copied().unwrap_or_default();
    let Ok(via) = Via::parse(first.trim()) else { return value.to_owned() };
    let mut top: String = first.trim().to_owned();
    let host = via.sent_by.trim_start_matches('[').split(']').next().unwrap_or_default();
    let host = if via.sent_by.starts_with('[') { host } else { host.split(':').next().unwrap_or_default() };
    let rport = via.parameter("rport");
    if via.parameter("received").is_none() && (rport.is_some() || host.parse::<IpAddr>() != Ok(source.ip())) {
        let _ = write!(top, ";received={}", source.ip());
    }
    if rport == Some(None) {
        // An empty `rport` is filled in where it stands.
        let parts = top.split(';').map(|part| {
            let empty = part.trim().eq_ignore_ascii_case("rport");
            if empty { format!("rport={}", source.port()) } else { part.to_owned() }
        });
        top = parts.collect::<Vec<String>>().join(";");
    }
    for via in all.iter().skip(1) {
        let _ = write!(top, ", {}", via.trim());
    }
    top
}

/// The same request always draws the same tag, so that its repetition draws the same answer (FNV-1a).
fn mark(message: &Message) -> u64 {
    let parts = ["Call-ID", "CSeq", "From"].into_iter().filter_map(|name| message.one(name));
    parts
        .flat_map(str::bytes)
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3))
}
