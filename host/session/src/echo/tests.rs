//! Human voices on both sides: what is told apart, and how soon. The recordings are Asterisk's Russian prompts.

use audio::{Pcm, g711, wav};
use lines::{FRAME_SAMPLES, LINE_RATE};

use crate::ear::Ear;

type Frame = [i16; FRAME_SAMPLES];

/// Voice over a prompt for this long stops it (`call::Config::barge_in_ms`).
const BARGE_IN_FRAMES: usize = 3;

fn voice(name: &str) -> Pcm {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../audio/tests/prompts");
    wav::read(format!("{folder}/{name}.wav")).unwrap().mono().resampled(LINE_RATE)
}

/// The robot's prompt, some five seconds of it.
fn prompt() -> Vec<i16> {
    let mut prompt = Vec::new();
    for name in ["vm-goodbye", "auth-thankyou", "vm-goodbye", "vm-goodbye", "auth-thankyou"] {
        prompt.extend(voice(name).samples);
        prompt.extend([0; 1_600]);
    }
    prompt
}

fn scaled(samples: &[i16], db: f32) -> Vec<i16> {
    let factor = 10.0_f32.powf(db / 20.0);
    samples.iter().map(|sample| (f32::from(*sample) * factor) as i16).collect()
}

/// A line: what is sent comes back `delay_ms` later and `loss_db` fainter, blurred by the room if asked, under a little
/// noise and through G.711.
struct Line {
    loss_db: f32,
    delay_ms: usize,
    room: bool,
}

impl Line {
    fn echo(&self, sent: &[i16]) -> Vec<i16> {
        let mut paths = vec![(0, 1.0_f32)];
        if self.room {
            // A loudspeaker's room: reflections at odd times, dying away.
            paths.extend([(13, -0.4), (37, 0.35), (71, 0.25), (118, -0.2), (203, 0.12), (330, 0.08)]);
        }
        let gain: f32 = 10.0_f32.powf(-self.loss_db / 20.0) / paths.iter().map(|(_, g)| g * g).sum::<f32>().sqrt();
        let delay = self.delay_ms * 8;
        (0..sent.len())
            .map(|at| {
                let sum: f32 = paths
                    .iter()
                    .filter_map(|(later, path)| Some(f32::from(*sent.get(at.checked_sub(delay + later)?)?) * path))
                    .sum();
                (sum * gain) as i16
            })
            .collect()
    }
}

fn hum(at: usize) -> i16 {
    // xorshift of the place: the same every time.
    let mut x = (at as u32).wrapping_mul(0x9e37_79b9) | 1;
    x ^= x << 13;
    x ^= x >> 17;
    x ^= x << 5;
    (x % 13) as i16 - 6
}

/// Frames in which the ear finds speech. `sent` is what the caller is sent, `from_caller` what they say themselves.
fn listen(sent: &[i16], line: Option<&Line>, from_caller: &[i16]) -> Vec<bool> {
    let echo = line.map(|line| line.echo(sent)).unwrap_or_default();
    let mut ear = Ear::new();
    let frames = sent.len().max(from_caller.len()) / FRAME_SAMPLES;
    (0..frames)
        .map(|number| {
            let at = number * FRAME_SAMPLES;
            let get = |samples: &[i16], at: usize| samples.get(at).copied().unwrap_or(0);
            let near: Frame = std::array::from_fn(|i| {
                get(&echo, at + i).saturating_add(get(from_caller, at + i)).saturating_add(hum(at + i))
            });
            let near = g711::alaw_decode(&g711::alaw_encode(&near));
            let speech = ear.hear(&near.try_into().unwrap());
            ear.sent(&std::array::from_fn(|i| get(sent, at + i)));
            speech
        })
        .collect()
}

/// The frame at which this much voice would have stopped a prompt, counted as the call core does: holes of 200 ms do not
/// break it.
fn stopped_at(speech: &[bool]) -> Option<usize> {
    let (mut voiced, mut hole) = (0, 0);
    for (frame, speech) in speech.iter().enumerate() {
        if *speech {
            voiced += 1;
            hole = 0;
            if voiced >= BARGE_IN_FRAMES {
                return Some(frame);
            }
        } else {
            hole += 1;
            if hole > 10 {
                voiced = 0;
            }
        }
    }
    None
}

#[test]
fn our_own_voice_never_stops_us() {
    let prompt = prompt();
    for room in [false, true] {
        for loss_db in [6.0, 9.0, 12.0, 16.0, 20.0] {
            for delay_ms in [20, 33, 60, 101, 150, 200] {
                let line = Line { loss_db, delay_ms, room };
                let heard = listen(&prompt, Some(&line), &[]);
                assert_eq!(stopped_at(&heard), None, "{loss_db} dB, {delay_ms} ms, room: {room}");
            }
        }
    }
}

/// When the caller begins, in samples, and the frame in which that is.
const BEGINS: usize = 3 * 8_000;

/// A caller who begins three seconds into the prompt. Their first loud sample is that of a vowel or a voiced consonant:
/// a breath or an «с» before it is no voice yet. `later` moves it within the frame.
fn caller(db: f32, later: usize) -> Vec<i16> {
    let voice = voice("conf-getpin");
    let loud = voice.samples.iter().position(|sample| sample.unsigned_abs() > 1_500).unwrap_or(0);
    let mut samples = vec![0; BEGINS + later];
    samples.extend(scaled(&voice.samples[loud..], db));
    samples
}

#[test]
fn a_caller_is_heard_over_the_echo() {
    let prompt = prompt();
    for room in [false, true] {
        for (loss_db, level_db) in [(6.0, 0.0), (9.0, 0.0), (12.0, -3.0), (16.0, -6.0), (20.0, -9.0)] {
            for delay_ms in [20, 33, 60, 101, 150, 200] {
                let line = Line { loss_db, delay_ms, room };
                let heard = listen(&prompt, Some(&line), &caller(level_db, 0));
                let stopped = stopped_at(&heard).map(|frame| (frame + 1) * 20 - BEGINS / 8);
                let place = format!("{loss_db} dB, {delay_ms} ms, room: {room}, caller {level_db} dB: {stopped:?}");
                assert!(stopped.is_some_and(|ms| ms <= 150), "{place}");
            }
        }
    }
}

#[test]
fn without_an_echo_a_caller_stops_the_prompt_within_150_ms_of_their_first_sample() {
    let prompt = prompt();
    for level_db in [0.0, -6.0, -12.0] {
        for later in [0, 40, 80, 120] {
            let heard = listen(&prompt, None, &caller(level_db, later));
            let stopped = stopped_at(&heard).map(|frame| (frame + 1) * 20 - (BEGINS + later) / 8);
            assert!(stopped.is_some_and(|ms| ms <= 150), "caller {level_db} dB, {later}: {stopped:?}");
        }
    }
}

#[test]
fn where_nothing_plays_speech_is_known_before_its_beginning_is_forgotten() {
    let heard = listen(&[], None, &caller(-12.0, 0));
    let first = heard.iter().position(|speech| *speech).map(|frame| (frame + 1) * 20 - BEGINS / 8);
    // Recognition gets the 500 ms before.
    assert!(first.is_some_and(|ms| ms <= 450), "{first:?}");
}

#[test]
fn clicks_and_noise_stop_nothing() {
    let prompt = prompt();
    let mut clicks = vec![0_i16; prompt.len()];
    for (number, place) in (4_000..clicks.len() - 400).step_by(3_000).enumerate() {
        // 1 to 30 ms, as loud as a line carries.
        for at in 0..8 * (1 + number % 30) {
            clicks[place + at] = if at % 5 < 3 { 14_000 } else { -14_000 };
        }
    }
    assert_eq!(stopped_at(&listen(&prompt, None, &clicks)), None);
    let line = Line { loss_db: 12.0, delay_ms: 80, room: false };
    assert_eq!(stopped_at(&listen(&prompt, Some(&line), &clicks)), None);
}
