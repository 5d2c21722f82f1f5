//! The flow's side of a call: its program on the engine's own threads, its commands on their way to the call core, the
//! core's replies on their way back.

use std::collections::VecDeque;
use std::sync::Arc;

use call::{Command, Reply};
use flows::journal::{Entry, JournalSink, Recording};
use flows::{PortError, RunOptions, RunReport};
use records::{JournalRecord, Store};
use tokio::sync::{mpsc, oneshot};

use crate::port::LivePort;
use crate::stage::{Setup, Stage};

/// What the flow sends to the media loop.
#[derive(Debug)]
pub(crate) enum FromFlow {
    /// It wants something of the call; the reply goes back through the channel.
    Wants(Command, oneshot::Sender<Reply>),
    /// It is over.
    Ended(RunReport),
}

/// A running flow, as the media loop sees it.
pub(crate) struct FlowSide {
    replies: VecDeque<oneshot::Sender<Reply>>,
    /// The flow computes: nothing is asked of the call, nothing is being answered.
    pub(crate) thinking: bool,
    pub(crate) report: Option<RunReport>,
}

impl FlowSide {
    /// Start the stage's flow for one call. Its commands, and in the end its report, arrive at `to`.
    pub(crate) fn start(stage: &Stage, setup: &Setup, port: LivePort, to: mpsc::UnboundedSender<FromFlow>) -> FlowSide {
        let journal =
            StoreJournal { store: stage.store.clone(), call: setup.id.clone(), started_ms: setup.started_ms() };
        let port = Recording::new(port, Box::new(journal));
        let options = RunOptions {
            call_id: setup.id.clone(),
            seed: setup.seed,
            started: u64::try_from(setup.started_ms()).unwrap_or_default(),
            wall_limit: None,
        };
        let (engine, flow) = (stage.engine.clone(), Arc::clone(&stage.flow));
        tokio::spawn(async move {
            let report = engine.run(&flow, Box::new(port), options).await;
            to.send(FromFlow::Ended(report)).ok();
        });
        FlowSide { replies: VecDeque::new(), thinking: true, report: None }
    }

    /// A command came; its reply is owed.
    pub(crate) fn owes(&mut self, reply: oneshot::Sender<Reply>) {
        self.thinking = false;
        self.replies.push_back(reply);
    }

    /// The core answered the oldest command.
    pub(crate) fn reply(&mut self, reply: Reply) {
        if let Some(waiting) = self.replies.pop_front() {
            // A flow that ended meanwhile does not wait any more.
            waiting.send(reply).ok();
        }
        self.thinking = self.report.is_none() && self.replies.is_empty();
    }

    /// The flow is over.
    pub(crate) fn ended(&mut self, report: RunReport) {
        self.thinking = false;
        self.report = Some(report);
    }
}

/// Writes the journal into the records: an entry is on the disk before the flow sees its result.
struct StoreJournal {
    store: Store,
    call: String,
    started_ms: i64,
}

#[async_trait::async_trait]
impl JournalSink for StoreJournal {
    async fn append(&mut self, entry: &Entry) -> Result<(), PortError> {
        let json = |value: serde_json::Result<String>| value.map_err(|error| PortError::Journal(error.to_string()));
        let record = JournalRecord {
            call: self.call.clone(),
            seq: i64::from(entry.seq),
            request: json(serde_json::to_string(&entry.call))?.into(),
            reply: json(serde_json::to_string(&entry.reply))?.into(),
            at_ms: self.started_ms + i64::try_from(entry.at_ms).unwrap_or(i64::MAX),
            took_ms: i64::try_from(entry.took_ms).unwrap_or(i64::MAX),
        };
        self.store.add_journal(record).await.map_err(|error| PortError::Journal(error.to_string()))
    }
}
