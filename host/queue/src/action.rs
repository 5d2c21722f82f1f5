//! What the queues decide.

use crate::{AgentId, CallId, QueueEvent, QueueId};

/// To be done, in the order given.
#[derive(Debug, Clone, PartialEq)]
pub enum Action {
    /// The caller waits from now on: play music until told otherwise.
    Music {
        /// Whose.
        call: CallId,
        /// For the queue's own music.
        queue: QueueId,
    },
    /// Say this to the waiting caller, then music again. While somebody is being rung for them it is put off, for one
    /// ring at most.
    Announce {
        /// Whose.
        call: CallId,
        /// What.
        what: Announcement,
    },
    /// Ring these people (in addition to those who ring for this call already). Answer with
    /// [`Event::Accepted`](crate::Event::Accepted) or [`Event::NotAccepted`](crate::Event::NotAccepted) for each.
    Offer {
        /// The caller, or the call-back.
        call: CallId,
        /// Which queue they come from.
        queue: QueueId,
        /// Whose phones.
        agents: Vec<AgentId>,
        /// The offer ends then, by [`Action::CancelOffer`].
        until_ms: i64,
        /// Nobody is on the line: the caller is dialled ([`Action::Dial`]) when a person has answered.
        callback: bool,
    },
    /// Stop ringing this person for this call; if they have answered already, hang up their line.
    CancelOffer {
        /// The call.
        call: CallId,
        /// Who.
        agent: AgentId,
        /// Why.
        why: Cancelled,
    },
    /// Bridge the caller and this person. Their talk ends with [`Event::TalkEnded`](crate::Event::TalkEnded).
    Connect {
        /// The caller, or for a call-back the outgoing call.
        call: CallId,
        /// The queue.
        queue: QueueId,
        /// Who.
        agent: AgentId,
    },
    /// This person has answered and waits on the line: dial the caller. Answer with
    /// [`Event::CallbackAnswered`](crate::Event::CallbackAnswered) or [`Event::CallbackFailed`](crate::Event::CallbackFailed).
    Dial {
        /// The call-back, by the id of the call that asked for it.
        call: CallId,
        /// The queue.
        queue: QueueId,
        /// Who waits.
        agent: AgentId,
        /// Counted from 1.
        attempt: u32,
    },
    /// The person may put down the phone: the dialled caller was not reached, or the call-back was withdrawn.
    ReleaseAgent {
        /// The call-back.
        call: CallId,
        /// Who.
        agent: AgentId,
    },
    /// The caller has a call-back and keeps their place: say so and hang up.
    CallbackTaken {
        /// Whose.
        call: CallId,
    },
    /// The caller (or the call-back) leaves the queue unserved. For a caller on the line, do what [`Exit`] says; for a
    /// call-back it is always [`Exit::Callback`]: put it on the desk's list.
    Overflow {
        /// Whose.
        call: CallId,
        /// The queue they leave.
        queue: QueueId,
        /// Where to.
        to: Exit,
        /// Why.
        why: Why,
        /// Whether the caller is on the line.
        on_line: bool,
    },
    /// A person's state changed: for the desk's page and the operators' log.
    Agent {
        /// Who.
        agent: AgentId,
        /// From now on.
        state: AgentState,
    },
    /// To be written down.
    Record(QueueEvent),
}

/// What a caller is told while waiting. Places and times never get worse from one announcement to the next, and nothing is
/// told twice in a row: what would be is left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Announcement {
    /// Place in the line, from 1.
    pub position: Option<u32>,
    /// How long it will probably take.
    pub wait: Option<Wait>,
    /// "Press 1 and we will call you back".
    pub offer_callback: bool,
}

impl Announcement {
    /// Nothing new to tell: only "thank you for waiting, we have not forgotten you".
    pub fn is_reassurance(&self) -> bool {
        self.position.is_none() && self.wait.is_none() && !self.offer_callback
    }
}

/// A waiting time as people say it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Wait {
    /// Less than a minute.
    UnderMinute,
    /// About so many minutes: 1 to 5, 7, 10, 15, 20, 25 or 30.
    Minutes(u32),
    /// More than half an hour.
    Long,
}

/// Why an offer ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cancelled {
    /// It rang too long.
    TimeOut,
    /// Somebody else answered first.
    Taken,
    /// The caller hung up, asked for a call-back, or was withdrawn.
    CallerGone,
    /// The person logged out, paused, or took another call.
    AgentGone,
    /// They answered an offer that was over.
    Late,
}

/// Where a caller goes whom the queue could not serve.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Exit {
    /// "We will call you back", on the desk's list.
    Callback,
    /// Leave a message.
    Message,
    /// What is done at night.
    Night,
}

/// Why a caller leaves a queue unserved.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Why {
    /// There is no such queue.
    Unknown,
    /// Too many callers.
    Full,
    /// Waited too long.
    Waited,
    /// Nobody is there.
    Empty,
    /// A call-back that was dialled as often as allowed.
    Attempts,
    /// A call-back that nobody had time for.
    Expired,
}

/// What a person is doing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AgentState {
    /// Not at the desk.
    LoggedOut,
    /// Free.
    Ready,
    /// Free, but left alone for a moment after a call that was missed.
    Resting,
    /// Their phone rings for this call.
    Ringing(CallId),
    /// On the phone for this call, or while its caller is dialled.
    Talking(CallId),
    /// After-call work of this call.
    WrapUp(CallId),
    /// Not to be rung.
    Paused(String),
    /// On a call of their own.
    Engaged,
}

impl AgentState {
    /// The word for the operators' log.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::LoggedOut => "logged_out",
            Self::Ready => "ready",
            Self::Resting => "resting",
            Self::Ringing(_) => "ringing",
            Self::Talking(_) => "talking",
            Self::WrapUp(_) => "wrap_up",
            Self::Paused(_) => "paused",
            Self::Engaged => "engaged",
        }
    }

    /// The call it is about.
    pub fn call(&self) -> Option<&CallId> {
        match self {
            Self::Ringing(call) | Self::Talking(call) | Self::WrapUp(call) => Some(call),
            _ => None,
        }
    }
}
