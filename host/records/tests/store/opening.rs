//! Opening: from nothing, again, in odd places, and one clear error for each way it cannot work.

use records::{CallRecord, RecordsError, Store};

use crate::{NOW, store};

#[tokio::test]
async fn makes_the_folder_the_file_and_the_schema_and_opens_again() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("данные клиники/100% #1?/gudok.db");
    let store = Store::open(&path).await.unwrap();
    store.start_call(&CallRecord::live("c1", "vet_lapa", "Europe/Moscow", NOW)).await.unwrap();
    store.close().await;
    assert!(path.is_file());

    let again = Store::open(format!("sqlite:{}", path.display())).await.unwrap();
    assert_eq!(again.call("c1").await.unwrap().started_ms, NOW);
    again.check().await.unwrap();
}

#[tokio::test]
async fn two_stores_on_one_new_file_agree() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("gudok.db");
    let (a, b) = tokio::join!(Store::open(&path), Store::open(&path));
    let (a, b) = (a.unwrap(), b.unwrap());
    a.start_call(&CallRecord::live("a", "vet_lapa", "Europe/Moscow", NOW)).await.unwrap();
    b.start_call(&CallRecord::live("b", "vet_lapa", "Europe/Moscow", NOW)).await.unwrap();
    assert_eq!(a.calls(&Default::default(), 10, None).await.unwrap().calls.len(), 2);
}

#[tokio::test]
async fn a_folder_is_no_database() {
    let folder = tempfile::tempdir().unwrap();
    let error = Store::open(folder.path()).await.unwrap_err();
    assert!(matches!(error, RecordsError::BadPath { .. }), "{error:?}");
    assert!(error.to_string().contains("this is a folder"), "{error}");
}

#[tokio::test]
async fn a_folder_that_cannot_be_made_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    std::fs::write(&file, "").unwrap();
    let error = Store::open(file.join("gudok.db")).await.unwrap_err();
    assert!(matches!(error, RecordsError::BadPath { .. }), "{error:?}");
    assert!(error.to_string().contains("cannot make its folder"), "{error}");
}

#[tokio::test]
async fn a_file_of_something_else_is_damaged() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("gudok.db");
    std::fs::write(&path, "not a database, but long enough to have a header of a hundred bytes or more ".repeat(40))
        .unwrap();
    let error = Store::open(&path).await.unwrap_err();
    assert!(matches!(error, RecordsError::Corrupt { .. }), "{error:?}");
    assert!(error.to_string().contains("gudok.db is damaged or is not a SQLite database"), "{error}");
}

#[tokio::test]
async fn damaged_pages_are_found_by_the_check() {
    let (folder, store) = store().await;
    for n in 0..200 {
        let call = CallRecord::live(format!("call-{n}"), "vet_lapa", "Europe/Moscow", NOW + n);
        store.start_call(&call).await.unwrap();
    }
    store.close().await;
    let path = folder.path().join("gudok.db");
    let mut bytes = std::fs::read(&path).unwrap();
    let tail = bytes.len() - 6 * 4096;
    bytes[tail..].fill(0xa5);
    std::fs::write(&path, bytes).unwrap();
    let error = match Store::open(&path).await {
        Ok(store) => store.check().await.unwrap_err(),
        Err(error) => error,
    };
    assert!(matches!(error, RecordsError::Corrupt { .. }), "{error:?}");
    assert!(error.to_string().contains("gudok.db is damaged"), "{error}");
}

#[tokio::test]
async fn a_newer_programs_file_is_left_alone() {
    let (folder, store) = store().await;
    store.close().await;
    let path = folder.path().join("gudok.db");
    sqlx::any::install_default_drivers();
    let pool = sqlx::AnyPool::connect(&format!("sqlite://{}", path.display())).await.unwrap();
    sqlx::query("INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time) VALUES (99, 'later', TRUE, x'00', 0)")
        .execute(&pool)
        .await
        .unwrap();
    pool.close().await;
    let error = Store::open(&path).await.unwrap_err();
    assert!(matches!(error, RecordsError::NewerSchema { found: 99, .. }), "{error:?}");
    assert!(error.to_string().contains("run the newer program"), "{error}");
}

#[tokio::test]
async fn other_databases_are_refused_by_name() {
    let error = Store::open("mysql://host/gudok").await.unwrap_err();
    assert!(error.to_string().starts_with("database mysql://…: only SQLite and Postgres"), "{error}");
}
