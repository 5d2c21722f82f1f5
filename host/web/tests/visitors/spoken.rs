//! The call page's socket.

use serde_json::json;
use web::{Kind, VisitLimits};

use crate::support::{Event, Server};

const SOCKET: &str = "/call/vet/socket";

#[tokio::test]
async fn a_call_with_sound_captions_keys_and_the_robots_hang_up() {
    let mut server = Server::start().await;
    let mut page = server.visit(SOCKET).await.unwrap();
    let Event::Opened(opening) = server.event().await else { panic!() };
    assert_eq!((opening.kind, opening.clinic.as_str(), opening.caller), (Kind::Browser, "vet", None));
    assert_eq!(page.json().await, json!({ "kind": "robot", "text": "Здравствуйте! Клиника слушает." }));
    assert_eq!(page.heard(0).await.len(), 320, "20 ms of 16 bits at 8 kHz");
    for _ in 0..20 {
        page.sound([0x00, 0x20].repeat(160)).await;
    }
    assert_eq!(server.event().await, Event::Heard);
    assert_eq!(page.json().await["kind"], "caller");
    page.say(r#"{"kind":"key","key":"7"}"#).await;
    assert_eq!(server.event().await, Event::Key('7'));
    let mut said = vec![page.json().await, page.json().await];
    said.sort_by_key(|message| message["kind"].to_string());
    assert_eq!(said, [json!({ "kind": "flush" }), json!({ "kind": "keys", "keys": "7" })]);
    page.say(r#"{"kind":"key","key":"0"}"#).await;
    assert_eq!(page.json().await["keys"], "0");
    assert_eq!(page.json().await["text"], "До свидания!", "the last words are shown though the call is over");
    assert_eq!(page.json().await, json!({ "kind": "over" }));
    assert!(page.next().await.is_none());
}

#[tokio::test]
async fn a_visitor_hangs_up_or_vanishes() {
    let mut server = Server::start().await;
    let mut page = server.visit(&format!("{SOCKET}?format=ulaw")).await.unwrap();
    assert!(matches!(server.event().await, Event::Opened(_)));
    assert_eq!(page.heard(0xff).await.len(), 160, "20 ms of µ-law");
    page.say(r#"{"kind":"hang-up"}"#).await;
    assert_eq!(server.event().await, Event::Gone);

    let page = server.visit(SOCKET).await.unwrap();
    assert!(matches!(server.event().await, Event::Opened(_)));
    drop(page);
    assert_eq!(server.event().await, Event::Gone);

    let mut page = server.visit(SOCKET).await.unwrap();
    assert!(matches!(server.event().await, Event::Opened(_)));
    page.say("{}").await;
    assert_eq!(server.event().await, Event::Gone, "what does not speak the protocol is no page of ours");
}

#[tokio::test]
async fn only_known_pages_and_clinics() {
    let server = Server::with(VisitLimits::default(), vec!["https://vet.example/".into()]).await;
    for (path, origin, status) in [
        (SOCKET, None, 403),
        (SOCKET, Some("https://evil.example"), 403),
        (SOCKET, Some("null"), 403),
        (SOCKET, Some("https://vet.example.evil.example"), 403),
        ("/call/silent/socket", Some("https://vet.example"), 404),
        ("/call/none/socket", Some("https://vet.example"), 404),
        ("/chat/silent/socket", Some("https://vet.example"), 404),
    ] {
        let headers: Vec<_> = origin.into_iter().map(|origin| ("origin", origin)).collect();
        assert_eq!(server.open(path, &headers).await.err(), Some(status), "{path} from {origin:?}");
    }
    assert!(server.open(SOCKET, &[("origin", "https://vet.example")]).await.is_ok());
    let foreign = [("origin", "http://evil.example"), ("host", "evil.example")];
    assert_eq!(server.open(SOCKET, &foreign).await.err(), Some(421), "a foreign name that points here");
}

#[tokio::test]
async fn one_address_has_its_share_and_a_place_is_given_back() {
    let mut server = Server::with(VisitLimits { per_address: 2, ..VisitLimits::default() }, Vec::new()).await;
    let first = server.visit(SOCKET).await.unwrap();
    let _second = server.visit(SOCKET).await.unwrap();
    assert_eq!(server.visit(SOCKET).await.err(), Some(429));
    for _ in 0..2 {
        assert!(matches!(server.event().await, Event::Opened(_)));
    }
    drop(first);
    assert_eq!(server.event().await, Event::Gone);
    // The place is free a moment after the parrot is silent.
    while server.visit(SOCKET).await.is_err() {
        tokio::task::yield_now().await;
    }
    let server = Server::with(VisitLimits { calls: 0, ..VisitLimits::default() }, Vec::new()).await;
    assert_eq!(server.visit(SOCKET).await.err(), Some(503));
}
