//! What was said in a call, and what its flow asked of the host.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use serde::{Deserialize, Serialize};
use sqlx::any::AnyRow;
use sqlx::{Any, Transaction};

use crate::append::Row;
use crate::row::{Columns as _, FromColumns, words};
use crate::seal::Key;
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
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
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
        self.inner.appender.append(Row::Turn(Box::new(turn))).await?;
        Ok(())
    }

    /// Writes a journal entry down, sealed if the clinic has a key; durable when it returns. Written again unchanged it is
    /// no error.
    ///
    /// # Errors
    /// [`RecordsError::NoKey`], [`RecordsError::KeyFile`]: nothing is written unsealed because a key is missing.
    pub async fn add_journal(&self, entry: JournalRecord) -> Result<()> {
        let entry = self.seal_entry(entry).await?;
        self.inner.appender.append(Row::Journal(Box::new(entry))).await?;
        Ok(())
    }

    async fn seal_entry(&self, entry: JournalRecord) -> Result<SealedEntry> {
        if !self.inner.keys.any() {
            return Ok(SealedEntry { entry, sealed: None });
        }
        let clinic = self.clinic_of(&entry.call).await?;
        let Some(key) = self.sealing_key(&clinic).await? else { return Ok(SealedEntry { entry, sealed: None }) };
        let [request, reply] = fields(entry.seq);
        let request = key.seal(&entry.call, &request, entry.request.as_str());
        let reply = key.seal(&entry.call, &reply, entry.reply.as_str());
        Ok(SealedEntry { entry, sealed: Some(Sealed { key, request, reply }) })
    }

    /// The clinic of a call. An entry comes every second or so in every call: the calls in progress are remembered.
    async fn clinic_of(&self, call: &str) -> Result<Arc<str>> {
        if let Some(clinic) = self.inner.clinic_of.get(call) {
            return Ok(clinic);
        }
        let clinic: Option<String> =
            sqlx::query_scalar("SELECT clinic FROM calls WHERE id = $1").bind(call).fetch_optional(self.read()).await?;
        let clinic = clinic.ok_or_else(|| RecordsError::NotFound { what: "call", id: call.to_owned() })?;
        Ok(self.inner.clinic_of.put(call, &clinic))
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
    ///
    /// # Errors
    /// For a sealed one: [`RecordsError::NoKey`] and [`RecordsError::WrongKey`] name the file that is needed,
    /// [`RecordsError::Tampered`] the entry that was changed.
    pub async fn journal(&self, call: &str) -> Result<Vec<JournalRecord>> {
        let rows = sqlx::query(
            "SELECT call, seq, request, reply, at_ms, took_ms, seal FROM journal WHERE call = $1 ORDER BY seq",
        )
        .bind(call)
        .fetch_all(self.read())
        .await?;
        let mut entries = Vec::with_capacity(rows.len());
        for row in &rows {
            let mut entry = JournalRecord::from_columns(row)?;
            if let Some(seal) = row.text_opt("seal")? {
                let clinic = self.clinic_of(call).await?;
                entry.open(&*self.opening_key(&clinic, &seal).await?)?;
            }
            entries.push(entry);
        }
        Ok(entries)
    }

    /// Deletes the journals of a clinic's calls that started before `before_ms`, and with them what their flows said at
    /// their end. Returns how many entries there were. In pieces, so that live calls need not wait long for their turn to
    /// write; begun and broken off, it goes on where it was.
    pub async fn purge_journal(&self, clinic: &str, before_ms: i64) -> Result<u64> {
        let mut deleted = 0;
        loop {
            let mut transaction = self.begin_write().await?;
            let rows = sqlx::query(
                "SELECT id FROM calls WHERE clinic = $1 AND started_ms < $2
                 AND EXISTS (SELECT 1 FROM journal WHERE journal.call = calls.id) LIMIT 100",
            )
            .bind(clinic)
            .bind(before_ms)
            .fetch_all(&mut *transaction)
            .await?;
            if rows.is_empty() {
                break;
            }
            for row in &rows {
                let id = row.text("id")?;
                let done = sqlx::query("DELETE FROM journal WHERE call = $1").bind(&id).execute(&mut *transaction);
                deleted += done.await?.rows_affected();
                let compared = sqlx::query("DELETE FROM flow_trial_calls WHERE call = $1").bind(&id);
                compared.execute(&mut *transaction).await?;
                let end = sqlx::query("UPDATE flow_runs SET flow_end = NULL, seal = NULL WHERE call = $1").bind(&id);
                end.execute(&mut *transaction).await?;
            }
            transaction.commit().await?;
        }
        Ok(deleted)
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

/// A journal entry on its way to the disk.
#[derive(Debug)]
pub(crate) struct SealedEntry {
    entry: JournalRecord,
    sealed: Option<Sealed>,
}

#[derive(Debug)]
struct Sealed {
    key: Arc<Key>,
    request: String,
    reply: String,
}

impl SealedEntry {
    pub(crate) async fn insert(&self, transaction: &mut Transaction<'_, Any>) -> Result<()> {
        let Self { entry, sealed } = self;
        let (request, reply) = match sealed {
            Some(sealed) => (sealed.request.as_str(), sealed.reply.as_str()),
            None => (entry.request.as_str(), entry.reply.as_str()),
        };
        let written = sqlx::query(
            "INSERT INTO journal (call, seq, request, reply, at_ms, took_ms, seal)
             VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (call, seq) DO NOTHING",
        )
        .bind(&entry.call)
        .bind(entry.seq)
        .bind(request)
        .bind(reply)
        .bind(entry.at_ms)
        .bind(entry.took_ms)
        .bind(sealed.as_ref().map(|sealed| sealed.key.id()))
        .execute(&mut **transaction)
        .await
        .map_err(|error| no_such_call(error, &entry.call))?;
        if written.rows_affected() == 1 {
            return Ok(());
        }
        let row = sqlx::query(
            "SELECT call, seq, request, reply, at_ms, took_ms, seal FROM journal WHERE call = $1 AND seq = $2",
        )
        .bind(&entry.call)
        .bind(entry.seq)
        .fetch_one(&mut **transaction)
        .await?;
        let mut there = JournalRecord::from_columns(&row)?;
        if let (Some(_), Some(sealed)) = (row.text_opt("seal")?, sealed) {
            there.open(&sealed.key)?;
        }
        if there == *entry { Ok(()) } else { Err(exists("journal entry", &entry.call, entry.seq)) }
    }
}

impl JournalRecord {
    fn open(&mut self, key: &Key) -> Result<()> {
        let [request, reply] = fields(self.seq);
        self.request = key.open(&self.call, &request, self.request.as_str())?.into();
        self.reply = key.open(&self.call, &reply, self.reply.as_str())?.into();
        Ok(())
    }
}

/// The names of an entry's two texts in their seals.
fn fields(seq: i64) -> [String; 2] {
    [format!("{seq}/request"), format!("{seq}/reply")]
}

/// Which clinic a call in progress belongs to.
#[derive(Debug, Default)]
pub(crate) struct ClinicOf(Mutex<HashMap<String, Arc<str>>>);

impl ClinicOf {
    /// More than there are calls at a time; when it is full it is emptied, and every call is looked up once more.
    const MOST: usize = 16_384;

    fn get(&self, call: &str) -> Option<Arc<str>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(call).cloned()
    }

    fn put(&self, call: &str, clinic: &str) -> Arc<str> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= Self::MOST {
            known.clear();
        }
        Arc::clone(known.entry(call.to_owned()).or_insert_with(|| clinic.into()))
    }

    /// The call is over.
    pub(crate) fn forget(&self, call: &str) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(call);
    }
}

/// Rows that belong to a call point at it; the database refuses one that points nowhere.
pub(crate) fn no_such_call(error: sqlx::Error, call: &str) -> RecordsError {
    match error.as_database_error() {
        Some(database) if database.is_foreign_key_violation() => {
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
