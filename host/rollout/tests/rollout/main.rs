//! Roll-out from outside: the library, routes, the switchboard under load, roll-back by itself, recorded calls.

// Functions that tests share are tests too; clippy.toml exempts only those marked `#[test]`.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod dropped;
mod guarding;
mod library;
mod recorded;
mod routing;
mod support;
mod switching;
