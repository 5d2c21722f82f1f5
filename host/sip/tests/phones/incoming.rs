//! Calls that sipp places.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use sip::{Admission, Callee, Config, DialogEvent, Outgoing, Over, ReferOutcome, SipError};

use crate::rig::{Rig, SESSION, Sipp, open};

#[tokio::test]
async fn a_call_is_answered_and_ends() {
    let mut rig = Rig::start(open()).await;
    let sipp = Sipp::calling("call", rig.at);
    let call = rig.call().await;
    assert_eq!((call.called.as_str(), call.caller.number.as_str()), ("100", "sipp"));
    assert_eq!((call.caller.display.as_deref(), call.trunk.as_deref()), (Some("Test"), None));
    assert!(call.body.as_deref().is_some_and(|b| b.starts_with("v=0\r\n") && b.contains("PCMA/8000")));
    assert_eq!(call.source, sipp.at);
    call.ring(None).unwrap();
    let dialog = call.answer(SESSION.into()).await.unwrap();
    let mut events = crate::rig::Events::of(&dialog);
    assert_eq!(events.acknowledged().await, None);
    assert_eq!(events.over().await, Over::Bye { reason: None });
    assert!(dialog.is_over());
    sipp.succeeds().await;
    rig.assert_empty();
}

#[tokio::test]
async fn we_hang_up() {
    let mut rig = Rig::start(open()).await;
    let sipp = Sipp::calling("call_waits_bye", rig.at);
    let (dialog, mut events) = rig.answer().await;
    // Before the ACK: the BYE has to wait for it.
    dialog.bye_because("Q.850;cause=16");
    assert_eq!(events.over().await, Over::Here);
    assert!(sipp.succeeds().await.contains("Reason: Q.850;cause=16"));
    dialog.over().await;
    rig.assert_empty();
}

#[tokio::test]
async fn a_dropped_call_is_hung_up_and_a_dropped_offer_refused() {
    let mut rig = Rig::start(open()).await;
    let sipp = Sipp::calling("call_waits_bye", rig.at);
    drop(rig.answer().await);
    sipp.succeeds().await;
    let sipp = Sipp::calling("call", rig.at);
    drop(rig.call().await);
    let outcome = tokio::spawn(sipp.succeeds()).await;
    let told = outcome.expect_err("480 is not what the scenario expects").into_panic();
    assert!(told.downcast_ref::<String>().is_some_and(|t| t.contains("480 Temporarily Unavailable")));
    rig.assert_empty();
}

#[tokio::test]
async fn the_caller_gives_up() {
    for scenario in ["cancel", "early_bye"] {
        let mut rig = Rig::start(open()).await;
        let sipp = Sipp::calling(scenario, rig.at);
        let call = rig.call().await;
        call.ring(None).unwrap();
        call.cancelled().await;
        assert!(matches!(call.answer(SESSION.into()).await, Err(SipError::Cancelled)), "{scenario}");
        sipp.succeeds().await;
        rig.assert_empty();
    }
}

#[tokio::test]
async fn an_answer_that_is_never_acknowledged_is_noticed() {
    let mut rig = Rig::start(Config { t1: Duration::from_millis(20), ..open() }).await;
    let sipp = Sipp::calling("lost_ack", rig.at);
    let (_dialog, mut events) = rig.answer().await;
    let Over::NeverAcknowledged { contact, private } = events.over().await else { panic!("not noticed") };
    assert!(private && contact.contains(&rig.at.to_string()), "{contact}");
    let messages = sipp.succeeds().await;
    assert!(messages.matches("SIP/2.0 200 OK").count() > 4, "the 200 was not repeated");
    let counters = rig.endpoint.counters();
    assert_eq!(counters.never_acknowledged, 1);
    assert!(counters.retransmitted > 3);
}

#[tokio::test]
async fn hold_and_resume() {
    let mut rig = Rig::start(open()).await;
    let sipp = Sipp::calling("hold", rig.at);
    let (_dialog, mut events) = rig.answer().await;
    events.acknowledged().await;
    for direction in ["a=sendonly", "a=sendrecv"] {
        let DialogEvent::Offer { body: Some(body), answer } = events.next().await else { panic!("no offer") };
        assert!(body.contains(direction));
        answer.send(Ok(SESSION.into())).unwrap();
    }
    assert_eq!(events.over().await, Over::Bye { reason: None });
    sipp.succeeds().await;
}

#[tokio::test]
async fn an_offer_can_be_refused() {
    let mut rig = Rig::start(open()).await;
    let sipp = Sipp::calling("refused_hold", rig.at);
    let (_dialog, mut events) = rig.answer().await;
    events.acknowledged().await;
    // Not answering refuses too.
    assert!(matches!(events.next().await, DialogEvent::Offer { .. }));
    assert_eq!(events.over().await, Over::Bye { reason: None });
    sipp.succeeds().await;
}

#[tokio::test]
async fn keys_arrive_in_order() {
    let mut rig = Rig::start(open()).await;
    let sipp = Sipp::calling("digits", rig.at);
    let (_dialog, mut events) = rig.answer().await;
    events.acknowledged().await;
    let mut keys = String::new();
    while let DialogEvent::Digit(key) = events.next().await {
        keys.push(key);
    }
    assert_eq!(keys, "5*#0");
    sipp.succeeds().await;
}

#[tokio::test]
async fn early_media_is_sent_reliably() {
    let mut rig = Rig::start(open()).await;
    let sipp = Sipp::calling("prack", rig.at);
    let call = rig.call().await;
    call.ring(Some(SESSION.into())).unwrap();
    // Waits for the PRACK by itself.
    let dialog = call.answer(SESSION.into()).await.unwrap();
    let mut events = crate::rig::Events::of(&dialog);
    events.acknowledged().await;
    events.over().await;
    sipp.succeeds().await;
    rig.assert_empty();
}

#[tokio::test]
async fn early_media_that_is_never_acknowledged_ends_the_call() {
    let mut rig = Rig::start(Config { t1: Duration::from_millis(10), ..open() }).await;
    let sipp = Sipp::calling("prack_never", rig.at);
    let call = rig.call().await;
    call.ring(Some(SESSION.into())).unwrap();
    assert!(matches!(call.answer(SESSION.into()).await, Err(SipError::Silent { .. })));
    sipp.succeeds().await;
    rig.assert_empty();
}

#[tokio::test]
async fn we_offer_when_the_caller_does_not() {
    let mut rig = Rig::start(open()).await;
    let sipp = Sipp::calling("late_offer", rig.at);
    let call = rig.call().await;
    assert_eq!(call.body, None);
    let dialog = call.answer(SESSION.into()).await.unwrap();
    let mut events = crate::rig::Events::of(&dialog);
    assert!(events.acknowledged().await.is_some_and(|b| b.contains("telephone-event")));
    events.over().await;
    sipp.succeeds().await;
}

#[tokio::test]
async fn too_brief_a_session_is_refused() {
    let mut rig = Rig::start(open()).await;
    let sipp = Sipp::calling("brief_session", rig.at);
    let (_dialog, mut events) = rig.answer().await;
    events.acknowledged().await;
    events.over().await;
    sipp.succeeds().await;
    assert_eq!(rig.endpoint.counters().rejected.get("session interval"), Some(&1));
}

/// Shorter than the RFC allows, so that the test is quick.
fn brief() -> Config {
    Config { session_minimum: Duration::from_secs(2), ..open() }
}

#[tokio::test]
async fn we_refresh_the_session() {
    let mut rig = Rig::start(brief()).await;
    let sipp = Sipp::calling("refreshed_by_them", rig.at);
    let (_dialog, mut events) = rig.answer().await;
    events.acknowledged().await;
    assert_eq!(events.over().await, Over::Bye { reason: None });
    sipp.succeeds().await;
}

#[tokio::test]
async fn a_session_nobody_refreshes_ends() {
    let mut rig = Rig::start(brief()).await;
    let sipp = Sipp::calling("never_refreshed", rig.at);
    let (_dialog, mut events) = rig.answer().await;
    events.acknowledged().await;
    assert_eq!(events.over().await, Over::Expired);
    sipp.succeeds().await;
}

#[tokio::test]
async fn overload_is_answered_before_anything_is_served() {
    let full = Arc::new(AtomicBool::new(false));
    let asked = full.clone();
    let config = Config {
        admit: Arc::new(move || match asked.swap(true, Ordering::SeqCst) {
            false => Admission::Take,
            true => Admission::Busy { retry_after: Duration::from_secs(7) },
        }),
        ..open()
    };
    let mut rig = Rig::start(config).await;
    let served = Sipp::calling("call", rig.at);
    let (_dialog, mut events) = rig.answer().await;
    Sipp::calling("busy", rig.at).succeeds().await;
    events.acknowledged().await;
    events.over().await;
    served.succeeds().await;
    assert_eq!(rig.endpoint.counters().rejected.get("overload"), Some(&1));
    assert!(rig.calls.try_recv().is_err(), "the program heard of a call that was turned away");
}

#[tokio::test]
async fn transfers_end_in_every_way() {
    let refused = |status, reason: &str| ReferOutcome::Refused { status, reason: reason.into() };
    for (scenario, expected) in [
        ("transfer", ReferOutcome::Completed),
        ("transfer_fails", refused(486, "Busy Here")),
        ("transfer_refused", refused(603, "Decline")),
        ("transfer_unsupported", ReferOutcome::Unsupported),
        ("transfer_and_gone", ReferOutcome::Accepted),
    ] {
        let mut rig = Rig::start(open()).await;
        let sipp = Sipp::calling(scenario, rig.at);
        let (dialog, mut events) = rig.answer().await;
        events.acknowledged().await;
        let outcome = dialog.refer("sip:100@pbx.example", Duration::from_secs(30)).await;
        assert_eq!(outcome, expected, "{scenario}");
        dialog.bye();
        sipp.succeeds().await;
    }
}

#[tokio::test]
async fn the_other_side_asks_for_a_transfer() {
    let mut rig = Rig::start(open()).await;
    let sipp = Sipp::calling("asks_transfer", rig.at);
    let (_dialog, mut events) = rig.answer().await;
    events.acknowledged().await;
    let DialogEvent::Refer(mut referral) = events.next().await else { panic!("no REFER") };
    assert_eq!(referral.to, "sip:200@pbx.example");
    referral.accept();
    referral.done(200, "OK");
    events.over().await;
    sipp.succeeds().await;
}

#[tokio::test]
async fn we_change_the_session_and_collide() {
    let mut rig = Rig::start(open()).await;
    let sipp = Sipp::calling("is_reinvited", rig.at);
    let (dialog, mut events) = rig.answer().await;
    events.acknowledged().await;
    let answer = dialog.reinvite(&SESSION.replace("m=audio", "a=sendonly\r\nm=audio")).await.unwrap();
    assert!(answer.is_some_and(|a| a.contains("m=audio")));
    dialog.info_digit('7', 160).await.unwrap();
    dialog.bye();
    sipp.succeeds().await;
}

/// Every way a call can go, and then nothing of it is kept: neither by us nor by the stack below.
#[tokio::test]
async fn nothing_is_left_behind() {
    let mut rig = Rig::start(Config { t1: Duration::from_millis(10), ..open() }).await;
    for scenario in ["call", "cancel", "early_bye", "lost_ack", "hold", "prack_never", "transfer_and_gone"] {
        let sipp = Sipp::calling(scenario, rig.at);
        let call = rig.call().await;
        call.ring(Some(SESSION.into()).filter(|_| scenario == "prack_never")).unwrap();
        if matches!(scenario, "cancel" | "early_bye") {
            call.cancelled().await;
        } else if let Ok(dialog) = call.answer(SESSION.into()).await {
            let mut events = crate::rig::Events::of(&dialog);
            loop {
                match events.next().await {
                    DialogEvent::Acknowledged { .. } if scenario == "transfer_and_gone" => {
                        dialog.refer("sip:100@pbx.example", Duration::from_secs(30)).await;
                    }
                    DialogEvent::Offer { answer, .. } => answer.send(Ok(SESSION.into())).unwrap(),
                    DialogEvent::Over(_) => break,
                    _ => {}
                }
            }
        }
        sipp.succeeds().await;
    }
    let sipp = Sipp::called("engaged");
    let to = Callee::Uri(format!("sip:100@{}", sipp.at));
    while rig.endpoint.call(Outgoing::new(to.clone(), Some(SESSION.into()))).next().await.is_none() {}
    sipp.succeeds().await;
    let emptied = async {
        while rig.endpoint.counters().remembered_now > 0 {
            tokio::task::yield_now().await;
        }
    };
    let emptied = tokio::time::timeout(Duration::from_secs(30), emptied).await;
    assert!(emptied.is_ok(), "{:?}", rig.endpoint.counters());
    rig.assert_empty();
}

#[tokio::test]
async fn calls_survive_a_bad_network() {
    let mut rig = Rig::start(open()).await;
    let at = rig.at;
    let mut calls = std::mem::replace(&mut rig.calls, tokio::sync::mpsc::channel(1).1);
    tokio::spawn(async move {
        while let Some(call) = calls.recv().await {
            tokio::spawn(async move {
                if let Ok(dialog) = call.answer(SESSION.into()).await {
                    dialog.over().await;
                }
            });
        }
    });
    // The later -m wins. A lost BYE may stay unnoticed: sipp takes our repeated 200 to INVITE for its answer.
    Sipp::calling_with("call", at, &["-m", "40", "-r", "40", "-lost", "5"]).succeeds().await;
    let counters = rig.endpoint.counters();
    assert_eq!(counters.calls_in, 40);
    assert!(counters.calls_now < 10, "{} of 40 calls were not forgotten", counters.calls_now);
}
