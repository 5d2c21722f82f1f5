//! Which record of another system is which of ours, and what of both is to be looked at.
//!
//! A change on either side marks its pair as work; whoever does the work compares both sides, so that a mark too many does
//! no harm. Marks survive a crash, and one that is set while the work goes on stays.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use sqlx::any::AnyRow;
use sqlx::{Any, Transaction};

use crate::feed::reached;
use crate::row::{Columns as _, FromColumns, words};
use crate::{RecordsError, Result, Store};

words! {
    /// Kinds of pairs.
    LinkKind {
        /// A visit and their deal.
        Deal = "deal",
        /// A call and their lead.
        Lead = "lead",
    }
}

/// A pair.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Link {
    /// Name of the connector.
    pub connector: String,
    /// What the pair is made of.
    pub kind: LinkKind,
    /// Our id.
    pub ours: String,
    /// Theirs.
    pub theirs: String,
    /// How both were when they last said the same; the connector's own JSON, without personal data.
    pub seen: Value,
    /// When it last changed, unix milliseconds.
    pub updated_ms: i64,
}

/// A pair that is to be looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LinkWork {
    /// Name of the connector.
    pub connector: String,
    /// What the pair is made of.
    pub kind: LinkKind,
    /// Our id.
    pub ours: String,
    /// Proof that nobody asked for it again meanwhile.
    pub marks: i64,
    /// How often it failed.
    pub attempts: i64,
    /// What went wrong last.
    pub last_error: Option<String>,
}

/// How far something was read, to be noted with the work that came of it.
#[derive(Debug, Clone, Copy)]
pub enum ReadTo<'a> {
    /// The feed, up to this position.
    Feed(i64),
    /// The other system's list, up to what its cursor says.
    Cursor(&'a str),
    /// Nothing was read.
    Nothing,
}

impl Store {
    /// The pairs of these ids of ours.
    pub async fn links(&self, connector: &str, kind: LinkKind, ours: &[&str]) -> Result<Vec<Link>> {
        let mut found = Vec::new();
        for id in ours {
            let row = sqlx::query(
                "SELECT connector, kind, ours, theirs, seen, updated_ms FROM links
                 WHERE connector = $1 AND kind = $2 AND ours = $3",
            )
            .bind(connector)
            .bind(kind.as_str())
            .bind(*id)
            .fetch_optional(self.read())
            .await?;
            found.extend(row.as_ref().map(Link::from_columns).transpose()?);
        }
        Ok(found)
    }

    /// The pair with this id of theirs; the oldest when there are several.
    pub async fn link_of_theirs(&self, connector: &str, kind: LinkKind, theirs: &str) -> Result<Option<Link>> {
        let row = sqlx::query(
            "SELECT connector, kind, ours, theirs, seen, updated_ms FROM links
             WHERE connector = $1 AND kind = $2 AND theirs = $3 ORDER BY created_ms, ours LIMIT 1",
        )
        .bind(connector)
        .bind(kind.as_str())
        .bind(theirs)
        .fetch_optional(self.read())
        .await?;
        row.as_ref().map(Link::from_columns).transpose()
    }

    /// Writes down that two records are a pair, or how both now are.
    ///
    /// # Errors
    /// [`RecordsError::Exists`] when ours is a pair with another one of theirs already, or theirs with another of ours.
    pub async fn put_link(&self, link: &Link) -> Result<()> {
        let done = sqlx::query(
            "INSERT INTO links (connector, kind, ours, theirs, seen, created_ms, updated_ms)
             VALUES ($1, $2, $3, $4, $5, $6, $6)
             ON CONFLICT (connector, kind, ours) DO UPDATE SET seen = excluded.seen, updated_ms = excluded.updated_ms
             WHERE links.theirs = excluded.theirs",
        )
        .bind(&link.connector)
        .bind(link.kind.as_str())
        .bind(&link.ours)
        .bind(&link.theirs)
        .bind(link.seen.to_string())
        .bind(link.updated_ms)
        .execute(self.write())
        .await;
        let exists = || RecordsError::Exists { what: "link", id: link.ours.clone() };
        match done {
            Ok(done) if done.rows_affected() == 1 => Ok(()),
            Ok(_) => Err(exists()),
            Err(sqlx::Error::Database(error)) if error.is_unique_violation() => Err(exists()),
            Err(error) => Err(error.into()),
        }
    }

    /// Marks pairs as work, due at once, and notes how far was read to find them, both or neither.
    pub async fn mark_links(
        &self,
        connector: &str,
        marks: &[(LinkKind, String)],
        read_to: ReadTo<'_>,
        now_ms: i64,
    ) -> Result<()> {
        let mut transaction = self.begin_write().await?;
        for (kind, ours) in marks {
            mark(&mut transaction, connector, *kind, ours, now_ms).await?;
        }
        match read_to {
            ReadTo::Feed(position) => {
                reached(&mut transaction, &format!("connector:{connector}"), position, now_ms).await?;
            }
            ReadTo::Cursor(cursor) => {
                sqlx::query(
                    "INSERT INTO link_cursors (connector, cursor, at_ms) VALUES ($1, $2, $3)
                     ON CONFLICT (connector) DO UPDATE SET cursor = excluded.cursor, at_ms = excluded.at_ms",
                )
                .bind(connector)
                .bind(cursor)
                .bind(now_ms)
                .execute(&mut *transaction)
                .await?;
            }
            ReadTo::Nothing => {}
        }
        transaction.commit().await?;
        Ok(())
    }

    /// How far a connector has read the feed; none before its first time.
    pub async fn connector_position(&self, connector: &str) -> Result<Option<i64>> {
        let found = sqlx::query_scalar("SELECT position FROM feed_readers WHERE name = $1")
            .bind(format!("connector:{connector}"))
            .fetch_optional(self.read())
            .await?;
        Ok(found)
    }

    /// How far the other system's list was read; none before its first time.
    pub async fn link_cursor(&self, connector: &str) -> Result<Option<String>> {
        let found = sqlx::query_scalar("SELECT cursor FROM link_cursors WHERE connector = $1")
            .bind(connector)
            .fetch_optional(self.read())
            .await?;
        Ok(found)
    }

    /// The oldest due work of a connector.
    pub async fn due_links(&self, connector: &str, now_ms: i64, limit: u32) -> Result<Vec<LinkWork>> {
        let rows = sqlx::query(
            "SELECT connector, kind, ours, marks, attempts, last_error FROM link_work
             WHERE connector = $1 AND due_ms <= $2 ORDER BY due_ms, created_ms, ours LIMIT $3",
        )
        .bind(connector)
        .bind(now_ms)
        .bind(i64::from(limit))
        .fetch_all(self.read())
        .await?;
        rows.iter().map(LinkWork::from_columns).collect()
    }

    /// When the next work of a connector is due; none when there is none.
    pub async fn next_link_ms(&self, connector: &str) -> Result<Option<i64>> {
        let row = sqlx::query("SELECT MIN(due_ms) AS due_ms FROM link_work WHERE connector = $1")
            .bind(connector)
            .fetch_one(self.read())
            .await?;
        row.int_opt("due_ms")
    }

    /// Takes finished work off the list, unless it was asked for again meanwhile.
    pub async fn links_done(&self, done: &[&LinkWork]) -> Result<()> {
        if done.is_empty() {
            return Ok(());
        }
        let mut transaction = self.begin_write().await?;
        for work in done {
            sqlx::query("DELETE FROM link_work WHERE connector = $1 AND kind = $2 AND ours = $3 AND marks = $4")
                .bind(&work.connector)
                .bind(work.kind.as_str())
                .bind(&work.ours)
                .bind(work.marks)
                .execute(&mut *transaction)
                .await?;
        }
        transaction.commit().await?;
        Ok(())
    }

    /// Puts work off. `error` must hold no personal data.
    pub async fn link_later(&self, work: &LinkWork, error: &str, due_ms: i64) -> Result<()> {
        sqlx::query(
            "UPDATE link_work SET due_ms = $5, attempts = attempts + 1, last_error = $4
             WHERE connector = $1 AND kind = $2 AND ours = $3",
        )
        .bind(&work.connector)
        .bind(work.kind.as_str())
        .bind(&work.ours)
        .bind(error)
        .bind(due_ms)
        .execute(self.write())
        .await?;
        Ok(())
    }
}

async fn mark(
    transaction: &mut Transaction<'_, Any>,
    connector: &str,
    kind: LinkKind,
    ours: &str,
    now_ms: i64,
) -> Result<()> {
    sqlx::query(
        "INSERT INTO link_work (connector, kind, ours, due_ms, marks, attempts, created_ms)
         VALUES ($1, $2, $3, $4, 1, 0, $4)
         ON CONFLICT (connector, kind, ours) DO UPDATE SET marks = link_work.marks + 1,
            due_ms = CASE WHEN link_work.attempts = 0 THEN excluded.due_ms ELSE link_work.due_ms END",
    )
    .bind(connector)
    .bind(kind.as_str())
    .bind(ours)
    .bind(now_ms)
    .execute(&mut **transaction)
    .await?;
    Ok(())
}

impl FromColumns for Link {
    fn from_columns(row: &AnyRow) -> Result<Self> {
        let seen = serde_json::from_str(&row.text("seen")?)
            .map_err(|error| RecordsError::BadValue { field: "seen", problem: error.to_string() })?;
        Ok(Self {
            connector: row.text("connector")?,
            kind: row.word("kind")?,
            ours: row.text("ours")?,
            theirs: row.text("theirs")?,
            seen,
            updated_ms: row.int("updated_ms")?,
        })
    }
}

impl FromColumns for LinkWork {
    fn from_columns(row: &AnyRow) -> Result<Self> {
        Ok(Self {
            connector: row.text("connector")?,
            kind: row.word("kind")?,
            ours: row.text("ours")?,
            marks: row.int("marks")?,
            attempts: row.int("attempts")?,
            last_error: row.text_opt("last_error")?,
        })
    }
}
