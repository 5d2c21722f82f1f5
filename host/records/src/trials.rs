//! Trials of a flow's version on recorded calls: what came of each, and the calls that would have gone otherwise, side by
//! side. What is in a comparison was said in a call, so it is sealed with the clinic's key, as the journal is.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use sqlx::any::AnyRow;

use crate::row::{Columns as _, FromColumns};
use crate::{Pii, RecordsError, Result, Store};

/// A version's trial.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct FlowTrial {
    /// Ours.
    pub id: String,
    /// Whose calls.
    pub clinic: String,
    /// Digest of the version that was tried.
    pub digest: String,
    /// Calls that started at or after this moment, unix milliseconds.
    pub from_ms: i64,
    /// And before this one.
    pub to_ms: i64,
    /// Who asked for it.
    pub by: String,
    /// When it began.
    pub made_ms: i64,
    /// When it ended; none = it goes on.
    pub ended_ms: Option<i64>,
    /// Calls by how far the version went from what was recorded: `identical`, `effect-changed` …
    pub counts: BTreeMap<String, u32>,
    /// Calls that did not replay twice alike.
    pub unsteady: u32,
    /// Calls whose journal cannot be read.
    pub unreadable: u32,
    /// Why it came to nothing; none = it did not.
    pub problem: Option<String>,
}

impl FlowTrial {
    /// All calls that were compared.
    pub fn total(&self) -> u32 {
        self.counts.values().sum()
    }
}

/// A call of a trial that would have gone otherwise.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrialCall {
    /// The recorded call.
    pub call: String,
    /// How far the version went from it.
    pub verdict: String,
    /// Whether two replays agreed.
    pub steady: bool,
    /// The difference in a line: JSON by language.
    pub line: Pii,
    /// Both side by side: JSON by language. Empty in lists.
    pub compared: Pii,
}

/// So many trials of a version are kept, the newest.
const KEPT: i64 = 5;
/// Names of the sealed fields.
const LINE: &str = "line";
const COMPARED: &str = "compared";

fn field(trial: &str, name: &str) -> String {
    format!("trial/{trial}/{name}")
}

macro_rules! columns {
    () => {
        "id, clinic, digest, from_ms, to_ms, made_by, made_ms, ended_ms, counts, unsteady, unreadable, problem"
    };
}

impl Store {
    /// Writes down that a trial has begun.
    pub async fn begin_flow_trial(&self, trial: &FlowTrial) -> Result<()> {
        sqlx::query(concat!(
            "INSERT INTO flow_trials (",
            columns!(),
            ") VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)"
        ))
        .bind(&trial.id)
        .bind(&trial.clinic)
        .bind(&trial.digest)
        .bind(trial.from_ms)
        .bind(trial.to_ms)
        .bind(&trial.by)
        .bind(trial.made_ms)
        .bind(trial.ended_ms)
        .bind(counted(trial)?)
        .bind(i64::from(trial.unsteady))
        .bind(i64::from(trial.unreadable))
        .bind(trial.problem.as_deref())
        .execute(self.write())
        .await?;
        Ok(())
    }

    /// Writes down what came of it, the gravest call first; trials of the version before the newest few go.
    ///
    /// # Errors
    /// [`RecordsError::NotFound`] for a trial that never began; [`RecordsError::NoKey`]: nothing is written unsealed because
    /// a key is missing.
    pub async fn end_flow_trial(&self, trial: &FlowTrial, calls: &[TrialCall]) -> Result<()> {
        let key = self.sealing_key(&trial.clinic).await?;
        let mut transaction = self.begin_write().await?;
        let done = sqlx::query(
            "UPDATE flow_trials SET ended_ms = $2, counts = $3, unsteady = $4, unreadable = $5, problem = $6 WHERE id = $1",
        )
        .bind(&trial.id)
        .bind(trial.ended_ms)
        .bind(counted(trial)?)
        .bind(i64::from(trial.unsteady))
        .bind(i64::from(trial.unreadable))
        .bind(trial.problem.as_deref())
        .execute(&mut *transaction)
        .await?;
        if done.rows_affected() == 0 {
            return Err(not_found(&trial.id));
        }
        for (place, call) in (0_i64..).zip(calls) {
            let sealed = |name: &str, text: &Pii| match &key {
                Some(key) => key.seal(&call.call, &field(&trial.id, name), text.as_str()),
                None => text.as_str().to_owned(),
            };
            // A person may have been erased while it went on: what is no call any more is not brought back.
            sqlx::query(
                "INSERT INTO flow_trial_calls (call, trial, place, verdict, steady, line, compared, seal)
                 SELECT $1, $2, $3, $4, $5, $6, $7, $8
                 WHERE EXISTS (SELECT 1 FROM journal WHERE journal.call = $1)",
            )
            .bind(&call.call)
            .bind(&trial.id)
            .bind(place)
            .bind(&call.verdict)
            .bind(i64::from(call.steady))
            .bind(sealed(LINE, &call.line))
            .bind(sealed(COMPARED, &call.compared))
            .bind(key.as_ref().map(|key| key.id().to_owned()))
            .execute(&mut *transaction)
            .await?;
        }
        let old = "SELECT id FROM flow_trials WHERE clinic = $1 AND digest = $2 AND id NOT IN
            (SELECT id FROM flow_trials WHERE clinic = $1 AND digest = $2 ORDER BY made_ms DESC, id DESC LIMIT $3)";
        for sql in [
            format!("DELETE FROM flow_trial_calls WHERE trial IN ({old})"),
            format!("DELETE FROM flow_trials WHERE id IN ({old})"),
        ] {
            // Safe: made of the literals above; values are bound.
            sqlx::query(sqlx::AssertSqlSafe(sql))
                .bind(&trial.clinic)
                .bind(&trial.digest)
                .bind(KEPT)
                .execute(&mut *transaction)
                .await?;
        }
        transaction.commit().await?;
        Ok(())
    }

    /// Trials that a stop of the program broke off are over. How many there were.
    pub async fn break_off_flow_trials(&self, now_ms: i64) -> Result<u64> {
        let done =
            sqlx::query("UPDATE flow_trials SET ended_ms = $1, problem = 'the program stopped' WHERE ended_ms IS NULL")
                .bind(now_ms)
                .execute(self.write())
                .await?;
        Ok(done.rows_affected())
    }

    /// A clinic's trials, the newest first; of one version, or of all.
    pub async fn flow_trials(&self, clinic: &str, digest: Option<&str>) -> Result<Vec<FlowTrial>> {
        let rows = sqlx::query(concat!(
            "SELECT ",
            columns!(),
            " FROM flow_trials WHERE clinic = $1 AND (CAST($2 AS TEXT) IS NULL OR digest = $2)
              ORDER BY made_ms DESC, id DESC LIMIT 200"
        ))
        .bind(clinic)
        .bind(digest)
        .fetch_all(self.read())
        .await?;
        rows.iter().map(FlowTrial::from_columns).collect()
    }

    /// One trial of a clinic.
    pub async fn flow_trial(&self, clinic: &str, id: &str) -> Result<FlowTrial> {
        let row = sqlx::query(concat!("SELECT ", columns!(), " FROM flow_trials WHERE clinic = $1 AND id = $2"))
            .bind(clinic)
            .bind(id)
            .fetch_optional(self.read())
            .await?;
        FlowTrial::from_columns(&row.ok_or_else(|| not_found(id))?)
    }

    /// The calls of a trial that would have gone otherwise, gravest first, each in a line.
    ///
    /// # Errors
    /// For sealed ones those of [`Store::journal`].
    pub async fn flow_trial_calls(&self, trial: &FlowTrial) -> Result<Vec<TrialCall>> {
        let rows = sqlx::query(
            "SELECT call, verdict, steady, line, '' AS compared, seal FROM flow_trial_calls WHERE trial = $1 ORDER BY place",
        )
        .bind(&trial.id)
        .fetch_all(self.read())
        .await?;
        let mut calls = Vec::with_capacity(rows.len());
        for row in &rows {
            calls.push(self.open_trial_call(trial, row).await?);
        }
        Ok(calls)
    }

    /// One call of a trial, side by side.
    ///
    /// # Errors
    /// [`RecordsError::NotFound`] when it went as recorded, or is not kept any more; those of [`Store::journal`].
    pub async fn flow_trial_call(&self, trial: &FlowTrial, call: &str) -> Result<TrialCall> {
        let row = sqlx::query(
            "SELECT call, verdict, steady, line, compared, seal FROM flow_trial_calls WHERE trial = $1 AND call = $2",
        )
        .bind(&trial.id)
        .bind(call)
        .fetch_optional(self.read())
        .await?;
        let row = row.ok_or_else(|| RecordsError::NotFound { what: "call of a trial", id: call.to_owned() })?;
        self.open_trial_call(trial, &row).await
    }

    async fn open_trial_call(&self, trial: &FlowTrial, row: &AnyRow) -> Result<TrialCall> {
        let mut found = TrialCall {
            call: row.text("call")?,
            verdict: row.text("verdict")?,
            steady: row.truth("steady")?,
            line: row.pii("line")?,
            compared: row.pii("compared")?,
        };
        if let Some(seal) = row.text_opt("seal")? {
            let key = self.opening_key(&trial.clinic, &seal).await?;
            for (name, text) in [(LINE, &mut found.line), (COMPARED, &mut found.compared)] {
                if !text.is_empty() {
                    *text = key.open(&found.call, &field(&trial.id, name), text.as_str())?.into();
                }
            }
        }
        Ok(found)
    }
}

/// The export's rows of a person, opened.
impl Store {
    pub(crate) async fn open_trial_rows(&self, clinic: &str, rows: &mut [serde_json::Value]) -> Result<()> {
        for row in rows.iter_mut() {
            let word = |row: &serde_json::Value, name: &str| row[name].as_str().unwrap_or_default().to_owned();
            let (call, trial, seal) = (word(row, "call"), word(row, "trial"), word(row, "seal"));
            for name in [LINE, COMPARED] {
                let text = word(row, name);
                let opened = if seal.is_empty() {
                    text
                } else {
                    self.opening_key(clinic, &seal).await?.open(&call, &field(&trial, name), &text)?
                };
                row[name] = serde_json::from_str(&opened).unwrap_or(serde_json::Value::String(opened));
            }
            row["seal"] = serde_json::Value::Null;
        }
        Ok(())
    }
}

fn counted(trial: &FlowTrial) -> Result<String> {
    serde_json::to_string(&trial.counts)
        .map_err(|error| RecordsError::BadValue { field: "counts", problem: error.to_string() })
}

fn not_found(id: &str) -> RecordsError {
    RecordsError::NotFound { what: "trial", id: id.to_owned() }
}

impl FromColumns for FlowTrial {
    fn from_columns(row: &AnyRow) -> Result<Self> {
        let counts = serde_json::from_str(&row.text("counts")?)
            .map_err(|error| RecordsError::BadValue { field: "counts", problem: error.to_string() })?;
        let number = |column| Ok::<_, RecordsError>(u32::try_from(row.int(column)?).unwrap_or_default());
        Ok(Self {
            id: row.text("id")?,
            clinic: row.text("clinic")?,
            digest: row.text("digest")?,
            from_ms: row.int("from_ms")?,
            to_ms: row.int("to_ms")?,
            by: row.text("made_by")?,
            made_ms: row.int("made_ms")?,
            ended_ms: row.int_opt("ended_ms")?,
            counts,
            unsteady: number("unsteady")?,
            unreadable: number("unreadable")?,
            problem: row.text_opt("problem")?,
        })
    }
}
