//! A call as it ran becomes a journal again.

use flows::journal::{Entries, Entry as JournalEntry, Header, Journal, Recording};
use flows::{FlowEnd, RunOptions};
use records::{CallRecord, JournalRecord, Keyring};
use rollout::{CallResult, CallStart, Entry, Switchboard, journal_of, recorded_calls};

use crate::support::{CLINIC, House, NOW};

/// Answers what the test's flow asks.
struct Log;

#[async_trait::async_trait]
impl flows::Port for Log {
    async fn call(&mut self, _: flows::host::HostCall) -> Result<flows::host::HostReply, flows::PortError> {
        Ok(flows::host::HostReply::NotesLog(()))
    }
}

#[tokio::test]
async fn what_was_recorded_is_replayed_and_without_the_key_nobody_reads_it() {
    let house = House::new().await;
    let keys = house.folder.path().join("keys");
    let store = house.store.clone().with_keyring(Keyring::new(&keys));
    let flow = house.library.load(&house.version("hello").await).await.unwrap();
    let board = Switchboard::fixed_with(flow, store.clone());

    let id = records::id();
    store.start_call(&CallRecord::live(&id, CLINIC, "Europe/Moscow", NOW)).await.unwrap();
    let pinned = board.pick(CLINIC, Entry::Day, &id).unwrap();
    let start = CallStart { call: id.clone(), seed: u64::MAX - 1, started_ms: NOW };
    board.began(&pinned, &start).await.unwrap();
    let options = RunOptions { call_id: id.clone(), seed: start.seed, started: NOW as u64, wall_limit: None };
    let header = Header::new(&pinned.flow, &options);
    let kept = Entries::default();
    let engine = house.library.engine();
    let report = engine.run(&pinned.flow, Box::new(Recording::new(Log, Box::new(kept.clone()))), options).await;
    let entries = kept.to_vec();
    assert_eq!(entries.len(), 1);
    for entry in &entries {
        store.add_journal(row(&id, entry)).await.unwrap();
    }
    let cut_off = journal_of(&store, &id).await.unwrap();
    assert_eq!(cut_off.end, None, "the machine may stop here");
    assert!(board.ended(&pinned, &CallResult::of(start, NOW + 900, &report, false)).await.unwrap().is_none());

    let journal = journal_of(&store, &id).await.unwrap();
    assert_eq!(journal, Journal { header, entries, end: Some(FlowEnd::Finished) });
    let replay = engine.replay(&pinned.flow, &journal).await;
    assert_eq!(replay.verdict, flows::replay::Verdict::Identical);
    assert_eq!(recorded_calls(&store, CLINIC, NOW, NOW + 1).await.unwrap(), std::slice::from_ref(&id));
    assert!(recorded_calls(&store, CLINIC, NOW + 1, i64::MAX).await.unwrap().is_empty());
    board.shadowed(&id, flows::replay::Verdict::WordingOnly).await.unwrap();
    assert_eq!(store.flow_run(&id).await.unwrap().shadow_verdict.as_deref(), Some("wording-only"));

    // Another program, without the key.
    std::fs::remove_dir_all(&keys).unwrap();
    let blind = records::Store::open(house.store.path()).await.unwrap().with_keyring(Keyring::new(&keys));
    let refused = journal_of(&blind, &id).await.unwrap_err().to_string();
    assert!(refused.contains("vet_lapa.key") && refused.contains("missing"), "{refused}");
}

fn row(call: &str, entry: &JournalEntry) -> JournalRecord {
    JournalRecord {
        call: call.into(),
        seq: i64::from(entry.seq),
        request: serde_json::to_string(&entry.call).unwrap().into(),
        reply: serde_json::to_string(&entry.reply).unwrap().into(),
        at_ms: NOW + entry.at_ms as i64,
        took_ms: entry.took_ms as i64,
    }
}
