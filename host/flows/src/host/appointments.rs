//! `gudok:appointments`: finding, booking, moving and cancelling visits.

use serde::{Deserialize, Serialize};

use super::bindings::gudok::appointments::appointments as wit;
use super::bindings::gudok::types::types::Error as WitError;
use super::convert::{cases, record};
use super::forward;
use crate::guest::Guest;

/// What to look for; `None` = open.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SlotQuery {
    /// Service id.
    pub service: Option<String>,
    /// Doctor id.
    pub doctor: Option<String>,
    /// First day, included.
    pub date_from: Option<String>,
    /// Last day, included.
    pub date_to: Option<String>,
    /// Earliest start within a day.
    pub time_from: Option<String>,
    /// Latest start within a day.
    pub time_to: Option<String>,
    /// At most this many; 0 = 3.
    pub limit: u32,
}

/// A free time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Slot {
    /// The host's id of it.
    pub id: String,
    /// Moment in the clinic's zone.
    pub start: String,
    /// Length.
    pub minutes: u32,
    /// Doctor id.
    pub doctor_id: String,
    /// The doctor's name.
    pub doctor_name: String,
    /// Service id.
    pub service_id: String,
    /// The service's name.
    pub service_name: String,
}

/// Who comes, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Visitor {
    /// E.164.
    pub phone: String,
    /// The person who brings the animal, or the patient.
    pub person: String,
    /// Nickname and kind of the animal; empty in human medicine.
    pub animal: String,
    /// In the caller's words.
    pub reason: String,
}

/// Where a visit stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Status {
    /// Booked.
    Booked,
    /// The visitor said they will come.
    Confirmed,
    /// They came.
    Arrived,
    /// The visit is over.
    Done,
    /// Moved to another time.
    Moved,
    /// Cancelled.
    Cancelled,
    /// They did not come.
    NoShow,
}

/// A visit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Appointment {
    /// The visit's id.
    pub id: String,
    /// When and with whom.
    pub slot: Slot,
    /// Who comes.
    pub visitor: Visitor,
    /// Where it stands.
    pub status: Status,
}

/// What became of an attempt to book.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[allow(clippy::large_enum_variant, reason = "short-lived, one a call; a box would only be in the way of matching")]
pub enum Booking {
    /// Committed.
    Booked(Appointment),
    /// Somebody was quicker.
    Taken,
}

record!(wit::SlotQuery => SlotQuery { service, doctor, date_from, date_to, time_from, time_to, limit });
record!(Slot => wit::Slot { id, start, minutes, doctor_id, doctor_name, service_id, service_name });
record!(wit::Visitor => Visitor { phone, person, animal, reason });
record!(Visitor => wit::Visitor { phone, person, animal, reason });
cases!(Status => wit::Status { Booked, Confirmed, Arrived, Done, Moved, Cancelled, NoShow });
record!(Appointment => wit::Appointment { id, slot, visitor, status });
cases!(Booking => wit::Booking { Booked(appointment), Taken });

impl wit::Host for Guest {
    async fn find(&mut self, query: wit::SlotQuery) -> wasmtime::Result<Result<Vec<wit::Slot>, WitError>> {
        forward!(self, AppointmentsFind { query: query })
    }

    async fn book(
        &mut self,
        slot_id: String,
        visitor: wit::Visitor,
    ) -> wasmtime::Result<Result<wit::Booking, WitError>> {
        forward!(self, AppointmentsBook { slot_id: slot_id, visitor: visitor })
    }

    async fn reschedule(
        &mut self,
        appointment_id: String,
        slot_id: String,
    ) -> wasmtime::Result<Result<wit::Booking, WitError>> {
        forward!(self, AppointmentsReschedule { appointment_id: appointment_id, slot_id: slot_id })
    }

    async fn cancel(&mut self, appointment_id: String, reason: String) -> wasmtime::Result<Result<(), WitError>> {
        forward!(self, AppointmentsCancel { appointment_id: appointment_id, reason: reason })
    }

    async fn mine(&mut self, phone: String) -> wasmtime::Result<Result<Vec<wit::Appointment>, WitError>> {
        forward!(self, AppointmentsMine { phone: phone })
    }
}
