//! The desk: finding, booking, moving and cancelling visits.

use std::sync::Arc;

use jiff::{Timestamp, ToSpan as _};
use records::{BookOutcome, BookingRecord, Change, NewTime, Pii, RecordsError, Status, Store};
use serde::Serialize;

use crate::clinic::{Clinic, Doctor, Service};
use crate::error::DeskError;
use crate::hours::{Minute, intersect};
use crate::phone::PhoneNumber;
use crate::slots::{Calendar, Search, Slot, SlotQuery, find_doctor, find_service};

/// One clinic's desk. Cheap to clone.
///
/// ```
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// # let folder = tempfile::tempdir()?;
/// # let text = "id = \"a\"\nname = \"А\"\nkind = \"dental\"\ntimezone = \"Europe/Moscow\"\nservices = [\"гигиена\"]";
/// # let clinic = desk::Clinic::parse(text, "a.toml")?;
/// # let path = folder.path().join("gudok.db");
/// use desk::{Booking, Desk, SlotQuery, Visitor};
///
/// let desk = Desk::new(clinic.into(), records::Store::open(path).await?);
/// let now: jiff::Timestamp = "2026-11-23T06:10:00Z".parse()?;
/// let slots = desk.find(&SlotQuery { service: Some("гигиена".into()), ..SlotQuery::default() }, now).await?;
/// assert_eq!(slots[0].start_local().to_string(), "2026-11-23T09:30:00");
///
/// let visitor = Visitor { phone: "8 903 123-45-67".into(), person: "Анна".into(), ..Visitor::default() };
/// assert!(matches!(desk.book(&slots[0].id, &visitor, None, now).await?, Booking::Booked(_)));
/// assert_eq!(desk.book(&slots[0].id, &visitor, None, now).await?, Booking::Taken);
/// # Ok(())
/// # }
/// # tokio::runtime::Runtime::new().unwrap().block_on(example()).unwrap();
/// ```
#[derive(Debug, Clone)]
pub struct Desk {
    pub(crate) clinic: Arc<Clinic>,
    pub(crate) store: Store,
}

/// Who comes, and why.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Visitor {
    /// As it was said or signalled; [`Desk`] brings it to E.164.
    pub phone: Pii,
    /// The person who brings the animal, or the patient.
    pub person: Pii,
    /// Nickname and kind of the animal; empty in human medicine.
    pub animal: Pii,
    /// In the caller's words.
    pub reason: Pii,
}

/// A visit somebody holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Appointment {
    /// Id of the booking. Moving gives a new one.
    pub id: String,
    /// When, to whom, for what. Names are those of today's clinic file, or the ids where it no longer has them.
    pub slot: Slot,
    /// Who comes.
    pub visitor: Visitor,
    /// Where it stands.
    pub status: Status,
}

/// What a booking attempt came to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub enum Booking {
    /// Committed: it may be told to the caller.
    Booked(Box<Appointment>),
    /// Somebody was quicker. Look for other times.
    Taken,
}

impl Desk {
    /// A desk for the clinic, with its bookings in the store.
    pub fn new(clinic: Arc<Clinic>, store: Store) -> Self {
        Self { clinic, store }
    }

    /// The clinic.
    pub fn clinic(&self) -> &Arc<Clinic> {
        &self.clinic
    }

    /// Free times that fit, earliest first ([`crate::free_slots`]). Nothing is held.
    ///
    /// # Errors
    /// [`DeskError::UnknownService`], [`DeskError::UnknownDoctor`], [`DeskError::Records`].
    pub async fn find(&self, query: &SlotQuery, now: Timestamp) -> Result<Vec<Slot>, DeskError> {
        let search = Search::new(&self.clinic, query, now)?;
        let mut found = Vec::new();
        let mut date = search.first;
        // Most callers want something soon: bookings are read a fortnight at a time, as far as needed.
        while date <= search.last && found.len() < search.limit {
            let end = date.saturating_add(14.days()).min(search.last.saturating_add(1.day()));
            let (Some(from), Some(to)) =
                (self.clinic.instant(date, Minute::START), self.clinic.instant(end, Minute::START))
            else {
                break;
            };
            let busy = self.store.busy(&self.clinic.id, from.as_millisecond(), to.as_millisecond()).await?;
            let calendar = Calendar::new(&busy);
            while date < end && found.len() < search.limit {
                search.day(date, &calendar, &mut found);
                let Ok(next) = date.tomorrow() else { return Ok(found) };
                date = next;
            }
        }
        Ok(found)
    }

    /// Books a slot. Committed when it returns `Booked`. `call` is the id of the call it is booked in.
    ///
    /// # Errors
    /// [`DeskError::BadSlot`], [`DeskError::NotOffered`] for a time outside the schedule, whoever made the id;
    /// [`DeskError::BadPhone`]; [`DeskError::Records`].
    pub async fn book(
        &self,
        slot_id: &str,
        visitor: &Visitor,
        call: Option<&str>,
        now: Timestamp,
    ) -> Result<Booking, DeskError> {
        let slot = self.check_slot(slot_id, now)?;
        let phone = PhoneNumber::parse(visitor.phone.as_str()).ok_or(DeskError::BadPhone)?;
        let id = records::id();
        let record = BookingRecord {
            visit: id.clone(),
            id,
            clinic: self.clinic.id.clone(),
            timezone: self.clinic.timezone.clone(),
            doctor: slot.doctor_id.clone(),
            service: slot.service_id.clone(),
            start_ms: slot.start_ms(),
            end_ms: end_ms(&slot),
            status: Status::Booked,
            phone: phone.into(),
            person: visitor.person.clone(),
            animal: visitor.animal.clone(),
            reason: visitor.reason.clone(),
            call: call.map(str::to_owned),
            created_ms: now.as_millisecond(),
            updated_ms: now.as_millisecond(),
        };
        self.told(self.store.book(&record, ROBOT).await?)
    }

    /// Moves a visit to another slot: the old time is released only when the new one is taken, both in one commit. When the
    /// new one is `Taken`, the visit stays where it was.
    ///
    /// # Errors
    /// Those of [`Desk::book`], [`DeskError::UnknownAppointment`], [`DeskError::Closed`].
    pub async fn reschedule(
        &self,
        appointment_id: &str,
        slot_id: &str,
        call: Option<&str>,
        now: Timestamp,
    ) -> Result<Booking, DeskError> {
        self.own(appointment_id).await?;
        let slot = self.check_slot(slot_id, now)?;
        let to = NewTime {
            id: records::id(),
            doctor: slot.doctor_id.clone(),
            service: slot.service_id.clone(),
            start_ms: slot.start_ms(),
            end_ms: end_ms(&slot),
        };
        let moved = self.store.move_booking(appointment_id, &to, &change(now, "", call)).await;
        self.told(moved.map_err(|error| closed(error, appointment_id))?)
    }

    /// Calls a visit off; twice is no error. `reason` in the caller's words, may be empty.
    ///
    /// # Errors
    /// [`DeskError::UnknownAppointment`], [`DeskError::Closed`], [`DeskError::Records`].
    pub async fn cancel(
        &self,
        appointment_id: &str,
        reason: &str,
        call: Option<&str>,
        now: Timestamp,
    ) -> Result<(), DeskError> {
        self.own(appointment_id).await?;
        let cancelled = self.store.cancel(appointment_id, &change(now, reason, call)).await;
        cancelled.map(|_| ()).map_err(|error| closed(error, appointment_id))
    }

    /// Coming visits under a phone number in any spelling, earliest first; one that is going on counts.
    ///
    /// # Errors
    /// [`DeskError::BadPhone`], [`DeskError::Records`].
    pub async fn mine(&self, phone: &str, now: Timestamp) -> Result<Vec<Appointment>, DeskError> {
        let phone = PhoneNumber::parse(phone).ok_or(DeskError::BadPhone)?;
        let records = self.store.bookings_by_phone(&self.clinic.id, phone.as_str(), now.as_millisecond()).await?;
        let open = records.into_iter().filter(|record| record.status != Status::Done);
        Ok(open.filter_map(|record| self.appointment(record)).collect())
    }

    /// A slot id is a wish from outside: it counts only if the schedule says so now.
    fn check_slot(&self, id: &str, now: Timestamp) -> Result<Slot, DeskError> {
        let (doctor, service, start) = self.read_slot(id)?;
        let refuse = |why| Err(DeskError::NotOffered { id: id.to_owned(), why });
        if !service.bookable || !service.doctors.contains(&doctor.id) {
            return refuse("the doctor does not give this service");
        }
        if start < now {
            return refuse("it is in the past");
        }
        let local = self.clinic.local(start);
        let date = local.date();
        let today = self.clinic.local(now).date();
        if date > today.saturating_add(i64::from(self.clinic.horizon_days).days()) {
            return refuse("it is further ahead than the schedule is open");
        }
        let open = self.clinic.hours(date).spans;
        let spans = doctor.spans(date).map_or(open.clone(), |spans| intersect(spans, &open));
        let minute = Minute::from(local.time());
        let minutes = i64::from(doctor.visit_minutes(service));
        let Some(span) = spans.into_iter().find(|span| span.contains(minute)) else {
            return refuse("the doctor does not work then");
        };
        let closes = self.clinic.instant(date, span.closes);
        if closes.is_none_or(|closes| start + minutes.minutes() > closes) {
            return refuse("the visit would not end in time");
        }
        let step = u16::try_from(self.clinic.slot_step).unwrap_or(30).max(1);
        if (minute.get() - span.opens.get()) % step != 0 || local.second() != 0 {
            return refuse("visits do not start at that minute");
        }
        let slot = Slot::new(&self.clinic, doctor, service, start.as_millisecond());
        slot.ok_or_else(|| DeskError::BadSlot { id: id.to_owned() })
    }

    fn read_slot(&self, id: &str) -> Result<(&Doctor, &Service, Timestamp), DeskError> {
        let bad = || DeskError::BadSlot { id: id.to_owned() };
        let mut parts = id.split('|');
        let (Some(doctor), Some(service), Some(start), None) = (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(bad());
        };
        // Only the one spelling that was given out.
        let start: Timestamp = start
            .strip_suffix('Z')
            .filter(|text| text.len() == 16)
            .ok_or_else(bad)?
            .parse::<jiff::civil::DateTime>()
            .ok()
            .and_then(|utc| jiff::tz::TimeZone::UTC.to_timestamp(utc).ok())
            .ok_or_else(bad)?;
        Ok((find_doctor(&self.clinic, doctor)?, find_service(&self.clinic, service)?, start))
    }

    /// Another clinic's appointment does not exist here.
    async fn own(&self, id: &str) -> Result<(), DeskError> {
        let unknown = || DeskError::UnknownAppointment { id: id.to_owned() };
        match self.store.booking(id).await {
            Ok(record) if record.clinic == self.clinic.id => Ok(()),
            Ok(_) | Err(RecordsError::NotFound { .. }) => Err(unknown()),
            Err(error) => Err(error.into()),
        }
    }

    fn told(&self, outcome: BookOutcome) -> Result<Booking, DeskError> {
        match outcome {
            BookOutcome::Taken => Ok(Booking::Taken),
            BookOutcome::Booked(record) => {
                let id = record.id.clone();
                let appointment = self.appointment(*record).ok_or(DeskError::BadSlot { id })?;
                Ok(Booking::Booked(Box::new(appointment)))
            }
        }
    }

    /// None only for a start outside the calendar.
    fn appointment(&self, record: BookingRecord) -> Option<Appointment> {
        let start = Timestamp::from_millisecond(record.start_ms).ok()?;
        let doctor_name = self.clinic.doctor(&record.doctor).map(|doctor| doctor.name.clone());
        let service_name = self.clinic.service(&record.service).map(|service| service.name.clone());
        let slot = Slot {
            id: format!("{}|{}|{}", record.doctor, record.service, start.strftime("%Y-%m-%dT%H:%MZ")),
            start: start.to_zoned(self.clinic.zone.clone()),
            minutes: u32::try_from((record.end_ms - record.start_ms) / 60_000).ok()?,
            doctor_name: doctor_name.unwrap_or_else(|| record.doctor.clone()),
            doctor_id: record.doctor,
            service_name: service_name.unwrap_or_else(|| record.service.clone()),
            service_id: record.service,
        };
        let visitor =
            Visitor { phone: record.phone, person: record.person, animal: record.animal, reason: record.reason };
        Some(Appointment { id: record.id, slot, visitor, status: record.status })
    }
}

/// Who changes bookings through a flow.
const ROBOT: &str = "robot";

fn end_ms(slot: &Slot) -> i64 {
    slot.start_ms() + i64::from(slot.minutes) * 60_000
}

fn change(now: Timestamp, reason: &str, call: Option<&str>) -> Change {
    Change { at_ms: now.as_millisecond(), by: ROBOT.to_owned(), reason: reason.into(), call: call.map(str::to_owned) }
}

fn closed(error: RecordsError, id: &str) -> DeskError {
    match error {
        RecordsError::WrongStatus { from, .. } => DeskError::Closed { id: id.to_owned(), status: from },
        other => other.into(),
    }
}
