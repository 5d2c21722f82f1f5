//! The register against the real schema: no text column is forgotten, and with every table full of two people's data, erasure,
//! export and retention find all of the one's and nothing of the other's.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use sqlx::{AssertSqlSafe, Row as _};
use tempfile::TempDir;

use super::{Blank, Holds, REGISTER, Table, Whose};
use crate::{Key, NewErasure, Pii, Store, Terms};

const CLINIC: &str = "vet_lapa";
/// Monday 2026-11-23 10:00 in Moscow.
const NOW: i64 = 1_795_417_200_000;
const DAY: i64 = 86_400_000;
/// Tables that SQLite keeps for an index of words; what is in them follows the table they index.
const WORD_INDEX: &str = "turn_words";

struct Somebody {
    tag: &'static str,
    phone: &'static str,
    digits: &'static str,
    name: &'static str,
}

const ANNA: Somebody = Somebody { tag: "a", phone: "+79031234567", digits: "9031234567", name: "Аннамаркер" };
const BORIS: Somebody =
    Somebody { tag: "b", phone: "+79167654321", digits: "9167654321", name: "Борисмаркер" };

async fn store() -> (TempDir, Store) {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path().join("gudok.db")).await.unwrap();
    store.set_journal_key(CLINIC, Key::from_bytes([7; 32]));
    (folder, store)
}

/// Table to columns: name, type.
async fn schema(store: &Store) -> BTreeMap<String, Vec<(String, String)>> {
    let names =
        sqlx::query("SELECT name FROM sqlite_master WHERE type = 'table'").fetch_all(store.read()).await.unwrap();
    let mut schema = BTreeMap::new();
    for row in names {
        let name: String = row.get("name");
        if name.starts_with("sqlite_") || name.starts_with("_sqlx") || name.starts_with(WORD_INDEX) {
            continue;
        }
        let sql = format!("SELECT name, type FROM pragma_table_info('{name}')");
        let columns = sqlx::query(AssertSqlSafe(sql)).fetch_all(store.read()).await.unwrap();
        let columns = columns.iter().map(|row| (row.get("name"), row.get("type"))).collect();
        schema.insert(name, columns);
    }
    schema
}

#[tokio::test]
async fn every_text_column_of_every_table_is_classified() {
    let (_folder, store) = store().await;
    let mut missing = Vec::new();
    let mut real = BTreeSet::new();
    for (table, columns) in schema(&store).await {
        for (column, kind) in columns {
            real.insert(format!("{table}.{column}"));
            let counts = matches!(kind.as_str(), "BIGINT" | "INTEGER" | "DOUBLE PRECISION" | "REAL");
            let known = REGISTER.iter().any(|known| known.name == table && known.has(&column));
            if !counts && !known {
                missing.push(format!("{table}.{column}"));
            }
        }
    }
    assert!(
        missing.is_empty(),
        "text columns that nobody classified; say in host/records/src/personal.rs what they hold: {missing:?}"
    );
    let listed =
        REGISTER.iter().flat_map(|table| table.columns.iter().map(move |(name, _)| format!("{}.{name}", table.name)));
    let gone: Vec<_> = listed.filter(|name| !real.contains(name)).collect();
    assert!(gone.is_empty(), "in the register, not in the schema: {gone:?}");
}

#[test]
fn whatever_is_personal_is_somebodys_and_has_a_title_and_a_term() {
    for table in REGISTER {
        if table.personal().next().is_none() {
            continue;
        }
        assert!(!table.whose.is_empty(), "{}: personal columns, but nobody's rows", table.name);
        assert!(!table.russian.is_empty(), "{}: no title for the export", table.name);
        // Rows that are only ever mentioned by text are short-lived by their own rules.
        let only_mentioned = table.whose.iter().all(|whose| matches!(whose, Whose::Mentions(_)));
        assert!(table.kept.is_some() || only_mentioned, "{}: no term", table.name);
        for whose in table.whose {
            if let Whose::Of(_, parent) = whose {
                let place = |name: &str| REGISTER.iter().position(|other| other.name == name);
                assert!(place(parent) < place(table.name), "{}: its parent {parent} must stand before it", table.name);
            }
        }
    }
}

/// Fills every table that holds people's data with a row of somebody's; every personal column with their number and name.
async fn fill(store: &Store, who: &Somebody) -> String {
    let sound = store.put_audio(format!("{} {}", who.name, who.digits).as_bytes(), "stereo").await.unwrap();
    let schema = schema(store).await;
    for table in REGISTER.iter().filter(|table| !table.whose.is_empty()) {
        let columns = &schema[table.name];
        let values = columns.iter().map(|(name, kind)| value(table, name, kind, who, &sound)).collect::<Vec<_>>();
        let names = columns.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>();
        let sql = format!("INSERT INTO {} ({}) VALUES ({})", table.name, names.join(", "), values.join(", "));
        sqlx::query(AssertSqlSafe(sql.clone()))
            .execute(store.write())
            .await
            .unwrap_or_else(|error| panic!("{sql}: {error}"));
    }
    sound
}

fn value(table: &Table, column: &str, kind: &str, who: &Somebody, sound: &str) -> String {
    for whose in table.whose {
        match whose {
            Whose::Phone(at) if *at == column => return format!("'{}'", who.phone),
            Whose::Of(at, parent) if *at == column => return format!("'{parent}-{}'", who.tag),
            _ => {}
        }
    }
    if let Some((_, target)) = table.brings.iter().find(|(at, _)| *at == column) {
        return format!("'{target}-{}'", who.tag);
    }
    let holds = table.columns.iter().find(|(name, _)| *name == column).map(|(_, holds)| *holds);
    match (column, holds) {
        ("clinic", _) => format!("'{CLINIC}'"),
        ("timezone", _) => "'Europe/Moscow'".to_owned(),
        ("seal", _) => "NULL".to_owned(),
        ("sha256", _) => format!("'{sound}'"),
        (_, Some(Holds::Personal(Blank::Text(_)))) => format!("'{{\"to\": \"{} {}\"}}'", who.name, who.phone),
        (_, Some(Holds::Personal(_))) => format!("'{} 8 ({}) {}'", who.name, &who.digits[..3], &who.digits[3..]),
        ("id", _) => format!("'{}-{}'", table.name, who.tag),
        (_, Some(_)) => format!("'{}-{column}-{}'", table.name, who.tag),
        (_, None) if column.ends_with("_ms") => NOW.to_string(),
        (_, None) if kind == "DOUBLE PRECISION" => "0.5".to_owned(),
        (_, None) => "1".to_owned(),
    }
}

/// `table.column` of everything that holds somebody's number or name.
async fn places(store: &Store, who: &Somebody) -> BTreeSet<String> {
    let mut places = BTreeSet::new();
    for (table, columns) in schema(store).await {
        for (column, _) in columns {
            let sql = format!(
                "SELECT COUNT(*) FROM {table} WHERE replace(replace(replace({column}, ' ', ''), '(', ''), ')', '') LIKE '%{}%'
                 OR {column} LIKE '%{}%'",
                who.digits, who.name
            );
            let found: i64 = sqlx::query_scalar(AssertSqlSafe(sql)).fetch_one(store.read()).await.unwrap();
            if found > 0 {
                places.insert(format!("{table}.{column}"));
            }
        }
    }
    places
}

/// Files under a folder in whose bytes somebody's number or name stands.
fn traces(folder: &Path, who: &Somebody) -> Vec<String> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(traces(&path, who));
            continue;
        }
        let bytes = std::fs::read(&path).unwrap();
        for text in [who.digits, who.name, &who.digits[3..]] {
            if bytes.windows(text.len()).any(|window| window == text.as_bytes()) {
                found.push(format!("{}: {text}", path.display()));
            }
        }
    }
    found
}

fn erasure(who: &Somebody) -> NewErasure {
    NewErasure {
        id: "e1".into(),
        clinic: CLINIC.into(),
        phone: who.phone.into(),
        by: "olga".into(),
        reason: "request of the person".into(),
        at_ms: NOW,
    }
}

#[tokio::test]
async fn an_erased_person_is_nowhere_and_the_other_is_where_they_were() {
    let (folder, store) = store().await;
    fill(&store, &ANNA).await;
    let sound = fill(&store, &BORIS).await;
    let before = places(&store, &BORIS).await;
    let personal =
        REGISTER.iter().flat_map(|table| table.personal().map(move |(column, _)| format!("{}.{column}", table.name)));
    for place in personal {
        assert!(before.contains(&place), "the fixture does not fill {place}");
    }
    assert!(!traces(folder.path(), &ANNA).is_empty());

    let done = store.erase_person(&erasure(&ANNA)).await.unwrap();
    assert_eq!(done.report.get("calls"), Some(&1));
    assert_eq!(done.report.get("audio_files"), Some(&1));
    assert_eq!(places(&store, &ANNA).await, BTreeSet::new());
    assert_eq!(places(&store, &BORIS).await, before);
    assert_eq!(store.finish_erasures(NOW + 1).await.unwrap().len(), 1);
    assert_eq!(traces(folder.path(), &ANNA), Vec::<String>::new());
    assert!(!traces(folder.path(), &BORIS).is_empty());
    assert!(store.audio(&sound).await.is_ok());
    store.check().await.unwrap();

    // The rows that figures are made of are all still there.
    let calls: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM calls").fetch_one(store.read()).await.unwrap();
    let visits: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM bookings").fetch_one(store.read()).await.unwrap();
    assert_eq!((calls, visits), (2, 2));
    assert!(store.finish_erasures(NOW + 2).await.unwrap().is_empty());
    assert_eq!(store.person_data(CLINIC, &ANNA.phone.into(), NOW).await.unwrap().rows, BTreeMap::new());
}

#[tokio::test]
async fn an_export_holds_every_kind_and_nobody_else() {
    let (folder, store) = store().await;
    fill(&store, &ANNA).await;
    fill(&store, &BORIS).await;
    let export = store.export_person(CLINIC, &Pii::from("8 903 123-45-67"), NOW).await.unwrap();
    let target = folder.path().join("export");
    export.write_folder(&target).unwrap();
    for table in REGISTER.iter().filter(|table| !table.whose.is_empty()) {
        let text = std::fs::read_to_string(target.join(format!("{}.json", table.name)))
            .unwrap_or_else(|error| panic!("{}: {error}", table.name));
        let rows: Vec<serde_json::Value> = serde_json::from_str(&text).unwrap();
        assert_eq!(rows.len(), 1, "{}", table.name);
        for (column, _) in table.personal() {
            assert!(!rows[0][column].is_null(), "{}.{column} is not in the export", table.name);
        }
        assert!(!text.contains(BORIS.digits) && !text.contains(BORIS.name), "{}", table.name);
    }
    let readme = std::fs::read_to_string(target.join("README.txt")).unwrap();
    assert!(readme.contains("calls.json — Звонки: 1") && readme.contains("+79031234567"), "{readme}");
    let sound = std::fs::read(target.join("audio/calls-a-call_audio-kind-a.wav")).unwrap();
    assert_eq!(sound, format!("{} {}", ANNA.name, ANNA.digits).as_bytes());

    let mut bytes = std::io::Cursor::new(Vec::new());
    export.write_zip(&mut bytes).unwrap();
    let mut archive = zip::ZipArchive::new(bytes).unwrap();
    assert_eq!(archive.len(), export.files.len());
    assert!(archive.by_name("turns.json").is_ok() && archive.by_name("audio/calls-a-call_audio-kind-a.wav").is_ok());
    // Looking is no change.
    assert_eq!(places(&store, &ANNA).await, places(&store, &BORIS).await);
}

fn terms(days: u32) -> Terms {
    Terms {
        audio_days: days,
        transcript_days: days,
        journal_days: days,
        contact_days: days,
        message_days: days,
        chat_days: days,
    }
}

#[tokio::test]
async fn after_every_term_nothing_personal_is_left_and_no_call_is_missing() {
    let (folder, store) = store().await;
    fill(&store, &ANNA).await;
    let early = store.apply_retention(CLINIC, &terms(30), NOW + 30 * DAY).await.unwrap();
    assert!(early.is_empty(), "{early:?}");
    let foreign = store.apply_retention("another", &terms(30), NOW + 31 * DAY).await.unwrap();
    assert!(foreign.is_empty(), "{foreign:?}");

    let report = store.apply_retention(CLINIC, &terms(30), NOW + 31 * DAY).await.unwrap();
    assert_eq!((report.rows["calls"], report.rows["turns"], report.audio_files), (1, 1, 1));
    let left = places(&store, &ANNA).await;
    // Only what is mentioned by text has rules of its own.
    assert!(
        left.iter().all(|place| place.starts_with("jobs.") || place.starts_with("idempotent_answers.")),
        "{left:?}"
    );
    assert!(traces(&folder.path().join("audio"), &ANNA).is_empty());
    let calls: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM calls").fetch_one(store.read()).await.unwrap();
    assert_eq!(calls, 1);
    let again = store.apply_retention(CLINIC, &terms(30), NOW + 31 * DAY).await.unwrap();
    assert!(again.is_empty(), "{again:?}");

    sqlx::query("UPDATE jobs SET state = 'done'").execute(store.write()).await.unwrap();
    assert_eq!(store.blank_old_jobs(NOW + 31 * DAY).await.unwrap(), 1);
    assert!(!places(&store, &ANNA).await.contains("jobs.payload"));
}

#[tokio::test]
async fn each_kind_has_its_own_term() {
    let (_folder, store) = store().await;
    fill(&store, &ANNA).await;
    let only_audio = Terms { audio_days: 1, ..terms(3650) };
    let report = store.apply_retention(CLINIC, &only_audio, NOW + 2 * DAY).await.unwrap();
    assert_eq!(report.rows.keys().collect::<Vec<_>>(), ["call_audio"]);
    assert_eq!(report.audio_files, 1);
    let only_contact = Terms { contact_days: 1, ..terms(3650) };
    let report = store.apply_retention(CLINIC, &only_contact, NOW + 2 * DAY).await.unwrap();
    assert!(report.rows.contains_key("calls") && report.rows.contains_key("contacts"), "{report:?}");
    assert!(!report.rows.contains_key("turns") && !report.rows.contains_key("journal"), "{report:?}");
}
