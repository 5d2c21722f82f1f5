//! Keys in a description: `a=crypto` (SDES, RFC 4568), `a=fingerprint` (RFC 8122) and `a=setup` (RFC 4145).

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};

use crate::negotiated::{Fingerprint, SrtpSuite};

/// The suites of ours, the stronger first.
pub(super) const SUITES: [SrtpSuite; 2] = [SrtpSuite::AesCm128HmacSha1_80, SrtpSuite::AesCm128HmacSha1_32];

/// A master key of 16 bytes and a master salt of 14, from a random source.
#[derive(Clone, PartialEq, Eq)]
pub struct SrtpKey(pub [u8; 30]);

impl SrtpKey {
    pub(super) fn text(&self) -> String {
        STANDARD.encode(self.0)
    }
}

impl fmt::Debug for SrtpKey {
    /// A key never reaches a log.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SrtpKey(***)")
    }
}

/// One `a=crypto` line that can be used: a suite of ours, one key, no MKI, no parameter that changes the packets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Crypto {
    /// The tag an answer repeats.
    pub tag: u32,
    /// The suite.
    pub suite: SrtpSuite,
    /// The key of the end that wrote the line.
    pub key: SrtpKey,
}

impl Crypto {
    /// Reads what follows `a=crypto:`. `Ok(None)`: well formed, and not for us (RFC 4568 §5.1.2 has such lines passed over).
    pub(super) fn parse(value: &str) -> Result<Option<Self>, &'static str> {
        let mut words = value.split_ascii_whitespace();
        let tag = words.next().filter(|tag| tag.len() <= 9 && tag.bytes().all(|b| b.is_ascii_digit()));
        let tag = tag.and_then(|tag| tag.parse().ok()).ok_or("the tag of a=crypto is no number of 1 to 9 digits")?;
        let suite = words.next().ok_or("a=crypto names no suite")?;
        let keys = words.next().ok_or("a=crypto has no key")?;
        // A word that begins with `-` may be passed over; WSH is advice. Any other changes what is in the packets (§6.3).
        let understood = words.all(|word| word.starts_with('-') || word.starts_with("WSH="));
        let Some(suite) = SUITES.into_iter().find(|known| known.name() == suite) else { return Ok(None) };
        let Some(inline) = keys.strip_prefix("inline:") else { return Ok(None) };
        // More keys than one, and a key with an MKI, are told apart by an identifier in every packet, which we do not write.
        let mut parts = inline.split('|');
        let key = parts.next().unwrap_or_default();
        if keys.contains(';') || parts.any(|part| part.contains(':')) || !understood {
            return Ok(None);
        }
        let key = STANDARD.decode(key).or_else(|_| STANDARD_NO_PAD.decode(key));
        let key = key.map_err(|_| "the key of a=crypto is not base64")?;
        let key = <[u8; 30]>::try_from(key).map_err(|_| "the key of a=crypto has not 30 bytes")?;
        Ok(Some(Self { tag, suite, key: SrtpKey(key) }))
    }
}

impl Fingerprint {
    pub(super) fn parse(value: &str) -> Result<Self, &'static str> {
        let (hash, bytes) = value.split_once(' ').ok_or("a=fingerprint has no bytes")?;
        let bytes: Option<Vec<u8>> = bytes.trim().split(':').map(octet).collect();
        let bytes = bytes.filter(|bytes| (16..=64).contains(&bytes.len()));
        let bytes = bytes.ok_or("a=fingerprint is not made of 16 to 64 bytes like 4A:AD")?;
        Ok(Self { hash: hash.to_ascii_lowercase(), bytes })
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.hash)?;
        for (index, byte) in self.bytes.iter().enumerate() {
            write!(f, "{}{byte:02X}", if index == 0 { ' ' } else { ':' })?;
        }
        Ok(())
    }
}

fn octet(text: &str) -> Option<u8> {
    let digits = text.len() == 2 && text.bytes().all(|b| b.is_ascii_hexdigit());
    digits.then(|| u8::from_str_radix(text, 16).ok()).flatten()
}

/// Which end opens the DTLS handshake.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Setup {
    /// The writer opens it.
    Active,
    /// The writer waits.
    Passive,
    /// The writer leaves it to the other end.
    ActPass,
    /// Not yet.
    HoldConn,
}

impl Setup {
    pub(super) fn parse(word: &str) -> Option<Self> {
        match word {
            "active" => Some(Self::Active),
            "passive" => Some(Self::Passive),
            "actpass" => Some(Self::ActPass),
            "holdconn" => Some(Self::HoldConn),
            _ => None,
        }
    }
}
