//! The store from outside: opening, every typed function, concurrency, crashes.

// Functions that tests share are tests too; clippy.toml exempts only those marked `#[test]`.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod accounts;
mod audit;
mod bookings;
mod calls;
mod connections;
mod crash;
mod feed;
mod opening;
mod outbox;
mod postgres;
mod privacy;
mod queue;
mod reviews;
mod rollups;
mod sealed;
mod trials;
mod visits;
mod volume;
mod words;
mod work;

use records::{BookingRecord, Status, Store};
use sqlx::{Connection as _, Executor as _};
use tempfile::TempDir;

/// Monday 2026-11-23 10:00 in Moscow.
pub(crate) const NOW: i64 = 1_795_417_200_000;
pub(crate) const MINUTE: i64 = 60_000;

pub(crate) async fn store() -> (TempDir, Store) {
    let folder = tempfile::tempdir().unwrap();
    let store = match std::env::var(postgres::ADDRESS) {
        Ok(server) => postgres::database(&server, folder.path()).await,
        Err(_) => Store::open(folder.path().join("gudok.db")).await.unwrap(),
    };
    (folder, store)
}

/// The same database once more, as another program opens it.
pub(crate) async fn again(store: &Store) -> Store {
    let folder = store.path().parent().unwrap();
    Store::open_beside(place(store), folder).await.unwrap()
}

/// Changes rows behind the store's back, as somebody with a database tool would.
pub(crate) async fn tamper(store: &Store, sql: &'static str) {
    sqlx::any::install_default_drivers();
    let place = place(store);
    let address = if place.contains("://") { place } else { format!("sqlite://{place}") };
    let mut connection = sqlx::AnyConnection::connect(&address).await.unwrap();
    connection.execute(sql).await.unwrap();
    connection.close().await.unwrap();
}

/// Where the rows are: a file, or the address that was written down beside the recordings.
pub(crate) fn place(store: &Store) -> String {
    let noted = std::fs::read_to_string(store.path().with_file_name(postgres::NOTE));
    noted.unwrap_or_else(|_| store.path().display().to_string())
}

/// Whether this run is on a server, where nothing can be said about files of rows.
pub(crate) fn on_server() -> bool {
    std::env::var_os(postgres::ADDRESS).is_some()
}

pub(crate) fn booking(id: &str, doctor: &str, start_ms: i64) -> BookingRecord {
    BookingRecord {
        id: id.to_owned(),
        visit: id.to_owned(),
        clinic: "vet_lapa".to_owned(),
        timezone: "Europe/Moscow".to_owned(),
        doctor: doctor.to_owned(),
        service: "terapiya".to_owned(),
        start_ms,
        end_ms: start_ms + 30 * MINUTE,
        status: Status::Booked,
        phone: "+79031234567".into(),
        person: "Анна".into(),
        animal: "кот Барсик".into(),
        reason: "чихает".into(),
        call: None,
        created_ms: NOW,
        updated_ms: NOW,
        ..BookingRecord::default()
    }
}
