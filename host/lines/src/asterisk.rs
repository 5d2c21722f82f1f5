//! What an Asterisk wrote down, made into calls: `queue_log`, call detail records and MixMonitor's files, one call for each
//! unique id. So a clinic can measure the exchange it has before it changes anything.
//!
//! `queue_log` tells of the queue to the second (waiting, talking, who, lost or not), the records tell of the rest (who called which
//! number when, and of calls that never came to a queue), a recording is found by the unique id in its name. Each is of use
//! alone; where two tell of one call, `queue_log` has the word on what became of it.
//!
//! What cannot be known from them stays unknown: hold is inside talk, after-call work is nowhere, and people's free time is known of those
//! only who log in to the queue (`ADDMEMBER`, `AGENTLOGIN`).
//!
//! A damaged line is one [`Problem`] and stops nothing.

mod cdr;
mod merge;
mod queue_log;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::recordings::ENDINGS;

/// Where an Asterisk's records lie. What is not given is not read.
#[derive(Debug, Clone, Default)]
pub struct Sources {
    /// `/var/log/asterisk/queue_log`, and the files it was rotated to.
    pub queue_logs: Vec<PathBuf>,
    /// `cdr-csv/Master.csv` or `cdr-custom/Master.csv`, and the files they were rotated to.
    pub cdrs: Vec<PathBuf>,
    /// MixMonitor's folder, with all folders in it.
    pub recordings: Option<PathBuf>,
    /// The records' times are UTC (`usegmtime=yes`), not the clinic's.
    pub cdr_in_utc: bool,
}

/// What was found.
#[derive(Debug, Default)]
pub struct Found {
    /// Calls, the earliest first.
    pub calls: Vec<AsteriskCall>,
    /// What people did, as far as it is known.
    pub spans: Vec<PersonSpan>,
    /// Recordings that belong to no call.
    pub stray_recordings: Vec<PathBuf>,
    /// Calls between extensions, which nobody counts.
    pub internal: usize,
    /// Lines and calls that had to be left out.
    pub problems: Vec<Problem>,
}

/// One call.
#[derive(Debug, Clone, PartialEq)]
pub struct AsteriskCall {
    /// Asterisk's id of the caller's channel.
    pub uniqueid: String,
    /// When it began.
    pub started: Timestamp,
    /// When it was over.
    pub ended: Timestamp,
    /// The clinic called.
    pub outgoing: bool,
    /// The other party's number, as the exchange wrote it.
    pub caller: Option<String>,
    /// The number that was called.
    pub line: Option<String>,
    /// Who answered, if it did not come to a queue.
    pub agent: Option<String>,
    /// When they did.
    pub answered: Option<Timestamp>,
    /// How long they talked, milliseconds.
    pub talk_ms: Option<i64>,
    /// What happened in the queue; empty for a call that never came to one.
    pub events: Vec<Happened>,
    /// The recording.
    pub recording: Option<PathBuf>,
}

/// What happened to a call in a queue, in the words of our own queues.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Happened {
    /// When.
    pub at: Timestamp,
    /// `joined`, `connected`, `talk_ended`, …
    pub kind: &'static str,
    /// Who.
    pub agent: Option<String>,
    /// In which queue.
    pub queue: Option<String>,
    /// A JSON object.
    pub data: String,
}

/// From when to when somebody did what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PersonSpan {
    /// Who.
    pub agent: String,
    /// From.
    pub from: Timestamp,
    /// Until.
    pub until: Timestamp,
    /// `ready`, `talking` or `paused`.
    pub state: &'static str,
    /// Of a pause.
    pub reason: Option<String>,
    /// The unique id of the call that was talked in.
    pub call: Option<String>,
}

/// Something that could not be used: where, what is wrong, what to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The file.
    pub file: String,
    /// The line in it, from 1; none when it is about the whole.
    pub line: Option<u64>,
    /// What is wrong.
    pub problem: String,
    /// What to do about it.
    pub mend: &'static str,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            Some(line) => write!(f, "{}:{line}: {}; {}", self.file, self.problem, self.mend),
            None => write!(f, "{}: {}; {}", self.file, self.problem, self.mend),
        }
    }
}

/// A file or a folder that cannot be read at all.
#[derive(Debug, thiserror::Error)]
#[error("{path}: cannot be read: {source}")]
pub struct Unreadable {
    path: String,
    source: std::io::Error,
}

/// Reads everything and makes calls of it.
///
/// # Errors
/// For a file or folder that cannot be read. What is wrong inside of one is in [`Found::problems`].
pub fn read(sources: &Sources, zone: &TimeZone) -> Result<Found, Unreadable> {
    let mut found = Found::default();
    let mut log = Vec::new();
    for path in &sources.queue_logs {
        let (lines, problems) = queue_log::parse(&path.display().to_string(), &text(path)?, zone);
        log.extend(lines);
        found.problems.extend(problems);
    }
    let cdr_zone = if sources.cdr_in_utc { TimeZone::UTC } else { zone.clone() };
    let mut rows = Vec::new();
    for path in &sources.cdrs {
        let (more, problems) = cdr::parse(&path.display().to_string(), &text(path)?, &cdr_zone);
        rows.extend(more);
        found.problems.extend(problems);
    }
    let recordings = match &sources.recordings {
        Some(dir) => recordings(dir)?,
        None => BTreeMap::new(),
    };
    merge::merge(log, rows, recordings, &mut found);
    Ok(found)
}

/// In whatever encoding; names are shown, never compared with anything but themselves.
fn text(path: &Path) -> Result<String, Unreadable> {
    let bytes = std::fs::read(path).map_err(|source| Unreadable { path: path.display().to_string(), source })?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// Recordings by their names, in this folder and those below.
fn recordings(dir: &Path) -> Result<BTreeMap<String, PathBuf>, Unreadable> {
    let failed = |source| Unreadable { path: dir.display().to_string(), source };
    let mut found = BTreeMap::new();
    for entry in std::fs::read_dir(dir).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        // A link may lead in a circle; folders are followed only as themselves.
        let kind = entry.file_type().map_err(failed)?;
        let path = entry.path();
        if kind.is_dir() {
            found.extend(recordings(&path)?);
        } else if path.extension().and_then(|ext| ext.to_str()).is_some_and(|ext| ENDINGS.contains(&ext)) {
            found.insert(entry.file_name().to_string_lossy().into_owned(), path);
        }
    }
    Ok(found)
}

/// A moment as Asterisk writes it: unix seconds with or without a part, or `2026-11-20 10:15:00` on the wall clock of `zone`.
fn moment(text: &str, zone: &TimeZone) -> Option<Timestamp> {
    if let Some(ms) = seconds(text) {
        return Timestamp::from_millisecond(ms).ok();
    }
    let local: jiff::civil::DateTime = text.trim().replacen(' ', "T", 1).parse().ok()?;
    local.to_zoned(zone.clone()).ok().map(|at| at.timestamp())
}

/// `12` or `12.25` seconds as milliseconds.
fn seconds(text: &str) -> Option<i64> {
    let (whole, part) = text.trim().split_once('.').unwrap_or((text.trim(), ""));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    // Eleven digits reach the year 5138.
    if whole.is_empty() || whole.len() > 11 || !digits(whole) || !digits(part) {
        return None;
    }
    let part: String = part.chars().chain("000".chars()).take(3).collect();
    Some(whole.parse::<i64>().ok()? * 1_000 + part.parse::<i64>().ok()?)
}
