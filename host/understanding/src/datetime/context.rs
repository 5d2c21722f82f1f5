//! Which of the things found are a wish at all: the past, symptoms, doses and addresses go; what does not suit the
//! caller turns into its opposite; what was taken back by «не … а …» or by moving a booking goes too.

use super::clock::Words;
use super::items::{Day, Edge, Found, Item};
use super::repair::Gap;
use super::words::{Lex, Part, Unit};
use crate::normalise::listed;

/// The items that state the wish.
pub(super) fn wishes(w: Words, found: Vec<Found>) -> Vec<Found> {
    let clusters = clusters(w, &found);
    let mut out: Vec<Found> = Vec::new();
    for (nth, range) in clusters.iter().enumerate() {
        let items = &found[range.clone()];
        let around = Around { w, clusters: &clusters, found: &found, nth };
        if around.over(items) || around.tells_the_day(items) {
            continue;
        }
        if around.unsuitable() {
            out.extend(opposite(items));
        } else {
            out.extend(items.iter().cloned());
        }
    }
    moved(w, negations(out))
}

/// Items said in one breath: nothing in between but a comma, «и» or «или».
fn clusters(w: Words, found: &[Found]) -> Vec<std::ops::Range<usize>> {
    let mut out: Vec<std::ops::Range<usize>> = Vec::new();
    for (nth, item) in found.iter().enumerate() {
        match out.last_mut() {
            Some(last) if joined(w, &found[nth - 1], item) => last.end = nth + 1,
            _ => out.push(nth..nth + 1),
        }
    }
    out
}

fn joined(w: Words, before: &Found, after: &Found) -> bool {
    // «в среду, сегодня не дойду»: what is said of today is a remark of its own.
    if after.item == Item::Day(Day::Relative(0), Edge::At) && w.gap(after.from) >= Gap::Comma {
        return false;
    }
    // «после обеда, с утра у меня совещание»
    let parts = matches!((&before.item, &after.item), (Item::Part(one, _), Item::Part(two, _)) if one != two);
    if parts && w.gap(after.from) >= Gap::Comma {
        return false;
    }
    let linked = (before.to..after.from).all(|at| matches!(w.text(at), "и" | "или"));
    linked && w.gap(after.from) < Gap::Stop && !after.negated
}

struct Around<'a> {
    w: Words<'a>,
    clusters: &'a [std::ops::Range<usize>],
    found: &'a [Found],
    nth: usize,
}

impl Around<'_> {
    /// Whether the cluster speaks of the past, of the illness, of a dose or a place.
    fn over(&self, items: &[Found]) -> bool {
        if items.iter().any(|f| f.item == Item::Over) {
            return true;
        }
        if self.distance(|at| self.w.lex(at) == Lex::Address && at < self.start()).is_some_and(|d| d <= 2) {
            return true;
        }
        // «фамилия у меня Понедельник», but not «фамилия Иванова, на пятницу».
        let named =
            (0..self.start()).rev().find(|at| !listed("у меня нас него нее такая моя наша ее его", self.w.text(*at)));
        if named.is_some_and(|at| {
            self.w.lex(at) == Lex::Named && (at + 1..=self.start()).all(|n| self.w.gap(n) < Gap::Comma)
        }) {
            return true;
        }
        let has_day = items.iter().any(|f| f.item.is_day());
        if !has_day && self.distance(|at| self.w.lex(at) == Lex::Dose).is_some_and(|d| d <= 4) {
            return true;
        }
        let wish = self.distance(|at| self.w.lex(at) == Lex::Wish).unwrap_or(usize::MAX);
        if self.distance(|at| self.w.lex(at) == Lex::Past).is_some_and(|d| d <= 3 && d < wish) {
            return true;
        }
        // «уколы через день делаем»: how often.
        let habit = |at: usize| {
            self.w.lex(at) == Lex::Other
                && ["аем", "яем", "ьем", "олем", "уем"].iter().any(|e| self.w.text(at).ends_with(e))
        };
        let every_other = items.iter().all(|f| matches!(f.item, Item::Day(Day::In(1, Unit::Day), _)));
        if every_other && self.distance(habit).is_some_and(|d| d <= 2) {
            return true;
        }
        let ill = |at: usize| self.w.lex(at) == Lex::Symptom || self.happens(at);
        let ill = self.distance(ill).is_some_and(|d| d <= 3 && d < wish);
        ill && items.iter().all(|f| {
            matches!(f.item, Item::Day(_, Edge::From) | Item::Day(Day::Relative(0), _) | Item::Part(..) | Item::Early)
        })
    }

    /// «сегодня-то воскресенье, давайте завтра»: what day it is, and then the wish.
    fn tells_the_day(&self, items: &[Found]) -> bool {
        let told = match items {
            [day, weekday] => {
                matches!(day.item, Item::Day(Day::Relative(_), Edge::At))
                    && matches!(weekday.item, Item::Day(Day::Weekday(..), Edge::At))
                    && self.w.gap(weekday.from) < Gap::Comma
            }
            _ => false,
        };
        told && self.clusters[self.nth + 1..]
            .iter()
            .any(|later| self.found[later.clone()].iter().any(|f| f.item.is_day() && !f.negated))
    }

    /// «с утра капает», «вечером скулит»: a verb that says what goes on, unless it speaks of coming.
    fn happens(&self, at: usize) -> bool {
        let text = self.w.text(at);
        let ends = |list: &[&str]| list.iter().any(|end| text.ends_with(end));
        self.w.lex(at) == Lex::Other
            && text.chars().count() >= 5
            && ends(&["ает", "яет", "еет", "ует", "лит", "рит", "нит", "пит", "сит", "ются", "ется", "ится"])
    }

    /// Whether «не могу», «занят» belongs to the cluster.
    fn unsuitable(&self) -> bool {
        self.distance(|at| self.w.lex(at) == Lex::Busy).is_some_and(|d| d <= 3)
    }

    fn start(&self) -> usize {
        self.found[self.clusters[self.nth].start].from
    }

    fn end(&self) -> usize {
        self.found[self.clusters[self.nth].end - 1].to
    }

    /// How many words away the nearest word is that `is` accepts and that belongs to this cluster, not to a nearer
    /// one. A comma counts as two words; a full stop ends the search.
    fn distance(&self, is: impl Fn(usize) -> bool) -> Option<usize> {
        let before = self.nth.checked_sub(1).map_or(0, |n| self.found[self.clusters[n].end - 1].to);
        let after = self.clusters.get(self.nth + 1).map_or(self.w.0.len(), |c| self.found[c.start].from);
        let left = self.look((before..self.start()).rev(), true, &is).filter(|(at, steps)| {
            // Between two clusters the word goes with the nearer one, at a draw with the one before it.
            self.nth == 0 || *steps < self.steps_from(before, *at)
        });
        let right = self
            .look(self.end()..after, false, &is)
            .filter(|(at, steps)| self.nth + 1 >= self.clusters.len() || *steps <= self.steps_to(after, *at));
        left.map(|(_, d)| d).into_iter().chain(right.map(|(_, d)| d)).min()
    }

    fn look(
        &self,
        range: impl Iterator<Item = usize>,
        leftward: bool,
        is: &impl Fn(usize) -> bool,
    ) -> Option<(usize, usize)> {
        let mut steps = 0;
        for at in range {
            let crossed = if leftward { self.w.gap(at + 1) } else { self.w.gap(at) };
            let border = if leftward && at + 1 > self.w.0.len() { Gap::Space } else { crossed };
            steps += match border {
                Gap::Stop => return None,
                Gap::Comma => 3,
                _ => 1,
            };
            if is(at) {
                return Some((at, steps));
            }
        }
        None
    }

    fn steps_from(&self, cluster_end: usize, at: usize) -> usize {
        (cluster_end..=at).map(|n| if self.w.gap(n) >= Gap::Comma { 3 } else { 1 }).sum()
    }

    fn steps_to(&self, cluster_start: usize, at: usize) -> usize {
        (at + 1..=cluster_start).map(|n| if self.w.gap(n) >= Gap::Comma { 3 } else { 1 }).sum()
    }
}

/// «до шести не могу» is a wish for after six; «в среду не могу» excludes Wednesdays.
fn opposite(items: &[Found]) -> Vec<Found> {
    let turned: Vec<Option<Item>> = items
        .iter()
        .map(|f| match &f.item {
            Item::Time(clock, Edge::To) => Some(Item::Time(*clock, Edge::From)),
            Item::Time(clock, Edge::From) => Some(Item::Time(*clock, Edge::To)),
            Item::Part(Part::BeforeLunch, Edge::At) => Some(Item::Part(Part::AfterLunch, Edge::At)),
            Item::Part(Part::AfterLunch, Edge::At) => Some(Item::Part(Part::BeforeLunch, Edge::At)),
            Item::Part(Part::Evening, Edge::To) => Some(Item::Part(Part::Evening, Edge::At)),
            Item::Day(day, Edge::Before) => Some(Item::Day(*day, Edge::From)),
            Item::Day(day, Edge::To) => Some(Item::Day(*day, Edge::After)),
            Item::Day(day, Edge::From) => Some(Item::Day(*day, Edge::Before)),
            Item::Day(day, Edge::After) => Some(Item::Day(*day, Edge::To)),
            _ => None,
        })
        .collect();
    let bounded_time = turned.iter().flatten().any(Item::is_time);
    items
        .iter()
        .zip(turned)
        .filter_map(|(f, turned)| {
            let item = match (&f.item, turned) {
                (_, Some(item)) => item,
                (item, None) if item.is_day() && bounded_time => item.clone(),
                (Item::Day(Day::Weekday(day, _), Edge::At), None) => Item::ExceptWeekday(*day),
                (Item::Day(Day::Weekend(_), Edge::At), None) => Item::ExceptWeekend,
                (Item::ExceptWeekday(_) | Item::ExceptWeekend, None) => f.item.clone(),
                _ => return None,
            };
            Some(Found { item, ..f.clone() })
        })
        .collect()
}

/// «не завтра, а послезавтра» drops the first; «только не в пятницу» excludes Fridays.
fn negations(found: Vec<Found>) -> Vec<Found> {
    let stays = |nth: usize, f: &Found| {
        let instead = found[nth + 1..].iter().any(|later| !later.negated && later.item.is_day() == f.item.is_day());
        match f.item {
            _ if !f.negated => Some(f.clone()),
            Item::Day(Day::Weekday(day, _), Edge::At) if !instead => {
                Some(Found { item: Item::ExceptWeekday(day), ..f.clone() })
            }
            Item::Day(Day::Weekend(_), Edge::At) if !instead => Some(Found { item: Item::ExceptWeekend, ..f.clone() }),
            Item::ExceptWeekday(_) | Item::ExceptWeekend => Some(f.clone()),
            _ => None,
        }
    };
    found.iter().enumerate().filter_map(|(nth, f)| stays(nth, f)).collect()
}

/// «записан на вторник, перенесите на среду», «с четверга на пятницу»: the new time counts.
fn moved(w: Words, found: Vec<Found>) -> Vec<Found> {
    let moving = (0..w.0.len()).find(|at| w.lex(*at) == Lex::Move);
    let booked = (0..w.0.len()).find(|at| w.lex(*at) == Lex::Booked);
    if moving.is_none() && booked.is_none() {
        return found;
    }
    let superseded = |f: &Found, later: &Found| {
        let same = f.item.is_day() && later.item.is_day() || f.item.is_time() && later.item.is_time();
        let from_old = matches!(f.item, Item::Day(_, Edge::From) | Item::Time(_, Edge::From)) && moving.is_some();
        let wish_between = (f.to..later.from).any(|at| matches!(w.lex(at), Lex::Move | Lex::Wish));
        let was_booked =
            booked.is_some_and(|at| at < f.from) || moving.is_some_and(|at| at > f.from && at < later.from);
        same && (from_old || was_booked && wish_between)
    };
    let mut out: Vec<Found> = Vec::with_capacity(found.len());
    let mut dropped_until = None;
    for (nth, f) in found.iter().enumerate() {
        if found[nth + 1..].iter().any(|later| superseded(f, later)) {
            dropped_until = Some(f.to);
        } else if dropped_until == Some(f.from) && f.item.is_time() && found[nth + 1..].iter().any(|l| l.item.is_day())
        {
            // The hour of the old booking goes with its day.
            dropped_until = Some(f.to);
        } else {
            out.push(f.clone());
        }
    }
    out
}
