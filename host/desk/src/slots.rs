//! Free times, as a pure function of the clinic, what is booked, the wish and the clock.
//!
//! A time is free when the doctor works and the clinic is open for the whole visit, nothing that is booked overlaps it, and
//! it is not in the past. Times start on a grid of `slot_step` minutes from the beginning of each span.

use std::collections::HashMap;

use jiff::civil::{Date, DateTime, Time};
use jiff::{Timestamp, ToSpan as _, Zoned};
use records::Busy;
use serde::Serialize;

use crate::clinic::{Clinic, Doctor, Service};
use crate::error::DeskError;
use crate::hours::{Minute, Span, intersect};

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

    pub(crate) fn new(clinic: &Clinic, doctor: &Doctor, service: &Service, start_ms: i64) -> Option<Self> {
        let start = Timestamp::from_millisecond(start_ms).ok()?;
        Some(Self {
            id: format!("{}|{}|{}", doctor.id, service.id, start.strftime("%Y-%m-%dT%H:%MZ")),
            start: start.to_zoned(clinic.zone.clone()),
            minutes: doctor.visit_minutes(service),
            doctor_id: doctor.id.clone(),
            doctor_name: doctor.name.clone(),
            service_id: service.id.clone(),
            service_name: service.name.clone(),
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
/// [`DeskError::UnknownService`], [`DeskError::UnknownDoctor`].
pub fn free_slots(clinic: &Clinic, busy: &[Busy], query: &SlotQuery, now: Timestamp) -> Result<Vec<Slot>, DeskError> {
    let search = Search::new(clinic, query, now)?;
    let calendar = Calendar::new(busy);
    let mut found = Vec::new();
    let mut date = search.first;
    while date <= search.last && found.len() < search.limit {
        search.day(date, &calendar, &mut found);
        let Ok(next) = date.tomorrow() else { break };
        date = next;
    }
    Ok(found)
}

/// What is booked, by doctor and in order. Bookings of a doctor do not overlap.
pub(crate) struct Calendar<'a> {
    doctors: HashMap<&'a str, Vec<(i64, i64)>>,
}

impl<'a> Calendar<'a> {
    pub(crate) fn new(busy: &'a [Busy]) -> Self {
        let mut doctors: HashMap<&str, Vec<(i64, i64)>> = HashMap::new();
        for busy in busy {
            doctors.entry(&busy.doctor).or_default().push((busy.start_ms, busy.end_ms));
        }
        doctors.values_mut().for_each(|busy| busy.sort_unstable());
        Self { doctors }
    }

    /// A doctor's bookings that touch a stretch of time.
    fn of(&self, doctor: &str, from_ms: i64, to_ms: i64) -> &[(i64, i64)] {
        let Some(busy) = self.doctors.get(doctor) else { return &[] };
        let first = busy.partition_point(|(_, ends)| *ends <= from_ms);
        let last = busy.partition_point(|(starts, _)| *starts < to_ms);
        busy.get(first..last).unwrap_or_default()
    }
}

/// A query, checked and completed.
pub(crate) struct Search<'a> {
    clinic: &'a Clinic,
    pairs: Vec<(&'a Doctor, &'a Service)>,
    pub(crate) first: Date,
    pub(crate) last: Date,
    from: Minute,
    to: Minute,
    pub(crate) limit: usize,
    now_ms: i64,
}

impl<'a> Search<'a> {
    pub(crate) fn new(clinic: &'a Clinic, query: &SlotQuery, now: Timestamp) -> Result<Self, DeskError> {
        let service = query.service.as_deref().map(|id| find_service(clinic, id)).transpose()?;
        let doctor = query.doctor.as_deref().map(|id| find_doctor(clinic, id)).transpose()?;
        let today = clinic.local(now).date();
        let horizon = today.checked_add(i64::from(clinic.horizon_days).days()).unwrap_or(Date::MAX);
        let pairs = clinic
            .doctors
            .iter()
            .filter(|candidate| doctor.is_none_or(|wanted| wanted.id == candidate.id))
            .filter_map(|doctor| Some((doctor, service_of(clinic, doctor, service)?)))
            .collect();
        Ok(Self {
            clinic,
            pairs,
            first: query.date_from.unwrap_or(today).max(today),
            last: query.date_to.unwrap_or(horizon).min(horizon),
            from: query.time_from.map_or(Minute::START, Minute::from),
            to: query.time_to.map_or(Minute::END, Minute::from),
            limit: if query.limit == 0 { 3 } else { query.limit as usize },
            now_ms: now.as_millisecond(),
        })
    }

    /// Adds the free times of one day.
    pub(crate) fn day(&self, date: Date, calendar: &Calendar, found: &mut Vec<Slot>) {
        let clinic_spans = self.clinic.hours(date).spans;
        let (Some(starts), Some(ends)) =
            (self.clinic.instant(date, Minute::START), self.clinic.instant(date, Minute::END))
        else {
            return;
        };
        let (starts, ends) = (starts.as_millisecond(), ends.as_millisecond());
        // On the two days a year with a clock change, minutes are looked up one by one; else they are arithmetic.
        let plain = ends - starts == 24 * 60 * MINUTE_MS;
        let instant = |minute: Minute| match plain {
            true => Some(starts + i64::from(minute.get()) * MINUTE_MS),
            false => {
                let instant = self.clinic.instant(date, minute)?;
                // A minute that the change skips does not exist that day.
                (Minute::from(self.clinic.local(instant).time()) == minute || minute == Minute::END)
                    .then(|| instant.as_millisecond())
            }
        };
        let mut free: Vec<(i64, usize)> = Vec::new();
        for (n, (doctor, service)) in self.pairs.iter().enumerate() {
            let spans = match doctor.spans(date) {
                Some(spans) => intersect(spans, &clinic_spans),
                None => clinic_spans.clone(),
            };
            let length = i64::from(doctor.visit_minutes(service)) * MINUTE_MS;
            let mut busy = calendar.of(&doctor.id, starts, ends);
            for span in spans {
                let Some(closes) = instant(span.closes) else { continue };
                for start in self.grid(span).filter_map(instant) {
                    // Starts come in order: what has ended by this one is over for all that follow.
                    while busy.first().is_some_and(|(_, ends)| *ends <= start) {
                        busy = &busy[1..];
                    }
                    let taken = busy.first().is_some_and(|(starts, _)| *starts < start + length);
                    if start >= self.now_ms && start + length <= closes && !taken {
                        free.push((start, n));
                    }
                }
            }
        }
        let loads = |n: usize| calendar.of(&self.pairs[n].0.id, starts, ends).len();
        self.choose(free, loads, found);
    }

    /// The minutes of a span at which a visit may start.
    fn grid(&self, span: Span) -> impl Iterator<Item = Minute> {
        let step = usize::try_from(self.clinic.slot_step.max(1)).unwrap_or(30);
        let (from, to) = (self.from, self.to);
        (span.opens.get()..span.closes.get())
            .step_by(step)
            .filter_map(Minute::new)
            .filter(move |minute| from <= *minute && *minute <= to)
    }

    fn choose(&self, mut free: Vec<(i64, usize)>, load: impl Fn(usize) -> usize, found: &mut Vec<Slot>) {
        free.sort_unstable();
        let mut offered = vec![0usize; self.pairs.len()];
        for slot in found.iter() {
            if let Some(n) = self.pairs.iter().position(|(doctor, _)| doctor.id == slot.doctor_id) {
                offered[n] += 1;
            }
        }
        for same_time in free.chunk_by(|a, b| a.0 == b.0) {
            let mut doctors: Vec<usize> = same_time.iter().map(|(_, n)| *n).collect();
            doctors.sort_by_key(|n| (offered[*n], load(*n), *n));
            for n in doctors {
                if found.len() == self.limit {
                    return;
                }
                let (doctor, service) = self.pairs[n];
                if let Some(slot) = Slot::new(self.clinic, doctor, service, same_time[0].0) {
                    offered[n] += 1;
                    found.push(slot);
                }
            }
        }
    }
}

const MINUTE_MS: i64 = 60_000;

fn service_of<'a>(clinic: &'a Clinic, doctor: &Doctor, wanted: Option<&'a Service>) -> Option<&'a Service> {
    let gives = |service: &Service| service.bookable && service.doctors.contains(&doctor.id);
    match wanted {
        Some(service) => gives(service).then_some(service),
        None => clinic.services.iter().find(|service| gives(service)),
    }
}

pub(crate) fn find_service<'a>(clinic: &'a Clinic, id: &str) -> Result<&'a Service, DeskError> {
    clinic.service(id).ok_or_else(|| DeskError::UnknownService {
        id: id.to_owned(),
        known: clinic.services.iter().map(|service| service.id.as_str()).collect::<Vec<_>>().join(", "),
    })
}

pub(crate) fn find_doctor<'a>(clinic: &'a Clinic, id: &str) -> Result<&'a Doctor, DeskError> {
    clinic.doctor(id).ok_or_else(|| DeskError::UnknownDoctor {
        id: id.to_owned(),
        known: clinic.doctors.iter().map(|doctor| doctor.id.as_str()).collect::<Vec<_>>().join(", "),
    })
}
