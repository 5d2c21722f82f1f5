//! A desk in virtual time: steps from one wake to the next event, does nothing by itself, keeps everything that was decided.
#![allow(clippy::unwrap_used)]
#![allow(dead_code)] // Each test binary uses its part of it.

use queue::{
    Acd, Action, Agent, AgentState, Announcement, CallId, EndedBy, Event, Join, Queue, QueueEvent, Settings, What,
};

pub struct Desk {
    pub acd: Acd,
    pub now: i64,
    pub log: Vec<(i64, Action)>,
}

pub fn person(id: &str, skills: &[&str]) -> Agent {
    let skills = skills.iter().map(|&skill| skill.into()).collect();
    Agent { id: id.into(), queues: [].into(), skills, tier: 0 }
}

/// One queue `desk`, everybody logged in at 0, in this order one millisecond apart.
pub fn desk(queue: Queue, agents: &[Agent]) -> Desk {
    desks([("desk", queue)], agents)
}

pub fn desks<const N: usize>(queues: [(&str, Queue); N], agents: &[Agent]) -> Desk {
    let queues = queues.into_iter().map(|(name, queue)| (name.into(), queue)).collect();
    let settings = Settings { queues, agents: agents.to_vec() };
    let mut desk = Desk { acd: Acd::new(settings, 0).unwrap(), now: 0, log: Vec::new() };
    for (at, agent) in agents.iter().enumerate() {
        desk.at(at as i64, Event::LoggedIn { agent: agent.id.clone() });
    }
    desk
}

impl Desk {
    /// Lets time pass until `at` (ticking at every wake), then hands over the event. Gives what was decided since.
    pub fn at(&mut self, at: i64, event: Event) -> Vec<Action> {
        let before = self.log.len();
        self.run_to(at);
        self.step(event);
        self.log[before..].iter().map(|(_, action)| action.clone()).collect()
    }

    pub fn run_to(&mut self, at: i64) -> Vec<Action> {
        let before = self.log.len();
        while let Some(wake) = self.acd.next_wake().filter(|wake| *wake <= at) {
            assert!(wake >= self.now, "a wake in the past: {wake} at {}", self.now);
            self.now = wake;
            self.step(Event::Tick);
        }
        self.now = self.now.max(at);
        self.log[before..].iter().map(|(_, action)| action.clone()).collect()
    }

    fn step(&mut self, event: Event) {
        let actions = self.acd.handle(event, self.now);
        self.log.extend(actions.into_iter().map(|action| (self.now, action)));
    }

    pub fn join(&mut self, at: i64, call: &str) -> Vec<Action> {
        self.at(at, Event::Joined(Join::new(call, "desk")))
    }

    pub fn accept(&mut self, at: i64, call: &str, agent: &str) -> Vec<Action> {
        self.at(at, Event::Accepted { call: call.into(), agent: agent.into() })
    }

    pub fn end(&mut self, at: i64, call: &str) -> Vec<Action> {
        self.at(at, Event::TalkEnded { call: call.into(), by: EndedBy::Caller })
    }

    pub fn hang_up(&mut self, at: i64, call: &str) -> Vec<Action> {
        self.at(at, Event::HungUp { call: call.into() })
    }

    pub fn state(&self, agent: &str) -> AgentState {
        self.acd.agents().into_iter().find(|view| view.agent.as_str() == agent).unwrap().state
    }

    /// The kinds written down about one call, in order.
    pub fn story(&self, call: &str) -> Vec<String> {
        let call = CallId::from(call);
        self.records().filter(|event| event.call.as_ref() == Some(&call)).map(QueueEvent::kind).collect()
    }

    pub fn records(&self) -> impl Iterator<Item = &QueueEvent> {
        self.log.iter().filter_map(|(_, action)| match action {
            Action::Record(event) => Some(event),
            _ => None,
        })
    }

    pub fn what(&self, call: &str, kind: &str) -> What {
        let call = CallId::from(call);
        let mut found = self.records().filter(|event| event.call.as_ref() == Some(&call) && event.kind() == kind);
        found.next().unwrap_or_else(|| panic!("no {kind} of {call:?} in {:?}", self.story(call.as_str()))).what.clone()
    }
}

/// Whose phones are to ring, in the order of the actions.
pub fn rung(actions: &[Action]) -> Vec<(String, Vec<String>)> {
    actions
        .iter()
        .filter_map(|action| match action {
            Action::Offer { call, agents, .. } => {
                Some((call.to_string(), agents.iter().map(ToString::to_string).collect()))
            }
            _ => None,
        })
        .collect()
}

/// The one who is rung, of a list with one offer to one person.
pub fn rung_one(actions: &[Action]) -> String {
    let rung = rung(actions);
    assert!(rung.len() == 1 && rung[0].1.len() == 1, "not one offer to one person: {actions:#?}");
    rung[0].1[0].clone()
}

pub fn told(actions: &[Action]) -> Vec<Announcement> {
    let said = actions.iter().filter_map(|action| match action {
        Action::Announce { what, .. } => Some(*what),
        _ => None,
    });
    said.collect()
}
