//! The shared clock of every call: frames leave on time whatever the rest of the program does.
//!
//! A few threads of the operating system (*shards*) tick every millisecond. Each call beats every 20 ms at a phase of its
//! own, so that a thousand calls are fifty at a time and not a burst; between its beats it is polled at each tick, so that
//! an answer that arrives in the meantime is in the next frame and not in the one after. Nothing here waits for anything
//! but the clock.
//!
//! Behind by more than [`SKIP_AFTER`], frames are skipped rather than sent in a burst. A call that panics ends alone.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, TryRecvError, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// Ticks, of one millisecond, in a frame.
const PHASES: usize = 20;
const TICK: Duration = Duration::from_millis(1);
/// Behind by more than this, frames are skipped.
pub const SKIP_AFTER: Duration = Duration::from_millis(200);
/// A frame that begins within this of its moment is on time.
pub const ON_TIME: Duration = Duration::from_millis(5);

/// One call, or anything else that handles a frame every 20 ms.
pub trait Paced: Send {
    /// Between frames, at every tick: take what arrived. Must cost next to nothing when nothing did.
    fn poll(&mut self) {}

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

/// A call that joins; none to wake a shard that is to stop.
type Joining = Option<Box<dyn Paced>>;

struct Shard {
    joining: Sender<Joining>,
    counts: Arc<Counts>,
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
        if shard.joining.send(Some(paced)).is_err() {
            // Stopped: the call was dropped with the message, which hangs it up.
            shard.counts.calls.fetch_sub(1, Ordering::Relaxed);
        }
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
            shard.counts.stop.store(true, Ordering::Relaxed);
            shard.joining.send(None).ok();
        }
        let threads = std::mem::take(&mut *self.shards.threads.lock().unwrap_or_else(PoisonError::into_inner));
        for thread in threads {
            // A shard in the middle of a panic has nothing left to wait for.
            thread.join().ok();
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
        let counts = Arc::<Counts>::default();
        (Shard { joining, counts: Arc::clone(&counts) }, Ring::new(joiners, counts, first_phase))
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
}

/// The calls of one shard by phase, and how far its clock has come. Time is an argument.
struct Ring {
    joiners: Receiver<Joining>,
    counts: Arc<Counts>,
    phases: [Vec<Box<dyn Paced>>; PHASES],
    /// The tick to run next.
    next: u64,
    first_phase: usize,
    /// No handle is left that could add a call.
    closed: bool,
}

impl Ring {
    fn new(joiners: Receiver<Joining>, counts: Arc<Counts>, first_phase: usize) -> Ring {
        Ring {
            joiners,
            counts,
            phases: std::array::from_fn(|_| Vec::new()),
            next: 1,
            first_phase: first_phase % PHASES,
            closed: false,
        }
    }

    /// Run every tick that is due. `clock` is the time since the start.
    fn run(&mut self, clock: &dyn Fn() -> Duration) {
        let now = clock();
        self.take_joiners();
        let due = tick_of(now);
        if due < self.next {
            return;
        }
        if time_of(due - self.next) > SKIP_AFTER {
            self.skip_to(due);
        }
        self.poll();
        while self.next <= due {
            self.tick(clock);
            self.next += 1;
        }
        let busy = clock().saturating_sub(now);
        self.counts.busy_us.fetch_add(micros(busy), Ordering::Relaxed);
    }

    fn take_joiners(&mut self) {
        loop {
            match self.joiners.try_recv() {
                Ok(Some(paced)) => self.join(paced),
                Ok(None) => {}
                Err(TryRecvError::Empty) => return,
                Err(TryRecvError::Disconnected) => {
                    self.closed = true;
                    return;
                }
            }
        }
    }

    /// Into the phase with the fewest calls; of equals, the first one from where this shard begins.
    fn join(&mut self, paced: Box<dyn Paced>) {
        let from = self.first_phase;
        let phases = (0..PHASES).map(|step| (from + step) % PHASES);
        let fewest = phases.min_by_key(|phase| self.phases[*phase].len()).unwrap_or(from);
        self.phases[fewest].push(paced);
    }

    fn poll(&mut self) {
        for phase in &mut self.phases {
            keep(phase, &self.counts, |paced| {
                paced.poll();
                Beat::On
            });
        }
    }

    fn tick(&mut self, clock: &dyn Fn() -> Duration) {
        let due = time_of(self.next);
        let counts = &self.counts;
        keep(&mut self.phases[phase_of(self.next)], counts, |paced| {
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
        for (number, phase) in self.phases.iter_mut().enumerate() {
            let frames = beats_before(tick, number) - beats_before(self.next, number);
            self.counts.skipped.fetch_add(frames * phase.len() as u64, Ordering::Relaxed);
            keep(phase, &self.counts, |paced| {
                paced.skipped(frames);
                Beat::On
            });
        }
        self.next = tick;
    }

    fn is_empty(&self) -> bool {
        self.phases.iter().all(Vec::is_empty)
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

/// Do something with every call, and drop those that are over or panicked.
fn keep(calls: &mut Vec<Box<dyn Paced>>, counts: &Counts, mut each: impl FnMut(&mut dyn Paced) -> Beat) {
    let mut place = 0;
    while let Some(call) = calls.get_mut(place) {
        match catch_unwind(AssertUnwindSafe(|| each(call.as_mut()))) {
            Ok(Beat::On) => place += 1,
            ended => {
                if ended.is_err() {
                    counts.panicked.fetch_add(1, Ordering::Relaxed);
                    tracing::error!("a call ended by a panic in its media loop");
                }
                let over = calls.swap_remove(place);
                counts.calls.fetch_sub(1, Ordering::Relaxed);
                if catch_unwind(AssertUnwindSafe(|| drop(over))).is_err() {
                    tracing::error!("a call panicked while it was dropped");
                }
            }
        }
    }
}

/// The life of a shard's thread.
fn keep_time(mut ring: Ring, first: bool) {
    be_punctual(first);
    let start = Instant::now();
    let clock = || start.elapsed();
    while !ring.counts.stop.load(Ordering::Relaxed) {
        if ring.is_empty() {
            if ring.closed || !wait_for_a_call(&mut ring) {
                return;
            }
            // Nothing was due while nobody was there.
            ring.next = tick_of(clock()) + 1;
        }
        ring.run(&clock);
        std::thread::sleep(time_of(ring.next).saturating_sub(clock()));
    }
}

/// An empty shard does not tick. False once no call can come any more.
fn wait_for_a_call(ring: &mut Ring) -> bool {
    while !ring.counts.stop.load(Ordering::Relaxed) {
        match ring.joiners.recv() {
            Ok(Some(paced)) => {
                ring.join(paced);
                return true;
            }
            Ok(None) => {}
            Err(_) => return false,
        }
    }
    false
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
