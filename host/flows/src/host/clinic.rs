//! `gudok:clinic`: what the clinic is.

use serde::{Deserialize, Serialize};

use super::bindings::gudok::clinic::clinic as wit;
use super::bindings::gudok::types::types::Error as WitError;
use super::convert::{cases, record};
use super::{Money, forward};
use crate::guest::Guest;

/// The kind of clinic.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// Animals.
    Veterinary,
    /// People.
    Medical,
    /// Teeth.
    Dental,
}

/// Who the clinic is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClinicInfo {
    /// The clinic's id.
    pub id: String,
    /// As a caller knows it.
    pub name: String,
    /// Whom it treats.
    pub kind: Kind,
    /// As a caller should hear it; may be empty.
    pub address: String,
    /// E.164; may be empty.
    pub phone: String,
    /// IANA time zone.
    pub timezone: String,
}

/// When the clinic is open on one day.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DayHours {
    /// The day.
    pub date: String,
    /// Open at all?
    pub open: bool,
    /// Time; empty when closed.
    pub opens: String,
    /// Time; empty when closed.
    pub closes: String,
    /// For an exception: why.
    pub note: String,
}

/// A service the clinic offers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Service {
    /// The clinic's id of it.
    pub id: String,
    /// As a caller knows it.
    pub name: String,
    /// Length of a visit.
    pub minutes: u32,
    /// The price, or the lowest one.
    pub price: Option<Money>,
    /// Ids of the doctors who give it.
    pub doctors: Vec<String>,
}

/// A doctor of the clinic.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Doctor {
    /// The clinic's id of them.
    pub id: String,
    /// Surname first.
    pub name: String,
    /// As a caller knows it.
    pub speciality: String,
}

cases!(Kind => wit::Kind { Veterinary, Medical, Dental });
record!(ClinicInfo => wit::ClinicInfo { id, name, kind, address, phone, timezone });
record!(DayHours => wit::DayHours { date, open, opens, closes, note });
record!(Service => wit::Service { id, name, minutes, price, doctors });
record!(Doctor => wit::Doctor { id, name, speciality });

impl wit::Host for Guest {
    async fn info(&mut self) -> wasmtime::Result<wit::ClinicInfo> {
        forward!(self, ClinicInfo)
    }

    async fn now(&mut self) -> wasmtime::Result<String> {
        forward!(self, ClinicNow)
    }

    async fn hours(&mut self, date: String) -> wasmtime::Result<Result<wit::DayHours, WitError>> {
        forward!(self, ClinicHours { date: date })
    }

    async fn is_open(&mut self) -> wasmtime::Result<bool> {
        forward!(self, ClinicIsOpen)
    }

    async fn services(&mut self) -> wasmtime::Result<Vec<wit::Service>> {
        forward!(self, ClinicServices)
    }

    async fn absent_services(&mut self) -> wasmtime::Result<Vec<String>> {
        forward!(self, ClinicAbsentServices)
    }

    async fn doctors(&mut self) -> wasmtime::Result<Vec<wit::Doctor>> {
        forward!(self, ClinicDoctors)
    }
}
