//! The gate: is there room for one more call? Asked before anything is done for it, so that a call that cannot be served is
//! refused at once and the provider leads it elsewhere, and the calls in progress do not suffer.

use std::sync::atomic::{AtomicU8, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use lines::{Lateness, Pacer};

/// When somebody who was refused may try again.
pub const RETRY_AFTER: Duration = Duration::from_secs(10);
/// Below this share of frames on time nobody new is taken …
const LEAST_ON_TIME: f64 = 0.90;
/// … judged by no fewer frames than one call has in two seconds.
const ENOUGH_FRAMES: u64 = 100;
/// … and only after so many looks in a row: a machine that stood still for a moment is not overloaded.
const LATE_LOOKS: u8 = 2;
/// Instances of flows that are kept free for calls that need a second one.
const FLOWS_KEPT: usize = 2;

/// Why nobody new is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Full {
    /// As many calls as allowed are going on.
    Calls,
    /// Frames leave late.
    Late,
    /// No flow could be started.
    Flows,
    /// The program is being stopped.
    Closing,
}

impl Full {
    /// The word for figures and logs.
    pub fn as_str(self) -> &'static str {
        match self {
            Full::Calls => "calls",
            Full::Late => "late",
            Full::Flows => "flows",
            Full::Closing => "closing",
        }
    }
}

const OPEN: u8 = 0;
const LATE: u8 = 1;
const CLOSING: u8 = 2;

/// Counts calls and watches how they are served. Cheap to clone.
#[derive(Clone)]
pub struct Gate {
    inner: Arc<Inner>,
}

struct Inner {
    most: usize,
    calls: AtomicUsize,
    state: AtomicU8,
    pacer: Pacer,
    /// Flows that could still be started.
    flows: Box<dyn Fn() -> usize + Send + Sync>,
    seen: Mutex<Seen>,
}

/// What was seen at the last look.
struct Seen {
    lateness: Lateness,
    /// Looks in a row at which frames were late.
    late: u8,
}

/// One call's place; given back when it is dropped.
pub struct Place {
    gate: Gate,
}

impl Gate {
    /// Room for `most` calls; `flows` tells how many flows could still be started.
    pub fn new(most: usize, pacer: Pacer, flows: impl Fn() -> usize + Send + Sync + 'static) -> Gate {
        let seen = Mutex::new(Seen { lateness: pacer.lateness(), late: 0 });
        let (calls, state) = (AtomicUsize::new(0), AtomicU8::new(OPEN));
        Gate { inner: Arc::new(Inner { most, calls, state, pacer, flows: Box::new(flows), seen }) }
    }

    /// Would one more call be taken? Takes no lock.
    pub fn is_open(&self) -> Result<(), Full> {
        match self.inner.state.load(Ordering::Relaxed) {
            LATE => return Err(Full::Late),
            CLOSING => return Err(Full::Closing),
            _ => {}
        }
        if self.inner.calls.load(Ordering::Relaxed) >= self.inner.most {
            return Err(Full::Calls);
        }
        if (self.inner.flows)() <= FLOWS_KEPT { Err(Full::Flows) } else { Ok(()) }
    }

    /// A place for one more call.
    ///
    /// # Errors
    /// What stands against it.
    pub fn enter(&self) -> Result<Place, Full> {
        self.is_open()?;
        let most = self.inner.most;
        let taken = self
            .inner
            .calls
            .fetch_update(Ordering::AcqRel, Ordering::Relaxed, |calls| (calls < most).then_some(calls + 1));
        taken.map(|_| Place { gate: self.clone() }).map_err(|_| Full::Calls)
    }

    /// So many calls there may be.
    pub fn most(&self) -> usize {
        self.inner.most
    }

    /// Calls going on.
    pub fn calls(&self) -> usize {
        self.inner.calls.load(Ordering::Relaxed)
    }

    /// Nobody new from now on.
    pub fn close(&self) {
        self.inner.state.store(CLOSING, Ordering::Relaxed);
    }

    /// Looks at how punctual the frames were since the last look; to be called every second or so.
    pub fn look(&self) {
        let now = self.inner.pacer.lateness();
        let (since, state) = {
            let mut seen = self.inner.seen.lock().unwrap_or_else(PoisonError::into_inner);
            let since = now.since(&seen.lateness);
            seen.lateness = now;
            (since, seen.judge(&since))
        };
        let before = self.inner.state.load(Ordering::Relaxed);
        if before == CLOSING || before == state {
            return;
        }
        self.inner.state.store(state, Ordering::Relaxed);
        if state == LATE {
            let share = since.share_on_time();
            tracing::warn!(
                share,
                calls = self.calls(),
                "frames leave late; new calls are answered 503 until they do not"
            );
        } else {
            tracing::info!("frames leave on time again; new calls are taken");
        }
    }
}

impl Seen {
    fn judge(&mut self, since: &Lateness) -> u8 {
        let enough = since.frames + since.skipped >= ENOUGH_FRAMES;
        self.late = if enough && since.share_on_time() < LEAST_ON_TIME { self.late.saturating_add(1) } else { 0 };
        if self.late >= LATE_LOOKS { LATE } else { OPEN }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.gate.inner.calls.fetch_sub(1, Ordering::AcqRel);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gate(most: usize, flows: usize) -> Gate {
        Gate::new(most, Pacer::by_hand().0, move || flows)
    }

    #[test]
    fn no_more_calls_than_allowed_and_a_place_is_given_back() {
        let gate = gate(2, 100);
        let first = gate.enter().ok();
        let second = gate.enter().ok();
        assert_eq!(gate.enter().err(), Some(Full::Calls));
        assert_eq!(gate.is_open(), Err(Full::Calls));
        drop(first);
        assert_eq!(gate.calls(), 1);
        assert!(gate.enter().is_ok());
        drop(second);
        assert_eq!(gate.calls(), 0);
    }

    #[test]
    fn without_room_for_flows_or_while_closing_nobody_is_taken() {
        assert_eq!(gate(2, FLOWS_KEPT).is_open(), Err(Full::Flows));
        let closing = gate(2, 100);
        closing.close();
        closing.look();
        assert_eq!(closing.enter().err(), Some(Full::Closing));
    }

    #[test]
    fn late_frames_close_the_gate_and_a_few_do_not() {
        let late = Lateness { frames: 1_000, on_time: 850, ..Lateness::default() };
        let twice = |since: Lateness| {
            let mut seen = Seen { lateness: Lateness::default(), late: 0 };
            [seen.judge(&since), seen.judge(&since)]
        };
        assert_eq!(twice(late), [OPEN, LATE]);
        assert_eq!(twice(Lateness { on_time: 950, ..late }), [OPEN; 2]);
        assert_eq!(twice(Lateness { frames: 50, on_time: 0, ..Lateness::default() }), [OPEN; 2]);
        assert_eq!(twice(Lateness { frames: 100, on_time: 100, skipped: 50, ..Lateness::default() }), [OPEN, LATE]);
    }

    #[test]
    fn one_late_look_closes_nothing_and_one_on_time_opens() {
        let late = Lateness { frames: 1_000, on_time: 300, ..Lateness::default() };
        let good = Lateness { on_time: 1_000, ..late };
        let mut seen = Seen { lateness: Lateness::default(), late: 0 };
        let judged = [late, good, late, late, late, good].map(|since| seen.judge(&since));
        assert_eq!(judged, [OPEN, OPEN, OPEN, LATE, LATE, OPEN]);
    }
}
