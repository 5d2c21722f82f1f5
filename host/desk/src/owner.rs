//! Another system may own the schedule: the clinic's own program, which people at the desk book in. Then it is asked for
//! free times, a time is held there, confirmed there, and only then written here and told to the caller.
//!
//! Every request carries an idempotency key. Whoever asks twice with one key is answered as the first time, so that an
//! answer that was lost on the way can be asked for again. [`HttpOwner`] speaks the protocol of `docs/schedule.md`.

mod asked;
mod http;
mod settle;

use std::fmt;
use std::future::Future;
use std::pin::Pin;

use jiff::Timestamp;
use records::Pii;
use serde::{Deserialize, Serialize};

pub use http::{HttpOwner, OwnerSettings};
pub use settle::{SETTLE_AFTER_MS, Settled};

/// What an owner's functions return.
pub type Answer<'a, T> = Pin<Box<dyn Future<Output = Result<T, OwnerError>> + Send + 'a>>;

/// A system that owns a clinic's schedule.
pub trait Owner: Send + Sync + fmt::Debug {
    /// Free times.
    fn find<'a>(&'a self, wish: &'a Wish) -> Answer<'a, Vec<OwnerSlot>>;

    /// Keeps a time for a visitor, for a while.
    fn hold<'a>(&'a self, key: &'a str, wanted: &'a Wanted) -> Answer<'a, Held>;

    /// Makes a held time a visit.
    fn confirm<'a>(&'a self, key: &'a str, hold: &'a str) -> Answer<'a, Granted>;

    /// Takes back whatever was asked for with a key: a hold, or the visit it became. Nothing there is no error.
    fn release<'a>(&'a self, key: &'a str) -> Answer<'a, ()>;

    /// Gives a visit another time: the new one is taken and the old one released at once, or nothing happens.
    fn move_to<'a>(&'a self, key: &'a str, visit: &'a str, wanted: &'a Wanted) -> Answer<'a, Granted>;

    /// Calls a visit off. One that is off already is no error.
    fn cancel<'a>(&'a self, key: &'a str, visit: &'a str, reason_code: Option<&'a str>) -> Answer<'a, ()>;
}

/// Why an owner did not do what it was asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OwnerError {
    /// Somebody has that time.
    #[error("the time is taken")]
    Taken,
    /// There is no such hold or visit any more.
    #[error("there is no such hold or visit")]
    Gone,
    /// It will not, and has not: asking again will not help.
    #[error("{0}")]
    Refused(String),
    /// No answer, or none that can be read: it may have done it or not.
    #[error("{0}")]
    Unknown(String),
}

/// What free times are wanted.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Wish {
    /// Clinic id.
    pub clinic: String,
    /// Service id; open when none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service: Option<String>,
    /// Doctor id; open when none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub doctor: Option<String>,
    /// Branch id; open when none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub branch: Option<String>,
    /// Kind of animal; open when none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub species: Option<String>,
    /// For somebody who was never here.
    pub first_visit: bool,
    /// First start.
    pub from: Timestamp,
    /// Starts before this.
    pub to: Timestamp,
    /// Earliest time of day, on the clinic's clock, `HH:MM`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub time_from: Option<String>,
    /// Latest time of day, included.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub time_to: Option<String>,
    /// At most so many.
    pub limit: u32,
}

/// A free time of the owner's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OwnerSlot {
    /// Doctor id, as in the clinic file.
    pub doctor: String,
    /// Service id, as in the clinic file.
    pub service: String,
    /// Start.
    pub start: Timestamp,
    /// Length.
    pub minutes: u32,
    /// Branch id.
    #[serde(default)]
    pub branch: String,
}

/// A time that is wanted, and for whom.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wanted {
    /// Clinic id.
    pub clinic: String,
    /// Doctor id.
    pub doctor: String,
    /// Service id.
    pub service: String,
    /// Start.
    pub start: Timestamp,
    /// Length.
    pub minutes: u32,
    /// Branch id.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub branch: String,
    /// Who comes; not said again when a visit moves.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub visitor: Option<OwnerVisitor>,
}

/// Who comes, as the owner is told.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct OwnerVisitor {
    /// E.164.
    pub phone: Pii,
    /// Name of the person.
    pub person: Pii,
    /// Nickname and kind of the animal.
    pub animal: Pii,
    /// Kind of animal, a word of the clinic file.
    pub species: String,
    /// What it is about, in the caller's words.
    pub reason: Pii,
}

/// A time that is kept for us for a while.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Held {
    /// The owner's name for it.
    pub hold: String,
    /// The length it gives the visit; none = as asked.
    #[serde(default)]
    pub minutes: Option<u32>,
    /// Where it will be; none = as asked.
    #[serde(default)]
    pub branch: Option<String>,
}

/// A visit that stands in the owner's books.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Granted {
    /// The owner's id of the visit.
    pub visit: String,
}
