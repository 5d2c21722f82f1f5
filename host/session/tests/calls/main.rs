//! Whole calls in writing, with real flows, a real clinic and real records: what is left of them when they are over.

// Functions that tests share are tests too; clippy.toml exempts only those marked `#[test]`.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "all of this is tests")]

mod chat;
mod hostile;
mod live;
mod recorded;
mod records;
mod replay;
mod rivals;
mod rollout;
mod support;
mod swaps;
mod talk;
