//! Which version of a flow answers a call: the library of versions, routes, roll-out and roll-back.
//!
//! Knows `flows` (what a version is) and `records` (where everything is written down), and nothing else of ours.
//!
//! | module or type | what |
//! |---|---|
//! | [`Library`] | versions by digest: checked, compared with the one before, kept |
//! | [`Routes`] | clinic and entry → version; deploy, canary, shadow, promote, roll back, planned changes |
//! | [`Switchboard`] | the table that calls read: [`Switchboard::pick`] when one starts, [`Switchboard::ended`] when it is over |
//! | [`guard`] | when a version goes back by itself |
//! | [`signing`] | signatures over versions |
//! | [`DropFolder`] | deploying by dropping a file |
//! | [`journal_of`], [`recorded_calls`] | recorded calls as journals |
//! | [`trial`] | a version replayed against recorded calls, and the gate |
//! | [`kept`] | the same, written down to be looked at later |
//!
//! # Invariants
//!
//! - A call keeps the version it started on ([`Pinned`]); its code goes when the last call on it ends.
//! - A version is loaded before the pointer to the table moves; one that cannot be loaded changes nothing.
//! - Every change of a route is one transaction with one line of the log, and is made only on the route that was looked at.
//!   Two processes cannot both roll back.
//! - The guard counts what is in the records, so restarts and other processes do not blind it.

mod drop_folder;
mod error;
pub mod guard;
mod inspect;
pub mod kept;
mod library;
mod recorded;
mod route;
mod routes;
pub mod signing;
mod stats;
mod switchboard;
pub mod trial;

pub use drop_folder::{DropFolder, Dropped};
pub use error::RolloutError;
pub use guard::Bounds;
pub use library::{AddOptions, Added, Allow, Library, short};
pub use recorded::{journal_of, recorded_calls};
pub use records::{ChangeKind, Entry, FlowChange, FlowRoute, FlowRun, FlowSchedule, FlowVersion, HowKind, Role};
pub use route::How;
pub use routes::{Act, Carried, Deployed, Policy, Routes};
pub use signing::PublicKey;
pub use stats::{CallCount, RolloutStats};
pub use switchboard::{CallResult, CallStart, Pinned, Switchboard};
