//! A candidate beside a live call: it hears what the live flow hears, and does nothing.
//!
//! The live call's journal is the candidate's world, entry by entry as it is written. Where the candidate is ahead it
//! waits; where it does something else the difference is graded as in a replay ([`replay`]). Effects are never
//! executed. The live call never waits: [`ShadowTap`] hands entries over or, when the candidate is too far behind,
//! lets go of it.
//!
//! The verdict is that of a replay of the finished call, with two exceptions: a look the live flow takes only later is
//! not known yet, and counts as a new question; and a [port for reads](ShadowOptions::reads) may answer such looks.
//!
//! ```text
//! live flow ─ Recording ─┬─ the records
//!                        └─ ShadowTap ┄ bounded ┄> candidate ─> ShadowReport (nothing to tell when identical)
//! ```

use std::future::Future;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use serde::Serialize;
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::mpsc::{Receiver, Sender, channel};

use crate::compare::{Comparison, Language};
use crate::engine::Engine;
use crate::flow::Flow;
use crate::host::{HostCall, HostReply, Nature};
use crate::journal::{Entry, Header, Journal, JournalSink};
use crate::port::{Port, PortError};
use crate::replay::matcher::{Choice, Ended, Matcher};
use crate::replay::{self, ReplayReport, Verdict, lock};
use crate::run::FlowEnd;

/// How to run a candidate beside a call.
pub struct ShadowOptions {
    /// Of the live call's journal: the candidate gets the same seed and start.
    pub header: Header,
    /// Entries the candidate may be behind the live flow. Beyond that it is let go.
    pub backlog: usize,
    /// Places for calls that must stay free of shadows; with fewer left the candidate does not start.
    pub spare_room: usize,
    /// Answers reads that the live flow did not make. Asked for nothing but reads.
    pub reads: Option<Box<dyn Port>>,
    /// Of the comparison.
    pub language: Language,
}

impl ShadowOptions {
    /// As shipped: 256 entries behind, 16 free places, no port for reads, Russian.
    pub fn new(header: Header) -> Self {
        Self { header, backlog: 256, spare_room: 16, reads: None, language: Language::Russian }
    }
}

/// Runs candidates beside live calls.
pub struct Shadow;

impl Shadow {
    /// Start a candidate beside a live call. Give every entry to the tap, then the end; **spawn the future**, it is the
    /// candidate. It is ready once both flows are done, or the tap and its clones are gone (the live call was cut off).
    pub fn start(
        engine: &Engine,
        flow: Arc<Flow>,
        options: ShadowOptions,
    ) -> (ShadowTap, impl Future<Output = ShadowReport> + Send + use<>) {
        let (sender, receiver) = channel(options.backlog.max(1));
        let lagged = Arc::new(AtomicBool::new(false));
        let tap = ShadowTap { sender: Arc::new(Mutex::new(Some(sender))), lagged: Arc::clone(&lagged) };
        let feed = Feed { receiver, entries: Vec::new(), end: None, ended: None };
        (tap, follow(engine.clone(), flow, options, feed, lagged))
    }
}

/// Where the live call's entries go. Never waits, never fails; clones lead to the same candidate.
#[derive(Clone)]
pub struct ShadowTap {
    /// `None` once the candidate was let go, or all is told.
    sender: Arc<Mutex<Option<Sender<Live>>>>,
    lagged: Arc<AtomicBool>,
}

enum Live {
    Entry(Box<Entry>),
    Ended(FlowEnd),
}

impl ShadowTap {
    /// The live flow got this answer.
    pub fn saw(&self, entry: &Entry) {
        self.tell(|| Live::Entry(Box::new(entry.clone())));
    }

    /// The live flow ended.
    pub fn ended(&self, end: &FlowEnd) {
        self.tell(|| Live::Ended(end.clone()));
        lock(&self.sender).take();
    }

    /// A sink that keeps entries in `sink` and, once they are kept, shows them to the candidate.
    pub fn beside(self, sink: Box<dyn JournalSink>) -> Box<dyn JournalSink> {
        Box::new(Tee(sink, self))
    }

    fn tell(&self, what: impl FnOnce() -> Live) {
        let mut sender = lock(&self.sender);
        let Some(open) = sender.as_ref() else { return };
        match open.try_send(what()) {
            Ok(()) => {}
            Err(TrySendError::Full(_)) => {
                self.lagged.store(true, SeqCst);
                sender.take();
            }
            Err(TrySendError::Closed(_)) => {
                sender.take();
            }
        }
    }
}

#[async_trait]
impl JournalSink for ShadowTap {
    async fn append(&mut self, entry: &Entry) -> Result<(), PortError> {
        self.saw(entry);
        Ok(())
    }
}

struct Tee(Box<dyn JournalSink>, ShadowTap);

#[async_trait]
impl JournalSink for Tee {
    async fn append(&mut self, entry: &Entry) -> Result<(), PortError> {
        self.0.append(entry).await?;
        self.1.saw(entry);
        Ok(())
    }
}

/// Why a candidate was not compared to the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, thiserror::Error)]
#[serde(rename_all = "kebab-case")]
pub enum DropOut {
    /// The live call was too far ahead of it.
    #[error("it was more than {behind} host calls behind the live call (`backlog`)")]
    Lagged {
        /// [`ShadowOptions::backlog`].
        behind: usize,
    },
    /// The engine's places were needed for callers.
    #[error("only {free} places for calls were free; {spare} are kept for callers (`spare_room`)")]
    NoRoom {
        /// At that moment.
        free: usize,
        /// [`ShadowOptions::spare_room`].
        spare: usize,
    },
}

/// What came of a candidate beside one call.
#[derive(Clone, Debug)]
pub struct ShadowReport {
    /// The live call's id.
    pub call: String,
    /// The candidate's digest.
    pub digest: String,
    /// The gravest difference, as far as the candidate came.
    pub verdict: Verdict,
    /// It did not come to the end of the call.
    pub dropped_out: Option<DropOut>,
    /// Side by side; `None`: there is nothing to show. Holds personal data.
    pub comparison: Option<Comparison>,
    /// The candidate's calls and its run; `None`: it did not start.
    pub replay: Option<ReplayReport>,
}

impl ShadowReport {
    /// Nothing to tell: the candidate did all the same, to the end.
    pub fn is_silent(&self) -> bool {
        self.verdict == Verdict::Identical && self.dropped_out.is_none()
    }
}

/// The live call as the candidate knows it so far.
struct Feed {
    receiver: Receiver<Live>,
    entries: Vec<Entry>,
    end: Option<FlowEnd>,
    ended: Option<Ended>,
}

impl Feed {
    /// Wait for more of the live call; false once there is none.
    async fn grow(&mut self) -> bool {
        if self.ended.is_some() {
            return false;
        }
        match self.receiver.recv().await {
            Some(Live::Entry(entry)) => self.entries.push(*entry),
            Some(Live::Ended(end)) => {
                self.ended = Some(Ended::of(Some(&end)));
                self.end = Some(end);
            }
            None => self.ended = Some(Ended::CutOff),
        }
        true
    }
}

async fn follow(
    engine: Engine,
    flow: Arc<Flow>,
    options: ShadowOptions,
    feed: Feed,
    lagged: Arc<AtomicBool>,
) -> ShadowReport {
    let ShadowOptions { header, backlog, spare_room: spare, reads, language } = options;
    let free = engine.room();
    if free <= spare {
        let (call, digest) = (header.call, flow.digest().to_owned());
        let dropped_out = Some(DropOut::NoRoom { free, spare });
        return ShadowReport { call, digest, verdict: Verdict::Identical, dropped_out, comparison: None, replay: None };
    }
    // Whoever runs has it: first the candidate's port, then this function again.
    let world = Arc::new(tokio::sync::Mutex::new((feed, Matcher::default())));
    let port = Follower { world: Arc::clone(&world), reads, elapsed_ms: 0 };
    let run = engine.run(&flow, Box::new(port), replay::options(&header)).await;

    let mut world = world.lock().await;
    // What the live flow still does belongs to the verdict, and to what a person sees.
    while world.0.grow().await {}
    let (feed, matcher) = &mut *world;
    let (entries, end) = (std::mem::take(&mut feed.entries), feed.end.take());
    let replay = std::mem::take(matcher).report(&entries, end.as_ref(), run);
    let dropped_out = lagged.load(SeqCst).then_some(DropOut::Lagged { behind: backlog });
    let call = header.call.clone();
    let journal = Journal { header, entries, end };
    let comparison =
        (replay.verdict != Verdict::Identical).then(|| Comparison::in_language(&journal, &replay, language));
    let digest = flow.digest().to_owned();
    ShadowReport { call, digest, verdict: replay.verdict, dropped_out, comparison, replay: Some(replay) }
}

/// The port that answers from a journal which is still being written.
struct Follower {
    world: Arc<tokio::sync::Mutex<(Feed, Matcher)>>,
    reads: Option<Box<dyn Port>>,
    elapsed_ms: u64,
}

#[async_trait]
impl Port for Follower {
    async fn call(&mut self, call: HostCall) -> Result<HostReply, PortError> {
        let mut world = self.world.lock().await;
        let (feed, matcher) = &mut *world;
        let choice = loop {
            match matcher.decide(&feed.entries, feed.ended, &call) {
                Some(choice) => break choice,
                None => {
                    feed.grow().await;
                }
            }
        };
        if let (Choice::Stop(..), Nature::Read, Some(reads)) = (&choice, call.nature(), &mut self.reads)
            && let Ok(reply) = reads.call(call.clone()).await
        {
            matcher.looked(call);
            return Ok(reply);
        }
        let reply = matcher.take(&feed.entries, call, choice);
        self.elapsed_ms = matcher.elapsed_ms();
        reply
    }

    fn elapsed_ms(&self) -> Option<u64> {
        Some(self.elapsed_ms)
    }
}
