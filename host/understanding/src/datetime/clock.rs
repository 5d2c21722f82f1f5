//! Clock readings in words and figures: «полчетвёртого», «без четверти шесть», «шестнадцать тридцать», «16:30».

use super::items::Clock;
use super::repair::{Gap, Word};
use super::words::{Lex, Part, Prep, Unit};
use crate::number::OrdinalForm;

/// Lexical look-ahead over the words of a phrase.
#[derive(Clone, Copy)]
pub(super) struct Words<'a>(pub &'a [Word]);

impl Words<'_> {
    pub fn lex(&self, at: usize) -> Lex {
        self.0.get(at).map_or(Lex::Nil, |w| w.lex)
    }

    pub fn text(&self, at: usize) -> &str {
        self.0.get(at).map_or("", |w| w.text.as_str())
    }

    /// What stands before the word; a full stop beyond the end.
    pub fn gap(&self, at: usize) -> Gap {
        self.0.get(at).map_or(Gap::Stop, |w| w.gap)
    }

    /// A whole number in words or figures, 0–99 in words; its value and the words it took.
    pub fn number(&self, at: usize) -> Option<(u32, usize)> {
        match self.lex(at) {
            Lex::Digits(value, digits) if digits <= 3 => Some((value, 1)),
            Lex::Card(tens) if (20..100).contains(&tens) => match self.lex(at + 1) {
                Lex::Card(unit @ 1..=9) if self.gap(at + 1) <= Gap::Hyphen => Some((tens + unit, 2)),
                _ => Some((tens, 1)),
            },
            Lex::Card(value) => Some((value, 1)),
            _ => None,
        }
    }

    /// An ordinal, «двадцать пятого» or «5-го» included; value, form and words taken.
    pub fn ordinal(&self, at: usize) -> Option<(u32, OrdinalForm, usize)> {
        match (self.lex(at), self.lex(at + 1)) {
            (Lex::Ord(value, form), _) => Some((value, form, 1)),
            (Lex::Card(tens @ (20 | 30)), Lex::Ord(unit @ 1..=9, form)) if self.gap(at + 1) <= Gap::Hyphen => {
                Some((tens + unit, form, 2))
            }
            (Lex::Digits(value, 1..=2), Lex::OfMonth) if matches!(self.text(at + 1), "го" | "ого") => {
                Some((value, OrdinalForm::Genitive, 2))
            }
            (Lex::Digits(value, 1..=2), _) if self.text(at + 1) == "е" || self.text(at + 1) == "ое" => {
                Some((value, OrdinalForm::Genitive, 2))
            }
            _ => None,
        }
    }

    /// A clock reading at `at`, with the half of the day that follows it.
    pub fn clock(&self, at: usize) -> Option<(Clock, usize)> {
        let (clock, taken) = self.special(at).or_else(|| self.plain(at))?;
        let clock = |half| Clock { half, ..clock };
        Some(match self.lex(at + taken) {
            Lex::PartOf(part) if !(part == Part::Day && self.text(at + taken) == "дни") => {
                (clock(Some(part)), taken + 1)
            }
            // «в семь вечер», the ending lost.
            Lex::Part(part @ (Part::Morning | Part::Evening))
                if matches!(self.text(at + taken), "вечер" | "утро" | "вечерам" | "утрам") =>
            {
                (clock(Some(part)), taken + 1)
            }
            _ => (clock(None), taken),
        })
    }

    /// Readings that name the hour by halves, quarters and minutes to or past.
    pub fn special(&self, at: usize) -> Option<(Clock, usize)> {
        let reading = |hour: u32, minute: u32| Clock { hour, minute, half: None };
        let under_way = |hour: u32| if hour == 1 { 12 } else { hour - 1 };
        match self.lex(at) {
            Lex::HalfTo(hour) => Some((reading(under_way(hour), 30), 1)),
            Lex::HalfPrefix | Lex::Half => {
                let (hour, taken) = self.hour_under_way(at + 1)?;
                Some((reading(under_way(hour), 30), 1 + taken))
            }
            Lex::Quarter => {
                let (hour, taken) = self.hour_under_way(at + 1)?;
                Some((reading(under_way(hour), 15), 1 + taken))
            }
            Lex::Without => {
                let (minutes, taken) = match self.lex(at + 1) {
                    Lex::Quarter => (15, 1),
                    _ => self.number(at + 1).filter(|(m, _)| (1..=30).contains(m))?,
                };
                let minute_word = |at: usize| usize::from(self.lex(at) == Lex::Unit(Unit::Minute));
                let skip = minute_word(at + 1 + taken);
                let ((hour, more), minutes, taken) = match self.hour(at + 1 + taken + skip) {
                    Some(hour) => (hour, minutes, taken),
                    // «без двадцати шесть» is not twenty-six minutes to.
                    None if taken == 2 => (self.hour(at + 2)?, minutes / 10 * 10, 1),
                    None => return None,
                };
                let hour = if (1..=24).contains(&hour) { if hour == 1 { 12 } else { hour - 1 } } else { return None };
                Some((reading(hour, 60 - minutes), 1 + taken + skip + more))
            }
            Lex::Unit(Unit::Minute) => {
                // «минут двадцать пятого», «минут в двадцать пятого» is not said
                let (minutes, taken) = self.number(at + 1).filter(|(m, _)| (1..60).contains(m))?;
                let (hour, more) = self.hour_under_way(at + 1 + taken)?;
                Some((reading(under_way(hour), minutes), 1 + taken + more))
            }
            Lex::Part(Part::Noon) => Some((Clock { hour: 12, minute: 0, half: Some(Part::Day) }, 1)),
            _ => {
                let (minutes, taken) = self.number(at).filter(|(m, _)| (1..60).contains(m))?;
                if self.lex(at + taken) != Lex::Unit(Unit::Minute) {
                    return None;
                }
                let (hour, more) = self.hour_under_way(at + taken + 1)?;
                Some((reading(under_way(hour), minutes), taken + 1 + more))
            }
        }
    }

    /// «пятого» after half, quarter or minutes.
    fn hour_under_way(&self, at: usize) -> Option<(u32, usize)> {
        let (hour, taken) = match self.lex(at) {
            Lex::Ord(hour, OrdinalForm::Genitive | OrdinalForm::Neuter | OrdinalForm::Dative | OrdinalForm::Other) => {
                (hour, 1)
            }
            Lex::Digits(hour, _) if matches!(self.text(at + 1), "го" | "ого") => (hour, 2),
            Lex::Digits(hour, _) => (hour, 1),
            _ => return None,
        };
        let unit = usize::from(self.lex(at + taken) == Lex::OfMonth);
        (1..=12).contains(&hour).then_some((hour, taken + unit))
    }

    /// An hour, «час» as one, with the word «часов» if it is there.
    fn hour(&self, at: usize) -> Option<(u32, usize)> {
        if self.lex(at) == Lex::Unit(Unit::Hour) && self.text(at) != "часов" && self.text(at) != "часиков" {
            return Some((1, 1));
        }
        let (hour, taken) = match self.lex(at) {
            // «в двадцать пять часов», «25:00»: no such hour, to be asked again rather than passed over.
            Lex::Card(20) if self.lex(at + 2) == Lex::Unit(Unit::Hour) && self.after_in(at) => match self.lex(at + 1) {
                Lex::Card(unit @ 1..=9) => (20 + unit, 2),
                _ => (20, 1),
            },
            Lex::Digits(hour @ 25..=99, 2) if self.gap(at + 1) == Gap::Colon => (hour, 1),
            Lex::Card(20) => match self.lex(at + 1) {
                Lex::Card(unit @ 1..=4) => (20 + unit, 2),
                _ => (20, 1),
            },
            Lex::Card(hour @ 0..=19) | Lex::Digits(hour @ 0..=24, 1..=2) => (hour, 1),
            _ => return None,
        };
        Some((hour, taken + usize::from(self.lex(at + taken) == Lex::Unit(Unit::Hour))))
    }

    fn after_in(&self, at: usize) -> bool {
        at.checked_sub(1).is_some_and(|before| self.lex(before) == Lex::Prep(Prep::In))
    }

    /// «пять», «пять часов двадцать минут», «шестнадцать тридцать», «16:30», «1630».
    fn plain(&self, at: usize) -> Option<(Clock, usize)> {
        if let Lex::Digits(value, 4) = self.lex(at) {
            let (hour, minute) = (value / 100, value % 100);
            return (hour < 24 && minute < 60 && minute % 5 == 0).then_some((Clock { hour, minute, half: None }, 1));
        }
        // «в 930», written in one by a recogniser; 9:00 would come as «9».
        if let Lex::Digits(value @ 105..=955, 3) = self.lex(at)
            && at.checked_sub(1).is_some_and(|before| matches!(self.lex(before), Lex::Prep(_)))
        {
            let (hour, minute) = (value / 100, value % 100);
            return (minute < 60 && minute > 0 && minute % 5 == 0).then_some((Clock { hour, minute, half: None }, 1));
        }
        let (hour, mut taken) = self.hour(at)?;
        let with_unit = self.lex(at + taken - 1) == Lex::Unit(Unit::Hour);
        let mut minute = 0;
        if let Some((said, more)) = self.minutes(at + taken, with_unit) {
            minute = said;
            taken += more;
        } else if matches!(self.lex(at + taken), Lex::Prep(Prep::From))
            && self.text(at + taken + 1).starts_with("половин")
        {
            minute = 30;
            taken += 2;
        }
        Some((Clock { hour, minute, half: None }, taken))
    }

    /// What may follow an hour as its minutes.
    fn minutes(&self, at: usize, after_unit: bool) -> Option<(u32, usize)> {
        if self.gap(at) >= Gap::Comma {
            return None;
        }
        let and = usize::from(after_unit && self.text(at) == "и");
        let at_number = at + and;
        let (value, taken) = match (self.lex(at_number), self.lex(at_number + 1)) {
            (Lex::Card(0), Lex::Card(unit @ 0..=9)) => (unit, 2),
            (Lex::Digits(0, 1) | Lex::Card(0), Lex::Digits(unit @ 0..=9, 1)) => (unit, 2),
            (Lex::Digits(0, 2), _) => (0, 1),
            (Lex::Digits(value, 2), _) => (value, 1),
            (Lex::Card(10..=59), _) => self.number(at_number)?,
            (Lex::Card(unit @ 1..=9), Lex::Unit(Unit::Minute)) => (unit, 1),
            _ => return None,
        };
        let next = self.lex(at_number + taken);
        // «в десять двадцатого», «в пять двадцать пятого»: the number belongs to what follows.
        if value > 59
            || matches!(
                next,
                Lex::Ord(..)
                    | Lex::OfMonth
                    | Lex::Month(_)
                    | Lex::Thing
                    | Lex::Unit(Unit::Year | Unit::Day | Unit::Week)
            )
        {
            return None;
        }
        Some((value, and + taken + usize::from(next == Lex::Unit(Unit::Minute))))
    }
}
