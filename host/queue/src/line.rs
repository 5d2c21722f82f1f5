//! One who waits: a caller on the line, or a call-back.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use crate::announce::Told;
use crate::settings::{Agent, Queue};
use crate::{AgentId, CallId, Kind, QueueId, Skill};

#[derive(Debug, Clone)]
pub(crate) struct Entry {
    pub call: CallId,
    pub queue: QueueId,
    pub kind: Kind,
    pub priority: i32,
    /// The caller's own part of the priority, for when they move to another queue.
    pub extra_priority: i32,
    pub place_ms: i64,
    /// Breaks ties; unique.
    pub seq: u64,
    pub joined_ms: i64,
    /// Since when in this queue: what the longest wait counts from.
    pub entered_ms: i64,
    pub joined_position: u32,
    pub tried: BTreeSet<QueueId>,
    /// Still asked for.
    pub skills: BTreeSet<Skill>,
    /// What they asked for themselves, for when they move.
    pub extra_skills: BTreeSet<Skill>,
    /// How many steps of [`Queue::widen`] were taken.
    pub widened: usize,
    pub direct: Option<AgentId>,
    pub can_call_back: bool,
    pub phase: Phase,
    pub empty_since_ms: Option<i64>,
    pub told: Told,
    pub attempts: u32,
    /// Not offered before.
    pub not_before_ms: i64,
    /// A call-back that is not made by then goes to the desk's list.
    pub expires_ms: Option<i64>,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Phase {
    Waiting,
    /// Whose phones ring, since when.
    Offered {
        rung: BTreeMap<AgentId, i64>,
        since_ms: i64,
        until_ms: i64,
    },
    /// The person has answered, the caller is dialled.
    Dialling {
        agent: AgentId,
        since_ms: i64,
    },
}

/// Smaller goes first.
pub(crate) type Order = (bool, Reverse<i32>, i64, u64);

impl Entry {
    pub fn order(&self) -> Order {
        (self.kind == Kind::Missed, Reverse(self.priority), self.place_ms, self.seq)
    }

    pub fn is_live(&self) -> bool {
        self.kind == Kind::Live
    }

    pub fn waits(&self) -> bool {
        self.phase == Phase::Waiting
    }

    /// Whether this person may be rung now.
    pub fn suits(&self, agent: &Agent) -> bool {
        match &self.direct {
            Some(direct) => *direct == agent.id,
            None => serves(agent, &self.queue) && self.skills.is_subset(&agent.skills),
        }
    }

    /// Whether this person could be rung once everything is given up that the queue gives up.
    pub fn could_suit(&self, agent: &Agent, queue: &Queue) -> bool {
        let given_up: BTreeSet<&Skill> = queue.widen.iter().flat_map(|step| &step.drop).collect();
        serves(agent, &self.queue) && self.skills.iter().all(|s| given_up.contains(s) || agent.skills.contains(s))
            || self.suits(agent)
    }

    pub fn wait_ms(&self, now: i64) -> i64 {
        now - self.joined_ms
    }
}

pub(crate) fn serves(agent: &Agent, queue: &QueueId) -> bool {
    agent.queues.is_empty() || agent.queues.contains(queue)
}
