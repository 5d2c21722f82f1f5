//! How many people the desk needs: Erlang C (callers wait for ever) and Erlang A (callers give up).
//!
//! Loads are in erlangs, times in seconds. Sources: A. K. Erlang 1917 with the stable recursion B₀ = 1,
//! Bₙ = A·Bₙ₋₁ / (n + A·Bₙ₋₁); Garnett, Mandelbaum, Reiman 2002 for Erlang A (M/M/N+M). Erlang C overstates staff where
//! callers are impatient; Erlang A does not.

use serde::Serialize;

/// A queue in front of some people.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Queue {
    /// Calls an hour.
    pub calls_per_hour: f64,
    /// Average handling time: talk, hold and after-call work.
    pub aht_s: f64,
    /// People on the desk.
    pub agents: u32,
}

/// What the desk is to reach.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Goal {
    /// Share of calls answered in time, 0 to 1.
    pub service_level: f64,
    /// In time = within so many seconds.
    pub within_s: f64,
    /// People are busy at most this share of their time, 0 to 1.
    pub max_occupancy: f64,
    /// Share of paid time away from the desk (breaks, leave, training), 0 to under 1.
    pub shrinkage: f64,
}

/// 80 % within 20 seconds, at most 85 % busy, nobody away.
impl Default for Goal {
    fn default() -> Self {
        Self { service_level: 0.8, within_s: 20.0, max_occupancy: 0.85, shrinkage: 0.0 }
    }
}

/// How many people a goal takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Staff {
    /// At the desk at the same time.
    pub on_desk: u32,
    /// On the roster, so that so many are at the desk.
    pub rostered: u32,
}

/// What happens in a queue whose callers give up.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Impatient {
    /// P(wait): a caller is not answered at once.
    pub wait: f64,
    /// P(abandon): a caller gives up.
    pub abandon: f64,
    /// E\[W\]: mean wait over all callers, answered or not.
    pub mean_wait_s: f64,
    /// Share of their time people are busy.
    pub occupancy: f64,
}

impl Queue {
    /// A = λ·AHT, in erlangs.
    pub fn load(&self) -> f64 {
        self.calls_per_hour * self.aht_s / 3600.0
    }

    /// Erlang C: the probability that a caller waits; 1 when the desk cannot keep up.
    pub fn wait_probability(&self) -> f64 {
        erlang_c(self.load(), self.agents)
    }

    /// SL(T) = 1 − C·e^(−(N−A)·T/AHT); 0 when the desk cannot keep up.
    pub fn service_level(&self, within_s: f64) -> f64 {
        let spare = f64::from(self.agents) - self.load();
        if self.load() <= 0.0 {
            return 1.0;
        }
        if spare <= 0.0 { 0.0 } else { 1.0 - self.wait_probability() * (-spare * within_s / self.aht_s).exp() }
    }

    /// ASA = C·AHT / (N − A) in seconds; none when the desk cannot keep up and the queue grows without end.
    pub fn asa_s(&self) -> Option<f64> {
        let spare = f64::from(self.agents) - self.load();
        (spare > 0.0).then(|| self.wait_probability() * self.aht_s / spare)
    }

    /// A / N, at most 1.
    pub fn occupancy(&self) -> f64 {
        if self.agents == 0 { 1.0 } else { (self.load() / f64::from(self.agents)).min(1.0) }
    }

    /// Erlang A: with callers who wait `patience_s` on average before they give up. Always stable.
    ///
    /// p_k ∝ A^k/k! up to N; p_(N+j) = p_(N+j−1)·λ/(Nμ + jθ); P(abandon) = Σ jθ·p_(N+j)/λ; E\[W\] = P(abandon)/θ.
    pub fn impatient(&self, patience_s: f64) -> Impatient {
        let (load, agents) = (self.load(), f64::from(self.agents));
        if load <= 0.0 {
            return Impatient { wait: 0.0, abandon: 0.0, mean_wait_s: 0.0, occupancy: 0.0 };
        }
        let (arrivals, service, giving_up) = (self.calls_per_hour / 3600.0, 1.0 / self.aht_s, 1.0 / patience_s);
        // Weights relative to p_N = 1, so that nothing overflows where it matters.
        let (mut below, mut weight) = (0.0, 1.0);
        for k in (1..=self.agents).rev() {
            weight *= f64::from(k) / load;
            below += weight;
        }
        let (mut queued, mut lost, mut weight, mut waiting) = (1.0, 0.0, 1.0, 0.0);
        loop {
            waiting += 1.0;
            weight *= arrivals / (agents * service + waiting * giving_up);
            queued += weight;
            lost += waiting * giving_up * weight;
            // Past the peak the terms fall faster than geometrically.
            if weight < queued * 1e-15 || waiting > 1e7 {
                break;
            }
        }
        let wait = queued / (queued + below);
        let abandon = lost / (queued + below) / arrivals;
        let occupancy = if self.agents == 0 { 1.0 } else { load * (1.0 - abandon) / agents };
        Impatient { wait, abandon, mean_wait_s: abandon * patience_s, occupancy }
    }
}

/// Erlang B: the probability that all are busy when nobody queues.
pub fn erlang_b(load: f64, agents: u32) -> f64 {
    (1..=agents).fold(1.0, |b, n| load * b / (f64::from(n) + load * b))
}

/// Erlang C: C = N·B / (N − A·(1 − B)); 1 when the load is not below the number of people.
pub fn erlang_c(load: f64, agents: u32) -> f64 {
    let n = f64::from(agents);
    if load <= 0.0 {
        return 0.0;
    }
    if load >= n {
        return 1.0;
    }
    let b = erlang_b(load, agents);
    n * b / (n - load * (1.0 - b))
}

/// The fewest people that reach the goal by Erlang C: smallest N with service level and occupancy as asked, then divided by
/// 1 − shrinkage. Without calls it is 0; none if more than 10,000 would be needed or the goal is out of range.
pub fn required(calls_per_hour: f64, aht_s: f64, goal: &Goal) -> Option<Staff> {
    let sane = (0.0..1.0).contains(&goal.shrinkage)
        && goal.max_occupancy > 0.0
        && goal.service_level < 1.0
        && calls_per_hour.is_finite()
        && aht_s.is_finite();
    if !sane {
        return None;
    }
    if calls_per_hour <= 0.0 || aht_s <= 0.0 {
        return Some(Staff { on_desk: 0, rostered: 0 });
    }
    let first = (calls_per_hour * aht_s / 3600.0 / goal.max_occupancy).floor().max(1.0);
    if first > 10_000.0 {
        return None;
    }
    let enough = |agents: &u32| {
        let queue = Queue { calls_per_hour, aht_s, agents: *agents };
        queue.service_level(goal.within_s) >= goal.service_level && queue.occupancy() <= goal.max_occupancy
    };
    let on_desk = (first as u32..=10_000).find(enough)?;
    let rostered = (f64::from(on_desk) / (1.0 - goal.shrinkage) - 1e-9).ceil() as u32;
    Some(Staff { on_desk, rostered })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn near(found: f64, wanted: f64, within: f64, what: &str) {
        assert!((found - wanted).abs() <= within, "{what}: {found}, wanted {wanted}");
    }

    #[test]
    fn erlang_c_vectors() {
        // calls/h, AHT s, N, A, C, SL in 20 s, ASA s, occupancy
        for (calls, aht, agents, a, c, sl, asa, occupancy) in [
            (60.0, 180.0, 5, 3.0000, 0.2362, 0.8109, 21.25, 0.600),
            (60.0, 180.0, 6, 3.0000, 0.0991, 0.9290, 5.95, 0.500),
            (100.0, 180.0, 7, 5.0000, 0.3241, 0.7404, 29.17, 0.714),
            (100.0, 180.0, 8, 5.0000, 0.1673, 0.8801, 10.04, 0.625),
            (200.0, 240.0, 17, 13.3333, 0.2573, 0.8104, 16.84, 0.784),
        ] {
            let queue = Queue { calls_per_hour: calls, aht_s: aht, agents };
            near(queue.load(), a, 5e-5, "A");
            near(queue.wait_probability(), c, 5e-5, "C");
            near(queue.service_level(20.0), sl, 5e-5, "SL");
            near(queue.asa_s().unwrap(), asa, 5e-3, "ASA");
            near(queue.occupancy(), occupancy, 5e-4, "occupancy");
        }
    }

    #[test]
    fn erlang_a_vectors() {
        for (calls, aht, agents, wait, abandon, mean, occupancy) in [
            (60.0, 180.0, 3, 0.5374, 0.2449, 29.39, 0.7551),
            (60.0, 180.0, 4, 0.3297, 0.1221, 14.65, 0.6584),
            (100.0, 180.0, 6, 0.3558, 0.1123, 13.48, 0.7397),
        ] {
            let found = Queue { calls_per_hour: calls, aht_s: aht, agents }.impatient(120.0);
            near(found.wait, wait, 5e-5, "P(wait)");
            near(found.abandon, abandon, 5e-5, "P(abandon)");
            near(found.mean_wait_s, mean, 5e-3, "E[W]");
            near(found.occupancy, occupancy, 5e-5, "occupancy");
        }
    }

    #[test]
    fn staff_for_80_20() {
        let goal = Goal { max_occupancy: 1.0, ..Goal::default() };
        assert_eq!(required(60.0, 180.0, &goal).unwrap().on_desk, 5);
        assert_eq!(required(100.0, 180.0, &goal).unwrap().on_desk, 8);
        assert_eq!(required(200.0, 240.0, &goal).unwrap().on_desk, 17);
        // The cap on occupancy asks for more people than the service level does.
        assert_eq!(required(60.0, 180.0, &Goal { max_occupancy: 0.5, ..goal }).unwrap().on_desk, 6);
        assert_eq!(required(60.0, 180.0, &Goal { shrinkage: 0.3, ..goal }).unwrap().rostered, 8);
        assert_eq!(required(0.0, 180.0, &goal), Some(Staff { on_desk: 0, rostered: 0 }));
        assert_eq!(required(f64::NAN, 180.0, &goal), None);
        assert_eq!(required(1e12, 180.0, &goal), None);
    }

    #[test]
    fn a_desk_that_cannot_keep_up_says_so() {
        let queue = Queue { calls_per_hour: 100.0, aht_s: 180.0, agents: 5 };
        assert_eq!((queue.wait_probability(), queue.service_level(20.0), queue.asa_s()), (1.0, 0.0, None));
        // With callers who give up it is stable all the same; with nobody there everyone gives up.
        let nobody = Queue { agents: 0, ..queue }.impatient(120.0);
        near(nobody.abandon, 1.0, 1e-9, "P(abandon)");
        near(nobody.mean_wait_s, 120.0, 1e-6, "E[W]");
    }

    proptest! {
        #[test]
        fn more_people_never_make_it_worse(calls in 0.1f64..2000.0, aht in 10.0f64..900.0, agents in 1u32..400) {
            let queue = Queue { calls_per_hour: calls, aht_s: aht, agents };
            let more = Queue { agents: agents + 1, ..queue };
            let (sl, better) = (queue.service_level(20.0), more.service_level(20.0));
            prop_assert!((0.0..=1.0).contains(&sl) && better >= sl - 1e-12);
            prop_assert!((0.0..=1.0).contains(&queue.wait_probability()));
            prop_assert!(more.occupancy() <= queue.occupancy());
            if let (Some(asa), Some(less)) = (queue.asa_s(), more.asa_s()) {
                prop_assert!(asa >= 0.0 && less <= asa + 1e-9);
            }
            let (impatient, calmer) = (queue.impatient(120.0), more.impatient(120.0));
            for p in [impatient.wait, impatient.abandon, impatient.occupancy] {
                prop_assert!((-1e-9..=1.0 + 1e-9).contains(&p), "{impatient:?}");
            }
            prop_assert!(calmer.abandon <= impatient.abandon + 1e-9);
            prop_assert!(impatient.wait <= queue.wait_probability() + 1e-9, "Erlang C overstates");
        }

        #[test]
        fn what_is_required_is_enough_and_no_more(calls in 0.1f64..500.0, aht in 10.0f64..900.0) {
            let goal = Goal::default();
            let staff = required(calls, aht, &goal).unwrap().on_desk;
            let reaches = |agents| {
                let queue = Queue { calls_per_hour: calls, aht_s: aht, agents };
                queue.service_level(20.0) >= 0.8 && queue.occupancy() <= 0.85
            };
            prop_assert!(reaches(staff));
            prop_assert!(staff == 1 || !reaches(staff - 1));
        }
    }
}
