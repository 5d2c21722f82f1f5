//! Call-backs and the durable queue.

use records::{CallbackRecord, CallbackStatus, JobState, NewJob, RecordsError};
use serde_json::json;

use crate::{MINUTE, NOW, store};

#[tokio::test]
async fn call_backs_come_most_urgent_first_and_close() {
    let (_folder, store) = store().await;
    let callback = |id: &str, due_ms| CallbackRecord {
        id: id.to_owned(),
        clinic: "vet_lapa".to_owned(),
        timezone: "Europe/Moscow".to_owned(),
        phone: "+79031234567".into(),
        person: "Анна".into(),
        reason: "анализы".into(),
        due_ms,
        status: CallbackStatus::Open,
        attempts: 0,
        result: None,
        call: None,
        created_ms: NOW,
        updated_ms: NOW,
    };
    store.add_callback(&callback("later", NOW + 60 * MINUTE)).await.unwrap();
    store.add_callback(&callback("soon", NOW + 30 * MINUTE)).await.unwrap();
    store.add_callback(&callback("soon", NOW)).await.unwrap();
    let open = store.callbacks("vet_lapa", CallbackStatus::Open).await.unwrap();
    assert_eq!(open, [callback("soon", NOW + 30 * MINUTE), callback("later", NOW + 60 * MINUTE)]);

    store.callback_attempt("soon", "no-answer", false, NOW + 1).await.unwrap();
    store.callback_attempt("soon", "booked", true, NOW + 2).await.unwrap();
    let soon = store.callback("soon").await.unwrap();
    assert_eq!((soon.attempts, soon.status, soon.result.as_deref()), (2, CallbackStatus::Done, Some("booked")));
    assert_eq!(store.callbacks("vet_lapa", CallbackStatus::Open).await.unwrap().len(), 1);
    let missing = store.callback_attempt("nobody", "", true, NOW).await;
    assert!(matches!(missing, Err(RecordsError::NotFound { what: "call-back", .. })));
}

fn job(id: &str, key: Option<&str>, run_at_ms: i64) -> NewJob {
    NewJob {
        id: id.to_owned(),
        kind: "transcribe".to_owned(),
        payload: json!({"call": id}),
        unique_key: key.map(str::to_owned),
        run_at_ms,
        max_attempts: 2,
        created_ms: NOW,
    }
}

#[tokio::test]
async fn jobs_come_when_due_once_each_and_fail_with_back_off() {
    let (_folder, store) = store().await;
    assert!(store.enqueue(&job("later", None, NOW + MINUTE)).await.unwrap());
    assert!(store.enqueue(&job("now", Some("call-1"), NOW)).await.unwrap());
    assert!(!store.enqueue(&job("double", Some("call-1"), NOW)).await.unwrap());
    assert!(!store.enqueue(&job("now", None, NOW)).await.unwrap());
    assert_eq!(store.claim("other-kind", NOW, MINUTE).await.unwrap(), None);

    let first = store.claim("transcribe", NOW, MINUTE).await.unwrap().unwrap();
    assert_eq!((first.id.as_str(), first.attempts, first.payload.clone()), ("now", 1, json!({"call": "now"})));
    assert_eq!(store.claim("transcribe", NOW, MINUTE).await.unwrap(), None);
    assert_eq!(store.fail(&first, "model missing", NOW).await.unwrap(), JobState::Ready);
    assert_eq!(store.claim("transcribe", NOW + 9_999, MINUTE).await.unwrap(), None);
    let second = store.claim("transcribe", NOW + 10_000, MINUTE).await.unwrap().unwrap();
    assert_eq!((second.attempts, second.last_error.as_deref()), (2, Some("model missing")));
    // The first worker wakes up and reports, too late.
    assert!(matches!(store.finish(&first, NOW).await, Err(RecordsError::LeaseLost { .. })));
    assert_eq!(store.fail(&second, "again", NOW + 10_000).await.unwrap(), JobState::Failed);
    assert_eq!(store.job("now").await.unwrap().state, JobState::Failed);
}

#[tokio::test]
async fn a_failed_job_waits_as_long_as_its_own_plan_says() {
    let (_folder, store) = store().await;
    assert!(store.enqueue(&job("call", None, NOW)).await.unwrap());
    let first = store.claim("transcribe", NOW, MINUTE).await.unwrap().unwrap();
    let again = NOW + 30 * MINUTE;
    assert_eq!(store.fail_until(&first, "busy", Some(again), NOW).await.unwrap(), JobState::Ready);
    assert_eq!(store.claim("transcribe", again - 1, MINUTE).await.unwrap(), None);
    let second = store.claim("transcribe", again, MINUTE).await.unwrap().unwrap();
    assert!(matches!(store.fail_until(&first, "busy", None, again).await, Err(RecordsError::LeaseLost { .. })));
    assert_eq!(store.fail_until(&second, "no-answer", None, again).await.unwrap(), JobState::Failed);
}

#[tokio::test]
async fn a_dead_workers_job_goes_to_another_and_then_is_given_up() {
    let (_folder, store) = store().await;
    store.enqueue(&job("a", None, NOW)).await.unwrap();
    store.claim("transcribe", NOW, MINUTE).await.unwrap().unwrap();
    let second = store.claim("transcribe", NOW + MINUTE, MINUTE).await.unwrap().unwrap();
    assert_eq!(second.attempts, 2);
    assert_eq!(store.claim("transcribe", NOW + 2 * MINUTE, MINUTE).await.unwrap(), None);
    let dead = store.job("a").await.unwrap();
    assert_eq!((dead.state, dead.last_error.as_deref()), (JobState::Failed, Some("its worker died")));
    assert!(matches!(store.finish(&second, NOW).await, Err(RecordsError::LeaseLost { .. })));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_workers_take_every_job_once() {
    let (_folder, store) = store().await;
    for n in 0..60 {
        store.enqueue(&job(&format!("j{n}"), None, NOW)).await.unwrap();
    }
    let workers = (0..8).map(|_| {
        let store = store.clone();
        tokio::spawn(async move {
            let mut taken = Vec::new();
            while let Some(job) = store.claim("transcribe", NOW, MINUTE).await.unwrap() {
                store.finish(&job, NOW).await.unwrap();
                taken.push(job.id);
            }
            taken
        })
    });
    let mut taken = Vec::new();
    for worker in workers.collect::<Vec<_>>() {
        taken.extend(worker.await.unwrap());
    }
    taken.sort();
    let all = taken.len();
    taken.dedup();
    assert_eq!((all, taken.len()), (60, 60));
    assert_eq!(store.job_counts("transcribe").await.unwrap(), [(JobState::Done, 60)]);
}
