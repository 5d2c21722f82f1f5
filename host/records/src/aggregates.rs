//! Sums over a period, made by the database in one scan of a covering index.
//!
//! Only incoming calls are counted. `from_ms..to_ms` is when they started. Unknown times count as 0.

use std::ops::AddAssign;

use serde::{Deserialize, Serialize};
use sqlx::any::AnyRow;

use crate::row::{Columns as _, FromColumns};
use crate::{Result, Store};

/// Calls of one category.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CategoryTotal {
    /// None = not tagged.
    pub category: Option<String>,
    /// How many.
    pub calls: i64,
    /// Talking and holding together: the time of the line and of whoever answered.
    pub talk_ms: i64,
    /// After-call work.
    pub acw_ms: i64,
    /// How many wait for a person to look at the tag.
    pub review: i64,
}

/// Calls of one hour of the week.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HourTotal {
    /// Hours since Monday 00:00 on the clinic's wall clock, 0 to 167.
    pub hour: i64,
    /// How many.
    pub calls: i64,
    /// How many of them were answered.
    pub answered: i64,
    /// Talking and holding together.
    pub talk_ms: i64,
}

/// Calls of one day.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DayTotal {
    /// Days since 1970-01-01 on the clinic's wall clock.
    pub day: i64,
    /// How many.
    pub calls: i64,
    /// How many of them were answered.
    pub answered: i64,
    /// Talking and holding together.
    pub talk_ms: i64,
}

/// Everything that service level, lost calls and handling times are made of.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PeriodTotals {
    /// Calls that are over.
    pub offered: i64,
    /// Of them, answered.
    pub answered: i64,
    /// Answered after waiting at most the threshold.
    pub answered_in_time: i64,
    /// Given up after waiting at most the threshold.
    pub lost_in_time: i64,
    /// Given up after waiting less than the short-abandon limit.
    pub lost_short: i64,
    /// Not answered, but promised a call-back (and not a short abandon).
    #[serde(default)]
    pub promised: i64,
    /// From numbers that had never called.
    pub first_time: i64,
    /// From numbers that had.
    pub repeat: i64,
    /// Waiting of the answered.
    pub answered_wait_ms: i64,
    /// Waiting of the lost.
    pub lost_wait_ms: i64,
    /// Talking.
    pub talk_ms: i64,
    /// On hold.
    pub hold_ms: i64,
    /// After-call work.
    pub acw_ms: i64,
    /// Calls whose after-call work was measured.
    pub acw_measured: i64,
    /// The same of the calls that people answered, not the robot.
    #[serde(default)]
    pub by_people: HandledTotals,
}

/// Calls that somebody dealt with, and for how long.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct HandledTotals {
    /// How many.
    pub answered: i64,
    /// Talking.
    pub talk_ms: i64,
    /// On hold.
    pub hold_ms: i64,
    /// After-call work.
    pub acw_ms: i64,
}

impl Store {
    /// Calls and time by category, the most calls first.
    pub async fn category_totals(&self, clinic: &str, from_ms: i64, to_ms: i64) -> Result<Vec<CategoryTotal>> {
        let rows = sqlx::query(
            "SELECT category, COUNT(*) AS calls,
                CAST(SUM(COALESCE(talk_ms, 0) + COALESCE(hold_ms, 0)) AS BIGINT) AS talk_ms,
                CAST(SUM(COALESCE(acw_ms, 0)) AS BIGINT) AS acw_ms, CAST(SUM(review) AS BIGINT) AS review
             FROM calls WHERE clinic = $1 AND started_ms >= $2 AND started_ms < $3 AND direction = 'incoming'
             GROUP BY category ORDER BY calls DESC, category",
        )
        .bind(clinic)
        .bind(from_ms)
        .bind(to_ms)
        .fetch_all(self.read())
        .await?;
        let total = |row: &sqlx::any::AnyRow| {
            Ok(CategoryTotal {
                category: row.text_opt("category")?,
                calls: row.int("calls")?,
                talk_ms: row.int("talk_ms")?,
                acw_ms: row.int("acw_ms")?,
                review: row.int("review")?,
            })
        };
        rows.iter().map(total).collect()
    }

    /// Calls by hour of the week; hours without a call are left out.
    pub async fn hour_of_week(&self, clinic: &str, from_ms: i64, to_ms: i64) -> Result<Vec<HourTotal>> {
        let rows = sqlx::query(
            "SELECT local_hour, COUNT(*) AS calls, COUNT(answered_ms) AS answered,
                CAST(SUM(COALESCE(talk_ms, 0) + COALESCE(hold_ms, 0)) AS BIGINT) AS talk_ms
             FROM calls WHERE clinic = $1 AND started_ms >= $2 AND started_ms < $3 AND direction = 'incoming'
             GROUP BY local_hour ORDER BY local_hour",
        )
        .bind(clinic)
        .bind(from_ms)
        .bind(to_ms)
        .fetch_all(self.read())
        .await?;
        let total = |row: &sqlx::any::AnyRow| {
            Ok(HourTotal {
                hour: row.int("local_hour")?,
                calls: row.int("calls")?,
                answered: row.int("answered")?,
                talk_ms: row.int("talk_ms")?,
            })
        };
        rows.iter().map(total).collect()
    }

    /// Calls by day; days without a call are left out.
    pub async fn day_totals(&self, clinic: &str, from_ms: i64, to_ms: i64) -> Result<Vec<DayTotal>> {
        let rows = sqlx::query(
            "SELECT local_day, COUNT(*) AS calls, COUNT(answered_ms) AS answered,
                CAST(SUM(COALESCE(talk_ms, 0) + COALESCE(hold_ms, 0)) AS BIGINT) AS talk_ms
             FROM calls WHERE clinic = $1 AND started_ms >= $2 AND started_ms < $3 AND direction = 'incoming'
             GROUP BY local_day ORDER BY local_day",
        )
        .bind(clinic)
        .bind(from_ms)
        .bind(to_ms)
        .fetch_all(self.read())
        .await?;
        let total = |row: &sqlx::any::AnyRow| {
            Ok(DayTotal {
                day: row.int("local_day")?,
                calls: row.int("calls")?,
                answered: row.int("answered")?,
                talk_ms: row.int("talk_ms")?,
            })
        };
        rows.iter().map(total).collect()
    }

    /// What service level, lost calls and handling times are made of. `threshold_ms` is the target wait (20 s is usual),
    /// `short_ms` the wait under which giving up does not count as lost. A wait that was not measured is the time to the
    /// answer or to the end.
    pub async fn period_totals(
        &self,
        clinic: &str,
        from_ms: i64,
        to_ms: i64,
        threshold_ms: i64,
        short_ms: i64,
    ) -> Result<PeriodTotals> {
        let row = sqlx::query(
            "SELECT COUNT(*) AS offered, COUNT(answered_ms) AS answered,
                COUNT(CASE WHEN answered_ms IS NOT NULL AND wait <= $4 THEN 1 END) AS answered_in_time,
                COUNT(CASE WHEN answered_ms IS NULL AND wait <= $4 THEN 1 END) AS lost_in_time,
                COUNT(CASE WHEN answered_ms IS NULL AND wait < $5 THEN 1 END) AS lost_short,
                COUNT(CASE WHEN answered_ms IS NULL AND wait >= $5 AND outcome = 'callback' THEN 1 END) AS promised,
                COUNT(CASE WHEN first_time = 1 THEN 1 END) AS first_time,
                COUNT(CASE WHEN first_time = 0 THEN 1 END) AS repeat_calls,
                CAST(COALESCE(SUM(CASE WHEN answered_ms IS NOT NULL THEN wait ELSE 0 END), 0) AS BIGINT) AS answered_wait_ms,
                CAST(COALESCE(SUM(CASE WHEN answered_ms IS NULL THEN wait ELSE 0 END), 0) AS BIGINT) AS lost_wait_ms,
                CAST(COALESCE(SUM(talk_ms), 0) AS BIGINT) AS talk_ms, CAST(COALESCE(SUM(hold_ms), 0) AS BIGINT) AS hold_ms,
                CAST(COALESCE(SUM(acw_ms), 0) AS BIGINT) AS acw_ms, COUNT(acw_ms) AS acw_measured,
                COUNT(CASE WHEN person = 1 THEN 1 END) AS people_answered,
                CAST(COALESCE(SUM(talk_ms * person), 0) AS BIGINT) AS people_talk_ms,
                CAST(COALESCE(SUM(hold_ms * person), 0) AS BIGINT) AS people_hold_ms,
                CAST(COALESCE(SUM(acw_ms * person), 0) AS BIGINT) AS people_acw_ms
             FROM (SELECT answered_ms, first_time, talk_ms, hold_ms, acw_ms, outcome,
                    CASE WHEN answered_ms IS NOT NULL AND COALESCE(agent, '') <> 'robot' THEN 1 ELSE 0 END AS person,
                    COALESCE(queue_wait_ms, answered_ms - started_ms, ended_ms - started_ms) AS wait
                FROM calls WHERE clinic = $1 AND started_ms >= $2 AND started_ms < $3 AND direction = 'incoming'
                    AND ended_ms IS NOT NULL) AS offered_calls",
        )
        .bind(clinic)
        .bind(from_ms)
        .bind(to_ms)
        .bind(threshold_ms)
        .bind(short_ms)
        .fetch_one(self.read())
        .await?;
        PeriodTotals::from_columns(&row)
    }
}

impl FromColumns for PeriodTotals {
    fn from_columns(row: &AnyRow) -> Result<Self> {
        Ok(Self {
            offered: row.int("offered")?,
            answered: row.int("answered")?,
            answered_in_time: row.int("answered_in_time")?,
            lost_in_time: row.int("lost_in_time")?,
            lost_short: row.int("lost_short")?,
            promised: row.int("promised")?,
            first_time: row.int("first_time")?,
            repeat: row.int("repeat_calls")?,
            answered_wait_ms: row.int("answered_wait_ms")?,
            lost_wait_ms: row.int("lost_wait_ms")?,
            talk_ms: row.int("talk_ms")?,
            hold_ms: row.int("hold_ms")?,
            acw_ms: row.int("acw_ms")?,
            acw_measured: row.int("acw_measured")?,
            by_people: HandledTotals {
                answered: row.int("people_answered")?,
                talk_ms: row.int("people_talk_ms")?,
                hold_ms: row.int("people_hold_ms")?,
                acw_ms: row.int("people_acw_ms")?,
            },
        })
    }
}

impl AddAssign for PeriodTotals {
    fn add_assign(&mut self, other: Self) {
        self.offered += other.offered;
        self.answered += other.answered;
        self.answered_in_time += other.answered_in_time;
        self.lost_in_time += other.lost_in_time;
        self.lost_short += other.lost_short;
        self.promised += other.promised;
        self.first_time += other.first_time;
        self.repeat += other.repeat;
        self.answered_wait_ms += other.answered_wait_ms;
        self.lost_wait_ms += other.lost_wait_ms;
        self.talk_ms += other.talk_ms;
        self.hold_ms += other.hold_ms;
        self.acw_ms += other.acw_ms;
        self.acw_measured += other.acw_measured;
        self.by_people.answered += other.by_people.answered;
        self.by_people.talk_ms += other.by_people.talk_ms;
        self.by_people.hold_ms += other.by_people.hold_ms;
        self.by_people.acw_ms += other.by_people.acw_ms;
    }
}
