//! A call that takes the place of another (RFC 3891).

use std::net::SocketAddr;
use std::time::Duration;

use sip::{Callee, Dialog, Outgoing, Over, Progress};

use crate::rig::{Events, Rig, SESSION, Sipp, open};

/// The Replaces by which somebody else names this call to us: our tag is the to-tag.
fn naming(dialog: &Dialog) -> String {
    let from_there = dialog.as_replaces();
    from_there.replacen(";to-tag=", ";theirs=", 1).replacen(";from-tag=", ";to-tag=", 1).replacen(
        ";theirs=",
        ";from-tag=",
        1,
    )
}

/// The status that a call with these fields is refused with.
async fn refused(from: &Rig, to: SocketAddr, fields: &[(&str, &str)]) -> u16 {
    let headers = fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    let outgoing = Outgoing::new(Callee::Uri(format!("sip:100@{to}")), Some(SESSION.into()));
    let mut dialling = from.endpoint.call(Outgoing { headers, ..outgoing });
    loop {
        match dialling.next().await {
            Some(Progress::Ringing { .. }) => {}
            Some(Progress::Failed { status, .. }) => return status,
            other => panic!("{other:?} instead of a refusal"),
        }
    }
}

#[tokio::test]
async fn a_call_takes_the_place_of_another_which_gets_its_bye() {
    let mut rig = Rig::start(open()).await;
    let first = Sipp::calling("call_waits_bye", rig.at);
    let (dialog, mut events) = rig.answer().await;
    events.acknowledged().await;
    let second = Sipp::calling_with("replaces", rig.at, &["-key", "replaces", &naming(&dialog)]);
    let incoming = rig.call().await;
    assert_eq!(incoming.replaces.as_ref().map(sip::Replaced::id), Some(dialog.id()));
    assert!(!dialog.is_over(), "until the new one is answered");
    let new = incoming.answer(SESSION.into()).await.unwrap();
    assert_eq!(events.over().await, Over::Replaced);
    first.succeeds().await;
    let mut events = Events::of(&new);
    events.acknowledged().await;
    assert_eq!(events.over().await, Over::Bye { reason: None });
    let messages = second.succeeds().await;
    assert!(messages.contains("Supported: 100rel, timer, norefersub, replaces"), "{messages}");
    dialog.over().await;
    rig.assert_empty();
}

#[tokio::test]
async fn what_cannot_be_replaced_is_refused_and_goes_on() {
    let mut rig = Rig::start(open()).await;
    let other = Rig::start(open()).await;
    let first = Sipp::calling("call_waits_bye", rig.at);
    let (dialog, mut events) = rig.answer().await;
    events.acknowledged().await;
    let (named, seen_from_there) = (naming(&dialog), dialog.as_replaces());
    let wrong_tag = format!("{named}x");
    let unknown = format!("x{named}");
    let early = format!("{named};early-only");
    for (status, fields) in [
        (481, vec![("Replaces", unknown.as_str())]),
        (481, vec![("Replaces", wrong_tag.as_str())]),
        (481, vec![("Replaces", seen_from_there.as_str())]),
        (486, vec![("Replaces", early.as_str())]),
        (400, vec![("Replaces", named.as_str()), ("Replaces", named.as_str())]),
        (400, vec![("Replaces", named.as_str()), ("Join", named.as_str())]),
        (400, vec![("Replaces", "one@a;to-tag=1")]),
    ] {
        assert_eq!(refused(&other, rig.at, &fields).await, status, "{fields:?}");
    }
    // One that the program does not want.
    let fields = [("Replaces", named.as_str())];
    let (status, ()) = tokio::join!(refused(&other, rig.at, &fields), async {
        let incoming = rig.calls.recv().await.unwrap();
        assert!(incoming.replaces.is_some());
        incoming.reject(488, "", None);
    });
    assert_eq!(status, 488);
    assert!(!dialog.is_over());
    dialog.bye();
    first.succeeds().await;
    dialog.over().await;
    // Whoever comes a moment too late is told so.
    let other_at = Rig::start(open()).await;
    assert_eq!(refused(&other_at, rig.at, &[("Replaces", &named)]).await, 603);
    assert_eq!(rig.endpoint.counters().rejected.get("nothing to replace").copied(), Some(5));
    rig.assert_empty();
}

#[tokio::test]
async fn whoever_takes_anothers_place_needs_no_room_of_their_own() {
    let taken = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
    let asked = taken.clone();
    let config = sip::Config {
        admit: std::sync::Arc::new(move || match asked.swap(true, std::sync::atomic::Ordering::SeqCst) {
            false => sip::Admission::Take,
            true => sip::Admission::Busy { retry_after: Duration::from_secs(7) },
        }),
        ..open()
    };
    let mut rig = Rig::start(config).await;
    let other = Rig::start(open()).await;
    let first = Sipp::calling("call_waits_bye", rig.at);
    let (dialog, mut events) = rig.answer().await;
    events.acknowledged().await;
    assert_eq!(refused(&other, rig.at, &[]).await, 503);
    let second = Sipp::calling_with("replaces", rig.at, &["-key", "replaces", &naming(&dialog)]);
    let (new, mut news) = rig.answer().await;
    assert_eq!(events.over().await, Over::Replaced);
    news.acknowledged().await;
    news.over().await;
    first.succeeds().await;
    second.succeeds().await;
    new.over().await;
}
