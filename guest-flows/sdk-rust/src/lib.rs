//! Write a Gudok flow in Rust: a conversation as it reads, top to bottom.
//!
//! ```ignore
//! use gudok_flow::{Answer, AnswerKind, Flow, Question, Stop, export, say};
//!
//! struct Hello;
//!
//! impl Flow for Hello {
//!     fn run() -> Result<(), Stop> {
//!         say("Здравствуйте! Клиника слушает.")?;
//!         match Question::new("name", "Как вас зовут?").expects(AnswerKind::PersonName).ask()? {
//!             Answer::Speech(heard) => say(&format!("Очень приятно, {}.", heard.text)),
//!             _ => say("Тогда до свидания."),
//!         }
//!     }
//! }
//!
//! export!(Hello);
//! ```
//!
//! Every call waits until it is done. When the caller hangs up, the next call returns [`Stop::HangUp`]; let `?` carry it
//! out of [`Flow::run`], where it counts as a normal end. What cannot be helped is [`Stop::Failed`]: the host then hands
//! the caller to a person. [`At`] names the call that failed.
//!
//! - [`say`], [`play`], [`Question`]: the conversation
//! - [`calendar`]: days and times as a caller should hear them
//! - the capabilities, one module each, as the contract in `wit/` describes them: [`appointments`], [`callbacks`],
//!   [`clinic`], [`faq`], [`notes`], [`routing`], [`understanding`], [`voice`]

pub mod calendar;

#[doc(hidden)]
pub mod bindings {
    wit_bindgen::generate!({ path: "../../wit", world: "flow", pub_export_macro: true, generate_all });
}

pub use bindings::gudok::{
    appointments::appointments,
    callbacks::callbacks,
    clinic::clinic,
    faq::faq,
    notes::notes,
    routing::routing,
    types::types::{Error, Money},
    understanding::understanding,
    voice::voice::{self, Answer, AnswerKind, BargeIn, Said},
};

/// A flow: one conversation, from ring to hang-up. Make it known with [`export!`].
pub trait Flow {
    /// Hold the conversation.
    fn run() -> Result<(), Stop>;
}

/// Why a conversation stops before its last line.
#[derive(Debug)]
pub enum Stop {
    /// The caller has gone.
    HangUp,
    /// Somebody else has the caller now, or the goodbye was said: nothing is left to do.
    Done,
    /// The flow cannot go on; one sentence for the log.
    Failed(String),
}

impl Stop {
    /// What an error of a host call means for the conversation. `call` names the function as the contract does,
    /// `appointments.find`; the reason is `appointments.find: unavailable`.
    fn at(call: &str, error: &Error) -> Stop {
        match error {
            Error::Hangup => Stop::HangUp,
            Error::Timeout => Stop::Failed(format!("{call}: timeout")),
            Error::Denied(_) => Stop::Failed(format!("{call}: denied")),
            Error::Unavailable(_) => Stop::Failed(format!("{call}: unavailable")),
            Error::Other(info) => Stop::Failed(format!("{call}: {}", info.code)),
        }
    }
}

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        match error {
            Error::Hangup => Stop::HangUp,
            Error::Timeout => Stop::Failed("the host gave up waiting".into()),
            Error::Denied(why) => Stop::Failed(format!("not allowed: {why}")),
            Error::Unavailable(what) => Stop::Failed(format!("not available: {what}")),
            Error::Other(info) => Stop::Failed(format!("{}: {}", info.code, info.message)),
        }
    }
}

/// Names the host call that a `?` may end the flow at, so that its log says where it gave up.
pub trait At<T> {
    /// `appointments::find(&query).at("appointments.find")?`
    fn at(self, call: &str) -> Result<T, Stop>;
}

impl<T> At<T> for Result<T, Error> {
    fn at(self, call: &str) -> Result<T, Stop> {
        self.map_err(|error| Stop::at(call, &error))
    }
}

/// Say a text; the caller may interrupt it by voice or by a key.
pub fn say(text: &str) -> Result<(), Stop> {
    voice::say(text, BargeIn::Speech).at("voice.say")?;
    Ok(())
}

/// Say a text the caller has to hear to the end.
pub fn say_all(text: &str) -> Result<(), Stop> {
    voice::say(text, BargeIn::None).at("voice.say")?;
    Ok(())
}

/// Play one of the clinic's recorded prompts.
pub fn play(prompt: &str) -> Result<(), Stop> {
    voice::play(prompt, BargeIn::Speech).at("voice.play")?;
    Ok(())
}

/// One question. Build it, then [`ask`](Question::ask).
pub struct Question(voice::Question);

impl Question {
    /// `id` is a short stable name for traces, tests and replays.
    pub fn new(id: &str, text: &str) -> Self {
        Question(voice::Question {
            id: id.into(),
            text: text.into(),
            expects: AnswerKind::Free,
            barge_in: BargeIn::Speech,
            answer_timeout_ms: 0,
            max_digits: 0,
            hints: Vec::new(),
            extra: Vec::new(),
        })
    }

    /// What kind of answer is expected.
    pub fn expects(mut self, kind: AnswerKind) -> Self {
        self.0.expects = kind;
        self
    }

    /// Words that are likely in the answer.
    pub fn hints(mut self, words: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.0.hints = words.into_iter().map(Into::into).collect();
        self
    }

    /// Stop collecting keys after `count` of them.
    pub fn max_digits(mut self, count: u32) -> Self {
        self.0.max_digits = count;
        self
    }

    /// Wait this long for the answer to begin, in milliseconds.
    pub fn wait_ms(mut self, ms: u32) -> Self {
        self.0.answer_timeout_ms = ms;
        self
    }

    /// Ask, and wait for the answer.
    pub fn ask(&self) -> Result<Answer, Stop> {
        voice::ask(&self.0).at("voice.ask")
    }
}

/// Make a [`Flow`] the program that the host runs.
#[macro_export]
macro_rules! export {
    ($flow:ident) => {
        struct GudokExport;
        impl $crate::bindings::Guest for GudokExport {
            fn run() -> Result<(), String> {
                match <$flow as $crate::Flow>::run() {
                    Ok(()) | Err($crate::Stop::HangUp | $crate::Stop::Done) => Ok(()),
                    Err($crate::Stop::Failed(why)) => Err(why),
                }
            }
        }
        $crate::bindings::export!(GudokExport with_types_in $crate::bindings);
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_names_the_call_and_the_code() {
        let why = |error| match Err::<(), Error>(error).at("appointments.find") {
            Err(Stop::Failed(why)) => why,
            other => panic!("{other:?}"),
        };
        assert_eq!(why(Error::Unavailable("the database is away".into())), "appointments.find: unavailable");
        let info = bindings::gudok::types::types::ErrorInfo { code: "unknown-doctor".into(), message: String::new() };
        assert_eq!(why(Error::Other(info)), "appointments.find: unknown-doctor");
        assert!(matches!(Err::<(), Error>(Error::Hangup).at("voice.say"), Err(Stop::HangUp)));
    }
}
