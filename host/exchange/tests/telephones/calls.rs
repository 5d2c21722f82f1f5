//! Calls from outside: answered, refused, written down.

use records::{CallFilter, CallRecord};

use crate::support::{Clinical, Phone, clinic, until};

const CROWDED: &str = "[sip]\nudp = [\"127.0.0.1:0\"]\nmax_calls = 1\n[media]\nports = \"32000-32999\"\nshards = 2\n\
    [[trunk]]\nname = \"here\"\nallow = [\"127.0.0.1\"]\n";
const TRUNK: &str = "{sip}\n[[trunk]]\nname = \"here\"\nallow = [\"127.0.0.1\"]\n";

async fn only_call(clinic: &Clinical) -> CallRecord {
    until("a call that is over", || async {
        let page = clinic.store.calls(&CallFilter::default(), 10, None).await.unwrap();
        page.calls.into_iter().find(|call| call.ended_ms.is_some())
    })
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_caller_hears_the_house_and_is_written_down_with_their_recording() {
    let clinic = clinic(TRUNK).await;
    let phone = Phone::new().await;
    let mut call = phone.call(clinic.at, "74951204567", "79031234567").await.unwrap();
    // No flow answers, no queue: the house promises a call-back by itself.
    call.until("the house speaks", |ear| ear.loud > 10).await;
    call.over().await;
    let record = only_call(&clinic).await;
    assert_eq!(record.caller.as_ref().map(|caller| caller.as_str().to_owned()).as_deref(), Some("+79031234567"));
    assert_eq!(record.line.as_deref(), Some("74951204567"));
    assert_eq!(record.end_reason.as_deref(), Some("call-back-taken"));
    let audio = until("the recording", || async {
        let audio = clinic.store.call_audio(&record.id).await.unwrap();
        (!audio.is_empty()).then_some(audio)
    })
    .await;
    assert_eq!(audio[0].kind, "recording");
    let ended = clinic.told.ended.lock().unwrap();
    let (_, quality) = &ended[0];
    let quality = quality.expect("the line was measured");
    assert!(quality.received > 20 && quality.lost == 0, "{quality:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_call_too_many_is_answered_503_before_anything_is_done() {
    let crowded = clinic(CROWDED).await;
    let phone = Phone::new().await;
    let first = phone.call(crowded.at, "100", "79031234567").await.unwrap();
    assert_eq!(phone.call(crowded.at, "100", "79031234567").await.err(), Some(503));
    assert_eq!(*crowded.told.refused.lock().unwrap(), 1);
    drop(first);
    until("room again", || async { (crowded.exchange.calls() == 0).then_some(()) }).await;
    assert!(phone.call(crowded.at, "100", "79031234567").await.is_ok());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_number_of_nobody_and_an_address_of_nobody_are_refused() {
    let numbered = clinic(&format!("{TRUNK}numbers = [\"+7 495 120-45-67\"]\n")).await;
    let phone = Phone::new().await;
    assert_eq!(phone.call(numbered.at, "74950000000", "79031234567").await.err(), Some(404));
    let strangers = clinic(&TRUNK.replace("127.0.0.1\"]", "192.0.2.1\"]")).await;
    assert_eq!(phone.call(strangers.at, "100", "79031234567").await.err(), Some(403));
}
