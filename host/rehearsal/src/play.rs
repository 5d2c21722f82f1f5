//! Conversations: one script against one flow, in virtual time; many of them on all cores.

use std::sync::Arc;
use std::time::Duration;

use flows::host::voice::{CallInfo, Channel, Question};
use flows::host::{Error, HostCall};
use flows::journal::{Entries, Header, Journal, Recording};
use flows::script::{CallerTurn, Scripted};
use flows::{Engine, Flow, RunOptions, RunReport};
use jiff::civil::{DateTime, date};
use lines::caller::Caller;
use lines::script::{Act, Script};
use tokio::sync::mpsc;

use crate::error::RehearsalError;
use crate::expect;
use crate::house::House;
use crate::noise::Noise;
use crate::office::SceneOffice;

/// A conversation that computes for so long is ended, whatever the limits on CPU say.
const LONGEST: Duration = Duration::from_secs(60);

/// When a script's call happens if it does not say: a Tuesday morning, always the same one.
pub fn usual_moment() -> DateTime {
    date(2026, 11, 24).at(10, 15, 0, 0)
}

/// One conversation to be played.
#[derive(Clone)]
pub struct Case {
    /// The script's file, for people.
    pub file: String,
    /// What the caller does, and what is expected.
    pub script: Arc<Script>,
    /// The clinic that is called.
    pub house: Arc<House>,
    /// Seed of the flow's randomness and of the recogniser's errors.
    pub seed: u64,
}

/// What came of a conversation.
#[derive(Clone, Debug)]
pub struct Conversation {
    /// The script's file.
    pub file: String,
    /// The script's title.
    pub title: String,
    /// The seed it was played with.
    pub seed: u64,
    /// Every host call with its reply, times virtual.
    pub journal: Journal,
    /// How the flow ended, what it took.
    pub report: RunReport,
    /// What was expected and did not come; empty: the conversation went as it should.
    pub failures: Vec<String>,
}

impl Conversation {
    /// Did everything come as expected?
    pub fn passed(&self) -> bool {
        self.failures.is_empty()
    }

    /// Answers of the caller.
    pub fn turns(&self) -> usize {
        let answered = |entry: &&flows::journal::Entry| {
            matches!(entry.call, HostCall::VoiceAsk { .. }) && entry.reply.error() != Some(&Error::Hangup)
        };
        self.journal.entries.iter().filter(answered).count()
    }

    /// Virtual length.
    pub fn length_ms(&self) -> u64 {
        self.journal.entries.last().map_or(0, |entry| entry.at_ms + entry.took_ms)
    }
}

/// Play one conversation.
///
/// # Errors
///
/// [`RehearsalError::Now`]: the script's moment does not exist in the clinic's zone. What goes wrong in the conversation is in
/// the [`Conversation`].
pub async fn play(engine: &Engine, flow: &Arc<Flow>, case: &Case) -> Result<Conversation, RehearsalError> {
    let script = &case.script;
    let caller =
        Spoken { caller: Caller::new(script), noise: Noise::new(script.scene.noise, case.seed ^ script.scene.seed) };
    let (journal, report) = converse(engine, flow, case, Box::new(caller)).await?;
    let mut conversation = Conversation {
        file: case.file.clone(),
        title: script.title.clone(),
        seed: case.seed,
        journal,
        report,
        failures: Vec::new(),
    };
    conversation.failures = expect::check(&script.expect, &conversation);
    Ok(conversation)
}

/// Play many conversations, `at_once` side by side; they come back in the order of `cases`. `played` is told how many are
/// done after each.
///
/// # Errors
///
/// As for [`play()`].
pub async fn play_all(
    engine: &Engine,
    flow: &Arc<Flow>,
    cases: &[Case],
    at_once: usize,
    mut played: impl FnMut(usize),
) -> Result<Vec<Conversation>, RehearsalError> {
    let at_once = at_once.clamp(1, cases.len().max(1));
    let shared: Arc<[Case]> = cases.into();
    let next = Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let (done, mut results) = mpsc::channel(at_once * 4);
    for _ in 0..at_once {
        let (engine, flow, cases, next, done) =
            (engine.clone(), Arc::clone(flow), Arc::clone(&shared), Arc::clone(&next), done.clone());
        tokio::spawn(async move {
            loop {
                let index = next.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                let Some(case) = cases.get(index) else { break };
                if done.send((index, play(&engine, &flow, case).await)).await.is_err() {
                    break;
                }
            }
        });
    }
    drop(done);
    let mut conversations: Vec<Option<Conversation>> = vec![None; shared.len()];
    let mut count = 0;
    while let Some((index, conversation)) = results.recv().await {
        conversations[index] = Some(conversation?);
        count += 1;
        played(count);
    }
    let missing = || RehearsalError::Stopped("a conversation was lost; run it alone to see why".into());
    conversations.into_iter().map(|conversation| conversation.ok_or_else(missing)).collect()
}

/// Hold a conversation with any caller in the scene of a case.
pub(crate) async fn converse(
    engine: &Engine,
    flow: &Arc<Flow>,
    case: &Case,
    caller: Box<dyn flows::script::Caller>,
) -> Result<(Journal, RunReport), RehearsalError> {
    let (script, house) = (&case.script, &case.house);
    let now = script.now.unwrap_or_else(usual_moment);
    let started = now.to_zoned(house.clinic.zone.clone()).map_err(|source| RehearsalError::Now {
        path: case.file.clone(),
        now,
        source,
    })?;
    let call = CallInfo {
        id: "rehearsal".into(),
        channel: Channel::Script,
        caller: script.caller.clone(),
        line: house.clinic.phone.clone(),
        entry: script.scene.entry.clone().unwrap_or_else(|| "day".into()),
        started: now.strftime("%Y-%m-%dT%H:%M").to_string(),
    };
    let office = SceneOffice::new(house, &script.scene, script.caller.as_deref());
    let port = Scripted::with(Box::new(office), call, caller, Box::new(Arc::clone(&house.meaning)))
        .map_err(|error| RehearsalError::Stopped(error.to_string()))?;
    let entries = Entries::default();
    let options = RunOptions {
        call_id: "rehearsal".into(),
        seed: case.seed,
        started: u64::try_from(started.timestamp().as_millisecond()).unwrap_or_default(),
        wall_limit: Some(LONGEST),
    };
    let header = Header::new(flow, &options);
    let report = engine.run(flow, Box::new(Recording::new(port, Box::new(entries.clone()))), options).await;
    Ok((Journal { header, entries: entries.to_vec(), end: Some(report.end.clone()) }, report))
}

/// The script's caller, heard through a recogniser.
struct Spoken {
    caller: Caller,
    noise: Noise,
}

impl flows::script::Caller for Spoken {
    fn answer(&mut self, question: &Question) -> CallerTurn {
        match self.caller.answer(&question.id) {
            Act::Say(text) => CallerTurn::Says(self.noise.mishear(&text)),
            Act::Digits(keys) => CallerTurn::Presses(keys),
            Act::Silence => CallerTurn::IsSilent,
            Act::HangUp => CallerTurn::HangsUp,
        }
    }
}
