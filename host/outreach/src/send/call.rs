//! The robot's own call, and a person's: both leave through the records, so nothing of the telephones is needed here.

use async_trait::async_trait;
use records::{Entry, Message, NewJob, Pii, Store};
use serde_json::json;

use super::{Recovery, Sender, Verdict};

/// A call that the robot is to make.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallOrder {
    /// Clinic id.
    pub clinic: String,
    /// Whom to call, E.164.
    pub number: Pii,
    /// Two orders with one key are one call.
    pub key: String,
    /// Now, unix milliseconds.
    pub now_ms: i64,
}

/// Who makes calls.
#[async_trait]
pub trait Dialler: Send + Sync {
    /// Orders a reminder call; durable when it returns. The same key again is no second call.
    ///
    /// # Errors
    /// In a few words, without personal data.
    async fn order(&self, call: &CallOrder) -> std::result::Result<(), String>;
}

/// Orders calls through the durable queue that the telephone exchange takes them from.
#[derive(Debug, Clone)]
pub struct ExchangeJobs {
    /// Where the queue is.
    pub store: Store,
}

#[async_trait]
impl Dialler for ExchangeJobs {
    async fn order(&self, call: &CallOrder) -> std::result::Result<(), String> {
        let job = NewJob {
            id: records::id(),
            kind: "call-out".to_owned(),
            payload: json!({ "clinic": call.clinic, "number": call.number.as_str(), "entry": Entry::Reminder }),
            unique_key: Some(call.key.clone()),
            run_at_ms: call.now_ms,
            // The exchange's own plan of attempts ends it, long before.
            max_attempts: 100,
            created_ms: call.now_ms,
        };
        self.store.enqueue(&job).await.map(|_| ()).map_err(|error| error.to_string())
    }
}

/// The way out over a [`Dialler`].
pub struct RobotCalls<D> {
    /// Who makes the calls.
    pub dialler: D,
    /// The clock, unix milliseconds.
    pub now_ms: Box<dyn Fn() -> i64 + Send + Sync>,
}

#[async_trait]
impl<D: Dialler> Sender for RobotCalls<D> {
    /// The message's id is the key, so that an order is one call whoever repeats it.
    fn recovery(&self) -> Recovery {
        Recovery::SameKey
    }

    async fn send(&self, message: &Message) -> Verdict {
        let order = CallOrder {
            clinic: message.new.clinic.clone(),
            number: message.new.recipient.clone(),
            key: message.new.id.clone(),
            now_ms: (self.now_ms)(),
        };
        match self.dialler.order(&order).await {
            Ok(()) => Verdict::Taken(None),
            Err(problem) => Verdict::Again { problem, after: None },
        }
    }
}
