//! Written conversations: the same clinic, by text, on whatever channel people write.
//!
//! - [`step`]: who holds a conversation and what follows on what; pure
//! - [`Office`]: one clinic's conversations: what comes in, what operators do, what the robot says
//! - [`Robot`]: the flow's side, given by whoever runs flows
//! - [`Channel`]: the way out; [`Webhook`] for any messenger, [`Telegram`] for Telegram; [`deliver`] brings the messages there
//! - [`kpi`]: how long people waited for an answer, and the share that was answered within a minute
//!
//! Invariants: a visitor's message is on the disk before anything is made of it, once, in its order. A robot that fails hands
//! over to a person. Where nobody comes, a call-back is written down. A message goes out again until it is delivered or
//! refused for good; messages of a conversation leave in their order.

mod channel;
mod error;
pub mod kpi;
mod office;
mod robot;
mod run;
mod step;
mod telegram;
mod webhook;
mod words;

pub use channel::{Channel, Channels, DELIVER_JOB, NotDelivered, deliver};
pub use error::ChatError;
pub use office::{Incoming, Office, Received};
pub use robot::{ROBOT_JOB, Reply, Robot, RobotSays};
pub use run::run;
pub use step::{Context, Event, Outcome, Refused, SITE, step};
pub use telegram::{Telegram, Update};
pub use webhook::{Signed, Webhook};

/// The result of every function here.
pub type Result<T> = std::result::Result<T, ChatError>;
