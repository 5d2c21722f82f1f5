//! The other systems: whoever wants to know what changes in a clinic is told, and a CRM says the same as the clinic's own
//! desk.
//!
//! Layout: [`events`] makes CloudEvents of the feed; [`webhooks`] delivers them, [`page`] lets them be read from any
//! position; [`bitrix24`] keeps deals and visits equal, both ways; [`metrica`] exports calls; [`stand_in`] is a
//! portal in memory for tests and simulations; [`Settings`] is the server's
//! `connections.toml`, [`run`] does all of it until it is stopped.
//!
//! Invariants:
//! - An event's id is the same wherever and however often it is delivered; receivers tell repeats by it.
//! - Events of one subject (a visit, a call) reach an endpoint in order. A subject that fails holds back itself alone.
//! - What was acknowledged by nobody is sent again, whatever died in between.
//! - Names and numbers leave only to an endpoint that says `personal = true`, looked up at the moment of sending: what was
//!   erased is not sent.
//! - Clocks are arguments; what to do about a difference between two systems is a pure function ([`bitrix24::decide`]).

pub mod bitrix24;
mod error;
pub mod events;
mod feed;
mod house;
pub mod metrica;
mod run;
mod settings;
pub mod stand_in;
pub mod webhooks;

pub use error::ConnectionError;
pub use feed::{Page, page};
pub use house::{Changed, House};
pub use run::{Connections, run};
pub use settings::{Endpoint, Leads, MetricaSettings, Mistake, PortalSettings, Secret, Settings, SettingsErrors};

/// The result of most functions here.
pub type Result<T> = std::result::Result<T, ConnectionError>;
