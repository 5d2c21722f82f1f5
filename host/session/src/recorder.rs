//! The stereo recording of a call, caller left, robot or operator right: one file from the first word to the last.
//!
//! All recordings are written by two threads, so that no disk holds up the media and a thousand calls are not a thousand
//! threads. A call gathers half a second before it hands it over.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};

use audio::wav::{WavError, Writer};
use lines::{FRAME_SAMPLES, LINE_RATE};
use tokio::sync::oneshot;

type Frame = [i16; FRAME_SAMPLES];

/// Samples of a side that are handed over at once: half a second.
const GATHERED: usize = LINE_RATE as usize / 2;
/// Samples that may wait for a slow disk, of all calls together (256 MB); what comes on top is written as silence.
const MOST_WAITING: usize = 128 << 20;
const THREADS: usize = 2;

/// Writes every recording of the program. Cheap to clone; the threads end with the last recording.
#[derive(Clone)]
pub struct Studio {
    desks: Arc<[mpsc::Sender<Job>]>,
    waiting: Arc<AtomicUsize>,
    next: Arc<AtomicU64>,
}

enum Job {
    Begin { id: u64, path: PathBuf, answer: oneshot::Sender<Result<(), WavError>> },
    Sound { id: u64, caller: Vec<i16>, other: Vec<i16> },
    Silence { id: u64, samples: usize },
    End { id: u64, answer: Option<oneshot::Sender<Result<(), WavError>>> },
}

impl Studio {
    /// Start the threads.
    pub fn start() -> Studio {
        let waiting = Arc::<AtomicUsize>::default();
        let desks = (0..THREADS).map(|number| {
            let (jobs, received) = mpsc::channel();
            let waiting = Arc::clone(&waiting);
            let thread = std::thread::Builder::new().name(format!("recorder-{number}"));
            if let Err(error) = thread.spawn(move || write(&received, &waiting)) {
                tracing::error!(%error, "a recorder's thread could not be started");
            }
            jobs
        });
        Studio { desks: desks.collect(), waiting, next: Arc::default() }
    }

    /// Begin a recording at `path`.
    ///
    /// # Errors
    ///
    /// [`WavError`] when the file cannot be made.
    pub async fn record(&self, path: &Path) -> Result<Recording, WavError> {
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        let jobs = self.desks[(id % self.desks.len() as u64) as usize].clone();
        let (answer, begun) = oneshot::channel();
        jobs.send(Job::Begin { id, path: path.to_owned(), answer }).ok();
        let recording = Recording {
            id,
            jobs,
            waiting: Arc::clone(&self.waiting),
            caller: Vec::with_capacity(GATHERED),
            other: Vec::with_capacity(GATHERED),
            ended: false,
        };
        match begun.await {
            Ok(Ok(())) => Ok(recording),
            Ok(Err(error)) => Err(error),
            Err(_) => Err(no_thread(path)),
        }
    }
}

fn no_thread(path: &Path) -> WavError {
    WavError::Read { path: path.to_owned(), source: std::io::Error::other("the recorder's thread is gone") }
}

/// A recording in progress. Dropped unfinished, it is completed all the same.
pub struct Recording {
    id: u64,
    jobs: mpsc::Sender<Job>,
    waiting: Arc<AtomicUsize>,
    caller: Vec<i16>,
    other: Vec<i16>,
    ended: bool,
}

impl Recording {
    /// One frame of both sides.
    pub fn push(&mut self, caller: &Frame, other: &Frame) {
        self.caller.extend_from_slice(caller);
        self.other.extend_from_slice(other);
        if self.caller.len() >= GATHERED {
            self.hand_over();
        }
    }

    /// End it; ready once everything is on the disk.
    ///
    /// # Errors
    ///
    /// [`WavError`] when something could not be written.
    pub async fn finish(mut self) -> Result<(), WavError> {
        self.hand_over();
        self.ended = true;
        let (answer, ended) = oneshot::channel();
        self.jobs.send(Job::End { id: self.id, answer: Some(answer) }).ok();
        ended.await.unwrap_or(Ok(()))
    }

    fn hand_over(&mut self) {
        let samples = self.caller.len();
        if samples == 0 {
            return;
        }
        let job = if self.waiting.load(Ordering::Relaxed) > MOST_WAITING {
            self.caller.clear();
            self.other.clear();
            Job::Silence { id: self.id, samples }
        } else {
            self.waiting.fetch_add(2 * samples, Ordering::Relaxed);
            let caller = std::mem::replace(&mut self.caller, Vec::with_capacity(GATHERED));
            let other = std::mem::replace(&mut self.other, Vec::with_capacity(GATHERED));
            Job::Sound { id: self.id, caller, other }
        };
        self.jobs.send(job).ok();
    }
}

impl Drop for Recording {
    fn drop(&mut self) {
        if !self.ended {
            self.hand_over();
            self.jobs.send(Job::End { id: self.id, answer: None }).ok();
        }
    }
}

/// A recording at its thread: being written, or what went wrong with it.
type Written = Result<Writer, WavError>;

fn write(jobs: &mpsc::Receiver<Job>, waiting: &AtomicUsize) {
    let mut recordings: HashMap<u64, Written> = HashMap::new();
    for job in jobs {
        match job {
            Job::Begin { id, path, answer } => {
                let result = Writer::create(&path, LINE_RATE, 2).map(|writer| {
                    recordings.insert(id, Ok(writer));
                });
                answer.send(result).ok();
            }
            Job::Sound { id, caller, other } => {
                waiting.fetch_sub(caller.len() + other.len(), Ordering::Relaxed);
                push(&mut recordings, id, &caller, &other);
            }
            Job::Silence { id, samples } => {
                tracing::warn!(samples, "the disk is too slow for the recordings: a stretch of one is left silent");
                let silence = vec![0; samples];
                push(&mut recordings, id, &silence, &silence);
            }
            Job::End { id, answer } => {
                let result = recordings.remove(&id).map_or(Ok(()), |written| written.and_then(Writer::finish));
                match (answer, result) {
                    (Some(answer), result) => {
                        answer.send(result).ok();
                    }
                    (None, Err(error)) => tracing::error!(%error, "a recording could not be completed"),
                    (None, Ok(())) => {}
                }
            }
        }
    }
}

fn push(recordings: &mut HashMap<u64, Written>, id: u64, caller: &[i16], other: &[i16]) {
    let Some(written) = recordings.get_mut(&id) else { return };
    let Ok(writer) = written else { return };
    if let Err(error) = writer.push(&[caller, other]) {
        tracing::error!(%error, "a recording breaks off");
        *written = Err(error);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn many_recordings_at_once_keep_their_sides_apart() {
        let folder = tempfile::tempdir().unwrap();
        let studio = Studio::start();
        let mut recordings = Vec::new();
        for number in 0..40_i16 {
            let path = folder.path().join(format!("{number}.wav"));
            recordings.push((number, studio.record(&path).await.unwrap(), path));
        }
        // An odd number of frames, so that something is left over at the end.
        for _ in 0..77 {
            for (number, recording, _) in &mut recordings {
                recording.push(&[*number; FRAME_SAMPLES], &[-*number; FRAME_SAMPLES]);
            }
        }
        for (number, recording, path) in recordings {
            recording.finish().await.unwrap();
            let read = audio::wav::read(&path).unwrap();
            assert_eq!(read.channels[0], vec![number; 77 * FRAME_SAMPLES]);
            assert_eq!(read.channels[1], vec![-number; 77 * FRAME_SAMPLES]);
        }
        assert_eq!(studio.waiting.load(Ordering::Relaxed), 0);
    }

    #[tokio::test]
    async fn a_dropped_recording_is_complete() {
        let folder = tempfile::tempdir().unwrap();
        let studio = Studio::start();
        let path = folder.path().join("dropped.wav");
        let mut recording = studio.record(&path).await.unwrap();
        recording.push(&[1; FRAME_SAMPLES], &[2; FRAME_SAMPLES]);
        drop(recording);
        // Jobs of one thread are done in order: once later ones are, the first is.
        for number in 0..THREADS {
            studio.record(&folder.path().join(format!("{number}.wav"))).await.unwrap().finish().await.unwrap();
        }
        assert_eq!(audio::wav::read(&path).unwrap().channels, [vec![1; FRAME_SAMPLES], vec![2; FRAME_SAMPLES]]);
    }

    #[tokio::test]
    async fn a_file_that_cannot_be_made_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        assert!(Studio::start().record(&folder.path().join("no/such/folder.wav")).await.is_err());
    }
}
