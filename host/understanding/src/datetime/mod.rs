//! What a spoken date or time means to the desk: «не завтра, а послезавтра, часов в пять», «в половине десятого»,
//! «на следующей неделе в среду после обеда».
//!
//! Text becomes meaningful words (`words`, `repair`), words become small typed items (`scan` with `clock` and `day`),
//! items that are no wish go (`context`), and the rest is put together (`combine`, `calendar`, `hours`).
//!
//! Invariants: nothing reads the machine's clock, "now" and opening hours are arguments; nothing is guessed that the
//! conventions do not settle: such a phrase is [`DateTime::Ambiguous`], [`DateTime::Vague`] or [`DateTime::Invalid`].

use std::ops::Range;

use jiff::civil::{Date, Time, Weekday};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

mod bounds;
mod calendar;
mod clock;
mod combine;
mod context;
mod day;
mod hours;
mod items;
mod repair;
mod scan;
mod vocabulary;
mod words;

/// When and where something is said: it decides what «завтра» and «в пять» mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct When {
    /// The clinic's local date and time.
    pub now: jiff::civil::DateTime,
    /// When the clinic opens: an hour of unsaid half of the day is taken to be within opening hours.
    pub opens: Time,
    /// When it closes.
    pub closes: Time,
}

impl When {
    /// At `now`, with the usual hours from nine to twenty-one.
    ///
    /// ```
    /// use jiff::civil::{date, time};
    /// let when = understanding::datetime::When::at(date(2026, 11, 21).at(10, 0, 0, 0));
    /// assert_eq!(when.opens, time(9, 0, 0, 0));
    /// ```
    pub fn at(now: jiff::civil::DateTime) -> When {
        When { now, opens: Time::constant(9, 0, 0, 0), closes: Time::constant(21, 0, 0, 0) }
    }
}

/// When the caller would like to come. Every field may be open.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Wish {
    /// The day.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub date: Option<Date>,
    /// First day of a range; `date` is `None` then.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub date_from: Option<Date>,
    /// Last day of a range, itself included.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub date_to: Option<Date>,
    /// Earliest time of day; equal to `time_to` for an exact time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub time_from: Option<Time>,
    /// Latest time of day.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub time_to: Option<Time>,
    /// As soon as possible.
    pub asap: bool,
    /// Weekdays that do not suit.
    #[serde(with = "weekdays", skip_serializing_if = "Vec::is_empty")]
    pub exclude_weekdays: Vec<Weekday>,
    /// Only these weekdays suit, if any are given.
    #[serde(with = "weekdays", skip_serializing_if = "Vec::is_empty")]
    pub only_weekdays: Vec<Weekday>,
    /// All days that suit, in the order said, where more than one was named; `date` is the first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub alternatives: Vec<Date>,
    /// Where in the text it was said, in bytes.
    #[serde(skip)]
    pub span: Range<usize>,
}

/// What was understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DateTime {
    /// No wish for a date or time is in the text.
    Nothing,
    /// One meaning.
    Resolved(Wish),
    /// Several meanings, the likeliest first: ask.
    Ambiguous(Vec<Wish>),
    /// A wish without a value («на днях», «попозже»): ask.
    Vague,
    /// A day or time that does not exist; the reason in Russian, for the caller.
    Invalid(String),
}

impl DateTime {
    /// The only or likeliest meaning.
    pub fn wish(&self) -> Option<&Wish> {
        match self {
            DateTime::Resolved(wish) => Some(wish),
            DateTime::Ambiguous(wishes) => wishes.first(),
            _ => None,
        }
    }

    /// Where in the text it was said, in bytes.
    pub fn span(&self) -> Option<Range<usize>> {
        self.wish().map(|wish| wish.span.clone())
    }
}

/// Reads the date and time that `text` asks for.
///
/// ```
/// use jiff::civil::{date, time};
/// use understanding::datetime::{self, DateTime, When};
///
/// let when = When::at(date(2026, 11, 21).at(10, 0, 0, 0)); // a Saturday
/// let DateTime::Resolved(wish) = datetime::parse("во вторник, ой нет, в четверг, в полчетвёртого", &when) else { panic!() };
/// assert_eq!(wish.date, Some(date(2026, 11, 26)));
/// assert_eq!(wish.time_from, Some(time(15, 30, 0, 0)));
///
/// assert_eq!(datetime::parse("он третий день не ест", &when), DateTime::Nothing);
/// assert!(matches!(datetime::parse("тридцать первого апреля", &when), DateTime::Invalid(_)));
/// ```
pub fn parse(text: &str, when: &When) -> DateTime {
    locate(text, when).0
}

/// [`parse`], with where in the text it was said, in bytes, also for what is vague or does not exist; empty for
/// [`DateTime::Nothing`].
///
/// ```
/// use jiff::civil::date;
/// use understanding::datetime::{DateTime, When, locate};
/// let text = "запишите на тридцатое февраля, пожалуйста";
/// let (found, span) = locate(text, &When::at(date(2026, 11, 21).at(10, 0, 0, 0)));
/// assert!(matches!(found, DateTime::Invalid(_)));
/// assert_eq!(&text[span], "на тридцатое февраля");
/// ```
pub fn locate(text: &str, when: &When) -> (DateTime, Range<usize>) {
    let read = repair::read(text);
    let words = clock::Words(&read);
    let found = context::wishes(words, scan::scan(&read));
    let span = match (found.first(), found.last()) {
        (Some(first), Some(last)) => within(text, read[first.from].bytes.start, read[last.to - 1].bytes.end),
        _ => 0..0,
    };
    let mut outcome = combine::combine(words, found, when);
    match &mut outcome {
        DateTime::Resolved(wish) => wish.span = span.clone(),
        DateTime::Ambiguous(wishes) => wishes.iter_mut().for_each(|wish| wish.span = span.clone()),
        DateTime::Nothing => return (outcome, 0..0),
        DateTime::Vague | DateTime::Invalid(_) => {}
    }
    (outcome, span)
}

/// The range with its ends moved outward to character boundaries.
fn within(text: &str, mut from: usize, mut to: usize) -> Range<usize> {
    while !text.is_char_boundary(from) {
        from -= 1;
    }
    while to < text.len() && !text.is_char_boundary(to) {
        to += 1;
    }
    from..to.min(text.len())
}

/// The result as the evaluation files write it: `date`, `time_from`, `time_to` and whatever else was said; null if
/// nothing was. Of several readings the likeliest is written.
///
/// ```
/// use jiff::civil::date;
/// use understanding::datetime::{self, When};
/// let when = When::at(date(2026, 11, 21).at(10, 0, 0, 0));
/// let json = datetime::to_json(&datetime::parse("завтра в пять", &when));
/// assert_eq!(json["date"], "2026-11-22");
/// assert_eq!(json["time_from"], "17:00");
/// assert!(datetime::to_json(&datetime::parse("алло", &when)).is_null());
/// ```
pub fn to_json(value: &DateTime) -> Value {
    let Some(wish) = value.wish() else { return Value::Null };
    let time = |time: Option<Time>| time.map(|t| format!("{:02}:{:02}", t.hour(), t.minute()));
    let mut out = json!({ "date": wish.date, "time_from": time(wish.time_from), "time_to": time(wish.time_to) });
    let mut put = |key: &str, value: Value| out[key] = value;
    if wish.asap {
        put("asap", json!(true));
    }
    if wish.date_from.is_some() || wish.date_to.is_some() {
        put("date_from", json!(wish.date_from));
        put("date_to", json!(wish.date_to));
    }
    if !wish.exclude_weekdays.is_empty() {
        put("exclude_weekdays", json!(weekdays::names(&wish.exclude_weekdays)));
    }
    if !wish.only_weekdays.is_empty() {
        put("only_weekdays", json!(weekdays::names(&wish.only_weekdays)));
    }
    if !wish.alternatives.is_empty() {
        put("alternatives", json!(wish.alternatives));
    }
    out
}

/// Weekdays as `mon` … `sun`.
mod weekdays {
    use jiff::civil::Weekday;
    use serde::{Deserialize, Deserializer, Serializer, ser::SerializeSeq};

    const NAMES: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];

    pub fn names(days: &[Weekday]) -> Vec<&'static str> {
        let mut offsets: Vec<usize> = days.iter().map(|d| d.to_monday_zero_offset().unsigned_abs().into()).collect();
        offsets.sort_unstable();
        offsets.dedup();
        offsets.into_iter().map(|offset| NAMES[offset]).collect()
    }

    pub fn serialize<S: Serializer>(days: &[Weekday], out: S) -> Result<S::Ok, S::Error> {
        let names = names(days);
        let mut list = out.serialize_seq(Some(names.len()))?;
        for name in names {
            list.serialize_element(name)?;
        }
        list.end()
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(input: D) -> Result<Vec<Weekday>, D::Error> {
        let names = Vec::<String>::deserialize(input)?;
        names
            .iter()
            .map(|name| {
                let offset = NAMES.iter().position(|n| n == name).and_then(|n| i8::try_from(n).ok());
                offset.and_then(|n| Weekday::from_monday_zero_offset(n).ok()).ok_or_else(|| {
                    serde::de::Error::custom(format!(
                        "weekday `{name}` is not one of mon, tue, wed, thu, fri, sat, sun"
                    ))
                })
            })
            .collect()
    }
}
