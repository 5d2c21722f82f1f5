//! Calls as a file for Yandex Metrica's upload of calls (`offline_conversions/upload_calls`), a pure function.
//!
//! The columns and their meaning are those of <https://yandex.ru/dev/metrika/ru/management/calls>: one of `ClientId`,
//! `UserId` or `Yclid`, and `DateTime` (unix seconds, UTC) are needed; the others may be left out. `PhoneNumber` is the number
//! that was called, the one the advertisement shows; the documentation has no column for the caller's own number and no
//! hashed form of it, so that nothing about the caller leaves but the visitor's id that Metrica gave out itself.

use std::collections::BTreeMap;

use records::{CallRecord, Direction};

use crate::{ConnectionError, MetricaSettings, Result};

/// Whose id a file has in its first column; the upload's `client_id_type`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Identifier {
    /// Metrica's own (`ClientId`).
    Client,
    /// The site's own (`UserId`).
    User,
    /// A click's, from Yandex Direct (`Yclid`).
    Click,
}

impl Identifier {
    /// The column's name.
    pub fn column(self) -> &'static str {
        match self {
            Self::Client => "ClientId",
            Self::User => "UserId",
            Self::Click => "Yclid",
        }
    }
}

/// What a site or a call tracker knows of the visitor behind a call.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Origin {
    /// The visitor's id.
    pub id: String,
    /// Whether the number was nobody's own (1 in `StaticCall`), or shown to this visitor only (0).
    pub is_static: bool,
    /// The page.
    pub url: Option<String>,
}

/// A file, and what is not in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Export {
    /// The CSV with its header, as it is uploaded.
    pub csv: String,
    /// Calls in it.
    pub calls: usize,
    /// Incoming calls that nobody knows the visitor of: Metrica would not take them.
    pub without_id: usize,
}

/// Metrica joins a call to a visit of the last 21 days.
pub const WINDOW_DAYS: i64 = 21;

/// The file of calls. `origins` says by call id whose they are; a call without one cannot be uploaded and is counted.
/// Calls that go on, and those the clinic made itself, are left out.
///
/// # Errors
/// When the text cannot be written.
pub fn export(
    calls: &[CallRecord],
    identifier: Identifier,
    origins: &BTreeMap<String, Origin>,
    settings: &MetricaSettings,
) -> Result<Export> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    let failed = |error: &dyn std::fmt::Display| ConnectionError::Export(error.to_string());
    let header = [
        identifier.column(),
        "DateTime",
        "StaticCall",
        "PhoneNumber",
        "TalkDuration",
        "HoldDuration",
        "CallMissed",
        "Tag",
        "FirstTimeCaller",
        "URL",
    ];
    writer.write_record(header).map_err(|error| failed(&error))?;
    let (mut written, mut without_id) = (0, 0);
    let mut ordered: Vec<&CallRecord> = calls.iter().collect();
    ordered.sort_by(|a, b| (a.started_ms, &a.id).cmp(&(b.started_ms, &b.id)));
    for call in ordered {
        if call.direction != Direction::Incoming || call.ended_ms.is_none() {
            continue;
        }
        let Some(origin) = origins.get(&call.id).filter(|origin| !origin.id.is_empty()) else {
            without_id += 1;
            continue;
        };
        let seconds = |ms: Option<i64>| ms.map_or(String::new(), |ms| (ms.max(0) / 1_000).to_string());
        let truth = |flag: bool| if flag { "1" } else { "0" }.to_owned();
        let line = call.line.as_deref().filter(|_| settings.phones).map_or(String::new(), plain_phone);
        let record = [
            origin.id.clone(),
            call.started_ms.div_euclid(1_000).to_string(),
            truth(origin.is_static),
            line,
            seconds(call.talk_ms),
            seconds(call.hold_ms.or(call.queue_wait_ms)),
            truth(call.answered_ms.is_none()),
            tag(call),
            call.first_time.map_or(String::new(), truth),
            origin.url.clone().unwrap_or_default(),
        ];
        writer.write_record(record).map_err(|error| failed(&error))?;
        written += 1;
    }
    let bytes = writer.into_inner().map_err(|error| failed(&error))?;
    let csv = String::from_utf8(bytes).map_err(|error| failed(&error))?;
    Ok(Export { csv, calls: written, without_id })
}

/// What came of it and what it was about: words of lists, nothing that was said.
fn tag(call: &CallRecord) -> String {
    let outcome = call.outcome.map(records::Outcome::as_str);
    [outcome, call.category.as_deref()].into_iter().flatten().collect::<Vec<_>>().join("/")
}

/// Without spaces, with country and area code; empty for a line that is no number.
fn plain_phone(line: &str) -> String {
    let digits: String = line.chars().filter(char::is_ascii_digit).collect();
    let other = line.chars().any(|c| !c.is_ascii_digit() && !"+-() ".contains(c));
    match digits.len() {
        _ if other => String::new(),
        11 if digits.starts_with('8') && !line.starts_with('+') => format!("+7{}", &digits[1..]),
        11..=15 => format!("+{digits}"),
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use records::Outcome;

    use super::*;

    fn call(id: &str, started_ms: i64) -> CallRecord {
        CallRecord {
            line: Some("8 (495) 123-45-67".into()),
            caller: Some("+79031234567".into()),
            answered_ms: Some(started_ms + 4_000),
            ended_ms: Some(started_ms + 65_900),
            talk_ms: Some(61_900),
            outcome: Some(Outcome::Booked),
            category: Some("target".into()),
            first_time: Some(true),
            ..CallRecord::live(id, "vet_lapa", "Europe/Moscow", started_ms)
        }
    }

    fn origin(id: &str) -> Origin {
        Origin { id: id.into(), is_static: false, url: Some("https://lapa.ru/?a=1,2".into()) }
    }

    #[test]
    fn writes_the_documented_columns_in_order_of_time() {
        let missed = CallRecord { answered_ms: None, talk_ms: None, outcome: None, ..call("b", 1_795_417_100_500) };
        let calls = [call("a", 1_795_417_200_000), missed, call("c", 1_795_417_300_000)];
        let origins = BTreeMap::from([("a".to_owned(), origin("111")), ("b".to_owned(), origin("222"))]);
        let settings = MetricaSettings { counter: 1, phones: true };
        let export = export(&calls, Identifier::Client, &origins, &settings).unwrap();
        let expected = "ClientId,DateTime,StaticCall,PhoneNumber,TalkDuration,HoldDuration,CallMissed,Tag,FirstTimeCaller,URL\n\
            222,1795417100,0,+74951234567,,,1,target,1,\"https://lapa.ru/?a=1,2\"\n\
            111,1795417200,0,+74951234567,61,,0,booked/target,1,\"https://lapa.ru/?a=1,2\"\n";
        assert_eq!(export.csv, expected);
        assert_eq!((export.calls, export.without_id), (2, 1));
        assert!(!export.csv.contains("9031234567"), "the caller's own number");
    }

    #[test]
    fn calls_that_go_on_or_went_out_are_not_told() {
        let open = CallRecord { ended_ms: None, ..call("a", 0) };
        let out = CallRecord { direction: Direction::Outgoing, ..call("b", 0) };
        let origins = BTreeMap::from([("a".to_owned(), origin("1")), ("b".to_owned(), origin("1"))]);
        let settings = MetricaSettings { counter: 1, phones: false };
        let export = export(&[open, out, call("c", 0)], Identifier::Click, &origins, &settings).unwrap();
        assert_eq!((export.calls, export.without_id), (0, 1));
        assert!(export.csv.starts_with("Yclid,"));
    }

    #[test]
    fn a_line_that_is_no_number_is_left_empty() {
        for (line, phone) in
            [("+7 495 123-45-67", "+74951234567"), ("sip:100", ""), ("100", ""), ("84951234567", "+74951234567")]
        {
            assert_eq!(plain_phone(line), phone, "{line}");
        }
    }
}
