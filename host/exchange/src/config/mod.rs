//! The lines file, `lines.toml`: where calls come from, who answers them besides the robot, and what may be dialled.
//!
//! `lines.sample.toml` says what every key means; a key that is not known is refused, and every mistake names its line,
//! what is wrong and how to mend it. Layout: `raw` is the file as serde reads it, `check` makes it into these types.

mod check;
mod raw;

use std::collections::BTreeMap;
use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use desk::{Clinic, Mistake, RetryPlan};
use records::Entry;
use serde::Deserialize;
use sip::Network;

/// The sample that ships: every key with its meaning. `gudok serve` writes nothing of it anywhere.
pub const SAMPLE: &str = include_str!("../../../../clinics/lines.sample.toml");

/// The clinics a lines file may name.
pub type Clinics = BTreeMap<String, Arc<Clinic>>;

/// A lines file, checked.
#[derive(Debug, Clone)]
pub struct Lines {
    /// SIP, when it is wanted at all.
    pub sip: Option<SipLine>,
    /// Sound.
    pub media: MediaLine,
    /// Recordings.
    pub recording: RecordingLine,
    /// Where SIP calls come from and go to.
    pub trunks: Vec<Trunk>,
    /// People.
    pub operators: Vec<Operator>,
    /// Where callers wait for them, by name.
    pub queues: BTreeMap<String, Queue>,
    /// Asterisk AudioSocket listeners.
    pub audiosockets: Vec<AudioSocket>,
    /// Media WebSockets by name; served where visitors come in, at `/media/NAME`.
    pub websockets: BTreeMap<String, WebSocket>,
    /// Clinics that visitors of a web page may call or write to.
    pub browsers: Vec<Browser>,
    /// Where visitors and media WebSockets come in.
    pub visitors: VisitorsLine,
    /// Calls that the clinic makes; none: it makes none.
    pub outgoing: Option<Outgoing>,
}

/// `[sip]`.
#[derive(Debug, Clone)]
pub struct SipLine {
    /// UDP listeners.
    pub udp: Vec<SocketAddr>,
    /// TCP listeners.
    pub tcp: Vec<SocketAddr>,
    /// TLS listeners.
    pub tls: Vec<SocketAddr>,
    /// Certificate chain for TLS, PEM.
    pub tls_cert: Option<PathBuf>,
    /// Its key, PEM.
    pub tls_key: Option<PathBuf>,
    /// Authorities that the other side's certificate is judged by, PEM; none = those of the system.
    pub tls_ca: Option<PathBuf>,
    /// The address by which the outside world reaches us, when a router stands between.
    pub external_ip: Option<IpAddr>,
    /// Networks that reach us by our own address all the same.
    pub local_nets: Vec<Network>,
    /// More calls than this at a time are answered 503.
    pub max_calls: u32,
    /// The realm that phones authenticate for.
    pub realm: String,
}

/// `[media]`.
#[derive(Debug, Clone)]
pub struct MediaLine {
    /// First and last UDP port for RTP and RTCP.
    pub ports: (u16, u16),
    /// A call from which nothing comes for so many seconds is over; 0 = never.
    pub rtp_timeout_s: u32,
    /// Threads that pace calls.
    pub shards: usize,
}

/// `[recording]`.
#[derive(Debug, Clone)]
pub struct RecordingLine {
    /// Are calls recorded?
    pub on: bool,
    /// Where, when it is not the home folder's `recordings`.
    pub dir: Option<PathBuf>,
}

/// A word that is never printed.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// The word itself.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// `[[trunk]]`: a provider or a PBX.
#[derive(Debug, Clone)]
pub struct Trunk {
    /// Its name, unique.
    pub name: String,
    /// The clinic that answers its calls.
    pub clinic: String,
    /// The occasion of its calls; none = by the clinic's hours.
    pub entry: Option<Entry>,
    /// `host[:port]` or `sip:` address of the registrar, also where its calls are sent.
    pub registrar: Option<String>,
    /// Where its requests go instead.
    pub proxy: Option<String>,
    /// How it is reached; none = by UDP, and by TCP with what is too long for it.
    pub transport: Option<Transport>,
    /// Our account there.
    pub username: Option<String>,
    /// The name for authentication, when it is another.
    pub auth_username: Option<String>,
    /// Its password.
    pub password: Option<Secret>,
    /// Do we register?
    pub register: bool,
    /// For how long, seconds.
    pub expires_s: u32,
    /// How often its server is asked whether it is there, seconds; 0 = never.
    pub qualify_s: u32,
    /// Addresses whose calls are its own without a password.
    pub allow: Vec<Network>,
    /// Called numbers that are its own; empty = any.
    pub numbers: Vec<String>,
    /// Codecs in order of preference.
    pub codecs: Vec<Codec>,
    /// How keys are pressed on it.
    pub dtmf: Dtmf,
    /// Encryption of sound.
    pub srtp: Srtp,
    /// How its callers are handed to people.
    pub transfer: TransferWay,
    /// The number shown to those we call.
    pub caller_id: Option<String>,
    /// More calls than this of it are answered 503; none = as many as the house takes.
    pub max_calls: Option<u32>,
}

/// `[[operator]]`: a person with a phone.
#[derive(Debug, Clone)]
pub struct Operator {
    /// As reports name them; unique.
    pub name: String,
    /// Their clinic.
    pub clinic: String,
    /// How they are reached.
    pub phone: OperatorPhone,
    /// What they know, for queues that ask for it.
    pub skills: Vec<String>,
    /// Of several who are idle the lowest is rung first.
    pub priority: u32,
    /// Are they ready as soon as their phone is there? Otherwise they log in with `*1`.
    pub ready: bool,
    /// Encryption of sound.
    pub srtp: Srtp,
}

/// Where an operator is reached.
#[derive(Debug, Clone)]
pub enum OperatorPhone {
    /// A phone that registers here.
    Registers {
        /// Its user name.
        extension: String,
        /// Its password.
        password: Secret,
    },
    /// An address, through a trunk where its host is a trunk's name or registrar.
    Address(String),
}

/// `[queue.NAME]`: where callers wait for a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Queue {
    /// Its name.
    pub name: String,
    /// Its clinic.
    pub clinic: String,
    /// Names of transfers that lead here.
    pub lines: Vec<String>,
    /// Who is rung first.
    pub strategy: Strategy,
    /// What an operator must know to be offered its callers.
    pub skills: Vec<String>,
    /// After-call work, seconds.
    pub wrap_up_s: u32,
    /// How long an operator's phone rings, seconds.
    pub ring_s: u32,
    /// More callers than this are not taken.
    pub max_waiting: u32,
    /// Nobody waits longer than this, seconds.
    pub max_wait_s: u32,
    /// Who would wait longer, seconds, is answered by the clinic's flow for overload, where it has one; 0 = never.
    pub overload_after_s: u32,
    /// How often the place is announced, seconds; 0 = never.
    pub announce_every_s: u32,
    /// Say the place?
    pub announce_position: bool,
    /// Say how long it will probably take?
    pub announce_wait: bool,
    /// Offer "press 1 and we will call you back"?
    pub offer_callback: bool,
    /// Where callers go who waited too long or found it full; none = a call-back.
    pub overflow: Option<String>,
    /// What they hear.
    pub music: MusicSource,
    /// Is somebody there outside the clinic's hours too?
    pub always_open: bool,
    /// Of several queues the highest is served first.
    pub priority: u32,
}

/// What waiting callers hear.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MusicSource {
    /// What the program makes by itself.
    Shipped,
    /// Nothing.
    Silence,
    /// A WAV file.
    File(PathBuf),
}

/// `[[audiosocket]]`.
#[derive(Debug, Clone)]
pub struct AudioSocket {
    /// Where it listens.
    pub listen: SocketAddr,
    /// The clinic that answers.
    pub clinic: String,
    /// The occasion; none = by the clinic's hours.
    pub entry: Option<Entry>,
    /// Who may connect; empty = this machine only.
    pub allow: Vec<Network>,
    /// Only calls that the dialplan told of beforehand are taken.
    pub announced_only: bool,
}

/// `[visitors]`.
#[derive(Debug, Clone)]
pub struct VisitorsLine {
    /// Where visitors of pages and media WebSockets come in; the API is not served there.
    pub listen: SocketAddr,
    /// The address under which they know this server, `https://host`, when a proxy is in front.
    pub url: Option<String>,
    /// A proxy of our own tells their addresses in `X-Forwarded-For`.
    pub behind_proxy: bool,
}

/// `[websocket.NAME]`.
#[derive(Debug, Clone)]
pub struct WebSocket {
    /// Its name.
    pub name: String,
    /// Which protocol it speaks.
    pub kind: WebSocketKind,
    /// The clinic that answers.
    pub clinic: String,
    /// The occasion; none = by the clinic's hours.
    pub entry: Option<Entry>,
    /// What signatures are checked with, or who connects must show.
    pub token: Option<Secret>,
    /// The server's address as the provider knows it, `https://host`: it is part of what is signed.
    pub public_url: Option<String>,
    /// Asterisk leaves answering the channel to us.
    pub answer: bool,
}

/// Protocols of media WebSockets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WebSocketKind {
    /// Twilio Media Streams.
    Twilio,
    /// Asterisk's WebSocket channel.
    Asterisk,
}

/// `[[browser]]`.
#[derive(Debug, Clone)]
pub struct Browser {
    /// The clinic that answers.
    pub clinic: String,
    /// Web pages (`https://host`) that may embed it.
    pub origins: Vec<String>,
    /// May visitors call?
    pub call: bool,
    /// May they write?
    pub chat: bool,
}

/// `[outgoing]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outgoing {
    /// The trunk that is dialled through.
    pub trunk: String,
    /// Who is rung first in a call-back.
    pub callbacks: CallbackOrder,
    /// Does the robot call those of the list whose visit is ahead and who did not answer a reminder, or want another time?
    pub reminders: bool,
    /// Are callers called back who were lost before a person answered?
    pub missed: bool,
    /// So many calls at a time.
    pub at_once: u32,
    /// How long it rings, seconds.
    pub ring_s: u32,
    /// When somebody who was not reached is called again.
    pub retry: RetryPlan,
    /// What is done with a machine that answers.
    pub voicemail: VoicemailWay,
}

macro_rules! words {
    ($(#[$about:meta])* $name:ident { $($(#[$doc:meta])* $variant:ident = $word:literal),+ $(,)? } default $default:ident) => {
        $(#[$about])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
        pub enum $name {
            $($(#[$doc])* #[serde(rename = $word)] $variant,)+
        }

        impl Default for $name {
            fn default() -> Self {
                $name::$default
            }
        }
    };
}

words! {
    /// How SIP travels.
    Transport {
        /// UDP.
        Udp = "udp",
        /// TCP.
        Tcp = "tcp",
        /// TLS.
        Tls = "tls",
    } default Udp
}

words! {
    /// How sound is coded.
    Codec {
        /// G.711 A-law.
        Pcma = "pcma",
        /// G.711 µ-law.
        Pcmu = "pcmu",
        /// G.722, wideband.
        G722 = "g722",
        /// Opus.
        Opus = "opus",
    } default Pcma
}

words! {
    /// How keys are pressed on a trunk.
    Dtmf {
        /// As telephone events in RTP.
        Rfc4733 = "rfc4733",
        /// As SIP INFO.
        Info = "info",
        /// As tones in the sound.
        Inband = "inband",
    } default Rfc4733
}

words! {
    /// Encryption of sound.
    Srtp {
        /// None.
        Off = "off",
        /// With keys in SDP, when the other side offers them.
        Optional = "optional",
        /// With keys in SDP, or no call at all.
        Required = "required",
    } default Off
}

words! {
    /// How a trunk's callers are handed to people.
    TransferWay {
        /// REFER, and a bridge where it is refused.
        Auto = "auto",
        /// REFER only.
        Refer = "refer",
        /// Through us: the call stays here.
        Bridge = "bridge",
    } default Auto
}

words! {
    /// Which of several idle operators is rung.
    Strategy {
        /// Whoever has been idle the longest.
        LongestIdle = "longest-idle",
        /// All at once.
        RingAll = "ring-all",
        /// Whoever has taken the fewest calls.
        FewestCalls = "fewest-calls",
        /// Whoever's last call lies back the longest.
        RoundRobin = "round-robin",
        /// In the order of the file.
        InOrder = "in-order",
    } default LongestIdle
}

words! {
    /// Who is rung first in a call-back.
    CallbackOrder {
        /// The operator, then the client: nobody waits at the client's end.
        OperatorFirst = "operator-first",
        /// The client, who then waits for an operator.
        ClientFirst = "client-first",
        /// The robot alone talks to the client.
        Robot = "robot",
        /// Nobody: people dial themselves.
        Off = "off",
    } default OperatorFirst
}

words! {
    /// What is done with a machine that answers an outgoing call.
    VoicemailWay {
        /// Hang up and try again later.
        HangUp = "hang-up",
        /// Let the flow speak after the beep.
        Speak = "speak",
    } default HangUp
}

/// Everything that is wrong with a lines file, in the order of its lines.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct LinesErrors {
    /// The file, as it was given.
    pub file: String,
    /// At least one.
    pub mistakes: Vec<Mistake>,
}

impl fmt::Display for LinesErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = self.mistakes.len();
        write!(f, "{}: {count} {}", self.file, if count == 1 { "mistake" } else { "mistakes" })?;
        for mistake in &self.mistakes {
            write!(f, "\n  {mistake}")?;
        }
        Ok(())
    }
}

impl Lines {
    /// Reads and checks a lines file. Paths in it are relative to its folder.
    ///
    /// # Errors
    /// Every mistake that could be found, each with its line.
    pub fn load(path: &Path, clinics: &Clinics) -> Result<Lines, LinesErrors> {
        let file = path.display().to_string();
        let text = std::fs::read_to_string(path).map_err(|error| LinesErrors {
            file: file.clone(),
            mistakes: vec![Mistake {
                line: 0,
                key: String::new(),
                problem: format!("the file cannot be read: {error}"),
                hint: "copy clinics/lines.sample.toml and change it".to_owned(),
            }],
        })?;
        Lines::parse(&text, &file, path.parent().unwrap_or(Path::new("")), clinics)
    }

    /// Checks the text of a lines file; `name` is what errors call it, `folder` what its paths are relative to.
    ///
    /// # Errors
    /// Every mistake that could be found, each with its line.
    pub fn parse(text: &str, name: &str, folder: &Path, clinics: &Clinics) -> Result<Lines, LinesErrors> {
        check::lines(text, folder, clinics).map_err(|mistakes| LinesErrors { file: name.to_owned(), mistakes })
    }

    /// The trunk of a call that came from `source`: by the name the signalling found for it, else by the allowed addresses;
    /// of several the one that the called number belongs to.
    pub fn trunk_of(&self, name: Option<&str>, source: IpAddr, called: &str) -> Option<&Trunk> {
        let comes_from =
            |trunk: &&Trunk| name == Some(trunk.name.as_str()) || trunk.allow.iter().any(|net| net.contains(source));
        let mine =
            |trunk: &&Trunk| trunk.numbers.is_empty() || trunk.numbers.iter().any(|own| same_number(own, called));
        self.trunks.iter().filter(comes_from).find(mine)
    }

    /// The queue that a clinic's transfer of this name leads to.
    pub fn queue_for(&self, clinic: &str, line: &str) -> Option<&Queue> {
        self.queues.values().find(|queue| queue.clinic == clinic && queue.lines.iter().any(|own| own == line))
    }
}

/// Numbers are compared as numbers, in any spelling; what is no number, letter by letter.
fn same_number(one: &str, other: &str) -> bool {
    match (desk::PhoneNumber::parse(one), desk::PhoneNumber::parse(other)) {
        (Some(one), Some(other)) => one == other,
        _ => one.trim().eq_ignore_ascii_case(other.trim()),
    }
}
