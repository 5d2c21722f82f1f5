//! The outbox row by row: planned once, given out once, settled by whoever holds it.

use records::{
    AboutVisit, Answer, Change, Channel, MessageState, NewMessage, OutreachBatch, RecordsError, Status, Store,
};

use crate::{MINUTE, NOW, booking, store};

fn message(id: &str, visit: &str, start_ms: i64) -> NewMessage {
    NewMessage {
        id: id.into(),
        clinic: "vet_lapa".into(),
        channel: Channel::Sms,
        recipient: "+79031234567".into(),
        template: "booked".into(),
        title: "".into(),
        body: "Анна, ждём вас".into(),
        language: "ru".into(),
        about: Some(AboutVisit { visit: visit.into(), booking: visit.into(), start_ms }),
        contact: None,
        step: "booked".into(),
        asks: true,
        dedup: format!("{visit}/booked/{start_ms}"),
        not_before_ms: NOW,
        not_after_ms: NOW + 60 * MINUTE,
        created_ms: NOW,
    }
}

async fn plan(store: &Store, messages: Vec<NewMessage>) -> Vec<String> {
    store.outreach(&OutreachBatch { messages, now_ms: NOW, ..OutreachBatch::default() }).await.unwrap()
}

async fn claim(store: &Store, now: i64) -> Option<records::Message> {
    store.claim_message("vet_lapa", Channel::Sms, &records::id(), now, 1_000).await.unwrap()
}

#[tokio::test]
async fn a_message_is_planned_once_and_given_out_once() {
    let (_folder, store) = store().await;
    store.book(&booking("v", "petrov", NOW + 90 * MINUTE), "robot").await.unwrap();
    let start = NOW + 90 * MINUTE;
    assert_eq!(plan(&store, vec![message("m", "v", start), message("n", "v", start)]).await, ["m"]);
    assert!(plan(&store, vec![message("o", "v", start)]).await.is_empty());
    let held = claim(&store, NOW).await.unwrap();
    assert_eq!((held.new.id.as_str(), held.state, held.attempts), ("m", MessageState::Sending, 1));
    assert!(claim(&store, NOW).await.is_none());
    assert!(store.stale_message("vet_lapa", Channel::Sms, NOW + 999, 1_000).await.unwrap().is_none());
    // Its holder died: the key stays.
    let again = store.stale_message("vet_lapa", Channel::Sms, NOW + 1_000, 1_000).await.unwrap().unwrap();
    assert_eq!(again.attempt, held.attempt);
    store.message_sent(&again, Some("g1"), NOW + 1_500).await.unwrap();
    let late = store.message_sent(&held, Some("g1"), NOW + 1_600).await.unwrap_err();
    assert!(matches!(late, RecordsError::LeaseLost { .. }));
    assert!(store.message_report(Channel::Sms, "g1", true, NOW + 2_000).await.unwrap());
    assert_eq!(store.message("m").await.unwrap().state, MessageState::Delivered);
    let kinds: Vec<String> = store.feed(0, None, 10).await.unwrap().into_iter().map(|event| event.kind).collect();
    assert_eq!(kinds, ["visit.booked", "message.sent"]);
}

#[tokio::test]
async fn a_key_ends_with_a_refusal_and_stays_with_a_doubt() {
    let (_folder, store) = store().await;
    store.book(&booking("v", "petrov", NOW + 90 * MINUTE), "robot").await.unwrap();
    plan(&store, vec![message("m", "v", NOW + 90 * MINUTE)]).await;
    let first = claim(&store, NOW).await.unwrap();
    store.message_again(&first, true, NOW + 10, "broke off", NOW).await.unwrap();
    assert!(claim(&store, NOW + 9).await.is_none(), "not before its time");
    let second = claim(&store, NOW + 10).await.unwrap();
    assert_eq!(second.attempt, first.attempt);
    store.message_again(&second, false, NOW + 20, "busy", NOW + 10).await.unwrap();
    let third = claim(&store, NOW + 20).await.unwrap();
    assert_ne!(third.attempt, first.attempt);
    assert_eq!(third.attempts, 3);
}

#[tokio::test]
async fn what_no_longer_holds_is_not_given_out() {
    let (_folder, store) = store().await;
    let start = NOW + 90 * MINUTE;
    store.book(&booking("v", "petrov", start), "robot").await.unwrap();
    plan(&store, vec![message("m", "v", start), message("n", "v", start - MINUTE)]).await;
    assert_eq!(claim(&store, NOW).await.unwrap().new.id, "m", "the other one tells of another time");
    assert!(claim(&store, NOW).await.is_none());
    store.book(&booking("w", "ivanov", start), "robot").await.unwrap();
    plan(&store, vec![message("o", "w", start)]).await;
    let change = Change { at_ms: NOW, by: "desk".into(), ..Change::default() };
    store.set_booking_status("w", Status::Cancelled, &change).await.unwrap();
    assert!(claim(&store, NOW).await.is_none());
    // Too late: failed, and told.
    claim(&store, NOW + 60 * MINUTE).await;
    assert_eq!(store.message("o").await.unwrap().state, MessageState::Failed);
    let kinds: Vec<String> = store.feed(0, None, 20).await.unwrap().into_iter().map(|event| event.kind).collect();
    assert_eq!(kinds.iter().filter(|kind| *kind == "message.failed").count(), 2);
}

#[tokio::test]
async fn a_clear_answer_stands() {
    let (_folder, store) = store().await;
    store.book(&booking("v", "petrov", NOW + 90 * MINUTE), "robot").await.unwrap();
    plan(&store, vec![message("m", "v", NOW + 90 * MINUTE)]).await;
    let phone = "+79031234567".into();
    assert!(store.open_questions("vet_lapa", &phone, NOW).await.unwrap().is_empty(), "not sent yet");
    let held = claim(&store, NOW).await.unwrap();
    store.message_sent(&held, None, NOW).await.unwrap();
    assert!(store.message_answered("m", Answer::Unclear, NOW).await.unwrap());
    assert_eq!(store.open_questions("vet_lapa", &phone, NOW).await.unwrap().len(), 1);
    assert!(store.message_answered("m", Answer::Yes, NOW).await.unwrap());
    assert!(!store.message_answered("m", Answer::No, NOW).await.unwrap());
    assert_eq!(store.message("m").await.unwrap().answer, Some(Answer::Yes));
    assert!(store.open_questions("vet_lapa", &phone, NOW).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_reader_and_what_it_planned_are_one_commit() {
    let (_folder, store) = store().await;
    let batch = OutreachBatch {
        reader: Some(("outreach", 7)),
        messages: vec![message("m", "v", NOW + 90 * MINUTE)],
        wakes: vec![("v".into(), "vet_lapa".into(), Some(NOW + 5))],
        now_ms: NOW,
        ..OutreachBatch::default()
    };
    store.outreach(&batch).await.unwrap();
    assert_eq!(store.feed_read_to("outreach").await.unwrap(), 7);
    assert_eq!(store.visits_to_remind("vet_lapa", NOW + 5, 10).await.unwrap(), ["v"]);
    assert_eq!(store.outreach_wake("vet_lapa").await.unwrap(), Some(NOW));
    let batch = OutreachBatch {
        withdraw: vec![("m".into(), "the visit is no more")],
        wakes: vec![("v".into(), "vet_lapa".into(), None)],
        now_ms: NOW,
        ..OutreachBatch::default()
    };
    store.outreach(&batch).await.unwrap();
    assert_eq!(store.message("m").await.unwrap().state, MessageState::Withdrawn);
    assert_eq!(store.outreach_wake("vet_lapa").await.unwrap(), None);
}
