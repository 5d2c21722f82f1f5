//! Days as they are named: weekdays with their week, days of the month, months, weeks, «через N …».

use super::clock::Words;
use super::items::{Day, MonthRef, Portion, Which};
use super::repair::Gap;
use super::words::{Lex, Part, Prep, Unit};
use crate::number::OrdinalForm;

impl Words<'_> {
    /// A day or stretch of days named at `at`, without its preposition; `strict` asks for more than a bare ordinal.
    pub fn day(&self, at: usize, strict: bool) -> Option<(Day, usize)> {
        self.qualified(at).or_else(|| self.portion(at)).or_else(|| self.named(at)).or_else(|| self.of_month(at, strict))
    }

    /// «следующую среду», «этой неделе», «ближайшие выходные», «первый понедельник декабря».
    fn qualified(&self, at: usize) -> Option<(Day, usize)> {
        let noun = self.lex(at + 1);
        match self.lex(at) {
            Lex::Next => self.with_qualifier(at + 1, 1),
            Lex::This => self.with_qualifier(at + 1, 0),
            Lex::Nearest => match noun {
                Lex::Weekday(day) => Some((Day::Weekday(day, Which::Plain), 2)),
                Lex::Weekend => Some((Day::Weekend(Which::Plain), 2)),
                Lex::Unit(Unit::Week) => Some((Day::Week(0, None), 2)),
                _ => None,
            },
            Lex::Other if matches!(self.text(at), "той" | "ту") => match noun {
                Lex::Unit(Unit::Week) => Some((Day::Week(1, None), 2)),
                _ => None,
            },
            Lex::Other if self.text(at).starts_with("последн") => {
                let (month, taken) = self.month_after(at + 2);
                let skip = usize::from(self.lex(at + 2) == Lex::Unit(Unit::Month));
                match noun {
                    Lex::Weekday(day) => Some((Day::NthWeekday(-1, day, month), 2 + taken.max(skip))),
                    Lex::Unit(Unit::Day) if taken + skip > 0 => {
                        Some((Day::LastOfMonth(month.unwrap_or(MonthRef::Ahead(0))), 2 + taken.max(skip)))
                    }
                    _ => None,
                }
            }
            Lex::Ord(nth @ 1..=5, OrdinalForm::Other) => {
                let Lex::Weekday(day) = noun else { return None };
                let (month, taken) = self.month_after(at + 2);
                Some((Day::NthWeekday(nth as i8, day, month), 2 + taken))
            }
            _ => None,
        }
    }

    fn with_qualifier(&self, at: usize, ahead: i32) -> Option<(Day, usize)> {
        let which = if ahead == 0 { Which::This } else { Which::Week(ahead) };
        Some(match self.lex(at) {
            Lex::Weekday(day) => (Day::Weekday(day, which), 2),
            Lex::Weekend => (Day::Weekend(which), 2),
            Lex::Unit(Unit::Week) => (Day::Week(ahead, None), 2),
            Lex::Unit(Unit::Month) => (Day::Month(MonthRef::Ahead(ahead), None), 2),
            Lex::Unit(Unit::Day) if ahead == 1 && self.text(at) == "день" => (Day::Relative(1), 2),
            _ => return None,
        })
    }

    /// «начало декабря», «в конце следующей недели», «вторая половина месяца».
    fn portion(&self, at: usize) -> Option<(Day, usize)> {
        let (portion, taken) = match (self.lex(at), self.lex(at + 1)) {
            (Lex::Start, _) => (Portion::Start, 1),
            (Lex::Middle, _) => (Portion::Middle, 1),
            (Lex::End, _) => (Portion::End, 1),
            _ => return None,
        };
        let next = at + taken;
        let (whole, more) = match self.lex(next) {
            Lex::Unit(Unit::Week) => (Day::Week(0, None), 1),
            Lex::Unit(Unit::Month) => (Day::Month(MonthRef::Ahead(0), None), 1),
            Lex::Month(month) => (Day::Month(MonthRef::Named(month), None), 1),
            _ => self.qualified(next)?,
        };
        let day = match whole {
            Day::Week(ahead, _) => Day::Week(ahead, Some(portion)),
            Day::Month(month, _) => Day::Month(month, Some(portion)),
            _ => return None,
        };
        Some((day, taken + more))
    }

    /// Weekdays, relative days, months, the weekend.
    fn named(&self, at: usize) -> Option<(Day, usize)> {
        Some(match self.lex(at) {
            Lex::Relative(days) => {
                (Day::Relative(days), 1 + usize::from(self.text(at + 1) == "дня" && self.text(at).ends_with("го")))
            }
            Lex::Weekday(day) => {
                let (which, taken) = self.week_of_weekday(at + 1);
                (Day::Weekday(day, which), 1 + taken)
            }
            Lex::Weekend => (Day::Weekend(Which::Plain), 1 + usize::from(self.text(at + 1) == "день")),
            Lex::Month(month) => (Day::Month(MonthRef::Named(month), None), 1),
            Lex::Unit(Unit::Week) if self.text(at) == "неделе" => (Day::Week(0, None), 1),
            _ => return None,
        })
    }

    /// What may follow a weekday: «следующую», «на следующей неделе» (without «на»), «через одну».
    fn week_of_weekday(&self, at: usize) -> (Which, usize) {
        let week = matches!(self.lex(at + 1), Lex::Unit(Unit::Week));
        match self.lex(at) {
            _ if self.gap(at) >= Gap::Stop => (Which::Plain, 0),
            Lex::Next if week => (Which::Week(1), 2),
            Lex::This if week => (Which::This, 2),
            Lex::Next if !matches!(self.lex(at + 1), Lex::Weekday(_) | Lex::Unit(_) | Lex::Weekend) => {
                (Which::Week(1), 1)
            }
            Lex::Nearest if !matches!(self.lex(at + 1), Lex::Weekday(_) | Lex::Unit(_) | Lex::Weekend) => {
                (Which::Plain, 1)
            }
            Lex::Prep(Prep::Through)
                if self.lex(at + 1) == Lex::Card(1) && !matches!(self.lex(at + 2), Lex::Unit(_)) =>
            {
                (Which::Skip(1), 2)
            }
            _ => (Which::Plain, 0),
        }
    }

    /// «двадцать пятого ноября», «5 числа», «24.11».
    fn of_month(&self, at: usize, strict: bool) -> Option<(Day, usize)> {
        if let Some(numeric) = self.numeric(at) {
            return Some(numeric);
        }
        if let Some((day, form, taken)) = self.ordinal(at) {
            return self.ordinal_day(at, day, form, taken, strict);
        }
        let (day, taken) = self.number(at)?;
        let next = at + taken;
        match self.lex(next) {
            Lex::Month(month) if self.gap(next) < Gap::Comma => {
                let (year, more) = self.year(next + 1);
                Some((Day::OfMonth { day, month: Some(MonthRef::Named(month)), year }, taken + 1 + more))
            }
            Lex::OfMonth => {
                let (month, more) = self.month_after(next + 1);
                Some((Day::OfMonth { day, month, year: None }, taken + 1 + more))
            }
            _ => None,
        }
    }

    fn ordinal_day(&self, at: usize, day: u32, form: OrdinalForm, taken: usize, strict: bool) -> Option<(Day, usize)> {
        let next = at + taken;
        if form == OrdinalForm::Other && self.text(next) == "числах" {
            let (month, more) = self.month_after(next + 1);
            let last = if day == 1 { 5 } else { day + 9 };
            return Some((Day::Days(day, last, month), taken + 1 + more));
        }
        let unit = usize::from(self.lex(next) == Lex::OfMonth);
        let (month, more) = self.month_after(next + unit);
        if unit == 0 && month.is_none() {
            // «двадцать первого года выпуска», «с две тысячи тринадцатого»
            let year = self.lex(next) == Lex::Unit(Unit::Year) && self.gap(next) == Gap::Space;
            if year || at > 0 && self.text(at - 1).starts_with("тысяч") {
                return None;
            }
            let enough = match form {
                OrdinalForm::Genitive => true,
                // «суббота двадцать восьмое»
                OrdinalForm::Neuter if at > 0 && matches!(self.lex(at - 1), Lex::Weekday(_)) => true,
                OrdinalForm::Neuter | OrdinalForm::Dative => !strict,
                // «на двадцать четвёртая», the ending misheard.
                OrdinalForm::Other => {
                    !strict && taken == 2 && matches!(self.lex(next), Lex::Nil | Lex::Prep(_) | Lex::And | Lex::Wish)
                }
                _ => false,
            };
            let noun = matches!(self.lex(next), Lex::Thing | Lex::Address | Lex::Dose) || self.text(next) == "часа";
            if !enough || noun && self.gap(next) == Gap::Space {
                return None;
            }
        }
        if form == OrdinalForm::Other && month.is_none() && (unit == 1 || taken == 1) {
            return None;
        }
        let (year, years) = if month.is_some() { self.year(next + unit + more) } else { (None, 0) };
        Some((Day::OfMonth { day, month, year }, taken + unit + more + years))
    }

    /// «24.11», «24.11.2026», «24/11».
    fn numeric(&self, at: usize) -> Option<(Day, usize)> {
        let (Lex::Digits(day @ 1..=31, 1..=2), Lex::Digits(month @ 1..=12, 1..=2)) = (self.lex(at), self.lex(at + 1))
        else {
            return None;
        };
        // Without a point only figures too large for an hour are a day.
        if self.gap(at + 1) != Gap::Point && (day <= 24 || self.gap(at + 1) > Gap::Hyphen) {
            return None;
        }
        let (year, taken) = match (self.lex(at + 2), self.gap(at + 2)) {
            (Lex::Digits(year, 4), Gap::Point) => (i16::try_from(year).ok(), 1),
            (Lex::Digits(year, 2), Gap::Point) => (i16::try_from(2000 + year).ok(), 1),
            _ => (None, 0),
        };
        Some((Day::OfMonth { day, month: Some(MonthRef::Named(month as i8)), year }, 2 + taken))
    }

    /// A month that follows a day: «ноября», «следующего месяца», «этого месяца», «месяца».
    fn month_after(&self, at: usize) -> (Option<MonthRef>, usize) {
        if self.gap(at) >= Gap::Comma {
            return (None, 0);
        }
        match (self.lex(at), self.lex(at + 1)) {
            (Lex::Month(month), _) => (Some(MonthRef::Named(month)), 1),
            (Lex::Next, Lex::Unit(Unit::Month)) => (Some(MonthRef::Ahead(1)), 2),
            (Lex::This, Lex::Unit(Unit::Month)) => (Some(MonthRef::Ahead(0)), 2),
            _ => (None, 0),
        }
    }

    /// «2026 года», «две тысячи двадцать шестого года», «этого года».
    fn year(&self, at: usize) -> (Option<i16>, usize) {
        let noun = |at: usize| usize::from(self.lex(at) == Lex::Unit(Unit::Year) || self.text(at) == "г");
        match self.lex(at) {
            Lex::Digits(year, 4) => (i16::try_from(year).ok(), 1 + noun(at + 1)),
            Lex::Card(2) if self.text(at + 1).starts_with("тысяч") => match self.ordinal(at + 2) {
                Some((year, _, taken)) => (i16::try_from(2000 + year).ok(), 2 + taken + noun(at + 2 + taken)),
                None => (None, 0),
            },
            Lex::Card(1000) => (Some(1900), 1),
            Lex::This | Lex::Next if noun(at + 1) == 1 => (None, 2),
            Lex::Ord(..) if noun(at + 1) == 1 => (Some(1900), 2),
            Lex::Card(_) if matches!(self.lex(at + 1), Lex::Ord(..)) && noun(at + 2) == 1 => (Some(1900), 3),
            _ => (None, 0),
        }
    }
}

/// «через N …», however its words are ordered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ahead {
    Day(Day),
    Minutes(i64),
    Vague,
}

impl Words<'_> {
    /// «через две недели», «дня через три», «через полчаса», «через одну среду», «неделю спустя».
    pub fn ahead(&self, at: usize) -> Option<(Ahead, usize)> {
        match self.lex(at) {
            Lex::Prep(Prep::Through) => self.after_through(at + 1).map(|(ahead, taken)| (ahead, taken + 1)),
            Lex::Prep(Prep::After) if self.text(at) == "спустя" => {
                self.after_through(at + 1).map(|(ahead, taken)| (ahead, taken + 1))
            }
            _ if self.unit(at).is_some() => match self.lex(at + 1) {
                Lex::Prep(Prep::Through) if self.lex(at + 2) == Lex::OneAndHalf => {
                    Some((one_and_half(self.unit(at)?)?, 3))
                }
                Lex::Prep(Prep::Through) => {
                    let (n, taken) = self.number(at + 2)?;
                    Some((in_units(n, self.unit(at)?)?, 2 + taken))
                }
                Lex::Prep(Prep::After) if self.text(at + 1) == "спустя" => {
                    Some((in_units(1, self.unit(at)?)?, 2))
                }
                _ => None,
            },
            _ => None,
        }
    }

    /// A unit of time; «дня» is also a half of the day.
    pub fn unit(&self, at: usize) -> Option<Unit> {
        match self.lex(at) {
            Lex::Unit(unit) => Some(unit),
            Lex::PartOf(Part::Day) => Some(Unit::Day),
            _ => None,
        }
    }

    fn after_through(&self, at: usize) -> Option<(Ahead, usize)> {
        match (self.lex(at), self.lex(at + 1)) {
            (Lex::HalfHour, _) => Some((Ahead::Minutes(30), 1)),
            (Lex::HalfYear, _) => Some((Ahead::Day(Day::In(6, Unit::Month)), 1)),
            (Lex::HalfMonth, _) => Some((Ahead::Day(Day::In(15, Unit::Day)), 1)),
            (Lex::HalfPrefix | Lex::Half, Lex::Unit(Unit::Hour)) => Some((Ahead::Minutes(30), 2)),
            (Lex::Quarter, Lex::Unit(Unit::Hour)) => Some((Ahead::Minutes(15), 2)),
            (Lex::OneAndHalf, Lex::Unit(unit)) => Some((one_and_half(unit)?, 2)),
            (Lex::Couple, _) if self.unit(at + 1).is_some() => Some((in_units(2, self.unit(at + 1)?)?, 2)),
            (Lex::Several, Lex::Unit(_)) => Some((Ahead::Vague, 2)),
            (Lex::Weekday(day), _) => Some((Ahead::Day(Day::Weekday(day, Which::Skip(1))), 1)),
            (Lex::Card(n @ 1..=4), Lex::Weekday(day)) => {
                Some((Ahead::Day(Day::Weekday(day, Which::Skip(n as i32))), 2))
            }
            (Lex::Unit(unit), _) => {
                // «через дней пять», «через часа два»: approximate; «через час», «через неделю»: one.
                let many = matches!(
                    self.text(at),
                    "дней" | "недель" | "часа" | "часов" | "минут" | "дня" | "недели" | "месяца"
                );
                match self.number(at + 1).filter(|_| many && self.gap(at + 1) < Gap::Comma) {
                    Some((n, taken)) => Some((in_units(n, unit)?, 1 + taken)),
                    None => self.hour_and_minutes(at + 1, unit).map(|(ahead, taken)| {
                        // «через неделю-две»: the sooner one.
                        let two = taken == 1 && self.lex(at + 1) == Lex::Card(2) && self.gap(at + 1) <= Gap::Hyphen;
                        (ahead, taken + usize::from(two))
                    }),
                }
            }
            // «через пять-шесть дней», «через два три часа»
            _ => {
                let (n, taken) = self.number(at)?;
                let half = self.lex(at + taken) == Lex::Prep(Prep::From) && self.lex(at + taken + 1) == Lex::Half;
                if half && self.unit(at + taken + 2) == Some(Unit::Hour) {
                    return Some((Ahead::Minutes(i64::from(n) * 60 + 30), taken + 3));
                }
                let more = match self.unit(at + taken) {
                    Some(_) => 0,
                    None => self.number(at + taken).filter(|(m, _)| *m == n + 1)?.1,
                };
                let unit = self.unit(at + taken + more)?;
                let taken = taken + more + 1;
                if unit == Unit::Hour
                    && let Some((minutes, extra)) = self.number(at + taken).filter(|(m, _)| *m < 60)
                    && self.lex(at + taken + extra) == Lex::Unit(Unit::Minute)
                {
                    return Some((Ahead::Minutes(i64::from(n * 60 + minutes)), taken + extra + 1));
                }
                Some((in_units(n, unit)?, taken))
            }
        }
    }

    /// «(через) час двадцать (минут)».
    fn hour_and_minutes(&self, at: usize, unit: Unit) -> Option<(Ahead, usize)> {
        if unit == Unit::Hour
            && self.gap(at) == Gap::Space
            && let Some((minutes, taken)) = self.number(at).filter(|(m, _)| (5..60).contains(m))
        {
            let noun = usize::from(self.lex(at + taken) == Lex::Unit(Unit::Minute));
            return Some((Ahead::Minutes(60 + i64::from(minutes)), 1 + taken + noun));
        }
        Some((in_units(1, unit)?, 1))
    }

    /// «в первой половине дня», «в конце дня», «поздно вечером»: parts of the day in several words.
    pub fn part(&self, at: usize) -> Option<(Part, usize)> {
        let late =
            |at: usize| matches!(self.text(at), "поздно" | "поздним" | "поздний" | "попозже" | "попозднее" | "позднее");
        let early = |at: usize| self.text(at).starts_with("ран") || self.lex(at) == Lex::Early;
        let of_day = |at: usize| matches!(self.text(at), "дня" | "день") as usize;
        let working = |at: usize| usize::from(self.text(at).starts_with("рабоч"));
        match (self.lex(at), self.lex(at + 1)) {
            (Lex::Ord(1, _), Lex::Half) if of_day(at + 2) == 1 => Some((Part::BeforeLunch, 3)),
            (Lex::Ord(2, _), Lex::Half) if of_day(at + 2) == 1 => Some((Part::AfterLunch, 3)),
            (Lex::Digits(1, _), Lex::Half) if of_day(at + 2) == 1 => Some((Part::BeforeLunch, 3)),
            (Lex::Digits(2, _), Lex::Half) if of_day(at + 2) == 1 => Some((Part::AfterLunch, 3)),
            (Lex::Ord(nth @ (1 | 2), _), Lex::Half)
                if matches!(self.lex(at + 2), Lex::Nil) || self.gap(at + 2) >= Gap::Comma =>
            {
                Some((if nth == 1 { Part::BeforeLunch } else { Part::AfterLunch }, 2))
            }
            (Lex::Start, _) if of_day(at + 1 + working(at + 1)) == 1 => Some((Part::Morning, 2 + working(at + 1))),
            (Lex::Middle, _) if of_day(at + 1 + working(at + 1)) == 1 => Some((Part::Day, 2 + working(at + 1))),
            (Lex::End, _) if of_day(at + 1 + working(at + 1)) == 1 => Some((Part::Evening, 2 + working(at + 1))),
            (_, Lex::Part(Part::Evening) | Lex::PartOf(Part::Evening)) if late(at) => Some((Part::LateEvening, 2)),
            (_, Lex::Part(Part::Morning)) if early(at) => Some((Part::Morning, 2)),
            (Lex::Part(Part::Evening), _) if late(at + 1) => Some((Part::LateEvening, 2)),
            (Lex::Part(Part::Lunch), _) => {
                Some((Part::Lunch, 1 + usize::from(matches!(self.text(at + 1), "время" | "перерыв"))))
            }
            (Lex::Part(part), _) => Some((part, 1 + usize::from(self.text(at + 1) == "время"))),
            (Lex::PartOf(part @ (Part::Morning | Part::Evening)), _) => Some((part, 1)),
            _ => None,
        }
    }
}

/// «полтора часа», «полторы недели».
fn one_and_half(unit: Unit) -> Option<Ahead> {
    Some(match unit {
        Unit::Hour => Ahead::Minutes(90),
        Unit::Week => Ahead::Day(Day::In(10, Unit::Day)),
        Unit::Month => Ahead::Day(Day::In(45, Unit::Day)),
        Unit::Year => Ahead::Day(Day::In(18, Unit::Month)),
        Unit::Minute | Unit::Day => return None,
    })
}

fn in_units(n: u32, unit: Unit) -> Option<Ahead> {
    let days = i32::try_from(n).ok()?;
    Some(match unit {
        Unit::Minute => Ahead::Minutes(i64::from(n)),
        Unit::Hour => Ahead::Minutes(i64::from(n) * 60),
        unit => Ahead::Day(Day::In(days, unit)),
    })
}
