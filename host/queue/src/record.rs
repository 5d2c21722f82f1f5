//! Every decision with its data, as it is written down: kind and data as in the table `call_events`.

use std::collections::BTreeSet;

use serde::Serialize;

use crate::action::{Exit, Why};
use crate::event::{EndedBy, Kind, Miss, NotReached};
use crate::{AgentId, CallId, QueueId, Skill};

/// One line of the log.
#[derive(Debug, Clone, PartialEq)]
pub struct QueueEvent {
    /// UTC unix milliseconds, by the clock of whoever calls [`Acd::handle`](crate::Acd::handle).
    pub at_ms: i64,
    /// The call it is about; none for a person's own doings.
    pub call: Option<CallId>,
    /// The queue.
    pub queue: Option<QueueId>,
    /// The person.
    pub agent: Option<AgentId>,
    /// What happened.
    pub what: What,
}

impl QueueEvent {
    /// The kind: `connected`.
    pub fn kind(&self) -> String {
        self.words().0
    }

    /// The data as a JSON object: `{"wait_ms":1200,…}`.
    pub fn data(&self) -> String {
        self.words().1
    }

    fn words(&self) -> (String, String) {
        match serde_json::to_value(&self.what) {
            Ok(serde_json::Value::Object(one)) => match one.into_iter().next() {
                Some((kind, data)) => (kind, data.to_string()),
                None => (String::new(), "{}".to_owned()),
            },
            Ok(serde_json::Value::String(kind)) => (kind, "{}".to_owned()),
            _ => (String::new(), "{}".to_owned()),
        }
    }
}

/// What happened. All times are milliseconds.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs)] // The fields say what they are; a word on the few that do not.
pub enum What {
    // ---- a caller
    /// Waits from now on. `position` from 1.
    Joined {
        position: u32,
        priority: i32,
        skills: BTreeSet<Skill>,
        direct: Option<AgentId>,
        line: Kind,
    },
    /// Was told.
    Announced {
        position: Option<u32>,
        wait_ms: Option<i64>,
        callback: bool,
    },
    /// Is no longer asked for these skills, or for the one person.
    Widened {
        dropped: BTreeSet<Skill>,
        direct: Option<AgentId>,
        wait_ms: i64,
    },
    /// Went on to another queue, with their place.
    Moved {
        from: QueueId,
        why: Why,
        wait_ms: i64,
    },
    /// Hung up while waiting.
    Abandoned {
        wait_ms: i64,
        position: u32,
        joined_position: u32,
        ringing: bool,
    },
    /// Leaves for something else.
    Overflowed {
        to: Exit,
        why: Why,
        wait_ms: i64,
        position: u32,
    },
    /// Pressed the key: hangs up and keeps the place.
    CallbackTaken {
        wait_ms: i64,
        position: u32,
    },
    /// Settled elsewhere.
    Withdrawn {
        wait_ms: i64,
    },
    // ---- an offer
    /// The person's phone rings.
    Offered {},
    /// It rang for nothing; `misses` in a row.
    Missed {
        ring_ms: i64,
        why: Miss,
        misses: u32,
    },
    /// It stopped ringing for another reason.
    OfferEnded {
        ring_ms: i64,
    },
    // ---- a talk
    /// They talk. `wait_ms` since the caller joined.
    Connected {
        wait_ms: i64,
        ring_ms: i64,
        joined_position: u32,
    },
    /// The line broke before a word was said; the caller waits again.
    Returned {
        wait_ms: i64,
    },
    /// On hold.
    Held {},
    /// Back from hold.
    Resumed {
        held_ms: i64,
    },
    /// Over. Hold is not talk.
    TalkEnded {
        talk_ms: i64,
        hold_ms: i64,
        by: EndedBy,
    },
    /// After-call work begins.
    AcwStart {
        limit_ms: i64,
    },
    /// After-call work is done.
    AcwEnd {
        acw_ms: i64,
        by: WrapUpEnd,
    },
    // ---- a call-back
    /// The caller is dialled.
    CallbackDialled {
        attempt: u32,
    },
    /// And not reached.
    CallbackFailed {
        attempt: u32,
        why: NotReached,
        again_ms: Option<i64>,
    },
    /// And reached: the talk is another call's. `wait_ms` since the caller joined.
    CalledBack {
        as_call: CallId,
        attempt: u32,
        wait_ms: i64,
    },
    /// On the outgoing call: which call asked for it.
    CallbackOf {
        call: CallId,
    },
    // ---- a person
    LoggedIn {},
    LoggedOut {},
    /// `by_itself`: after too many missed calls.
    Paused {
        reason: String,
        by_itself: bool,
    },
    Unpaused {},
    Engaged {},
    Disengaged {},
}

/// What ended after-call work.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum WrapUpEnd {
    /// The person said so.
    Agent,
    /// Its time was over.
    Limit,
    /// They left or paused.
    Gone,
}
