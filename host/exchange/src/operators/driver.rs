//! The clock and the hands of one clinic's queues: tells the state machine what happened, and does what it says.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use queue::{Acd, Action, AgentId, CallId, Event, Exit, Join, Kind, Miss, NotReached, QueueId};
use records::{Contact, ContactResult, Store};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;

use super::callback::{self, CallbackLine};
use super::phones::{Answered, Phones, Ringing};
use super::{About, ToCaller, View, words};
use crate::outgoing::list;

/// So long an operator rings and a client is dialled, with something to spare: meanwhile nobody else calls that client.
const HOLD_MS: i64 = 5 * 60_000;

/// Something for the driver.
pub(super) enum Message {
    /// For the state machine.
    Event(Event),
    /// A caller wants to join; the answer is whether they did.
    Join { join: Join, about: Arc<About>, caller: mpsc::UnboundedSender<ToCaller>, joined: oneshot::Sender<bool> },
    /// An operator's phone was answered, or not.
    Rung { call: CallId, agent: AgentId, result: Result<Answered, Miss> },
    /// A call-back is over.
    CalledBack { call: CallId, result: Result<CallId, NotReached> },
    /// An entry of the list is due.
    CallBack(Box<Contact>),
    /// For the desk's page.
    Look(oneshot::Sender<View>),
}

pub(super) struct Driver {
    pub acd: Acd,
    pub phones: Arc<dyn Phones>,
    pub callbacks: Option<Arc<dyn CallbackLine>>,
    pub desk: Arc<desk::Desk>,
    pub store: Store,
    /// Where call-backs wait for somebody.
    pub usual: Option<QueueId>,
    /// Callers who gave up are called back.
    pub missed: bool,
    /// Weak, so that the driver ends with the last handle.
    pub to_self: mpsc::WeakUnboundedSender<Message>,
    pub callers: HashMap<CallId, Caller>,
    pub ringing: HashMap<(CallId, AgentId), JoinHandle<()>>,
    pub answered: HashMap<(CallId, AgentId), Answered>,
    /// Operators who wait while their call-back is dialled.
    pub dialling: HashMap<CallId, JoinHandle<()>>,
}

/// One who waits, or waits to be called back.
pub(super) struct Caller {
    about: Arc<About>,
    /// None once they have left the line.
    line: Option<mpsc::UnboundedSender<ToCaller>>,
    /// Their entry of the list of people to call.
    promise: Option<String>,
}

impl Driver {
    pub(super) async fn run(mut self, mut messages: mpsc::UnboundedReceiver<Message>) {
        // What a crash left open is over.
        if let Err(error) = self.store.close_agent_states(&self.desk.clinic().id).await {
            tracing::error!(%error, "the log of operators cannot be written");
        }
        loop {
            let wake = self.acd.next_wake().map(|at| Duration::from_millis(u64::try_from(at - now_ms()).unwrap_or(0)));
            let message = match wake {
                Some(wake) => tokio::time::timeout(wake, messages.recv()).await,
                None => Ok(messages.recv().await),
            };
            match message {
                Ok(Some(message)) => self.take(message).await,
                Ok(None) => return,
                Err(_) => self.happened(Event::Tick).await,
            }
        }
    }

    async fn take(&mut self, message: Message) {
        match message {
            Message::Event(event) => {
                let gone = match &event {
                    Event::HungUp { call } | Event::TalkEnded { call, .. } => Some(call.clone()),
                    _ => None,
                };
                let gave_up =
                    matches!(&event, Event::HungUp { .. }) && gone.as_ref().is_some_and(|call| self.waits(call));
                self.happened(event).await;
                if let Some(call) = gone {
                    self.gone(call, gave_up).await;
                }
            }
            Message::Join { join, about, caller, joined } => {
                if self.acd.admits(&join).is_none() {
                    joined.send(false).ok();
                    return;
                }
                self.callers.insert(join.call.clone(), Caller { about, line: Some(caller), promise: None });
                joined.send(true).ok();
                self.happened(Event::Joined(join)).await;
            }
            Message::Rung { call, agent, result } => {
                self.ringing.remove(&(call.clone(), agent.clone()));
                match result {
                    Ok(answered) => {
                        self.answered.insert((call.clone(), agent.clone()), answered);
                        self.happened(Event::Accepted { call, agent }).await;
                    }
                    Err(why) => {
                        self.happened(Event::NotAccepted { call: call.clone(), agent, why }).await;
                        self.rests(&call).await;
                    }
                }
            }
            Message::CalledBack { call, result } => {
                self.dialling.remove(&call);
                match result {
                    Ok(as_call) => {
                        self.tried(&call, ContactResult::Reached, Some(&as_call)).await;
                        self.callers.remove(&call);
                        self.happened(Event::CallbackAnswered { call, as_call }).await;
                    }
                    Err(why) => {
                        self.happened(Event::CallbackFailed { call: call.clone(), why }).await;
                        let Some(result) = list::result_of(why) else { return };
                        self.tried(&call, result, None).await;
                        // When they are called again is the plan of the list.
                        if self.callers.get(&call).is_some_and(|caller| caller.promise.is_some()) {
                            self.withdraw(call).await;
                        }
                    }
                }
            }
            Message::CallBack(callback) => self.call_back(*callback).await,
            Message::Look(answer) => {
                let view = View { waiting: self.acd.waiting(), agents: self.acd.agents(), queues: self.acd.queues() };
                answer.send(view).ok();
            }
        }
    }

    fn waits(&self, call: &CallId) -> bool {
        let promised = self.callers.get(call).is_none_or(|caller| caller.promise.is_some());
        !promised && self.acd.waiting().iter().any(|waiting| waiting.call == *call)
    }

    /// A caller's line is no more.
    async fn gone(&mut self, call: CallId, gave_up: bool) {
        if gave_up && self.missed && self.promise(&call).await {
            let queue = self.usual.clone();
            if let (Some(queue), Some(caller)) = (queue, self.callers.get_mut(&call)) {
                caller.line = None;
                let mut join = Join::new(call.as_str(), queue.as_str());
                join.kind = Kind::Missed;
                return self.happened(Event::Joined(join)).await;
            }
        }
        match self.callers.get_mut(&call) {
            // A call-back that keeps its place needs its number.
            Some(caller) if caller.promise.is_some() => caller.line = None,
            _ => drop(self.callers.remove(&call)),
        }
    }

    /// An entry is due: it waits for somebody like a caller, unless it does so already.
    async fn call_back(&mut self, contact: Contact) {
        let call = CallId::from(contact.call.as_deref().unwrap_or(&contact.id));
        let waits = |caller: &Caller| caller.promise.as_deref() == Some(contact.id.as_str());
        if self.callers.contains_key(&call) || self.callers.values().any(waits) {
            return;
        }
        let Some(queue) = self.usual.clone() else { return };
        let about = About { caller: Some(contact.phone.into_inner()), summary: contact.reason.into_inner() };
        let caller = Caller { about: Arc::new(about), line: None, promise: Some(contact.id) };
        let mut join = Join::new(call.as_str(), queue.as_str());
        join.kind = Kind::Callback;
        if self.acd.admits(&join).is_some() {
            self.callers.insert(call, caller);
            self.happened(Event::Joined(join)).await;
        }
    }

    /// Nobody is to be called for this entry any more.
    async fn withdraw(&mut self, call: CallId) {
        self.callers.remove(&call);
        self.happened(Event::Withdrawn { call }).await;
    }

    /// Takes the entry of a call-back: nobody at the desk calls that client from now on. False where somebody does already.
    async fn takes(&mut self, call: &CallId) -> bool {
        match self.callers.get(call).and_then(|caller| caller.promise.as_deref()) {
            Some(entry) => list::take(&self.store, entry, HOLD_MS).await.is_some(),
            None => true,
        }
    }

    /// Nobody answered for a call-back: while nobody is rung for it, whoever likes may call.
    async fn rests(&mut self, call: &CallId) {
        let busy = self.dialling.contains_key(call)
            || self.ringing.keys().chain(self.answered.keys()).any(|(ringing, _)| ringing == call);
        if let (false, Some(Caller { promise: Some(entry), line: None, .. })) = (busy, self.callers.get(call)) {
            list::give_back(&self.store, entry).await;
        }
    }

    async fn happened(&mut self, event: Event) {
        for action in self.acd.handle(event, now_ms()) {
            // Boxed: what is withdrawn happens in its turn.
            Box::pin(self.act(action)).await;
        }
    }

    async fn act(&mut self, action: Action) {
        match action {
            Action::Music { call, queue } => self.tell(&call, ToCaller::Music { queue: queue.as_str().to_owned() }),
            Action::Announce { call, what } => self.tell(&call, ToCaller::Say(words::announcement(&what))),
            Action::Offer { call, queue, agents, callback, .. } => {
                if callback && !self.takes(&call).await {
                    return self.withdraw(call).await;
                }
                for agent in agents {
                    self.ring(&call, &queue, agent, callback);
                }
            }
            Action::CancelOffer { call, agent, .. } => {
                let key = (call, agent);
                if let Some(ringing) = self.ringing.remove(&key) {
                    ringing.abort();
                }
                // Whoever answered too late is hung up.
                self.answered.remove(&key);
            }
            Action::Connect { call, queue, agent } => self.connect(call, queue, agent),
            Action::Dial { call, queue, agent, .. } => self.dial(call, queue, agent).await,
            Action::ReleaseAgent { call, agent } => {
                self.answered.remove(&(call.clone(), agent));
                if let Some(dialling) = self.dialling.remove(&call) {
                    dialling.abort();
                }
            }
            Action::CallbackTaken { call } => {
                self.promise(&call).await;
                self.tell(&call, ToCaller::Leave { say: words::CALLBACK_TAKEN, callback: true });
            }
            Action::Overflow { call, to, on_line, .. } => self.overflow(&call, to, on_line).await,
            Action::Agent { agent, state } => {
                tracing::debug!(agent = agent.as_str(), state = state.as_str(), "an operator's state");
                super::log::agent(&self.store, &self.desk, &agent, &state).await;
            }
            Action::Record(event) => super::log::event(&self.store, &self.desk, event).await,
        }
    }

    /// A message to ourselves, to be taken after what is going on.
    fn later(&self, message: Message) {
        if let Some(messages) = self.to_self.upgrade() {
            messages.send(message).ok();
        }
    }

    fn tell(&mut self, call: &CallId, what: ToCaller) {
        if let Some(line) = self.callers.get(call).and_then(|caller| caller.line.as_ref()) {
            // A caller who is gone says so with an event of their own.
            line.send(what).ok();
        }
    }

    fn ring(&mut self, call: &CallId, queue: &QueueId, agent: AgentId, callback: bool) {
        let Some(caller) = self.callers.get(call) else { return };
        let (phones, messages) = (Arc::clone(&self.phones), self.to_self.clone());
        let ringing = Ringing {
            operator: agent.as_str().to_owned(),
            caller: caller.about.caller.clone(),
            queue: queue.as_str().to_owned(),
            callback,
        };
        let key = (call.clone(), agent);
        let task = tokio::spawn({
            let (call, agent) = key.clone();
            async move {
                let result = phones.ring(ringing).await;
                if let Some(messages) = messages.upgrade() {
                    messages.send(Message::Rung { call, agent, result }).ok();
                }
            }
        });
        self.ringing.insert(key, task);
    }

    fn connect(&mut self, call: CallId, queue: QueueId, agent: AgentId) {
        // A call-back that was answered is bridged by the one who dialled it.
        let Some(caller) = self.callers.get(&call) else { return };
        let broken = Event::ConnectFailed { call: call.clone() };
        let Some(operator) = self.answered.remove(&(call, agent.clone())) else {
            return self.later(Message::Event(broken));
        };
        let whisper = words::whisper(queue.as_str(), &caller.about.summary);
        let connect = ToCaller::Connect { operator, agent: agent.as_str().to_owned(), whisper };
        match &caller.line {
            Some(line) if line.send(connect).is_ok() => {}
            // The caller has just hung up; their own event says so.
            _ => {}
        }
    }

    async fn dial(&mut self, call: CallId, queue: QueueId, agent: AgentId) {
        // Taken anew: the ringing may have lasted.
        if !self.takes(&call).await {
            self.answered.remove(&(call.clone(), agent));
            return self.withdraw(call).await;
        }
        let failed = |why| Message::CalledBack { call: call.clone(), result: Err(why) };
        let Some(Answered { door, .. }) = self.answered.remove(&(call.clone(), agent.clone())) else {
            return self.later(failed(NotReached::AgentGone));
        };
        let (Some(line), Some(caller)) = (self.callbacks.clone(), self.callers.get(&call)) else {
            return self.later(failed(NotReached::Refused));
        };
        let about = Arc::clone(&caller.about);
        let task = callback::run(line, self.to_self.clone(), call.clone(), queue, agent, about, door);
        self.dialling.insert(call, tokio::spawn(task));
    }

    async fn overflow(&mut self, call: &CallId, to: Exit, on_line: bool) {
        if !on_line {
            // It is on the desk's list already.
            if let Some(entry) = self.callers.remove(call).and_then(|caller| caller.promise) {
                list::give_back(&self.store, &entry).await;
            }
            return;
        }
        if to != Exit::Callback {
            tracing::warn!(?to, "this way out of a queue is not built; a call-back is promised instead");
        }
        let promised = self.promise(call).await;
        let say = if promised { words::WILL_CALL_BACK } else { words::CALL_AGAIN };
        self.tell(call, ToCaller::Leave { say, callback: promised });
        // The promise is the desk's now.
        self.callers.remove(call);
    }

    /// Writes down that we call back; false when there is no number to call.
    async fn promise(&mut self, call: &CallId) -> bool {
        let Some(caller) = self.callers.get_mut(call) else { return false };
        let Some(phone) = caller.about.caller.clone() else { return false };
        let request = desk::CallbackRequest {
            phone: phone.into(),
            person: "".into(),
            reason: caller.about.summary.clone().into(),
            at: None,
        };
        match self.desk.request_callback(&request, Some(call.as_str()), Timestamp::now()).await {
            Ok(promise) => caller.promise = Some(promise.id),
            Err(error) => {
                tracing::error!(call = call.as_str(), %error, "a call-back could not be written down");
                return false;
            }
        }
        true
    }

    /// What came of dialling a client goes into the list.
    async fn tried(&mut self, call: &CallId, result: ContactResult, as_call: Option<&CallId>) {
        if let Some(entry) = self.callers.get(call).and_then(|caller| caller.promise.as_deref()) {
            list::tried(&self.store, self.desk.clinic(), entry, result, as_call.map(CallId::as_str)).await;
        }
    }
}

pub(super) fn now_ms() -> i64 {
    Timestamp::now().as_millisecond()
}
