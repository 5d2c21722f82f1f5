//! Putting the pieces together: corrections first, then the day, then the hour.

use jiff::civil::{Date, Time, Weekday};
use jiff::{SignedDuration, ToSpan};

use super::calendar;
use super::clock::Words;
use super::hours::{Window, window_of};
use super::items::{Day, Edge, Found, Item, MonthRef, NoSuchDate, Which};
use super::repair::Gap;
use super::words::{Lex, Unit};
use super::{DateTime, When, Wish};

/// The meaning of the items as one wish.
pub(super) fn combine(w: Words, found: Vec<Found>, when: &When) -> DateTime {
    let found = corrected(w, found);
    if found.is_empty() {
        return DateTime::Nothing;
    }
    match wish(w, &found, when) {
        Ok(readings) => match readings.len() {
            0 => DateTime::Vague,
            1 => readings.into_iter().next().map_or(DateTime::Nothing, DateTime::Resolved),
            _ => DateTime::Ambiguous(readings),
        },
        Err(NoSuchDate(reason)) => DateTime::Invalid(reason),
    }
}

/// How an item hangs on the one before it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Link {
    None,
    Or,
    Correct,
    Rather,
}

fn link(w: Words, before: Option<&Found>, after: &Found) -> Link {
    let Some(before) = before else { return Link::None };
    let between = before.to..after.from;
    let any = |lex: Lex| between.clone().any(|at| w.lex(at) == lex);
    if any(Lex::Correct) || any(Lex::No) {
        Link::Correct
    } else if any(Lex::Rather) {
        Link::Rather
    } else if any(Lex::Or) || between.is_empty() && w.gap(after.from) == Gap::Hyphen {
        Link::Or
    } else {
        Link::None
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Point,
    Stretch,
    Clock,
    Part,
    Rest,
}

fn kind(item: &Item) -> Kind {
    match item {
        Item::Day(Day::Week(..) | Day::Month(..) | Day::Days(..) | Day::Weekend(_) | Day::Within(_), Edge::At) => {
            Kind::Stretch
        }
        Item::DayRange(..) | Item::EveryWeekday(_) | Item::Workdays => Kind::Stretch,
        Item::Day(..) => Kind::Point,
        Item::Time(..) | Item::TimeRange(..) | Item::InMinutes(_) | Item::Now | Item::Impossible(_) => Kind::Clock,
        Item::Part(..) | Item::PartRange(..) | Item::PartUntil(..) | Item::Early => Kind::Part,
        _ => Kind::Rest,
    }
}

/// The items that stand after everything taken back is gone.
fn corrected(w: Words, found: Vec<Found>) -> Vec<Found> {
    let mut kept: Vec<(usize, Found)> = Vec::new();
    let mut segment = 0;
    let mut strong = false;
    let mut or_day = false;
    for (nth, f) in found.iter().enumerate() {
        let link = link(w, nth.checked_sub(1).map(|n| &found[n]), f);
        if matches!(link, Link::Correct | Link::Rather) {
            segment += 1;
            strong = link == Link::Correct;
        }
        let new = kind(&f.item);
        // Hours follow each other without «или»: the last one counts, but for each of two days its own.
        if let (Item::Time(_, Edge::At), true) = (&f.item, link != Link::Or) {
            let second_day = or_day && kept.iter().any(|(_, old)| matches!(old.item, Item::Time(_, Edge::At)));
            if second_day {
                continue;
            }
            kept.retain(|(_, old)| !matches!(old.item, Item::Time(_, Edge::At)));
        }
        or_day |= link == Link::Or && f.item.is_day();
        let plain_weekday = matches!(f.item, Item::Day(Day::Weekday(_, Which::Plain), Edge::At));
        kept.retain(|(of, old)| {
            let old = kind(&old.item);
            let replaced = match (old, new) {
                _ if *of == segment => false,
                (a, b) if a == b => a != Kind::Rest,
                (Kind::Stretch, Kind::Point) => strong && !plain_weekday,
                (Kind::Point, Kind::Stretch) => strong,
                (Kind::Clock, Kind::Part) => strong,
                _ => false,
            };
            !replaced
        });
        kept.push((segment, f.clone()));
    }
    kept.into_iter().map(|(_, f)| f).collect()
}

/// All readings of the wish, the likeliest first; none when only vague words were said.
fn wish(w: Words, found: &[Found], when: &When) -> Result<Vec<Wish>, NoSuchDate> {
    let today = when.now.date();
    let mut wish = Wish::default();
    let mut said = false;
    for f in found {
        match &f.item {
            Item::Impossible(reason) => return Err(NoSuchDate(reason.clone())),
            Item::Asap => wish.asap = true,
            Item::EveryWeekday(day) => wish.only_weekdays.push(*day),
            Item::Workdays => wish.only_weekdays.extend(WORKDAYS),
            Item::ExceptWeekday(day) => wish.exclude_weekdays.push(*day),
            Item::ExceptWeekend => wish.exclude_weekdays.extend([Weekday::Saturday, Weekday::Sunday]),
            Item::Vague | Item::Over => continue,
            _ => {}
        }
        said = true;
    }
    if !said {
        return Ok(Vec::new());
    }
    let days = groups(w, found);
    let mut other_day = None;
    let mut dates: Vec<Date> = Vec::new();
    for group in &days {
        let (date, doubt) = group_date(group, found, today)?;
        if !dates.contains(&date) {
            dates.push(date);
        }
        other_day = other_day.or(doubt);
    }
    if let Some(first) = dates.first() {
        wish.date = Some(*first);
        if dates.len() > 1 {
            wish.alternatives = dates.clone();
        }
    } else {
        stretches(found, today, &mut wish)?;
    }
    let mut hours = window_of(found, when, wish.date == Some(today));
    if let Some(moment) = moment(found, when)? {
        wish.date = Some(moment.date());
        hours = vec![Window { from: Some(moment.time()), to: Some(moment.time()) }];
    }
    let days = other_day.filter(|_| dates.len() == 1).map_or(vec![wish.date], |other| vec![wish.date, Some(other)]);
    let mut readings = Vec::new();
    for date in days {
        for window in &hours {
            readings.push(Wish { date, time_from: window.from, time_to: window.to, ..wish.clone() });
        }
    }
    Ok(readings)
}

const WORKDAYS: [Weekday; 5] =
    [Weekday::Monday, Weekday::Tuesday, Weekday::Wednesday, Weekday::Thursday, Weekday::Friday];

/// «через два часа», «прямо сейчас».
fn moment(found: &[Found], when: &When) -> Result<Option<jiff::civil::DateTime>, NoSuchDate> {
    let minutes = found.iter().rev().find_map(|f| match f.item {
        Item::InMinutes(minutes) => Some(minutes),
        Item::Now => Some(0),
        _ => None,
    });
    let Some(minutes) = minutes else { return Ok(None) };
    let moment = when
        .now
        .checked_add(SignedDuration::from_mins(minutes))
        .map_err(|_| NoSuchDate("дата за пределами календаря".into()))?;
    let to_minute = Time::new(moment.hour(), moment.minute(), 0, 0).unwrap_or(moment.time());
    Ok(Some(moment.date().to_datetime(to_minute)))
}

/// Days that are one and the same described twice («в четверг, второго»), one group for each alternative.
fn groups(w: Words, found: &[Found]) -> Vec<Vec<Day>> {
    let mut out: Vec<Vec<Day>> = Vec::new();
    let mut before: Option<&Found> = None;
    for f in found {
        if let Item::Day(day, Edge::At) = f.item
            && calendar::date(day, Date::constant(2026, 1, 1)).is_some()
        {
            let apart = link(w, before, f) == Link::Or && before.is_some();
            match out.last_mut() {
                Some(group) if !apart && !group.iter().any(|d| same_variety(*d, day)) => group.push(day),
                Some(group) if !apart && group.contains(&day) => {}
                _ => out.push(vec![day]),
            }
        }
        before = Some(f);
    }
    share_context(&mut out);
    out
}

fn same_variety(a: Day, b: Day) -> bool {
    std::mem::discriminant(&a) == std::mem::discriminant(&b)
}

/// «в следующую среду или четверг», «пятого или шестого декабря»: week and month belong to all alternatives.
fn share_context(groups: &mut [Vec<Day>]) {
    let month = groups.iter().flatten().rev().find_map(|d| match d {
        Day::OfMonth { month: Some(month), year, .. } => Some((*month, *year)),
        _ => None,
    });
    let week = groups.iter().flatten().find_map(|d| match d {
        Day::Weekday(_, which @ (Which::Week(_) | Which::This)) => Some(*which),
        _ => None,
    });
    for day in groups.iter_mut().flatten() {
        match day {
            Day::OfMonth { month: own @ None, year, .. } => {
                if let Some((month, its_year)) = month {
                    *own = Some(month);
                    *year = its_year;
                }
            }
            Day::Weekday(_, which @ Which::Plain) => *which = week.unwrap_or(*which),
            _ => {}
        }
    }
}

/// The date of a group, and a second reading where its descriptions contradict each other.
fn group_date(group: &[Day], found: &[Found], today: Date) -> Result<(Date, Option<Date>), NoSuchDate> {
    let week = found.iter().find_map(|f| match &f.item {
        Item::Day(Day::Week(ahead, _), _) => Some(*ahead),
        _ => None,
    });
    let month = found.iter().find_map(|f| match &f.item {
        Item::Day(Day::Month(month, _), _) => Some(*month),
        _ => None,
    });
    let weeks_on = group.iter().find_map(|d| match d {
        Day::In(n, Unit::Week) => Some(*n),
        _ => None,
    });
    let months_on = group.iter().find_map(|d| match d {
        Day::In(n, Unit::Month) => Some(MonthRef::Ahead(*n)),
        _ => None,
    });
    let month = month.or(months_on);
    let fitted = |day: Day| match day {
        Day::Weekday(day, Which::Plain) => match (weeks_on, week) {
            (Some(ahead), _) => Day::Weekday(day, Which::Week(ahead)),
            (None, Some(0)) => Day::Weekday(day, Which::This),
            (None, Some(ahead)) => Day::Weekday(day, Which::Week(ahead)),
            (None, None) => Day::Weekday(day, Which::Plain),
        },
        Day::OfMonth { day, month: None, year } => Day::OfMonth { day, month, year },
        day => day,
    };
    let rank = |day: &Day| match day {
        Day::OfMonth { .. } => 0,
        Day::Relative(_) => 1,
        Day::NthWeekday(..) | Day::LastOfMonth(_) => 2,
        Day::In(_, Unit::Week) => 4,
        Day::In(..) => 2,
        Day::Weekday(..) => 3,
        _ => 5,
    };
    let mut ordered: Vec<Day> = group.to_vec();
    ordered.sort_by_key(rank);
    let date_of = |day: Day| calendar::date(fitted(day), today).unwrap_or(Err(NoSuchDate("такого дня нет".into())));
    let first = date_of(ordered[0])?;
    let doubt = ordered.iter().skip(1).find_map(|day| match day {
        Day::Weekday(weekday, _) if *weekday != first.weekday() => date_of(*day).ok(),
        _ => None,
    });
    Ok((first, doubt))
}

/// Ranges and bounds of days where no single day was named.
fn stretches(found: &[Found], today: Date, wish: &mut Wish) -> Result<(), NoSuchDate> {
    for f in found {
        let before = (wish.date_from, wish.date_to);
        match f.item {
            Item::Day(day, edge) => {
                let span = calendar::span(day, today)?;
                match edge {
                    Edge::At => {
                        wish.date_from = Some(span.from);
                        wish.date_to = Some(span.to);
                        if matches!(day, Day::Weekend(_)) {
                            wish.only_weekdays.extend([Weekday::Saturday, Weekday::Sunday]);
                        }
                    }
                    Edge::From => wish.date_from = Some(span.from),
                    Edge::After => wish.date_from = Some(calendar::plus(span.to, 1.days())?),
                    Edge::Before if matches!(day, Day::Week(..) | Day::Month(..)) => wish.date_to = Some(span.to),
                    Edge::Before => wish.date_to = Some(calendar::plus(span.from, (-1).days())?),
                    Edge::To => wish.date_to = Some(span.to),
                }
            }
            Item::DayRange(first, second) => {
                let (from, mut to) = (calendar::span(first, today)?.from, calendar::span(second, today)?.to);
                if to < from {
                    to = match second {
                        Day::Weekday(day, _) => calendar::span(Day::Weekday(day, Which::Plain), from)?.to,
                        _ => to,
                    };
                }
                wish.date_from = Some(from);
                wish.date_to = Some(to.max(from));
            }
            _ => {}
        }
        // Bounds that contradict each other: the one said later counts.
        if wish.date_from.zip(wish.date_to).is_some_and(|(from, to)| from > to) {
            if before.0 == wish.date_from {
                wish.date_from = None;
            } else {
                wish.date_to = None;
            }
        }
    }
    if wish.date_from.is_some() && wish.date_from == wish.date_to {
        wish.date = wish.date_from.take();
        wish.date_to = None;
    }
    Ok(())
}
