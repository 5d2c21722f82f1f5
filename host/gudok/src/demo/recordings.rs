//! The twelve recordings: dialogues with two voices, through a telephone line, in a folder as a PBX leaves them.

use std::path::Path;

use anyhow::{Context, Result, ensure};
use audio::Pcm;
use jiff::civil::Date;
use serde::Deserialize;
use speech::voice::Mouth;

use crate::progress::Progress;

const CALLS: &str = include_str!("../../assets/demo/recordings.toml");
const RATE: u32 = 8_000;
/// Between two turns.
const PAUSE_MS: u32 = 600;

#[derive(Deserialize)]
struct File {
    call: Vec<Call>,
}

#[derive(Deserialize)]
struct Call {
    id: String,
    stereo: bool,
    wait: u32,
    acw: u32,
    turns: Vec<(String, String)>,
}

/// Record the dialogues into `folder`, with `calls.csv` beside them. What is there already is left alone.
pub fn record(mouth: &Mouth, folder: &Path, day: Date) -> Result<usize> {
    std::fs::create_dir_all(folder).with_context(|| format!("{}: cannot be made", folder.display()))?;
    let file: File = toml::from_str(CALLS).context("the demonstration's dialogues do not parse")?;
    let mut table = csv::Writer::from_path(folder.join("calls.csv"))?;
    table.write_record(["file", "id", "started", "agent", "wait_s", "acw_s"])?;
    let mut progress = Progress::new("озвучивание", file.call.len());
    for (number, call) in file.call.iter().enumerate() {
        let name = format!("{}.wav", call.id);
        let path = folder.join(&name);
        if !path.exists() {
            let (caller, agent) = speak(mouth, call)?;
            if call.stereo {
                audio::wav::write(&path, RATE, &[&caller.samples, &agent.samples])?;
            } else {
                audio::wav::write(&path, RATE, &[&audio::mix::mix(&[&caller.samples, &agent.samples])])?;
            }
        }
        let started = day.to_datetime(jiff::civil::Time::new(9 + i8::try_from(number % 10)?, 7, 0, 0)?);
        let row =
            [name, call.id.clone(), started.to_string(), "Ирина".into(), call.wait.to_string(), call.acw.to_string()];
        table.write_record(&row)?;
        progress.step();
    }
    progress.done();
    table.flush()?;
    Ok(file.call.len())
}

/// Both sides on one time line: while one speaks the other is silent.
fn speak(mouth: &Mouth, call: &Call) -> Result<(Pcm, Pcm)> {
    let (mut caller, mut agent) = (Pcm::new(RATE, Vec::new()), Pcm::new(RATE, Vec::new()));
    for (who, text) in &call.turns {
        ensure!(who == "caller" || who == "agent", "{}: `{who}` is neither caller nor agent", call.id);
        let mut sound = Pcm::new(RATE, Vec::new());
        for part in mouth.speak_parts(text) {
            sound.append(&mouth.speak(&part)?.resampled(RATE));
        }
        let line = audio::telephone(&sound);
        let silence = Pcm::silence(line.duration_ms() + PAUSE_MS, RATE);
        let (speaking, listening) = if who == "caller" { (&mut caller, &mut agent) } else { (&mut agent, &mut caller) };
        speaking.append(&line);
        speaking.append(&Pcm::silence(PAUSE_MS, RATE));
        listening.append(&silence);
    }
    let longest = caller.samples.len().max(agent.samples.len());
    caller.samples.resize(longest, 0);
    agent.samples.resize(longest, 0);
    Ok((caller, agent))
}
