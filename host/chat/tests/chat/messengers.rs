//! Telegram and signed webhooks against a local server that speaks their methods.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use chat::{Channel, Channels, ChatError, Telegram, Webhook, deliver};
use records::{ChatDelivery, ChatState, ChatWho};
use serde_json::{Value, json};

use crate::{NOW, messages, office, thread, wrote};

/// What was asked, and what is to be answered next.
#[derive(Clone, Default)]
struct Other {
    asked: Arc<Mutex<Vec<(String, Value)>>>,
    headers: Arc<Mutex<Vec<HeaderMap>>>,
    answers: Arc<Mutex<VecDeque<(u16, Value)>>>,
}

impl Other {
    async fn start(&self) -> String {
        let router =
            Router::new().route("/{bot}/{method}", post(telegram)).route("/hook", post(hook)).with_state(self.clone());
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        format!("http://{address}")
    }

    fn next(&self, status: u16, body: Value) {
        self.answers.lock().unwrap().push_back((status, body));
    }

    fn asked(&self) -> Vec<(String, Value)> {
        std::mem::take(&mut self.asked.lock().unwrap())
    }

    fn answer(&self, or: Value) -> (StatusCode, String) {
        let (status, body) = self.answers.lock().unwrap().pop_front().unwrap_or((200, or));
        (StatusCode::from_u16(status).unwrap(), body.to_string())
    }
}

async fn telegram(
    State(other): State<Other>,
    Path((bot, method)): Path<(String, String)>,
    body: String,
) -> (StatusCode, String) {
    assert_eq!(bot, "bot1:TOKEN");
    other.asked.lock().unwrap().push((method, serde_json::from_str(&body).unwrap()));
    other.answer(json!({ "ok": true, "result": [] }))
}

async fn hook(State(other): State<Other>, headers: HeaderMap, body: String) -> (StatusCode, String) {
    other.asked.lock().unwrap().push(("hook".into(), serde_json::from_str(&body).unwrap()));
    other.headers.lock().unwrap().push(headers);
    other.answer(json!({}))
}

async fn bot() -> (Other, Arc<Telegram>, Channels) {
    let other = Other::default();
    let base = other.start().await;
    let bot = Arc::new(Telegram::new(&base, "1:TOKEN", "s3cret").unwrap());
    let channels = Channels::from([("telegram".to_owned(), Arc::clone(&bot) as Arc<dyn Channel>)]);
    (other, bot, channels)
}

fn update(id: i64, text: &str) -> Value {
    json!({ "update_id": id, "message": {
        "message_id": id * 10, "date": 1, "chat": { "id": 42, "type": "private" },
        "from": { "id": 42, "is_bot": false, "first_name": "Анна", "last_name": "П." }, "text": text,
    }})
}

#[tokio::test]
async fn a_webhook_is_taken_only_with_its_secret_and_once() {
    let (_folder, office) = office(false).await;
    let (other, bot, _) = bot().await;
    bot.set_webhook("https://clinic.example/telegram").await.unwrap();
    let (method, asked) = other.asked().remove(0);
    assert_eq!((method.as_str(), asked["secret_token"].as_str()), ("setWebhook", Some("s3cret")));

    let body = update(7, "Здравствуйте").to_string();
    for wrong in [None, Some(""), Some("s3cre"), Some("s3creT")] {
        let refused = bot.receive(&office, wrong, body.as_bytes(), NOW).await;
        assert!(matches!(refused, Err(ChatError::Signature(_))), "{wrong:?}");
    }
    for _ in 0..2 {
        bot.receive(&office, Some("s3cret"), body.as_bytes(), NOW).await.unwrap();
    }
    let known = office.store().chat_thread_of("vet_lapa", "telegram", "42").await.unwrap().unwrap();
    assert_eq!((known.state, known.person.as_str()), (ChatState::Waiting, "Анна П."));
    let theirs = messages(&office, &known.id).await;
    assert_eq!(theirs.iter().filter(|message| message.who == ChatWho::Visitor).count(), 1);
    assert!(Telegram::new("http://x", "1:T", "с пробелом").is_err());
}

#[tokio::test]
async fn updates_are_asked_for_and_confirmed_by_the_next_question() {
    let (_folder, office) = office(false).await;
    let (other, bot, _) = bot().await;
    let mut after = 0;
    let contact = json!({ "update_id": 10, "message": {
        "message_id": 5, "chat": { "id": 42, "type": "private" }, "from": { "id": 42, "first_name": "Анна" },
        "contact": { "phone_number": "79031234567", "user_id": 42 },
    }});
    let group =
        json!({ "update_id": 11, "message": { "message_id": 6, "chat": { "id": -9, "type": "group" }, "text": "а" } });
    let unreadable = json!({ "update_id": 12, "message": { "message_id": "?" } });
    other.next(200, json!({ "ok": true, "result": [update(9, "раз"), contact, group, unreadable] }));
    assert_eq!(bot.poll_once(&office, &mut after).await.unwrap(), 4);
    assert_eq!(after, 12);
    bot.poll_once(&office, &mut after).await.unwrap();
    let asked = other.asked();
    assert_eq!((asked[0].1["offset"].as_i64(), asked[1].1["offset"].as_i64()), (Some(1), Some(13)));
    let known = office.store().chat_thread_of("vet_lapa", "telegram", "42").await.unwrap().unwrap();
    assert_eq!(known.phone.as_str(), "+79031234567");
    assert!(office.store().chat_thread_of("vet_lapa", "telegram", "-9").await.unwrap().is_none());

    other.next(500, json!({ "ok": false, "error_code": 500, "description": "oops" }));
    let error = bot.poll_once(&office, &mut after).await.unwrap_err().to_string();
    assert!(error.contains("oops") && !error.contains("TOKEN"), "{error}");
}

#[tokio::test]
async fn buttons_are_answers_as_if_they_had_been_written() {
    let (_folder, office) = office(true).await;
    let (other, bot, channels) = bot().await;
    bot.receive(&office, Some("s3cret"), update(1, "хочу записаться").to_string().as_bytes(), NOW).await.unwrap();
    let robot = Offers;
    office.robot_once(&robot, NOW + 1).await.unwrap();
    assert!(deliver(office.store(), &channels, NOW + 2).await.unwrap());
    let (method, asked) = other.asked().pop().unwrap();
    assert_eq!((method.as_str(), asked["chat_id"].as_i64()), ("sendMessage", Some(42)));
    let button = &asked["reply_markup"]["inline_keyboard"][1][0];
    assert_eq!(button["text"], LONG);
    let data = button["callback_data"].as_str().unwrap();
    assert!(data.len() <= 64);

    let pressed = json!({ "update_id": 2, "callback_query": {
        "id": "99", "from": { "id": 42, "first_name": "Анна" }, "data": data,
        "message": { "message_id": 3, "chat": { "id": 42, "type": "private" } },
    }});
    for _ in 0..2 {
        bot.receive(&office, Some("s3cret"), pressed.to_string().as_bytes(), NOW + 3).await.unwrap();
    }
    assert_eq!(other.asked()[0].0, "answerCallbackQuery");
    let known = office.store().chat_thread_of("vet_lapa", "telegram", "42").await.unwrap().unwrap();
    let theirs: Vec<_> =
        messages(&office, &known.id).await.into_iter().filter(|one| one.who == ChatWho::Visitor).collect();
    assert_eq!(theirs.iter().map(|one| one.text.as_str()).collect::<Vec<_>>(), ["хочу записаться", LONG]);
}

const LONG: &str = "послезавтра, во второй половине дня, к любому свободному врачу";

struct Offers;

#[async_trait::async_trait]
impl chat::Robot for Offers {
    async fn say(&self, _: &records::ChatThread, _: &records::Pii) -> Result<chat::RobotSays, String> {
        let reply = chat::Reply {
            text: "Когда вам удобно?".into(), buttons: vec!["завтра".into(), LONG.into()]
        };
        Ok(chat::RobotSays { replies: vec![reply], ..chat::RobotSays::default() })
    }
}

#[tokio::test]
async fn too_fast_is_tried_again_when_told_and_nothing_is_sent_twice_or_out_of_order() {
    let (_folder, office) = office(false).await;
    let (other, _, channels) = bot().await;
    let id = office.visitor(&wrote("telegram", "m1", "привет"), NOW).await.unwrap().thread;
    deliver(office.store(), &channels, NOW).await.unwrap();
    other.asked();
    let long = format!("{}\n{}", "а".repeat(4000), "б".repeat(4000));
    office.answer(&id, "olga", &long.as_str().into(), NOW + 1).await.unwrap();
    office.answer(&id, "olga", &"и ещё".into(), NOW + 2).await.unwrap();

    // «С вами на связи», the first half, then: too fast.
    let fine = json!({ "ok": true, "result": {} });
    let too_fast = json!({ "ok": false, "error_code": 429, "description": "Too Many Requests", "parameters": { "retry_after": 7 } });
    other.next(200, fine.clone());
    other.next(200, fine);
    other.next(429, too_fast);
    assert!(deliver(office.store(), &channels, NOW + 3).await.unwrap());
    assert_eq!(other.asked().len(), 3);
    // The second answer's own job finds the first still waiting, and goes on from there: in order.
    while deliver(office.store(), &channels, NOW + 7_100).await.unwrap() {}
    let sent: Vec<String> =
        other.asked().into_iter().map(|(_, asked)| asked["text"].as_str().unwrap().to_owned()).collect();
    assert_eq!(sent, ["б".repeat(4000), "и ещё".to_owned()]);
    let all = messages(&office, &id).await;
    assert!(all.iter().skip(1).all(|message| message.delivery == ChatDelivery::Sent));
}

#[tokio::test]
async fn who_blocked_the_bot_is_not_written_to_for_ever() {
    let (_folder, office) = office(false).await;
    let (other, _, channels) = bot().await;
    let id = office.visitor(&wrote("telegram", "m1", "привет"), NOW).await.unwrap().thread;
    other.next(403, json!({ "ok": false, "error_code": 403, "description": "Forbidden: bot was blocked by the user" }));
    assert!(deliver(office.store(), &channels, NOW).await.unwrap());
    assert!(!deliver(office.store(), &channels, NOW + 3_600_000).await.unwrap());
    assert_eq!(messages(&office, &id).await[1].delivery, ChatDelivery::Failed);
}

#[tokio::test]
async fn a_messenger_speaks_signed_json_both_ways() {
    let (_folder, office) = office(false).await;
    let other = Other::default();
    let base = other.start().await;
    let webhook = Arc::new(Webhook::new("max", "secret", Some(format!("{base}/hook"))).unwrap());
    let channels = Channels::from([("max".to_owned(), Arc::clone(&webhook) as Arc<dyn Channel>)]);
    let id = office.visitor(&wrote("max", "m1", "привет"), NOW).await.unwrap().thread;

    other.next(503, json!({}));
    assert!(deliver(office.store(), &channels, NOW).await.unwrap());
    assert!(!deliver(office.store(), &channels, NOW + 1_000).await.unwrap());
    assert!(deliver(office.store(), &channels, NOW + 10_000).await.unwrap());
    let (asked, headers) = (other.asked(), other.headers.lock().unwrap().clone());
    assert_eq!(asked.len(), 2);
    assert_eq!(asked[0].1, asked[1].1);
    assert_eq!(asked[1].1["conversation"], "42");
    assert_eq!(asked[1].1["from"], "system");
    let key = |at: usize| headers[at]["idempotency-key"].to_str().unwrap().to_owned();
    assert_eq!((key(0), key(0)), (key(1), format!("{id}/2")));
    let word = |name: &str| headers[1][name].to_str().unwrap().to_owned();
    let body = asked[1].1.to_string();
    assert_eq!(
        webhook.sign(&word("webhook-id"), &word("webhook-timestamp"), body.as_bytes()),
        word("webhook-signature")
    );
    assert_eq!(thread(&office, &id).await.state, ChatState::Waiting);
}
