//! The chat's socket: what a visitor writes goes the way of every messenger.

use records::ChatState;
use serde_json::{Value, json};
use web::VisitLimits;

use crate::support::{Client, Server};

const SOCKET: &str = "/chat/vet/socket";
const HELLO: &str = r#"{"kind":"hello","key":null,"seen":0}"#;
const NOW: i64 = 1_795_417_200_000;

async fn begin(server: &Server) -> (Client, Value) {
    let mut page = server.visit(SOCKET).await.unwrap();
    page.say(HELLO).await;
    let welcome = page.json().await;
    assert_eq!(welcome["kind"], "conversation");
    assert_eq!(welcome["clinic"], "Лапа & Хвост");
    (page, welcome)
}

async fn write(page: &mut Client, text: &str) {
    page.say(json!({ "kind": "words", "text": text }).to_string()).await;
}

/// The next message, whoever holds the conversation meanwhile.
async fn message(page: &mut Client) -> (String, String) {
    loop {
        let told = page.json().await;
        if told["kind"] == "message" {
            return (told["who"].as_str().unwrap().to_owned(), told["text"].as_str().unwrap().to_owned());
        }
    }
}

async fn until(page: &mut Client, state: &str) -> Value {
    loop {
        let told = page.json().await;
        if told["kind"] == "state" && told["state"] == state {
            return told;
        }
    }
}

#[tokio::test]
async fn a_conversation_survives_its_page() {
    let server = Server::start().await;
    let (mut page, welcome) = begin(&server).await;
    let greeting = loop {
        let told = page.json().await;
        if told["kind"] == "message" {
            break told;
        }
    };
    assert_eq!(
        greeting,
        json!({
            "kind": "message", "seq": 1, "who": "robot", "text": "Здравствуйте! Чем помочь?",
            "choices": ["Записаться", "Часы работы"],
        })
    );
    write(&mut page, "  кот чихает ").await;
    assert_eq!(message(&mut page).await, ("visitor".into(), "кот чихает".into()), "once, as it was taken");
    assert_eq!(message(&mut page).await, ("robot".into(), "Вы написали: кот чихает".into()));
    drop(page);

    let key = welcome["key"].as_str().unwrap();
    assert_eq!(key.len(), 32);
    let mut page = server.visit(SOCKET).await.unwrap();
    page.say(json!({ "kind": "hello", "key": key, "seen": 2 }).to_string()).await;
    assert_eq!(page.json().await, json!({ "kind": "conversation", "key": key, "clinic": "Лапа & Хвост", "seen": 2 }));
    let unseen = message(&mut page).await;
    assert_eq!(unseen.1, "Вы написали: кот чихает", "what was not seen, and nothing before");
    write(&mut page, "пока").await;
    assert_eq!(message(&mut page).await.1, "пока");
    until(&mut page, "closed").await;
    assert!(page.next().await.is_none());
    let threads = server.office.store().chat_threads("vet", ChatState::Closed, 9).await.unwrap();
    assert_eq!((threads.len(), threads[0].channel.as_str()), (1, "site"));
}

#[tokio::test]
async fn who_asks_for_a_person_gets_one_and_the_robot_back() {
    let server = Server::start().await;
    let (mut page, _) = begin(&server).await;
    assert_eq!(message(&mut page).await.0, "robot");
    write(&mut page, "позовите оператора").await;
    let waits = until(&mut page, "waiting").await;
    assert_eq!(waits["position"], 1);
    let store = server.office.store();
    let thread = store.chat_threads("vet", ChatState::Waiting, 9).await.unwrap().remove(0);
    server.office.answer(&thread.id, "olga", &"Слушаю".into(), NOW).await.unwrap();
    until(&mut page, "person").await;
    write(&mut page, "кот чихает").await;
    assert_eq!(message(&mut page).await, ("visitor".into(), "кот чихает".into()));
    // The robot is silent meanwhile; given back, it answers again.
    server.office.give_back(&thread.id, "olga", NOW).await.unwrap();
    assert_eq!(message(&mut page).await.0, "system");
    write(&mut page, "спасибо").await;
    assert_eq!(message(&mut page).await.0, "visitor");
    assert_eq!(message(&mut page).await, ("robot".into(), "Вы написали: спасибо".into()));
}

#[tokio::test]
async fn a_wrong_key_opens_nothing() {
    let server = Server::start().await;
    let (_first, first) = begin(&server).await;
    let mut page = server.visit(SOCKET).await.unwrap();
    page.say(json!({ "kind": "hello", "key": "0".repeat(32), "seen": 99 }).to_string()).await;
    let other = page.json().await;
    assert_ne!(other["key"], first["key"]);
    assert_eq!(other["seen"], 0);
}

#[tokio::test]
async fn whoever_writes_too_fast_is_told_so_and_loses_nothing() {
    let server = Server::start().await;
    let (mut page, _) = begin(&server).await;
    for n in 0..11 {
        write(&mut page, &format!("письмо {n}")).await;
    }
    let slow = loop {
        let told = page.json().await;
        if told["kind"] == "slow" {
            break told;
        }
    };
    assert_eq!(slow["text"], "письмо 10");
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
