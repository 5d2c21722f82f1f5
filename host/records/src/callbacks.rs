//! Promised call-backs: to whom, about what, by when, and what came of them.

use serde::{Deserialize, Serialize};
use sqlx::any::AnyRow;

use crate::contacts;
use crate::feed::{NewEvent, publish};
use crate::row::{Columns as _, FromColumns, words};
use crate::{Pii, RecordsError, Result, Store};

words! {
    /// Where a call-back stands.
    CallbackStatus {
        /// Somebody still has to call.
        Open = "open",
        /// Somebody works on it just now.
        Claimed = "claimed",
        /// Another entry for the same number stands for it.
        Merged = "merged",
        /// The person was reached, or given up; `result` says which.
        Done = "done",
    }
}

/// A promise to call somebody back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallbackRecord {
    /// See [`crate::id()`].
    pub id: String,
    /// Clinic id.
    pub clinic: String,
    /// The clinic's IANA zone.
    pub timezone: String,
    /// E.164.
    pub phone: Pii,
    /// Empty when not known.
    pub person: Pii,
    /// In the caller's words.
    pub reason: Pii,
    /// The latest moment, unix milliseconds.
    pub due_ms: i64,
    /// Where it stands.
    pub status: CallbackStatus,
    /// How often it was tried.
    pub attempts: i64,
    /// What came of the last attempt, for example `no-answer`, `booked`.
    pub result: Option<String>,
    /// The call it was promised in.
    pub call: Option<String>,
    /// When it was promised, unix milliseconds.
    pub created_ms: i64,
    /// When it last changed.
    pub updated_ms: i64,
}

macro_rules! columns {
    () => {
        "id, clinic, timezone, phone, person, reason, due_ms, status, attempts, result, call, created_ms, updated_ms"
    };
}

impl Store {
    /// Writes a promise down. The same id again is no error and changes nothing.
    pub async fn add_callback(&self, callback: &CallbackRecord) -> Result<()> {
        let sql = concat!(
            "INSERT INTO callbacks (",
            columns!(),
            ") VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13) ON CONFLICT (id) DO NOTHING"
        );
        let mut transaction = self.begin_write().await?;
        let done = sqlx::query(sql)
            .bind(&callback.id)
            .bind(&callback.clinic)
            .bind(&callback.timezone)
            .bind(callback.phone.as_str())
            .bind(callback.person.as_str())
            .bind(callback.reason.as_str())
            .bind(callback.due_ms)
            .bind(callback.status.as_str())
            .bind(callback.attempts)
            .bind(callback.result.as_deref())
            .bind(callback.call.as_deref())
            .bind(callback.created_ms)
            .bind(callback.updated_ms)
            .execute(&mut *transaction)
            .await?;
        if done.rows_affected() == 1 {
            let data = serde_json::json!({
                "kind": "callback", "due_ms": callback.due_ms, "deadline_ms": callback.due_ms + 300_000, "call": callback.call,
            });
            let (clinic, subject, at_ms) = (callback.clinic.as_str(), callback.id.as_str(), callback.created_ms);
            publish(&mut transaction, NewEvent { clinic, kind: "callback.created", subject, data, at_ms }).await?;
        }
        self.commit_and_tell(transaction).await
    }

    /// Counts an attempt and says what came of it; `done` closes the promise.
    pub async fn callback_attempt(&self, id: &str, result: &str, done: bool, at_ms: i64) -> Result<()> {
        self.callback_tried(id, result, done, 1, at_ms).await
    }

    /// Says what came of the attempt that was counted last; `done` closes the promise.
    pub async fn callback_result(&self, id: &str, result: &str, done: bool, at_ms: i64) -> Result<()> {
        self.callback_tried(id, result, done, 0, at_ms).await
    }

    async fn callback_tried(&self, id: &str, result: &str, done: bool, more: i64, at_ms: i64) -> Result<()> {
        let status = if done { CallbackStatus::Done } else { CallbackStatus::Open };
        let mut transaction = self.begin_write().await?;
        let written = sqlx::query(
            // What the desk has closed meanwhile stays closed.
            "UPDATE callbacks SET attempts = attempts + $5,
                result = CASE WHEN status = 'done' AND $3 <> 'done' THEN result ELSE $2 END,
                status = CASE WHEN status IN ('done', 'merged') THEN status ELSE $3 END, updated_ms = $4,
                first_attempt_ms = COALESCE(first_attempt_ms, $4),
                reached_ms = CASE WHEN $3 = 'done' THEN COALESCE(reached_ms, $4) ELSE reached_ms END,
                closed_ms = CASE WHEN status = 'done' THEN closed_ms WHEN $3 = 'done' THEN $4 ELSE NULL END,
                claimed_by = NULL, claimed_until_ms = NULL WHERE id = $1",
        )
        .bind(id)
        .bind(result)
        .bind(status.as_str())
        .bind(at_ms)
        .bind(more)
        .execute(&mut *transaction)
        .await?;
        if written.rows_affected() != 1 {
            return Err(RecordsError::NotFound { what: "call-back", id: id.to_owned() });
        }
        if more > 0 {
            contacts::note_attempt(&mut transaction, id, result, "exchange", None, at_ms).await?;
        } else {
            sqlx::query(
                "UPDATE contact_attempts SET result = $2, at_ms = $3 WHERE contact = $1
                    AND seq = (SELECT MAX(seq) FROM contact_attempts WHERE contact = $1)",
            )
            .bind(id)
            .bind(result)
            .bind(at_ms)
            .execute(&mut *transaction)
            .await?;
        }
        if let Some(contact) = contacts::find(&mut transaction, id).await? {
            contacts::attempted(&mut transaction, &contact, false, at_ms).await?;
        }
        self.commit_and_tell(transaction).await
    }

    /// One call-back.
    pub async fn callback(&self, id: &str) -> Result<CallbackRecord> {
        let row = sqlx::query(concat!("SELECT ", columns!(), " FROM callbacks WHERE id = $1"))
            .bind(id)
            .fetch_optional(self.read())
            .await?;
        let row = row.ok_or_else(|| RecordsError::NotFound { what: "call-back", id: id.to_owned() })?;
        CallbackRecord::from_columns(&row)
    }

    /// Call-backs of a clinic in one status, the most urgent first.
    pub async fn callbacks(&self, clinic: &str, status: CallbackStatus) -> Result<Vec<CallbackRecord>> {
        let sql =
            concat!("SELECT ", columns!(), " FROM callbacks WHERE clinic = $1 AND status = $2 ORDER BY due_ms, id");
        let rows = sqlx::query(sql).bind(clinic).bind(status.as_str()).fetch_all(self.read()).await?;
        rows.iter().map(CallbackRecord::from_columns).collect()
    }
}

impl FromColumns for CallbackRecord {
    fn from_columns(row: &AnyRow) -> Result<Self> {
        Ok(Self {
            id: row.text("id")?,
            clinic: row.text("clinic")?,
            timezone: row.text("timezone")?,
            phone: row.pii("phone")?,
            person: row.pii("person")?,
            reason: row.pii("reason")?,
            due_ms: row.int("due_ms")?,
            status: row.word("status")?,
            attempts: row.int("attempts")?,
            result: row.text_opt("result")?,
            call: row.text_opt("call")?,
            created_ms: row.int("created_ms")?,
            updated_ms: row.int("updated_ms")?,
        })
    }
}
