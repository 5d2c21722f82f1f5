//! Traces of calls as a collector gets them, over a real socket.

#![allow(clippy::unwrap_used, reason = "functions that tests share are tests too")]

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use records::{CallEnd, CallRecord, JournalRecord, Outcome, Store, Tag, Turn, Who};
use serde_json::{Value, json};
use telemetry::{Exporter, Settings};

/// Monday 2026-11-23 10:00 in Moscow.
const NOW: i64 = 1_795_417_200_000;
const MINUTE: i64 = 60_000;

/// A collector: what it took, and what it is to answer before it takes anything.
#[derive(Clone)]
struct Collector {
    port: u16,
    taken: Arc<Mutex<Vec<(String, Value)>>>,
    refusals: Arc<Mutex<Vec<u16>>>,
}

impl Collector {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let collector = Self { port, taken: Arc::default(), refusals: Arc::default() };
        let mine = collector.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let collector = mine.clone();
                std::thread::spawn(move || collector.serve(stream).ok());
            }
        });
        collector
    }

    fn serve(&self, mut stream: TcpStream) -> std::io::Result<()> {
        let mut reader = BufReader::new(stream.try_clone()?);
        loop {
            let mut head = Vec::new();
            loop {
                let mut line = String::new();
                if reader.read_line(&mut line)? == 0 {
                    return Ok(());
                }
                if line == "\r\n" {
                    break;
                }
                head.push(line.trim_end().to_owned());
            }
            let header = |name: &str| {
                head.iter().find_map(|line| {
                    let (key, value) = line.split_once(": ")?;
                    key.eq_ignore_ascii_case(name).then(|| value.to_owned())
                })
            };
            let mut body = vec![0; header("content-length").unwrap().parse().unwrap()];
            reader.read_exact(&mut body)?;
            let refusal = self.refusals.lock().unwrap().pop();
            let status = refusal.unwrap_or_else(|| {
                assert_eq!(header("content-type").unwrap(), "application/json");
                let asked = format!("{} {}", head[0], header("x-key").unwrap_or_default());
                self.taken.lock().unwrap().push((asked, serde_json::from_slice(&body).unwrap()));
                200
            });
            stream.write_all(format!("HTTP/1.1 {status} ok\r\ncontent-length: 2\r\n\r\n{{}}").as_bytes())?;
        }
    }

    /// Every span that was taken.
    fn spans(&self) -> Vec<Value> {
        let taken = self.taken.lock().unwrap();
        let spans = taken.iter().map(|(_, body)| body["resourceSpans"][0]["scopeSpans"][0]["spans"].clone());
        spans.flat_map(|spans| spans.as_array().unwrap().clone()).collect()
    }

    fn settings(&self) -> Settings {
        let text = format!("endpoint = \"http://127.0.0.1:{}\"\nheaders = {{ X-Key = \"env:KEY\" }}\n", self.port);
        Settings::read(toml::from_str(&text).unwrap(), &|_| Some("s3cret".to_owned())).unwrap()
    }
}

async fn store() -> (tempfile::TempDir, Store) {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path().join("gudok.db")).await.unwrap();
    (folder, store)
}

/// A call that books: rings 4 s, the robot speaks, the caller answers, a visit is booked, one host call fails.
async fn call(store: &Store, id: &str, started_ms: i64) {
    let mut call = CallRecord::live(id, "vet", "Europe/Moscow", started_ms);
    call.caller = Some("+79031234567".into());
    store.start_call(&call).await.unwrap();
    let turns = [
        (Who::Agent, "Здравствуйте, клиника «Лапа»", 4_200, 6_000, None, Some(200)),
        (Who::Caller, "Это Вера Павловна, кот Барсик хромает", 6_500, 9_000, Some(0.81), None),
        (Who::Agent, "Записала вас на завтра", 9_700, 11_000, None, Some(700)),
    ];
    for (seq, (who, text, start_ms, end_ms, confidence, latency_ms)) in (0..).zip(turns) {
        let turn = Turn { call: id.to_owned(), seq, who, text: text.into(), start_ms, end_ms, confidence, latency_ms };
        store.add_turn(turn).await.unwrap();
    }
    let journal = [
        ("voice.ask", json!({ "Ok": { "speech": "кот Барсик" } }), 4_200, 4_900),
        ("appointments.book", json!({ "Err": "taken" }), 9_100, 30),
    ];
    for (seq, (function, result, at, took_ms)) in (0..).zip(journal) {
        let entry = JournalRecord {
            call: id.to_owned(),
            seq,
            request: json!({ "function": function, "args": ["Вера Павловна"] }).to_string().into(),
            reply: json!({ "result": result }).to_string().into(),
            at_ms: started_ms + at,
            took_ms,
        };
        store.add_journal(entry).await.unwrap();
    }
    let end = CallEnd {
        ended_ms: started_ms + 12_000,
        answered_ms: Some(started_ms + 4_000),
        outcome: Some(Outcome::Booked),
        agent: Some("robot".to_owned()),
        ..CallEnd::default()
    };
    store.end_call(id, &end).await.unwrap();
    let tag = Tag {
        call: id.to_owned(),
        category: "target".to_owned(),
        confidence: 0.93,
        evidence: json!([]),
        taxonomy_version: "1".to_owned(),
        model_version: "model-7".to_owned(),
        review: false,
        by: "classifier".to_owned(),
        at_ms: started_ms + 12_500,
    };
    store.add_tag(&tag).await.unwrap();
    let corrected =
        Tag {
            model_version: String::new(), by: "Анна Сергеевна".to_owned(), at_ms: started_ms + 15_000, ..tag
        };
    store.add_tag(&corrected).await.unwrap();
}

fn attribute<'s>(span: &'s Value, key: &str) -> Option<&'s Value> {
    let all = span["attributes"].as_array().unwrap();
    all.iter().find(|one| one["key"] == key).and_then(|one| one["value"].as_object()?.values().next())
}

#[tokio::test]
async fn a_call_is_one_trace_from_its_ring_to_its_tag() {
    let (_folder, store) = store().await;
    let collector = Collector::start();
    let exporter = Exporter::new(store.clone(), collector.settings(), NOW).await.unwrap();
    call(&store, "c1", NOW).await;
    assert_eq!(exporter.turn(NOW + 20_000).await.unwrap().calls, 0, "its last words may still come");
    assert_eq!(exporter.turn(NOW + MINUTE).await.unwrap().calls, 1);
    assert_eq!(exporter.turn(NOW + MINUTE).await.unwrap().calls, 0, "once");
    let (asked, body) = collector.taken.lock().unwrap()[0].clone();
    assert_eq!(asked, "POST /v1/traces HTTP/1.1 s3cret");
    assert_eq!(
        body["resourceSpans"][0]["resource"]["attributes"][0],
        json!({ "key": "service.name", "value": { "stringValue": "gudok" } })
    );

    let spans = collector.spans();
    let names: Vec<&str> = spans.iter().map(|span| span["name"].as_str().unwrap()).collect();
    assert_eq!(
        names,
        [
            "call",
            "ring",
            "respond",
            "speak",
            "recognise",
            "respond",
            "speak",
            "voice.ask",
            "appointments.book",
            "tag",
            "tag"
        ]
    );
    let hex = |value: &Value, digits: usize| {
        let text = value.as_str().unwrap();
        assert!(text.len() == digits && text.bytes().all(|byte| byte.is_ascii_hexdigit()), "{text}");
        text.to_owned()
    };
    let trace = hex(&spans[0]["traceId"], 32);
    let by_id: BTreeMap<String, &Value> = spans.iter().map(|span| (hex(&span["spanId"], 16), span)).collect();
    assert_eq!(by_id.len(), spans.len(), "every span has an id of its own");
    assert!(spans[0].get("parentSpanId").is_none() && spans[0]["kind"] == 2);
    let nano = |value: &Value| value.as_str().unwrap().parse::<i64>().unwrap() / 1_000_000 - NOW;
    for span in &spans {
        assert_eq!(hex(&span["traceId"], 32), trace);
        assert!(nano(&span["startTimeUnixNano"]) <= nano(&span["endTimeUnixNano"]));
    }
    for span in &spans[1..] {
        let parent = by_id[span["parentSpanId"].as_str().unwrap()];
        assert_eq!(parent["name"], "call", "without a flow's run everything hangs on the call");
    }
    let times = |n: usize| (nano(&spans[n]["startTimeUnixNano"]), nano(&spans[n]["endTimeUnixNano"]));
    assert_eq!(times(0), (0, 12_000));
    assert_eq!(times(1), (0, 4_000));
    assert_eq!(times(4), (6_500, 9_000), "recognise");
    assert_eq!(times(5), (9_000, 9_700), "the silence that the caller heard");
    assert_eq!(times(8), (9_100, 9_130), "a host call");
    assert_eq!(spans[8]["status"], json!({ "code": 2, "message": "the host said no" }));
    assert!(spans[7].get("status").is_none());
    assert_eq!(attribute(&spans[0], "gudok.outcome"), Some(&json!("booked")));
    assert_eq!(attribute(&spans[0], "gudok.turns"), Some(&json!("3")), "64-bit numbers are text");
    assert_eq!(attribute(&spans[4], "gudok.confidence"), Some(&json!(0.81)));
    assert_eq!(
        (attribute(&spans[9], "gudok.tag.by"), attribute(&spans[10], "gudok.tag.by")),
        (Some(&json!("classifier")), Some(&json!("person")))
    );
    let all = body.to_string();
    for personal in ["9031234567", "Вера", "Барсик", "Анна", "Здравствуйте"] {
        assert!(!all.contains(personal), "{personal} is nobody's business there");
    }
}

#[tokio::test]
async fn a_collector_that_is_away_gets_it_later_and_old_calls_are_left_out() {
    let (_folder, store) = store().await;
    let collector = Collector::start();
    call(&store, "before", NOW - MINUTE).await;
    let exporter = Exporter::new(store.clone(), collector.settings(), NOW).await.unwrap();
    call(&store, "old", NOW).await;
    call(&store, "new", NOW + 25 * 60 * MINUTE).await;
    let later = NOW + 25 * 60 * MINUTE + MINUTE;
    collector.refusals.lock().unwrap().extend([503, 429]);
    assert!(exporter.turn(later).await.unwrap_err().to_string().contains("429"));
    assert!(exporter.turn(later).await.unwrap_err().to_string().contains("503"));
    // Another process, after a restart, goes on where this one stood.
    let exporter = Exporter::new(store.clone(), collector.settings(), later).await.unwrap();
    assert_eq!(exporter.turn(later).await.unwrap().calls, 1);
    let calls: Vec<_> = collector.spans().iter().filter_map(|span| attribute(span, "gudok.call.id").cloned()).collect();
    assert_eq!(calls, [json!("new")]);
    // What it calls malformed does not stand in the way of what follows.
    call(&store, "bad", later).await;
    collector.refusals.lock().unwrap().push(400);
    exporter.turn(later + MINUTE).await.unwrap();
    call(&store, "good", later + MINUTE).await;
    assert_eq!(exporter.turn(later + 2 * MINUTE).await.unwrap().calls, 1);
}
