//! What prepositions make of a time or day: «не раньше …», «с … до …», «после …», «часам к …».

use super::day::Ahead;
use super::items::{Clock, Day, Edge, Item, Which};
use super::repair::{Gap, NOT};
use super::scan::{Scan, Step, ahead_item, time_item};
use super::words::{Lex, Part, Prep, Unit};

impl Scan<'_> {
    /// «не раньше (чем в) десяти», «позже пяти», «не позднее среды».
    pub fn not_before(&self, at: usize) -> Step {
        let w = self.w;
        let not = w.text(at).starts_with(NOT) && w.text(at).contains(' ');
        let edge = match (w.lex(at), not) {
            (Lex::Earlier, true) => Edge::From,
            (Lex::Later, true) => Edge::To,
            (Lex::Later, false) => Edge::After,
            (Lex::Earlier, false) => Edge::Before,
            _ => return None,
        };
        let mut next = at + 1;
        next += usize::from(w.text(next) == "чем");
        while matches!(w.lex(next), Lex::Prep(Prep::In | Prep::On | Prep::From | Prep::To | Prep::About)) {
            next += 1;
        }
        if let Some((ahead, taken)) = w.ahead(next) {
            let Ahead::Day(day) = ahead else { return None };
            return Some((Item::Day(day, edge), next + taken - at));
        }
        if let Some((day, taken)) = w.day(next, false) {
            return Some((Item::Day(day, edge), next + taken - at));
        }
        let time_edge = match edge {
            Edge::From | Edge::After => Edge::From,
            _ => Edge::To,
        };
        if let Some((part, taken)) =
            w.part(next).filter(|(part, _)| !matches!(part, Part::Noon | Part::Opening | Part::Closing))
        {
            return Some((Item::Part(part, time_edge), next + taken - at));
        }
        let (clock, taken) = self.checked_clock(next, None)?;
        Some((time_item(clock, time_edge), next + taken - at))
    }

    /// Everything that a preposition opens: «с … до …», «после …», «часам к …», «в …».
    pub fn bounded(&self, at: usize) -> Step {
        let w = self.w;
        // «часов в пять», «числа до двадцатого», «часам к пяти»
        let skip = usize::from(
            matches!(w.lex(at), Lex::Unit(Unit::Hour) | Lex::OfMonth)
                && matches!(w.lex(at + 1), Lex::Prep(_))
                && w.text(at) != "час",
        );
        let Lex::Prep(mut prep) = w.lex(at + skip) else {
            // «числа двадцатого», «часов пять вечера»
            if w.lex(at) == Lex::OfMonth {
                let (day, taken) = w.day(at + 1, false)?;
                return Some((Item::Day(day, Edge::At), 1 + taken));
            }
            if matches!(w.text(at), "часов" | "часиков" | "часа") {
                // «часов восемь» may be how long; after a day or «вечером» it is when.
                let placed = self.found.last().is_some_and(|f| f.item.is_day() || matches!(f.item, Item::Part(..)));
                let (clock, taken) = w.clock(at + 1).filter(|(clock, taken)| {
                    clock.half.is_some() || placed && matches!(w.lex(at + 1 + taken), Lex::Nil | Lex::Wish | Lex::Able)
                })?;
                return Some((time_item(clock, Edge::At), 1 + taken));
            }
            return None;
        };
        let mut next = at + skip + 1;
        // «к часам пяти», «в часов пять», «около часов пяти»
        if matches!(w.text(next), "часов" | "часам" | "часиков" | "часикам") && (w.number(next + 1).is_some())
        {
            next += 1;
        }
        // «начиная с», «после около»: the last preposition decides.
        while let Lex::Prep(inner) = w.lex(next) {
            if matches!(prep, Prep::By | Prep::For) {
                return None;
            }
            if !matches!(inner, Prep::In | Prep::On | Prep::About) || prep == Prep::In {
                prep = inner;
            }
            next += 1;
        }
        let lead = next - at;
        if let Some((range, taken)) = self.range(prep, next) {
            return Some((range, lead + taken));
        }
        if let Some((item, taken)) = self.part_bound(prep, next) {
            return Some((item, lead + taken));
        }
        if let Some((ahead, taken)) = w.ahead(next) {
            return Some((ahead_item(ahead), lead + taken));
        }
        let strict = !matches!(prep, Prep::On | Prep::To | Prep::By | Prep::Until | Prep::From | Prep::After);
        let clock = self.checked_clock(next, Some(prep));
        if let Some((day, taken)) = w.day(next, strict) {
            let clock_first = clock.is_some()
                && matches!(day, Day::OfMonth { month: Some(_), .. })
                && taken == 2
                && w.gap(next + 1) == Gap::Point
                && prep == Prep::In
                && w.number(next + 1).is_some_and(|(m, _)| m % 5 == 0);
            if !clock_first && !self.noun_follows(next + taken) {
                return self.day_bound(prep, day).map(|item| (item, lead + taken));
            }
        }
        if let Some((clock, taken)) = clock {
            let edge = match prep {
                Prep::In | Prep::On | Prep::To | Prep::About => Edge::At,
                Prep::From => Edge::From,
                Prep::After => Edge::From,
                Prep::Until => Edge::To,
                _ => return None,
            };
            if edge == Edge::At
                && let Some((second, more)) = self.second_hour(clock, next + taken)
            {
                return Some((Item::TimeRange(Clock { half: second.half, ..clock }, second), lead + taken + more));
            }
            return Some((time_item(clock, edge), lead + taken));
        }
        // «на 25»: too large for an hour.
        match w.lex(next) {
            Lex::Digits(day @ 25..=31, 2)
                if matches!(prep, Prep::On | Prep::To | Prep::Until | Prep::After | Prep::From) =>
            {
                if self.counted(next + 1) || matches!(w.lex(next + 1), Lex::Unit(_)) {
                    return None;
                }
                let day = Day::OfMonth { day, month: None, year: None };
                self.day_bound(prep, day).map(|item| (item, lead + 1))
            }
            _ => None,
        }
    }

    fn day_bound(&self, prep: Prep, day: Day) -> Option<Item> {
        let edge = match prep {
            Prep::From | Prep::Of => Edge::From,
            Prep::After => Edge::After,
            Prep::Until => Edge::Before,
            Prep::By => match day {
                Day::Weekday(day, _) => return Some(Item::EveryWeekday(day)),
                Day::OfMonth { .. } => Edge::To,
                _ => return None,
            },
            Prep::For | Prep::Through | Prep::Between => return None,
            _ => Edge::At,
        };
        Some(Item::Day(day, edge))
    }

    /// «с двух до пяти», «между пятью и шестью», «со вторника по четверг», «с 13 по 15 июля», «с утра до обеда».
    fn range(&self, prep: Prep, at: usize) -> Step {
        let w = self.w;
        if !matches!(prep, Prep::From | Prep::Of | Prep::Between) {
            return None;
        }
        let joins = |at: usize| match (prep, w.lex(at)) {
            (Prep::Between, Lex::And) => Some(Prep::Until),
            (_, Lex::Prep(link @ (Prep::Until | Prep::By))) => Some(link),
            _ => None,
        };
        // times
        if let Some((first, taken)) = w.clock(at).filter(|_| !matches!(w.lex(at), Lex::Part(_)))
            && let Some(link) = joins(at + taken)
        {
            let skip = usize::from(matches!(w.lex(at + taken + 1), Lex::Prep(_)));
            let second_at = at + taken + 1 + skip;
            let days = w.day(second_at, false).is_some()
                || link == Prep::By && first.minute == 0 && first.half.is_none() && self.figures(at, second_at);
            if !days {
                if let Some((second, more)) = self.checked_clock(second_at, Some(Prep::Until)) {
                    let first = Clock { half: first.half.or(shared_half(first, second)), ..first };
                    return Some((Item::TimeRange(first, second), taken + 1 + skip + more));
                }
                if let Some((Part::Evening, more)) = w.part(second_at) {
                    return Some((
                        Item::TimeRange(first, Clock { hour: 17, minute: 0, half: None }),
                        taken + 1 + skip + more,
                    ));
                }
            }
        }
        // parts of the day
        if let Some((first, taken)) = w.part(at) {
            let taken = taken + usize::from(w.text(at + taken) == "и" && prep != Prep::Between);
            if joins(at + taken).is_some() {
                if let Some((second, more)) = w.part(at + taken + 1) {
                    return Some((Item::PartRange(first, second), taken + 1 + more));
                }
                if let Some((clock, more)) = self.checked_clock(at + taken + 1, Some(Prep::Until)) {
                    return Some((Item::PartUntil(first, clock), taken + 1 + more));
                }
            }
        }
        // days
        let (first, taken) = self.day_or_figure(at)?;
        let link = joins(at + taken)?;
        let (second, more) = self.day_or_figure(at + taken + 1)?;
        if self.counted(at + taken + 1 + more) {
            return None;
        }
        let first = with_month_of(first, second);
        if link == Prep::Until
            && prep != Prep::Between
            && matches!(first, Day::Weekday(..)) != matches!(second, Day::Weekday(..))
        {
            return None;
        }
        Some((Item::DayRange(first, second), taken + 1 + more))
    }

    /// Whether both are bare figures that must be days of the month.
    fn figures(&self, first: usize, second: usize) -> bool {
        matches!((self.w.lex(first), self.w.lex(second)), (Lex::Digits(..), Lex::Digits(..)))
    }

    fn day_or_figure(&self, at: usize) -> Option<(Day, usize)> {
        self.w.day(at, false).or_else(|| {
            let ordinal = self.w.ordinal(at).map(|(day, _, taken)| (day, taken));
            let (day, taken) = ordinal.or_else(|| self.w.number(at)).filter(|(day, _)| (1..=31).contains(day))?;
            Some((Day::OfMonth { day, month: None, year: None }, taken))
        })
    }

    /// Parts of the day after a preposition.
    pub fn part_bound(&self, prep: Prep, at: usize) -> Step {
        let (part, taken) = self.w.part(at)?;
        let noon = |edge| Item::Time(Clock { hour: 12, minute: 0, half: Some(Part::Day) }, edge);
        let item = match (part, prep) {
            (Part::Noon, Prep::After | Prep::From) => noon(Edge::From),
            (Part::Noon, Prep::Until) => noon(Edge::To),
            (Part::Noon, _) => noon(Edge::At),
            (Part::Lunch, Prep::After) => Item::Part(Part::AfterLunch, Edge::At),
            (Part::Lunch, Prep::Until) => Item::Part(Part::BeforeLunch, Edge::At),
            (Part::Opening, _) => Item::Part(Part::Opening, Edge::At),
            (Part::Closing, Prep::Until) => Item::Part(Part::Closing, Edge::To),
            (Part::Closing, Prep::For) => Item::Part(Part::Closing, Edge::Before),
            (Part::Evening | Part::Day | Part::AfterLunch, Prep::Until) => Item::Part(part, Edge::To),
            (Part::Morning | Part::Night, Prep::Until) => return None,
            (_, Prep::For | Prep::By | Prep::Through) => return None,
            (part, _) => Item::Part(part, Edge::At),
        };
        Some((item, taken))
    }
}

/// «с двух до пяти вечера»: the second half of the day covers the first hour too, where that keeps the order.
fn shared_half(first: Clock, second: Clock) -> Option<Part> {
    let half = second.half?;
    let minutes = |c: Clock| c.hour % 12 * 60 + c.minute;
    (first.hour <= 12 && minutes(first) < minutes(second)).then_some(half)
}

/// «с 13 по 15 июля»: the month belongs to both.
fn with_month_of(first: Day, second: Day) -> Day {
    match (first, second) {
        (Day::OfMonth { day, month: None, .. }, Day::OfMonth { month, year, .. }) => Day::OfMonth { day, month, year },
        (Day::Weekday(day, Which::Plain), Day::Weekday(_, which @ Which::Week(_))) => Day::Weekday(day, which),
        _ => first,
    }
}
