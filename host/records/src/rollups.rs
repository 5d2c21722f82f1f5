//! Sums by day that a report of years is quick with: what the aggregates of a period give, from some thousand rows instead of
//! millions of calls.
//!
//! Every change of a call or a booking marks its day as dirty in its own transaction (triggers of the schema). Reading first
//! makes the dirty days anew from the calls themselves, so that what is read is never stale and can always be rebuilt.

use std::ops::RangeInclusive;

use serde::{Deserialize, Serialize};
use sqlx::any::AnyRow;
use sqlx::{Any, AssertSqlSafe, Transaction};

use crate::row::Columns as _;
use crate::{CategoryTotal, DayTotal, HandledTotals, HourTotal, PeriodTotals, Result, Store};

/// Everything a report of some days adds up.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rolled {
    /// As [`Store::period_totals`] with [`Store::ROLLED_ANSWER_MS`] and [`Store::ROLLED_SHORT_MS`].
    pub totals: PeriodTotals,
    /// As [`Store::category_totals`].
    pub categories: Vec<CategoryTotal>,
    /// As [`Store::hour_of_week`].
    pub hours: Vec<HourTotal>,
    /// As [`Store::day_totals`].
    pub days: Vec<DayTotal>,
    /// How long callers waited, shortest first.
    pub waits: Vec<WaitBucket>,
    /// Calls in which a visit was booked that was not called off.
    pub booked: i64,
    /// Of them, those whose visit took place (or has begun).
    pub arrived: i64,
}

/// Calls that waited no longer than this, and longer than the bucket before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct WaitBucket {
    /// None = longer than any.
    pub up_to_ms: Option<i64>,
    /// Answered.
    pub answered: i64,
    /// Given up.
    pub lost: i64,
}

/// Calls of one category on one day.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CategoryDay {
    /// Days since 1970-01-01 on the clinic's wall clock.
    pub day: i64,
    /// None = not tagged.
    pub category: Option<String>,
    /// How many.
    pub calls: i64,
}

/// So many days are made anew in one transaction: others wait for it no longer than a moment.
const AT_ONCE: i64 = 31;
/// Nobody's clock is further from UTC.
const FURTHEST_MS: i64 = 15 * 3_600_000;
const DAY_MS: i64 = 86_400_000;

impl Store {
    /// Answered in time: after at most this wait.
    pub const ROLLED_ANSWER_MS: i64 = 20_000;
    /// Giving up before this is a short abandon.
    pub const ROLLED_SHORT_MS: i64 = 5_000;

    /// The sums of a clinic's days (since 1970-01-01 on its wall clock), up to date.
    pub async fn rolled(&self, clinic: &str, days: RangeInclusive<i64>) -> Result<Rolled> {
        self.refresh_rollups(clinic, days.clone()).await?;
        let (totals, (categories, by_day), hours, waits, visits) = tokio::try_join!(
            self.rolled_totals(clinic, &days),
            async { tokio::try_join!(self.rolled_categories(clinic, &days), self.rolled_days(clinic, &days)) },
            self.rolled_hours(clinic, &days),
            self.rolled_waits(clinic, &days),
            self.rolled_visits(clinic, &days),
        )?;
        Ok(Rolled { totals, categories, hours, days: by_day, waits, booked: visits.0, arrived: visits.1 })
    }

    /// Calls by day and category, earliest first, up to date.
    pub async fn category_days(&self, clinic: &str, days: RangeInclusive<i64>) -> Result<Vec<CategoryDay>> {
        self.refresh_rollups(clinic, days.clone()).await?;
        let sql = "SELECT local_day, category, calls FROM rollup_days
             WHERE clinic = $1 AND local_day >= $2 AND local_day <= $3 ORDER BY local_day, category";
        let of = |row: &AnyRow| {
            Ok(CategoryDay {
                day: row.int("local_day")?,
                category: row.text_opt("category")?,
                calls: row.int("calls")?,
            })
        };
        self.rolled_rows(sql, clinic, &days).await?.iter().map(of).collect()
    }

    /// Makes the days anew that changed since they were last summed up; returns how many there were.
    pub async fn refresh_rollups(&self, clinic: &str, days: RangeInclusive<i64>) -> Result<u64> {
        let sql = "SELECT local_day FROM rollup_dirty
             WHERE clinic = $1 AND local_day >= $2 AND local_day <= $3 ORDER BY local_day";
        let dirty = self.rolled_rows(sql, clinic, &days).await?;
        let dirty = dirty.iter().map(|row| row.int("local_day")).collect::<Result<Vec<_>>>()?;
        let mut left = dirty.as_slice();
        while let Some(&first) = left.first() {
            // Days in a row, so that one scan makes them all.
            let run = left.iter().zip(first..first + AT_ONCE).take_while(|(day, next)| **day == *next).count();
            let last = left[run - 1];
            let mut transaction = self.begin_write().await?;
            remake(&mut transaction, clinic, first, last).await?;
            transaction.commit().await?;
            left = &left[run..];
        }
        Ok(dirty.len() as u64)
    }

    /// Throws a clinic's sums away and makes them all anew; returns how many days there were.
    pub async fn rebuild_rollups(&self, clinic: &str) -> Result<u64> {
        let mut transaction = self.begin_write().await?;
        for table in ["rollup_days", "rollup_hours", "rollup_waits", "rollup_visits"] {
            // Safe: the names are literals of this file.
            let sql = format!("DELETE FROM {table} WHERE clinic = $1");
            sqlx::query(AssertSqlSafe(sql)).bind(clinic).execute(&mut *transaction).await?;
        }
        let sql = "INSERT INTO rollup_dirty (clinic, local_day)
             SELECT DISTINCT clinic, local_day FROM calls WHERE clinic = $1 ON CONFLICT DO NOTHING";
        sqlx::query(sql).bind(clinic).execute(&mut *transaction).await?;
        transaction.commit().await?;
        self.refresh_rollups(clinic, i64::MIN..=i64::MAX).await
    }

    async fn rolled_rows(&self, sql: &'static str, clinic: &str, days: &RangeInclusive<i64>) -> Result<Vec<AnyRow>> {
        Ok(sqlx::query(sql).bind(clinic).bind(*days.start()).bind(*days.end()).fetch_all(self.read()).await?)
    }

    async fn rolled_totals(&self, clinic: &str, days: &RangeInclusive<i64>) -> Result<PeriodTotals> {
        const SQL: &str = "SELECT CAST(COALESCE(SUM(offered), 0) AS BIGINT) AS offered,
                CAST(COALESCE(SUM(answered), 0) AS BIGINT) AS answered,
                CAST(COALESCE(SUM(answered_in_time), 0) AS BIGINT) AS answered_in_time,
                CAST(COALESCE(SUM(lost_in_time), 0) AS BIGINT) AS lost_in_time,
                CAST(COALESCE(SUM(lost_short), 0) AS BIGINT) AS lost_short,
                CAST(COALESCE(SUM(promised), 0) AS BIGINT) AS promised,
                CAST(COALESCE(SUM(first_time), 0) AS BIGINT) AS first_time,
                CAST(COALESCE(SUM(repeat_calls), 0) AS BIGINT) AS repeat_calls,
                CAST(COALESCE(SUM(answered_wait_ms), 0) AS BIGINT) AS answered_wait_ms,
                CAST(COALESCE(SUM(lost_wait_ms), 0) AS BIGINT) AS lost_wait_ms,
                CAST(COALESCE(SUM(talk_ms), 0) AS BIGINT) AS talk_ms,
                CAST(COALESCE(SUM(hold_ms), 0) AS BIGINT) AS hold_ms,
                CAST(COALESCE(SUM(acw_ms), 0) AS BIGINT) AS acw_ms,
                CAST(COALESCE(SUM(acw_measured), 0) AS BIGINT) AS acw_measured,
                CAST(COALESCE(SUM(people_answered), 0) AS BIGINT) AS people_answered,
                CAST(COALESCE(SUM(people_talk_ms), 0) AS BIGINT) AS people_talk_ms,
                CAST(COALESCE(SUM(people_hold_ms), 0) AS BIGINT) AS people_hold_ms,
                CAST(COALESCE(SUM(people_acw_ms), 0) AS BIGINT) AS people_acw_ms
             FROM rollup_days WHERE clinic = $1 AND local_day >= $2 AND local_day <= $3";
        let rows = self.rolled_rows(SQL, clinic, days).await?;
        let Some(row) = rows.first() else { return Ok(PeriodTotals::default()) };
        Ok(PeriodTotals {
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

    async fn rolled_categories(&self, clinic: &str, days: &RangeInclusive<i64>) -> Result<Vec<CategoryTotal>> {
        const SQL: &str = "SELECT category, CAST(SUM(calls) AS BIGINT) AS calls,
                CAST(SUM(line_ms) AS BIGINT) AS line_ms, CAST(SUM(after_ms) AS BIGINT) AS after_ms,
                CAST(SUM(review) AS BIGINT) AS review
             FROM rollup_days WHERE clinic = $1 AND local_day >= $2 AND local_day <= $3
             GROUP BY category ORDER BY calls DESC, category";
        let of = |row: &AnyRow| {
            Ok(CategoryTotal {
                category: row.text_opt("category")?,
                calls: row.int("calls")?,
                talk_ms: row.int("line_ms")?,
                acw_ms: row.int("after_ms")?,
                review: row.int("review")?,
            })
        };
        self.rolled_rows(SQL, clinic, days).await?.iter().map(of).collect()
    }

    async fn rolled_days(&self, clinic: &str, days: &RangeInclusive<i64>) -> Result<Vec<DayTotal>> {
        const SQL: &str = "SELECT local_day, CAST(SUM(calls) AS BIGINT) AS calls,
                CAST(SUM(picked_up) AS BIGINT) AS picked_up, CAST(SUM(line_ms) AS BIGINT) AS line_ms
             FROM rollup_days WHERE clinic = $1 AND local_day >= $2 AND local_day <= $3
             GROUP BY local_day ORDER BY local_day";
        let of = |row: &AnyRow| {
            Ok(DayTotal {
                day: row.int("local_day")?,
                calls: row.int("calls")?,
                answered: row.int("picked_up")?,
                talk_ms: row.int("line_ms")?,
            })
        };
        self.rolled_rows(SQL, clinic, days).await?.iter().map(of).collect()
    }

    async fn rolled_hours(&self, clinic: &str, days: &RangeInclusive<i64>) -> Result<Vec<HourTotal>> {
        const SQL: &str = "SELECT local_hour, CAST(SUM(calls) AS BIGINT) AS calls,
                CAST(SUM(picked_up) AS BIGINT) AS picked_up, CAST(SUM(line_ms) AS BIGINT) AS line_ms
             FROM rollup_hours WHERE clinic = $1 AND local_day >= $2 AND local_day <= $3
             GROUP BY local_hour ORDER BY local_hour";
        let of = |row: &AnyRow| {
            Ok(HourTotal {
                hour: row.int("local_hour")?,
                calls: row.int("calls")?,
                answered: row.int("picked_up")?,
                talk_ms: row.int("line_ms")?,
            })
        };
        self.rolled_rows(SQL, clinic, days).await?.iter().map(of).collect()
    }

    async fn rolled_waits(&self, clinic: &str, days: &RangeInclusive<i64>) -> Result<Vec<WaitBucket>> {
        const SQL: &str =
            "SELECT up_to_ms, CAST(SUM(answered) AS BIGINT) AS answered, CAST(SUM(lost) AS BIGINT) AS lost
             FROM rollup_waits WHERE clinic = $1 AND local_day >= $2 AND local_day <= $3
             GROUP BY up_to_ms ORDER BY CASE WHEN up_to_ms IS NULL THEN 1 ELSE 0 END, up_to_ms";
        let of = |row: &AnyRow| {
            let (answered, lost) = (row.int("answered")?, row.int("lost")?);
            Ok(WaitBucket { up_to_ms: row.int_opt("up_to_ms")?, answered, lost })
        };
        self.rolled_rows(SQL, clinic, days).await?.iter().map(of).collect()
    }

    async fn rolled_visits(&self, clinic: &str, days: &RangeInclusive<i64>) -> Result<(i64, i64)> {
        const SQL: &str = "SELECT CAST(COALESCE(SUM(booked), 0) AS BIGINT) AS booked,
                CAST(COALESCE(SUM(arrived), 0) AS BIGINT) AS arrived
             FROM rollup_visits WHERE clinic = $1 AND local_day >= $2 AND local_day <= $3";
        let rows = self.rolled_rows(SQL, clinic, days).await?;
        rows.first().map_or(Ok((0, 0)), |row| Ok((row.int("booked")?, row.int("arrived")?)))
    }
}

/// The sums of `first..=last` from the calls themselves, in the place of what stood there.
async fn remake(transaction: &mut Transaction<'_, Any>, clinic: &str, first: i64, last: i64) -> Result<()> {
    let from_ms = first.saturating_mul(DAY_MS).saturating_sub(FURTHEST_MS);
    let to_ms = last.saturating_add(1).saturating_mul(DAY_MS).saturating_add(FURTHEST_MS);
    for table in ["rollup_days", "rollup_hours", "rollup_waits", "rollup_visits", "rollup_dirty"] {
        // Safe: the names are literals of this file.
        let sql = format!("DELETE FROM {table} WHERE clinic = $1 AND local_day >= $2 AND local_day <= $3");
        sqlx::query(AssertSqlSafe(sql)).bind(clinic).bind(first).bind(last).execute(&mut **transaction).await?;
    }
    for sql in [DAYS, HOURS, WAITS, VISITS] {
        let made = sqlx::query(sql).bind(clinic).bind(first).bind(last).bind(from_ms).bind(to_ms);
        made.execute(&mut **transaction).await?;
    }
    Ok(())
}

const DAYS: &str = "INSERT INTO rollup_days (clinic, local_day, category, calls, picked_up, line_ms, after_ms, review, offered,
        answered, answered_in_time, lost_in_time, lost_short, promised, first_time, repeat_calls, answered_wait_ms,
        lost_wait_ms, talk_ms, hold_ms, acw_ms, acw_measured, people_answered, people_talk_ms, people_hold_ms, people_acw_ms)
    SELECT clinic, local_day, category, COUNT(*), COUNT(answered_ms), SUM(COALESCE(talk_ms, 0) + COALESCE(hold_ms, 0)),
        SUM(COALESCE(acw_ms, 0)), SUM(review), SUM(is_over),
        COUNT(CASE WHEN is_over = 1 AND answered_ms IS NOT NULL THEN 1 END),
        COUNT(CASE WHEN is_over = 1 AND answered_ms IS NOT NULL AND wait <= 20000 THEN 1 END),
        COUNT(CASE WHEN is_over = 1 AND answered_ms IS NULL AND wait <= 20000 THEN 1 END),
        COUNT(CASE WHEN is_over = 1 AND answered_ms IS NULL AND wait < 5000 THEN 1 END),
        COUNT(CASE WHEN is_over = 1 AND answered_ms IS NULL AND wait >= 5000 AND outcome = 'callback' THEN 1 END),
        COUNT(CASE WHEN is_over = 1 AND first_time = 1 THEN 1 END), COUNT(CASE WHEN is_over = 1 AND first_time = 0 THEN 1 END),
        SUM(CASE WHEN is_over = 1 AND answered_ms IS NOT NULL THEN wait ELSE 0 END),
        SUM(CASE WHEN is_over = 1 AND answered_ms IS NULL THEN wait ELSE 0 END),
        SUM(CASE WHEN is_over = 1 THEN COALESCE(talk_ms, 0) ELSE 0 END),
        SUM(CASE WHEN is_over = 1 THEN COALESCE(hold_ms, 0) ELSE 0 END),
        SUM(CASE WHEN is_over = 1 THEN COALESCE(acw_ms, 0) ELSE 0 END),
        COUNT(CASE WHEN is_over = 1 AND acw_ms IS NOT NULL THEN 1 END), SUM(person), SUM(COALESCE(talk_ms, 0) * person),
        SUM(COALESCE(hold_ms, 0) * person), SUM(COALESCE(acw_ms, 0) * person)
    FROM (SELECT clinic, local_day, category, review, answered_ms, outcome, first_time, talk_ms, hold_ms, acw_ms,
            CASE WHEN ended_ms IS NULL THEN 0 ELSE 1 END AS is_over,
            CASE WHEN ended_ms IS NOT NULL AND answered_ms IS NOT NULL AND COALESCE(agent, '') <> 'robot'
                THEN 1 ELSE 0 END AS person,
            COALESCE(queue_wait_ms, answered_ms - started_ms, ended_ms - started_ms) AS wait
        FROM calls WHERE clinic = $1 AND started_ms >= $4 AND started_ms < $5 AND local_day >= $2 AND local_day <= $3
            AND direction = 'incoming') AS incoming
    GROUP BY clinic, local_day, category";

const HOURS: &str = "INSERT INTO rollup_hours (clinic, local_day, local_hour, calls, picked_up, line_ms)
    SELECT clinic, local_day, local_hour, COUNT(*), COUNT(answered_ms), SUM(COALESCE(talk_ms, 0) + COALESCE(hold_ms, 0))
    FROM calls WHERE clinic = $1 AND started_ms >= $4 AND started_ms < $5 AND local_day >= $2 AND local_day <= $3
        AND direction = 'incoming' GROUP BY clinic, local_day, local_hour";

const WAITS: &str = "INSERT INTO rollup_waits (clinic, local_day, up_to_ms, answered, lost)
    SELECT clinic, local_day, up_to_ms, COUNT(answered_ms), COUNT(*) - COUNT(answered_ms)
    FROM (SELECT clinic, local_day, answered_ms, CASE WHEN wait <= 2000 THEN 2000 WHEN wait <= 5000 THEN 5000
            WHEN wait <= 10000 THEN 10000 WHEN wait <= 15000 THEN 15000 WHEN wait <= 20000 THEN 20000
            WHEN wait <= 30000 THEN 30000 WHEN wait <= 40000 THEN 40000 WHEN wait <= 60000 THEN 60000
            WHEN wait <= 90000 THEN 90000 WHEN wait <= 120000 THEN 120000 WHEN wait <= 180000 THEN 180000
            WHEN wait <= 300000 THEN 300000 WHEN wait <= 600000 THEN 600000 END AS up_to_ms
        FROM (SELECT clinic, local_day, answered_ms,
                COALESCE(queue_wait_ms, answered_ms - started_ms, ended_ms - started_ms) AS wait
            FROM calls WHERE clinic = $1 AND started_ms >= $4 AND started_ms < $5 AND local_day >= $2 AND local_day <= $3
                AND direction = 'incoming' AND ended_ms IS NOT NULL) AS waits) AS buckets
    GROUP BY clinic, local_day, up_to_ms";

const VISITS: &str = "INSERT INTO rollup_visits (clinic, local_day, booked, arrived)
    SELECT clinic, local_day, COUNT(*), COUNT(CASE WHEN visit = 2 THEN 1 END)
    FROM (SELECT c.clinic AS clinic, c.local_day AS local_day, c.id AS id,
            MAX(CASE WHEN v.status IN ('arrived', 'done') THEN 2
                     WHEN v.status IN ('booked', 'reminded', 'confirmed', 'no-show') THEN 1 ELSE 0 END) AS visit
        FROM calls AS c JOIN bookings AS b ON b.call = c.id AND b.id = b.visit JOIN bookings AS v ON v.visit = b.visit
        WHERE c.clinic = $1 AND c.started_ms >= $4 AND c.started_ms < $5 AND c.local_day >= $2 AND c.local_day <= $3
        GROUP BY c.clinic, c.local_day, c.id) AS visited
    WHERE visit > 0 GROUP BY clinic, local_day";
