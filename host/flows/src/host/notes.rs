//! `gudok:notes`: what the flow writes down about the call.

use serde::{Deserialize, Serialize};

use super::bindings::gudok::notes::notes as wit;
use super::bindings::gudok::types::types::Error as WitError;
use super::convert::cases;
use super::forward;
use crate::guest::Guest;

/// How the call ended, for the reports.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// A visit was booked.
    Booked,
    /// A visit was moved.
    Moved,
    /// A visit was cancelled.
    Cancelled,
    /// Answered from the FAQ or the clinic's data.
    Answered,
    /// Handed to a person.
    Transferred,
    /// A call-back was promised.
    Callback,
    /// The caller asked for what the clinic does not offer.
    NotOffered,
    /// None of these.
    Nothing,
}

cases!(wit::Outcome => Outcome {
    Booked, Moved, Cancelled, Answered, Transferred, Callback, NotOffered, Nothing,
});

impl wit::Host for Guest {
    async fn tag(&mut self, category: String) -> wasmtime::Result<Result<(), WitError>> {
        forward!(self, NotesTag { category: category })
    }

    async fn note(&mut self, name: String, value: String) -> wasmtime::Result<Result<(), WitError>> {
        forward!(self, NotesNote { name: name, value: value })
    }

    async fn set_outcome(&mut self, outcome: wit::Outcome) -> wasmtime::Result<Result<(), WitError>> {
        forward!(self, NotesSetOutcome { outcome: outcome })
    }

    async fn log(&mut self, line: String) -> wasmtime::Result<()> {
        forward!(self, NotesLog { line: line })
    }
}
