//! The desk: finding, booking, moving and cancelling visits.

use std::sync::Arc;

use jiff::{Timestamp, ToSpan as _};
use records::{
    BookOutcome, BookingRecord, Change, Claims, NewTime, Pii, ROBOT, RecordsError, Status, Store, same_animal,
};
use serde::Serialize;

use crate::calendar::Calendar;
use crate::clinic::{Clinic, Doctor, Service};
use crate::error::DeskError;
use crate::hours::Minute;
use crate::owner::Owner;
use crate::phone::PhoneNumber;
use crate::search::{Found, Offer, Search, find_doctor, find_service};
use crate::slots::{Slot, SlotQuery};

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
    /// The system that owns the schedule; none = this one does.
    pub(crate) owner: Option<Arc<dyn Owner>>,
}

/// Who does something at the desk, when, and in which call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hand<'a> {
    /// [`ROBOT`], or a user's name.
    pub by: &'a str,
    /// Id of the call, if it is in one.
    pub call: Option<&'a str>,
    /// Now.
    pub now: Timestamp,
}

impl<'a> Hand<'a> {
    /// A flow, or a timer.
    pub fn robot(call: Option<&'a str>, now: Timestamp) -> Self {
        Self { by: ROBOT, call, now }
    }

    /// A person at the clinic.
    pub fn person(name: &'a str, now: Timestamp) -> Self {
        Self { by: name, call: None, now }
    }

    pub(crate) fn change(self, why: &Why) -> Change {
        Change {
            at_ms: self.now.as_millisecond(),
            by: self.by.to_owned(),
            reason: why.words.clone(),
            call: self.call.map(str::to_owned),
            reason_code: why.code.clone(),
        }
    }
}

/// Why a visit is called off, missed or moved.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Why {
    /// A word of the clinic's list ([`Clinic::lost_reasons`]).
    #[serde(default, rename = "reason_code")]
    pub code: Option<String>,
    /// In anybody's own words; may be empty.
    #[serde(default, rename = "reason")]
    pub words: Pii,
}

impl From<&str> for Why {
    fn from(words: &str) -> Self {
        Self { code: None, words: words.into() }
    }
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
    /// The same however often it is moved: the subject of its events.
    pub visit: String,
    /// Kind of animal; empty when not known.
    pub species: String,
    /// Nobody came from this number before.
    pub first_visit: Option<bool>,
    /// This animal never came before.
    pub first_for_animal: Option<bool>,
    /// Why it was lost.
    pub reason_code: Option<String>,
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
        Self { clinic, store, owner: None }
    }

    /// The same where another system owns the schedule: what it has not granted was not booked.
    #[must_use]
    pub fn with_owner(self, owner: Arc<dyn Owner>) -> Self {
        Self { owner: Some(owner), ..self }
    }

    /// The clinic.
    pub fn clinic(&self) -> &Arc<Clinic> {
        &self.clinic
    }

    /// Free times that fit, earliest first ([`crate::free_slots`]). Nothing is held.
    ///
    /// # Errors
    /// [`DeskError::UnknownService`], [`DeskError::UnknownDoctor`], [`DeskError::UnknownBranch`],
    /// [`DeskError::UnknownSpecies`], [`DeskError::OwnerSilent`], [`DeskError::Records`].
    pub async fn find(&self, query: &SlotQuery, now: Timestamp) -> Result<Vec<Slot>, DeskError> {
        let first_visit = query.first_visit
            || (self.first_visits_differ() && self.is_first(query.phone.as_str(), query.animal.as_str(), now).await?);
        let query = &SlotQuery { first_visit, ..query.clone() };
        let search = Search::new(&self.clinic, query, now)?;
        if let Some(owner) = &self.owner {
            return self.find_there(owner.as_ref(), query, &search).await;
        }
        let mut found = Found::new(&search);
        let mut date = search.first;
        // Most callers want something soon: bookings are read a fortnight at a time, as far as needed.
        while date <= search.last && !found.is_full() {
            let end = date.saturating_add(14.days()).min(search.last.saturating_add(1.day()));
            // The buffer after a day's last visit lies in the next day.
            let (Some(from), Some(to)) = (
                self.clinic.instant(date, Minute::START),
                self.clinic.instant(end.saturating_add(1.day()), Minute::START),
            ) else {
                break;
            };
            let busy = self.store.busy(&self.clinic.id, from.as_millisecond(), to.as_millisecond()).await?;
            let calendar = Calendar::new(&self.clinic, &busy);
            while date < end && !found.is_full() {
                search.day(date, &calendar, &mut found);
                let Ok(next) = date.tomorrow() else { return Ok(found.slots) };
                date = next;
            }
        }
        Ok(found.slots)
    }

    /// Books a slot for a caller. Committed when it returns `Booked`. `call` is the id of the call it is booked in.
    ///
    /// # Errors
    /// Those of [`Desk::book_by`].
    pub async fn book(
        &self,
        slot_id: &str,
        visitor: &Visitor,
        call: Option<&str>,
        now: Timestamp,
    ) -> Result<Booking, DeskError> {
        self.book_by(slot_id, visitor, Hand::robot(call, now)).await
    }

    /// Books a slot. Committed, and granted by the system that owns the schedule if there is one, when it returns `Booked`.
    ///
    /// # Errors
    /// [`DeskError::BadSlot`], [`DeskError::NotOffered`] for a time outside the schedule, whoever made the id;
    /// [`DeskError::BadPhone`]; [`DeskError::Unsettled`]; [`DeskError::Records`].
    pub async fn book_by(&self, slot_id: &str, visitor: &Visitor, hand: Hand<'_>) -> Result<Booking, DeskError> {
        let phone = PhoneNumber::parse(visitor.phone.as_str());
        let first = match (&phone, self.first_visits_differ()) {
            (Some(phone), true) => self.is_first(phone.as_str(), visitor.animal.as_str(), hand.now).await?,
            _ => false,
        };
        let species = self.clinic.species(visitor.animal.as_str()).unwrap_or_default();
        let place = match self.owner {
            None => self.check_slot(slot_id, first, species, hand.now)?,
            Some(_) => self.any_slot(slot_id, first, hand.now)?,
        };
        let phone = phone.ok_or(DeskError::BadPhone)?;
        let id = records::id();
        let record = BookingRecord {
            visit: id.clone(),
            id,
            clinic: self.clinic.id.clone(),
            timezone: self.clinic.timezone.clone(),
            doctor: place.slot.doctor_id.clone(),
            service: place.slot.service_id.clone(),
            start_ms: place.slot.start_ms(),
            end_ms: place.end_ms(),
            held_until_ms: place.held_until_ms,
            species: species.to_owned(),
            branch: place.slot.branch_id.clone(),
            status: Status::Booked,
            phone: phone.into(),
            person: visitor.person.clone(),
            animal: visitor.animal.clone(),
            reason: visitor.reason.clone(),
            call: hand.call.map(str::to_owned),
            created_ms: hand.now.as_millisecond(),
            updated_ms: hand.now.as_millisecond(),
            ..BookingRecord::default()
        };
        match &self.owner {
            None => self.told(self.store.book_with(&record, &place.claims, hand.by).await?),
            Some(owner) => self.book_there(owner.as_ref(), record, &place, hand).await,
        }
    }

    /// Moves a visit to another slot for a caller.
    ///
    /// # Errors
    /// Those of [`Desk::move_by`].
    pub async fn reschedule(
        &self,
        appointment_id: &str,
        slot_id: &str,
        call: Option<&str>,
        now: Timestamp,
    ) -> Result<Booking, DeskError> {
        self.move_by(appointment_id, slot_id, &Why::default(), Hand::robot(call, now)).await
    }

    /// Moves a visit to another slot: the old time is released only when the new one is taken, both in one commit. When the
    /// new one is `Taken`, the visit stays where it was.
    ///
    /// # Errors
    /// Those of [`Desk::book_by`], [`DeskError::UnknownAppointment`], [`DeskError::Closed`],
    /// [`DeskError::UnknownReason`].
    pub async fn move_by(
        &self,
        appointment_id: &str,
        slot_id: &str,
        why: &Why,
        hand: Hand<'_>,
    ) -> Result<Booking, DeskError> {
        self.check_why(why)?;
        let old = self.own(appointment_id).await?;
        let first = old.first_for_animal.or(old.first_visit).unwrap_or(false);
        let there = self.owner.as_ref().filter(|_| old.external_id.is_some());
        let place = match there {
            None => self.check_slot(slot_id, first, &old.species, hand.now)?,
            Some(_) => self.any_slot(slot_id, first, hand.now)?,
        };
        let to = NewTime {
            id: records::id(),
            doctor: place.slot.doctor_id.clone(),
            service: place.slot.service_id.clone(),
            start_ms: place.slot.start_ms(),
            end_ms: place.end_ms(),
            held_until_ms: place.held_until_ms,
            branch: place.slot.branch_id.clone(),
            external_id: None,
        };
        let change = hand.change(why);
        if let Some(owner) = there {
            return self.move_there(owner.as_ref(), old, to, change).await;
        }
        let moved = self.store.move_booking_with(appointment_id, &to, &place.claims, &change).await;
        self.told(moved.map_err(|error| closed(error, appointment_id))?)
    }

    /// Calls a visit off for a caller; twice is no error. `reason` in the caller's words, may be empty.
    ///
    /// # Errors
    /// Those of [`Desk::cancel_by`].
    pub async fn cancel(
        &self,
        appointment_id: &str,
        reason: &str,
        call: Option<&str>,
        now: Timestamp,
    ) -> Result<(), DeskError> {
        self.cancel_by(appointment_id, &Why::from(reason), Hand::robot(call, now)).await.map(|_| ())
    }

    /// Calls a visit off; twice is no error.
    ///
    /// # Errors
    /// [`DeskError::UnknownAppointment`], [`DeskError::Closed`], [`DeskError::UnknownReason`], [`DeskError::Unsettled`],
    /// [`DeskError::Records`].
    pub async fn cancel_by(&self, appointment_id: &str, why: &Why, hand: Hand<'_>) -> Result<Appointment, DeskError> {
        self.check_why(why)?;
        let there = self.own(appointment_id).await?;
        let change = hand.change(why);
        let cancelled = match &self.owner {
            Some(owner) if there.external_id.is_some() && there.status.is_live() => {
                self.cancel_there(owner.as_ref(), there, change).await?
            }
            _ => {
                let cancelled = self.store.cancel(appointment_id, &change).await;
                cancelled.map_err(|error| closed(error, appointment_id))?
            }
        };
        self.known_appointment(cancelled)
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

    /// A slot id is a wish from outside: it counts only if the schedule says so now. The search itself is asked, with an
    /// empty calendar, for this one time.
    pub(crate) fn check_slot(
        &self,
        id: &str,
        first_visit: bool,
        species: &str,
        now: Timestamp,
    ) -> Result<Place, DeskError> {
        let (doctor, service, start) = self.read_slot(id)?;
        let local = self.clinic.local(start);
        let query = SlotQuery {
            service: Some(service.id.clone()),
            doctor: Some(doctor.id.clone()),
            date_from: Some(local.date()),
            date_to: Some(local.date()),
            time_from: Some(local.time()),
            time_to: Some(local.time()),
            limit: 1,
            species: Some(species.to_owned()).filter(|species| !species.is_empty()),
            first_visit,
            ..SlotQuery::default()
        };
        let search = Search::new(&self.clinic, &query, now)?;
        let mut found = Found::new(&search);
        if search.first <= local.date() && local.date() <= search.last {
            search.day(local.date(), &Calendar::new(&self.clinic, &[]), &mut found);
        }
        let offered = found.slots.pop().filter(|slot| slot.start.timestamp() == start);
        let offer = Offer::new(&self.clinic, doctor, service, first_visit);
        let Some(slot) = offered else {
            let why = self.why_not(&offer, species, start, now);
            return Err(DeskError::NotOffered { id: id.to_owned(), why });
        };
        let branch = self.clinic.branch(&slot.branch_id);
        Ok(Place {
            held_until_ms: slot.start_ms() + offer.held_ms(),
            claims: offer.claims(&self.clinic, branch, local.date()),
            slot,
        })
    }

    /// A slot id where another system has the last word: any time of a doctor and a service that are known here.
    fn any_slot(&self, id: &str, first_visit: bool, now: Timestamp) -> Result<Place, DeskError> {
        let (doctor, service, start) = self.read_slot(id)?;
        let offer = Offer::new(&self.clinic, doctor, service, first_visit);
        let slot = Slot::new(&self.clinic, &offer, None, start.as_millisecond());
        self.place_there(slot.ok_or_else(|| DeskError::BadSlot { id: id.to_owned() })?, now)
    }

    /// Why the schedule never had a time. The search has said no; this only finds words for it.
    fn why_not(&self, offer: &Offer<'_>, species: &str, start: Timestamp, now: Timestamp) -> &'static str {
        let (doctor, service) = (offer.doctor, offer.service);
        let date = self.clinic.local(start).date();
        let last = self.clinic.local(now).date().saturating_add(i64::from(self.clinic.horizon_days).days());
        if !service.bookable || !service.doctors.contains(&doctor.id) {
            return "the doctor does not give this service";
        }
        if !species.is_empty() && !doctor.sees(species) {
            return "the doctor does not see such animals";
        }
        if start < now {
            return "it is in the past";
        }
        if date > last {
            return "it is further ahead than the schedule is open";
        }
        let minute = Minute::from(self.clinic.local(start).time());
        let working = self.clinic.working(doctor, date);
        let spans = || working.iter().flat_map(|(_, spans)| spans);
        let Some(span) = spans().find(|span| span.contains(minute)) else { return "the doctor does not work then" };
        let closes = self.clinic.instant(date, span.closes);
        if closes.is_none_or(|closes| start + i64::from(offer.minutes).minutes() > closes) {
            return "the visit would not end in time";
        }
        let step = u16::try_from(self.clinic.slot_step).unwrap_or(30).max(1);
        if (minute.get() - span.opens.get()) % step != 0 {
            return "visits do not start at that minute";
        }
        "what the visit needs is not there then"
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
    pub(crate) async fn own(&self, id: &str) -> Result<BookingRecord, DeskError> {
        let unknown = || DeskError::UnknownAppointment { id: id.to_owned() };
        match self.store.booking(id).await {
            Ok(record) if record.clinic == self.clinic.id => Ok(record),
            Ok(_) | Err(RecordsError::NotFound { .. }) => Err(unknown()),
            Err(error) => Err(error.into()),
        }
    }

    pub(crate) fn check_why(&self, why: &Why) -> Result<(), DeskError> {
        let Some(code) = &why.code else { return Ok(()) };
        let reasons = &self.clinic.lost_reasons;
        if reasons.iter().any(|reason| reason.code == *code) {
            return Ok(());
        }
        let known = reasons.iter().map(|reason| reason.code.as_str()).collect::<Vec<_>>().join(", ");
        Err(DeskError::UnknownReason { code: code.clone(), known })
    }

    /// Whether any visit is longer the first time; if not, nobody needs to be looked up.
    fn first_visits_differ(&self) -> bool {
        self.clinic.services.iter().any(|service| service.first_minutes.is_some())
            || self.clinic.doctors.iter().any(|doctor| !doctor.first_minutes.is_empty())
    }

    /// Whether nobody came, or is booked to come, from a number; with an animal, whether it never did.
    async fn is_first(&self, phone: &str, animal: &str, now: Timestamp) -> Result<bool, DeskError> {
        let Some(phone) = PhoneNumber::parse(phone) else { return Ok(false) };
        let known = self.store.known_visitors(&self.clinic.id, phone.as_str(), now.as_millisecond()).await?;
        let mut came = known.iter().filter(|one| one.visits > 0 || one.next_ms.is_some());
        Ok(match animal.is_empty() {
            true => came.next().is_none(),
            false => !came.any(|one| same_animal(one.animal.as_str(), animal)),
        })
    }

    pub(crate) fn told(&self, outcome: BookOutcome) -> Result<Booking, DeskError> {
        match outcome {
            BookOutcome::Taken => Ok(Booking::Taken),
            BookOutcome::Booked(record) => {
                self.known_appointment(*record).map(|appointment| Booking::Booked(Box::new(appointment)))
            }
        }
    }

    pub(crate) fn known_appointment(&self, record: BookingRecord) -> Result<Appointment, DeskError> {
        let id = record.id.clone();
        self.appointment(record).ok_or(DeskError::BadSlot { id })
    }

    /// None only for a start outside the calendar.
    pub(crate) fn appointment(&self, record: BookingRecord) -> Option<Appointment> {
        let start = Timestamp::from_millisecond(record.start_ms).ok()?;
        let doctor_name = self.clinic.doctor(&record.doctor).map(|doctor| doctor.name.clone());
        let service_name = self.clinic.service(&record.service).map(|service| service.name.clone());
        let branch_name = self.clinic.branch(&record.branch).map(|branch| branch.name.clone());
        let slot = Slot {
            id: Slot::id_of(&record.doctor, &record.service, start),
            start: start.to_zoned(self.clinic.zone.clone()),
            minutes: u32::try_from((record.end_ms - record.start_ms) / 60_000).ok()?,
            doctor_name: doctor_name.unwrap_or_else(|| record.doctor.clone()),
            doctor_id: record.doctor,
            service_name: service_name.unwrap_or_else(|| record.service.clone()),
            service_id: record.service,
            branch_name: branch_name.unwrap_or_else(|| record.branch.clone()),
            branch_id: record.branch,
        };
        let visitor =
            Visitor { phone: record.phone, person: record.person, animal: record.animal, reason: record.reason };
        Some(Appointment {
            id: record.id,
            visit: record.visit,
            slot,
            visitor,
            status: record.status,
            species: record.species,
            first_visit: record.first_visit,
            first_for_animal: record.first_for_animal,
            reason_code: record.reason_code,
        })
    }
}

/// A slot that the schedule has, and what a visit there takes.
pub(crate) struct Place {
    pub(crate) slot: Slot,
    pub(crate) held_until_ms: i64,
    pub(crate) claims: Claims,
}

impl Place {
    fn end_ms(&self) -> i64 {
        self.slot.start_ms() + i64::from(self.slot.minutes) * 60_000
    }
}

pub(crate) fn closed(error: RecordsError, id: &str) -> DeskError {
    match error {
        RecordsError::WrongStatus { from, .. } => DeskError::Closed { id: id.to_owned(), status: from },
        other => other.into(),
    }
}
