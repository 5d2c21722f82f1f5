//! What a line goes through besides the robot: the waiting room and the bridge.

// Functions that tests share are tests too; clippy.toml exempts only those marked `#[test]`.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "all of this is tests")]

mod bridge;
mod doors;
mod waiting;
