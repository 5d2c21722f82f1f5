//! Repetition: every so many days or weeks, on these weekdays, so often or until then.

use jiff::civil::{Date, DateTime, Weekday};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan as _};

/// A rule as far as calendars of absences have it. What is not understood is refused: a day too few is a double booking.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Rule {
    weekly: bool,
    every: i32,
    count: Option<usize>,
    until: Option<Timestamp>,
    /// Of a weekly rule: on these days; empty = on the day it starts.
    days: Vec<Weekday>,
    week_begins: Weekday,
}

impl Rule {
    /// `FREQ=WEEKLY;INTERVAL=2;BYDAY=MO,WE;UNTIL=20270101T000000Z`.
    pub(super) fn parse(text: &str, clinic: &TimeZone, own: &TimeZone) -> Result<Self, String> {
        let mut frequency = None;
        let mut rule =
            Rule { weekly: false, every: 1, count: None, until: None, days: Vec::new(), week_begins: Weekday::Monday };
        for part in text.split(';').filter(|part| !part.is_empty()) {
            let (name, value) = part.split_once('=').ok_or_else(|| format!("{part:?} is no part of a rule"))?;
            match (name.to_ascii_uppercase().as_str(), value) {
                ("FREQ", "DAILY" | "WEEKLY") => frequency = Some(value == "WEEKLY"),
                ("INTERVAL", value) => {
                    let number = value.parse().ok().filter(|number| (1..=1000).contains(number));
                    rule.every =
                        number.ok_or_else(|| format!("INTERVAL={value} is out of range; allowed: 1 to 1000"))?;
                }
                ("COUNT", value) => {
                    let number = value.parse().ok().filter(|number| (1..=100_000).contains(number));
                    rule.count = Some(number.ok_or_else(|| format!("COUNT={value} is out of range"))?);
                }
                ("UNTIL", value) => rule.until = Some(until(value, clinic, own)?),
                ("BYDAY", value) => {
                    rule.days = value.split(',').map(weekday).collect::<Result<_, _>>()?;
                }
                ("WKST", value) => rule.week_begins = weekday(value)?,
                _ => {
                    return Err(format!(
                        "{part} is not understood; FREQ=DAILY or WEEKLY with INTERVAL, COUNT, UNTIL, BYDAY and WKST are"
                    ));
                }
            }
        }
        rule.weekly = frequency.ok_or("the rule has no FREQ=DAILY or FREQ=WEEKLY")?;
        if rule.count.is_some() && rule.until.is_some() {
            return Err("the rule has both COUNT and UNTIL; keep one of them".to_owned());
        }
        Ok(rule)
    }

    /// Every start between `first` and `last` on the event's clock. The event's own start is the first of the rule.
    pub(super) fn starts(&self, start: DateTime, zone: &TimeZone, first: DateTime, last: DateTime) -> Vec<DateTime> {
        let mut starts = Vec::new();
        let mut made = 0usize;
        let mut date = start.date();
        // Whole periods before the window make no difference unless they are counted.
        if self.count.is_none() && first > start {
            let days = first.date().since(date).map_or(0, |span| span.get_days());
            let period = self.every.saturating_mul(if self.weekly { 7 } else { 1 });
            let skip = days / period * period;
            date = self.week_of(date).checked_add(skip.days()).map_or(date, |week| match self.weekly {
                true => week.max(start.date()),
                false => date.saturating_add(skip.days()),
            });
        }
        while date <= last.date() {
            if self.has(start.date(), date) {
                let at = date.to_datetime(start.time());
                let over = |until: &Timestamp| {
                    zone.to_ambiguous_timestamp(at).compatible().is_ok_and(|instant| instant > *until)
                };
                if self.until.as_ref().is_some_and(over) || self.count.is_some_and(|count| made >= count) {
                    break;
                }
                made += 1;
                if at >= first && at >= start {
                    starts.push(at);
                }
            }
            let Ok(next) = date.tomorrow() else { break };
            date = next;
        }
        starts
    }

    /// Whether the rule falls on a day.
    fn has(&self, start: Date, date: Date) -> bool {
        let days = |from: Date, to: Date| to.since(from).map_or(0, |span| span.get_days());
        if !self.weekly {
            let on = self.days.is_empty() || self.days.contains(&date.weekday());
            return on && days(start, date) % self.every == 0;
        }
        let weeks = days(self.week_of(start), self.week_of(date)) / 7;
        let on = match self.days.is_empty() {
            true => date.weekday() == start.weekday(),
            false => self.days.contains(&date.weekday()),
        };
        on && weeks % self.every == 0
    }

    /// The first day of a date's week.
    fn week_of(&self, date: Date) -> Date {
        let into = date.weekday().since(self.week_begins);
        date.saturating_sub(i64::from(into).days())
    }
}

fn weekday(text: &str) -> Result<Weekday, String> {
    Ok(match text.trim() {
        "MO" => Weekday::Monday,
        "TU" => Weekday::Tuesday,
        "WE" => Weekday::Wednesday,
        "TH" => Weekday::Thursday,
        "FR" => Weekday::Friday,
        "SA" => Weekday::Saturday,
        "SU" => Weekday::Sunday,
        other => return Err(format!("{other:?} is no weekday; MO, TU, WE, TH, FR, SA, SU are")),
    })
}

/// A moment, or a day: then the whole of it.
fn until(text: &str, clinic: &TimeZone, own: &TimeZone) -> Result<Timestamp, String> {
    let bad = || format!("UNTIL={text} is no moment as 20270101T000000Z or 20270101");
    let (day, time) = match text.trim_end_matches('Z').split_once('T') {
        Some((day, time)) => (day, time),
        None => (text, "235959"),
    };
    let zone = match (text.ends_with('Z'), text.contains('T')) {
        (true, _) => TimeZone::UTC,
        (false, true) => own.clone(),
        (false, false) => clinic.clone(),
    };
    if day.len() != 8 || time.len() != 6 || !day.is_ascii() || !time.is_ascii() {
        return Err(bad());
    }
    let iso = format!("{}-{}-{}T{}:{}:{}", &day[..4], &day[4..6], &day[6..], &time[..2], &time[2..4], &time[4..]);
    let at: DateTime = iso.parse().map_err(|_| bad())?;
    zone.to_ambiguous_timestamp(at).compatible().map_err(|_| bad())
}
