//! `gudok:faq`: the clinic's questions and answers.

use serde::{Deserialize, Serialize};

use super::bindings::gudok::faq::faq as wit;
use super::bindings::gudok::types::types::Error as WitError;
use super::convert::record;
use super::forward;
use crate::guest::Guest;

/// One question with its answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// The clinic's id of it.
    pub id: String,
    /// As callers ask it.
    pub question: String,
    /// Written to be heard.
    pub answer: String,
}

/// An entry that answers what was asked.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Hit {
    /// The entry.
    pub entry: Entry,
    /// 0 to 1.
    pub confidence: f64,
}

record!(Entry => wit::Entry { id, question, answer });
record!(Hit => wit::Hit { entry, confidence });

impl wit::Host for Guest {
    async fn find(&mut self, question: String) -> wasmtime::Result<Result<Vec<wit::Hit>, WitError>> {
        forward!(self, FaqFind { question: question })
    }

    async fn entries(&mut self) -> wasmtime::Result<Vec<wit::Entry>> {
        forward!(self, FaqEntries)
    }
}
