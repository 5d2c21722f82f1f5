//! Reading somebody's calendar: when are they busy?

use std::collections::BTreeSet;

use jiff::civil::{Date, DateTime, Time};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Span, Timestamp, ToSpan as _};
use records::Absence;

use super::recur::Rule;

/// Why a calendar cannot be read. It is taken whole or not at all.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {problem}")]
pub struct IcalError {
    /// From 1.
    pub line: usize,
    /// What is wrong and what would be right; no personal data.
    pub problem: String,
}

/// More events than anybody has.
const MOST_EVENTS: usize = 20_000;
/// More busy times than anybody has in a year.
const MOST_TIMES: usize = 50_000;

/// The busy times that touch `from..until`: events that are neither cancelled nor marked as free, with their repetitions.
/// Times without a zone are the clinic's.
///
/// # Errors
/// The line that cannot be read.
pub fn busy_times(text: &str, zone: &TimeZone, from: Timestamp, until: Timestamp) -> Result<Vec<Absence>, IcalError> {
    let mut times: Vec<Absence> = Vec::new();
    let events = events(text, zone)?;
    // An instance that stands by itself takes the place of the one the rule makes.
    let replaced: BTreeSet<(&str, Timestamp)> =
        events.iter().filter_map(|event| Some((event.uid.as_str(), event.instead_of?))).collect();
    for event in &events {
        if event.is_free {
            continue;
        }
        for start in event.starts(from, until) {
            let own = event.instead_of.is_some();
            let at = event.instant(start);
            if event.except.contains(&start) || (!own && replaced.contains(&(event.uid.as_str(), at))) {
                continue;
            }
            let end = event.end_of(start);
            if at < until && end > from && end > at {
                times.push(Absence {
                    uid: event.uid.clone(),
                    start_ms: at.as_millisecond(),
                    end_ms: end.as_millisecond(),
                });
            }
            if times.len() > MOST_TIMES {
                return Err(IcalError {
                    line: event.line,
                    problem: "there are more busy times than can be".to_owned(),
                });
            }
        }
    }
    times.sort_by(|a, b| (a.start_ms, &a.uid).cmp(&(b.start_ms, &b.uid)));
    Ok(times)
}

/// An event with what matters here.
struct Event {
    uid: String,
    line: usize,
    zone: TimeZone,
    start: DateTime,
    length: Length,
    rule: Option<Rule>,
    except: BTreeSet<DateTime>,
    more: Vec<DateTime>,
    instead_of: Option<Timestamp>,
    is_free: bool,
}

enum Length {
    /// By the clock: a day is a day whatever its hours.
    Wall(Span),
    /// Exactly so long.
    Exact(SignedDuration),
}

impl Event {
    /// Starts on the event's own clock.
    fn starts(&self, from: Timestamp, until: Timestamp) -> Vec<DateTime> {
        let last = self.zone.to_datetime(until);
        // An event that began before may still go on.
        let first = self.zone.to_datetime(from).checked_sub(40.days()).unwrap_or(DateTime::MIN);
        let mut starts = match &self.rule {
            Some(rule) => rule.starts(self.start, &self.zone, first, last),
            None => vec![self.start],
        };
        starts.extend(&self.more);
        starts.sort_unstable();
        starts.dedup();
        starts
    }

    fn instant(&self, at: DateTime) -> Timestamp {
        self.zone.to_ambiguous_timestamp(at).compatible().unwrap_or(Timestamp::UNIX_EPOCH)
    }

    fn end_of(&self, start: DateTime) -> Timestamp {
        match &self.length {
            Length::Wall(span) => start.checked_add(*span).map_or(Timestamp::UNIX_EPOCH, |end| self.instant(end)),
            Length::Exact(length) => self.instant(start).saturating_add(*length).unwrap_or(Timestamp::MAX),
        }
    }
}

/// A line as it was before it was folded.
struct Line {
    number: usize,
    name: String,
    params: Vec<(String, String)>,
    value: String,
}

fn events(text: &str, zone: &TimeZone) -> Result<Vec<Event>, IcalError> {
    let lines = unfold(text)?;
    let is = |line: &Line, name: &str, value: &str| line.name == name && line.value.eq_ignore_ascii_case(value);
    match lines.first() {
        Some(first) if is(first, "BEGIN", "VCALENDAR") => {}
        _ => {
            return Err(IcalError {
                line: 1,
                problem: "this is no calendar: it must begin with BEGIN:VCALENDAR".to_owned(),
            });
        }
    }
    let mut events = Vec::new();
    let mut open: Option<(usize, Vec<&Line>)> = None;
    // Alarms lie within events and have lines of the same names.
    let mut inner = 0;
    for line in &lines {
        match &mut open {
            None if is(line, "BEGIN", "VEVENT") => open = Some((line.number, Vec::new())),
            None => {}
            Some(_) if line.name == "BEGIN" => inner += 1,
            Some(_) if line.name == "END" && inner > 0 => inner -= 1,
            Some((number, of)) if is(line, "END", "VEVENT") => {
                events.push(event(*number, of, zone)?);
                open = None;
                if events.len() > MOST_EVENTS {
                    return Err(IcalError {
                        line: line.number,
                        problem: "there are more events than can be".to_owned(),
                    });
                }
            }
            Some((_, of)) if inner == 0 => of.push(line),
            Some(_) => {}
        }
    }
    match open {
        Some((line, _)) => Err(IcalError { line, problem: "this event has no END:VEVENT".to_owned() }),
        None => Ok(events),
    }
}

fn event(number: usize, lines: &[&Line], zone: &TimeZone) -> Result<Event, IcalError> {
    let find = |name: &str| lines.iter().find(|line| line.name == name).copied();
    let wrong = |line: usize, problem: &str| IcalError { line, problem: problem.to_owned() };
    let start_line = find("DTSTART").ok_or_else(|| wrong(number, "this event has no DTSTART"))?;
    let (start, start_zone, all_day) = moment(start_line, &start_line.value, zone)?;
    let length = match (find("DTEND"), find("DURATION")) {
        (Some(line), _) => {
            let (end, end_zone, _) = moment(line, &line.value, zone)?;
            match all_day {
                true => Length::Wall(start.until(end).map_err(|_| wrong(line.number, "this end is out of range"))?),
                false => {
                    let at = |at: DateTime, zone: &TimeZone| zone.to_ambiguous_timestamp(at).compatible();
                    let (Ok(from), Ok(to)) = (at(start, &start_zone), at(end, &end_zone)) else {
                        return Err(wrong(line.number, "this end is out of range"));
                    };
                    Length::Exact(to.duration_since(from))
                }
            }
        }
        (None, Some(line)) => {
            let span: Span =
                line.value.parse().map_err(|_| wrong(line.number, "this is no duration; write PT1H30M"))?;
            Length::Wall(span)
        }
        (None, None) if all_day => Length::Wall(1.day()),
        (None, None) => Length::Exact(SignedDuration::ZERO),
    };
    let rule = match find("RRULE") {
        None => None,
        Some(line) => {
            let rule = Rule::parse(&line.value, zone, &start_zone);
            Some(rule.map_err(|problem| IcalError { line: line.number, problem })?)
        }
    };
    let dates = |name: &str| -> Result<Vec<DateTime>, IcalError> {
        let mut dates = Vec::new();
        for line in lines.iter().filter(|line| line.name == name) {
            for value in line.value.split(',') {
                let (at, zone, _) = moment(line, value, zone)?;
                // On the event's own clock, whatever clock they are written by.
                let instant = zone.to_ambiguous_timestamp(at).compatible();
                dates.push(instant.map_or(at, |instant| start_zone.to_datetime(instant)));
            }
        }
        Ok(dates)
    };
    let instead_of = match find("RECURRENCE-ID") {
        None => None,
        Some(line) => {
            let (at, zone, _) = moment(line, &line.value, zone)?;
            zone.to_ambiguous_timestamp(at).compatible().ok()
        }
    };
    let says = |name: &str, value: &str| find(name).is_some_and(|line| line.value.eq_ignore_ascii_case(value));
    Ok(Event {
        uid: find("UID").map_or_else(|| format!("line-{number}"), |line| line.value.clone()),
        line: number,
        start,
        length,
        rule,
        except: dates("EXDATE")?.into_iter().collect(),
        more: dates("RDATE")?,
        instead_of,
        is_free: says("STATUS", "CANCELLED") || says("TRANSP", "TRANSPARENT"),
        zone: start_zone,
    })
}

/// `20261124T100000Z`, the same without Z (with TZID, or the clinic's clock), or `20261124` for a whole day.
fn moment(line: &Line, value: &str, zone: &TimeZone) -> Result<(DateTime, TimeZone, bool), IcalError> {
    let wrong = |problem: String| IcalError { line: line.number, problem };
    let value = value.trim();
    let zone = match line.params.iter().find(|(name, _)| name == "TZID") {
        _ if value.ends_with('Z') => TimeZone::UTC,
        None => zone.clone(),
        Some((_, name)) => TimeZone::get(name.trim_start_matches('/')).map_err(|_| {
            wrong(format!("the time zone {name:?} is not known; IANA names are, for example Europe/Moscow"))
        })?,
    };
    let bad = || wrong(format!("{} has no date and time as 20261124T100000 or 20261124", line.name));
    let (date, time) = match value.trim_end_matches('Z').split_once('T') {
        Some((date, time)) => (date, Some(time)),
        None => (value, None),
    };
    let digits = |text: &str, length: usize| text.len() == length && text.bytes().all(|byte| byte.is_ascii_digit());
    if !digits(date, 8) || time.is_some_and(|time| !digits(time, 6)) {
        return Err(bad());
    }
    let number = |text: &str, at: std::ops::Range<usize>| text.get(at).and_then(|part| part.parse::<i16>().ok());
    let small = |text: &str, at| number(text, at).and_then(|number| i8::try_from(number).ok());
    let of_date = || Date::new(number(date, 0..4)?, small(date, 4..6)?, small(date, 6..8)?).ok();
    // A leap second is the second before it.
    let of_time = |text: &str| Time::new(small(text, 0..2)?, small(text, 2..4)?, small(text, 4..6)?.min(59), 0).ok();
    let date = of_date().ok_or_else(bad)?;
    match time {
        None => Ok((date.to_datetime(Time::midnight()), zone, true)),
        Some(time) => Ok((date.to_datetime(of_time(time).ok_or_else(bad)?), zone, false)),
    }
}

/// A line that begins with a blank goes on with the one before.
fn unfold(text: &str) -> Result<Vec<Line>, IcalError> {
    let mut whole: Vec<(usize, String)> = Vec::new();
    for (number, line) in text.trim_start_matches('\u{feff}').lines().enumerate() {
        match (line.strip_prefix([' ', '\t']), whole.last_mut()) {
            (Some(rest), Some((_, last))) => last.push_str(rest),
            _ if line.trim().is_empty() => {}
            _ => whole.push((number + 1, line.to_owned())),
        }
    }
    whole.into_iter().map(|(number, line)| parts(number, &line)).collect()
}

/// `NAME;PARAM=value;PARAM="quoted:value":value`.
fn parts(number: usize, line: &str) -> Result<Line, IcalError> {
    let mut quoted = false;
    let colon = line.char_indices().find(|(_, letter)| {
        quoted ^= *letter == '"';
        *letter == ':' && !quoted
    });
    let Some((colon, _)) = colon else {
        return Err(IcalError { line: number, problem: "this line has no colon; lines are NAME:value".to_owned() });
    };
    let mut quoted = false;
    let mut head = line[..colon].split(|letter| {
        quoted ^= letter == '"';
        letter == ';' && !quoted
    });
    let name = head.next().unwrap_or_default().trim().to_ascii_uppercase();
    let param = |text: &str| {
        let (name, value) = text.split_once('=')?;
        Some((name.trim().to_ascii_uppercase(), value.trim_matches('"').to_owned()))
    };
    Ok(Line { number, name, params: head.filter_map(param).collect(), value: line[colon + 1..].trim().to_owned() })
}
