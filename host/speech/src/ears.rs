//! A bounded pool of workers in which a live turn goes before batch work.
//!
//! Workers are threads of the operating system: recognition is seconds of pure computing, and must not sit on the threads
//! that carry calls. Rules:
//!
//! - a waiting live turn is taken before any batch work, and is never refused;
//! - batch work leaves one worker free (where there are two), and long recordings are heard window by window, so that a
//!   live turn waits for one window at most;
//! - a live turn computes on as many threads as there are workers and cores at leisure ([`share`]), each of which counts as a
//!   worker while it does: threads of one turn that wait for a core they do not get spin, and take many times as long;
//! - a turn may be heard ahead, before it is known to be over, while fewer than half of the workers are at work;
//! - a live turn has a deadline; one that nobody waits for any more is not begun;
//! - a recogniser that panics fails one job, not the pool.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use audio::Pcm;
use audio::wav::Recording;
use tokio::sync::oneshot;

use crate::recogniser::turns::{self, Turn};
use crate::recogniser::windows;
use crate::{Listen, Mode, Recogniser, SpeechError, Transcript, Vocabulary};

/// Who waits for the result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Priority {
    /// A caller on the line.
    Live,
    /// A recording; nobody is waiting.
    Batch,
}

/// Size and limits of the pool.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EarsOptions {
    /// Threads that compute at once, so one per core is right.
    pub workers: usize,
    /// Recordings that may wait; further ones are refused.
    pub batch_limit: usize,
    /// How long a live turn may take, waiting included.
    pub live_deadline: Duration,
}

impl Default for EarsOptions {
    fn default() -> Self {
        EarsOptions {
            workers: std::thread::available_parallelism().map_or(1, usize::from),
            batch_limit: 64,
            live_deadline: Duration::from_secs(8),
        }
    }
}

/// The pool. Cheap to clone; the threads end when the last clone is dropped.
#[derive(Clone)]
pub struct Ears {
    pool: Arc<Pool>,
}

struct Pool {
    shared: Arc<Shared>,
    threads: Vec<JoinHandle<()>>,
    options: EarsOptions,
}

struct Shared {
    recogniser: Arc<dyn Recogniser>,
    queue: Mutex<Queue>,
    changed: Condvar,
    workers: usize,
    // Workers that batch work may occupy at once.
    batch_workers: usize,
}

#[derive(Default)]
struct Queue {
    live: VecDeque<Job>,
    batch: VecDeque<Job>,
    batch_running: usize,
    // Workers at work, and those whose cores they compute on.
    busy: usize,
    // Recordings accepted and not finished, for the limit.
    recordings: usize,
    closed: bool,
}

struct Job {
    audio: Pcm,
    listen: Listen,
    answer: oneshot::Sender<Result<Transcript, SpeechError>>,
}

impl Ears {
    /// A pool of so many workers (0: one per core) with the usual limits.
    pub fn new(recogniser: Arc<dyn Recogniser>, workers: usize) -> Ears {
        let usual = EarsOptions::default();
        let workers = if workers == 0 { usual.workers } else { workers };
        Ears::with_options(recogniser, EarsOptions { workers, ..usual })
    }

    /// A pool with limits of one's own.
    pub fn with_options(recogniser: Arc<dyn Recogniser>, options: EarsOptions) -> Ears {
        let workers = options.workers.max(1);
        let shared = Arc::new(Shared {
            recogniser,
            queue: Mutex::default(),
            changed: Condvar::new(),
            workers,
            batch_workers: (workers - 1).max(1),
        });
        let threads = (0..workers)
            .filter_map(|at| {
                let shared = Arc::clone(&shared);
                // The system refuses threads only when it is out of everything; the others then do the work.
                std::thread::Builder::new().name(format!("ears-{at}")).spawn(move || shared.work()).ok()
            })
            .collect();
        Ears { pool: Arc::new(Pool { shared, threads, options }) }
    }

    /// The engine at work.
    pub fn recogniser(&self) -> &Arc<dyn Recogniser> {
        &self.pool.shared.recogniser
    }

    /// Hears a piece of audio, in turn with everything else that wants to be heard. Near misses of the vocabulary, if one
    /// is given, are mended.
    ///
    /// Errors besides the engine's own: [`SpeechError::HearingTimeout`] for live turns, [`SpeechError::QueueFull`] for batch
    /// work, [`SpeechError::Closed`] when the program ends.
    pub async fn hear(&self, audio: Pcm, listen: Listen, priority: Priority) -> Result<Transcript, SpeechError> {
        let vocabulary = listen.vocabulary.clone();
        match priority {
            Priority::Live => {
                let answer = self.pool.shared.put(Priority::Live, audio, listen)?;
                BeingHeard { answer, vocabulary, deadline: self.pool.options.live_deadline }.heard().await
            }
            Priority::Batch => Ok(mended(self.hear_batch(audio, listen).await?, vocabulary)),
        }
    }

    /// Begins to hear a turn that may not be over: the same audio would be asked for a little later if it is. `None` where
    /// half of the workers are busy, since what is heard in vain would keep others waiting; dropped, it is given up.
    pub fn hear_ahead(&self, audio: Pcm, listen: Listen) -> Option<BeingHeard> {
        let vocabulary = listen.vocabulary.clone();
        let answer = self.pool.shared.put_ahead(audio, listen)?;
        Some(BeingHeard { answer, vocabulary, deadline: self.pool.options.live_deadline })
    }

    /// Hears every channel of a recording by itself and gives the conversation, in the order of time.
    pub async fn hear_recording(
        &self,
        recording: &Recording,
        vocabulary: Option<Arc<Vocabulary>>,
    ) -> Result<Vec<Turn>, SpeechError> {
        let listen = Listen { mode: Mode::Recording, vocabulary, ..Listen::default() };
        let mut channels = Vec::with_capacity(recording.channels.len());
        for at in 0..recording.channels.len() {
            channels.push(self.hear(recording.channel(at), listen.clone(), Priority::Batch).await?);
        }
        Ok(turns::merge(&channels))
    }

    /// Live turns and pieces of recordings that wait for a worker.
    pub fn waiting(&self) -> (usize, usize) {
        let queue = self.pool.shared.lock();
        (queue.live.len(), queue.batch.len())
    }

    async fn hear_batch(&self, audio: Pcm, listen: Listen) -> Result<Transcript, SpeechError> {
        let _place = self.pool.shared.admit(self.pool.options.batch_limit)?;
        // Looking for speech takes a thousandth of the audio's length: not long, but too long for a thread of calls.
        let (audio, windows) = tokio::task::spawn_blocking(move || {
            let windows = windows::plan(&audio);
            (audio, windows)
        })
        .await
        .map_err(|_| SpeechError::Closed)?;
        // All windows are in the queue at once, so several workers can hear one recording.
        let mut answers = Vec::with_capacity(windows.len());
        for window in &windows {
            answers.push(self.pool.shared.put(Priority::Batch, window.cut(&audio), listen.clone())?);
        }
        let mut parts = Vec::with_capacity(windows.len());
        for (window, answer) in windows.iter().zip(answers) {
            parts.push(window.place(answer.await.map_err(|_| SpeechError::Closed)??));
        }
        Ok(windows::join(parts))
    }
}

/// A live turn at work, or waiting for a worker. Dropped, it is not begun any more.
#[derive(Debug)]
pub struct BeingHeard {
    answer: oneshot::Receiver<Result<Transcript, SpeechError>>,
    vocabulary: Option<Arc<Vocabulary>>,
    deadline: Duration,
}

impl BeingHeard {
    /// Waits for the words, as [`Ears::hear`] does; the deadline counts from now.
    pub async fn heard(self) -> Result<Transcript, SpeechError> {
        match tokio::time::timeout(self.deadline, self.answer).await {
            Ok(answer) => Ok(mended(answer.map_err(|_| SpeechError::Closed)??, self.vocabulary)),
            Err(_) => Err(SpeechError::HearingTimeout { limit_ms: self.deadline.as_millis() as u64 }),
        }
    }
}

fn mended(heard: Transcript, vocabulary: Option<Arc<Vocabulary>>) -> Transcript {
    match vocabulary {
        Some(vocabulary) => heard.repaired(&vocabulary),
        None => heard,
    }
}

impl std::fmt::Debug for Ears {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Ears").field("options", &self.pool.options).finish_non_exhaustive()
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        {
            let mut queue = self.shared.lock();
            queue.closed = true;
            queue.live.clear();
            queue.batch.clear();
        }
        self.shared.changed.notify_all();
        // Threads are not waited for: one may be in the middle of seconds of work, and it holds nothing but memory.
        self.threads.clear();
    }
}

/// A recording's place among those that wait; given back when it is done or given up.
struct Place<'a>(&'a Shared);

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.lock().recordings -= 1;
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Queue> {
        // No code that can panic runs under the lock.
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn admit(&self, limit: usize) -> Result<Place<'_>, SpeechError> {
        let mut queue = self.lock();
        if queue.recordings >= limit {
            return Err(SpeechError::QueueFull { waiting: queue.recordings });
        }
        queue.recordings += 1;
        Ok(Place(self))
    }

    fn put(
        &self,
        priority: Priority,
        audio: Pcm,
        listen: Listen,
    ) -> Result<oneshot::Receiver<Result<Transcript, SpeechError>>, SpeechError> {
        let (answer, receiver) = oneshot::channel();
        let job = Job { audio, listen, answer };
        let mut queue = self.lock();
        if queue.closed {
            return Err(SpeechError::Closed);
        }
        match priority {
            Priority::Live => queue.live.push_back(job),
            Priority::Batch => queue.batch.push_back(job),
        }
        drop(queue);
        // A worker that may not take batch work could be the one that wakes, hence all.
        self.changed.notify_all();
        Ok(receiver)
    }

    fn put_ahead(&self, audio: Pcm, listen: Listen) -> Option<oneshot::Receiver<Result<Transcript, SpeechError>>> {
        let (answer, receiver) = oneshot::channel();
        let mut queue = self.lock();
        if queue.closed || !queue.live.is_empty() || queue.busy * 2 >= self.workers {
            return None;
        }
        queue.live.push_back(Job { audio, listen, answer });
        drop(queue);
        self.changed.notify_all();
        Some(receiver)
    }

    fn work(&self) {
        while let Some((priority, job)) = self.take() {
            let threads = job.listen.threads;
            // Nobody waits for it any more: the caller hung up, or the deadline passed.
            if !job.answer.is_closed() {
                let heard = catch_unwind(AssertUnwindSafe(|| self.recogniser.transcribe(&job.audio, &job.listen)));
                let answer = heard.unwrap_or_else(|_| {
                    let reason = "it panicked; this is a bug, please report it".to_owned();
                    Err(SpeechError::RecognitionFailed { engine: "recogniser", reason })
                });
                // Nobody may wait by now, which is no error.
                let _ = job.answer.send(answer);
            }
            let mut queue = self.lock();
            queue.busy -= threads;
            if priority == Priority::Batch {
                queue.batch_running -= 1;
            }
            drop(queue);
            self.changed.notify_all();
        }
    }

    fn threads(&self, free: usize, waiting: usize, audio: &Pcm) -> usize {
        match self.recogniser.most_threads() {
            0 | 1 => 1,
            most => share(free, waiting, audio.duration_ms()).min(cores_at_leisure()).clamp(1, most),
        }
    }

    /// The next job, waiting for one; `None` when the pool is closed.
    fn take(&self) -> Option<(Priority, Job)> {
        let mut queue = self.lock();
        loop {
            if queue.closed {
                return None;
            }
            let free = self.workers - queue.busy;
            if free > 0
                && let Some(mut job) = queue.live.pop_front()
            {
                job.listen.threads = self.threads(free, queue.live.len(), &job.audio);
                queue.busy += job.listen.threads;
                return Some((Priority::Live, job));
            }
            if free > 0
                && queue.batch_running < self.batch_workers
                && let Some(mut job) = queue.batch.pop_front()
            {
                queue.batch_running += 1;
                queue.busy += 1;
                job.listen.threads = 1;
                return Some((Priority::Batch, job));
            }
            queue = self.changed.wait(queue).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

/// A longer turn leaves a worker to whoever speaks next: with all of them it would keep them waiting for half a second.
const LONG_MS: u32 = 10_000;

/// What a live turn may have of the free workers: its share with those who wait.
fn share(free: usize, waiting: usize, audio_ms: u32) -> usize {
    let ours = free / (waiting + 1);
    if audio_ms > LONG_MS { ours.min(free.saturating_sub(1)) } else { ours }
}

/// Cores on which nothing runs at this moment, that of the caller counted with them; 1 where the system does not say.
fn cores_at_leisure() -> usize {
    let running = std::fs::read_to_string("/proc/loadavg").ok().and_then(|load| running(&load));
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    running.map_or(1, |running| (cores + 1).saturating_sub(running))
}

/// Threads that run or want to, of `0.20 0.18 0.12 1/80 11206`.
fn running(load: &str) -> Option<usize> {
    load.split_whitespace().nth(3)?.split('/').next()?.parse().ok()
}

#[cfg(test)]
mod tests;
