//! Taking one person out of everything: the tables, the audio folder, the free pages of the file, and the backups' manifest.
//!
//! The rows go in one transaction, with the record of the erasure and the list of files that have to follow; from there it
//! can be broken off anywhere and is gone on with by [`Store::finish_erasures`], which needs no number any more. What remains is
//! a tombstone: a keyed hash of the number. With the clinic's key a restored backup can be searched for it
//! ([`Store::replay_erasures`]); without the key nobody can find out who it was.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::json;
use sqlx::any::AnyRow;
use sqlx::{Any, Transaction};

use crate::audit::{self, AuditEntry};
use crate::dialect::Dialect;
use crate::number::Number;
use crate::person::Person;
use crate::personal::{REGISTER, Whose};
use crate::row::{Columns as _, FromColumns, words};
use crate::{Pii, RecordsError, Result, Store};

words! {
    /// How far an erasure has come.
    ErasureState {
        /// Gone from the tables; files and free pages may still hold something.
        Rows = "rows",
        /// Gone from everything this database has.
        Done = "done",
    }
}

/// An erasure to be done.
#[derive(Debug, Clone)]
pub struct NewErasure {
    /// See [`crate::id()`]. The same id again changes nothing.
    pub id: String,
    /// Clinic id.
    pub clinic: String,
    /// Whose data.
    pub phone: Pii,
    /// Id of the user who does it.
    pub by: String,
    /// On what ground: a word or two without personal data, for example `request of the person`.
    pub reason: String,
    /// Now, unix milliseconds.
    pub at_ms: i64,
}

/// An erasure that was done, or is under way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Erasure {
    /// See [`crate::id()`].
    pub id: String,
    /// Clinic id.
    pub clinic: String,
    /// The keyed hash of the number.
    pub tombstone: String,
    /// Which key.
    pub key_id: String,
    /// Id of the user who did it.
    pub by: String,
    /// On what ground.
    pub reason: String,
    /// When it was asked for, unix milliseconds.
    pub asked_ms: i64,
    /// How far it has come.
    pub state: ErasureState,
    /// When everything was done.
    pub done_ms: Option<i64>,
    /// Rows by table, and recordings under `audio_files` and, of those that were not put away yet, `recordings_waiting`.
    pub report: BTreeMap<String, u64>,
}

macro_rules! columns {
    () => {
        "id, clinic, tombstone, key_id, made_by, reason, asked_ms, state, done_ms, report"
    };
}

impl Store {
    /// Takes a person's data out of every table, and their recordings out of the audio folder. Durable when it returns; what
    /// lies in free pages of the file is overwritten as it is freed, and gone for certain after [`Store::finish_erasures`].
    ///
    /// # Errors
    /// [`RecordsError::BadValue`] for what is no phone number; [`RecordsError::NoKeyring`] when the clinic has no key for a
    /// tombstone.
    pub async fn erase_person(&self, new: &NewErasure) -> Result<Erasure> {
        let number = Number::wanted(&new.phone)?;
        let tombstone = self.tombstone(&new.clinic, &number).await?;
        let mut transaction = self.begin_write().await?;
        if let Some(done) = find(&mut transaction, &new.id).await? {
            transaction.rollback().await?;
            return Ok(done);
        }
        let erasure = Erasure {
            id: new.id.clone(),
            clinic: new.clinic.clone(),
            tombstone: tombstone.0,
            key_id: tombstone.1,
            by: new.by.clone(),
            reason: new.reason.clone(),
            asked_ms: new.at_ms,
            state: ErasureState::Rows,
            done_ms: None,
            report: BTreeMap::new(),
        };
        let erasure = self.erase_rows(&mut transaction, erasure, &[number]).await?;
        transaction.commit().await?;
        self.log_erasure(&erasure).await?;
        self.sweep_audio().await?;
        self.truncate_log().await;
        Ok(erasure)
    }

    /// Does what is left to do of every erasure: deletes files, rewrites the database without its free pages (SQLite's
    /// `VACUUM`) and empties the write-ahead log. Writers wait meanwhile, on a large file for minutes: a thing for the night.
    /// Without open erasures it does nothing. Those that are done by it.
    pub async fn finish_erasures(&self, now_ms: i64) -> Result<Vec<Erasure>> {
        let open = self.erasures_where(concat!("SELECT ", columns!(), " FROM erasures WHERE state <> 'done'")).await?;
        if open.is_empty() {
            return Ok(open);
        }
        for erasure in &open {
            // A crash may have come between the commit and the log.
            self.log_erasure(erasure).await?;
        }
        self.sweep_audio().await?;
        sqlx::query("VACUUM").execute(self.write()).await?;
        // SQLite does not promise that rows keep their numbers, and the index of words goes by them.
        if self.dialect() == Dialect::Sqlite {
            sqlx::query("INSERT INTO turn_words (turn_words) VALUES ('rebuild')").execute(self.write()).await?;
        }
        if !self.truncate_log().await {
            // A reader held the log back; the next run finds nothing else to do than this.
            tracing::warn!("the write-ahead log could not be emptied; erasures stay open until the next run");
            return Ok(Vec::new());
        }
        let mut done = Vec::with_capacity(open.len());
        for mut erasure in open {
            sqlx::query("UPDATE erasures SET state = 'done', done_ms = $2 WHERE id = $1")
                .bind(&erasure.id)
                .bind(now_ms)
                .execute(self.write())
                .await?;
            (erasure.state, erasure.done_ms) = (ErasureState::Done, Some(now_ms));
            done.push(erasure);
        }
        Ok(done)
    }

    /// The erasures of a number, latest first: what can be shown to the person or to an authority that names the number.
    pub async fn erasures_of(&self, clinic: &str, phone: &Pii) -> Result<Vec<Erasure>> {
        let (tombstone, _) = self.tombstone(clinic, &Number::wanted(phone)?).await?;
        let mut theirs = self.erasures(Some(clinic)).await?;
        theirs.retain(|erasure| erasure.tombstone == tombstone);
        theirs.reverse();
        Ok(theirs)
    }

    /// The erasures there were, oldest first; of one clinic or of all.
    pub async fn erasures(&self, clinic: Option<&str>) -> Result<Vec<Erasure>> {
        let all = self.erasures_where(concat!("SELECT ", columns!(), " FROM erasures ORDER BY asked_ms, id")).await?;
        Ok(all.into_iter().filter(|erasure| clinic.is_none_or(|clinic| erasure.clinic == clinic)).collect())
    }

    /// Where erasures are noted a second time, one JSON object a line: a restored backup does not know those that came after
    /// it. Keep a copy beside the clinic's keys; there is nothing personal in it.
    pub fn erasure_log(&self) -> PathBuf {
        let mut name = self.path().as_os_str().to_owned();
        name.push("-erasures.jsonl");
        PathBuf::from(name)
    }

    /// Erases here everybody who was erased elsewhere and is back, because this database was restored from a backup: those of
    /// `erasures` that this database does not know. What was done, as erasures with the ids they had.
    ///
    /// # Errors
    /// [`RecordsError::WrongKey`] when a tombstone was made with another key than the clinic has now.
    pub async fn replay_erasures(&self, erasures: &[Erasure], by: &str, now_ms: i64) -> Result<Vec<Erasure>> {
        let mut replayed = Vec::new();
        let mut clinics: Vec<&str> = erasures.iter().map(|erasure| erasure.clinic.as_str()).collect();
        clinics.sort_unstable();
        clinics.dedup();
        for clinic in clinics {
            let numbers = self.numbers_of(clinic).await?;
            for erasure in erasures.iter().filter(|erasure| erasure.clinic == clinic) {
                let mut theirs = Vec::new();
                for (number, tombstone) in &numbers {
                    if tombstone.1 != erasure.key_id {
                        // Says which file is wrong.
                        self.opening_key(clinic, &erasure.key_id).await?;
                    }
                    if tombstone.0 == erasure.tombstone {
                        theirs.push(number.clone());
                    }
                }
                let mut transaction = self.begin_write().await?;
                let known = find(&mut transaction, &erasure.id).await?;
                if known.is_some() {
                    // A number that was erased and came back by a later call is a new contact, not this person's old data.
                    transaction.rollback().await?;
                    continue;
                }
                let again = Erasure {
                    state: ErasureState::Rows,
                    done_ms: None,
                    report: BTreeMap::new(),
                    asked_ms: now_ms,
                    by: by.to_owned(),
                    ..erasure.clone()
                };
                replayed.push(self.erase_rows(&mut transaction, again, &theirs).await?);
                transaction.commit().await?;
            }
        }
        self.sweep_audio().await?;
        self.truncate_log().await;
        Ok(replayed)
    }

    /// The tombstone of a number, with the id of the key that made it.
    pub(crate) async fn tombstone(&self, clinic: &str, number: &Number) -> Result<(String, String)> {
        let key = self.sealing_key(clinic).await?;
        let key = key.ok_or_else(|| RecordsError::NoKeyring { clinic: clinic.to_owned() })?;
        let text = format!("gudok tombstone 1\n{clinic}\n{}", number.canonical.as_str());
        Ok((key.mac(&text), key.id().to_owned()))
    }

    /// Every number the clinic has anywhere, with its tombstone.
    async fn numbers_of(&self, clinic: &str) -> Result<Vec<(Number, (String, String))>> {
        let mut found = BTreeMap::new();
        for table in REGISTER {
            for whose in table.whose {
                let Whose::Phone(column) = whose else { continue };
                let sql = format!(
                    "SELECT DISTINCT {column} AS phone FROM {} WHERE clinic = $1 AND {column} <> ''",
                    table.name
                );
                // Safe: made of the register's words.
                let rows = sqlx::query(sqlx::AssertSqlSafe(sql)).bind(clinic).fetch_all(self.read()).await?;
                for row in &rows {
                    if let Some(number) = Number::read(&row.text("phone")?) {
                        found.insert(number.canonical.clone(), number);
                    }
                }
            }
        }
        let mut numbers = Vec::with_capacity(found.len());
        for number in found.into_values() {
            let tombstone = self.tombstone(clinic, &number).await?;
            numbers.push((number, tombstone));
        }
        Ok(numbers)
    }

    async fn erasures_where(&self, sql: &'static str) -> Result<Vec<Erasure>> {
        sqlx::query(sql).fetch_all(self.read()).await?.iter().map(Erasure::from_columns).collect()
    }

    async fn log_erasure(&self, erasure: &Erasure) -> Result<()> {
        let (path, erasure) = (self.erasure_log(), erasure.clone());
        let at = path.clone();
        let written = tokio::task::spawn_blocking(move || append_once(&at, &erasure)).await;
        written
            .map_err(|_| RecordsError::Closed)?
            .map_err(|error| RecordsError::File { path, problem: error.to_string() })
    }

    /// Deletes the files that no row points at any more. How many there were.
    pub(crate) async fn sweep_audio(&self) -> Result<u64> {
        let mut swept = 0;
        loop {
            // Under the write lock: nobody can point at a file between the look and its end.
            let mut transaction = self.begin_write().await?;
            let rows = sqlx::query("SELECT sha256 FROM audio_doomed LIMIT 50").fetch_all(&mut *transaction).await?;
            if rows.is_empty() {
                transaction.rollback().await?;
                return Ok(swept);
            }
            for row in &rows {
                let sha256 = row.text("sha256")?;
                let wanted: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM audio WHERE sha256 = $1")
                    .bind(&sha256)
                    .fetch_one(&mut *transaction)
                    .await?;
                if wanted == 0 {
                    let path = self.audio_path(&sha256)?;
                    match tokio::fs::remove_file(&path).await {
                        Ok(()) => swept += 1,
                        Err(error) if error.kind() == ErrorKind::NotFound => {}
                        Err(source) => return Err(RecordsError::Audio { path, source }),
                    }
                }
                let done = sqlx::query("DELETE FROM audio_doomed WHERE sha256 = $1").bind(&sha256);
                done.execute(&mut *transaction).await?;
            }
            transaction.commit().await?;
        }
    }

    /// Everything that happens in the one transaction.
    async fn erase_rows(
        &self,
        transaction: &mut Transaction<'_, Any>,
        mut erasure: Erasure,
        numbers: &[Number],
    ) -> Result<Erasure> {
        for number in numbers {
            let person = Person { clinic: erasure.clinic.clone(), number: number.clone() };
            person.collect(transaction).await?;
            let doomed = person
                .run(
                    transaction,
                    &format!(
                        "INSERT INTO audio_doomed (sha256, since_ms) SELECT DISTINCT sha256, {} FROM call_audio
                         WHERE call IN (SELECT subject FROM erasure_subjects WHERE kind = 'calls') AND $1 <> ''
                         ON CONFLICT DO NOTHING",
                        erasure.asked_ms
                    ),
                )
                .await?;
            *erasure.report.entry("audio_files".to_owned()).or_default() += doomed;
            *erasure.report.entry("recordings_waiting".to_owned()).or_default() +=
                self.erase_waiting(transaction, &erasure.clinic).await?;
            // What others name goes last.
            for table in REGISTER.iter().rev() {
                let touched = person.erase_from(transaction, table, &erasure.tombstone).await?;
                if touched > 0 {
                    *erasure.report.entry(table.name.to_owned()).or_default() += touched;
                }
            }
            drop_unheard(transaction).await?;
            person.run(transaction, "DELETE FROM erasure_subjects WHERE $1 <> ''").await?;
        }
        erasure.report.retain(|_, count| *count > 0);
        let report = serde_json::to_string(&erasure.report)
            .map_err(|error| RecordsError::BadValue { field: "report", problem: error.to_string() })?;
        sqlx::query(concat!(
            "INSERT INTO erasures (",
            columns!(),
            ") VALUES ($1, $2, $3, $4, $5, $6, $7, 'rows', NULL, $8)"
        ))
        .bind(&erasure.id)
        .bind(&erasure.clinic)
        .bind(&erasure.tombstone)
        .bind(&erasure.key_id)
        .bind(&erasure.by)
        .bind(&erasure.reason)
        .bind(erasure.asked_ms)
        .bind(&report)
        .execute(&mut **transaction)
        .await?;
        sqlx::query(
            "INSERT INTO backup_erasures (backup, erasure, done_ms)
             SELECT id, $1, NULL FROM backups WHERE gone_ms IS NULL ON CONFLICT DO NOTHING",
        )
        .bind(&erasure.id)
        .execute(&mut **transaction)
        .await?;
        let entry = AuditEntry {
            at_ms: erasure.asked_ms,
            clinic: erasure.clinic.clone(),
            who: erasure.by.clone(),
            action: "contact.erased".to_owned(),
            subject_kind: "erasure".to_owned(),
            subject: erasure.id.clone(),
            ip: None,
            detail: json!({ "rows": erasure.report }),
        };
        audit::append(transaction, &entry).await?;
        Ok(erasure)
    }

    /// Recordings of the collected calls that were not put away yet. They go before the rows do: what cannot be deleted stops
    /// the erasure, and nothing was said to be gone.
    async fn erase_waiting(&self, transaction: &mut Transaction<'_, Any>, clinic: &str) -> Result<u64> {
        let folders: Vec<PathBuf> = self.waiting_recordings().iter().map(|folder| folder.join(clinic)).collect();
        if folders.is_empty() {
            return Ok(0);
        }
        let rows = sqlx::query("SELECT subject FROM erasure_subjects WHERE kind = 'calls'");
        let rows = rows.fetch_all(&mut **transaction).await?;
        let calls = rows.iter().map(|row| row.text("subject")).collect::<Result<BTreeSet<String>>>()?;
        let gone = tokio::task::spawn_blocking(move || delete_of(&folders, &calls)).await;
        gone.map_err(|_| RecordsError::Closed)?
    }

    /// Brings the write-ahead log into the file and empties it; false when a reader was in the way.
    pub(crate) async fn truncate_log(&self) -> bool {
        if self.dialect() == Dialect::Postgres {
            // A server's log turns over by itself.
            return true;
        }
        let told = sqlx::query("PRAGMA wal_checkpoint(TRUNCATE)").fetch_one(self.write()).await;
        told.ok().and_then(|row| row.int("busy").ok()) == Some(0)
    }
}

/// The erasures that were noted in a log ([`Store::erasure_log`]). A line that a crash cut short is left out.
pub fn read_erasure_log(path: &Path) -> Result<Vec<Erasure>> {
    match std::fs::read_to_string(path) {
        Ok(text) => Ok(text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(RecordsError::File { path: path.to_owned(), problem: error.to_string() }),
    }
}

/// Deletes `FOLDER/DAY/CALL.wav` of these calls; returns how many there were.
fn delete_of(folders: &[PathBuf], calls: &BTreeSet<String>) -> Result<u64> {
    let failed =
        |path: &Path, error: &std::io::Error| RecordsError::File { path: path.to_owned(), problem: error.to_string() };
    let list = |folder: &Path| match std::fs::read_dir(folder) {
        Ok(entries) => entries.map(|entry| entry.map(|entry| entry.path())).collect::<std::io::Result<Vec<_>>>(),
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => Ok(Vec::new()),
        Err(error) => Err(error),
    };
    let mut gone = 0;
    for folder in folders {
        for day in list(folder).map_err(|error| failed(folder, &error))? {
            for file in list(&day).map_err(|error| failed(&day, &error))? {
                let call = file.file_stem().and_then(|stem| stem.to_str());
                if call.is_some_and(|call| calls.contains(call)) {
                    match std::fs::remove_file(&file) {
                        Ok(()) => gone += 1,
                        Err(error) if error.kind() == ErrorKind::NotFound => {}
                        Err(error) => return Err(failed(&file, &error)),
                    }
                }
            }
        }
    }
    Ok(gone)
}

fn append_once(path: &Path, erasure: &Erasure) -> std::io::Result<()> {
    let before = std::fs::read_to_string(path).unwrap_or_default();
    let known = |line: &str| serde_json::from_str::<Erasure>(line).is_ok_and(|known| known.id == erasure.id);
    if before.lines().any(known) {
        return Ok(());
    }
    let mut file = OpenOptions::new().append(true).create(true).open(path)?;
    let cut_short = !before.is_empty() && !before.ends_with('\n');
    let line = serde_json::to_string(erasure)?;
    file.write_all(format!("{}{line}\n", if cut_short { "\n" } else { "" }).as_bytes())?;
    file.sync_all()?;
    path.parent().map_or(Ok(()), |folder| File::open(folder)?.sync_all())
}

/// Rows of audio that are doomed and that no call points at.
pub(crate) async fn drop_unheard(transaction: &mut Transaction<'_, Any>) -> Result<()> {
    sqlx::query(
        "DELETE FROM audio WHERE sha256 IN (SELECT sha256 FROM audio_doomed)
         AND NOT EXISTS (SELECT 1 FROM call_audio WHERE call_audio.sha256 = audio.sha256)",
    )
    .execute(&mut **transaction)
    .await?;
    Ok(())
}

async fn find(transaction: &mut Transaction<'_, Any>, id: &str) -> Result<Option<Erasure>> {
    let row = sqlx::query(concat!("SELECT ", columns!(), " FROM erasures WHERE id = $1"))
        .bind(id)
        .fetch_optional(&mut **transaction)
        .await?;
    row.as_ref().map(Erasure::from_columns).transpose()
}

impl FromColumns for Erasure {
    fn from_columns(row: &AnyRow) -> Result<Self> {
        let report = serde_json::from_str(&row.text("report")?)
            .map_err(|error| RecordsError::BadValue { field: "report", problem: error.to_string() })?;
        Ok(Self {
            id: row.text("id")?,
            clinic: row.text("clinic")?,
            tombstone: row.text("tombstone")?,
            key_id: row.text("key_id")?,
            by: row.text("made_by")?,
            reason: row.text("reason")?,
            asked_ms: row.int("asked_ms")?,
            state: row.word("state")?,
            done_ms: row.int_opt("done_ms")?,
            report,
        })
    }
}
