//! Both systems change at random, requests fail at random, the program dies at random; after a quiet minute both say the
//! same, there is one deal a visit, and no person has two open leads.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;

use connections::bitrix24::Bridge;
use connections::stand_in::{Fault, InMemory, STAGES, Server, TIME_FIELD, clock, millis};
use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::TestRunner;
use records::{Change, NewTime, Status};
use serde_json::json;

use crate::bitrix;
use crate::deals::settings;
use crate::leads::call;
use crate::{HOUR, NOW, SECOND, open_house, store, visit};

const DOCTORS: [&str; 2] = ["petrov", "ivanova"];
const PHONES: [&str; 3] = ["+79031234567", "+79035550000", "+79161112233"];

#[derive(Debug, Clone, Copy)]
enum Op {
    Book { doctor: usize, hour: i64, phone: usize },
    Become { visit: usize, status: Status },
    Move { visit: usize, hour: i64 },
    Call { phone: usize },
    TheirStage { visit: usize, stage: usize },
    TheirTime { visit: usize, hour: i64 },
    Fail(Fault),
    Wait { seconds: i64 },
    Restart,
}

fn op() -> impl Strategy<Value = Op> {
    let hour = 1..40i64;
    let statuses = [Status::Confirmed, Status::Arrived, Status::Done, Status::Cancelled, Status::NoShow];
    let faults = [
        Fault::Limit,
        Fault::LostRequest,
        Fault::LostAnswer,
        Fault::LostAnswer,
        Fault::CrashBefore,
        Fault::CrashAfter,
        Fault::CrashAfter,
    ];
    prop_oneof![
        3 => (0..2usize, hour.clone(), 0..3usize).prop_map(|(doctor, hour, phone)| Op::Book { doctor, hour, phone }),
        4 => (0..8usize, prop::sample::select(statuses.to_vec()))
            .prop_map(|(visit, status)| Op::Become { visit, status }),
        2 => (0..8usize, hour.clone()).prop_map(|(visit, hour)| Op::Move { visit, hour }),
        2 => (0..3usize).prop_map(|phone| Op::Call { phone }),
        5 => (0..8usize, 0..STAGES.len()).prop_map(|(visit, stage)| Op::TheirStage { visit, stage }),
        2 => (0..8usize, -2..40i64).prop_map(|(visit, hour)| Op::TheirTime { visit, hour }),
        6 => prop::sample::select(faults.to_vec()).prop_map(Op::Fail),
        6 => (1..20i64).prop_map(|seconds| Op::Wait { seconds }),
        1 => Just(Op::Restart),
    ]
}

struct Sim {
    store: records::Store,
    server: Server,
    bridge: Bridge<InMemory>,
    portal: InMemory,
    now_ms: i64,
    visits: Vec<String>,
    calls: usize,
    crashes: usize,
    faults: usize,
}

/// The portal's clock is not ours.
const SKEW_MS: i64 = 95_000;

impl Sim {
    async fn new(store: records::Store) -> Self {
        let server = Server::at(NOW + SKEW_MS);
        let portal = InMemory::new(server.clone());
        let bridge = Bridge::new(store.clone(), settings(""), portal.clone(), open_house(&store)).await.unwrap();
        Self { store, server, bridge, portal, now_ms: NOW, visits: Vec::new(), calls: 0, crashes: 0, faults: 0 }
    }

    async fn restart(&mut self) {
        self.portal = InMemory::new(self.server.clone());
        self.bridge =
            Bridge::new(self.store.clone(), settings(""), self.portal.clone(), open_house(&self.store)).await.unwrap();
    }

    /// All that happens, then a quiet minute, then the look at both sides.
    async fn all(&mut self, ops: Vec<Op>) {
        for op in ops {
            self.run(op).await;
            self.second().await;
        }
        self.server.state().faults.clear();
        for _ in 0..60 {
            self.second().await;
        }
        self.check().await;
    }

    /// One second passes, and the program does what is due, or dies over it.
    async fn second(&mut self) {
        self.now_ms += SECOND;
        self.server.state().now_ms = self.now_ms + SKEW_MS;
        let crashed = self.portal.crashed.clone();
        let faults = self.server.state().faults.len();
        let died = {
            let turn = self.bridge.turn(self.now_ms);
            let mut turn = std::pin::pin!(turn);
            std::future::poll_fn(|context| match turn.as_mut().poll(context) {
                std::task::Poll::Ready(done) => {
                    done.unwrap();
                    std::task::Poll::Ready(false)
                }
                std::task::Poll::Pending if crashed.load(Ordering::SeqCst) => std::task::Poll::Ready(true),
                std::task::Poll::Pending => std::task::Poll::Pending,
            })
            .await
        };
        self.faults += faults - self.server.state().faults.len();
        if died {
            self.crashes += 1;
            self.restart().await;
        }
    }

    async fn run(&mut self, op: Op) {
        let change = Change { at_ms: self.now_ms, by: "anna".into(), ..Change::default() };
        match op {
            Op::Book { doctor, hour, phone } => {
                let id = format!("v{}", self.visits.len());
                let visit = visit(&id, DOCTORS[doctor], NOW + hour * HOUR, PHONES[phone]);
                if let records::BookOutcome::Booked(_) = self.store.book(&visit, "robot").await.unwrap() {
                    self.visits.push(id);
                }
            }
            Op::Become { visit, status } => {
                if let Some(visit) = self.visits.get(visit) {
                    let booking = self.store.visit(visit).await.unwrap();
                    // What the visit cannot become, it does not.
                    let _ = self.store.set_booking_status(&booking.id, status, &change).await;
                }
            }
            Op::Move { visit, hour } => {
                if let Some(visit) = self.visits.get(visit) {
                    let booking = self.store.visit(visit).await.unwrap();
                    let start_ms = NOW + hour * HOUR;
                    let to = NewTime {
                        id: records::id(),
                        doctor: booking.doctor,
                        service: booking.service,
                        start_ms,
                        end_ms: start_ms + HOUR / 2,
                        held_until_ms: start_ms + HOUR / 2,
                        ..NewTime::default()
                    };
                    let _ = self.store.move_booking(&booking.id, &to, &change).await;
                }
            }
            Op::Call { phone } => {
                self.calls += 1;
                call(&self.store, &format!("c{}", self.calls), PHONES[phone], None, self.now_ms).await;
            }
            Op::TheirStage { visit, stage } => self.theirs(visit, "STAGE_ID", STAGES[stage].to_owned()),
            Op::TheirTime { visit, hour } => self.theirs(visit, TIME_FIELD, clock(NOW + hour * HOUR)),
            Op::Fail(fault) => self.server.fail(&[fault]),
            Op::Wait { seconds } => {
                for _ in 0..seconds {
                    self.second().await;
                }
            }
            Op::Restart => self.restart().await,
        }
    }

    fn theirs(&self, visit: usize, field: &str, value: String) {
        let Some(visit) = self.visits.get(visit) else { return };
        if let Some((deal, _)) = self.server.deals_of(visit).first() {
            self.server.person_sets(*deal, field, json!(value));
        }
    }

    async fn check(&self) {
        let stages = settings("").stages;
        for visit in &self.visits {
            let ours = self.store.visit(visit).await.unwrap();
            let (_, deal) = bitrix::deal(&self.server, visit);
            let stage = deal["STAGE_ID"].as_str().unwrap();
            let silent = stages.status_of(stage).is_none();
            assert!(silent || stages.agree(stage, ours.status), "{visit}: {stage}, and here {}", ours.status);
            assert_eq!(deal[TIME_FIELD].as_str().and_then(millis), Some(ours.start_ms), "{visit}");
        }
        let state = self.server.state();
        assert!(state.contacts.len() <= PHONES.len());
        let mut open: BTreeMap<String, usize> = BTreeMap::new();
        for lead in state.leads.values().filter(|lead| lead["STATUS_SEMANTIC_ID"] == "P") {
            *open.entry(lead["PHONE"].to_string()).or_default() += 1;
        }
        assert!(open.values().all(|count| *count == 1), "{open:?}");
        assert!(self.calls == 0 || !open.is_empty());
        assert_eq!(state.limited_by_rate(), 0, "the portal's own limit was never reached");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, max_shrink_iters: 200, ..ProptestConfig::default() })]

    #[test]
    fn after_a_quiet_minute_both_say_the_same(ops in prop::collection::vec(op(), 20..60)) {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        runtime.block_on(async {
            let (_folder, store) = store().await;
            Sim::new(store).await.all(ops).await;
        });
    }
}

/// The same sequences every time, and what must have happened in them for the property to mean anything.
#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn the_simulation_meets_what_it_is_for() {
    let mut runner = TestRunner::deterministic();
    let many = prop::collection::vec(op(), 60);
    let (mut visits, mut crashes, mut faults, mut put_back, mut from_them) = (0, 0, 0, 0, 0);
    for _ in 0..6 {
        let ops = many.new_tree(&mut runner).unwrap().current();
        let (_folder, store) = store().await;
        let mut sim = Sim::new(store).await;
        sim.all(ops).await;
        visits += sim.visits.len();
        crashes += sim.crashes;
        faults += sim.faults;
        put_back += sim.server.comments().iter().filter(|comment| comment.contains("вернул")).count();
        for visit in &sim.visits {
            let booking = sim.store.visit(visit).await.unwrap();
            let history = sim.store.booking_history(&booking.id).await.unwrap();
            from_them += history.iter().filter(|entry| entry.change.by == "bitrix24").count();
        }
    }
    let met = (visits, crashes, faults, put_back, from_them);
    assert!(visits >= 20 && crashes >= 5 && faults >= 20 && put_back >= 2 && from_them >= 5, "{met:?}");
}
