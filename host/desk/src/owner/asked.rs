//! Booking where another system owns the schedule: written down, held there, confirmed there, written here, told.

use std::time::Duration;

use jiff::{Timestamp, ToSpan as _};
use records::{BookOutcome, BookingRecord, Change, Claims, NewJob, NewTime, OrderKind, OrderState, OwnerOrder, Pii};
use serde::{Deserialize, Serialize};

use super::settle::{SETTLE_AFTER_MS, job_kind};
use super::{Answer, Owner, OwnerError, OwnerVisitor, Wanted, Wish};
use crate::booking::{Booking, Desk, Hand, Place, closed};
use crate::callbacks::CallbackRequest;
use crate::error::DeskError;
use crate::hours::Minute;
use crate::search::Search;
use crate::slots::{Slot, SlotQuery};

/// So long a caller waits for everything the owner has to say to one wish. Well below [`SETTLE_AFTER_MS`].
const PATIENCE: Duration = Duration::from_secs(20);
/// How often one thing is asked for when no answer comes.
const TRIES: usize = 3;

/// What an order would lead to, kept until it is settled.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Led {
    /// A new visit.
    Book {
        /// As it would be written.
        record: Box<BookingRecord>,
    },
    /// Another time for a visit.
    Move {
        /// The visit's id there.
        visit: String,
        /// The new time.
        to: Box<NewTime>,
        /// What the owner was asked for.
        wanted: Box<Wanted>,
        /// Who, when, why.
        change: Change,
        /// Whom to call if it stays open.
        phone: Pii,
        /// Their name.
        person: Pii,
    },
    /// A visit called off.
    Cancel {
        /// The visit's id there.
        visit: String,
        /// Who, when, why.
        change: Change,
        /// Whom to call if it stays open.
        phone: Pii,
        /// Their name.
        person: Pii,
    },
}

impl Desk {
    /// Free times as the owner has them; those of doctors and services that the clinic file does not know are left out.
    pub(crate) async fn find_there(
        &self,
        owner: &dyn Owner,
        query: &SlotQuery,
        search: &Search<'_>,
    ) -> Result<Vec<Slot>, DeskError> {
        let at = |date, minute| self.clinic.instant(date, minute);
        let (Some(from), Some(to)) = (at(search.first, Minute::START), at(search.last, Minute::END)) else {
            return Ok(Vec::new());
        };
        let time = |time: Option<jiff::civil::Time>| time.map(|time| time.strftime("%H:%M").to_string());
        let wish = Wish {
            clinic: self.clinic.id.clone(),
            service: query.service.as_deref().and_then(|id| self.clinic.service(id)).map(|service| service.id.clone()),
            doctor: query.doctor.clone(),
            branch: query.branch.as_deref().and_then(|id| self.clinic.branch(id)).map(|branch| branch.id.clone()),
            species: query
                .species
                .as_deref()
                .or(Some(query.animal.as_str()))
                .and_then(|text| self.clinic.species(text))
                .map(str::to_owned),
            first_visit: query.first_visit,
            from: from.max(search.now()),
            to,
            time_from: time(query.time_from),
            time_to: time(query.time_to),
            limit: u32::try_from(search.limit().min(1000)).unwrap_or(1000),
        };
        let slots = ask(|| owner.find(&wish)).await.map_err(|error| match error {
            OwnerError::Refused(problem) => DeskError::OwnerRefused { problem },
            error => DeskError::OwnerSilent { problem: error.to_string() },
        })?;
        let mut found: Vec<Slot> = Vec::new();
        for slot in slots.iter().filter(|slot| wish.from <= slot.start && slot.start < wish.to) {
            let fresh = !query.each_time_once || found.iter().all(|other| other.start.timestamp() != slot.start);
            let (Some(doctor), Some(service)) = (self.clinic.doctor(&slot.doctor), self.clinic.service(&slot.service))
            else {
                tracing::warn!(clinic = %self.clinic.id, "the owner of the schedule names a doctor or service that the clinic file has not");
                continue;
            };
            let branch = self.clinic.branch(&slot.branch);
            if fresh && found.len() < search.limit() {
                found.push(Slot {
                    id: Slot::id_of(&doctor.id, &service.id, slot.start),
                    start: slot.start.to_zoned(self.clinic.zone.clone()),
                    minutes: slot.minutes,
                    doctor_id: doctor.id.clone(),
                    doctor_name: doctor.name.clone(),
                    service_id: service.id.clone(),
                    service_name: service.name.clone(),
                    branch_id: branch.map(|branch| branch.id.clone()).unwrap_or_default(),
                    branch_name: branch.map(|branch| branch.name.clone()).unwrap_or_default(),
                });
            }
        }
        found.sort_by_key(Slot::start_ms);
        Ok(found)
    }

    /// Hold, confirm, write down. Whatever ends it early leaves an open order behind, which [`Desk::settle_orders`] takes
    /// back there.
    pub(crate) async fn book_there(
        &self,
        owner: &dyn Owner,
        mut record: BookingRecord,
        place: &Place,
        hand: Hand<'_>,
    ) -> Result<Booking, DeskError> {
        let key = record.id.clone();
        let led = Led::Book { record: Box::new(record.clone()) };
        self.write_down(&key, OrderKind::Book, &key, &led, hand.now).await?;
        let wanted = Wanted { visitor: Some(visitor(&record)), ..wanted(&self.clinic.id, &place.slot) };
        let granted = within(async {
            let held = ask(|| owner.hold(&key, &wanted)).await?;
            let minutes = held.minutes.filter(|minutes| (1..1440).contains(minutes)).unwrap_or(wanted.minutes);
            record.end_ms = record.start_ms + i64::from(minutes) * 60_000;
            record.held_until_ms = record.end_ms;
            record.branch = held.branch.clone().unwrap_or(record.branch.clone());
            // A crash here is why the hold is kept: the order alone says enough, this only helps a person who looks.
            if let Err(error) = self.store.order_held(&key, &held.hold, hand.now.as_millisecond()).await {
                tracing::warn!(%error, "a hold could not be noted");
            }
            ask(|| owner.confirm(&key, &held.hold)).await
        })
        .await;
        match granted {
            Ok(granted) => {
                record.external_id = Some(granted.visit);
                let booked = self.store.book_with(&record, &Claims::default(), hand.by).await?;
                if booked == BookOutcome::Taken {
                    // Our books know better than theirs: it is taken back there before anybody is told.
                    self.take_back(owner, &key, hand.now).await;
                }
                self.told(booked)
            }
            Err(OwnerError::Taken | OwnerError::Gone) => {
                self.take_back(owner, &key, hand.now).await;
                Ok(Booking::Taken)
            }
            Err(OwnerError::Refused(problem)) => {
                self.take_back(owner, &key, hand.now).await;
                Err(DeskError::OwnerRefused { problem })
            }
            Err(OwnerError::Unknown(problem)) => Err(self.unsettled(&key, &problem, &led, hand.now).await),
        }
    }

    pub(crate) async fn move_there(
        &self,
        owner: &dyn Owner,
        old: BookingRecord,
        mut to: NewTime,
        change: Change,
    ) -> Result<Booking, DeskError> {
        let now = Timestamp::from_millisecond(change.at_ms).unwrap_or(Timestamp::UNIX_EPOCH);
        if !old.status.is_ahead() {
            return Err(DeskError::Closed { id: old.id, status: old.status });
        }
        let visit = old.external_id.clone().unwrap_or_default();
        let wanted = Wanted {
            clinic: self.clinic.id.clone(),
            doctor: to.doctor.clone(),
            service: to.service.clone(),
            start: Timestamp::from_millisecond(to.start_ms).unwrap_or(now),
            minutes: u32::try_from((to.end_ms - to.start_ms) / 60_000).unwrap_or(30),
            branch: to.branch.clone(),
            visitor: None,
        };
        let key = to.id.clone();
        let led = Led::Move {
            visit: visit.clone(),
            to: Box::new(to.clone()),
            wanted: Box::new(wanted.clone()),
            change: change.clone(),
            phone: old.phone.clone(),
            person: old.person.clone(),
        };
        self.write_down(&key, OrderKind::Move, &old.id, &led, now).await?;
        match within(ask(|| owner.move_to(&key, &visit, &wanted))).await {
            Ok(granted) => {
                to.external_id = Some(granted.visit);
                let moved = self.store.move_booking_with(&old.id, &to, &Claims::default(), &change).await;
                self.told(moved.map_err(|error| closed(error, &old.id))?)
            }
            Err(OwnerError::Taken) => {
                self.store.close_order(&key, OrderState::Undone, change.at_ms).await?;
                Ok(Booking::Taken)
            }
            Err(OwnerError::Unknown(problem)) => Err(self.unsettled(&key, &problem, &led, now).await),
            Err(error @ (OwnerError::Gone | OwnerError::Refused(_))) => {
                self.store.close_order(&key, OrderState::Undone, change.at_ms).await?;
                Err(DeskError::OwnerRefused { problem: error.to_string() })
            }
        }
    }

    pub(crate) async fn cancel_there(
        &self,
        owner: &dyn Owner,
        there: BookingRecord,
        change: Change,
    ) -> Result<BookingRecord, DeskError> {
        if !there.status.may_become(records::Status::Cancelled) {
            return Err(DeskError::Closed { id: there.id, status: there.status });
        }
        let now = Timestamp::from_millisecond(change.at_ms).unwrap_or(Timestamp::UNIX_EPOCH);
        let visit = there.external_id.clone().unwrap_or_default();
        let key = format!("cancel-{}-{}", there.id, change.at_ms);
        let led = Led::Cancel {
            visit: visit.clone(),
            change: change.clone(),
            phone: there.phone.clone(),
            person: there.person.clone(),
        };
        self.write_down(&key, OrderKind::Cancel, &there.id, &led, now).await?;
        match within(ask(|| owner.cancel(&key, &visit, change.reason_code.as_deref()))).await {
            Ok(()) => {
                let cancelled = self.store.cancel(&there.id, &change).await;
                cancelled.map_err(|error| closed(error, &there.id))
            }
            Err(OwnerError::Unknown(problem)) => Err(self.unsettled(&key, &problem, &led, now).await),
            Err(error) => {
                self.store.close_order(&key, OrderState::Undone, change.at_ms).await?;
                Err(DeskError::OwnerRefused { problem: error.to_string() })
            }
        }
    }

    /// The order and the job that will settle it are durable before the first word leaves. A job without its order finds
    /// nothing to do, so the job comes first.
    async fn write_down(
        &self,
        key: &str,
        what: OrderKind,
        booking: &str,
        led: &Led,
        now: Timestamp,
    ) -> Result<(), DeskError> {
        let now_ms = now.as_millisecond();
        let job = NewJob {
            id: format!("settle-{key}-{now_ms}"),
            kind: job_kind(&self.clinic.id),
            payload: serde_json::json!({ "order": key }),
            unique_key: None,
            run_at_ms: now_ms + SETTLE_AFTER_MS,
            max_attempts: i64::MAX,
            created_ms: now_ms,
        };
        self.store.enqueue(&job).await?;
        let data = serde_json::to_value(led).map_err(|error| DeskError::OwnerSilent { problem: error.to_string() })?;
        let order = OwnerOrder {
            idempotency_key: key.to_owned(),
            clinic: self.clinic.id.clone(),
            what,
            booking: booking.to_owned(),
            state: OrderState::Open,
            hold: None,
            data,
            created_ms: now_ms,
        };
        Ok(self.store.open_order(&order).await?)
    }

    /// Takes back at once what nobody will be told of. When even that gets no answer, the job does it later.
    async fn take_back(&self, owner: &dyn Owner, key: &str, now: Timestamp) {
        if let Ok(()) = within(owner.release(key)).await
            && let Err(error) = self.store.close_order(key, OrderState::Undone, now.as_millisecond()).await
        {
            tracing::warn!(%error, "an order that was taken back could not be closed; it will be taken back again");
        }
    }

    /// Nobody knows whether the owner did it. A person will call; the open order is settled by the job.
    async fn unsettled(&self, key: &str, problem: &str, led: &Led, now: Timestamp) -> DeskError {
        tracing::warn!(clinic = %self.clinic.id, order = key, problem, "the owner of the schedule gave no answer");
        match self.promise(key, led, now).await {
            Ok(callback) => DeskError::Unsettled { callback },
            Err(error) => error,
        }
    }

    /// One call-back for one order, however often it is promised.
    pub(super) async fn promise(&self, key: &str, led: &Led, now: Timestamp) -> Result<String, DeskError> {
        let (phone, person, call, what) = match led {
            Led::Book { record } => (&record.phone, &record.person, &record.call, "записать на приём"),
            Led::Move { phone, person, change, .. } => (phone, person, &change.call, "перенести приём"),
            Led::Cancel { phone, person, change, .. } => (phone, person, &change.call, "отменить приём"),
        };
        let request = CallbackRequest {
            phone: phone.clone(),
            person: person.clone(),
            reason: format!("Система записи не ответила: {what}").into(),
            at: None,
        };
        let promise = self.request_callback_as(format!("owner-{key}"), &request, call.as_deref(), now).await?;
        Ok(promise.id)
    }
}

fn wanted(clinic: &str, slot: &Slot) -> Wanted {
    Wanted {
        clinic: clinic.to_owned(),
        doctor: slot.doctor_id.clone(),
        service: slot.service_id.clone(),
        start: slot.start.timestamp(),
        minutes: slot.minutes,
        branch: slot.branch_id.clone(),
        visitor: None,
    }
}

fn visitor(record: &BookingRecord) -> OwnerVisitor {
    OwnerVisitor {
        phone: record.phone.clone(),
        person: record.person.clone(),
        animal: record.animal.clone(),
        species: record.species.clone(),
        reason: record.reason.clone(),
    }
}

/// Asks again with the same key while no answer comes. The owner answers the second time as it did the first.
async fn ask<'a, T>(question: impl Fn() -> Answer<'a, T>) -> Result<T, OwnerError> {
    let mut answer = question().await;
    for _ in 1..TRIES {
        if !matches!(answer, Err(OwnerError::Unknown(_))) {
            break;
        }
        answer = question().await;
    }
    answer
}

/// No caller waits longer.
pub(super) async fn within<T>(work: impl Future<Output = Result<T, OwnerError>>) -> Result<T, OwnerError> {
    let late = || Err(OwnerError::Unknown("it did not answer in time".to_owned()));
    tokio::time::timeout(PATIENCE, work).await.unwrap_or_else(|_| late())
}

/// What a slot id stands for where another system has the last word: any time, whose length that system gives.
impl Desk {
    pub(crate) fn place_there(&self, slot: Slot, now: Timestamp) -> Result<Place, DeskError> {
        let horizon = i64::from(self.clinic.horizon_days).saturating_add(1);
        let refuse = |why| Err(DeskError::NotOffered { id: slot.id.clone(), why });
        if slot.start.timestamp() < now {
            return refuse("it is in the past");
        }
        if slot.start.date() > self.clinic.local(now).date().saturating_add(horizon.days()) {
            return refuse("it is further ahead than the schedule is open");
        }
        let held_until_ms = slot.start_ms() + i64::from(slot.minutes) * 60_000;
        Ok(Place { slot, held_until_ms, claims: Claims::default() })
    }
}
