//! A flow at the desk: scripted conversations in virtual time, coverage, walks, and real calls step by step.
//!
//! | module | what |
//! |---|---|
//! | [`house`] | a clinic from its file, ready for rehearsals: hours and free times as the real desk works them out |
//! | [`play()`] | one conversation, or thousands of them on all cores |
//! | [`expect`] | what a script demands, compared with what happened |
//! | [`noise`] | errors as a recogniser makes them |
//! | [`coverage`] | questions, texts and host functions that were reached |
//! | [`walk`](mod@walk) | a flow explored by itself: dead ends, loops, callers left without an end |
//! | [`trace`] | a recorded call, step by step |
//! | [`words`] | host calls in words for a person |
//!
//! Invariants: no clock, no file, no database behind a rehearsal; the same flow, script and seed give the same
//! conversation. Everything judged is read from the journal, as for a live call.

pub mod coverage;
pub mod error;
pub mod expect;
pub mod house;
mod memory;
pub mod noise;
mod office;
pub mod play;
pub mod trace;
pub mod walk;
pub mod words;

pub use coverage::Coverage;
pub use error::RehearsalError;
pub use house::House;
pub use play::{Case, Conversation, play, play_all};
