//! The sound that is heard: recordings through a telephone line in several conditions, phrases said by festival, and calls
//! put together from recordings. Made once and kept in a folder, so that everybody who is measured hears the same.

use std::path::Path;
use std::str::FromStr;
use std::time::Duration;

use audio::{Pcm, TELEPHONE_RATE, g711, mix, telephone, wav};
use media::Codec;
use media::playout::{Arrived, Delay, Playout, Sound};
use speech::voice::{Festival, Voice};

use super::{Outcome, Spoken};

/// What the line does beside its narrow band and A-law.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Condition {
    Clean,
    /// Decibels between voice and noise: pink noise and babble in turn.
    Noise(f32),
    /// Share of packets lost at random; our own playout conceals them.
    Loss(f64),
}

impl FromStr for Condition {
    type Err = String;

    fn from_str(name: &str) -> Result<Condition, String> {
        let number = |digits: &str| digits.parse::<f32>().map_err(|_| format!("{name}: a number was expected"));
        match (name, name.strip_prefix("noise"), name.strip_prefix("loss")) {
            ("clean", ..) => Ok(Condition::Clean),
            (_, Some(decibels), _) => Ok(Condition::Noise(number(decibels)?)),
            (_, _, Some(percent)) => Ok(Condition::Loss(f64::from(number(percent)?) / 100.0)),
            _ => Err(format!("there is no condition {name}: clean, noise15, loss3")),
        }
    }
}

/// Voices that babble together.
const BABBLERS: usize = 6;

pub fn through_a_line(sounds: &Path, spoken: &[Spoken], folder: &Path, condition: Condition) -> Outcome<()> {
    std::fs::create_dir_all(folder)?;
    let read = |name: &str| {
        wav::read(sounds.join(format!("{name}.wav"))).map(|recording| recording.mono().resampled(TELEPHONE_RATE))
    };
    // Long ones babble without a break.
    let mut voices: Vec<Pcm> = Vec::new();
    if matches!(condition, Condition::Noise(_)) {
        voices = spoken.iter().filter_map(|spoken| read(&spoken.name).ok()).collect();
        voices.sort_by_key(|voice| std::cmp::Reverse(voice.samples.len()));
        voices.truncate(BABBLERS);
    }
    for (number, Spoken { name, .. }) in spoken.iter().enumerate() {
        let Ok(clean) = read(name) else { continue };
        let mut random = Random(number as u64 + 1);
        let sound = match condition {
            Condition::Clean => telephone(&clean),
            Condition::Noise(decibels) => {
                let noise = if number % 2 == 0 {
                    pink(clean.samples.len(), &mut random)
                } else {
                    babble(&voices, clean.samples.len(), &mut random)
                };
                telephone(&noisy(&clean, noise, decibels))
            }
            Condition::Loss(share) => with_loss(&telephone(&clean), share, &mut random),
        };
        write(folder, name, &sound)?;
    }
    Ok(())
}

pub fn speak(spoken: &[Spoken], folder: &Path) -> Outcome<()> {
    std::fs::create_dir_all(folder)?;
    let voice = Festival::open()?;
    for Spoken { name, text } in spoken {
        let mut sound = Pcm::silence(300, TELEPHONE_RATE);
        let mut said = voice.synthesise(&speech::spoken::read_aloud(text))?.resampled(TELEPHONE_RATE);
        mix::normalise(&mut said.samples, -22.0);
        sound.append(&said);
        sound.append(&Pcm::silence(300, TELEPHONE_RATE));
        write(folder, name, &telephone(&sound))?;
    }
    Ok(())
}

/// Recordings in a call, half of them on either channel.
const TALK: usize = 16;
const PAUSE_MS: u32 = 700;

/// Calls in which two sides say recordings in turn; each channel is silent while the other speaks, as in life.
pub fn calls(folder: &Path, spoken: &[Spoken], out: &Path) -> Outcome<()> {
    std::fs::create_dir_all(out)?;
    let mut transcripts = String::new();
    let sentences: Vec<&Spoken> = spoken.iter().filter(|spoken| spoken.text.split_whitespace().count() > 2).collect();
    for (call, talk) in sentences.chunks_exact(TALK).enumerate() {
        let mut sides = [(); 2].map(|()| (Pcm::silence(PAUSE_MS, TELEPHONE_RATE), Vec::new()));
        for (turn, spoken) in talk.iter().enumerate() {
            let sound = wav::read(folder.join(format!("{}.wav", spoken.name)))?.mono();
            let silence = Pcm::silence(sound.duration_ms(), TELEPHONE_RATE);
            for (side, (channel, said)) in sides.iter_mut().enumerate() {
                let speaks = side == turn % 2;
                channel.append(if speaks { &sound } else { &silence });
                channel.append(&Pcm::silence(PAUSE_MS, TELEPHONE_RATE));
                said.extend(speaks.then_some(spoken.text.as_str()));
            }
        }
        for (side, (channel, said)) in sides.iter().enumerate() {
            let name = format!("call-{call:02}-{side}");
            write(out, &name, &telephone(channel))?;
            transcripts.push_str(&format!("{name}: {}\n", said.join(" ")));
        }
    }
    std::fs::write(out.join("transcripts.txt"), transcripts)?;
    Ok(())
}

fn write(folder: &Path, name: &str, sound: &Pcm) -> Outcome<()> {
    Ok(wav::write(folder.join(format!("{name}.wav")), sound.rate, &[&sound.samples])?)
}

/// Noise under a voice; levels are those of the whole recording.
fn noisy(clean: &Pcm, mut noise: Vec<i16>, decibels: f32) -> Pcm {
    // Headroom first: what is clipped is neither voice nor noise.
    let mut voice = clean.samples.clone();
    mix::normalise(&mut voice, -24.0);
    let change = mix::rms_dbfs(&voice) - decibels - mix::rms_dbfs(&noise);
    mix::gain(&mut noise, change);
    Pcm::new(clean.rate, mix::mix(&[&voice, &noise]))
}

/// Pink noise by the sum of filtered white noise (P. Kellet's coefficients, economy version).
fn pink(length: usize, random: &mut Random) -> Vec<i16> {
    let mut rows = [0.0f64; 3];
    (0..length)
        .map(|_| {
            let white = 2.0 * random.next() - 1.0;
            rows[0] = 0.997_65 * rows[0] + white * 0.099_046;
            rows[1] = 0.963_00 * rows[1] + white * 0.296_516_4;
            rows[2] = 0.570_00 * rows[2] + white * 1.052_691_3;
            ((rows.iter().sum::<f64>() + white * 0.184_8) * 2_000.0) as i16
        })
        .collect()
}

/// Several voices at once, each from a place of its own.
fn babble(voices: &[Pcm], length: usize, random: &mut Random) -> Vec<i16> {
    let parts: Vec<Vec<i16>> = voices
        .iter()
        .filter(|voice| !voice.samples.is_empty())
        .map(|voice| {
            let start = (random.next() * voice.samples.len() as f64) as usize;
            let mut part: Vec<i16> = voice.samples.iter().cycle().skip(start).take(length).copied().collect();
            mix::normalise(&mut part, -30.0);
            part
        })
        .collect();
    mix::mix(&parts.iter().map(Vec::as_slice).collect::<Vec<_>>())
}

/// Packets of 20 ms of A-law, some of which never come, through the playout of a call.
fn with_loss(sound: &Pcm, share: f64, random: &mut Random) -> Pcm {
    const PACKET: usize = 160;
    let mut playout = Playout::new(Delay::default());
    let mut heard = Vec::with_capacity(sound.samples.len());
    let packets = sound.samples.chunks(PACKET).count();
    // Two frames more than were sent: what waits in the playout.
    let mut chunks = sound.samples.chunks(PACKET);
    for number in 0..packets + 2 {
        let at = Duration::from_millis(20 * number as u64);
        if let Some(samples) = chunks.next().filter(|_| random.next() >= share) {
            let payload = g711::alaw_encode(samples);
            playout.insert(Arrived {
                sequence: number as u16,
                timestamp: (number * PACKET) as u32,
                sound: Sound::Coded(Codec::Pcma),
                payload: &payload,
                at,
            });
        }
        heard.extend_from_slice(&playout.frame(at));
    }
    Pcm::new(sound.rate, heard)
}

/// Numbers from 0 to 1 that are the same in every run (splitmix64).
struct Random(u64);

impl Random {
    fn next(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) >> 11) as f64 / (1u64 << 53) as f64
    }
}
