//! `gudok transcribe`: recordings into text.

use std::io::Write;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use audio::wav::Recording;
use serde_json::{Value, json};
use speech::recogniser::{EngineChoice, EngineName, Listen, Mode, Transcript};
use speech::{Ears, EarsOptions, Priority, Recogniser, Vocabulary};

use crate::cli::{Engine, Format, Transcribe};
use crate::output::List;
use crate::place::Place;
use crate::progress::Progress;

pub async fn run(args: &Transcribe, place: &Place) -> Result<()> {
    let ears = ears(args.engine, place)?;
    let mut failed = 0;
    let mut rows = Vec::new();
    let mut progress = Progress::new("распознавание", args.files.len());
    for file in &args.files {
        let row = match transcribe(file, &ears, None).await {
            Ok(heard) => heard.json(file),
            Err(error) => {
                failed += 1;
                eprintln!("{error:#}");
                json!({ "file": file.display().to_string(), "error": format!("{error:#}") })
            }
        };
        progress.step();
        rows.push(row);
    }
    progress.done();
    print(args.format, &rows)?;
    if failed > 0 {
        bail!("{failed} of {} files could not be transcribed", args.files.len());
    }
    Ok(())
}

fn print(format: Format, rows: &[Value]) -> Result<()> {
    if format == Format::Json {
        let text = match rows {
            [one] => serde_json::to_string_pretty(one)?,
            several => serde_json::to_string_pretty(several)?,
        };
        writeln!(std::io::stdout(), "{text}")?;
        return Ok(());
    }
    let mut list = List::new(&[("file", "file"), ("text", "text")]);
    for row in rows {
        list.row([row["file"].clone(), row["text"].clone()]);
    }
    list.print(format)
}

/// What was heard on each channel of a recording.
pub struct HeardRecording {
    pub channels: Vec<Transcript>,
    pub duration_ms: u32,
}

impl HeardRecording {
    /// All segments in the order of time: `(channel, segment)`.
    pub fn segments(&self) -> Vec<(usize, &speech::Segment)> {
        let mut segments: Vec<(usize, &speech::Segment)> = self
            .channels
            .iter()
            .enumerate()
            .flat_map(|(channel, heard)| heard.segments.iter().map(move |segment| (channel, segment)))
            .collect();
        segments.sort_by_key(|(channel, segment)| (segment.start_ms, *channel));
        segments
    }

    /// Every word with its times, where the engine gives them.
    fn words(&self, stereo: bool) -> Vec<Value> {
        let words = |(channel, heard): (usize, &Transcript)| {
            let word = |word: &speech::recogniser::Word| {
                let mut object = json!({ "text": word.text, "start_ms": word.start_ms, "end_ms": word.end_ms,
                    "confidence": word.confidence });
                if stereo {
                    object["channel"] = json!(channel);
                }
                object
            };
            heard.words.iter().map(word).collect::<Vec<_>>()
        };
        let mut all: Vec<Value> = self.channels.iter().enumerate().flat_map(words).collect();
        all.sort_by_key(|word| word["start_ms"].as_u64());
        all
    }

    fn json(&self, file: &Path) -> Value {
        let stereo = self.channels.len() > 1;
        let segments: Vec<Value> = self
            .segments()
            .into_iter()
            .map(|(channel, segment)| {
                let mut object = json!({ "start_ms": segment.start_ms, "end_ms": segment.end_ms,
                    "text": segment.text, "confidence": segment.confidence });
                if stereo {
                    object["channel"] = json!(channel);
                }
                object
            })
            .collect();
        let text: Vec<&str> = self.segments().iter().map(|(_, segment)| segment.text.trim()).collect();
        let mut object = json!({ "file": file.display().to_string(), "text": text.join(" "),
            "duration_ms": self.duration_ms, "segments": segments });
        let words = self.words(stereo);
        if !words.is_empty() {
            object["words"] = Value::Array(words);
        }
        object
    }
}

/// Listen to one recording, each channel by itself; a clinic's own words are mended where they are given.
pub async fn transcribe(file: &Path, ears: &Ears, words: Option<Arc<Vocabulary>>) -> Result<HeardRecording> {
    let path = file.to_owned();
    let recording: Recording = tokio::task::spawn_blocking(move || audio::wav::read(&path)).await??;
    let mut waiting = Vec::new();
    for channel in 0..recording.channels.len() {
        let listen = Listen { mode: Mode::Recording, vocabulary: words.clone(), ..Listen::default() };
        let ears = ears.clone();
        let sound = recording.channel(channel);
        waiting.push(tokio::spawn(async move { ears.hear(sound, listen, Priority::Batch).await }));
    }
    let mut channels = Vec::new();
    for heard in waiting {
        channels.push(heard.await?.with_context(|| format!("{}: could not be heard", file.display()))?);
    }
    Ok(HeardRecording { channels, duration_ms: recording.duration_ms() })
}

/// The engine that is asked for, behind its pool of workers.
pub fn ears(engine: Engine, place: &Place) -> Result<Ears> {
    Ok(pool(recogniser(engine, place)?))
}

/// The engine itself.
pub fn recogniser(engine: Engine, place: &Place) -> Result<Arc<dyn Recogniser>> {
    let engine = match engine {
        Engine::Auto => EngineName::Auto,
        Engine::Whisper => EngineName::Whisper,
        Engine::Vosk => EngineName::Vosk,
    };
    let choice = EngineChoice { engine, models: place.models.clone(), model: None };
    Ok(speech::recogniser::open(&choice)?)
}

/// Its pool of workers.
pub fn pool(recogniser: Arc<dyn Recogniser>) -> Ears {
    // The calls of the command line are simulated: a busy machine makes them late, not deaf.
    let options = EarsOptions { live_deadline: Duration::from_secs(60), ..EarsOptions::default() };
    Ears::with_options(recogniser, options)
}
