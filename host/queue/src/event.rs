//! What the queues are told.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::{AgentId, CallId, QueueId, Skill};

/// Something happened outside. Events about calls or people that are not known (any more) change nothing, so a message
/// that crosses another one on its way does no harm.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// Somebody wants to talk to a person.
    Joined(Join),
    /// The caller hung up: while waiting they are lost, while talking the talk is over.
    HungUp {
        /// Whose.
        call: CallId,
    },
    /// The waiting caller pressed the key for a call-back.
    AskedCallback {
        /// Whose.
        call: CallId,
    },
    /// This caller or call-back is settled elsewhere (the same person rang again and was answered, the desk called them).
    Withdrawn {
        /// Which.
        call: CallId,
    },
    /// A person sits down: free at once. Also ends a pause.
    LoggedIn {
        /// Who.
        agent: AgentId,
    },
    /// A person leaves. A talk goes on to its end.
    LoggedOut {
        /// Who.
        agent: AgentId,
    },
    /// No more calls for now; after the talk if there is one.
    Paused {
        /// Who.
        agent: AgentId,
        /// Why, in the clinic's words: `lunch`.
        reason: String,
    },
    /// Ends a pause, a rest or after-call work.
    Ready {
        /// Who.
        agent: AgentId,
    },
    /// On the phone without the queue (a call of their own): not rung until [`Event::Disengaged`].
    Engaged {
        /// Who.
        agent: AgentId,
    },
    /// That call is over.
    Disengaged {
        /// Who.
        agent: AgentId,
    },
    /// The person answered the phone that [`Action::Offer`](crate::Action::Offer) made ring.
    Accepted {
        /// The offered call.
        call: CallId,
        /// Who.
        agent: AgentId,
    },
    /// They declined, or their phone could not be reached. (Ringing too long is noticed here.)
    NotAccepted {
        /// The offered call.
        call: CallId,
        /// Who.
        agent: AgentId,
        /// How.
        why: Miss,
    },
    /// After [`Action::Connect`](crate::Action::Connect): the person's line broke before a word was said. The caller takes
    /// their place in the line again.
    ConnectFailed {
        /// Whose.
        call: CallId,
    },
    /// The caller was put on hold, or back from it.
    Held {
        /// Whose.
        call: CallId,
        /// On hold now?
        held: bool,
    },
    /// They have talked.
    TalkEnded {
        /// Whose.
        call: CallId,
        /// Who ended it.
        by: EndedBy,
    },
    /// The person has done the after-call work.
    WrapUpDone {
        /// Who.
        agent: AgentId,
    },
    /// After [`Action::Dial`](crate::Action::Dial): the caller answered; the person is on the line already.
    CallbackAnswered {
        /// The call-back.
        call: CallId,
        /// The id of the outgoing call: from now on the talk goes by it.
        as_call: CallId,
    },
    /// After [`Action::Dial`](crate::Action::Dial): the caller was not reached.
    CallbackFailed {
        /// The call-back.
        call: CallId,
        /// How.
        why: NotReached,
    },
    /// Time has passed, see [`Acd::next_wake`](crate::Acd::next_wake).
    Tick,
}

/// Who joins which queue.
#[derive(Debug, Clone, PartialEq)]
pub struct Join {
    /// The call.
    pub call: CallId,
    /// Which queue.
    pub queue: QueueId,
    /// What they need beyond what the queue asks for.
    pub skills: BTreeSet<Skill>,
    /// Added to the queue's priority.
    pub priority: i32,
    /// The one person they want.
    pub agent: Option<AgentId>,
    /// Their place in the line, if not by now: the moment an earlier call of theirs joined.
    pub place_ms: Option<i64>,
    /// Whether we know a number to call back.
    pub can_call_back: bool,
    /// Whether somebody is on the line.
    pub kind: Kind,
}

impl Join {
    /// A caller on the line, with a number, for anybody of the queue.
    pub fn new(call: impl Into<CallId>, queue: impl Into<QueueId>) -> Self {
        Self {
            call: call.into(),
            queue: queue.into(),
            skills: BTreeSet::new(),
            priority: 0,
            agent: None,
            place_ms: None,
            can_call_back: true,
            kind: Kind::Live,
        }
    }
}

/// What waits in a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A caller on the line.
    Live,
    /// A caller who asked for a call-back and keeps their place. (Joined so after a restart only.)
    Callback,
    /// A missed call that is to be called back once, when a person is free and nobody waits.
    Missed,
}

/// How an offer came to nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Miss {
    /// It rang for the whole time.
    NoAnswer,
    /// Declined or busy.
    Rejected,
    /// The phone is not there (not registered, time-out, refused by the network).
    Unreachable,
    /// Answered, but the line broke before the caller was through.
    Broken,
}

/// Who ended a talk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EndedBy {
    /// The caller hung up.
    Caller,
    /// The person hung up.
    Agent,
    /// The person sent the caller on; they may join again.
    Transfer,
}

/// How a call-back failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NotReached {
    /// Busy.
    Busy,
    /// Nobody answered.
    NoAnswer,
    /// A machine answered.
    Voicemail,
    /// Declined, a number that does not exist, a trunk that refuses.
    Refused,
    /// The person at the desk hung up before the caller answered.
    AgentGone,
}
