//! What the clinic says to people of its own accord: reminders, and whom it still has to call.
//!
//! Layout: [`plan()`] decides purely what is due to be said about a visit; [`Outreach`] follows the feed, plans messages in the
//! records' outbox and keeps the list of people to call; [`send`] has the ways out (HTTP gateways, e-mail, the robot's own
//! call, a person's list); [`answers`] takes in what people reply; [`requests`] takes in what comes from a site's form;
//! [`figures`] says how well it goes. [`run()`] is the loop around it.
//!
//! Invariants:
//! - What is due is a pure function of the visit, of what was said already, of the rules and of now.
//! - A message is planned in the transaction that notes how far the feed was read: neither is lost, neither happens twice.
//! - Before a gateway is asked, the row says so durably. After a crash a gateway that knows keys is asked under the same key;
//!   one that does not is never asked again, and a person calls instead.
//! - Nothing is sent outside of the clinic's hours, after the visit began, or about a time that no longer holds.
//! - Whatever could not be said ends on the list of people to call.
//! - No name, number or text reaches a log line or a message of an error.

pub mod answers;
mod context;
mod dispatch;
mod error;
pub mod figures;
mod follow;
pub mod gateways;
mod hours;
pub mod list;
mod plan;
pub mod requests;
mod run;
pub mod send;
mod words;

pub use context::{Consents, EveryPhone, MayContact, Outreach, Progress, Settings, Step, Way};
pub use error::OutreachError;
pub use gateways::Gateways;
pub use plan::{Due, Plan, Said, VisitNow, plan};
pub use run::run;
pub use words::{date_in_words, of_visit, when_in_words};

/// The result of what can fail here.
pub type Result<T> = std::result::Result<T, OutreachError>;
