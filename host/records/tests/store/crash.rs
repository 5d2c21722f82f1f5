//! `kill -9` at any moment loses nothing that was acknowledged.
//!
//! The test starts its own binary again as a child that writes without pause and prints a line for every acknowledged
//! write; kills it after a random number of lines, while several writes are under way; opens the database and looks for
//! every line's row. Several times over, on one database.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

use records::{BookOutcome, CallEnd, CallRecord, CallbackRecord, CallbackStatus, JournalRecord, NewJob, NewTime};
use records::{Change, Note, Status, Store, Tag, Turn, Who};

use crate::{MINUTE, NOW, booking};

const PLACE: &str = "GUDOK_CRASH_TEST_DB";

#[test]
fn nothing_acknowledged_is_lost() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("gudok.db");
    let mut acknowledged = Vec::new();
    for round in 0..6 {
        // Random bits of an id decide when.
        let lines = usize::from_str_radix(&records::id()[33..], 16).unwrap() % 400 + 1;
        let before = acknowledged.len();
        write_until_killed(&path, lines, &mut acknowledged);
        assert!(acknowledged.len() >= before + lines, "round {round}: the writer ended by itself");
        let runtime = tokio::runtime::Runtime::new().unwrap();
        runtime.block_on(look_for(&path, &acknowledged));
    }
}

fn write_until_killed(path: &Path, lines: usize, acknowledged: &mut Vec<String>) {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "crash::writer", "--ignored", "--nocapture", "--test-threads=1"])
        .env(PLACE, path)
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit())
        .spawn()
        .unwrap();
    let mut seen = 0;
    let output = BufReader::new(child.stdout.take().unwrap());
    for line in output.split(b'\n') {
        let line = String::from_utf8(line.unwrap()).unwrap();
        // The harness prints in the same stream, once without a line's end before our first.
        let Some((_, what)) = line.split_once("ack ") else { continue };
        acknowledged.push(what.to_owned());
        seen += 1;
        if seen == lines {
            // SIGKILL. What is still in the pipe was acknowledged as well and is read on until its end.
            child.kill().unwrap();
        }
    }
    child.wait().unwrap();
}

async fn look_for(path: &Path, acknowledged: &[String]) {
    let store = Store::open(path).await.unwrap();
    store.check().await.unwrap();
    for line in acknowledged {
        let (what, id) = line.split_once(' ').unwrap();
        match what {
            "call" => assert_eq!(store.call(id).await.unwrap().id, id),
            "end" => assert!(store.call(id).await.unwrap().ended_ms.is_some(), "{line}"),
            "turn" => assert_eq!(store.turns(id).await.unwrap().len(), 2, "{line}"),
            "journal" => assert_eq!(store.journal(id).await.unwrap().len(), 2, "{line}"),
            "tag" => assert_eq!(store.call(id).await.unwrap().category.as_deref(), Some("target"), "{line}"),
            "note" => assert_eq!(store.notes(id).await.unwrap().len(), 1, "{line}"),
            "audio" => assert!(!store.audio(id).await.unwrap().is_empty(), "{line}"),
            "callback" => assert_eq!(store.callback(id).await.unwrap().status, CallbackStatus::Open),
            "job" => assert_eq!(store.job(id).await.unwrap().id, id),
            "booked" => assert!(store.booking(id).await.is_ok(), "{line}"),
            "moved" => assert_eq!(store.booking(id).await.unwrap().status, Status::Moved, "{line}"),
            other => panic!("the writer said {other:?}"),
        }
    }
    // What was not acknowledged may be there or not, but never by half: no visit holds two times, or a moved one none.
    let bookings = store.bookings("vet_lapa", 0, i64::MAX).await.unwrap();
    for first in bookings.iter().filter(|booking| booking.id == booking.visit) {
        let live = bookings.iter().filter(|booking| booking.visit == first.visit && booking.status.is_live());
        assert_eq!(live.count(), 1, "visit {}", first.visit);
    }
    store.close().await;
}

/// The child. Ignored when the tests are run; the test above runs it by name.
#[test]
#[ignore = "runs until it is killed"]
fn writer() {
    let path = std::env::var(PLACE).unwrap();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let store = Store::open(&path).await.unwrap();
        let tasks: Vec<_> = (0..4).map(|task| tokio::spawn(write_for_ever(store.clone(), task))).collect();
        for task in tasks {
            task.await.unwrap();
        }
    });
}

async fn write_for_ever(store: Store, task: i64) {
    // Every writer of every round has a doctor of its own, so that no time is ever taken.
    let doctor = records::id();
    for n in 0.. {
        let id = records::id();
        let at = NOW + n * 120 * MINUTE;
        store.start_call(&CallRecord::live(&id, "vet_lapa", "Europe/Moscow", at)).await.unwrap();
        println!("ack call {id}");
        for seq in 0..2 {
            let text = "слова".into();
            let (who, call) = (Who::Caller, id.clone());
            let turn = Turn { call, seq, who, text, start_ms: 0, end_ms: 9, confidence: None, latency_ms: None };
            let (request, reply) = ("{}".into(), "{}".into());
            let entry = JournalRecord { call: id.clone(), seq, request, reply, at_ms: at, took_ms: 1 };
            let (a, b) = tokio::join!(store.add_turn(turn), store.add_journal(entry));
            a.and(b).unwrap();
        }
        println!("ack turn {id}\nack journal {id}");
        let b = booking(&id, &doctor, at);
        assert!(matches!(store.book(&b, "robot").await.unwrap(), BookOutcome::Booked(_)));
        println!("ack booked {id}");
        let change = Change { at_ms: at, by: "robot".into(), ..Change::default() };
        let to = NewTime {
            id: records::id(),
            doctor: doctor.clone(),
            service: "x".into(),
            start_ms: at + 20 * MINUTE,
            end_ms: at + 50 * MINUTE,
            ..NewTime::default()
        };
        assert!(matches!(store.move_booking(&id, &to, &change).await.unwrap(), BookOutcome::Booked(_)));
        println!("ack moved {id}\nack booked {}", to.id);
        let tag = Tag {
            call: id.clone(),
            category: "target".into(),
            confidence: 0.5,
            evidence: serde_json::json!([]),
            taxonomy_version: "1".into(),
            model_version: "1".into(),
            review: false,
            by: "classifier".into(),
            at_ms: at,
        };
        store.add_tag(&tag).await.unwrap();
        println!("ack tag {id}");
        let note = Note { call: id.clone(), name: "animal".into(), value: "кот".into(), at_ms: at };
        store.add_note(&note).await.unwrap();
        println!("ack note {id}");
        let bytes: Vec<u8> = format!("{task} {n} {id}").repeat(200).into_bytes();
        println!("ack audio {}", store.put_audio(&bytes, "stereo").await.unwrap());
        let callback = CallbackRecord {
            id: id.clone(),
            clinic: "vet_lapa".into(),
            timezone: "Europe/Moscow".into(),
            phone: "+79030000000".into(),
            person: "".into(),
            reason: "".into(),
            due_ms: at,
            status: CallbackStatus::Open,
            attempts: 0,
            result: None,
            call: Some(id.clone()),
            created_ms: at,
            updated_ms: at,
        };
        store.add_callback(&callback).await.unwrap();
        println!("ack callback {id}");
        let job = NewJob {
            id: id.clone(),
            kind: "transcribe".into(),
            payload: serde_json::json!({}),
            unique_key: None,
            run_at_ms: at,
            max_attempts: 3,
            created_ms: at,
        };
        store.enqueue(&job).await.unwrap();
        println!("ack job {id}");
        store.end_call(&id, &CallEnd { ended_ms: at + 1, ..CallEnd::default() }).await.unwrap();
        println!("ack end {id}");
    }
}
