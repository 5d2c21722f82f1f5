//! The machine: what it holds, and what each event does.

use std::collections::{BTreeMap, BTreeSet};

use crate::announce::Told;
use crate::estimate::Handling;
use crate::line::{Entry, Phase};
use crate::people::{Person, State, Then};
use crate::talking::Talk;
use crate::{
    Action, AgentId, CallId, Cancelled, Event, Exit, Join, Kind, Miss, Overflow, Queue, QueueEvent, QueueId, Settings,
    SettingsError, What, Why, WrapUpEnd,
};

/// Automatic call distribution for one clinic. See the [crate] for how it is driven.
#[derive(Debug, Clone)]
pub struct Acd {
    pub(crate) queues: BTreeMap<QueueId, Queue>,
    pub(crate) people: BTreeMap<AgentId, Person>,
    pub(crate) line: BTreeMap<CallId, Entry>,
    pub(crate) talks: BTreeMap<CallId, Talk>,
    pub(crate) handling: BTreeMap<QueueId, Handling>,
    pub(crate) now: i64,
    pub(crate) out: Vec<Action>,
    seq: u64,
}

impl Acd {
    /// Nobody is logged in and nobody waits.
    ///
    /// # Errors
    /// Everything that is wrong with the settings.
    pub fn new(settings: Settings, now_ms: i64) -> Result<Self, Vec<SettingsError>> {
        let problems = settings.problems();
        if !problems.is_empty() {
            return Err(problems);
        }
        let people = settings.agents.into_iter().enumerate();
        Ok(Self {
            people: people.map(|(rank, agent)| (agent.id.clone(), Person::new(agent, rank, now_ms))).collect(),
            handling: settings.queues.iter().map(|(id, queue)| (id.clone(), Handling::expecting(queue))).collect(),
            queues: settings.queues,
            line: BTreeMap::new(),
            talks: BTreeMap::new(),
            now: now_ms,
            out: Vec::new(),
            seq: 0,
        })
    }

    /// Takes what happened and says what to do.
    pub fn handle(&mut self, event: Event, now_ms: i64) -> Vec<Action> {
        self.now = self.now.max(now_ms);
        self.due();
        self.assign();
        self.apply(event);
        self.due();
        self.assign();
        self.announce();
        std::mem::take(&mut self.out)
    }

    fn apply(&mut self, event: Event) {
        match event {
            Event::Joined(join) => self.join(join),
            Event::HungUp { call } => self.hung_up(&call),
            Event::AskedCallback { call } => self.asked_callback(&call),
            Event::Withdrawn { call } => self.withdrawn(&call),
            Event::LoggedIn { agent } => self.logged_in(&agent),
            Event::LoggedOut { agent } => self.logged_out(&agent),
            Event::Paused { agent, reason } => self.paused(&agent, reason),
            Event::Ready { agent } => self.ready(&agent),
            Event::Engaged { agent } => self.engaged(&agent),
            Event::Disengaged { agent } => {
                if self.people.get(&agent).is_some_and(|person| person.state == State::Engaged) {
                    self.record(None, None, Some(&agent), What::Disengaged {});
                    self.free(&agent);
                }
            }
            Event::Accepted { call, agent } => self.accepted(&call, &agent),
            Event::NotAccepted { call, agent, why } => self.not_accepted(&call, &agent, why),
            Event::ConnectFailed { call } => self.connect_failed(&call),
            Event::Held { call, held } => self.held(&call, held),
            Event::TalkEnded { call, by } => self.talk_ended(&call, by),
            Event::WrapUpDone { agent } => {
                if self.end_wrap_up(&agent, WrapUpEnd::Agent) {
                    self.free(&agent);
                }
            }
            Event::CallbackAnswered { call, as_call } => self.callback_answered(&call, as_call),
            Event::CallbackFailed { call, why } => self.callback_failed(&call, why),
            Event::Tick => {}
        }
    }

    // ---- callers

    fn join(&mut self, join: Join) {
        if self.line.contains_key(&join.call) || self.talks.contains_key(&join.call) {
            return;
        }
        self.seq += 1;
        let Some(mut entry) = self.entry(&join) else {
            let (call, queue, on_line) = (join.call, join.queue, join.kind == Kind::Live);
            let what = What::Overflowed { to: Exit::Callback, why: Why::Unknown, wait_ms: 0, position: 0 };
            self.record(Some(&call), Some(&queue), None, what);
            self.out.push(Action::Overflow { call, queue, to: Exit::Callback, why: Why::Unknown, on_line });
            return;
        };
        if let Err((why, exit)) = self.admit(&mut entry) {
            self.leave_for(&entry, exit, why);
            return;
        }
        entry.joined_position = self.position_of(&entry);
        let what = What::Joined {
            position: entry.joined_position,
            priority: entry.priority,
            skills: entry.skills.clone(),
            direct: entry.direct.clone(),
            line: entry.kind,
        };
        self.record(Some(&entry.call), Some(&entry.queue), None, what);
        if entry.is_live() {
            self.out.push(Action::Music { call: entry.call.clone(), queue: entry.queue.clone() });
        }
        self.line.insert(entry.call.clone(), entry);
    }

    /// The one who joins, as they would stand in the line; none where there is no such queue.
    pub(crate) fn entry(&self, join: &Join) -> Option<Entry> {
        let queue = self.queues.get(&join.queue)?;
        let expires_ms = (join.kind == Kind::Callback)
            .then(|| self.now + ms(queue.callback.as_ref().map_or(DEFAULT_CALLBACK_S, |callback| callback.max_s)));
        let mut entry = Entry {
            call: join.call.clone(),
            queue: join.queue.clone(),
            kind: join.kind,
            priority: 0,
            extra_priority: join.priority,
            place_ms: join.place_ms.unwrap_or(self.now).min(self.now),
            seq: self.seq,
            joined_ms: self.now,
            entered_ms: self.now,
            joined_position: 0,
            tried: BTreeSet::new(),
            skills: BTreeSet::new(),
            extra_skills: join.skills.clone(),
            widened: 0,
            direct: join.agent.clone(),
            can_call_back: join.can_call_back,
            phase: Phase::Waiting,
            empty_since_ms: None,
            told: Told::default(),
            attempts: 0,
            not_before_ms: self.now,
            expires_ms,
        };
        self.enter(&mut entry, join.queue.clone());
        Some(entry)
    }

    /// Puts an entry into a queue that exists.
    pub(crate) fn enter(&self, entry: &mut Entry, name: QueueId) {
        let queue = &self.queues[&name];
        entry.priority = queue.priority.saturating_add(entry.extra_priority);
        entry.skills = queue.skills.union(&entry.extra_skills).cloned().collect();
        entry.widened = 0;
        entry.entered_ms = self.now;
        entry.empty_since_ms = None;
        entry.told = Told::first(&queue.announce, self.now);
        entry.tried.insert(name.clone());
        entry.queue = name;
    }

    /// Lets a caller in, into this queue or those it overflows to; or says why none takes them and where they go.
    pub(crate) fn admit(&self, entry: &mut Entry) -> Result<(), (Why, Exit)> {
        loop {
            let queue = &self.queues[&entry.queue];
            let on_line = self.line.values().filter(|other| other.is_live() && other.queue == entry.queue).count();
            let full = queue.max_callers.is_some_and(|most| on_line >= most as usize);
            let (why, overflow) = match entry.kind {
                // Somebody will log in again.
                Kind::Callback | Kind::Missed => return Ok(()),
                Kind::Live if full => (Why::Full, &queue.when_full),
                Kind::Live if !self.is_manned(entry, queue.join_empty) => (Why::Empty, &queue.when_empty),
                Kind::Live => return Ok(()),
            };
            match self.next_queue(entry, overflow) {
                Ok(name) => self.enter(entry, name),
                Err(exit) => return Err((why, exit)),
            }
        }
    }

    pub(crate) fn next_queue(&self, entry: &Entry, overflow: &Overflow) -> Result<QueueId, Exit> {
        match overflow {
            Overflow::Queue(name) if self.queues.contains_key(name) && !entry.tried.contains(name) => Ok(name.clone()),
            Overflow::Queue(_) | Overflow::Callback => Err(Exit::Callback),
            Overflow::Message => Err(Exit::Message),
            Overflow::Night => Err(Exit::Night),
        }
    }

    // ---- people

    fn logged_in(&mut self, agent: &AgentId) {
        let Some(person) = self.people.get_mut(agent) else { return };
        person.then = None;
        match person.state {
            State::LoggedOut => {
                (person.misses, person.taken) = (0, 0);
                self.record(None, None, Some(agent), What::LoggedIn {});
                self.free(agent);
            }
            State::Paused { .. } => self.ready(agent),
            _ => {}
        }
    }

    fn logged_out(&mut self, agent: &AgentId) {
        let Some(person) = self.people.get_mut(agent) else { return };
        match person.state {
            State::LoggedOut => {}
            State::Talking { .. } => person.then = Some(Then::LoggedOut),
            _ => {
                self.stop(agent);
                self.log_out(agent);
            }
        }
    }

    fn log_out(&mut self, agent: &AgentId) {
        self.record(None, None, Some(agent), What::LoggedOut {});
        self.set(agent, State::LoggedOut);
    }

    fn paused(&mut self, agent: &AgentId, reason: String) {
        let Some(person) = self.people.get_mut(agent) else { return };
        match person.state {
            State::LoggedOut => {}
            State::Talking { .. } | State::Engaged => person.then = Some(Then::Paused(reason)),
            _ => {
                self.stop(agent);
                self.pause(agent, reason, false);
            }
        }
    }

    pub(crate) fn pause(&mut self, agent: &AgentId, reason: String, by_itself: bool) {
        self.record(None, None, Some(agent), What::Paused { reason: reason.clone(), by_itself });
        self.set(agent, State::Paused { reason });
    }

    fn ready(&mut self, agent: &AgentId) {
        let Some(person) = self.people.get_mut(agent) else { return };
        match person.state {
            State::Paused { .. } => {
                (person.then, person.misses) = (None, 0);
                self.record(None, None, Some(agent), What::Unpaused {});
                self.free(agent);
            }
            State::Resting { .. } => self.free(agent),
            State::WrapUp { .. } => {
                person.then = None;
                self.end_wrap_up(agent, WrapUpEnd::Agent);
                self.free(agent);
            }
            // A pause that was asked for is not wanted any more.
            State::Talking { .. } | State::Engaged => person.then = None,
            State::LoggedOut | State::Ready | State::Ringing { .. } => {}
        }
    }

    fn engaged(&mut self, agent: &AgentId) {
        let Some(person) = self.people.get_mut(agent) else { return };
        match &person.state {
            State::LoggedOut | State::Talking { .. } | State::Engaged => return,
            State::Paused { reason } => person.then = Some(Then::Paused(reason.clone())),
            _ => self.stop(agent),
        }
        self.record(None, None, Some(agent), What::Engaged {});
        self.set(agent, State::Engaged);
    }

    /// Ends what a person who does not talk is doing, so that they can do something else.
    fn stop(&mut self, agent: &AgentId) {
        match self.people.get(agent).map(|person| person.state.clone()) {
            Some(State::Ringing { call }) => self.end_offer(&call, agent, Cancelled::AgentGone),
            Some(State::WrapUp { .. }) => {
                self.end_wrap_up(agent, WrapUpEnd::Gone);
            }
            _ => {}
        }
    }

    /// What they wanted to do when they are free, or else ready.
    pub(crate) fn free(&mut self, agent: &AgentId) {
        let Some(person) = self.people.get_mut(agent) else { return };
        match person.then.take() {
            Some(Then::LoggedOut) => self.log_out(agent),
            Some(Then::Paused(reason)) => self.pause(agent, reason, false),
            None => {
                person.idle_since_ms = self.now;
                self.set(agent, State::Ready);
            }
        }
    }

    /// An offer came to nothing through this person.
    pub(crate) fn missed(&mut self, call: &CallId, agent: &AgentId, since_ms: i64, why: Miss) {
        let queue = self.line.get(call).map(|entry| entry.queue.clone());
        let (rest_ms, limit) =
            queue.as_ref().and_then(|name| self.queues.get(name)).map_or((0, 0), |q| (ms(q.rest_s), q.misses));
        let Some(person) = self.people.get_mut(agent) else { return };
        person.misses += 1;
        let misses = person.misses;
        let empty_chair = limit > 0 && misses >= limit;
        let wants_more = person.then.is_some();
        let what = What::Missed { ring_ms: self.now - since_ms, why, misses };
        self.record(Some(call), queue.as_ref(), Some(agent), what);
        if wants_more {
            self.free(agent);
        } else if empty_chair {
            self.pause(agent, MISSED_CALLS.to_owned(), true);
        } else {
            self.set(agent, State::Resting { until_ms: self.now + rest_ms });
        }
    }

    // ---- for all files

    pub(crate) fn set(&mut self, agent: &AgentId, state: State) {
        let Some(person) = self.people.get_mut(agent) else { return };
        if person.state == state {
            return;
        }
        (person.state, person.since_ms) = (state, self.now);
        let state = person.public_state();
        self.out.push(Action::Agent { agent: agent.clone(), state });
    }

    pub(crate) fn record(
        &mut self,
        call: Option<&CallId>,
        queue: Option<&QueueId>,
        agent: Option<&AgentId>,
        what: What,
    ) {
        let event =
            QueueEvent { at_ms: self.now, call: call.cloned(), queue: queue.cloned(), agent: agent.cloned(), what };
        self.out.push(Action::Record(event));
    }
}

/// The reason of a pause that nobody asked for.
const MISSED_CALLS: &str = "missed_calls";
/// How long a call-back is kept by a queue that offers none (it was asked for in another one, or before a change).
const DEFAULT_CALLBACK_S: u32 = 4 * 3600;

pub(crate) fn ms(seconds: u32) -> i64 {
    i64::from(seconds) * 1000
}
