//! Journals at rest: sealed with the clinic's key, unreadable without it, tampering noticed, deleted when their time is
//! over.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use records::{CallRecord, Entry, FlowRun, JournalRecord, Key, Keyring, RecordsError, Role, Store};

use crate::{MINUTE, NOW, again, on_server, store, tamper};

const SECRET: &str = "меня зовут Анна";

fn entry(call: &str, seq: i64) -> JournalRecord {
    let (request, reply) = (format!("{{\"ask\":{seq}}}").into(), format!("{SECRET} {seq}").into());
    JournalRecord { call: call.to_owned(), seq, request, reply, at_ms: NOW + seq, took_ms: 3 }
}

fn run(call: &str) -> FlowRun {
    FlowRun {
        call: call.to_owned(),
        clinic: "vet_lapa".to_owned(),
        entry: Entry::Day,
        generation: 3,
        digest: "ab".repeat(32),
        role: Role::Candidate,
        seed: u64::MAX,
        started_ms: NOW,
        ended_ms: Some(NOW + 5),
        end: Some(SECRET.into()),
        trapped: false,
        handed_over: true,
        cpu_ms: Some(1.5),
        memory_bytes: Some(65_536),
        host_calls: Some(12),
        shadow_digest: None,
        shadow_verdict: None,
    }
}

async fn begin(store: &Store, call: &str, clinic: &str, started_ms: i64) {
    store.start_call(&CallRecord::live(call, clinic, "Europe/Moscow", started_ms)).await.unwrap();
}

/// Whether the words lie readable in any file of the folder.
fn found(folder: &Path, words: &str) -> bool {
    let files = fs::read_dir(folder).unwrap().map(|file| file.unwrap().path()).filter(|path| path.is_file());
    files.into_iter().any(|path| {
        let bytes = fs::read(path).unwrap();
        bytes.windows(words.len()).any(|window| window == words.as_bytes())
    })
}

#[tokio::test]
async fn what_was_said_cannot_be_read_without_the_key() {
    let (folder, store) = store().await;
    let keys = folder.path().join("keys");
    let store = store.with_keyring(Keyring::new(&keys));
    begin(&store, "c1", "vet_lapa", NOW).await;
    for seq in 0..20 {
        store.add_journal(entry("c1", seq)).await.unwrap();
    }
    store.put_flow_run(run("c1")).await.unwrap();
    store.add_journal(entry("c1", 7)).await.unwrap();
    let changed = JournalRecord { reply: "иное".into(), ..entry("c1", 7) };
    assert!(
        matches!(store.add_journal(changed).await, Err(RecordsError::Exists { .. })),
        "sealed rows are compared too"
    );
    assert_eq!(store.journal("c1").await.unwrap(), (0..20).map(|seq| entry("c1", seq)).collect::<Vec<_>>());
    assert_eq!(store.flow_run("c1").await.unwrap(), run("c1"));
    let key = keys.join("vet_lapa.key");
    assert_eq!(fs::metadata(&key).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(fs::metadata(&keys).unwrap().permissions().mode() & 0o777, 0o700);
    assert!(!found(folder.path(), "Анна"), "the words lie in the file");

    // Another program on the same file: with the ring it reads, without the file it says which one is missing.
    let other = again(&store).await;
    let refused = other.journal("c1").await.unwrap_err().to_string();
    assert!(refused.starts_with("the journals of \"vet_lapa\" are sealed with key "), "{refused}");
    let other = other.with_keyring(Keyring::new(folder.path().join("nowhere")).with_file("vet_lapa", &key));
    assert_eq!(other.journal("c1").await.unwrap().len(), 20);
    let moved = folder.path().join("moved.key");
    fs::rename(&key, &moved).unwrap();
    let blind = again(&store).await.with_keyring(Keyring::new(&keys));
    for refused in [blind.journal("c1").await.map(|_| ()), blind.prepare_journal_key("vet_lapa").await.map(|_| ())] {
        let refused = refused.unwrap_err().to_string();
        assert!(refused.contains(&format!("its file {} is missing", key.display())), "{refused}");
    }
    assert!(matches!(blind.add_journal(entry("c1", 30)).await, Err(RecordsError::NoKey { .. })));
    assert!(!key.exists(), "no new key is made where there must be one");
    fs::write(&key, "кот").unwrap();
    assert!(matches!(blind.journal("c1").await, Err(RecordsError::KeyFile { .. })));
    blind.set_journal_key("vet_lapa", Key::generate());
    assert!(matches!(blind.journal("c1").await, Err(RecordsError::WrongKey { .. })));
    blind.set_journal_key("vet_lapa", Key::load(&moved).unwrap().unwrap());
    assert_eq!(blind.journal("c1").await.unwrap().len(), 20);
}

#[tokio::test]
async fn a_changed_or_moved_text_is_noticed() {
    let (folder, store) = store().await;
    let store = store.with_keyring(Keyring::new(folder.path().join("keys")));
    for call in ["c1", "c2"] {
        begin(&store, call, "vet_lapa", NOW).await;
        for seq in 0..2 {
            store.add_journal(entry(call, seq)).await.unwrap();
        }
    }
    // A text of another place, of another field, of another call; one letter changed; cut short.
    for (sql, place) in [
        (
            "UPDATE journal SET reply = (SELECT reply FROM journal WHERE call = 'c2' AND seq = 1) WHERE call = 'c2' AND seq = 0",
            "0/reply",
        ),
        ("UPDATE journal SET request = reply WHERE call = 'c2' AND seq = 0", "0/request"),
        (
            "UPDATE journal SET request = (SELECT request FROM journal WHERE call = 'c1' AND seq = 0) WHERE call = 'c2' AND seq = 0",
            "0/request",
        ),
        (
            "UPDATE journal SET request = replace(request, substr(request, 20, 1), '/') WHERE call = 'c2' AND seq = 0",
            "0/request",
        ),
        ("UPDATE journal SET request = substr(request, 1, 8) WHERE call = 'c2' AND seq = 0", "0/request"),
        ("UPDATE journal SET request = '{}' WHERE call = 'c2' AND seq = 0", "0/request"),
    ] {
        tamper(&store, "CREATE TABLE IF NOT EXISTS kept AS SELECT * FROM journal").await;
        tamper(&store, sql).await;
        match store.journal("c2").await {
            Err(RecordsError::Tampered { call, field }) => assert_eq!((call.as_str(), field.as_str()), ("c2", place)),
            other => panic!("{sql}: {other:?}"),
        }
        tamper(&store, "DELETE FROM journal; INSERT INTO journal SELECT * FROM kept").await;
        assert!(store.journal("c2").await.is_ok());
    }
}

#[tokio::test]
async fn rows_of_before_stay_readable_and_clinics_have_keys_of_their_own() {
    let (folder, store) = store().await;
    begin(&store, "old", "vet_lapa", NOW).await;
    store.add_journal(entry("old", 0)).await.unwrap();
    assert!(on_server() || found(folder.path(), "Анна"), "without a ring nothing is sealed");
    let keys = folder.path().join("keys");
    let store = store.with_keyring(Keyring::new(&keys));
    store.add_journal(entry("old", 1)).await.unwrap();
    assert_eq!(store.journal("old").await.unwrap(), [entry("old", 0), entry("old", 1)]);
    begin(&store, "other", "med_plus", NOW).await;
    store.add_journal(entry("other", 0)).await.unwrap();
    let read = |name: &str| fs::read_to_string(keys.join(name)).unwrap();
    assert_ne!(read("vet_lapa.key"), read("med_plus.key"));
    fs::remove_file(keys.join("med_plus.key")).unwrap();
    let blind = again(&store).await.with_keyring(Keyring::new(&keys));
    assert!(blind.journal("other").await.is_err());
    assert_eq!(blind.journal("old").await.unwrap().len(), 2, "the neighbour's key is no matter here");
}

#[tokio::test]
async fn many_calls_make_one_key() {
    let (folder, store) = store().await;
    let keys = folder.path().join("keys");
    let store = store.with_keyring(Keyring::new(&keys));
    let other = again(&store).await.with_keyring(Keyring::new(&keys));
    let calls = (0..16).map(|n| {
        let store = if n % 2 == 0 { store.clone() } else { other.clone() };
        tokio::spawn(async move {
            let call = format!("c{n}");
            begin(&store, &call, "vet_lapa", NOW).await;
            store.add_journal(entry(&call, 0)).await.unwrap();
        })
    });
    for call in calls.collect::<Vec<_>>() {
        call.await.unwrap();
    }
    let names: Vec<_> = fs::read_dir(&keys).unwrap().map(|file| file.unwrap().file_name()).collect();
    assert_eq!(names, ["vet_lapa.key"]);
    for n in 0..16 {
        assert_eq!(store.journal(&format!("c{n}")).await.unwrap().len(), 1);
    }
}

#[tokio::test]
async fn journals_are_deleted_when_their_time_is_over() {
    let (_folder, store) = store().await;
    for n in 0..250i64 {
        let call = format!("c{n}");
        begin(&store, &call, if n % 5 == 0 { "med_plus" } else { "vet_lapa" }, NOW + n * MINUTE).await;
        let (first, second) = (entry(&call, 0), entry(&call, 1));
        let (a, b) = tokio::join!(store.add_journal(first), store.add_journal(second));
        a.and(b).unwrap();
    }
    store.put_flow_run(run("c1")).await.unwrap();
    assert_eq!(store.recorded_calls("vet_lapa", NOW, NOW + 1).await.unwrap(), ["c1"]);
    // 200 minutes: c0 to c199, a fifth of them another clinic's.
    assert_eq!(store.purge_journal("vet_lapa", NOW + 200 * MINUTE).await.unwrap(), 320);
    assert_eq!(store.purge_journal("vet_lapa", NOW + 200 * MINUTE).await.unwrap(), 0);
    assert!(store.journal("c199").await.unwrap().is_empty());
    assert_eq!(store.journal("c200").await.unwrap().len(), 2);
    assert_eq!(store.journal("c5").await.unwrap().len(), 2, "the other clinic's");
    let run = store.flow_run("c1").await.unwrap();
    assert!(run.end.is_none() && run.handed_over, "what the flow said is gone, the figures stay");
    assert!(store.recorded_calls("vet_lapa", NOW, NOW + 1).await.unwrap().is_empty());
    assert_eq!(store.call("c1").await.unwrap().id, "c1");
}
