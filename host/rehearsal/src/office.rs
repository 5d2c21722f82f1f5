//! The desk of a rehearsed call: hours, free times and lines as the clinic file has them, bookings in memory.

use std::sync::Arc;

use desk::{DeskError, PhoneNumber, callback_due, free_slots};
use flows::host::Error;
use flows::host::appointments::{Appointment, Booking, Slot, SlotQuery, Status, Visitor};
use flows::host::callbacks::Callback;
use flows::host::clinic::{ClinicInfo, DayHours, Doctor, Service};
use flows::host::faq::Entry;
use flows::host::routing::{Destination, QueueState, TransferOutcome};
use flows::script::Office;
use jiff::civil::{Date, DateTime, Time};
use jiff::{Timestamp, ToSpan as _};
use lines::script::{Scene, Transfer};
use records::Busy;
use session::clinic_view;
use understanding::category::Taxonomy;

use crate::house::House;

/// One call's view of the clinic.
pub(crate) struct SceneOffice {
    house: Arc<House>,
    transfer: Option<Transfer>,
    full: bool,
    /// Attempts to book that still come too late.
    late: u32,
    wait_s: u32,
    visits: Vec<Appointment>,
}

impl SceneOffice {
    pub(crate) fn new(house: &Arc<House>, scene: &Scene, caller: Option<&str>) -> SceneOffice {
        let visits = scene.visits.iter().enumerate().filter_map(|(index, visit)| {
            let clinic = &house.clinic;
            let doctor = match &visit.doctor {
                Some(id) => clinic.doctor(id)?,
                None => clinic.doctors.first()?,
            };
            let service = match &visit.service {
                Some(id) => clinic.service(id)?,
                None => doctor.services.first().and_then(|id| clinic.service(id))?,
            };
            Some(Appointment {
                id: format!("visit-{}", index + 1),
                slot: Slot {
                    id: format!("{}|{}|{}", doctor.id, service.id, visit.start),
                    start: visit.start.strftime("%Y-%m-%dT%H:%M").to_string(),
                    minutes: doctor.visit_minutes(service),
                    doctor_id: doctor.id.clone(),
                    doctor_name: doctor.name.clone(),
                    service_id: service.id.clone(),
                    service_name: service.name.clone(),
                },
                visitor: Visitor {
                    phone: visit.phone.clone().or_else(|| caller.map(str::to_owned)).unwrap_or_default(),
                    person: visit.person.clone(),
                    animal: visit.animal.clone(),
                    reason: String::new(),
                },
                status: Status::Booked,
            })
        });
        SceneOffice {
            visits: visits.collect(),
            house: Arc::clone(house),
            transfer: scene.transfer,
            full: scene.full,
            late: scene.taken,
            wait_s: scene.wait_s,
        }
    }

    fn instant(&self, now: DateTime) -> Timestamp {
        let zone = &self.house.clinic.zone;
        zone.to_ambiguous_timestamp(now).compatible().unwrap_or(Timestamp::UNIX_EPOCH)
    }

    fn busy(&self) -> Vec<Busy> {
        let live = self.visits.iter().filter(|visit| live(visit));
        live.filter_map(|visit| {
            let start = self.instant(visit.slot.start.parse().ok()?);
            let end = start.checked_add(i64::from(visit.slot.minutes).minutes()).ok()?;
            let (start_ms, end_ms) = (start.as_millisecond(), end.as_millisecond());
            Some(Busy { doctor: visit.slot.doctor_id.clone(), start_ms, end_ms, ..Busy::default() })
        })
        .collect()
    }

    fn free(&self, busy: &[Busy], query: &desk::SlotQuery, now: DateTime) -> Result<Vec<desk::Slot>, Error> {
        free_slots(&self.house.clinic, busy, query, self.instant(now)).map_err(desk_error)
    }

    /// The slot of this id, if it is free; an error if the schedule never had it.
    fn slot(&self, id: &str, now: DateTime) -> Result<Option<Slot>, Error> {
        let bad = || desk_error(DeskError::BadSlot { id: id.to_owned() });
        let mut parts = id.split('|');
        let (Some(doctor), Some(service), Some(start)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(bad());
        };
        let start: Timestamp = start.replace('Z', ":00Z").parse().map_err(|_| bad())?;
        let local = self.house.clinic.local(start);
        let query = desk::SlotQuery {
            doctor: Some(doctor.to_owned()),
            service: Some(service.to_owned()),
            date_from: Some(local.date()),
            date_to: Some(local.date()),
            time_from: Some(local.time()),
            time_to: Some(local.time()),
            limit: 1,
            ..desk::SlotQuery::default()
        };
        let of_this_id = |busy: &[Busy]| {
            let found = self.free(busy, &query, now)?;
            Ok::<_, Error>(found.iter().find(|slot| slot.id == id).map(clinic_view::slot))
        };
        if of_this_id(&[])?.is_none() {
            let why = "the schedule does not have it";
            return Err(desk_error(DeskError::NotOffered { id: id.to_owned(), why }));
        }
        of_this_id(&self.busy())
    }

    /// Somebody was quicker.
    fn too_late(&mut self) -> bool {
        let late = self.late > 0;
        self.late = self.late.saturating_sub(1);
        late
    }

    fn place(&self, id: &str) -> Result<usize, Error> {
        let place = self.visits.iter().position(|visit| visit.id == id);
        let place = place.ok_or_else(|| desk_error(DeskError::UnknownAppointment { id: id.to_owned() }))?;
        if live(&self.visits[place]) {
            return Ok(place);
        }
        let status = match self.visits[place].status {
            Status::Moved => records::Status::Moved,
            _ => records::Status::Cancelled,
        };
        Err(desk_error(DeskError::Closed { id: id.to_owned(), status }))
    }

    fn add(&mut self, slot: Slot, visitor: Visitor) -> Booking {
        let id = format!("visit-{}", self.visits.len() + 1);
        let visit = Appointment { id, slot, visitor, status: Status::Booked };
        self.visits.push(visit.clone());
        Booking::Booked(visit)
    }
}

impl Office for SceneOffice {
    fn info(&self) -> ClinicInfo {
        self.house.info.clone()
    }

    fn hours(&self, date: &str) -> Result<DayHours, Error> {
        Ok(clinic_view::hours(&self.house.clinic, argument("date", date, "a day such as 2026-11-24")?))
    }

    fn is_open(&self, now: DateTime) -> bool {
        self.house.clinic.is_open(self.instant(now))
    }

    fn services(&self) -> Vec<Service> {
        self.house.services.clone()
    }

    fn absent(&self) -> Vec<String> {
        self.house.clinic.absent.clone()
    }

    fn doctors(&self) -> Vec<Doctor> {
        self.house.doctors.clone()
    }

    fn faq(&self) -> &[Entry] {
        &self.house.faq
    }

    fn has_prompt(&self, name: &str) -> bool {
        let recorded = |folder: &std::path::PathBuf| folder.join(format!("{name}.wav")).is_file();
        self.house.clinic.prompts.as_ref().is_some_and(recorded)
    }

    fn find(&self, query: &SlotQuery, now: DateTime) -> Result<Vec<Slot>, Error> {
        let day = |name, text: &Option<String>| {
            text.as_deref().map(|text| argument::<Date>(name, text, "a day such as 2026-11-24")).transpose()
        };
        let time = |name, text: &Option<String>| {
            text.as_deref().map(|text| argument::<Time>(name, text, "a time such as 16:30")).transpose()
        };
        let query = desk::SlotQuery {
            service: query.service.clone(),
            doctor: query.doctor.clone(),
            date_from: day("date-from", &query.date_from)?,
            date_to: day("date-to", &query.date_to)?,
            time_from: time("time-from", &query.time_from)?,
            time_to: time("time-to", &query.time_to)?,
            limit: query.limit,
            ..desk::SlotQuery::default()
        };
        let found = self.free(&self.busy(), &query, now)?;
        Ok(if self.full { Vec::new() } else { found.iter().map(clinic_view::slot).collect() })
    }

    fn book(&mut self, slot_id: &str, mut visitor: Visitor, now: DateTime) -> Result<Booking, Error> {
        let slot = self.slot(slot_id, now)?;
        visitor.phone = phone(&visitor.phone)?;
        match slot {
            Some(slot) if !self.too_late() => Ok(self.add(slot, visitor)),
            _ => Ok(Booking::Taken),
        }
    }

    fn reschedule(&mut self, id: &str, slot_id: &str, now: DateTime) -> Result<Booking, Error> {
        let place = self.place(id)?;
        match self.slot(slot_id, now)? {
            Some(slot) if !self.too_late() => {
                self.visits[place].status = Status::Moved;
                let visitor = self.visits[place].visitor.clone();
                Ok(self.add(slot, visitor))
            }
            _ => Ok(Booking::Taken),
        }
    }

    fn cancel(&mut self, id: &str) -> Result<(), Error> {
        let place = self.place(id)?;
        self.visits[place].status = Status::Cancelled;
        Ok(())
    }

    fn mine(&self, text: &str, now: DateTime) -> Result<Vec<Appointment>, Error> {
        let phone = phone(text)?;
        let going_on = |visit: &&Appointment| {
            let start: Option<DateTime> = visit.slot.start.parse().ok();
            start.and_then(|start| start.checked_add(i64::from(visit.slot.minutes).minutes()).ok()) > Some(now)
        };
        let own = self.visits.iter().filter(|visit| visit.visitor.phone == phone && live(visit)).filter(going_on);
        let mut own: Vec<Appointment> = own.cloned().collect();
        own.sort_by(|a, b| a.slot.start.cmp(&b.slot.start));
        Ok(own)
    }

    fn visits(&self) -> &[Appointment] {
        &self.visits
    }

    fn due(&self, callback: &Callback, now: DateTime) -> Result<DateTime, Error> {
        phone(&callback.phone)?;
        let at = callback.at.as_deref();
        let at = at.map(|text| argument("at", text, "a moment such as 2026-11-24T16:30")).transpose()?;
        let clinic = &self.house.clinic;
        Ok(clinic.local(callback_due(clinic, at, self.instant(now))))
    }

    /// As in a live call: somebody answers where the clinic has written a line down, at the desk in opening hours.
    fn transfer(&mut self, to: &Destination, now: DateTime) -> Result<TransferOutcome, Error> {
        let name = line_name(to);
        let there = self.house.clinic.lines.contains_key(name) && (name != "operator" || self.is_open(now));
        Ok(match self.transfer {
            Some(Transfer::Refused) => TransferOutcome::Refused("занято".into()),
            Some(Transfer::Connected) => TransferOutcome::Connected,
            None if there => TransferOutcome::Connected,
            Some(Transfer::Nobody) | None => TransferOutcome::Nobody,
        })
    }

    fn queue(&self, to: &Destination, now: DateTime) -> Result<QueueState, Error> {
        let name = line_name(to);
        if !self.house.clinic.lines.contains_key(name) {
            let message = format!("the clinic file has no line `{name}` under [lines]");
            return Err(Error::other("unknown-line", message));
        }
        let open = match self.transfer {
            Some(transfer) => transfer == Transfer::Connected,
            None => self.is_open(now),
        };
        Ok(QueueState { open, waiting: 0, expected_wait_s: self.wait_s })
    }

    fn check_category(&self, category: &str) -> Result<(), Error> {
        let taxonomy = Taxonomy::embedded();
        if taxonomy.get(category).is_some() {
            return Ok(());
        }
        let known: Vec<&str> = taxonomy.categories.iter().map(|category| category.id.as_str()).collect();
        let message = format!("`{category}` is no category; known are {}", known.join(", "));
        Err(Error::other("unknown-category", message))
    }
}

/// The name of a destination under `[lines]` in the clinic file.
pub(crate) fn line_name(to: &Destination) -> &str {
    match to {
        Destination::Operator => "operator",
        Destination::Doctor => "doctor",
        Destination::Ward => "ward",
        Destination::Results => "results",
        Destination::Line(name) => name,
    }
}

fn live(visit: &Appointment) -> bool {
    matches!(visit.status, Status::Booked | Status::Confirmed)
}

fn phone(text: &str) -> Result<String, Error> {
    match PhoneNumber::parse(text) {
        Some(number) => Ok(number.as_str().to_owned()),
        None => Err(desk_error(DeskError::BadPhone)),
    }
}

fn argument<T: std::str::FromStr>(name: &str, text: &str, expected: &str) -> Result<T, Error> {
    text.parse().map_err(|_| Error::other("bad-argument", format!("{name} is `{text}`; give {expected}")))
}

fn desk_error(error: DeskError) -> Error {
    Error::other(error.code(), error.to_string())
}
