//! The API from outside: every route, its errors, and a real server that stops when told.

#![allow(clippy::unwrap_used)]

mod door;
mod flows;
mod review;
mod schemathesis;
mod trials;
mod visits;
mod walk;
mod work;

use std::sync::Arc;

use accounts::{NewToken, NewUser};
use axum::body::{Body, to_bytes};
use axum::http::{HeaderValue, Request, StatusCode};
use axum::response::Response;
use desk::Clinic;
use jiff::Timestamp;
use records::{CallRecord, Store, Tag, Turn, Who};
use reports::{CategoryInfo, CountsAs};
use serde_json::Value;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tower::ServiceExt as _;
use web::AppState;
use web::auth::{Grant, Permission};

/// Monday 2026-11-23 10:00 in Moscow.
const NOW: i64 = 1_795_417_200_000;
const DAY: i64 = 86_400_000;
const PHONE: &str = "+79031234567";

struct TestApp {
    state: AppState,
    folder: TempDir,
    /// Of an owner of everything; what requests without another carry.
    token: String,
}

struct Answer {
    status: StatusCode,
    kind: String,
    text: String,
    policy: Option<String>,
}

impl Answer {
    fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {}", self.text))
    }

    fn problem(&self) -> (u16, String, String) {
        assert_eq!(self.kind, "application/problem+json", "{}", self.text);
        let json = self.json();
        assert_eq!(json["status"], self.status.as_u16());
        assert_eq!(json["type"], format!("/problems/{}", json["code"].as_str().unwrap()));
        let parameter = json["parameter"].as_str().unwrap_or_default();
        (self.status.as_u16(), json["code"].as_str().unwrap().to_owned(), parameter.to_owned())
    }
}

impl TestApp {
    /// Two clinics; the first has five calls, a day apart, the newest yesterday.
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path().join("gudok.db")).await.unwrap();
        let clinic = |id: &str, name: &str| {
            let text = format!(
                "id = \"{id}\"\nname = \"{name}\"\nkind = \"veterinary\"\ntimezone = \"Europe/Moscow\"\n\
                 services = [\"терапия\"]\nminute_cost = 9.50\n"
            );
            Arc::new(Clinic::parse(&text, "test.toml").unwrap())
        };
        for n in 1..=5 {
            let at = NOW - n * DAY;
            let mut call = CallRecord::import(format!("call-{n}"), "vet", "Europe/Moscow", at, &format!("x{n}"));
            call.caller = Some(PHONE.into());
            call.answered_ms = Some(at + 5_000);
            call.ended_ms = Some(at + 65_000);
            store.import_call(&call).await.unwrap();
            let category = if n % 2 == 0 { "doctor" } else { "target" };
            store.add_tag(&tag(&call.id, category, at, n == 4)).await.unwrap();
        }
        let turn = Turn {
            call: "call-1".into(),
            seq: 0,
            who: Who::Caller,
            text: "Здравствуйте, хочу записать кота".into(),
            start_ms: 0,
            end_ms: 2_000,
            confidence: Some(0.9),
            latency_ms: None,
        };
        store.add_turn(turn).await.unwrap();
        let categories = vec![category("target", CountsAs::Target), category("doctor", CountsAs::NonTarget)];
        let clinics = [clinic("vet", "Ветклиника <Лапа>"), clinic("zoo", "Зоо")];
        let mut state = AppState::new(store, clinics, categories);
        state.now = || Timestamp::from_millisecond(NOW).unwrap();
        let token = token(&state, vec![Grant::owner_of_everything()]).await;
        Self { state, folder, token }
    }

    fn folder(&self) -> &std::path::Path {
        self.folder.path()
    }

    async fn get(&self, path: &str) -> Answer {
        self.send(Request::get(path).body(Body::empty()).unwrap()).await
    }

    async fn send(&self, request: Request<Body>) -> Answer {
        self.send_bare(self.with_token(request)).await
    }

    fn with_token(&self, mut request: Request<Body>) -> Request<Body> {
        let token = HeaderValue::from_str(&format!("Bearer {}", self.token)).unwrap();
        request.headers_mut().entry("authorization").or_insert(token);
        request
    }

    /// The answer as it came, with its headers.
    async fn raw(&self, request: Request<Body>) -> Response {
        self.raw_bare(self.with_token(request)).await
    }

    async fn raw_bare(&self, request: Request<Body>) -> Response {
        web::router(self.state.clone()).oneshot(request).await.unwrap()
    }

    /// As it is: without a token if it has none.
    async fn send_bare(&self, request: Request<Body>) -> Answer {
        let response = web::router(self.state.clone()).oneshot(request).await.unwrap();
        let header = |name| response.headers().get(name).map(|value| value.to_str().unwrap().to_owned());
        let kept = header("cache-control").unwrap_or_default();
        assert!(kept == "no-store" || kept == "private, no-cache", "{kept}");
        let (status, kind, policy) =
            (response.status(), header("content-type").unwrap_or_default(), header("content-security-policy"));
        let bytes = to_bytes(response.into_body(), 10_000_000).await.unwrap();
        Answer { status, kind, text: String::from_utf8_lossy(&bytes).into_owned(), policy }
    }
}

/// A token that may do all that these roles may.
async fn token(state: &AppState, grants: Vec<Grant>) -> String {
    let name = records::id();
    let new = NewUser { login: name, name: "Анна".into(), language: "ru".into(), grants };
    let (user, _) = state.accounts.invite(&new, "test", NOW).await.unwrap();
    let scopes = Permission::ALL.to_vec();
    let new = NewToken { name: "test".into(), scopes, clinics: Vec::new(), expires_ms: None };
    state.accounts.make_token(&user.id, new, NOW).await.unwrap().1
}

fn tag(call: &str, category: &str, at_ms: i64, review: bool) -> Tag {
    Tag {
        call: call.to_owned(),
        category: category.to_owned(),
        confidence: 0.9,
        evidence: Value::Null,
        taxonomy_version: "1".into(),
        model_version: "calls-1".into(),
        review,
        by: "classifier".into(),
        at_ms,
    }
}

fn category(id: &str, counts_as: CountsAs) -> CategoryInfo {
    CategoryInfo {
        id: id.into(),
        title_ru: id.to_uppercase(),
        title_en: id.into(),
        counts_as,
        may_sell: false,
        may_book: false,
        advice_ru: String::new(),
        advice_en: String::new(),
    }
}

#[tokio::test]
async fn health_follows_the_database() {
    let app = TestApp::new().await;
    let answer = app.get("/healthz").await;
    assert_eq!((answer.status, answer.json()["status"].as_str()), (StatusCode::OK, Some("ok")));
    app.state.store.close().await;
    assert_eq!(app.get("/healthz").await.problem(), (503, "database".into(), String::new()));
}

#[tokio::test]
async fn metrics_count_by_route_and_tell_nothing_of_callers() {
    let app = TestApp::new().await;
    app.get("/api/v1/calls/call-1").await;
    app.get("/api/v1/calls?clinic=vet&limit=0").await;
    app.get(&format!("/{PHONE}")).await;
    let text = app.get("/metrics").await.text;
    assert!(text.contains(r#"gudok_http_requests_total{method="GET",route="/api/v1/calls/{id}",status="200"} 1"#));
    assert!(text.contains(r#"gudok_http_requests_total{method="GET",route="/api/v1/calls",status="400"} 1"#));
    assert!(text.contains(r#"route="none",status="404"} 1"#));
    assert!(!text.contains("call-1") && !text.contains(PHONE));
}

#[tokio::test]
async fn clinics_are_listed() {
    let json = TestApp::new().await.get("/api/v1/clinics").await.json();
    let ids: Vec<_> = json["items"].as_array().unwrap().iter().map(|item| item["id"].as_str().unwrap()).collect();
    assert_eq!(ids, ["vet", "zoo"]);
}

#[tokio::test]
async fn calls_come_page_by_page_without_gap_or_double() {
    let app = TestApp::new().await;
    let (mut found, mut cursor, mut pages) = (Vec::new(), String::new(), 0);
    loop {
        let json = app.get(&format!("/api/v1/calls?clinic=vet&limit=2&cursor={cursor}")).await.json();
        found.extend(json["items"].as_array().unwrap().iter().map(|call| call["id"].as_str().unwrap().to_owned()));
        pages += 1;
        match json["next"].as_str() {
            Some(next) => cursor = next.to_owned(),
            None => break,
        }
    }
    assert_eq!((found.join(" "), pages), ("call-1 call-2 call-3 call-4 call-5".to_owned(), 3));
}

#[tokio::test]
async fn calls_are_filtered() {
    let app = TestApp::new().await;
    let ids = |json: Value| {
        let calls = json["items"].as_array().unwrap().clone();
        calls.iter().map(|call| call["id"].as_str().unwrap().to_owned()).collect::<Vec<_>>().join(" ")
    };
    for (query, wanted) in [
        ("clinic=vet&category=doctor", "call-2 call-4"),
        ("clinic=vet&review=true", "call-4"),
        ("clinic=vet&from=2026-11-20&to=2026-11-21", "call-2 call-3"),
        ("clinic=zoo", ""),
    ] {
        assert_eq!(ids(app.get(&format!("/api/v1/calls?{query}")).await.json()), wanted, "{query}");
    }
}

#[tokio::test]
async fn a_call_with_all_that_belongs_to_it() {
    let app = TestApp::new().await;
    let json = app.get("/api/v1/calls/call-1").await.json();
    assert_eq!(json["call"]["caller"], PHONE);
    assert_eq!(json["turns"][0]["text"], "Здравствуйте, хочу записать кота");
    assert_eq!(json["tags"][0]["category"], "target");
    assert_eq!(json["bookings"].as_array().map(Vec::len), Some(0));
    assert_eq!(app.get("/api/v1/calls/nobody").await.problem(), (404, "unknown-call".into(), String::new()));
}

#[tokio::test]
async fn every_wrong_parameter_is_named() {
    let app = TestApp::new().await;
    for (path, status, code, parameter) in [
        ("/api/v1/calls", 400, "bad-parameter", "clinic"),
        ("/api/v1/calls?clinic=nobody", 404, "unknown-clinic", "clinic"),
        ("/api/v1/calls?clinic=vet&limit=0", 400, "bad-parameter", "limit"),
        ("/api/v1/calls?clinic=vet&limit=201", 400, "bad-parameter", "limit"),
        ("/api/v1/calls?clinic=vet&limit=many", 400, "bad-parameter", "limit"),
        ("/api/v1/calls?clinic=vet&category=gossip", 400, "bad-parameter", "category"),
        ("/api/v1/calls?clinic=vet&review=yes", 400, "bad-parameter", "review"),
        ("/api/v1/calls?clinic=vet&cursor=abc", 400, "bad-parameter", "cursor"),
        ("/api/v1/calls?clinic=vet&from=24.11.2026", 400, "bad-parameter", "from"),
        ("/api/v1/calls?clinic=vet&from=2026-11-02&to=2026-11-01", 400, "bad-parameter", "from"),
        ("/api/v1/calls?clinic=vet&clinic=zoo", 400, "bad-parameter", "clinic"),
        ("/api/v1/calls?clinic=vet&categroy=doctor", 400, "bad-parameter", ""),
        ("/api/v1/report?clinic=vet&from=2026-11-01", 400, "bad-parameter", "to"),
        ("/report?clinic=vet&lang=de", 400, "bad-parameter", "lang"),
        ("/nowhere", 404, "no-such-page", ""),
    ] {
        assert_eq!(app.get(path).await.problem(), (status, code.to_owned(), parameter.to_owned()), "{path}");
    }
    let allowed = app.get("/api/v1/calls?clinic=vet&category=gossip").await.json()["allowed"].clone();
    assert_eq!(allowed, serde_json::json!(["target", "doctor"]));
    let post = app.send(Request::post("/api/v1/calls").body(Body::empty()).unwrap()).await;
    assert_eq!(post.problem().0, 405);
}

#[tokio::test]
async fn a_foreign_name_of_this_server_is_refused() {
    let app = TestApp::new().await;
    let asks = |host| Request::get("/api/v1/clinics").header("host", host).body(Body::empty()).unwrap();
    assert_eq!(app.send(asks("evil.example")).await.problem().1, "wrong-host");
    assert_eq!(app.send(asks("localhost:8080")).await.status, StatusCode::OK);
}

#[tokio::test]
async fn the_report_as_json_and_where_its_page_is() {
    let app = TestApp::new().await;
    // Without a period: four whole weeks up to yesterday.
    let json = app.get("/api/v1/report?clinic=vet").await.json();
    assert_eq!(json["schema"], "gudok.report/1");
    assert_eq!(
        (json["period"]["from"].as_str(), json["period"]["to"].as_str()),
        (Some("2026-10-26"), Some("2026-11-22"))
    );
    assert_eq!(json["kpis"]["offered"], 5);
    assert_eq!(json["non_target"]["non_target"]["now"]["share"]["percent"], 40.0);
    // Two calls of a minute at 9.50.
    assert_eq!(json["non_target"]["non_target"]["now"]["cost"]["minor"], 1900);

    // The page it once had is one of the clinic's pages now.
    let led = |path: &'static str| app.raw(Request::get(path).body(Body::empty()).unwrap());
    let answer = led("/report?clinic=vet&from=2026-11-01&to=2026-11-30").await;
    assert_eq!(answer.status(), StatusCode::PERMANENT_REDIRECT);
    assert_eq!(answer.headers()["location"], "/desk/vet/report?from=2026-11-01&to=2026-11-30");
    let answer = led("/report?clinic=vet&from=2026-11-01&to=2026-11-30&lang=en").await;
    assert!(answer.headers()["location"].to_str().unwrap().starts_with("/desk/prefs?lang=en&back=/desk/vet/report%3F"));
    let page = app.get("/desk/vet/report?from=2026-11-01&to=2026-11-30").await;
    assert!(page.policy.is_some_and(|policy| !policy.contains("unsafe")));
    assert!(page.text.contains("&lt;Лапа&gt;") && !page.text.contains("<Лапа>") && !page.text.contains(PHONE));
}

#[tokio::test]
async fn a_real_server_answers_and_stops_when_told() {
    let app = TestApp::new().await;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let shutdown = async { stopped.await.unwrap_or_default() };
    let server = tokio::spawn(web::serve(listener, app.state.clone(), shutdown));

    let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
    let request = format!("GET /healthz HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 OK"), "{answer}");

    stop.send(()).unwrap();
    server.await.unwrap().unwrap();
    assert!(tokio::net::TcpStream::connect(address).await.is_err());
}
