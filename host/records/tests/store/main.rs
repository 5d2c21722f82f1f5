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
mod privacy;
mod queue;
mod reviews;
mod rollups;
mod sealed;
mod visits;
mod volume;
mod work;

use records::{BookingRecord, Status, Store};
use tempfile::TempDir;

/// Monday 2026-11-23 10:00 in Moscow.
pub(crate) const NOW: i64 = 1_795_417_200_000;
pub(crate) const MINUTE: i64 = 60_000;

pub(crate) async fn store() -> (TempDir, Store) {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path().join("gudok.db")).await.unwrap();
    (folder, store)
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
