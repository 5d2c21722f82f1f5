//! Versions, routes and their changes over HTTP.

use std::sync::Arc;

use axum::body::Body;
use axum::http::{Request, StatusCode};
use rollout::{Library, Policy, Routes, Switchboard, signing};
use serde_json::{Value, json};
use web::FlowHouse;

use crate::{Answer, TestApp};

pub(crate) const CLOCK: &str = "gudok:clinic/clinic@0.1.0";
const DAY: &str = "/api/v1/clinics/vet/routes/day";

#[tokio::test]
async fn a_component_is_uploaded_shown_and_compared() {
    let app = TestApp::with_flows().await;
    let first = app.upload("name=menu", &component("one", false)).await;
    assert_eq!(first.status, StatusCode::CREATED, "{}", first.text);
    let first = first.json();
    assert_eq!(
        (&first["new"], &first["version"]["by"], &first["before"]),
        (&json!(true), &json!("Анна"), &Value::Null)
    );
    let again = app.upload("name=menu", &component("one", false)).await;
    assert_eq!((again.status, &again.json()["new"]), (StatusCode::OK, &json!(false)));

    let more = component("two", true);
    let refused = app.upload("name=menu", &more).await;
    assert_eq!(refused.problem(), (409, "more-capabilities".into(), "allow".into()));
    assert_eq!(refused.json()["allowed"], json!([CLOCK]));
    let allowed = app.upload(&format!("name=menu&allow={CLOCK}"), &more).await.json();
    assert_eq!((&allowed["added_capabilities"], &allowed["before"]), (&json!([CLOCK]), &first["version"]["digest"]));

    let listed = app.get("/api/v1/flows").await.json();
    let names: Vec<&Value> = listed["items"].as_array().unwrap().iter().map(|item| &item["name"]).collect();
    assert_eq!(names, ["menu", "menu"]);
    let digest = allowed["version"]["digest"].as_str().unwrap();
    let shown = app.get(&format!("/api/v1/flows/{}", &digest[..10])).await.json();
    assert_eq!((&shown["digest"], &shown["routed"]), (&json!(digest), &json!([])));
    assert_eq!(app.get("/api/v1/flows/nobody").await.problem(), (404, "unknown-version".into(), String::new()));
}

#[tokio::test]
async fn what_is_no_flow_is_refused() {
    let app = TestApp::with_flows().await;
    let garbage = app.upload("name=menu", b"\0asm nonsense").await;
    assert_eq!(garbage.problem().1, "flow-refused");
    let named = app.upload("name=../menu", &component("one", false)).await;
    assert_eq!(named.problem(), (422, "flow-refused".into(), String::new()));
    assert_eq!(app.upload("", b"").await.problem(), (400, "bad-parameter".into(), "name".into()));
    assert_eq!(app.upload("name=x&clinic=nowhere", b"").await.problem().1, "unknown-clinic");
    // What a page of another site may send without asking.
    for kind in ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""] {
        let request = Request::post("/api/v1/flows?name=menu").header("content-type", kind);
        let answer = app.send(request.body(Body::from(component("one", false))).unwrap()).await;
        assert_eq!(answer.problem(), (415, "wrong-content-type".into(), String::new()), "{kind}");
        let request = Request::post(format!("{DAY}/rollback")).header("content-type", kind);
        let answer = app.send(request.body(Body::from("{}")).unwrap()).await;
        assert_eq!(answer.problem(), (415, "wrong-content-type".into(), String::new()), "{kind}");
    }
    assert_eq!(app.get("/api/v1/flows").await.json()["items"], json!([]));
}

#[tokio::test]
async fn out_and_back_with_a_feed_of_changes() {
    let app = TestApp::with_flows().await;
    for name in ["one", "two"] {
        assert_eq!(app.upload(&format!("name={name}"), &component(name, false)).await.status, StatusCode::CREATED);
    }
    let digest = async |name: &str| app.get(&format!("/api/v1/flows/{name}")).await.json()["digest"].clone();
    let (one, two) = (digest("one").await, digest("two").await);
    let canary = json!({ "version": "two", "how": "canary", "percent": 25 });
    assert_eq!(app.post("deploy", &canary).await.problem(), (404, "no-route".into(), String::new()));

    let deployed = app.post("deploy", &json!({ "version": "one" })).await.json();
    assert_eq!((&deployed["changed"], &deployed["route"]["stable"]), (&json!(true), &one));
    // Answered means: the next call follows it.
    let picked = app.state.flows.as_ref().unwrap().board.pick("vet", records::Entry::Night, "call-1").unwrap();
    assert_eq!(json!(picked.digest()), one);
    assert_eq!(app.post("deploy", &json!({ "version": "one" })).await.json()["changed"], json!(false));
    let with_canary = app.post("deploy", &canary).await.json();
    assert_eq!((&with_canary["route"]["candidate"], &with_canary["route"]["percent"]), (&two, &json!(25)));
    assert_eq!(app.post("promote", &json!({})).await.json()["route"]["stable"], two);
    assert_eq!(app.post("promote", &json!({})).await.problem(), (409, "route-conflict".into(), String::new()));
    let back = app.post("rollback", &json!({ "reason": "звонящие жалуются" })).await.json();
    assert_eq!(back["route"]["stable"], one);

    let night = json!({ "version": "two", "at": "2026-11-23T23:00" });
    let request = Request::post("/api/v1/clinics/vet/routes/night/deploy").header("content-type", "application/json");
    let planned = app.send(request.body(Body::from(night.to_string())).unwrap()).await.json();
    assert_eq!((&planned["changed"], &planned["planned"]["digest"]), (&json!(false), &two));

    let routes = app.get("/api/v1/routes?clinic=vet").await.json();
    assert_eq!(routes["items"].as_array().unwrap().len(), 1);
    assert_eq!(routes["scheduled"][0]["entry"], json!("night"));
    assert_eq!(app.get("/api/v1/routes?clinic=zoo").await.json()["items"], json!([]));

    let mut kinds = Vec::new();
    let mut after = json!(0);
    loop {
        let page = app.get(&format!("/api/v1/flows/changes?clinic=vet&after={after}&limit=2")).await.json();
        let items = page["items"].as_array().unwrap();
        if items.is_empty() {
            break;
        }
        assert!(items.len() <= 2);
        kinds.extend(items.iter().map(|change| change["kind"].as_str().unwrap().to_owned()));
        after = page["next"].clone();
    }
    assert_eq!(kinds, ["deployed", "canary", "promoted", "rolled-back", "scheduled"]);
    assert_eq!(after, routes["last_change"]);
    let metrics = app.get("/metrics").await.text;
    assert!(
        metrics.contains("gudok_flow_calls_total{clinic=\"vet\",entry=\"day\"")
            && metrics.contains("gudok_flow_compile_seconds_count 2"),
        "{metrics}"
    );
}

#[tokio::test]
async fn a_change_that_cannot_be_understood_names_the_field() {
    let app = TestApp::with_flows().await;
    app.upload("name=one", &component("one", false)).await;
    for (body, field) in [
        (json!({ "version": "one", "how": "canary" }), "percent"),
        (json!({ "version": "one", "percent": 10 }), "percent"),
        (json!({ "version": "one", "how": "canary", "percent": 100 }), ""),
        (json!({ "version": "one", "at": "noon" }), "at"),
        (json!({ "version": "one", "at": "2020-01-01T00:00" }), "at"),
        (json!({ "version": "one", "how": "slowly" }), ""),
        (json!({ "version": "one", "more": 1 }), ""),
        (json!({}), ""),
    ] {
        assert_eq!(app.post("deploy", &body).await.problem(), (422, "bad-body".into(), field.into()), "{body}");
    }
    let request = |place: &str| {
        let request =
            Request::post(format!("/api/v1/clinics/{place}/deploy")).header("content-type", "application/json");
        request.body(Body::from(r#"{"version": "one"}"#)).unwrap()
    };
    assert_eq!(app.send(request("nowhere/routes/day")).await.problem().1, "unknown-clinic");
    let entry = app.send(request("vet/routes/noon")).await;
    assert_eq!(entry.problem(), (404, "unknown-entry".into(), "entry".into()));
    assert_eq!(entry.json()["allowed"], json!(["day", "night", "overload", "reminder", "chat"]));
    assert_eq!(app.get("/api/v1/flows/changes?after=x").await.problem().2, "after");
}

#[tokio::test]
async fn a_clinic_that_takes_signed_flows_only() {
    let app = TestApp::with_flows().await;
    let key = app.folder().join("release.key");
    let public = signing::generate_key(&key).unwrap();
    let routes = &app.state.flows.as_ref().unwrap().routes;
    routes.set_policy("vet", Policy { signed_by: vec![public], ..Policy::default() });
    let wasm = component("one", false);
    assert_eq!(app.upload("name=one&clinic=vet", &wasm).await.problem().1, "unsigned");
    let added = app.upload("name=one", &wasm).await.json();
    assert_eq!(app.post("deploy", &json!({ "version": "one" })).await.problem().1, "unsigned");
    let digest = added["version"]["digest"].as_str().unwrap();
    let signature = signing::signature_text(&signing::sign(&key, digest).unwrap()).replace('+', "%2B");
    let signed = app.upload(&format!("name=one&clinic=vet&signature={signature}"), &wasm).await;
    assert_eq!(signed.json()["version"]["signer"], json!(public.to_string()));
    assert_eq!(app.post("deploy", &json!({ "version": "one" })).await.json()["changed"], json!(true));
}

#[tokio::test]
async fn a_server_without_flows_says_so() {
    let app = TestApp::new().await;
    assert_eq!(app.get("/api/v1/flows").await.problem(), (404, "no-flows".into(), String::new()));
    assert_eq!(app.upload("name=menu", &component("one", false)).await.problem().1, "no-flows");
    assert!(!app.get("/metrics").await.text.contains("gudok_flow"));
}

impl TestApp {
    /// With a library and routes, empty.
    pub(crate) async fn with_flows() -> Self {
        let mut app = Self::new().await;
        let options = flows::Options { max_calls: 4, threads: 1, ..flows::Options::default() };
        let engine = flows::Engine::with_options(options).unwrap();
        let library = Library::open(app.folder().join("flows"), app.state.store.clone(), engine).unwrap();
        let routes = Routes::new(library);
        let board = Switchboard::open(routes.clone(), None).await.unwrap();
        app.state.flows = Some(Arc::new(FlowHouse { routes, board, read: Ok }));
        app
    }

    pub(crate) async fn upload(&self, query: &str, wasm: &[u8]) -> Answer {
        let request = Request::post(format!("/api/v1/flows?{query}")).header("content-type", "application/wasm");
        self.send(request.body(Body::from(wasm.to_vec())).unwrap()).await
    }

    async fn post(&self, what: &str, body: &Value) -> Answer {
        let request = Request::post(format!("{DAY}/{what}")).header("content-type", "application/json");
        self.send(request.body(Body::from(body.to_string())).unwrap()).await
    }
}

/// A flow that writes one line into its log and ends; with `clock` it asks the clinic for the time before.
pub(crate) fn component(line: &str, clock: bool) -> Vec<u8> {
    let (import, lower, core, give, call) = if clock {
        (
            format!(r#"(import "{CLOCK}" (instance $clinic (export "now" (func (result string)))))"#),
            r#"(core func $now (canon lower (func $clinic "now") (memory $own "memory") (realloc (func $own "realloc"))))"#,
            r#"(import "host" "now" (func $now (param i32)))"#,
            r#"(export "now" (func $now))"#,
            "(call $now (i32.const 1024))",
        )
    } else {
        (String::new(), "", "", "", "")
    };
    let text = format!(
        r#"(component
            (import "gudok:notes/notes@0.1.0" (instance $notes (export "log" (func (param "line" string)))))
            {import}
            (core module $own
                (memory (export "memory") 1)
                (data (i32.const 64) "{line}")
                (func (export "realloc") (param i32 i32 i32 i32) (result i32) (i32.const 8192)))
            (core instance $own (instantiate $own))
            (core func $log (canon lower (func $notes "log") (memory $own "memory")))
            {lower}
            (core module $main
                (import "own" "memory" (memory 1))
                (import "host" "log" (func $log (param i32 i32)))
                {core}
                (func (export "run") (result i32)
                    {call}
                    (call $log (i32.const 64) (i32.const {length}))
                    (i32.const 0)))
            (core instance $main (instantiate $main
                (with "own" (instance $own))
                (with "host" (instance (export "log" (func $log)) {give}))))
            (func (export "run") (result (result (error string)))
                (canon lift (core func $main "run") (memory $own "memory"))))"#,
        length = line.len(),
    );
    wat::parse_str(text).expect("valid text")
}
