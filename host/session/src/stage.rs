//! What calls share, what is particular to one, and what is left when it is over.

use std::path::PathBuf;
use std::sync::Arc;

use desk::{Clinic, Desk};
use flows::host::voice::Channel;
use flows::{Engine, RunReport};
use jiff::Zoned;
use records::{Direction, Outcome, Store};
use rollout::{Entry, Switchboard};

use crate::live::Live;
use crate::meaning::Meaning;
use crate::people::People;
use crate::tagging::Tagger;

/// What every call of a clinic shares. Cheap to clone.
#[derive(Clone)]
pub struct Stage {
    /// Runs flows.
    pub engine: Engine,
    /// Which version a new call gets; a call in progress keeps its own.
    pub flows: Arc<Switchboard>,
    /// The clinic's business.
    pub desk: Arc<Desk>,
    /// Understanding, for this clinic.
    pub meaning: Arc<Meaning>,
    /// Tags calls the flow has not tagged.
    pub classifier: Arc<Tagger>,
    /// What is remembered.
    pub store: Store,
    /// Who takes callers that are handed over; [`crate::ClinicLines`] where nobody has to be rung.
    pub people: Arc<dyn People>,
}

/// What is particular to one call.
#[derive(Debug, Clone)]
pub struct Setup {
    /// Unique; see [`records::id()`].
    pub id: String,
    /// Where the caller is.
    pub channel: Channel,
    /// Who called whom.
    pub direction: Direction,
    /// The caller's number, E.164, when the line shows it.
    pub caller: Option<String>,
    /// The number or line that was called.
    pub line: String,
    /// On what occasion: decides which route the call takes.
    pub entry: Entry,
    /// When the call began, in the clinic's zone.
    pub started: Zoned,
    /// Where the flow's random numbers come from.
    pub seed: u64,
    /// Where to leave the stereo recording.
    pub recording: Option<PathBuf>,
    /// For those who look at the call while it goes on.
    pub live: Live,
}

impl Setup {
    /// A call that begins at `started`, with a fresh id and seed.
    pub fn new(channel: Channel, started: Zoned) -> Setup {
        let id = records::id();
        // The seed is kept with the journal, so any value will do; the id has randomness of its own.
        let seed = id.bytes().fold(0xcbf2_9ce4_8422_2325, |hash: u64, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
        });
        Setup {
            id,
            channel,
            direction: Direction::Incoming,
            caller: None,
            line: String::new(),
            entry: Entry::Day,
            started,
            seed,
            recording: None,
            live: Live::default(),
        }
    }

    /// `day` while the clinic is open when the call begins, `night` otherwise.
    pub fn entry_by_hours(mut self, clinic: &Clinic) -> Setup {
        self.entry = if clinic.is_open(self.started.timestamp()) { Entry::Day } else { Entry::Night };
        self
    }

    pub(crate) fn started_ms(&self) -> i64 {
        self.started.timestamp().as_millisecond()
    }
}

/// A call that is over.
#[derive(Debug, Clone)]
pub struct Held {
    /// Its id.
    pub id: String,
    /// How it ended.
    pub end: call::EndReason,
    /// How its flow ended; none when the flow outlived the call and was dropped.
    pub flow: Option<RunReport>,
    /// What came of it.
    pub outcome: Option<Outcome>,
    /// Its tag.
    pub category: Option<String>,
    /// Every answered turn's times.
    pub turns: Vec<call::Turn>,
    /// Length, milliseconds.
    pub duration_ms: u64,
    /// Where the recording is, or will be when its [`Leg`](crate::Leg) has hung up and something was kept.
    pub recording: Option<PathBuf>,
    /// Whom the caller was handed to; none unless `end` is [`call::EndReason::Transferred`].
    pub handed_over: Option<HandedOver>,
}

/// A caller who is with a person now, or in their queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HandedOver {
    /// `operator`, or another line of the clinic file.
    pub to: String,
    /// What the robot learned, in one line.
    pub summary: String,
}
