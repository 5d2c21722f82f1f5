//! A version's trial: the calls of the records, replayed against it, before anybody hears it.
//!
//! Every call is replayed twice with no I/O, several at a time. What comes back is the whole, in one sentence, and each
//! call that would have gone otherwise, side by side. [`Trial::gate`] is the judgement: effects that change must be named
//! by the person who wants them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use flows::compare::{Comparison, Language};
use flows::replay::{ReplaySummary, Verdict};
use flows::{Engine, Flow};
use records::Store;
use serde::Serialize;
use tokio::task::JoinSet;

use crate::RolloutError;
use crate::recorded::journal_of;

/// Which calls a version is tried on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recorded {
    /// The clinic's id.
    pub clinic: String,
    /// From this moment, unix milliseconds.
    pub from_ms: i64,
    /// To this moment, not included.
    pub to_ms: i64,
    /// Only these calls, whenever they were; empty: all of that time.
    pub calls: Vec<String>,
    /// At most so many, the latest.
    pub limit: usize,
}

/// What a trial came to.
#[derive(Clone, Debug, Serialize)]
pub struct Trial {
    /// The version that was tried.
    pub digest: String,
    /// Calls by verdict, and those worth a look.
    pub summary: ReplaySummary,
    /// Calls that would have gone otherwise, side by side, gravest first. Holds personal data.
    pub comparisons: Vec<Comparison>,
    /// Calls whose journal cannot be read, and why.
    pub unreadable: Vec<(String, String)>,
    /// Recorded calls a second: the whole trial by its length.
    pub calls_per_second: f64,
}

/// Why a version may not be deployed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// It does something else than the version before did.
    #[error(
        "{} recorded calls would have ended in another effect or broken: {}. Look at them with `gudok flow replay … --call ID`, then name them with --allow-effects (or `all`)",
        calls.len(),
        first(calls)
    )]
    Effects {
        /// The calls that were not named.
        calls: Vec<String>,
    },
    /// Two replays of one call did not agree.
    #[error(
        "{calls} calls did not replay twice alike: the flow takes something from outside its host calls, so no trial of it says anything"
    )]
    NotDeterministic {
        /// How many.
        calls: u32,
    },
    /// Nothing was compared.
    #[error("there is no recorded call of {clinic} in that time to try the version on; take a longer one with --since")]
    Nothing {
        /// The clinic.
        clinic: String,
    },
    /// Some journals could not be opened, and what cannot be seen is not judged.
    #[error("{} journals cannot be read: {why}", calls)]
    Unreadable {
        /// How many.
        calls: usize,
        /// Of the first.
        why: String,
    },
}

fn first(calls: &[String]) -> String {
    let shown = calls.iter().take(3).cloned().collect::<Vec<_>>().join(", ");
    if calls.len() > 3 { format!("{shown} and {} more", calls.len() - 3) } else { shown }
}

/// Try a version on recorded calls. `progress` hears `(done, all)` after every call.
///
/// # Errors
///
/// The records cannot be read, or the call that was named is not there.
pub async fn trial(
    engine: &Engine,
    store: &Store,
    flow: &Arc<Flow>,
    which: &Recorded,
    language: Language,
    progress: impl FnMut(usize, usize),
) -> Result<Trial, RolloutError> {
    let languages: &'static [Language] = match language {
        Language::Russian => &[Language::Russian],
        Language::English => &[Language::English],
    };
    tried(engine, store, flow, which, languages, progress).await.map(|(trial, _)| trial)
}

/// The same call in the other languages.
pub(crate) type Others = BTreeMap<String, Vec<Comparison>>;

/// A trial in the first of these languages, and its comparisons in the others.
pub(crate) async fn tried(
    engine: &Engine,
    store: &Store,
    flow: &Arc<Flow>,
    which: &Recorded,
    languages: &'static [Language],
    mut progress: impl FnMut(usize, usize),
) -> Result<(Trial, Others), RolloutError> {
    let mut calls = match which.calls.as_slice() {
        [] => store.recorded_calls(&which.clinic, which.from_ms, which.to_ms).await?,
        named => named.to_vec(),
    };
    calls.drain(..calls.len().saturating_sub(which.limit));
    let all = calls.len();
    progress(0, all);

    let began = Instant::now();
    let mut waiting = calls.into_iter();
    let mut running = JoinSet::new();
    let (mut summary, mut comparisons, mut unreadable) = (ReplaySummary::default(), Vec::new(), Vec::new());
    let mut others = Others::new();
    let (mut done, mut replayed) = (0, 0u32);
    loop {
        // A few more than there are cores: reading a journal waits for the disk.
        while running.len() < AT_ONCE
            && let Some(call) = waiting.next()
        {
            let (engine, store, flow) = (engine.clone(), store.clone(), Arc::clone(flow));
            running.spawn(async move { one(&engine, &store, &flow, call, languages).await });
        }
        let Some(ended) = running.join_next().await else { break };
        done += 1;
        progress(done, all);
        match ended {
            Ok((_, Ok(tried))) => {
                replayed += 1;
                let Tried { comparison, others: translated, deterministic } = tried;
                summary.add(&comparison.call, comparison.verdict, deterministic, &comparison.line);
                if comparison.verdict != Verdict::Identical || !deterministic {
                    if !translated.is_empty() {
                        others.insert(comparison.call.clone(), translated);
                    }
                    comparisons.push(comparison);
                }
            }
            Ok((call, Err(error))) => unreadable.push((call, error.to_string())),
            Err(error) => return Err(RolloutError::Interrupted(error.to_string())),
        }
    }
    comparisons.sort_by(|a, b| (b.verdict, &a.call).cmp(&(a.verdict, &b.call)));
    let took = began.elapsed().max(Duration::from_micros(1));
    let trial = Trial {
        digest: flow.digest().to_owned(),
        summary,
        comparisons,
        unreadable,
        calls_per_second: f64::from(replayed) / took.as_secs_f64(),
    };
    Ok((trial, others))
}

const AT_ONCE: usize = 8;

struct Tried {
    comparison: Comparison,
    others: Vec<Comparison>,
    deterministic: bool,
}

async fn one(
    engine: &Engine,
    store: &Store,
    flow: &Arc<Flow>,
    call: String,
    languages: &[Language],
) -> (String, Result<Tried, RolloutError>) {
    let tried = async {
        let journal = Arc::new(journal_of(store, &call).await?);
        let twice = engine.replay_twice(flow, &journal).await;
        let in_language = |language: &Language| Comparison::in_language(&journal, &twice.report, *language);
        let (first, rest) = languages.split_first().unwrap_or((&Language::Russian, &[]));
        // What went as recorded is counted and forgotten.
        let differs = twice.report.verdict != Verdict::Identical || !twice.deterministic;
        let others = rest.iter().filter(|_| differs).map(in_language).collect();
        Ok(Tried { comparison: in_language(first), others, deterministic: twice.deterministic })
    };
    let tried = tried.await;
    (call, tried)
}

impl Trial {
    /// May the version be deployed? Calls that would end in another effect, or break, must be named in `allowed` (their
    /// ids, or `all`).
    ///
    /// # Errors
    ///
    /// [`Refused`], with what to look at.
    pub fn gate(&self, clinic: &str, allowed: &[String]) -> Result<(), Refused> {
        if let Some((_, why)) = self.unreadable.first() {
            return Err(Refused::Unreadable { calls: self.unreadable.len(), why: why.clone() });
        }
        if self.summary.total() == 0 {
            return Err(Refused::Nothing { clinic: clinic.to_owned() });
        }
        if self.summary.not_deterministic() > 0 {
            return Err(Refused::NotDeterministic { calls: self.summary.not_deterministic() });
        }
        let allowed: BTreeSet<&str> = allowed.iter().map(String::as_str).collect();
        let grave = self.comparisons.iter().filter(|comparison| comparison.verdict >= Verdict::EffectChanged);
        let calls: Vec<String> = grave
            .filter(|comparison| !allowed.contains("all") && !allowed.contains(comparison.call.as_str()))
            .map(|comparison| comparison.call.clone())
            .collect();
        if calls.is_empty() { Ok(()) } else { Err(Refused::Effects { calls }) }
    }
}
