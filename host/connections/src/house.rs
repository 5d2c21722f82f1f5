//! The clinic as other systems need it: its names, and its desk, through which whatever they change goes, so that they cannot
//! do what the desk would refuse.

use async_trait::async_trait;
use desk::{Booking, Desk, DeskError, Hand, Why};
use jiff::Timestamp;
use records::{BookingRecord, RecordsError, Status};

/// What came of a change that another system asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Changed {
    /// It is so now.
    Yes,
    /// It cannot be so.
    No,
    /// Who owns the schedule does not answer: it is asked again later.
    Later,
}

/// A clinic's desk.
#[async_trait]
pub trait House: Send + Sync {
    /// IANA name of the clinic's zone.
    fn zone(&self) -> &str;
    /// A service's name, by its id.
    fn service(&self, id: &str) -> String;
    /// A doctor's name, by their id.
    fn doctor(&self, id: &str) -> String;
    /// Takes a visit to its next status.
    async fn set_status(&self, visit: &BookingRecord, status: Status, hand: Hand<'_>) -> Result<Changed, RecordsError>;
    /// Moves a visit to another start with the same doctor, if that is one the schedule has and nobody holds it.
    async fn move_visit(&self, visit: &BookingRecord, start_ms: i64, hand: Hand<'_>) -> Result<Changed, RecordsError>;
}

#[async_trait]
impl House for Desk {
    fn zone(&self) -> &str {
        &self.clinic().timezone
    }

    fn service(&self, id: &str) -> String {
        self.clinic().service(id).map_or_else(|| id.to_owned(), |service| service.name.clone())
    }

    fn doctor(&self, id: &str) -> String {
        self.clinic().doctor(id).map_or_else(|| id.to_owned(), |doctor| doctor.name.clone())
    }

    async fn set_status(&self, visit: &BookingRecord, status: Status, hand: Hand<'_>) -> Result<Changed, RecordsError> {
        let id = &visit.id;
        let why = Why::from("Битрикс24: стадия сделки");
        let done = match status {
            Status::Reminded => self.reminded(id, hand).await,
            Status::Confirmed => self.confirm(id, hand).await,
            Status::Arrived => self.arrived(id, hand).await,
            Status::Done => self.done(id, hand).await,
            Status::Cancelled => self.cancel_by(id, &why, hand).await,
            Status::NoShow => self.no_show(id, &why, hand).await,
            Status::Booked | Status::Moved => return Ok(Changed::No),
        };
        came_to(done.map(|_| true))
    }

    async fn move_visit(&self, visit: &BookingRecord, start_ms: i64, hand: Hand<'_>) -> Result<Changed, RecordsError> {
        let Ok(start) = Timestamp::from_millisecond(start_ms) else { return Ok(Changed::No) };
        let slot = format!("{}|{}|{}", visit.doctor, visit.service, start.strftime("%Y-%m-%dT%H:%MZ"));
        if start_ms % 60_000 != 0 {
            return Ok(Changed::No);
        }
        let moved = self.move_by(&visit.id, &slot, &Why::from("Битрикс24: время в сделке"), hand).await;
        came_to(moved.map(|moved| matches!(moved, Booking::Booked(_))))
    }
}

fn came_to(done: Result<bool, DeskError>) -> Result<Changed, RecordsError> {
    match done {
        Ok(true) => Ok(Changed::Yes),
        Ok(false) => Ok(Changed::No),
        Err(DeskError::Records(error)) => Err(error),
        Err(DeskError::Unsettled { .. } | DeskError::OwnerSilent { .. }) => Ok(Changed::Later),
        Err(error) => {
            tracing::info!(%error, "a change from the portal was refused by the desk");
            Ok(Changed::No)
        }
    }
}
