//! What the desk's page and the doors may look at.

use crate::acd::Acd;
use crate::line::Phase;
use crate::{AgentId, AgentState, CallId, Join, Kind, QueueId};

/// One who waits.
#[derive(Debug, Clone, PartialEq)]
pub struct WaitingView {
    /// The call.
    pub call: CallId,
    /// The queue.
    pub queue: QueueId,
    /// On the line, or to be called back.
    pub kind: Kind,
    /// Since when.
    pub since_ms: i64,
    /// Place in the line, from 1.
    pub position: u32,
    /// See [`Acd::expected_wait_ms`].
    pub expected_wait_ms: Option<i64>,
    /// Whose phones ring, or who waits while the caller is dialled.
    pub agents: Vec<AgentId>,
}

/// A queue, for whoever thinks of joining it.
#[derive(Debug, Clone, PartialEq)]
pub struct QueueView {
    /// Which.
    pub queue: QueueId,
    /// How many wait in it.
    pub waiting: u32,
    /// See [`Acd::next_wait_ms`].
    pub next_wait_ms: Option<i64>,
}

/// One who serves.
#[derive(Debug, Clone, PartialEq)]
pub struct AgentView {
    /// Who.
    pub agent: AgentId,
    /// What they do.
    pub state: AgentState,
    /// Since when.
    pub since_ms: i64,
    /// Calls taken since they logged in.
    pub taken: u32,
    /// Offers missed in a row.
    pub misses: u32,
}

impl Acd {
    /// Everybody in the lines, the first first.
    pub fn waiting(&self) -> Vec<WaitingView> {
        let mut line: Vec<_> = self.line.values().collect();
        line.sort_by_key(|entry| entry.order());
        line.into_iter()
            .map(|entry| WaitingView {
                call: entry.call.clone(),
                queue: entry.queue.clone(),
                kind: entry.kind,
                since_ms: entry.joined_ms,
                position: self.position_of(entry),
                expected_wait_ms: self.expected_wait_ms(&entry.call),
                agents: match &entry.phase {
                    Phase::Waiting => Vec::new(),
                    Phase::Offered { rung, .. } => rung.keys().cloned().collect(),
                    Phase::Dialling { agent, .. } => vec![agent.clone()],
                },
            })
            .collect()
    }

    /// Every queue, as it is for whoever joins it now.
    pub fn queues(&self) -> Vec<QueueView> {
        let view = |queue: &QueueId| QueueView {
            queue: queue.clone(),
            waiting: self.waiting_in(queue),
            next_wait_ms: self.next_wait_ms(queue),
        };
        self.queues.keys().map(view).collect()
    }

    /// Everybody in the settings, in their order.
    pub fn agents(&self) -> Vec<AgentView> {
        let mut people: Vec<_> = self.people.values().collect();
        people.sort_by_key(|person| person.rank);
        people
            .into_iter()
            .map(|person| AgentView {
                agent: person.agent.id.clone(),
                state: person.public_state(),
                since_ms: person.since_ms,
                taken: person.taken,
                misses: person.misses,
            })
            .collect()
    }

    /// Who talks to this caller.
    pub fn talks_to(&self, call: &CallId) -> Option<&AgentId> {
        self.talks.get(call).map(|talk| &talk.agent)
    }

    /// Which queue would take this caller now: the one they want or one it overflows to. None: they would be sent away at
    /// once, and whoever asks on their behalf can say so instead.
    pub fn admits(&self, join: &Join) -> Option<QueueId> {
        let mut entry = self.entry(join)?;
        self.admit(&mut entry).ok().map(|()| entry.queue)
    }
}
