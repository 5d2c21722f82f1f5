//! Versions of flows, the routes that lead calls to them, the log of every change, and changes planned for later.
//!
//! What a change may be is decided in the room `rollout`; here it becomes durable: one transaction writes the route and
//! the line of the log, and only if the route is still the one the writer saw.

use serde::{Deserialize, Serialize};
use sqlx::any::AnyRow;
use sqlx::{Any, Transaction};

use crate::row::{Columns as _, FromColumns, words};
use crate::{RecordsError, Result, Store};

words! {
    /// On what occasion a flow holds a call.
    Entry {
        /// Incoming, in opening hours.
        Day = "day",
        /// Incoming, out of hours.
        Night = "night",
        /// Incoming, while every operator is busy.
        Overload = "overload",
        /// Outgoing: a reminder of a visit.
        Reminder = "reminder",
        /// A written conversation.
        Chat = "chat",
    }
}

words! {
    /// What happened to a route.
    ChangeKind {
        /// A version answers every call.
        Deployed = "deployed",
        /// A version answers a share of the calls.
        Canary = "canary",
        /// A version runs beside the stable one, unheard.
        Shadow = "shadow",
        /// The candidate became the stable version.
        Promoted = "promoted",
        /// A person went back.
        RolledBack = "rolled-back",
        /// The guard went back.
        RolledBackItself = "rolled-back-itself",
        /// The candidate was taken away; the stable version stays.
        DroppedCandidate = "dropped-candidate",
        /// The shadow was taken away.
        DroppedShadow = "dropped-shadow",
        /// A change was planned.
        Scheduled = "scheduled",
        /// A planned change was called off.
        Cancelled = "cancelled",
        /// A change was not made, or a version could not be loaded; what answered before goes on.
        Refused = "refused",
    }
}

words! {
    /// How a version is put on a route.
    HowKind {
        /// For every call.
        All = "all",
        /// For a share of them.
        Canary = "canary",
        /// Unheard, beside the stable version.
        Shadow = "shadow",
    }
}

/// A version of a flow, as it was when it was added.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct FlowVersion {
    /// SHA-256 of the component, 64 hexadecimal digits.
    pub digest: String,
    /// The flow it is a version of.
    pub name: String,
    /// When it was added, unix milliseconds.
    pub added_ms: i64,
    /// Who added it.
    pub by: String,
    /// Size of the component.
    pub bytes: i64,
    /// Version of the `gudok:` interfaces it was built against.
    pub contract: String,
    /// The `gudok:` interfaces it imports.
    pub capabilities: Vec<String>,
    /// The `wasi:` interfaces it imports.
    pub wasi: Vec<String>,
    /// How long it took to compile.
    pub compile_ms: f64,
    /// Its memory at its first host call.
    pub memory_bytes: i64,
    /// From its start to its first host call, in microseconds.
    pub start_us: f64,
    /// What it was written in, if it says so.
    pub language: Option<String>,
    /// Ed25519 signature over the digest's 32 bytes, base64.
    pub signature: Option<String>,
    /// The public key that the signature was checked with, base64.
    pub signer: Option<String>,
    /// When it was removed; its file is gone.
    pub removed_ms: Option<i64>,
}

/// Which version answers calls of an entry of a clinic.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct FlowRoute {
    /// Clinic id.
    pub clinic: String,
    /// On which occasion.
    pub entry: Entry,
    /// Counts every change, from 1.
    pub generation: i64,
    /// Digest of the version that answers.
    pub stable: String,
    /// Digest of the version that answers a share of the calls.
    pub candidate: Option<String>,
    /// That share, 1 to 99.
    pub percent: Option<i64>,
    /// Digest of the version that runs beside, unheard.
    pub shadow: Option<String>,
    /// Digest of the version a roll-back goes to.
    pub previous: Option<String>,
    /// Whether `stable` came by a deploy or a promotion and may be judged against `previous`.
    pub on_trial: bool,
    /// When it became so, unix milliseconds.
    pub since_ms: i64,
    /// Who made it so.
    pub by: String,
}

/// A line of the log of changes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct FlowChange {
    /// Its number, from 1; given when it is written.
    pub seq: i64,
    /// Clinic id.
    pub clinic: String,
    /// On which occasion.
    pub entry: Entry,
    /// The route's generation after the change.
    pub generation: i64,
    /// What happened.
    pub kind: ChangeKind,
    /// The version it is about; of a roll-back the one that was left.
    pub digest: String,
    /// The share of a canary.
    pub percent: Option<i64>,
    /// The stable version after the change; none when there is none yet.
    pub stable: Option<String>,
    /// Of a roll-back by the guard: `traps` or `handovers`.
    pub cause: Option<String>,
    /// Who.
    pub by: String,
    /// Why, for people; may be empty.
    pub reason: String,
    /// When, unix milliseconds.
    pub at_ms: i64,
}

/// A deploy planned for later.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct FlowSchedule {
    /// Ours; see [`crate::id()`].
    pub id: String,
    /// Clinic id.
    pub clinic: String,
    /// On which occasion.
    pub entry: Entry,
    /// The version.
    pub digest: String,
    /// How it is put on the route.
    pub how: HowKind,
    /// The share of a canary.
    pub percent: Option<i64>,
    /// When, unix milliseconds.
    pub at_ms: i64,
    /// Who planned it.
    pub by: String,
    /// When it was planned.
    pub made_ms: i64,
    /// When it was carried out, refused or called off; none = it waits.
    pub done_ms: Option<i64>,
    /// What came of it: `done`, `cancelled`, or the reason why not.
    pub result: Option<String>,
}

macro_rules! version_columns {
    () => {
        "digest, name, added_ms, made_by, bytes, contract, capabilities, wasi, compile_ms, memory_bytes, start_us, \
         language, signature, signer, removed_ms"
    };
}
macro_rules! route_columns {
    () => {
        "clinic, entry, generation, stable, candidate, percent, shadow, previous, on_trial, since_ms, made_by"
    };
}
macro_rules! change_columns {
    () => {
        "seq, clinic, entry, generation, kind, digest, percent, stable, cause, made_by, reason, at_ms"
    };
}
macro_rules! schedule_columns {
    () => {
        "id, clinic, entry, digest, how, percent, at_ms, made_by, made_ms, done_ms, result"
    };
}

impl Store {
    /// Writes a version down. One that was removed comes back; of one that is there only a missing signature is added.
    /// Returns whether it was not there before.
    pub async fn add_flow_version(&self, version: &FlowVersion) -> Result<bool> {
        let mut transaction = self.begin_write().await?;
        let there = sqlx::query(concat!("SELECT ", version_columns!(), " FROM flow_versions WHERE digest = $1"))
            .bind(&version.digest)
            .fetch_optional(&mut *transaction)
            .await?;
        let there = there.map(|row| FlowVersion::from_columns(&row)).transpose()?;
        let is_new = there.as_ref().is_none_or(|there| there.removed_ms.is_some());
        if is_new {
            version.upsert(&mut transaction).await?;
        } else if version.signature.is_some() {
            sqlx::query("UPDATE flow_versions SET signature = $2, signer = $3 WHERE digest = $1")
                .bind(&version.digest)
                .bind(version.signature.as_deref())
                .bind(version.signer.as_deref())
                .execute(&mut *transaction)
                .await?;
        }
        transaction.commit().await?;
        Ok(is_new)
    }

    /// The versions that were not removed, newest first.
    pub async fn flow_versions(&self) -> Result<Vec<FlowVersion>> {
        let rows = sqlx::query(concat!(
            "SELECT ",
            version_columns!(),
            " FROM flow_versions WHERE removed_ms IS NULL ORDER BY added_ms DESC, digest"
        ))
        .fetch_all(self.read())
        .await?;
        rows.iter().map(FlowVersion::from_columns).collect()
    }

    /// One version by its whole digest, removed or not.
    pub async fn flow_version(&self, digest: &str) -> Result<FlowVersion> {
        let row = sqlx::query(concat!("SELECT ", version_columns!(), " FROM flow_versions WHERE digest = $1"))
            .bind(digest)
            .fetch_optional(self.read())
            .await?;
        FlowVersion::from_columns(&row.ok_or_else(|| no_version(digest))?)
    }

    /// Marks a version as removed, unless a route or a planned change uses it: then those are returned, as
    /// `clinic/entry`, and nothing is changed.
    pub async fn remove_flow_version(&self, digest: &str, now_ms: i64) -> Result<Vec<String>> {
        let mut transaction = self.begin_write().await?;
        let rows = sqlx::query(
            "SELECT clinic, entry FROM flow_routes WHERE stable = $1 OR candidate = $1 OR shadow = $1 OR previous = $1
             UNION SELECT clinic, entry FROM flow_schedule WHERE digest = $1 AND done_ms IS NULL ORDER BY clinic, entry",
        )
        .bind(digest)
        .fetch_all(&mut *transaction)
        .await?;
        let place = |row: &AnyRow| Ok(format!("{}/{}", row.text("clinic")?, row.text("entry")?));
        let users: Vec<String> = rows.iter().map(place).collect::<Result<_>>()?;
        if users.is_empty() {
            let done = sqlx::query("UPDATE flow_versions SET removed_ms = $2 WHERE digest = $1 AND removed_ms IS NULL")
                .bind(digest)
                .bind(now_ms)
                .execute(&mut *transaction)
                .await?;
            if done.rows_affected() == 0 {
                return Err(no_version(digest));
            }
        }
        transaction.commit().await?;
        Ok(users)
    }

    /// A clinic's route for an entry; none = nothing was ever deployed there.
    pub async fn flow_route(&self, clinic: &str, entry: Entry) -> Result<Option<FlowRoute>> {
        let row =
            sqlx::query(concat!("SELECT ", route_columns!(), " FROM flow_routes WHERE clinic = $1 AND entry = $2"))
                .bind(clinic)
                .bind(entry.as_str())
                .fetch_optional(self.read())
                .await?;
        row.map(|row| FlowRoute::from_columns(&row)).transpose()
    }

    /// Every route, and the number of the last change they contain: both from one moment.
    pub async fn flow_routes(&self) -> Result<(i64, Vec<FlowRoute>)> {
        let mut moment = self.read().begin().await?;
        let last = last_change(&mut moment).await?;
        let rows = sqlx::query(concat!("SELECT ", route_columns!(), " FROM flow_routes ORDER BY clinic, entry"))
            .fetch_all(&mut *moment)
            .await?;
        moment.commit().await?;
        Ok((last, rows.iter().map(FlowRoute::from_columns).collect::<Result<_>>()?))
    }

    /// Makes `route` the route of its clinic and entry and writes the line of the log, in one transaction, if the route
    /// still has the generation `seen` (0: there is none yet) and the planned change `schedule`, if one is given, still
    /// waits. Otherwise nothing is written and the result is none: look again. `seq` of `change` is given here.
    ///
    /// # Errors
    /// [`RecordsError::NotFound`] when a version on the route is not there or was removed.
    pub async fn change_flow_route(
        &self,
        seen: i64,
        route: &FlowRoute,
        change: &FlowChange,
        schedule: Option<&str>,
    ) -> Result<Option<FlowChange>> {
        let mut transaction = self.begin_write().await?;
        for digest in [Some(&route.stable), route.candidate.as_ref(), route.shadow.as_ref()].into_iter().flatten() {
            let known: i64 =
                sqlx::query_scalar("SELECT COUNT(*) FROM flow_versions WHERE digest = $1 AND removed_ms IS NULL")
                    .bind(digest)
                    .fetch_one(&mut *transaction)
                    .await?;
            if known == 0 {
                return Err(no_version(digest));
            }
        }
        if !route.write(seen, &mut transaction).await? {
            return Ok(None);
        }
        if let Some(id) = schedule
            && !finish_schedule(id, change.at_ms, "done", &mut transaction).await?
        {
            return Ok(None);
        }
        let change = change.write(&mut transaction).await?;
        transaction.commit().await?;
        Ok(Some(change))
    }

    /// Writes a line of the log that changes no route. A refusal that stands there already (same place, generation and
    /// version) is not written again: the result is none.
    pub async fn log_flow_change(&self, change: &FlowChange) -> Result<Option<FlowChange>> {
        let mut transaction = self.begin_write().await?;
        if change.kind == ChangeKind::Refused {
            let there: i64 = sqlx::query_scalar(
                "SELECT COUNT(*) FROM flow_changes WHERE clinic = $1 AND entry = $2 AND generation = $3 AND digest = $4
                 AND kind = 'refused' AND reason = $5",
            )
            .bind(&change.clinic)
            .bind(change.entry.as_str())
            .bind(change.generation)
            .bind(&change.digest)
            .bind(&change.reason)
            .fetch_one(&mut *transaction)
            .await?;
            if there > 0 {
                return Ok(None);
            }
        }
        let change = change.write(&mut transaction).await?;
        transaction.commit().await?;
        Ok(Some(change))
    }

    /// The log after line `after`, of one clinic or of all, in order, at most `limit` lines.
    pub async fn flow_changes(&self, clinic: Option<&str>, after: i64, limit: u32) -> Result<Vec<FlowChange>> {
        let rows = sqlx::query(concat!(
            "SELECT ",
            change_columns!(),
            " FROM flow_changes WHERE seq > $1 AND ($2 = '' OR clinic = $2) ORDER BY seq LIMIT $3"
        ))
        .bind(after)
        .bind(clinic.unwrap_or_default())
        .bind(i64::from(limit))
        .fetch_all(self.read())
        .await?;
        rows.iter().map(FlowChange::from_columns).collect()
    }

    /// The whole history of one route, in order.
    pub async fn flow_route_history(&self, clinic: &str, entry: Entry) -> Result<Vec<FlowChange>> {
        let rows = sqlx::query(concat!(
            "SELECT ",
            change_columns!(),
            " FROM flow_changes WHERE clinic = $1 AND entry = $2 ORDER BY seq"
        ))
        .bind(clinic)
        .bind(entry.as_str())
        .fetch_all(self.read())
        .await?;
        rows.iter().map(FlowChange::from_columns).collect()
    }

    /// The number of the last line of the log; 0 = it is empty. Cheap: meant to be asked many times a second.
    pub async fn last_flow_change(&self) -> Result<i64> {
        Ok(sqlx::query_scalar("SELECT COALESCE(MAX(seq), 0) FROM flow_changes").fetch_one(self.read()).await?)
    }

    /// Plans a change, together with its line of the log.
    pub async fn schedule_flow(&self, plan: &FlowSchedule, change: &FlowChange) -> Result<FlowChange> {
        let mut transaction = self.begin_write().await?;
        sqlx::query(
            "INSERT INTO flow_schedule (id, clinic, entry, digest, how, percent, at_ms, made_by, made_ms)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        )
        .bind(&plan.id)
        .bind(&plan.clinic)
        .bind(plan.entry.as_str())
        .bind(&plan.digest)
        .bind(plan.how.as_str())
        .bind(plan.percent)
        .bind(plan.at_ms)
        .bind(&plan.by)
        .bind(plan.made_ms)
        .execute(&mut *transaction)
        .await?;
        let change = change.write(&mut transaction).await?;
        transaction.commit().await?;
        Ok(change)
    }

    /// Planned changes that still wait, earliest first; with `until_ms` those due by then.
    pub async fn flow_schedule(&self, until_ms: Option<i64>) -> Result<Vec<FlowSchedule>> {
        let rows = sqlx::query(concat!(
            "SELECT ",
            schedule_columns!(),
            " FROM flow_schedule WHERE done_ms IS NULL AND at_ms <= $1 ORDER BY at_ms, made_ms, id"
        ))
        .bind(until_ms.unwrap_or(i64::MAX))
        .fetch_all(self.read())
        .await?;
        rows.iter().map(FlowSchedule::from_columns).collect()
    }

    /// Closes a planned change that was not carried out, with the line of the log that says why. False = it did not wait
    /// any more.
    pub async fn close_flow_schedule(&self, id: &str, result: &str, change: &FlowChange) -> Result<bool> {
        let mut transaction = self.begin_write().await?;
        if !finish_schedule(id, change.at_ms, result, &mut transaction).await? {
            return Ok(false);
        }
        change.write(&mut transaction).await?;
        transaction.commit().await?;
        Ok(true)
    }
}

async fn finish_schedule(id: &str, now_ms: i64, result: &str, transaction: &mut Transaction<'_, Any>) -> Result<bool> {
    let done = sqlx::query("UPDATE flow_schedule SET done_ms = $2, result = $3 WHERE id = $1 AND done_ms IS NULL")
        .bind(id)
        .bind(now_ms)
        .bind(result)
        .execute(&mut **transaction)
        .await?;
    Ok(done.rows_affected() == 1)
}

async fn last_change(transaction: &mut Transaction<'_, Any>) -> Result<i64> {
    Ok(sqlx::query_scalar("SELECT COALESCE(MAX(seq), 0) FROM flow_changes").fetch_one(&mut **transaction).await?)
}

fn no_version(digest: &str) -> RecordsError {
    RecordsError::NotFound { what: "flow version", id: digest.to_owned() }
}

impl FlowVersion {
    async fn upsert(&self, transaction: &mut Transaction<'_, Any>) -> Result<()> {
        sqlx::query(
            "INSERT INTO flow_versions (digest, name, added_ms, made_by, bytes, contract, capabilities, wasi, compile_ms,
                memory_bytes, start_us, language, signature, signer)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)
             ON CONFLICT (digest) DO UPDATE SET name = excluded.name, added_ms = excluded.added_ms,
                made_by = excluded.made_by, compile_ms = excluded.compile_ms, memory_bytes = excluded.memory_bytes,
                start_us = excluded.start_us, signature = excluded.signature, signer = excluded.signer,
                removed_ms = NULL",
        )
        .bind(&self.digest)
        .bind(&self.name)
        .bind(self.added_ms)
        .bind(&self.by)
        .bind(self.bytes)
        .bind(&self.contract)
        .bind(list_text(&self.capabilities))
        .bind(list_text(&self.wasi))
        .bind(self.compile_ms)
        .bind(self.memory_bytes)
        .bind(self.start_us)
        .bind(self.language.as_deref())
        .bind(self.signature.as_deref())
        .bind(self.signer.as_deref())
        .execute(&mut **transaction)
        .await?;
        Ok(())
    }
}

impl FlowRoute {
    /// False = the route is not the one that was seen.
    async fn write(&self, seen: i64, transaction: &mut Transaction<'_, Any>) -> Result<bool> {
        let sql = if seen == 0 {
            "INSERT INTO flow_routes (clinic, entry, generation, stable, candidate, percent, shadow, previous, on_trial,
                since_ms, made_by)
             SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11 WHERE $12 = 0 ON CONFLICT (clinic, entry) DO NOTHING"
        } else {
            "UPDATE flow_routes SET generation = $3, stable = $4, candidate = $5, percent = $6, shadow = $7,
                previous = $8, on_trial = $9, since_ms = $10, made_by = $11
             WHERE clinic = $1 AND entry = $2 AND generation = $12"
        };
        let done = sqlx::query(sql)
            .bind(&self.clinic)
            .bind(self.entry.as_str())
            .bind(self.generation)
            .bind(&self.stable)
            .bind(self.candidate.as_deref())
            .bind(self.percent)
            .bind(self.shadow.as_deref())
            .bind(self.previous.as_deref())
            .bind(i64::from(self.on_trial))
            .bind(self.since_ms)
            .bind(&self.by)
            .bind(seen)
            .execute(&mut **transaction)
            .await?;
        Ok(done.rows_affected() == 1)
    }
}

impl FlowChange {
    async fn write(&self, transaction: &mut Transaction<'_, Any>) -> Result<Self> {
        let change = Self { seq: last_change(transaction).await? + 1, ..self.clone() };
        sqlx::query(
            "INSERT INTO flow_changes (seq, clinic, entry, generation, kind, digest, percent, stable, cause, made_by,
                reason, at_ms)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
        )
        .bind(change.seq)
        .bind(&change.clinic)
        .bind(change.entry.as_str())
        .bind(change.generation)
        .bind(change.kind.as_str())
        .bind(&change.digest)
        .bind(change.percent)
        .bind(change.stable.as_deref())
        .bind(change.cause.as_deref())
        .bind(&change.by)
        .bind(&change.reason)
        .bind(change.at_ms)
        .execute(&mut **transaction)
        .await?;
        Ok(change)
    }
}

fn list_text(list: &[String]) -> String {
    serde_json::to_string(list).expect("invariant: a list of texts always serialises")
}

fn list(row: &AnyRow, column: &'static str) -> Result<Vec<String>> {
    serde_json::from_str(&row.text(column)?)
        .map_err(|error| RecordsError::BadValue { field: column, problem: error.to_string() })
}

impl FromColumns for FlowVersion {
    fn from_columns(row: &AnyRow) -> Result<Self> {
        Ok(Self {
            digest: row.text("digest")?,
            name: row.text("name")?,
            added_ms: row.int("added_ms")?,
            by: row.text("made_by")?,
            bytes: row.int("bytes")?,
            contract: row.text("contract")?,
            capabilities: list(row, "capabilities")?,
            wasi: list(row, "wasi")?,
            compile_ms: row.real_opt("compile_ms")?.unwrap_or_default(),
            memory_bytes: row.int("memory_bytes")?,
            start_us: row.real_opt("start_us")?.unwrap_or_default(),
            language: row.text_opt("language")?,
            signature: row.text_opt("signature")?,
            signer: row.text_opt("signer")?,
            removed_ms: row.int_opt("removed_ms")?,
        })
    }
}

impl FromColumns for FlowRoute {
    fn from_columns(row: &AnyRow) -> Result<Self> {
        Ok(Self {
            clinic: row.text("clinic")?,
            entry: row.word("entry")?,
            generation: row.int("generation")?,
            stable: row.text("stable")?,
            candidate: row.text_opt("candidate")?,
            percent: row.int_opt("percent")?,
            shadow: row.text_opt("shadow")?,
            previous: row.text_opt("previous")?,
            on_trial: row.truth("on_trial")?,
            since_ms: row.int("since_ms")?,
            by: row.text("made_by")?,
        })
    }
}

impl FromColumns for FlowChange {
    fn from_columns(row: &AnyRow) -> Result<Self> {
        Ok(Self {
            seq: row.int("seq")?,
            clinic: row.text("clinic")?,
            entry: row.word("entry")?,
            generation: row.int("generation")?,
            kind: row.word("kind")?,
            digest: row.text("digest")?,
            percent: row.int_opt("percent")?,
            stable: row.text_opt("stable")?,
            cause: row.text_opt("cause")?,
            by: row.text("made_by")?,
            reason: row.text("reason")?,
            at_ms: row.int("at_ms")?,
        })
    }
}

impl FromColumns for FlowSchedule {
    fn from_columns(row: &AnyRow) -> Result<Self> {
        Ok(Self {
            id: row.text("id")?,
            clinic: row.text("clinic")?,
            entry: row.word("entry")?,
            digest: row.text("digest")?,
            how: row.word("how")?,
            percent: row.int_opt("percent")?,
            at_ms: row.int("at_ms")?,
            by: row.text("made_by")?,
            made_ms: row.int("made_ms")?,
            done_ms: row.int_opt("done_ms")?,
            result: row.text_opt("result")?,
        })
    }
}
