//! The outbox: what is to be said to people, what was said, and what came of it.
//!
//! A message is planned once for its `dedup` key. Before a gateway is asked the row is durably `sending` with the key under
//! which it is asked; whoever finds it so after a crash knows that the gateway may have been asked, and must not ask again
//! without that key.

use serde::{Deserialize, Serialize};
use serde_json::json;
use sqlx::any::AnyRow;
use sqlx::{Any, Transaction};

use crate::contacts::{self, NewContact};
use crate::feed::{self, NewEvent, publish};
use crate::row::{Columns as _, FromColumns, words};
use crate::{Cursor, Pii, RecordsError, Result, Store};

words! {
    /// By which way a message goes.
    Channel {
        /// A text to a phone number.
        Sms = "sms",
        /// A messenger that a gateway speaks to.
        Messenger = "messenger",
        /// E-mail.
        Email = "email",
        /// The robot calls.
        Call = "call",
        /// A person calls: an entry of the list.
        List = "list",
    }
}

words! {
    /// Where a message stands.
    MessageState {
        /// To be sent at its time.
        Planned = "planned",
        /// A gateway is being asked, or was when the program died.
        Sending = "sending",
        /// The gateway took it.
        Sent = "sent",
        /// The gateway says that it arrived.
        Delivered = "delivered",
        /// It will not be sent.
        Failed = "failed",
        /// It was no longer wanted before it was sent.
        Withdrawn = "withdrawn",
        /// Nobody can say whether it was sent; it is never sent again.
        Unknown = "unknown",
    }
}

words! {
    /// What somebody answered.
    Answer {
        /// They come.
        Yes = "yes",
        /// They do not.
        No = "no",
        /// A person has to read it.
        Unclear = "unclear",
    }
}

/// A message to be planned.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct NewMessage {
    /// See [`crate::id()`].
    pub id: String,
    /// Clinic id.
    pub clinic: String,
    /// By which way.
    pub channel: Channel,
    /// E.164, an address, or an id of the messenger.
    pub recipient: Pii,
    /// Which of the clinic's texts it is.
    pub template: String,
    /// The subject of an e-mail; may be empty.
    pub title: Pii,
    /// The text.
    pub body: Pii,
    /// `ru`, `en`.
    pub language: String,
    /// The visit it is about.
    pub about: Option<AboutVisit>,
    /// The entry of the list of calls it is about.
    pub contact: Option<String>,
    /// Which step of the cycle.
    pub step: String,
    /// Whether a yes or no is awaited.
    pub asks: bool,
    /// Two messages with one key are one message.
    pub dedup: String,
    /// Not before, unix milliseconds.
    pub not_before_ms: i64,
    /// From then on it is too late.
    pub not_after_ms: i64,
    /// Now.
    pub created_ms: i64,
}

/// Which visit, and which of its times: a message about a time that no longer holds is never sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct AboutVisit {
    /// The visit.
    pub visit: String,
    /// The booking.
    pub booking: String,
    /// The start it tells of, unix milliseconds.
    pub start_ms: i64,
}

/// A message of the outbox.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Message {
    /// As it was planned.
    #[serde(flatten)]
    pub new: NewMessage,
    /// Where it stands.
    pub state: MessageState,
    /// How often a gateway was asked.
    pub attempts: i64,
    /// The key under which the gateway is, or was last, asked.
    pub attempt: Option<String>,
    /// The gateway's own id for it.
    pub gateway_id: Option<String>,
    /// What went wrong last.
    pub problem: Option<String>,
    /// What was answered.
    pub answer: Option<Answer>,
    /// When.
    pub answered_ms: Option<i64>,
    /// When the gateway took it.
    pub sent_ms: Option<i64>,
    /// When it last changed.
    pub updated_ms: i64,
}

/// What a reader of the feed made of it: all of this is written together with how far it has read, or nothing.
#[derive(Debug, Clone, Default)]
pub struct OutreachBatch {
    /// The reader, and the position it has reached.
    pub reader: Option<(&'static str, i64)>,
    /// Messages to plan.
    pub messages: Vec<NewMessage>,
    /// Planned messages that are no longer wanted: ids, and why. Those that are being sent already are left alone.
    pub withdraw: Vec<(String, &'static str)>,
    /// When a visit of a clinic is to be looked at again: visit, clinic, unix milliseconds; none: never.
    pub wakes: Vec<(String, String, Option<i64>)>,
    /// People to call.
    pub contacts: Vec<NewContact>,
    /// Entries of the list that are late from now on.
    pub late: Vec<String>,
    /// Now.
    pub now_ms: i64,
}

/// How many messages stand where.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OutboxCount {
    /// The way.
    pub channel: Channel,
    /// The state.
    pub state: MessageState,
    /// How many.
    pub count: i64,
}

macro_rules! columns {
    () => {
        "id, clinic, channel, recipient, template, title, body, language, visit, booking, start_ms, contact, step, asks, \
         dedup, state, not_before_ms, not_after_ms, attempts, attempt, lease_until_ms, gateway_id, problem, answer, \
         answered_ms, created_ms, sent_ms, updated_ms"
    };
}

impl Store {
    /// Writes what was decided in one transaction. Returns the ids of the messages that are new.
    pub async fn outreach(&self, batch: &OutreachBatch) -> Result<Vec<String>> {
        let mut transaction = self.begin_write().await?;
        let mut new = Vec::new();
        for message in &batch.messages {
            if insert(&mut transaction, message).await? {
                new.push(message.id.clone());
            }
        }
        for (id, why) in &batch.withdraw {
            sqlx::query(
                "UPDATE messages SET state = 'withdrawn', problem = $2, updated_ms = $3 WHERE id = $1 AND state = 'planned'",
            )
            .bind(id)
            .bind(*why)
            .bind(batch.now_ms)
            .execute(&mut *transaction)
            .await?;
        }
        for (visit, clinic, wake_ms) in &batch.wakes {
            wake(&mut transaction, visit, clinic, *wake_ms).await?;
        }
        for contact in &batch.contacts {
            contacts::add(&mut transaction, contact).await?;
        }
        for id in &batch.late {
            contacts::late(&mut transaction, id, batch.now_ms).await?;
        }
        if let Some((reader, position)) = batch.reader {
            feed::reached(&mut transaction, reader, position, batch.now_ms).await?;
        }
        self.commit_and_tell(transaction).await?;
        Ok(new)
    }

    /// Takes the next due message of a clinic on one channel: from now until `lease_ms` have passed it is being
    /// sent, under `attempt` unless the gateway may know it under an older key. What is too late by now has failed.
    /// A message about a time that no longer holds is not given out.
    pub async fn claim_message(
        &self,
        clinic: &str,
        channel: Channel,
        attempt: &str,
        now_ms: i64,
        lease_ms: i64,
    ) -> Result<Option<Message>> {
        let due: i64 = sqlx::query_scalar(
            "SELECT COUNT(*) FROM messages WHERE clinic = $1 AND state = 'planned'
                AND (not_before_ms <= $2 OR not_after_ms <= $2)",
        )
        .bind(clinic)
        .bind(now_ms)
        .fetch_one(self.read())
        .await?;
        if due == 0 {
            return Ok(None);
        }
        let mut transaction = self.begin_write().await?;
        expire(&mut transaction, clinic, now_ms).await?;
        let sql = concat!(
            "SELECT ",
            columns!(),
            " FROM messages AS m WHERE clinic = $1 AND channel = $3 AND state = 'planned' AND not_before_ms <= $2 \
             AND (booking IS NULL OR EXISTS (SELECT 1 FROM bookings AS b WHERE b.id = m.booking \
             AND b.start_ms = m.start_ms AND b.status NOT IN ('moved', 'cancelled', 'no-show', 'done', 'arrived'))) \
             ORDER BY not_before_ms, id LIMIT 1"
        );
        let row =
            sqlx::query(sql).bind(clinic).bind(now_ms).bind(channel.as_str()).fetch_optional(&mut *transaction).await?;
        let mut found = row.as_ref().map(Message::from_columns).transpose()?;
        if let Some(message) = &mut found {
            let key = message.attempt.get_or_insert_with(|| attempt.to_owned());
            sqlx::query(
                "UPDATE messages SET state = 'sending', attempt = $2, attempts = attempts + 1, lease_until_ms = $3,
                    updated_ms = $4 WHERE id = $1",
            )
            .bind(&message.new.id)
            .bind(key.as_str())
            .bind(now_ms.saturating_add(lease_ms))
            .bind(now_ms)
            .execute(&mut *transaction)
            .await?;
            message.state = MessageState::Sending;
            message.attempts += 1;
        }
        self.commit_and_tell(transaction).await?;
        Ok(found)
    }

    /// Takes a message whose sender died while it was being sent, for another `lease_ms`, under its old key.
    pub async fn stale_message(
        &self,
        clinic: &str,
        channel: Channel,
        now_ms: i64,
        lease_ms: i64,
    ) -> Result<Option<Message>> {
        let stale = "SELECT COUNT(*) FROM messages WHERE clinic = $1 AND channel = $3 AND state = 'sending'
             AND lease_until_ms <= $2";
        let stale = sqlx::query_scalar(stale).bind(clinic).bind(now_ms).bind(channel.as_str());
        let stale: i64 = stale.fetch_one(self.read()).await?;
        if stale == 0 {
            return Ok(None);
        }
        let sql = concat!(
            "UPDATE messages SET lease_until_ms = $3, updated_ms = $2 WHERE id = (SELECT id FROM messages \
             WHERE clinic = $1 AND channel = $4 AND state = 'sending' AND lease_until_ms <= $2 \
             ORDER BY lease_until_ms, id LIMIT 1) \
             RETURNING ",
            columns!()
        );
        let mut transaction = self.begin_write().await?;
        let lease = now_ms.saturating_add(lease_ms);
        let found = sqlx::query(sql).bind(clinic).bind(now_ms).bind(lease).bind(channel.as_str());
        let row = found.fetch_all(&mut *transaction).await?.pop();
        transaction.commit().await?;
        row.as_ref().map(Message::from_columns).transpose()
    }

    /// The gateway took a message.
    ///
    /// # Errors
    /// [`RecordsError::LeaseLost`] when it is no longer being sent under this key.
    pub async fn message_sent(&self, message: &Message, gateway_id: Option<&str>, now_ms: i64) -> Result<()> {
        let mut transaction = self.begin_write().await?;
        let done = sqlx::query(
            "UPDATE messages SET state = 'sent', gateway_id = $3, problem = NULL, lease_until_ms = NULL, sent_ms = $4,
                updated_ms = $4 WHERE id = $1 AND attempt = $2 AND state = 'sending'",
        )
        .bind(&message.new.id)
        .bind(message.attempt.as_deref())
        .bind(gateway_id)
        .bind(now_ms)
        .execute(&mut *transaction)
        .await?;
        held(message, done.rows_affected())?;
        tell(&mut transaction, "message.sent", message, MessageState::Sent, now_ms).await?;
        self.commit_and_tell(transaction).await
    }

    /// A message is to be sent again at `at_ms`. `same_key`: the gateway may have taken it, so it is asked under the same
    /// key again.
    ///
    /// # Errors
    /// [`RecordsError::LeaseLost`] when it is no longer being sent under this key.
    pub async fn message_again(
        &self,
        message: &Message,
        same_key: bool,
        at_ms: i64,
        problem: &str,
        now_ms: i64,
    ) -> Result<()> {
        let done = sqlx::query(
            "UPDATE messages SET state = 'planned', attempt = $3, not_before_ms = $4, problem = $5, lease_until_ms = NULL,
                updated_ms = $6 WHERE id = $1 AND attempt = $2 AND state = 'sending'",
        )
        .bind(&message.new.id)
        .bind(message.attempt.as_deref())
        .bind(message.attempt.as_deref().filter(|_| same_key))
        .bind(at_ms)
        .bind(problem)
        .bind(now_ms)
        .execute(self.write())
        .await?;
        held(message, done.rows_affected())
    }

    /// A message that one way surely refused goes another way.
    ///
    /// # Errors
    /// [`RecordsError::LeaseLost`] when it is no longer being sent under this key.
    pub async fn message_rerouted(&self, message: &Message, to: &NewMessage, problem: &str, now_ms: i64) -> Result<()> {
        let done = sqlx::query(
            "UPDATE messages SET state = 'planned', attempt = NULL, attempts = 0, channel = $3, recipient = $4, title = $5,
                body = $6, not_before_ms = $8, problem = $7, lease_until_ms = NULL, updated_ms = $8
             WHERE id = $1 AND attempt = $2 AND state = 'sending'",
        )
        .bind(&message.new.id)
        .bind(message.attempt.as_deref())
        .bind(to.channel.as_str())
        .bind(to.recipient.as_str())
        .bind(to.title.as_str())
        .bind(to.body.as_str())
        .bind(problem)
        .bind(now_ms)
        .execute(self.write())
        .await?;
        held(message, done.rows_affected())
    }

    /// A message ends without having been sent, or without anybody knowing whether it was
    /// ([`MessageState::Failed`], [`MessageState::Unknown`]).
    ///
    /// # Errors
    /// [`RecordsError::LeaseLost`] when it is no longer being sent under this key.
    pub async fn message_failed(
        &self,
        message: &Message,
        state: MessageState,
        problem: &str,
        now_ms: i64,
    ) -> Result<()> {
        let mut transaction = self.begin_write().await?;
        let done = sqlx::query(
            "UPDATE messages SET state = $3, problem = $4, lease_until_ms = NULL, updated_ms = $5
             WHERE id = $1 AND attempt = $2 AND state = 'sending'",
        )
        .bind(&message.new.id)
        .bind(message.attempt.as_deref())
        .bind(state.as_str())
        .bind(problem)
        .bind(now_ms)
        .execute(&mut *transaction)
        .await?;
        held(message, done.rows_affected())?;
        tell(&mut transaction, "message.failed", message, state, now_ms).await?;
        self.commit_and_tell(transaction).await
    }

    /// What a gateway reports of a message it took: it arrived, or never will. False when nothing changed by it.
    pub async fn message_report(
        &self,
        channel: Channel,
        gateway_id: &str,
        delivered: bool,
        now_ms: i64,
    ) -> Result<bool> {
        let mut transaction = self.begin_write().await?;
        let state = if delivered { MessageState::Delivered } else { MessageState::Failed };
        let sql = concat!(
            "UPDATE messages SET state = $3, problem = $5, updated_ms = $4 WHERE channel = $1 AND gateway_id = $2 \
             AND state IN ('sent', 'unknown') RETURNING ",
            columns!()
        );
        let problem = (!delivered).then_some("the gateway could not deliver it");
        let row = sqlx::query(sql)
            .bind(channel.as_str())
            .bind(gateway_id)
            .bind(state.as_str())
            .bind(now_ms)
            .bind(problem)
            .fetch_all(&mut *transaction)
            .await?
            .pop();
        let Some(row) = row else { return Ok(false) };
        if !delivered {
            tell(&mut transaction, "message.failed", &Message::from_columns(&row)?, state, now_ms).await?;
        }
        self.commit_and_tell(transaction).await?;
        Ok(true)
    }

    /// Writes down what was answered to a message. A clear answer stands: later ones change nothing and give false.
    pub async fn message_answered(&self, id: &str, answer: Answer, now_ms: i64) -> Result<bool> {
        let mut transaction = self.begin_write().await?;
        let sql = concat!(
            "UPDATE messages SET answer = $2, answered_ms = $3, updated_ms = $3 \
             WHERE id = $1 AND (answer IS NULL OR answer = 'unclear') RETURNING ",
            columns!()
        );
        let row =
            sqlx::query(sql).bind(id).bind(answer.as_str()).bind(now_ms).fetch_all(&mut *transaction).await?.pop();
        let Some(row) = row else { return Ok(false) };
        let message = Message::from_columns(&row)?;
        tell(&mut transaction, "message.answered", &message, message.state, now_ms).await?;
        self.commit_and_tell(transaction).await?;
        Ok(true)
    }

    /// Questions that somebody was asked and has not clearly answered, about visits that are still to come, newest first.
    pub async fn open_questions(&self, clinic: &str, recipient: &Pii, now_ms: i64) -> Result<Vec<Message>> {
        let sql = concat!(
            "SELECT ",
            columns!(),
            " FROM messages WHERE clinic = $1 AND recipient = $2 AND asks = 1 AND start_ms > $3 \
             AND state IN ('sending', 'sent', 'delivered', 'unknown') AND (answer IS NULL OR answer = 'unclear') \
             ORDER BY created_ms DESC, id DESC"
        );
        let rows = sqlx::query(sql).bind(clinic).bind(recipient.as_str()).bind(now_ms).fetch_all(self.read()).await?;
        rows.iter().map(Message::from_columns).collect()
    }

    /// One message.
    pub async fn message(&self, id: &str) -> Result<Message> {
        let sql = concat!("SELECT ", columns!(), " FROM messages WHERE id = $1");
        let row = sqlx::query(sql).bind(id).fetch_optional(self.read()).await?;
        Message::from_columns(&row.ok_or_else(|| RecordsError::NotFound { what: "message", id: id.to_owned() })?)
    }

    /// Every message about a visit, oldest first.
    pub async fn messages_of_visit(&self, visit: &str) -> Result<Vec<Message>> {
        let sql = concat!("SELECT ", columns!(), " FROM messages WHERE visit = $1 ORDER BY created_ms, id");
        let rows = sqlx::query(sql).bind(visit).fetch_all(self.read()).await?;
        rows.iter().map(Message::from_columns).collect()
    }

    /// A clinic's messages that were planned in `from_ms..to_ms`, oldest first.
    pub async fn messages(&self, clinic: &str, from_ms: i64, to_ms: i64) -> Result<Vec<Message>> {
        let sql = concat!(
            "SELECT ",
            columns!(),
            " FROM messages WHERE clinic = $1 AND created_ms >= $2 AND created_ms < $3 ORDER BY created_ms, id"
        );
        let rows = sqlx::query(sql).bind(clinic).bind(from_ms).bind(to_ms).fetch_all(self.read()).await?;
        rows.iter().map(Message::from_columns).collect()
    }

    /// A clinic's messages that were planned in `from_ms..to_ms`, the latest first, page by page; by one way, in one state,
    /// or whatever they are.
    pub async fn message_page(
        &self,
        clinic: &str,
        (channel, state): (Option<Channel>, Option<MessageState>),
        (from_ms, to_ms): (i64, i64),
        limit: u32,
        after: Option<&Cursor>,
    ) -> Result<(Vec<Message>, Option<Cursor>)> {
        let sql = concat!(
            "SELECT ",
            columns!(),
            " FROM messages WHERE clinic = $1 AND created_ms >= $2 AND created_ms < $3 AND (channel = $4 OR $4 IS NULL)
             AND (state = $5 OR $5 IS NULL) AND (created_ms < $6 OR (created_ms = $6 AND id < $7))
             ORDER BY created_ms DESC, id DESC LIMIT $8"
        );
        let (before_ms, before) = after.map_or((i64::MAX, ""), |cursor| (cursor.at_ms(), cursor.id()));
        let rows = sqlx::query(sql)
            .bind(clinic)
            .bind(from_ms)
            .bind(to_ms)
            .bind(channel.map(Channel::as_str))
            .bind(state.map(MessageState::as_str))
            .bind(before_ms)
            .bind(before)
            .bind(i64::from(limit))
            .fetch_all(self.read())
            .await?;
        let messages = rows.iter().map(Message::from_columns).collect::<Result<Vec<_>>>()?;
        let last = messages.last().filter(|_| messages.len() == limit as usize);
        let next = last.map(|last| Cursor::after(last.new.created_ms, &last.new.id));
        Ok((messages, next))
    }

    /// What was said to a number, or to any other recipient; latest first.
    pub async fn messages_to(&self, clinic: &str, recipient: &Pii) -> Result<Vec<Message>> {
        let sql = concat!(
            "SELECT ",
            columns!(),
            " FROM messages WHERE clinic = $1 AND recipient = $2 ORDER BY created_ms DESC, id DESC"
        );
        let rows = sqlx::query(sql).bind(clinic).bind(recipient.as_str()).fetch_all(self.read()).await?;
        rows.iter().map(Message::from_columns).collect()
    }

    /// How many messages of a clinic stand where.
    pub async fn outbox_counts(&self, clinic: &str) -> Result<Vec<OutboxCount>> {
        let sql = "SELECT channel, state, COUNT(*) AS n FROM messages WHERE clinic = $1 GROUP BY channel, state
             ORDER BY channel, state";
        let rows = sqlx::query(sql).bind(clinic).fetch_all(self.read()).await?;
        let count = |row: &AnyRow| {
            Ok(OutboxCount { channel: row.word("channel")?, state: row.word("state")?, count: row.int("n")? })
        };
        rows.iter().map(count).collect()
    }

    /// Visits of a clinic whose reminders are to be looked at by now.
    pub async fn visits_to_remind(&self, clinic: &str, now_ms: i64, limit: u32) -> Result<Vec<String>> {
        let sql =
            "SELECT visit FROM reminder_wakes WHERE clinic = $1 AND wake_ms <= $2 ORDER BY wake_ms, visit LIMIT $3";
        let rows = sqlx::query(sql).bind(clinic).bind(now_ms).bind(i64::from(limit)).fetch_all(self.read()).await?;
        rows.iter().map(|row| row.text("visit")).collect()
    }

    /// When the outbox and the reminders of a clinic next have something to do.
    pub async fn outreach_wake(&self, clinic: &str) -> Result<Option<i64>> {
        let sql = "SELECT MIN(at) AS at FROM (
                SELECT MIN(wake_ms) AS at FROM reminder_wakes WHERE clinic = $1
                UNION ALL SELECT MIN(not_before_ms) FROM messages WHERE clinic = $1 AND state = 'planned'
                UNION ALL SELECT MIN(lease_until_ms) FROM messages WHERE clinic = $1 AND state = 'sending'
            ) AS times";
        sqlx::query(sql).bind(clinic).fetch_one(self.read()).await?.int_opt("at")
    }
}

async fn insert(transaction: &mut Transaction<'_, Any>, message: &NewMessage) -> Result<bool> {
    let about = message.about.as_ref();
    let done = sqlx::query(
        "INSERT INTO messages (id, clinic, channel, recipient, template, title, body, language, visit, booking, start_ms,
            contact, step, asks, dedup, state, not_before_ms, not_after_ms, attempts, created_ms, updated_ms)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, 'planned', $16, $17, 0, $18, $18)
         ON CONFLICT DO NOTHING",
    )
    .bind(&message.id)
    .bind(&message.clinic)
    .bind(message.channel.as_str())
    .bind(message.recipient.as_str())
    .bind(&message.template)
    .bind(message.title.as_str())
    .bind(message.body.as_str())
    .bind(&message.language)
    .bind(about.map(|about| about.visit.as_str()))
    .bind(about.map(|about| about.booking.as_str()))
    .bind(about.map(|about| about.start_ms))
    .bind(message.contact.as_deref())
    .bind(&message.step)
    .bind(i64::from(message.asks))
    .bind(&message.dedup)
    .bind(message.not_before_ms)
    .bind(message.not_after_ms)
    .bind(message.created_ms)
    .execute(&mut **transaction)
    .await?;
    Ok(done.rows_affected() == 1)
}

async fn wake(transaction: &mut Transaction<'_, Any>, visit: &str, clinic: &str, at_ms: Option<i64>) -> Result<()> {
    let query = match at_ms {
        None => sqlx::query("DELETE FROM reminder_wakes WHERE visit = $1").bind(visit),
        Some(at_ms) => sqlx::query(
            "INSERT INTO reminder_wakes (visit, clinic, wake_ms) VALUES ($1, $2, $3)
             ON CONFLICT (visit) DO UPDATE SET wake_ms = excluded.wake_ms",
        )
        .bind(visit)
        .bind(clinic)
        .bind(at_ms),
    };
    query.execute(&mut **transaction).await?;
    Ok(())
}

/// What could not be sent in time has failed: a gateway was down, or nobody set one up.
async fn expire(transaction: &mut Transaction<'_, Any>, clinic: &str, now_ms: i64) -> Result<()> {
    let sql = concat!(
        "UPDATE messages SET state = 'failed', problem = COALESCE(problem, 'it could not be sent in time'), \
         updated_ms = $2 WHERE clinic = $1 AND state = 'planned' AND not_after_ms <= $2 RETURNING ",
        columns!()
    );
    for row in sqlx::query(sql).bind(clinic).bind(now_ms).fetch_all(&mut **transaction).await? {
        let message = Message::from_columns(&row)?;
        tell(transaction, "message.failed", &message, MessageState::Failed, now_ms).await?;
    }
    Ok(())
}

async fn tell(
    transaction: &mut Transaction<'_, Any>,
    kind: &'static str,
    message: &Message,
    state: MessageState,
    at_ms: i64,
) -> Result<()> {
    let new = &message.new;
    let about = new.about.as_ref();
    let data = json!({
        "channel": new.channel, "template": new.template, "step": new.step, "asks": new.asks, "state": state,
        "visit": about.map(|about| &about.visit), "booking": about.map(|about| &about.booking),
        "contact": new.contact, "answer": message.answer,
    });
    publish(transaction, NewEvent { clinic: &new.clinic, kind, subject: &new.id, data, at_ms }).await
}

fn held(message: &Message, rows: u64) -> Result<()> {
    if rows == 1 { Ok(()) } else { Err(RecordsError::LeaseLost { id: message.new.id.clone() }) }
}

impl FromColumns for Message {
    fn from_columns(row: &AnyRow) -> Result<Self> {
        let about = match (row.text_opt("visit")?, row.text_opt("booking")?, row.int_opt("start_ms")?) {
            (Some(visit), Some(booking), Some(start_ms)) => Some(AboutVisit { visit, booking, start_ms }),
            _ => None,
        };
        let new = NewMessage {
            id: row.text("id")?,
            clinic: row.text("clinic")?,
            channel: row.word("channel")?,
            recipient: row.pii("recipient")?,
            template: row.text("template")?,
            title: row.pii("title")?,
            body: row.pii("body")?,
            language: row.text("language")?,
            about,
            contact: row.text_opt("contact")?,
            step: row.text("step")?,
            asks: row.truth("asks")?,
            dedup: row.text("dedup")?,
            not_before_ms: row.int("not_before_ms")?,
            not_after_ms: row.int("not_after_ms")?,
            created_ms: row.int("created_ms")?,
        };
        Ok(Self {
            new,
            state: row.word("state")?,
            attempts: row.int("attempts")?,
            attempt: row.text_opt("attempt")?,
            gateway_id: row.text_opt("gateway_id")?,
            problem: row.text_opt("problem")?,
            answer: row.word_opt("answer")?,
            answered_ms: row.int_opt("answered_ms")?,
            sent_ms: row.int_opt("sent_ms")?,
            updated_ms: row.int("updated_ms")?,
        })
    }
}
