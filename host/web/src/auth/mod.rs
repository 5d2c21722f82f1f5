//! Who may come in and what they may do here.
//!
//! - [`Viewer`]: who asks; handlers take it as an argument and say
//!   `viewer.check(&state, clinic, Permission::SeeCalls)?` before they answer
//! - [`EntryRules`]: the way requests take to this server
//!
//! The door itself (`admit`) stands before every route; `/login`, `/logout`, `/first-run`, `/invitation` and `/choose-clinic`
//! are its pages. Every form carries the field `csrf` with [`Viewer::csrf`]; a script sends it as `X-CSRF-Token`.

mod admit;
mod cookie;
mod entrance;
mod entrance_pages;
mod limit;
mod rules;
mod viewer;

pub use accounts::{EVERY_CLINIC, Grant, Permission, Role};
pub use rules::EntryRules;
pub use viewer::{Asker, Via, Viewer};

pub(crate) use admit::{admit, may_see_all};
pub(crate) use entrance::router;
pub(crate) use limit::Limiter;
