//! The report over a million calls of three years: `cargo run --release -p reports --example million -- FOLDER`.
//!
//! Fills `FOLDER/million.db` from `bench/million-calls.sql` (needs the sqlite3 shell), unless it is there already, and
//! times `Report::build` for the last full month and for all years.

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use jiff::civil::{Date, date};
use records::Store;
use reports::kpi::Thresholds;
use reports::{Amount, CategoryInfo, CountsAs, Report, ReportInput};

const ROWS: &str = include_str!("../../../bench/million-calls.sql");

/// Categories of the made-up calls.
const CATEGORIES: [(&str, CountsAs); 6] = [
    ("target", CountsAs::Target),
    ("test_results", CountsAs::NonTarget),
    ("doctor", CountsAs::NonTarget),
    ("reschedule", CountsAs::NonTarget),
    ("not_our_service", CountsAs::NonTarget),
    ("advertising", CountsAs::NonTarget),
];

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = std::env::args().nth(1).ok_or("usage: million FOLDER")?;
    std::fs::create_dir_all(&folder)?;
    let path = Path::new(&folder).join("million.db");
    // Stands beside a database that was filled to the end.
    let filled = path.with_extension("filled");
    if !filled.exists() {
        fill(&path).await?;
        std::fs::write(&filled, "")?;
    }
    let store = Store::open(&path).await?;
    let last = date(2026, 9, 30);
    println!("database: {} MB", std::fs::metadata(&path)?.len() / 1_000_000);
    for (what, from, to) in [("the last month", date(2026, 9, 1), last), ("all three years", date(2023, 10, 1), last)] {
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

/// The schema by the records' own migrations, the rows by the sqlite3 shell: one statement instead of a million.
async fn fill(path: &Path) -> Result<(), Box<dyn std::error::Error>> {
    for name in ["million.db", "million.db-wal", "million.db-shm"] {
        std::fs::remove_file(path.with_file_name(name)).ok();
    }
    Store::open(path).await?.close().await;
    let began = Instant::now();
    let mut shell = Command::new("sqlite3").arg("-bail").arg(path).stdin(Stdio::piped()).spawn()?;
    shell.stdin.take().ok_or("no way into sqlite3")?.write_all(ROWS.as_bytes())?;
    if !shell.wait()?.success() {
        return Err("sqlite3 could not fill the database".into());
    }
    println!("filled in {:.0} s", began.elapsed().as_secs_f64());
    Ok(())
}

fn input(from: Date, to: Date) -> ReportInput {
    let info = |(id, counts_as): &(&str, CountsAs)| CategoryInfo {
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
        clinic: "vet_lapa".into(),
        clinic_name: "Ветклиника «Лапа»".into(),
        timezone: "Europe/Moscow".into(),
        from,
        to,
        categories: CATEGORIES.iter().map(info).collect(),
        minute_cost: Some(Amount::new(950, "RUB")),
        thresholds: Thresholds::default(),
    }
}

fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}
