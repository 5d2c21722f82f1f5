//! The schedule with everything a clinic can say about it, visits through their life, and other systems that own it.

// Functions that tests share are tests too; clippy.toml exempts only those marked `#[test]`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a broken assumption must fail the test")]

mod fhir;
mod file;
mod ical;
mod oracle;
mod owner;
mod rules;
mod visits;

use std::sync::Arc;

use desk::{Clinic, Desk, Visitor};
use jiff::Timestamp;
use records::Store;
use tempfile::TempDir;

/// Two branches, three doctors, one machine in each branch that has one, rooms, breaks, buffers, species, limits.
pub(crate) const BIG: &str = include_str!("big.toml");

/// Monday 2026-11-23, 09:10 in Moscow.
pub(crate) fn now() -> Timestamp {
    "2026-11-23T06:10:00Z".parse().unwrap()
}

pub(crate) fn clinic(text: &str) -> Clinic {
    Clinic::parse(text, "test.toml").unwrap()
}

pub(crate) async fn desk(text: &str) -> (TempDir, Desk) {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path().join("gudok.db")).await.unwrap();
    (folder, Desk::new(Arc::new(clinic(text)), store))
}

pub(crate) fn visitor(animal: &str) -> Visitor {
    Visitor {
        phone: "8 (903) 123-45-67".into(), person: "Анна".into(), animal: animal.into(), reason: "чихает".into()
    }
}
