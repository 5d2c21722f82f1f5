//! What time brings: phones that rang too long, rests and after-call work that end, callers who have waited too long.

use std::collections::BTreeSet;

use crate::acd::{Acd, ms};
use crate::line::{Entry, Phase};
use crate::people::State;
use crate::{Action, AgentId, CallId, Cancelled, Exit, Kind, Miss, Overflow, Presence, What, Why, WrapUpEnd};

impl Acd {
    /// The next moment at which something happens by itself; none when everything waits for the outside.
    pub fn next_wake(&self) -> Option<i64> {
        let people = self.people.values().filter_map(|person| match person.state {
            State::Resting { until_ms } | State::WrapUp { until_ms, .. } => Some(until_ms),
            _ => None,
        });
        people.chain(self.line.values().filter_map(|entry| self.wake_of(entry))).min()
    }

    fn wake_of(&self, entry: &Entry) -> Option<i64> {
        let told = self.announcement_due(entry);
        let widens = self.widens_at(entry);
        match &entry.phase {
            Phase::Dialling { .. } => None,
            Phase::Offered { until_ms, .. } => [Some(*until_ms), told, widens].into_iter().flatten().min(),
            Phase::Waiting => {
                let later = (entry.not_before_ms > self.now).then_some(entry.not_before_ms);
                [later, told, widens, self.leaves_at(entry), self.free_long_enough_at(entry)]
                    .into_iter()
                    .flatten()
                    .min()
            }
        }
    }

    pub(crate) fn due(&mut self) {
        self.people_due();
        self.offers_due();
        let calls: Vec<CallId> = self.line.keys().cloned().collect();
        for call in &calls {
            self.widen(call);
        }
        for call in &calls {
            self.note_emptiness(call);
            self.leave_if_due(call);
        }
    }

    fn people_due(&mut self) {
        let over = |until_ms: i64| until_ms <= self.now;
        let due: Vec<AgentId> = self
            .people
            .values()
            .filter(|person| match person.state {
                State::Resting { until_ms } | State::WrapUp { until_ms, .. } => over(until_ms),
                _ => false,
            })
            .map(|person| person.agent.id.clone())
            .collect();
        for agent in due {
            self.end_wrap_up(&agent, WrapUpEnd::Limit);
            self.free(&agent);
        }
    }

    fn offers_due(&mut self) {
        let due: Vec<(CallId, AgentId, i64)> = self
            .line
            .values()
            .filter_map(|entry| match &entry.phase {
                Phase::Offered { rung, until_ms, .. } if *until_ms <= self.now => Some((entry, rung)),
                _ => None,
            })
            .flat_map(|(entry, rung)| rung.iter().map(|(agent, since)| (entry.call.clone(), agent.clone(), *since)))
            .collect();
        for (call, agent, since_ms) in due {
            // Whose phone joined in the middle of a ring-all has had no fair chance.
            let Some(entry) = self.line.get(&call) else { continue };
            let Phase::Offered { since_ms: began_ms, .. } = entry.phase else { continue };
            if since_ms > began_ms {
                self.end_offer(&call, &agent, Cancelled::TimeOut);
                continue;
            }
            let out = Action::CancelOffer { call: call.clone(), agent: agent.clone(), why: Cancelled::TimeOut };
            self.out.push(out);
            self.not_accepted(&call, &agent, Miss::NoAnswer);
        }
    }

    // ---- widening

    fn widens_at(&self, entry: &Entry) -> Option<i64> {
        let queue = &self.queues[&entry.queue];
        let skills = queue.widen.get(entry.widened).map(|step| entry.entered_ms + ms(step.after_s));
        let direct = entry.direct.as_ref().map(|_| entry.entered_ms + ms(queue.direct_s));
        [skills, direct].into_iter().flatten().min()
    }

    fn widen(&mut self, call: &CallId) {
        while let Some(entry) = self.line.get(call) {
            let queue = &self.queues[&entry.queue];
            let there = |agent: &AgentId| self.people.get(agent).is_some_and(|p| p.is_present(Presence::Ready));
            let direct = entry.direct.clone().filter(|agent| {
                // For somebody who is not there nobody waits.
                entry.entered_ms + ms(queue.direct_s) <= self.now || !there(agent)
            });
            let due = |after_s: u32| entry.entered_ms + ms(after_s) <= self.now;
            let step = queue.widen.get(entry.widened).filter(|step| due(step.after_s));
            let dropped: BTreeSet<_> = step.map(|step| step.drop.clone()).unwrap_or_default();
            let (stepped, name) = (step.is_some(), entry.queue.clone());
            if direct.is_none() && !stepped {
                return;
            }
            let wait_ms = entry.wait_ms(self.now);
            if let Some(entry) = self.line.get_mut(call) {
                entry.widened += usize::from(stepped);
                entry.skills.retain(|skill| !dropped.contains(skill));
                if direct.is_some() {
                    entry.direct = None;
                }
            }
            self.record(Some(call), Some(&name), None, What::Widened { dropped, direct, wait_ms });
        }
    }

    // ---- leaving

    /// Whether anybody is there for this caller.
    pub(crate) fn is_manned(&self, entry: &Entry, presence: Presence) -> bool {
        let queue = &self.queues[&entry.queue];
        presence == Presence::Anyone
            || self.people.values().any(|person| person.is_present(presence) && entry.could_suit(&person.agent, queue))
    }

    fn note_emptiness(&mut self, call: &CallId) {
        let Some(entry) = self.line.get(call) else { return };
        let empty = !self.is_manned(entry, self.queues[&entry.queue].leave_empty);
        let now = self.now;
        if let Some(entry) = self.line.get_mut(call) {
            entry.empty_since_ms = if empty { Some(entry.empty_since_ms.unwrap_or(now)) } else { None };
        }
    }

    fn leaves_at(&self, entry: &Entry) -> Option<i64> {
        let queue = &self.queues[&entry.queue];
        if !entry.is_live() {
            return entry.expires_ms;
        }
        let waited = queue.max_wait_s.map(|most| entry.entered_ms + ms(most));
        let empty = entry.empty_since_ms.map(|since| since + ms(queue.leave_empty_s));
        [waited, empty].into_iter().flatten().min()
    }

    fn leave_if_due(&mut self, call: &CallId) {
        let Some(entry) = self.line.get(call).filter(|entry| entry.waits()) else { return };
        if self.leaves_at(entry).is_none_or(|at| at > self.now) {
            return;
        }
        if entry.kind == Kind::Callback {
            return self.leave(call, Exit::Callback, Why::Expired);
        }
        let queue = &self.queues[&entry.queue];
        let empty = entry.empty_since_ms.is_some_and(|since| since + ms(queue.leave_empty_s) <= self.now);
        let (why, overflow) = match empty {
            true => (Why::Empty, queue.when_empty.clone()),
            false => (Why::Waited, queue.when_waited.clone()),
        };
        self.overflow(call, why, &overflow);
    }

    fn overflow(&mut self, call: &CallId, why: Why, overflow: &Overflow) {
        let Some(entry) = self.line.get(call) else { return };
        let mut moved = entry.clone();
        let exit = match self.next_queue(entry, overflow) {
            Ok(name) => {
                self.enter(&mut moved, name);
                self.admit(&mut moved).err().map(|(_, exit)| exit)
            }
            Err(exit) => Some(exit),
        };
        match exit {
            Some(exit) => self.leave(call, exit, why),
            None => {
                let from = entry.queue.clone();
                let (to, wait_ms) = (moved.queue.clone(), moved.wait_ms(self.now));
                self.line.insert(call.clone(), moved);
                self.record(Some(call), Some(&to), None, What::Moved { from, why, wait_ms });
                self.out.push(Action::Music { call: call.clone(), queue: to });
            }
        }
    }

    /// When the first suitable person will have been free for long enough to call a missed call back.
    fn free_long_enough_at(&self, entry: &Entry) -> Option<i64> {
        if entry.kind != Kind::Missed {
            return None;
        }
        let idle_ms = ms(self.queues[&entry.queue].missed_idle_s);
        let free = self.people.values().filter(|person| person.is_ready() && entry.suits(&person.agent));
        free.map(|person| person.idle_since_ms + idle_ms).filter(|at| *at > self.now).min()
    }
}
