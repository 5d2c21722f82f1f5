//! The stereo recording of a call, caller left, robot or operator right: one file from the first word to the last.
//!
//! Nothing of a call's sound is kept before the caller has heard that it is recorded. Until then a recording is silence, so
//! that its times are those of the call; if the caller never hears it, there is no file.
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

use crate::live::{Live, Sounding};
use crate::playback::Sound;

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
    End { id: u64, kept: bool, answer: Option<oneshot::Sender<Result<bool, WavError>>> },
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

    /// Begin a recording at `path`. Nothing is kept before [`Recording::notice_was_heard`].
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
            unheard: Some(0),
            rest: None,
            live: Live::default(),
            sounding: None,
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
    /// Samples that went by before the notice was heard; none once it was.
    unheard: Option<usize>,
    /// What is left of a notice that the caller has heard the beginning of.
    rest: Option<Sound>,
    /// Whose listeners hear what is kept.
    live: Live,
    sounding: Option<Sounding>,
    ended: bool,
}

impl Recording {
    /// Whoever listens to this call hears what is kept of it.
    pub fn heard_by(mut self, live: Live) -> Recording {
        self.live = live;
        self
    }

    /// The caller knows that the call is recorded: what is pushed from now on is kept, and may be listened to.
    pub fn notice_was_heard(&mut self) {
        self.sounding.get_or_insert_with(|| self.live.sounds());
        if let Some(samples) = self.unheard.take().filter(|samples| *samples > 0) {
            self.jobs.send(Job::Silence { id: self.id, samples }).ok();
        }
    }

    /// The notice was broken off; whoever has the line next says the rest of it.
    pub(crate) fn breaks_off(&mut self, rest: Sound) {
        self.rest = Some(rest).filter(|rest| !rest.is_empty() && !self.is_on());
    }

    /// What is left of a notice that was broken off.
    pub(crate) fn rest_of_notice(&mut self) -> Option<Sound> {
        self.rest.take()
    }

    /// Is what is pushed kept?
    pub fn is_on(&self) -> bool {
        self.unheard.is_none()
    }

    /// One frame of both sides.
    pub fn push(&mut self, caller: &Frame, other: &Frame) {
        if let Some(unheard) = &mut self.unheard {
            *unheard += FRAME_SAMPLES;
            return;
        }
        if let Some(sounding) = &self.sounding {
            sounding.push(caller, other);
        }
        self.caller.extend_from_slice(caller);
        self.other.extend_from_slice(other);
        if self.caller.len() >= GATHERED {
            self.hand_over();
        }
    }

    /// End it; ready once everything is on the disk. False if there was nothing to be kept, and there is no file.
    ///
    /// # Errors
    ///
    /// [`WavError`] when something could not be written.
    pub async fn finish(mut self) -> Result<bool, WavError> {
        self.hand_over();
        self.ended = true;
        let (answer, ended) = oneshot::channel();
        self.jobs.send(Job::End { id: self.id, kept: self.is_on(), answer: Some(answer) }).ok();
        ended.await.unwrap_or(Ok(false))
    }

    fn hand_over(&mut self) {
        let samples = self.caller.len();
        if samples == 0 {
            return;
        }
        let job = if self.waiting.load(Ordering::Relaxed) > MOST_WAITING {
            self.caller.clear();
            self.other.clear();
            tracing::warn!(samples, "the disk is too slow for the recordings: a stretch of one is left silent");
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
            self.jobs.send(Job::End { id: self.id, kept: self.is_on(), answer: None }).ok();
        }
    }
}

/// A recording at its thread: being written, or what went wrong with it.
type Written = Result<Writer, WavError>;

/// Silence is written in pieces of this many samples.
const SILENCE: [i16; GATHERED] = [0; GATHERED];

fn write(jobs: &mpsc::Receiver<Job>, waiting: &AtomicUsize) {
    let mut recordings: HashMap<u64, (PathBuf, Written)> = HashMap::new();
    for job in jobs {
        match job {
            Job::Begin { id, path, answer } => {
                let result = Writer::create(&path, LINE_RATE, 2).map(|writer| {
                    recordings.insert(id, (path, Ok(writer)));
                });
                answer.send(result).ok();
            }
            Job::Sound { id, caller, other } => {
                waiting.fetch_sub(caller.len() + other.len(), Ordering::Relaxed);
                push(&mut recordings, id, &caller, &other);
            }
            Job::Silence { id, mut samples } => {
                while samples > 0 {
                    let piece = &SILENCE[..samples.min(GATHERED)];
                    push(&mut recordings, id, piece, piece);
                    samples -= piece.len();
                }
            }
            Job::End { id, kept, answer } => {
                let result = recordings.remove(&id).map_or(Ok(false), |(path, written)| end(&path, written, kept));
                match (answer, result) {
                    (Some(answer), result) => {
                        answer.send(result).ok();
                    }
                    (None, Err(error)) => tracing::error!(%error, "a recording could not be completed"),
                    (None, Ok(_)) => {}
                }
            }
        }
    }
}

/// Completes a file, or takes it away: nothing of a call whose caller did not hear the notice stays on the disk.
fn end(path: &Path, written: Written, kept: bool) -> Result<bool, WavError> {
    if kept {
        return written.and_then(Writer::finish).map(|()| true);
    }
    drop(written);
    match std::fs::remove_file(path) {
        Ok(()) => Ok(false),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(false),
        Err(source) => Err(WavError::Read { path: path.to_owned(), source }),
    }
}

fn push(recordings: &mut HashMap<u64, (PathBuf, Written)>, id: u64, caller: &[i16], other: &[i16]) {
    let Some((_, written)) = recordings.get_mut(&id) else { return };
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
            let mut recording = studio.record(&path).await.unwrap();
            recording.notice_was_heard();
            recordings.push((number, recording, path));
        }
        // An odd number of frames, so that something is left over at the end.
        for _ in 0..77 {
            for (number, recording, _) in &mut recordings {
                recording.push(&[*number; FRAME_SAMPLES], &[-*number; FRAME_SAMPLES]);
            }
        }
        for (number, recording, path) in recordings {
            assert!(recording.finish().await.unwrap());
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
        recording.notice_was_heard();
        recording.push(&[1; FRAME_SAMPLES], &[2; FRAME_SAMPLES]);
        drop(recording);
        // Jobs of one thread are done in order: once later ones are, the first is.
        for number in 0..THREADS {
            studio.record(&folder.path().join(format!("{number}.wav"))).await.unwrap().finish().await.unwrap();
        }
        assert_eq!(audio::wav::read(&path).unwrap().channels, [vec![1; FRAME_SAMPLES], vec![2; FRAME_SAMPLES]]);
    }

    #[tokio::test]
    async fn what_was_said_before_the_notice_is_silence_and_without_a_notice_there_is_no_file() {
        let folder = tempfile::tempdir().unwrap();
        let studio = Studio::start();
        let path = folder.path().join("told.wav");
        let mut recording = studio.record(&path).await.unwrap();
        // Longer than what is handed over at once.
        for _ in 0..130 {
            recording.push(&[1; FRAME_SAMPLES], &[2; FRAME_SAMPLES]);
        }
        assert!(!recording.is_on());
        recording.notice_was_heard();
        recording.notice_was_heard();
        recording.push(&[3; FRAME_SAMPLES], &[4; FRAME_SAMPLES]);
        assert!(recording.finish().await.unwrap());
        let read = audio::wav::read(&path).unwrap();
        for (channel, kept) in read.channels.iter().zip([3, 4]) {
            assert!(channel[..130 * FRAME_SAMPLES].iter().all(|sample| *sample == 0));
            assert_eq!(channel[130 * FRAME_SAMPLES..], [kept; FRAME_SAMPLES]);
        }

        let never = folder.path().join("never.wav");
        for finished in [true, false] {
            let mut recording = studio.record(&never).await.unwrap();
            recording.push(&[1; FRAME_SAMPLES], &[2; FRAME_SAMPLES]);
            assert!(never.exists());
            if finished {
                assert!(!recording.finish().await.unwrap());
            } else {
                drop(recording);
                for number in 0..THREADS {
                    let other = studio.record(&folder.path().join(format!("{number}.wav"))).await.unwrap();
                    other.finish().await.unwrap();
                }
            }
            assert!(!never.exists());
        }
    }

    #[tokio::test]
    async fn a_file_that_cannot_be_made_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        assert!(Studio::start().record(&folder.path().join("no/such/folder.wav")).await.is_err());
    }
}
