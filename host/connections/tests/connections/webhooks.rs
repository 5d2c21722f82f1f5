//! Deliveries to a real receiver: order, repeats, crashes, replays, switching off.

use connections::webhooks::{Courier, Verdict};
use records::{Change, DeliveryState, Status, Store};

use crate::receiver::{OLD_SECRET, Receiver, SECRET};
use crate::{DAY, HOUR, MINUTE, NOW, SECOND, store, visit};

async fn courier(store: &Store, receiver: &Receiver, more: &str) -> Courier {
    let settings = receiver.settings(more);
    Courier::new(store.clone(), settings.webhooks[0].clone(), NOW).await.unwrap()
}

/// Everything that is due, one after the other.
async fn send_all(courier: &Courier, now_ms: i64) -> usize {
    courier.queue(now_ms).await.unwrap();
    let mut sent = 0;
    while courier.send_next(now_ms, 0.0).await.unwrap().is_some() {
        sent += 1;
    }
    sent
}

async fn book(store: &Store, id: &str) {
    store.book(&visit(id, id, NOW + DAY, "+79031234567"), "robot").await.unwrap();
}

async fn confirm(store: &Store, id: &str) {
    let change = Change { at_ms: NOW + 1, by: "anna".into(), ..Change::default() };
    store.set_booking_status(id, Status::Confirmed, &change).await.unwrap();
}

#[tokio::test]
async fn a_change_is_delivered_once_signed_with_every_secret() {
    let (_folder, store) = store().await;
    let receiver = Receiver::start().await;
    book(&store, "before").await;
    let courier = courier(&store, &receiver, &format!("old_secret = \"{OLD_SECRET}\"")).await;
    book(&store, "a").await;
    assert_eq!(send_all(&courier, NOW).await, 1);
    assert_eq!(send_all(&courier, NOW + HOUR).await, 0);
    let got = &receiver.got()[0];
    assert!(got.is_signed_with(SECRET) && got.is_signed_with(OLD_SECRET));
    assert_eq!(got.timestamp_s, NOW / 1_000);
    assert!(got.content_type.starts_with("application/cloudevents+json"));
    let event = got.event();
    assert_eq!((event["id"].as_str(), event["type"].as_str()), (Some(&*got.id), Some("ru.gudok.visit.booked")));
    assert_eq!(receiver.subjects(), ["a"], "what was before is not sent");
    assert!(!got.body.contains("9031234567") && !got.body.contains("Анна"));
}

#[tokio::test]
async fn only_what_was_asked_for_and_with_names_only_when_allowed() {
    let (_folder, store) = store().await;
    let receiver = Receiver::start().await;
    let more = "types = [\"visit.confirmed\"]\nclinics = [\"vet_lapa\"]\npersonal = true";
    let courier = courier(&store, &receiver, more).await;
    book(&store, "a").await;
    confirm(&store, "a").await;
    assert_eq!(send_all(&courier, NOW).await, 1);
    let event = receiver.got()[0].event();
    assert_eq!(event["type"], "ru.gudok.visit.confirmed");
    assert_eq!(event["data"]["visit"]["person"]["phone"], "+79031234567");
}

#[tokio::test]
async fn a_failing_visit_holds_back_itself_alone() {
    let (_folder, store) = store().await;
    let receiver = Receiver::start().await;
    let courier = courier(&store, &receiver, "").await;
    receiver.refuse(&["a"]);
    book(&store, "a").await;
    book(&store, "b").await;
    confirm(&store, "a").await;
    confirm(&store, "b").await;
    assert_eq!(send_all(&courier, NOW).await, 3);
    assert_eq!(receiver.subjects(), ["a", "b", "b"]);
    receiver.refuse(&[]);
    assert_eq!(send_all(&courier, NOW + 4 * SECOND).await, 0, "the second attempt is after five seconds");
    assert_eq!(send_all(&courier, NOW + 6 * SECOND).await, 2);
    let got = receiver.got();
    assert_eq!(receiver.subjects(), ["a", "b", "b", "a", "a"]);
    assert_eq!((&got[0].id, got[0].event()["type"].as_str()), (&got[3].id, Some("ru.gudok.visit.booked")));
    assert_eq!(got[4].event()["type"], "ru.gudok.visit.confirmed");
    let attempts = store.delivery_attempts("site", &got[0].id).await.unwrap();
    assert_eq!(attempts.iter().map(|attempt| attempt.status).collect::<Vec<_>>(), [Some(500), Some(204)]);
}

#[tokio::test]
async fn who_dies_between_sending_and_noting_sends_the_same_id_again() {
    let (_folder, store) = store().await;
    let receiver = Receiver::start().await;
    let dying = courier(&store, &receiver, "timeout_s = 1").await;
    book(&store, "a").await;
    confirm(&store, "a").await;
    dying.queue(NOW).await.unwrap();
    receiver.silence(true);
    tokio::select! {
        _ = dying.send_next(NOW, 0.0) => unreachable!("nobody answers"),
        () = receiver.arrived() => {}
    }
    drop(dying);
    receiver.silence(false);
    let next = courier(&store, &receiver, "timeout_s = 1").await;
    assert_eq!(send_all(&next, NOW + SECOND).await, 0, "the lease is still the dead one's");
    assert_eq!(send_all(&next, NOW + MINUTE).await, 2);
    let got = receiver.got();
    assert_eq!(got[0].id, got[1].id);
    assert_eq!(got[0].body, got[1].body);
    assert_eq!(got[2].event()["type"], "ru.gudok.visit.confirmed");
}

#[tokio::test]
async fn an_endpoint_that_is_gone_is_switched_off_and_loses_nothing() {
    let (_folder, store) = store().await;
    let receiver = Receiver::start().await;
    let courier = courier(&store, &receiver, "").await;
    receiver.answer(&[(410, None)]);
    book(&store, "a").await;
    book(&store, "b").await;
    assert_eq!(send_all(&courier, NOW).await, 1);
    let state = store.endpoint("site").await.unwrap();
    assert!(!state.on);
    assert!(state.reason.unwrap().contains("410"), "the record says why");
    confirm(&store, "b").await;
    assert_eq!(send_all(&courier, NOW + 30 * DAY).await, 0);
    store.endpoint_on("site", NOW + 30 * DAY).await.unwrap();
    assert_eq!(send_all(&courier, NOW + 30 * DAY).await, 3);
    assert_eq!(receiver.subjects(), ["a", "a", "b", "b"]);
}

#[tokio::test]
async fn days_without_success_switch_it_off() {
    let (_folder, store) = store().await;
    let receiver = Receiver::start().await;
    let courier = courier(&store, &receiver, "off_after_days = 2").await;
    receiver.refuse(&["a"]);
    book(&store, "a").await;
    let mut now_ms = NOW;
    courier.queue(now_ms).await.unwrap();
    let mut attempts = 0;
    while let Some(next_ms) = courier.next_ms().await.unwrap() {
        now_ms = now_ms.max(next_ms);
        courier.send_next(now_ms, 0.0).await.unwrap().unwrap();
        attempts += 1;
        assert!(attempts < 20, "it never ends");
    }
    let state = store.endpoint("site").await.unwrap();
    assert_eq!((state.on, attempts), (false, 9), "the attempt after 51 hours is the first beyond two days");
    assert_eq!(state.failing_since_ms, Some(NOW));
}

#[tokio::test]
async fn the_last_attempt_gives_up_and_lets_the_next_event_pass() {
    let (_folder, store) = store().await;
    let receiver = Receiver::start().await;
    let courier = courier(&store, &receiver, "").await;
    receiver.answer(&[(500, None); 10]);
    book(&store, "a").await;
    let mut now_ms = NOW;
    courier.queue(now_ms).await.unwrap();
    while let Some(next_ms) = courier.next_ms().await.unwrap() {
        now_ms = now_ms.max(next_ms);
        courier.send_next(now_ms, 0.0).await.unwrap().unwrap();
    }
    assert_eq!(receiver.got().len(), 10);
    let failed = store.deliveries("site", Some(DeliveryState::Failed), None, 10).await.unwrap();
    assert_eq!(failed.len(), 1);
    confirm(&store, "a").await;
    assert_eq!(send_all(&courier, now_ms).await, 1);
    // Somebody asks for the lost one.
    assert_eq!(courier.replay(&failed[0].event, failed[0].position, now_ms).await.unwrap(), 1);
    assert_eq!(send_all(&courier, now_ms).await, 1);
    assert_eq!(receiver.got().last().unwrap().id, failed[0].event);
}

#[tokio::test]
async fn replay_sends_again_in_order_under_the_same_ids() {
    let (_folder, store) = store().await;
    let receiver = Receiver::start().await;
    let courier = courier(&store, &receiver, "").await;
    for id in ["a", "b", "c"] {
        book(&store, id).await;
    }
    assert_eq!(send_all(&courier, NOW).await, 3);
    assert_eq!(courier.replay_after(1, 100, NOW + HOUR).await.unwrap(), 2);
    assert_eq!(courier.replay_after(1, 100, NOW + HOUR).await.unwrap(), 0, "they wait already");
    assert_eq!(send_all(&courier, NOW + HOUR).await, 2);
    assert_eq!(receiver.subjects(), ["a", "b", "c", "b", "c"]);
    let got = receiver.got();
    assert_eq!((&got[1].id, &got[2].id), (&got[3].id, &got[4].id));
    assert_eq!(store.deliveries("site", None, None, 10).await.unwrap()[0].replays, 1);
}

#[tokio::test]
async fn who_asks_for_time_gets_it() {
    let (_folder, store) = store().await;
    let receiver = Receiver::start().await;
    let courier = courier(&store, &receiver, "").await;
    receiver.answer(&[(429, Some("120"))]);
    book(&store, "a").await;
    book(&store, "b").await;
    assert_eq!(send_all(&courier, NOW).await, 1, "nothing more is sent meanwhile, of no visit");
    assert_eq!(send_all(&courier, NOW + 119 * SECOND).await, 0);
    assert_eq!(send_all(&courier, NOW + 120 * SECOND).await, 2);
}

#[tokio::test]
async fn a_name_that_points_into_the_private_network_is_not_called() {
    let (_folder, store) = store().await;
    let receiver = Receiver::start().await;
    let mut settings = receiver.settings("");
    let endpoint = &mut settings.webhooks[0];
    endpoint.allow_private = false;
    // `check_url` would refuse it by its name; names that resolve there later get this far.
    endpoint.url.set_host(Some("localhost")).unwrap();
    let courier = Courier::new(store.clone(), endpoint.clone(), NOW).await.unwrap();
    book(&store, "a").await;
    courier.queue(NOW).await.unwrap();
    let sent = courier.send_next(NOW, 0.0).await.unwrap().unwrap();
    assert!(matches!(sent.verdict, Verdict::Failed { .. }));
    assert!(receiver.got().is_empty());
    let attempt = store.delivery_attempts("site", &sent.event).await.unwrap().remove(0);
    assert!(attempt.problem.unwrap().contains("private network"));
}

/// The loops themselves: nothing is due at a certain time, everything arrives.
#[tokio::test]
async fn running_couriers_deliver_what_happens() {
    fn now_ms() -> i64 {
        jiff::Timestamp::now().as_millisecond()
    }
    let (_folder, store) = store().await;
    let receiver = Receiver::start().await;
    let courier = courier(&store, &receiver, "").await;
    let (stop, stopped) = tokio::sync::watch::channel(false);
    let running = tokio::spawn(async move { courier.run(stopped, now_ms, || 0.0).await });
    for id in ["a", "b", "c"] {
        book(&store, id).await;
    }
    while receiver.got().len() < 3 {
        receiver.arrived().await;
    }
    stop.send(true).unwrap();
    running.await.unwrap();
    let mut subjects = receiver.subjects();
    subjects.sort();
    assert_eq!(subjects, ["a", "b", "c"]);
}
