//! What is to be dialled, and when: entries of the list of people to call that are due, and calls that were ordered.
//!
//! An entry is taken before it is dialled, and its next attempt is the clinic's own plan; an ordered call is tried again by
//! the plan of the lines file.

use std::sync::Arc;
use std::time::Duration;

use desk::{Attempt, RetryPlan};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use queue::{Event, Join, NotReached};
use records::{CallbackStatus, Contact, ContactKind, ContactResult, Entry, NewJob, Outcome, Store};
use serde::{Deserialize, Serialize};
use session::{Leg, Live};
use tokio::sync::Semaphore;

use super::call_out::CallOut;
use super::list;
use crate::config::{CallbackOrder, Outgoing};
use crate::operators::About;
use crate::{Exchange, House, notice};

/// How often it is looked what is due.
const LOOK: Duration = Duration::from_secs(15);
/// Between two looks at least.
const REST: Duration = Duration::from_millis(500);
/// The kind of ordered calls in the durable queue.
const KIND: &str = "call-out";
/// Longer than any call.
const LEASE_MS: i64 = 45 * 60_000;

/// A call that was ordered, as it lies in the durable queue.
#[derive(Debug, Serialize, Deserialize)]
struct Ordered {
    clinic: String,
    number: String,
    entry: Entry,
}

/// Orders a call; whoever serves the clinic places it, and tries again by the plan. False: it was ordered already.
///
/// # Errors
/// The records cannot be written.
pub async fn order(
    store: &Store,
    out: &CallOut,
    key: Option<String>,
    now_ms: i64,
) -> Result<bool, records::RecordsError> {
    let ordered = Ordered { clinic: out.clinic.clone(), number: out.number.clone(), entry: out.entry };
    let job = NewJob {
        id: records::id(),
        kind: KIND.to_owned(),
        payload: serde_json::to_value(ordered).unwrap_or_default(),
        unique_key: key,
        run_at_ms: now_ms,
        // The retry plan ends it, long before.
        max_attempts: 100,
        created_ms: now_ms,
    };
    store.enqueue(&job).await
}

/// Dials what is due until the lines are closed.
pub(crate) async fn run(exchange: Exchange, outgoing: Outgoing) {
    let room = Arc::new(Semaphore::new(outgoing.at_once as usize));
    let mut every = tokio::time::interval(LOOK);
    let Some(mut bell) = exchange.inner.houses.all().first().map(|house| house.stage.store.feed_bell()) else {
        return;
    };
    loop {
        tokio::select! {
            _ = every.tick() => {}
            // Something happened: somebody new may be on the list. The bell ends with the store only.
            Ok(()) = bell.changed() => {}
            () = exchange.stopped() => return,
        }
        bell.mark_unchanged();
        let now = Timestamp::now();
        for house in exchange.inner.houses.all().iter().filter(|house| house.clinic.is_open(now)) {
            call_list(&exchange, house, &outgoing, &room, now).await;
        }
        ordered(&exchange, &outgoing.retry, &room, now).await;
        tokio::select! {
            () = tokio::time::sleep(REST) => {}
            () = exchange.stopped() => return,
        }
    }
}

async fn call_list(
    exchange: &Exchange,
    house: &Arc<House>,
    outgoing: &Outgoing,
    room: &Arc<Semaphore>,
    now: Timestamp,
) {
    let store = &house.stage.store;
    let entries = match store.contacts(&house.clinic.id).await {
        Ok(entries) => entries,
        Err(error) => return tracing::error!(%error, "the list of people to call cannot be read"),
    };
    for contact in entries.into_iter().filter(|contact| is_due(contact, now)) {
        let Some(way) = way_of(contact.kind, outgoing) else { continue };
        if way == Way::OperatorFirst {
            // Taken when somebody is free to be rung for it.
            if let Some(operators) = exchange.inner.operators.get(&house.clinic.id) {
                operators.call_back(contact);
            }
            continue;
        }
        // No more at a time than was said; what is left over is due at the next look.
        let Ok(permit) = Arc::clone(room).try_acquire_owned() else { return };
        let Some(contact) = list::take(store, &contact.id, LEASE_MS).await else { continue };
        let (exchange, house) = (exchange.clone(), Arc::clone(house));
        tokio::spawn(async move {
            let _permit = permit;
            let (result, call) = match exchange.dial_entry(&house, &contact, way).await {
                Ok((result, call)) => (Some(result), Some(call)),
                Err(why) => (list::result_of(why), None),
            };
            let store = &house.stage.store;
            match result {
                Some(result) => list::tried(store, &house.clinic, &contact.id, result, call.as_deref()).await,
                None => list::give_back(store, &contact.id).await,
            }
        });
    }
}

/// Who speaks to an entry of the list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    /// An operator is rung, then the client.
    OperatorFirst,
    /// The client, then an operator.
    ClientFirst,
    /// A flow of the clinic, on this occasion.
    Robot(Entry),
}

/// How the exchange dials an entry; none: it is left to people.
fn way_of(kind: ContactKind, outgoing: &Outgoing) -> Option<Way> {
    match kind {
        ContactKind::Callback | ContactKind::Request | ContactKind::Missed | ContactKind::Night | ContactKind::Chat => {
            match outgoing.callbacks {
                CallbackOrder::Off => None,
                CallbackOrder::OperatorFirst => Some(Way::OperatorFirst),
                CallbackOrder::ClientFirst => Some(Way::ClientFirst),
                CallbackOrder::Robot => Some(Way::Robot(Entry::Day)),
            }
        }
        ContactKind::Reminder | ContactKind::Offer => outgoing.reminders.then_some(Way::Robot(Entry::Reminder)),
        // Somebody has to read what it is about.
        ContactKind::Message | ContactKind::Reply => None,
    }
}

fn is_due(contact: &Contact, now: Timestamp) -> bool {
    let now_ms = now.as_millisecond();
    let free = contact.status == CallbackStatus::Open || contact.claimed_until_ms.is_some_and(|until| until <= now_ms);
    free && contact.next_ms <= now_ms
}

/// When somebody is called again after the `made`-th attempt, which ended at `last_ms`.
fn again(plan: &RetryPlan, made: usize, last_ms: i64, why: NotReached, zone: &TimeZone) -> Option<Timestamp> {
    let result = match why {
        NotReached::Busy => Attempt::Busy,
        NotReached::Voicemail => Attempt::Voicemail,
        // A trunk that refuses today may not do so in half an hour.
        NotReached::NoAnswer | NotReached::Refused | NotReached::AgentGone => Attempt::NoAnswer,
    };
    plan.next(made, Timestamp::from_millisecond(last_ms).ok()?, result, zone)
}

fn word(why: NotReached) -> &'static str {
    match why {
        NotReached::Busy => "busy",
        NotReached::NoAnswer => "no-answer",
        NotReached::Voicemail => "voicemail",
        NotReached::Refused => "refused",
        NotReached::AgentGone => "agent-gone",
    }
}

/// Calls that were ordered.
async fn ordered(exchange: &Exchange, plan: &RetryPlan, room: &Arc<Semaphore>, now: Timestamp) {
    let houses = exchange.inner.houses.all();
    let Some(house) = houses.first() else { return };
    while let Ok(permit) = Arc::clone(room).try_acquire_owned() {
        let store = house.stage.store.clone();
        let job = match store.claim(KIND, now.as_millisecond(), LEASE_MS).await {
            Ok(Some(job)) => job,
            Ok(None) => return,
            Err(error) => return tracing::error!(%error, "ordered calls cannot be read"),
        };
        let (exchange, plan) = (exchange.clone(), plan.clone());
        tokio::spawn(async move {
            let _permit = permit;
            let order = serde_json::from_value::<Ordered>(job.payload.clone());
            let zone = order.as_ref().ok().and_then(|order| exchange.inner.houses.get(&order.clinic));
            let zone = zone.map_or(TimeZone::UTC, |house| house.clinic.zone.clone());
            let result = match order {
                Ok(Ordered { clinic, number, entry }) => {
                    exchange.call_out(&CallOut { clinic, number, entry }).await.map(|_| ())
                }
                Err(_) => {
                    tracing::error!(job = job.id, "an ordered call cannot be read, and is given up");
                    Err(NotReached::Refused)
                }
            };
            let now = Timestamp::now().as_millisecond();
            let written = match result {
                Ok(()) => store.finish(&job, now).await,
                Err(why) => {
                    let made = usize::try_from(job.attempts).unwrap_or(usize::MAX);
                    let at = again(&plan, made, now, why, &zone).map(Timestamp::as_millisecond);
                    store.fail_until(&job, word(why), at, now).await.map(|_| ())
                }
            };
            if let Err(error) = written {
                tracing::error!(%error, "what came of an ordered call could not be written down");
            }
        });
    }
}

impl Exchange {
    /// Calls the client of an entry; what came of it, and the call.
    async fn dial_entry(
        &self,
        house: &House,
        contact: &Contact,
        way: Way,
    ) -> Result<(ContactResult, String), NotReached> {
        let Way::Robot(entry) = way else { return self.client_first(house, contact).await };
        let number = contact.phone.as_str().to_owned();
        let held = self.call_out(&CallOut { clinic: house.clinic.id.clone(), number, entry }).await?;
        let result = match held.outcome {
            Some(Outcome::Booked | Outcome::Moved) => ContactResult::Booked,
            Some(Outcome::Cancelled) => ContactResult::Refused,
            // They heard a robot and said nothing.
            None | Some(Outcome::Nothing) if held.turns.is_empty() => ContactResult::NoAnswer,
            _ => ContactResult::Reached,
        };
        Ok((result, held.id))
    }

    /// Dials a client, who then waits for an operator.
    async fn client_first(&self, house: &House, contact: &Contact) -> Result<(ContactResult, String), NotReached> {
        let Some(operators) = self.inner.operators.get(&house.clinic.id) else { return Err(NotReached::Refused) };
        let Some(queue) = self.inner.lines.queue_for(&house.clinic.id, "operator") else {
            return Err(NotReached::Refused);
        };
        let leg = self.reach(house, contact.phone.as_str()).await?;
        let call = self.outgoing_begins(house, contact.phone.as_str(), None).await;
        let live = Live::default();
        let _known = self.inner.lives.begins(&house.clinic.id, &call, live.clone());
        let (path, recording) = notice::recording(house, self.inner.recordings.as_deref(), &call, live).await.unzip();
        let leg = match notice::tell(house, Leg { recording, ..leg }).await {
            Ok(leg) => leg,
            Err(gone) => {
                if let Some(leg) = gone {
                    crate::reception::hang_up(&call, leg).await;
                }
                self.outgoing_ended(house, &call, "caller-hung-up").await;
                return Ok((ContactResult::NoAnswer, call));
            }
        };
        let mut join = Join::new(call.as_str(), queue.name.as_str());
        // Whoever we called waits no longer than must be.
        join.priority = 100;
        let about =
            About { caller: Some(contact.phone.as_str().to_owned()), summary: contact.reason.as_str().to_owned() };
        match operators.join(join, about).await {
            Some(told) => {
                let parted = self.wait(house, operators, &call, leg, told).await;
                self.outgoing_ended(house, &call, "caller-hung-up").await;
                crate::afterwards::keep(house, &call, path.as_deref(), parted).await;
                // Who hung up in the queue was not talked to.
                let talked = parted.talk_from.is_some();
                Ok((if talked { ContactResult::Reached } else { ContactResult::NoAnswer }, call))
            }
            None => {
                operators.tell(Event::HungUp { call: call.as_str().into() });
                crate::reception::hang_up(&call, leg).await;
                self.outgoing_ended(house, &call, "nobody-there").await;
                Ok((ContactResult::NoAnswer, call))
            }
        }
    }

    /// Writes down that a call of ours was answered; returns its id.
    async fn outgoing_begins(&self, house: &House, number: &str, agent: Option<String>) -> String {
        let call = records::id();
        let now = Timestamp::now().as_millisecond();
        let mut record = records::CallRecord::live(&call, &house.clinic.id, &house.clinic.timezone, now);
        record.direction = records::Direction::Outgoing;
        record.answered_ms = Some(now);
        record.agent = agent;
        record.caller = Some(number.into());
        if let Err(error) = house.stage.store.start_call(&record).await {
            tracing::error!(call, %error, "a call of ours could not be written down");
        }
        call
    }

    async fn outgoing_ended(&self, house: &House, call: &str, reason: &str) {
        let end = records::CallEnd {
            ended_ms: Timestamp::now().as_millisecond(),
            end_reason: Some(reason.to_owned()),
            ..records::CallEnd::default()
        };
        if let Err(error) = house.stage.store.end_call(call, &end).await {
            tracing::error!(call, %error, "the end of a call of ours could not be written down");
        }
    }
}

#[cfg(test)]
mod tests {
    use desk::Step;

    use super::*;

    #[test]
    fn attempts_of_an_ordered_call_follow_the_plan_and_end() {
        // Ten in the morning, so that nothing here is put off until people may be called.
        let ten: Timestamp = "2026-11-20T10:00:00+03:00".parse().unwrap();
        let zone = TimeZone::get("Europe/Moscow").unwrap();
        let plan =
            RetryPlan { steps: vec![Step::Minutes(0), Step::Minutes(30), Step::Minutes(120)], ..RetryPlan::default() };
        let after = |made| {
            let at = again(&plan, made, ten.as_millisecond(), NotReached::NoAnswer, &zone);
            at.map(|at| (at.as_millisecond() - ten.as_millisecond()) / 60_000)
        };
        assert_eq!([after(1), after(2), after(3)], [Some(30), Some(120), None]);
    }

    #[test]
    fn what_a_person_has_to_read_is_left_to_people() {
        let mut outgoing = Outgoing {
            trunk: "out".to_owned(),
            callbacks: CallbackOrder::OperatorFirst,
            reminders: true,
            missed: true,
            at_once: 1,
            ring_s: 30,
            retry: RetryPlan::default(),
            voicemail: crate::config::VoicemailWay::default(),
        };
        let ways = |outgoing: &Outgoing| -> Vec<Option<Way>> {
            use ContactKind::{Callback, Message, Missed, Offer, Reminder, Reply, Request};
            let kinds = [Callback, Request, Missed, Reminder, Offer, Message, Reply];
            kinds.into_iter().map(|kind| way_of(kind, outgoing)).collect()
        };
        let (person, robot) = (Some(Way::OperatorFirst), Some(Way::Robot(Entry::Reminder)));
        assert_eq!(ways(&outgoing), [person, person, person, robot, robot, None, None]);
        (outgoing.callbacks, outgoing.reminders) = (CallbackOrder::Off, false);
        assert_eq!(ways(&outgoing), [None; 7]);
    }
}
