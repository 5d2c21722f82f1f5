//! Personal data through the store's own functions: consents, an erasure that is broken off, backups, a restored copy.

use records::{
    AuditCheck, AuditFilter, CallFilter, CallRecord, Consent, ConsentHow, ErasureState, JournalRecord, Key, NewErasure,
    Pii, Purpose, RecordsError, Store, Turn, Who, read_erasure_log,
};

use crate::{MINUTE, NOW, again, booking, on_server, store};

const CLINIC: &str = "vet_lapa";
const ANNA: &str = "+79031234567";
const BORIS: &str = "+79167654321";

fn key() -> Key {
    Key::from_bytes([7; 32])
}

fn consent(id: &str, purpose: Purpose, given: bool, at_ms: i64) -> Consent {
    Consent {
        id: id.into(),
        clinic: CLINIC.into(),
        phone: "8 (903) 123-45-67".into(),
        purpose,
        given,
        at_ms,
        how: ConsentHow::Call,
        proof: "call-1".into(),
        wording: "phone-2026".into(),
        by: "flow".into(),
    }
}

fn erasure(id: &str) -> NewErasure {
    NewErasure {
        id: id.into(),
        clinic: CLINIC.into(),
        phone: ANNA.into(),
        by: "olga".into(),
        reason: "request of the person".into(),
        at_ms: NOW,
    }
}

/// A call in which somebody says their name and number and is booked in.
async fn called(store: &Store, id: &str, caller: &str, phone: &str, name: &str, at_ms: i64) {
    let mut call = CallRecord::live(id, CLINIC, "Europe/Moscow", at_ms);
    call.caller = Some(caller.into());
    store.start_call(&call).await.unwrap();
    let turn = Turn {
        call: id.into(),
        seq: 0,
        who: Who::Caller,
        text: format!("Я {name}, мой телефон {phone}").into(),
        start_ms: 0,
        end_ms: 3000,
        confidence: None,
        latency_ms: None,
    };
    store.add_turn(turn).await.unwrap();
    let entry = JournalRecord {
        call: id.into(),
        seq: 0,
        request: format!("{{\"book\": \"{phone}\"}}").into(),
        reply: "{}".into(),
        at_ms,
        took_ms: 1,
    };
    store.add_journal(entry).await.unwrap();
    let mut visit = booking(&format!("visit-{id}"), "petrov", at_ms + 60 * MINUTE);
    (visit.phone, visit.person, visit.call) = (phone.into(), name.into(), Some(id.into()));
    store.book(&visit, "robot").await.unwrap();
    let sound = store.put_audio(format!("sound of {id}").as_bytes(), "stereo").await.unwrap();
    store.attach_audio(id, "stereo", &sound).await.unwrap();
}

async fn full(store: &Store) {
    store.set_journal_key(CLINIC, key());
    called(store, "call-1", ANNA, ANNA, "Аннушка", NOW).await;
    called(store, "call-2", BORIS, BORIS, "Борис", NOW + 100 * MINUTE).await;
    // Boris books for Anna.
    called(store, "call-3", BORIS, ANNA, "Аннушка", NOW + 200 * MINUTE).await;
}

fn holds(path: &std::path::Path, text: &str) -> bool {
    std::fs::read(path).unwrap().windows(text.len()).any(|window| window == text.as_bytes())
}

#[tokio::test]
async fn the_latest_word_on_a_purpose_stands() {
    let (_folder, store) = store().await;
    let phone = Pii::from(ANNA);
    assert_eq!(store.consent(CLINIC, &phone, Purpose::Marketing).await.unwrap(), None);
    store.put_consent(&consent("c1", Purpose::Marketing, true, NOW)).await.unwrap();
    store.put_consent(&consent("c2", Purpose::Service, true, NOW)).await.unwrap();
    store.put_consent(&consent("c3", Purpose::Marketing, false, NOW + 5)).await.unwrap();
    store.put_consent(&consent("c3", Purpose::Marketing, false, NOW + 5)).await.unwrap();
    assert!(!store.consent(CLINIC, &phone, Purpose::Marketing).await.unwrap().unwrap().given);
    assert!(store.consent(CLINIC, &phone, Purpose::Service).await.unwrap().unwrap().given);
    let all = store.consents(CLINIC, &phone).await.unwrap();
    assert_eq!(all.iter().map(|one| one.id.as_str()).collect::<Vec<_>>(), ["c3", "c2", "c1"]);
    let told = store.feed(0, Some(CLINIC), 10).await.unwrap();
    let kinds: Vec<_> = told.iter().map(|event| event.kind.as_str()).collect();
    assert_eq!(kinds, ["consent.given", "consent.given", "consent.withdrawn"]);
    let contact = store.client(CLINIC, &phone).await.unwrap().unwrap();
    assert!(told.iter().all(|event| event.subject == contact.id));

    let contact = store.put_client(CLINIC, &phone, Some("en"), NOW + 9).await.unwrap();
    assert_eq!(contact.language.as_deref(), Some("en"));
    let same = store.put_client(CLINIC, &"8 903 123 45 67".into(), None, NOW + 10).await.unwrap();
    assert_eq!((same.id.as_str(), same.language.as_deref()), (contact.id.as_str(), Some("en")));
    assert_eq!(store.client_by_id(CLINIC, &contact.id).await.unwrap(), Some(same));
    let nonsense = store.put_client(CLINIC, &"завтра".into(), None, NOW).await;
    assert!(matches!(nonsense, Err(RecordsError::BadValue { field: "phone", .. })));
}

#[tokio::test]
async fn what_another_said_about_a_person_goes_and_the_other_stays() {
    let (_folder, store) = store().await;
    full(&store).await;
    store.put_consent(&consent("c1", Purpose::Recording, true, NOW)).await.unwrap();
    let before = store.period_totals(CLINIC, NOW, NOW + 1000 * MINUTE, 20_000, 5_000).await.unwrap();
    let data = store.person_data(CLINIC, &ANNA.into(), NOW).await.unwrap();
    assert_eq!((data.rows["bookings"], data.recordings, data.visits_to_come), (2, 2, 2));

    let done = store.erase_person(&erasure("e1")).await.unwrap();
    assert_eq!((done.state, done.report["audio_files"]), (ErasureState::Rows, 2));
    // Boris called twice, whatever he said.
    assert_eq!(store.call("call-3").await.unwrap().caller, Some(BORIS.into()));
    assert!(store.turns("call-3").await.unwrap().is_empty());
    assert_eq!(store.turns("call-2").await.unwrap().len(), 1);
    assert_eq!(store.journal("call-2").await.unwrap().len(), 1);
    assert_eq!(store.call_audio("call-2").await.unwrap().len(), 1);
    assert_eq!(store.call("call-1").await.unwrap().caller, None);
    assert!(store.booking("visit-call-1").await.unwrap().phone.is_empty());
    assert_eq!(store.booking("visit-call-2").await.unwrap().phone, BORIS.into());
    assert_eq!(store.period_totals(CLINIC, NOW, NOW + 1000 * MINUTE, 20_000, 5_000).await.unwrap(), before);

    // The proof that she agreed is there for whoever has the key and names the number.
    let theirs = store.erasures_of(CLINIC, &ANNA.into()).await.unwrap();
    assert_eq!(theirs.len(), 1);
    let proof = store.consents(CLINIC, &ANNA.into()).await.unwrap();
    assert!(proof.is_empty());
    assert!(store.erasures_of(CLINIC, &BORIS.into()).await.unwrap().is_empty());

    let trail = store.audit_trail(&AuditFilter::default(), None, 10).await.unwrap();
    assert_eq!((trail.rows[0].entry.action.as_str(), trail.rows[0].entry.who.as_str()), ("contact.erased", "olga"));
    assert!(matches!(store.verify_audit().await.unwrap(), AuditCheck::Whole(_)));
}

#[tokio::test]
async fn an_erasure_that_was_broken_off_is_gone_on_with() {
    let (folder, store) = store().await;
    full(&store).await;
    let first = store.erase_person(&erasure("e1")).await.unwrap();
    assert_eq!(store.erase_person(&erasure("e1")).await.unwrap(), first);
    // A crash before the note was written.
    std::fs::remove_file(store.erasure_log()).unwrap();
    store.close().await;

    let store = again(&store).await;
    let done = store.finish_erasures(NOW + 7).await.unwrap();
    assert_eq!((done.len(), done[0].state, done[0].done_ms), (1, ErasureState::Done, Some(NOW + 7)));
    let noted = read_erasure_log(&store.erasure_log()).unwrap();
    assert_eq!((noted.len(), noted[0].tombstone.as_str()), (1, first.tombstone.as_str()));
    for file in ["gudok.db", "gudok.db-wal", "gudok.db-erasures.jsonl"] {
        let path = folder.path().join(file);
        assert!(!path.exists() || !holds(&path, "9031234567") && !holds(&path, "Аннушка"), "{file}");
    }
    // The index of words still finds what is there.
    store.set_journal_key(CLINIC, key());
    assert_eq!(found(&store, "Борис").await, ["call-2"]);
}

async fn found(store: &Store, word: &str) -> Vec<String> {
    let filter = CallFilter { clinic: Some(CLINIC.into()), said: Some(word.into()), ..CallFilter::default() };
    let page = store.calls(&filter, 10, None).await.unwrap();
    page.calls.into_iter().map(|call| call.id).collect()
}

#[tokio::test]
async fn without_a_key_nobody_is_erased() {
    let (_folder, store) = store().await;
    let refused = store.erase_person(&erasure("e1")).await;
    assert!(matches!(refused, Err(RecordsError::NoKeyring { .. })), "{refused:?}");
    assert!(store.erasures(None).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_backup_is_cleaned_and_a_restored_one_forgets_again() {
    let (folder, store) = store().await;
    full(&store).await;
    let path = folder.path().join("copies");
    std::fs::create_dir(&path).unwrap();
    let path = path.join("monday.db");
    if on_server() {
        let refused = store.backup(&path, NOW).await.unwrap_err();
        assert!(refused.to_string().contains("pg_dump"), "{refused}");
        return;
    }
    let backup = store.backup(&path, NOW).await.unwrap();
    assert_eq!((backup.audio, backup.pending.len()), (3, 0));
    assert!(matches!(store.backup(&path, NOW).await, Err(RecordsError::File { .. })));
    let list = std::fs::read_to_string(records::Backup::audio_list(&path)).unwrap();
    assert_eq!(list.lines().count(), 3);
    assert!(holds(&path, "Аннушка"));

    // Somebody restores it somewhere else, without the list of erasures.
    let elsewhere = folder.path().join("elsewhere");
    std::fs::create_dir(&elsewhere).unwrap();
    std::fs::copy(&path, elsewhere.join("gudok.db")).unwrap();

    store.erase_person(&erasure("e1")).await.unwrap();
    assert_eq!(store.backups().await.unwrap()[0].pending, ["e1"]);
    let clean = store.clean_backup(&backup.id, "olga", NOW + 9).await.unwrap();
    assert!(clean.pending.is_empty() && clean.sha256 != backup.sha256);
    assert!(!holds(&path, "9031234567") && !holds(&path, "Аннушка"));
    assert!(holds(&path, "Борис"));
    assert_eq!(store.backups().await.unwrap(), [clean]);

    let restored = Store::open(elsewhere.join("gudok.db")).await.unwrap();
    restored.set_journal_key(CLINIC, key());
    assert_eq!(found(&restored, "Аннушка").await.len(), 2);
    let noted = read_erasure_log(&store.erasure_log()).unwrap();
    let done = restored.replay_erasures(&noted, "system", NOW + 20).await.unwrap();
    assert_eq!((done.len(), done[0].id.as_str()), (1, "e1"));
    assert!(found(&restored, "Аннушка").await.is_empty());
    assert_eq!(found(&restored, "Борис").await, ["call-2"]);
    restored.finish_erasures(NOW + 21).await.unwrap();
    assert!(!holds(&elsewhere.join("gudok.db"), "9031234567"));
    assert!(restored.replay_erasures(&noted, "system", NOW + 22).await.unwrap().is_empty());

    store.backup_gone(&backup.id, NOW + 30).await.unwrap();
    let again = NewErasure { phone: BORIS.into(), ..erasure("e2") };
    store.erase_person(&again).await.unwrap();
    assert!(store.backups().await.unwrap()[0].pending.is_empty());
    assert!(matches!(store.backup_gone("no such", NOW).await, Err(RecordsError::NotFound { .. })));
}

#[tokio::test]
async fn another_clinics_key_does_not_clean_in_silence() {
    if on_server() {
        return;
    }
    let (folder, store) = store().await;
    full(&store).await;
    let path = folder.path().join("copy.db");
    store.backup(&path, NOW).await.unwrap();
    store.erase_person(&erasure("e1")).await.unwrap();
    let restored = Store::open(&path).await.unwrap();
    restored.set_journal_key(CLINIC, Key::from_bytes([9; 32]));
    let refused = restored.replay_erasures(&store.erasures(None).await.unwrap(), "system", NOW).await;
    assert!(matches!(refused, Err(RecordsError::WrongKey { .. })), "{refused:?}");
}

#[tokio::test]
async fn recordings_that_were_not_put_away_yet_go_too() {
    let (folder, store) = store().await;
    full(&store).await;
    let waiting = folder.path().join("waiting");
    let day = waiting.join(CLINIC).join("2026-11-23");
    std::fs::create_dir_all(&day).unwrap();
    for call in ["call-1", "call-2", "call-3"] {
        std::fs::write(day.join(format!("{call}.wav")), "sound").unwrap();
    }
    store.recordings_wait_in(&waiting);
    let done = store.erase_person(&erasure("e1")).await.unwrap();
    assert_eq!(done.report["recordings_waiting"], 2);
    let left: Vec<_> = std::fs::read_dir(&day).unwrap().map(|file| file.unwrap().file_name()).collect();
    assert_eq!(left, ["call-2.wav"], "another person's stays");
}
