//! Calls that sipp answers.

use std::time::Duration;

use sip::{Account, Callee, Config, Dialling, Dialog, DialogEvent, Outgoing, Over, Party, Progress, Trunk};
use tokio::net::UdpSocket;

use crate::rig::{Events, LOCAL, Rig, SESSION, Sipp, open};

fn to(sipp: &Sipp) -> Outgoing {
    Outgoing::new(Callee::Uri(format!("sip:100@{}", sipp.at)), Some(SESSION.into()))
}

async fn answered(dialling: &mut Dialling) -> (Dialog, Option<String>) {
    loop {
        match dialling.next().await {
            Some(Progress::Ringing { .. }) => {}
            Some(Progress::Answered { dialog, body }) => return (dialog, body),
            other => panic!("{other:?} instead of an answer"),
        }
    }
}

async fn failed(dialling: &mut Dialling) -> (u16, String, Option<Duration>) {
    loop {
        match dialling.next().await {
            Some(Progress::Ringing { .. }) => {}
            Some(Progress::Failed { status, reason, retry_after }) => return (status, reason, retry_after),
            other => panic!("{other:?} instead of a failure"),
        }
    }
}

#[tokio::test]
async fn somebody_answers() {
    let rig = Rig::start(open()).await;
    let sipp = Sipp::called("answer");
    let caller = Party { number: "74951234567".into(), display: Some("Клиника".into()) };
    let headers = vec![("X-Gudok".into(), "reminder".into())];
    let mut dialling = rig.endpoint.call(Outgoing { caller, headers, ..to(&sipp) });
    assert!(matches!(dialling.next().await, Some(Progress::Ringing { status: 180, body: None })));
    let (dialog, body) = answered(&mut dialling).await;
    assert!(body.is_some_and(|b| b.contains("PCMA")));
    let mut events = Events::of(&dialog);
    dialog.bye();
    assert_eq!(events.over().await, Over::Here);
    let messages = sipp.succeeds().await;
    assert!(messages.contains("\"Клиника\" <sip:74951234567@") && messages.contains("X-Gudok: reminder"));
    dialog.over().await;
    rig.assert_empty();
}

#[tokio::test]
async fn the_called_side_hangs_up() {
    let rig = Rig::start(open()).await;
    let sipp = Sipp::called("answer_and_hang_up");
    let mut dialling = rig.endpoint.call(to(&sipp));
    let (dialog, _) = answered(&mut dialling).await;
    let mut events = Events::of(&dialog);
    assert_eq!(events.over().await, Over::Bye { reason: Some("Q.850;cause=16".into()) });
    sipp.succeeds().await;
    rig.assert_empty();
}

#[tokio::test]
async fn nobody_can_be_had() {
    let rig = Rig::start(open()).await;
    let sipp = Sipp::called("engaged");
    assert_eq!(failed(&mut rig.endpoint.call(to(&sipp))).await, (486, "Busy Here".into(), None));
    sipp.succeeds().await;
    let sipp = Sipp::called("out_of_order");
    let wait = Some(Duration::from_secs(120));
    assert_eq!(failed(&mut rig.endpoint.call(to(&sipp))).await, (503, "Service Unavailable".into(), wait));
    sipp.succeeds().await;
    let nowhere = Outgoing::new(Callee::Number("100".into()), None);
    assert_eq!(failed(&mut rig.endpoint.call(nowhere)).await.0, 503);
    rig.assert_empty();
}

#[tokio::test]
async fn we_give_up() {
    let rig = Rig::start(open()).await;
    let sipp = Sipp::called("rings_until_cancel");
    let mut dialling = rig.endpoint.call(to(&sipp));
    assert!(matches!(dialling.next().await, Some(Progress::Ringing { .. })));
    dialling.cancel();
    assert_eq!(failed(&mut dialling).await.0, 487);
    sipp.succeeds().await;
    // By running out of time.
    let sipp = Sipp::called("rings_until_cancel");
    let mut dialling = rig.endpoint.call(Outgoing { timeout: Duration::from_secs(2), ..to(&sipp) });
    assert_eq!(failed(&mut dialling).await.0, 408);
    sipp.succeeds().await;
    rig.assert_empty();
}

#[tokio::test]
async fn nobody_is_there() {
    let rig = Rig::start(Config { t1: Duration::from_millis(10), ..open() }).await;
    let port = crate::rig::free_port();
    let gone = Outgoing::new(Callee::Uri(format!("sip:100@127.0.0.1:{port}")), Some(SESSION.into()));
    assert_eq!(failed(&mut rig.endpoint.call(gone)).await.0, 408);
    rig.assert_empty();
}

#[tokio::test]
async fn reliable_early_media_is_acknowledged() {
    let rig = Rig::start(open()).await;
    let sipp = Sipp::called("reliable_early");
    let mut dialling = rig.endpoint.call(to(&sipp));
    assert!(matches!(dialling.next().await, Some(Progress::Ringing { status: 183, body: Some(_) })));
    let (dialog, _) = answered(&mut dialling).await;
    dialog.bye();
    sipp.succeeds().await;
}

#[tokio::test]
async fn a_trunk_wants_a_password() {
    // The first checks what it gets.
    for scenario in ["challenges", "proxy_challenges"] {
        let sipp = Sipp::called(scenario);
        let trunk = Trunk {
            server: Some(sipp.at.to_string()),
            account: Some(Account { user: "clinic".into(), password: "sesame".into(), auth_user: None }),
            assert_identity: true,
            ..Trunk::named("provider")
        };
        let rig = Rig::start(Config { trunks: vec![trunk], ..open() }).await;
        let call = Outgoing {
            trunk: Some("provider".into()),
            ..Outgoing::new(Callee::Number("+7 495#1".into()), Some(SESSION.into()))
        };
        let at = sipp.at;
        let (dialog, _) = answered(&mut rig.endpoint.call(call)).await;
        dialog.bye();
        let messages = sipp.succeeds().await;
        assert!(messages.contains(&format!("INVITE sip:+7%20495%231@{at} SIP/2.0")));
        assert!(messages.contains("P-Asserted-Identity: <sip:clinic@127.0.0.1>"));
    }
}

#[tokio::test]
async fn of_two_answers_one_is_hung_up() {
    let rig = Rig::start(open()).await;
    let sipp = Sipp::called("forks");
    let (dialog, _) = answered(&mut rig.endpoint.call(to(&sipp))).await;
    // The scenario takes the BYE of the unwanted answer first.
    let port = sipp.at.port();
    let done = tokio::spawn(sipp.succeeds());
    let received = rig.endpoint.clone();
    // Two answers, and the answer to the BYE.
    while received.counters().received < 3 {
        tokio::task::yield_now().await;
    }
    dialog.bye();
    let messages = done.await.unwrap();
    let second = format!("BYE sip:second@127.0.0.1:{port}");
    assert!(messages.contains(&second), "the second answer was not hung up");
}

/// sipp takes the second, identical ACK for a repetition and never goes on; a bare socket does not.
#[tokio::test]
async fn a_repeated_answer_is_acknowledged_again() {
    let rig = Rig::start(open()).await;
    let callee = UdpSocket::bind((LOCAL, 0)).await.unwrap();
    let at = callee.local_addr().unwrap();
    let mut dialling = rig.endpoint.call(Outgoing::new(Callee::Uri(format!("sip:100@{at}")), Some(SESSION.into())));
    let mut buffer = vec![0; 8192];
    let (len, from) = callee.recv_from(&mut buffer).await.unwrap();
    let invite = String::from_utf8_lossy(&buffer[..len]).into_owned();
    let field = |name: &str| invite.lines().find(|l| l.starts_with(name)).unwrap_or_default().to_string();
    let answer = format!(
        "SIP/2.0 200 OK\r\n{}\r\n{}\r\n{};tag=b\r\n{}\r\n{}\r\nContact: <sip:{at}>\r\nContent-Length: 0\r\n\r\n",
        field("Via:"),
        field("From:"),
        field("To:"),
        field("Call-ID:"),
        field("CSeq:")
    );
    let mut acks = Vec::new();
    for _ in 0..2 {
        callee.send_to(answer.as_bytes(), from).await.unwrap();
        let len = callee.recv(&mut buffer).await.unwrap();
        acks.push(String::from_utf8_lossy(&buffer[..len]).into_owned());
    }
    assert!(acks[0].starts_with("ACK sip:127.0.0.1") && acks[0] == acks[1], "{acks:?}");
    answered(&mut dialling).await.0.bye();
}

#[tokio::test]
async fn a_collision_of_offers_is_waited_out() {
    let rig = Rig::start(Config { t1: Duration::from_millis(100), ..open() }).await;
    let sipp = Sipp::called("glare");
    let (dialog, _) = answered(&mut rig.endpoint.call(to(&sipp))).await;
    assert!(dialog.reinvite(SESSION).await.unwrap().is_some());
    dialog.bye();
    sipp.succeeds().await;
}

#[tokio::test]
async fn the_called_side_may_offer() {
    let rig = Rig::start(open()).await;
    let sipp = Sipp::called("offers");
    let mut dialling = rig.endpoint.call(Outgoing { body: None, ..to(&sipp) });
    let (dialog, offer) = answered(&mut dialling).await;
    assert!(offer.is_some_and(|o| o.contains("PCMA")));
    dialog.acknowledge(SESSION).await.unwrap();
    let mut events = Events::of(&dialog);
    dialog.bye();
    assert!(matches!(events.next().await, DialogEvent::Over(Over::Here)));
    sipp.succeeds().await;
}

/// A server that answers every INVITE with 302 and what `contact` says of the address that was called; returns those addresses.
async fn redirects(
    server: UdpSocket,
    contact: impl Fn(&str) -> String,
    until: impl Future<Output = ()>,
) -> Vec<String> {
    let mut asked: Vec<String> = Vec::new();
    let mut buffer = vec![0; 8192];
    tokio::pin!(until);
    loop {
        let (len, from) = tokio::select! {
            received = server.recv_from(&mut buffer) => received.expect("a datagram"),
            () = &mut until => return asked,
        };
        let invite = String::from_utf8_lossy(&buffer[..len]).into_owned();
        let Some(uri) = invite.strip_prefix("INVITE ").and_then(|line| line.split(' ').next()) else { continue };
        if asked.last().map(String::as_str) != Some(uri) {
            asked.push(uri.to_string());
        }
        let field = |name: &str| invite.lines().find(|l| l.starts_with(name)).unwrap_or_default().to_string();
        let answer = format!(
            "SIP/2.0 302 Moved Temporarily\r\n{}\r\n{}\r\n{};tag=m\r\n{}\r\n{}\r\nContact: {}\r\nContent-Length: 0\r\n\r\n",
            field("Via:"),
            field("From:"),
            field("To:"),
            field("Call-ID:"),
            field("CSeq:"),
            contact(uri)
        );
        server.send_to(answer.as_bytes(), from).await.expect("it is sent");
    }
}

#[tokio::test]
async fn a_callee_who_has_moved_is_followed() {
    let rig = Rig::start(open()).await;
    let there = Sipp::called("answer");
    let server = UdpSocket::bind((LOCAL, 0)).await.unwrap();
    let (at, target) = (server.local_addr().unwrap(), there.at);
    let mut dialling = rig.endpoint.call(Outgoing::new(Callee::Uri(format!("sip:100@{at}")), Some(SESSION.into())));
    let (done, until) = tokio::sync::oneshot::channel::<()>();
    // The wanted one comes second; what is no SIP address, and what it was asked for already, is passed over.
    let contact = move |_: &str| {
        format!(
            "<tel:+74951234567>;q=1, <sip:200@{at}>;q=0.1, <sip:100@{target}?Subject=x>;q=0.9, <sip:100@{at}>;q=0.95"
        )
    };
    let server = tokio::spawn(redirects(server, contact, async { drop(until.await) }));
    let (dialog, _) = answered(&mut dialling).await;
    dialog.bye();
    let messages = there.succeeds().await;
    assert!(messages.contains(&format!("INVITE sip:100@{target} SIP/2.0")) && !messages.contains("Subject"));
    done.send(()).unwrap();
    assert_eq!(server.await.unwrap(), [format!("sip:100@{at}")]);
    rig.assert_empty();
}

#[tokio::test]
async fn whoever_is_sent_from_place_to_place_gives_up() {
    // In a circle, and on and on.
    for (further, most) in [(false, 1), (true, 6)] {
        let rig = Rig::start(open()).await;
        let server = UdpSocket::bind((LOCAL, 0)).await.unwrap();
        let at = server.local_addr().unwrap();
        let mut dialling = rig.endpoint.call(Outgoing::new(Callee::Uri(format!("sip:0@{at}")), Some(SESSION.into())));
        let (done, until) = tokio::sync::oneshot::channel::<()>();
        let contact = move |asked: &str| {
            let last: u32 = asked.trim_start_matches("sip:").split('@').next().unwrap().parse().unwrap();
            format!("<sip:{}@{at}>", if further { last + 1 } else { 0 })
        };
        let server = tokio::spawn(redirects(server, contact, async { drop(until.await) }));
        assert_eq!(failed(&mut dialling).await.0, 302);
        done.send(()).unwrap();
        assert_eq!(server.await.unwrap().len(), most);
        rig.assert_empty();
    }
}

#[tokio::test]
async fn a_trunk_that_answers_is_told_from_one_that_does_not() {
    let there = Rig::start(open()).await;
    let gone = crate::rig::free_port();
    let trunk = |name: &str, server: String| Trunk {
        server: Some(server),
        qualify: Some(Duration::from_millis(20)),
        ..Trunk::named(name)
    };
    let trunks = vec![trunk("there", there.at.to_string())];
    let rig = Rig::start(Config { trunks, ..open() }).await;
    let mut good = rig.endpoint.trunk("there").unwrap();
    good.wait_for(|state| matches!(state.reach, sip::Reach::Answers { .. })).await.unwrap();
    assert!(matches!(rig.endpoint.probe("there").await, Some(sip::Reach::Answers { .. })));
    let trunks = vec![trunk("gone", format!("127.0.0.1:{gone}"))];
    let hasty = Rig::start(Config { trunks, t1: Duration::from_millis(10), ..open() }).await;
    let mut bad = hasty.endpoint.trunk("gone").unwrap();
    bad.wait_for(|state| matches!(state.reach, sip::Reach::Silent { .. })).await.unwrap();
    assert_eq!(rig.endpoint.probe("nobody").await, None);
}
