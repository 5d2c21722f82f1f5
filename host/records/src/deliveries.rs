//! Deliveries of events to other systems' addresses: a durable queue in which the events of one subject keep their order.
//!
//! A delivery is claimed for a while (its lease). A sender that dies between sending and reporting leaves a lease that runs
//! out, and the event is sent again under its own id. A delivery that waits for its next attempt holds back the later ones
//! of its subject and nobody else's.

use serde::{Deserialize, Serialize};
use sqlx::any::AnyRow;
use sqlx::{Any, Transaction};

use crate::feed::reached;
use crate::row::{Columns as _, FromColumns, words};
use crate::{FeedEvent, RecordsError, Result, Store};

words! {
    /// Where a delivery stands.
    DeliveryState {
        /// Waiting for its time, or for an earlier one of its subject.
        Waiting = "waiting",
        /// A sender has it.
        Sending = "sending",
        /// The other side said so.
        Delivered = "delivered",
        /// Given up after the last attempt.
        Failed = "failed",
    }
}

/// An event on its way to an endpoint.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delivery {
    /// Name of the endpoint.
    pub endpoint: String,
    /// Id of the event: the same in every attempt.
    pub event: String,
    /// The event's place in the feed.
    pub position: i64,
    /// What the event is about.
    pub subject: String,
    /// What happened.
    pub kind: String,
    /// Where it stands.
    pub state: DeliveryState,
    /// Not before, unix milliseconds.
    pub due_ms: i64,
    /// Which attempt of this round it is, from 1 once it was claimed.
    pub attempts: i64,
    /// Proof of the claim.
    pub claims: i64,
    /// How often it was asked for again.
    pub replays: i64,
    /// When it last changed.
    pub updated_ms: i64,
}

/// What an attempt came to.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeliveryAttempt {
    /// When it began, unix milliseconds.
    pub at_ms: i64,
    /// How long it took.
    pub took_ms: i64,
    /// HTTP status; none when there was no answer.
    pub status: Option<i64>,
    /// What was wrong; none when it was delivered. No personal data.
    pub problem: Option<String>,
}

/// What became of an endpoint.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EndpointState {
    /// Its name in the settings.
    pub name: String,
    /// Whether anything is sent to it.
    pub on: bool,
    /// Why it was switched off.
    pub reason: Option<String>,
    /// The first failure since the last success.
    pub failing_since_ms: Option<i64>,
    /// Nothing is sent before.
    pub paused_until_ms: i64,
    /// When it last changed.
    pub updated_ms: i64,
    /// How far its events are queued.
    pub position: i64,
}

/// What follows a failed attempt.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct AfterFailure<'a> {
    /// When it is tried again; none = given up.
    pub again_ms: Option<i64>,
    /// Until when nothing at all is sent to the endpoint.
    pub pause_until_ms: Option<i64>,
    /// The endpoint is switched off, for this reason.
    pub off: Option<&'a str>,
}

macro_rules! columns {
    () => {
        "endpoint, event, position, subject, kind, state, due_ms, attempts, claims, replays, updated_ms"
    };
}

/// Heads of their subjects: nothing earlier is still open.
macro_rules! head {
    () => {
        "endpoint = $1 AND NOT EXISTS (SELECT 1 FROM deliveries AS earlier WHERE earlier.endpoint = $1 \
         AND earlier.subject = deliveries.subject AND earlier.position < deliveries.position \
         AND earlier.state IN ('waiting', 'sending'))"
    };
}

impl Store {
    /// Makes an endpoint known. One that is new begins with what happens from now on.
    pub async fn know_endpoint(&self, name: &str, now_ms: i64) -> Result<()> {
        let mut transaction = self.begin_write().await?;
        let new = sqlx::query(
            "INSERT INTO endpoints (name, state, paused_until_ms, updated_ms) VALUES ($1, 'on', 0, $2)
             ON CONFLICT (name) DO NOTHING",
        )
        .bind(name)
        .bind(now_ms)
        .execute(&mut *transaction)
        .await?;
        if new.rows_affected() == 1 {
            let end: i64 =
                sqlx::query_scalar("SELECT COALESCE(MAX(position), 0) FROM feed").fetch_one(&mut *transaction).await?;
            reached(&mut transaction, &reader(name), end, now_ms).await?;
        }
        transaction.commit().await?;
        Ok(())
    }

    /// What became of an endpoint.
    ///
    /// # Errors
    /// [`RecordsError::NotFound`] for one that was never known.
    pub async fn endpoint(&self, name: &str) -> Result<EndpointState> {
        let found = self.endpoints().await?.into_iter().find(|endpoint| endpoint.name == name);
        found.ok_or_else(|| no_endpoint(name))
    }

    /// Every endpoint that was ever known, by name.
    pub async fn endpoints(&self) -> Result<Vec<EndpointState>> {
        let rows = sqlx::query(
            "SELECT name, state, reason, failing_since_ms, paused_until_ms, updated_ms,
                COALESCE((SELECT position FROM feed_readers WHERE feed_readers.name = 'webhook:' || endpoints.name), 0)
                    AS position
             FROM endpoints ORDER BY name",
        );
        rows.fetch_all(self.read()).await?.iter().map(EndpointState::from_columns).collect()
    }

    /// Queues events for an endpoint and notes that it has been given the feed up to `read_to`, both or neither.
    pub async fn queue_deliveries(
        &self,
        endpoint: &str,
        events: &[&FeedEvent],
        read_to: i64,
        now_ms: i64,
    ) -> Result<()> {
        let mut transaction = self.begin_write().await?;
        for event in events {
            insert(&mut transaction, endpoint, event, now_ms, false).await?;
        }
        reached(&mut transaction, &reader(endpoint), read_to, now_ms).await?;
        transaction.commit().await?;
        Ok(())
    }

    /// Queues events once more, those that were delivered too. Each keeps its id. One that is waiting anyway stays as it
    /// is. Returns how many there are to send now.
    pub async fn replay_deliveries(&self, endpoint: &str, events: &[&FeedEvent], now_ms: i64) -> Result<u64> {
        let mut transaction = self.begin_write().await?;
        let mut queued = 0;
        for event in events {
            queued += insert(&mut transaction, endpoint, event, now_ms, true).await?;
        }
        self.commit_and_tell(transaction).await?;
        Ok(queued)
    }

    /// Takes the oldest due delivery of an endpoint for `lease_ms`. None when nothing is due, or the endpoint is off or
    /// wants to be left alone.
    pub async fn claim_delivery(&self, endpoint: &str, now_ms: i64, lease_ms: i64) -> Result<Option<Delivery>> {
        // A look without the write lock first: idle senders ask often.
        if self.next_delivery_ms(endpoint).await?.is_none_or(|due_ms| due_ms > now_ms) {
            return Ok(None);
        }
        let sql = concat!(
            "UPDATE deliveries SET state = 'sending', lease_until_ms = $3, attempts = attempts + 1, claims = claims + 1, \
             updated_ms = $2 WHERE endpoint = $1 AND event = (SELECT event FROM deliveries WHERE ",
            head!(),
            " AND ((state = 'waiting' AND due_ms <= $2) OR (state = 'sending' AND lease_until_ms <= $2)) \
             ORDER BY position LIMIT 1) RETURNING ",
            columns!()
        );
        let row = sqlx::query(sql)
            .bind(endpoint)
            .bind(now_ms)
            .bind(now_ms.saturating_add(lease_ms))
            .fetch_all(self.write())
            .await?
            .pop();
        row.as_ref().map(Delivery::from_columns).transpose()
    }

    /// When the next delivery of an endpoint may be claimed; none when nothing waits, or the endpoint is off.
    pub async fn next_delivery_ms(&self, endpoint: &str) -> Result<Option<i64>> {
        let state = sqlx::query("SELECT state, paused_until_ms FROM endpoints WHERE name = $1").bind(endpoint);
        let Some(row) = state.fetch_optional(self.read()).await? else { return Ok(None) };
        if row.text("state")? != "on" {
            return Ok(None);
        }
        let sql = concat!(
            "SELECT MIN(CASE WHEN state = 'sending' THEN lease_until_ms ELSE due_ms END) AS due_ms FROM deliveries WHERE ",
            head!(),
            " AND state IN ('waiting', 'sending')"
        );
        let due = sqlx::query(sql).bind(endpoint).fetch_one(self.read()).await?.int_opt("due_ms")?;
        let paused_until_ms = row.int("paused_until_ms")?;
        Ok(due.map(|due_ms| due_ms.max(paused_until_ms)))
    }

    /// Reports a claimed delivery as done; the endpoint counts as sound again.
    ///
    /// # Errors
    /// [`RecordsError::LeaseLost`] when another sender has it by now.
    pub async fn delivered(&self, delivery: &Delivery, attempt: &DeliveryAttempt) -> Result<()> {
        let mut transaction = self.begin_write().await?;
        let now_ms = attempt.at_ms.saturating_add(attempt.took_ms);
        settle(&mut transaction, delivery, DeliveryState::Delivered, now_ms, now_ms).await?;
        write_attempt(&mut transaction, delivery, attempt).await?;
        sqlx::query("UPDATE endpoints SET failing_since_ms = NULL WHERE name = $1 AND failing_since_ms IS NOT NULL")
            .bind(&delivery.endpoint)
            .execute(&mut *transaction)
            .await?;
        transaction.commit().await?;
        Ok(())
    }

    /// Reports that a claimed delivery failed, and what follows.
    ///
    /// # Errors
    /// [`RecordsError::LeaseLost`] when another sender has it by now.
    pub async fn delivery_failed(
        &self,
        delivery: &Delivery,
        attempt: &DeliveryAttempt,
        then: AfterFailure<'_>,
    ) -> Result<()> {
        let mut transaction = self.begin_write().await?;
        let now_ms = attempt.at_ms.saturating_add(attempt.took_ms);
        let state = if then.again_ms.is_some() { DeliveryState::Waiting } else { DeliveryState::Failed };
        settle(&mut transaction, delivery, state, then.again_ms.unwrap_or(now_ms), now_ms).await?;
        write_attempt(&mut transaction, delivery, attempt).await?;
        sqlx::query(
            "UPDATE endpoints SET failing_since_ms = COALESCE(failing_since_ms, $2),
                paused_until_ms = CASE WHEN $3 > paused_until_ms THEN $3 ELSE paused_until_ms END WHERE name = $1",
        )
        .bind(&delivery.endpoint)
        .bind(attempt.at_ms)
        .bind(then.pause_until_ms.unwrap_or(0))
        .execute(&mut *transaction)
        .await?;
        if let Some(reason) = then.off {
            sqlx::query("UPDATE endpoints SET state = 'off', reason = $2, updated_ms = $3 WHERE name = $1")
                .bind(&delivery.endpoint)
                .bind(reason)
                .bind(now_ms)
                .execute(&mut *transaction)
                .await?;
        }
        transaction.commit().await?;
        Ok(())
    }

    /// Switches an endpoint on again: what waited is sent at once, in order.
    ///
    /// # Errors
    /// [`RecordsError::NotFound`].
    pub async fn endpoint_on(&self, name: &str, now_ms: i64) -> Result<()> {
        let mut transaction = self.begin_write().await?;
        let done = sqlx::query(
            "UPDATE endpoints SET state = 'on', reason = NULL, failing_since_ms = NULL, paused_until_ms = 0,
                updated_ms = $2 WHERE name = $1",
        )
        .bind(name)
        .bind(now_ms)
        .execute(&mut *transaction)
        .await?;
        if done.rows_affected() == 0 {
            return Err(no_endpoint(name));
        }
        sqlx::query(
            "UPDATE deliveries SET due_ms = $2, attempts = 0 WHERE endpoint = $1 AND state = 'waiting' AND due_ms > $2",
        )
        .bind(name)
        .bind(now_ms)
        .execute(&mut *transaction)
        .await?;
        self.commit_and_tell(transaction).await
    }

    /// An endpoint's deliveries, latest first, before a position of the feed; all of them or those in one state.
    pub async fn deliveries(
        &self,
        endpoint: &str,
        state: Option<DeliveryState>,
        before: Option<i64>,
        limit: u32,
    ) -> Result<Vec<Delivery>> {
        let sql = concat!(
            "SELECT ",
            columns!(),
            " FROM deliveries WHERE endpoint = $1 AND position < $2 AND ($3 = '' OR state = $3) \
             ORDER BY position DESC LIMIT $4"
        );
        let rows = sqlx::query(sql)
            .bind(endpoint)
            .bind(before.unwrap_or(i64::MAX))
            .bind(state.map_or("", DeliveryState::as_str))
            .bind(i64::from(limit.clamp(1, 1000)))
            .fetch_all(self.read())
            .await?;
        rows.iter().map(Delivery::from_columns).collect()
    }

    /// Every attempt at a delivery, oldest first.
    pub async fn delivery_attempts(&self, endpoint: &str, event: &str) -> Result<Vec<DeliveryAttempt>> {
        let rows = sqlx::query(
            "SELECT at_ms, took_ms, status, problem FROM delivery_attempts WHERE endpoint = $1 AND event = $2 ORDER BY seq",
        )
        .bind(endpoint)
        .bind(event)
        .fetch_all(self.read())
        .await?;
        rows.iter().map(DeliveryAttempt::from_columns).collect()
    }

    /// Forgets what was delivered or given up before; returns how much that was.
    pub async fn forget_deliveries(&self, before_ms: i64) -> Result<u64> {
        let mut transaction = self.begin_write().await?;
        sqlx::query(
            "DELETE FROM delivery_attempts WHERE EXISTS (SELECT 1 FROM deliveries
                WHERE deliveries.endpoint = delivery_attempts.endpoint AND deliveries.event = delivery_attempts.event
                AND deliveries.state IN ('delivered', 'failed') AND deliveries.updated_ms < $1)",
        )
        .bind(before_ms)
        .execute(&mut *transaction)
        .await?;
        let gone = sqlx::query("DELETE FROM deliveries WHERE state IN ('delivered', 'failed') AND updated_ms < $1")
            .bind(before_ms)
            .execute(&mut *transaction)
            .await?;
        transaction.commit().await?;
        Ok(gone.rows_affected())
    }

    /// One event of the feed.
    ///
    /// # Errors
    /// [`RecordsError::NotFound`].
    pub async fn feed_event(&self, id: &str, position: i64) -> Result<FeedEvent> {
        let found = self.feed(position - 1, None, 1).await?.pop().filter(|event| event.id == id);
        found.ok_or_else(|| RecordsError::NotFound { what: "event", id: id.to_owned() })
    }
}

/// The reader's name under which the feed remembers how far an endpoint has got.
fn reader(endpoint: &str) -> String {
    format!("webhook:{endpoint}")
}

async fn insert(
    transaction: &mut Transaction<'_, Any>,
    endpoint: &str,
    event: &FeedEvent,
    now_ms: i64,
    again: bool,
) -> Result<u64> {
    let sql = if again {
        "INSERT INTO deliveries (endpoint, event, position, subject, kind, state, due_ms, attempts, claims, replays,
            created_ms, updated_ms) VALUES ($1, $2, $3, $4, $5, 'waiting', $6, 0, 0, 1, $6, $6)
         ON CONFLICT (endpoint, event) DO UPDATE SET state = 'waiting', due_ms = excluded.due_ms, attempts = 0,
            replays = deliveries.replays + 1, updated_ms = excluded.updated_ms
         WHERE deliveries.state IN ('delivered', 'failed')"
    } else {
        "INSERT INTO deliveries (endpoint, event, position, subject, kind, state, due_ms, attempts, claims, replays,
            created_ms, updated_ms) VALUES ($1, $2, $3, $4, $5, 'waiting', $6, 0, 0, 0, $6, $6)
         ON CONFLICT (endpoint, event) DO NOTHING"
    };
    let done = sqlx::query(sql)
        .bind(endpoint)
        .bind(&event.id)
        .bind(event.position)
        .bind(&event.subject)
        .bind(&event.kind)
        .bind(now_ms)
        .execute(&mut **transaction)
        .await?;
    Ok(done.rows_affected())
}

async fn settle(
    transaction: &mut Transaction<'_, Any>,
    delivery: &Delivery,
    state: DeliveryState,
    due_ms: i64,
    now_ms: i64,
) -> Result<()> {
    let done = sqlx::query(
        "UPDATE deliveries SET state = $4, due_ms = $5, lease_until_ms = NULL, updated_ms = $6
         WHERE endpoint = $1 AND event = $2 AND claims = $3 AND state = 'sending'",
    )
    .bind(&delivery.endpoint)
    .bind(&delivery.event)
    .bind(delivery.claims)
    .bind(state.as_str())
    .bind(due_ms)
    .bind(now_ms)
    .execute(&mut **transaction)
    .await?;
    if done.rows_affected() == 1 { Ok(()) } else { Err(RecordsError::LeaseLost { id: delivery.event.clone() }) }
}

async fn write_attempt(
    transaction: &mut Transaction<'_, Any>,
    delivery: &Delivery,
    attempt: &DeliveryAttempt,
) -> Result<()> {
    // The claim's own number keeps attempts of several rounds apart.
    sqlx::query(
        "INSERT INTO delivery_attempts (endpoint, event, seq, at_ms, took_ms, status, problem)
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
    )
    .bind(&delivery.endpoint)
    .bind(&delivery.event)
    .bind(delivery.claims)
    .bind(attempt.at_ms)
    .bind(attempt.took_ms)
    .bind(attempt.status)
    .bind(attempt.problem.as_deref())
    .execute(&mut **transaction)
    .await?;
    Ok(())
}

fn no_endpoint(name: &str) -> RecordsError {
    RecordsError::NotFound { what: "endpoint", id: name.to_owned() }
}

impl FromColumns for Delivery {
    fn from_columns(row: &AnyRow) -> Result<Self> {
        Ok(Self {
            endpoint: row.text("endpoint")?,
            event: row.text("event")?,
            position: row.int("position")?,
            subject: row.text("subject")?,
            kind: row.text("kind")?,
            state: row.word("state")?,
            due_ms: row.int("due_ms")?,
            attempts: row.int("attempts")?,
            claims: row.int("claims")?,
            replays: row.int("replays")?,
            updated_ms: row.int("updated_ms")?,
        })
    }
}

impl FromColumns for DeliveryAttempt {
    fn from_columns(row: &AnyRow) -> Result<Self> {
        Ok(Self {
            at_ms: row.int("at_ms")?,
            took_ms: row.int("took_ms")?,
            status: row.int_opt("status")?,
            problem: row.text_opt("problem")?,
        })
    }
}

impl FromColumns for EndpointState {
    fn from_columns(row: &AnyRow) -> Result<Self> {
        Ok(Self {
            name: row.text("name")?,
            on: row.text("state")? == "on",
            reason: row.text_opt("reason")?,
            failing_since_ms: row.int_opt("failing_since_ms")?,
            paused_until_ms: row.int("paused_until_ms")?,
            updated_ms: row.int("updated_ms")?,
            position: row.int("position")?,
        })
    }
}
