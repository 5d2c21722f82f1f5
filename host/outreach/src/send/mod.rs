//! The ways out.
//!
//! A sender says what became of one attempt, and how a message stands that somebody else was sending when they died. It never
//! decides whether to try again: that is [`crate::Outreach`]'s.

mod call;
mod email;
mod http;

use std::time::Duration;

use async_trait::async_trait;
use records::Message;

pub use call::{CallOrder, Dialler, ExchangeJobs, RobotCalls};
pub use email::{Email, Letter, is_address};
pub use http::Http;

/// What became of an attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It was taken; with the gateway's own id.
    Taken(Option<String>),
    /// It was not taken, and may be later.
    Again {
        /// In a few words, without personal data.
        problem: String,
        /// The gateway said when.
        after: Option<Duration>,
    },
    /// It was not taken and never will be: the recipient is bad.
    Never(String),
    /// The gateway is set up wrongly; nothing was taken.
    Misconfigured(String),
    /// Nobody knows whether it was taken.
    Unsure(String),
    /// The gateway answers in a way nobody foresaw: it may have taken the message, and is not to be asked until somebody
    /// looked at it.
    Strange(String),
}

/// What can be done about a message whose fate is not known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Recovery {
    /// Send it again under the same key: it goes out once.
    SameKey,
    /// Ask whether it was taken.
    Ask,
    /// Nothing.
    Nothing,
}

/// What a gateway says of a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fate {
    /// It was taken.
    Taken(Option<String>),
    /// It never saw it.
    NotTaken,
    /// It does not say.
    Unsure(String),
}

/// A way out.
#[async_trait]
pub trait Sender: Send + Sync {
    /// What can be done after a crash.
    fn recovery(&self) -> Recovery;

    /// Sends a message under its key ([`Message::attempt`]).
    async fn send(&self, message: &Message) -> Verdict;

    /// What became of a key; asked only where [`Sender::recovery`] says so.
    async fn ask(&self, message: &Message) -> Fate {
        let _ = message;
        Fate::Unsure("it cannot be asked".to_owned())
    }
}
