//! One tag for every call: from what was said in it, with the words that decided.

use records::{Store, Tag, Who};
use serde_json::json;
use understanding::category::{self, CallText, Classifier, Taxonomy, Verdict};
use understanding::profile::Profile;

use crate::error::SessionError;
use crate::stage::Stage;

/// Tag a call of a stage by its turns; none when nothing was said.
pub(crate) async fn tag_call(stage: &Stage, call: &str, missed_call: bool) -> Result<Option<Tag>, SessionError> {
    tag(&stage.store, &stage.classifier, stage.meaning.profile(), call, missed_call).await
}

/// Tag a call by the turns that are written down; none when nobody said anything.
///
/// # Errors
///
/// [`SessionError::Records`].
pub async fn tag(
    store: &Store,
    classifier: &Classifier,
    profile: &Profile,
    call: &str,
    missed_call: bool,
) -> Result<Option<Tag>, SessionError> {
    let turns = store.turns(call).await?;
    let at_ms = store.call(call).await?.ended_ms.unwrap_or_default();
    let turns = turns.into_iter().map(|turn| category::Turn {
        who: match turn.who {
            Who::Caller => category::Who::Caller,
            Who::Agent => category::Who::Agent,
            Who::Unknown => category::Who::Unknown,
        },
        text: turn.text.into_inner(),
        start_ms: u64::try_from(turn.start_ms).unwrap_or_default(),
        end_ms: u64::try_from(turn.end_ms).unwrap_or_default(),
    });
    let text = CallText { turns: turns.collect(), missed_call };
    let verdict = classifier.classify(&text, Some(profile));
    let tag = record(call, &verdict, classifier, at_ms);
    store.add_tag(&tag).await?;
    Ok(Some(tag))
}

/// A verdict as it is written down.
pub fn record(call: &str, verdict: &Verdict, classifier: &Classifier, at_ms: i64) -> Tag {
    let evidence: Vec<_> = verdict
        .evidence
        .iter()
        .map(|found| {
            json!({ "start": found.start, "end": found.end, "turn": found.turn, "text": found.text,
                    "weight": found.weight })
        })
        .collect();
    Tag {
        call: call.to_owned(),
        category: verdict.label.clone(),
        confidence: f64::from(verdict.confidence),
        evidence: evidence.into(),
        taxonomy_version: Taxonomy::embedded().version.to_string(),
        model_version: classifier.info().corpus.clone(),
        review: verdict.review,
        by: "classifier".into(),
        at_ms,
    }
}
