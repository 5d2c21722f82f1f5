//! The chat's socket.

use serde_json::{Value, json};
use web::{Kind, VisitLimits};

use crate::support::{Client, Event, Server};

const SOCKET: &str = "/chat/vet/socket";
const HELLO: &str = r#"{"kind":"hello","key":null,"seen":0}"#;

async fn begin(server: &Server) -> (Client, Value) {
    let mut page = server.visit(SOCKET).await.unwrap();
    page.say(HELLO).await;
    let welcome = page.json().await;
    assert_eq!(welcome["kind"], "conversation");
    assert_eq!(welcome["clinic"], "Лапа & Хвост");
    (page, welcome)
}

#[tokio::test]
async fn a_conversation_survives_its_page() {
    let mut server = Server::start().await;
    let (mut page, welcome) = begin(&server).await;
    let Event::Opened(opening) = server.event().await else { panic!() };
    assert_eq!((opening.kind, opening.clinic.as_str()), (Kind::Chat, "vet"));
    assert_eq!(page.json().await, json!({ "kind": "robot", "text": "Здравствуйте! Чем помочь?" }));
    let question = page.json().await;
    assert_eq!(question, json!({ "kind": "question", "id": "need", "choices": ["Записаться", "Часы работы"] }));
    page.say(r#"{"kind":"words","text":"  кот чихает "}"#).await;
    assert_eq!(page.json().await, json!({ "kind": "caller", "text": "кот чихает" }), "once, as it was taken");
    assert_eq!(page.json().await["text"], "Вы написали: кот чихает");
    drop(page);

    let key = welcome["key"].as_str().unwrap();
    assert_eq!(key.len(), 32);
    let mut page = server.visit(SOCKET).await.unwrap();
    page.say(json!({ "kind": "hello", "key": key, "seen": 3 }).to_string()).await;
    assert_eq!(page.json().await, json!({ "kind": "conversation", "key": key, "clinic": "Лапа & Хвост", "seen": 3 }));
    assert_eq!(page.json().await["text"], "Вы написали: кот чихает", "what was not seen, and nothing before");
    page.say(r#"{"kind":"words","text":"пока"}"#).await;
    assert_eq!(page.json().await["text"], "пока");
    assert_eq!(page.json().await, json!({ "kind": "ended" }));
    assert!(page.next().await.is_none());
    assert_eq!(server.event().await, Event::Gone);
}

#[tokio::test]
async fn a_wrong_key_opens_nothing_and_a_visitor_may_leave() {
    let mut server = Server::start().await;
    let (_first, first) = begin(&server).await;
    let mut page = server.visit(SOCKET).await.unwrap();
    page.say(json!({ "kind": "hello", "key": "0".repeat(32), "seen": 99 }).to_string()).await;
    let other = page.json().await;
    assert_ne!(other["key"], first["key"]);
    assert_eq!(other["seen"], 0);
    for _ in 0..2 {
        assert!(matches!(server.event().await, Event::Opened(_)));
    }
    page.say(r#"{"kind":"left"}"#).await;
    assert_eq!(server.event().await, Event::Gone);
}

#[tokio::test]
async fn pages_that_speak_otherwise_are_left_and_a_full_house_says_so() {
    let server = Server::with(VisitLimits { chats: 1, ..VisitLimits::default() }, Vec::new()).await;
    let mut page = server.visit(SOCKET).await.unwrap();
    page.say("hello").await;
    assert!(page.next().await.is_none());
    let (_page, _) = begin(&server).await;
    let mut second = server.visit(SOCKET).await.unwrap();
    second.say(HELLO).await;
    assert_eq!(second.json().await, json!({ "kind": "refused", "code": "no-room" }));
    assert!(second.next().await.is_none());
}
