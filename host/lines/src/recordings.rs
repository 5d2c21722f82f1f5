//! Calls that already happened: a folder of recordings from a PBX, with or without a table of what is known of them.
//!
//! The table is a CSV with a header; `,`, `;` and tab all separate. Known columns, in any order, all but `file` optional:
//!
//! | column | meaning |
//! |---|---|
//! | `file` | the recording, relative to the folder |
//! | `id` | the PBX's id of the call; without it the file's name is the id |
//! | `started` | `2026-11-20T10:15:00` in the clinic's zone, or with an offset (`+03:00`, `Z`) |
//! | `direction` | `in` (as without the column) or `out` |
//! | `caller`, `agent`, `line` | who called, who answered, which number was called |
//! | `answered` | `yes`/`no` (also `да`/`нет`, `1`/`0`); without it a recording counts as answered |
//! | `wait_s`, `talk_s`, `hold_s`, `acw_s` | seconds: waiting, talking, on hold, after-call work |
//! | `caller_channel` | `left` or `right`: where the caller is in a stereo recording (left, as without the column) |
//!
//! Without a table every audio file of the folder is a call; its start is read from the name
//! (`20261120-101500…`, as MixMonitor writes it), else from the file's time.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

/// File endings that are taken for recordings.
pub const ENDINGS: [&str; 4] = ["wav", "wave", "WAV", "Wav"];

/// Which side of a stereo recording the caller is on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Side {
    /// The first channel.
    #[default]
    Left,
    /// The second channel.
    Right,
}

/// One recording, and what is known of its call.
#[derive(Debug, Clone, PartialEq)]
pub struct RecordedCall {
    /// Where the audio is.
    pub path: PathBuf,
    /// The PBX's id, or the file's name: importing it twice makes one call.
    pub external_id: String,
    /// When it began.
    pub started: Timestamp,
    /// The clinic called the caller.
    pub outgoing: bool,
    /// The caller's number as the PBX wrote it.
    pub caller: Option<String>,
    /// Who answered.
    pub agent: Option<String>,
    /// The number that was called.
    pub line: Option<String>,
    /// Did a person answer?
    pub answered: bool,
    /// Milliseconds in the queue.
    pub wait_ms: Option<i64>,
    /// Milliseconds of talk; without it, the recording's length.
    pub talk_ms: Option<i64>,
    /// Milliseconds on hold.
    pub hold_ms: Option<i64>,
    /// Milliseconds of after-call work.
    pub acw_ms: Option<i64>,
    /// Where the caller is in a stereo recording.
    pub caller_side: Side,
}

/// What is wrong with a folder or its table.
#[derive(Debug, thiserror::Error)]
pub enum RecordingsError {
    /// The folder or the table cannot be read.
    #[error("{path}: cannot be read: {source}")]
    Read {
        /// Folder or table.
        path: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// Nothing to import.
    #[error("{0}: no recordings (.wav) in this folder")]
    Empty(String),
    /// The table has no `file` column.
    #[error("{path}: no column `file`; the header has: {found}")]
    NoFileColumn {
        /// The table.
        path: String,
        /// Its columns.
        found: String,
    },
    /// A column nobody knows.
    #[error("{path}: unknown column `{column}`; known are {known}")]
    UnknownColumn {
        /// The table.
        path: String,
        /// The column.
        column: String,
        /// What is known.
        known: String,
    },
    /// One row cannot be used.
    #[error("{path}, line {line}: {problem}")]
    Row {
        /// The table.
        path: String,
        /// Line in the file, from 1.
        line: u64,
        /// What is wrong and what is expected.
        problem: String,
    },
}

const COLUMNS: [&str; 13] = [
    "file",
    "id",
    "started",
    "direction",
    "caller",
    "agent",
    "line",
    "answered",
    "wait_s",
    "talk_s",
    "hold_s",
    "acw_s",
    "caller_channel",
];

/// What an import found: calls, and the rows that had to be left out. One bad row does not stop the others.
#[derive(Debug, Default)]
pub struct Found {
    /// Usable calls, in the order of the table or of their names.
    pub calls: Vec<RecordedCall>,
    /// Rows that could not be used.
    pub problems: Vec<RecordingsError>,
}

/// The recordings of a folder, in the order of their names.
pub fn folder(dir: &Path, zone: &TimeZone) -> Result<Found, RecordingsError> {
    let read = |source| RecordingsError::Read { path: dir.display().to_string(), source };
    let mut paths = Vec::new();
    for entry in std::fs::read_dir(dir).map_err(read)? {
        let path = entry.map_err(read)?.path();
        if path.extension().and_then(|ext| ext.to_str()).is_some_and(|ext| ENDINGS.contains(&ext)) {
            paths.push(path);
        }
    }
    if paths.is_empty() {
        return Err(RecordingsError::Empty(dir.display().to_string()));
    }
    paths.sort();
    let calls = paths.into_iter().map(|path| unknown(path, zone)).collect();
    Ok(Found { calls, problems: Vec::new() })
}

/// The recordings a table names. Paths are relative to `dir`.
pub fn table(table: &Path, dir: &Path, zone: &TimeZone) -> Result<Found, RecordingsError> {
    let path = table.display().to_string();
    let text = std::fs::read(table).map_err(|source| RecordingsError::Read { path: path.clone(), source })?;
    let text = String::from_utf8_lossy(&text);
    let text = text.trim_start_matches('\u{feff}');
    let mut reader = csv::ReaderBuilder::new()
        .delimiter(delimiter(text))
        .flexible(true)
        .trim(csv::Trim::All)
        .from_reader(text.as_bytes());
    let header: Vec<String> = match reader.headers() {
        Ok(header) => header.iter().map(str::to_lowercase).collect(),
        Err(error) => return Err(RecordingsError::Row { path, line: 1, problem: error.to_string() }),
    };
    if let Some(column) = header.iter().find(|column| !COLUMNS.contains(&column.as_str())) {
        return Err(RecordingsError::UnknownColumn { path, column: column.clone(), known: COLUMNS.join(", ") });
    }
    if !header.iter().any(|column| column == "file") {
        return Err(RecordingsError::NoFileColumn { path, found: header.join(", ") });
    }
    let mut found = Found::default();
    for record in reader.records() {
        let row = match record {
            Ok(record) => {
                let line = record.position().map_or(0, csv::Position::line);
                let cells = header.iter().cloned().zip(record.iter().map(str::to_string)).collect();
                Row { line, cells }.call(dir, zone).map_err(|problem| (line, problem))
            }
            Err(error) => Err((error.position().map_or(0, csv::Position::line), error.to_string())),
        };
        match row {
            Ok(call) => found.calls.push(call),
            Err((line, problem)) => {
                found.problems.push(RecordingsError::Row { path: path.clone(), line, problem });
            }
        }
    }
    Ok(found)
}

fn delimiter(text: &str) -> u8 {
    let header = text.lines().next().unwrap_or_default();
    [b';', b'\t', b','].into_iter().max_by_key(|&d| header.bytes().filter(|&b| b == d).count()).unwrap_or(b',')
}

/// A recording of which nothing is known but its name.
fn unknown(path: PathBuf, zone: &TimeZone) -> RecordedCall {
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let started = start_in_name(&name).and_then(|at| at.to_zoned(zone.clone()).ok()).map(|at| at.timestamp());
    let started = started.or_else(|| Timestamp::try_from(std::fs::metadata(&path).ok()?.modified().ok()?).ok());
    RecordedCall {
        path,
        external_id: name,
        started: started.unwrap_or(Timestamp::UNIX_EPOCH),
        outgoing: false,
        caller: None,
        agent: None,
        line: None,
        answered: true,
        wait_ms: None,
        talk_ms: None,
        hold_ms: None,
        acw_ms: None,
        caller_side: Side::Left,
    }
}

/// `…20261120-101500…` in a file's name.
fn start_in_name(name: &str) -> Option<DateTime> {
    let bytes = name.as_bytes();
    (0..bytes.len().saturating_sub(14)).find_map(|at| {
        let window = name.get(at..at + 15)?;
        let separated = matches!(window.as_bytes()[8], b'-' | b'_' | b'T');
        separated.then(|| DateTime::strptime("%Y%m%d%H%M%S", format!("{}{}", &window[..8], &window[9..])).ok())?
    })
}

struct Row {
    line: u64,
    cells: HashMap<String, String>,
}

impl Row {
    fn call(&self, dir: &Path, zone: &TimeZone) -> Result<RecordedCall, String> {
        let file = self.cell("file").ok_or("the `file` cell is empty")?;
        let path = dir.join(file);
        if !path.is_file() {
            return Err(format!("no file {} (paths are relative to the folder)", path.display()));
        }
        let mut call = unknown(path, zone);
        call.external_id = self.cell("id").unwrap_or(file).to_string();
        if let Some(text) = self.cell("started") {
            call.started = moment(text, zone)?;
        }
        call.outgoing = match self.cell("direction") {
            None | Some("in" | "inbound" | "incoming") => false,
            Some("out" | "outbound" | "outgoing") => true,
            Some(other) => return Err(format!("direction `{other}`: use `in` or `out`")),
        };
        call.answered = match self.cell("answered").map(str::to_lowercase).as_deref() {
            None | Some("yes" | "да" | "1" | "true") => true,
            Some("no" | "нет" | "0" | "false") => false,
            Some(other) => return Err(format!("answered `{other}`: use yes or no")),
        };
        call.caller_side = match self.cell("caller_channel") {
            None | Some("left" | "0" | "1") => Side::Left,
            Some("right" | "2") => Side::Right,
            Some(other) => return Err(format!("caller_channel `{other}`: use left or right")),
        };
        call.caller = self.cell("caller").map(str::to_string);
        call.agent = self.cell("agent").map(str::to_string);
        call.line = self.cell("line").map(str::to_string);
        call.wait_ms = self.seconds("wait_s")?;
        call.talk_ms = self.seconds("talk_s")?;
        call.hold_ms = self.seconds("hold_s")?;
        call.acw_ms = self.seconds("acw_s")?;
        Ok(call)
    }

    fn cell(&self, column: &str) -> Option<&str> {
        self.cells.get(column).map(String::as_str).filter(|cell| !cell.is_empty())
    }

    /// Seconds with up to three decimals, as milliseconds.
    fn seconds(&self, column: &str) -> Result<Option<i64>, String> {
        let Some(text) = self.cell(column) else { return Ok(None) };
        let wrong = || format!("{column} `{text}` (line {}): seconds, such as 12 or 12.5", self.line);
        let (whole, part) = text.split_once(['.', ',']).unwrap_or((text, "0"));
        let whole: i64 = whole.parse().map_err(|_| wrong())?;
        let digits =
            part.get(..part.len().min(3)).filter(|p| p.bytes().all(|b| b.is_ascii_digit())).ok_or_else(wrong)?;
        let part: i64 = format!("{digits:0<3}").parse().map_err(|_| wrong())?;
        match whole {
            0..=604_800 => Ok(Some(whole * 1_000 + part)),
            _ => Err(format!("{column} `{text}`: between 0 and a week of seconds")),
        }
    }
}

fn moment(text: &str, zone: &TimeZone) -> Result<Timestamp, String> {
    if let Ok(timestamp) = text.parse::<Timestamp>() {
        return Ok(timestamp);
    }
    let local: DateTime =
        text.replacen(' ', "T", 1).parse().map_err(|_| format!("started `{text}`: write 2026-11-20T10:15:00"))?;
    local.to_zoned(zone.clone()).map(|at| at.timestamp()).map_err(|error| format!("started `{text}`: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dir_with(files: &[&str]) -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        for file in files {
            std::fs::write(dir.path().join(file), b"").unwrap();
        }
        dir
    }

    fn moscow() -> TimeZone {
        TimeZone::get("Europe/Moscow").unwrap()
    }

    #[test]
    fn a_table_gives_what_is_known() {
        let dir = dir_with(&["a.wav", "b.wav"]);
        let csv = "file;id;started;caller;wait_s;answered\na.wav;77;2026-11-20 10:15:00;+79031234567;12,5;да\nb.wav;78;2026-11-20T07:20:00Z;;;нет\n";
        let path = dir.path().join("calls.csv");
        std::fs::write(&path, csv).unwrap();
        let found = table(&path, dir.path(), &moscow()).unwrap();
        assert!(found.problems.is_empty(), "{:?}", found.problems);
        assert_eq!(found.calls[0].started.to_string(), "2026-11-20T07:15:00Z");
        assert_eq!(found.calls[0].wait_ms, Some(12_500));
        assert!(!found.calls[1].answered);
    }

    #[test]
    fn a_bad_row_names_its_line_and_stops_nothing() {
        let dir = dir_with(&["a.wav"]);
        let path = dir.path().join("calls.csv");
        std::fs::write(&path, "file,started\nmissing.wav,\na.wav,yesterday\na.wav,2026-11-20T10:00\n").unwrap();
        let found = table(&path, dir.path(), &moscow()).unwrap();
        assert_eq!(found.calls.len(), 1);
        let problems: Vec<String> = found.problems.iter().map(ToString::to_string).collect();
        assert!(problems[0].contains("line 2") && problems[0].contains("missing.wav"), "{problems:?}");
        assert!(problems[1].contains("line 3") && problems[1].contains("yesterday"), "{problems:?}");
    }

    #[test]
    fn an_unknown_column_is_named() {
        let dir = dir_with(&["a.wav"]);
        let path = dir.path().join("calls.csv");
        std::fs::write(&path, "file,color\na.wav,red\n").unwrap();
        let error = table(&path, dir.path(), &moscow()).unwrap_err().to_string();
        assert!(error.contains("`color`") && error.contains("wait_s"), "{error}");
    }

    #[test]
    fn names_tell_the_start() {
        assert_eq!(start_in_name("q-20261120-101500-77.wav").unwrap().to_string(), "2026-11-20T10:15:00");
        assert_eq!(start_in_name("call.wav"), None);
        assert_eq!(start_in_name("привет-20269920-101500.wav"), None);
    }

    proptest::proptest! {
        #[test]
        fn no_table_panics(text in "\\PC{0,200}") {
            let dir = dir_with(&["a.wav"]);
            let path = dir.path().join("calls.csv");
            std::fs::write(&path, text).unwrap();
            table(&path, dir.path(), &moscow()).ok();
        }
    }
}
