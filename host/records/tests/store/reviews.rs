//! What people say of calls: kept with who and when, never overwritten by a program.

use futures_util::TryStreamExt as _;
use records::{CallRecord, Conversation, Direction, NewReview, RecordsError, Store, Tag, Turn, Who};
use serde_json::json;

use crate::{MINUTE, NOW, store};

async fn call(store: &Store, id: &str, started_ms: i64) {
    store.start_call(&CallRecord::live(id, "vet_lapa", "Europe/Moscow", started_ms)).await.unwrap();
    store.add_tag(&machine(id, "target", 0.41, true)).await.unwrap();
}

fn machine(call: &str, category: &str, confidence: f64, review: bool) -> Tag {
    Tag {
        call: call.to_owned(),
        category: category.to_owned(),
        confidence,
        evidence: json!([]),
        taxonomy_version: "1".to_owned(),
        model_version: "m1".to_owned(),
        review,
        by: "classifier".to_owned(),
        at_ms: NOW,
    }
}

fn says(call: &str, category: Option<&str>, by: &str) -> NewReview {
    NewReview {
        call: call.to_owned(),
        category: category.map(str::to_owned),
        taxonomy_version: "1".to_owned(),
        by: by.to_owned(),
        at_ms: NOW + MINUTE,
    }
}

async fn say(store: &Store, call: &str, who: Who, seq: i64, text: &str) {
    let (start_ms, end_ms) = (seq * 2_000, seq * 2_000 + 1_500);
    let (call, text) = (call.to_owned(), text.into());
    let turn = Turn { call, seq, who, text, start_ms, end_ms, confidence: None, latency_ms: None };
    store.add_turn(turn).await.unwrap();
}

#[tokio::test]
async fn a_persons_word_stands_and_no_program_overwrites_it() {
    let (_folder, store) = store().await;
    call(&store, "c1", NOW).await;
    let review = store.review(&says("c1", Some("doctor"), " Анна ")).await.unwrap();
    assert_eq!((review.was.as_deref(), review.was_by.as_deref()), (Some("target"), Some("classifier")));
    assert_eq!((review.was_confidence, review.was_model.as_deref()), (Some(0.41), Some("m1")));
    assert_eq!((review.by.as_str(), review.at_ms, review.seq), ("Анна", NOW + MINUTE, 0));

    let again = [machine("c1", "inpatient", 0.9, false)];
    assert_eq!(store.add_tags(&again).await.unwrap(), 0);
    let mut flow = machine("c1", "inpatient", 1.0, false);
    flow.by = "flow:vet-desk".to_owned();
    store.add_tag(&flow).await.unwrap();
    let tag = store.tag("c1").await.unwrap().unwrap();
    assert_eq!((tag.category.as_str(), tag.by.as_str(), tag.confidence), ("doctor", "Анна", 1.0));
    let row = store.call("c1").await.unwrap();
    assert_eq!((row.category.as_deref(), row.review), (Some("doctor"), false));

    // Another person may think otherwise; the latest word counts once.
    store.review(&says("c1", Some("test_results"), "Борис")).await.unwrap();
    let corrections = store.corrections(Some("vet_lapa")).await.unwrap();
    assert_eq!(corrections.len(), 1);
    assert_eq!(
        (corrections[0].category.as_deref(), corrections[0].was.as_deref()),
        (Some("test_results"), Some("doctor"))
    );
    assert_eq!(store.reviews("c1").await.unwrap().len(), 2);
    assert!(store.corrections(Some("med_plus")).await.unwrap().is_empty());
    assert_eq!(store.corrections(None).await.unwrap(), corrections);
}

#[tokio::test]
async fn a_call_that_is_put_off_goes_on_waiting() {
    let (_folder, store) = store().await;
    call(&store, "c1", NOW).await;
    store.review(&says("c1", None, "Анна")).await.unwrap();
    assert!(store.call("c1").await.unwrap().review);
    assert_eq!(store.put_off("vet_lapa").await.unwrap(), ["c1"]);
    assert!(store.corrections(None).await.unwrap().is_empty());
    assert_eq!(store.add_tags(&[machine("c1", "doctor", 0.8, true)]).await.unwrap(), 1, "it is open to programs");
    store.review(&says("c1", Some("doctor"), "Анна")).await.unwrap();
    assert!(store.put_off("vet_lapa").await.unwrap().is_empty());
}

#[tokio::test]
async fn nobody_speaks_in_a_programs_name_or_of_a_call_that_is_not() {
    let (_folder, store) = store().await;
    call(&store, "c1", NOW).await;
    for name in ["", "  ", "classifier", "flow:vet-desk", &"я".repeat(101)] {
        let error = store.review(&says("c1", Some("doctor"), name)).await.unwrap_err();
        assert!(matches!(error, RecordsError::BadValue { field: "by", .. }), "{name}: {error}");
    }
    let error = store.review(&says("nobody", Some("doctor"), "Анна")).await.unwrap_err();
    assert!(matches!(error, RecordsError::NotFound { what: "call", .. }), "{error}");
    assert!(store.corrections(None).await.unwrap().is_empty());
}

#[tokio::test]
async fn conversations_come_whole_and_say_what_is_known_of_them() {
    let (_folder, store) = store().await;
    let phone = "+79031234567";
    let mut ours = CallRecord::live("ours", "vet_lapa", "Europe/Moscow", NOW - 60 * MINUTE);
    (ours.direction, ours.caller, ours.ended_ms) = (Direction::Outgoing, Some(phone.into()), Some(NOW - 59 * MINUTE));
    store.start_call(&ours).await.unwrap();
    let mut theirs = CallRecord::live("c1", "vet_lapa", "Europe/Moscow", NOW);
    theirs.caller = Some(phone.into());
    store.start_call(&theirs).await.unwrap();
    say(&store, "c1", Who::Agent, 0, "Клиника").await;
    say(&store, "c1", Who::Caller, 1, "Вы мне звонили").await;
    call(&store, "c2", NOW + MINUTE).await;
    say(&store, "c2", Who::Caller, 0, "Можно врача").await;
    store.review(&says("c2", Some("doctor"), "Анна")).await.unwrap();
    call(&store, "silent", NOW + 2 * MINUTE).await;

    let all: Vec<Conversation> = store.conversations("vet_lapa", 0, i64::MAX).try_collect().await.unwrap();
    let seen: Vec<_> = all.iter().map(|one| (one.call.as_str(), one.turns.len(), one.missed_call)).collect();
    assert_eq!(seen, [("c1", 2, true), ("c2", 1, false)], "calls without words are left out");
    assert_eq!((all[0].category.as_deref(), all[0].by.as_deref(), all[0].corrected), (None, None, false));
    assert_eq!(
        (all[1].category.as_deref(), all[1].by.as_deref(), all[1].corrected),
        (Some("doctor"), Some("Анна"), true)
    );
    assert_eq!(all[0].turns[1].text.as_str(), "Вы мне звонили");
    assert!(store.returns_a_missed_call("c1").await.unwrap() && !store.returns_a_missed_call("c2").await.unwrap());
    let later: Vec<Conversation> =
        store.conversations("vet_lapa", NOW + 1, NOW + 2 * MINUTE).try_collect().await.unwrap();
    assert_eq!(later.len(), 1);
    let none: Vec<Conversation> = store.conversations("med_plus", 0, i64::MAX).try_collect().await.unwrap();
    assert!(none.is_empty());
}
