//! The stereo recording of a call: caller left, robot right. A thread of its own, so that no disk holds up the media.

use std::path::Path;
use std::sync::mpsc;
use std::thread::JoinHandle;

use audio::wav::{WavError, Writer};
use lines::{FRAME_SAMPLES, LINE_RATE};

type Frame = [i16; FRAME_SAMPLES];

/// A recording in progress.
pub struct Recorder {
    frames: mpsc::Sender<(Frame, Frame)>,
    thread: JoinHandle<Result<(), WavError>>,
}

impl Recorder {
    /// Begin a recording at `path`.
    pub fn start(path: &Path) -> Result<Recorder, WavError> {
        let mut writer = Writer::create(path, LINE_RATE, 2)?;
        let (frames, received) = mpsc::channel::<(Frame, Frame)>();
        let thread = std::thread::spawn(move || {
            for (caller, robot) in received {
                writer.push(&[&caller, &robot])?;
            }
            writer.finish()
        });
        Ok(Recorder { frames, thread })
    }

    /// One frame of both sides.
    pub fn push(&self, caller: &Frame, robot: &Frame) {
        // The thread ends early only on a write error, which `finish` reports.
        self.frames.send((*caller, *robot)).ok();
    }

    /// End it; waits until everything is on the disk.
    pub fn finish(self) -> Result<(), WavError> {
        drop(self.frames);
        self.thread.join().unwrap_or(Ok(()))
    }
}
