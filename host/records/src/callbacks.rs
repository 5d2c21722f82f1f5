//! Promised call-backs: to whom, about what, by when, and what came of them.

use serde::{Deserialize, Serialize};
use sqlx::any::AnyRow;

use crate::row::{Columns as _, FromColumns, words};
use crate::{Pii, RecordsError, Result, Store};

words! {
    /// Where a call-back stands.
    CallbackStatus {
        /// Somebody still has to call.
        Open = "open",
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
        sqlx::query(sql)
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
            .execute(self.write())
            .await?;
        Ok(())
    }

    /// Counts an attempt and says what came of it; `done` closes the promise.
    pub async fn callback_attempt(&self, id: &str, result: &str, done: bool, at_ms: i64) -> Result<()> {
        let status = if done { CallbackStatus::Done } else { CallbackStatus::Open };
        let written = sqlx::query(
            "UPDATE callbacks SET attempts = attempts + 1, result = $2, status = $3, updated_ms = $4 WHERE id = $1",
        )
        .bind(id)
        .bind(result)
        .bind(status.as_str())
        .bind(at_ms)
        .execute(self.write())
        .await?;
        if written.rows_affected() == 1 {
            return Ok(());
        }
        Err(RecordsError::NotFound { what: "call-back", id: id.to_owned() })
    }

    /// Says what came of the attempt that was counted last; `done` closes the promise.
    pub async fn callback_result(&self, id: &str, result: &str, done: bool, at_ms: i64) -> Result<()> {
        let status = if done { CallbackStatus::Done } else { CallbackStatus::Open };
        let written = sqlx::query("UPDATE callbacks SET result = $2, status = $3, updated_ms = $4 WHERE id = $1")
            .bind(id)
            .bind(result)
            .bind(status.as_str())
            .bind(at_ms)
            .execute(self.write())
            .await?;
        if written.rows_affected() == 1 {
            return Ok(());
        }
        Err(RecordsError::NotFound { what: "call-back", id: id.to_owned() })
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
