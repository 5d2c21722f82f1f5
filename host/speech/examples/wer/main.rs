//! Word and character error rate of the recogniser on recordings with known words, and what it does to words.
//!
//! ```text
//! wer line SOUNDS TRANSCRIPTS FOLDER CONDITION     SOUNDS through a telephone line; CONDITION: clean, noise15, noise5 (decibels), loss3, loss10 (per cent)
//! wer speak TRANSCRIPTS FOLDER                     the transcripts said by festival, through a clean line
//! wer calls FOLDER TRANSCRIPTS OUT                 recordings put together to calls of two channels; transcripts in OUT/transcripts.txt
//! wer hear FOLDER TRANSCRIPTS live|recording [--prompt TEXT] [--words FILE] [--threads N]
//!                                                  hears every recording, one line each: name, audio, CPU and wall milliseconds, text
//! wer mend WORDS HEARD                             the same lines with near misses of a clinic's words mended
//! wer score TRANSCRIPTS NAME=HEARD..               error rates and times of what was heard, ours and others' alike
//! wer words TRANSCRIPTS WORDS NAME=HEARD..         how many of a clinic's own words arrived
//! wer gates GATES TABLE=HEARD,PEER,TRANSCRIPTS..   whether the figures are as good as they have been; exit 1 where not
//! wer damage TRANSCRIPTS HEARD..                   what became of words, as TOML
//! ```
//!
//! A file of transcripts has a line `name: text` for each `FOLDER/name.wav`; those without a recording are passed over.

mod damage;
mod gates;
mod score;
mod sound;

use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use speech::recogniser::{EngineChoice, open};
use speech::{Listen, Mode, Vocabulary};

type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

fn main() -> Outcome<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments.as_slice() {
        ["line", sounds, transcripts, folder, condition] => {
            let condition = condition.parse()?;
            sound::through_a_line(Path::new(sounds), &read_transcripts(transcripts)?, Path::new(folder), condition)
        }
        ["speak", transcripts, folder] => sound::speak(&read_transcripts(transcripts)?, Path::new(folder)),
        ["calls", folder, transcripts, out] => {
            sound::calls(Path::new(folder), &read_transcripts(transcripts)?, Path::new(out))
        }
        ["hear", folder, transcripts, mode @ ("live" | "recording"), options @ ..] => {
            let mode = if *mode == "live" { Mode::Live } else { Mode::Recording };
            hear(Path::new(folder), &read_transcripts(transcripts)?, &listen(mode, options)?)
        }
        ["mend", words, heard] => mend(words, heard),
        ["score", transcripts, heard @ ..] => score::table(&read_transcripts(transcripts)?, heard),
        ["words", transcripts, words, heard @ ..] => score::words(&read_transcripts(transcripts)?, words, heard),
        ["gates", file, compared @ ..] => gates::check(file, compared),
        ["damage", transcripts, heard @ ..] => damage::print(&read_transcripts(transcripts)?, heard),
        _ => {
            Err("usage: wer line|speak|calls|hear|mend|score|words|gates|damage ..; see the head of its source".into())
        }
    }
}

/// A recording's name and its words.
struct Spoken {
    name: String,
    text: String,
}

fn read_transcripts(path: &str) -> Outcome<Vec<Spoken>> {
    let file = std::fs::read_to_string(path).map_err(|error| format!("{path}: {error}"))?;
    let lines = file.lines().filter_map(|line| line.split_once(": "));
    // What stands in brackets describes a sound and is not said.
    let said = lines.filter(|(_, text)| !text.trim().is_empty() && !text.starts_with(['[', '<']));
    Ok(said.map(|(name, text)| Spoken { name: name.into(), text: text.into() }).collect())
}

fn listen(mode: Mode, options: &[&str]) -> Outcome<Listen> {
    let mut listen = Listen { mode, ..Listen::default() };
    for option in options.chunks(2) {
        match option {
            ["--prompt", text] => listen.prompt = Some((*text).into()),
            ["--words", file] => {
                listen.vocabulary = Some(Arc::new(vocabulary(file)?));
            }
            ["--threads", number] => listen.threads = number.parse()?,
            _ => return Err(format!("there is no option {option:?}").into()),
        }
    }
    Ok(listen)
}

fn vocabulary(file: &str) -> Outcome<Vocabulary> {
    let known = |word: &str| understanding::lexicon::vocabulary::knows(&understanding::normalise::stem(word));
    Ok(Vocabulary::new(score::listed(file)?, Arc::new(known)))
}

fn mend(words: &str, heard: &str) -> Outcome<()> {
    let vocabulary = vocabulary(words)?;
    for line in std::fs::read_to_string(heard)?.lines() {
        let (figures, text) = line.rsplit_once('\t').unwrap_or(("", line));
        println!("{figures}\t{}", vocabulary.repair(text));
    }
    Ok(())
}

fn hear(folder: &Path, transcripts: &[Spoken], listen: &Listen) -> Outcome<()> {
    let recogniser = open(&EngineChoice::default())?;
    for Spoken { name, .. } in transcripts {
        let Ok(recording) = audio::wav::read(folder.join(format!("{name}.wav"))) else { continue };
        let sound = recording.mono();
        let (started, before) = (Instant::now(), cpu_ms());
        let transcript = recogniser.transcribe(&sound, listen)?;
        println!(
            "{name}\t{}\t{}\t{}\t{}",
            sound.duration_ms(),
            cpu_ms() - before,
            started.elapsed().as_millis(),
            transcript.text.replace(['\t', '\n'], " ")
        );
    }
    Ok(())
}

/// User and system time of this process so far, milliseconds (Linux counts it in hundredths of a second).
fn cpu_ms() -> u64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or("").split_whitespace().collect();
    let ticks = |at: usize| fields.get(at).and_then(|field| field.parse::<u64>().ok()).unwrap_or(0);
    10 * (ticks(11) + ticks(12))
}
