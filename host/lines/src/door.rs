//! What every spoken door can do.

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

/// A spoken door: one caller, from answer to hang-up.
pub trait Door: Send {
    /// How fast to ask for frames.
    fn pace(&self) -> Pace;

    /// The next 20 ms from the caller; none once they have hung up.
    fn receive(&mut self) -> Option<Received>;

    /// The next 20 ms to the caller.
    fn send(&mut self, frame: &[i16; FRAME_SAMPLES]);

    /// A question begins to wait for its answer. A telephone has no use for this; a simulated caller speaks now.
    fn question(&mut self, _id: &str, _text: &str) {}
}
