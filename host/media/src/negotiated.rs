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
    /// Number of the telephone events (RFC 4733) we send; none when keys do not travel so.
    pub dtmf: Option<u8>,
    /// Number of those that come: another one only where the other end answered an offer of ours with a number of its own.
    pub dtmf_receives: Option<u8>,
    /// Clock of those events, usually 8,000.
    pub dtmf_clock: u32,
    /// Number of comfort noise (RFC 3389), where it was agreed.
    pub comfort_noise: Option<u8>,
    /// Where the other side wants its sound. The address is unspecified (`0.0.0.0`) where there is none to send to: an
    /// old-style hold, or a name; the source of what comes may be taken then.
    pub remote: SocketAddr,
    /// The name that stood in place of an address.
    pub remote_name: Option<String>,
    /// Where it wants RTCP: the next port, what its SDP names (RFC 3605), or the same as `remote` with `rtcp_mux`.
    pub rtcp: SocketAddr,
    /// RTP and RTCP share a port (RFC 5761).
    pub rtcp_mux: bool,
    /// What we may do.
    pub direction: Direction,
    /// The other side has put us on hold: its `sendonly` or `inactive`, or an address of zeros.
    pub held: bool,
    /// How much sound a packet of ours carries, milliseconds: 10 to 60.
    pub ptime_ms: u32,
    /// How the other side wants Opus, where that is the codec.
    pub opus: OpusSettings,
    /// Keys, where the packets are encrypted.
    pub srtp: Option<SrtpKeys>,
    /// A DTLS handshake is to make the keys first (RFC 5763).
    pub dtls: Option<Dtls>,
}

impl Negotiated {
    /// One codec, both ways, 20 ms, the next port for RTCP: what remains is as if the other side had said nothing of it.
    pub fn plain(codec: Codec, payload_type: u8, remote: SocketAddr) -> Self {
        Self {
            codec,
            payload_type,
            receive: vec![(payload_type, codec)],
            dtmf: None,
            dtmf_receives: None,
            dtmf_clock: codec.clock(),
            comfort_noise: None,
            remote,
            remote_name: None,
            rtcp: SocketAddr::new(remote.ip(), remote.port().saturating_add(1)),
            rtcp_mux: false,
            direction: Direction::SendRecv,
            held: false,
            ptime_ms: 20,
            opus: OpusSettings::default(),
            srtp: None,
            dtls: None,
        }
    }
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

    /// From whether the one who says it sends and whether it listens.
    pub fn of(sends: bool, receives: bool) -> Self {
        match (sends, receives) {
            (true, true) => Self::SendRecv,
            (true, false) => Self::SendOnly,
            (false, true) => Self::RecvOnly,
            (false, false) => Self::Inactive,
        }
    }

    /// The same stream seen from the other end.
    pub fn reversed(self) -> Self {
        Self::of(self.receives(), self.sends())
    }

    /// What is left where the other end allows only `bound` (both seen from one end).
    pub fn within(self, bound: Self) -> Self {
        Self::of(self.sends() && bound.sends(), self.receives() && bound.receives())
    }

    /// Its word in SDP.
    pub fn word(self) -> &'static str {
        match self {
            Self::SendRecv => "sendrecv",
            Self::SendOnly => "sendonly",
            Self::RecvOnly => "recvonly",
            Self::Inactive => "inactive",
        }
    }

    /// From its word in SDP.
    pub fn from_word(word: &str) -> Option<Self> {
        [Self::SendRecv, Self::SendOnly, Self::RecvOnly, Self::Inactive].into_iter().find(|d| d.word() == word)
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

/// How an end wants to be sent Opus (`a=fmtp`, RFC 7587 §6.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OpusSettings {
    /// Redundancy for lost packets is made use of (`useinbandfec`).
    pub inband_fec: bool,
    /// Silence may be left out (`usedtx`).
    pub dtx: bool,
    /// Two channels are liked better than one (`stereo`).
    pub stereo: bool,
    /// A constant bit rate is wanted (`cbr`).
    pub constant_rate: bool,
    /// The highest useful sampling rate, in hertz (`maxplaybackrate`).
    pub max_playback_rate: u32,
    /// The highest average bit rate, in bits a second (`maxaveragebitrate`).
    pub max_average_bitrate: Option<u32>,
}

impl Default for OpusSettings {
    /// What the absence of a parameter means.
    fn default() -> Self {
        Self {
            inband_fec: false,
            dtx: false,
            stereo: false,
            constant_rate: false,
            max_playback_rate: 48_000,
            max_average_bitrate: None,
        }
    }
}

/// How keys are to be made by DTLS-SRTP (RFC 5763).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dtls {
    /// The certificate the other end must show.
    pub fingerprint: Fingerprint,
    /// We open the handshake.
    pub active: bool,
}

/// The fingerprint of a certificate (RFC 8122).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fingerprint {
    /// The hash, in small letters: `sha-256`.
    pub hash: String,
    /// Its bytes.
    pub bytes: Vec<u8>,
}
