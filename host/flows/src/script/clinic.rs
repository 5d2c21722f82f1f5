//! A clinic held in memory: its data, its free times, its visits.

use jiff::civil;
use serde::{Deserialize, Serialize};

use crate::host::Error;
use crate::host::appointments::{Appointment, Booking, Slot, SlotQuery, Status, Visitor};
use crate::host::clinic::{ClinicInfo, DayHours, Doctor, Service};
use crate::host::faq::Entry;
use crate::host::routing::Destination;

/// Hours of an ordinary day of the week.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Opening {
    /// `HH:MM`.
    pub opens: String,
    /// `HH:MM`.
    pub closes: String,
}

/// A clinic as data. Times are free because they stand in `slots`; hours decide only whether somebody is there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Clinic {
    /// Who the clinic is.
    pub info: ClinicInfo,
    /// Monday first; `None`: closed.
    pub week: [Option<Opening>; 7],
    /// Days that differ.
    pub exceptions: Vec<DayHours>,
    /// What it offers.
    pub services: Vec<Service>,
    /// What it does not offer.
    pub absent: Vec<String>,
    /// Who works there.
    pub doctors: Vec<Doctor>,
    /// Questions and answers.
    pub faq: Vec<Entry>,
    /// Free times.
    pub slots: Vec<Slot>,
    /// Visits.
    pub appointments: Vec<Appointment>,
    /// Names of recorded prompts.
    pub prompts: Vec<String>,
    /// Categories a call may be tagged with; empty: any.
    pub categories: Vec<String>,
    /// Named lines.
    pub lines: Vec<String>,
    /// Where somebody picks up.
    pub people: Vec<Destination>,
}

/// `YYYY-MM-DDTHH:MM`.
pub(super) fn iso(moment: civil::DateTime) -> String {
    moment.strftime("%Y-%m-%dT%H:%M").to_string()
}

pub(super) fn moment(text: &str) -> Result<civil::DateTime, Error> {
    text.parse().map_err(|_| Error::other("bad-moment", format!("“{text}” is not a moment like 2026-11-24T16:30")))
}

fn date(text: &str) -> Result<civil::Date, Error> {
    text.parse().map_err(|_| Error::other("bad-date", format!("“{text}” is not a date like 2026-11-24")))
}

fn time(text: &str) -> Result<civil::Time, Error> {
    text.parse().map_err(|_| Error::other("bad-time", format!("“{text}” is not a time like 16:30")))
}

impl Clinic {
    pub(super) fn hours_on(&self, text: &str) -> Result<DayHours, Error> {
        let day = date(text)?;
        if let Some(exception) = self.exceptions.iter().find(|exception| exception.date == text) {
            return Ok(exception.clone());
        }
        let opening = &self.week[day.weekday().to_monday_zero_offset() as usize];
        let (opens, closes) = opening.as_ref().map(|day| (day.opens.clone(), day.closes.clone())).unwrap_or_default();
        Ok(DayHours { date: text.to_owned(), open: opening.is_some(), opens, closes, note: String::new() })
    }

    pub(super) fn is_open_at(&self, now: civil::DateTime) -> bool {
        let time = now.strftime("%H:%M").to_string();
        self.hours_on(&now.date().to_string()).is_ok_and(|day| day.open && day.opens <= time && time < day.closes)
    }

    pub(super) fn free(&self, query: &SlotQuery, now: civil::DateTime) -> Result<Vec<Slot>, Error> {
        let known_service = |id: &String| self.services.iter().any(|service| &service.id == id);
        if let Some(id) = query.service.as_ref().filter(|id| !known_service(id)) {
            return Err(Error::other("unknown-service", format!("the clinic has no service `{id}`")));
        }
        let known_doctor = |id: &String| self.doctors.iter().any(|doctor| &doctor.id == id);
        if let Some(id) = query.doctor.as_ref().filter(|id| !known_doctor(id)) {
            return Err(Error::other("unknown-doctor", format!("the clinic has no doctor `{id}`")));
        }
        let from = query.date_from.as_deref().map(date).transpose()?;
        let to = query.date_to.as_deref().map(date).transpose()?;
        let earliest = query.time_from.as_deref().map(time).transpose()?;
        let latest = query.time_to.as_deref().map(time).transpose()?;
        let mut found = Vec::new();
        for slot in &self.slots {
            let start = moment(&slot.start)?;
            let fits = start > now
                && query.service.as_ref().is_none_or(|id| *id == slot.service_id)
                && query.doctor.as_ref().is_none_or(|id| *id == slot.doctor_id)
                && from.is_none_or(|from| start.date() >= from)
                && to.is_none_or(|to| start.date() <= to)
                && earliest.is_none_or(|earliest| start.time() >= earliest)
                && latest.is_none_or(|latest| start.time() <= latest);
            if fits {
                found.push((start, slot.clone()));
            }
        }
        found.sort_by_key(|(start, _)| *start);
        let limit = if query.limit == 0 { 3 } else { query.limit as usize };
        Ok(found.into_iter().take(limit).map(|(_, slot)| slot).collect())
    }

    pub(super) fn take(&mut self, slot_id: &str, visitor: Visitor) -> Result<Booking, Error> {
        let Some(slot) = self.take_slot(slot_id) else { return Ok(Booking::Taken) };
        let id = format!("visit-{}", self.appointments.len() + 1);
        let visit = Appointment { id, slot, visitor, status: Status::Booked };
        self.appointments.push(visit.clone());
        Ok(Booking::Booked(visit))
    }

    pub(super) fn move_to(&mut self, appointment_id: &str, slot_id: &str) -> Result<Booking, Error> {
        self.live(appointment_id)?;
        let Some(slot) = self.take_slot(slot_id) else { return Ok(Booking::Taken) };
        let visit = self.live(appointment_id)?;
        let old = std::mem::replace(&mut visit.slot, slot);
        let moved = visit.clone();
        self.slots.push(old);
        Ok(Booking::Booked(moved))
    }

    pub(super) fn call_off(&mut self, appointment_id: &str) -> Result<(), Error> {
        let visit = self.live(appointment_id)?;
        visit.status = Status::Cancelled;
        let free = visit.slot.clone();
        self.slots.push(free);
        Ok(())
    }

    pub(super) fn coming(&self, phone: &str, now: civil::DateTime) -> Vec<Appointment> {
        let coming = |visit: &&Appointment| {
            visit.visitor.phone == phone
                && matches!(visit.status, Status::Booked | Status::Confirmed)
                && moment(&visit.slot.start).is_ok_and(|start| start > now)
        };
        let mut visits: Vec<_> = self.appointments.iter().filter(coming).cloned().collect();
        visits.sort_by(|a, b| a.slot.start.cmp(&b.slot.start));
        visits
    }

    fn take_slot(&mut self, id: &str) -> Option<Slot> {
        let place = self.slots.iter().position(|slot| slot.id == id)?;
        Some(self.slots.remove(place))
    }

    fn live(&mut self, id: &str) -> Result<&mut Appointment, Error> {
        self.appointments
            .iter_mut()
            .find(|visit| visit.id == id && matches!(visit.status, Status::Booked | Status::Confirmed))
            .ok_or_else(|| Error::other("unknown-appointment", format!("there is no coming visit `{id}`")))
    }
}
