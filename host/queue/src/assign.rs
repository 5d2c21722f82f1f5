//! Who is rung for whom.

use crate::acd::{Acd, ms};
use crate::line::{Entry, Phase};
use crate::people::{Person, State};
use crate::{Action, AgentId, CallId, Cancelled, Kind, Strategy, What};

impl Acd {
    /// Rings the free for those who wait, first come first served; then lets queues that ring all have the rest.
    pub(crate) fn assign(&mut self) {
        let mut order: Vec<(_, CallId)> = self.line.values().map(|entry| (entry.order(), entry.call.clone())).collect();
        order.sort_unstable();
        for (_, call) in &order {
            let Some(entry) = self.line.get(call) else { continue };
            if !entry.waits() || entry.not_before_ms > self.now {
                continue;
            }
            let strategy = self.queues[&entry.queue].strategy;
            let free: Vec<&Person> = self.people.values().filter(|person| self.is_free_for(person, entry)).collect();
            let chosen = choose(&free, strategy);
            if !chosen.is_empty() {
                self.offer(call, chosen);
            }
        }
        for (_, call) in &order {
            let Some(entry) = self.line.get(call) else { continue };
            let Phase::Offered { rung, .. } = &entry.phase else { continue };
            if self.queues[&entry.queue].strategy != Strategy::RingAll {
                continue;
            }
            let tier = rung.keys().filter_map(|agent| self.people.get(agent)).map(|person| person.agent.tier).max();
            let more: Vec<AgentId> = self
                .people
                .values()
                .filter(|person| self.is_free_for(person, entry) && Some(person.agent.tier) <= tier)
                .map(|person| person.agent.id.clone())
                .collect();
            if !more.is_empty() {
                self.offer(call, more);
            }
        }
    }

    pub(crate) fn is_free_for(&self, person: &Person, entry: &Entry) -> bool {
        let rested = match entry.kind {
            // People breathe between calls, and a line stays free for those who ring now.
            Kind::Missed => person.idle_since_ms + ms(self.queues[&entry.queue].missed_idle_s) <= self.now,
            Kind::Live | Kind::Callback => true,
        };
        person.is_ready() && rested && entry.suits(&person.agent)
    }

    fn offer(&mut self, call: &CallId, agents: Vec<AgentId>) {
        let now = self.now;
        let Some(entry) = self.line.get_mut(call) else { return };
        let ends = now + ms(self.queues[&entry.queue].ring_s);
        if entry.waits() {
            entry.phase = Phase::Offered { rung: Default::default(), since_ms: now, until_ms: ends };
        }
        let Phase::Offered { rung, until_ms, .. } = &mut entry.phase else { return };
        rung.extend(agents.iter().map(|agent| (agent.clone(), now)));
        let (until_ms, queue, callback) = (*until_ms, entry.queue.clone(), !entry.is_live());
        for agent in &agents {
            if let Some(person) = self.people.get_mut(agent) {
                person.offered_ms = now;
            }
            self.record(Some(call), Some(&queue), Some(agent), What::Offered {});
            self.set(agent, State::Ringing { call: call.clone() });
        }
        self.out.push(Action::Offer { call: call.clone(), queue, agents, until_ms, callback });
    }

    /// Stops one phone for a reason that is not the person's fault; what they do next is the caller's to decide, except that
    /// whoever lost to somebody else is free again.
    pub(crate) fn end_offer(&mut self, call: &CallId, agent: &AgentId, why: Cancelled) {
        let Some(entry) = self.line.get_mut(call) else { return };
        let queue = entry.queue.clone();
        let Phase::Offered { rung, .. } = &mut entry.phase else { return };
        let Some(since_ms) = rung.remove(agent) else { return };
        if rung.is_empty() {
            entry.phase = Phase::Waiting;
        }
        let what = What::OfferEnded { ring_ms: self.now - since_ms };
        self.record(Some(call), Some(&queue), Some(agent), what);
        self.out.push(Action::CancelOffer { call: call.clone(), agent: agent.clone(), why });
        if why != Cancelled::AgentGone {
            // They keep their place among the free.
            self.set(agent, State::Ready);
        }
    }

    /// Stops all phones that ring for a call.
    pub(crate) fn end_offers(&mut self, call: &CallId, why: Cancelled) {
        let Some(Phase::Offered { rung, .. }) = self.line.get(call).map(|entry| &entry.phase) else { return };
        for agent in rung.keys().cloned().collect::<Vec<_>>() {
            self.end_offer(call, &agent, why);
        }
    }
}

fn choose(free: &[&Person], strategy: Strategy) -> Vec<AgentId> {
    let Some(tier) = free.iter().map(|person| person.agent.tier).min() else { return Vec::new() };
    let first = free.iter().filter(|person| person.agent.tier == tier);
    if strategy == Strategy::RingAll {
        return first.map(|person| person.agent.id.clone()).collect();
    }
    let one = first.min_by_key(|person| {
        let key = match strategy {
            Strategy::LongestIdle | Strategy::RingAll => person.idle_since_ms,
            Strategy::FewestCalls => i64::from(person.taken),
            Strategy::RoundRobin => person.offered_ms,
            Strategy::InOrder => 0,
        };
        let idle = if strategy == Strategy::InOrder { 0 } else { person.idle_since_ms };
        (key, idle, person.rank)
    });
    one.map(|person| person.agent.id.clone()).into_iter().collect()
}
