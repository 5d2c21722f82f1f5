//! Requests that are too long for a datagram (RFC 3261 §18.1.1).

use std::net::SocketAddr;
use std::time::Duration;

use sip::{Callee, Config, Dialog, Endpoint, Outgoing, Progress, Trunk};
use tokio::net::TcpListener;
use tokio::time::timeout;

use crate::rig::{LOCAL, Rig, SESSION, Sipp, free_port, listened_at, open};

/// A call whose INVITE is longer than 1,300 bytes.
fn long(to: Callee) -> Outgoing {
    Outgoing { headers: vec![("X-Long".into(), "x".repeat(1_200))], ..Outgoing::new(to, Some(SESSION.into())) }
}

async fn answered(endpoint: &Endpoint, outgoing: Outgoing) -> Dialog {
    let mut dialling = endpoint.call(outgoing);
    loop {
        match dialling.next().await {
            Some(Progress::Answered { dialog, .. }) => return dialog,
            Some(Progress::Ringing { .. }) => {}
            other => panic!("{other:?} instead of an answer"),
        }
    }
}

fn at(address: SocketAddr) -> Callee {
    Callee::Uri(format!("sip:100@{address}"))
}

/// Our requests of one method, as sipp logged them.
fn vias<'m>(messages: &'m str, method: &'m str) -> impl Iterator<Item = &'m str> {
    let requests = messages.split(&format!("{method} sip:")).skip(1).collect::<Vec<_>>();
    requests.into_iter().filter_map(|request| request.lines().find(|line| line.starts_with("Via:")))
}

#[tokio::test]
async fn they_go_by_tcp_where_nobody_chose_the_transport() {
    let rig = Rig::start(open()).await;
    let sipp = Sipp::run("answer", SocketAddr::new(LOCAL, 9), free_port(), &["-t", "t1"]);
    listened_at(sipp.at.port()).await;
    answered(&rig.endpoint, long(at(sipp.at))).await.bye();
    let messages = sipp.succeeds().await;
    for method in ["INVITE", "ACK", "BYE"] {
        assert!(vias(&messages, method).all(|via| via.starts_with("Via: SIP/2.0/TCP ")), "{method}\n{messages}");
    }
    assert_eq!(vias(&messages, "INVITE").count(), 1, "{messages}");
}

#[tokio::test]
async fn they_go_by_udp_where_tcp_is_refused() {
    let rig = Rig::start(open()).await;
    for _ in 0..2 {
        let sipp = Sipp::called("answer");
        answered(&rig.endpoint, long(at(sipp.at))).await.bye();
        let messages = sipp.succeeds().await;
        assert!(vias(&messages, "INVITE").all(|via| via.starts_with("Via: SIP/2.0/UDP ")), "{messages}");
    }
    rig.assert_empty();
}

#[tokio::test]
async fn a_transport_that_was_chosen_is_kept_and_short_requests_stay_on_udp() {
    let port = free_port();
    // Somebody who would take a stream.
    let tcp = TcpListener::bind((LOCAL, port)).await.unwrap();
    let there = SocketAddr::new(LOCAL, port);
    let trunk = Trunk { server: Some(there.to_string()), transport_fixed: true, ..Trunk::named("fixed") };
    let rig = Rig::start(Config { trunks: vec![trunk], ..open() }).await;
    for (outgoing, length) in [
        (Outgoing { trunk: Some("fixed".into()), ..long(Callee::Number("100".into())) }, "fixed by the trunk"),
        (long(Callee::Uri(format!("sip:100@{there};transport=udp"))), "fixed by the address"),
        (Outgoing::new(at(there), Some(SESSION.into())), "short"),
    ] {
        let sipp = Sipp::run("answer", SocketAddr::new(LOCAL, 9), port, &[]);
        answered(&rig.endpoint, outgoing).await.bye();
        let messages = sipp.succeeds().await;
        assert!(vias(&messages, "INVITE").all(|via| via.starts_with("Via: SIP/2.0/UDP ")), "{length}\n{messages}");
    }
    assert!(timeout(Duration::ZERO, tcp.accept()).await.is_err(), "nobody came by TCP");
}
