//! The lines file as it is written: serde's view. What it means is decided in `check`.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};

use serde::Deserialize;
use toml::Spanned;

use super::{CallbackOrder, Codec, Dtmf, MusicSource, Srtp, Strategy, TransferWay, Transport, VoicemailWay};

pub(super) type Text = Spanned<String>;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct File {
    pub sip: Option<Spanned<Sip>>,
    #[serde(default)]
    pub media: Media,
    #[serde(default)]
    pub recording: Recording,
    #[serde(default)]
    pub trunk: Vec<Spanned<Trunk>>,
    #[serde(default)]
    pub operator: Vec<Spanned<Operator>>,
    #[serde(default)]
    pub queue: BTreeMap<String, Spanned<Queue>>,
    #[serde(default)]
    pub audiosocket: Vec<Spanned<AudioSocket>>,
    #[serde(default)]
    pub websocket: BTreeMap<String, Spanned<WebSocket>>,
    #[serde(default)]
    pub browser: Vec<Spanned<Browser>>,
    #[serde(default)]
    pub visitors: Visitors,
    pub outgoing: Option<Spanned<Outgoing>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Visitors {
    pub listen: Option<SocketAddr>,
    pub url: Option<Text>,
    pub behind_proxy: bool,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Sip {
    #[serde(default)]
    pub udp: Vec<SocketAddr>,
    #[serde(default)]
    pub tcp: Vec<SocketAddr>,
    pub tls: Option<Spanned<Vec<SocketAddr>>>,
    pub tls_cert: Option<String>,
    pub tls_key: Option<String>,
    pub tls_ca: Option<String>,
    pub external_ip: Option<IpAddr>,
    pub local_nets: Option<Vec<Text>>,
    pub max_calls: Option<Spanned<u32>>,
    pub realm: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Media {
    pub ports: Option<Text>,
    pub rtp_timeout: Option<Spanned<u32>>,
    pub shards: Option<Spanned<u32>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Recording {
    pub on: Option<bool>,
    pub dir: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Trunk {
    pub name: Text,
    pub clinic: Option<Text>,
    pub entry: Option<Text>,
    pub registrar: Option<Text>,
    pub proxy: Option<Text>,
    pub transport: Option<Transport>,
    pub username: Option<Text>,
    pub auth_username: Option<String>,
    pub password: Option<Text>,
    pub password_file: Option<Text>,
    pub password_env: Option<Text>,
    pub register: Option<bool>,
    pub expires: Option<Spanned<u32>>,
    pub qualify: Option<Spanned<u32>>,
    #[serde(default)]
    pub allow: Vec<Text>,
    #[serde(default)]
    pub numbers: Vec<String>,
    pub codecs: Option<Spanned<Vec<Codec>>>,
    #[serde(default)]
    pub dtmf: Dtmf,
    #[serde(default)]
    pub srtp: Srtp,
    #[serde(default)]
    pub transfer: TransferWay,
    pub caller_id: Option<String>,
    pub max_calls: Option<Spanned<u32>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Operator {
    pub name: Text,
    pub clinic: Option<Text>,
    pub extension: Option<Text>,
    pub uri: Option<Text>,
    pub password: Option<Text>,
    pub password_file: Option<Text>,
    pub password_env: Option<Text>,
    #[serde(default)]
    pub skills: Vec<String>,
    pub priority: Option<Spanned<u32>>,
    pub ready: Option<bool>,
    #[serde(default)]
    pub srtp: Srtp,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Queue {
    pub clinic: Option<Text>,
    pub lines: Option<Vec<Text>>,
    #[serde(default)]
    pub strategy: Strategy,
    #[serde(default)]
    pub skills: Vec<Text>,
    pub wrap_up: Option<Spanned<u32>>,
    pub ring: Option<Spanned<u32>>,
    pub max_waiting: Option<Spanned<u32>>,
    pub max_wait: Option<Spanned<u32>>,
    pub overload_after: Option<Spanned<u32>>,
    pub announce_every: Option<Spanned<u32>>,
    pub announce_position: Option<bool>,
    pub announce_wait: Option<bool>,
    pub offer_callback: Option<bool>,
    pub overflow: Option<Text>,
    pub music: Option<Text>,
    pub always_open: Option<bool>,
    pub priority: Option<Spanned<u32>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct AudioSocket {
    pub listen: SocketAddr,
    pub clinic: Option<Text>,
    pub entry: Option<Text>,
    #[serde(default)]
    pub allow: Vec<Text>,
    #[serde(default)]
    pub announced_only: bool,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WebSocket {
    pub kind: Text,
    pub clinic: Option<Text>,
    pub entry: Option<Text>,
    pub token: Option<Text>,
    pub token_file: Option<Text>,
    pub token_env: Option<Text>,
    pub public_url: Option<Text>,
    #[serde(default)]
    pub answer: bool,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Browser {
    pub clinic: Option<Text>,
    #[serde(default)]
    pub origins: Vec<String>,
    pub call: Option<bool>,
    pub chat: Option<bool>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Outgoing {
    pub trunk: Option<Text>,
    #[serde(default)]
    pub callbacks: CallbackOrder,
    pub reminders: Option<bool>,
    pub missed: Option<bool>,
    pub at_once: Option<Spanned<u32>>,
    pub ring: Option<Spanned<u32>>,
    pub retry_minutes: Option<Spanned<Vec<u32>>>,
    #[serde(default)]
    pub voicemail: VoicemailWay,
}

impl Queue {
    pub(super) fn music(&self) -> MusicSource {
        match &self.music {
            None => MusicSource::Shipped,
            Some(word) if word.get_ref() == "silence" => MusicSource::Silence,
            Some(path) => MusicSource::File(path.get_ref().into()),
        }
    }
}
