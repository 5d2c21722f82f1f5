//! Calls to make, messages, conversations and persons over HTTP.

use axum::body::Body;
use axum::http::{Method, Request, StatusCode};
use records::{
    Channel, ChatChange, ChatDelivery, ChatMessage, ChatState, ChatThread, ChatWho, ContactKind, Keyring, NewContact,
    NewMessage, OutreachBatch, Pii, Store,
};
use serde_json::{Value, json};
use web::auth::{Grant, Role};

use crate::{Answer, NOW, PHONE, TestApp, token};

/// Somebody to call, a message and a conversation of the clinic `vet`.
pub(crate) async fn people(store: &Store) {
    for (id, phone, late) in [("entry-1", PHONE, -60_000), ("entry-2", "+79039999999", 600_000)] {
        let contact = NewContact {
            id: id.into(),
            clinic: "vet".into(),
            timezone: "Europe/Moscow".into(),
            kind: ContactKind::Request,
            phone: phone.into(),
            person: "Вера Тайная".into(),
            reason: "записать кота".into(),
            due_ms: NOW - 900_000,
            deadline_ms: NOW + late,
            visit: None,
            call: None,
            message: None,
            dedup: None,
            created_ms: NOW - 900_000,
        };
        store.add_contact(&contact).await.unwrap();
    }
    let message = NewMessage {
        id: "message-1".into(),
        clinic: "vet".into(),
        channel: Channel::Sms,
        recipient: PHONE.into(),
        template: "booked".into(),
        title: "".into(),
        body: "Ждём кошку Мурка".into(),
        language: "ru".into(),
        about: None,
        contact: None,
        step: "booked".into(),
        asks: false,
        dedup: "m1".into(),
        not_before_ms: NOW,
        not_after_ms: NOW + 3_600_000,
        created_ms: NOW,
    };
    let batch = OutreachBatch { now_ms: NOW, messages: vec![message], ..OutreachBatch::default() };
    store.outreach(&batch).await.unwrap();
    let thread = ChatThread {
        id: "chat-1".into(),
        clinic: "vet".into(),
        channel: "site".into(),
        external_id: Some("secret-key-of-the-page".into()),
        phone: PHONE.into(),
        person: "Вера Тайная".into(),
        state: ChatState::Waiting,
        operator: None,
        waiting_ms: Some(NOW - 30_000),
        promised: false,
        last_seq: 1,
        generation: 0,
        started_ms: NOW - 30_000,
        visitor_ms: Some(NOW - 30_000),
        answered_ms: None,
        last_ms: NOW - 30_000,
    };
    let message = ChatMessage {
        thread: "chat-1".into(),
        seq: 1,
        who: ChatWho::Visitor,
        operator: None,
        text: "Мурка хромает, позовите оператора".into(),
        buttons: Vec::new(),
        canned: None,
        at_ms: NOW - 30_000,
        external_id: None,
        delivery: ChatDelivery::In,
    };
    let change = ChatChange {
        thread,
        messages: vec![message],
        waits: Vec::new(),
        events: Vec::new(),
        jobs: Vec::new(),
        at_ms: NOW - 30_000,
    };
    store.chat_apply(&change).await.unwrap();
}

async fn app() -> TestApp {
    let app = TestApp::new().await;
    people(&app.state.store).await;
    app
}

async fn ask(app: &TestApp, token: &str, method: Method, path: &str, body: Option<Value>) -> Answer {
    let mut request = Request::builder().method(method).uri(path).header("authorization", format!("Bearer {token}"));
    let body = match body {
        Some(body) => {
            request = request.header("content-type", "application/json");
            Body::from(body.to_string())
        }
        None => Body::empty(),
    };
    app.send_bare(request.body(body).unwrap()).await
}

async fn post(app: &TestApp, path: &str, body: Option<Value>) -> Answer {
    ask(app, &app.token, Method::POST, path, body).await
}

fn ids(answer: &Value) -> Vec<String> {
    answer["items"].as_array().unwrap().iter().map(|one| one["id"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn one_entry_is_held_by_one_person_and_a_result_frees_it() {
    let app = app().await;
    let other = token(&app.state, vec![Grant { clinic: "vet".into(), role: Role::Administrator }]).await;
    let taken = post(&app, "/api/v1/requests/entry-1/take", None).await;
    assert_eq!(taken.json()["request"]["status"], "claimed", "{}", taken.text);
    let late = ask(&app, &other, Method::POST, "/api/v1/requests/entry-1/take", None).await;
    assert_eq!(late.problem().1, "claimed");
    let body = Some(json!({ "result": "busy" }));
    let refused = ask(&app, &other, Method::POST, "/api/v1/requests/entry-1/result", body).await;
    assert_eq!(refused.problem().1, "claimed");
    // The next for the other one is the other entry, and then there is none.
    let next = ask(&app, &other, Method::POST, "/api/v1/clinics/vet/dial/next", Some(json!({}))).await;
    assert_eq!(next.json()["request"]["id"], "entry-2", "{}", next.text);
    let none = post(&app, "/api/v1/clinics/vet/dial/next", Some(json!({ "after": "entry-1" }))).await;
    assert_eq!(none.status, StatusCode::NO_CONTENT, "{}", none.text);

    post(&app, "/api/v1/requests/entry-1/take", None).await;
    let reason = post(&app, "/api/v1/requests/entry-1/result", Some(json!({ "result": "refused" }))).await;
    assert_eq!(reason.problem(), (422, "bad-body".into(), "reason".into()));
    let later = json!({ "result": "later", "at": "2026-11-24T15:00" });
    let done = post(&app, "/api/v1/requests/entry-1/result", Some(later)).await.json();
    assert_eq!((&done["request"]["status"], &done["request"]["attempts"]), (&json!("open"), &json!(1)));
    assert_eq!(done["attempts"][0]["result"], "later");
    let list = app.get("/api/v1/dial?clinic=vet").await.json();
    assert_eq!(ids(&list), ["entry-2", "entry-1"], "what is due first is on top");
    let sums = app.get("/api/v1/request-figures?clinic=vet").await.json();
    assert_eq!((&sums["came"], &sums["reached"], &sums["judged"]), (&json!(2), &json!(1), &json!(1)));
    assert_eq!(sums["goal"], 0.8);
}

#[tokio::test]
async fn requests_and_messages_come_page_by_page() {
    let app = app().await;
    for n in 0..3 {
        let wish = json!({ "phone": format!("8 903 000-00-0{n}"), "person": "Олег", "at": "2026-11-23T15:00" });
        let made = post(&app, "/api/v1/clinics/vet/requests", Some(wish)).await;
        assert_eq!(made.status, StatusCode::CREATED, "{}", made.text);
    }
    let wrong = post(&app, "/api/v1/clinics/vet/requests", Some(json!({ "phone": "завтра" }))).await;
    assert_eq!(wrong.problem(), (422, "bad-body".into(), "phone".into()));
    let (mut found, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = app.get(&format!("/api/v1/requests?clinic=vet&limit=2&cursor={cursor}")).await.json();
        found.extend(ids(&page));
        match page["next"].as_str() {
            Some(next) => cursor = next.to_owned(),
            None => break,
        }
    }
    found.sort();
    found.dedup();
    assert_eq!(found.len(), 5);
    let done = app.get("/api/v1/requests?clinic=vet&status=done").await.json();
    assert_eq!(done["items"], json!([]));
    let sent = app.get("/api/v1/messages?clinic=vet&state=planned&channel=sms").await.json();
    assert_eq!(ids(&sent), ["message-1"]);
    assert_eq!(app.get("/api/v1/messages?clinic=vet&state=sent").await.json()["items"], json!([]));
    assert_eq!(app.get("/api/v1/messages/nobody").await.problem().1, "unknown");
}

#[tokio::test]
async fn a_conversation_is_taken_answered_and_given_back() {
    let app = app().await;
    let other = token(&app.state, vec![Grant { clinic: "vet".into(), role: Role::Administrator }]).await;
    let waiting = app.get("/api/v1/chats?clinic=vet&state=waiting").await;
    assert_eq!(ids(&waiting.json()), ["chat-1"]);
    assert!(!waiting.text.contains("secret-key"), "the visitor's key is the visitor's");
    let said = post(&app, "/api/v1/chats/chat-1/messages", Some(json!({ "text": "Слушаю" }))).await;
    assert_eq!(said.json()["state"], "person", "{}", said.text);
    assert!(!said.text.contains("secret-key"));
    let held = ask(&app, &other, Method::POST, "/api/v1/chats/chat-1/take", None).await;
    assert_eq!(held.problem().1, "held");
    let words = app.get("/api/v1/chats/chat-1/messages?after=1").await.json();
    assert_eq!(words["items"].as_array().unwrap().last().unwrap()["text"], "Слушаю");
    for (body, field) in
        [(json!({}), "text"), (json!({ "text": "а", "canned": "b" }), "text"), (json!({ "canned": "b" }), "canned")]
    {
        let wrong = post(&app, "/api/v1/chats/chat-1/messages", Some(body)).await;
        assert_eq!(wrong.problem(), (422, "bad-body".into(), field.into()));
    }
    assert_eq!(post(&app, "/api/v1/chats/chat-1/give-back", None).await.json()["state"], "robot");
    assert_eq!(post(&app, "/api/v1/chats/chat-1/give-back", None).await.problem().1, "wrong-state");
    assert_eq!(post(&app, "/api/v1/chats/chat-1/close", None).await.json()["state"], "closed");
    let figures = app.get("/api/v1/chat-figures?clinic=vet").await.json();
    assert_eq!(figures["limit_ms"], 60_000);
}

#[tokio::test]
async fn a_person_is_found_exported_and_erased() {
    let mut app = app().await;
    let keys = app.folder().join("keys");
    app.state.store = app.state.store.clone().with_keyring(Keyring::new(keys));
    let find = "/api/v1/clinics/vet/persons";
    let nobody = post(&app, find, Some(json!({ "phone": "+79031112233" }))).await;
    assert_eq!(nobody.problem().1, "unknown");
    let found = post(&app, find, Some(json!({ "phone": "8 903 123-45-67" }))).await.json();
    let own = format!("{find}/{}", found["id"].as_str().unwrap());
    let whole = app.get(&own).await.json();
    for (what, many) in [("calls", 5), ("requests", 1), ("messages", 1), ("chats", 1), ("visits", 0)] {
        assert_eq!(whole[what].as_array().map(Vec::len), Some(many), "{what}");
    }
    let word = json!({ "purpose": "marketing", "given": false, "how": "call", "proof": "call-1" });
    assert_eq!(post(&app, &format!("{own}/consents"), Some(word)).await.status, StatusCode::CREATED);
    let consents = app.get(&format!("{own}/consents")).await.json();
    assert_eq!(consents["items"][0]["given"], false);
    let zip = app.get(&format!("{own}/export")).await;
    assert!(zip.kind == "application/zip" && zip.text.starts_with("PK"));
    let of = async |role| token(&app.state, vec![Grant { clinic: "vet".into(), role }]).await;
    let (manager, administrator) = (of(Role::Manager).await, of(Role::Administrator).await);
    let erase = format!("{own}/erase");
    let body = Some(json!({ "phone": PHONE }));
    assert_eq!(ask(&app, &administrator, Method::POST, &erase, body.clone()).await.problem().1, "may-not");
    let other = post(&app, &erase, Some(json!({ "phone": "+79030000009" }))).await;
    assert_eq!(other.problem(), (422, "bad-body".into(), "phone".into()));
    let erased = ask(&app, &manager, Method::POST, &erase, body).await;
    assert_eq!(erased.status, StatusCode::OK, "{}", erased.text);
    assert!(!erased.text.contains("9031234567"));
    assert_eq!(app.get(&own).await.problem().1, "unknown");
    let left = app.state.store.contacts_of("vet", &Pii::from(PHONE)).await.unwrap();
    assert!(left.is_empty());
}

#[tokio::test]
async fn the_desk_now_and_the_week_to_come() {
    let app = app().await;
    let queue = app.get("/api/v1/queue?clinic=vet").await.json();
    assert_eq!((&queue["waiting"], &queue["longest_wait_ms"]), (&json!([]), &Value::Null));
    assert_eq!(app.get("/api/v1/operators?clinic=vet").await.json()["items"], json!([]));
    let plan = app.get("/api/v1/staffing?clinic=vet&from=2026-11-09&to=2026-11-22&level=90").await.json();
    assert_eq!((&plan["service_level"], &plan["aht_s"]), (&json!(0.9), &json!(60.0)), "{plan}");
    let hours = plan["hours"].as_array().unwrap();
    assert_eq!(hours.len(), 5, "a call a day, at ten");
    for hour in hours {
        let share = |name: &str| hour[name].as_f64().unwrap();
        assert!(share("in_time") >= 0.9, "{hour}");
        assert!(share("lost_with_one_fewer") > share("lost") && share("lost") > share("lost_with_one_more"), "{hour}");
    }
    assert_eq!(app.get("/api/v1/staffing?clinic=vet&level=0").await.problem().2, "level");
}
