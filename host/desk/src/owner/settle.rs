//! Orders that stayed open, because no answer came or the program died: both systems are made equal again.
//!
//! A booking that nobody was told of is taken back there. A visit that was to be moved or called off is asked for again with
//! the same key until the owner says what became of it, and that is written here.

use jiff::Timestamp;
use records::{BookOutcome, Claims, Job, OrderState, OwnerOrder, RecordsError};

use super::asked::{Led, within};
use super::{Owner, OwnerError};
use crate::booking::Desk;
use crate::error::DeskError;

/// An order is settled this long after it was given; whoever gave it has stopped waiting long before.
pub const SETTLE_AFTER_MS: i64 = 120_000;
/// A worker that died leaves its order to the next one after this.
const LEASE_MS: i64 = 60_000;
/// The longest pause between two tries.
const LONGEST_PAUSE_MS: i64 = 600_000;

/// What a round of settling did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Settled {
    /// Orders that stand the same in both systems now.
    pub settled: u32,
    /// Orders that the owner still says nothing about.
    pub open: u32,
}

pub(super) fn job_kind(clinic: &str) -> String {
    format!("owner.settle.{clinic}")
}

impl Desk {
    /// Settles the orders that are due. To be called at the start of the program and every minute or so; does nothing where
    /// no other system owns the schedule.
    ///
    /// # Errors
    /// [`DeskError::Records`].
    pub async fn settle_orders(&self, now: Timestamp) -> Result<Settled, DeskError> {
        let mut done = Settled::default();
        let Some(owner) = &self.owner else { return Ok(done) };
        let now_ms = now.as_millisecond();
        while let Some(job) = self.store.claim(&job_kind(&self.clinic.id), now_ms, LEASE_MS).await? {
            match self.settle(owner.as_ref(), &job, now).await {
                Ok(()) => {
                    self.store.finish(&job, now_ms).await?;
                    done.settled += 1;
                }
                Err(Open::Owner(problem)) => {
                    let pause = (10_000i64 << job.attempts.clamp(0, 6)).min(LONGEST_PAUSE_MS);
                    self.store.fail_until(&job, &problem, Some(now_ms + pause), now_ms).await?;
                    done.open += 1;
                }
                Err(Open::Desk(error)) => return Err(error),
            }
        }
        Ok(done)
    }

    async fn settle(&self, owner: &dyn Owner, job: &Job, now: Timestamp) -> Result<(), Open> {
        let key = job.payload.get("order").and_then(serde_json::Value::as_str).unwrap_or_default();
        let order = match self.store.order(key).await {
            Ok(order) => order,
            // The program died between the job and the order: nothing was asked for.
            Err(RecordsError::NotFound { .. }) => return Ok(()),
            Err(error) => return Err(error.into()),
        };
        if order.state != OrderState::Open {
            return Ok(());
        }
        match serde_json::from_value::<Led>(order.data.clone()) {
            Ok(led) => self.settle_led(owner, &order, led, now).await,
            // Erased with the person, or written by another program: at least nothing stays held there.
            Err(_) => self.undo(owner, key, now).await,
        }
    }

    async fn settle_led(&self, owner: &dyn Owner, order: &OwnerOrder, led: Led, now: Timestamp) -> Result<(), Open> {
        let key = order.idempotency_key.as_str();
        match &led {
            Led::Book { .. } => {
                // The caller heard no yes. Whoever died before saying anything at all promised no call either.
                self.promise(key, &led, now).await?;
                self.undo(owner, key, now).await
            }
            Led::Move { visit, to, wanted, change, .. } => match within(owner.move_to(key, visit, wanted)).await {
                Ok(granted) => {
                    let to = records::NewTime { external_id: Some(granted.visit), ..to.as_ref().clone() };
                    match self.store.move_booking_with(&order.booking, &to, &Claims::default(), change).await {
                        Ok(BookOutcome::Booked(_)) => Ok(()),
                        Ok(BookOutcome::Taken) | Err(RecordsError::WrongStatus { .. }) => {
                            self.at_odds(key, &led, now).await
                        }
                        Err(error) => Err(error.into()),
                    }
                }
                Err(OwnerError::Unknown(problem)) => Err(Open::Owner(problem)),
                Err(_) => Ok(self.store.close_order(key, OrderState::Undone, now.as_millisecond()).await?),
            },
            Led::Cancel { visit, change, .. } => {
                match within(owner.cancel(key, visit, change.reason_code.as_deref())).await {
                    Ok(()) => match self.store.cancel(&order.booking, change).await {
                        Ok(_) => Ok(self.store.close_order(key, OrderState::Done, now.as_millisecond()).await?),
                        Err(RecordsError::WrongStatus { .. }) => self.at_odds(key, &led, now).await,
                        Err(error) => Err(error.into()),
                    },
                    Err(OwnerError::Unknown(problem)) => Err(Open::Owner(problem)),
                    Err(_) => Ok(self.store.close_order(key, OrderState::Undone, now.as_millisecond()).await?),
                }
            }
        }
    }

    async fn undo(&self, owner: &dyn Owner, key: &str, now: Timestamp) -> Result<(), Open> {
        match within(owner.release(key)).await {
            Ok(()) | Err(OwnerError::Gone) => {
                Ok(self.store.close_order(key, OrderState::Undone, now.as_millisecond()).await?)
            }
            Err(error) => Err(Open::Owner(error.to_string())),
        }
    }

    /// Done there, and no longer possible here: people changed the visit meanwhile. A person looks at it.
    async fn at_odds(&self, key: &str, led: &Led, now: Timestamp) -> Result<(), Open> {
        tracing::warn!(clinic = %self.clinic.id, order = key, "the owner's schedule and ours differ about a visit");
        self.promise(key, led, now).await?;
        Ok(self.store.close_order(key, OrderState::Done, now.as_millisecond()).await?)
    }
}

/// Why an order stays open.
enum Open {
    /// The owner says nothing.
    Owner(String),
    /// Our own records.
    Desk(DeskError),
}

impl From<DeskError> for Open {
    fn from(error: DeskError) -> Self {
        Self::Desk(error)
    }
}

impl From<RecordsError> for Open {
    fn from(error: RecordsError) -> Self {
        Self::Desk(error.into())
    }
}
