//! What the demonstration shows: a clinic's past two months, three calls with voices, twelve recordings.

pub mod calls;
pub mod history;
pub mod recordings;
