//! Calls that the clinic makes.

use std::net::SocketAddr;

use exchange::outgoing::CallOut;
use queue::NotReached;
use records::{CallFilter, CallbackRecord, CallbackStatus, ContactKind, Direction, Entry, NewContact, RecordsError};

use crate::support::{Clinical, Phone, clinic, until};

const NUMBER: &str = "+79031234567";

/// A trunk that leads to this telephone.
fn lines(to: SocketAddr) -> String {
    format!(
        "{{sip}}\n[[trunk]]\nname = \"out\"\nregistrar = \"{to}\"\ncaller_id = \"+74951204567\"\n\
         [[operator]]\nname = \"Анна\"\nextension = \"101\"\npassword = \"secret\"\n\
         [queue.operator]\nalways_open = true\nwrap_up = 0\n[outgoing]\ncallbacks = \"off\"\n"
    )
}

fn reminder() -> CallOut {
    CallOut { clinic: "vet_lapa".to_owned(), number: NUMBER.to_owned(), entry: Entry::Reminder }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_answers_talks_to_the_house_and_it_is_written_down_as_a_call_of_ours() {
    let mut client = Phone::new().await;
    let clinic = clinic(&lines(client.at())).await;
    let exchange = clinic.exchange.clone();
    let calling = tokio::spawn(async move { exchange.call_out(&reminder()).await });
    let ringing = client.rings().await;
    assert_eq!((ringing.called.as_str(), ringing.caller.number.as_str()), (NUMBER, "+74951204567"));
    let mut call = client.answer(ringing).await;
    call.until("the house speaks", |ear| ear.loud > 10).await;
    call.over().await;
    let held = calling.await.unwrap().unwrap();
    let record = clinic.store.call(&held.id).await.unwrap();
    assert_eq!(record.direction, Direction::Outgoing);
    assert_eq!(record.caller.as_ref().map(|number| number.as_str()), Some(NUMBER));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn busy_and_declined_are_told_apart() {
    let mut client = Phone::new().await;
    let clinic = clinic(&lines(client.at())).await;
    for (status, why) in [(486, NotReached::Busy), (603, NotReached::Refused), (480, NotReached::NoAnswer)] {
        let exchange = clinic.exchange.clone();
        let calling = tokio::spawn(async move { exchange.call_out(&reminder()).await });
        client.rings().await.reject(status, "", None);
        assert_eq!(calling.await.unwrap().err(), Some(why));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_due_call_back_rings_the_operator_first_and_then_the_client() {
    let mut client = Phone::new().await;
    let clinic = clinic(&lines(client.at())).await;
    let mut anna = Phone::registered(clinic.at, "101", "secret").await;
    let promise = CallbackRecord {
        id: records::id(),
        clinic: "vet_lapa".to_owned(),
        timezone: "Europe/Moscow".to_owned(),
        phone: NUMBER.into(),
        person: "".into(),
        reason: "".into(),
        due_ms: 0,
        status: CallbackStatus::Open,
        attempts: 0,
        result: None,
        call: None,
        created_ms: 0,
        updated_ms: 0,
    };
    clinic.store.add_callback(&promise).await.unwrap();
    let entry = clinic.store.contact(&promise.id).await.unwrap();
    clinic.exchange.operators("vet_lapa").unwrap().call_back(entry);
    let ringing = anna.rings().await;
    let desk = anna.answer(ringing).await;
    let ringing = client.rings().await;
    assert_eq!(ringing.called, NUMBER);
    let mut call = client.answer(ringing).await;
    desk.with(|ear| ear.level = 9_000);
    call.until("the notice, from a robot", |ear| (1_000..8_000).contains(&ear.latest)).await;
    call.until("the operator", |ear| (8_000..10_500).contains(&ear.latest)).await;
    let taken = clinic.store.claim_contact(&promise.id, "olga", now_ms(), now_ms() + 60_000).await;
    assert!(matches!(taken, Err(RecordsError::Claimed { .. })), "nobody at the desk calls them meanwhile");
    desk.dialog.bye();
    call.over().await;
    let kept = until("the promise is kept", || async {
        let promise = clinic.store.callback(&promise.id).await.unwrap();
        (promise.status == CallbackStatus::Done).then_some(promise)
    })
    .await;
    assert_eq!((kept.attempts, kept.result.as_deref()), (1, Some("reached")));
    let call = until("the call is over", || async {
        let page = clinic.store.calls(&CallFilter::default(), 10, None).await.unwrap();
        page.calls.into_iter().find(|call| call.ended_ms.is_some())
    })
    .await;
    assert_eq!((call.direction, call.agent.as_deref()), (Direction::Outgoing, Some("Анна")));
    recorded(&clinic, &call.id).await;
    let attempts = clinic.store.contact_attempts(&promise.id).await.unwrap();
    assert_eq!((attempts.len(), attempts[0].call.as_deref()), (1, Some(call.id.as_str())));
}

fn now_ms() -> i64 {
    jiff::Timestamp::now().as_millisecond()
}

/// The call's recording: silence until the notice was heard, and somebody loud on the operator's side after that.
async fn recorded(clinic: &Clinical, call: &str) {
    let audio = until("the recording", || async {
        clinic.store.call_audio(call).await.unwrap().into_iter().find(|audio| audio.kind == "recording")
    })
    .await;
    let bytes = clinic.store.audio(&audio.sha256).await.unwrap();
    let sides = audio::wav::decode(&bytes).unwrap().channels;
    // A beep of 0.3 s is the notice.
    assert!(sides.iter().all(|side| side[..8 * 250].iter().all(|sample| *sample == 0)));
    assert!(sides[1].iter().any(|sample| sample.unsigned_abs() > 8_000), "the operator");
}

fn entry(kind: ContactKind) -> NewContact {
    NewContact {
        id: records::id(),
        clinic: "vet_lapa".to_owned(),
        timezone: "Europe/Moscow".to_owned(),
        kind,
        phone: NUMBER.into(),
        person: "".into(),
        reason: "".into(),
        due_ms: 0,
        deadline_ms: now_ms() + 3_600_000,
        visit: None,
        call: None,
        message: None,
        dedup: None,
        created_ms: now_ms(),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_is_rung_for_a_client_whom_somebody_at_the_desk_is_calling() {
    let client = Phone::new().await;
    let clinic = clinic(&lines(client.at())).await;
    let mut anna = Phone::registered(clinic.at, "101", "secret").await;
    let (asked, about_a_visit) = (entry(ContactKind::Request), entry(ContactKind::Offer));
    for entry in [&asked, &about_a_visit] {
        clinic.store.add_contact(entry).await.unwrap();
    }
    clinic.store.claim_contact(&about_a_visit.id, "olga", now_ms(), now_ms() + 60_000).await.unwrap();
    let operators = clinic.exchange.operators("vet_lapa").unwrap();
    until("Anna is there", || async {
        operators.look().await.agents.iter().any(|agent| agent.state == queue::AgentState::Ready).then_some(())
    })
    .await;
    operators.call_back(clinic.store.contact(&asked.id).await.unwrap());
    // What was asked for after it is answered after it: by then nobody waits, and nobody was rung.
    assert!(operators.look().await.waiting.is_empty());
    clinic.store.release_contact(&about_a_visit.id, "olga", now_ms()).await.unwrap();
    operators.call_back(clinic.store.contact(&asked.id).await.unwrap());
    let ringing = anna.rings().await;
    let taken = clinic.store.claim_contact(&about_a_visit.id, "olga", now_ms(), now_ms() + 60_000).await;
    assert!(matches!(taken, Err(RecordsError::Claimed { by, .. }) if by == "exchange"));
    // Anna does not want to: the client is free for anybody.
    ringing.reject(603, "", None);
    until("the entry is free", || async {
        clinic.store.claim_contact(&about_a_visit.id, "olga", now_ms(), now_ms() + 60_000).await.ok()
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_busy_client_is_called_again_by_the_plan_of_the_clinic_and_by_nothing_else() {
    let mut client = Phone::new().await;
    let clinic = clinic(&lines(client.at())).await;
    let mut anna = Phone::registered(clinic.at, "101", "secret").await;
    let asked = entry(ContactKind::Request);
    clinic.store.add_contact(&asked).await.unwrap();
    let operators = clinic.exchange.operators("vet_lapa").unwrap();
    operators.call_back(clinic.store.contact(&asked.id).await.unwrap());
    let ringing = anna.rings().await;
    let _desk = anna.answer(ringing).await;
    client.rings().await.reject(486, "", None);
    let tried = until("the attempt", || async {
        let entry = clinic.store.contact(&asked.id).await.unwrap();
        (entry.attempts == 1).then_some(entry)
    })
    .await;
    assert_eq!((tried.status, tried.result.as_deref()), (CallbackStatus::Open, Some("busy")));
    // Half an hour, or nine in the morning after that.
    assert!(tried.next_ms >= now_ms() + 29 * 60_000, "{tried:?}");
    until("nobody waits", || async { operators.look().await.waiting.is_empty().then_some(()) }).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_entry_of_the_list_is_dialled_client_first_and_recorded() {
    let mut client = Phone::new().await;
    let clinic = clinic(&lines(client.at()).replace("\"off\"", "\"client-first\"")).await;
    let mut anna = Phone::registered(clinic.at, "101", "secret").await;
    let asked = entry(ContactKind::Missed);
    clinic.store.add_contact(&asked).await.unwrap();
    let ringing = client.rings().await;
    let taken = clinic.store.claim_contact(&asked.id, "olga", now_ms(), now_ms() + 60_000).await;
    assert!(matches!(taken, Err(RecordsError::Claimed { by, .. }) if by == "exchange"));
    let call = client.answer(ringing).await;
    // Who answers and says nothing is a person who listens.
    let ringing = anna.rings().await;
    let mut desk = anna.answer(ringing).await;
    desk.with(|ear| (ear.press, ear.level) = ("1".into(), 9_000));
    call.until("the operator", |ear| (8_000..10_500).contains(&ear.latest)).await;
    call.dialog.bye();
    desk.over().await;
    let done = until("the entry is done", || async {
        let entry = clinic.store.contact(&asked.id).await.unwrap();
        (entry.status == CallbackStatus::Done).then_some(entry)
    })
    .await;
    assert_eq!((done.attempts, done.result.as_deref()), (1, Some("reached")));
    let attempts = clinic.store.contact_attempts(&asked.id).await.unwrap();
    recorded(&clinic, attempts[0].call.as_deref().unwrap()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_robot_calls_who_did_not_answer_a_reminder_where_it_may() {
    let mut client = Phone::new().await;
    let clinic = clinic(&lines(client.at()).replace("\"off\"", "\"off\"\nreminders = true")).await;
    let silent = entry(ContactKind::Reminder);
    clinic.store.add_contact(&silent).await.unwrap();
    client.rings().await.reject(480, "", None);
    let tried = until("the attempt", || async {
        let entry = clinic.store.contact(&silent.id).await.unwrap();
        (entry.attempts == 1).then_some(entry)
    })
    .await;
    assert_eq!((tried.status, tried.result.as_deref()), (CallbackStatus::Open, Some("no-answer")));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_operators_own_call_is_recorded_behind_the_notice() {
    let mut client = Phone::new().await;
    let clinic = clinic(&lines(client.at())).await;
    let anna = Phone::registered_from([127, 0, 0, 2].into(), clinic.at, "101", "secret").await;
    let (dialled, mut call) = tokio::join!(anna.dial(NUMBER), async {
        let ringing = client.rings().await;
        assert_eq!((ringing.called.as_str(), ringing.caller.number.as_str()), (NUMBER, "+74951204567"));
        let call = client.answer(ringing).await;
        call.until("the notice", |ear| ear.loud > 3).await;
        call
    });
    let mut desk = dialled.unwrap();
    desk.with(|ear| ear.level = 9_000);
    call.with(|ear| ear.level = 5_000);
    call.until("the operator", |ear| (8_000..10_500).contains(&ear.latest)).await;
    desk.until("the client", |ear| (4_000..6_000).contains(&ear.latest)).await;
    let open = CallFilter { open: true, ..CallFilter::default() };
    let id = clinic.store.calls(&open, 10, None).await.unwrap().calls[0].id.clone();
    assert!(clinic.exchange.listen("vet_lapa", &id).is_some(), "a manager may listen in, as to every recorded call");
    desk.until("a while", |ear| ear.loud > 50).await;
    desk.dialog.bye();
    call.over().await;
    desk.over().await;
    recorded(&clinic, &id).await;
    let record = clinic.store.call(&id).await.unwrap();
    assert_eq!((record.direction, record.agent.as_deref()), (Direction::Outgoing, Some("Анна")));
    assert_eq!(record.caller.as_ref().map(|number| number.as_str()), Some(NUMBER));
    assert!(record.talk_ms.is_some_and(|talk| talk > 500) && record.ended_ms.is_some(), "{record:?}");
    until("it is tagged like every other call", || async {
        (!clinic.store.tags(&id).await.unwrap().is_empty()).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn colleagues_among_themselves_are_not_recorded() {
    let client = Phone::new().await;
    let two = lines(client.at()).replace(
        "[queue.operator]",
        "[[operator]]\nname = \"Ольга\"\nextension = \"102\"\npassword = \"secret\"\nready = false\n[queue.operator]",
    );
    let clinic = clinic(&two).await;
    let anna = Phone::registered_from([127, 0, 0, 2].into(), clinic.at, "101", "secret").await;
    let mut olga = Phone::registered_from([127, 0, 0, 3].into(), clinic.at, "102", "secret").await;
    let (dialled, mut colleague) = tokio::join!(anna.dial("102"), async {
        let ringing = olga.rings().await;
        olga.answer(ringing).await
    });
    let desk = dialled.unwrap();
    desk.with(|ear| ear.level = 9_000);
    colleague.until("Anna, at once", |ear| (8_000..10_500).contains(&ear.latest)).await;
    desk.dialog.bye();
    colleague.over().await;
    let call = until("the call is over", || async {
        let page = clinic.store.calls(&CallFilter::default(), 10, None).await.unwrap();
        page.calls.into_iter().find(|call| call.ended_ms.is_some())
    })
    .await;
    assert!(clinic.store.call_audio(&call.id).await.unwrap().is_empty());
}
