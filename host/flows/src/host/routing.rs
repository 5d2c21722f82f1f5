//! `gudok:routing`: handing the caller over to a person.

use serde::{Deserialize, Serialize};

use super::bindings::gudok::routing::routing as wit;
use super::bindings::gudok::types::types::Error as WitError;
use super::convert::{cases, record};
use super::forward;
use crate::guest::Guest;

/// Where to.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Destination {
    /// The front desk.
    Operator,
    /// The doctor the question is for.
    Doctor,
    /// Animals or patients kept in the clinic.
    Ward,
    /// Results of tests and scans.
    Results,
    /// A line from the clinic file, by name.
    Line(String),
}

/// What became of a transfer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TransferOutcome {
    /// The caller is with a person, or in their queue.
    Connected,
    /// Nobody is there.
    Nobody,
    /// The line refused; what it answered.
    Refused(String),
}

/// How busy a destination is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct QueueState {
    /// Does it take calls now?
    pub open: bool,
    /// Callers waiting.
    pub waiting: u32,
    /// Seconds a caller who joins now is expected to wait.
    pub expected_wait_s: u32,
}

cases!(wit::Destination => Destination { Operator, Doctor, Ward, Results, Line(name) });
cases!(TransferOutcome => wit::TransferOutcome { Connected, Nobody, Refused(answer) });
record!(QueueState => wit::QueueState { open, waiting, expected_wait_s });

impl wit::Host for Guest {
    async fn transfer(
        &mut self,
        to: wit::Destination,
        summary: String,
    ) -> wasmtime::Result<Result<wit::TransferOutcome, WitError>> {
        forward!(self, RoutingTransfer { to: to, summary: summary })
    }

    async fn queue(&mut self, to: wit::Destination) -> wasmtime::Result<Result<wit::QueueState, WitError>> {
        forward!(self, RoutingQueue { to: to })
    }
}
