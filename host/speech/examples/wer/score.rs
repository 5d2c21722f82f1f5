//! Error rates: one way of reading a text for both sides, whoever heard it.

use std::collections::HashMap;

use speech::spoken::read_aloud;

use super::{Outcome, Spoken};

/// What somebody heard in a recording.
#[derive(Debug, Clone)]
pub struct Heard {
    /// Length of the recording.
    pub audio_ms: u64,
    pub cpu_ms: u64,
    pub wall_ms: u64,
    pub text: String,
}

/// What was heard, by the recordings' names.
pub type Hearing = HashMap<String, Heard>;

/// Figures of one hearing.
#[derive(Debug, Clone, Copy, Default)]
pub struct Figures {
    pub recordings: usize,
    /// Per cent.
    pub wer: f64,
    /// Per cent.
    pub cer: f64,
    pub audio_s: f64,
    pub cpu_s: f64,
    /// CPU milliseconds of turns of 1.5 to 2.5 s: median, 95th percentile.
    pub turn_cpu_ms: [u64; 2],
    /// Their wall milliseconds.
    pub turn_wall_ms: [u64; 2],
}

pub fn read(path: &str) -> Outcome<Hearing> {
    let file = std::fs::read_to_string(path).map_err(|error| format!("{path}: {error}"))?;
    let mut hearing = Hearing::new();
    for line in file.lines() {
        let mut fields = line.splitn(5, '\t');
        let mut next = || fields.next().unwrap_or_default();
        let (name, audio, cpu, wall, text) = (next(), next(), next(), next(), next());
        let (Ok(audio_ms), Ok(cpu_ms), Ok(wall_ms)) = (audio.parse(), cpu.parse(), wall.parse()) else { continue };
        hearing.insert(name.into(), Heard { audio_ms, cpu_ms, wall_ms, text: text.into() });
    }
    if hearing.is_empty() { Err(format!("{path}: nothing was heard").into()) } else { Ok(hearing) }
}

/// Several hearings over the recordings that all of them have.
pub fn compare(transcripts: &[Spoken], hearings: &[Hearing]) -> Vec<Figures> {
    let common: Vec<&Spoken> =
        transcripts.iter().filter(|spoken| hearings.iter().all(|heard| heard.contains_key(&spoken.name))).collect();
    hearings.iter().map(|hearing| figures(&common, hearing)).collect()
}

fn figures(transcripts: &[&Spoken], hearing: &Hearing) -> Figures {
    let (mut words, mut characters) = (Rate::default(), Rate::default());
    let (mut cpu, mut wall) = (Vec::new(), Vec::new());
    let mut figures = Figures { recordings: transcripts.len(), ..Figures::default() };
    for spoken in transcripts {
        let Some(heard) = hearing.get(&spoken.name) else { continue };
        let (wanted, got) = (plain(&spoken.text), plain(&heard.text));
        words.add(&split(&wanted), &split(&got));
        characters.add(&wanted.chars().collect::<Vec<_>>(), &got.chars().collect::<Vec<_>>());
        figures.audio_s += heard.audio_ms as f64 / 1_000.0;
        figures.cpu_s += heard.cpu_ms as f64 / 1_000.0;
        if (1_500..2_500).contains(&heard.audio_ms) {
            cpu.push(heard.cpu_ms);
            wall.push(heard.wall_ms);
        }
    }
    (figures.wer, figures.cer) = (words.percent(), characters.percent());
    (figures.turn_cpu_ms, figures.turn_wall_ms) = (middle_and_tail(cpu), middle_and_tail(wall));
    figures
}

fn middle_and_tail(mut times: Vec<u64>) -> [u64; 2] {
    times.sort_unstable();
    [50, 95].map(|percent| {
        times.get((times.len() * percent / 100).min(times.len().saturating_sub(1))).copied().unwrap_or(0)
    })
}

/// `NAME=FILE`, several: a line of figures each, over the recordings that all of them have.
pub fn table(transcripts: &[Spoken], arguments: &[&str]) -> Outcome<()> {
    let (names, hearings) = named(arguments)?;
    for (name, f) in names.iter().zip(compare(transcripts, &hearings)) {
        println!(
            "{name}: {} recordings, {:.0} s: WER {:.1} %, CER {:.1} %, {:.1} CPU s; turn of about 2 s: CPU {} ms, p95 {}; wall {} ms, p95 {}",
            f.recordings,
            f.audio_s,
            f.wer,
            f.cer,
            f.cpu_s,
            f.turn_cpu_ms[0],
            f.turn_cpu_ms[1],
            f.turn_wall_ms[0],
            f.turn_wall_ms[1],
        );
    }
    Ok(())
}

fn named<'a>(arguments: &[&'a str]) -> Outcome<(Vec<&'a str>, Vec<Hearing>)> {
    let (mut names, mut hearings) = (Vec::new(), Vec::new());
    for argument in arguments {
        let (name, file) = argument.split_once('=').ok_or_else(|| format!("NAME=FILE was expected, not {argument}"))?;
        names.push(name);
        hearings.push(read(file)?);
    }
    Ok((names, hearings))
}

/// Words of a list, one a line; `#` begins a remark.
pub fn listed(path: &str) -> Outcome<Vec<String>> {
    let file = std::fs::read_to_string(path).map_err(|error| format!("{path}: {error}"))?;
    Ok(file.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')).map(Into::into).collect())
}

/// Of the words in the transcripts that are forms of a listed word, how many stand in what was heard (as they were said, or
/// in another form of the same word), and how many forms of listed words were heard that nobody said.
pub fn words(transcripts: &[Spoken], list: &str, arguments: &[&str]) -> Outcome<()> {
    let stems: Vec<String> =
        listed(list)?.iter().flat_map(|line| split(&plain(line)).into_iter().map(stem).collect::<Vec<_>>()).collect();
    let listed = |word: &str| stems.iter().find(|stem| is_form(word, stem)).cloned();
    let (names, hearings) = named(arguments)?;
    for (name, hearing) in names.iter().zip(&hearings) {
        let (mut said, mut exact, mut any, mut false_alarms, mut others) = (0, 0, 0, 0, Rate::default());
        for spoken in transcripts {
            let Some(heard) = hearing.get(&spoken.name) else { continue };
            let (wanted, got) = (plain(&spoken.text), plain(&heard.text));
            let (wanted, got) = (split(&wanted), split(&got));
            let found: Vec<String> = got.iter().filter_map(|word| listed(word)).collect();
            let meant: Vec<String> = wanted.iter().filter_map(|word| listed(word)).collect();
            said += meant.len();
            exact += wanted.iter().filter(|word| listed(word).is_some() && got.contains(word)).count();
            any += meant.iter().filter(|stem| found.contains(stem)).count();
            false_alarms += found.iter().filter(|stem| !meant.contains(stem)).count();
            let rest = |words: &[&str]| {
                words.iter().filter(|word| listed(word).is_none()).map(|word| (*word).to_owned()).collect::<Vec<_>>()
            };
            others.add(&rest(&wanted), &rest(&got));
        }
        println!(
            "{name}: {said} words of the list were said: {exact} arrived as said ({:.1} % wrong), {any} in some form ({:.1} % lost); {false_alarms} that nobody said; WER of the rest {:.1} %",
            100.0 * (said - exact) as f64 / said.max(1) as f64,
            100.0 * (said - any) as f64 / said.max(1) as f64,
            others.percent(),
        );
    }
    Ok(())
}

/// A listed word without its ending.
fn stem(word: &str) -> String {
    let letters: Vec<char> = word.chars().collect();
    let vowels = letters.iter().rev().take_while(|c| "аеиоуыэюяьй".contains(**c)).count().min(2);
    let kept = if letters.len() > 4 { letters.len() - vowels } else { letters.len() };
    letters[..kept].iter().collect()
}

fn is_form(word: &str, stem: &str) -> bool {
    word.strip_prefix(stem).is_some_and(|ending| ending.chars().count() <= 3)
}

/// Lower case, ё as е, figures in words, letters alone: the same for everybody who is measured.
pub fn plain(text: &str) -> String {
    let letters: String = read_aloud(text)
        .to_lowercase()
        .chars()
        .map(|c| if c == 'ё' { 'е' } else { c })
        .map(|c| if c.is_alphanumeric() { c } else { ' ' })
        .collect();
    letters.split_whitespace().collect::<Vec<_>>().join(" ")
}

pub fn split(text: &str) -> Vec<&str> {
    text.split(' ').filter(|word| !word.is_empty()).collect()
}

#[derive(Default)]
struct Rate {
    errors: usize,
    length: usize,
}

impl Rate {
    /// Adds the edit distance (Levenshtein) of two sequences.
    fn add<T: PartialEq>(&mut self, wanted: &[T], got: &[T]) {
        self.errors += distance(wanted, got);
        self.length += wanted.len();
    }

    fn percent(&self) -> f64 {
        100.0 * self.errors as f64 / self.length.max(1) as f64
    }
}

/// Edit distance (Levenshtein) of two sequences.
pub fn distance<T: PartialEq>(wanted: &[T], got: &[T]) -> usize {
    let mut row: Vec<usize> = (0..=got.len()).collect();
    for (i, w) in wanted.iter().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], i + 1);
        for (j, g) in got.iter().enumerate() {
            let cost = diagonal + usize::from(w != g);
            diagonal = row[j + 1];
            row[j + 1] = cost.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[got.len()]
}
