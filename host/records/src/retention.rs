//! Nothing is kept for ever: what is older than the clinic's terms goes, table by table, in small steps.
//!
//! Rows that the figures are made of stay and lose who it was; what was said, heard and asked goes whole. Each step is a
//! short transaction, so live calls hardly wait; broken off anywhere, the next run goes on where it was.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::json;
use sqlx::AssertSqlSafe;

use crate::audit::AuditEntry;
use crate::erasure::drop_unheard;
use crate::number::plain;
use crate::personal::{Blank, Fate, REGISTER, Table, Term, table};
use crate::{Result, Store};

/// How many days each kind is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Terms {
    /// Recordings, from the start of the call.
    pub audio_days: u32,
    /// What was said as text, with notes, from the start of the call.
    pub transcript_days: u32,
    /// What flows asked of the host, from the start of the call.
    pub journal_days: u32,
    /// Who called, was booked in or was to be called back; from the call, the visit, the last change.
    pub contact_days: u32,
    /// What the clinic wrote to people.
    pub message_days: u32,
    /// Written conversations, from their last message.
    pub chat_days: u32,
}

impl Terms {
    fn of(&self, term: Term) -> u32 {
        match term {
            Term::Audio => self.audio_days,
            Term::Transcript => self.transcript_days,
            Term::Journal => self.journal_days,
            Term::Contact => self.contact_days,
            Term::Message => self.message_days,
            Term::Chat => self.chat_days,
        }
    }
}

/// What a run did.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RetentionReport {
    /// Rows that went or were blanked, by table.
    pub rows: BTreeMap<String, u64>,
    /// Recordings that were deleted from the disk.
    pub audio_files: u64,
}

impl RetentionReport {
    /// Whether there was nothing to do.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty() && self.audio_files == 0
    }
}

/// Rows, or calls with their rows, in one transaction.
const BATCH: u32 = 200;
/// A finished job keeps what it was told for so long, so that a failed one can be looked into.
const JOB_DAYS: i64 = 30;
const DAY_MS: i64 = 86_400_000;

impl Store {
    /// Deletes and blanks what is older than a clinic's terms; to be run once a day. What it did is also in the audit trail.
    pub async fn apply_retention(&self, clinic: &str, terms: &Terms, now_ms: i64) -> Result<RetentionReport> {
        let mut report = RetentionReport::default();
        // A contact goes once no call and no visit names it any more, so these come first.
        for table in REGISTER {
            let Some(kept) = table.kept else { continue };
            let before = now_ms.saturating_sub(i64::from(terms.of(kept.term)) * DAY_MS);
            let Some(step) = Step::of(table, before) else { continue };
            let mut touched = 0;
            loop {
                let done = self.retention_step(clinic, table, &step, now_ms).await?;
                if done == 0 {
                    break;
                }
                touched += done;
            }
            if touched > 0 {
                report.rows.insert(table.name.to_owned(), touched);
            }
        }
        report.audio_files = self.sweep_audio().await?;
        if !report.is_empty() {
            let entry = AuditEntry {
                at_ms: now_ms,
                clinic: clinic.to_owned(),
                who: "system".to_owned(),
                action: "retention.applied".to_owned(),
                subject_kind: "clinic".to_owned(),
                subject: clinic.to_owned(),
                ip: None,
                detail: json!({ "rows": report.rows, "audio_files": report.audio_files }),
            };
            self.audit(&entry).await?;
        }
        Ok(report)
    }

    /// Blanks what finished jobs of the whole server were told. How many there were.
    pub async fn blank_old_jobs(&self, now_ms: i64) -> Result<u64> {
        let mut blanked = 0;
        loop {
            let done = sqlx::query(
                "UPDATE jobs SET payload = '{}' WHERE id IN (SELECT id FROM jobs WHERE state IN ('done', 'failed')
                    AND updated_ms < $1 AND payload <> '{}' LIMIT 200)",
            )
            .bind(now_ms - JOB_DAYS * DAY_MS)
            .execute(self.write())
            .await?
            .rows_affected();
            if done == 0 {
                return Ok(blanked);
            }
            blanked += done;
        }
    }

    async fn retention_step(&self, clinic: &str, table: &Table, step: &Step, now_ms: i64) -> Result<u64> {
        let mut transaction = self.begin_write().await?;
        // Safe, here and below: the texts are made of the register's words and of numbers; the clinic is bound.
        let keys = format!("SELECT key FROM ({}) AS batch", step.keys);
        if table.name == "call_audio" {
            let sql = format!(
                "INSERT INTO audio_doomed (sha256, since_ms) SELECT DISTINCT sha256, {now_ms} FROM call_audio
                 WHERE call IN ({keys}) ON CONFLICT DO NOTHING"
            );
            sqlx::query(AssertSqlSafe(sql)).bind(clinic).execute(&mut *transaction).await?;
        }
        let sql = format!("{} WHERE {} IN ({keys})", step.action, step.column);
        let touched = sqlx::query(AssertSqlSafe(sql)).bind(clinic).execute(&mut *transaction).await?.rows_affected();
        if table.name == "call_audio" {
            drop_unheard(&mut transaction).await?;
        }
        transaction.commit().await?;
        Ok(touched)
    }
}

/// One table's work as SQL.
struct Step {
    /// `DELETE FROM …` or `UPDATE … SET …`.
    action: String,
    /// By which column rows are taken.
    column: &'static str,
    /// The next keys, with the clinic as `$1`.
    keys: String,
}

impl Step {
    fn of(table: &Table, before_ms: i64) -> Option<Self> {
        let kept = table.kept?;
        let delete = kept.delete || table.fate == Fate::Delete;
        let name = table.name;
        let dirty = if delete { "1 = 1".to_owned() } else { dirty(table)? };
        let unless = kept.unless.map_or(String::new(), |unless| format!(" AND NOT ({unless})"));
        let (column, keys) = match kept.since {
            Some(since) => {
                let key = table.key()?;
                let keys = format!(
                    "SELECT {key} AS key FROM {name} WHERE clinic = $1 AND {since} < {before_ms} AND ({dirty}){unless}
                     LIMIT {BATCH}"
                );
                (key, keys)
            }
            None => {
                let (column, parent) = table.parent()?;
                let since = self::table(parent)?.kept?.since?;
                let keys = format!(
                    "SELECT {parent}.id AS key FROM {parent} WHERE {parent}.clinic = $1 AND {parent}.{since} < {before_ms}
                     AND EXISTS (SELECT 1 FROM {name} WHERE {name}.{column} = {parent}.id AND ({dirty})){unless}
                     LIMIT {BATCH}"
                );
                (column, keys)
            }
        };
        let action = if delete {
            format!("DELETE FROM {name}")
        } else {
            let mut sets = table.personal().filter_map(|(column, blank)| blanked(column, blank)).collect::<Vec<_>>();
            if !table.also.is_empty() {
                sets.push(table.also.to_owned());
            }
            format!("UPDATE {name} SET {}", sets.join(", "))
        };
        Some(Self { action, column, keys })
    }
}

/// Whether a row still has something to blank.
fn dirty(table: &Table) -> Option<String> {
    let any = table.personal().filter_map(|(column, blank)| match blank {
        Blank::Null | Blank::NullIfNumber => Some(format!("{}.{column} IS NOT NULL", table.name)),
        Blank::Empty | Blank::EmptyIfNumber => Some(format!("{}.{column} <> ''", table.name)),
        Blank::Text(text) => Some(format!("{}.{column} <> '{text}'", table.name)),
        // Goes together with the number it holds.
        Blank::OwnIfNumber | Blank::Tombstone => None,
    });
    let any = any.collect::<Vec<_>>();
    (!any.is_empty()).then(|| any.join(" OR "))
}

fn blanked(column: &str, blank: Blank) -> Option<String> {
    match blank {
        Blank::Null | Blank::NullIfNumber => Some(format!("{column} = NULL")),
        Blank::Empty | Blank::EmptyIfNumber => Some(format!("{column} = ''")),
        Blank::Text(text) => Some(format!("{column} = '{text}'")),
        // Only calls have such a column, and their number is `caller`. Its last eight digits are the same in every spelling.
        Blank::OwnIfNumber => Some(format!(
            "{column} = CASE WHEN length(caller) >= 8 AND {} LIKE '%' || substr(caller, length(caller) - 7) || '%'
             THEN 'erased-' || id ELSE {column} END",
            plain(column)
        )),
        Blank::Tombstone => None,
    }
}
