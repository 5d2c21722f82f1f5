//! From an answered offer to the end of after-call work.

use crate::acd::{Acd, ms};
use crate::line::{Entry, Phase};
use crate::people::{State, Then};
use crate::{Action, AgentId, CallId, Cancelled, EndedBy, Exit, Kind, Miss, NotReached, QueueId, What, Why, WrapUpEnd};

/// Two people who talk.
#[derive(Debug, Clone)]
pub(crate) struct Talk {
    pub agent: AgentId,
    pub queue: QueueId,
    pub since_ms: i64,
    pub held_since_ms: Option<i64>,
    pub held_ms: i64,
    /// The caller's place, should the line break at once; none for a call-back.
    pub place: Option<Box<Entry>>,
}

impl Acd {
    pub(crate) fn accepted(&mut self, call: &CallId, agent: &AgentId) {
        let offered = self.line.get(call).and_then(|entry| match &entry.phase {
            Phase::Offered { rung, .. } => rung.get(agent).copied(),
            _ => None,
        });
        let Some(rung_ms) = offered else {
            let theirs =
                self.people.get(agent).is_some_and(|person| person.state == State::Talking { call: call.clone() });
            if !theirs && self.people.contains_key(agent) {
                let (call, agent) = (call.clone(), agent.clone());
                self.out.push(Action::CancelOffer { call, agent, why: Cancelled::Late });
            }
            return;
        };
        // Theirs first, so that the rest can be stopped as a whole.
        if let Some(Phase::Offered { rung, .. }) = self.line.get_mut(call).map(|entry| &mut entry.phase) {
            rung.remove(agent);
        }
        self.end_offers(call, Cancelled::Taken);
        let Some(mut entry) = self.line.remove(call) else { return };
        if entry.is_live() {
            let (queue, joined_position) = (entry.queue.clone(), entry.joined_position);
            let (wait_ms, ring_ms) = (entry.wait_ms(self.now), self.now - rung_ms);
            entry.phase = Phase::Waiting;
            let what = What::Connected { wait_ms, ring_ms, joined_position };
            self.record(Some(call), Some(&queue), Some(agent), what);
            self.talk(call, agent, queue, Some(Box::new(entry)));
        } else {
            entry.attempts += 1;
            entry.phase = Phase::Dialling { agent: agent.clone(), since_ms: self.now };
            let (queue, attempt) = (entry.queue.clone(), entry.attempts);
            self.line.insert(call.clone(), entry);
            self.record(Some(call), Some(&queue), Some(agent), What::CallbackDialled { attempt });
            self.set(agent, State::Talking { call: call.clone() });
            self.out.push(Action::Dial { call: call.clone(), queue, agent: agent.clone(), attempt });
        }
    }

    fn talk(&mut self, call: &CallId, agent: &AgentId, queue: QueueId, place: Option<Box<Entry>>) {
        if let Some(person) = self.people.get_mut(agent) {
            (person.misses, person.taken) = (0, person.taken + 1);
        }
        self.set(agent, State::Talking { call: call.clone() });
        self.out.push(Action::Connect { call: call.clone(), queue: queue.clone(), agent: agent.clone() });
        let since_ms = self.now;
        let talk = Talk { agent: agent.clone(), queue, since_ms, held_since_ms: None, held_ms: 0, place };
        self.talks.insert(call.clone(), talk);
    }

    pub(crate) fn not_accepted(&mut self, call: &CallId, agent: &AgentId, why: Miss) {
        let Some(entry) = self.line.get_mut(call) else { return };
        let Phase::Offered { rung, .. } = &mut entry.phase else { return };
        let Some(since_ms) = rung.remove(agent) else { return };
        if rung.is_empty() {
            entry.phase = Phase::Waiting;
        }
        self.missed(call, agent, since_ms, why);
    }

    pub(crate) fn connect_failed(&mut self, call: &CallId) {
        // For a call-back there is nobody to put back: it is a talk that ended.
        if self.talks.get(call).is_none_or(|talk| talk.place.is_none()) {
            return self.talk_ended(call, EndedBy::Agent);
        }
        let Some(talk) = self.talks.remove(call) else { return };
        let Some(entry) = talk.place else { return };
        if let Some(person) = self.people.get_mut(&talk.agent) {
            person.taken = person.taken.saturating_sub(1);
        }
        let wait_ms = entry.wait_ms(self.now);
        self.record(Some(call), Some(&talk.queue), Some(&talk.agent), What::Returned { wait_ms });
        self.out.push(Action::Music { call: call.clone(), queue: talk.queue });
        self.line.insert(call.clone(), *entry);
        self.missed(call, &talk.agent, talk.since_ms, Miss::Broken);
    }

    pub(crate) fn held(&mut self, call: &CallId, held: bool) {
        let now = self.now;
        let Some(talk) = self.talks.get_mut(call) else { return };
        let (queue, agent) = (talk.queue.clone(), talk.agent.clone());
        let what = match (held, talk.held_since_ms.take()) {
            (true, None) => {
                talk.held_since_ms = Some(now);
                What::Held {}
            }
            (true, since) => {
                talk.held_since_ms = since;
                return;
            }
            (false, Some(since)) => {
                talk.held_ms += now - since;
                What::Resumed { held_ms: now - since }
            }
            (false, None) => return,
        };
        self.record(Some(call), Some(&queue), Some(&agent), what);
    }

    pub(crate) fn talk_ended(&mut self, call: &CallId, by: EndedBy) {
        let Some(talk) = self.talks.remove(call) else { return };
        let hold_ms = talk.held_ms + talk.held_since_ms.map_or(0, |since| self.now - since);
        let whole_ms = self.now - talk.since_ms;
        let what = What::TalkEnded { talk_ms: whole_ms - hold_ms, hold_ms, by };
        self.record(Some(call), Some(&talk.queue), Some(&talk.agent), what);
        let limit_ms = ms(self.queues[&talk.queue].wrap_up_s);
        let leaves = self.people.get(&talk.agent).is_some_and(|person| person.then == Some(Then::LoggedOut));
        if limit_ms == 0 || leaves {
            self.handled(&talk.queue, whole_ms);
            return self.free(&talk.agent);
        }
        self.record(Some(call), Some(&talk.queue), Some(&talk.agent), What::AcwStart { limit_ms });
        let (call, until_ms) = (call.clone(), self.now + limit_ms);
        self.set(&talk.agent, State::WrapUp { call, queue: talk.queue, until_ms, handled_ms: whole_ms });
    }

    /// Ends after-call work, if there is any, and leaves the person to be told what comes next.
    pub(crate) fn end_wrap_up(&mut self, agent: &AgentId, by: WrapUpEnd) -> bool {
        let Some(person) = self.people.get(agent) else { return false };
        let State::WrapUp { call, queue, handled_ms, .. } = person.state.clone() else { return false };
        let acw_ms = self.now - person.since_ms;
        self.record(Some(&call), Some(&queue), Some(agent), What::AcwEnd { acw_ms, by });
        self.handled(&queue, handled_ms + acw_ms);
        true
    }

    // ---- call-backs

    pub(crate) fn callback_answered(&mut self, call: &CallId, as_call: CallId) {
        if self.talks.contains_key(&as_call) || (as_call != *call && self.line.contains_key(&as_call)) {
            return self.callback_failed(call, NotReached::Refused);
        }
        let Some(Phase::Dialling { agent, since_ms }) = self.line.get(call).map(|entry| entry.phase.clone()) else {
            return;
        };
        let Some(entry) = self.line.remove(call) else { return };
        let (attempt, wait_ms, queue) = (entry.attempts, entry.wait_ms(self.now), entry.queue);
        let what = What::CalledBack { as_call: as_call.clone(), attempt, wait_ms };
        self.record(Some(call), Some(&queue), Some(&agent), what);
        self.record(Some(&as_call), Some(&queue), Some(&agent), What::CallbackOf { call: call.clone() });
        let what = What::Connected { wait_ms: 0, ring_ms: self.now - since_ms, joined_position: 1 };
        self.record(Some(&as_call), Some(&queue), Some(&agent), what);
        self.talk(&as_call, &agent, queue, None);
    }

    pub(crate) fn callback_failed(&mut self, call: &CallId, why: NotReached) {
        let Some(entry) = self.line.get_mut(call) else { return };
        let Phase::Dialling { agent, since_ms } = entry.phase.clone() else { return };
        entry.phase = Phase::Waiting;
        let (queue, attempt) = (entry.queue.clone(), entry.attempts);
        let callback = self.queues[&queue].callback.clone().unwrap_or_default();
        let again_ms = match (entry.kind, why) {
            // The caller's phone has not rung for long: the attempt does not count.
            (_, NotReached::AgentGone) => {
                entry.attempts -= 1;
                Some(self.now)
            }
            (Kind::Missed, _) => None,
            _ => (attempt < callback.attempts).then_some(self.now + ms(callback.retry_s)),
        };
        entry.not_before_ms = again_ms.unwrap_or(self.now);
        let what = What::CallbackFailed { attempt, why, again_ms };
        self.record(Some(call), Some(&queue), Some(&agent), what);
        if why == NotReached::AgentGone {
            self.missed(call, &agent, since_ms, Miss::Broken);
        } else {
            self.out.push(Action::ReleaseAgent { call: call.clone(), agent: agent.clone() });
            self.free(&agent);
        }
        if again_ms.is_none() {
            self.leave(call, Exit::Callback, Why::Attempts);
        }
    }
}
