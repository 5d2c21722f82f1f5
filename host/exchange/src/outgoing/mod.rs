//! Calls that the clinic makes: call-backs, ordered calls (reminders), and what happens when nobody, or a machine, answers.

mod call_out;
pub mod greeting;
pub(crate) mod list;
mod plan;
mod talk;

pub use call_out::CallOut;
pub use plan::order;
pub(crate) use plan::run;
pub(crate) use talk::ClientLine;
