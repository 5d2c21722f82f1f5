//! Labelled calls: reading them, and splitting them by scenario so that wordings of one story never stand on both sides.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use thiserror::Error;

use super::corrections::is_frozen;
use super::{CallText, Turn};
use crate::profile::{Kind, Profile};

/// Why a corpus could not be read.
#[derive(Debug, Error)]
pub enum CorpusError {
    /// A file or folder could not be read.
    #[error("cannot read {0}: {1}")]
    Unreadable(PathBuf, std::io::Error),
    /// A line is not as the format wants it.
    #[error(
        "{0}:{1}: {2}; a line is {{\"id\", \"scenario\", \"clinic\", \"label\", \"turns\": [{{\"who\", \"text\"}}]}}"
    )]
    BadLine(PathBuf, usize, String),
    /// A call names a clinic that no `clinics*.jsonl` has.
    #[error("call `{0}` is of clinic `{1}`, which no clinics*.jsonl describes; add it there")]
    UnknownClinic(String, String),
    /// There is nothing to learn from.
    #[error("{0} holds no labelled calls (*.jsonl)")]
    Empty(PathBuf),
}

/// A labelled call.
#[derive(Debug, Clone)]
pub struct LabelledCall {
    /// Unique in the corpus.
    pub id: String,
    /// The story it tells; wordings of one story share it.
    pub scenario: String,
    /// Index into [`Corpus::clinics`].
    pub clinic: usize,
    /// Category id.
    pub label: String,
    /// What was said.
    pub call: CallText,
    /// Whether a person of the clinic corrected a model's verdict on it.
    pub corrected: bool,
}

/// Labelled calls and the clinics they were made to.
#[derive(Debug, Clone, Default)]
pub struct Corpus {
    /// Clinics with what they offer.
    pub clinics: Vec<Profile>,
    /// Calls, ordered by file and line.
    pub calls: Vec<LabelledCall>,
    /// FNV-1a over all lines, hexadecimal.
    pub hash: String,
}

impl Corpus {
    /// Reads every `*.jsonl` under a folder; files named `clinics*` describe clinics.
    pub fn load(dir: &Path) -> Result<Self, CorpusError> {
        let mut files = Vec::new();
        list(dir, &mut files)?;
        files.sort();
        let (clinics, calls): (Vec<_>, Vec<_>) =
            files.into_iter().partition(|p| p.file_name().is_some_and(|n| n.to_string_lossy().starts_with("clinics")));
        let mut corpus = Self::default();
        let mut hash = 0xcbf2_9ce4_8422_2325_u64;
        for path in clinics {
            for line in lines::<ClinicLine>(&path, &mut hash)? {
                let profile = Profile::new(&line.id, &line.name, line.kind, &line.services, &line.absent);
                corpus.clinics.push(profile);
            }
        }
        for path in calls {
            let calls = corpus.read_calls(&path, &mut hash)?;
            corpus.calls.extend(calls);
        }
        if corpus.calls.is_empty() {
            return Err(CorpusError::Empty(dir.to_owned()));
        }
        corpus.hash = format!("{hash:016x}");
        Ok(corpus)
    }

    /// Other calls to the same clinics, from one file.
    pub fn with_calls(&self, path: &Path) -> Result<Self, CorpusError> {
        let mut hash = 0xcbf2_9ce4_8422_2325_u64;
        let calls = self.read_calls(path, &mut hash)?;
        Ok(Self { clinics: self.clinics.clone(), calls, hash: format!("{hash:016x}") })
    }

    fn read_calls(&self, path: &Path, hash: &mut u64) -> Result<Vec<LabelledCall>, CorpusError> {
        let by_id: BTreeMap<&str, usize> = self.clinics.iter().enumerate().map(|(n, c)| (c.id.as_str(), n)).collect();
        let mut calls = Vec::new();
        for line in lines::<CallLine>(path, hash)? {
            let clinic = *by_id
                .get(line.clinic.as_str())
                .ok_or_else(|| CorpusError::UnknownClinic(line.id.clone(), line.clinic.clone()))?;
            let turns = match line.text {
                Some(text) if line.turns.is_empty() => CallText::of(&text).turns,
                _ => line.turns,
            };
            calls.push(LabelledCall {
                scenario: line.scenario.unwrap_or_else(|| line.id.clone()),
                id: line.id,
                clinic,
                label: line.label,
                call: CallText { turns, missed_call: line.missed_call },
                corrected: false,
            });
        }
        Ok(calls)
    }

    /// The calls to learn from, and those no model is ever trained on ([`is_frozen`]).
    pub fn split_frozen(&self) -> (Self, Self) {
        let part = |frozen: bool| {
            let of = |c: &&LabelledCall| (!c.corrected && is_frozen(&c.scenario)) == frozen;
            Self { calls: self.calls.iter().filter(of).cloned().collect(), ..self.clone() }
        };
        (part(false), part(true))
    }

    /// The fold (0 to `folds`) of every call: scenarios are dealt out label by label in an order fixed by `seed`.
    pub fn folds(&self, folds: usize, seed: u64) -> Vec<usize> {
        let mut scenarios: Vec<(&str, u64, &str)> = Vec::new();
        let mut known: BTreeMap<&str, usize> = BTreeMap::new();
        for call in &self.calls {
            known.entry(&call.scenario).or_insert_with(|| {
                let key = call
                    .scenario
                    .bytes()
                    .fold(seed ^ 0xcbf2_9ce4_8422_2325, |h, b| (h ^ u64::from(b)).wrapping_mul(0x0100_0000_01b3));
                scenarios.push((&call.label, key ^ (key >> 29), &call.scenario));
                0
            });
        }
        scenarios.sort_unstable();
        for (dealt, (_, _, scenario)) in scenarios.iter().enumerate() {
            known.insert(scenario, dealt % folds);
        }
        self.calls.iter().map(|c| known[c.scenario.as_str()]).collect()
    }
}

#[derive(Deserialize)]
struct ClinicLine {
    id: String,
    name: String,
    kind: Kind,
    #[serde(default)]
    services: Vec<String>,
    #[serde(default)]
    absent: Vec<String>,
}

#[derive(Deserialize)]
struct CallLine {
    id: String,
    scenario: Option<String>,
    clinic: String,
    label: String,
    #[serde(default)]
    turns: Vec<Turn>,
    text: Option<String>,
    #[serde(default)]
    missed_call: bool,
}

fn list(dir: &Path, files: &mut Vec<PathBuf>) -> Result<(), CorpusError> {
    let unreadable = |e| CorpusError::Unreadable(dir.to_owned(), e);
    for entry in std::fs::read_dir(dir).map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        if path.is_dir() {
            list(&path, files)?;
        } else if path.extension().is_some_and(|e| e == "jsonl") {
            files.push(path);
        }
    }
    Ok(())
}

fn lines<T: for<'a> Deserialize<'a>>(path: &Path, hash: &mut u64) -> Result<Vec<T>, CorpusError> {
    let text = std::fs::read_to_string(path).map_err(|e| CorpusError::Unreadable(path.to_owned(), e))?;
    let mut out = Vec::new();
    for (number, line) in text.lines().enumerate().filter(|(_, l)| !l.trim().is_empty()) {
        *hash = line.bytes().fold(*hash, |h, b| (h ^ u64::from(b)).wrapping_mul(0x0100_0000_01b3));
        let parsed =
            serde_json::from_str(line).map_err(|e| CorpusError::BadLine(path.to_owned(), number + 1, e.to_string()))?;
        out.push(parsed);
    }
    Ok(out)
}
