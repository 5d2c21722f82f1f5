//! The schedule over HTTP: a free time is booked, moved, kept or given up, and everybody who follows is told.

use axum::body::Body;
use axum::http::{Request, StatusCode};
use serde_json::{Value, json};

use crate::{Answer, TestApp};

async fn send(app: &TestApp, path: &str, body: Value, tag: &str) -> Answer {
    let mut request = Request::post(path).header("content-type", "application/json");
    if !tag.is_empty() {
        request = request.header("if-match", tag);
    }
    app.send(request.body(Body::from(body.to_string())).unwrap()).await
}

#[tokio::test]
async fn a_visit_from_a_free_time_to_its_end() {
    let app = TestApp::new().await;
    let slots = app.get("/api/v1/slots?clinic=vet&limit=3").await.json();
    let slot = |at: usize| slots["items"][at]["slot"].as_str().unwrap_or_else(|| panic!("{slots}")).to_owned();
    let wanted = json!({ "slot": slot(0), "phone": "8 903 123-45-67", "person": "Анна", "reason": "чихает" });
    let made = send(&app, "/api/v1/clinics/vet/visits", wanted.clone(), "").await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.text);
    let made = made.json();
    assert_eq!((&made["phone"], &made["status"]), (&json!("+79031234567"), &json!("booked")));
    let taken = send(&app, "/api/v1/clinics/vet/visits", wanted, "").await;
    assert_eq!(taken.problem().1, "time-taken");

    let place = format!("/api/v1/visits/{}", made["visit"].as_str().unwrap());
    let seen = app.raw(Request::get(&place).body(Body::empty()).unwrap()).await;
    let tag = seen.headers()["etag"].to_str().unwrap().to_owned();
    let moved = send(&app, &format!("{place}/move"), json!({ "slot": slot(1) }), &tag).await;
    assert_eq!(moved.status, StatusCode::OK, "{}", moved.text);
    assert_eq!(moved.json()["booking"]["start_ms"], slots["items"][1]["start_ms"]);
    let late = send(&app, &format!("{place}/move"), json!({ "slot": slot(2) }), &tag).await;
    assert_eq!(late.problem(), (412, "changed-meanwhile".into(), String::new()));

    let arrived = send(&app, &format!("{place}/status"), json!({ "status": "arrived" }), "").await.json();
    assert_eq!(arrived["booking"]["status"], "arrived");
    assert_eq!(arrived["history"].as_array().unwrap().last().unwrap()["by"], "Анна");
    let back = send(&app, &format!("{place}/status"), json!({ "status": "confirmed" }), "").await;
    assert_eq!(back.problem().1, "wrong-status");
    let day = slots["items"][1]["start"].as_str().unwrap()[..10].to_owned();
    let listed = app.get(&format!("/api/v1/visits?clinic=vet&from={day}&to={day}")).await.json();
    assert_eq!(listed["items"].as_array().unwrap().len(), 1, "{listed}");

    let events = app.get("/api/v1/events?clinic=vet").await.json();
    let kinds: Vec<&str> =
        events["items"].as_array().unwrap().iter().map(|one| one["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["visit.booked", "visit.moved", "visit.arrived"]);
    assert_eq!(app.get("/api/v1/events?clinic=vet&after=3").await.json()["items"], json!([]));
}

#[tokio::test]
async fn what_the_schedule_does_not_have_is_refused() {
    let app = TestApp::new().await;
    let wanted = |slot: &str, phone: &str| json!({ "slot": slot, "phone": phone, "person": "Анна" });
    let book = "/api/v1/clinics/vet/visits";
    assert_eq!(send(&app, book, wanted("noon", "+79031234567"), "").await.problem().0, 422);
    let slots = app.get("/api/v1/slots?clinic=vet&limit=1").await.json();
    let slot = slots["items"][0]["slot"].as_str().unwrap();
    assert_eq!(send(&app, book, wanted(slot, "завтра"), "").await.problem().0, 422);
    for (path, parameter) in [
        ("/api/v1/slots?clinic=vet&time_from=noon", "time_from"),
        ("/api/v1/slots?clinic=vet&limit=201", "limit"),
        ("/api/v1/visits?clinic=vet&from=2026-01-01&to=2026-12-31", "to"),
    ] {
        assert_eq!(app.get(path).await.problem(), (400, "bad-parameter".into(), parameter.into()), "{path}");
    }
    assert_eq!(app.get("/api/v1/visits/nobody").await.problem().1, "unknown");
}

#[tokio::test]
async fn events_are_told_as_they_happen() {
    let app = TestApp::new().await;
    let slots = app.get("/api/v1/slots?clinic=vet&limit=2").await.json();
    let book = |at: usize| json!({ "slot": slots["items"][at]["slot"], "phone": "+79031234567", "person": "Анна" });
    send(&app, "/api/v1/clinics/vet/visits", book(0), "").await;
    let request = Request::get("/api/v1/events/stream?clinic=vet").header("last-event-id", "0");
    let stream = app.raw(request.body(Body::empty()).unwrap()).await;
    assert_eq!(stream.headers()["content-type"], "text/event-stream");
    let mut body = stream.into_body().into_data_stream();
    let mut next = async || {
        let chunk = futures_util::StreamExt::next(&mut body).await.unwrap().unwrap();
        String::from_utf8(chunk.to_vec()).unwrap()
    };
    let first = next().await;
    assert!(first.contains("id: 1\n") && first.contains("event: visit.booked\n"), "{first}");
    assert!(!first.contains("9031234567"), "{first}");
    send(&app, "/api/v1/clinics/vet/visits", book(1), "").await;
    let second = next().await;
    assert!(second.contains("id: 2\n"), "{second}");
}
