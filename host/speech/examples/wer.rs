//! Word and character error rate of the recogniser on a folder of recordings.
//!
//! ```text
//! cargo run --example wer -- DIR TRANSCRIPTS live|recording [LIMIT] [PROMPT] [--save FOLDER]
//! ```
//!
//! `TRANSCRIPTS` has a line `name: text` for each `DIR/name.wav`. Every recording goes through a telephone line first;
//! `--save` leaves what came out of it in a folder, for another recogniser to hear the same.

use std::path::Path;
use std::time::Instant;

use speech::recogniser::{EngineChoice, open};
use speech::{Listen, Mode};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments: Vec<String> = std::env::args().skip(1).collect();
    let save = arguments.iter().position(|argument| argument == "--save").map(|at| arguments.split_off(at));
    let save = save.and_then(|option| option.into_iter().nth(1));
    let [directory, transcripts, mode, rest @ ..] = arguments.as_slice() else {
        return Err("usage: wer DIR TRANSCRIPTS live|recording [LIMIT] [PROMPT] [--save FOLDER]".into());
    };
    let mode = if mode == "live" { Mode::Live } else { Mode::Recording };
    let limit: usize = rest.first().map_or(Ok(usize::MAX), |n| n.parse())?;
    let listen = Listen { mode, hints: Vec::new(), prompt: rest.get(1).cloned() };
    let recogniser = open(&EngineChoice::default())?;

    let (mut words, mut characters) = (Rate::default(), Rate::default());
    let (mut heard, mut audio_ms, mut times) = (0, 0u64, Vec::new());
    let before = cpu_seconds();
    for line in std::fs::read_to_string(transcripts)?.lines() {
        let Some((name, text)) = line.split_once(": ") else { continue };
        let Ok(recording) = audio::wav::read(Path::new(directory).join(format!("{name}.wav"))) else { continue };
        if text.trim().is_empty() || text.starts_with('[') || heard == limit {
            continue;
        }
        let sound = audio::telephone(&recording.mono());
        if let Some(folder) = &save {
            audio::wav::write(Path::new(folder).join(format!("{name}.wav")), sound.rate, &[&sound.samples])?;
        }
        let started = Instant::now();
        let transcript = recogniser.transcribe(&sound, &listen)?;
        let took = started.elapsed().as_millis();
        let (wanted, got) = (plain(text), plain(&transcript.text));
        words.add(&wanted.split(' ').collect::<Vec<_>>(), &got.split(' ').collect::<Vec<_>>());
        characters.add(&wanted.chars().collect::<Vec<_>>(), &got.chars().collect::<Vec<_>>());
        println!("{took:5} ms {:4.2}  {wanted} | {got}", transcript.confidence);
        if (1_500..2_500).contains(&sound.duration_ms()) {
            times.push(took);
        }
        heard += 1;
        audio_ms += u64::from(sound.duration_ms());
    }
    times.sort_unstable();
    println!(
        "{}: {heard} recordings, {} s: WER {:.1} %, CER {:.1} %, {:.1} CPU s; median of turns of about 2 s: {} ms",
        recogniser.id(),
        audio_ms / 1000,
        words.percent(),
        characters.percent(),
        cpu_seconds() - before,
        times.get(times.len() / 2).copied().unwrap_or(0),
    );
    Ok(())
}

/// Lower case, ё as е, letters and figures alone.
fn plain(text: &str) -> String {
    let letters: String = text
        .to_lowercase()
        .chars()
        .map(|c| if c == 'ё' { 'е' } else { c })
        .map(|c| if c.is_alphanumeric() { c } else { ' ' })
        .collect();
    letters.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[derive(Default)]
struct Rate {
    errors: usize,
    length: usize,
}

impl Rate {
    /// Adds the edit distance (Levenshtein) of two sequences.
    fn add<T: PartialEq>(&mut self, wanted: &[T], got: &[T]) {
        let mut row: Vec<usize> = (0..=got.len()).collect();
        for (i, w) in wanted.iter().enumerate() {
            let mut diagonal = std::mem::replace(&mut row[0], i + 1);
            for (j, g) in got.iter().enumerate() {
                let cost = diagonal + usize::from(w != g);
                diagonal = row[j + 1];
                row[j + 1] = cost.min(diagonal + 1).min(row[j] + 1);
            }
        }
        self.errors += row[got.len()];
        self.length += wanted.len();
    }

    fn percent(&self) -> f64 {
        100.0 * self.errors as f64 / self.length.max(1) as f64
    }
}

/// User and system time of this process so far (Linux counts it in hundredths).
fn cpu_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or("").split_whitespace().collect();
    let ticks = |at: usize| fields.get(at).and_then(|f| f.parse::<f64>().ok()).unwrap_or(0.0);
    (ticks(11) + ticks(12)) / 100.0
}
