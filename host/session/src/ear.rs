//! Is the caller speaking? Voice activity, told from our own echo, quicker while we speak ourselves, and not computed where
//! a line is silent.

use std::collections::VecDeque;

use audio::vad::Vad;
use lines::{FRAME_SAMPLES, LINE_RATE};

use crate::echo::Echo;
use crate::voicing::Voicing;

type Frame = [i16; FRAME_SAMPLES];

/// A frame is silence when its power is under this (−48 dBFS), and near the line's own noise.
const SILENT: f32 = 130.0 * 130.0;
/// … or less than this many times the quietest the line has been of late (6 dB), whichever is less.
const OVER_NOISE: f32 = 4.0;
/// A voice that interrupts us is this many times louder than that (10 dB).
const LOUD: f32 = 10.0;
/// The least that counts as a line's noise: half a step of G.711.
const LEAST_NOISE: f32 = 16.0;
/// So many frames of silence or echo, and voice activity is no longer computed.
const SLEEPY: u32 = 15;
/// Frames before a sound that are heard after all: a word begins softly.
const LOOK_BACK: usize = 3;

/// Follows a caller's line.
pub(crate) struct Ear {
    vad: Vad,
    echo: Echo,
    voicing: Voicing,
    speech: bool,
    /// The quietest power of late; it creeps up, so that a line that became noisier is believed.
    noise: f32,
    /// Frames since anything but silence and echo was heard.
    idle: u32,
    before: VecDeque<Frame>,
}

impl Ear {
    pub(crate) fn new() -> Ear {
        Ear {
            vad: Vad::new(LINE_RATE),
            echo: Echo::new(),
            voicing: Voicing::new(),
            speech: false,
            noise: SILENT,
            idle: 0,
            before: VecDeque::with_capacity(LOOK_BACK),
        }
    }

    /// What the caller is sent now; it may come back.
    pub(crate) fn sent(&mut self, frame: &Frame) {
        self.echo.sent(frame);
    }

    /// Is the caller speaking, by the last frame?
    pub(crate) fn speech(&self) -> bool {
        self.speech
    }

    /// The next frame of the caller: is there speech of their own in it?
    pub(crate) fn hear(&mut self, frame: &Frame) -> bool {
        let level = power(frame);
        self.noise = level.max(LEAST_NOISE).min(self.noise * 1.01);
        let silent = level < SILENT && level < self.noise * OVER_NOISE;
        let echo = self.echo.heard(frame, level);
        // The detector must not learn our own voice: it hears nothing while only that is there.
        let heard = if echo { &SILENCE } else { frame };
        self.idle = if silent || echo { self.idle + 1 } else { 0 };
        if self.idle > SLEEPY && !self.vad.speech() {
            if self.before.len() == LOOK_BACK {
                self.before.pop_front();
            }
            self.before.push_back(*heard);
            self.voicing.hear(heard, false);
            self.speech = false;
            return false;
        }
        for earlier in std::mem::take(&mut self.before) {
            self.vad.push(&earlier);
        }
        let sure = self.vad.push(heard);
        let loud = !echo && level > SILENT && level > self.noise * LOUD;
        // Only over our own voice: where nobody is interrupted there is time to be sure.
        let quick = self.voicing.hear(heard, loud) && self.echo.possible();
        self.speech = sure || quick;
        self.speech
    }
}

const SILENCE: Frame = [0; FRAME_SAMPLES];

/// Mean square.
pub(crate) fn power(frame: &[i16]) -> f32 {
    let sum: i64 = frame.iter().map(|sample| i64::from(*sample) * i64::from(*sample)).sum();
    sum as f32 / frame.len().max(1) as f32
}
