//! Call detail records in CSV, in the two orders of columns that Asterisk writes.
//!
//! - `cdr-csv/Master.csv` (`cdr_csv.c`): accountcode, src, dst, dcontext, clid, channel, dstchannel, lastapp, lastdata,
//!   start, answer, end, duration, billsec, disposition, amaflags, then uniqueid and userfield where `loguniqueid` and `loguserfield` ask for them.
//! - `cdr-custom/Master.csv` (`cdr_custom.conf.sample`): clid, src, dst, dcontext, channel, dstchannel, lastapp, lastdata,
//!   start, answer, end, duration, billsec, disposition, amaflags, accountcode, uniqueid, userfield.
//!
//! They are told apart by where the start stands.

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::{Problem, moment};

/// One row: the caller and one party they were put through to.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Row {
    pub src: String,
    pub dst: String,
    pub channel: String,
    pub dstchannel: String,
    pub start: Timestamp,
    pub answer: Option<Timestamp>,
    pub end: Timestamp,
    pub answered: bool,
    pub uniqueid: String,
    pub userfield: String,
}

pub(super) fn parse(file: &str, text: &str, zone: &TimeZone) -> (Vec<Row>, Vec<Problem>) {
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .trim(csv::Trim::All)
        .from_reader(text.trim_start_matches('\u{feff}').as_bytes());
    let (mut rows, mut problems) = (Vec::new(), Vec::new());
    for (nth, record) in reader.records().enumerate() {
        let (line, row) = match record {
            Ok(record) => (record.position().map(csv::Position::line), row(&record, zone)),
            Err(error) => {
                (error.position().map(csv::Position::line), Err((error.to_string(), "mend the quotes of this line")))
            }
        };
        match row {
            Ok(row) => rows.push(row),
            // A header that somebody added is none of the records.
            Err(_) if nth == 0 && text.to_ascii_lowercase().contains("uniqueid") => {}
            Err((problem, mend)) => problems.push(Problem { file: file.to_owned(), line, problem, mend }),
        }
    }
    (rows, problems)
}

fn row(record: &csv::StringRecord, zone: &TimeZone) -> Result<Row, (String, &'static str)> {
    let cell = |at: usize| record.get(at).unwrap_or_default();
    // Where the start stands: 8 in the custom file (where the answer follows), 9 in Master.csv.
    let start_at = [8, 9].into_iter().find(|at| moment(cell(*at), zone).is_some() && cell(*at).contains('-'));
    let Some(start_at) = start_at else {
        let problem = format!("{} columns, and neither the 9th nor the 10th is a start time", record.len());
        return Err((problem, "records must be in the order of cdr-csv/Master.csv or cdr-custom/Master.csv"));
    };
    let standard = start_at == 9;
    let time = |at: usize| moment(cell(at), zone);
    let start = time(start_at).unwrap_or_default();
    let end = time(start_at + 2)
        .ok_or_else(|| (format!("the end `{}` is no time", cell(start_at + 2)), "write it as 2026-11-20 10:15:00"))?;
    if end < start {
        return Err((
            "the call ends before it begins".to_owned(),
            "look at the exchange's clock; the row may be left out",
        ));
    }
    let uniqueid = cell(16);
    if uniqueid.is_empty() {
        let mend = "set loguniqueid=yes in cdr.conf; without it a record cannot be told from another";
        return Err(("no unique id".to_owned(), mend));
    }
    let (src, dst) = (cell(1), cell(2));
    let channels = if standard { 5 } else { 4 };
    Ok(Row {
        src: src.to_owned(),
        dst: dst.to_owned(),
        channel: cell(channels).to_owned(),
        dstchannel: cell(channels + 1).to_owned(),
        start,
        answer: time(start_at + 1),
        end,
        answered: cell(start_at + 5) == "ANSWERED",
        uniqueid: uniqueid.to_owned(),
        userfield: cell(17).to_owned(),
    })
}

impl Row {
    /// A leg that Asterisk uses inside; its call has a row of its own.
    pub fn is_inner(&self) -> bool {
        self.channel.starts_with("Local/")
    }

    /// Who was talked to: `SIP/101` of `SIP/101-0000001a`.
    pub fn party(&self) -> Option<String> {
        let (name, number) = self.dstchannel.rsplit_once('-').unwrap_or((&self.dstchannel, ""));
        let counted = number.split(';').next().unwrap_or_default();
        let counted = !counted.is_empty() && counted.bytes().all(|byte| byte.is_ascii_hexdigit());
        let name = if counted { name } else { &self.dstchannel };
        (!name.is_empty()).then(|| name.to_owned())
    }
}
