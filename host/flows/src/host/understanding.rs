//! `gudok:understanding`: what the caller meant.

use serde::{Deserialize, Serialize};

use super::bindings::gudok::understanding::understanding as wit;
use super::convert::{cases, record};
use super::forward;
use crate::guest::Guest;

/// A wish for a day and a time; `None` = not said.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wish {
    /// One day.
    pub date: Option<String>,
    /// First day of a range.
    pub date_from: Option<String>,
    /// Last day of a range.
    pub date_to: Option<String>,
    /// Earliest time.
    pub time_from: Option<String>,
    /// Latest time.
    pub time_to: Option<String>,
    /// As soon as possible.
    pub asap: bool,
}

/// A day and a time in the caller's words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DateTime {
    /// None was said.
    Nothing,
    /// One reading.
    Resolved(Wish),
    /// Several readings.
    Ambiguous(Vec<Wish>),
    /// Meant, but not closely enough.
    Vague,
    /// Impossible; why.
    Invalid(String),
}

/// Consent or refusal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum YesNo {
    /// Consent.
    Yes,
    /// Refusal.
    No,
    /// Neither.
    Unknown,
}

/// A person's name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PersonName {
    /// Surname.
    pub last: Option<String>,
    /// First name.
    pub first: Option<String>,
    /// Patronymic.
    pub patronymic: Option<String>,
}

/// An animal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Animal {
    /// «кошка», «собака» …
    pub species: Option<String>,
    /// Breed.
    pub breed: Option<String>,
    /// Nickname.
    pub name: Option<String>,
}

/// Why the caller speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum IntentKind {
    /// Book a visit.
    Book,
    /// Move one.
    Reschedule,
    /// Cancel one.
    Cancel,
    /// When is my visit?
    MyVisit,
    /// Results of tests.
    Results,
    /// An animal or patient kept in the clinic.
    Ward,
    /// Speak to a doctor.
    Doctor,
    /// Feed.
    Feed,
    /// What does it cost?
    Price,
    /// When are you open?
    Hours,
    /// Where are you?
    Address,
    /// Some other question.
    Question,
    /// A person, please.
    Operator,
    /// You called me.
    CallbackMissed,
    /// Advertising.
    Advertising,
    /// Goodbye, nothing else.
    Goodbye,
    /// Not understood.
    Unknown,
}

/// Is the service that was named given here?
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Offered {
    /// Yes.
    Offered,
    /// No, the clinic says so.
    Absent,
    /// On neither list.
    Unlisted,
}

/// A service that was named.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServiceMention {
    /// As the trade calls it.
    pub name: String,
    /// Is it given here?
    pub offered: Offered,
    /// The clinic's service id, when offered.
    pub service_id: Option<String>,
}

/// What the caller wants.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Intent {
    /// Why they speak.
    pub kind: IntentKind,
    /// 0 to 1.
    pub confidence: f64,
    /// Services that were named.
    pub services: Vec<ServiceMention>,
    /// Doctor id, when one was named.
    pub doctor: Option<String>,
    /// A danger to life was named.
    pub urgent: bool,
}

record!(Wish => wit::Wish { date, date_from, date_to, time_from, time_to, asap });
cases!(DateTime => wit::DateTime { Nothing, Resolved(wish), Ambiguous(wishes), Vague, Invalid(why) });
cases!(YesNo => wit::YesNo { Yes, No, Unknown });
record!(PersonName => wit::PersonName { last, first, patronymic });
record!(Animal => wit::Animal { species, breed, name });
cases!(IntentKind => wit::IntentKind {
    Book, Reschedule, Cancel, MyVisit, Results, Ward, Doctor, Feed, Price, Hours, Address, Question, Operator,
    CallbackMissed, Advertising, Goodbye, Unknown,
});
cases!(Offered => wit::Offered { Offered, Absent, Unlisted });
record!(ServiceMention => wit::ServiceMention { name, offered, service_id });
record!(Intent => wit::Intent { kind, confidence, services, doctor, urgent });

impl wit::Host for Guest {
    async fn parse_date_time(&mut self, text: String) -> wasmtime::Result<wit::DateTime> {
        forward!(self, ParseDateTime { text: text })
    }

    async fn parse_yes_no(&mut self, text: String) -> wasmtime::Result<wit::YesNo> {
        forward!(self, ParseYesNo { text: text })
    }

    async fn parse_phone(&mut self, text: String) -> wasmtime::Result<Option<String>> {
        forward!(self, ParsePhone { text: text })
    }

    async fn parse_name(&mut self, text: String) -> wasmtime::Result<Option<wit::PersonName>> {
        forward!(self, ParseName { text: text })
    }

    async fn parse_animal(&mut self, text: String) -> wasmtime::Result<Option<wit::Animal>> {
        forward!(self, ParseAnimal { text: text })
    }

    async fn parse_intent(&mut self, text: String) -> wasmtime::Result<wit::Intent> {
        forward!(self, ParseIntent { text: text })
    }

    async fn parse_choice(&mut self, text: String, options: Vec<String>) -> wasmtime::Result<Option<u32>> {
        forward!(self, ParseChoice { text: text, options: options })
    }
}
