//! The durable queue: work that must be done even if the program dies before it gets to it.
//!
//! A worker claims a job for a while (its lease); when it dies, the lease runs out and another worker takes the job. A job
//! may therefore run twice, and what it does must bear that. A failed job waits 10 s, then twice as long each time, up to
//! an hour; after its last attempt it stays as `failed` for a person to see.

use serde::{Deserialize, Serialize};
use sqlx::AnyConnection;
use sqlx::any::AnyRow;

use crate::append::Row;
use crate::row::{Columns as _, FromColumns, words};
use crate::{RecordsError, Result, Store};

words! {
    /// Where a job stands.
    JobState {
        /// Waiting for its time and a worker.
        Ready = "ready",
        /// A worker has it.
        Running = "running",
        /// Done.
        Done = "done",
        /// Given up after the last attempt.
        Failed = "failed",
    }
}

/// A job to put in the queue.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct NewJob {
    /// See [`crate::id()`].
    pub id: String,
    /// What kind of work, for example `transcribe`.
    pub kind: String,
    /// What the worker needs to know. Ids, not personal data.
    pub payload: serde_json::Value,
    /// Two jobs of a kind with the same key are one job.
    pub unique_key: Option<String>,
    /// Not before, unix milliseconds.
    pub run_at_ms: i64,
    /// How often it is tried before it is given up; at least 1.
    pub max_attempts: i64,
    /// Now, unix milliseconds.
    pub created_ms: i64,
}

/// A job in the queue.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Job {
    /// Its id.
    pub id: String,
    /// What kind of work.
    pub kind: String,
    /// What the worker needs to know.
    pub payload: serde_json::Value,
    /// Where it stands.
    pub state: JobState,
    /// Not before, unix milliseconds.
    pub run_at_ms: i64,
    /// Which attempt this is, from 1. It proves the lease: who reports an older attempt has lost it.
    pub attempts: i64,
    /// How often it is tried.
    pub max_attempts: i64,
    /// What went wrong last.
    pub last_error: Option<String>,
}

macro_rules! columns {
    () => {
        "id, kind, payload, state, run_at_ms, attempts, max_attempts, last_error"
    };
}

impl Store {
    /// Puts a job in the queue; durable when it returns. False when a job with its id, or of its kind with its key, is or
    /// was there already.
    pub async fn enqueue(&self, job: &NewJob) -> Result<bool> {
        Ok(self.inner.appender.append(Row::Job(Box::new(job.clone()))).await? == 1)
    }

    /// Takes the oldest due job of a kind for `lease_ms`; jobs whose lease ran out count as due. None when nothing is due.
    pub async fn claim(&self, kind: &str, now_ms: i64, lease_ms: i64) -> Result<Option<Job>> {
        // A look without the write lock first: idle workers ask often.
        let due: i64 = sqlx::query_scalar(
            "SELECT COUNT(*) FROM (SELECT 1 FROM jobs WHERE kind = $1 AND
                ((state = 'ready' AND run_at_ms <= $2) OR (state = 'running' AND lease_until_ms <= $2)) LIMIT 1) AS due",
        )
        .bind(kind)
        .bind(now_ms)
        .fetch_one(self.read())
        .await?;
        if due == 0 {
            return Ok(None);
        }
        let mut transaction = self.begin_write().await?;
        // A worker that died in the last attempt has used it up.
        sqlx::query(
            "UPDATE jobs SET state = 'failed', last_error = 'its worker died', updated_ms = $2 WHERE kind = $1
                AND state = 'running' AND lease_until_ms <= $2 AND attempts >= max_attempts",
        )
        .bind(kind)
        .bind(now_ms)
        .execute(&mut *transaction)
        .await?;
        let sql = concat!(
            "UPDATE jobs SET state = 'running', lease_until_ms = $3, attempts = attempts + 1, updated_ms = $2 \
             WHERE id = (SELECT id FROM jobs WHERE kind = $1 AND ((state = 'ready' AND run_at_ms <= $2) OR \
             (state = 'running' AND lease_until_ms <= $2)) ORDER BY run_at_ms, id LIMIT 1) RETURNING ",
            columns!()
        );
        let row = sqlx::query(sql)
            .bind(kind)
            .bind(now_ms)
            .bind(now_ms.saturating_add(lease_ms))
            .fetch_all(&mut *transaction)
            .await?
            .pop();
        transaction.commit().await?;
        row.as_ref().map(Job::from_columns).transpose()
    }

    /// Reports a claimed job as done.
    ///
    /// # Errors
    /// [`RecordsError::LeaseLost`] when another worker has it by now.
    pub async fn finish(&self, job: &Job, now_ms: i64) -> Result<()> {
        let done = sqlx::query(
            "UPDATE jobs SET state = 'done', lease_until_ms = NULL, last_error = NULL, updated_ms = $3
             WHERE id = $1 AND attempts = $2 AND state = 'running'",
        )
        .bind(&job.id)
        .bind(job.attempts)
        .bind(now_ms)
        .execute(self.write())
        .await?;
        if done.rows_affected() == 1 { Ok(()) } else { Err(RecordsError::LeaseLost { id: job.id.clone() }) }
    }

    /// Reports that a claimed job failed; it will be tried again later, or is given up. `error` must hold no personal data.
    ///
    /// # Errors
    /// [`RecordsError::LeaseLost`] when another worker has it by now.
    pub async fn fail(&self, job: &Job, error: &str, now_ms: i64) -> Result<JobState> {
        let again = (job.attempts < job.max_attempts).then(|| now_ms.saturating_add(back_off_ms(job.attempts)));
        self.fail_until(job, error, again, now_ms).await
    }

    /// The same by a plan of the caller's own: the job is tried again at `again_ms`, or given up when there is none.
    ///
    /// # Errors
    /// [`RecordsError::LeaseLost`] when another worker has it by now.
    pub async fn fail_until(&self, job: &Job, error: &str, again_ms: Option<i64>, now_ms: i64) -> Result<JobState> {
        let state = if again_ms.is_some() { JobState::Ready } else { JobState::Failed };
        let done = sqlx::query(
            "UPDATE jobs SET state = $3, lease_until_ms = NULL, last_error = $4, run_at_ms = $5, updated_ms = $6
             WHERE id = $1 AND attempts = $2 AND state = 'running'",
        )
        .bind(&job.id)
        .bind(job.attempts)
        .bind(state.as_str())
        .bind(error)
        .bind(again_ms.unwrap_or(now_ms))
        .bind(now_ms)
        .execute(self.write())
        .await?;
        if done.rows_affected() == 1 { Ok(state) } else { Err(RecordsError::LeaseLost { id: job.id.clone() }) }
    }

    /// One job.
    pub async fn job(&self, id: &str) -> Result<Job> {
        let row = sqlx::query(concat!("SELECT ", columns!(), " FROM jobs WHERE id = $1"))
            .bind(id)
            .fetch_optional(self.read())
            .await?;
        Job::from_columns(&row.ok_or_else(|| RecordsError::NotFound { what: "job", id: id.to_owned() })?)
    }

    /// How many jobs of a kind stand where.
    pub async fn job_counts(&self, kind: &str) -> Result<Vec<(JobState, i64)>> {
        let rows = sqlx::query("SELECT state, COUNT(*) AS n FROM jobs WHERE kind = $1 GROUP BY state ORDER BY state")
            .bind(kind)
            .fetch_all(self.read())
            .await?;
        rows.iter().map(|row| Ok((row.word("state")?, row.int("n")?))).collect()
    }
}

impl NewJob {
    pub(crate) async fn insert(&self, connection: &mut AnyConnection) -> Result<u64> {
        let done = sqlx::query(
            "INSERT INTO jobs (id, kind, payload, unique_key, state, run_at_ms, attempts, max_attempts, created_ms,
                updated_ms)
             VALUES ($1, $2, $3, $4, 'ready', $5, 0, $6, $7, $7) ON CONFLICT DO NOTHING",
        )
        .bind(&self.id)
        .bind(&self.kind)
        .bind(self.payload.to_string())
        .bind(self.unique_key.as_deref())
        .bind(self.run_at_ms)
        .bind(self.max_attempts.max(1))
        .bind(self.created_ms)
        .execute(connection)
        .await?;
        Ok(done.rows_affected())
    }
}

/// 10 s, 20 s, 40 s … an hour.
fn back_off_ms(attempts: i64) -> i64 {
    let doublings = u32::try_from(attempts - 1).unwrap_or(0).min(9);
    (10_000 << doublings).min(3_600_000)
}

impl FromColumns for Job {
    fn from_columns(row: &AnyRow) -> Result<Self> {
        let payload = serde_json::from_str(&row.text("payload")?)
            .map_err(|error| RecordsError::BadValue { field: "payload", problem: error.to_string() })?;
        Ok(Self {
            id: row.text("id")?,
            kind: row.text("kind")?,
            payload,
            state: row.word("state")?,
            run_at_ms: row.int("run_at_ms")?,
            attempts: row.int("attempts")?,
            max_attempts: row.int("max_attempts")?,
            last_error: row.text_opt("last_error")?,
        })
    }
}
