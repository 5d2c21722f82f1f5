//! Every route of the API, as its own document lists them, asked by everybody: without a token, with another clinic's, with each
//! role. A new route is asked by itself; if it wants something that is not known here, the walk says so.

use std::collections::BTreeMap;

use accounts::{Attempt, NewUser, Role};
use axum::body::Body;
use axum::http::{HeaderValue, Method, Request, StatusCode};
use records::BookingRecord;
use serde_json::{Value, json};
use web::auth::{Grant, Permission};

use crate::{Answer, NOW, TestApp, token};

/// One route with values that exist at the clinic `vet`.
struct Step {
    method: Method,
    path: String,
    pattern: String,
    permission: Option<Permission>,
    body: Option<(&'static str, String)>,
}

impl Step {
    fn name(&self) -> String {
        format!("{} {}", self.method, self.pattern)
    }

    fn request(&self, token: Option<&str>) -> Request<Body> {
        let mut request = Request::builder().method(self.method.clone()).uri(&self.path);
        if let Some(token) = token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        let body = match &self.body {
            Some((kind, body)) => {
                request = request.header("content-type", *kind);
                Body::from(body.clone())
            }
            None => Body::empty(),
        };
        request.body(body).unwrap()
    }
}

/// Ids that stand for `{…}` in paths, all of the clinic `vet`.
async fn known(app: &TestApp, at_vet: &str) -> BTreeMap<&'static str, String> {
    let person = app.state.store.put_client("vet", &"+79031234567".into(), None, NOW).await.unwrap();
    [
        ("request", "entry-1".to_owned()),
        ("message", "message-1".to_owned()),
        ("chat", "chat-1".to_owned()),
        ("person", person.id),
        ("clinic", "vet".to_owned()),
        ("entry", "day".to_owned()),
        ("doctor", "duty".to_owned()),
        ("kind", "stereo".to_owned()),
        ("visit", "visit-1".to_owned()),
        ("id", "call-1".to_owned()),
        ("version", "nobody".to_owned()),
        ("user", at_vet.to_owned()),
        ("session", "nobody".to_owned()),
        ("token", "nobody".to_owned()),
        ("trial", "trial-1".to_owned()),
    ]
    .into()
}

/// A body that the route would take.
fn body(operation: &str) -> Value {
    match operation {
        "describe-me" => json!({ "language": "en" }),
        "change-password" => json!({ "old": "wrong password", "new": "a longer password" }),
        "confirm-totp" | "end-totp" => json!({ "code": "000000" }),
        "invite" => json!({ "login": "new", "name": "Новый", "grants": [{ "clinic": "vet", "role": "doctor" }] }),
        "set-grants" => json!({ "grants": [{ "clinic": "vet", "role": "doctor" }] }),
        "make-token" => json!({ "name": "walk", "scopes": ["see_calls"], "clinics": ["vet"] }),
        "import-vcon" => json!({
            "uuid": "018e3f72-c3a8-7b8e-b468-6ebf2e2e8c14", "created_at": "2026-11-20T07:00:00Z",
            "parties": [{ "tel": "+79030000001" }],
        }),
        "book" => json!({ "slot": "x|y|2026-11-24T07:00Z", "phone": "+79030000001", "person": "Анна" }),
        "move-visit" => json!({ "slot": "x|y|2026-11-24T07:00Z" }),
        "visit-status" => json!({ "status": "confirmed" }),
        "renew-calendar" => json!({}),
        "fhir-book" | "fhir-update" => json!({
            "resourceType": "Appointment", "status": "booked", "start": "2026-11-24T10:00:00+03:00",
            "minutesDuration": 30, "participant": [{ "actor": { "reference": "Practitioner/duty" } }],
        }),
        "review" => json!({ "category": "target" }),
        "deploy" | "try-version" => json!({ "version": "nobody" }),
        "promote" | "rollback" => json!({}),
        "create-request" => json!({ "phone": "+79030000001", "person": "Анна", "reason": "прививка" }),
        "request-result" => json!({ "result": "no-answer" }),
        "dial-next" => json!({}),
        "say" => json!({ "text": "Слушаю вас" }),
        "identify-visitor" => json!({ "phone": "+79030000001" }),
        "find-person" => json!({ "phone": "+79031234567" }),
        "note-consent" => json!({ "purpose": "service", "given": true, "how": "desk" }),
        // Another number than the person's: nobody is erased by a walk.
        "erase-person" => json!({ "phone": "+79030000009" }),
        other => panic!("{other}: the walk knows no body for this operation; say one here"),
    }
}

async fn steps(app: &TestApp, at_vet: &str) -> Vec<Step> {
    let document = app.get("/api/v1/openapi.json").await.json();
    let known = known(app, at_vet).await;
    let mut steps = Vec::new();
    for (pattern, methods) in document["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            let mut path = pattern.clone();
            let mut query = Vec::new();
            for parameter in operation["parameters"].as_array().unwrap() {
                let name = parameter["name"].as_str().unwrap();
                match parameter["in"].as_str().unwrap() {
                    "path" => {
                        let value =
                            known.get(name).unwrap_or_else(|| panic!("{pattern}: no value known for {{{name}}}"));
                        path = path.replace(&format!("{{{name}}}"), value);
                    }
                    "query" if name == "clinic" => query.push("clinic=vet".to_owned()),
                    "query" if parameter["required"] == true => query.push(format!("{name}=x")),
                    _ => {}
                }
            }
            if !query.is_empty() {
                path = format!("{path}?{}", query.join("&"));
            }
            let id = operation["operationId"].as_str().unwrap();
            let content = operation["requestBody"]["content"].as_object().map(|content| content.keys().next().unwrap());
            let body = content.map(|kind| match kind.as_str() {
                "application/json" => ("application/json", body(id).to_string()),
                _ => ("application/wasm", "no component".to_owned()),
            });
            let permission = operation["x-permission"].as_str().map(|word| word.parse().unwrap());
            let method = method.to_uppercase().parse().unwrap();
            steps.push(Step { method, path, pattern: pattern.clone(), permission, body });
        }
    }
    assert!(steps.len() > 30, "the document lists {} routes", steps.len());
    steps
}

/// An app with somebody at `vet`, whom others must not see.
async fn house() -> (TestApp, String) {
    let mut app = TestApp::with_flows().await;
    app.state.review = crate::review::queue();
    let new = NewUser {
        login: "vera".into(),
        name: "Вера Тайная".into(),
        language: "ru".into(),
        grants: vec![grant("vet", Role::Administrator)],
    };
    let (user, _) = app.state.accounts.invite(&new, "test", NOW).await.unwrap();
    let visit = BookingRecord {
        id: "visit-1".into(),
        visit: "visit-1".into(),
        clinic: "vet".into(),
        timezone: "Europe/Moscow".into(),
        doctor: "duty".into(),
        service: "terapiya".into(),
        start_ms: NOW + 3_600_000,
        end_ms: NOW + 5_400_000,
        phone: "+79031234567".into(),
        person: "Вера".into(),
        animal: "кошка Мурка".into(),
        created_ms: NOW,
        updated_ms: NOW,
        ..BookingRecord::default()
    };
    app.state.store.book(&visit, "test").await.unwrap();
    crate::work::people(&app.state.store).await;
    crate::trials::keep(&app.state.store, "записать кота Мурку").await;
    let sound = app.state.store.put_audio(b"RIFF", "stereo").await.unwrap();
    app.state.store.attach_audio("call-1", "stereo", &sound).await.unwrap();
    (app, user.id)
}

fn grant(clinic: &str, role: Role) -> Grant {
    Grant { clinic: clinic.into(), role }
}

#[tokio::test]
async fn without_a_token_there_is_nothing() {
    let (app, vera) = house().await;
    for step in steps(&app, &vera).await {
        let answer = app.send_bare(step.request(None)).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{}: {}", step.name(), answer.text);
        let answer = app.send_bare(step.request(Some("gudok_nonsense"))).await;
        assert_eq!(answer.problem().1, "wrong-token", "{}", step.name());
    }
}

/// What only `vet` has: its name, its calls, its people.
const SECRETS: [&str; 6] = ["Мурка", "Лапа", "call-1", "+79031234567", "Вера Тайная", "записать кота"];

#[tokio::test]
async fn one_clinic_never_sees_another() {
    let (app, vera) = house().await;
    let zoo = token(&app.state, vec![grant("zoo", Role::Owner)]).await;
    let limited = limited_to_zoo(&app).await;
    for step in steps(&app, &vera).await {
        for token in [&zoo, &limited] {
            let answer = app.send_bare(step.request(Some(token))).await;
            assert!(!answer.status.is_server_error(), "{}: {}", step.name(), answer.text);
            // The document is the same for everybody, its examples included.
            let document = ["/api/v1", "/api/v1/openapi.json"].contains(&step.pattern.as_str());
            for secret in SECRETS.iter().filter(|_| !document) {
                assert!(!answer.text.contains(secret), "{} tells {secret:?}: {}", step.name(), answer.text);
            }
            let about_vet = step.path.contains("vet")
                || step.path.contains("call-1")
                || step.path.contains("visit-1")
                || ["entry-1", "message-1", "chat-1"].iter().any(|id| step.path.contains(id))
                || step.path.contains(&vera);
            if about_vet {
                assert!(
                    matches!(answer.status.as_u16(), 403 | 404),
                    "{}: {} {}",
                    step.name(),
                    answer.status,
                    answer.text
                );
            }
            if step.body.as_ref().is_some_and(|body| body.1.contains("\"vet\"")) {
                assert!(answer.status.is_client_error(), "{}: {} {}", step.name(), answer.status, answer.text);
            }
        }
    }
}

/// A token of an owner of everything that is for `zoo` only.
async fn limited_to_zoo(app: &TestApp) -> String {
    let body = json!({ "name": "zoo", "scopes": Permission::ALL, "clinics": ["zoo"] });
    let request = Request::post("/api/v1/tokens").header("content-type", "application/json");
    let made = app.send(request.body(Body::from(body.to_string())).unwrap()).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.text);
    made.json()["text"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn each_role_may_what_the_table_says() {
    let (app, vera) = house().await;
    for &role in Role::ALL {
        let token = token(&app.state, vec![grant("vet", role)]).await;
        for step in steps(&app, &vera).await {
            let Some(permission) = step.permission else { continue };
            let answer = app.send_bare(step.request(Some(&token))).await;
            let refused = answer.kind == "application/problem+json" && answer.json()["code"] == "may-not";
            assert_eq!(!refused, role.may(permission), "{role}, {}: {} {}", step.name(), answer.status, answer.text);
        }
    }
}

/// What is read by its owner must be there, or the walk above proves nothing.
#[tokio::test]
async fn the_owner_reads_everything() {
    let (app, vera) = house().await;
    for step in steps(&app, &vera).await {
        // A version of a flow that does not exist, and a stream that does not end.
        let skip = ["/api/v1/flows/{version}", "/api/v1/events/stream"].contains(&step.pattern.as_str());
        if step.method != Method::GET || skip {
            continue;
        }
        let answer = app.send_bare(step.request(Some(&app.token))).await;
        assert_eq!(answer.status, StatusCode::OK, "{}: {}", step.name(), answer.text);
    }
}

#[tokio::test]
async fn a_token_does_no_more_than_its_scopes() {
    let (app, _) = house().await;
    let body = json!({ "name": "calls", "scopes": ["see_calls"] });
    let request = Request::post("/api/v1/tokens").header("content-type", "application/json");
    let made = app.send(request.body(Body::from(body.to_string())).unwrap()).await.json();
    let small = made["text"].as_str().unwrap();
    let asks =
        |path: &str| Request::get(path).header("authorization", format!("Bearer {small}")).body(Body::empty()).unwrap();
    assert_eq!(app.send_bare(asks("/api/v1/calls?clinic=vet")).await.status, StatusCode::OK);
    assert_eq!(app.send_bare(asks("/api/v1/report?clinic=vet")).await.problem().1, "may-not");
    let more = Request::post("/api/v1/tokens").header("authorization", format!("Bearer {small}"));
    let more = more.header("content-type", "application/json");
    let body = json!({ "name": "more", "scopes": ["see_report"] }).to_string();
    assert_eq!(app.send_bare(more.body(Body::from(body)).unwrap()).await.problem().1, "may-not");

    let id = made["token"]["id"].as_str().unwrap();
    let revoke = Request::delete(format!("/api/v1/tokens/{id}")).body(Body::empty()).unwrap();
    assert_eq!(app.send(revoke).await.status, StatusCode::NO_CONTENT);
    assert_eq!(
        app.send_bare(asks("/api/v1/calls?clinic=vet")).await.problem(),
        (401, "wrong-token".into(), String::new())
    );
}

/// The cookie and the word of somebody who signed in at the door.
async fn signed_in(app: &TestApp) -> (String, String) {
    let new = NewUser {
        login: "boss".into(),
        name: "Борис".into(),
        language: "ru".into(),
        grants: vec![Grant::owner_of_everything()],
    };
    let (user, secret) = app.state.accounts.invite(&new, "test", NOW).await.unwrap();
    app.state.accounts.choose_password(&secret, "кот на окне спит", NOW).await.unwrap();
    let attempt =
        Attempt { login: "boss", password: "кот на окне спит", code: None, address: None, agent: "test" };
    let opened = app.state.accounts.sign_in(attempt, NOW).await.unwrap();
    assert_eq!(opened.user.id, user.id);
    let present = app.state.accounts.by_session(&opened.secret, NOW).await.unwrap().unwrap();
    let accounts::Shown::Session(session) = present.by else { panic!("a session was shown") };
    (format!("gudok={}", opened.secret), session.csrf)
}

#[tokio::test]
async fn a_foreign_page_changes_nothing_with_our_cookie() {
    let (app, _) = house().await;
    let (cookie, word) = signed_in(&app).await;
    let asks = |word: Option<&str>, body: &str, kind: &str| {
        let mut request = Request::post("/choose-clinic").header("cookie", &cookie).header("content-type", kind);
        if let Some(word) = word {
            request = request.header("x-csrf-token", HeaderValue::from_str(word).unwrap());
        }
        request.body(Body::from(body.to_owned())).unwrap()
    };
    const FORM: &str = "application/x-www-form-urlencoded";
    assert_eq!(app.send_bare(asks(None, "clinic=vet", FORM)).await.problem().1, "no-word");
    assert_eq!(app.send_bare(asks(Some("guess"), "clinic=vet", FORM)).await.problem().1, "no-word");
    assert_eq!(app.send_bare(asks(None, "clinic=vet&csrf=guess", FORM)).await.problem().1, "no-word");
    assert_eq!(app.send_bare(asks(None, "{}", "text/plain")).await.problem().1, "no-word");
    assert_eq!(app.send_bare(asks(Some(&word), "clinic=vet", FORM)).await.status, StatusCode::SEE_OTHER);
    let in_form = format!("clinic=zoo&csrf={word}");
    assert_eq!(app.send_bare(asks(None, &in_form, FORM)).await.status, StatusCode::SEE_OTHER);
    let me = Request::get("/api/v1/me").header("cookie", &cookie).body(Body::empty()).unwrap();
    assert_eq!(app.send_bare(me).await.json()["by_token"], false);
}

#[tokio::test]
async fn the_same_key_does_it_once() {
    let (app, _) = house().await;
    let asks = |key: &str, login: &str| {
        let body = json!({ "login": login, "name": "Новый", "grants": [{ "clinic": "vet", "role": "doctor" }] });
        let request = Request::post("/api/v1/users").header("content-type", "application/json");
        request.header("idempotency-key", key).body(Body::from(body.to_string())).unwrap()
    };
    let first = app.send(asks("k1", "one")).await;
    assert_eq!(first.status, StatusCode::CREATED);
    let again = app.send(asks("k1", "one")).await;
    assert_eq!((again.status, &again.text), (StatusCode::CREATED, &first.text));
    assert_eq!(app.send(asks("k1", "two")).await.problem(), (422, "key-reused".into(), "Idempotency-Key".into()));
    // A mistake is answered the same way, too.
    let taken: Answer = app.send(asks("k2", "one")).await;
    assert_eq!(taken.problem().1, "login-taken");
    assert_eq!(app.send(asks("k2", "one")).await.text, taken.text);
}

#[tokio::test]
async fn what_did_not_change_is_not_sent_again() {
    let (app, _) = house().await;
    let asks = |tag: &str| Request::get("/api/v1/me").header("if-none-match", tag).body(Body::empty()).unwrap();
    let tag = app.raw(asks("\"x\"")).await.headers()["etag"].to_str().unwrap().to_owned();
    assert_eq!(app.raw(asks(&tag)).await.status(), StatusCode::NOT_MODIFIED);
    let change = |tag: &str, name: &str| {
        let request = Request::patch("/api/v1/me").header("if-match", tag).header("content-type", "application/json");
        request.body(Body::from(json!({ "name": name }).to_string())).unwrap()
    };
    assert_eq!(app.send(change(&tag, "Первая")).await.status, StatusCode::OK);
    assert_eq!(app.send(change(&tag, "Вторая")).await.problem().1, "changed-meanwhile");
}

#[tokio::test]
async fn a_token_that_asks_too_often_is_told_when_to_go_on() {
    let (mut app, _) = house().await;
    app.state.limit_tokens(120, 60);
    let asks = || Request::get("/api/v1/clinics").body(Body::empty()).unwrap();
    let first = app.raw(asks()).await;
    assert_eq!(first.headers()["ratelimit-limit"], "120");
    let mut last = first;
    for _ in 0..120 {
        last = app.raw(asks()).await;
    }
    assert_eq!(last.status(), StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(
        (&last.headers()["retry-after"], &last.headers()["ratelimit-remaining"]),
        (&"1".parse().unwrap(), &"0".parse().unwrap())
    );
}
