//! Session descriptions (RFC 8866) and the offer/answer model (RFC 3264): how two ends agree on a codec, an address, the
//! direction of the sound, digits and keys.
//!
//! - [`Session::parse`] reads what the other end wrote (bounds on its size; an error names the line)
//! - [`offer`], [`answer`] and [`accept`] are the three acts, as pure functions: no clock, no randomness, no socket
//! - [`OfferAnswer`] remembers one dialog's descriptions, so that later offers (hold, resume, moves) keep the order of the
//!   media lines, the payload types and the version as RFC 3264 §8 wants them
//!
//! ```
//! use media::Codec;
//! use media::sdp::{Capabilities, Local, Session, answer};
//!
//! let offer = Session::parse("v=0\r\no=- 1 1 IN IP4 192.0.2.7\r\ns=-\r\nc=IN IP4 192.0.2.7\r\nt=0 0\r\n\
//!                             m=audio 4000 RTP/AVP 8 101\r\na=rtpmap:101 telephone-event/8000\r\n")?;
//! let local = Local::new("192.0.2.1".parse().expect("an address"), 20_000, 7);
//! let (text, agreed) = answer(&offer, &Capabilities::default(), &local)?;
//! assert!(text.contains("m=audio 20000 RTP/AVP 8 101\r\n"));
//! assert_eq!((agreed.codec, agreed.dtmf), (Codec::Pcma, Some(101)));
//! assert_eq!(agreed.remote, "192.0.2.7:4000".parse().expect("an address"));
//! # Ok::<(), media::sdp::SdpError>(())
//! ```
//!
//! Invariants: nothing from outside panics; what is not wanted is refused with port 0 in its own place; a description of
//! ours never names a payload type that the other end has bound to something else.

mod agree;
mod codec;
mod dialog;
mod error;
mod keys;
mod parse;
mod write;

use std::net::{IpAddr, Ipv4Addr};

use crate::negotiated::{Codec, Direction, Fingerprint};

pub use agree::{accept, answer, offer};
pub use dialog::OfferAnswer;
pub use error::SdpError;
pub use keys::{Crypto, Setup, SrtpKey};

/// What this end can do, in its order of preference.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Capabilities {
    /// Codecs, the dearest first. An answer takes the first of *ours* that the offer has.
    pub codecs: Vec<Codec>,
    /// RFC 4733 digits are offered and taken.
    pub telephone_events: bool,
    /// How many milliseconds of sound we like in a packet.
    pub ptime_ms: u32,
    /// Keys in the description (RFC 4568).
    pub srtp: Srtp,
    /// DTLS-SRTP offers are answered. Needs [`Local::fingerprint`].
    pub dtls: bool,
    /// RTP and RTCP on one port, when the other end wants it (RFC 5761). Offered too.
    pub rtcp_mux: bool,
    /// The highest rate Opus is decoded to, in hertz (`maxplaybackrate`).
    pub opus_playback_rate: u32,
}

impl Default for Capabilities {
    fn default() -> Self {
        Self {
            codecs: vec![Codec::Pcma, Codec::Pcmu, Codec::G722, Codec::Opus],
            telephone_events: true,
            ptime_ms: 20,
            srtp: Srtp::WhenOffered,
            dtls: false,
            rtcp_mux: true,
            opus_playback_rate: 8_000,
        }
    }
}

/// Whether sound is encrypted with keys that stand in the description (SDES, RFC 4568).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Srtp {
    /// Never: `RTP/SAVP` is refused, `a=crypto` is not seen.
    Never,
    /// Taken when the other end offers it; our own offers are plain.
    WhenOffered,
    /// Our offers are `RTP/AVP` with `a=crypto` beside it, which the other end may take or leave.
    BestEffort,
    /// Our offers are `RTP/SAVP`; an end that has no keys is refused.
    Required,
}

/// What stands in our description besides our capabilities: who we are and where we hear.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Local {
    /// The address the other end is to send to (the outside one, behind NAT).
    pub address: IpAddr,
    /// The port for RTP.
    pub port: u16,
    /// The port for RTCP where it is not the next one.
    pub rtcp_port: Option<u16>,
    /// The number of the session in `o=`: the same in every description of one dialog. At most 63 bits are written.
    pub session: u64,
    /// The version in `o=`: one more for every description that differs from the one before.
    pub version: u64,
    /// What we want to do. An answer never says more than the offer allows.
    pub direction: Direction,
    /// Our key, from a random source; without it nothing is encrypted by SDES.
    pub key: Option<SrtpKey>,
    /// The fingerprint of our DTLS certificate.
    pub fingerprint: Option<Fingerprint>,
}

impl Local {
    /// Both directions, the first version, no keys.
    pub fn new(address: IpAddr, port: u16, session: u64) -> Self {
        Self {
            address,
            port,
            rtcp_port: None,
            session,
            version: 1,
            direction: Direction::SendRecv,
            key: None,
            fingerprint: None,
        }
    }
}

/// A session description as it was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// `o=`.
    pub origin: Origin,
    /// `t=`, as it stood: an answer has to repeat it. `0 0` where there was none.
    pub timing: String,
    /// The direction of every media line that names none of its own.
    pub direction: Option<Direction>,
    /// `a=fingerprint` of the session.
    pub fingerprint: Option<Fingerprint>,
    /// `a=setup` of the session.
    pub setup: Option<Setup>,
    /// The media lines, in order.
    pub media: Vec<Media>,
}

/// `o=`: who wrote the description, and which version of it this is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// The user name, `-` where there is none.
    pub user: String,
    /// The number of the session. Real numbers exceed 64 bits, hence the text.
    pub session: String,
    /// The version of the description; text for the same reason.
    pub version: String,
    /// Where it was made: an address or a name.
    pub address: Host,
}

/// An address, or a name that nobody has looked up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Host {
    /// An IPv4 or IPv6 address.
    Ip(IpAddr),
    /// A name.
    Name(String),
}

impl Host {
    fn ip(&self) -> IpAddr {
        match self {
            Self::Ip(ip) => *ip,
            Self::Name(_) => IpAddr::V4(Ipv4Addr::UNSPECIFIED),
        }
    }
}

/// One media line (`m=`) with what belongs to it. Session-wide values are already filled in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Media {
    /// The line of the description it began at, from 1.
    pub line: usize,
    /// `audio`, `video`, `image` …
    pub kind: String,
    /// The port; 0 where the stream is refused or ended.
    pub port: u16,
    /// `RTP/AVP`, `RTP/SAVP`, `UDP/TLS/RTP/SAVPF` …
    pub protocol: String,
    /// The formats as they stood, in order of preference.
    pub formats: Vec<String>,
    /// `c=`: its own, or the session's.
    pub connection: Option<Host>,
    /// `a=rtpmap` by payload type.
    pub maps: Vec<(u8, Encoding)>,
    /// `a=fmtp` by payload type.
    pub parameters: Vec<(u8, String)>,
    /// `a=ptime`, rounded to milliseconds.
    pub ptime_ms: Option<u32>,
    /// `a=maxptime`.
    pub max_ptime_ms: Option<u32>,
    /// Its own direction or the session's; `sendrecv` where neither says.
    pub direction: Direction,
    /// `a=rtcp` (RFC 3605).
    pub rtcp: Option<(u16, Option<Host>)>,
    /// `a=rtcp-mux`.
    pub rtcp_mux: bool,
    /// `a=crypto` lines that can be understood, in order.
    pub crypto: Vec<Crypto>,
    /// `a=fingerprint`: its own, or the session's.
    pub fingerprint: Option<Fingerprint>,
    /// `a=setup`: its own, or the session's.
    pub setup: Option<Setup>,
}

/// What `a=rtpmap` says of a payload type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Encoding {
    /// The name, as it stood; compare without regard to case.
    pub name: String,
    /// The RTP clock in hertz.
    pub clock: u32,
    /// Channels; 1 where it says none.
    pub channels: u8,
}
