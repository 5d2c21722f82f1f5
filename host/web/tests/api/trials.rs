//! A version tried on recorded calls: begun by a program or by the page, kept, and looked at in both languages.

use axum::body::Body;
use axum::http::{Request, StatusCode};
use flows::RunOptions;
use flows::journal::{Entries, Recording};
use records::{Entry, FlowRun, FlowTrial, JournalRecord, Role, Store, TrialCall};
use serde_json::{Value, json};

use crate::flows::{CLOCK, component};
use crate::{Answer, DAY, NOW, TestApp};

const TRIALS: &str = "/api/v1/clinics/vet/trials";

/// Answers what the test's flow asks.
struct Log;

#[async_trait::async_trait]
impl flows::Port for Log {
    async fn call(&mut self, _: flows::host::HostCall) -> Result<flows::host::HostReply, flows::PortError> {
        Ok(flows::host::HostReply::NotesLog(()))
    }
}

/// A version held the call `call-1`, yesterday.
async fn record(app: &TestApp, digest: &str) {
    let library = app.state.flows.as_ref().unwrap().routes.library().clone();
    let flow = library.load(digest).await.unwrap();
    let started_ms = NOW - DAY;
    let options = RunOptions { call_id: "call-1".into(), seed: 7, started: started_ms as u64, wall_limit: None };
    let kept = Entries::default();
    let port = Recording::new(Log, Box::new(kept.clone()));
    let report = library.engine().run(&flow, Box::new(port), options).await;
    let store = &app.state.store;
    for entry in kept.to_vec() {
        let row = JournalRecord {
            call: "call-1".into(),
            seq: i64::from(entry.seq),
            request: serde_json::to_string(&entry.call).unwrap().into(),
            reply: serde_json::to_string(&entry.reply).unwrap().into(),
            at_ms: started_ms,
            took_ms: 1,
        };
        store.add_journal(row).await.unwrap();
    }
    let run = FlowRun {
        call: "call-1".into(),
        clinic: "vet".into(),
        entry: Entry::Day,
        generation: 1,
        digest: digest.to_owned(),
        role: Role::Stable,
        seed: 7,
        started_ms,
        ended_ms: Some(started_ms + 9),
        end: Some(serde_json::to_string(&report.end).unwrap().into()),
        trapped: false,
        handed_over: false,
        cpu_ms: None,
        memory_bytes: None,
        host_calls: None,
        shadow_digest: None,
        shadow_verdict: None,
    };
    store.put_flow_run(run).await.unwrap();
}

/// A trial that is kept, for tests that only look.
pub(crate) async fn keep(store: &Store, secret: &str) {
    let entry = JournalRecord {
        call: "call-1".into(),
        seq: 0,
        request: "{}".into(),
        reply: "{}".into(),
        at_ms: NOW,
        took_ms: 1,
    };
    store.add_journal(entry).await.unwrap();
    let trial = FlowTrial {
        id: "trial-1".into(),
        clinic: "vet".into(),
        digest: "ab".repeat(32),
        from_ms: NOW - DAY,
        to_ms: NOW,
        by: "Вера Тайная".into(),
        made_ms: NOW,
        ended_ms: Some(NOW + 1),
        counts: [("wording-only".to_owned(), 1)].into(),
        unsteady: 0,
        unreadable: 0,
        problem: None,
    };
    store.begin_flow_trial(&trial).await.unwrap();
    let side = json!({
        "call": "call-1", "recorded_by": ["menu", "ab"], "verdict": "wording-only", "line": secret,
        "rows": [{ "mark": "other-words", "kind": "robot", "left": { "seq": 0, "at_ms": 0, "text": secret }, "right": null }],
    });
    let call = TrialCall {
        call: "call-1".into(),
        verdict: "wording-only".into(),
        steady: true,
        line: json!({ "ru": secret, "en": secret }).to_string().into(),
        compared: json!({ "ru": side, "en": side }).to_string().into(),
    };
    store.end_flow_trial(&trial, &[call]).await.unwrap();
}

fn digest(uploaded: &Answer) -> String {
    assert_eq!(uploaded.status, StatusCode::CREATED, "{}", uploaded.text);
    uploaded.json()["version"]["digest"].as_str().unwrap().to_owned()
}

async fn ended(app: &TestApp, trial: &str) -> Value {
    loop {
        let now = app.get(&format!("{TRIALS}/{trial}")).await.json();
        if !now["ended_ms"].is_null() {
            return now;
        }
        tokio::task::yield_now().await;
    }
}

async fn post(app: &TestApp, path: &str, kind: &str, body: String) -> Answer {
    app.send(Request::post(path).header("content-type", kind).body(Body::from(body)).unwrap()).await
}

async fn page(app: &TestApp, path: &str, lang: &str) -> String {
    let request = Request::get(path).header("accept", "text/html").header("cookie", format!("gudok_lang={lang}"));
    let page = app.send(request.body(Body::empty()).unwrap()).await;
    assert_eq!(page.status, StatusCode::OK, "{path}: {}", page.text);
    page.text
}

#[tokio::test(flavor = "multi_thread")]
async fn a_version_is_tried_on_recorded_calls_and_what_came_of_it_stays() {
    let app = TestApp::with_flows().await;
    let one = digest(&app.upload("name=menu", &component("one", false)).await);
    let two = digest(&app.upload("name=menu", &component("two", false)).await);
    let asking = digest(&app.upload(&format!("name=menu&allow={CLOCK}"), &component("two", true)).await);
    record(&app, &one).await;

    let start = |body: Value| post(&app, TRIALS, "application/json", body.to_string());
    let begun = start(json!({ "version": two, "days": 3 })).await;
    assert_eq!(begun.status, StatusCode::ACCEPTED, "{}", begun.text);
    let id = begun.json()["id"].as_str().unwrap().to_owned();
    let whole = ended(&app, &id).await;
    assert_eq!(whole["counts"], json!({ "wording-only": 1 }), "{whole}");
    assert_eq!((&whole["calls"][0]["call"], &whole["calls"][0]["steady"]), (&json!("call-1"), &json!(true)));

    let own = format!("{TRIALS}/{id}/calls/call-1");
    let compared = app.get(&format!("{own}?lang=en")).await.json();
    let row = &compared["rows"][0];
    assert_eq!((&row["mark"], &row["left"]["seq"]), (&json!("other-words"), &json!(0)), "{compared}");
    let said = |side: &str| row[side]["text"].as_str().unwrap().to_owned();
    assert!(said("left").contains("one") && said("right").contains("two"), "{compared}");
    assert_eq!(compared["recorded_by"], json!(["menu", one]));
    assert_eq!(app.get(&format!("{TRIALS}?version={}", &two[..12])).await.json()["items"][0]["id"], json!(id));
    assert_eq!(app.get(&format!("{TRIALS}?version={one}")).await.json()["items"], json!([]));

    // The page of that version, and the call side by side, in both languages.
    let version = format!("/desk/vet/flows/versions/{two}");
    let side = format!("/desk/vet/flows/trials/{id}/call-1");
    for (lang, words, parts) in [("ru", "другими словами", "здесь расходятся"), ("en", "other words", "they part here")]
    {
        let text = page(&app, &version, lang).await;
        assert!(text.contains(words) && text.contains(&side), "{text}");
        let text = page(&app, &side, lang).await;
        assert!(text.contains("one") && text.contains("two") && text.contains(parts), "{text}");
        assert!(text.contains("id=\"parts\"") && text.contains("href=\"/desk/vet/calls/call-1\""), "{text}");
    }
    assert!(page(&app, "/desk/vet/flows", "ru").await.contains(&format!("href=\"{version}\"")));

    // Begun by the page; a version that wants to know something else.
    let form = "application/x-www-form-urlencoded";
    let led = post(&app, &format!("/desk/vet/flows/versions/{asking}"), form, "days=7".to_owned()).await;
    assert_eq!(led.status, StatusCode::SEE_OTHER, "{}", led.text);
    let id = app.get(&format!("{TRIALS}?version={asking}")).await.json()["items"][0]["id"].clone();
    let whole = ended(&app, id.as_str().unwrap()).await;
    assert_eq!(whole["counts"], json!({ "new-question": 1 }), "{whole}");
    // Nothing was recorded so lately.
    app.state.store.purge_journal("vet", NOW).await.unwrap();
    let id = start(json!({ "version": one })).await.json()["id"].clone();
    assert_eq!(ended(&app, id.as_str().unwrap()).await["counts"], json!({}));
    assert!(page(&app, &format!("/desk/vet/flows/versions/{one}"), "ru").await.contains("нет ни одного"));
    let text = page(&app, &version, "ru").await;
    assert!(text.contains("вышел срок хранения") && !text.contains(&side), "what was said went with the journal");

    // Another clinic's trials do not exist.
    for path in [side.replace("vet", "zoo"), own.replace("vet", "zoo")] {
        assert_eq!(app.get(&path).await.status, StatusCode::NOT_FOUND, "{path}");
    }
    assert_eq!(start(json!({ "version": two, "days": 0 })).await.problem(), (422, "bad-body".into(), "days".into()));
    assert_eq!(start(json!({ "version": "nobody" })).await.problem().1, "unknown-version");
}
