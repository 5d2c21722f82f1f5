//! How fast it is with a million calls. Prints, judges nothing: `cargo test -p records -- --ignored --nocapture volume`.

use std::time::Instant;

use futures_util::TryStreamExt as _;
use records::{BookOutcome, CallRecord, JournalRecord, Store};

use crate::{MINUTE, NOW, booking};

const CALLS: i64 = 1_000_000;
/// Three years.
const SPAN: i64 = 3 * 365 * 86_400_000;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "takes a minute; for figures"]
async fn a_million_calls_are_summed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("gudok.db");
    let store = Store::open(&path).await.unwrap();
    fill(&path).await;
    let (from, to) = (NOW - SPAN, NOW);
    for round in ["first", "second"] {
        let clock = Instant::now();
        let categories = store.category_totals("vet_lapa", from, to).await.unwrap();
        println!("{round}: {} categories of {CALLS} calls in {:?}", categories.len(), clock.elapsed());
        let clock = Instant::now();
        let hours = store.hour_of_week("vet_lapa", from, to).await.unwrap();
        println!("{round}: {} hours of the week in {:?}", hours.len(), clock.elapsed());
        let clock = Instant::now();
        let totals = store.period_totals("vet_lapa", from, to, 20_000, 5_000).await.unwrap();
        println!("{round}: totals of {} calls in {:?}", totals.offered, clock.elapsed());
        let clock = Instant::now();
        let month = store.category_totals("vet_lapa", to - 30 * 86_400_000, to).await.unwrap();
        println!("{round}: one month, {} calls, in {:?}", month.iter().map(|c| c.calls).sum::<i64>(), clock.elapsed());
    }
    let clock = Instant::now();
    let facts = store.call_facts("vet_lapa", from, to).try_fold(0, async |n, _| Ok(n + 1)).await.unwrap();
    println!("{facts} facts streamed in {:?}", clock.elapsed());
}

async fn fill(path: &std::path::Path) {
    let pool = sqlx::AnyPool::connect(&format!("sqlite://{}", path.display())).await.unwrap();
    let sql = format!(
        "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < {CALLS})
         INSERT INTO calls (id, clinic, timezone, source, direction, caller, started_ms, answered_ms, ended_ms,
            queue_wait_ms, talk_ms, first_time, local_day, local_hour, category, confidence, review)
         SELECT 'call-' || i, 'vet_lapa', 'Europe/Moscow', 'import', 'incoming', '+7903' || (i % 90000),
            {NOW} - {SPAN} + i * {step}, CASE WHEN i % 10 THEN {NOW} - {SPAN} + i * {step} + 5000 END,
            {NOW} - {SPAN} + i * {step} + 95000, i % 60 * 1000, CASE WHEN i % 10 THEN 90000 END, i % 3 = 0,
            18000 + i / 900, i % 168, 'category-' || (i % 11), 0.9, 0 FROM n",
        step = SPAN / CALLS
    );
    let clock = Instant::now();
    sqlx::query(sqlx::AssertSqlSafe(sql)).execute(&pool).await.unwrap();
    println!("filled in {:?}", clock.elapsed());
    pool.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "for figures"]
async fn writes_per_second() {
    let (_folder, store) = crate::store().await;
    store.start_call(&CallRecord::live("c1", "vet_lapa", "Europe/Moscow", NOW)).await.unwrap();
    let clock = Instant::now();
    for n in 0..500 {
        let outcome = store.book(&booking(&format!("b{n}"), "ivanova", NOW + n * 30 * MINUTE), "robot").await.unwrap();
        assert!(matches!(outcome, BookOutcome::Booked(_)));
    }
    println!("a booking, committed: {:?}", clock.elapsed() / 500);
    let entry = |seq| JournalRecord {
        call: "c1".to_owned(),
        seq,
        request: "{\"say\":\"Здравствуйте, ветклиника «Лапа», чем могу помочь?\"}".into(),
        reply: "{\"said\":\"complete\"}".into(),
        at_ms: NOW,
        took_ms: 3,
    };
    let clock = Instant::now();
    for seq in 0..500 {
        store.add_journal(entry(seq)).await.unwrap();
    }
    println!("a journal entry, alone: {:?}", clock.elapsed() / 500);
    let clock = Instant::now();
    let writers: Vec<_> = (0..200)
        .map(|task| {
            let store = store.clone();
            tokio::spawn(async move {
                for n in 0..100 {
                    store.add_journal(entry(500 + task * 100 + n)).await.unwrap();
                }
            })
        })
        .collect();
    for writer in writers {
        writer.await.unwrap();
    }
    println!("20000 journal entries of 200 calls at once: {:?}", clock.elapsed());
}
