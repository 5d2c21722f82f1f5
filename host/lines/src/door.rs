//! What every spoken door can do.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

/// Samples a second on the line.
pub const LINE_RATE: u32 = 8_000;
/// Samples in one frame of 20 ms.
pub const FRAME_SAMPLES: usize = 160;

/// What came from the caller in one frame.
#[derive(Debug, Clone, PartialEq)]
pub struct Received {
    /// 20 ms of the caller's voice, 8 kHz.
    pub audio: [i16; FRAME_SAMPLES],
    /// Keys pressed during the frame.
    pub digits: Vec<char>,
}

impl Received {
    /// A frame in which nothing happens.
    pub fn silence() -> Self {
        Received { audio: [0; FRAME_SAMPLES], digits: Vec::new() }
    }
}

/// How fast frames are wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pace {
    /// One frame every 20 ms: a person is listening.
    RealTime,
    /// As fast as they can be handled: a simulated caller. Waiting for the machine (recognition, a flow that computes)
    /// still takes the time it takes, so that latencies are true.
    Simulated,
}

/// A spoken door: one caller, from answer to hang-up. A door that is dropped hangs its call up.
pub trait Door: Send {
    /// How fast to ask for frames.
    fn pace(&self) -> Pace;

    /// The next 20 ms from the caller; none once they have hung up.
    fn receive(&mut self) -> Option<Received>;

    /// The next 20 ms to the caller.
    fn send(&mut self, frame: &[i16; FRAME_SAMPLES]);

    /// A question begins to wait for its answer. A telephone has no use for this; a simulated caller speaks now.
    fn question(&mut self, _id: &str, _text: &str) {}

    /// Forget what was sent but not heard yet: the caller interrupted. For doors whose other end keeps a queue.
    fn flush(&mut self) {}

    /// The clock went on without us: so many frames are left out now, in both directions.
    fn skipped(&mut self, _frames: u64) {}

    /// Press these keys towards the other side.
    fn send_digits(&mut self, _digits: &str) {}

    /// Has the other side put us on hold? Its audio is silence then, and ours is not heard.
    fn held(&self) -> bool {
        false
    }

    /// What can be asked of the line besides sound; none where there is no line.
    fn line(&self) -> Option<Arc<dyn Line>> {
        None
    }

    /// How good the line has been so far; none where nothing measures it.
    fn quality(&self) -> Option<Quality> {
        None
    }
}

/// What a line does that takes its time.
pub trait Line: Send + Sync {
    /// Send the caller elsewhere and be done with the call (blind transfer).
    fn transfer(&self, to: &str) -> Pin<Box<dyn Future<Output = Moved> + Send>>;
}

/// How a blind transfer went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Moved {
    /// The line took it, and the other party answered or is being called.
    Accepted,
    /// The line refused; what it said.
    Refused(String),
    /// The line took it and never told how it went.
    NoWord,
    /// This line transfers nothing.
    Unsupported,
}

/// The line as it was measured (RFC 3550; the estimate by the E-model of ITU-T G.107).
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Quality {
    /// Packets received.
    pub received: u64,
    /// Packets that never came, or too late to be heard.
    pub lost: u64,
    /// Interarrival jitter, milliseconds.
    pub jitter_ms: f64,
    /// Round trip, milliseconds; none while no report told it.
    pub round_trip_ms: Option<f64>,
    /// Share of our packets the other side missed, 0 to 1; none while no report told it.
    pub lost_there: Option<f64>,
    /// Mean opinion score as estimated, 1 to 4.5.
    pub mos: f64,
}
