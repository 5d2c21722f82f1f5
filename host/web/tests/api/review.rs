//! People's word on calls over HTTP: the queue, a correction with who and when, and what is refused.

use std::sync::Arc;

use async_trait::async_trait;
use axum::body::Body;
use axum::http::{Request, StatusCode};
use records::RecordsError;
use reports::CountsAs;
use serde_json::{Value, json};
use web::{ReviewQueue, Waiting};

use crate::{Answer, NOW, TestApp, category};

/// Three calls wait, whoever asks.
struct Three;

#[async_trait]
impl ReviewQueue for Three {
    async fn of(&self, clinic: &str, now_ms: i64) -> Result<Vec<Waiting>, RecordsError> {
        assert_eq!((clinic, now_ms), ("vet", NOW));
        let waiting = |n: usize| Waiting {
            call: format!("call-{n}"),
            started_ms: NOW - 1,
            category: "target".into(),
            confidence: 0.45,
            scores: vec![("target".into(), 0.45), ("doctor".into(), 0.4)],
            evidence: json!([{ "text": "записать", "seconds": [0.5, 1.1] }]),
            value: 0.9,
            why: "doubt",
            put_off: false,
            turns: Vec::new(),
        };
        Ok((1..=3).map(waiting).collect())
    }

    fn taxonomy_version(&self) -> String {
        "7".into()
    }
}

pub(crate) fn queue() -> Option<Arc<dyn ReviewQueue>> {
    Some(Arc::new(Three))
}

async fn app() -> TestApp {
    let mut app = TestApp::new().await;
    app.state.review = queue();
    let own = [("vet".to_owned(), vec![category("gate", CountsAs::NonTarget)])];
    app.state.own_categories = Arc::new(own.into_iter().collect());
    app
}

async fn say(app: &TestApp, call: &str, body: Value) -> Answer {
    let request = Request::post(format!("/api/v1/calls/{call}/review")).header("content-type", "application/json");
    app.send(request.body(Body::from(body.to_string())).unwrap()).await
}

#[tokio::test]
async fn the_queue_comes_in_its_order() {
    let app = app().await;
    let json = app.get("/api/v1/review?clinic=vet&limit=2").await.json();
    assert_eq!((json["waiting"].as_u64(), json["items"].as_array().map(Vec::len)), (Some(3), Some(2)));
    assert_eq!((&json["items"][0]["call"], &json["items"][0]["why"]), (&json!("call-1"), &json!("doubt")));
    assert_eq!(json["items"][0]["evidence"][0]["seconds"], json!([0.5, 1.1]));
    let wrong = app.get("/api/v1/review?clinic=vet&limit=0").await;
    assert_eq!(wrong.problem(), (400, "bad-parameter".into(), "limit".into()));
    let without = TestApp::new().await;
    assert_eq!(without.get("/api/v1/review?clinic=vet").await.problem().1, "no-reviews");
}

#[tokio::test]
async fn a_correction_is_kept_with_who_and_when_and_stands() {
    let app = app().await;
    let answer = say(&app, "call-4", json!({ "category": "target", "by": "Анна" })).await;
    assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.text);
    let json = answer.json();
    assert_eq!((&json["was"], &json["category"]), (&json!("doctor"), &json!("target")));
    assert_eq!((&json["by"], &json["at_ms"]), (&json!("Анна"), &json!(NOW)));
    let call = app.get("/api/v1/calls/call-4").await.json();
    assert_eq!((&call["call"]["category"], &call["call"]["review"]), (&json!("target"), &json!(false)));
    assert_eq!(call["reviews"][0]["by"], "Анна");
    assert_eq!(call["tags"][1]["taxonomy_version"], "7");

    // A category the clinic made for itself, and a call that is put off.
    assert_eq!(say(&app, "call-1", json!({ "category": "gate", "by": "Анна" })).await.status, StatusCode::CREATED);
    let own = app.get("/api/v1/calls?clinic=vet&category=gate").await.json();
    assert_eq!(own["items"].as_array().map(Vec::len), Some(1));
    assert_eq!(app.get("/api/v1/calls?clinic=zoo&category=gate").await.problem().0, 400);
    assert_eq!(say(&app, "call-2", json!({ "category": null, "by": "Анна" })).await.status, StatusCode::CREATED);
    assert_eq!(app.get("/api/v1/calls/call-2").await.json()["call"]["category"], "doctor");
}

#[tokio::test]
async fn what_is_wrong_with_a_correction_is_named() {
    let app = app().await;
    for (call, body, status, code, parameter) in [
        ("call-1", json!({ "category": "gossip", "by": "Анна" }), 422, "bad-body", "category"),
        ("call-1", json!({ "category": "target", "by": " " }), 422, "bad-body", "by"),
        ("call-1", json!({ "category": "target", "by": "classifier" }), 422, "bad-body", "by"),
        ("call-1", json!({ "category": "target", "by": "Анна", "when": 0 }), 422, "bad-body", ""),
        ("nobody", json!({ "category": "target", "by": "Анна" }), 404, "unknown-call", ""),
    ] {
        let problem = say(&app, call, body.clone()).await.problem();
        assert_eq!(problem, (status, code.to_owned(), parameter.to_owned()), "{body}");
    }
    let form = Request::post("/api/v1/calls/call-1/review").header("content-type", "text/plain");
    let form = app.send(form.body(Body::from(r#"{"category":"target","by":"x"}"#)).unwrap()).await;
    assert_eq!(form.problem().1, "wrong-content-type", "a page of another site can send text without asking");
    assert!(app.state.store.corrections(None).await.unwrap().is_empty());
}
