//! From hours as said to a window of the day: parts of the day, bounds, and which half of the day an hour is in.

use jiff::civil::Time;

use super::When;
use super::items::{Clock, Edge, Found, Item};
use super::words::Part;

/// Hours wished for, open where `None`; equal ends are an exact time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Window {
    pub from: Option<Time>,
    pub to: Option<Time>,
}

/// The readings of all hours said, the likeliest first; one open window if none were.
pub(super) fn window_of(found: &[Found], when: &When, today: bool) -> Vec<Window> {
    let named: Vec<&Item> = found.iter().map(|f| &f.item).collect();
    let part = named.iter().rev().find_map(|item| match item {
        Item::Part(part, Edge::At) => Some(*part),
        _ => None,
    });
    let hint = part.map(|part| part_window(part, when));
    let reading = |clock: Clock| readings(clock, when, hint, today);
    if let Some(window) = exact(&named, when, &reading) {
        return window;
    }
    let mut window = Window { from: None, to: None };
    for item in &named {
        let next = match item {
            Item::Part(part, Edge::To) => {
                let (from, to) = part_window(*part, when);
                Window { from: None, to: Some(if *part == Part::Closing { to } else { from }) }
            }
            Item::Part(Part::Closing, Edge::Before) => {
                Window { from: Some(shifted(when.closes, -60)), to: Some(when.closes) }
            }
            Item::Part(part, Edge::From) => Window { from: Some(part_window(*part, when).0), to: None },
            Item::Part(part, _) => {
                let (from, to) = part_window(*part, when);
                Window { from: Some(from), to: Some(to) }
            }
            Item::PartRange(first, second) => {
                let (from, (start, end)) = (part_window(*first, when).0, part_window(*second, when));
                let to = match second {
                    Part::Lunch => shifted(start, 60),
                    Part::Closing => end,
                    _ => start,
                };
                Window { from: Some(from), to: Some(to.max(from)) }
            }
            Item::PartUntil(part, clock) => {
                let from = part_window(*part, when).0;
                let ends = readings(*clock, when, None, false).into_iter().chain(halves(*clock));
                Window { from: Some(from), to: ends.into_iter().find(|t| *t > from && *t <= when.closes) }
            }
            Item::Early if part.is_none() => {
                let (from, to) = part_window(Part::Morning, when);
                Window { from: Some(from), to: Some(to) }
            }
            _ => continue,
        };
        window = narrowed(window, next);
    }
    for item in &named {
        match item {
            Item::Time(clock, Edge::From | Edge::After) => {
                window.from = later(window.from, reading(*clock).first().copied());
            }
            Item::Time(clock, _) => {
                // «до девяти» at a clinic that opens at nine is nine in the evening.
                let opens = window.from.unwrap_or(when.opens);
                let to = reading(*clock);
                let likeliest = to.first().copied();
                let end = to.into_iter().chain(halves(*clock)).find(|t| *t > opens && *t <= when.closes).or(likeliest);
                window.to = earlier(window.to, end);
            }
            _ => {}
        }
    }
    if let (Some(from), Some(to)) = (window.from, window.to)
        && to < from
    {
        window.to = None;
    }
    vec![window]
}

/// Exact hours and ranges of hours go before everything else.
fn exact(named: &[&Item], when: &When, reading: &impl Fn(Clock) -> Vec<Time>) -> Option<Vec<Window>> {
    if let Some((first, second)) = named.iter().rev().find_map(|item| match item {
        Item::TimeRange(first, second) => Some((*first, *second)),
        _ => None,
    }) {
        let (from, to) = ordered(reading(first), reading(second), first, second, when);
        return Some(vec![Window { from: Some(from), to: Some(to) }]);
    }
    let mut times: Vec<Vec<Time>> = Vec::new();
    let clocks = named.iter().any(|item| matches!(item, Item::Time(_, Edge::At)));
    for item in named {
        match item {
            Item::Time(clock, Edge::At) => times.push(reading(*clock)),
            Item::Part(Part::Opening, _) if !clocks => times.push(vec![when.opens]),
            Item::Part(Part::Closing, Edge::At) if !clocks => times.push(vec![when.closes]),
            _ => {}
        }
    }
    let last = times.last()?.clone();
    let first = times.first().and_then(|t| t.first()).copied();
    if times.len() > 1 {
        // «в пять или в шесть»: between them.
        let (from, to) = (first?.min(*last.first()?), first?.max(*last.first()?));
        return Some(vec![Window { from: Some(from), to: Some(to) }]);
    }
    Some(last.into_iter().map(|t| Window { from: Some(t), to: Some(t) }).collect())
}

/// Both ends of a range, the second after the first where a half of the day can be chosen.
fn ordered(first: Vec<Time>, second: Vec<Time>, a: Clock, b: Clock, when: &When) -> (Time, Time) {
    let firsts: Vec<Time> = first.iter().copied().chain(halves(a)).collect();
    let seconds: Vec<Time> = second.iter().copied().chain(halves(b)).collect();
    let open = |t: &Time| *t >= when.opens && *t <= when.closes;
    for from in firsts.iter().filter(|t| open(t)) {
        if let Some(to) = seconds.iter().filter(|t| open(t)).find(|to| *to > from) {
            return (*from, *to);
        }
    }
    let from = firsts.first().copied().unwrap_or(when.opens);
    (from, seconds.first().copied().unwrap_or(when.closes).max(from))
}

/// The readings of a clock time: the one that is within opening hours (the morning's if both are), or both if neither.
fn readings(clock: Clock, when: &When, hint: Option<(Time, Time)>, today: bool) -> Vec<Time> {
    let both = halves(clock);
    if both.len() < 2 {
        return both;
    }
    if let Some((from, to)) = hint {
        let (from, to) = (shifted(from, -60), shifted(to, 60));
        if let Some(time) = both.iter().find(|t| **t >= from && **t <= to) {
            return vec![*time];
        }
    }
    let open: Vec<Time> = both.iter().copied().filter(|t| *t >= when.opens && *t <= when.closes).collect();
    match open.as_slice() {
        [] => both,
        [morning, evening] if today && *morning < when.now.time() && *evening >= when.now.time() => vec![*evening],
        [first, ..] => vec![*first],
    }
}

/// A clock time in both halves of the day, or in the one that was said or is plain from its figures.
fn halves(clock: Clock) -> Vec<Time> {
    let at = |hour: u32| Time::new((hour % 24) as i8, (clock.minute % 60) as i8, 0, 0).ok();
    let hour = clock.hour;
    let hours = match clock.half {
        Some(Part::Morning) => vec![hour],
        Some(Part::Night) if hour == 12 => vec![0],
        Some(Part::Night) if hour <= 5 => vec![hour],
        Some(_) if hour < 12 => vec![hour + 12],
        Some(_) => vec![hour],
        None if hour == 0 || hour > 12 => vec![hour],
        None if hour == 12 => vec![12],
        None => vec![hour, hour + 12],
    };
    hours.into_iter().filter_map(at).collect()
}

/// When a part of the day begins and ends for this clinic.
fn part_window(part: Part, when: &When) -> (Time, Time) {
    let at = |hour: i8| Time::constant(hour, 0, 0, 0);
    let (opens, closes) = (when.opens.min(at(11)), when.closes.max(at(18)));
    match part {
        Part::Morning => (opens, at(12)),
        Part::BeforeLunch => (opens, at(13)),
        Part::Lunch => (at(12), at(14)),
        Part::Day => (at(12), at(17)),
        Part::AfterLunch => (at(13), at(18)),
        Part::Evening => (at(17), closes),
        Part::LateEvening => (at(19).min(closes), closes),
        Part::Night => (closes, at(23)),
        Part::Noon => (at(12), at(12)),
        Part::Opening => (when.opens, when.opens),
        Part::Closing => (when.closes, when.closes),
    }
}

fn shifted(time: Time, minutes: i64) -> Time {
    time.saturating_add(jiff::SignedDuration::from_mins(minutes))
}

fn later(a: Option<Time>, b: Option<Time>) -> Option<Time> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.max(b)),
        (a, b) => a.or(b),
    }
}

fn earlier(a: Option<Time>, b: Option<Time>) -> Option<Time> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (a, b) => a.or(b),
    }
}

/// Both windows at once; the later-said one where they do not meet.
fn narrowed(a: Window, b: Window) -> Window {
    let both = Window { from: later(a.from, b.from), to: earlier(a.to, b.to) };
    match (both.from, both.to) {
        (Some(from), Some(to)) if to <= from => b,
        _ => both,
    }
}
