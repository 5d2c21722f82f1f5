//! What is to be dialled, and when: promised call-backs that are due, and calls that were ordered.
//!
//! An attempt that reaches nobody is followed by the next as the retry plan says; when it is used up, the promise stays on
//! the desk's list and a person decides.

use std::sync::Arc;
use std::time::Duration;

use desk::{Attempt, RetryPlan};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use queue::{Event, Join, NotReached};
use records::{CallbackRecord, CallbackStatus, Entry, NewJob, Store};
use serde::{Deserialize, Serialize};
use tokio::sync::Semaphore;

use super::call_out::CallOut;
use crate::config::{CallbackOrder, Outgoing};
use crate::operators::About;
use crate::{Exchange, House};

/// How often it is looked what is due.
const LOOK: Duration = Duration::from_secs(15);
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
    loop {
        tokio::select! {
            _ = every.tick() => {}
            () = exchange.stopped() => return,
        }
        let now = Timestamp::now();
        for house in exchange.inner.houses.values().filter(|house| house.clinic.is_open(now)) {
            call_backs(&exchange, house, &outgoing, &room, now).await;
        }
        ordered(&exchange, &outgoing.retry, &room, now).await;
    }
}

async fn call_backs(exchange: &Exchange, house: &House, outgoing: &Outgoing, room: &Arc<Semaphore>, now: Timestamp) {
    if outgoing.callbacks == CallbackOrder::Off {
        return;
    }
    let open = match house.stage.store.callbacks(&house.clinic.id, CallbackStatus::Open).await {
        Ok(open) => open,
        Err(error) => return tracing::error!(%error, "call-backs cannot be read"),
    };
    for callback in open.into_iter().filter(|callback| is_due(callback, &outgoing.retry, &house.clinic.zone, now)) {
        if outgoing.callbacks == CallbackOrder::OperatorFirst {
            if let Some(operators) = exchange.inner.operators.get(&house.clinic.id) {
                operators.call_back(callback);
            }
            continue;
        }
        // No more at a time than was said; what is left over is due at the next look.
        let Ok(permit) = Arc::clone(room).try_acquire_owned() else { return };
        let (exchange, house, order) = (exchange.clone(), house.clone(), outgoing.callbacks);
        // Counted first: a second look must not dial it again meanwhile.
        attempt(&house, &callback, "dialling", false).await;
        tokio::spawn(async move {
            let _permit = permit;
            let result = match order {
                CallbackOrder::ClientFirst => exchange.client_first(&house, &callback).await,
                _ => {
                    let number = callback.phone.as_str().to_owned();
                    let out = CallOut { clinic: house.clinic.id.clone(), number, entry: Entry::Day };
                    exchange.call_out(&out).await.map(|_| ())
                }
            };
            let word = match result {
                Ok(()) => "called-back",
                Err(why) => word(why),
            };
            finished(&house, &callback, word, result.is_ok()).await;
        });
    }
}

/// Is it time for the next attempt?
fn is_due(callback: &CallbackRecord, plan: &RetryPlan, zone: &TimeZone, now: Timestamp) -> bool {
    match usize::try_from(callback.attempts) {
        // The hour that was promised.
        Ok(0) => callback.due_ms <= now.as_millisecond(),
        Ok(made) => again(plan, made, callback.updated_ms, NotReached::NoAnswer, zone).is_some_and(|at| at <= now),
        Err(_) => false,
    }
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

async fn attempt(house: &House, callback: &CallbackRecord, result: &str, done: bool) {
    let now = Timestamp::now().as_millisecond();
    if let Err(error) = house.stage.store.callback_attempt(&callback.id, result, done, now).await {
        tracing::error!(%error, "an attempt to call back could not be written down");
    }
}

/// The attempt was counted when it began.
async fn finished(house: &House, callback: &CallbackRecord, result: &str, done: bool) {
    let now = Timestamp::now().as_millisecond();
    if let Err(error) = house.stage.store.callback_result(&callback.id, result, done, now).await {
        tracing::error!(%error, "what came of a call-back could not be written down");
    }
}

/// Calls that were ordered.
async fn ordered(exchange: &Exchange, plan: &RetryPlan, room: &Arc<Semaphore>, now: Timestamp) {
    let Some(house) = exchange.inner.houses.values().next() else { return };
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
    /// Dials a client, who then waits for an operator.
    async fn client_first(&self, house: &House, callback: &CallbackRecord) -> Result<(), NotReached> {
        let Some(operators) = self.inner.operators.get(&house.clinic.id) else { return Err(NotReached::Refused) };
        let Some(queue) = self.inner.lines.queue_for(&house.clinic.id, "operator") else {
            return Err(NotReached::Refused);
        };
        let leg = self.reach(house, callback.phone.as_str()).await?;
        let call = self.outgoing_begins(house, callback.phone.as_str(), None).await;
        let mut join = Join::new(call.as_str(), queue.name.as_str());
        // Whoever we called waits no longer than must be.
        join.priority = 100;
        let about =
            About { caller: Some(callback.phone.as_str().to_owned()), summary: callback.reason.as_str().to_owned() };
        match operators.join(join, about).await {
            Some(told) => {
                self.wait(house, operators, &call, leg, told).await;
            }
            None => {
                operators.tell(Event::HungUp { call: call.as_str().into() });
                crate::reception::hang_up(&call, leg).await;
                self.outgoing_ended(house, &call, "nobody-there").await;
                return Err(NotReached::AgentGone);
            }
        }
        self.outgoing_ended(house, &call, "caller-hung-up").await;
        Ok(())
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
    fn attempts_follow_the_plan_and_end() {
        // Ten in the morning, so that nothing here is put off until people may be called.
        let ten: Timestamp = "2026-11-20T10:00:00+03:00".parse().unwrap();
        let callback = |attempts, updated_ms| CallbackRecord {
            id: "c".to_owned(),
            clinic: "vet".to_owned(),
            timezone: "Europe/Moscow".to_owned(),
            phone: "+79031234567".into(),
            person: "".into(),
            reason: "".into(),
            due_ms: ten.as_millisecond() + 1_000,
            status: CallbackStatus::Open,
            attempts,
            result: None,
            call: None,
            created_ms: 0,
            updated_ms,
        };
        let zone = TimeZone::get("Europe/Moscow").unwrap();
        let plan =
            RetryPlan { steps: vec![Step::Minutes(0), Step::Minutes(30), Step::Minutes(120)], ..RetryPlan::default() };
        let due = |attempts, waited_ms: i64| {
            let now = Timestamp::from_millisecond(ten.as_millisecond() + waited_ms).unwrap();
            is_due(&callback(attempts, ten.as_millisecond()), &plan, &zone, now)
        };
        assert!(!due(0, 999) && due(0, 1_000));
        assert!(!due(1, 30 * 60_000 - 1) && due(1, 30 * 60_000));
        assert!(due(2, 120 * 60_000));
        assert!(!due(3, 365 * 86_400_000));
    }
}
