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
//! - [`spoken()`]: hold a call at a door with audio; [`typed()`]: the same conversation in writing, in virtual time;
//!   [`chat()`]: in writing with a person
//! - [`robot()`]: as `spoken`, for a call that goes on with people: its [`Leg`] goes to a [`WaitingRoom`], then a [`Bridge`]
//! - [`People`]: who takes a caller that is handed over
//! - [`Live`]: a call that goes on, for those who listen in or take it over
//! - [`talk`]: what caller and operator said, written down after the call
//! - [`meaning`]: understanding, in the words of the flow interface (also for authors' tests)
//! - [`clinic_view`]: the clinic, in the words of the flow interface
//! - [`tagging`]: one tag for every call
//!
//! Invariants: the media loop waits for nothing but the next frame; recognition, synthesis, the flow, the disk and the
//! database work beside it and report by message. Calls at telephones share one clock ([`lines::pacer`]). What a flow is
//! told was handed to the journal first. Every call is written down when it starts and again when it ends, whatever
//! happened between.

mod act;
mod bridge;
mod chat;
pub mod clinic_view;
mod clock;
mod conversation;
mod ear;
mod echo;
mod error;
mod flow_side;
mod inbox;
mod kept;
mod live;
pub mod meaning;
mod music;
mod notice;
mod people;
mod playback;
mod port;
mod recorder;
mod spoken;
mod stage;
pub mod tagging;
pub mod talk;
pub mod trace;
mod typed;
mod voicing;
mod waiting;

pub use act::Leg;
pub use bridge::{Bridge, BridgeEnd, BridgeOver, Bridged, Party};
pub use chat::{ChatDoor, FromVisitor, ToVisitor, Visitor, chat};
pub use error::SessionError;
pub use live::Live;
pub use music::tune;
pub use people::{ClinicLines, People, QueueNow, TransferCall};
pub use recorder::{Recording, Studio};
pub use spoken::{Hearing, Robot, robot, spoken};
pub use stage::{HandedOver, Held, Setup, Stage};
pub use trace::Trace;
pub use typed::typed;
pub use waiting::{Waited, WaitingRoom};
