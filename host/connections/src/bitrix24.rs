//! Bitrix24: a lead for a call without a booking, a deal in the funnel of visits for every booking, and stages, times and
//! statuses that say the same on both sides.
//!
//! [`decide`] is the rule: a pure function of how the visit is, how the deal is, and how both were when they last said the
//! same. [`Bridge`] does what it says: it reads the feed and the portal's list of changes, marks what may differ, and works
//! the marks off. Nothing here depends on a message arriving once: a repeated or lost one changes nothing but the time.

mod bridge;
mod client;
mod form;
mod incoming;
mod leads;
mod stages;
mod sync;

pub use bridge::{Bridge, Turn};
pub use client::{CallError, Client, Portal, Refusal, batch, read_answer};
pub use form::{decode, encode};
pub use incoming::deal_of_message;
pub use stages::Stages;
pub use sync::{Action, Ours, Push, Pushed, Rules, Seen, Step, Theirs, Why, decide};

pub(crate) use client::{check_url, http};
