//! The report over a million calls of three years: `cargo run --release -p reports --example million -- FOLDER [CALLS]`.
//!
//! Fills `FOLDER/million.db` through the records' own import, unless it is there already, and times `Report::build` for
//! the last full month and for all years. Calls, their lengths and categories are made up, the same every time.

use std::path::Path;
use std::time::{Duration, Instant};

use jiff::civil::{Date, date};
use jiff::tz::TimeZone;
use records::{CallRecord, Store, Tag};
use reports::kpi::Thresholds;
use reports::{Amount, CategoryInfo, CountsAs, Report, ReportInput};

const CLINIC: &str = "vet_lapa";
const ZONE: &str = "Europe/Moscow";
const FIRST: Date = date(2023, 10, 1);
const LAST: Date = date(2026, 9, 30);
const BATCH: usize = 5_000;

/// Category, what it counts as, how often out of 1000.
const MIX: [(&str, CountsAs, u64); 6] = [
    ("target", CountsAs::Target, 560),
    ("test_results", CountsAs::NonTarget, 160),
    ("doctor", CountsAs::NonTarget, 120),
    ("reschedule", CountsAs::NonTarget, 80),
    ("not_our_service", CountsAs::NonTarget, 60),
    ("advertising", CountsAs::NonTarget, 20),
];

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let folder = arguments.next().ok_or("usage: million FOLDER [CALLS]")?;
    let calls: usize = arguments.next().map_or(Ok(1_000_000), |number| number.parse())?;
    std::fs::create_dir_all(&folder)?;
    let path = Path::new(&folder).join("million.db");
    let filled = folder_mark(&folder, calls);
    if !filled.exists() {
        fill(&path, calls).await?;
        std::fs::write(&filled, "")?;
    }
    let store = Store::open(&path).await?;
    println!("database: {} MB", std::fs::metadata(&path)?.len() / 1_000_000);
    for (what, from, to) in [("the last month", date(2026, 9, 1), LAST), ("all three years", FIRST, LAST)] {
        let mut times = Vec::new();
        let mut offered = 0;
        for _ in 0..7 {
            let began = Instant::now();
            let report = Report::build(&store, &input(from, to)).await?;
            times.push(began.elapsed());
            offered = report.days.iter().map(|day| day.calls).sum();
        }
        let first = times[0];
        times.sort_unstable();
        println!(
            "report of {what}: {offered} calls, median {:.1} ms of {}, the first {:.1} ms",
            ms(times[times.len() / 2]),
            times.len(),
            ms(first)
        );
    }
    store.close().await;
    Ok(())
}

/// Stands beside a database that was filled to the end.
fn folder_mark(folder: &str, calls: usize) -> std::path::PathBuf {
    Path::new(folder).join(format!("million.db.{calls}-calls"))
}

async fn fill(path: &Path, calls: usize) -> Result<(), Box<dyn std::error::Error>> {
    for name in ["million.db", "million.db-wal", "million.db-shm"] {
        std::fs::remove_file(path.with_file_name(name)).ok();
    }
    let store = Store::open(path).await?;
    let zone = TimeZone::get(ZONE)?;
    let from = FIRST.to_zoned(zone.clone())?.timestamp();
    let to = LAST.tomorrow()?.to_zoned(zone)?.timestamp();
    let step = (to.as_millisecond() - from.as_millisecond()) / calls as i64;
    let began = Instant::now();
    for batch in (0..calls).step_by(BATCH) {
        let numbers = batch..(batch + BATCH).min(calls);
        let rows: Vec<_> = numbers.map(|n| call(n as u64, from.as_millisecond() + n as i64 * step)).collect();
        let (calls_of_batch, tags): (Vec<_>, Vec<_>) = rows.into_iter().unzip();
        store.import_calls(&calls_of_batch).await?;
        store.add_tags(&tags.into_iter().flatten().collect::<Vec<_>>()).await?;
        if (batch / BATCH).is_multiple_of(20) {
            eprintln!("    filling: {batch} of {calls} calls, {:.0} s", began.elapsed().as_secs_f64());
        }
    }
    let took = began.elapsed();
    println!(
        "{calls} calls imported and tagged in {:.0} s: {:.0} a second",
        took.as_secs_f64(),
        calls as f64 / took.as_secs_f64()
    );
    store.close().await;
    Ok(())
}

/// One call in ten is lost; the others talk for one to four minutes and have a tag.
fn call(n: u64, started_ms: i64) -> (CallRecord, Option<Tag>) {
    let dice = mix(n);
    let id = format!("call-{n:07}");
    let mut call = CallRecord::import(&id, CLINIC, ZONE, started_ms, &id);
    let wait = (dice % 40) as i64 * 1_000;
    call.caller = Some(format!("+7903{:07}", mix(n ^ 0x5eed) % 250_000).into());
    call.queue_wait_ms = Some(wait);
    if dice.is_multiple_of(10) {
        call.ended_ms = Some(started_ms + wait);
        return (call, None);
    }
    let talk = 60_000 + (dice >> 8) as i64 % 180_000;
    call.answered_ms = Some(started_ms + wait);
    call.ended_ms = Some(started_ms + wait + talk);
    call.acw_ms = Some((dice >> 16) as i64 % 30_000);
    let mut left = (dice >> 24) % 1_000;
    let category = MIX.iter().find(|(_, _, weight)| {
        let here = left < *weight;
        left = left.saturating_sub(*weight);
        here
    });
    let tag = Tag {
        call: id,
        category: category.map_or("target", |(id, _, _)| id).to_owned(),
        confidence: 0.9,
        evidence: serde_json::Value::Null,
        taxonomy_version: "1".into(),
        model_version: "bench".into(),
        review: (dice >> 40).is_multiple_of(20),
        by: "classifier".into(),
        at_ms: started_ms + wait + talk,
    };
    (call, Some(tag))
}

fn input(from: Date, to: Date) -> ReportInput {
    let info = |(id, counts_as, _): &(&str, CountsAs, u64)| CategoryInfo {
        id: (*id).to_owned(),
        title_ru: (*id).to_owned(),
        title_en: (*id).to_owned(),
        counts_as: *counts_as,
        may_sell: false,
        may_book: false,
        advice_ru: String::new(),
        advice_en: String::new(),
    };
    ReportInput {
        clinic: CLINIC.into(),
        clinic_name: "Ветклиника «Лапа»".into(),
        timezone: ZONE.into(),
        from,
        to,
        categories: MIX.iter().map(info).collect(),
        minute_cost: Some(Amount::new(950, "RUB")),
        thresholds: Thresholds::default(),
    }
}

/// SplitMix64's mixing: numbers that look random and never change. Positive as i64.
fn mix(n: u64) -> u64 {
    let mut z = n.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    (z ^ (z >> 31)) >> 1
}

fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}
