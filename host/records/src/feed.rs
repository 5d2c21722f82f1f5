//! What changed in a clinic's business, as one ordered list: visits, requests, messages, call-backs. Whoever reacts to changes
//! (reminders, other systems, pages) reads it from where they left off.
//!
//! An event is written in the transaction of its change. It holds ids, times and words of lists, no personal data: a reader
//! looks the subject up, and finds nothing once the person was erased.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use sqlx::any::AnyRow;
use sqlx::{Any, AnyConnection, Transaction};
use tokio::sync::watch;

use crate::row::{Columns as _, FromColumns};
use crate::{RecordsError, Result, Store};

/// Something that changed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct FeedEvent {
    /// Its place in the list, from 1, without gaps.
    pub position: i64,
    /// See [`crate::id()`]. The same wherever the event is delivered.
    pub id: String,
    /// Clinic id.
    pub clinic: String,
    /// What happened, for example `visit.booked`.
    pub kind: String,
    /// To what: the id of the visit, the request, the message. Events of one subject are in order.
    pub subject: String,
    /// What else there is to say; a JSON object without personal data.
    pub data: Value,
    /// When, unix milliseconds.
    pub at_ms: i64,
}

/// An event to be written.
#[derive(Debug, Clone)]
pub(crate) struct NewEvent<'a> {
    pub(crate) clinic: &'a str,
    pub(crate) kind: &'static str,
    pub(crate) subject: &'a str,
    pub(crate) data: Value,
    pub(crate) at_ms: i64,
}

/// Writes an event down beside the change it tells of. The transaction must hold the write lock
/// ([`Store::begin_write`]); end it with [`Store::commit_and_tell`], so that readers wake up.
pub(crate) async fn publish(transaction: &mut Transaction<'_, Any>, event: NewEvent<'_>) -> Result<()> {
    publish_on(transaction, event).await
}

/// [`publish`] for what is written among others, in a transaction that somebody else began.
pub(crate) async fn publish_on(connection: &mut AnyConnection, event: NewEvent<'_>) -> Result<()> {
    sqlx::query(
        "INSERT INTO feed (position, id, clinic, kind, subject, data, at_ms)
         VALUES ((SELECT COALESCE(MAX(position), 0) + 1 FROM feed), $1, $2, $3, $4, $5, $6)",
    )
    .bind(crate::id())
    .bind(event.clinic)
    .bind(event.kind)
    .bind(event.subject)
    .bind(event.data.to_string())
    .bind(event.at_ms)
    .execute(connection)
    .await?;
    Ok(())
}

impl Store {
    /// Events after a position, oldest first; of one clinic, or of all.
    pub async fn feed(&self, after: i64, clinic: Option<&str>, limit: u32) -> Result<Vec<FeedEvent>> {
        let rows = match clinic {
            None => sqlx::query(
                "SELECT position, id, clinic, kind, subject, data, at_ms FROM feed WHERE position > $1
                 ORDER BY position LIMIT $2",
            )
            .bind(after)
            .bind(i64::from(limit)),
            Some(clinic) => sqlx::query(
                "SELECT position, id, clinic, kind, subject, data, at_ms FROM feed WHERE position > $1 AND clinic = $3
                 ORDER BY position LIMIT $2",
            )
            .bind(after)
            .bind(i64::from(limit))
            .bind(clinic),
        };
        rows.fetch_all(self.read()).await?.iter().map(FeedEvent::from_columns).collect()
    }

    /// Position of the newest event; 0 when there is none.
    pub async fn feed_end(&self) -> Result<i64> {
        Ok(sqlx::query_scalar("SELECT COALESCE(MAX(position), 0) FROM feed").fetch_one(self.read()).await?)
    }

    /// How far a reader has got; 0 for one that never read.
    pub async fn feed_read_to(&self, reader: &str) -> Result<i64> {
        let found = sqlx::query_scalar("SELECT position FROM feed_readers WHERE name = $1").bind(reader);
        Ok(found.fetch_optional(self.read()).await?.unwrap_or(0))
    }

    /// Notes how far a reader has got. It never goes back by itself: a lower position than the one that stands changes
    /// nothing.
    pub async fn feed_reached(&self, reader: &str, position: i64, now_ms: i64) -> Result<()> {
        let mut transaction = self.begin_write().await?;
        reached(&mut transaction, reader, position, now_ms).await?;
        transaction.commit().await?;
        Ok(())
    }

    /// Changes whenever something may have been added to the feed by this process. Other processes' events are found by
    /// looking now and then.
    pub fn feed_bell(&self) -> watch::Receiver<u64> {
        self.inner.bell.subscribe()
    }

    /// Commits, and wakes the readers of the feed.
    pub(crate) async fn commit_and_tell(&self, transaction: Transaction<'_, Any>) -> Result<()> {
        transaction.commit().await?;
        self.ring();
        Ok(())
    }

    /// Wakes the readers of the feed.
    pub(crate) fn ring(&self) {
        self.inner.bell.send_modify(|rung| *rung += 1);
    }
}

/// [`Store::feed_reached`] in the transaction of what the reader made of the events: both or neither.
pub(crate) async fn reached(
    transaction: &mut Transaction<'_, Any>,
    reader: &str,
    position: i64,
    now_ms: i64,
) -> Result<()> {
    sqlx::query(
        "INSERT INTO feed_readers (name, position, at_ms) VALUES ($1, $2, $3)
         ON CONFLICT (name) DO UPDATE SET position = excluded.position, at_ms = excluded.at_ms
         WHERE excluded.position > feed_readers.position",
    )
    .bind(reader)
    .bind(position)
    .bind(now_ms)
    .execute(&mut **transaction)
    .await?;
    Ok(())
}

impl FromColumns for FeedEvent {
    fn from_columns(row: &AnyRow) -> Result<Self> {
        let data = serde_json::from_str(&row.text("data")?)
            .map_err(|error| RecordsError::BadValue { field: "data", problem: error.to_string() })?;
        Ok(Self {
            position: row.int("position")?,
            id: row.text("id")?,
            clinic: row.text("clinic")?,
            kind: row.text("kind")?,
            subject: row.text("subject")?,
            data,
            at_ms: row.int("at_ms")?,
        })
    }
}
