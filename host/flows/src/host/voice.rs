//! `gudok:voice`: speaking with the caller.

use serde::{Deserialize, Serialize};

use super::bindings::gudok::types::types::Error as WitError;
use super::bindings::gudok::voice::voice as wit;
use super::convert::{cases, record};
use super::forward;
use crate::guest::Guest;

/// Where the caller is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Channel {
    /// A telephone line.
    Phone,
    /// A browser with a microphone.
    Browser,
    /// A text chat.
    Chat,
    /// A conversation played from a script or from files.
    Script,
}

/// What is known of the call when it starts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallInfo {
    /// The call's identity in the clinic's records.
    pub id: String,
    /// Where the caller is.
    pub channel: Channel,
    /// E.164, when the line shows it.
    pub caller: Option<String>,
    /// The number or line that was called.
    pub line: String,
    /// Which entry of the clinic led here: `day`, `night`, `overload`, `reminder`, `chat`.
    pub entry: String,
    /// Moment in the clinic's zone.
    pub started: String,
}

/// What may stop a prompt while it plays.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum BargeIn {
    /// Nothing.
    None,
    /// A key.
    Digits,
    /// A key or the voice.
    Speech,
}

/// What kind of answer a question expects.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AnswerKind {
    /// Anything.
    Free,
    /// Consent or refusal.
    YesNo,
    /// One of the hints.
    Choice,
    /// A phone number.
    Phone,
    /// Keys, or digits said aloud.
    Digits,
    /// A day and a time.
    DateTime,
    /// A person's name.
    PersonName,
    /// An animal.
    Animal,
}

/// One question to the caller.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Question {
    /// A short stable name.
    pub id: String,
    /// What is said.
    pub text: String,
    /// Kind of answer.
    pub expects: AnswerKind,
    /// What may interrupt it.
    pub barge_in: BargeIn,
    /// Milliseconds until the answer must begin; 0 = the clinic's setting.
    pub answer_timeout_ms: u32,
    /// Stop collecting keys after this many; 0 = until `#` or a pause.
    pub max_digits: u32,
    /// Words likely in the answer.
    pub hints: Vec<String>,
    /// Settings of later versions, by name.
    pub extra: Vec<(String, String)>,
}

/// What the caller said.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Heard {
    /// As recognised.
    pub text: String,
    /// 0 to 1.
    pub confidence: f64,
}

/// One answer of the caller.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Answer {
    /// Words.
    Speech(Heard),
    /// Keys.
    Digits(String),
    /// Nothing came in time.
    Silence,
}

/// How a prompt ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Said {
    /// Played to the end.
    Complete,
    /// The caller interrupted.
    Interrupted,
}

cases!(Channel => wit::Channel { Phone, Browser, Chat, Script });
record!(CallInfo => wit::CallInfo { id, channel, caller, line, entry, started });
cases!(wit::BargeIn => BargeIn { None, Digits, Speech });
cases!(wit::AnswerKind => AnswerKind { Free, YesNo, Choice, Phone, Digits, DateTime, PersonName, Animal });
record!(wit::Question => Question {
    id, text, expects, barge_in, answer_timeout_ms, max_digits, hints, extra,
});
record!(Heard => wit::Heard { text, confidence });
cases!(Answer => wit::Answer { Speech(heard), Digits(keys), Silence });
cases!(Said => wit::Said { Complete, Interrupted });

impl wit::Host for Guest {
    async fn call(&mut self) -> wasmtime::Result<wit::CallInfo> {
        forward!(self, VoiceCall)
    }

    async fn say(&mut self, text: String, barge_in: wit::BargeIn) -> wasmtime::Result<Result<wit::Said, WitError>> {
        forward!(self, VoiceSay { text: text, barge_in: barge_in })
    }

    async fn play(&mut self, prompt: String, barge_in: wit::BargeIn) -> wasmtime::Result<Result<wit::Said, WitError>> {
        forward!(self, VoicePlay { prompt: prompt, barge_in: barge_in })
    }

    async fn ask(&mut self, question: wit::Question) -> wasmtime::Result<Result<wit::Answer, WitError>> {
        forward!(self, VoiceAsk { question: question })
    }

    async fn hang_up(&mut self) -> wasmtime::Result<Result<(), WitError>> {
        forward!(self, VoiceHangUp)
    }
}
