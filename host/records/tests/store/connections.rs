//! Deliveries and links: claimed by one, in order for each subject, never lost, never doubled.

use records::{AfterFailure, DeliveryAttempt, DeliveryState, FeedEvent, Link, LinkKind, ReadTo, RecordsError, Store};
use serde_json::json;

use crate::{MINUTE, NOW, booking, store};

const LEASE: i64 = MINUTE;

async fn queued(store: &Store, visits: &[&str]) -> Vec<FeedEvent> {
    store.know_endpoint("site", NOW).await.unwrap();
    for (number, id) in visits.iter().enumerate() {
        let mut visit = booking(id, "petrov", NOW + number as i64 * 60 * MINUTE);
        visit.visit = id.split('-').next().unwrap().to_owned();
        store.book(&visit, "robot").await.unwrap();
    }
    let events = store.feed(0, None, 100).await.unwrap();
    let all: Vec<&FeedEvent> = events.iter().collect();
    store.queue_deliveries("site", &all, events.len() as i64, NOW).await.unwrap();
    events
}

fn attempt(at_ms: i64) -> DeliveryAttempt {
    DeliveryAttempt { at_ms, took_ms: 5, status: Some(500), problem: Some("it answered 500".into()) }
}

#[tokio::test]
async fn a_subject_waits_for_its_own_and_for_nobody_else() {
    let (_folder, store) = store().await;
    queued(&store, &["a-1", "a-2", "b-1"]).await;
    let first = store.claim_delivery("site", NOW, LEASE).await.unwrap().unwrap();
    let second = store.claim_delivery("site", NOW, LEASE).await.unwrap().unwrap();
    assert_eq!((first.subject.as_str(), second.subject.as_str()), ("a", "b"));
    assert_eq!(store.claim_delivery("site", NOW, LEASE).await.unwrap(), None);
    let then = AfterFailure { again_ms: Some(NOW + 5 * MINUTE), ..AfterFailure::default() };
    store.delivery_failed(&first, &attempt(NOW), then).await.unwrap();
    store.delivered(&second, &DeliveryAttempt { status: Some(200), problem: None, ..attempt(NOW) }).await.unwrap();
    assert_eq!(store.claim_delivery("site", NOW + MINUTE, LEASE).await.unwrap(), None);
    assert_eq!(store.next_delivery_ms("site").await.unwrap(), Some(NOW + 5 * MINUTE));
    let again = store.claim_delivery("site", NOW + 5 * MINUTE, LEASE).await.unwrap().unwrap();
    assert_eq!((again.event, again.attempts), (first.event, 2));
}

#[tokio::test]
async fn a_lease_that_ran_out_is_lost_to_who_had_it() {
    let (_folder, store) = store().await;
    queued(&store, &["a-1"]).await;
    let dead = store.claim_delivery("site", NOW, LEASE).await.unwrap().unwrap();
    assert_eq!(store.claim_delivery("site", NOW + LEASE - 1, LEASE).await.unwrap(), None);
    let heir = store.claim_delivery("site", NOW + LEASE, LEASE).await.unwrap().unwrap();
    assert_eq!(heir.event, dead.event);
    let late = store.delivered(&dead, &attempt(NOW + LEASE)).await;
    assert!(matches!(late, Err(RecordsError::LeaseLost { .. })));
    store.delivered(&heir, &attempt(NOW + LEASE)).await.unwrap();
    assert_eq!(store.delivery_attempts("site", &heir.event).await.unwrap().len(), 1);
}

#[tokio::test]
async fn what_is_queued_twice_is_there_once_and_is_forgotten_when_it_is_old() {
    let (_folder, store) = store().await;
    let events = queued(&store, &["a-1"]).await;
    store.queue_deliveries("site", &[&events[0]], 1, NOW).await.unwrap();
    let delivery = store.claim_delivery("site", NOW, LEASE).await.unwrap().unwrap();
    store.delivered(&delivery, &attempt(NOW)).await.unwrap();
    store.queue_deliveries("site", &[&events[0]], 1, NOW).await.unwrap();
    let delivered = store.deliveries("site", Some(DeliveryState::Delivered), None, 10).await.unwrap();
    assert_eq!(delivered.len(), 1);
    assert_eq!(store.forget_deliveries(NOW).await.unwrap(), 0);
    assert_eq!(store.forget_deliveries(NOW + MINUTE).await.unwrap(), 1);
    assert!(store.delivery_attempts("site", &delivery.event).await.unwrap().is_empty());
    assert!(matches!(store.endpoint("other").await, Err(RecordsError::NotFound { .. })));
}

fn link(kind: LinkKind, ours: &str, theirs: &str) -> Link {
    let (connector, ours, theirs) = ("crm".to_owned(), ours.to_owned(), theirs.to_owned());
    Link { connector, kind, ours, theirs, seen: json!({ "stage": "NEW" }), updated_ms: NOW }
}

#[tokio::test]
async fn no_visit_has_two_deals_and_no_deal_two_visits() {
    let (_folder, store) = store().await;
    store.put_link(&link(LinkKind::Deal, "a", "1")).await.unwrap();
    store.put_link(&link(LinkKind::Deal, "a", "1")).await.unwrap();
    for second in [link(LinkKind::Deal, "a", "2"), link(LinkKind::Deal, "b", "1")] {
        let refused = store.put_link(&second).await;
        assert!(matches!(refused, Err(RecordsError::Exists { .. })), "{second:?}");
    }
    // A person's calls may be one lead.
    store.put_link(&link(LinkKind::Lead, "call-1", "1")).await.unwrap();
    store.put_link(&link(LinkKind::Lead, "call-2", "1")).await.unwrap();
    let found = store.link_of_theirs("crm", LinkKind::Deal, "1").await.unwrap().unwrap();
    assert_eq!((found.ours.as_str(), &found.seen["stage"]), ("a", &json!("NEW")));
}

#[tokio::test]
async fn work_that_is_asked_for_again_meanwhile_stays() {
    let (_folder, store) = store().await;
    let marks = [(LinkKind::Deal, "a".to_owned())];
    store.mark_links("crm", &marks, ReadTo::Feed(7), NOW).await.unwrap();
    assert_eq!(store.connector_position("crm").await.unwrap(), Some(7));
    let work = store.due_links("crm", NOW, 10).await.unwrap();
    store.mark_links("crm", &marks, ReadTo::Cursor("2026"), NOW).await.unwrap();
    assert_eq!(store.link_cursor("crm").await.unwrap().as_deref(), Some("2026"));
    store.links_done(&[&work[0]]).await.unwrap();
    let work = store.due_links("crm", NOW, 10).await.unwrap();
    assert_eq!(work.len(), 1);
    store.link_later(&work[0], "the portal is closed", NOW + MINUTE).await.unwrap();
    assert!(store.due_links("crm", NOW, 10).await.unwrap().is_empty());
    assert_eq!(store.next_link_ms("crm").await.unwrap(), Some(NOW + MINUTE));
    let work = store.due_links("crm", NOW + MINUTE, 10).await.unwrap();
    assert_eq!((work[0].attempts, work[0].last_error.as_deref()), (1, Some("the portal is closed")));
    store.links_done(&[&work[0]]).await.unwrap();
    assert_eq!(store.next_link_ms("crm").await.unwrap(), None);
}
