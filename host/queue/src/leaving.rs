//! The ways out of a line without a talk.

use crate::acd::{Acd, ms};
use crate::line::{Entry, Phase};
use crate::{Action, CallId, Cancelled, EndedBy, Exit, Kind, What, Why};

impl Acd {
    pub(crate) fn hung_up(&mut self, call: &CallId) {
        if self.talks.contains_key(call) {
            return self.talk_ended(call, EndedBy::Caller);
        }
        let Some(entry) = self.line.get(call) else { return };
        // Whoever is called back is not on the line.
        if !entry.is_live() {
            return;
        }
        let ringing = !entry.waits();
        self.end_offers(call, Cancelled::CallerGone);
        let Some((entry, position)) = self.take(call) else { return };
        let joined_position = entry.joined_position;
        let what = What::Abandoned { wait_ms: entry.wait_ms(self.now), position, joined_position, ringing };
        self.record(Some(call), Some(&entry.queue), None, what);
    }

    pub(crate) fn asked_callback(&mut self, call: &CallId) {
        let Some(entry) = self.line.get(call) else { return };
        let Some(callback) = self.queues[&entry.queue].callback.clone() else { return };
        if !entry.is_live() || !entry.can_call_back {
            return;
        }
        self.end_offers(call, Cancelled::CallerGone);
        let now = self.now;
        let Some(entry) = self.line.get_mut(call) else { return };
        entry.kind = Kind::Callback;
        entry.not_before_ms = now + ms(callback.rest_s);
        entry.expires_ms = Some(now + ms(callback.max_s));
        let (queue, wait_ms) = (entry.queue.clone(), entry.wait_ms(now));
        let position = self.position(call).unwrap_or(0);
        self.record(Some(call), Some(&queue), None, What::CallbackTaken { wait_ms, position });
        self.out.push(Action::CallbackTaken { call: call.clone() });
    }

    pub(crate) fn withdrawn(&mut self, call: &CallId) {
        self.end_offers(call, Cancelled::CallerGone);
        let Some((entry, _)) = self.take(call) else { return };
        let what = What::Withdrawn { wait_ms: entry.wait_ms(self.now) };
        self.record(Some(call), Some(&entry.queue), None, what);
        if let Phase::Dialling { agent, .. } = entry.phase {
            self.out.push(Action::ReleaseAgent { call: call.clone(), agent: agent.clone() });
            self.free(&agent);
        }
    }

    /// Out of the line, unserved.
    pub(crate) fn leave(&mut self, call: &CallId, to: Exit, why: Why) {
        if let Some(entry) = self.line.get(call).cloned() {
            self.leave_for(&entry, to, why);
            self.line.remove(call);
        }
    }

    /// Says so of one who is in the line, or was not let in.
    pub(crate) fn leave_for(&mut self, entry: &Entry, to: Exit, why: Why) {
        let to = if entry.is_live() { to } else { Exit::Callback };
        let (call, queue, on_line) = (entry.call.clone(), entry.queue.clone(), entry.is_live());
        let what = What::Overflowed { to, why, wait_ms: entry.wait_ms(self.now), position: self.position_of(entry) };
        self.record(Some(&call), Some(&queue), None, what);
        self.out.push(Action::Overflow { call, queue, to, why, on_line });
    }

    fn take(&mut self, call: &CallId) -> Option<(Entry, u32)> {
        let position = self.position(call)?;
        Some((self.line.remove(call)?, position))
    }
}
