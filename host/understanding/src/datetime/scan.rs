//! Reading a phrase from left to right into [`Found`] items: at each word the first pattern that fits is taken,
//! longest meanings first; a word that starts nothing is passed over.

use super::clock::Words;
use super::day::Ahead;
use super::items::{Clock, Day, Edge, Found, Item};
use super::repair::{Gap, Word};
use super::words::{Lex, Part, Prep, Unit};
use crate::number::OrdinalForm;

/// All items of a phrase, in the order said.
pub(super) fn scan(words: &[Word]) -> Vec<Found> {
    let mut scan = Scan { w: Words(words), found: Vec::new() };
    let mut at = 0;
    while at < words.len() {
        at += scan.step(at).max(1);
    }
    scan.found
}

pub(super) struct Scan<'a> {
    pub(super) w: Words<'a>,
    pub(super) found: Vec<Found>,
}

/// An item and the number of words it took.
pub(super) type Step = Option<(Item, usize)>;

impl Scan<'_> {
    /// Takes what starts at `at`; the number of words taken, 0 if nothing starts there.
    fn step(&mut self, at: usize) -> usize {
        if self.w.lex(at) == Lex::Except {
            return self.except(at);
        }
        if self.greeting(at) {
            return 2;
        }
        let negated = self.w.lex(at) == Lex::Not && self.w.gap(at + 1) < Gap::Comma;
        let start = at + usize::from(negated);
        let Some((item, taken)) = self.item(start) else { return 0 };
        self.found.push(Found { item, from: start, to: start + taken, negated });
        taken + usize::from(negated)
    }

    /// «добрый вечер», «хорошего дня», «приятных выходных»: courtesy, no wish.
    fn greeting(&self, at: usize) -> bool {
        let kind = ["добр", "хорош", "приятн", "спокойн", "удачн", "прекрасн"];
        kind.iter().any(|start| self.w.text(at).starts_with(start))
            && self.w.text(at) != "хорошо"
            && self.w.gap(at + 1) < Gap::Comma
            && matches!(
                self.w.lex(at + 1),
                Lex::Part(_) | Lex::PartOf(_) | Lex::Unit(Unit::Day | Unit::Week) | Lex::Weekend
            )
    }

    /// «сейчас подъехать можно», «можно к вам подъехать сейчас»: now is when they would come.
    fn coming_now(&self, at: usize) -> bool {
        let coming = |at: usize| {
            let starts =
                "приех приед подъе подъех прийт приду приде подойт подойд прибеж попаст привез привест примет принят";
            self.w.gap(at) < Gap::Stop && starts.split(' ').any(|start| self.w.text(at).starts_with(start))
        };
        matches!(self.w.text(at), "сейчас" | "щас")
            && ((at + 1..=at + 2).any(coming) || (at.saturating_sub(2)..at).any(coming))
            && !(0..self.w.0.len()).any(|n| matches!(self.w.lex(n), Lex::Relative(1..) | Lex::Weekday(_) | Lex::Busy))
    }

    fn item(&self, at: usize) -> Step {
        let w = self.w;
        if self.coming_now(at) {
            return Some((Item::Now, 1));
        }
        match w.lex(at) {
            Lex::Asap => return Some((Item::Asap, 1)),
            Lex::Nearest
                if matches!(
                    w.text(at + 1),
                    "окно" | "окошко" | "время" | "свободное" | "место" | "число" | "запись" | ""
                ) =>
            {
                return Some((Item::Asap, 1 + usize::from(!w.text(at + 1).is_empty())));
            }
            Lex::Now => return Some((Item::Now, 1)),
            Lex::Vague => return Some((Item::Vague, 1)),
            Lex::Yesterday => return Some((Item::Over, 1)),
            Lex::Last if matches!(w.lex(at + 1), Lex::Weekday(_) | Lex::Unit(_) | Lex::Weekend | Lex::Month(_)) => {
                return Some((Item::Over, 2));
            }
            Lex::EveryWeekday(day) => return Some((Item::EveryWeekday(day), 1)),
            Lex::Workdays => return Some((Item::Workdays, 1 + usize::from(w.lex(at + 1) == Lex::Unit(Unit::Day)))),
            _ => {}
        }
        self.ago(at)
            .or_else(|| self.within(at))
            .or_else(|| w.ahead(at).map(|(ahead, taken)| (ahead_item(ahead), taken)))
            .or_else(|| self.hour_number(at))
            .or_else(|| self.not_before(at))
            .or_else(|| self.bounded(at))
            .or_else(|| self.bare(at))
    }

    /// «неделю назад», «три дня назад», «уже третий день».
    fn ago(&self, at: usize) -> Step {
        let w = self.w;
        let taken = w.number(at).map_or(0, |(_, taken)| taken);
        let count = taken > 0 || matches!(w.lex(at), Lex::Couple | Lex::Several | Lex::OneAndHalf);
        let unit = at + taken.max(usize::from(count));
        if let (
            Lex::Ord(_, OrdinalForm::Other),
            Lex::Unit(Unit::Day | Unit::Week | Unit::Month | Unit::Year) | Lex::Part(Part::Night | Part::Evening),
        ) = (w.lex(at), w.lex(at + 1))
        {
            return Some((Item::Over, 2));
        }
        if w.unit(unit).is_some() && w.lex(unit + 1) == Lex::Ago {
            return Some((Item::Over, unit + 2 - at));
        }
        None
    }

    /// «в течение недели».
    fn within(&self, at: usize) -> Step {
        let w = self.w;
        if !w.text(at).starts_with("течени") {
            return None;
        }
        match w.lex(at + 1) {
            Lex::Unit(Unit::Week) => Some((Item::Day(Day::Within(7), Edge::At), 2)),
            Lex::Unit(Unit::Month) => Some((Item::Day(Day::Within(30), Edge::At), 2)),
            Lex::Unit(Unit::Hour) => Some((Item::Asap, 2)),
            _ => {
                let (n, taken) = w.number(at + 1)?;
                let days = match w.lex(at + 1 + taken) {
                    Lex::Unit(Unit::Day) | Lex::PartOf(Part::Day) => n,
                    Lex::Unit(Unit::Week) => n * 7,
                    _ => return None,
                };
                Some((Item::Day(Day::Within(i32::try_from(days).ok()?), Edge::At), 2 + taken))
            }
        }
    }

    /// «в шестом часу».
    fn hour_number(&self, at: usize) -> Step {
        let w = self.w;
        let skip = usize::from(w.lex(at) == Lex::Prep(Prep::In));
        let Lex::Ord(hour @ 1..=12, OrdinalForm::Prepositional) = w.lex(at + skip) else { return None };
        if w.lex(at + skip + 1) != Lex::Unit(Unit::Hour) {
            return None;
        }
        let (half, more) = match w.lex(at + skip + 2) {
            Lex::PartOf(part) => (Some(part), 1),
            _ => (None, 0),
        };
        let from = if hour == 1 { 12 } else { hour - 1 };
        Some((Item::TimeRange(Clock { hour: from, minute: 0, half }, Clock { hour, minute: 0, half }), skip + 2 + more))
    }

    /// «(в) семь-восемь (вечера)».
    pub(super) fn second_hour(&self, first: Clock, at: usize) -> Option<(Clock, usize)> {
        let w = self.w;
        if w.gap(at) >= Gap::Comma || first.half.is_some() || first.minute != 0 {
            return None;
        }
        let (second, taken) = w.clock(at)?;
        let next = second.hour == first.hour + 1 || second.hour == 1 && first.hour == 12;
        (next && second.minute == 0 && !self.counted(at + taken)).then_some((second, taken))
    }

    /// A clock reading that is not a count of something.
    pub(super) fn checked_clock(&self, at: usize, prep: Option<Prep>) -> Option<(Clock, usize)> {
        let w = self.w;
        let special = w.special(at).is_some();
        let (clock, taken) = w.clock(at)?;
        if special || clock.half.is_some() {
            return Some((clock, taken));
        }
        if matches!(w.text(at), "две" | "одна" | "одну" | "одной" | "одно") || self.counted(at + taken)
        {
            return None;
        }
        // «на час» alone is a duration as often as a time.
        if prep == Some(Prep::On) && w.lex(at) == Lex::Unit(Unit::Hour) && !self.touches_day(at) {
            return None;
        }
        // «на двух кошек», «с двумя собаками»: a case that no hour takes, and a noun.
        let oblique = matches!(w.text(at), "двух" | "трех" | "четырех") && matches!(prep, Some(Prep::On))
            || matches!(w.text(at), "двумя" | "тремя") && prep == Some(Prep::From);
        if oblique && w.lex(at + taken) == Lex::Other {
            return None;
        }
        Some((clock, taken))
    }

    /// Whether an item that names a day ends right before the preposition of `at`.
    pub(super) fn touches_day(&self, at: usize) -> bool {
        let near = self.found.last().is_some_and(|f| f.item.is_day() && at.saturating_sub(f.to) <= 1);
        near || self.w.day(at + 1, true).is_some()
    }

    /// Whether the word shows the number before it to be a count, an age, an address.
    pub(super) fn counted(&self, at: usize) -> bool {
        let w = self.w;
        if w.gap(at) >= Gap::Comma {
            return false;
        }
        matches!(w.lex(at), Lex::Thing | Lex::Dose | Lex::Address | Lex::Half)
            || matches!(w.lex(at), Lex::Unit(Unit::Minute | Unit::Year | Unit::Week | Unit::Month | Unit::Day))
            || matches!(w.lex(at), Lex::Card(_) | Lex::Digits(..)) && !self.pair_of_hours(at)
            || w.lex(at) == Lex::OneAndHalf
    }

    /// Whether two numbers in a row may still be hours: «семь восемь».
    fn pair_of_hours(&self, at: usize) -> bool {
        let value = |at: usize| self.w.number(at).map(|(value, _)| value);
        at > 0 && value(at).zip(value(at - 1)).is_some_and(|(b, a)| b == a + 1)
    }

    /// «второго кота», «двадцать пятого дома».
    pub(super) fn noun_follows(&self, at: usize) -> bool {
        matches!(self.w.lex(at), Lex::Thing | Lex::Address)
            && self.w.gap(at) == Gap::Space
            && self.w.lex(at - 1) != Lex::OfMonth
            && matches!(self.w.lex(at - 1), Lex::Ord(..) | Lex::Digits(..))
    }

    /// What needs no preposition.
    fn bare(&self, at: usize) -> Step {
        let w = self.w;
        if w.lex(at) == Lex::Early {
            if let Some((part, taken)) = w.part(at) {
                return Some((Item::Part(part, Edge::At), taken));
            }
            return Some((Item::Early, 1));
        }
        if let Some((_, taken)) = w.part(at) {
            let half_of_day = matches!(w.lex(at), Lex::PartOf(_));
            if !half_of_day || self.touches_day(at) || self.found.is_empty() {
                return Some((self.part_bound(Prep::In, at)?.0, taken));
            }
        }
        if let Some((clock, taken)) = w.special(at).and_then(|_| w.clock(at)) {
            return Some((time_item(clock, Edge::At), taken));
        }
        if let Some((day, taken)) = w.day(at, true) {
            return Some((Item::Day(day, Edge::At), taken));
        }
        if let Some((day, taken)) = w.day(at, false)
            && (self.continues_days() || self.whole(at, taken))
        {
            return Some((Item::Day(day, Edge::At), taken));
        }
        // «31 в 9 утра»: too large for an hour.
        if let Lex::Digits(day @ 25..=31, 2) = w.lex(at)
            && matches!(w.lex(at + 1), Lex::Prep(Prep::In | Prep::To | Prep::After | Prep::From | Prep::Until))
            && (w.clock(at + 2).is_some() || w.part(at + 2).is_some())
        {
            return Some((Item::Day(Day::OfMonth { day, month: None, year: None }, Edge::At), 1));
        }
        let (clock, taken) = w.clock(at)?;
        // «два дня» is two days; «два часа дня» an hour.
        if w.text(at + taken - 1) == "дня" && w.lex(at + taken - 2) != Lex::Unit(Unit::Hour) && !self.touches_day(at)
        {
            return None;
        }
        if clock.half.is_some() || w.gap(at + 1) == Gap::Colon && taken > 1 {
            return Some((time_item(clock, Edge::At), taken));
        }
        if self.counted(at + taken)
            || w.lex(at) == Lex::Unit(Unit::Hour)
            || matches!(w.text(at), "две" | "одна" | "одну" | "одно")
        {
            return None;
        }
        // A bare number is an hour beside a day or another hour, or when nothing else was said.
        let beside_day =
            self.found.last().is_some_and(|f| (f.item.is_day() || matches!(f.item, Item::Part(..))) && f.to == at);
        let after_hour = self
            .found
            .last()
            .is_some_and(|f| matches!(f.item, Item::Time(..) | Item::TimeRange(..)) && self.only_links(f.to, at));
        let before_day = w.day(at + taken, true).is_some() && at == 0;
        let ends = matches!(
            w.lex(at + taken),
            Lex::Nil
                | Lex::Wish
                | Lex::Prep(_)
                | Lex::And
                | Lex::No
                | Lex::Not
                | Lex::Or
                | Lex::Correct
                | Lex::Rather
                | Lex::Weekday(_)
                | Lex::Able
                | Lex::Part(_)
                | Lex::Relative(_)
        ) || w.gap(at + taken) >= Gap::Comma;
        if self.whole(at, taken) || ((beside_day || before_day) && ends) || after_hour {
            if let Some((second, more)) = self.second_hour(clock, at + taken) {
                return Some((Item::TimeRange(Clock { half: second.half, ..clock }, second), taken + more));
            }
            return Some((time_item(clock, Edge::At), taken));
        }
        None
    }

    fn continues_days(&self) -> bool {
        self.found.last().is_some_and(|f| matches!(f.item, Item::Day(Day::OfMonth { .. }, _)))
    }

    /// Whether only links («нет», «или», commas) stand in between.
    fn only_links(&self, from: usize, to: usize) -> bool {
        from < to
            && (from..to).all(|at| {
                matches!(self.w.lex(at), Lex::No | Lex::Or | Lex::Correct | Lex::Rather | Lex::And | Lex::Not)
            })
    }

    /// Whether the phrase says nothing but these words and wishes.
    fn whole(&self, at: usize, taken: usize) -> bool {
        let quiet = |lex: Lex| matches!(lex, Lex::Wish | Lex::Rather | Lex::And | Lex::Correct | Lex::No | Lex::Able);
        (0..self.w.0.len()).all(|nth| (at..at + taken).contains(&nth) || quiet(self.w.lex(nth)))
    }

    /// «кроме пятницы и субботы»: everything named up to the next other word.
    fn except(&mut self, at: usize) -> usize {
        let w = self.w;
        let mut next = at + 1;
        loop {
            match w.lex(next) {
                Lex::Weekday(day) | Lex::EveryWeekday(day) => {
                    self.found.push(Found { item: Item::ExceptWeekday(day), from: at, to: next + 1, negated: false });
                }
                Lex::Weekend => {
                    self.found.push(Found { item: Item::ExceptWeekend, from: at, to: next + 1, negated: false });
                }
                Lex::And | Lex::Or | Lex::Prep(Prep::By | Prep::In | Prep::From)
                    if matches!(w.lex(next + 1), Lex::Weekday(_) | Lex::Weekend | Lex::EveryWeekday(_)) => {}
                _ => break,
            }
            next += 1;
        }
        // «кроме завтра», «кроме утра» say nothing that a wish could hold.
        if next == at + 1 && self.item(next).is_some() {
            return 1 + self.item(next).map_or(0, |(_, taken)| taken);
        }
        next - at
    }
}

pub(super) fn ahead_item(ahead: Ahead) -> Item {
    match ahead {
        Ahead::Day(day) => Item::Day(day, Edge::At),
        Ahead::Minutes(minutes) => Item::InMinutes(minutes),
        Ahead::Vague => Item::Vague,
    }
}

pub(super) fn time_item(clock: Clock, edge: Edge) -> Item {
    if clock.hour > 24 || clock.hour == 24 && clock.minute > 0 {
        return Item::Impossible(format!("в сутках нет времени {}:{:02}", clock.hour, clock.minute));
    }
    Item::Time(clock, edge)
}
