//! The endpoint against sipp: its scenarios are in `tests/sipp`, and a scenario that does not go as written fails.

mod doors;
mod incoming;
mod outgoing;
mod registering;
mod rig;
