//! One who serves: what they do now, and what they will do when they are free of it.

use crate::settings::Agent;
use crate::{AgentState, CallId, Presence, QueueId};

#[derive(Debug, Clone)]
pub(crate) struct Person {
    pub agent: Agent,
    /// Position in the settings.
    pub rank: usize,
    pub state: State,
    pub since_ms: i64,
    /// What they asked for while they were busy.
    pub then: Option<Then>,
    /// Offers missed in a row.
    pub misses: u32,
    /// Calls taken since they logged in.
    pub taken: u32,
    /// Since when free; an offer that somebody else took does not change it.
    pub idle_since_ms: i64,
    /// The last offer.
    pub offered_ms: i64,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum State {
    LoggedOut,
    Ready,
    Resting { until_ms: i64 },
    Ringing { call: CallId },
    Talking { call: CallId },
    WrapUp { call: CallId, queue: QueueId, until_ms: i64, handled_ms: i64 },
    Paused { reason: String },
    Engaged,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Then {
    Paused(String),
    LoggedOut,
}

impl Person {
    pub fn new(agent: Agent, rank: usize, now: i64) -> Self {
        Self {
            agent,
            rank,
            state: State::LoggedOut,
            since_ms: now,
            then: None,
            misses: 0,
            taken: 0,
            idle_since_ms: now,
            offered_ms: i64::MIN,
        }
    }

    pub fn is_ready(&self) -> bool {
        self.state == State::Ready
    }

    /// Who leaves after this talk is not there any more for those who wait.
    pub fn is_present(&self, presence: Presence) -> bool {
        let logged_in = self.state != State::LoggedOut && self.then != Some(Then::LoggedOut);
        let paused = matches!(self.state, State::Paused { .. }) || matches!(self.then, Some(Then::Paused(_)));
        match presence {
            Presence::Anyone => true,
            Presence::LoggedIn => logged_in,
            Presence::Ready => logged_in && !paused,
        }
    }

    pub fn public_state(&self) -> AgentState {
        match &self.state {
            State::LoggedOut => AgentState::LoggedOut,
            State::Ready => AgentState::Ready,
            State::Resting { .. } => AgentState::Resting,
            State::Ringing { call } => AgentState::Ringing(call.clone()),
            State::Talking { call } => AgentState::Talking(call.clone()),
            State::WrapUp { call, .. } => AgentState::WrapUp(call.clone()),
            State::Paused { reason } => AgentState::Paused(reason.clone()),
            State::Engaged => AgentState::Engaged,
        }
    }
}
