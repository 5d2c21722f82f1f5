//! A month of a busy clinic, in virtual time: people call, write, come and do not come; the desk works off its list; gateways
//! fail, answers get lost, the program dies, the clock steps; people change things in the CRM, too. At its end nothing may be forgotten, and both systems
//! say the same.
//!
//! Everything that decides is the real thing: the schedule, the records, reminders, the list of people to call. Made up are
//! the people, and what lies beyond the wire.
//!
//! Layout: [`Month`] is what is to happen; [`run`] lets it happen and returns a [`Report`]; `people` and `phrases` are who
//! calls and what they say, `calls` and `chats` are how, `day` is when, `gateway` is what messages go through, `crm` is the
//! other system, `world` is where events meet, `check` is what must hold at the end. [`run`] also leaves a database that the
//! pages can show.
//!
//! The same seed makes the same people want the same things; what the program makes of it is its own.

mod calls;
mod chats;
mod check;
mod clock;
mod crm;
mod day;
mod dice;
mod faults;
mod gateway;
mod people;
mod phrases;
mod report;
mod world;

use std::path::Path;
use std::sync::Arc;

use desk::Clinic;
use jiff::Timestamp;
use jiff::civil::Date;

pub use report::{Crm, Faults, Report};

/// What is to happen.
#[derive(Debug, Clone)]
pub struct Month {
    /// Where.
    pub clinic: Arc<Clinic>,
    /// The first day, on the clinic's calendar.
    pub from: Date,
    /// How many days people call and write. Afterwards the desk goes on until its list is empty.
    pub days: u16,
    /// Calls that come in.
    pub calls: u32,
    /// Visits that are to be booked, if there is room.
    pub visits: u32,
    /// Requests of the site's form.
    pub requests: u32,
    /// People who write on the site instead of calling.
    pub chats: u32,
    /// Whether anything goes wrong.
    pub faults: bool,
    /// Whether there is a CRM beside the clinic.
    pub crm: bool,
    /// The moment at which to leave everything as it is, for a page to show; then nothing is brought to its end, and nothing
    /// checked.
    pub stop: Option<Timestamp>,
    /// Other seed, other people.
    pub seed: u64,
}

impl Month {
    /// A busy month: 2,000 calls, 900 visits, 300 requests, 150 chats.
    pub fn busy(clinic: Arc<Clinic>, from: Date) -> Self {
        Self {
            clinic,
            from,
            days: 30,
            calls: 2_000,
            visits: 900,
            requests: 300,
            chats: 150,
            faults: true,
            crm: true,
            stop: None,
            seed: 1,
        }
    }
}

/// What a simulation cannot go on after.
#[derive(Debug, thiserror::Error)]
pub enum SimulationError {
    /// The records.
    #[error(transparent)]
    Records(#[from] records::RecordsError),
    /// The schedule.
    #[error(transparent)]
    Desk(#[from] desk::DeskError),
    /// Reminders and the list.
    #[error(transparent)]
    Outreach(#[from] outreach::OutreachError),
    /// The CRM's connector.
    #[error(transparent)]
    Connections(#[from] connections::ConnectionError),
    /// The clinic never opens in that month.
    #[error(
        "{clinic} is closed from {from} on for {days} days: nobody could come; choose other days, or open the clinic"
    )]
    Closed {
        /// The clinic.
        clinic: String,
        /// The first day.
        from: Date,
        /// How many.
        days: u16,
    },
    /// A day outside the calendar.
    #[error("{0} is outside the calendar; choose a day between the years 1970 and 9000")]
    Calendar(Date),
}

/// The result of what can fail here.
pub type Result<T> = std::result::Result<T, SimulationError>;

/// Lets a month happen in the database at `place`. `progress` is told how many of its days are over, and how many there are.
///
/// # Errors
/// Those of [`SimulationError`]; what the program did wrong is in the report.
pub async fn run(place: &Path, month: &Month, progress: impl FnMut(u16, u16) + Send) -> Result<Report> {
    world::World::new(place, month).await?.run(progress).await
}
