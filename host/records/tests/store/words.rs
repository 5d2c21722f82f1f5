//! Calls are found by words that were said, whether a word is in every call or in two, whatever else is asked for, and page by
//! page; how fast that is with many calls: `cargo test -p records --test store -- --ignored --nocapture words`.

use std::time::Instant;

use records::{CallFilter, CallRecord, Cursor, Store, Turn, Who};

use crate::{MINUTE, NOW, place, store};

/// More calls than a walk looks at before it asks the index.
const CALLS: i64 = 1_400;

/// What is said in a call: somebody greets in nearly every one, asks for a haircut in every third, and names an animal in a few.
fn talk(n: i64) -> [String; 2] {
    let greeting = if n % 10 == 9 { "Алло" } else { "Здравствуйте, это клиника" };
    let wish = match n {
        _ if n % 3 == 0 => "хочу подстричь кота, сколько стоит стрижка",
        _ if n % 50 == 1 => "у нас морская свинка",
        _ => "запишите на прививку",
    };
    let animal = if n == 17 || n == 1_250 { " и бульдога" } else { "" };
    [greeting.to_owned(), format!("{wish}{animal}")]
}

async fn fill(store: &Store) {
    let mut writers = tokio::task::JoinSet::new();
    for part in 0..20 {
        let store = store.clone();
        writers.spawn(async move {
            for n in (part..CALLS).step_by(20) {
                let mut call = CallRecord::live(id(n), "vet_lapa", "Europe/Moscow", NOW - n * MINUTE);
                call.flow_digest = (n % 2 == 0).then(|| "ab".repeat(32));
                store.start_call(&call).await.unwrap();
                for (seq, text) in (0..).zip(talk(n)) {
                    let who = if seq == 0 { Who::Agent } else { Who::Caller };
                    let turn = Turn {
                        call: id(n),
                        seq,
                        who,
                        text: text.into(),
                        start_ms: 0,
                        end_ms: 1,
                        confidence: None,
                        latency_ms: None,
                    };
                    store.add_turn(turn).await.unwrap();
                }
            }
            // Another clinic's calls with the same words are nobody's business.
            if part == 0 {
                let other = CallRecord::live("other", "vet_zoo", "Europe/Moscow", NOW);
                store.start_call(&other).await.unwrap();
            }
        });
    }
    writers.join_all().await;
}

fn id(n: i64) -> String {
    format!("call-{n:05}")
}

/// Every page of a search, put together.
async fn all(store: &Store, filter: &CallFilter, page: u32) -> Vec<String> {
    let (mut found, mut after): (Vec<String>, Option<Cursor>) = (Vec::new(), None);
    loop {
        let next = store.calls(filter, page, after.as_ref()).await.unwrap();
        found.extend(next.calls.into_iter().map(|call| call.id));
        after = next.next;
        if after.is_none() {
            return found;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn rare_and_common_words_find_the_same_calls_as_looking_at_each() {
    let (_folder, store) = store().await;
    fill(&store).await;
    let has = |n: i64, stems: &[&str]| {
        let said = talk(n).join(" ").to_lowercase();
        stems.iter().all(|stem| said.contains(stem))
    };
    let filter =
        |said: &str| CallFilter { clinic: Some("vet_lapa".into()), said: Some(said.into()), ..CallFilter::default() };
    for (typed, stems) in [
        ("здравствуйте", &["здравствуйт"][..]),
        ("стрижку", &["стрижк"]),
        ("здравствуйте стрижка", &["здравствуйт", "стрижк"]),
        ("свинку", &["свинк"]),
        ("здравствуйте свинка", &["здравствуйт", "свинк"]),
        ("бульдог", &["бульдог"]),
        ("Здравствуйте, бульдога стрижка", &["здравствуйт", "бульдог", "стрижк"]),
        ("жираф", &["жираф"]),
        ("здравствуйте жираф", &["здравствуйт", "жираф"]),
    ] {
        let expected: Vec<String> = (0..CALLS).filter(|n| has(*n, stems)).map(id).collect();
        for page in [50, 1_000] {
            assert_eq!(all(&store, &filter(typed), page).await, expected, "{typed}, {page} at a time");
        }
        let of_flow = CallFilter { flow: Some("abab".into()), from_ms: Some(NOW - 900 * MINUTE), ..filter(typed) };
        let expected: Vec<String> = (0..=900).filter(|n| n % 2 == 0 && has(*n, stems)).map(id).collect();
        assert_eq!(all(&store, &of_flow, 50).await, expected, "{typed}, of one flow");
    }
    let elsewhere = CallFilter { clinic: Some("vet_zoo".into()), ..filter("здравствуйте") };
    assert!(all(&store, &elsewhere, 50).await.is_empty());
}

/// Turns of a call.
const TURNS: i64 = 10;
const MANY: i64 = 100_000;

#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes a minute; for figures"]
async fn words_in_a_hundred_thousand_calls() {
    let (_folder, store) = store().await;
    make_many(&store).await;
    for (name, typed) in [
        ("in nearly every call", "здравствуйте"),
        ("in nearly every call, three letters", "для"),
        ("in a third", "прививка"),
        ("in one of a hundred", "наркоз"),
        ("in one of ten thousand", "шиншилла"),
        ("common and rare", "здравствуйте шиншилла"),
        ("common, a third and one of a hundred", "здравствуйте прививка наркоз"),
        ("in none", "жираф"),
    ] {
        let filter = CallFilter { clinic: Some("vet_lapa".into()), said: Some(typed.into()), ..CallFilter::default() };
        let mut times = Vec::new();
        let mut found = 0;
        for _ in 0..20 {
            let clock = Instant::now();
            found = store.calls(&filter, 50, None).await.unwrap().calls.len();
            times.push(clock.elapsed());
        }
        times.sort_unstable();
        println!("{name} ({typed}): {found} calls, p50 {:.1?}, p95 {:.1?}", times[10], times[18]);
    }
}

async fn make_many(store: &Store) {
    sqlx::any::install_default_drivers();
    let place = place(store);
    let address = if place.contains("://") { place } else { format!("sqlite://{place}") };
    let pool = sqlx::AnyPool::connect(&address).await.unwrap();
    let clock = Instant::now();
    for sql in [
        format!(
            "WITH RECURSIVE n(i) AS (SELECT CAST(0 AS BIGINT) UNION ALL SELECT i + 1 FROM n WHERE i + 1 < {MANY})
             INSERT INTO calls (id, clinic, timezone, source, direction, caller, started_ms, answered_ms, ended_ms, talk_ms,
                local_day, local_hour, review)
             SELECT 'call-' || i, 'vet_lapa', 'Europe/Moscow', 'import', 'incoming', '+7903' || (1000000 + i % 90000),
                {NOW} - ({MANY} - i) * 60000, {NOW} - ({MANY} - i) * 60000 + 5000, {NOW} - ({MANY} - i) * 60000 + 95000, 90000,
                18000 + i / 900, i % 168, 0 FROM n"
        ),
        format!(
            "WITH RECURSIVE n(i) AS (SELECT CAST(0 AS BIGINT) UNION ALL SELECT i + 1 FROM n WHERE i + 1 < {MANY}),
                s(k) AS (SELECT 0 UNION ALL SELECT k + 1 FROM s WHERE k + 1 < {TURNS})
             INSERT INTO turns (call, seq, who, text, start_ms, end_ms)
             SELECT 'call-' || i, k, CASE WHEN k % 2 = 0 THEN 'agent' ELSE 'caller' END,
                CASE WHEN k = 0 THEN 'Здравствуйте, ветклиника Лапа, чем помочь? Разговор записывается для качества'
                     WHEN k = 1 AND i % 3 = 0 THEN 'Добрый день, сколько стоит прививка для кота, он у нас домашний'
                     WHEN k = 1 THEN 'Добрый день, хотели бы показать собаку терапевту на этой неделе'
                     WHEN k = 3 AND i % 10000 = 7 THEN 'Ещё у нас шиншилла, её тоже смотрите?'
                     WHEN k = 3 AND i % 100 = 7 THEN 'А наркоз у вас делают, и сколько он длится'
                     WHEN k % 2 = 0 THEN 'Для вас есть время завтра в ' || (9 + (i + k) % 10) || ' часов, записываю?'
                     ELSE 'Да, давайте, фамилия ' || (i * 7 % 5000) || ', спасибо' END,
                k * 4000, k * 4000 + 3000 FROM n CROSS JOIN s ORDER BY i, k"
        ),
        "ANALYZE".to_owned(),
    ] {
        sqlx::query(sqlx::AssertSqlSafe(sql)).execute(&pool).await.unwrap();
    }
    pool.close().await;
    println!("{MANY} calls of {TURNS} turns made in {:.0?}", clock.elapsed());
}
