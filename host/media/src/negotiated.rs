//! What two ends agreed upon: the only thing the sound needs to know of the signalling.

use std::fmt;
use std::net::SocketAddr;

/// What an offer and its answer came to.
#[derive(Debug, Clone, PartialEq)]
pub struct Negotiated {
    /// What we send, and what we expect to receive.
    pub codec: Codec,
    /// Its number in the packets we send: the other side's choice.
    pub payload_type: u8,
    /// What may be received, by number; the sender may change between them at any packet. Holds at least the codec above.
    pub receive: Vec<(u8, Codec)>,
    /// Number of the telephone events (RFC 4733) we send and receive; none when keys do not travel so.
    pub dtmf: Option<u8>,
    /// Clock of those events, usually 8,000.
    pub dtmf_clock: u32,
    /// Number of comfort noise (RFC 3389), where it was agreed.
    pub comfort_noise: Option<u8>,
    /// Where the other side wants its sound.
    pub remote: SocketAddr,
    /// Where it wants RTCP: the next port, what its SDP names (RFC 3605), or the same as `remote` with `rtcp_mux`.
    pub rtcp: SocketAddr,
    /// RTP and RTCP share a port (RFC 5761).
    pub rtcp_mux: bool,
    /// What we may do.
    pub direction: Direction,
    /// How much sound a packet of ours carries, milliseconds: 10 to 60.
    pub ptime_ms: u32,
    /// Keys, where the packets are encrypted.
    pub srtp: Option<SrtpKeys>,
}

/// How sound is written into packets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Codec {
    /// G.711 A-law.
    Pcma,
    /// G.711 µ-law.
    Pcmu,
    /// G.722, 16 kHz; its RTP clock says 8,000 by an old mistake (RFC 3551, 4.5.2).
    G722,
    /// Opus (RFC 7587).
    Opus,
}

impl Codec {
    /// Its name in SDP.
    pub fn name(self) -> &'static str {
        match self {
            Codec::Pcma => "PCMA",
            Codec::Pcmu => "PCMU",
            Codec::G722 => "G722",
            Codec::Opus => "opus",
        }
    }

    /// Ticks of its RTP clock a second.
    pub fn clock(self) -> u32 {
        match self {
            Codec::Pcma | Codec::Pcmu | Codec::G722 => 8_000,
            Codec::Opus => 48_000,
        }
    }

    /// Its fixed number (RFC 3551), where it has one.
    pub fn static_payload_type(self) -> Option<u8> {
        match self {
            Codec::Pcmu => Some(0),
            Codec::Pcma => Some(8),
            Codec::G722 => Some(9),
            Codec::Opus => None,
        }
    }
}

/// Which way sound may go, seen from us.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Direction {
    /// Both ways.
    #[default]
    SendRecv,
    /// We may only speak: the other side listens, or we put it on hold.
    SendOnly,
    /// We may only listen: the other side put us on hold and plays its music.
    RecvOnly,
    /// Neither.
    Inactive,
}

impl Direction {
    /// May we send?
    pub fn sends(self) -> bool {
        matches!(self, Direction::SendRecv | Direction::SendOnly)
    }

    /// Is there anything to listen to?
    pub fn receives(self) -> bool {
        matches!(self, Direction::SendRecv | Direction::RecvOnly)
    }
}

/// How packets are encrypted (RFC 4568; names as in SDP).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SrtpSuite {
    /// `AES_CM_128_HMAC_SHA1_80`: what everybody has.
    AesCm128HmacSha1_80,
    /// `AES_CM_128_HMAC_SHA1_32`: a shorter tag on RTP.
    AesCm128HmacSha1_32,
}

impl SrtpSuite {
    /// Its name in an SDP crypto attribute.
    pub fn name(self) -> &'static str {
        match self {
            SrtpSuite::AesCm128HmacSha1_80 => "AES_CM_128_HMAC_SHA1_80",
            SrtpSuite::AesCm128HmacSha1_32 => "AES_CM_128_HMAC_SHA1_32",
        }
    }

    /// Bytes of master key and master salt together.
    pub fn key_bytes(self) -> usize {
        30
    }
}

/// A suite and both directions' master keys, each followed by its salt.
#[derive(Clone, PartialEq, Eq)]
pub struct SrtpKeys {
    /// How.
    pub suite: SrtpSuite,
    /// Ours: what we encrypt with.
    pub send: Vec<u8>,
    /// Theirs: what we decrypt with.
    pub receive: Vec<u8>,
}

impl fmt::Debug for SrtpKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Keys never reach a log.
        f.debug_struct("SrtpKeys").field("suite", &self.suite).finish_non_exhaustive()
    }
}
