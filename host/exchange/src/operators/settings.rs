//! The lines file in the words of the queue room.

use queue::{Agent, Announce, Callback, Overflow, Presence, Settings};

use crate::config::{Lines, Operator, Queue, Strategy};

/// Queues and people of one clinic.
pub(super) fn of_clinic(lines: &Lines, clinic: &str) -> Settings {
    let queues = lines.queues.values().filter(|queue| queue.clinic == clinic);
    let people = lines.operators.iter().filter(|operator| operator.clinic == clinic);
    Settings {
        queues: queues.map(|queue| (queue.name.as_str().into(), rules(queue, lines))).collect(),
        agents: people.map(agent).collect(),
    }
}

fn agent(operator: &Operator) -> Agent {
    Agent {
        id: operator.name.as_str().into(),
        queues: [].into(),
        skills: operator.skills.iter().map(|skill| skill.as_str().into()).collect(),
        tier: u8::try_from(operator.priority).unwrap_or(u8::MAX),
    }
}

fn rules(queue: &Queue, lines: &Lines) -> queue::Queue {
    // A queue of another clinic has people of its own.
    let over =
        queue.overflow.as_deref().filter(|name| lines.queues.get(*name).is_some_and(|q| q.clinic == queue.clinic));
    let over = over.map_or(Overflow::Callback, |name| Overflow::Queue(name.into()));
    let told = queue.announce_every_s > 0;
    queue::Queue {
        strategy: match queue.strategy {
            Strategy::LongestIdle => queue::Strategy::LongestIdle,
            Strategy::RingAll => queue::Strategy::RingAll,
            Strategy::FewestCalls => queue::Strategy::FewestCalls,
            Strategy::RoundRobin => queue::Strategy::RoundRobin,
            Strategy::InOrder => queue::Strategy::InOrder,
        },
        priority: i32::try_from(queue.priority).unwrap_or(i32::MAX),
        skills: queue.skills.iter().map(|skill| skill.as_str().into()).collect(),
        ring_s: queue.ring_s,
        wrap_up_s: queue.wrap_up_s,
        max_callers: Some(queue.max_waiting),
        max_wait_s: Some(queue.max_wait_s),
        join_empty: Presence::Ready,
        leave_empty: Presence::LoggedIn,
        when_full: over.clone(),
        when_waited: over.clone(),
        when_empty: over,
        announce: Announce {
            // An hour is the longest plan; nobody waits for it.
            first_s: if told { 10.min(queue.announce_every_s) } else { 3_600 },
            every_s: queue.announce_every_s.max(if told { 10 } else { 0 }),
            position: told && queue.announce_position,
            wait: told && queue.announce_wait,
        },
        callback: queue.offer_callback.then(Callback::default),
        ..queue::Queue::default()
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::sync::Arc;

    use super::*;
    use crate::config::{Clinics, SAMPLE};

    #[test]
    fn the_sample_makes_queues_that_contradict_nothing() {
        let text = include_str!("../../../../clinics/vet_lapa.toml");
        let clinic = desk::Clinic::parse(text, "vet_lapa.toml").unwrap();
        let clinics = Clinics::from([(clinic.id.clone(), Arc::new(clinic))]);
        let lines = Lines::parse(SAMPLE, "sample", Path::new(""), &clinics).unwrap();
        let settings = of_clinic(&lines, "vet_lapa");
        assert_eq!(settings.problems(), []);
        assert_eq!((settings.queues.len(), settings.agents.len()), (2, 2));
        assert_eq!(of_clinic(&lines, "other"), Settings::default());
    }
}
