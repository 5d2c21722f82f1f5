//! A live call: the room where everything meets.
//!
//! ```text
//!   door ──frames──▶ voice activity ─▶ call core ─▶ Play / Hear / Reply …
//!     ▲                                  ▲    │
//!     └──frames── mouth ◀────────────────┼────┤
//!                 ears  ─────────────────┘    ▼
//!                                   flow (wasm) ─▶ live port ─▶ desk, FAQ, understanding, records
//! ```
//!
//! - [`Stage`]: what every call of a clinic shares; [`Setup`]: what is particular to one
//! - [`spoken()`]: hold a call at a door with audio; [`typed()`]: the same conversation in writing
//! - [`meaning`]: understanding, in the words of the flow interface (also for authors' tests)
//! - [`clinic_view`]: the clinic, in the words of the flow interface
//! - [`tagging`]: one tag for every call
//!
//! Invariants: the media loop waits for nothing but the next frame; recognition, synthesis, the flow and the database
//! run beside it and report by message. What a flow is told was written in the journal first. Every call is written
//! down when it starts and again when it ends, whatever happened between.

pub mod clinic_view;
mod clock;
mod conversation;
mod error;
mod flow_side;
pub mod meaning;
mod playback;
mod port;
mod recorder;
mod spoken;
mod stage;
pub mod tagging;
pub mod trace;
mod typed;

pub use error::SessionError;
pub use spoken::{Hearing, spoken};
pub use stage::{Held, Setup, Stage};
pub use trace::Trace;
pub use typed::typed;
