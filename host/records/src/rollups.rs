//! Sums by day that a report of years is quick with: what the aggregates of a period give, from some thousand rows instead of
//! millions of calls.
//!
//! Every change of a call or a booking marks its day as dirty in its own transaction (triggers of the schema). Reading first
//! makes the dirty days anew from the calls themselves, so that what is read is never stale and can always be rebuilt. The
//! sums of the 32 days in a row to which a day belongs (a span) are made anew in the same transaction: they are those of its
//! days at any moment, so that a period is read from its whole spans and the few days before and after them.

mod remake;

use std::ops::{Range, RangeInclusive};

use serde::{Deserialize, Serialize};
use sqlx::AssertSqlSafe;
use sqlx::any::AnyRow;

use crate::row::{Columns as _, FromColumns as _};
use crate::{CategoryTotal, DayTotal, HourTotal, PeriodTotals, Result, Store};

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
/// Days of a span.
const SPAN: i64 = 32;
/// What a row of a day and category adds up; a span's has the same.
const DAY_SUMS: [&str; 23] = [
    "calls",
    "picked_up",
    "line_ms",
    "after_ms",
    "review",
    "offered",
    "answered",
    "answered_in_time",
    "lost_in_time",
    "lost_short",
    "promised",
    "first_time",
    "repeat_calls",
    "answered_wait_ms",
    "lost_wait_ms",
    "talk_ms",
    "hold_ms",
    "acw_ms",
    "acw_measured",
    "people_answered",
    "people_talk_ms",
    "people_hold_ms",
    "people_acw_ms",
];

/// A period as whole spans, and the days before and after them.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Cover {
    before: RangeInclusive<i64>,
    spans: Range<i64>,
    after: RangeInclusive<i64>,
}

/// Nothing lies after the spans.
#[allow(clippy::reversed_empty_ranges, reason = "it is empty, and says so")]
const NO_DAYS: RangeInclusive<i64> = 1..=0;

impl Cover {
    fn of(days: &RangeInclusive<i64>) -> Self {
        let (first, last) = (*days.start(), *days.end());
        // Days before 1970 are in no span.
        let from = first.max(0).saturating_add(SPAN - 1).div_euclid(SPAN);
        let to = last.saturating_add(1).div_euclid(SPAN);
        if from >= to {
            return Self { before: days.clone(), spans: 0..0, after: NO_DAYS };
        }
        Self { before: first..=from * SPAN - 1, spans: from..to, after: to * SPAN..=last }
    }

    /// One statement, so that it sees one moment: sums of a table of days and of the table of their spans, by `key`.
    fn sql(&self, days: &str, spans: &str, key: &str, sums: &[&str], order: &str) -> String {
        let list = sums.join(", ");
        let summed: Vec<String> = sums.iter().map(|sum| format!("CAST(SUM({sum}) AS BIGINT) AS {sum}")).collect();
        let summed = summed.join(", ");
        format!(
            "SELECT {key}, {summed} FROM (
                SELECT {key}, {list} FROM {days} WHERE clinic = $1 AND local_day >= $2 AND local_day <= $3
                UNION ALL SELECT {key}, {list} FROM {days} WHERE clinic = $1 AND local_day >= $4 AND local_day <= $5
                UNION ALL SELECT {key}, {list} FROM {spans} WHERE clinic = $1 AND span >= $6 AND span < $7
             ) AS parts GROUP BY {key} ORDER BY {order}"
        )
    }
}

impl Store {
    /// Answered in time: after at most this wait.
    pub const ROLLED_ANSWER_MS: i64 = 20_000;
    /// Giving up before this is a short abandon.
    pub const ROLLED_SHORT_MS: i64 = 5_000;

    /// The sums of a clinic's days (since 1970-01-01 on its wall clock), up to date.
    pub async fn rolled(&self, clinic: &str, days: RangeInclusive<i64>) -> Result<Rolled> {
        self.refresh_rollups(clinic, days.clone()).await?;
        let cover = Cover::of(&days);
        let ((totals, categories), by_day, hours, waits, visits) = tokio::try_join!(
            self.rolled_categories(clinic, &cover),
            self.rolled_days(clinic, &days),
            self.rolled_hours(clinic, &cover),
            self.rolled_waits(clinic, &cover),
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
            remake::remake(&mut transaction, clinic, first, last).await?;
            transaction.commit().await?;
            left = &left[run..];
        }
        Ok(dirty.len() as u64)
    }

    /// Throws a clinic's sums away and makes them all anew; returns how many days there were.
    pub async fn rebuild_rollups(&self, clinic: &str) -> Result<u64> {
        let mut transaction = self.begin_write().await?;
        for table in remake::TABLES {
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

    async fn covered(&self, sql: String, clinic: &str, days: &Cover) -> Result<Vec<AnyRow>> {
        // Safe: it is made of literals of this file; values are bound.
        let rows = sqlx::query(AssertSqlSafe(sql))
            .bind(clinic)
            .bind(*days.before.start())
            .bind(*days.before.end())
            .bind(*days.after.start())
            .bind(*days.after.end())
            .bind(days.spans.start)
            .bind(days.spans.end)
            .fetch_all(self.read())
            .await?;
        Ok(rows)
    }

    async fn rolled_rows(&self, sql: &'static str, clinic: &str, days: &RangeInclusive<i64>) -> Result<Vec<AnyRow>> {
        Ok(sqlx::query(sql).bind(clinic).bind(*days.start()).bind(*days.end()).fetch_all(self.read()).await?)
    }

    /// Sums by category, and of all together.
    async fn rolled_categories(&self, clinic: &str, days: &Cover) -> Result<(PeriodTotals, Vec<CategoryTotal>)> {
        let sql = days.sql("rollup_days", "rollup_spans", "category", &DAY_SUMS, "calls DESC, category");
        let mut totals = PeriodTotals::default();
        let mut categories = Vec::new();
        for row in &self.covered(sql, clinic, days).await? {
            totals += PeriodTotals::from_columns(row)?;
            categories.push(CategoryTotal {
                category: row.text_opt("category")?,
                calls: row.int("calls")?,
                talk_ms: row.int("line_ms")?,
                acw_ms: row.int("after_ms")?,
                review: row.int("review")?,
            });
        }
        Ok((totals, categories))
    }

    async fn rolled_days(&self, clinic: &str, days: &RangeInclusive<i64>) -> Result<Vec<DayTotal>> {
        const SQL: &str = "SELECT local_day, calls, picked_up, line_ms FROM rollup_dates
             WHERE clinic = $1 AND local_day >= $2 AND local_day <= $3 ORDER BY local_day";
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

    async fn rolled_hours(&self, clinic: &str, days: &Cover) -> Result<Vec<HourTotal>> {
        let sums = ["calls", "picked_up", "line_ms"];
        let sql = days.sql("rollup_hours", "rollup_span_hours", "local_hour", &sums, "local_hour");
        let of = |row: &AnyRow| {
            Ok(HourTotal {
                hour: row.int("local_hour")?,
                calls: row.int("calls")?,
                answered: row.int("picked_up")?,
                talk_ms: row.int("line_ms")?,
            })
        };
        self.covered(sql, clinic, days).await?.iter().map(of).collect()
    }

    async fn rolled_waits(&self, clinic: &str, days: &Cover) -> Result<Vec<WaitBucket>> {
        let order = "CASE WHEN up_to_ms IS NULL THEN 1 ELSE 0 END, up_to_ms";
        let sql = days.sql("rollup_waits", "rollup_span_waits", "up_to_ms", &["answered", "lost"], order);
        let of = |row: &AnyRow| {
            let (answered, lost) = (row.int("answered")?, row.int("lost")?);
            Ok(WaitBucket { up_to_ms: row.int_opt("up_to_ms")?, answered, lost })
        };
        self.covered(sql, clinic, days).await?.iter().map(of).collect()
    }

    async fn rolled_visits(&self, clinic: &str, days: &RangeInclusive<i64>) -> Result<(i64, i64)> {
        const SQL: &str = "SELECT CAST(COALESCE(SUM(booked), 0) AS BIGINT) AS booked,
                CAST(COALESCE(SUM(arrived), 0) AS BIGINT) AS arrived
             FROM rollup_visits WHERE clinic = $1 AND local_day >= $2 AND local_day <= $3";
        let rows = self.rolled_rows(SQL, clinic, days).await?;
        rows.first().map_or(Ok((0, 0)), |row| Ok((row.int("booked")?, row.int("arrived")?)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_period_is_covered_once_and_mostly_by_spans() {
        for (first, last) in
            [(0, 0), (0, 31), (0, 32), (1, 31), (5, 64), (31, 64), (-40, 70), (-9, -1), (18_000, 19_826)]
        {
            let cover = Cover::of(&(first..=last));
            let spans = cover.spans.clone().flat_map(|span| span * SPAN..(span + 1) * SPAN);
            let days: Vec<i64> = cover.before.clone().chain(spans).chain(cover.after.clone()).collect();
            assert_eq!(days, (first..=last).collect::<Vec<_>>(), "{cover:?}");
            let single = cover.before.clone().chain(cover.after.clone()).filter(|day| *day >= 0).count();
            assert!(single < 2 * SPAN as usize, "{cover:?}");
        }
        let all = Cover::of(&(i64::MIN..=i64::MAX));
        assert_eq!((all.before, all.spans.start), (i64::MIN..=-1, 0));
    }
}
