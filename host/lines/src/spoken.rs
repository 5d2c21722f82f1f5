//! A scripted caller on a telephone line: speaks when asked, over A-law at 8 kHz, and hears nothing else.

use std::collections::VecDeque;

use audio::Pcm;

use crate::caller::Caller;
use crate::door::{Door, FRAME_SAMPLES, LINE_RATE, Pace, Received};
use crate::script::{Act, Script};

/// How long a person takes before they answer, in frames of 20 ms.
const THINKING_FRAMES: usize = 20;
/// The hum of a quiet line, as a peak amplitude: no telephone is digitally silent.
const LINE_NOISE: i16 = 6;

/// Turns the caller's words into speech, once per text.
pub type CallerVoice = Box<dyn FnMut(&str) -> Result<Pcm, String> + Send>;

/// A simulated caller with a voice.
pub struct SpokenCaller {
    caller: Caller,
    voice: CallerVoice,
    pace: Pace,
    waiting: VecDeque<Received>,
    hangs_up: bool,
    noise: u32,
}

impl SpokenCaller {
    /// A caller who speaks the lines of `script` with `voice`.
    pub fn new(script: &Script, voice: CallerVoice, pace: Pace) -> Self {
        SpokenCaller {
            caller: Caller::new(script),
            voice,
            pace,
            waiting: VecDeque::new(),
            hangs_up: false,
            noise: 0x2545_F491,
        }
    }

    fn speak(&mut self, speech: &Pcm) {
        self.pause(THINKING_FRAMES);
        let line = audio::telephone(&speech.resampled(LINE_RATE));
        for chunk in line.samples.chunks(FRAME_SAMPLES) {
            let mut frame = Received::silence();
            frame.audio[..chunk.len()].copy_from_slice(chunk);
            self.waiting.push_back(frame);
        }
    }

    fn press(&mut self, digits: &str) {
        self.pause(THINKING_FRAMES);
        for digit in digits.chars() {
            let mut frame = Received::silence();
            frame.digits.push(digit);
            self.waiting.push_back(frame);
            self.pause(10);
        }
    }

    fn pause(&mut self, frames: usize) {
        self.waiting.extend(std::iter::repeat_with(Received::silence).take(frames));
    }

    /// A little line noise, from a xorshift generator so that every run is the same.
    fn hum(&mut self, frame: &mut Received) {
        for sample in &mut frame.audio {
            self.noise ^= self.noise << 13;
            self.noise ^= self.noise >> 17;
            self.noise ^= self.noise << 5;
            let span = u32::from(LINE_NOISE.unsigned_abs()) * 2 + 1;
            let noise = (self.noise % span) as i16 - LINE_NOISE;
            *sample = sample.saturating_add(noise);
        }
    }
}

impl Door for SpokenCaller {
    fn pace(&self) -> Pace {
        self.pace
    }

    fn receive(&mut self) -> Option<Received> {
        let mut frame = match self.waiting.pop_front() {
            Some(frame) => frame,
            None if self.hangs_up => return None,
            None => Received::silence(),
        };
        self.hum(&mut frame);
        Some(frame)
    }

    fn send(&mut self, _frame: &[i16; FRAME_SAMPLES]) {}

    fn question(&mut self, id: &str, _text: &str) {
        match self.caller.answer(id) {
            Act::Say(text) => match (self.voice)(&text) {
                Ok(speech) => self.speak(&speech),
                // A caller without a voice is a silent one; the question's own time-out deals with that.
                Err(_) => self.pause(1),
            },
            Act::Digits(digits) => self.press(&digits),
            Act::Silence => {}
            Act::HangUp => self.hangs_up = true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn speaks_when_asked_and_hangs_up() {
        let script = Script::toml("[[line]]\nsay='да'\n[[line]]\nhang_up=true", "t").unwrap();
        let voice: CallerVoice = Box::new(|_| Ok(Pcm { rate: 8_000, samples: vec![8_000; 1_600] }));
        let mut caller = SpokenCaller::new(&script, voice, Pace::Simulated);
        assert!(caller.receive().unwrap().audio.iter().all(|s| s.abs() <= LINE_NOISE));
        caller.question("q", "");
        let frames: Vec<_> = (0..THINKING_FRAMES + 10).map(|_| caller.receive().unwrap()).collect();
        assert!(frames[THINKING_FRAMES..].iter().any(|f| f.audio.iter().any(|s| s.abs() > 100)));
        caller.question("q2", "");
        assert!(caller.receive().is_none());
    }
}
