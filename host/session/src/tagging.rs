//! One tag for every call: from what was said in it, with the words that decided.

use std::collections::BTreeMap;

use records::{Conversation, Store, Tag, Who};
use serde_json::json;
use understanding::category::own::OwnCategory;
use understanding::category::{self, CallText, Classifier, Taxonomy, Verdict};
use understanding::profile::Profile;

use crate::error::SessionError;
use crate::stage::Stage;

/// Who the tags are by.
pub const BY: &str = "classifier";

/// Judges calls: one classifier for every clinic, and beside it the categories that clinics made for themselves.
#[derive(Debug, Clone)]
pub struct Tagger {
    classifier: Classifier,
    own: BTreeMap<String, Vec<OwnCategory>>,
    hash: u64,
    hashes: BTreeMap<String, u64>,
}

impl Tagger {
    /// With categories of clinics' own, by clinic.
    pub fn new(classifier: Classifier, own: BTreeMap<String, Vec<OwnCategory>>) -> Tagger {
        let hash = fold(FNV, &classifier.model().to_bytes());
        let with = |own: &Vec<OwnCategory>| own.iter().fold(hash, |hash, one| fold(hash, &one.to_bytes()));
        let hashes = own.iter().map(|(clinic, own)| (clinic.clone(), with(own))).collect();
        Tagger { classifier, own, hash, hashes }
    }

    /// The classifier this program ships with, and nothing else.
    pub fn embedded() -> Tagger {
        Tagger::new(Classifier::embedded().clone(), BTreeMap::new())
    }

    /// What a call to this clinic was about.
    pub fn judge(&self, call: &CallText, profile: &Profile) -> Verdict {
        let own = self.own.get(&profile.id).map_or(&[][..], Vec::as_slice);
        self.classifier.classify_with(call, Some(profile), own)
    }

    /// The classifier of every clinic.
    pub fn classifier(&self) -> &Classifier {
        &self.classifier
    }

    /// Whether the clinic has made this category for itself.
    pub fn is_own(&self, clinic: &str, category: &str) -> bool {
        self.own.get(clinic).is_some_and(|own| own.iter().any(|one| one.id() == category))
    }

    /// What the tags of a clinic name as their model: the day of training, and eight digits that change whenever the
    /// classifier or one of the clinic's own categories does.
    pub fn version(&self, clinic: &str) -> String {
        let hash = self.hashes.get(clinic).unwrap_or(&self.hash);
        format!("{}/{:08x}", self.classifier.info().trained, hash >> 32)
    }

    /// A verdict as it is written down.
    pub fn record(&self, call: &str, clinic: &str, verdict: &Verdict, at_ms: i64) -> Tag {
        let evidence: Vec<_> = verdict
            .evidence
            .iter()
            .map(|found| {
                let mut span = json!({ "start": found.start, "end": found.end, "turn": found.turn,
                    "text": found.text, "weight": found.weight });
                if let Some(seconds) = found.seconds {
                    span["seconds"] = json!(seconds);
                }
                span
            })
            .collect();
        Tag {
            call: call.to_owned(),
            category: verdict.label.clone(),
            confidence: f64::from(verdict.confidence),
            evidence: evidence.into(),
            taxonomy_version: Taxonomy::embedded().version.to_string(),
            model_version: self.version(clinic),
            review: verdict.review,
            by: BY.into(),
            at_ms,
        }
    }
}

/// FNV-1a.
const FNV: u64 = 0xcbf2_9ce4_8422_2325;

fn fold(hash: u64, bytes: &[u8]) -> u64 {
    bytes.iter().fold(hash, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3))
}

/// Tag a call of a stage by its turns; none when nothing was said.
pub(crate) async fn tag_call(stage: &Stage, call: &str) -> Result<Option<Tag>, SessionError> {
    tag(&stage.store, &stage.classifier, stage.meaning.profile(), call).await
}

/// Tag a call by the turns that are written down; none when nobody said anything.
///
/// # Errors
///
/// [`SessionError::Records`].
pub async fn tag(store: &Store, tagger: &Tagger, profile: &Profile, call: &str) -> Result<Option<Tag>, SessionError> {
    let turns = store.turns(call).await?;
    let at_ms = store.call(call).await?.ended_ms.unwrap_or_default();
    let text = text(turns, store.returns_a_missed_call(call).await?);
    let tag = tagger.record(call, &profile.id, &tagger.judge(&text, profile), at_ms);
    store.add_tag(&tag).await?;
    Ok(Some(tag))
}

/// A recorded conversation, in the words of understanding.
pub fn spoken(conversation: &Conversation) -> CallText {
    text(conversation.turns.clone(), conversation.missed_call)
}

/// Recorded turns, in the words of understanding.
pub fn text(turns: Vec<records::Turn>, missed_call: bool) -> CallText {
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
    CallText { turns: turns.collect(), missed_call }
}
