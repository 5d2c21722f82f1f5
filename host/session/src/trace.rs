//! What a call shows of itself while it goes on: for a terminal, a page, a test. Never for a log: it holds personal data.

use call::Millis;
use tokio::sync::mpsc;

/// One thing worth showing.
#[derive(Debug, Clone, PartialEq)]
pub enum Trace {
    /// The robot begins to say this.
    Robot {
        /// When, since the start of the call.
        at: Millis,
        /// What.
        text: String,
    },
    /// The caller said this, as recognised.
    Caller {
        /// When it began.
        at: Millis,
        /// The words.
        text: String,
        /// The recogniser's confidence, 0 to 1; none for typed words.
        confidence: Option<f32>,
    },
    /// The caller pressed keys.
    Keys {
        /// When.
        at: Millis,
        /// Which.
        keys: String,
    },
    /// The caller interrupted.
    BargeIn {
        /// When.
        at: Millis,
    },
    /// Something was understood: what was looked for, and what was found.
    Understood {
        /// «дата», «телефон» …
        what: &'static str,
        /// In words for a person.
        meaning: String,
    },
    /// The flow did something that lasts.
    Did(String),
    /// The robot answered a turn of the caller: the times a listener would measure.
    Answered(call::Turn),
    /// The flow is out of the game.
    Failing(call::FailReason),
    /// The call is over.
    Ended(call::EndReason),
}

/// Where traces go; cheap to clone, never blocks.
#[derive(Debug, Clone)]
pub struct Tracer(Option<mpsc::UnboundedSender<Trace>>);

impl Tracer {
    /// A tracer and the end that receives.
    pub fn channel() -> (Tracer, mpsc::UnboundedReceiver<Trace>) {
        let (sender, receiver) = mpsc::unbounded_channel();
        (Tracer(Some(sender)), receiver)
    }

    /// Nobody is watching.
    pub fn none() -> Tracer {
        Tracer(None)
    }

    pub(crate) fn send(&self, trace: Trace) {
        if let Some(sender) = &self.0 {
            // A watcher who left is no reason to stop a call.
            sender.send(trace).ok();
        }
    }
}
