//! The list of people to call: what puts them there, who calls them, when again, and who is told when it is late.

use outreach::list::Outcome;
use outreach::requests::{Accepted, Arrival, Intake};
use records::{
    CallEnd, CallRecord, CallbackRecord, CallbackStatus, Channel, ContactKind, ContactResult, Pii, RecordsError,
};

use crate::{HOUR, MINUTE, NOW, PHONE, booking, live, scripted};

fn result(result: ContactResult) -> Outcome {
    Outcome { result, visit: None, reason: None, call: None }
}

async fn form(outreach: &outreach::Outreach, body: &str) -> Result<Accepted, outreach::requests::Refused> {
    let arrival =
        Arrival { body: body.as_bytes(), timestamp: None, signature: None, from_address: 0, from_number: None };
    outreach.accept("vet", &Intake::default(), &arrival).await.unwrap()
}

#[tokio::test]
async fn a_request_is_called_by_the_plan_until_it_is_given_up() {
    let (_folder, outreach, store, clock, _) = scripted("", &[]).await;
    let accepted =
        form(&outreach, "{\"phone\": \"8 903 123-45-67\", \"name\": \"Анна\", \"key\": \"f1\"}").await.unwrap();
    assert!(!accepted.known);
    assert_eq!(accepted.due.unwrap().timestamp().as_millisecond(), NOW + 30 * MINUTE);
    let mut called = Vec::new();
    while let Some(contact) = store.contacts("vet").await.unwrap().pop() {
        clock.set(contact.next_ms);
        let taken = outreach.next_to_call("vet", &[], "olga").await.unwrap().unwrap();
        assert_eq!(taken.id, accepted.id);
        called.push((contact.next_ms - NOW) / MINUTE);
        outreach.attempted("vet", &taken.id, &result(ContactResult::NoAnswer), "olga").await.unwrap();
    }
    let day = 24 * 60;
    assert_eq!(called, [0, 30, 150, 150 + day, 150 + 8 * day]);
    let closed = store.contact(&accepted.id).await.unwrap();
    assert_eq!((closed.status, closed.attempts, closed.reached_ms), (CallbackStatus::Done, 5, None));
    assert_eq!(store.contact_attempts(&accepted.id).await.unwrap().len(), 5);
}

#[tokio::test]
async fn the_same_request_is_one_and_so_is_the_same_number() {
    let (_folder, outreach, store, clock, _) = scripted("", &[]).await;
    let first = form(&outreach, "{\"phone\": \"89031234567\", \"text\": \"УЗИ\", \"key\": \"f1\"}").await.unwrap();
    let again = form(&outreach, "{\"phone\": \"+7 903 123 45 67\", \"key\": \"f2\"}").await.unwrap();
    assert_eq!((again.id, again.known), (first.id.clone(), true), "within half an hour");
    clock.pass(40 * MINUTE);
    let known = form(&outreach, "{\"phone\": \"89031234567\", \"key\": \"f1\"}").await.unwrap();
    assert_eq!((known.id, known.known), (first.id.clone(), true), "its key");
    let joined =
        form(&outreach, "{\"phone\": \"89031234567\", \"text\": \"и прививка\", \"key\": \"f3\"}").await.unwrap();
    assert_eq!((joined.id, joined.known), (first.id.clone(), false), "the number is on the list already");
    let list = store.contacts("vet").await.unwrap();
    assert_eq!((list.len(), list[0].reason.as_str()), (1, "УЗИ / и прививка"));
    assert_eq!(list[0].deadline_ms, NOW + 30 * MINUTE, "the first promise stands");
    let all = store.contacts_between("vet", 0, i64::MAX).await.unwrap();
    let figures = outreach::figures::figures(&all, 0.8, jiff::Timestamp::from_millisecond(clock.ms()).unwrap());
    assert_eq!((figures.came, figures.joined, figures.first_time), (1, 1, 1));
    for key in 0..3 {
        let body =
            format!("{{\"phone\": \"89031234567\", \"at\": \"2026-11-23T1{}:00\", \"key\": \"g{key}\"}}", 5 + key);
        form(&outreach, &body).await.unwrap();
    }
    let refused = form(&outreach, "{\"phone\": \"89031234567\", \"at\": \"2026-11-23T19:00\"}").await.unwrap_err();
    assert_eq!(refused.code(), "too-many");
}

#[tokio::test]
async fn machines_leave_nothing_behind() {
    let (_folder, outreach, store, _, _) = scripted("", &[]).await;
    form(&outreach, "{\"phone\": \"89031234567\", \"website\": \"x\"}").await.unwrap();
    assert!(store.contacts_between("vet", 0, i64::MAX).await.unwrap().is_empty());
}

#[tokio::test]
async fn the_clients_hour_counts_and_a_closed_clinic_begins_in_the_morning() {
    let (_folder, outreach, store, clock, _) = scripted("", &[]).await;
    form(&outreach, "{\"phone\": \"89031234567\", \"at\": \"2026-11-23T15:00\"}").await.unwrap();
    let contact = store.contacts("vet").await.unwrap().remove(0);
    assert_eq!((contact.due_ms, contact.deadline_ms), (NOW + 5 * HOUR, NOW + 5 * HOUR + 15 * MINUTE));
    assert_eq!(outreach.next_to_call("vet", &[], "olga").await.unwrap(), None, "not before the hour");
    // 23:00: tomorrow from nine, by half past.
    clock.set(NOW + 13 * HOUR);
    form(&outreach, "{\"phone\": \"89035550000\"}").await.unwrap();
    let contact = store.contacts("vet").await.unwrap().pop().unwrap();
    assert_eq!((contact.due_ms, contact.deadline_ms), (NOW + 23 * HOUR, NOW + 23 * HOUR + 30 * MINUTE));
}

#[tokio::test]
async fn two_people_never_call_one_client_and_whoever_goes_away_loses_it() {
    let (_folder, outreach, store, clock, _) = scripted("", &[]).await;
    let request = form(&outreach, "{\"phone\": \"89031234567\"}").await.unwrap();
    outreach.take("vet", &request.id, "olga").await.unwrap();
    let error = outreach.take("vet", &request.id, "anna").await.unwrap_err();
    assert!(error.to_string().contains("olga"), "{error}");
    let error = outreach.attempted("vet", &request.id, &result(ContactResult::Busy), "anna").await.unwrap_err();
    assert!(matches!(error, outreach::OutreachError::Records(RecordsError::Claimed { .. })));
    // What dials by itself does not see it meanwhile.
    assert!(store.callbacks("vet", CallbackStatus::Open).await.unwrap().is_empty());
    clock.pass(11 * MINUTE);
    outreach.step().await.unwrap();
    assert_eq!(store.callbacks("vet", CallbackStatus::Open).await.unwrap().len(), 1);
    outreach.take("vet", &request.id, "anna").await.unwrap();
}

#[tokio::test]
async fn a_refusal_has_a_reason_of_the_clinics() {
    let (_folder, outreach, store, _, _) = scripted("[requests]\nlost_reasons = [\"дорого\"]\n", &[]).await;
    let request = form(&outreach, "{\"phone\": \"89031234567\"}").await.unwrap();
    let refused = result(ContactResult::Refused);
    let error = outreach.attempted("vet", &request.id, &refused, "olga").await.unwrap_err().to_string();
    assert!(error.contains("дорого"), "{error}");
    let wrong = Outcome { reason: Some("лень".into()), ..refused.clone() };
    assert!(outreach.attempted("vet", &request.id, &wrong, "olga").await.is_err());
    let right = Outcome { reason: Some("дорого".into()), ..refused };
    let contact = outreach.attempted("vet", &request.id, &right, "olga").await.unwrap();
    assert_eq!((contact.status, contact.lost_reason.as_deref()), (CallbackStatus::Done, Some("дорого")));
    assert!(store.contacts("vet").await.unwrap().is_empty());
}

#[tokio::test]
async fn who_books_by_themselves_is_off_the_list_and_counted() {
    let (_folder, outreach, store, clock, _) = scripted("", &[]).await;
    let request = form(&outreach, "{\"phone\": \"89031234567\"}").await.unwrap();
    clock.pass(20 * MINUTE);
    store.book(&booking("a", NOW + 72 * HOUR, clock.ms()), "robot").await.unwrap();
    outreach.step().await.unwrap();
    let contact = store.contact(&request.id).await.unwrap();
    assert_eq!((contact.status, contact.visit.as_deref()), (CallbackStatus::Done, Some("a")));
    let now = jiff::Timestamp::from_millisecond(clock.ms()).unwrap();
    let figures = outreach::figures::figures(&store.contacts_between("vet", 0, i64::MAX).await.unwrap(), 0.8, now);
    assert_eq!((figures.first_time_share(), figures.in_time_share()), (Some(1.0), Some(1.0)));
    // Whoever has booked before is no first-time client.
    clock.pass(MINUTE);
    form(&outreach, "{\"phone\": \"89031234567\", \"at\": \"2026-11-23T15:00\"}").await.unwrap();
    assert_eq!(store.contacts("vet").await.unwrap()[0].first_time, Some(false));
}

#[tokio::test]
async fn what_is_late_is_told_once() {
    let head = "[requests]\nhead = { sms = \"+7 903 000-00-01\" }\n";
    let (_folder, outreach, store, clock, senders) = scripted(head, &[Channel::Sms]).await;
    form(&outreach, "{\"phone\": \"89031234567\"}").await.unwrap();
    form(&outreach, "{\"phone\": \"89031234568\"}").await.unwrap();
    live(&outreach, &clock, NOW + 29 * MINUTE).await;
    assert!(senders[&Channel::Sms].got.lock().unwrap().is_empty());
    live(&outreach, &clock, NOW + 3 * HOUR).await;
    let said = senders[&Channel::Sms].got.lock().unwrap().clone();
    assert_eq!(said.len(), 1, "{said:?}");
    assert!(said[0].2.contains("дольше обещанного: 2"), "{said:?}");
    assert!(!said[0].2.contains("903"));
    let late: Vec<_> =
        store.feed(0, None, 100).await.unwrap().into_iter().filter(|event| event.kind == "request.late").collect();
    assert_eq!(late.len(), 2);
    assert_eq!(outreach.progress().await.unwrap().late["vet"], 2);
}

#[tokio::test]
async fn attempts_of_the_telephone_exchange_are_the_lists_attempts() {
    let (_folder, outreach, store, clock, _) = scripted("", &[]).await;
    let promise = CallbackRecord {
        id: "p".into(),
        clinic: "vet".into(),
        timezone: "Europe/Moscow".into(),
        phone: PHONE.into(),
        person: "".into(),
        reason: "".into(),
        due_ms: NOW,
        status: CallbackStatus::Open,
        attempts: 0,
        result: None,
        call: Some("call".into()),
        created_ms: NOW,
        updated_ms: NOW,
    };
    store.add_callback(&promise).await.unwrap();
    outreach.step().await.unwrap();
    assert_eq!(outreach.list("vet").await.unwrap()[0].kind, ContactKind::Callback);
    for made in 1..=5 {
        store.callback_attempt("p", "dialling", false, clock.ms()).await.unwrap();
        store.callback_result("p", "no-answer", false, clock.ms()).await.unwrap();
        outreach.step().await.unwrap();
        let contact = store.contact("p").await.unwrap();
        assert_eq!(contact.attempts, made);
        if made == 1 {
            assert_eq!(contact.next_ms, NOW + 30 * MINUTE);
        }
        clock.set(contact.next_ms.max(clock.ms()));
    }
    let contact = store.contact("p").await.unwrap();
    assert_eq!((contact.status, contact.reached_ms), (CallbackStatus::Done, None), "the plan is used up");
    // A late result of the exchange does not open it again.
    store.callback_result("p", "busy", false, clock.ms()).await.unwrap();
    assert_eq!(store.contact("p").await.unwrap().status, CallbackStatus::Done);
}

#[tokio::test]
async fn a_missed_caller_who_is_answered_later_is_not_called() {
    let (_folder, outreach, store, clock, _) = scripted("", &[]).await;
    let call = |id: &str, at: i64, answered: bool| {
        let mut call = CallRecord::live(id, "vet", "Europe/Moscow", at);
        call.caller = Some(Pii::from(PHONE));
        call.answered_ms = answered.then_some(at + 5_000);
        call.agent = answered.then(|| "olga".to_owned());
        call
    };
    let ended = |at| CallEnd { ended_ms: at, ..CallEnd::default() };
    store.start_call(&call("m", NOW, false)).await.unwrap();
    store.end_call("m", &ended(NOW + 20_000)).await.unwrap();
    outreach.call_ended("m").await.unwrap();
    outreach.call_ended("m").await.unwrap();
    let list = outreach.list("vet").await.unwrap();
    assert_eq!((list.len(), list[0].kind, list[0].call.as_deref()), (1, ContactKind::Missed, Some("m")));
    clock.pass(5 * MINUTE);
    store.start_call(&call("n", clock.ms(), true)).await.unwrap();
    store.end_call("n", &ended(clock.ms() + 60_000)).await.unwrap();
    outreach.call_ended("n").await.unwrap();
    assert!(outreach.list("vet").await.unwrap().is_empty());
    // At night it is a night call, for the morning.
    clock.set(NOW + 13 * HOUR);
    store.start_call(&call("o", clock.ms(), false)).await.unwrap();
    store.end_call("o", &ended(clock.ms() + 20_000)).await.unwrap();
    outreach.call_ended("o").await.unwrap();
    let list = outreach.list("vet").await.unwrap();
    assert_eq!((list[0].kind, list[0].due_ms), (ContactKind::Night, NOW + 23 * HOUR));
}

#[tokio::test]
async fn next_without_a_result_goes_on_and_later_comes_at_the_hour() {
    let (_folder, outreach, store, clock, _) = scripted("", &[]).await;
    let first = form(&outreach, "{\"phone\": \"89031234567\"}").await.unwrap().id;
    clock.pass(1_000);
    let second = form(&outreach, "{\"phone\": \"89031234568\"}").await.unwrap().id;
    let taken = outreach.next_to_call("vet", &[], "olga").await.unwrap().unwrap();
    assert_eq!(taken.id, first);
    let after = outreach.skip("vet", &first, &[], "olga").await.unwrap().unwrap();
    assert_eq!(after.id, second);
    // The one that was left is free for the next.
    assert_eq!(outreach.next_to_call("vet", &[], "anna").await.unwrap().unwrap().id, first);
    assert_eq!(outreach.skip("vet", &second, &[], "olga").await.unwrap(), None, "the other one is anna's");
    let at = Some(jiff::civil::date(2026, 11, 23).at(15, 0, 0, 0));
    let later = outreach.attempted_until("vet", &first, &result(ContactResult::Later), at, "anna").await.unwrap();
    assert_eq!((later.status, later.next_ms), (CallbackStatus::Open, NOW + 5 * HOUR));
    assert_eq!(later.reached_ms, Some(clock.ms()));
    let soon = outreach.attempted("vet", &second, &result(ContactResult::Later), "olga").await.unwrap();
    assert_eq!(soon.next_ms, clock.ms() + 2 * HOUR);
    assert!(store.contact(&first).await.unwrap().claimed_by.is_none());
}
