//! Place in the line, and how long it will probably take.

use std::collections::VecDeque;

use crate::acd::{Acd, ms};
use crate::line::{Entry, serves};
use crate::settings::Queue;
use crate::{AgentState, CallId, Kind, Presence, QueueId};

/// How long people were busy with one call lately.
#[derive(Debug, Clone)]
pub(crate) struct Handling {
    expected_ms: i64,
    recent: VecDeque<i64>,
}

/// So many calls are remembered: about an hour of a small desk, a few minutes of a large one.
const RECENT: usize = 30;
/// What the settings expect weighs as much as so many calls, so that one odd first call does not make the estimate.
const EXPECTED_WEIGHT: i64 = 3;

impl Handling {
    pub fn expecting(queue: &Queue) -> Self {
        Self { expected_ms: ms(queue.handling_s), recent: VecDeque::new() }
    }

    fn mean_ms(&self) -> i64 {
        let count = i64::try_from(self.recent.len()).unwrap_or(0);
        (EXPECTED_WEIGHT * self.expected_ms + self.recent.iter().sum::<i64>()) / (EXPECTED_WEIGHT + count)
    }
}

impl Acd {
    pub(crate) fn handled(&mut self, queue: &QueueId, handled_ms: i64) {
        if let Some(handling) = self.handling.get_mut(queue) {
            handling.recent.push_back(handled_ms);
            if handling.recent.len() > RECENT {
                handling.recent.pop_front();
            }
        }
    }

    /// Mean handling time (talk, hold, after-call work) of the queue's last calls.
    pub fn handling_ms(&self, queue: &QueueId) -> Option<i64> {
        self.handling.get(queue).map(Handling::mean_ms)
    }

    /// Place in the line, from 1: how many compete for the same people or wait in the same queue and go first, plus one.
    /// None when the call does not wait here.
    pub fn position(&self, call: &CallId) -> Option<u32> {
        self.line.get(call).map(|entry| self.position_of(entry))
    }

    pub(crate) fn position_of(&self, entry: &Entry) -> u32 {
        let order = entry.order();
        let ahead = self.line.values().filter(|other| {
            other.order() < order
                && other.call != entry.call
                && (other.queue == entry.queue || self.compete(other, entry))
        });
        u32::try_from(ahead.count() + 1).unwrap_or(u32::MAX)
    }

    fn compete(&self, a: &Entry, b: &Entry) -> bool {
        self.people
            .values()
            .any(|person| person.is_present(Presence::Ready) && a.suits(&person.agent) && b.suits(&person.agent))
    }

    /// How many wait in this queue, on the line or for their call-back.
    pub fn waiting_in(&self, queue: &QueueId) -> u32 {
        let theirs = self.line.values().filter(|entry| entry.queue == *queue && entry.kind != Kind::Missed);
        u32::try_from(theirs.count()).unwrap_or(u32::MAX)
    }

    /// How long a caller who joins this queue now will probably wait: as [`Acd::expected_wait_ms`], behind all who wait in it;
    /// nothing while more people are free than wait. None when nobody who serves it is there.
    pub fn next_wait_ms(&self, queue: &QueueId) -> Option<i64> {
        let there: Vec<_> = self
            .people
            .values()
            .filter(|person| person.is_present(Presence::Ready) && serves(&person.agent, queue))
            .collect();
        let people = i64::try_from(there.len()).ok().filter(|people| *people > 0)?;
        let free = there.iter().filter(|person| person.public_state() == AgentState::Ready).count();
        let waiting = self.waiting_in(queue);
        if free > waiting as usize {
            return Some(0);
        }
        Some((i64::from(waiting) + 1).saturating_mul(self.handling_ms(queue)?) / people)
    }

    /// How long this caller will probably wait: `(ahead + 1) × handling time ÷ people`.
    ///
    /// With all n people busy and handling times of mean H, calls end every H/n on average, whatever has been talked of each
    /// so far (exactly so for exponential times, the assumption of Erlang C), and the caller with `ahead` others before them is taken at
    /// the (ahead + 1)-th end. People are those who suit the caller and are logged in and not paused. It errs on the long side: some of those ahead
    /// may give up, or be served by people who do not suit this caller. None when nobody suitable is there.
    pub fn expected_wait_ms(&self, call: &CallId) -> Option<i64> {
        let entry = self.line.get(call).filter(|entry| entry.kind != Kind::Missed)?;
        let suitable = self.people.values();
        let people = suitable.filter(|person| person.is_present(Presence::Ready) && entry.suits(&person.agent)).count();
        let people = i64::try_from(people).ok().filter(|people| *people > 0)?;
        let handling_ms = self.handling_ms(&entry.queue)?;
        Some(i64::from(self.position_of(entry)).saturating_mul(handling_ms) / people)
    }
}
