//! How the sums are made: days from the calls themselves, spans from their days.

use sqlx::{Any, AssertSqlSafe, Transaction};

use super::{DAY_SUMS, SPAN};
use crate::Result;

/// Sums of single days.
const BY_DAY: [&str; 5] = ["rollup_days", "rollup_hours", "rollup_waits", "rollup_visits", "rollup_dates"];
/// Every table of sums.
pub(super) const TABLES: [&str; 8] = [
    "rollup_days",
    "rollup_hours",
    "rollup_waits",
    "rollup_visits",
    "rollup_dates",
    "rollup_spans",
    "rollup_span_hours",
    "rollup_span_waits",
];
/// Nobody's clock is further from UTC.
const FURTHEST_MS: i64 = 15 * 3_600_000;
const DAY_MS: i64 = 86_400_000;

/// The sums of `first..=last` from the calls themselves, in the place of what stood there.
pub(super) async fn remake(transaction: &mut Transaction<'_, Any>, clinic: &str, first: i64, last: i64) -> Result<()> {
    let from_ms = first.saturating_mul(DAY_MS).saturating_sub(FURTHEST_MS);
    let to_ms = last.saturating_add(1).saturating_mul(DAY_MS).saturating_add(FURTHEST_MS);
    for table in ["rollup_dirty"].into_iter().chain(BY_DAY) {
        // Safe: the names are literals of this file.
        let sql = format!("DELETE FROM {table} WHERE clinic = $1 AND local_day >= $2 AND local_day <= $3");
        sqlx::query(AssertSqlSafe(sql)).bind(clinic).bind(first).bind(last).execute(&mut **transaction).await?;
    }
    for sql in [DAYS, HOURS, WAITS, VISITS] {
        let made = sqlx::query(sql).bind(clinic).bind(first).bind(last).bind(from_ms).bind(to_ms);
        made.execute(&mut **transaction).await?;
    }
    sqlx::query(DATES).bind(clinic).bind(first).bind(last).execute(&mut **transaction).await?;
    if last >= 0 {
        spans(transaction, clinic, first.max(0) / SPAN, last / SPAN).await?;
    }
    Ok(())
}

/// The sums of whole spans, from those of their days.
async fn spans(transaction: &mut Transaction<'_, Any>, clinic: &str, first: i64, last: i64) -> Result<()> {
    let spans = [
        ("rollup_spans", "rollup_days", "category", &DAY_SUMS[..]),
        ("rollup_span_hours", "rollup_hours", "local_hour", &["calls", "picked_up", "line_ms"][..]),
        ("rollup_span_waits", "rollup_waits", "up_to_ms", &["answered", "lost"][..]),
    ];
    for (table, days, key, sums) in spans {
        // Safe: the names are literals of this file.
        let gone = format!("DELETE FROM {table} WHERE clinic = $1 AND span >= $2 AND span <= $3");
        sqlx::query(AssertSqlSafe(gone)).bind(clinic).bind(first).bind(last).execute(&mut **transaction).await?;
        let list = sums.join(", ");
        let summed = sums.iter().map(|sum| format!("SUM({sum})")).collect::<Vec<_>>().join(", ");
        let made = format!(
            "INSERT INTO {table} (clinic, span, {key}, {list}) SELECT clinic, local_day / {SPAN}, {key}, {summed}
             FROM {days} WHERE clinic = $1 AND local_day >= $2 AND local_day <= $3
             GROUP BY clinic, local_day / {SPAN}, {key}"
        );
        let (from, to) = (first * SPAN, last * SPAN + SPAN - 1);
        sqlx::query(AssertSqlSafe(made)).bind(clinic).bind(from).bind(to).execute(&mut **transaction).await?;
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

const DATES: &str = "INSERT INTO rollup_dates (clinic, local_day, calls, picked_up, line_ms)
    SELECT clinic, local_day, SUM(calls), SUM(picked_up), SUM(line_ms) FROM rollup_days
    WHERE clinic = $1 AND local_day >= $2 AND local_day <= $3 GROUP BY clinic, local_day";
