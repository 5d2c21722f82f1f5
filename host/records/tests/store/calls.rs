//! Calls, turns, journals, tags, notes, audio: what was written is what is read, and imports do not double.

use records::{CallEnd, CallFilter, CallRecord, Direction, JournalRecord, Note, Outcome, RecordsError, Tag, Turn, Who};
use serde_json::json;

use crate::{MINUTE, NOW, booking, store};

#[tokio::test]
async fn a_live_call_from_ring_to_hang_up() {
    let (_folder, store) = store().await;
    let call = CallRecord {
        caller: Some("+79031234567".into()),
        line: Some("+74951112233".to_owned()),
        answered_ms: Some(NOW + 2_000),
        queue_wait_ms: Some(2_000),
        flow_digest: Some("ab".repeat(32)),
        agent: Some("robot".to_owned()),
        ..CallRecord::live("c1", "vet_lapa", "Europe/Moscow", NOW)
    };
    store.start_call(&call).await.unwrap();
    store.start_call(&call).await.unwrap();
    let other = CallRecord::live("c1", "med_plus", "Europe/Moscow", NOW);
    assert!(matches!(store.start_call(&other).await, Err(RecordsError::Exists { .. })));

    store.set_outcome("c1", Outcome::Booked).await.unwrap();
    let end = CallEnd {
        ended_ms: NOW + 62_000,
        end_reason: Some("finished".to_owned()),
        hold_ms: Some(10_000),
        ..CallEnd::default()
    };
    store.end_call("c1", &end).await.unwrap();
    let read = store.call("c1").await.unwrap();
    let expected = CallRecord {
        ended_ms: Some(NOW + 62_000),
        outcome: Some(Outcome::Booked),
        end_reason: Some("finished".to_owned()),
        hold_ms: Some(10_000),
        talk_ms: Some(50_000),
        first_time: Some(true),
        ..call
    };
    assert_eq!(read, expected);
    assert!(matches!(store.end_call("nobody", &end).await, Err(RecordsError::NotFound { what: "call", .. })));
    assert!(!format!("{read:?}").contains("7903"), "a phone number in Debug output");
}

#[tokio::test]
async fn an_unknown_time_zone_is_refused() {
    let (_folder, store) = store().await;
    let error = store.start_call(&CallRecord::live("c1", "vet_lapa", "Moscow", NOW)).await.unwrap_err();
    assert!(error.to_string().contains("\"Moscow\" is no IANA time zone"), "{error}");
}

#[tokio::test]
async fn importing_twice_adds_nothing() {
    let (_folder, store) = store().await;
    let mut call = CallRecord::import("i1", "vet_lapa", "Europe/Moscow", NOW, "pbx-17");
    call.answered_ms = Some(NOW + 5_000);
    call.ended_ms = Some(NOW + 95_000);
    let first = store.import_call(&call).await.unwrap();
    assert!(first.is_new);
    call.id = "i2".to_owned();
    let second = store.import_call(&call).await.unwrap();
    assert_eq!((second.call.as_str(), second.is_new), ("i1", false));
    assert_eq!(store.calls(&CallFilter::default(), 10, None).await.unwrap().calls.len(), 1);
    assert_eq!(store.call("i1").await.unwrap().talk_ms, Some(90_000));

    // Many at once: all or none.
    let more: Vec<CallRecord> = (0..3)
        .map(|n| CallRecord::import(format!("m{n}"), "vet_lapa", "Europe/Moscow", NOW, &format!("pbx-{}", 16 + n)))
        .collect();
    let imported = store.import_calls(&more).await.unwrap();
    assert_eq!(imported.iter().map(|one| one.is_new).collect::<Vec<_>>(), [true, false, true]);
    assert_eq!(imported[1].call, "i1");
    let mut half = more.clone();
    half[0].external_id = Some("pbx-99".to_owned());
    half[0].id = "h0".to_owned();
    half[2].external_id = None;
    assert!(store.import_calls(&half).await.is_err());
    assert!(matches!(store.call("h0").await, Err(RecordsError::NotFound { .. })));

    // The same PBX id at another clinic is another call.
    let elsewhere = CallRecord { clinic: "med_plus".to_owned(), id: "i3".to_owned(), ..call.clone() };
    assert!(store.import_call(&elsewhere).await.unwrap().is_new);
    let nameless = CallRecord { external_id: None, ..call };
    assert!(matches!(store.import_call(&nameless).await, Err(RecordsError::BadValue { field: "external_id", .. })));
}

#[tokio::test]
async fn a_second_call_from_a_number_is_a_repeat() {
    let (_folder, store) = store().await;
    let call = |id: &str, at| CallRecord {
        caller: Some("+79031234567".into()),
        ..CallRecord::live(id, "vet_lapa", "Europe/Moscow", at)
    };
    store.start_call(&call("a", NOW)).await.unwrap();
    store.start_call(&call("b", NOW + 1)).await.unwrap();
    store.start_call(&CallRecord::live("c", "vet_lapa", "Europe/Moscow", NOW + 2)).await.unwrap();
    let first_time = async |id: &str| store.call(id).await.unwrap().first_time;
    assert_eq!(first_time("a").await, Some(true));
    assert_eq!(first_time("b").await, Some(false));
    assert_eq!(first_time("c").await, None);
}

#[tokio::test]
async fn turns_and_journal_keep_their_order_and_bear_a_retry() {
    let (_folder, store) = store().await;
    store.start_call(&CallRecord::live("c1", "vet_lapa", "Europe/Moscow", NOW)).await.unwrap();
    let turn = |seq: i64| Turn {
        call: "c1".to_owned(),
        seq,
        who: if seq % 2 == 0 { Who::Agent } else { Who::Caller },
        text: format!("слова {seq}").into(),
        start_ms: seq * 1000,
        end_ms: seq * 1000 + 800,
        confidence: (seq % 2 == 1).then_some(0.75),
        latency_ms: (seq % 2 == 0).then_some(640),
    };
    let entry = |seq: i64| JournalRecord {
        call: "c1".to_owned(),
        seq,
        request: "{\"say\":\"…\"}".into(),
        reply: "{}".into(),
        at_ms: NOW + seq,
        took_ms: 3,
    };
    let writes = (0..300).rev().map(|seq| {
        let store = store.clone();
        tokio::spawn(async move {
            store.add_turn(turn(seq)).await?;
            store.add_journal(entry(seq)).await
        })
    });
    for write in writes.collect::<Vec<_>>() {
        write.await.unwrap().unwrap();
    }
    assert_eq!(store.turns("c1").await.unwrap(), (0..300).map(turn).collect::<Vec<_>>());
    assert_eq!(store.journal("c1").await.unwrap(), (0..300).map(entry).collect::<Vec<_>>());

    store.add_turn(turn(7)).await.unwrap();
    store.add_journal(entry(7)).await.unwrap();
    let changed = Turn { text: "иное".into(), ..turn(7) };
    assert!(matches!(store.add_turn(changed).await, Err(RecordsError::Exists { what: "turn", .. })));
    let stray = Turn { call: "nobody".to_owned(), ..turn(1) };
    assert!(matches!(store.add_turn(stray).await, Err(RecordsError::NotFound { what: "call", .. })));
}

#[tokio::test]
async fn a_bad_row_does_not_fail_its_neighbours() {
    let (_folder, store) = store().await;
    store.start_call(&CallRecord::live("c1", "vet_lapa", "Europe/Moscow", NOW)).await.unwrap();
    let entry = |call: &str, seq| JournalRecord {
        call: call.to_owned(),
        seq,
        request: "{}".into(),
        reply: "{}".into(),
        at_ms: NOW,
        took_ms: 0,
    };
    let writes = (0..50).map(|seq| {
        let store = store.clone();
        let call = if seq % 10 == 3 { "nobody" } else { "c1" };
        tokio::spawn(async move { store.add_journal(entry(call, seq)).await.is_ok() })
    });
    let mut ok = 0;
    for write in writes.collect::<Vec<_>>() {
        ok += usize::from(write.await.unwrap());
    }
    assert_eq!(ok, 45);
    assert_eq!(store.journal("c1").await.unwrap().len(), 45);
}

#[tokio::test]
async fn the_latest_tag_stands_and_the_history_stays() {
    let (_folder, store) = store().await;
    store.start_call(&CallRecord::live("c1", "vet_lapa", "Europe/Moscow", NOW)).await.unwrap();
    assert_eq!(store.tag("c1").await.unwrap(), None);
    let robot = Tag {
        call: "c1".to_owned(),
        category: "doctor".to_owned(),
        confidence: 0.41,
        evidence: json!([{"start": 3, "end": 12, "weight": 1.5}]),
        taxonomy_version: "1".to_owned(),
        model_version: "2026-11".to_owned(),
        review: true,
        by: "classifier".to_owned(),
        at_ms: NOW,
    };
    store.add_tag(&robot).await.unwrap();
    assert!(store.call("c1").await.unwrap().review);
    let person = Tag {
        category: "target".to_owned(),
        confidence: 1.0,
        review: false,
        by: "administrator".to_owned(),
        evidence: json!(null),
        ..robot.clone()
    };
    store.add_tag(&person).await.unwrap();
    assert_eq!(store.tag("c1").await.unwrap(), Some(person.clone()));
    let history = store.tags("c1").await.unwrap();
    assert_eq!(history.iter().map(|entry| &entry.tag).collect::<Vec<_>>(), [&robot, &person]);
    let call = store.call("c1").await.unwrap();
    assert_eq!((call.category.as_deref(), call.review), (Some("target"), false));
    let impossible = Tag { confidence: 1.2, ..person.clone() };
    assert!(matches!(store.add_tag(&impossible).await, Err(RecordsError::BadValue { .. })));
    let stray = Tag { call: "nobody".to_owned(), ..person };
    assert!(matches!(store.add_tag(&stray).await, Err(RecordsError::NotFound { .. })));
}

#[tokio::test]
async fn notes_keep_the_last_value() {
    let (_folder, store) = store().await;
    store.start_call(&CallRecord::live("c1", "vet_lapa", "Europe/Moscow", NOW)).await.unwrap();
    let note = |value: &str| Note { call: "c1".into(), name: "animal".into(), value: value.into(), at_ms: NOW };
    store.add_note(&note("кот")).await.unwrap();
    store.add_note(&note("кошка")).await.unwrap();
    assert_eq!(store.notes("c1").await.unwrap(), [note("кошка")]);
}

#[tokio::test]
async fn audio_is_kept_once_and_checked_when_read() {
    let (_folder, store) = store().await;
    store.start_call(&CallRecord::live("c1", "vet_lapa", "Europe/Moscow", NOW)).await.unwrap();
    let bytes = vec![7u8; 4000];
    let sha256 = store.put_audio(&bytes, "stereo").await.unwrap();
    assert_eq!(store.put_audio(&bytes, "stereo").await.unwrap(), sha256);
    store.attach_audio("c1", "stereo", &sha256).await.unwrap();
    assert_eq!(store.call_audio("c1").await.unwrap()[0].bytes, 4000);
    assert_eq!(store.audio(&sha256).await.unwrap(), bytes);

    let path = store.audio_path(&sha256).unwrap();
    assert!(path.ends_with(format!("audio/{}/{}.wav", &sha256[..2], &sha256[2..])));
    std::fs::write(&path, [8u8; 4000]).unwrap();
    assert!(matches!(store.audio(&sha256).await, Err(RecordsError::Audio { .. })));
    assert!(matches!(store.audio(&"0".repeat(64)).await, Err(RecordsError::NotFound { .. })));
    assert!(matches!(store.audio("../../etc/passwd").await, Err(RecordsError::BadValue { .. })));
    assert!(matches!(store.attach_audio("c1", "stereo", &"0".repeat(64)).await, Err(RecordsError::NotFound { .. })));
}

#[tokio::test]
async fn pages_go_through_every_call_once_latest_first() {
    let (_folder, store) = store().await;
    for n in 0..25 {
        // Pairs start at the same moment.
        let mut call = CallRecord::live(format!("c{n:02}"), "vet_lapa", "Europe/Moscow", NOW + n / 2);
        if n % 5 == 0 {
            call.clinic = "med_plus".to_owned();
        }
        store.start_call(&call).await.unwrap();
    }
    let filter = CallFilter { clinic: Some("vet_lapa".to_owned()), from_ms: Some(NOW), ..CallFilter::default() };
    let (mut seen, mut after) = (Vec::new(), None);
    loop {
        let page = store.calls(&filter, 7, after.as_ref()).await.unwrap();
        assert!(page.calls.len() <= 7);
        seen.extend(page.calls.into_iter().map(|call| call.id));
        let Some(next) = page.next else { break };
        after = Some(next.to_string().parse().unwrap());
    }
    let mut expected: Vec<String> = (0..25).rev().filter(|n| n % 5 != 0).map(|n| format!("c{n:02}")).collect();
    assert_eq!(seen, expected);
    expected.dedup();
    assert_eq!(expected.len(), 20);
    let none = CallFilter {
        category: Some("target".to_owned()),
        outcome: Some(Outcome::Booked),
        source: Some(records::Source::Import),
        caller: Some("+7".into()),
        review: Some(true),
        to_ms: Some(NOW),
        ..filter
    };
    assert!(store.calls(&none, 7, None).await.unwrap().calls.is_empty());
    assert!("nonsense".parse::<records::Cursor>().is_err());
}

#[tokio::test]
async fn a_crash_leaves_no_call_open_for_ever() {
    let (_folder, store) = store().await;
    store.start_call(&CallRecord::live("old", "vet_lapa", "Europe/Moscow", NOW)).await.unwrap();
    store.start_call(&CallRecord::live("new", "vet_lapa", "Europe/Moscow", NOW + MINUTE)).await.unwrap();
    let turn = Turn {
        call: "old".to_owned(),
        seq: 0,
        who: Who::Agent,
        text: "Здравствуйте".into(),
        start_ms: 0,
        end_ms: 1_700,
        confidence: None,
        latency_ms: None,
    };
    store.add_turn(turn).await.unwrap();
    assert_eq!(store.close_unfinished(NOW + MINUTE).await.unwrap(), 1);
    let old = store.call("old").await.unwrap();
    assert_eq!((old.ended_ms, old.end_reason.as_deref()), (Some(NOW + 1_700), Some("crashed")));
    assert_eq!(store.call("new").await.unwrap().ended_ms, None);
}

#[tokio::test]
async fn reports_get_facts_and_sums() {
    let (_folder, store) = store().await;
    // (category, wait s, talk s if answered)
    let calls = [
        (Some("target"), 5, Some(120)),
        (Some("target"), 40, Some(60)),
        (Some("doctor"), 10, Some(30)),
        (None, 3, None),
        (None, 90, None),
    ];
    for (n, (category, wait, talk)) in calls.into_iter().enumerate() {
        let started_ms = NOW + n as i64 * 3_600_000;
        let answered_ms = talk.map(|_| started_ms + wait * 1000);
        let ended_ms = started_ms + (wait + talk.unwrap_or(0)) * 1000;
        let call = CallRecord {
            answered_ms,
            ended_ms: Some(ended_ms),
            queue_wait_ms: Some(wait * 1000),
            caller: Some(format!("+7903000000{}", n % 2).into()),
            ..CallRecord::import(format!("c{n}"), "vet_lapa", "Europe/Moscow", started_ms, &format!("x{n}"))
        };
        store.import_call(&call).await.unwrap();
        if let Some(category) = category {
            let tag = Tag {
                call: call.id.clone(),
                category: category.to_owned(),
                confidence: 0.9,
                evidence: json!([]),
                taxonomy_version: "1".to_owned(),
                model_version: "m".to_owned(),
                review: n == 1,
                by: "classifier".to_owned(),
                at_ms: NOW,
            };
            store.add_tag(&tag).await.unwrap();
        }
    }
    let outgoing = CallRecord {
        direction: Direction::Outgoing,
        ended_ms: Some(NOW + 1),
        ..CallRecord::import("out", "vet_lapa", "Europe/Moscow", NOW, "out")
    };
    store.import_call(&outgoing).await.unwrap();
    let visit = records::BookingRecord { call: Some("c0".to_owned()), ..booking("b1", "ivanova", NOW + 86_400_000) };
    store.book(&visit, "robot").await.unwrap();

    let (from, to) = (NOW, NOW + 24 * 3_600_000);
    let totals = store.period_totals("vet_lapa", from, to, 20_000, 5_000).await.unwrap();
    assert_eq!((totals.offered, totals.answered, totals.answered_in_time), (5, 3, 2));
    assert_eq!((totals.lost_in_time, totals.lost_short), (1, 1));
    assert_eq!((totals.first_time, totals.repeat), (2, 3));
    assert_eq!((totals.answered_wait_ms, totals.lost_wait_ms, totals.talk_ms), (55_000, 93_000, 210_000));

    let categories = store.category_totals("vet_lapa", from, to).await.unwrap();
    let by_category = |id: Option<&str>| categories.iter().find(|total| total.category.as_deref() == id).unwrap();
    assert_eq!((by_category(Some("target")).calls, by_category(Some("target")).talk_ms), (2, 180_000));
    assert_eq!((by_category(Some("target")).review, by_category(None).calls), (1, 2));

    // Monday ten o'clock in Moscow is hour 10 of the week, on day 20780.
    let hours = store.hour_of_week("vet_lapa", from, to).await.unwrap();
    assert_eq!(hours.iter().map(|hour| hour.hour).collect::<Vec<_>>(), [10, 11, 12, 13, 14]);
    let days = store.day_totals("vet_lapa", from, to).await.unwrap();
    assert_eq!((days.len(), days[0].day, days[0].calls, days[0].answered), (1, 20_780, 5, 3));

    let facts = store.collect_call_facts("vet_lapa", from, to).await.unwrap();
    assert_eq!(facts.len(), 6);
    let first = facts.iter().find(|fact| fact.id == "c0").unwrap();
    assert_eq!((first.category.as_deref(), first.booked, first.arrived), (Some("target"), true, false));
    assert!(facts.iter().filter(|fact| fact.booked).count() == 1);
    assert!(store.category_totals("med_plus", from, to).await.unwrap().is_empty());
    assert_eq!(store.period_totals("med_plus", from, to, 1, 1).await.unwrap(), Default::default());
}
