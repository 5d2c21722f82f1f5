//! What comes from the network, one datagram at a time.

use std::net::SocketAddr;
use std::time::Duration;

use super::{Source, Stream};
use crate::latch::Seen;
use crate::playout::{Arrived, Sound};
use crate::reception::Reception;
use crate::rtp::{self, Packet};
use crate::{Codec, rtcp};

/// A sender that has been silent for so long may be followed by another at once.
const SILENT: Duration = Duration::from_millis(60);
/// Packets in a row by which another sender takes over from one that is still heard.
const TAKE_OVER: u32 = 3;

/// What a payload type means.
enum Meaning {
    Sound(Codec),
    Comfort,
    Keys,
}

impl Stream {
    /// Takes a datagram from the socket of RTP. It is decrypted in place.
    pub fn take(&mut self, datagram: &mut [u8], source: SocketAddr, at: Duration) {
        let Some(agreed) = &self.agreed else { return };
        if rtp::is_rtcp(datagram) {
            return self.take_report(datagram, source, at);
        }
        // Keys by DTLS are not to be had: what is not decrypted is not heard.
        if agreed.dtls.is_some() {
            return;
        }
        let length = match &mut self.srtp {
            Some(srtp) => match srtp.unprotect(datagram) {
                Some(length) => length,
                None => return,
            },
            None => datagram.len(),
        };
        let Some(packet) = rtp::parse(&datagram[..length]) else { return };
        let Some(meaning) = self.meaning(packet.payload_type) else { return };
        let seen = Seen { source, ssrc: packet.ssrc, sequence: packet.sequence, at, authentic: self.srtp.is_some() };
        if !self.latch.take(seen) {
            return;
        }
        // Keys count whoever sends them: some gateways, and sipp, press them under a number of their own.
        let keys = matches!(meaning, Meaning::Keys);
        if !keys && !self.follow(&packet, at) {
            return;
        }
        self.alive = self.alive.max(at);
        let clock = match meaning {
            Meaning::Sound(codec) => codec.clock(),
            Meaning::Comfort | Meaning::Keys => Codec::Pcma.clock(),
        };
        if let Some(source) = &mut self.source
            && source.reception.ssrc() == packet.ssrc
        {
            let sound = matches!(meaning, Meaning::Sound(_));
            source.reception.packet(packet.sequence, packet.timestamp, clock, sound, at);
            source.last = at;
        }
        let sound = match meaning {
            Meaning::Sound(codec) => Sound::Coded(codec),
            Meaning::Comfort => Sound::Comfort,
            Meaning::Keys => {
                self.keys.event(&packet, at);
                self.playout.hush();
                return;
            }
        };
        let Packet { sequence, timestamp, payload, .. } = packet;
        self.playout.insert(Arrived { sequence, timestamp, sound, payload, at });
    }

    /// Takes a datagram from the socket of RTCP.
    pub fn take_report(&mut self, datagram: &mut [u8], source: SocketAddr, at: Duration) {
        let Some(agreed) = &self.agreed else { return };
        let homes = [Some(agreed.remote), Some(agreed.rtcp), self.latch.locked()];
        let home = homes.into_iter().flatten().any(|home| home.ip() == source.ip());
        if agreed.dtls.is_some() || !(home || self.srtp.is_some()) {
            return;
        }
        let mux = agreed.rtcp_mux;
        let length = match &mut self.srtp {
            Some(srtp) => match srtp.unprotect_report(datagram) {
                Some(length) => length,
                None => return,
            },
            None => datagram.len(),
        };
        let Some(packets) = rtcp::parse(&datagram[..length]) else { return };
        self.alive = self.alive.max(at);
        if !mux {
            self.rtcp_from = Some(source);
        }
        for packet in &packets {
            self.reports.take(packet, self.sender.ssrc(), at);
        }
    }

    fn meaning(&self, number: u8) -> Option<Meaning> {
        let agreed = self.agreed.as_ref()?;
        if agreed.dtmf_receives.or(agreed.dtmf) == Some(number) {
            return Some(Meaning::Keys);
        }
        if let Some((_, codec)) = agreed.receive.iter().find(|(known, _)| *known == number) {
            return Some(Meaning::Sound(*codec));
        }
        match number {
            // Fixed numbers mean what they mean, agreed upon or not.
            13 => Some(Meaning::Comfort),
            _ if agreed.comfort_noise == Some(number) => Some(Meaning::Comfort),
            _ => [Codec::Pcmu, Codec::Pcma, Codec::G722]
                .into_iter()
                .find(|codec| codec.static_payload_type() == Some(number))
                .map(Meaning::Sound),
        }
    }

    /// Is this packet's sender the one that is heard? Another one is followed when the old one is silent, or has been
    /// replaced: a PBX changes senders in the middle of a call.
    fn follow(&mut self, packet: &Packet<'_>, at: Duration) -> bool {
        if let Some(source) = &mut self.source {
            if source.reception.ssrc() == packet.ssrc {
                source.rival = None;
                return true;
            }
            let packets = match source.rival {
                Some((rival, packets)) if rival == packet.ssrc => packets + 1,
                _ => 1,
            };
            source.rival = Some((packet.ssrc, packets));
            if at < source.last + SILENT && packets < TAKE_OVER {
                return false;
            }
            let counts = source.counts();
            self.past.received += counts.received;
            self.past.expected += counts.expected;
            self.playout.restart();
        }
        let clock = self.agreed.as_ref().map_or(8_000, |agreed| agreed.codec.clock());
        let reception = Reception::new(packet.ssrc, clock, packet.sequence);
        self.source = Some(Source { reception, last: at, rival: None });
        true
    }
}
