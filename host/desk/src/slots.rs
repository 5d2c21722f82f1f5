//! Free times, as a pure function of the clinic, what is booked, the wish and the clock.
//!
//! A time is free when the doctor works there and the place is open for the whole visit, sees such animals, has visits left
//! that day, nothing booked overlaps the visit with its buffer, one of everything it needs is left, and it is not in the
//! past. Times start on a grid of `slot_step` minutes from the beginning of each span. Booking asks the same function.

use jiff::civil::{Date, DateTime, Time};
use jiff::{Timestamp, Zoned};
use records::{Busy, Pii};
use serde::Serialize;

use crate::calendar::Calendar;
use crate::clinic::{Branch, Clinic};
use crate::error::DeskError;
use crate::search::{Found, Offer, Search};

/// What to look for; every `None` is open.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SlotQuery {
    /// Service id or name. Open = the first bookable service of each doctor.
    pub service: Option<String>,
    /// Doctor id.
    pub doctor: Option<String>,
    /// First day, included; open = today.
    pub date_from: Option<Date>,
    /// Last day, included; open = the clinic's horizon. Never later than that.
    pub date_to: Option<Date>,
    /// Earliest start within a day.
    pub time_from: Option<Time>,
    /// Latest start within a day, included.
    pub time_to: Option<Time>,
    /// At most so many; 0 = 3.
    pub limit: u32,
    /// Any doctor of a speciality, for example `терапевт`.
    pub speciality: Option<String>,
    /// Branch id or name.
    pub branch: Option<String>,
    /// Kind of animal, in any word for it. Doctors who do not see such animals are left out.
    pub species: Option<String>,
    /// For somebody who was never here: first visits may be longer.
    pub first_visit: bool,
    /// Every time once, even if several doctors have it.
    pub each_time_once: bool,
    /// Who asks, so that [`crate::Desk::find`] knows whether it is a first visit; may be empty.
    pub phone: Pii,
    /// With which animal; may be empty. The kind is taken from it when `species` is open.
    pub animal: Pii,
}

/// A free time. It is not held: booking decides.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Slot {
    /// `doctor|service|instant in UTC`: all the desk needs to know to book it.
    pub id: String,
    /// On the clinic's wall clock.
    pub start: Zoned,
    /// Length of the visit.
    pub minutes: u32,
    /// Doctor id.
    pub doctor_id: String,
    /// Surname first.
    pub doctor_name: String,
    /// Service id.
    pub service_id: String,
    /// As callers say it.
    pub service_name: String,
    /// Branch id; empty where the clinic has one place.
    pub branch_id: String,
    /// As callers say it; empty where the clinic has one place.
    pub branch_name: String,
}

impl Slot {
    /// The start without its zone.
    pub fn start_local(&self) -> DateTime {
        self.start.datetime()
    }

    /// The start, unix milliseconds.
    pub fn start_ms(&self) -> i64 {
        self.start.timestamp().as_millisecond()
    }

    /// The id of a doctor's time. Whether it is free, booking decides.
    pub fn id_of(doctor: &str, service: &str, start: Timestamp) -> String {
        format!("{doctor}|{service}|{}", start.strftime("%Y-%m-%dT%H:%MZ"))
    }

    pub(crate) fn new(clinic: &Clinic, offer: &Offer<'_>, branch: Option<&Branch>, start_ms: i64) -> Option<Self> {
        let start = Timestamp::from_millisecond(start_ms).ok()?;
        Some(Self {
            id: Self::id_of(&offer.doctor.id, &offer.service.id, start),
            start: start.to_zoned(clinic.zone.clone()),
            minutes: offer.minutes,
            doctor_id: offer.doctor.id.clone(),
            doctor_name: offer.doctor.name.clone(),
            service_id: offer.service.id.clone(),
            service_name: offer.service.name.clone(),
            branch_id: branch.map(|branch| branch.id.clone()).unwrap_or_default(),
            branch_name: branch.map(|branch| branch.name.clone()).unwrap_or_default(),
        })
    }
}

/// The free times that fit, earliest first. Where several doctors are free at one time, the one with fewer of the offered
/// times so far comes first, then the one with fewer bookings that day.
///
/// `busy` is what is booked, in any order; times outside the wish do no harm.
///
/// ```
/// use desk::{Clinic, SlotQuery, free_slots};
/// let text = "id = \"a\"\nname = \"А\"\nkind = \"dental\"\ntimezone = \"Europe/Moscow\"\nservices = [\"гигиена\"]";
/// let clinic = Clinic::parse(text, "a.toml").unwrap();
/// let slots = free_slots(&clinic, &[], &SlotQuery::default(), "2026-11-23T20:00:00Z".parse().unwrap()).unwrap();
/// assert_eq!(slots[0].id, "duty|gigiena|2026-11-24T06:00Z");
/// assert_eq!(slots.len(), 3);
/// ```
///
/// # Errors
/// [`DeskError::UnknownService`], [`DeskError::UnknownDoctor`], [`DeskError::UnknownBranch`],
/// [`DeskError::UnknownSpecies`].
pub fn free_slots(clinic: &Clinic, busy: &[Busy], query: &SlotQuery, now: Timestamp) -> Result<Vec<Slot>, DeskError> {
    let search = Search::new(clinic, query, now)?;
    let calendar = Calendar::new(clinic, busy);
    let mut found = Found::new(&search);
    let mut date = search.first;
    while date <= search.last && !found.is_full() {
        search.day(date, &calendar, &mut found);
        let Ok(next) = date.tomorrow() else { break };
        date = next;
    }
    Ok(found.slots)
}
