//! What a clinic says about its queues and its people. Seconds, as people write them; checked once.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::{AgentId, QueueId, Skill};

/// Everything the queues of one clinic are made of.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// The queues by name.
    pub queues: BTreeMap<QueueId, Queue>,
    /// The people who may log in.
    pub agents: Vec<Agent>,
}

/// One queue.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Queue {
    /// Who of the free is rung.
    pub strategy: Strategy,
    /// Callers of a higher priority go first, in all queues alike.
    pub priority: i32,
    /// What a person must be able to do for these callers.
    pub skills: BTreeSet<Skill>,
    /// What is given up of it when a caller has waited too long.
    pub widen: Vec<Widen>,
    /// A caller who asked for one person waits so long for them alone before anybody suitable is rung.
    pub direct_s: u32,
    /// A phone rings so long before the next one does.
    pub ring_s: u32,
    /// Who missed or declined a call is left alone so long.
    pub rest_s: u32,
    /// After so many calls missed in a row a person is paused, because the chair is probably empty. 0: never.
    pub misses: u32,
    /// Time for after-call work: the person is free after it, or when they say so before. 0: none.
    pub wrap_up_s: u32,
    /// More callers than this do not join.
    pub max_callers: Option<u32>,
    /// Who has waited so long leaves for [`Queue::when_waited`].
    pub max_wait_s: Option<u32>,
    /// Who must be there for a caller to join.
    pub join_empty: Presence,
    /// Who must stay there for a caller to go on waiting.
    pub leave_empty: Presence,
    /// They may be away so long before the callers leave.
    pub leave_empty_s: u32,
    /// Where a caller goes who finds the queue full.
    pub when_full: Overflow,
    /// Where a caller goes who has waited too long.
    pub when_waited: Overflow,
    /// Where a caller goes when nobody is there.
    pub when_empty: Overflow,
    /// What is said while callers wait.
    pub announce: Announce,
    /// "Press 1 and we will call you back, you keep your place". None: not offered.
    pub callback: Option<Callback>,
    /// A missed call is called back when a person has been free for so long and nobody waits.
    pub missed_idle_s: u32,
    /// Handling time (talk, hold, after-call work) to expect before there were calls to learn from.
    pub handling_s: u32,
}

impl Default for Queue {
    fn default() -> Self {
        Self {
            strategy: Strategy::default(),
            priority: 0,
            skills: BTreeSet::new(),
            widen: Vec::new(),
            direct_s: 60,
            ring_s: 15,
            rest_s: 5,
            misses: 3,
            wrap_up_s: 30,
            max_callers: None,
            max_wait_s: Some(180),
            join_empty: Presence::Ready,
            leave_empty: Presence::LoggedIn,
            leave_empty_s: 10,
            when_full: Overflow::Callback,
            when_waited: Overflow::Callback,
            when_empty: Overflow::Callback,
            announce: Announce::default(),
            callback: Some(Callback::default()),
            missed_idle_s: 20,
            handling_s: 180,
        }
    }
}

/// Who of the free and suitable is rung. People of a lower [`Agent::tier`] always go first.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Strategy {
    /// Who has been free the longest.
    #[default]
    LongestIdle,
    /// All at once; the first to answer has the caller.
    RingAll,
    /// Who has taken the fewest calls since they logged in; among equals the longest free.
    FewestCalls,
    /// Whose last call (taken or missed) lies back the longest.
    RoundRobin,
    /// In the order of the settings.
    InOrder,
}

/// From when on which skills are no longer asked for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Widen {
    /// Seconds of waiting.
    pub after_s: u32,
    /// What is given up then.
    pub drop: BTreeSet<Skill>,
}

/// When a queue counts as manned. Only people who suit the caller count, by what is asked for at the widest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Presence {
    /// Always.
    Anyone,
    /// When somebody is logged in, paused or not.
    LoggedIn,
    /// When somebody is logged in and not paused.
    Ready,
}

/// Where callers go whom a queue cannot serve.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Overflow {
    /// "We will call you back": written down for the desk.
    Callback,
    /// Another queue; the caller keeps their place. One that was tried already, or cannot take them, means a call-back.
    Queue(QueueId),
    /// The caller may leave a message.
    Message,
    /// What is done at night: the clinic's night flow or announcement.
    Night,
}

/// The plan of what is said. Music plays between.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Announce {
    /// The first announcement after so long.
    pub first_s: u32,
    /// Then every so often. 0: only the first.
    pub every_s: u32,
    /// Tell the place in the line.
    pub position: bool,
    /// Tell how long it will probably take.
    pub wait: bool,
}

impl Default for Announce {
    fn default() -> Self {
        Self { first_s: 10, every_s: 45, position: true, wait: true }
    }
}

/// Call-backs that keep the caller's place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Callback {
    /// Offered after so long (with the next announcement).
    pub offer_s: u32,
    /// Nobody is called back sooner than this: their phone must be free again.
    pub rest_s: u32,
    /// How often the caller is dialled.
    pub attempts: u32,
    /// Between two attempts.
    pub retry_s: u32,
    /// Who cannot be called back for so long is handed to the desk's list.
    pub max_s: u32,
}

impl Default for Callback {
    fn default() -> Self {
        Self { offer_s: 40, rest_s: 15, attempts: 3, retry_s: 300, max_s: 4 * 3600 }
    }
}

/// Somebody who may take calls.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Agent {
    /// Their name.
    pub id: AgentId,
    /// The queues they serve; empty: all.
    #[serde(default)]
    pub queues: BTreeSet<QueueId>,
    /// What they can do.
    #[serde(default)]
    pub skills: BTreeSet<Skill>,
    /// People of tier 1 are rung only when nobody suitable of tier 0 is free, and so on.
    #[serde(default)]
    pub tier: u8,
}

/// Settings that contradict themselves.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SettingsError {
    /// A name that no queue has.
    #[error("{place}: there is no queue \"{name}\"; the queues are {known}")]
    UnknownQueue {
        /// Where it is written.
        place: String,
        /// What is written there.
        name: QueueId,
        /// What could be.
        known: String,
    },
    /// A number outside of what makes sense.
    #[error("queue \"{queue}\": {key} = {value}; write a number from {least} to {most}")]
    Range {
        /// Which queue.
        queue: QueueId,
        /// Which setting.
        key: &'static str,
        /// What is written.
        value: u32,
        /// The least that makes sense.
        least: u32,
        /// The most that makes sense.
        most: u32,
    },
    /// Two people of one name.
    #[error("operator \"{0}\" is written twice; give each a name of their own")]
    TwoAgents(AgentId),
}

impl Settings {
    /// Everything that contradicts itself; empty when the settings can be used.
    pub fn problems(&self) -> Vec<SettingsError> {
        let mut problems = Vec::new();
        let known = || self.queues.keys().map(QueueId::as_str).collect::<Vec<_>>().join(", ");
        let mut queue_named = |place: String, name: &QueueId| {
            if !self.queues.contains_key(name) {
                problems.push(SettingsError::UnknownQueue { place, name: name.clone(), known: known() });
            }
        };
        for (id, queue) in &self.queues {
            for (key, overflow) in [
                ("when_full", &queue.when_full),
                ("when_waited", &queue.when_waited),
                ("when_empty", &queue.when_empty),
            ] {
                if let Overflow::Queue(name) = overflow {
                    queue_named(format!("queue \"{id}\", {key}"), name);
                }
            }
        }
        let mut seen = BTreeSet::new();
        for agent in &self.agents {
            for name in &agent.queues {
                queue_named(format!("operator \"{}\", queues", agent.id), name);
            }
        }
        let twice = self.agents.iter().filter(|agent| !seen.insert(&agent.id));
        problems.extend(twice.map(|agent| SettingsError::TwoAgents(agent.id.clone())));
        problems.extend(self.queues.iter().flat_map(|(id, queue)| queue.problems(id)));
        problems
    }
}

const HOUR_S: u32 = 3600;
const DAY_S: u32 = 24 * HOUR_S;

impl Queue {
    fn problems(&self, id: &QueueId) -> Vec<SettingsError> {
        let mut ranges = vec![
            ("ring_s", self.ring_s, 3, 10 * 60),
            ("rest_s", self.rest_s, 1, HOUR_S),
            ("wrap_up_s", self.wrap_up_s, 0, 4 * HOUR_S),
            ("leave_empty_s", self.leave_empty_s, 0, DAY_S),
            ("handling_s", self.handling_s, 5, 4 * HOUR_S),
            ("direct_s", self.direct_s, 0, DAY_S),
            ("missed_idle_s", self.missed_idle_s, 0, DAY_S),
            ("announce.first_s", self.announce.first_s, 0, HOUR_S),
        ];
        // 0 means "only once"; anything else must leave room for some music.
        if self.announce.every_s > 0 {
            ranges.push(("announce.every_s", self.announce.every_s, 10, HOUR_S));
        }
        if let Some(max_wait_s) = self.max_wait_s {
            ranges.push(("max_wait_s", max_wait_s, 1, DAY_S));
        }
        if let Some(callback) = &self.callback {
            ranges.push(("callback.attempts", callback.attempts, 1, 20));
            ranges.push(("callback.retry_s", callback.retry_s, 10, DAY_S));
            ranges.push(("callback.max_s", callback.max_s, 60, 7 * DAY_S));
        }
        ranges
            .into_iter()
            .filter(|(_, value, least, most)| !(least..=most).contains(&value))
            .map(|(key, value, least, most)| SettingsError::Range { queue: id.clone(), key, value, least, most })
            .collect()
    }
}
