//! Who is there to take a caller: asked for every transfer that a flow, or a failing call, wants.

use std::sync::Arc;

use async_trait::async_trait;
use call::TransferResult;
use desk::Clinic;
use flows::host::voice::Channel;
use jiff::Timestamp;
use lines::Line;

/// A transfer that is wanted.
#[derive(Clone)]
pub struct TransferCall {
    /// The call.
    pub id: String,
    /// Its clinic.
    pub clinic: Arc<Clinic>,
    /// Where the caller is.
    pub channel: Channel,
    /// Where to: `operator`, or another line of the clinic file.
    pub to: String,
    /// One line for the person who takes over.
    pub summary: String,
    /// The caller's number, when the line shows it.
    pub caller: Option<String>,
    /// Now, by the call's clock.
    pub at: Timestamp,
    /// The caller's line, where there is one that can do something.
    pub line: Option<Arc<dyn Line>>,
}

/// How a queue is for whoever joins it now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QueueNow {
    /// Somebody serves it.
    pub served: bool,
    /// How many wait.
    pub waiting: u32,
    /// How long one more will probably wait, seconds.
    pub expected_wait_s: u32,
}

/// The people of a house.
#[async_trait]
pub trait People: Send + Sync {
    /// Hand this caller over, or say why not. [`TransferResult::Connected`] means that the caller has been accepted, by a
    /// person or into a queue: the robot leaves, and the line goes on from [`crate::Robot::leg`]. A transfer that is given
    /// up (nobody answered in time, the caller is gone) is dropped where it awaits.
    async fn transfer(&self, call: &TransferCall) -> TransferResult;

    /// The queue before a line of this clinic; none where there is none.
    async fn queue(&self, _clinic: &Clinic, _to: &str) -> Option<QueueNow> {
        None
    }
}

/// By the clinic file: a person answers where a line is written down, the operator's during opening hours, the ward's and
/// other lines of their own at any time. For written and simulated calls, where nobody has to be rung.
#[derive(Debug, Clone, Copy, Default)]
pub struct ClinicLines;

#[async_trait]
impl People for ClinicLines {
    async fn transfer(&self, call: &TransferCall) -> TransferResult {
        let staffed = call.to != "operator" || call.clinic.is_open(call.at);
        match call.clinic.lines.contains_key(&call.to) {
            true if staffed => TransferResult::Connected,
            _ => TransferResult::Nobody,
        }
    }
}
