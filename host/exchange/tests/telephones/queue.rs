//! Callers and the people who take them: queue, operator's phone, bridge, call-back.

use std::time::Duration;

use records::{CallFilter, CallbackStatus};

use crate::support::{Phone, clinic, until};

const DESK: &str = "{sip}\n[[trunk]]\nname = \"here\"\nallow = [\"127.0.0.1\"]\ntransfer = \"bridge\"\n\
    [[operator]]\nname = \"Анна\"\nextension = \"101\"\npassword = \"secret\"\n\
    [queue.operator]\nalways_open = true\nannounce_every = 10\nwrap_up = 0\n";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_caller_is_put_through_to_an_operator_and_both_hear_each_other() {
    let clinic = clinic(DESK).await;
    let mut anna = Phone::registered(clinic.at, "101", "secret").await;
    let view = clinic.exchange.operators("vet_lapa").unwrap().look().await;
    assert_eq!(view.queues[0].next_wait_ms, Some(0), "she is free: {view:?}");
    let caller = Phone::new().await;
    let mut call = caller.call(clinic.at, "100", "79031234567").await.unwrap();
    let ringing = anna.rings().await;
    assert_eq!(ringing.caller.number, "+79031234567");
    let mut desk = anna.answer(ringing).await;
    desk.until("the whisper", |ear| ear.loud > 5).await;
    // A key cuts the whisper short.
    desk.with(|ear| (ear.press, ear.level) = ("1".into(), 9_000));
    call.with(|ear| ear.level = 5_000);
    call.until("the operator", |ear| (8_000..10_500).contains(&ear.latest)).await;
    let view = clinic.exchange.operators("vet_lapa").unwrap().look().await;
    assert_eq!(view.queues[0].waiting, 0);
    assert!(view.queues[0].next_wait_ms.is_some_and(|wait| wait > 0), "the only one who serves it talks: {view:?}");
    desk.until("the caller", |ear| (4_000..6_000).contains(&ear.latest)).await;
    desk.dialog.bye();
    call.over().await;
    desk.over().await;
    let record = until("the call with who took it", || async {
        let page = clinic.store.calls(&CallFilter::default(), 10, None).await.unwrap();
        page.calls.into_iter().find(|call| call.agent.as_deref() == Some("Анна") && call.talk_ms.is_some())
    })
    .await;
    let kinds = until("the end of the talk", || async {
        let events = clinic.store.call_events(&record.id).await.unwrap();
        let kinds: Vec<String> = events.into_iter().map(|event| event.kind).collect();
        kinds.iter().any(|kind| kind == "talk_ended").then_some(kinds)
    })
    .await;
    assert!(["joined", "connected"].iter().all(|kind| kinds.iter().any(|known| known == kind)), "{kinds:?}");
    assert!(record.queue_wait_ms.is_some() && record.ended_ms.is_some(), "{record:?}");
    let quality = until("the line's quality", || async { clinic.store.line_quality(&record.id).await.unwrap() }).await;
    assert!(quality.packets > 20 && quality.mos > 3.5, "{quality:?}");
    // However quickly she answered: the caller heard that the call is recorded, and so it is.
    let audio = until("the recording", || async {
        clinic.store.call_audio(&record.id).await.unwrap().into_iter().find(|audio| audio.kind == "recording")
    })
    .await;
    let sides = audio::wav::decode(&clinic.store.audio(&audio.sha256).await.unwrap()).unwrap().channels;
    assert!(sides[1].iter().any(|sample| sample.unsigned_abs() > 8_000), "the operator is in it");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_caller_who_hangs_up_in_the_queue_stops_the_ringing_and_is_lost_to_nobody() {
    let clinic = clinic(DESK).await;
    let mut anna = Phone::registered(clinic.at, "101", "secret").await;
    let caller = Phone::new().await;
    let call = caller.call(clinic.at, "100", "79031234567").await.unwrap();
    let ringing = anna.rings().await;
    call.dialog.bye();
    tokio::time::timeout(Duration::from_secs(10), ringing.cancelled()).await.expect("the phone stops ringing");
    until("nobody is left", || async { (clinic.exchange.calls() == 0).then_some(()) }).await;
    let view = clinic.exchange.operators("vet_lapa").unwrap().look().await;
    assert!(view.waiting.is_empty(), "{view:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_presses_one_is_written_down_and_called_back() {
    let clinic = clinic(DESK).await;
    // Somebody must be there for the queue to take a caller; nobody answers the phone.
    let mut anna = Phone::registered(clinic.at, "101", "secret").await;
    let caller = Phone::new().await;
    let mut call = caller.call(clinic.at, "100", "79031234567").await.unwrap();
    let _ringing = anna.rings().await;
    // Two seconds of something: the robot has left and the music plays.
    call.until("the music", |ear| ear.loud > 100).await;
    call.with(|ear| ear.press = "1".into());
    call.over().await;
    let promises = until("the promise", || async {
        let open = clinic.store.callbacks("vet_lapa", CallbackStatus::Open).await.unwrap();
        (!open.is_empty()).then_some(open)
    })
    .await;
    assert_eq!(promises[0].phone.as_str(), "+79031234567");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_may_come_by_info_and_a_line_without_sound_is_over() {
    let clinic = clinic(&DESK.replace("{sip}", "{sip}rtp_timeout = 1\n")).await;
    let mut anna = Phone::registered(clinic.at, "101", "secret").await;
    let caller = Phone::new().await;
    let mut call = caller.call(clinic.at, "100", "79031234567").await.unwrap();
    let _ringing = anna.rings().await;
    call.until("the music", |ear| ear.loud > 100).await;
    call.dialog.info_digit('1', 160).await.unwrap();
    call.over().await;
    assert_eq!(clinic.store.callbacks("vet_lapa", CallbackStatus::Open).await.unwrap().len(), 1);

    let mut dead = caller.call(clinic.at, "100", "79037654321").await.unwrap();
    dead.with(|ear| ear.mute = true);
    dead.over().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_nobody_is_registered_the_house_promises_a_call_back() {
    let clinic = clinic(DESK).await;
    let caller = Phone::new().await;
    let mut call = caller.call(clinic.at, "100", "79031234567").await.unwrap();
    // Nobody is registered: the house takes a call-back.
    call.over().await;
    let open = clinic.store.callbacks("vet_lapa", CallbackStatus::Open).await.unwrap();
    assert_eq!(open.len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_operators_transfer_key_sends_the_caller_on_to_a_colleague() {
    let two = DESK.replace(
        "[queue.operator]",
        "[[operator]]\nname = \"Ольга\"\nextension = \"102\"\npassword = \"secret\"\nready = false\n[queue.operator]",
    );
    let clinic = clinic(&two).await;
    let mut anna = Phone::registered(clinic.at, "101", "secret").await;
    let mut olga = Phone::registered(clinic.at, "102", "secret").await;
    let caller = Phone::new().await;
    let mut call = caller.call(clinic.at, "100", "79031234567").await.unwrap();
    let ringing = anna.rings().await;
    let mut desk = anna.answer(ringing).await;
    desk.with(|ear| (ear.press, ear.level) = ("1".into(), 9_000));
    call.until("Anna", |ear| (8_000..10_500).contains(&ear.latest)).await;
    let outcome = desk.dialog.refer(&format!("sip:102@{}", clinic.at), Duration::from_secs(10)).await;
    assert!(matches!(outcome, sip::ReferOutcome::Completed | sip::ReferOutcome::Accepted), "{outcome:?}");
    let ringing = olga.rings().await;
    let colleague = olga.answer(ringing).await;
    colleague.with(|ear| ear.level = 4_000);
    call.until("Olga", |ear| (3_000..5_000).contains(&ear.latest)).await;
    desk.over().await;
    colleague.dialog.bye();
    call.over().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_operator_asks_a_colleague_first_and_then_puts_the_caller_through() {
    let two = DESK.replace(
        "[queue.operator]",
        "[[operator]]\nname = \"Ольга\"\nextension = \"102\"\npassword = \"secret\"\nready = false\n[queue.operator]",
    );
    let clinic = clinic(&two).await;
    let mut anna = Phone::registered_from([127, 0, 0, 2].into(), clinic.at, "101", "secret").await;
    let mut olga = Phone::registered(clinic.at, "102", "secret").await;
    let caller = Phone::new().await;
    let mut call = caller.call(clinic.at, "100", "79031234567").await.unwrap();
    let ringing = anna.rings().await;
    let mut desk = anna.answer(ringing).await;
    desk.with(|ear| (ear.press, ear.level) = ("1".into(), 9_000));
    call.until("Anna", |ear| (8_000..10_500).contains(&ear.latest)).await;
    // A second call of her phone.
    let (asking, answering) = tokio::join!(anna.dial("102"), async {
        let ringing = olga.rings().await;
        olga.answer(ringing).await
    });
    let (mut asking, colleague) = (asking.unwrap(), answering);
    colleague.with(|ear| ear.level = 4_000);
    asking.until("Olga, to Anna", |ear| (3_000..5_000).contains(&ear.latest)).await;
    let outcome = desk.dialog.refer_replacing(&asking.dialog, Duration::from_secs(10)).await;
    assert!(matches!(outcome, sip::ReferOutcome::Completed | sip::ReferOutcome::Accepted), "{outcome:?}");
    call.until("Olga", |ear| (3_000..5_000).contains(&ear.latest)).await;
    call.with(|ear| ear.level = 6_000);
    colleague.until("the caller", |ear| (5_000..7_000).contains(&ear.latest)).await;
    // Both calls of Anna's phone are over.
    desk.over().await;
    asking.over().await;
    // What is no call of this house cannot be joined.
    colleague.dialog.bye();
    call.over().await;
}
