//! The endpoint against sipp: its scenarios are in `tests/sipp`, and a scenario that does not go as written fails.

mod doors;
mod incoming;
mod long;
mod outgoing;
mod registering;
mod replacing;
mod rig;
