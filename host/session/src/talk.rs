//! What a caller and an operator said to each other: heard after the call from its recording, written down as turns, and
//! the whole call tagged anew. Nobody waits for it, and it must be done even if the program dies first: so it is a durable
//! job.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use audio::wav;
use call::Millis;
use records::{Job, NewJob, Pii, Store, Turn, Who};
use serde::{Deserialize, Serialize};
use speech::Ears;
use understanding::profile::Profile;

use crate::error::SessionError;
use crate::meaning::own_words;
use crate::tagging::{self, Tagger};

/// The kind of these jobs in the queue.
pub const KIND: &str = "transcribe-talk";
/// As which a call's recording is attached to it.
pub const RECORDING: &str = "recording";
/// A talk of an hour on a busy machine.
const LEASE_MS: i64 = 30 * 60_000;
const ATTEMPTS: i64 = 5;
/// How often an idle worker looks.
const LOOK_EVERY: Duration = Duration::from_secs(5);

#[derive(Debug, Serialize, Deserialize)]
struct Payload {
    call: String,
    /// Where in the recording the talk begins; before that the robot wrote down what was said.
    from_ms: u64,
}

/// Keep a call's finished recording, and have the talk in it, from `from` on, written down later. Said twice, it is done
/// once.
///
/// # Errors
///
/// [`SessionError::Records`].
pub async fn transcribe_later(
    store: &Store,
    call: &str,
    recording: &[u8],
    from: Millis,
    now_ms: i64,
) -> Result<(), SessionError> {
    let sha256 = store.put_audio(recording, "audio/wav").await?;
    store.attach_audio(call, RECORDING, &sha256).await?;
    let payload = Payload { call: call.to_owned(), from_ms: from.0 };
    let job = NewJob {
        id: records::id(),
        kind: KIND.to_owned(),
        payload: serde_json::to_value(payload).unwrap_or_default(),
        unique_key: Some(call.to_owned()),
        run_at_ms: now_ms,
        max_attempts: ATTEMPTS,
        created_ms: now_ms,
    };
    store.enqueue(&job).await?;
    Ok(())
}

/// Does these jobs, one at a time; recognition goes behind every live turn.
#[derive(Clone)]
pub struct TalkWorker {
    /// Where the jobs are, and where their results go.
    pub store: Store,
    /// Recognition.
    pub ears: Ears,
    /// Tags the call.
    pub classifier: Arc<Tagger>,
    /// The clinics by id, for tagging.
    pub profiles: BTreeMap<String, Arc<Profile>>,
}

impl TalkWorker {
    /// Work until the future is dropped.
    pub async fn run(&self) {
        loop {
            match self.once(jiff::Timestamp::now().as_millisecond()).await {
                Ok(true) => {}
                Ok(false) => tokio::time::sleep(LOOK_EVERY).await,
                Err(error) => {
                    tracing::error!(%error, "the queue of talks to be written down cannot be reached");
                    tokio::time::sleep(LOOK_EVERY).await;
                }
            }
        }
    }

    /// Do one job; false when there is none.
    ///
    /// # Errors
    ///
    /// [`SessionError::Records`] when the queue cannot be reached; a job that fails is put back into it.
    pub async fn once(&self, now_ms: i64) -> Result<bool, SessionError> {
        let Some(job) = self.store.claim(KIND, now_ms, LEASE_MS).await? else { return Ok(false) };
        match self.transcribe(&job).await {
            Ok(()) => self.store.finish(&job, now_ms).await?,
            Err(error) => {
                tracing::warn!(%error, job = job.id, attempt = job.attempts, "a talk could not be written down");
                self.store.fail(&job, &error.to_string(), now_ms).await?;
            }
        }
        Ok(true)
    }

    async fn transcribe(&self, job: &Job) -> Result<(), SessionError> {
        let payload: Payload =
            serde_json::from_value(job.payload.clone()).map_err(|error| SessionError::Job(error.to_string()))?;
        let call = &payload.call;
        let audio = self.store.call_audio(call).await?;
        let Some(recording) = audio.into_iter().find(|audio| audio.kind == RECORDING) else {
            return Err(SessionError::Job("the call has no recording".to_owned()));
        };
        let bytes = self.store.audio(&recording.sha256).await?;
        let from = u32::try_from(payload.from_ms).unwrap_or(u32::MAX);
        let talk = tokio::task::spawn_blocking(move || {
            let mut recording = wav::decode(&bytes)?;
            let skipped = (u64::from(from) * u64::from(recording.rate) / 1_000) as usize;
            for channel in &mut recording.channels {
                channel.drain(..skipped.min(channel.len()));
            }
            Ok::<_, wav::WavError>(recording)
        });
        let talk = talk.await.map_err(|error| SessionError::Job(error.to_string()))??;
        let clinic = self.store.call(call).await?.clinic;
        let Some(profile) = self.profiles.get(&clinic) else {
            return Err(SessionError::Job(format!("the clinic {clinic} is not served here")));
        };
        let heard = self.ears.hear_recording(&talk, Some(own_words(profile))).await?;
        // After what the robot wrote down. The same places if the job is done twice.
        let robot = self.store.turns(call).await?;
        let before = robot.iter().filter(|turn| turn.start_ms < i64::from(from)).count();
        for (place, turn) in heard.into_iter().enumerate() {
            let turn = Turn {
                call: call.clone(),
                seq: i64::try_from(before + place).unwrap_or(i64::MAX),
                who: if turn.channel == 0 { Who::Caller } else { Who::Agent },
                text: Pii::from(turn.text),
                start_ms: i64::from(from) + i64::from(turn.start_ms),
                end_ms: i64::from(from) + i64::from(turn.end_ms),
                confidence: Some(f64::from(turn.confidence)),
                latency_ms: None,
            };
            self.store.add_turn(turn).await?;
        }
        tagging::tag(&self.store, &self.classifier, profile, call).await?;
        Ok(())
    }
}
