//! Opening and working hours: spans of a day, a week of them, one day's result.

use std::fmt;
use std::str::FromStr;

use jiff::civil::{Date, Time};
use serde::{Deserialize, Serialize};

/// A minute of the day, 0 to 1440; 1440 is `24:00`, the end of the day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Minute(u16);

impl Minute {
    /// 00:00.
    pub const START: Self = Self(0);
    /// 24:00.
    pub const END: Self = Self(1440);

    /// None above 1440.
    pub fn new(minute: u16) -> Option<Self> {
        (minute <= 1440).then_some(Self(minute))
    }

    /// Minutes since midnight.
    pub fn get(self) -> u16 {
        self.0
    }

    /// The time of day; 24:00 becomes 23:59:59, the last second there is.
    pub fn time(self) -> Time {
        match i8::try_from(self.0 / 60) {
            Ok(hour @ 0..=23) => Time::constant(hour, (self.0 % 60) as i8, 0, 0),
            _ => Time::constant(23, 59, 59, 0),
        }
    }
}

/// Seconds are dropped.
impl From<Time> for Minute {
    fn from(time: Time) -> Self {
        Self(u16::from(time.hour().unsigned_abs()) * 60 + u16::from(time.minute().unsigned_abs()))
    }
}

impl fmt::Display for Minute {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02}:{:02}", self.0 / 60, self.0 % 60)
    }
}

impl FromStr for Minute {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let digits = |text: &str| {
            (matches!(text.len(), 1 | 2) && text.bytes().all(|b| b.is_ascii_digit()))
                .then(|| text.parse().ok())
                .flatten()
        };
        let parts = text.trim().split_once(':').and_then(|(hour, minute)| {
            let minute = digits(minute).filter(|_| minute.len() == 2)?;
            Some((digits(hour)?, minute))
        });
        match parts {
            Some((24, 0)) => Ok(Self::END),
            Some((hour @ 0..=23u16, minute @ 0..=59u16)) => Ok(Self(hour * 60 + minute)),
            _ => Err(format!("{text:?} is no time of day; write HH:MM, from 00:00 to 24:00")),
        }
    }
}

impl TryFrom<String> for Minute {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<Minute> for String {
    fn from(minute: Minute) -> Self {
        minute.to_string()
    }
}

/// From a minute to a later one, the last excluded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Span {
    /// Included.
    pub opens: Minute,
    /// Excluded; after `opens`.
    pub closes: Minute,
}

impl Span {
    /// The part that both have.
    pub fn intersection(self, other: Self) -> Option<Self> {
        let both = Self { opens: self.opens.max(other.opens), closes: self.closes.min(other.closes) };
        (both.opens < both.closes).then_some(both)
    }

    /// Whether the minute lies in it.
    pub fn contains(self, minute: Minute) -> bool {
        self.opens <= minute && minute < self.closes
    }
}

/// `09:00-21:00`; a dash of any length.
///
/// ```
/// let span: desk::Span = "9:00 – 21:00".parse().unwrap();
/// assert_eq!(span.to_string(), "09:00-21:00");
/// assert!("21:00-9:00".parse::<desk::Span>().is_err());
/// ```
impl FromStr for Span {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("{text:?} are no hours; write them as \"09:00-21:00\"");
        let (opens, closes) = text.split_once(['-', '–', '—']).ok_or_else(wrong)?;
        let span = Self { opens: opens.parse()?, closes: closes.parse()? };
        if span.opens < span.closes {
            return Ok(span);
        }
        Err(format!(
            "{text:?} ends before it begins; hours past midnight are two spans, \"20:00-24:00\" and \"00:00-02:00\""
        ))
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.opens, self.closes)
    }
}

/// Spans for every day of the week, in order and without overlap; a day without any is closed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct WeeklyHours {
    /// Monday first.
    pub days: [Vec<Span>; 7],
}

impl WeeklyHours {
    /// The same hours every day.
    pub fn daily(span: Span) -> Self {
        Self { days: std::array::from_fn(|_| vec![span]) }
    }

    /// The hours of a date's weekday.
    pub fn on(&self, date: Date) -> &[Span] {
        let day = date.weekday().to_monday_zero_offset();
        &self.days[usize::from(day.unsigned_abs()) % 7]
    }
}

/// What a clinic's day looks like, exceptions applied.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DayHours {
    /// The day.
    pub date: Date,
    /// None at all when closed; several when there is a break.
    pub spans: Vec<Span>,
    /// For an exception: why, as a caller should hear it. Empty on ordinary days.
    pub note: String,
}

impl DayHours {
    /// Whether it opens at all.
    pub fn is_open(&self) -> bool {
        !self.spans.is_empty()
    }

    /// The first opening.
    pub fn opens(&self) -> Option<Minute> {
        self.spans.first().map(|span| span.opens)
    }

    /// The last closing.
    pub fn closes(&self) -> Option<Minute> {
        self.spans.last().map(|span| span.closes)
    }
}

/// The parts that lie in both lists.
pub(crate) fn intersect(a: &[Span], b: &[Span]) -> Vec<Span> {
    a.iter().flat_map(|x| b.iter().filter_map(|y| x.intersection(*y))).collect()
}

/// What is left of the first list without the second.
pub(crate) fn subtract(spans: &[Span], breaks: &[Span]) -> Vec<Span> {
    let mut left = spans.to_vec();
    for gap in breaks {
        left = left
            .into_iter()
            .flat_map(|span| match span.intersection(*gap) {
                None => vec![span],
                Some(_) => [
                    Span { opens: span.opens, closes: gap.opens.max(span.opens) },
                    Span { opens: gap.closes.min(span.closes), closes: span.closes },
                ]
                .into_iter()
                .filter(|part| part.opens < part.closes)
                .collect(),
            })
            .collect();
    }
    left
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_spans() {
        assert_eq!("9:00-21:00".parse::<Span>().unwrap().to_string(), "09:00-21:00");
        assert_eq!("00:00 – 24:00".parse::<Span>().unwrap().closes, Minute::END);
        for bad in
            ["", "9-21", "09:00", "09:00-9:5", "21:00-09:00", "09:00-09:00", "25:00-26:00", "09:60-10:00", "-1:00-2:00"]
        {
            assert!(bad.parse::<Span>().is_err(), "{bad}");
        }
    }

    #[test]
    fn a_break_stays_a_break() {
        let spans = |text: &str| text.split(' ').map(|span| span.parse().unwrap()).collect::<Vec<Span>>();
        assert_eq!(
            intersect(&spans("09:00-13:00 14:00-18:00"), &spans("10:00-15:00")),
            spans("10:00-13:00 14:00-15:00")
        );
        assert!(intersect(&spans("09:00-10:00"), &spans("10:00-11:00")).is_empty());
        let day = spans("09:00-13:00 14:00-18:00");
        assert_eq!(subtract(&day, &spans("10:00-10:15 12:30-14:30")), spans("09:00-10:00 10:15-12:30 14:30-18:00"));
        assert_eq!(subtract(&day, &spans("08:00-09:00 13:00-14:00")), day);
        assert!(subtract(&day, &spans("00:00-24:00")).is_empty());
    }
}
