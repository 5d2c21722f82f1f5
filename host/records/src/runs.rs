//! Which version held a call and how that ended: what a replay needs beside the journal, and what the roll-back guard
//! counts.

use serde::{Deserialize, Serialize};
use sqlx::any::AnyRow;
use sqlx::{Any, Transaction};

use crate::append::Row;
use crate::flows::Entry;
use crate::row::{Columns as _, FromColumns, words};
use crate::{Pii, RecordsError, Result, Store};

words! {
    /// As what a version held a call.
    Role {
        /// The version that answers.
        Stable = "stable",
        /// The one on trial for a share of the calls.
        Candidate = "candidate",
    }
}

/// A call's run of a flow. Written when it begins and again, by the same id, when it has ended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FlowRun {
    /// The call.
    pub call: String,
    /// Clinic id.
    pub clinic: String,
    /// The entry of the route.
    pub entry: Entry,
    /// The route's generation; 0 = no route led here (command line, tests).
    pub generation: i64,
    /// Digest of the version.
    pub digest: String,
    /// As what.
    pub role: Role,
    /// Seed of the flow's randomness.
    pub seed: u64,
    /// Where the flow's clock began, unix milliseconds.
    pub started_ms: i64,
    /// When the flow ended; none = it runs, or was cut off by a crash.
    pub ended_ms: Option<i64>,
    /// How, as JSON; sealed like the journal. None = it was cut off.
    pub end: Option<Pii>,
    /// Whether the flow broke.
    pub trapped: bool,
    /// Whether a person had to take over.
    pub handed_over: bool,
    /// CPU its own code took.
    pub cpu_ms: Option<f64>,
    /// Its memory at the end.
    pub memory_bytes: Option<i64>,
    /// Host calls it made.
    pub host_calls: Option<i64>,
    /// Digest of the version that ran beside, unheard.
    pub shadow_digest: Option<String>,
    /// How far that one went from this.
    pub shadow_verdict: Option<String>,
}

/// How many runs, and how many of them went wrong.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunCounts {
    /// Ended runs.
    pub calls: u64,
    /// Those that broke.
    pub traps: u64,
    /// Those in which a person had to take over.
    pub handovers: u64,
}

/// A call that had a version beside it, unheard.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ShadowedCall {
    /// The call.
    pub call: String,
    /// Digest of the version that ran unheard.
    pub digest: String,
    /// How far it went from the one that answered; none = it has not finished, or was let go.
    pub verdict: Option<String>,
}

macro_rules! columns {
    () => {
        "call, clinic, entry, generation, digest, role, seed, started_ms, ended_ms, flow_end, seal, trapped, \
         handed_over, cpu_ms, memory_bytes, host_calls, shadow_digest, shadow_verdict"
    };
}

impl Store {
    /// Writes a run down; durable when it returns. Written again it takes the place of what was written before, except a
    /// verdict of the shadow that came meanwhile.
    pub async fn put_flow_run(&self, run: FlowRun) -> Result<()> {
        let key = self.sealing_key(&run.clinic).await?;
        let sealed = match (key, &run.end) {
            (Some(key), Some(end)) => Some((key.id().to_owned(), key.seal(&run.call, END, end.as_str()))),
            _ => None,
        };
        self.inner.appender.append(Row::Run(Box::new((run, sealed)))).await?;
        Ok(())
    }

    /// The run of a call.
    pub async fn flow_run(&self, call: &str) -> Result<FlowRun> {
        let row = sqlx::query(concat!("SELECT ", columns!(), " FROM flow_runs WHERE call = $1"))
            .bind(call)
            .fetch_optional(self.read())
            .await?;
        let row = row.ok_or_else(|| RecordsError::NotFound { what: "flow run of call", id: call.to_owned() })?;
        let mut run = FlowRun::from_columns(&row)?;
        if let (Some(seal), Some(end)) = (row.text_opt("seal")?, &run.end) {
            let key = self.opening_key(&run.clinic, &seal).await?;
            run.end = Some(key.open(call, END, end.as_str())?.into());
        }
        Ok(run)
    }

    /// Ids of the calls of a clinic that started in `from_ms..to_ms` and have a journal, earliest first.
    pub async fn recorded_calls(&self, clinic: &str, from_ms: i64, to_ms: i64) -> Result<Vec<String>> {
        let rows = sqlx::query(
            "SELECT call FROM flow_runs WHERE clinic = $1 AND started_ms >= $2 AND started_ms < $3
             AND EXISTS (SELECT 1 FROM journal WHERE journal.call = flow_runs.call) ORDER BY started_ms, call",
        )
        .bind(clinic)
        .bind(from_ms)
        .bind(to_ms)
        .fetch_all(self.read())
        .await?;
        rows.iter().map(|row| row.text("call")).collect()
    }

    /// Ids of the calls of a clinic since `from_ms` in which the flow broke, latest first, at most so many.
    pub async fn trapped_calls(&self, clinic: &str, from_ms: i64, most: u32) -> Result<Vec<String>> {
        let rows = sqlx::query(
            "SELECT call FROM flow_runs WHERE clinic = $1 AND started_ms >= $2 AND trapped = 1
             ORDER BY started_ms DESC, call LIMIT $3",
        )
        .bind(clinic)
        .bind(from_ms)
        .bind(i64::from(most))
        .fetch_all(self.read())
        .await?;
        rows.iter().map(|row| row.text("call")).collect()
    }

    /// The calls of a route that started in `from_ms..to_ms` with a version beside them, earliest first.
    pub async fn shadowed_calls(
        &self,
        clinic: &str,
        entry: Entry,
        from_ms: i64,
        to_ms: i64,
    ) -> Result<Vec<ShadowedCall>> {
        let rows = sqlx::query(
            "SELECT call, shadow_digest, shadow_verdict FROM flow_runs WHERE clinic = $1 AND started_ms >= $2
             AND started_ms < $3 AND entry = $4 AND shadow_digest IS NOT NULL ORDER BY started_ms, call",
        )
        .bind(clinic)
        .bind(from_ms)
        .bind(to_ms)
        .bind(entry.as_str())
        .fetch_all(self.read())
        .await?;
        let shadowed = |row: &AnyRow| {
            Ok(ShadowedCall {
                call: row.text("call")?,
                digest: row.text("shadow_digest")?,
                verdict: row.text_opt("shadow_verdict")?,
            })
        };
        rows.iter().map(shadowed).collect()
    }

    /// The newest `most` ended runs of a generation of a route in one role.
    pub async fn count_generation(
        &self,
        clinic: &str,
        entry: Entry,
        generation: i64,
        role: Role,
        most: u32,
    ) -> Result<RunCounts> {
        let row = sqlx::query(
            "SELECT COUNT(*) AS n, CAST(COALESCE(SUM(trapped), 0) AS BIGINT) AS traps,
                CAST(COALESCE(SUM(handed_over), 0) AS BIGINT) AS handovers
             FROM (SELECT trapped, handed_over FROM flow_runs WHERE clinic = $1 AND entry = $2 AND generation = $3
                AND role = $4 AND ended_ms IS NOT NULL ORDER BY ended_ms DESC LIMIT $5) AS newest",
        )
        .bind(clinic)
        .bind(entry.as_str())
        .bind(generation)
        .bind(role.as_str())
        .bind(i64::from(most))
        .fetch_one(self.read())
        .await?;
        RunCounts::from_columns(&row)
    }

    /// The newest `most` ended runs of a version on a route, in any generation.
    pub async fn count_version(&self, clinic: &str, entry: Entry, digest: &str, most: u32) -> Result<RunCounts> {
        let row = sqlx::query(
            "SELECT COUNT(*) AS n, CAST(COALESCE(SUM(trapped), 0) AS BIGINT) AS traps,
                CAST(COALESCE(SUM(handed_over), 0) AS BIGINT) AS handovers
             FROM (SELECT trapped, handed_over FROM flow_runs WHERE clinic = $1 AND entry = $2 AND digest = $3
                AND ended_ms IS NOT NULL ORDER BY ended_ms DESC LIMIT $4) AS newest",
        )
        .bind(clinic)
        .bind(entry.as_str())
        .bind(digest)
        .bind(i64::from(most))
        .fetch_one(self.read())
        .await?;
        RunCounts::from_columns(&row)
    }

    /// Writes down what the version that ran beside a call would have done.
    pub async fn set_shadow_verdict(&self, call: &str, verdict: &str) -> Result<()> {
        let done = sqlx::query("UPDATE flow_runs SET shadow_verdict = $2 WHERE call = $1")
            .bind(call)
            .bind(verdict)
            .execute(self.write())
            .await?;
        if done.rows_affected() == 1 {
            return Ok(());
        }
        Err(RecordsError::NotFound { what: "flow run of call", id: call.to_owned() })
    }
}

/// The field's name in the seal.
const END: &str = "end";

impl FlowRun {
    pub(crate) async fn upsert(
        &self,
        sealed: Option<&(String, String)>,
        transaction: &mut Transaction<'_, Any>,
    ) -> Result<()> {
        sqlx::query(
            "INSERT INTO flow_runs (call, clinic, entry, generation, digest, role, seed, started_ms, ended_ms, flow_end,
                seal, trapped, handed_over, cpu_ms, memory_bytes, host_calls, shadow_digest, shadow_verdict)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18)
             ON CONFLICT (call) DO UPDATE SET clinic = excluded.clinic, entry = excluded.entry,
                generation = excluded.generation, digest = excluded.digest, role = excluded.role, seed = excluded.seed,
                started_ms = excluded.started_ms, ended_ms = excluded.ended_ms, flow_end = excluded.flow_end,
                seal = excluded.seal, trapped = excluded.trapped, handed_over = excluded.handed_over,
                cpu_ms = excluded.cpu_ms, memory_bytes = excluded.memory_bytes, host_calls = excluded.host_calls,
                shadow_digest = excluded.shadow_digest,
                shadow_verdict = COALESCE(excluded.shadow_verdict, flow_runs.shadow_verdict)",
        )
        .bind(&self.call)
        .bind(&self.clinic)
        .bind(self.entry.as_str())
        .bind(self.generation)
        .bind(&self.digest)
        .bind(self.role.as_str())
        .bind(self.seed as i64)
        .bind(self.started_ms)
        .bind(self.ended_ms)
        .bind(sealed.map(|sealed| sealed.1.as_str()).or_else(|| self.end.as_ref().map(Pii::as_str)))
        .bind(sealed.map(|sealed| sealed.0.as_str()))
        .bind(i64::from(self.trapped))
        .bind(i64::from(self.handed_over))
        .bind(self.cpu_ms)
        .bind(self.memory_bytes)
        .bind(self.host_calls)
        .bind(self.shadow_digest.as_deref())
        .bind(self.shadow_verdict.as_deref())
        .execute(&mut **transaction)
        .await?;
        Ok(())
    }
}

impl FromColumns for FlowRun {
    fn from_columns(row: &AnyRow) -> Result<Self> {
        Ok(Self {
            call: row.text("call")?,
            clinic: row.text("clinic")?,
            entry: row.word("entry")?,
            generation: row.int("generation")?,
            digest: row.text("digest")?,
            role: row.word("role")?,
            seed: row.int("seed")? as u64,
            started_ms: row.int("started_ms")?,
            ended_ms: row.int_opt("ended_ms")?,
            end: row.text_opt("flow_end")?.map(Pii::from),
            trapped: row.truth("trapped")?,
            handed_over: row.truth("handed_over")?,
            cpu_ms: row.real_opt("cpu_ms")?,
            memory_bytes: row.int_opt("memory_bytes")?,
            host_calls: row.int_opt("host_calls")?,
            shadow_digest: row.text_opt("shadow_digest")?,
            shadow_verdict: row.text_opt("shadow_verdict")?,
        })
    }
}

impl FromColumns for RunCounts {
    fn from_columns(row: &AnyRow) -> Result<Self> {
        let count = |column| Ok::<_, RecordsError>(u64::try_from(row.int(column)?).unwrap_or_default());
        Ok(Self { calls: count("n")?, traps: count("traps")?, handovers: count("handovers")? })
    }
}
