//! How fast a report of years is: fills a database with calls of one clinic over five years, then reads periods of every length
//! by the sums by day, and some of them from the calls themselves.
//! `cargo run --release -p records --example rollups -- PLACE [CALLS]`: a file for SQLite or an address `postgres://…` of an empty
//! database; what is filled already is read as it is.

use std::time::{Duration, Instant};

use records::{CallRecord, Outcome, Store, Tag};
use sqlx::{Connection as _, Executor as _};

const CLINIC: &str = "vet_lapa";
const DAY: i64 = 86_400_000;
/// 2021-11-23 00:00 in Moscow.
const FIRST: i64 = 1_637_614_800_000;
const FIRST_DAY: i64 = (FIRST + 3 * 3_600_000) / DAY;
const DAYS: i64 = 5 * 365 + 1;

type Outcomes<T> = Result<T, Box<dyn std::error::Error>>;

#[tokio::main]
async fn main() -> Outcomes<()> {
    let place = std::env::args().nth(1).ok_or("give the file or the address of the database")?;
    let calls: i64 = std::env::args().nth(2).map_or(Ok(10_000_000), |calls| calls.parse())?;
    let store = Store::open(&place).await?;
    if store.rolled(CLINIC, FIRST_DAY..=FIRST_DAY + DAYS - 1).await?.totals == Default::default() {
        let began = Instant::now();
        first_call(&store).await?;
        fill(&place, calls).await?;
        println!("filled with {calls} calls in {:.0?}", began.elapsed());
        let began = Instant::now();
        let days = store.rebuild_rollups(CLINIC).await?;
        println!("rebuild_rollups: {days} days in {:.1?}", began.elapsed());
    }
    for (name, length) in [("a week", 7), ("a month", 30), ("a year", 365), ("five years", DAYS)] {
        periods(&store, name, length).await?;
    }
    // What a report costs when a call of today came in between: today is summed up anew.
    let mut fresh = Vec::new();
    let last = FIRST_DAY + DAYS - 1;
    for n in 0..40 {
        let call = CallRecord::live(records::id(), CLINIC, "Europe/Moscow", FIRST + (DAYS - 1) * DAY + n * 1_000);
        store.start_call(&call).await?;
        let began = Instant::now();
        store.rolled(CLINIC, last - 364..=last).await?;
        fresh.push(began.elapsed());
    }
    println!("a year, after a new call: p50 {:.1?}, p95 {:.1?}", at(&mut fresh, 50), at(&mut fresh, 95));
    Ok(())
}

async fn periods(store: &Store, name: &str, length: i64) -> Outcomes<()> {
    let (mut rolled, mut raw) = (Vec::new(), Vec::new());
    for n in 0..100 {
        let from = FIRST_DAY + (DAYS - length) * n / 100;
        let began = Instant::now();
        let sums = store.rolled(CLINIC, from..=from + length - 1).await?;
        rolled.push(began.elapsed());
        if n < 3 {
            let (from_ms, to_ms) = (from * DAY - 3 * 3_600_000, (from + length) * DAY - 3 * 3_600_000);
            let began = Instant::now();
            let totals = store.period_totals(CLINIC, from_ms, to_ms, 20_000, 5_000).await?;
            let categories = store.category_totals(CLINIC, from_ms, to_ms).await?;
            let hours = store.hour_of_week(CLINIC, from_ms, to_ms).await?;
            let days = store.day_totals(CLINIC, from_ms, to_ms).await?;
            raw.push(began.elapsed());
            let same = (totals, categories, hours, days) == (sums.totals, sums.categories, sums.hours, sums.days);
            assert!(same, "the sums are those of the calls");
        }
    }
    let from_calls = at(&mut raw, 50);
    println!(
        "{name}: by day p50 {:.1?}, p95 {:.1?}; from the calls {from_calls:.0?}",
        at(&mut rolled, 50),
        at(&mut rolled, 95)
    );
    Ok(())
}

fn at(times: &mut [Duration], percent: usize) -> Duration {
    times.sort_unstable();
    times.get((times.len().saturating_sub(1)) * percent / 100).copied().unwrap_or_default()
}

/// One call through the front door, so that the rows made below have the shape of a real one.
async fn first_call(store: &Store) -> Outcomes<()> {
    let mut call = CallRecord::import("first", CLINIC, "Europe/Moscow", FIRST, "first");
    call.answered_ms = Some(FIRST + 5_000);
    call.ended_ms = Some(FIRST + 95_000);
    call.outcome = Some(Outcome::Answered);
    store.import_call(&call).await?;
    let tag = Tag {
        call: "first".into(),
        category: "target".into(),
        confidence: 0.9,
        evidence: serde_json::json!([]),
        taxonomy_version: "1".into(),
        model_version: "m".into(),
        review: false,
        by: "classifier".into(),
        at_ms: FIRST,
    };
    Ok(store.add_tag(&tag).await?)
}

/// Millions of calls by one statement, spread over the days and the opening hours.
async fn fill(place: &str, calls: i64) -> Outcomes<()> {
    let is_postgres = place.starts_with("postgres");
    let address = if is_postgres { place.to_owned() } else { format!("sqlite://{place}") };
    // What the two say differently: a row for each call, a number by chance, triggers at rest and at work again.
    let chance = |below: i64| match is_postgres {
        true => format!("floor(random() * {below})::bigint"),
        false => format!("abs(random() % {below})"),
    };
    let (before, numbers, after) = if is_postgres {
        (
            "SET synchronous_commit = off; ALTER TABLE calls DISABLE TRIGGER USER;",
            format!("SELECT generate_series(1, {calls}::bigint) AS i"),
            "ALTER TABLE calls ENABLE TRIGGER USER; ANALYZE;",
        )
    } else {
        (
            "PRAGMA journal_mode = WAL; PRAGMA synchronous = OFF; PRAGMA cache_size = -1000000; DROP TRIGGER rollup_call_new;",
            format!(
                "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {calls}) SELECT i FROM n"
            ),
            "CREATE TRIGGER rollup_call_new AFTER INSERT ON calls BEGIN
                 INSERT INTO rollup_dirty (clinic, local_day) VALUES (NEW.clinic, NEW.local_day) ON CONFLICT DO NOTHING;
             END;",
        )
    };
    let sql = format!(
        "{before}
         CREATE TEMP TABLE made AS SELECT i, i * {DAYS} / ({calls} + 1) AS day, 9 + {hour} AS hour, {part} AS part, {dice} AS dice,
             {wait} AS wait, 30000 + {talk} AS talk FROM ({numbers}) AS n;
         INSERT INTO calls (id, clinic, timezone, source, direction, caller, started_ms, answered_ms, ended_ms, outcome, agent,
             queue_wait_ms, talk_ms, hold_ms, acw_ms, first_time, local_day, local_hour, category, confidence, review)
         SELECT 'c' || i, '{CLINIC}', 'Europe/Moscow', 'import', 'incoming', '+7903' || (i % 400000), started,
             CASE WHEN dice < 93 THEN started + wait END, started + wait + CASE WHEN dice < 93 THEN talk ELSE 0 END,
             CASE WHEN dice < 30 THEN 'booked' ELSE 'answered' END, CASE WHEN dice < 50 THEN 'robot' ELSE '20' || (dice % 7) END,
             wait, CASE WHEN dice < 93 THEN talk END, 0, CASE WHEN dice >= 50 THEN 20000 END, dice % 2,
             {FIRST_DAY} + day, ((day + 1) % 7) * 24 + hour,
             CASE WHEN dice < 93 THEN 'category' || (dice % 10) END, 0.9, 0
         FROM (SELECT made.*, {FIRST} + day * {DAY} + hour * 3600000 + part AS started FROM made) AS filled;
         {after}",
        hour = chance(11),
        part = chance(3_600_000),
        dice = chance(100),
        wait = chance(40_000),
        talk = chance(300_000),
    );
    let mut connection = sqlx::AnyConnection::connect(&address).await?;
    connection.execute(sqlx::AssertSqlSafe(sql)).await?;
    connection.close().await?;
    Ok(())
}
