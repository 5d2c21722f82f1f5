//! What is promised, whatever happens in whatever order: checked from outside, by the actions and records alone.

#![allow(clippy::unwrap_used)]

mod desk;

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use queue::{
    Acd, Action, Agent, AgentId, AgentState, CallId, Callback, EndedBy, Event, Join, Kind, Miss, NotReached, Overflow,
    Presence, Queue, QueueId, Settings, Skill, Strategy as Rings, Wait, What, Widen,
};

// ---- any clinic

fn skills() -> impl Strategy<Value = BTreeSet<Skill>> {
    prop::collection::btree_set(prop::sample::select(vec!["doctor", "ward"]).prop_map(Skill::from), 0..2)
}

fn overflow() -> impl Strategy<Value = Overflow> {
    prop_oneof![
        Just(Overflow::Callback),
        Just(Overflow::Message),
        Just(Overflow::Night),
        queue_id().prop_map(Overflow::Queue)
    ]
}

fn queue_id() -> impl Strategy<Value = QueueId> {
    prop::sample::select(vec!["desk", "ward"]).prop_map(QueueId::from)
}

fn presence() -> impl Strategy<Value = Presence> {
    prop::sample::select(vec![Presence::Anyone, Presence::LoggedIn, Presence::Ready])
}

fn queue() -> impl Strategy<Value = Queue> {
    let rings = prop::sample::select(vec![
        Rings::LongestIdle,
        Rings::RingAll,
        Rings::FewestCalls,
        Rings::RoundRobin,
        Rings::InOrder,
    ]);
    let widen = prop::collection::vec((0..90_u32, skills()), 0..2)
        .prop_map(|steps| steps.into_iter().map(|(after_s, drop)| Widen { after_s, drop }).collect());
    let limits =
        (prop::option::of(0..4_u32), prop::option::weighted(0.8, 1..200_u32), presence(), presence(), 0..30_u32);
    let callback = prop::option::weighted(
        0.8,
        (0..60_u32, 0..30_u32, 1..4_u32, 10..60_u32, 60..900_u32).prop_map(
            |(offer_s, rest_s, attempts, retry_s, max_s)| Callback { offer_s, rest_s, attempts, retry_s, max_s },
        ),
    );
    (
        (rings, -1..2, skills(), widen, 0..60_u32),
        (3..30_u32, 1..10_u32, 0..4_u32, prop_oneof![Just(0), 1..40_u32]),
        limits,
        (overflow(), overflow(), overflow()),
        (callback, 0..40_u32, prop_oneof![Just(0), 10..60_u32]),
    )
        .prop_map(
            |(who, ring, limits, (when_full, when_waited, when_empty), (callback, missed_idle_s, every_s))| {
                let (strategy, priority, skills, widen, direct_s) = who;
                let (ring_s, rest_s, misses, wrap_up_s) = ring;
                let (max_callers, max_wait_s, join_empty, leave_empty, leave_empty_s) = limits;
                let announce = queue::Announce { every_s, ..Default::default() };
                Queue {
                    strategy,
                    priority,
                    skills,
                    widen,
                    direct_s,
                    ring_s,
                    rest_s,
                    misses,
                    wrap_up_s,
                    max_callers,
                    max_wait_s,
                    join_empty,
                    leave_empty,
                    leave_empty_s,
                    when_full,
                    when_waited,
                    when_empty,
                    announce,
                    callback,
                    missed_idle_s,
                    handling_s: 60,
                }
            },
        )
}

fn settings() -> impl Strategy<Value = Settings> {
    let agent = (prop::collection::btree_set(queue_id(), 0..2), skills(), 0..2_u8);
    (queue(), queue(), prop::collection::vec(agent, 0..5)).prop_map(|(desk, ward, agents)| Settings {
        queues: [("desk".into(), desk), ("ward".into(), ward)].into(),
        agents: agents
            .into_iter()
            .enumerate()
            .map(|(n, (queues, skills, tier))| Agent { id: agent_id(n), queues, skills, tier })
            .collect(),
    })
}

fn agent_id(n: usize) -> AgentId {
    format!("agent-{n}").into()
}

// ---- any day

/// What happens next. Numbers choose among what is there at that moment.
#[derive(Debug, Clone)]
enum Deed {
    Join {
        queue: Option<QueueId>,
        skills: BTreeSet<Skill>,
        priority: i32,
        direct: Option<usize>,
        number: bool,
        kind: Kind,
    },
    /// Somebody whose phone rings does something about it.
    Answer(usize, Result<(), Miss>),
    /// Any agent's answer to any call: mostly one that comes too late.
    Stray(usize, usize),
    Dialled(usize, Result<(), NotReached>),
    HangUp(usize),
    Press(usize),
    Withdraw(usize),
    Hold(usize, bool),
    End(usize, EndedBy),
    Break(usize),
    Person(usize, u8),
}

fn deed() -> impl Strategy<Value = Deed> {
    let miss = prop::sample::select(vec![Miss::NoAnswer, Miss::Rejected, Miss::Unreachable]);
    let failed = prop::sample::select(vec![
        NotReached::Busy,
        NotReached::NoAnswer,
        NotReached::Voicemail,
        NotReached::Refused,
        NotReached::AgentGone,
    ]);
    let kind = prop_oneof![8 => Just(Kind::Live), 1 => Just(Kind::Callback), 1 => Just(Kind::Missed)];
    let join = (
        prop::option::weighted(0.95, queue_id()),
        skills(),
        0..2_i32,
        prop::option::weighted(0.2, 0..5_usize),
        prop::bool::weighted(0.9),
        kind,
    )
        .prop_map(|(queue, skills, priority, direct, number, kind)| Deed::Join {
            queue,
            skills,
            priority,
            direct,
            number,
            kind,
        });
    let n = || 0..64_usize;
    prop_oneof![
        8 => join,
        8 => (n(), prop_oneof![3 => Just(Ok(())), 1 => miss.prop_map(Err)]).prop_map(|(n, how)| Deed::Answer(n, how)),
        1 => (n(), n()).prop_map(|(call, agent)| Deed::Stray(call, agent)),
        3 => (n(), prop_oneof![1 => Just(Ok(())), 1 => failed.prop_map(Err)]).prop_map(|(n, how)| Deed::Dialled(n, how)),
        2 => n().prop_map(Deed::HangUp),
        2 => n().prop_map(Deed::Press),
        1 => n().prop_map(Deed::Withdraw),
        1 => (n(), any::<bool>()).prop_map(|(n, held)| Deed::Hold(n, held)),
        4 => (n(), prop::sample::select(vec![EndedBy::Caller, EndedBy::Agent, EndedBy::Transfer]))
            .prop_map(|(n, by)| Deed::End(n, by)),
        1 => n().prop_map(Deed::Break),
        6 => (0..6_usize, 0..7_u8).prop_map(|(n, what)| Deed::Person(n, what)),
    ]
}

// ---- what an onlooker knows

/// One who waits, as told by the records.
#[derive(Debug, Clone)]
struct Waits {
    kind: Kind,
    queue: QueueId,
    priority: i32,
    place: (i64, usize),
    skills: BTreeSet<Skill>,
    asked: BTreeSet<Skill>,
    direct: Option<AgentId>,
    not_before: i64,
    rung: BTreeSet<AgentId>,
    dialling: bool,
    number: bool,
    own_priority: i32,
    told: (u32, Option<Wait>, bool),
}

struct World {
    settings: Settings,
    acd: Acd,
    now: i64,
    calls: Vec<CallId>,
    joins: BTreeMap<CallId, (usize, Join)>,
    line: BTreeMap<CallId, Waits>,
    /// Whose phones ring for whom, and who talks to whom.
    ringing: BTreeMap<AgentId, CallId>,
    talking: BTreeMap<CallId, AgentId>,
    dialling: BTreeMap<AgentId, CallId>,
    /// As they stood when somebody answered: a line that breaks at once puts them back.
    parked: BTreeMap<CallId, Waits>,
    joined: usize,
    left: usize,
    seen: BTreeSet<String>,
}

impl World {
    fn new(settings: Settings) -> World {
        let mut world = World {
            acd: Acd::new(settings.clone(), 0).unwrap(),
            settings,
            now: 0,
            calls: Vec::new(),
            joins: BTreeMap::new(),
            line: BTreeMap::new(),
            ringing: BTreeMap::new(),
            talking: BTreeMap::new(),
            dialling: BTreeMap::new(),
            parked: BTreeMap::new(),
            joined: 0,
            left: 0,
            seen: BTreeSet::new(),
        };
        for n in 0..world.settings.agents.len() / 2 + 1 {
            world.step(Event::LoggedIn { agent: agent_id(n) });
        }
        world
    }

    fn pass(&mut self, until: i64) {
        let mut still = 0;
        while let Some(wake) = self.acd.next_wake().filter(|wake| *wake <= until) {
            // What falls due at once may take a few steps, but it ends.
            still = if wake <= self.now { still + 1 } else { 0 };
            assert!(still < 8, "time stands still at {wake}");
            self.now = self.now.max(wake);
            self.step(Event::Tick);
        }
        self.now = self.now.max(until);
    }

    fn step(&mut self, event: Event) {
        let actions = self.acd.handle(event, self.now);
        for action in actions {
            self.see(action);
        }
        self.check();
    }

    fn agent(&self, id: &AgentId) -> &Agent {
        self.settings.agents.iter().find(|agent| agent.id == *id).unwrap()
    }

    fn suits(&self, waits: &Waits, agent: &Agent) -> bool {
        match &waits.direct {
            Some(direct) => *direct == agent.id,
            None => {
                (agent.queues.is_empty() || agent.queues.contains(&waits.queue))
                    && waits.skills.is_subset(&agent.skills)
            }
        }
    }

    fn order(waits: &Waits) -> (bool, Reverse<i32>, (i64, usize)) {
        (waits.kind == Kind::Missed, Reverse(waits.priority), waits.place)
    }

    fn see(&mut self, action: Action) {
        match action {
            Action::Offer { call, agents, until_ms, callback, .. } => {
                assert!(until_ms > self.now && !agents.is_empty());
                let waits = self.line[&call].clone();
                assert_eq!(callback, waits.kind != Kind::Live);
                assert!(waits.not_before <= self.now && !waits.dialling);
                for agent in agents {
                    let settings = self.agent(&agent).clone();
                    assert!(self.suits(&waits, &settings), "{agent} does not suit {call}");
                    assert!(!self.talking.values().any(|other| *other == agent), "{agent} talks and is rung");
                    assert!(!self.dialling.contains_key(&agent), "{agent} waits for a caller and is rung");
                    assert_eq!(self.ringing.insert(agent.clone(), call.clone()), None, "{agent} is rung twice");
                    // First come, first served: nobody ahead whom this person could have had was left waiting.
                    if waits.rung.is_empty() {
                        for (other, ahead) in &self.line {
                            let free = ahead.rung.is_empty() && !ahead.dialling && ahead.not_before <= self.now;
                            let first = World::order(ahead) < World::order(&waits);
                            // (Queues differ in how long people are left alone before a missed call.)
                            let first = first && (ahead.kind != Kind::Missed || ahead.queue == waits.queue);
                            assert!(!(free && first && self.suits(ahead, &settings)), "{call} before {other}");
                        }
                    }
                    self.line.get_mut(&call).unwrap().rung.insert(agent);
                }
            }
            Action::CancelOffer { call, agent, why } => {
                if why != queue::Cancelled::Late {
                    assert_eq!(self.ringing.remove(&agent), Some(call.clone()));
                    self.line.get_mut(&call).unwrap().rung.remove(&agent);
                }
            }
            Action::Connect { call, agent, .. } => {
                assert_eq!(self.talking.insert(call.clone(), agent.clone()), None, "{call} talks already");
                assert!(!self.ringing.contains_key(&agent), "{agent} talks and is rung");
            }
            Action::Dial { call, agent, attempt, .. } => {
                let waits = self.line.get_mut(&call).unwrap();
                assert!(attempt >= 1 && waits.kind != Kind::Live && !waits.dialling);
                waits.dialling = true;
                assert_eq!(self.dialling.insert(agent.clone(), call), None);
            }
            Action::ReleaseAgent { call, agent } => assert_eq!(self.dialling.remove(&agent), Some(call)),
            Action::Announce { call, what } => {
                let waits = self.line.get_mut(&call).unwrap();
                assert_eq!(waits.kind, Kind::Live);
                assert!(!what.offer_callback || waits.number, "a call-back without a number");
                let (place, wait, reassured) = &mut waits.told;
                assert!(what.position.is_none_or(|new| new < std::mem::replace(place, new)), "a worse place");
                assert!(what.wait.is_none_or(|new| wait.replace(new).is_none_or(|old| new < old)), "a longer wait");
                let empty = what.is_reassurance();
                assert!(!(std::mem::replace(reassured, empty) && empty), "reassured twice in a row");
            }
            Action::Overflow { call, on_line, .. } => {
                // (Whoever was not let in never stood in the line.)
                assert!(on_line || self.joins[&call].1.kind != Kind::Live || self.seen.contains("callback_taken"));
            }
            Action::Record(event) => self.read(event),
            Action::Music { .. } | Action::CallbackTaken { .. } | Action::Agent { .. } => {}
        }
    }

    fn read(&mut self, event: queue::QueueEvent) {
        assert_eq!(event.at_ms, self.now);
        let kind = event.kind();
        self.seen.insert(kind.clone());
        let Some(call) = event.call.clone() else { return };
        let leaves = |world: &mut World| {
            world.left += 1;
            let waits = world.line.remove(&call).unwrap_or_else(|| panic!("{call}: {kind} of one who does not wait"));
            let ours = |agent: &AgentId| event.agent.as_ref() == Some(agent);
            assert!(waits.rung.iter().all(ours), "{call} left and phones still ring");
        };
        match event.what {
            What::Joined { priority, skills, direct, line, .. } => {
                self.joined += 1;
                let (nth, join) = self.joins[&call].clone();
                let waits = Waits {
                    kind: line,
                    queue: event.queue.unwrap(),
                    priority,
                    place: (self.now, nth),
                    asked: join.skills,
                    skills,
                    direct,
                    not_before: self.now,
                    rung: BTreeSet::new(),
                    dialling: false,
                    number: join.can_call_back,
                    own_priority: join.priority,
                    told: (u32::MAX, None, false),
                };
                assert!(self.line.insert(call.clone(), waits).is_none(), "{call} waits twice");
            }
            What::Moved { .. } => {
                let waits = self.line.get_mut(&call).unwrap();
                let queue = &self.settings.queues[event.queue.as_ref().unwrap()];
                waits.queue = event.queue.unwrap();
                waits.priority = queue.priority + waits.own_priority;
                waits.skills = queue.skills.union(&waits.asked).cloned().collect();
                waits.told = (u32::MAX, None, false);
            }
            What::Widened { dropped, direct, .. } => {
                let waits = self.line.get_mut(&call).unwrap();
                waits.skills.retain(|skill| !dropped.contains(skill));
                if direct.is_some() {
                    waits.direct = None;
                }
            }
            What::CallbackTaken { .. } => {
                let waits = self.line.get_mut(&call).unwrap();
                assert!(waits.rung.is_empty());
                waits.kind = Kind::Callback;
                let rest = self.settings.queues[&waits.queue].callback.as_ref().unwrap().rest_s;
                waits.not_before = self.now + i64::from(rest) * 1_000;
            }
            What::CallbackFailed { again_ms, .. } => {
                let waits = self.line.get_mut(&call).unwrap();
                waits.dialling = false;
                waits.not_before = again_ms.unwrap_or(self.now);
            }
            // Whose phone was answered, stopped or given up.
            What::CallbackDialled { .. } | What::Missed { .. } => {
                let agent = event.agent.unwrap();
                self.ringing.remove(&agent);
                self.dialling.remove(&agent);
                if let Some(waits) = self.line.get_mut(&call) {
                    waits.rung.remove(&agent);
                }
            }
            What::Connected { wait_ms, .. } => {
                let agent = event.agent.as_ref().unwrap();
                self.ringing.remove(agent);
                // A call-back has left by `CalledBack` already.
                if self.line.contains_key(&call) {
                    assert!(wait_ms >= 0);
                    let waits = Waits { rung: BTreeSet::new(), ..self.line[&call].clone() };
                    self.parked.insert(call.clone(), waits);
                    leaves(self);
                }
            }
            What::Returned { .. } => {
                self.left -= 1;
                self.talking.remove(&call);
                let waits = self.parked[&call].clone();
                self.line.insert(call.clone(), waits);
            }
            What::CalledBack { .. } => {
                self.dialling.remove(event.agent.as_ref().unwrap());
                leaves(self);
            }
            What::Abandoned { .. } | What::Withdrawn { .. } => leaves(self),
            What::Overflowed { .. } if self.line.contains_key(&call) => leaves(self),
            What::TalkEnded { talk_ms, hold_ms, .. } => {
                assert!(talk_ms >= 0 && hold_ms >= 0);
                assert!(self.talking.remove(&call).is_some(), "{call} ended a talk it did not have");
            }
            _ => {}
        }
    }

    fn check(&self) {
        assert!(self.acd.next_wake().is_none_or(|wake| wake >= self.now), "a wake in the past");
        // Counts add up.
        assert_eq!(self.joined, self.left + self.line.len(), "{:?}", self.seen);
        let views = self.acd.waiting();
        assert_eq!(views.len(), self.line.len());
        let ready: Vec<&Agent> = self
            .acd
            .agents()
            .iter()
            .filter(|view| view.state == AgentState::Ready)
            .map(|view| self.agent(&view.agent))
            .collect();
        for (call, waits) in &self.line {
            let idle = waits.rung.is_empty() && !waits.dialling && waits.not_before <= self.now;
            let found = ready.iter().find(|agent| idle && waits.kind != Kind::Missed && self.suits(waits, agent));
            assert!(found.is_none(), "{call} waits while {found:?} is free");
        }
        // Each state agrees with what the actions said.
        for view in self.acd.agents() {
            match &view.state {
                AgentState::Ringing(call) => assert_eq!(self.ringing.get(&view.agent), Some(call)),
                AgentState::Talking(call) => assert!(
                    self.talking.get(call) == Some(&view.agent) || self.dialling.get(&view.agent) == Some(call),
                    "{view:?}"
                ),
                _ => assert!(!self.ringing.contains_key(&view.agent) && !self.dialling.contains_key(&view.agent)),
            }
        }
        // No stuck state: whoever waits on the line with a limit has a moment at which they leave, or a phone that rings.
        for view in &views {
            let queue = &self.settings.queues[&view.queue];
            let bounded = view.kind == Kind::Live && queue.max_wait_s.is_some() || view.kind == Kind::Callback;
            let dialling = self.line[&view.call].dialling;
            assert!(!bounded || dialling || self.acd.next_wake().is_some(), "{view:?} is stuck");
        }
    }

    fn does(&mut self, deed: Deed) {
        fn pick<T: Clone>(all: &[T], n: usize) -> Option<T> {
            (!all.is_empty()).then(|| all[n % all.len()].clone())
        }
        let waiting: Vec<CallId> = self.line.keys().cloned().collect();
        let talking: Vec<CallId> = self.talking.keys().cloned().collect();
        let ringing: Vec<(AgentId, CallId)> = self.ringing.clone().into_iter().collect();
        let dialling: Vec<CallId> = self.dialling.values().cloned().collect();
        let event = match deed {
            Deed::Join { queue, skills, priority, direct, number, kind } => {
                let nth = self.calls.len();
                let call = CallId::from(format!("call-{nth:04}"));
                let join = Join {
                    skills,
                    priority,
                    agent: direct.map(agent_id),
                    can_call_back: number,
                    kind,
                    ..Join::new(call.clone(), queue.unwrap_or_else(|| "nowhere".into()))
                };
                self.calls.push(call.clone());
                self.joins.insert(call, (nth, join.clone()));
                Some(Event::Joined(join))
            }
            Deed::Answer(n, how) => pick(&ringing, n).map(|(agent, call)| match how {
                Ok(()) => Event::Accepted { call, agent },
                Err(why) => Event::NotAccepted { call, agent, why },
            }),
            Deed::Stray(call, agent) => {
                pick(&self.calls, call).map(|call| Event::Accepted { call, agent: agent_id(agent % 7) })
            }
            Deed::Dialled(n, how) => pick(&dialling, n).map(|call| match how {
                Ok(()) => Event::CallbackAnswered { as_call: format!("{call}-back-{}", self.now).into(), call },
                Err(why) => Event::CallbackFailed { call, why },
            }),
            Deed::HangUp(n) => pick(&self.calls, n).map(|call| Event::HungUp { call }),
            Deed::Press(n) => pick(&waiting, n).map(|call| Event::AskedCallback { call }),
            Deed::Withdraw(n) => pick(&self.calls, n).map(|call| Event::Withdrawn { call }),
            Deed::Hold(n, held) => pick(&talking, n).map(|call| Event::Held { call, held }),
            Deed::End(n, by) => pick(&talking, n).map(|call| Event::TalkEnded { call, by }),
            Deed::Break(n) => pick(&talking, n).map(|call| Event::ConnectFailed { call }),
            Deed::Person(n, what) => {
                let agent = agent_id(n);
                Some(match what {
                    0 | 1 => Event::LoggedIn { agent },
                    2 => Event::LoggedOut { agent },
                    3 => Event::Paused { agent, reason: "lunch".into() },
                    4 => Event::Ready { agent },
                    5 => Event::Engaged { agent },
                    _ => Event::Disengaged { agent },
                })
            }
        };
        if let Some(event) = event {
            self.step(event);
        }
    }

    /// The day ends: talks end, whoever is dialled is not reached, nobody answers a phone. Then time alone empties the lines of
    /// all who are not there for ever.
    fn closes(&mut self) {
        for call in self.talking.keys().cloned().collect::<Vec<_>>() {
            self.step(Event::TalkEnded { call, by: EndedBy::Agent });
        }
        for call in self.dialling.values().cloned().collect::<Vec<_>>() {
            self.step(Event::CallbackFailed { call, why: NotReached::Refused });
        }
        self.pass(self.now + 5 * 3_600_000);
        for view in self.acd.waiting() {
            let waits = &self.line[&view.call];
            let may_stay = waits.kind == Kind::Missed
                || waits.kind == Kind::Live && self.settings.queues[&waits.queue].max_wait_s.is_none();
            assert!(may_stay, "{view:?} is stuck");
        }
        for call in self.line.keys().cloned().collect::<Vec<_>>() {
            self.step(Event::Withdrawn { call });
        }
        assert_eq!(self.joined, self.left);
    }
}

fn day() -> impl Strategy<Value = (Settings, Vec<(i64, Deed)>)> {
    let after = prop_oneof![3 => Just(0_i64), 6 => 0..4_000_i64, 3 => 0..40_000_i64, 1 => 0..300_000_i64];
    (settings(), prop::collection::vec((after, deed()), 0..120))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn promises_hold_whatever_happens((settings, deeds) in day()) {
        let mut world = World::new(settings);
        for (after, deed) in deeds {
            world.pass(world.now + after);
            world.does(deed);
        }
        world.closes();
    }

    #[test]
    fn late_ticks_and_clocks_that_go_back_do_no_harm((settings, deeds) in day(), back in 0..100_000_i64) {
        // The same, but nobody ever ticks: what was due is decided with the next event.
        let mut acd = Acd::new(settings, 0).unwrap();
        acd.handle(Event::LoggedIn { agent: agent_id(0) }, 0);
        let (mut now, mut joined, mut left) = (0, 0, 0);
        for (nth, (after, deed)) in deeds.into_iter().enumerate() {
            now += after;
            let Deed::Join { skills, .. } = deed else { continue };
            let join = Join { skills, ..Join::new(format!("call-{nth}"), "desk") };
            let at = if nth % 3 == 0 { now - back } else { now };
            for action in acd.handle(Event::Joined(join), at) {
                let Action::Record(event) = action else { continue };
                match event.what {
                    What::Joined { .. } => joined += 1,
                    What::Overflowed { position, .. } => left += usize::from(position > 0),
                    _ => {}
                }
            }
        }
        // (Who is not let in counts as gone without having joined.)
        prop_assert!(acd.waiting().len() <= joined && joined <= acd.waiting().len() + left);
    }
}

/// The worlds above would prove little if they never got anywhere.
#[test]
fn random_days_reach_everything() {
    use proptest::strategy::ValueTree as _;
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let mut seen = BTreeSet::new();
    for _ in 0..400 {
        let (settings, deeds) = day().new_tree(&mut runner).unwrap().current();
        let mut world = World::new(settings);
        for (after, deed) in deeds {
            world.pass(world.now + after);
            world.does(deed);
        }
        world.closes();
        seen.extend(world.seen);
    }
    let wanted = [
        "joined",
        "announced",
        "widened",
        "moved",
        "abandoned",
        "overflowed",
        "callback_taken",
        "withdrawn",
        "offered",
        "missed",
        "offer_ended",
        "connected",
        "returned",
        "held",
        "resumed",
        "talk_ended",
        "acw_start",
        "acw_end",
        "callback_dialled",
        "callback_failed",
        "called_back",
        "callback_of",
        "logged_in",
        "logged_out",
        "paused",
        "unpaused",
        "engaged",
        "disengaged",
    ];
    let missing: Vec<_> = wanted.iter().filter(|kind| !seen.contains(**kind)).collect();
    assert!(missing.is_empty(), "never reached: {missing:?}");
}
