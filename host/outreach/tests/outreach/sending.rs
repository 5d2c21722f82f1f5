//! What a gateway answers, and what is made of it.

use records::{Channel, ContactKind, MessageState, Status};

use crate::gateway::{Gateway, Mood, configured};
use crate::{HOUR, MINUTE, NOW, booking, house};

const SMS_ONLY: &str = "[reminders]\nchannels = [\"sms\"]\n";

#[tokio::test]
async fn a_busy_gateway_is_asked_again_later_under_a_new_key() {
    let gateway = Gateway::start(true);
    gateway.book.lock().unwrap().moods = vec![Mood::Refuses(503), Mood::Refuses(429)];
    let config = configured("sms", &gateway.address, "idempotent = true");
    let (_folder, outreach, store, _, clock) = house(SMS_ONLY, &config).await;
    store.book(&booking("a", NOW + 72 * HOUR, NOW), "robot").await.unwrap();
    outreach.step().await.unwrap();
    outreach.step().await.unwrap();
    assert_eq!(gateway.book.lock().unwrap().asked.len(), 1, "not before its time");
    for wait in [30_000, 60_000] {
        clock.pass(wait);
        outreach.step().await.unwrap();
    }
    let message = store.messages_of_visit("a").await.unwrap().remove(0);
    assert_eq!((message.state, message.attempts), (MessageState::Sent, 3));
    assert_eq!(message.gateway_id.as_deref(), Some("sms-1"));
    let asked = gateway.book.lock().unwrap().asked.clone();
    assert!(asked[0] != asked[1] && asked[1] != asked[2], "a refusal ends a key");
    assert_eq!(gateway.delivered().len(), 1);
}

#[tokio::test]
async fn a_broken_line_is_mended_under_the_same_key() {
    for mood in [Mood::TakesAndBreaks, Mood::Breaks] {
        let gateway = Gateway::start(true);
        gateway.book.lock().unwrap().moods = vec![mood];
        let config = configured("sms", &gateway.address, "idempotent = true");
        let (_folder, outreach, store, _, clock) = house(SMS_ONLY, &config).await;
        store.book(&booking("a", NOW + 72 * HOUR, NOW), "robot").await.unwrap();
        outreach.step().await.unwrap();
        clock.pass(MINUTE);
        outreach.step().await.unwrap();
        let asked = gateway.book.lock().unwrap().asked.clone();
        assert_eq!((asked.len(), &asked[0]), (2, &asked[1]));
        assert_eq!((gateway.delivered().len(), gateway.doubles()), (1, 0), "{mood:?}");
        assert_eq!(store.messages_of_visit("a").await.unwrap()[0].state, MessageState::Sent);
    }
}

/// What may have come through keeps its key through refusals, or it comes twice.
#[tokio::test]
async fn a_refusal_after_a_broken_line_keeps_the_key() {
    let gateway = Gateway::start(true);
    gateway.book.lock().unwrap().moods = vec![Mood::TakesAndBreaks, Mood::Refuses(503), Mood::Refuses(429)];
    let config = configured("sms", &gateway.address, "idempotent = true");
    let (_folder, outreach, store, _, clock) = house(SMS_ONLY, &config).await;
    store.book(&booking("a", NOW + 72 * HOUR, NOW), "robot").await.unwrap();
    for _ in 0..4 {
        outreach.step().await.unwrap();
        clock.pass(10 * MINUTE);
    }
    let asked = gateway.book.lock().unwrap().asked.clone();
    assert_eq!(asked.len(), 4);
    assert!(asked.iter().all(|key| *key == asked[0]), "{asked:?}");
    assert_eq!((gateway.delivered().len(), gateway.doubles()), (1, 0));
    assert_eq!(store.messages_of_visit("a").await.unwrap()[0].state, MessageState::Sent);
}

#[tokio::test]
async fn without_keys_a_broken_line_ends_with_a_person() {
    let gateway = Gateway::start(false);
    gateway.book.lock().unwrap().moods = vec![Mood::TakesAndBreaks];
    let (_folder, outreach, store, _, clock) = house(SMS_ONLY, &configured("sms", &gateway.address, "")).await;
    store.book(&booking("a", NOW + 72 * HOUR, NOW), "robot").await.unwrap();
    outreach.step().await.unwrap();
    clock.pass(HOUR);
    outreach.step().await.unwrap();
    assert_eq!(store.messages_of_visit("a").await.unwrap()[0].state, MessageState::Unknown);
    assert_eq!(gateway.delivered().len(), 1);
    let list = outreach.list("vet").await.unwrap();
    assert_eq!((list.len(), list[0].kind, list[0].visit.as_deref()), (1, ContactKind::Message, Some("a")));
    // The gateway's report comes after all.
    let message = store.messages_of_visit("a").await.unwrap().remove(0);
    assert!(!store.message_report(Channel::Sms, "sms-1", true, clock.ms()).await.unwrap(), "its id was never heard");
    assert_eq!(message.gateway_id, None);
}

#[tokio::test]
async fn who_has_no_messenger_gets_a_text() {
    let (messenger, sms) = (Gateway::start(true), Gateway::start(true));
    messenger.book.lock().unwrap().moods = vec![Mood::Refuses(422)];
    let config = configured("messenger", &messenger.address, "") + &configured("sms", &sms.address, "");
    let (_folder, outreach, store, _, _) = house("", &config).await;
    store.book(&booking("a", NOW + 72 * HOUR, NOW), "robot").await.unwrap();
    outreach.step().await.unwrap();
    outreach.step().await.unwrap();
    assert_eq!((messenger.delivered().len(), sms.delivered().len()), (0, 1));
    let messages = store.messages_of_visit("a").await.unwrap();
    assert_eq!((messages.len(), messages[0].new.channel, messages[0].state), (1, Channel::Sms, MessageState::Sent));
}

#[tokio::test]
async fn a_gateway_that_refuses_us_is_left_alone_and_nothing_is_lost() {
    let gateway = Gateway::start(true);
    gateway.book.lock().unwrap().moods = vec![Mood::Refuses(401); 3];
    let (_folder, outreach, store, _, clock) = house(SMS_ONLY, &configured("sms", &gateway.address, "")).await;
    for (n, id) in ["a", "b", "c"].into_iter().enumerate() {
        store.book(&booking(id, NOW + (72 + n as i64) * HOUR, NOW), "robot").await.unwrap();
    }
    outreach.step().await.unwrap();
    outreach.step().await.unwrap();
    assert_eq!(gateway.book.lock().unwrap().asked.len(), 1, "one question shows it");
    let stopped = outreach.progress().await.unwrap().stopped;
    assert_eq!(stopped[0].0, Channel::Sms);
    assert!(stopped[0].1.contains("HTTP 401") && stopped[0].1.contains("token"), "{stopped:?}");
    gateway.book.lock().unwrap().moods.clear();
    clock.pass(11 * MINUTE);
    outreach.step().await.unwrap();
    assert_eq!((gateway.delivered().len(), gateway.doubles()), (3, 0));
    assert!(outreach.progress().await.unwrap().stopped.is_empty());
}

#[tokio::test]
async fn what_could_not_be_sent_in_time_a_person_says() {
    let gateway = Gateway::start(true);
    gateway.book.lock().unwrap().moods = vec![Mood::Refuses(503); 1_000];
    let (_folder, outreach, store, _, clock) = house(SMS_ONLY, &configured("sms", &gateway.address, "")).await;
    store.book(&booking("a", NOW + 4 * HOUR, NOW), "robot").await.unwrap();
    crate::live(&outreach, &clock, NOW + 3 * HOUR + 31 * MINUTE).await;
    let messages = store.messages_of_visit("a").await.unwrap();
    assert!(messages.iter().all(|message| message.state == MessageState::Failed), "{messages:?}");
    assert!(gateway.book.lock().unwrap().asked.len() < 20, "it backs off");
    assert_eq!(outreach.list("vet").await.unwrap().len(), 1, "one call, whatever failed about the visit");
}

#[tokio::test]
async fn nothing_leaves_at_night_or_about_a_visit_that_is_no_more() {
    let gateway = Gateway::start(true);
    gateway.book.lock().unwrap().moods = vec![Mood::Refuses(503)];
    let (_folder, outreach, store, _, clock) = house(SMS_ONLY, &configured("sms", &gateway.address, "")).await;
    // 20:59:50 in Moscow.
    clock.set(NOW + 11 * HOUR - 10_000);
    store.book(&booking("a", NOW + 72 * HOUR, clock.ms()), "robot").await.unwrap();
    store.book(&booking("b", NOW + 73 * HOUR, clock.ms()), "robot").await.unwrap();
    outreach.step().await.unwrap();
    assert_eq!(gateway.delivered().len(), 1, "one was refused");
    clock.pass(HOUR);
    outreach.step().await.unwrap();
    assert_eq!(gateway.delivered().len(), 1, "quiet hours");
    let refused = if store.messages_of_visit("a").await.unwrap()[0].state == MessageState::Planned { "a" } else { "b" };
    let change = records::Change { at_ms: clock.ms(), by: "desk".into(), ..records::Change::default() };
    store.set_booking_status(refused, Status::Cancelled, &change).await.unwrap();
    clock.set(NOW + 24 * HOUR);
    outreach.step().await.unwrap();
    assert_eq!(gateway.delivered().len(), 1);
    assert_eq!(store.messages_of_visit(refused).await.unwrap()[0].state, MessageState::Withdrawn);
}
