//! What was said in a call, and what its flow asked of the host.

use serde::{Deserialize, Serialize};
use sqlx::any::AnyRow;
use sqlx::{Any, Transaction};

use crate::append::Row;
use crate::row::{Columns as _, FromColumns, words};
use crate::{Pii, RecordsError, Result, Store};

words! {
    /// Whose words they are.
    Who {
        /// The one who called (or was called).
        Caller = "caller",
        /// The robot or the operator.
        Agent = "agent",
        /// A mono recording that could not be told apart.
        Unknown = "unknown",
    }
}

/// One utterance.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Turn {
    /// The call.
    pub call: String,
    /// Its place in the call, from 0. Writing the same place twice is an error, unless the row is the same.
    pub seq: i64,
    /// Whose.
    pub who: Who,
    /// The words.
    pub text: Pii,
    /// Milliseconds since the call's start.
    pub start_ms: i64,
    /// Milliseconds since the call's start.
    pub end_ms: i64,
    /// The recogniser's, 0 to 1; none for words that were not recognised from sound.
    pub confidence: Option<f64>,
    /// For the agent's turns: from the end of the caller's speech to the first sample of the answer.
    pub latency_ms: Option<i64>,
}

/// One host call of a flow: what it asked, what it got.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct JournalRecord {
    /// The call.
    pub call: String,
    /// Its place in the journal, from 0.
    pub seq: i64,
    /// The call as JSON.
    pub request: Pii,
    /// The reply as JSON.
    pub reply: Pii,
    /// When it was made, unix milliseconds.
    pub at_ms: i64,
    /// How long the host took.
    pub took_ms: i64,
}

impl Store {
    /// Writes a turn down; durable when it returns. Written again unchanged it is no error, so a caller may retry.
    pub async fn add_turn(&self, turn: Turn) -> Result<()> {
        self.inner.appender.append(Row::Turn(Box::new(turn))).await
    }

    /// Writes a journal entry down; durable when it returns. Written again unchanged it is no error.
    pub async fn add_journal(&self, entry: JournalRecord) -> Result<()> {
        self.inner.appender.append(Row::Journal(Box::new(entry))).await
    }

    /// The turns of a call, in order; none if there is no such call.
    pub async fn turns(&self, call: &str) -> Result<Vec<Turn>> {
        let rows = sqlx::query(
            "SELECT call, seq, who, text, start_ms, end_ms, confidence, latency_ms FROM turns WHERE call = $1 ORDER BY seq",
        )
        .bind(call)
        .fetch_all(self.read())
        .await?;
        rows.iter().map(Turn::from_columns).collect()
    }

    /// The journal of a call, in order; none if there is no such call.
    pub async fn journal(&self, call: &str) -> Result<Vec<JournalRecord>> {
        let rows =
            sqlx::query("SELECT call, seq, request, reply, at_ms, took_ms FROM journal WHERE call = $1 ORDER BY seq")
                .bind(call)
                .fetch_all(self.read())
                .await?;
        rows.iter().map(JournalRecord::from_columns).collect()
    }
}

impl Turn {
    pub(crate) async fn insert(&self, transaction: &mut Transaction<'_, Any>) -> Result<()> {
        let written = sqlx::query(
            "INSERT INTO turns (call, seq, who, text, start_ms, end_ms, confidence, latency_ms)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (call, seq) DO NOTHING",
        )
        .bind(&self.call)
        .bind(self.seq)
        .bind(self.who.as_str())
        .bind(self.text.as_str())
        .bind(self.start_ms)
        .bind(self.end_ms)
        .bind(self.confidence)
        .bind(self.latency_ms)
        .execute(&mut **transaction)
        .await
        .map_err(|error| no_such_call(error, &self.call))?;
        if written.rows_affected() == 1 {
            return Ok(());
        }
        let row = sqlx::query(
            "SELECT call, seq, who, text, start_ms, end_ms, confidence, latency_ms FROM turns WHERE call = $1 AND seq = $2",
        )
        .bind(&self.call)
        .bind(self.seq)
        .fetch_one(&mut **transaction)
        .await?;
        if Self::from_columns(&row)? == *self { Ok(()) } else { Err(exists("turn", &self.call, self.seq)) }
    }
}

impl JournalRecord {
    pub(crate) async fn insert(&self, transaction: &mut Transaction<'_, Any>) -> Result<()> {
        let written = sqlx::query(
            "INSERT INTO journal (call, seq, request, reply, at_ms, took_ms)
             VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (call, seq) DO NOTHING",
        )
        .bind(&self.call)
        .bind(self.seq)
        .bind(self.request.as_str())
        .bind(self.reply.as_str())
        .bind(self.at_ms)
        .bind(self.took_ms)
        .execute(&mut **transaction)
        .await
        .map_err(|error| no_such_call(error, &self.call))?;
        if written.rows_affected() == 1 {
            return Ok(());
        }
        let row =
            sqlx::query("SELECT call, seq, request, reply, at_ms, took_ms FROM journal WHERE call = $1 AND seq = $2")
                .bind(&self.call)
                .bind(self.seq)
                .fetch_one(&mut **transaction)
                .await?;
        if Self::from_columns(&row)? == *self { Ok(()) } else { Err(exists("journal entry", &self.call, self.seq)) }
    }
}

/// Rows that belong to a call point at it; the database refuses one that points nowhere.
pub(crate) fn no_such_call(error: sqlx::Error, call: &str) -> RecordsError {
    match error.as_database_error() {
        Some(database) if database.message().contains("FOREIGN KEY") => {
            RecordsError::NotFound { what: "call", id: call.to_owned() }
        }
        _ => error.into(),
    }
}

fn exists(what: &'static str, call: &str, seq: i64) -> RecordsError {
    RecordsError::Exists { what, id: format!("{call} #{seq}") }
}

impl FromColumns for Turn {
    fn from_columns(row: &AnyRow) -> Result<Self> {
        Ok(Self {
            call: row.text("call")?,
            seq: row.int("seq")?,
            who: row.word("who")?,
            text: row.pii("text")?,
            start_ms: row.int("start_ms")?,
            end_ms: row.int("end_ms")?,
            confidence: row.real_opt("confidence")?,
            latency_ms: row.int_opt("latency_ms")?,
        })
    }
}

impl FromColumns for JournalRecord {
    fn from_columns(row: &AnyRow) -> Result<Self> {
        Ok(Self {
            call: row.text("call")?,
            seq: row.int("seq")?,
            request: row.pii("request")?,
            reply: row.pii("reply")?,
            at_ms: row.int("at_ms")?,
            took_ms: row.int("took_ms")?,
        })
    }
}
