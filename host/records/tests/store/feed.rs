//! The list of changes: one event a change, in order, without personal data, read from where a reader left off.

use records::{CallEnd, CallRecord, Change, NewTime, Outcome, Status, Store};

use crate::{MINUTE, NOW, booking, store};

fn change(at_ms: i64) -> Change {
    Change { at_ms, by: "desk".into(), reason: "Анна попросила".into(), ..Change::default() }
}

async fn kinds(store: &Store, after: i64) -> Vec<(String, String)> {
    let events = store.feed(after, None, 100).await.unwrap();
    events.into_iter().map(|event| (event.kind, event.subject)).collect()
}

#[tokio::test]
async fn a_visit_tells_what_became_of_it_in_order() {
    let (_folder, store) = store().await;
    store.book(&booking("a", "petrov", NOW), "robot").await.unwrap();
    let to = NewTime {
        id: "b".into(),
        doctor: "petrov".into(),
        service: "terapiya".into(),
        start_ms: NOW + 60 * MINUTE,
        end_ms: NOW + 90 * MINUTE,
        ..NewTime::default()
    };
    store.move_booking("a", &to, &change(NOW + 1)).await.unwrap();
    store.set_booking_status("b", Status::Confirmed, &change(NOW + 2)).await.unwrap();
    store.cancel("b", &change(NOW + 3)).await.unwrap();
    store.cancel("b", &change(NOW + 4)).await.unwrap();

    let told = kinds(&store, 0).await;
    let expected = ["visit.booked", "visit.moved", "visit.confirmed", "visit.cancelled"];
    assert_eq!(told, expected.map(|kind| (kind.to_owned(), "a".to_owned())));
    let events = store.feed(0, Some("vet_lapa"), 100).await.unwrap();
    assert_eq!(events.iter().map(|event| event.position).collect::<Vec<_>>(), [1, 2, 3, 4]);
    assert_eq!(events[1].data["moved_from"]["booking"], "a");
    assert_eq!(events[1].data["booking"], "b");
    let all = serde_json::to_string(&events).unwrap();
    for personal in ["Анна", "Барсик", "9031234567", "чихает"] {
        assert!(!all.contains(personal), "{all}");
    }
    assert!(store.feed(0, Some("another"), 100).await.unwrap().is_empty());
}

#[tokio::test]
async fn what_did_not_happen_is_not_told() {
    let (_folder, store) = store().await;
    store.book(&booking("a", "petrov", NOW), "robot").await.unwrap();
    store.book(&booking("b", "petrov", NOW), "robot").await.unwrap();
    store.book(&booking("a", "petrov", NOW), "robot").await.unwrap();
    assert_eq!(store.feed_end().await.unwrap(), 1);
}

#[tokio::test]
async fn a_reader_goes_on_where_it_stopped_and_never_back() {
    let (_folder, store) = store().await;
    let mut bell = store.feed_bell();
    for number in 0..3 {
        let visit = booking(&format!("v{number}"), "petrov", NOW + number * 60 * MINUTE);
        store.book(&visit, "robot").await.unwrap();
    }
    bell.changed().await.unwrap();
    assert_eq!(store.feed_read_to("crm").await.unwrap(), 0);
    assert_eq!(store.feed(0, None, 2).await.unwrap().len(), 2);
    store.feed_reached("crm", 2, NOW).await.unwrap();
    store.feed_reached("crm", 1, NOW).await.unwrap();
    assert_eq!(store.feed_read_to("crm").await.unwrap(), 2);
    let rest = store.feed(store.feed_read_to("crm").await.unwrap(), None, 100).await.unwrap();
    assert_eq!(rest.len(), 1);
    assert_eq!(rest[0].subject, "v2");
}

#[tokio::test]
async fn a_call_that_is_over_is_told_once() {
    let (_folder, store) = store().await;
    let mut bell = store.feed_bell();
    for id in ["a", "crashed"] {
        let mut call = CallRecord::live(id, "vet_lapa", "Europe/Moscow", NOW);
        call.caller = Some("+79031234567".into());
        store.start_call(&call).await.unwrap();
    }
    assert_eq!(store.feed_end().await.unwrap(), 0);
    let end = CallEnd { ended_ms: NOW + MINUTE, outcome: Some(Outcome::Booked), ..CallEnd::default() };
    store.end_call("a", &end).await.unwrap();
    bell.changed().await.unwrap();
    store.end_call("a", &end).await.unwrap();
    assert_eq!(store.close_unfinished(NOW + 1).await.unwrap(), 1);
    assert_eq!(store.close_unfinished(NOW + 1).await.unwrap(), 0);
    let events = store.feed(0, None, 10).await.unwrap();
    let told: Vec<_> = events.iter().map(|event| (event.kind.as_str(), event.subject.as_str())).collect();
    assert_eq!(told, [("call.ended", "a"), ("call.ended", "crashed")]);
    assert_eq!((events[0].at_ms, &events[0].data["outcome"]), (NOW + MINUTE, &"booked".into()));
    assert!(!serde_json::to_string(&events).unwrap().contains("9031234567"));
}
