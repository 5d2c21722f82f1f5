//! What callers are told while they wait, and when: nothing that is worse than what they were told before, nothing twice in
//! a row.

use crate::acd::{Acd, ms};
use crate::line::{Entry, Phase};
use crate::settings::Announce;
use crate::{Action, Announcement, CallId, Wait, What};

/// What one caller was told so far.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Told {
    next_ms: Option<i64>,
    position: Option<u32>,
    wait: Option<Wait>,
    reassured: bool,
    /// Announcements since the call-back was offered.
    since_offer: Option<u32>,
}

/// The call-back is offered again with every third announcement.
const OFFER_EVERY: u32 = 3;

impl Told {
    pub fn first(plan: &Announce, now: i64) -> Self {
        Self { next_ms: Some(now + ms(plan.first_s)), ..Self::default() }
    }
}

impl Wait {
    /// Rounded up to what people say.
    pub fn of(wait_ms: i64) -> Self {
        const STEPS: [i64; 11] = [1, 2, 3, 4, 5, 7, 10, 15, 20, 25, 30];
        // Just over a step is still that step: nobody minds ten seconds.
        let minutes = (wait_ms - 10_000).max(0) as f64 / 60_000.0;
        match STEPS.into_iter().find(|step| minutes <= *step as f64) {
            Some(1) if wait_ms < 50_000 => Self::UnderMinute,
            Some(step) => Self::Minutes(u32::try_from(step).unwrap_or(u32::MAX)),
            None => Self::Long,
        }
    }
}

impl Acd {
    /// When the next announcement comes. One that falls into ringing waits for its end, but no longer than one ring: where
    /// phone after phone rings for nothing, callers must not hear music alone.
    pub(crate) fn announcement_due(&self, entry: &Entry) -> Option<i64> {
        let next_ms = entry.told.next_ms.filter(|_| entry.is_live())?;
        match entry.phase {
            Phase::Waiting => Some(next_ms),
            Phase::Offered { .. } => Some(next_ms + ms(self.queues[&entry.queue].ring_s)),
            Phase::Dialling { .. } => None,
        }
    }

    pub(crate) fn announce(&mut self) {
        let due = |entry: &&Entry| self.announcement_due(entry).is_some_and(|at| at <= self.now);
        let calls: Vec<CallId> = self.line.values().filter(due).map(|entry| entry.call.clone()).collect();
        for call in calls {
            self.tell(&call);
        }
    }

    fn tell(&mut self, call: &CallId) {
        let (Some(position), wait_ms) = (self.position(call), self.expected_wait_ms(call)) else { return };
        let Some(entry) = self.line.get_mut(call) else { return };
        let queue = &self.queues[&entry.queue];
        let (plan, told, now) = (&queue.announce, &mut entry.told, self.now);
        let better_place = plan.position && told.position.is_none_or(|before| position < before);
        let wait = wait_ms.map(Wait::of).filter(|wait| plan.wait && told.wait.is_none_or(|before| *wait < before));
        // Who is next has no use for a call-back.
        let soon = wait_ms.is_some_and(|wait_ms| Wait::of(wait_ms) == Wait::UnderMinute);
        let may_offer = queue.callback.as_ref().is_some_and(|callback| now - entry.joined_ms >= ms(callback.offer_s));
        let due = told.since_offer.is_none_or(|since| since + 1 >= OFFER_EVERY);
        let offer_callback = may_offer && entry.can_call_back && !soon && due;
        let what = Announcement { position: better_place.then_some(position), wait, offer_callback };

        told.next_ms = (plan.every_s > 0).then(|| now + ms(plan.every_s));
        told.position = what.position.or(told.position);
        told.wait = what.wait.or(told.wait);
        told.since_offer = match offer_callback {
            true => Some(0),
            false => told.since_offer.map(|since| since + 1),
        };
        let again = std::mem::replace(&mut told.reassured, what.is_reassurance());
        if again && what.is_reassurance() {
            return;
        }
        let queue = entry.queue.clone();
        let wait_ms = wait_ms.filter(|_| what.wait.is_some());
        let record = What::Announced { position: what.position, wait_ms, callback: offer_callback };
        self.record(Some(call), Some(&queue), None, record);
        self.out.push(Action::Announce { call: call.clone(), what });
    }
}
