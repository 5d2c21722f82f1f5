//! Written conversations: threads, their messages, and how long people waited for an answer.
//!
//! What may follow on what is decided in the room `chat`; here one decision is one transaction
//! ([`Store::chat_apply`]), made only on the thread that was looked at: a message, the thread's new state, the waits, the events
//! and the jobs that deliver, all or nothing.

use serde::{Deserialize, Serialize};
use serde_json::json;
use sqlx::any::AnyRow;
use sqlx::{Any, Transaction};

use crate::feed::{NewEvent, publish};
use crate::row::{Columns as _, FromColumns, words};
use crate::{Cursor, NewJob, Pii, RecordsError, Result, Store};

words! {
    /// Who holds a conversation.
    ChatState {
        /// The robot answers.
        Robot = "robot",
        /// A person was asked for and none has come yet.
        Waiting = "waiting",
        /// A person answers.
        Person = "person",
        /// It is over, until the visitor writes again.
        Closed = "closed",
    }
}

words! {
    /// Whose words they are.
    ChatWho {
        /// The one who wrote to the clinic.
        Visitor = "visitor",
        /// The robot.
        Robot = "robot",
        /// A person at the clinic.
        Operator = "operator",
        /// The program: your place in the queue, nobody is there.
        System = "system",
    }
}

words! {
    /// Where a message stands on its way.
    ChatDelivery {
        /// It came in.
        In = "in",
        /// It is to be delivered.
        Queued = "queued",
        /// It was delivered, or is shown by the page itself.
        Sent = "sent",
        /// It could not be delivered.
        Failed = "failed",
    }
}

words! {
    /// What is waited for.
    WaitKind {
        /// An answer by whoever, the robot too.
        First = "first",
        /// A person's answer, after the hand-over.
        Person = "person",
    }
}

/// A conversation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct ChatThread {
    /// See [`crate::id()`].
    pub id: String,
    /// Clinic id.
    pub clinic: String,
    /// `site`, `telegram`, or the name of a messenger's webhook.
    pub channel: String,
    /// As the messenger calls it.
    pub external_id: Option<Pii>,
    /// Empty when not known.
    pub phone: Pii,
    /// Empty when not known.
    pub person: Pii,
    /// Who holds it.
    pub state: ChatState,
    /// Id of the operator who holds it.
    pub operator: Option<String>,
    /// Since when somebody is waited for.
    pub waiting_ms: Option<i64>,
    /// Nobody was there, and a call-back was promised.
    pub promised: bool,
    /// The last message's number; 0 = none yet.
    pub last_seq: i64,
    /// Counts changes.
    pub generation: i64,
    /// First message, unix milliseconds.
    pub started_ms: i64,
    /// The visitor's last message.
    pub visitor_ms: Option<i64>,
    /// The last answer.
    pub answered_ms: Option<i64>,
    /// The last message of whomever.
    pub last_ms: i64,
}

/// A message of a conversation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct ChatMessage {
    /// The conversation.
    pub thread: String,
    /// Its place in it, from 1, without gaps.
    pub seq: i64,
    /// Whose words.
    pub who: ChatWho,
    /// Which operator.
    pub operator: Option<String>,
    /// The words.
    pub text: Pii,
    /// Answers on offer.
    pub buttons: Vec<String>,
    /// Id of the canned answer it was made of.
    pub canned: Option<String>,
    /// When, unix milliseconds.
    pub at_ms: i64,
    /// As the messenger calls it.
    pub external_id: Option<String>,
    /// Where it stands on its way.
    pub delivery: ChatDelivery,
}

/// A time in which somebody waited for an answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChatWait {
    /// The conversation.
    pub thread: String,
    /// What is waited for.
    pub kind: WaitKind,
    /// Since when, unix milliseconds.
    pub from_ms: i64,
    /// When the answer came.
    pub answered_ms: Option<i64>,
    /// When it ended without one.
    pub ended_ms: Option<i64>,
    /// `robot`, or the operator's id.
    pub by: Option<String>,
}

/// What becomes of the waits of a conversation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WaitChange {
    /// Somebody waits from now on; if they do already, nothing changes.
    Begin(WaitKind),
    /// The answer is there.
    Answered(WaitKind, String),
    /// It ended without an answer.
    End(WaitKind),
}

/// One decision about a conversation.
#[derive(Debug, Clone)]
pub struct ChatChange {
    /// The thread as it is to be; `generation` is that of the thread as it was seen, 0 for a new one.
    pub thread: ChatThread,
    /// New messages, numbered on from what was seen.
    pub messages: Vec<ChatMessage>,
    /// Waits that begin and end.
    pub waits: Vec<WaitChange>,
    /// Kinds of events for the feed, for example `chat.waiting`.
    pub events: Vec<&'static str>,
    /// Work that follows.
    pub jobs: Vec<NewJob>,
    /// Now, unix milliseconds.
    pub at_ms: i64,
}

/// What became of a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChatApplied {
    /// It is written down.
    Done,
    /// Another change came first: look again, decide again.
    Stale,
    /// One of its messages is there already; nothing was written.
    Duplicate,
}

macro_rules! thread_columns {
    () => {
        "id, clinic, channel, external_id, phone, person, state, operator, waiting_ms, promised, last_seq, generation, \
         started_ms, visitor_ms, answered_ms, last_ms"
    };
}

macro_rules! message_columns {
    () => {
        "thread, seq, who, operator, text, buttons, canned, at_ms, external_id, delivery"
    };
}

impl Store {
    /// Writes a decision down, if the thread is still as it was seen.
    pub async fn chat_apply(&self, change: &ChatChange) -> Result<ChatApplied> {
        let mut transaction = self.begin_write().await?;
        for message in change.messages.iter().filter(|message| message.external_id.is_some()) {
            let there: i64 =
                sqlx::query_scalar("SELECT COUNT(*) FROM chat_messages WHERE thread = $1 AND external_id = $2")
                    .bind(&message.thread)
                    .bind(message.external_id.as_deref())
                    .fetch_one(&mut *transaction)
                    .await?;
            if there > 0 {
                transaction.rollback().await?;
                return Ok(ChatApplied::Duplicate);
            }
        }
        let thread = &change.thread;
        if write_thread(&mut transaction, thread).await? == 0 {
            transaction.rollback().await?;
            return Ok(ChatApplied::Stale);
        }
        for message in &change.messages {
            insert_message(&mut transaction, message).await?;
        }
        for wait in &change.waits {
            write_wait(&mut transaction, thread, wait, change.at_ms).await?;
        }
        for &kind in &change.events {
            let data = json!({ "channel": thread.channel, "state": thread.state, "message": thread.last_seq });
            let event = NewEvent { clinic: &thread.clinic, kind, subject: &thread.id, data, at_ms: change.at_ms };
            publish(&mut transaction, event).await?;
        }
        for job in &change.jobs {
            job.insert(&mut transaction).await?;
        }
        self.commit_and_tell(transaction).await?;
        Ok(ChatApplied::Done)
    }

    /// One conversation.
    pub async fn chat_thread(&self, id: &str) -> Result<ChatThread> {
        let row = sqlx::query(concat!("SELECT ", thread_columns!(), " FROM chat_threads WHERE id = $1"))
            .bind(id)
            .fetch_optional(self.read())
            .await?;
        let row = row.ok_or_else(|| RecordsError::NotFound { what: "conversation", id: id.to_owned() })?;
        ChatThread::from_columns(&row)
    }

    /// The conversation that a messenger calls so.
    pub async fn chat_thread_of(&self, clinic: &str, channel: &str, external_id: &str) -> Result<Option<ChatThread>> {
        let row = sqlx::query(concat!(
            "SELECT ",
            thread_columns!(),
            " FROM chat_threads WHERE clinic = $1 AND channel = $2 AND external_id = $3"
        ))
        .bind(clinic)
        .bind(channel)
        .bind(external_id)
        .fetch_optional(self.read())
        .await?;
        row.as_ref().map(ChatThread::from_columns).transpose()
    }

    /// Conversations of a clinic in one state: those that wait, the longest wait first; others, the latest first.
    pub async fn chat_threads(&self, clinic: &str, state: ChatState, limit: u32) -> Result<Vec<ChatThread>> {
        let sql = if state == ChatState::Waiting {
            concat!(
                "SELECT ",
                thread_columns!(),
                " FROM chat_threads WHERE clinic = $1 AND state = $2 ORDER BY waiting_ms, id LIMIT $3"
            )
        } else {
            concat!(
                "SELECT ",
                thread_columns!(),
                " FROM chat_threads WHERE clinic = $1 AND state = $2 ORDER BY last_ms DESC, id LIMIT $3"
            )
        };
        let rows = sqlx::query(sql).bind(clinic).bind(state.as_str()).bind(i64::from(limit)).fetch_all(self.read());
        rows.await?.iter().map(ChatThread::from_columns).collect()
    }

    /// Conversations of a clinic in which a visitor wrote, those that began last first, page by page.
    pub async fn chat_page(
        &self,
        clinic: &str,
        state: Option<ChatState>,
        limit: u32,
        after: Option<&Cursor>,
    ) -> Result<(Vec<ChatThread>, Option<Cursor>)> {
        let sql = concat!(
            "SELECT ",
            thread_columns!(),
            " FROM chat_threads WHERE clinic = $1 AND (state = $2 OR $2 IS NULL) AND visitor_ms IS NOT NULL
             AND (started_ms < $3 OR (started_ms = $3 AND id < $4)) ORDER BY started_ms DESC, id DESC LIMIT $5"
        );
        let (before_ms, before) = after.map_or((i64::MAX, ""), |cursor| (cursor.at_ms(), cursor.id()));
        let rows = sqlx::query(sql)
            .bind(clinic)
            .bind(state.map(ChatState::as_str))
            .bind(before_ms)
            .bind(before)
            .bind(i64::from(limit))
            .fetch_all(self.read())
            .await?;
        let threads = rows.iter().map(ChatThread::from_columns).collect::<Result<Vec<_>>>()?;
        let last = threads.last().filter(|_| threads.len() == limit as usize);
        let next = last.map(|last| Cursor::after(last.started_ms, &last.id));
        Ok((threads, next))
    }

    /// Conversations under a number, latest first.
    pub async fn chats_of(&self, clinic: &str, phone: &Pii) -> Result<Vec<ChatThread>> {
        let sql = concat!(
            "SELECT ",
            thread_columns!(),
            " FROM chat_threads WHERE clinic = $1 AND phone = $2 AND phone <> '' ORDER BY started_ms DESC, id DESC"
        );
        let rows = sqlx::query(sql).bind(clinic).bind(phone.as_str()).fetch_all(self.read()).await?;
        rows.iter().map(ChatThread::from_columns).collect()
    }

    /// How many conversations of a clinic wait longer than one that began to wait then.
    pub async fn chat_waiting_before(&self, clinic: &str, waiting_ms: i64, id: &str) -> Result<i64> {
        Ok(sqlx::query_scalar(
            "SELECT COUNT(*) FROM chat_threads WHERE clinic = $1 AND state = 'waiting'
             AND (waiting_ms < $2 OR (waiting_ms = $2 AND id < $3))",
        )
        .bind(clinic)
        .bind(waiting_ms)
        .bind(id)
        .fetch_one(self.read())
        .await?)
    }

    /// Messages of a conversation after a place, in order.
    pub async fn chat_messages(&self, thread: &str, after: i64, limit: u32) -> Result<Vec<ChatMessage>> {
        let sql = concat!(
            "SELECT ",
            message_columns!(),
            " FROM chat_messages WHERE thread = $1 AND seq > $2 ORDER BY seq LIMIT $3"
        );
        let rows = sqlx::query(sql).bind(thread).bind(after).bind(i64::from(limit)).fetch_all(self.read()).await?;
        rows.iter().map(ChatMessage::from_columns).collect()
    }

    /// Messages of a conversation that are still to be delivered, in order.
    pub async fn chat_undelivered(&self, thread: &str) -> Result<Vec<ChatMessage>> {
        let sql = concat!(
            "SELECT ",
            message_columns!(),
            " FROM chat_messages WHERE thread = $1 AND delivery = 'queued' ORDER BY seq"
        );
        let rows = sqlx::query(sql).bind(thread).fetch_all(self.read()).await?;
        rows.iter().map(ChatMessage::from_columns).collect()
    }

    /// Says what became of a message on its way.
    pub async fn chat_delivered(&self, thread: &str, seq: i64, delivery: ChatDelivery) -> Result<()> {
        sqlx::query("UPDATE chat_messages SET delivery = $3 WHERE thread = $1 AND seq = $2 AND delivery = 'queued'")
            .bind(thread)
            .bind(seq)
            .bind(delivery.as_str())
            .execute(self.write())
            .await?;
        Ok(())
    }

    /// The waits of a clinic that began in `from_ms..to_ms`, earliest first.
    pub async fn chat_waits(&self, clinic: &str, from_ms: i64, to_ms: i64) -> Result<Vec<ChatWait>> {
        let rows = sqlx::query(
            "SELECT thread, kind, from_ms, answered_ms, ended_ms, answered_by FROM chat_waits
             WHERE clinic = $1 AND kind IN ('first', 'person') AND from_ms >= $2 AND from_ms < $3 ORDER BY from_ms, thread",
        )
        .bind(clinic)
        .bind(from_ms)
        .bind(to_ms)
        .fetch_all(self.read())
        .await?;
        rows.iter().map(ChatWait::from_columns).collect()
    }
}

/// 0 = the thread is no longer what was seen.
async fn write_thread(transaction: &mut Transaction<'_, Any>, thread: &ChatThread) -> Result<u64> {
    let sql = if thread.generation == 0 {
        concat!(
            "INSERT INTO chat_threads (",
            thread_columns!(),
            ") VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12 + 1, $13, $14, $15, $16) ON CONFLICT DO NOTHING"
        )
    } else {
        "UPDATE chat_threads SET clinic = $2, channel = $3, external_id = $4, phone = $5, person = $6, state = $7,
            operator = $8, waiting_ms = $9, promised = $10, last_seq = $11, generation = $12 + 1, started_ms = $13,
            visitor_ms = $14, answered_ms = $15, last_ms = $16
         WHERE id = $1 AND generation = $12"
    };
    let done = sqlx::query(sql)
        .bind(&thread.id)
        .bind(&thread.clinic)
        .bind(&thread.channel)
        .bind(thread.external_id.as_ref().map(Pii::as_str))
        .bind(thread.phone.as_str())
        .bind(thread.person.as_str())
        .bind(thread.state.as_str())
        .bind(thread.operator.as_deref())
        .bind(thread.waiting_ms)
        .bind(i64::from(thread.promised))
        .bind(thread.last_seq)
        .bind(thread.generation)
        .bind(thread.started_ms)
        .bind(thread.visitor_ms)
        .bind(thread.answered_ms)
        .bind(thread.last_ms)
        .execute(&mut **transaction)
        .await?;
    Ok(done.rows_affected())
}

async fn insert_message(transaction: &mut Transaction<'_, Any>, message: &ChatMessage) -> Result<()> {
    let sql = concat!(
        "INSERT INTO chat_messages (",
        message_columns!(),
        ") VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)"
    );
    sqlx::query(sql)
        .bind(&message.thread)
        .bind(message.seq)
        .bind(message.who.as_str())
        .bind(message.operator.as_deref())
        .bind(message.text.as_str())
        .bind(json!(message.buttons).to_string())
        .bind(message.canned.as_deref())
        .bind(message.at_ms)
        .bind(message.external_id.as_deref())
        .bind(message.delivery.as_str())
        .execute(&mut **transaction)
        .await?;
    Ok(())
}

async fn write_wait(
    transaction: &mut Transaction<'_, Any>,
    thread: &ChatThread,
    change: &WaitChange,
    at_ms: i64,
) -> Result<()> {
    match change {
        WaitChange::Begin(kind) => {
            sqlx::query(
                "INSERT INTO chat_waits (thread, seq, clinic, kind, from_ms)
                 SELECT $1, (SELECT COALESCE(MAX(seq), 0) + 1 FROM chat_waits WHERE thread = $1), $2, $3, $4
                 WHERE NOT EXISTS (SELECT 1 FROM chat_waits WHERE thread = $1 AND kind = $3 AND answered_ms IS NULL
                    AND ended_ms IS NULL)",
            )
            .bind(&thread.id)
            .bind(&thread.clinic)
            .bind(kind.as_str())
            .bind(at_ms)
            .execute(&mut **transaction)
            .await?;
        }
        WaitChange::Answered(kind, by) => {
            sqlx::query(
                "UPDATE chat_waits SET answered_ms = $3, answered_by = $4 WHERE thread = $1 AND kind = $2
                 AND answered_ms IS NULL AND ended_ms IS NULL",
            )
            .bind(&thread.id)
            .bind(kind.as_str())
            .bind(at_ms)
            .bind(by)
            .execute(&mut **transaction)
            .await?;
        }
        WaitChange::End(kind) => {
            sqlx::query(
                "UPDATE chat_waits SET ended_ms = $3 WHERE thread = $1 AND kind = $2 AND answered_ms IS NULL
                 AND ended_ms IS NULL",
            )
            .bind(&thread.id)
            .bind(kind.as_str())
            .bind(at_ms)
            .execute(&mut **transaction)
            .await?;
        }
    }
    Ok(())
}

impl FromColumns for ChatThread {
    fn from_columns(row: &AnyRow) -> Result<Self> {
        Ok(Self {
            id: row.text("id")?,
            clinic: row.text("clinic")?,
            channel: row.text("channel")?,
            external_id: row.text_opt("external_id")?.map(Pii::from),
            phone: row.pii("phone")?,
            person: row.pii("person")?,
            state: row.word("state")?,
            operator: row.text_opt("operator")?,
            waiting_ms: row.int_opt("waiting_ms")?,
            promised: row.truth("promised")?,
            last_seq: row.int("last_seq")?,
            generation: row.int("generation")?,
            started_ms: row.int("started_ms")?,
            visitor_ms: row.int_opt("visitor_ms")?,
            answered_ms: row.int_opt("answered_ms")?,
            last_ms: row.int("last_ms")?,
        })
    }
}

impl FromColumns for ChatMessage {
    fn from_columns(row: &AnyRow) -> Result<Self> {
        let buttons = serde_json::from_str(&row.text("buttons")?)
            .map_err(|error| RecordsError::BadValue { field: "buttons", problem: error.to_string() })?;
        Ok(Self {
            thread: row.text("thread")?,
            seq: row.int("seq")?,
            who: row.word("who")?,
            operator: row.text_opt("operator")?,
            text: row.pii("text")?,
            buttons,
            canned: row.text_opt("canned")?,
            at_ms: row.int("at_ms")?,
            external_id: row.text_opt("external_id")?,
            delivery: row.word("delivery")?,
        })
    }
}

impl FromColumns for ChatWait {
    fn from_columns(row: &AnyRow) -> Result<Self> {
        Ok(Self {
            thread: row.text("thread")?,
            kind: row.word("kind")?,
            from_ms: row.int("from_ms")?,
            answered_ms: row.int_opt("answered_ms")?,
            ended_ms: row.int_opt("ended_ms")?,
            by: row.text_opt("answered_by")?,
        })
    }
}
