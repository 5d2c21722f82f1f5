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

async fn put(app: &TestApp, path: &str, body: Value) -> crate::Answer {
    let request = Request::put(path).header("content-type", "application/fhir+json");
    app.send(request.body(Body::from(body.to_string())).unwrap()).await
}

#[tokio::test]
async fn a_visit_is_booked_moved_and_called_off_in_fhir() {
    let app = TestApp::new().await;
    let base = "/api/v1/clinics/vet/fhir";
    let slots = app.get(&format!("{base}/Slot?_count=2")).await;
    assert_eq!(slots.kind, "application/fhir+json");
    let slots = slots.json();
    assert_eq!((&slots["resourceType"], &slots["total"]), (&json!("Bundle"), &json!(2)));
    let slot = &slots["entry"][0]["resource"];
    assert_eq!((&slot["resourceType"], &slot["status"]), (&json!("Slot"), &json!("free")));
    let doctor = slot["schedule"]["reference"].as_str().unwrap().trim_start_matches("Schedule/").to_owned();
    let wanted = |slot: &Value, status: &str| {
        json!({
            "resourceType": "Appointment", "status": status, "start": slot["start"], "end": slot["end"],
            "serviceType": slot["serviceType"], "description": "чихает",
            "contained": [{
                "resourceType": "Patient", "id": "p", "name": [{ "text": "Мурка" }],
                "contact": [{ "name": { "text": "Анна" }, "telecom": [{ "system": "phone", "value": "+79031234567" }] }],
            }],
            "participant": [
                { "actor": { "reference": format!("Practitioner/{doctor}") }, "status": "accepted" },
                { "actor": { "reference": "#p" }, "status": "accepted" },
            ],
        })
    };
    let list = format!("{base}/Appointment");
    let made = send(&app, &list, wanted(slot, "booked"), "").await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.text);
    let id = made.json()["id"].as_str().unwrap().to_owned();
    assert!(!made.text.contains("Анна") && !made.text.contains("9031234567"), "who comes is another resource");
    let who = app.get(&format!("{base}/Patient/{id}")).await.json();
    assert_eq!(who["name"][0]["text"], "Мурка");
    assert_eq!(who["contact"][0]["telecom"][0]["value"], "+79031234567");
    // Somebody else wants the same time; a wish holds none; nobody comes.
    let taken = send(&app, &list, wanted(slot, "booked"), "").await;
    assert_eq!((taken.status, &taken.json()["issue"][0]["code"]), (StatusCode::CONFLICT, &json!("conflict")));
    let wish = send(&app, &list, wanted(slot, "proposed"), "").await;
    assert_eq!((wish.status.as_u16(), &wish.json()["resourceType"]), (422, &json!("OperationOutcome")));
    let mut nobody = wanted(slot, "booked");
    nobody["contained"] = json!([]);
    let missing = send(&app, &list, nobody, "").await.json();
    assert_eq!(missing["issue"][0]["expression"][0], "Appointment.contained");
    // The same visitor once more, by their first visit.
    let later = &slots["entry"][1]["resource"];
    let visit = made.json()["identifier"][1]["value"].as_str().unwrap().to_owned();
    let mut again = wanted(later, "booked");
    again["contained"] = json!([]);
    again["participant"][1]["actor"]["reference"] = json!(format!("Patient/{visit}"));
    let second = send(&app, &list, again, "").await;
    assert_eq!(second.status, StatusCode::CREATED, "{}", second.text);
    let second = second.json()["id"].as_str().unwrap().to_owned();
    assert_eq!(put(&app, &format!("{list}/{second}"), wanted(later, "cancelled")).await.json()["status"], "cancelled");
    // Into the time that is free again.
    let moved = put(&app, &format!("{list}/{id}"), wanted(later, "booked")).await;
    assert_eq!((moved.status, &moved.json()["start"]), (StatusCode::OK, &later["start"]));
    let day = later["start"].as_str().unwrap().split('T').next().unwrap().to_owned();
    let of_the_day = app.get(&format!("{list}?date={day}")).await.json();
    let states: Vec<_> = of_the_day["entry"].as_array().unwrap().iter().map(|one| &one["resource"]["status"]).collect();
    assert!(states.contains(&&json!("booked")) && states.contains(&&json!("cancelled")), "{of_the_day}");
}

#[tokio::test]
async fn a_doctors_calendar_is_read_by_whoever_knows_its_latest_address() {
    let app = TestApp::new().await;
    let slots = app.get("/api/v1/slots?clinic=vet&limit=1").await.json();
    let doctor = slots["items"][0]["doctor"].as_str().unwrap().to_owned();
    let wanted = json!({
        "slot": slots["items"][0]["slot"], "phone": "+79031234567", "person": "Анна Котова", "animal": "кошка Мурка",
    });
    assert_eq!(send(&app, "/api/v1/clinics/vet/visits", wanted, "").await.status, StatusCode::CREATED);
    let place = format!("/api/v1/clinics/vet/calendars/{doctor}");
    let nobody = |path: String| Request::get(path).body(Body::empty()).unwrap();
    let first = send(&app, &place, json!({}), "").await;
    assert_eq!(first.status, StatusCode::CREATED, "{}", first.text);
    let first = first.json()["path"].as_str().unwrap().to_owned();
    // No cookie and no token: the address is all there is.
    let feed = app.send_bare(nobody(first.clone())).await;
    assert_eq!((feed.status, feed.kind.as_str()), (StatusCode::OK, "text/calendar; charset=utf-8"));
    assert!(feed.text.starts_with("BEGIN:VCALENDAR\r\n") && feed.text.contains("BEGIN:VEVENT"), "{}", feed.text);
    assert!(!feed.text.contains("Мурка") && !feed.text.contains("9031234567"), "{}", feed.text);
    let listed = app.get("/api/v1/clinics/vet/calendars").await.json();
    let mine = listed["items"].as_array().unwrap().iter().find(|one| one["doctor"] == doctor.as_str()).unwrap();
    assert_eq!(mine["detail"], "nobody");
    assert!(!listed.to_string().contains(first.trim_start_matches("/calendars/").trim_end_matches(".ics")));

    let second = send(&app, &place, json!({ "detail": "initials" }), "").await.json();
    let second = second["path"].as_str().unwrap().to_owned();
    assert_eq!(app.send_bare(nobody(first)).await.status, StatusCode::NOT_FOUND, "the earlier one has ended");
    let feed = app.send_bare(nobody(second.clone())).await.text.replace("\r\n ", "");
    assert!(feed.contains("А.К., кошка Мурка") || feed.contains("А.К.\\, кошка Мурка"), "{feed}");
    let end = Request::delete(&place).body(Body::empty()).unwrap();
    assert_eq!(app.send(end).await.status, StatusCode::NO_CONTENT);
    assert_eq!(app.send_bare(nobody(second)).await.status, StatusCode::NOT_FOUND);
    assert_eq!(app.send_bare(nobody("/calendars/guess.ics".into())).await.status, StatusCode::NOT_FOUND);
    assert_eq!(send(&app, "/api/v1/clinics/vet/calendars/nobody", json!({}), "").await.status, StatusCode::NOT_FOUND);
}
