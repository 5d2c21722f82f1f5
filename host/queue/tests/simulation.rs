//! Days of calls in virtual time against what queueing theory expects of them.
//!
//! Calls come at random (Poisson), talks and patience last exponentially long, phones are answered at once: then the queue is
//! M/M/N (Erlang C) or M/M/N+M (Erlang A), and the figures below are the ones `host/reports` computes in `staffing`, from
//! Garnett, Mandelbaum, Reiman 2002 and A. K. Erlang 1917.

#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;

use queue::{Acd, Action, Agent, EndedBy, Event, Join, Presence, Queue, Settings, What};

const CALLS: usize = 100_000;
/// Mean talk.
const AHT_S: f64 = 180.0;

/// SplitMix64 (Steele, Lea, Flood 2014): enough randomness for a test, the same every time.
struct Dice(u64);

impl Dice {
    fn uniform(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((z ^ (z >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
    }

    fn exponential(&mut self, mean_ms: f64) -> i64 {
        (-mean_ms * (1.0 - self.uniform()).ln()) as i64
    }
}

struct Load {
    calls_per_hour: f64,
    agents: usize,
    /// Mean; none: callers wait for ever.
    patience_s: Option<f64>,
}

#[derive(Default)]
struct Seen {
    offered: f64,
    waited: f64,
    in_time: f64,
    abandoned: f64,
    wait_s: f64,
    talk_s: f64,
    until_s: f64,
    /// What those who had to wait were told to expect, and how long it took.
    expected_s: f64,
    expected_took_s: f64,
}

fn simulate(load: &Load, calls: usize) -> Seen {
    let queue = Queue {
        wrap_up_s: 0,
        max_wait_s: None,
        join_empty: Presence::Anyone,
        leave_empty: Presence::Anyone,
        announce: queue::Announce { first_s: 3600, every_s: 0, ..Default::default() },
        callback: None,
        handling_s: AHT_S as u32,
        ..Queue::default()
    };
    let agents = (0..load.agents).map(|n| Agent {
        id: format!("agent-{n}").into(),
        queues: [].into(),
        skills: [].into(),
        tier: 0,
    });
    let settings = Settings { queues: [("desk".into(), queue)].into(), agents: agents.collect() };
    let mut acd = Acd::new(settings.clone(), 0).unwrap();
    for agent in settings.agents {
        acd.handle(Event::LoggedIn { agent: agent.id }, 0);
    }
    let mut dice = Dice(7);
    let mut agenda: BTreeMap<(i64, usize), Event> = BTreeMap::new();
    let (mut at, mut planned) = (0, 0);
    for n in 0..calls {
        at += dice.exponential(3_600_000.0 / load.calls_per_hour);
        agenda.insert((at, planned), Event::Joined(Join::new(format!("{n}"), "desk")));
        planned += 1;
    }
    let mut seen = Seen { until_s: at as f64 / 1e3, ..Seen::default() };
    let mut expected = BTreeMap::new();
    while let Some(((now, _), event)) = agenda.pop_first() {
        // Patience ends with the answer.
        if matches!(&event, Event::HungUp { call } if acd.position(call).is_none()) {
            continue;
        }
        let joins = match &event {
            Event::Joined(join) => Some(join.call.clone()),
            _ => None,
        };
        let mut todo = vec![event];
        while let Some(event) = todo.pop() {
            for action in acd.handle(event, now) {
                match action {
                    Action::Offer { call, agents, .. } => {
                        todo.push(Event::Accepted { call, agent: agents[0].clone() });
                    }
                    Action::Connect { call, .. } => {
                        let talk = dice.exponential(AHT_S * 1e3);
                        seen.talk_s += talk as f64 / 1e3;
                        planned += 1;
                        agenda.insert((now + talk, planned), Event::TalkEnded { call, by: EndedBy::Agent });
                    }
                    Action::Record(event) => match event.what {
                        What::Connected { wait_ms, .. } => {
                            seen.offered += 1.0;
                            seen.wait_s += wait_ms as f64 / 1e3;
                            seen.in_time += f64::from(u8::from(wait_ms <= 20_000));
                            if let Some(told) = event.call.and_then(|call| expected.remove(&call)) {
                                seen.expected_s += told as f64 / 1e3;
                                seen.expected_took_s += wait_ms as f64 / 1e3;
                            }
                        }
                        What::Abandoned { wait_ms, .. } => {
                            seen.offered += 1.0;
                            seen.abandoned += 1.0;
                            seen.wait_s += wait_ms as f64 / 1e3;
                        }
                        _ => {}
                    },
                    _ => {}
                }
            }
        }
        let Some(call) = joins else { continue };
        if acd.position(&call).is_some() {
            seen.waited += 1.0;
            if let Some(told) = acd.expected_wait_ms(&call) {
                expected.insert(call.clone(), told);
            }
            if let Some(patience_s) = load.patience_s {
                planned += 1;
                let gives_up = now + dice.exponential(patience_s * 1e3);
                agenda.insert((gives_up, planned), Event::HungUp { call });
            }
        }
    }
    seen
}

fn near(found: f64, wanted: f64, within: f64, what: &str) {
    let off = (found - wanted).abs() / wanted;
    assert!(off <= within, "{what}: {found:.4}, theory says {wanted:.4} ({:.1} % off)", off * 100.0);
}

#[test]
fn patient_callers_wait_as_erlang_c_says() {
    for (calls_per_hour, agents, c, sl, asa) in [(60.0, 5, 0.2362, 0.8109, 21.25), (100.0, 8, 0.1673, 0.8801, 10.04)] {
        let seen = simulate(&Load { calls_per_hour, agents, patience_s: None }, CALLS);
        assert_eq!(seen.offered as usize, CALLS);
        near(seen.waited / seen.offered, c, 0.06, "P(wait)");
        near(seen.in_time / seen.offered, sl, 0.02, "service level in 20 s");
        near(seen.wait_s / seen.offered, asa, 0.10, "speed of answer");
        let load = calls_per_hour * AHT_S / 3600.0;
        near(seen.talk_s / seen.until_s, load, 0.03, "load in erlangs");
        // What callers were told to expect is what it took, on average.
        near(seen.expected_s, seen.expected_took_s, 0.08, "expected wait");
    }
}

#[test]
fn impatient_callers_give_up_as_erlang_a_says() {
    for (calls_per_hour, agents, wait, abandon, mean_wait_s) in
        [(60.0, 3, 0.5374, 0.2449, 29.39), (60.0, 4, 0.3297, 0.1221, 14.65), (100.0, 6, 0.3558, 0.1123, 13.48)]
    {
        let seen = simulate(&Load { calls_per_hour, agents, patience_s: Some(120.0) }, CALLS);
        assert_eq!(seen.offered as usize, CALLS);
        near(seen.waited / seen.offered, wait, 0.04, "P(wait)");
        near(seen.abandoned / seen.offered, abandon, 0.05, "P(abandon)");
        near(seen.wait_s / seen.offered, mean_wait_s, 0.05, "mean wait");
    }
}
