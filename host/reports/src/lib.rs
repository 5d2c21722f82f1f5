//! Figures for the manager: KPIs, the non-target share in minutes and money, staffing, and the page that shows them.
//!
//! Layout: [`kpi`] is every formula of the trade with its [`definitions`](kpi::definitions); [`non_target`] is what calls
//! were about and what that cost; [`staffing`] is Erlang; [`Report`] puts them together for one clinic and period from the
//! records' aggregates; [`page`] renders it as one HTML file, [`pdf`] as a document.
//!
//! Invariants:
//! - Formulas are pure functions of recorded events; [`Report::build`] is the only place that reads a database.
//! - Shares are ratios of whole numbers ([`Share`]), money is whole minor units ([`Amount`]), lengths are milliseconds;
//!   they are rounded once, where they are shown.
//! - "Nothing to compare with" and "nothing measured" are `None`, never 0.
//! - Nothing personal gets in: not a number, not a name, not a word that was said.

mod amount;
mod headline;
pub mod kpi;
mod lang;
pub mod non_target;
pub mod page;
pub mod pdf;
mod period;
mod report;
mod share;
pub mod staffing;

pub use amount::Amount;
pub use headline::{Headline, Largest};
pub use lang::Lang;
pub use non_target::{CategoryInfo, CountsAs};
pub use period::Period;
pub use report::{Day, Report, ReportError, ReportInput, StaffedHour, StaffingPlan, Trend};
pub use share::Share;
