//! One line per call with everything a report needs, and nothing personal.

use futures_util::{Stream, StreamExt as _, TryStreamExt as _};
use serde::{Deserialize, Serialize};
use sqlx::any::AnyRow;

use crate::calls::{Direction, Outcome, Source};
use crate::row::{Columns as _, FromColumns};
use crate::{Result, Store};

/// A call as the reports see it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CallFact {
    /// The call.
    pub id: String,
    /// Clinic id.
    pub clinic: String,
    /// Live or imported.
    pub source: Source,
    /// Who called whom.
    pub direction: Direction,
    /// First ring, unix milliseconds.
    pub started_ms: i64,
    /// None = nobody answered.
    pub answered_ms: Option<i64>,
    /// None = still going on.
    pub ended_ms: Option<i64>,
    /// Hours since Monday 00:00 on the clinic's wall clock, 0 to 167.
    pub local_hour: i64,
    /// Days since 1970-01-01 on the clinic's wall clock.
    pub local_day: i64,
    /// Waiting before the answer, or before giving up.
    pub queue_wait_ms: Option<i64>,
    /// Talking, without hold.
    pub talk_ms: Option<i64>,
    /// On hold.
    pub hold_ms: Option<i64>,
    /// After-call work; none = not measured.
    pub acw_ms: Option<i64>,
    /// None = the number was withheld.
    pub first_time: Option<bool>,
    /// Who answered.
    pub agent: Option<String>,
    /// What came of it.
    pub outcome: Option<Outcome>,
    /// Category of the tag that stands; none = not tagged.
    pub category: Option<String>,
    /// Its confidence.
    pub confidence: Option<f64>,
    /// Whether it waits for a person.
    pub review: bool,
    /// Whether a visit was booked in this call that was not called off.
    pub booked: bool,
    /// Whether that visit took place (or has begun).
    pub arrived: bool,
}

/// `b` is the one best booking of the call: arrived before booked. A visit that was moved counts by its live booking.
const SQL: &str = "
    SELECT c.id AS id, c.clinic AS clinic, source, direction, started_ms, answered_ms, ended_ms, local_hour, local_day,
        queue_wait_ms, talk_ms, hold_ms, acw_ms, first_time, agent, outcome, category, confidence, review,
        COALESCE((SELECT MAX(CASE WHEN v.status IN ('arrived', 'done') THEN 2
                                  WHEN v.status IN ('booked', 'reminded', 'confirmed', 'no-show') THEN 1 ELSE 0 END)
            FROM bookings AS b JOIN bookings AS v ON v.visit = b.visit WHERE b.call = c.id AND b.id = b.visit), 0) AS visit
    FROM calls AS c WHERE c.clinic = $1 AND started_ms >= $2 AND started_ms < $3 ORDER BY started_ms";

impl Store {
    /// The calls of a clinic that started in `from_ms..to_ms`, earliest first, as they come from the database: a year of
    /// calls passes through without lying in memory. For sums over them the aggregates are much faster.
    pub fn call_facts<'a>(
        &'a self,
        clinic: &'a str,
        from_ms: i64,
        to_ms: i64,
    ) -> impl Stream<Item = Result<CallFact>> + Send + 'a {
        let rows = sqlx::query(SQL).bind(clinic).bind(from_ms).bind(to_ms).fetch(self.read());
        rows.map(|row| CallFact::from_columns(&row?))
    }

    /// The same, all at once.
    pub async fn collect_call_facts(&self, clinic: &str, from_ms: i64, to_ms: i64) -> Result<Vec<CallFact>> {
        self.call_facts(clinic, from_ms, to_ms).try_collect().await
    }
}

impl FromColumns for CallFact {
    fn from_columns(row: &AnyRow) -> Result<Self> {
        let visit = row.int("visit")?;
        Ok(Self {
            id: row.text("id")?,
            clinic: row.text("clinic")?,
            source: row.word("source")?,
            direction: row.word("direction")?,
            started_ms: row.int("started_ms")?,
            answered_ms: row.int_opt("answered_ms")?,
            ended_ms: row.int_opt("ended_ms")?,
            local_hour: row.int("local_hour")?,
            local_day: row.int("local_day")?,
            queue_wait_ms: row.int_opt("queue_wait_ms")?,
            talk_ms: row.int_opt("talk_ms")?,
            hold_ms: row.int_opt("hold_ms")?,
            acw_ms: row.int_opt("acw_ms")?,
            first_time: row.truth_opt("first_time")?,
            agent: row.text_opt("agent")?,
            outcome: row.word_opt("outcome")?,
            category: row.text_opt("category")?,
            confidence: row.real_opt("confidence")?,
            review: row.truth("review")?,
            booked: visit > 0,
            arrived: visit == 2,
        })
    }
}
