//! Connections from outside: receivers, portals and records are real, the clock is not.

// Functions that tests share are tests too; clippy.toml exempts only those marked `#[test]`.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "shared functions of tests")]

mod bitrix;
mod deals;
mod events;
mod leads;
mod receiver;
mod simulation;
mod webhooks;
mod whole;

use std::sync::Arc;

use connections::{Changed, House};
use desk::Hand;
use records::{BookOutcome, BookingRecord, Change, NewTime, RecordsError, Status, Store};
use tempfile::TempDir;

/// Monday 2026-11-23 10:00 in Moscow.
pub(crate) const NOW: i64 = 1_795_417_200_000;
pub(crate) const SECOND: i64 = 1_000;
pub(crate) const MINUTE: i64 = 60_000;
pub(crate) const HOUR: i64 = 3_600_000;
pub(crate) const DAY: i64 = 24 * HOUR;
pub(crate) const CLINIC: &str = "vet_lapa";

pub(crate) async fn store() -> (TempDir, Store) {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path().join("gudok.db")).await.unwrap();
    (folder, store)
}

pub(crate) fn visit(id: &str, doctor: &str, start_ms: i64, phone: &str) -> BookingRecord {
    BookingRecord {
        id: id.to_owned(),
        visit: id.to_owned(),
        clinic: CLINIC.to_owned(),
        timezone: "Europe/Moscow".to_owned(),
        doctor: doctor.to_owned(),
        service: "terapiya".to_owned(),
        start_ms,
        end_ms: start_ms + 30 * MINUTE,
        phone: phone.into(),
        person: "Анна".into(),
        animal: "кот Барсик".into(),
        reason: "чихает".into(),
        created_ms: NOW,
        updated_ms: NOW,
        held_until_ms: start_ms + 30 * MINUTE,
        ..BookingRecord::default()
    }
}

/// A clinic that is always open.
pub(crate) struct Open(Store);

#[async_trait::async_trait]
impl House for Open {
    fn zone(&self) -> &str {
        "Europe/Moscow"
    }

    fn service(&self, id: &str) -> String {
        id.to_owned()
    }

    fn doctor(&self, id: &str) -> String {
        id.to_owned()
    }

    async fn set_status(&self, visit: &BookingRecord, status: Status, hand: Hand<'_>) -> Result<Changed, RecordsError> {
        let change = Change { at_ms: hand.now.as_millisecond(), by: hand.by.into(), ..Change::default() };
        match self.0.set_booking_status(&visit.id, status, &change).await {
            Ok(_) => Ok(Changed::Yes),
            Err(RecordsError::WrongStatus { .. }) => Ok(Changed::No),
            Err(error) => Err(error),
        }
    }

    async fn move_visit(&self, visit: &BookingRecord, start_ms: i64, hand: Hand<'_>) -> Result<Changed, RecordsError> {
        let end_ms = start_ms + (visit.end_ms - visit.start_ms);
        let to = NewTime {
            id: records::id(),
            doctor: visit.doctor.clone(),
            service: visit.service.clone(),
            start_ms,
            end_ms,
            held_until_ms: end_ms,
            ..NewTime::default()
        };
        let change = Change { at_ms: hand.now.as_millisecond(), by: hand.by.into(), ..Change::default() };
        match self.0.move_booking(&visit.id, &to, &change).await? {
            BookOutcome::Booked(_) => Ok(Changed::Yes),
            BookOutcome::Taken => Ok(Changed::No),
        }
    }
}

pub(crate) fn open_house(store: &Store) -> Arc<dyn House> {
    Arc::new(Open(store.clone()))
}
