//! Hours and exceptions as the file writes them.

use jiff::civil::Date;
use toml::Spanned;
use toml::de::DeValue;

use super::reader::{Reader, Section};
use crate::clinic::Exception;
use crate::hours::{Span, WeeklyHours};

const DAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
const DAY_HINT: &str = "allowed: mon, tue, wed, thu, fri, sat, sun, ranges and lists of them (mon-fri, \"mon,wed\"), daily, weekdays, weekend";

/// `hours` (or `weekly`) of the top or of a doctor: a table by day, or one text for every day. None when it is not given.
pub(super) fn hours(reader: &mut Reader, section: &Section) -> Option<WeeklyHours> {
    let key = ["hours", "weekly"].into_iter().find(|key| section.get(key).is_some())?;
    week(reader, section, key)
}

/// The same under any key.
pub(super) fn week(reader: &mut Reader, section: &Section, key: &str) -> Option<WeeklyHours> {
    let value = section.get(key)?;
    let path = section.key(key);
    match value.get_ref() {
        DeValue::Table(table) => {
            let mut week = WeeklyHours::default();
            let mut given = [false; 7];
            let mut entries: Vec<_> = table.iter().collect();
            entries.sort_by_key(|(day, _)| day.span().start);
            for (day, value) in entries {
                let path = format!("{path}.{}", day.get_ref());
                let Some(days) = days(day.get_ref()) else {
                    let hint = match DAYS.into_iter().find(|short| day.get_ref().to_lowercase().starts_with(short)) {
                        Some(short) if !day.get_ref().contains(['-', ',']) => {
                            format!("did you mean {short:?}? {DAY_HINT}")
                        }
                        _ => DAY_HINT.to_owned(),
                    };
                    reader.mistake(day.span().start, &path, "this is no day of the week", &hint);
                    continue;
                };
                let spans = spans(reader, value, &path);
                for day in days {
                    if std::mem::replace(&mut given[day], true) {
                        let problem = format!("{} has hours already", DAYS[day]);
                        reader.mistake(value.span().start, &path, problem, "give every day once");
                    }
                    week.days[day].clone_from(&spans);
                }
            }
            Some(week)
        }
        _ => {
            let spans = spans(reader, value, &path);
            Some(WeeklyHours { days: std::array::from_fn(|_| spans.clone()) })
        }
    }
}

/// `mon`, `mon-fri` (also over the week's end), `mon,wed`, `daily`, `weekdays`, `weekend`.
fn days(text: &str) -> Option<Vec<usize>> {
    let day = |text: &str| DAYS.iter().position(|day| *day == text.trim().to_lowercase());
    let mut days = Vec::new();
    for part in text.split(',') {
        match part.trim() {
            "daily" => days.extend(0..7),
            "weekdays" => days.extend(0..5),
            "weekend" => days.extend(5..7),
            part => match part.split_once('-') {
                Some((first, last)) => {
                    let (first, last) = (day(first)?, day(last)?);
                    days.extend((0..7).map(|n| (first + n) % 7).take((last + 7 - first) % 7 + 1));
                }
                None => days.push(day(part)?),
            },
        }
    }
    Some(days)
}

/// `"09:00-21:00"`, `["09:00-13:00", "14:00-18:00"]`, or `"closed"`.
fn spans(reader: &mut Reader, value: &Spanned<DeValue>, path: &str) -> Vec<Span> {
    let texts: Vec<(usize, String)> = match value.get_ref() {
        DeValue::Array(items) => {
            let text = |(n, item): (usize, &Spanned<DeValue>)| {
                let text = reader.text_of(item, &format!("{path}[{}]", n + 1))?;
                Some((item.span().start, text))
            };
            items.iter().enumerate().filter_map(text).collect()
        }
        DeValue::String(text) if text.trim() == "closed" => return Vec::new(),
        DeValue::String(_) => {
            let text = reader.text_of(value, path);
            let pieces = text.as_deref().unwrap_or_default().split(',').map(str::trim).map(str::to_owned);
            pieces.filter(|piece| !piece.is_empty()).map(|piece| (value.span().start, piece)).collect()
        }
        _ => {
            reader.wrong_type(value, path, "hours, for example \"09:00-21:00\", or \"closed\"");
            return Vec::new();
        }
    };
    let mut spans: Vec<Span> = Vec::new();
    for (offset, text) in texts {
        match text.parse::<Span>() {
            Ok(span) if spans.iter().any(|other| other.intersection(span).is_some()) => {
                reader.mistake(offset, path, format!("{span} overlaps other hours of the day"), "give every hour once");
            }
            Ok(span) => spans.push(span),
            Err(problem) => reader.mistake(offset, path, problem, "or \"closed\""),
        }
    }
    spans.sort_by_key(|span| span.opens);
    spans
}

/// `[[exceptions]]` of the top or of a doctor.
pub(super) fn exceptions(reader: &mut Reader, section: &Section) -> Vec<Exception> {
    let tables = reader.tables(section, "exceptions");
    tables.iter().filter_map(|table| exception(reader, table)).collect()
}

fn exception(reader: &mut Reader, section: &Section) -> Option<Exception> {
    reader.check_keys(section, &["date", "from", "to", "closed", "hours", "note"]);
    let (from, to) = match (section.get("date"), section.get("from"), section.get("to")) {
        (Some(_), None, None) => {
            let date = date(reader, section, "date");
            (date, date)
        }
        (None, Some(_), Some(_)) => (date(reader, section, "from"), date(reader, section, "to")),
        _ => {
            let hint = "needed: date = 2026-12-31, or from = 2026-12-31 and to = 2027-01-08";
            reader.mistake(section.offset, &section.path, "it is not clear which days are meant", hint);
            (None, None)
        }
    };
    let closed = reader.truth(section, "closed").unwrap_or(false);
    let spans = match section.get("hours") {
        Some(value) if closed => {
            let hint = "give closed = true or hours = \"10:00-16:00\", not both";
            reader.mistake(value.span().start, &section.key("hours"), "the day is both closed and open", hint);
            Vec::new()
        }
        Some(value) => spans(reader, value, &section.key("hours")),
        None if closed => Vec::new(),
        None => {
            let hint = "needed: closed = true, or hours = \"10:00-16:00\"";
            reader.mistake(section.offset, &section.path, "it does not say what is different", hint);
            Vec::new()
        }
    };
    let note = reader.text(section, "note").unwrap_or_default();
    let (from, to) = (from?, to?);
    if from > to {
        reader.mistake_at(section, "to", format!("{to} is before {from}"), "swap from and to");
        return None;
    }
    Some(Exception { from, to, spans, note })
}

/// A TOML date (`2026-12-31`) or the same in quotes.
fn date(reader: &mut Reader, section: &Section, key: &str) -> Option<Date> {
    let value = section.get(key)?;
    let text = match value.get_ref() {
        DeValue::Datetime(date) => date.to_string(),
        DeValue::String(text) => text.trim().to_owned(),
        _ => {
            reader.wrong_type(value, &section.key(key), "a date, for example 2026-12-31");
            return None;
        }
    };
    // jiff would take a time after the date; here it would be lost silently.
    let date = (text.len() == 10).then(|| text.parse().ok()).flatten();
    if date.is_none() {
        let problem = format!("{text:?} is no date");
        reader.mistake_at(section, key, problem, "write it as year-month-day, for example 2026-12-31");
    }
    date
}
