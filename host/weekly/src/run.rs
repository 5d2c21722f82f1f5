//! Sending: each letter is a job under its own key, claimed durably before the mail server is asked.

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use desk::Clinic;
use jiff::Timestamp;
use outreach::send::{self, Email, Verdict};
use records::{JobState, NewJob, RecordsError, Store};
use reports::CategoryInfo;
use serde_json::json;
use sha2::{Digest as _, Sha256};

use crate::letter::{Letter, letter};
use crate::schedule::{Week, due};
use crate::{Figures, Result, Settings};

/// The kind of job in the queue.
const KIND: &str = "weekly-report";
/// A mail server has so long; what has not ended by then died.
const LEASE_MS: i64 = 120_000;
/// After "later", and after a server that is set up wrongly.
const AGAIN_MS: i64 = 600_000;
/// How often the clock is looked at.
const LOOK: Duration = Duration::from_secs(60);

/// Moments at which a test lets the program die.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// The letters of the week are in the queue.
    Planned,
    /// One of them is durably being sent; the server was not asked yet.
    Claimed,
    /// The server has answered; that is not written down yet.
    Answered,
    /// It is.
    Written,
}

/// Sends the week's report.
pub struct Weekly {
    store: Store,
    clinics: BTreeMap<String, Arc<Clinic>>,
    categories: BTreeMap<String, Vec<CategoryInfo>>,
    settings: Settings,
    post: Email,
    /// Called at every step; tests let the program die there.
    pub at: fn(Step),
}

impl Weekly {
    /// For these clinics; `categories` are each clinic's own.
    pub fn new(
        store: Store,
        clinics: impl IntoIterator<Item = Arc<Clinic>>,
        categories: BTreeMap<String, Vec<CategoryInfo>>,
        settings: Settings,
        post: Email,
    ) -> Self {
        let clinics = clinics.into_iter().map(|clinic| (clinic.id.clone(), clinic)).collect();
        Self { store, clinics, categories, settings, post, at: |_| {} }
    }

    /// Sends everything that is due at `now`; how many letters the mail server took.
    ///
    /// # Errors
    /// The records cannot be read or written; what was not sent is tried again with the next step.
    pub async fn step(&self, now: Timestamp) -> Result<usize> {
        // Letters are written before anything is claimed: what takes long or fails here costs nobody a letter.
        let mut written: BTreeMap<String, (Letter, Week)> = BTreeMap::new();
        for (clinic, readers) in &self.settings.to {
            let Some(clinic) = self.clinics.get(clinic) else { continue };
            let Some(week) = due(&self.settings, &clinic.timezone, now) else { continue };
            let mut open = false;
            for reader in readers {
                open |= self.plan(clinic, &week, reader, now).await?;
            }
            if open {
                let categories = self.categories.get(&clinic.id).map_or(&[][..], Vec::as_slice);
                let figures = Figures::read(&self.store, clinic, categories, week.period, now).await?;
                let letter = letter(&figures, self.settings.language, &self.settings.page);
                written.insert(clinic.id.clone(), (letter, week));
            }
        }
        if written.is_empty() {
            return Ok(0);
        }
        (self.at)(Step::Planned);
        let mut taken = 0;
        let now_ms = now.as_millisecond();
        while let Some(job) = self.store.claim(KIND, now_ms, LEASE_MS).await? {
            (self.at)(Step::Claimed);
            let clinic = job.payload["clinic"].as_str().unwrap_or_default();
            let readers = self.settings.to.get(clinic).map_or(&[][..], Vec::as_slice);
            let reader = readers.iter().find(|reader| Some(hash(reader).as_str()) == job.payload["reader"].as_str());
            let ready = written.get(clinic).filter(|(_, week)| job.payload["week"] == week.period.from.to_string());
            let (Some(reader), Some((letter, week))) = (reader, ready) else {
                self.store.fail_until(&job, "nobody waits for it any more", None, now_ms).await?;
                continue;
            };
            let letter = send::Letter {
                to: reader,
                subject: &letter.subject,
                text: &letter.text,
                html: &letter.html,
                key: &job.id,
            };
            let verdict = self.post.post(letter).await;
            (self.at)(Step::Answered);
            let until_ms = week.until.as_millisecond();
            let later = |after: Option<Duration>| {
                let wait = after.and_then(|wait| i64::try_from(wait.as_millis()).ok()).unwrap_or(AGAIN_MS);
                Some(now_ms.saturating_add(wait.max(60_000))).filter(|at| *at < until_ms)
            };
            let (problem, again) = match verdict {
                Verdict::Taken(_) => {
                    self.store.finish(&job, now_ms).await?;
                    taken += 1;
                    tracing::info!(clinic, week = %week.period.from, "the week's report was sent");
                    (self.at)(Step::Written);
                    continue;
                }
                Verdict::Again { problem, after } => (problem, later(after)),
                Verdict::Misconfigured(problem) => (problem, later(None)),
                Verdict::Never(problem) | Verdict::Unsure(problem) | Verdict::Strange(problem) => (problem, None),
            };
            tracing::warn!(clinic, problem, again = again.is_some(), "the week's report was not sent");
            self.store.fail_until(&job, &problem, again, now_ms).await?;
            (self.at)(Step::Written);
        }
        Ok(taken)
    }

    /// Puts a letter into the queue, once; whether it is still to be sent at `now`.
    async fn plan(&self, clinic: &Clinic, week: &Week, reader: &str, now: Timestamp) -> Result<bool> {
        let (from, reader) = (week.period.from.to_string(), hash(reader));
        let id = format!("weekly-{}-{from}-{reader}", clinic.id);
        let now_ms = now.as_millisecond();
        match self.store.job(&id).await {
            // A lease that ran out is found by claiming.
            Ok(job) => {
                return Ok(job.state == JobState::Running || (job.state == JobState::Ready && job.run_at_ms <= now_ms));
            }
            Err(RecordsError::NotFound { .. }) => {}
            Err(error) => return Err(error.into()),
        }
        let job = NewJob {
            unique_key: Some(id.clone()),
            id,
            kind: KIND.to_owned(),
            payload: json!({ "clinic": clinic.id, "week": from, "reader": reader }),
            run_at_ms: week.due.as_millisecond(),
            // Whoever died while a server was asked must not ask it again; "later" is planned by us.
            max_attempts: 1,
            created_ms: now_ms,
        };
        Ok(self.store.enqueue(&job).await?)
    }
}

/// Who reads it, without their address: the queue holds no personal data.
fn hash(reader: &str) -> String {
    Sha256::digest(reader.trim().to_lowercase().as_bytes())[..6].iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Looks every minute whether a week is due, until `stop` is ready.
pub async fn run(weekly: Weekly, stop: impl Future<Output = ()> + Send) {
    let mut stop = std::pin::pin!(stop);
    let mut minutes = tokio::time::interval(LOOK);
    minutes.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = &mut stop => return,
            _ = minutes.tick() => {}
        }
        if let Err(error) = weekly.step(Timestamp::now()).await {
            tracing::error!(%error, "the week's report stands still; it is tried again");
        }
    }
}
