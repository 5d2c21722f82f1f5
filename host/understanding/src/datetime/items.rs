//! The small typed things a phrase about time is made of, before they are put together.

use jiff::civil::{Date, Weekday};

use super::words::{Part, Unit};

/// A clock reading as said: which half of the day may still be open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Clock {
    pub hour: u32,
    pub minute: u32,
    /// «утра», «вечера».
    pub half: Option<Part>,
}

/// How a value bounds the wish.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Edge {
    /// The value itself.
    At,
    /// From it on, itself included.
    From,
    /// After it.
    After,
    /// Up to it; a day itself excluded.
    Before,
    /// Up to it, itself included.
    To,
}

/// Which occurrence of a weekday.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Which {
    /// The nearest one, strictly in the future.
    Plain,
    /// This calendar week's.
    This,
    /// The calendar week so many weeks on.
    Week(i32),
    /// So many occurrences after the nearest one.
    Skip(i32),
}

/// Which month.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum MonthRef {
    Named(i8),
    /// So many months on from the current one.
    Ahead(i32),
}

/// Which third of a month or week.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Portion {
    Start,
    Middle,
    End,
}

/// A day or a stretch of days as said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Day {
    Relative(i32),
    Weekday(Weekday, Which),
    /// «первый понедельник декабря».
    NthWeekday(i8, Weekday, Option<MonthRef>),
    /// «в последний день месяца».
    LastOfMonth(MonthRef),
    OfMonth {
        day: u32,
        month: Option<MonthRef>,
        year: Option<i16>,
    },
    /// «через N дней/недель/месяцев».
    In(i32, Unit),
    Week(i32, Option<Portion>),
    Month(MonthRef, Option<Portion>),
    /// «в двадцатых числах»: the days of a month from … to.
    Days(u32, u32, Option<MonthRef>),
    Weekend(Which),
    /// «в течение недели»: so many days from today.
    Within(i32),
}

/// One recognised piece of the phrase.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Item {
    Day(Day, Edge),
    DayRange(Day, Day),
    Time(Clock, Edge),
    TimeRange(Clock, Clock),
    Part(Part, Edge),
    PartRange(Part, Part),
    /// «с утра до двух».
    PartUntil(Part, Clock),
    /// «пораньше».
    Early,
    /// «через N минут».
    InMinutes(i64),
    Now,
    Asap,
    Vague,
    EveryWeekday(Weekday),
    Workdays,
    ExceptWeekday(Weekday),
    ExceptWeekend,
    /// A day or time that is over: it takes its surroundings with it.
    Over,
    /// A clock or calendar reading that does not exist, and why.
    Impossible(String),
}

/// A recognised piece with the words it was made of.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Found {
    pub item: Item,
    /// First word.
    pub from: usize,
    /// One past the last word.
    pub to: usize,
    /// «не завтра».
    pub negated: bool,
}

impl Item {
    /// Whether the item says something of the day.
    pub fn is_day(&self) -> bool {
        matches!(self, Item::Day(..) | Item::DayRange(..) | Item::EveryWeekday(_) | Item::Workdays)
    }

    /// Whether the item says something of the hour.
    pub fn is_time(&self) -> bool {
        matches!(
            self,
            Item::Time(..)
                | Item::TimeRange(..)
                | Item::Part(..)
                | Item::PartRange(..)
                | Item::PartUntil(..)
                | Item::Early
                | Item::InMinutes(_)
                | Item::Now
        )
    }
}

/// A date that does not exist, said in Russian.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct NoSuchDate(pub String);

/// Days from … to, ends included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Span {
    pub from: Date,
    pub to: Date,
}
