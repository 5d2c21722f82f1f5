//! Who has answered a call of ours: a person or a machine? By how long they talk before they pause, and by the beep.
//!
//! A person says "алло" and waits; a machine tells its whole text and beeps. The bounds are those that answering-machine
//! detectors of PBXs ship with (greeting, silence after it), on 20 ms frames.

use audio::vad::Vad;
use lines::{Beat, FRAME_SAMPLES, LINE_RATE, Paced};
use session::Leg;
use tokio::sync::oneshot;

/// Speech longer than this without a pause is a recorded greeting.
const LONGEST_HELLO: u32 = 2_400;
/// Quiet for so long after speech: they wait for us.
const PAUSE: u32 = 700;
/// Nobody says anything for so long: a person who listens.
const PATIENCE: u32 = 3_500;
/// After so long a decision is made whatever is heard.
const LONGEST: u32 = 6_000;
/// A beep lasts at least so long.
const BEEP: u32 = 200;
/// Beeps of answering machines, hertz.
const BEEPS: std::ops::RangeInclusive<f32> = 400.0..=2_200.0;

/// Who answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answerer {
    /// Somebody who waits for us to speak.
    Person,
    /// A machine that is still talking.
    Machine,
    /// A machine that has just beeped: whatever is said now is recorded.
    Beep,
}

/// Listens to the first seconds of an answered call.
pub struct Greeting {
    vad: Vad,
    passed_ms: u32,
    speech_ms: u32,
    quiet_ms: u32,
    beep_ms: u32,
    spoke: bool,
}

impl Default for Greeting {
    fn default() -> Self {
        Greeting { vad: Vad::new(LINE_RATE), passed_ms: 0, speech_ms: 0, quiet_ms: 0, beep_ms: 0, spoke: false }
    }
}

impl Greeting {
    /// 20 ms of the other side; the verdict as soon as there is one.
    pub fn push(&mut self, frame: &[i16; FRAME_SAMPLES]) -> Option<Answerer> {
        self.passed_ms += audio::FRAME_MS;
        let speech = self.vad.push(frame);
        let tone = single_tone(frame);
        self.beep_ms = if tone { self.beep_ms + audio::FRAME_MS } else { 0 };
        if self.beep_ms >= BEEP {
            return Some(Answerer::Beep);
        }
        if speech && !tone {
            self.spoke = true;
            self.speech_ms += audio::FRAME_MS;
            self.quiet_ms = 0;
        } else {
            self.quiet_ms += audio::FRAME_MS;
        }
        if self.speech_ms >= LONGEST_HELLO {
            return Some(Answerer::Machine);
        }
        if self.spoke && self.quiet_ms >= PAUSE || !self.spoke && self.passed_ms >= PATIENCE {
            return Some(Answerer::Person);
        }
        (self.passed_ms >= LONGEST).then_some(Answerer::Machine)
    }
}

/// One pure tone of the kind that answering machines beep with: nearly all of the frame's energy in one frequency. Judged
/// by fitting `x[n] = c·x[n-1] - x[n-2]`, which a sine of any phase and level obeys exactly.
fn single_tone(frame: &[i16; FRAME_SAMPLES]) -> bool {
    let x: Vec<f32> = frame.iter().map(|sample| f32::from(*sample)).collect();
    let energy: f32 = x.iter().map(|v| v * v).sum();
    // Quieter than -40 dBFS is no beep.
    if energy < 320.0 * 320.0 * FRAME_SAMPLES as f32 / 2.0 {
        return false;
    }
    let (mut cross, mut middle) = (0.0, 0.0);
    for three in x.windows(3) {
        cross += (three[0] + three[2]) * three[1];
        middle += three[1] * three[1];
    }
    let c = cross / middle.max(1.0);
    let rest: f32 = x.windows(3).map(|three| (three[0] + three[2] - c * three[1]).powi(2)).sum();
    let frequency = (c / 2.0).clamp(-1.0, 1.0).acos() * LINE_RATE as f32 / std::f32::consts::TAU;
    BEEPS.contains(&frequency) && rest < energy * 0.02
}

/// Listening to a greeting, on the shared clock: the line is kept alive with silence meanwhile.
pub(super) struct Listening {
    leg: Option<Leg>,
    greeting: Greeting,
    /// Wait for the beep of a machine.
    for_beep: bool,
    machine: bool,
    left_ms: u32,
    done: Option<oneshot::Sender<(Leg, Option<Answerer>)>>,
}

/// A greeting that goes on for longer than this ends without a beep.
const LONGEST_GREETING: u32 = 40_000;

impl Listening {
    /// None for the answerer: they hung up.
    pub(super) fn new(leg: Leg, for_beep: bool) -> (Listening, oneshot::Receiver<(Leg, Option<Answerer>)>) {
        let (done, heard) = oneshot::channel();
        let greeting = Greeting::default();
        let left_ms = LONGEST_GREETING;
        (Listening { leg: Some(leg), greeting, for_beep, machine: false, left_ms, done: Some(done) }, heard)
    }

    fn over(&mut self, answerer: Option<Answerer>) -> Beat {
        if let (Some(leg), Some(done)) = (self.leg.take(), self.done.take()) {
            // Whoever asked may be gone; the line is dropped then, which hangs up.
            done.send((leg, answerer)).ok();
        }
        Beat::Over
    }
}

impl Paced for Listening {
    fn frame(&mut self) -> Beat {
        let Some(leg) = &mut self.leg else { return Beat::Over };
        let Some(received) = leg.door.receive() else { return self.over(None) };
        let silence = [0; FRAME_SAMPLES];
        leg.door.send(&silence);
        leg.at.0 += u64::from(audio::FRAME_MS);
        if let Some(recording) = &mut leg.recording {
            recording.push(&received.audio, &silence);
        }
        self.left_ms = self.left_ms.saturating_sub(audio::FRAME_MS);
        match self.greeting.push(&received.audio) {
            // What follows a machine's verdict is its beep, or nothing.
            Some(Answerer::Machine) if self.for_beep && self.left_ms > 0 => self.machine = true,
            Some(Answerer::Person) if self.machine && self.left_ms > 0 => {}
            Some(answerer) => {
                let answerer = if self.machine && answerer == Answerer::Person { Answerer::Machine } else { answerer };
                return self.over(Some(answerer));
            }
            None => {}
        }
        Beat::On
    }
}

#[cfg(test)]
mod tests {
    use audio::Pcm;

    use super::*;

    /// Something that voice activity takes for speech: harmonics of a gliding pitch, in syllables.
    fn speech(ms: u32) -> Pcm {
        let rate = LINE_RATE as f32;
        let mut phase = 0.0_f32;
        let samples = (0..ms * LINE_RATE / 1_000).map(|n| {
            let time = n as f32 / rate;
            phase += std::f32::consts::TAU * (130.0 + 25.0 * (time * 9.0).sin()) / rate;
            let voice: f32 = (1..14).map(|h| (phase * h as f32).sin() / h as f32).sum();
            let syllable = 0.55 + 0.45 * (time * std::f32::consts::TAU * 4.0).sin();
            (voice * syllable * 5_000.0) as i16
        });
        Pcm::new(LINE_RATE, samples.collect())
    }

    fn heard(sound: &Pcm) -> Option<(Answerer, u32)> {
        let mut greeting = Greeting::default();
        let mut padded = sound.samples.clone();
        padded.extend([0; 8_000]);
        for (n, frame) in padded.chunks_exact(FRAME_SAMPLES).enumerate() {
            let frame: &[i16; FRAME_SAMPLES] = frame.try_into().unwrap();
            if let Some(answerer) = greeting.push(frame) {
                return Some((answerer, n as u32 * audio::FRAME_MS));
            }
        }
        None
    }

    fn after(first: Pcm, then: &Pcm) -> Pcm {
        let mut sound = first;
        sound.append(then);
        sound
    }

    #[test]
    fn a_short_hello_and_a_pause_is_a_person() {
        let (answerer, at) = heard(&after(Pcm::silence(400, LINE_RATE), &speech(600))).unwrap();
        assert_eq!(answerer, Answerer::Person);
        assert!((1_500..2_300).contains(&at), "decided after {at} ms");
    }

    #[test]
    fn silence_is_a_person_who_listens() {
        let (answerer, at) = heard(&Pcm::silence(5_000, LINE_RATE)).unwrap();
        assert_eq!((answerer, at), (Answerer::Person, PATIENCE - audio::FRAME_MS));
    }

    #[test]
    fn a_long_text_is_a_machine_and_its_beep_is_heard() {
        assert_eq!(heard(&speech(5_000)).unwrap().0, Answerer::Machine);
        for hertz in [440.0, 1_000.0, 1_400.0] {
            let beep = audio::tone::sines(&[(hertz, -12.0)], 400, LINE_RATE);
            let beeped = heard(&after(speech(600), &beep)).unwrap();
            assert_eq!(beeped.0, Answerer::Beep, "{hertz} Hz");
        }
    }

    #[test]
    fn keys_and_speech_are_no_beep() {
        let key = audio::tone::dtmf('5', 300, LINE_RATE).unwrap();
        for sound in [key, speech(2_000)] {
            let frames = sound.samples.chunks_exact(FRAME_SAMPLES);
            let tones = frames.filter(|frame| single_tone((*frame).try_into().unwrap())).count();
            assert!(tones < 3, "{tones} frames of a beep");
        }
    }
}
