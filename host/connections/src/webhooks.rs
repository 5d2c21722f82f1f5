//! Events delivered by HTTP, as the Standard Webhooks specification says (<https://www.standardwebhooks.com>): signed,
//! repeated with growing pauses for three days, in order for each subject, and again when somebody asks.

mod courier;
mod guard;
mod pattern;
mod schedule;
mod signature;

pub use courier::{Courier, Sent};
pub use guard::{check_url, is_public};
pub use pattern::Pattern;
pub use schedule::{Answer, Verdict, judge, next_ms};
pub use signature::{SigningSecret, header, verify};
