//! Trials that are written down, so that what a version would have done can be looked at later, by whoever decides on it.

use std::collections::BTreeMap;
use std::sync::Arc;

pub use flows::compare::Language;
use flows::replay::Verdict;
use flows::{Engine, Flow};
use records::{FlowTrial, Store, TrialCall};
use serde_json::json;

use crate::RolloutError;
use crate::trial::{Others, Recorded, Trial, tried};

/// So many calls of a trial are kept side by side, the gravest; all are counted.
const MOST: usize = 200;

/// Writes down that a version is tried.
///
/// # Errors
/// [`RolloutError::Records`].
pub async fn begin(
    store: &Store,
    digest: &str,
    which: &Recorded,
    by: &str,
    now_ms: i64,
) -> Result<FlowTrial, RolloutError> {
    let trial = FlowTrial {
        id: records::id(),
        clinic: which.clinic.clone(),
        digest: digest.to_owned(),
        from_ms: which.from_ms,
        to_ms: which.to_ms,
        by: by.to_owned(),
        made_ms: now_ms,
        ended_ms: None,
        counts: BTreeMap::new(),
        unsteady: 0,
        unreadable: 0,
        problem: None,
    };
    store.begin_flow_trial(&trial).await?;
    Ok(trial)
}

/// Tries a version on recorded calls, as [`crate::trial::trial`] does, and writes down what came of it in both languages; what
/// is returned is in `language`. `now` is asked when it is over. A trial that fails is over, too: why stands in it.
///
/// # Errors
/// Those of the trial; [`RolloutError::Records`].
pub async fn run(
    engine: &Engine,
    store: &Store,
    flow: &Arc<Flow>,
    which: &Recorded,
    (mut begun, language): (FlowTrial, Language),
    now: impl FnOnce() -> i64,
    progress: impl FnMut(usize, usize),
) -> Result<(Trial, FlowTrial), RolloutError> {
    let languages: &'static [Language] = match language {
        Language::Russian => &[Language::Russian, Language::English],
        Language::English => &[Language::English, Language::Russian],
    };
    let tried = tried(engine, store, flow, which, languages, progress).await;
    begun.ended_ms = Some(now());
    let (trial, others) = match tried {
        Ok(tried) => tried,
        Err(error) => {
            begun.problem = Some(error.to_string());
            store.end_flow_trial(&begun, &[]).await?;
            return Err(error);
        }
    };
    begun.counts = Verdict::ALL
        .into_iter()
        .map(|verdict| (word(verdict), trial.summary.count(verdict)))
        .filter(|(_, count)| *count > 0)
        .collect();
    begun.unsteady = trial.summary.not_deterministic();
    begun.unreadable = u32::try_from(trial.unreadable.len()).unwrap_or(u32::MAX);
    store.end_flow_trial(&begun, &calls(&trial, &others, language)).await?;
    Ok((trial, begun))
}

/// The verdict as a word.
fn word(verdict: Verdict) -> String {
    let word = serde_json::to_value(verdict).ok();
    word.as_ref().and_then(serde_json::Value::as_str).unwrap_or("unknown").to_owned()
}

fn calls(trial: &Trial, others: &Others, language: Language) -> Vec<TrialCall> {
    let unsteady = |call: &str| trial.summary.calls().iter().any(|line| line.call == call && !line.deterministic);
    let kept = trial.comparisons.iter().take(MOST).map(|first| {
        let other = others.get(&first.call).and_then(|others| others.first()).unwrap_or(first);
        let (russian, english) = match language {
            Language::Russian => (first, other),
            Language::English => (other, first),
        };
        TrialCall {
            call: first.call.clone(),
            verdict: word(first.verdict),
            steady: !unsteady(&first.call),
            line: json!({ "ru": russian.line, "en": english.line }).to_string().into(),
            compared: json!({ "ru": russian, "en": english }).to_string().into(),
        }
    });
    kept.collect()
}
