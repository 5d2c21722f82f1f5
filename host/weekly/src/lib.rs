//! The week's report by e-mail: what a manager would look up on Monday comes by itself.
//!
//! Layout: [`Settings`] is `[report]` of `connections.toml`; [`due`] says purely which week is due; [`Figures`] reads a
//! week's answers and [`letter`] writes them down, as text and as HTML; [`Weekly`] sends them, [`run`] is the loop around it.
//!
//! Invariants:
//! - A letter is a job of the durable queue under a key of clinic, week and reader: written down before a mail server is asked,
//!   so a restart neither repeats nor forgets it. Mail servers know no keys: one that was being sent when the program died is
//!   not sent again.
//! - No names, numbers or words of callers are in a letter; nothing in it is loaded from elsewhere.
//! - A reader gets the clinics that stand beside their address, and no others.

mod error;
mod figures;
pub mod letter;
mod run;
mod schedule;
mod settings;

pub use error::WeeklyError;
pub use figures::Figures;
pub use run::{Step, Weekly, run};
pub use schedule::{Week, due};
pub use settings::Settings;

/// The result of what can fail here.
pub type Result<T> = std::result::Result<T, WeeklyError>;
