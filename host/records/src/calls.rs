//! Calls: live ones as they start and end, recordings as they are imported, and finding them again.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};
use sqlx::any::{AnyArguments, AnyRow};
use sqlx::{Any, AnyConnection, Arguments as _, AssertSqlSafe};

use crate::append::Row;
use crate::dialect::Dialect;
use crate::events::{CallEvent, QueuePhase};
use crate::feed::{NewEvent, publish_on};
use crate::row::{Columns as _, FromColumns, words};
use crate::search::Said;
use crate::{Pii, RecordsError, Result, Store};

words! {
    /// How a call came to us.
    Source {
        /// Answered by us.
        Live = "live",
        /// A recording somebody else made.
        Import = "import",
    }
}

words! {
    /// Who called whom.
    Direction {
        /// The caller called the clinic.
        Incoming = "incoming",
        /// The clinic called.
        Outgoing = "outgoing",
    }
}

words! {
    /// What came of an answered call; the same words as `gudok:notes` has. Whether it was answered at all is
    /// `answered_ms`.
    Outcome {
        /// A visit was booked.
        Booked = "booked",
        /// A visit was moved.
        Moved = "moved",
        /// A visit was cancelled.
        Cancelled = "cancelled",
        /// A question was answered.
        Answered = "answered",
        /// Handed over to a person.
        Transferred = "transferred",
        /// A call-back was promised.
        Callback = "callback",
        /// The caller asked for what the clinic does not offer.
        NotOffered = "not-offered",
        /// None of these.
        Nothing = "nothing",
    }
}

/// One call. A call with `ended_ms` and without `answered_ms` was lost.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct CallRecord {
    /// Ours; see [`crate::id()`].
    pub id: String,
    /// Clinic id.
    pub clinic: String,
    /// The clinic's IANA zone, for example `Europe/Moscow`.
    pub timezone: String,
    /// Live or imported.
    pub source: Source,
    /// Who called whom.
    pub direction: Direction,
    /// The number or line that was called.
    pub line: Option<String>,
    /// The other party's number, E.164; none when it was withheld.
    pub caller: Option<Pii>,
    /// First ring, unix milliseconds.
    pub started_ms: i64,
    /// When somebody (robot or person) answered; none = nobody did.
    pub answered_ms: Option<i64>,
    /// Hang-up; none = still going on.
    pub ended_ms: Option<i64>,
    /// What came of it.
    pub outcome: Option<Outcome>,
    /// Who answered: an operator's name or extension, or `robot`.
    pub agent: Option<String>,
    /// Waiting before the answer (or before giving up).
    pub queue_wait_ms: Option<i64>,
    /// Talking, without hold.
    pub talk_ms: Option<i64>,
    /// On hold.
    pub hold_ms: Option<i64>,
    /// After-call work; none = not measured.
    pub acw_ms: Option<i64>,
    /// Whether this number had never called this clinic before. Left empty it is found out when the row is written.
    pub first_time: Option<bool>,
    /// SHA-256 of the flow that held the call.
    pub flow_digest: Option<String>,
    /// How it ended, in the words of the call core, for example `caller-hung-up`.
    pub end_reason: Option<String>,
    /// The PBX's own id; unique in a clinic, so that a second import adds nothing.
    pub external_id: Option<String>,
    /// The category of the tag that stands. Written by [`Store::add_tag`] only.
    #[serde(default)]
    pub category: Option<String>,
    /// Its confidence, 0 to 1.
    #[serde(default)]
    pub confidence: Option<f64>,
    /// Whether that tag waits for a person to look at it.
    #[serde(default)]
    pub review: bool,
}

impl CallRecord {
    /// A live incoming call that starts at `started_ms`, with everything else still open.
    pub fn live(id: impl Into<String>, clinic: &str, timezone: &str, started_ms: i64) -> Self {
        Self {
            id: id.into(),
            clinic: clinic.to_owned(),
            timezone: timezone.to_owned(),
            source: Source::Live,
            direction: Direction::Incoming,
            line: None,
            caller: None,
            started_ms,
            answered_ms: None,
            ended_ms: None,
            outcome: None,
            agent: None,
            queue_wait_ms: None,
            talk_ms: None,
            hold_ms: None,
            acw_ms: None,
            first_time: None,
            flow_digest: None,
            end_reason: None,
            external_id: None,
            category: None,
            confidence: None,
            review: false,
        }
    }

    /// An incoming call from a recording, with the PBX's own id for it.
    pub fn import(id: impl Into<String>, clinic: &str, timezone: &str, started_ms: i64, external_id: &str) -> Self {
        Self {
            source: Source::Import,
            external_id: Some(external_id.to_owned()),
            ..Self::live(id, clinic, timezone, started_ms)
        }
    }
}

/// What is known when a call is over. Fields that are `None` leave what is there, except `talk_ms`: for an answered call
/// it becomes the time from answer to end less the hold.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct CallEnd {
    /// Hang-up, unix milliseconds.
    pub ended_ms: i64,
    /// When it was answered.
    pub answered_ms: Option<i64>,
    /// What came of it.
    pub outcome: Option<Outcome>,
    /// How it ended.
    pub end_reason: Option<String>,
    /// Who answered.
    pub agent: Option<String>,
    /// Waiting before the answer.
    pub queue_wait_ms: Option<i64>,
    /// Talking, without hold.
    pub talk_ms: Option<i64>,
    /// On hold.
    pub hold_ms: Option<i64>,
    /// After-call work.
    pub acw_ms: Option<i64>,
}

/// What an import did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Imported {
    /// The call's id: the new one, or that of the call that was there already.
    pub call: String,
    /// Whether it was new.
    pub is_new: bool,
}

/// Which calls; every `None` is open.
#[derive(Debug, Clone, Default)]
pub struct CallFilter {
    /// Of one clinic.
    pub clinic: Option<String>,
    /// Started at or after.
    pub from_ms: Option<i64>,
    /// Started before.
    pub to_ms: Option<i64>,
    /// With this category.
    pub category: Option<String>,
    /// With this outcome.
    pub outcome: Option<Outcome>,
    /// Live or imported.
    pub source: Option<Source>,
    /// From this number.
    pub caller: Option<Pii>,
    /// Waiting for review, or not.
    pub review: Option<bool>,
    /// From a number that ends so.
    pub caller_ends: Option<Pii>,
    /// Held by this version of a flow: its digest, or how that begins.
    pub flow: Option<String>,
    /// Answered, or not.
    pub answered: Option<bool>,
    /// Still going on.
    pub open: bool,
    /// In which all these words were said, by whomever; each finds its other endings, too.
    pub said: Option<Pii>,
}

/// Where a page ended; the next one starts after it. Serves as an opaque token: `to_string`, `parse`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cursor {
    started_ms: i64,
    id: String,
}

/// Calls, latest first.
#[derive(Debug, Clone)]
pub struct CallPage {
    /// At most as many as asked for.
    pub calls: Vec<CallRecord>,
    /// Where to go on; none = this was the last page.
    pub next: Option<Cursor>,
}

macro_rules! columns {
    () => {
        "id, clinic, timezone, source, direction, line, caller, started_ms, answered_ms, ended_ms, outcome, agent, \
         queue_wait_ms, talk_ms, hold_ms, acw_ms, first_time, flow_digest, end_reason, external_id, category, \
         confidence, review"
    };
}

impl Store {
    /// Writes down that a call has begun. Written again unchanged in clinic and start it is no error.
    ///
    /// # Errors
    /// [`RecordsError::BadValue`] for a time zone nobody knows; [`RecordsError::Exists`] for an id of another call.
    pub async fn start_call(&self, call: &CallRecord) -> Result<()> {
        if self.inner.appender.append(Row::CallStart(Box::new(call.clone()))).await? == 1 {
            return Ok(());
        }
        let there = self.call(&call.id).await.map_err(|_| exists(&call.id))?;
        let same = there.clinic == call.clinic && there.started_ms == call.started_ms;
        if same { Ok(()) } else { Err(exists(&call.id)) }
    }

    /// Writes down that a call is over.
    pub async fn end_call(&self, id: &str, end: &CallEnd) -> Result<()> {
        let written = self.inner.appender.append(Row::CallEnd(Box::new((id.to_owned(), end.clone())))).await?;
        self.inner.clinic_of.forget(id);
        self.ring();
        if written == 1 { Ok(()) } else { Err(not_found(id)) }
    }

    /// Sets what came of a call while it goes on; the last word stands.
    pub async fn set_outcome(&self, id: &str, outcome: Outcome) -> Result<()> {
        let written = self.inner.appender.append(Row::Outcome(id.to_owned(), outcome)).await?;
        if written == 1 { Ok(()) } else { Err(not_found(id)) }
    }

    /// Takes in a call that is over. A call of that clinic with the same `external_id` is left as it is.
    ///
    /// # Errors
    /// [`RecordsError::BadValue`] when there is no `external_id`, or the time zone is unknown.
    pub async fn import_call(&self, call: &CallRecord) -> Result<Imported> {
        let mut imported = self.import_calls(std::slice::from_ref(call)).await?;
        imported.pop().ok_or(RecordsError::Closed)
    }

    /// Takes in calls that waited in a queue elsewhere, each with what happened to it, in one commit. The row says what the
    /// events say, see [`Store::settle_call`]. A call that is known already keeps its row and its events.
    ///
    /// # Errors
    /// Those of [`Store::import_call`], for the first call that has one.
    pub async fn import_queued(&self, calls: &[(CallRecord, Vec<CallEvent>)]) -> Result<Vec<Imported>> {
        let mut transaction = self.begin_write().await?;
        let mut imported = Vec::with_capacity(calls.len());
        for (call, events) in calls {
            let done = call.import_into(&mut transaction).await?;
            if done.is_new {
                for event in events {
                    event.insert(&mut transaction).await?;
                }
                if let Some(phase) = QueuePhase::of(events) {
                    phase.write(&call.id, &mut transaction).await?;
                }
            }
            imported.push(done);
        }
        transaction.commit().await?;
        Ok(imported)
    }

    /// Takes in many calls in one commit, all or none; what was done with each, in their order. A thousand at a time is a
    /// good measure: live calls wait for the commit.
    ///
    /// # Errors
    /// Those of [`Store::import_call`], for the first call that has one.
    pub async fn import_calls(&self, calls: &[CallRecord]) -> Result<Vec<Imported>> {
        let mut transaction = self.begin_write().await?;
        let mut imported = Vec::with_capacity(calls.len());
        for call in calls {
            imported.push(call.import_into(&mut transaction).await?);
        }
        transaction.commit().await?;
        Ok(imported)
    }

    /// Closes calls that a crash left open: every call started before `started_before_ms` that has no end gets its last
    /// turn's end as its own, and `crashed` as its reason. Returns how many there were.
    pub async fn close_unfinished(&self, started_before_ms: i64) -> Result<u64> {
        let mut transaction = self.begin_write().await?;
        let open: Vec<String> = sqlx::query_scalar("SELECT id FROM calls WHERE ended_ms IS NULL AND started_ms < $1")
            .bind(started_before_ms)
            .fetch_all(&mut *transaction)
            .await?;
        sqlx::query(
            "UPDATE calls SET end_reason = 'crashed', ended_ms = started_ms +
                COALESCE((SELECT MAX(turns.end_ms) FROM turns WHERE turns.call = calls.id), 0)
             WHERE ended_ms IS NULL AND started_ms < $1",
        )
        .bind(started_before_ms)
        .execute(&mut *transaction)
        .await?;
        for id in &open {
            tell_ended(id, &mut transaction).await?;
        }
        self.commit_and_tell(transaction).await?;
        Ok(open.len() as u64)
    }

    /// One call.
    pub async fn call(&self, id: &str) -> Result<CallRecord> {
        let row = sqlx::query(concat!("SELECT ", columns!(), " FROM calls WHERE id = $1"))
            .bind(id)
            .fetch_optional(self.read())
            .await?;
        CallRecord::from_columns(&row.ok_or_else(|| not_found(id))?)
    }

    /// Calls that fit, latest first, at most `limit` (1 to 1000), going on after `after`.
    pub async fn calls(&self, filter: &CallFilter, limit: u32, after: Option<&Cursor>) -> Result<CallPage> {
        let limit = limit.clamp(1, 1000) as usize;
        let said = match &filter.said {
            Some(typed) => self.words_said(typed.as_str()).await?,
            None => Said::default(),
        };
        let mut calls = match said.common.is_empty() {
            true => self.select_calls(filter, &said.rare, limit + 1, after).await?,
            false => self.walk(filter, said, limit + 1, after).await?,
        };
        let more = calls.len() > limit;
        calls.truncate(limit);
        let next = calls.last().filter(|_| more).map(|last| Cursor::after(last.started_ms, &last.id));
        Ok(CallPage { calls, next })
    }

    /// Calls that fit and in which all these words were said (queries of the index of words), latest first.
    pub(crate) async fn select_calls(
        &self,
        filter: &CallFilter,
        words: &[String],
        limit: usize,
        after: Option<&Cursor>,
    ) -> Result<Vec<CallRecord>> {
        let mut wanted = Where::default();
        // Calls with a word are looked up one by one; with a plus SQLite does not walk through all of the clinic's to find them.
        let is_looked_up = !words.is_empty() && matches!(self.dialect(), Dialect::Sqlite);
        wanted.add(if is_looked_up { "+clinic = " } else { "clinic = " }, filter.clinic.clone())?;
        wanted.add("started_ms >= ", filter.from_ms)?;
        wanted.add("started_ms < ", filter.to_ms)?;
        wanted.add("category = ", filter.category.clone())?;
        wanted.add("outcome = ", filter.outcome.map(|outcome| outcome.as_str().to_owned()))?;
        wanted.add("source = ", filter.source.map(|source| source.as_str().to_owned()))?;
        wanted.add("caller = ", filter.caller.clone().map(Pii::into_inner))?;
        wanted.add("review = ", filter.review.map(i64::from))?;
        wanted.add("caller LIKE ", filter.caller_ends.as_ref().map(|end| format!("%{}", number_end(end.as_str()))))?;
        wanted.add("flow_digest LIKE ", filter.flow.as_deref().map(|digest| format!("{}%", hex_digits(digest))))?;
        let answered = filter.answered.map(i64::from);
        wanted.add("(CASE WHEN answered_ms IS NULL THEN 0 ELSE 1 END) = ", answered)?;
        if filter.open {
            // Not as a value: the index over open calls is found by these words.
            wanted.sql.push_str(if wanted.sql.is_empty() {
                " WHERE ended_ms IS NULL"
            } else {
                " AND ended_ms IS NULL"
            });
        }
        let (said, end) = self.dialect().said();
        for word in words {
            wanted.add(said, Some(word.clone()))?;
            wanted.sql.push_str(end);
        }
        if let Some(cursor) = after {
            wanted.add("started_ms <= ", Some(cursor.started_ms))?;
            wanted.add_pair("(started_ms < ", cursor.started_ms, " OR id < ", cursor.id.clone())?;
        }
        let sql = format!(
            concat!("SELECT ", columns!(), " FROM calls{} ORDER BY started_ms DESC, id DESC LIMIT {}"),
            wanted.sql, limit
        );
        // Safe: the text is made of the literals above and of placeholders; values are bound.
        let rows = sqlx::query_with(AssertSqlSafe(sql), wanted.arguments).fetch_all(self.read()).await?;
        rows.iter().map(CallRecord::from_columns).collect()
    }
}

impl CallRecord {
    async fn import_into(&self, connection: &mut AnyConnection) -> Result<Imported> {
        let Some(external_id) = &self.external_id else {
            return Err(RecordsError::BadValue {
                field: "external_id",
                problem: "an imported call needs the PBX's id for it (a file name will do)".to_owned(),
            });
        };
        if self.insert(connection).await? {
            return Ok(Imported { call: self.id.clone(), is_new: true });
        }
        let there: Option<String> = sqlx::query_scalar("SELECT id FROM calls WHERE clinic = $1 AND external_id = $2")
            .bind(&self.clinic)
            .bind(external_id)
            .fetch_optional(connection)
            .await?;
        there.map(|call| Imported { call, is_new: false }).ok_or_else(|| exists(&self.id))
    }

    /// True when the row was new.
    pub(crate) async fn insert(&self, connection: &mut AnyConnection) -> Result<bool> {
        let (local_day, local_hour) = local_time(&self.timezone, self.started_ms)?;
        let talk_ms = self.talk_ms.or(match (self.answered_ms, self.ended_ms) {
            (Some(answered), Some(ended)) => Some((ended - answered - self.hold_ms.unwrap_or(0)).max(0)),
            _ => None,
        });
        let done = sqlx::query(
            "INSERT INTO calls (id, clinic, timezone, source, direction, line, caller, started_ms, answered_ms, ended_ms,
                outcome, agent, queue_wait_ms, talk_ms, hold_ms, acw_ms, first_time, flow_digest, end_reason,
                external_id, local_day, local_hour)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16,
                COALESCE($17, CASE WHEN $7 IS NULL THEN NULL WHEN EXISTS (SELECT 1 FROM calls AS earlier
                    WHERE earlier.clinic = $2 AND earlier.caller = $7 AND earlier.started_ms < $8) THEN 0 ELSE 1 END),
                $18, $19, $20, $21, $22)
             ON CONFLICT DO NOTHING",
        )
        .bind(&self.id)
        .bind(&self.clinic)
        .bind(&self.timezone)
        .bind(self.source.as_str())
        .bind(self.direction.as_str())
        .bind(self.line.as_deref())
        .bind(self.caller.as_ref().map(Pii::as_str))
        .bind(self.started_ms)
        .bind(self.answered_ms)
        .bind(self.ended_ms)
        .bind(self.outcome.map(Outcome::as_str))
        .bind(self.agent.as_deref())
        .bind(self.queue_wait_ms)
        .bind(talk_ms)
        .bind(self.hold_ms)
        .bind(self.acw_ms)
        .bind(self.first_time.map(i64::from))
        .bind(self.flow_digest.as_deref())
        .bind(self.end_reason.as_deref())
        .bind(self.external_id.as_deref())
        .bind(local_day)
        .bind(local_hour)
        .execute(connection)
        .await?;
        Ok(done.rows_affected() == 1)
    }
}

impl CallEnd {
    pub(crate) async fn write(&self, id: &str, connection: &mut AnyConnection) -> Result<u64> {
        let done = sqlx::query(
            "UPDATE calls SET ended_ms = $2, answered_ms = COALESCE($3, answered_ms), outcome = COALESCE($4, outcome),
                end_reason = COALESCE($5, end_reason), agent = COALESCE($6, agent),
                queue_wait_ms = COALESCE($7, queue_wait_ms), hold_ms = COALESCE($9, hold_ms),
                acw_ms = COALESCE($10, acw_ms),
                talk_ms = COALESCE($8, talk_ms, $2 - COALESCE($3, answered_ms) - COALESCE($9, hold_ms, 0))
             WHERE id = $1",
        )
        .bind(id)
        .bind(self.ended_ms)
        .bind(self.answered_ms)
        .bind(self.outcome.map(Outcome::as_str))
        .bind(self.end_reason.as_deref())
        .bind(self.agent.as_deref())
        .bind(self.queue_wait_ms)
        .bind(self.talk_ms)
        .bind(self.hold_ms)
        .bind(self.acw_ms)
        .execute(&mut *connection)
        .await?;
        tell_ended(id, connection).await?;
        Ok(done.rows_affected())
    }
}

/// Tells the feed that a call is over, once, however often its end is written.
async fn tell_ended(id: &str, connection: &mut AnyConnection) -> Result<()> {
    let row = sqlx::query(
        "SELECT clinic, direction, outcome, answered_ms, ended_ms, end_reason FROM calls WHERE id = $1
            AND NOT EXISTS (SELECT 1 FROM feed WHERE subject = $1 AND kind = 'call.ended')",
    )
    .bind(id)
    .fetch_optional(&mut *connection)
    .await?;
    let Some(row) = row else { return Ok(()) };
    let data = serde_json::json!({
        "direction": row.text("direction")?, "outcome": row.text_opt("outcome")?,
        "answered": row.int_opt("answered_ms")?.is_some(), "end_reason": row.text_opt("end_reason")?,
    });
    let (clinic, at_ms) = (row.text("clinic")?, row.int_opt("ended_ms")?.unwrap_or(0));
    publish_on(connection, NewEvent { clinic: &clinic, kind: "call.ended", subject: id, data, at_ms }).await
}

impl Outcome {
    pub(crate) async fn write(self, call: &str, connection: &mut AnyConnection) -> Result<u64> {
        let done = sqlx::query("UPDATE calls SET outcome = $2 WHERE id = $1").bind(call).bind(self.as_str());
        Ok(done.execute(connection).await?.rows_affected())
    }
}

/// Days since 1970-01-01 and hours since Monday 00:00 on the wall clock of `timezone`.
pub(crate) fn local_time(timezone: &str, at_ms: i64) -> Result<(i64, i64)> {
    let zone = TimeZone::get(timezone).map_err(|_| RecordsError::BadValue {
        field: "timezone",
        problem: format!("{timezone:?} is no IANA time zone; for example Europe/Moscow"),
    })?;
    let moment = Timestamp::from_millisecond(at_ms).map_err(|_| RecordsError::BadValue {
        field: "started_ms",
        problem: format!("{at_ms} is no time in unix milliseconds"),
    })?;
    let local = zone.to_datetime(moment);
    // Read as if it were UTC, the wall clock counts days without regard to offsets.
    let wall = TimeZone::UTC.to_timestamp(local).map_err(|_| RecordsError::BadValue {
        field: "started_ms",
        problem: format!("{at_ms} is outside the calendar"),
    })?;
    let hour = i64::from(local.weekday().to_monday_zero_offset()) * 24 + i64::from(local.hour());
    Ok((wall.as_second().div_euclid(86_400), hour))
}

/// Conditions as text with placeholders, and their values.
#[derive(Default)]
pub(crate) struct Where {
    pub(crate) sql: String,
    pub(crate) arguments: AnyArguments,
    count: usize,
}

impl Where {
    pub(crate) fn add<T>(&mut self, condition: &str, value: Option<T>) -> Result<()>
    where
        T: for<'q> sqlx::Encode<'q, Any> + sqlx::Type<Any> + Send,
    {
        let Some(value) = value else { return Ok(()) };
        self.push(if self.sql.is_empty() { " WHERE " } else { " AND " }, condition, value)
    }

    fn add_pair<A, B>(&mut self, first: &str, a: A, second: &str, b: B) -> Result<()>
    where
        A: for<'q> sqlx::Encode<'q, Any> + sqlx::Type<Any> + Send,
        B: for<'q> sqlx::Encode<'q, Any> + sqlx::Type<Any> + Send,
    {
        self.add(first, Some(a))?;
        self.push("", second, b)?;
        self.sql.push(')');
        Ok(())
    }

    fn push<T>(&mut self, joint: &str, condition: &str, value: T) -> Result<()>
    where
        T: for<'q> sqlx::Encode<'q, Any> + sqlx::Type<Any> + Send,
    {
        self.count += 1;
        self.sql.push_str(&format!("{joint}{condition}${}", self.count));
        self.arguments.add(value).map_err(|error| RecordsError::Database(sqlx::Error::Encode(error)))
    }
}

/// What no number and no digest has in it: whoever looks for nonsense finds nothing.
const NOTHING: &str = "-";

/// The digits that a number ends with. In Russia one dials 8, or 7, before the ten that are stored behind `+7`.
fn number_end(text: &str) -> String {
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    match digits.strip_prefix(['7', '8']).filter(|rest| rest.len() == 10) {
        Some(rest) => rest.to_owned(),
        None if digits.is_empty() => NOTHING.to_owned(),
        None => digits,
    }
}

/// The beginning of a digest; nothing else is looked for, so nothing that is typed is a pattern.
fn hex_digits(text: &str) -> String {
    let whole = text.trim().to_ascii_lowercase();
    if !whole.is_empty() && whole.bytes().all(|byte| byte.is_ascii_hexdigit()) { whole } else { NOTHING.to_owned() }
}

impl Cursor {
    /// Goes on after this row of a list that is ordered by time and id, latest first.
    pub(crate) fn after(at_ms: i64, id: &str) -> Self {
        Self { started_ms: at_ms, id: id.to_owned() }
    }

    pub(crate) fn at_ms(&self) -> i64 {
        self.started_ms
    }

    pub(crate) fn id(&self) -> &str {
        &self.id
    }
}

impl std::fmt::Display for Cursor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}", self.started_ms, self.id)
    }
}

impl std::str::FromStr for Cursor {
    type Err = RecordsError;

    fn from_str(text: &str) -> Result<Self> {
        let parts = text.split_once('.').and_then(|(ms, id)| Some((ms.parse().ok()?, id)));
        let (started_ms, id) = parts.ok_or_else(|| RecordsError::BadValue {
            field: "cursor",
            problem: "it is not one of ours; take the one the last page ended with".to_owned(),
        })?;
        Ok(Self { started_ms, id: id.to_owned() })
    }
}

fn not_found(id: &str) -> RecordsError {
    RecordsError::NotFound { what: "call", id: id.to_owned() }
}

fn exists(id: &str) -> RecordsError {
    RecordsError::Exists { what: "call", id: id.to_owned() }
}

impl FromColumns for CallRecord {
    fn from_columns(row: &AnyRow) -> Result<Self> {
        Ok(Self {
            id: row.text("id")?,
            clinic: row.text("clinic")?,
            timezone: row.text("timezone")?,
            source: row.word("source")?,
            direction: row.word("direction")?,
            line: row.text_opt("line")?,
            caller: row.text_opt("caller")?.map(Pii::from),
            started_ms: row.int("started_ms")?,
            answered_ms: row.int_opt("answered_ms")?,
            ended_ms: row.int_opt("ended_ms")?,
            outcome: row.word_opt("outcome")?,
            agent: row.text_opt("agent")?,
            queue_wait_ms: row.int_opt("queue_wait_ms")?,
            talk_ms: row.int_opt("talk_ms")?,
            hold_ms: row.int_opt("hold_ms")?,
            acw_ms: row.int_opt("acw_ms")?,
            first_time: row.truth_opt("first_time")?,
            flow_digest: row.text_opt("flow_digest")?,
            end_reason: row.text_opt("end_reason")?,
            external_id: row.text_opt("external_id")?,
            category: row.text_opt("category")?,
            confidence: row.real_opt("confidence")?,
            review: row.truth("review")?,
        })
    }
}
