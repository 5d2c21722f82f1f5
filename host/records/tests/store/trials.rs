//! Trials of a version on recorded calls: kept, sealed, gone with the call, and only the newest of each version.

use std::collections::BTreeMap;

use records::{CallRecord, FlowTrial, JournalRecord, Key, RecordsError, Store, TrialCall};

use crate::{NOW, again, on_server, store};

const SECRET: &str = "меня зовут Анна";

fn trial(id: &str, made_ms: i64) -> FlowTrial {
    FlowTrial {
        id: id.into(),
        clinic: "vet_lapa".into(),
        digest: "ab".repeat(32),
        from_ms: NOW - 7,
        to_ms: NOW,
        by: "Вера".into(),
        made_ms,
        ended_ms: None,
        counts: BTreeMap::new(),
        unsteady: 0,
        unreadable: 0,
        problem: None,
    }
}

fn otherwise(call: &str) -> TrialCall {
    TrialCall {
        call: call.into(),
        verdict: "effect-changed".into(),
        steady: false,
        line: format!("{{\"ru\": \"{SECRET}\"}}").into(),
        compared: format!("{{\"ru\": {{\"rows\": [\"{SECRET}\"]}}}}").into(),
    }
}

async fn recorded(store: &Store, call: &str, started_ms: i64) {
    store.start_call(&CallRecord::live(call, "vet_lapa", "Europe/Moscow", started_ms)).await.unwrap();
    let entry = JournalRecord {
        call: call.into(),
        seq: 0,
        request: "{}".into(),
        reply: "{}".into(),
        at_ms: started_ms,
        took_ms: 1,
    };
    store.add_journal(entry).await.unwrap();
}

#[tokio::test]
async fn what_was_compared_is_read_with_the_key_and_goes_with_the_journal() {
    let (folder, store) = store().await;
    store.set_journal_key("vet_lapa", Key::from_bytes([7; 32]));
    recorded(&store, "call-1", NOW).await;
    let begun = trial("t1", NOW);
    store.begin_flow_trial(&begun).await.unwrap();
    let under_way = store.flow_trials("vet_lapa", Some(&begun.digest)).await.unwrap();
    assert_eq!(under_way, std::slice::from_ref(&begun));
    let done = FlowTrial {
        ended_ms: Some(NOW + 9),
        counts: [("identical".to_owned(), 3), ("effect-changed".to_owned(), 1)].into(),
        unsteady: 1,
        unreadable: 2,
        ..begun
    };
    // Of a call that is no longer there nothing is kept.
    store.end_flow_trial(&done, &[otherwise("call-1"), otherwise("gone")]).await.unwrap();
    assert_eq!(store.flow_trial("vet_lapa", "t1").await.unwrap(), done);
    assert_eq!(done.total(), 4);
    assert!(matches!(store.flow_trial("vet_zoo", "t1").await, Err(RecordsError::NotFound { .. })));
    let listed = store.flow_trial_calls(&done).await.unwrap();
    assert_eq!(listed, [TrialCall { compared: "".into(), ..otherwise("call-1") }]);
    assert_eq!(store.flow_trial_call(&done, "call-1").await.unwrap(), otherwise("call-1"));
    assert!(matches!(store.flow_trial_call(&done, "gone").await, Err(RecordsError::NotFound { .. })));

    let blind = again(&store).await;
    assert!(matches!(blind.flow_trial_calls(&done).await, Err(RecordsError::NoKey { .. })));
    if !on_server() {
        let files = std::fs::read_dir(folder.path()).unwrap().map(|file| file.unwrap().path());
        for file in files.filter(|path| path.is_file()) {
            let bytes = std::fs::read(&file).unwrap();
            assert!(!bytes.windows(SECRET.len()).any(|part| part == SECRET.as_bytes()), "{}", file.display());
        }
    }
    assert_eq!(store.purge_journal("vet_lapa", NOW + 1).await.unwrap(), 1);
    assert!(store.flow_trial_calls(&done).await.unwrap().is_empty());
}

#[tokio::test]
async fn only_the_newest_trials_of_a_version_stay_and_a_stop_ends_what_went_on() {
    let (_folder, store) = store().await;
    recorded(&store, "call-1", NOW).await;
    for n in 0..7 {
        let begun = trial(&format!("t{n}"), NOW + n);
        store.begin_flow_trial(&begun).await.unwrap();
        store.end_flow_trial(&FlowTrial { ended_ms: Some(NOW + n), ..begun }, &[otherwise("call-1")]).await.unwrap();
    }
    let other = FlowTrial { digest: "cd".repeat(32), ..trial("other", NOW - 5) };
    store.begin_flow_trial(&other).await.unwrap();
    let ids = |trials: Vec<FlowTrial>| trials.into_iter().map(|trial| trial.id).collect::<Vec<_>>();
    assert_eq!(ids(store.flow_trials("vet_lapa", None).await.unwrap()), ["t6", "t5", "t4", "t3", "t2", "other"]);
    assert!(store.flow_trial_calls(&trial("t1", NOW)).await.unwrap().is_empty());
    assert_eq!(store.flow_trial_calls(&trial("t2", NOW)).await.unwrap().len(), 1);

    assert_eq!(store.break_off_flow_trials(NOW + 100).await.unwrap(), 1);
    let ended = store.flow_trial("vet_lapa", "other").await.unwrap();
    assert_eq!((ended.ended_ms, ended.problem.as_deref()), (Some(NOW + 100), Some("the program stopped")));
    assert_eq!(store.break_off_flow_trials(NOW + 101).await.unwrap(), 0);
}
