//! What happened to a call besides its turns, and what its row says of it.
//!
//! Any kind may be written down. A call's row is made of these, with `data` as given (all `_ms` are milliseconds):
//!
//! | kind | data | meaning |
//! |---|---|---|
//! | `joined` | | waits from now on |
//! | `connected` | `wait_ms` | a person answered; `wait_ms` since they joined |
//! | `returned` | | the line broke before a word: the last `connected` does not count |
//! | `talk_ended` | `talk_ms`, `hold_ms`, `by` (`caller`, `agent`, `transfer`) | they have talked |
//! | `acw_end` | `acw_ms` | after-call work is done |
//! | `abandoned` | `wait_ms` | hung up while waiting |
//! | `overflowed` | `wait_ms`, `to` (`callback`, …) | left the queue unserved |
//! | `callback_taken` | `wait_ms` | left with the promise of a call-back |

use serde::{Deserialize, Serialize};
use serde_json::Value;
use sqlx::AnyConnection;
use sqlx::any::AnyRow;

use crate::append::Row;
use crate::row::{Columns as _, FromColumns};
use crate::{Result, Store};

/// One thing that happened.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CallEvent {
    /// The call.
    pub call: String,
    /// UTC unix milliseconds.
    pub at_ms: i64,
    /// In one word; see the table above.
    pub kind: String,
    /// Who, if it was about a person.
    pub agent: Option<String>,
    /// Which queue.
    pub queue: Option<String>,
    /// A JSON object; nothing personal.
    pub data: String,
}

/// What the events of a call say about its row: the queue's part of the call, without what a robot did before.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct QueuePhase {
    /// The last queue.
    pub queue: Option<String>,
    /// Who talked to the caller; the last one, if there were several.
    pub agent: Option<String>,
    /// When a person first answered; none: nobody did, the call is lost.
    pub answered_ms: Option<i64>,
    /// Waiting until then, or until the caller left.
    pub wait_ms: i64,
    /// Talking with people, without hold.
    pub talk_ms: Option<i64>,
    /// On hold.
    pub hold_ms: Option<i64>,
    /// After-call work; none: not measured (yet).
    pub acw_ms: Option<i64>,
    /// When the caller's part was over; none: it may go on.
    pub ended_ms: Option<i64>,
    /// Nobody answered, and the caller was promised a call-back.
    pub promised: bool,
}

impl QueuePhase {
    /// Folds the events of one call, in their order. None when the call never came to a queue.
    pub fn of(events: &[CallEvent]) -> Option<Self> {
        let mut phase: Option<Self> = None;
        for event in events {
            let queue_began = matches!(event.kind.as_str(), "joined" | "overflowed" | "connected");
            if phase.is_none() && !queue_began {
                continue;
            }
            phase.get_or_insert_default().take(event);
        }
        phase
    }

    fn take(&mut self, event: &CallEvent) {
        let data: Value = serde_json::from_str(&event.data).unwrap_or_default();
        let ms = |key: &str| data.get(key).and_then(Value::as_i64).unwrap_or(0);
        let word = |key: &str| data.get(key).and_then(Value::as_str).unwrap_or_default();
        if event.queue.is_some() {
            self.queue.clone_from(&event.queue);
        }
        match event.kind.as_str() {
            "joined" => self.ended_ms = None,
            "connected" => {
                if self.answered_ms.is_none() {
                    (self.answered_ms, self.wait_ms) = (Some(event.at_ms), ms("wait_ms"));
                }
                self.agent.clone_from(&event.agent);
                (self.ended_ms, self.promised) = (None, false);
            }
            // (After a talk with somebody else that one stands.)
            "returned" if self.talk_ms.is_none() => (self.answered_ms, self.agent) = (None, None),
            "talk_ended" => {
                self.talk_ms = Some(self.talk_ms.unwrap_or(0) + ms("talk_ms"));
                self.hold_ms = Some(self.hold_ms.unwrap_or(0) + ms("hold_ms"));
                self.ended_ms = (word("by") != "transfer").then_some(event.at_ms);
            }
            "acw_end" => self.acw_ms = Some(self.acw_ms.unwrap_or(0) + ms("acw_ms")),
            "abandoned" | "overflowed" | "callback_taken" if self.answered_ms.is_none() && !self.promised => {
                self.wait_ms = ms("wait_ms");
                self.promised = event.kind == "callback_taken" || word("to") == "callback";
                self.ended_ms = (event.kind != "overflowed").then_some(event.at_ms);
            }
            "abandoned" => self.ended_ms = Some(event.at_ms),
            _ => {}
        }
    }
}

impl Store {
    /// Writes an event down, after those the call has.
    pub async fn add_call_event(&self, event: CallEvent) -> Result<()> {
        self.inner.appender.append(Row::Event(Box::new(event))).await?;
        Ok(())
    }

    /// The events of a call, in their order.
    pub async fn call_events(&self, call: &str) -> Result<Vec<CallEvent>> {
        let sql = "SELECT call, at_ms, kind, agent, queue, data FROM call_events WHERE call = $1 ORDER BY seq";
        let rows = sqlx::query(sql).bind(call).fetch_all(self.read()).await?;
        rows.iter().map(CallEvent::from_columns).collect()
    }

    /// Makes the call's row say what its events say: waiting, answer, talk, hold, after-call work, who talked, and that a
    /// caller who left the queue unanswered is lost. Without a queue's events it changes nothing. To be called when a talk or
    /// a wait is over, and again after the after-call work; as often as one likes.
    pub async fn settle_call(&self, call: &str) -> Result<Option<QueuePhase>> {
        let Some(phase) = QueuePhase::of(&self.call_events(call).await?) else { return Ok(None) };
        self.inner.appender.append(Row::Queue(Box::new((call.to_owned(), phase.clone())))).await?;
        Ok(Some(phase))
    }
}

impl QueuePhase {
    pub(crate) async fn write(&self, call: &str, connection: &mut AnyConnection) -> Result<()> {
        // What the robot had to say stands ("booked"), but "handed over" is not true of a caller whom nobody took.
        // What came of calls of another exchange nobody knows.
        let sql =
            "UPDATE calls SET queue = $2, agent = $3, answered_ms = $4, queue_wait_ms = $5, talk_ms = $6, hold_ms = $7,
                acw_ms = $8,
                ended_ms = CASE WHEN $9 IS NULL OR ended_ms > $9 THEN ended_ms ELSE $9 END,
                outcome = CASE WHEN source = 'import' THEN outcome
                    WHEN $4 IS NULL AND (outcome IS NULL OR outcome IN ('transferred', 'nothing')) THEN $10
                    WHEN outcome IS NULL OR outcome = 'nothing' THEN 'transferred' ELSE outcome END
             WHERE id = $1";
        sqlx::query(sql)
            .bind(call)
            .bind(self.queue.as_deref())
            .bind(self.agent.as_deref())
            .bind(self.answered_ms)
            .bind(self.wait_ms)
            .bind(self.talk_ms)
            .bind(self.hold_ms)
            .bind(self.acw_ms)
            .bind(self.ended_ms)
            .bind(if self.promised { "callback" } else { "nothing" })
            .execute(connection)
            .await?;
        Ok(())
    }
}

impl CallEvent {
    pub(crate) async fn insert(&self, connection: &mut AnyConnection) -> Result<()> {
        let sql = "INSERT INTO call_events (call, seq, at_ms, kind, agent, queue, data)
             VALUES ($1, (SELECT COALESCE(MAX(seq), 0) + 1 FROM call_events WHERE call = $1), $2, $3, $4, $5, $6)";
        sqlx::query(sql)
            .bind(&self.call)
            .bind(self.at_ms)
            .bind(&self.kind)
            .bind(self.agent.as_deref())
            .bind(self.queue.as_deref())
            .bind(&self.data)
            .execute(connection)
            .await?;
        Ok(())
    }
}

impl FromColumns for CallEvent {
    fn from_columns(row: &AnyRow) -> Result<Self> {
        Ok(Self {
            call: row.text("call")?,
            at_ms: row.int("at_ms")?,
            kind: row.text("kind")?,
            agent: row.text_opt("agent")?,
            queue: row.text_opt("queue")?,
            data: row.text("data")?,
        })
    }
}
