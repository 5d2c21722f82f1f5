//! The trail of who saw what: complete, in order, and a change to it is found.

use records::{AuditCheck, AuditEntry, AuditFilter, RecordsError};
use serde_json::json;

use crate::{NOW, store, tamper};

fn entry(number: i64, who: &str) -> AuditEntry {
    AuditEntry {
        at_ms: NOW + number,
        clinic: "vet_lapa".into(),
        who: who.into(),
        action: "call.seen".into(),
        subject_kind: "call".into(),
        subject: format!("c{number}"),
        ip: (number % 2 == 0).then(|| "192.0.2.7".into()),
        detail: json!({"fields": ["turns"]}),
    }
}

#[tokio::test]
async fn entries_are_found_latest_first_page_by_page() {
    let (_folder, store) = store().await;
    for number in 1..=5 {
        let who = if number == 3 { "olga" } else { "ivan" };
        assert_eq!(store.audit(&entry(number, who)).await.unwrap(), number);
    }
    let all = AuditFilter { clinic: Some("vet_lapa".into()), ..AuditFilter::default() };
    let first = store.audit_trail(&all, None, 2).await.unwrap();
    assert_eq!(first.rows.iter().map(|row| row.seq).collect::<Vec<_>>(), [5, 4]);
    assert_eq!(first.rows[1].entry, entry(4, "ivan"));
    let second = store.audit_trail(&all, first.next, 2).await.unwrap();
    assert_eq!(second.rows.iter().map(|row| row.seq).collect::<Vec<_>>(), [3, 2]);
    let last = store.audit_trail(&all, second.next, 2).await.unwrap();
    assert_eq!((last.rows.len(), last.next), (1, None));

    let hers = AuditFilter { who: Some("olga".into()), ..AuditFilter::default() };
    let hers = store.audit_trail(&hers, None, 10).await.unwrap();
    assert_eq!(hers.rows.iter().map(|row| row.entry.subject.as_str()).collect::<Vec<_>>(), ["c3"]);
    let foreign = AuditFilter { clinic: Some("another".into()), ..AuditFilter::default() };
    assert!(store.audit_trail(&foreign, None, 10).await.unwrap().rows.is_empty());
    let early = AuditFilter { to_ms: Some(NOW + 2), ..AuditFilter::default() };
    assert_eq!(store.audit_trail(&early, None, 10).await.unwrap().rows.len(), 1);
}

#[tokio::test]
async fn a_trail_written_by_many_at_once_is_whole() {
    let (_folder, store) = store().await;
    let writers = (0..20).map(|number| {
        let store = store.clone();
        tokio::spawn(async move { store.audit(&entry(number, "ivan")).await.unwrap() })
    });
    let mut places = Vec::new();
    for writer in writers.collect::<Vec<_>>() {
        places.push(writer.await.unwrap());
    }
    places.sort_unstable();
    assert_eq!(places, (1..=20).collect::<Vec<_>>());
    let end = store.audit_end().await.unwrap();
    assert_eq!(end.seq, 20);
    assert_eq!(store.verify_audit().await.unwrap(), AuditCheck::Whole(end));
}

#[tokio::test]
async fn the_first_row_that_was_tampered_with_is_named() {
    for (sql, seq, problem) in [
        ("UPDATE audit SET who = 'nobody' WHERE seq = 4", 4, "changed"),
        ("UPDATE audit SET detail = '{\"fields\": [\"turns\"]}' WHERE seq = 2", 2, "changed"),
        ("UPDATE audit SET ip = NULL WHERE seq = 2", 2, "changed"),
        ("DELETE FROM audit WHERE seq = 3", 3, "missing"),
        ("DELETE FROM audit WHERE seq = 3; UPDATE audit SET seq = seq - 1 WHERE seq > 3", 3, "changed"),
        ("UPDATE audit SET hash = '00' WHERE seq = 5", 5, "changed"),
    ] {
        let (_folder, store) = store().await;
        for number in 1..=6 {
            store.audit(&entry(number, "ivan")).await.unwrap();
        }
        assert!(matches!(store.verify_audit().await.unwrap(), AuditCheck::Whole(_)));
        tamper(&store, sql).await;
        let found = store.verify_audit().await.unwrap();
        assert_eq!(found, AuditCheck::BrokenAt { seq, problem: problem.into() }, "{sql}");
    }
}

#[tokio::test]
async fn an_end_that_was_cut_off_shows_against_a_note_of_it() {
    let (_folder, store) = store().await;
    for number in 1..=3 {
        store.audit(&entry(number, "ivan")).await.unwrap();
    }
    let noted = store.audit_end().await.unwrap();
    tamper(&store, "DELETE FROM audit WHERE seq = 3").await;
    let AuditCheck::Whole(end) = store.verify_audit().await.unwrap() else { panic!("the rest is whole") };
    assert!(end.seq < noted.seq);
}

#[tokio::test]
async fn a_phone_number_does_not_get_in() {
    let (_folder, store) = store().await;
    let mut bad = entry(1, "ivan");
    for subject in ["+79031234567", "8 (903) 123-45-67"] {
        bad.subject = subject.into();
        let refused = store.audit(&bad).await;
        assert!(matches!(refused, Err(RecordsError::BadValue { field: "subject", .. })));
    }
    let mut bad = entry(1, "ivan");
    bad.detail = json!({"to": ["+79031234567"]});
    assert!(matches!(store.audit(&bad).await, Err(RecordsError::BadValue { field: "detail", .. })));
    assert_eq!(store.audit_end().await.unwrap().seq, 0);
    let mut good = entry(1, "ivan");
    good.subject = records::id();
    store.audit(&good).await.unwrap();
}
