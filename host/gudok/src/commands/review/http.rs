//! The queue as the server gives it.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use desk::Clinic;
use records::{RecordsError, Store};
use session::meaning;
use session::tagging::Tagger;
use understanding::category::Taxonomy;
use understanding::profile::Profile;
use web::{ReviewQueue, Waiting};

use super::queue::{Queue, Queued};

/// The queues of the clinics that are served.
pub struct Reviews {
    queue: Queue,
    profiles: BTreeMap<String, Profile>,
}

impl Reviews {
    /// For these clinics.
    pub fn new(clinics: &BTreeMap<String, Arc<Clinic>>, store: Store, tagger: Arc<Tagger>) -> Reviews {
        let profiles = clinics.iter().map(|(id, clinic)| (id.clone(), meaning::profile(clinic))).collect();
        Reviews { queue: Queue { store, tagger }, profiles }
    }
}

#[async_trait]
impl ReviewQueue for Reviews {
    async fn of(&self, clinic: &str, now_ms: i64) -> Result<Vec<Waiting>, RecordsError> {
        let Some(profile) = self.profiles.get(clinic) else { return Ok(Vec::new()) };
        Ok(self.queue.of(profile, None, now_ms).await?.into_iter().map(waiting).collect())
    }

    fn taxonomy_version(&self) -> String {
        Taxonomy::embedded().version.to_string()
    }
}

fn waiting(call: Queued) -> Waiting {
    Waiting {
        category: call.verdict.label,
        confidence: call.verdict.confidence,
        scores: call.verdict.scores,
        // Plain data always has a JSON.
        evidence: serde_json::to_value(&call.verdict.evidence).unwrap_or_default(),
        value: call.value,
        why: call.why,
        put_off: call.put_off,
        started_ms: call.call.started_ms,
        turns: call.call.turns,
        call: call.call.call,
    }
}
