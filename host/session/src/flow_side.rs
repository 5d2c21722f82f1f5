//! The flow's side of a call: its program on the engine's own threads, its commands on their way to the call core, the
//! core's replies on their way back.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use call::{Command, Reply};
use flows::host::Nature;
use flows::journal::{Entry, Header, JournalSink, Recording};
use flows::shadow::{Shadow, ShadowOptions, ShadowReport};
use flows::{FlowEnd, PortError, RunOptions, RunReport};
use records::{JournalRecord, Store};
use rollout::{Pinned, Switchboard};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;

use crate::inbox::{Arrived, ToLoop};
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
    /// Start a version for one call. Its commands, and in the end its report, arrive at `to`.
    pub(crate) fn start(stage: &Stage, setup: &Setup, pinned: &Pinned, port: LivePort, to: ToLoop) -> FlowSide {
        let (journal, written) = StoreJournal::start(stage.store.clone(), setup.id.clone(), setup.started_ms());
        let options = RunOptions {
            call_id: setup.id.clone(),
            seed: setup.seed,
            started: u64::try_from(setup.started_ms()).unwrap_or_default(),
            wall_limit: None,
        };
        let (engine, flow) = (stage.engine.clone(), Arc::clone(&pinned.flow));
        let journal: Box<dyn JournalSink> = Box::new(journal);
        let (sink, shadow) = match pinned.shadow.clone() {
            Some(candidate) => {
                let beside = ShadowOptions::new(Header::new(&flow, &options));
                let (tap, candidate) = Shadow::start(&engine, candidate, beside);
                tokio::spawn(shadowed(Arc::clone(&stage.flows), candidate));
                (tap.clone().beside(journal), Some(tap))
            }
            None => (journal, None),
        };
        let port = Recording::new(port, sink);
        let (last_word, call) = (LastWord(Some(to)), setup.id.clone());
        tokio::spawn(async move {
            let report = engine.run(&flow, Box::new(port), options).await;
            if tokio::time::timeout(JOURNAL_ENDS, written).await.is_err() {
                tracing::error!(call, "the end of a journal is late");
            }
            if let Some(shadow) = shadow {
                shadow.ended(&report.end);
            }
            last_word.say(report);
        });
        FlowSide { replies: VecDeque::new(), thinking: true, report: None }
    }

    /// There is no version for this call: it is as if one had given up at once, and the caller goes to a person.
    pub(crate) fn none(to: ToLoop) -> FlowSide {
        LastWord(Some(to)).say(gave_up("no flow answers here: deploy one with `gudok flow deploy`"));
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

fn gave_up(why: &str) -> RunReport {
    let end = FlowEnd::GaveUp(why.to_owned());
    RunReport { end, cpu_ms: 0.0, memory_bytes: 0, host_calls: 0, output: String::new() }
}

/// Tells the loop that the flow is over, whatever becomes of the task that ran it.
struct LastWord(Option<ToLoop>);

impl LastWord {
    fn say(mut self, report: RunReport) {
        if let Some(to) = self.0.take() {
            to.send(Arrived::Flow(FromFlow::Ended(report))).ok();
        }
    }
}

impl Drop for LastWord {
    fn drop(&mut self) {
        if let Some(to) = self.0.take() {
            to.send(Arrived::Flow(FromFlow::Ended(gave_up("the engine lost the flow")))).ok();
        }
    }
}

/// Waits for a shadow, and tells what it would have done otherwise. Only the verdict is kept: with the journal, a replay
/// shows the rest.
async fn shadowed(flows: Arc<Switchboard>, candidate: impl Future<Output = ShadowReport>) {
    let report = candidate.await;
    if let Some(dropped_out) = &report.dropped_out {
        tracing::warn!(call = report.call, shadow = report.digest, "the shadow was let go: {dropped_out}");
        return;
    }
    if !report.is_silent() {
        tracing::info!(call = report.call, shadow = report.digest, verdict = ?report.verdict, "the shadow differs");
    }
    if let Err(error) = flows.shadowed(&report.call, report.verdict).await {
        tracing::error!(call = report.call, %error, "the verdict on a shadow could not be written down");
    }
}

/// Entries on their way to the disk; a flow that asks faster than the disk writes waits for it.
const JOURNAL_AHEAD: usize = 64;
/// How long the end of a run waits for the rest of its journal.
const JOURNAL_ENDS: Duration = Duration::from_secs(10);

/// Writes the journal into the records, in order. An entry of something that lasts is on the disk before the flow sees its
/// result, and everything before it; a read or a sentence only has to be on its way: a call's journal is of no use to a
/// caller who waits for the disk, and a program that dies takes the call with it, tail and all.
struct StoreJournal {
    queue: mpsc::Sender<Writing>,
    call: String,
    started_ms: i64,
}

struct Writing {
    record: JournalRecord,
    /// Somebody waits for it.
    written: Option<oneshot::Sender<()>>,
}

impl StoreJournal {
    /// The journal, and the task that ends when all of it is written.
    fn start(store: Store, call: String, started_ms: i64) -> (StoreJournal, JoinHandle<()>) {
        let (queue, mut entries) = mpsc::channel::<Writing>(JOURNAL_AHEAD);
        let writer = tokio::spawn(async move {
            while let Some(Writing { record, written }) = entries.recv().await {
                let call = record.call.clone();
                if let Err(error) = store.add_journal(record).await {
                    // The next entry finds the queue closed, which ends the flow: nothing happens that is not written.
                    tracing::error!(call, %error, "a journal could not be written");
                    return;
                }
                if let Some(written) = written {
                    written.send(()).ok();
                }
            }
        });
        (StoreJournal { queue, call, started_ms }, writer)
    }
}

#[async_trait::async_trait]
impl JournalSink for StoreJournal {
    async fn append(&mut self, entry: &Entry) -> Result<(), PortError> {
        let json = |value: serde_json::Result<String>| value.map_err(|error| PortError::Journal(error.to_string()));
        let broken = || PortError::Journal("the journal could not be written; the log says why".to_owned());
        let record = JournalRecord {
            call: self.call.clone(),
            seq: i64::from(entry.seq),
            request: json(serde_json::to_string(&entry.call))?.into(),
            reply: json(serde_json::to_string(&entry.reply))?.into(),
            at_ms: self.started_ms + i64::try_from(entry.at_ms).unwrap_or(i64::MAX),
            took_ms: i64::try_from(entry.took_ms).unwrap_or(i64::MAX),
        };
        if entry.call.nature() != Nature::Effect {
            return self.queue.send(Writing { record, written: None }).await.map_err(|_| broken());
        }
        let (written, on_disk) = oneshot::channel();
        self.queue.send(Writing { record, written: Some(written) }).await.map_err(|_| broken())?;
        on_disk.await.map_err(|_| broken())
    }
}
