//! `gudok classify`: what calls were about.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;

use anyhow::{Context, Result, bail};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use session::meaning::own_words;
use session::tagging::Tagger;
use speech::recogniser::turns;
use understanding::category::{CallText, Turn, Verdict, Who, WordTime};
use understanding::profile::Profile;

use crate::cli::{Classify, Format};
use crate::clinics::Profiles;
use crate::commands::transcribe::{HeardRecording, ears, transcribe};
use crate::in_use;
use crate::output::List;
use crate::place::Place;
use crate::progress::Progress;

/// One line of the input: `turns` when the sides are known, else `text`.
#[derive(Deserialize)]
struct Line {
    id: Value,
    text: Option<String>,
    turns: Option<Vec<Turn>>,
    clinic: Option<String>,
    #[serde(default)]
    missed_call: bool,
}

pub async fn run(args: &Classify, place: &Place) -> Result<()> {
    let profiles = Profiles::load(&args.clinic)?;
    let (classifier, _) = in_use::classifier(place, args.model.as_deref())?;
    let tagger = in_use::tagger_with(place, classifier);
    let (lines, recordings): (Vec<_>, Vec<_>) = args
        .files
        .iter()
        .partition(|file| file.as_os_str() == "-" || file.extension().is_some_and(|ending| ending == "jsonl"));
    for file in lines {
        jsonl(file, &tagger, &profiles)?;
    }
    if recordings.is_empty() {
        return Ok(());
    }
    let ears = ears(args.engine, place)?;
    let profile = profiles.of(None)?;
    let mut list = List::new(&[
        ("file", "recording"),
        ("label", "category"),
        ("confidence", "confidence"),
        ("review", "review"),
        ("evidence", "words that decided"),
    ]);
    let vocabulary = profile.map(own_words);
    let mut failed = 0;
    let mut whole = Vec::new();
    let mut progress = Progress::new("распознавание", recordings.len());
    for file in &recordings {
        match transcribe(file, &ears, vocabulary.clone()).await {
            Ok(heard) => {
                let said = said(&heard, 0);
                let verdict = said.judge(&tagger, profile);
                let mut object = Map::from_iter([("file".to_owned(), json!(file.display().to_string()))]);
                object.extend(told(&verdict)?);
                object.insert("turns".into(), serde_json::to_value(&said.text.turns)?);
                whole.push(Value::Object(object));
                list.row([
                    json!(file.display().to_string()),
                    json!(verdict.label),
                    json!(rounded(verdict.confidence)),
                    json!(verdict.review),
                    json!(words(&verdict)),
                ]);
            }
            Err(error) => {
                failed += 1;
                eprintln!("{error:#}");
            }
        }
        progress.step();
    }
    progress.done();
    match args.format {
        Format::Json => writeln!(std::io::stdout(), "{}", serde_json::to_string_pretty(&whole)?)?,
        other => list.print(other)?,
    }
    if failed > 0 {
        bail!("{failed} of {} recordings could not be heard", recordings.len());
    }
    Ok(())
}

/// Lines in, lines out, in the same order; a bad line is answered with its error.
fn jsonl(file: &Path, tagger: &Tagger, profiles: &Profiles) -> Result<()> {
    let input: Box<dyn BufRead> = if file.as_os_str() == "-" {
        Box::new(std::io::stdin().lock())
    } else {
        let opened = std::fs::File::open(file).with_context(|| format!("{}: cannot be read", file.display()))?;
        Box::new(BufReader::new(opened))
    };
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    let mut bad = 0;
    for (number, line) in input.lines().enumerate() {
        let line = line.with_context(|| format!("{}: cannot be read", file.display()))?;
        if line.trim().is_empty() {
            continue;
        }
        let answer = answer(&line, tagger, profiles).unwrap_or_else(|error| {
            bad += 1;
            eprintln!("{}, line {}: {error:#}", file.display(), number + 1);
            json!({ "line": number + 1, "error": format!("{error:#}") })
        });
        serde_json::to_writer(&mut out, &answer)?;
        out.write_all(b"\n")?;
    }
    out.flush()?;
    if bad > 0 {
        bail!("{}: {bad} lines could not be judged; each needs `id`, and `text` or `turns`", file.display());
    }
    Ok(())
}

fn answer(line: &str, tagger: &Tagger, profiles: &Profiles) -> Result<Value> {
    let line: Line = serde_json::from_str(line)?;
    let call = match (line.turns, line.text) {
        (Some(turns), _) if !turns.is_empty() => CallText { turns, missed_call: line.missed_call },
        (_, Some(text)) => CallText { missed_call: line.missed_call, ..CallText::of(&text) },
        _ => bail!("the line has neither `text` nor `turns`"),
    };
    let verdict = judge(tagger, &call, profiles.of_or_none(line.clinic.as_deref()));
    let mut object = Map::from_iter([("id".to_owned(), line.id)]);
    object.extend(told(&verdict)?);
    Ok(Value::Object(object))
}

/// With the clinic's own categories, where the clinic is known.
fn judge(tagger: &Tagger, call: &CallText, profile: Option<&Profile>) -> Verdict {
    match profile {
        Some(profile) => tagger.judge(call, profile),
        None => tagger.classifier().classify(call, None),
    }
}

/// A verdict for programs. Evidence has its seconds in the audio where they are known.
fn told(verdict: &Verdict) -> Result<Map<String, Value>> {
    let mut object = Map::new();
    object.insert("label".into(), json!(verdict.label));
    object.insert("confidence".into(), json!(verdict.confidence));
    let scores = verdict.scores.iter().map(|(label, score)| (label.clone(), json!(score)));
    object.insert("scores".into(), Value::Object(scores.collect()));
    object.insert("evidence".into(), serde_json::to_value(&verdict.evidence)?);
    object.insert("review".into(), json!(verdict.review));
    Ok(object)
}

/// A heard recording as a conversation.
pub struct Said {
    /// The turns.
    pub text: CallText,
    /// When each word of each turn was said.
    words: Vec<Vec<WordTime>>,
}

impl Said {
    /// What it was about, with the seconds of the words that decided.
    pub fn judge(&self, tagger: &Tagger, profile: Option<&Profile>) -> Verdict {
        let mut verdict = judge(tagger, &self.text, profile);
        verdict.place(&self.text, &self.words);
        verdict
    }
}

/// A heard recording as a conversation: on a stereo one the sides are known.
pub fn said(heard: &HeardRecording, caller_channel: usize) -> Said {
    let stereo = heard.channels.len() > 1;
    let merged = turns::merge(&heard.channels);
    let mut words = vec![Vec::new(); merged.len()];
    for (channel, transcript) in heard.channels.iter().enumerate() {
        for word in &transcript.words {
            // The last turn of that side that had begun by the middle of the word.
            let middle = word.start_ms.midpoint(word.end_ms);
            let turn = merged.iter().rposition(|turn| turn.channel == channel && turn.start_ms <= middle);
            let Some(turn) = turn.or_else(|| merged.iter().position(|turn| turn.channel == channel)) else { continue };
            let (text, start_ms, end_ms) = (word.text.clone(), word.start_ms.into(), word.end_ms.into());
            words[turn].push(WordTime { text, start_ms, end_ms });
        }
    }
    let turns = merged.into_iter().map(|turn| Turn {
        who: match (stereo, turn.channel == caller_channel) {
            (false, _) => Who::Unknown,
            (true, true) => Who::Caller,
            (true, false) => Who::Agent,
        },
        text: turn.text,
        start_ms: turn.start_ms.into(),
        end_ms: turn.end_ms.into(),
    });
    Said { text: CallText { turns: turns.collect(), missed_call: false }, words }
}

/// The words that decided, shortly.
pub fn words(verdict: &Verdict) -> String {
    let words: Vec<&str> = verdict.evidence.iter().take(3).map(|found| found.text.as_str()).collect();
    words.join(" · ")
}

/// Two decimals, for people.
pub fn rounded(value: f32) -> f64 {
    (f64::from(value) * 100.0).round() / 100.0
}
