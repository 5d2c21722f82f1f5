//! The states of a call, and what each of them needs.

use crate::digits::Collector;
use crate::input::BargeIn;
use crate::leaving::Step;
use crate::listen::Utterance;
use crate::output::EndReason;
use crate::time::{Millis, Token};

/// Where a call is. The table in the [crate documentation](crate) says how it moves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum State {
    /// The flow computes (also before its first command).
    Thinking,
    /// A prompt plays, or is about to.
    Speaking,
    /// A question was asked; the caller has not begun to answer.
    Listening,
    /// The caller is answering by voice.
    CallerSpeaking,
    /// What they said is being recognised.
    Recognising,
    /// The caller is answering by keys.
    CollectingDigits,
    /// A transfer the flow asked for is pending.
    HandingOver,
    /// The flow is out of the game; the caller is being handed to a person.
    Failing,
    /// All is said; the flow has a moment to end.
    Closing,
    /// Over. Nothing comes any more.
    Ended,
}

/// A state with what it needs.
#[derive(Debug)]
pub(crate) enum Phase {
    Thinking { since: Millis },
    Speaking { job: Job, barge_in: BargeIn },
    Listening { until: Millis },
    CallerSpeaking,
    Recognising { token: Token, until: Millis, utterance: Utterance, decided: Millis },
    CollectingDigits(Collector),
    HandingOver { token: Token, until: Millis },
    Failing(Step),
    Closing { reason: EndReason, until: Millis },
    Ended,
}

/// Which command a prompt belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Job {
    Say,
    Recorded,
    Ask,
}

impl Phase {
    pub(crate) fn state(&self) -> State {
        match self {
            Phase::Thinking { .. } => State::Thinking,
            Phase::Speaking { .. } => State::Speaking,
            Phase::Listening { .. } => State::Listening,
            Phase::CallerSpeaking => State::CallerSpeaking,
            Phase::Recognising { .. } => State::Recognising,
            Phase::CollectingDigits(_) => State::CollectingDigits,
            Phase::HandingOver { .. } => State::HandingOver,
            Phase::Failing(_) => State::Failing,
            Phase::Closing { .. } => State::Closing,
            Phase::Ended => State::Ended,
        }
    }
}

impl State {
    /// Silence in this state is the caller's to break, or concerns nobody.
    pub(crate) fn is_callers_turn(self) -> bool {
        matches!(self, State::Listening | State::CallerSpeaking | State::CollectingDigits)
    }

    pub(crate) fn is_ours(self) -> bool {
        !self.is_callers_turn() && !matches!(self, State::Closing | State::Ended)
    }

    /// A command of the flow waits for its reply.
    pub(crate) fn has_command(self) -> bool {
        !matches!(self, State::Thinking | State::Failing | State::Closing | State::Ended)
    }

    /// The flow holds the conversation.
    pub(crate) fn has_flow(self) -> bool {
        matches!(self, State::Thinking) || self.has_command()
    }
}
