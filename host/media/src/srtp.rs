//! Encrypted packets (RFC 3711): AES in counter mode, HMAC-SHA1, keys from the signalling (RFC 4568).
//!
//! Packets are protected and unprotected in place. What does not authenticate, or was seen before, is nothing at all.

mod keys;
mod window;

use aes::Aes128;
use aes::cipher::{InnerIvInit as _, StreamCipher as _};
use ctr::{Ctr128BE, CtrCore};
use hmac::{Hmac, Mac as _};
use sha1::Sha1;

use crate::rtp::{self, be32};
use crate::{MediaError, SrtpKeys, SrtpSuite};
use keys::Session;
use window::Window;

/// Both directions of one call.
pub struct Srtp {
    keys: SrtpKeys,
    send: Session,
    receive: Session,
    tag: usize,
    /// Of ours: rounds of the sequence number, and the last one.
    sent: Option<(u32, u16)>,
    sent_reports: u32,
    sources: Vec<Source>,
}

/// One sender of the other side's.
struct Source {
    ssrc: u32,
    /// Packet index: rounds of the sequence number above the number itself.
    packets: Window,
    reports: Window,
}

/// Bytes of the tag on RTCP, in either suite.
const REPORT_TAG: usize = 10;
/// Of an RTCP packet, what stays in the clear.
const REPORT_CLEAR: usize = 8;
/// Says that an RTCP packet is encrypted; the rest of the word is its index.
const ENCRYPTED: u32 = 0x8000_0000;
/// Senders remembered. A call has one; a conference bridge may change them.
const SOURCES: usize = 8;

impl Srtp {
    /// From the keys that were agreed.
    pub fn new(keys: &SrtpKeys) -> Result<Srtp, MediaError> {
        let session = |key: &[u8]| {
            let wrong =
                || MediaError::KeyLength { suite: keys.suite.name(), bytes: key.len(), wanted: keys.suite.key_bytes() };
            Ok(Session::derive(key.try_into().map_err(|_| wrong())?))
        };
        Ok(Srtp {
            send: session(&keys.send)?,
            receive: session(&keys.receive)?,
            tag: match keys.suite {
                SrtpSuite::AesCm128HmacSha1_80 => 10,
                SrtpSuite::AesCm128HmacSha1_32 => 4,
            },
            keys: keys.clone(),
            sent: None,
            sent_reports: 0,
            sources: Vec::new(),
        })
    }

    /// Are these the keys in use? Then the counters must go on: the same key stream twice would uncover both.
    pub fn uses(&self, keys: &SrtpKeys) -> bool {
        self.keys == *keys
    }

    /// Encrypts an RTP packet of ours and appends its tag.
    pub fn protect(&mut self, packet: &mut Vec<u8>) {
        let Some(header) = rtp::header_bytes(packet) else { return };
        let sequence = u16::from_be_bytes([packet[2], packet[3]]);
        let rounds = match self.sent {
            Some((rounds, last)) if sequence < last && last - sequence > 0x8000 => rounds.wrapping_add(1),
            Some((rounds, _)) => rounds,
            None => 0,
        };
        self.sent = Some((rounds, sequence));
        let index = u64::from(rounds) << 16 | u64::from(sequence);
        let ssrc = be32(packet, 8);
        keystream(&self.send.rtp.cipher, &self.send.rtp.salt, ssrc, index, &mut packet[header..]);
        let tag = authenticate(&self.send.rtp.mac, packet, &rounds.to_be_bytes());
        packet.extend_from_slice(&tag[..self.tag]);
    }

    /// Checks and decrypts an RTP packet; gives its length without the tag. Nothing where it is not to be believed.
    pub fn unprotect(&mut self, packet: &mut [u8]) -> Option<usize> {
        let header = rtp::header_bytes(packet)?;
        let length = packet.len().checked_sub(self.tag).filter(|&length| length >= header)?;
        let sequence = u16::from_be_bytes([packet[2], packet[3]]);
        let ssrc = be32(packet, 8);
        let known = self.sources.iter().position(|source| source.ssrc == ssrc);
        let index = known.map_or(u64::from(sequence), |at| self.sources[at].packets.index_of(sequence));
        if known.is_some_and(|at| !self.sources[at].packets.is_new(index)) {
            return None;
        }
        let rounds = (index >> 16) as u32;
        let tag = authenticate(&self.receive.rtp.mac, &packet[..length], &rounds.to_be_bytes());
        if !same(&tag[..self.tag], &packet[length..]) {
            return None;
        }
        self.source(ssrc).packets.take(index);
        keystream(&self.receive.rtp.cipher, &self.receive.rtp.salt, ssrc, index, &mut packet[header..length]);
        Some(length)
    }

    /// Encrypts a compound of ours and appends index and tag.
    pub fn protect_report(&mut self, packet: &mut Vec<u8>) {
        if packet.len() < REPORT_CLEAR {
            return;
        }
        let index = self.sent_reports & !ENCRYPTED;
        self.sent_reports = self.sent_reports.wrapping_add(1);
        let ssrc = be32(packet, 4);
        let keys = &self.send.rtcp;
        keystream(&keys.cipher, &keys.salt, ssrc, u64::from(index), &mut packet[REPORT_CLEAR..]);
        packet.extend_from_slice(&(ENCRYPTED | index).to_be_bytes());
        let tag = authenticate(&keys.mac, packet, &[]);
        packet.extend_from_slice(&tag[..REPORT_TAG]);
    }

    /// Checks and decrypts a compound; gives its length without index and tag.
    pub fn unprotect_report(&mut self, packet: &mut [u8]) -> Option<usize> {
        let authenticated = packet.len().checked_sub(REPORT_TAG)?;
        let length = authenticated.checked_sub(4).filter(|&length| length >= REPORT_CLEAR)?;
        let word = be32(packet, length);
        let (index, ssrc) = (u64::from(word & !ENCRYPTED), be32(packet, 4));
        let known = self.sources.iter().find(|source| source.ssrc == ssrc);
        if known.is_some_and(|source| !source.reports.is_new(index)) {
            return None;
        }
        let tag = authenticate(&self.receive.rtcp.mac, &packet[..authenticated], &[]);
        if !same(&tag[..REPORT_TAG], &packet[authenticated..]) {
            return None;
        }
        self.source(ssrc).reports.take(index);
        if word & ENCRYPTED != 0 {
            let keys = &self.receive.rtcp;
            keystream(&keys.cipher, &keys.salt, ssrc, index, &mut packet[REPORT_CLEAR..length]);
        }
        Some(length)
    }

    /// The record of a sender that has just authenticated; the one heard longest ago makes room.
    fn source(&mut self, ssrc: u32) -> &mut Source {
        let known = self.sources.iter().position(|source| source.ssrc == ssrc);
        let source = match known {
            Some(at) => self.sources.remove(at),
            None => {
                if self.sources.len() == SOURCES {
                    self.sources.remove(0);
                }
                Source { ssrc, packets: Window::default(), reports: Window::default() }
            }
        };
        let at = self.sources.len();
        self.sources.push(source);
        &mut self.sources[at]
    }
}

/// RFC 3711, 4.1.1: counter blocks begin at (salt · 2^16) xor (SSRC · 2^64) xor (index · 2^16).
fn keystream(cipher: &Aes128, salt: &[u8; 14], ssrc: u32, index: u64, data: &mut [u8]) {
    let mut iv = [0; 16];
    iv[..14].copy_from_slice(salt);
    for (at, byte) in ssrc.to_be_bytes().into_iter().enumerate() {
        iv[4 + at] ^= byte;
    }
    for (at, byte) in index.to_be_bytes()[2..].iter().enumerate() {
        iv[8 + at] ^= byte;
    }
    Ctr128BE::from_core(CtrCore::inner_iv_init(cipher.clone(), &iv.into())).apply_keystream(data);
}

fn authenticate(mac: &Hmac<Sha1>, packet: &[u8], rounds: &[u8]) -> [u8; 20] {
    let mut mac = mac.clone();
    mac.update(packet);
    mac.update(rounds);
    mac.finalize().into_bytes().into()
}

/// Are two tags the same? Takes as long whether they are or not.
fn same(a: &[u8], b: &[u8]) -> bool {
    a.len() == b.len() && a.iter().zip(b).fold(0, |differing, (a, b)| differing | (a ^ b)) == 0
}

#[cfg(test)]
mod tests;
