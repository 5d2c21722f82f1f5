//! One clinic's conversations: decisions of [`step`] made durable, each on the thread that was looked at.

use std::sync::Arc;
use std::time::Duration;

use desk::{CannedValues, Clinic};
use jiff::Timestamp;
use records::{ChatApplied, ChatChange, ChatState, ChatThread, ContactKind, NewContact, NewJob, Pii, Store};
use serde_json::json;

use crate::channel::DELIVER_JOB;
use crate::robot::{Asked, ROBOT_JOB};
use crate::step::{Context, Event, Outcome, SITE, step};
use crate::{ChatError, Result};

/// A message that came in by whatever channel.
#[derive(Debug, Clone)]
pub struct Incoming {
    /// `site`, `telegram`, or the name of a messenger's webhook.
    pub channel: String,
    /// The conversation as the messenger calls it; on the site, the key that the page holds.
    pub conversation: Pii,
    /// The message as the messenger calls it: the same one again is no new message.
    pub message: Option<String>,
    /// The words.
    pub text: Pii,
    /// The visitor's name, where the messenger tells it.
    pub name: Pii,
    /// Their number, where they gave it.
    pub phone: Option<Pii>,
}

/// What became of a message that came in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Received {
    /// The conversation.
    pub thread: String,
    /// False: it was there already.
    pub is_new: bool,
}

/// The kind of the jobs that write a promised call-back down.
pub(crate) const CALLBACK_JOB: &str = "chat.callback";
/// How often a decision is made anew because another came first.
const TRIES: usize = 30;
const LEASE_MS: i64 = 30_000;

/// One clinic's conversations. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Office {
    store: Store,
    clinic: Arc<Clinic>,
    has_robot: bool,
    patience: Duration,
}

impl Office {
    /// The conversations of a clinic; `has_robot`: whether a flow answers first.
    pub fn new(store: Store, clinic: Arc<Clinic>, has_robot: bool) -> Self {
        Self { store, clinic, has_robot, patience: Duration::from_secs(180) }
    }

    /// How long a visitor waits for a person before a call-back is promised; three minutes if nothing is said.
    #[must_use]
    pub fn with_patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// Where it is all written down.
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// The clinic.
    pub fn clinic(&self) -> &Clinic {
        &self.clinic
    }

    /// A visitor wrote. Durable when it returns; the same message again changes nothing.
    pub async fn visitor(&self, incoming: &Incoming, now_ms: i64) -> Result<Received> {
        for _ in 0..TRIES {
            let known =
                self.store.chat_thread_of(&self.clinic.id, &incoming.channel, incoming.conversation.as_str()).await?;
            let mut thread = known.unwrap_or_else(|| self.new_thread(incoming, now_ms));
            if thread.person.is_empty() {
                thread.person.clone_from(&incoming.name);
            }
            if let Some(phone) = &incoming.phone {
                thread.phone.clone_from(phone);
            }
            let event = Event::Visitor { text: incoming.text.clone(), external_id: incoming.message.clone() };
            match self.apply(&thread, &[event], None, now_ms).await? {
                ChatApplied::Done => return Ok(Received { thread: thread.id, is_new: true }),
                ChatApplied::Duplicate => return Ok(Received { thread: thread.id, is_new: false }),
                ChatApplied::Stale => {}
            }
        }
        Err(ChatError::Busy("new".to_owned()))
    }

    /// A visitor opened the chat: the robot greets them, or the program where there is none. What is there already stays as
    /// it is.
    pub async fn open(&self, channel: &str, conversation: &Pii, now_ms: i64) -> Result<ChatThread> {
        for _ in 0..TRIES {
            let known = self.store.chat_thread_of(&self.clinic.id, channel, conversation.as_str()).await?;
            if let Some(known) = known {
                return Ok(known);
            }
            let incoming = Incoming {
                channel: channel.to_owned(),
                conversation: conversation.clone(),
                message: None,
                text: Pii::default(),
                name: Pii::default(),
                phone: None,
            };
            let thread = self.new_thread(&incoming, now_ms);
            let context = Context { now_ms, position: 1, robot: self.has_robot };
            let out = step(&thread, Event::Opened, &context)?;
            let jobs = jobs(&out, now_ms);
            let change = ChatChange {
                thread: out.thread,
                messages: out.messages,
                waits: Vec::new(),
                events: vec!["chat.opened"],
                jobs,
                at_ms: now_ms,
            };
            if self.store.chat_apply(&change).await? == ChatApplied::Done {
                return Ok(self.store.chat_thread(&thread.id).await?);
            }
        }
        Err(ChatError::Busy("new".to_owned()))
    }

    /// An operator takes a conversation.
    ///
    /// # Errors
    /// [`ChatError::Refused`] when another holds it.
    pub async fn take(&self, thread: &str, operator: &str, now_ms: i64) -> Result<ChatThread> {
        self.change(thread, &[Event::Take { operator: operator.to_owned() }], None, now_ms).await
    }

    /// An operator answers; a conversation that nobody holds is theirs from then on.
    ///
    /// # Errors
    /// [`ChatError::Refused`] when another holds it.
    pub async fn answer(&self, thread: &str, operator: &str, text: &Pii, now_ms: i64) -> Result<ChatThread> {
        let event = Event::Operator { operator: operator.to_owned(), text: text.clone(), canned: None };
        self.change(thread, &[event], None, now_ms).await
    }

    /// An operator sends an answer that the clinic wrote beforehand, by one click.
    ///
    /// # Errors
    /// [`ChatError::NoCanned`] names those there are; [`ChatError::Refused`] when another holds the conversation.
    pub async fn send_canned(&self, thread: &str, id: &str, operator: &str, now_ms: i64) -> Result<ChatThread> {
        let Some(canned) = self.clinic.canned.iter().find(|canned| canned.id == id) else {
            let known = self.clinic.canned.iter().map(|canned| canned.id.as_str()).collect::<Vec<_>>().join(", ");
            return Err(ChatError::NoCanned { id: id.to_owned(), known });
        };
        let person = self.store.chat_thread(thread).await?.person;
        let hours = self.hours_today(now_ms);
        let text = canned.render(&self.clinic, &CannedValues { name: person.as_str(), hours: &hours });
        let event = Event::Operator { operator: operator.to_owned(), text: text.into(), canned: Some(id.to_owned()) };
        self.change(thread, &[event], None, now_ms).await
    }

    /// An operator gives a conversation back to the robot.
    ///
    /// # Errors
    /// [`ChatError::Refused`] when another holds it, or nobody.
    pub async fn give_back(&self, thread: &str, operator: &str, now_ms: i64) -> Result<ChatThread> {
        self.change(thread, &[Event::GiveBack { operator: operator.to_owned() }], None, now_ms).await
    }

    /// An operator closes a conversation.
    ///
    /// # Errors
    /// [`ChatError::Refused`] when another holds it.
    pub async fn close(&self, thread: &str, operator: &str, now_ms: i64) -> Result<ChatThread> {
        self.change(thread, &[Event::Close { operator: Some(operator.to_owned()) }], None, now_ms).await
    }

    /// An operator learned who it is. With the number the conversation is the person's: it is exported and erased with the rest.
    ///
    /// # Errors
    /// [`ChatError::Unreadable`] for what is no phone number.
    pub async fn identify(&self, thread: &str, phone: &str, person: &Pii, now_ms: i64) -> Result<ChatThread> {
        let number = desk::PhoneNumber::parse(phone);
        let number = number.ok_or_else(|| ChatError::Unreadable("that is no phone number".to_owned()))?;
        for _ in 0..TRIES {
            let mut seen = self.store.chat_thread(thread).await?;
            seen.phone = number.clone().into();
            if !person.is_empty() {
                seen.person.clone_from(person);
            }
            let change = ChatChange {
                thread: seen,
                messages: Vec::new(),
                waits: Vec::new(),
                events: vec!["chat.identified"],
                jobs: Vec::new(),
                at_ms: now_ms,
            };
            if self.store.chat_apply(&change).await? == ChatApplied::Done {
                return Ok(self.store.chat_thread(thread).await?);
            }
        }
        Err(ChatError::Busy(thread.to_owned()))
    }

    /// Which place a waiting conversation has, from 1; none = it does not wait.
    pub async fn position(&self, thread: &ChatThread) -> Result<Option<i64>> {
        let Some(since) = thread.waiting_ms else { return Ok(None) };
        Ok(Some(self.store.chat_waiting_before(&self.clinic.id, since, &thread.id).await? + 1))
    }

    /// Promises a call-back wherever somebody waits for longer than the patience, or the clinic is closed. To be called every
    /// few seconds. How many there were.
    pub async fn promise_call_backs(&self, now_ms: i64) -> Result<usize> {
        let open = Timestamp::from_millisecond(now_ms).is_ok_and(|now| self.clinic.is_open(now));
        let patience = i64::try_from(self.patience.as_millis()).unwrap_or(i64::MAX);
        let mut promised = 0;
        for thread in self.store.chat_threads(&self.clinic.id, ChatState::Waiting, 1000).await? {
            let waits_since = thread.waiting_ms.unwrap_or(now_ms);
            if thread.promised || (open && waits_since.saturating_add(patience) > now_ms) {
                continue;
            }
            match self.change(&thread.id, &[Event::NobodyThere], None, now_ms).await {
                Ok(_) => promised += 1,
                // Somebody came in this moment.
                Err(ChatError::Refused(_)) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(promised)
    }

    /// Writes the next promised call-back down; false when there was none.
    pub async fn call_back_once(&self, now_ms: i64) -> Result<bool> {
        let kind = kind_of(CALLBACK_JOB, &self.clinic.id);
        let Some(job) = self.store.claim(&kind, now_ms, LEASE_MS).await? else { return Ok(false) };
        let asked: Asked =
            serde_json::from_value(job.payload.clone()).map_err(|error| ChatError::Unreadable(error.to_string()))?;
        let thread = self.store.chat_thread(&asked.thread).await?;
        if !thread.phone.is_empty() {
            let now = Timestamp::from_millisecond(now_ms).unwrap_or(Timestamp::UNIX_EPOCH);
            let wanted = NewContact {
                // The job's, so that a second run writes the same promise.
                id: job.id.clone(),
                clinic: thread.clinic.clone(),
                timezone: self.clinic.timezone.clone(),
                kind: ContactKind::Chat,
                phone: thread.phone.clone(),
                person: thread.person.clone(),
                reason: "просьба из чата".into(),
                due_ms: self.clinic.next_open(now).unwrap_or(now).as_millisecond(),
                deadline_ms: desk::callback_due(&self.clinic, None, now).as_millisecond(),
                visit: None,
                call: None,
                message: None,
                dedup: Some(format!("chat/{}/{}", asked.thread, asked.seq)),
                created_ms: now_ms,
            };
            self.store.add_contact(&wanted).await?;
        }
        self.store.finish(&job, now_ms).await?;
        Ok(true)
    }

    /// Decides until the decision was made on what is there.
    pub(crate) async fn change(
        &self,
        thread: &str,
        events: &[Event],
        mark: Option<&str>,
        now_ms: i64,
    ) -> Result<ChatThread> {
        for _ in 0..TRIES {
            let seen = self.store.chat_thread(thread).await?;
            if self.apply(&seen, events, mark, now_ms).await? != ChatApplied::Stale {
                return Ok(self.store.chat_thread(thread).await?);
            }
        }
        Err(ChatError::Busy(thread.to_owned()))
    }

    async fn apply(
        &self,
        thread: &ChatThread,
        events: &[Event],
        mark: Option<&str>,
        now_ms: i64,
    ) -> Result<ChatApplied> {
        let position = self.store.chat_waiting_before(&self.clinic.id, now_ms, &thread.id).await? + 1;
        let context = Context { now_ms, position, robot: self.has_robot };
        let mut change = ChatChange {
            thread: thread.clone(),
            messages: Vec::new(),
            waits: Vec::new(),
            events: Vec::new(),
            jobs: Vec::new(),
            at_ms: now_ms,
        };
        for event in events {
            let out = step(&change.thread, event.clone(), &context)?;
            change.jobs.extend(jobs(&out, now_ms));
            change.thread = out.thread;
            change.messages.extend(out.messages);
            change.waits.extend(out.waits);
            change.events.extend(out.events);
        }
        if let (Some(mark), Some(first)) = (mark, change.messages.first_mut()) {
            first.external_id = Some(mark.to_owned());
        }
        if change.messages.is_empty() && change.thread == *thread {
            return Ok(ChatApplied::Done);
        }
        Ok(self.store.chat_apply(&change).await?)
    }

    fn new_thread(&self, incoming: &Incoming, now_ms: i64) -> ChatThread {
        ChatThread {
            id: records::id(),
            clinic: self.clinic.id.clone(),
            channel: incoming.channel.clone(),
            external_id: Some(incoming.conversation.clone()),
            phone: Pii::default(),
            person: Pii::default(),
            state: ChatState::Robot,
            operator: None,
            waiting_ms: None,
            promised: false,
            last_seq: 0,
            generation: 0,
            started_ms: now_ms,
            visitor_ms: None,
            answered_ms: None,
            last_ms: now_ms,
        }
    }

    /// «с 9:00 до 21:00», with every opening of a day with breaks.
    fn hours_today(&self, now_ms: i64) -> String {
        let now = Timestamp::from_millisecond(now_ms).unwrap_or(Timestamp::UNIX_EPOCH);
        let day = self.clinic.hours(self.clinic.local(now).date());
        let time = |minute: desk::Minute| format!("{}:{:02}", minute.get() / 60, minute.get() % 60);
        let spans: Vec<_> =
            day.spans.iter().map(|span| format!("с {} до {}", time(span.opens), time(span.closes))).collect();
        if spans.is_empty() { "сегодня закрыто".to_owned() } else { spans.join(" и ") }
    }
}

/// Each clinic's work is done by its own office.
pub(crate) fn kind_of(job: &str, clinic: &str) -> String {
    format!("{job}.{clinic}")
}

/// The work that follows a decision: in its transaction, so none of it is forgotten.
fn jobs(out: &Outcome, now_ms: i64) -> Vec<NewJob> {
    let thread = &out.thread;
    let job = |kind: &str, seq: i64, max_attempts: i64| NewJob {
        id: records::id(),
        kind: kind.to_owned(),
        payload: json!(Asked { thread: thread.id.clone(), seq }),
        unique_key: Some(format!("{}/{seq}", thread.id)),
        run_at_ms: now_ms,
        max_attempts,
        created_ms: now_ms,
    };
    let mut jobs = Vec::new();
    if let Some(seq) = out.ask_robot {
        jobs.push(job(&kind_of(ROBOT_JOB, &thread.clinic), seq, 5));
    }
    if out.call_back.is_some() {
        jobs.push(job(&kind_of(CALLBACK_JOB, &thread.clinic), thread.last_seq, 20));
    }
    let goes_out = out.messages.iter().any(|message| message.delivery == records::ChatDelivery::Queued);
    if thread.channel != SITE && goes_out {
        jobs.push(job(DELIVER_JOB, thread.last_seq, 40));
    }
    jobs
}
