//! The shared clock of every call: frames leave on time whatever the rest of the program does.
//!
//! A few threads of the operating system (*shards*) keep it. Each call beats every 20 ms at one of twenty phases, a millisecond
//! apart, so that a thousand calls are a few dozen at a time and not a burst. A shard sleeps until its next phase with calls in
//! it; few calls share few phases, because each waking costs as much as a call. Between its beats a call is polled when
//! something has arrived for it, and only then (`alarm`), so that an answer is in the next frame and not in the one after, and
//! a call that waits for nothing costs nothing. Nothing here waits for anything but the clock and those.
//!
//! Behind by more than [`SKIP_AFTER`], frames are skipped rather than sent in a burst. A call that panics ends alone.

mod alarm;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Waker};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use alarm::{Alarm, Bell};

/// Ticks, of one millisecond, in a frame.
const PHASES: usize = 20;
/// In which order phases are taken into use: each as far from those before it as can be.
const ORDER: [usize; PHASES] = [0, 10, 5, 15, 2, 12, 7, 17, 1, 11, 6, 16, 3, 13, 8, 18, 4, 14, 9, 19];
/// Calls of a phase before another one is taken into use. So many take well under a millisecond.
const TOGETHER: usize = 64;
const TICK: Duration = Duration::from_millis(1);
/// Behind by more than this, frames are skipped.
pub const SKIP_AFTER: Duration = Duration::from_millis(200);
/// A frame that begins within this of its moment is on time.
pub const ON_TIME: Duration = Duration::from_millis(5);

/// One call, or anything else that handles a frame every 20 ms.
pub trait Paced: Send {
    /// Take what arrived, and have the context's waker woken by what arrives next: then this is called again, between frames,
    /// within a millisecond. Called once when the call has joined.
    fn poll(&mut self, _context: &mut Context<'_>) {}

    /// One frame of 20 ms.
    fn frame(&mut self) -> Beat;

    /// The clock went on without us: so many frames were left out just now.
    fn skipped(&mut self, _frames: u64) {}
}

/// What comes after a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Beat {
    /// The next one, in 20 ms.
    On,
    /// Nothing: drop me.
    Over,
}

/// How punctual the frames were, since the start.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Lateness {
    /// Frames handled.
    pub frames: u64,
    /// Of them, begun within 5 ms of their moment.
    pub on_time: u64,
    /// The latest one, how late.
    pub latest: Duration,
    /// Frames left out because the clock had gone on.
    pub skipped: u64,
    /// Calls ended by a panic of their own.
    pub panicked: u64,
    /// Time the shards were at work, all together.
    pub busy: Duration,
}

impl Lateness {
    /// Share of the frames that were on time, 0 to 1; 1 when there were none. Frames left out count as late.
    ///
    /// ```
    /// let lateness = lines::Lateness { frames: 80, on_time: 75, skipped: 20, ..Default::default() };
    /// assert_eq!(lateness.share_on_time(), 0.75);
    /// ```
    pub fn share_on_time(&self) -> f64 {
        match self.frames + self.skipped {
            0 => 1.0,
            all => self.on_time as f64 / all as f64,
        }
    }

    /// What happened since an earlier look; `latest` stays the latest of all.
    pub fn since(&self, earlier: &Lateness) -> Lateness {
        Lateness {
            frames: self.frames - earlier.frames,
            on_time: self.on_time - earlier.on_time,
            latest: self.latest,
            skipped: self.skipped - earlier.skipped,
            panicked: self.panicked - earlier.panicked,
            busy: self.busy.saturating_sub(earlier.busy),
        }
    }
}

/// The shards. Cheap to clone; when the last clone is gone, the calls in progress go on to their end.
#[derive(Clone)]
pub struct Pacer {
    shards: Arc<Shards>,
}

struct Shards {
    shards: Vec<Shard>,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

struct Shard {
    joining: Sender<Box<dyn Paced>>,
    counts: Arc<Counts>,
    bell: Arc<Bell>,
}

impl Pacer {
    /// Start so many shards; one at least. A shard holds a few hundred calls: 4 to 16 for a machine.
    pub fn start(shards: usize) -> Pacer {
        let shards = shards.max(1);
        let mut started = Vec::with_capacity(shards);
        let mut threads = Vec::with_capacity(shards);
        for number in 0..shards {
            let (shard, ring) = Shard::new(number * PHASES / shards);
            started.push(shard);
            let thread = std::thread::Builder::new().name(format!("pacer-{number}"));
            match thread.spawn(move || keep_time(ring, number == 0)) {
                Ok(thread) => threads.push(thread),
                Err(error) => tracing::error!(%error, "a pacer thread could not be started"),
            }
        }
        Pacer { shards: Arc::new(Shards { shards: started, threads: Mutex::new(threads) }) }
    }

    /// A pacer without a thread: its clock is turned by hand, for tests and benchmarks in virtual time.
    pub fn by_hand() -> (Pacer, Hand) {
        let (shard, ring) = Shard::new(0);
        let pacer = Pacer { shards: Arc::new(Shards { shards: vec![shard], threads: Mutex::default() }) };
        (pacer, Hand { ring, now: Duration::ZERO })
    }

    /// Take a call in, on the shard with the fewest.
    pub fn add(&self, paced: Box<dyn Paced>) {
        let fewest = self.shards.shards.iter().min_by_key(|shard| shard.counts.calls.load(Ordering::Relaxed));
        let Some(shard) = fewest else { return };
        shard.counts.calls.fetch_add(1, Ordering::Relaxed);
        if shard.joining.send(paced).is_err() {
            // Stopped: the call was dropped with the message, which hangs it up.
            shard.counts.calls.fetch_sub(1, Ordering::Relaxed);
        }
        shard.bell.wake();
    }

    /// Calls in progress.
    pub fn calls(&self) -> usize {
        self.shards.shards.iter().map(|shard| shard.counts.calls.load(Ordering::Relaxed)).sum()
    }

    /// How punctual the frames were.
    pub fn lateness(&self) -> Lateness {
        self.shards.shards.iter().fold(Lateness::default(), |sum, shard| {
            let counts = &shard.counts;
            Lateness {
                frames: sum.frames + counts.frames.load(Ordering::Relaxed),
                on_time: sum.on_time + counts.on_time.load(Ordering::Relaxed),
                latest: sum.latest.max(Duration::from_micros(counts.latest_us.load(Ordering::Relaxed))),
                skipped: sum.skipped + counts.skipped.load(Ordering::Relaxed),
                panicked: sum.panicked + counts.panicked.load(Ordering::Relaxed),
                busy: sum.busy + Duration::from_micros(counts.busy_us.load(Ordering::Relaxed)),
            }
        })
    }

    /// Drop every call and wait for the shards to be gone. To let calls end by themselves, wait for
    /// [`Pacer::calls`] to come down to nothing first.
    pub fn stop(&self) {
        for shard in &self.shards.shards {
            shard.counts.stop.store(true, Ordering::Release);
            shard.bell.wake();
        }
        let threads = std::mem::take(&mut *self.shards.threads.lock().unwrap_or_else(PoisonError::into_inner));
        for thread in threads {
            // A shard in the middle of a panic has nothing left to wait for.
            thread.join().ok();
        }
    }
}

impl Drop for Shards {
    fn drop(&mut self) {
        // No handle is left that could add a call: a shard ends with its last one.
        for shard in &self.shards {
            shard.counts.closed.store(true, Ordering::Release);
            shard.bell.wake();
        }
    }
}

/// The clock of a [`Pacer::by_hand`].
pub struct Hand {
    ring: Ring,
    now: Duration,
}

impl Hand {
    /// Let time pass, tick by tick.
    pub fn turn(&mut self, time: Duration) {
        let until = self.now + time;
        while self.now < until {
            self.now = until.min(self.now + TICK);
            self.ring.run(&|| self.now);
        }
    }

    /// Let time pass at once, as it does for a shard that was not scheduled.
    pub fn jump(&mut self, time: Duration) {
        self.now += time;
        self.ring.run(&|| self.now);
    }
}

impl Shard {
    fn new(first_phase: usize) -> (Shard, Ring) {
        let (joining, joiners) = channel();
        let (counts, bell) = (Arc::<Counts>::default(), Arc::<Bell>::default());
        let ring = Ring::new(joiners, Arc::clone(&counts), Arc::clone(&bell), first_phase);
        (Shard { joining, counts, bell }, ring)
    }
}

#[derive(Default)]
struct Counts {
    calls: AtomicUsize,
    frames: AtomicU64,
    on_time: AtomicU64,
    latest_us: AtomicU64,
    skipped: AtomicU64,
    panicked: AtomicU64,
    busy_us: AtomicU64,
    stop: AtomicBool,
    closed: AtomicBool,
}

/// One call at its shard.
struct Call {
    paced: Box<dyn Paced>,
    phase: usize,
    alarm: Arc<Alarm>,
    waker: Waker,
}

/// The calls of one shard by phase, and how far its clock has come. Time is an argument.
struct Ring {
    joiners: Receiver<Box<dyn Paced>>,
    counts: Arc<Counts>,
    bell: Arc<Bell>,
    /// By number; a number is given again when its call is over.
    calls: Vec<Option<Call>>,
    free: Vec<usize>,
    phases: [Vec<usize>; PHASES],
    /// The tick to run next.
    next: u64,
    first_phase: usize,
    /// Alarms that are being answered; kept for its memory.
    rung: Vec<Arc<Alarm>>,
}

impl Ring {
    fn new(joiners: Receiver<Box<dyn Paced>>, counts: Arc<Counts>, bell: Arc<Bell>, first_phase: usize) -> Ring {
        Ring {
            joiners,
            counts,
            bell,
            calls: Vec::new(),
            free: Vec::new(),
            phases: std::array::from_fn(|_| Vec::new()),
            next: 1,
            first_phase: first_phase % PHASES,
            rung: Vec::new(),
        }
    }

    /// Run every tick that is due. `clock` is the time since the start.
    fn run(&mut self, clock: &dyn Fn() -> Duration) {
        let now = clock();
        let due = tick_of(now);
        if self.is_empty() {
            // Nothing was due while nobody was there.
            self.next = due + 1;
        }
        self.take_joiners();
        self.answer_alarms();
        let Some(first) = self.first_due() else { return };
        // Between this tick and that one nothing beats.
        self.next = first.min(due + 1);
        if first <= due {
            if time_of(due - first) > SKIP_AFTER {
                self.skip_to(due);
            }
            while self.next <= due {
                self.tick(clock);
                self.next += 1;
            }
        }
        let busy = clock().saturating_sub(now);
        self.counts.busy_us.fetch_add(micros(busy), Ordering::Relaxed);
    }

    /// The next tick with calls in it; none while there are none.
    fn first_due(&self) -> Option<u64> {
        (self.next..).take(PHASES).find(|tick| !self.phases[phase_of(*tick)].is_empty())
    }

    fn take_joiners(&mut self) {
        while let Ok(paced) = self.joiners.try_recv() {
            self.join(paced);
        }
    }

    /// Into the phase with the fewest calls of those in use; of equals, the first one taken into use.
    fn join(&mut self, paced: Box<dyn Paced>) {
        let calls = self.calls.len() - self.free.len();
        let in_use = (calls / TOGETHER + 1).min(PHASES);
        let phases = ORDER[..in_use].iter().map(|step| (self.first_phase + step) % PHASES);
        let phase = phases.min_by_key(|phase| self.phases[*phase].len()).unwrap_or(self.first_phase);
        let number = self.free.pop().unwrap_or_else(|| {
            self.calls.push(None);
            self.calls.len() - 1
        });
        let alarm = Alarm::new(number, &self.bell);
        let waker = Waker::from(Arc::clone(&alarm));
        // What arrived before it joined is taken at once.
        waker.wake_by_ref();
        self.calls[number] = Some(Call { paced, phase, alarm, waker });
        self.phases[phase].push(number);
    }

    /// Polls the calls for which something has arrived.
    fn answer_alarms(&mut self) {
        let mut rung = std::mem::take(&mut self.rung);
        self.bell.take(&mut rung);
        for alarm in rung.drain(..) {
            let number = alarm.call();
            // A call may be over, and its number another's.
            let Some(call) = self.calls[number].as_mut().filter(|call| Arc::ptr_eq(&call.alarm, &alarm)) else {
                continue;
            };
            // Before it is polled: what arrives from now on rings again.
            alarm.answered();
            let phase = call.phase;
            let polled = catch_unwind(AssertUnwindSafe(|| {
                let Call { paced, waker, .. } = call;
                paced.poll(&mut Context::from_waker(waker));
            }));
            if polled.is_err() {
                self.phases[phase].retain(|other| *other != number);
                self.panicked(number);
            }
        }
        self.rung = rung;
    }

    fn tick(&mut self, clock: &dyn Fn() -> Duration) {
        let due = time_of(self.next);
        let counts = Arc::clone(&self.counts);
        self.keep(phase_of(self.next), |paced| {
            let late = clock().saturating_sub(due);
            counts.frames.fetch_add(1, Ordering::Relaxed);
            counts.latest_us.fetch_max(micros(late), Ordering::Relaxed);
            if late <= ON_TIME {
                counts.on_time.fetch_add(1, Ordering::Relaxed);
            }
            paced.frame()
        });
    }

    /// Go on from `tick`; what lies before it is left out.
    fn skip_to(&mut self, tick: u64) {
        for phase in 0..PHASES {
            let frames = beats_before(tick, phase) - beats_before(self.next, phase);
            let calls = self.phases[phase].len() as u64;
            self.counts.skipped.fetch_add(frames * calls, Ordering::Relaxed);
            self.keep(phase, |paced| {
                paced.skipped(frames);
                Beat::On
            });
        }
        self.next = tick;
    }

    /// Do something with every call of a phase, and drop those that are over or panicked.
    fn keep(&mut self, phase: usize, mut each: impl FnMut(&mut dyn Paced) -> Beat) {
        let mut place = 0;
        while let Some(&number) = self.phases[phase].get(place) {
            let Some(call) = &mut self.calls[number] else {
                // Whatever is in a phase is in the list; were it not, it would be over.
                self.phases[phase].swap_remove(place);
                continue;
            };
            match catch_unwind(AssertUnwindSafe(|| each(call.paced.as_mut()))) {
                Ok(Beat::On) => place += 1,
                ended => {
                    self.phases[phase].swap_remove(place);
                    if ended.is_err() { self.panicked(number) } else { self.over(number) }
                }
            }
        }
    }

    fn panicked(&mut self, number: usize) {
        self.counts.panicked.fetch_add(1, Ordering::Relaxed);
        tracing::error!("a call ended by a panic in its media loop");
        self.over(number);
    }

    /// Drops a call that is in no phase any more.
    fn over(&mut self, number: usize) {
        let over = self.calls[number].take();
        self.free.push(number);
        self.counts.calls.fetch_sub(1, Ordering::Relaxed);
        if catch_unwind(AssertUnwindSafe(|| drop(over))).is_err() {
            tracing::error!("a call panicked while it was dropped");
        }
    }

    fn is_empty(&self) -> bool {
        self.calls.len() == self.free.len()
    }
}

fn tick_of(time: Duration) -> u64 {
    micros(time) / micros(TICK)
}

fn time_of(tick: u64) -> Duration {
    Duration::from_millis(tick)
}

/// How often a phase's turn came before `tick`.
fn beats_before(tick: u64, phase: usize) -> u64 {
    (tick + (PHASES - 1 - phase) as u64) / PHASES as u64
}

fn phase_of(tick: u64) -> usize {
    (tick % PHASES as u64) as usize
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

/// The life of a shard's thread.
fn keep_time(mut ring: Ring, first: bool) {
    be_punctual(first);
    ring.bell.wakes(std::thread::current());
    let start = Instant::now();
    let clock = || start.elapsed();
    while !ring.counts.stop.load(Ordering::Acquire) {
        // Before the run: a call that was added before the last handle went is taken in by it.
        let closed = ring.counts.closed.load(Ordering::Acquire);
        let began = clock();
        ring.run(&clock);
        match ring.first_due() {
            None if closed => return,
            None => std::thread::park(),
            Some(tick) => rest(time_of(tick), began + TICK, &clock),
        }
    }
}

/// Sleeps until `due`, or until something has arrived; but what arrives within a tick is taken together.
fn rest(due: Duration, together: Duration, clock: &impl Fn() -> Duration) {
    let left = |until: Duration| until.saturating_sub(clock());
    if !left(due).is_zero() {
        std::thread::park_timeout(left(due));
    }
    std::thread::sleep(left(due.min(together)));
}

/// Wake at the moment asked for, and before threads that can wait. Not every machine allows the second.
#[cfg(target_os = "linux")]
fn be_punctual(first: bool) {
    use std::num::NonZeroU64;

    /// The kernel's own audio programs run at about this.
    const NICE: i32 = -11;
    if let Err(error) = rustix::thread::set_current_timer_slack(NonZeroU64::new(1_000)) {
        tracing::debug!(%error, "timers keep the usual slack");
    }
    // On Linux this concerns the calling thread alone.
    if let Err(error) = rustix::process::setpriority_process(None, NICE)
        && first
    {
        tracing::info!(%error, "the media threads run at the usual priority; CAP_SYS_NICE would let them go first");
    }
}

#[cfg(not(target_os = "linux"))]
fn be_punctual(_first: bool) {}

#[cfg(test)]
mod tests;
