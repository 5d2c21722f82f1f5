//! `gudok:types`: what several capabilities share.
//!
//! Dates (`YYYY-MM-DD`), times (`HH:MM`) and moments (`YYYY-MM-DDTHH:MM`, clinic's zone) are text, as in the WIT.

use serde::{Deserialize, Serialize};

use super::bindings::gudok::types::types as wit;
use super::convert::{Convert, record};
use crate::guest::Guest;

/// Why a host call did not do what it was asked. An ordinary answer: the flow sees it and goes on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "kebab-case")]
pub enum Error {
    /// The caller hung up.
    #[error("the caller hung up")]
    Hangup,
    /// The host gave up waiting for something outside.
    #[error("gave up waiting")]
    Timeout,
    /// This flow or this clinic may not do that; the text says what would allow it.
    #[error("not allowed: {0}")]
    Denied(String),
    /// It exists but cannot be reached now.
    #[error("not reachable now: {0}")]
    Unavailable(String),
    /// Anything else, including bad arguments.
    #[error("{message} ({code})")]
    Other {
        /// Stable, lower-case, dashed: `slot-taken`.
        code: String,
        /// One sentence for a person.
        message: String,
    },
}

impl Error {
    /// The error of a bad argument or a rule: a stable code and a sentence.
    pub fn other(code: impl Into<String>, message: impl Into<String>) -> Self {
        Self::Other { code: code.into(), message: message.into() }
    }
}

/// An amount of money.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Money {
    /// In the currency's minor unit (kopecks).
    pub minor: u32,
    /// ISO 4217.
    pub currency: String,
}

record!(Money => wit::Money { minor, currency });

impl Convert<wit::Error> for Error {
    fn convert(self) -> wit::Error {
        match self {
            Self::Hangup => wit::Error::Hangup,
            Self::Timeout => wit::Error::Timeout,
            Self::Denied(why) => wit::Error::Denied(why),
            Self::Unavailable(why) => wit::Error::Unavailable(why),
            Self::Other { code, message } => wit::Error::Other(wit::ErrorInfo { code, message }),
        }
    }
}

impl wit::Host for Guest {}
