//! From days as said to dates, given today.

use jiff::civil::{Date, Weekday};
use jiff::{Span as Duration, ToSpan};

use super::items::{Day, MonthRef, NoSuchDate, Portion, Span, Which};
use super::words::Unit;

/// The date of a day that names one; `None` for stretches of days.
pub(super) fn date(day: Day, today: Date) -> Option<Result<Date, NoSuchDate>> {
    Some(match day {
        Day::Relative(days) => plus(today, days.days()),
        Day::In(n, Unit::Day) => plus(today, n.days()),
        Day::In(n, Unit::Week) => plus(today, n.weeks()),
        // jiff keeps to the last day of a shorter month, as the desk does.
        Day::In(n, Unit::Month) => plus(today, n.months()),
        Day::In(n, Unit::Year) => plus(today, n.years()),
        Day::In(..) => return None,
        Day::Weekday(day, which) => weekday(day, which, today),
        Day::NthWeekday(nth, day, month) => nth_weekday(nth, day, month, today),
        Day::LastOfMonth(month) => first_of(month, today).map(|first| first.last_of_month()),
        Day::OfMonth { day, month, year } => of_month(day, month, year, today),
        Day::Week(..) | Day::Month(..) | Day::Days(..) | Day::Weekend(_) | Day::Within(_) => return None,
    })
}

/// The first and last day of a stretch; a single day is a stretch of one.
pub(super) fn span(day: Day, today: Date) -> Result<Span, NoSuchDate> {
    if let Some(date) = date(day, today) {
        return date.map(|d| Span { from: d, to: d });
    }
    match day {
        Day::Week(ahead, portion) => {
            let monday = plus(monday_of(today)?, ahead.weeks())?;
            let (first, last) = match portion {
                None => (0, 6),
                Some(Portion::Start) => (0, 1),
                Some(Portion::Middle) => (2, 3),
                Some(Portion::End) => (4, 6),
            };
            Ok(Span { from: plus(monday, first.days())?.max(today), to: plus(monday, last.days())? })
        }
        Day::Month(month, portion) => {
            let (first, last) = match portion {
                None => (1, 31),
                Some(Portion::Start) => (1, 10),
                Some(Portion::Middle) => (11, 20),
                Some(Portion::End) => (21, 31),
            };
            days_of_month(first, last, month, today)
        }
        Day::Days(first, last, month) => days_of_month(first, last, month.unwrap_or(MonthRef::Ahead(0)), today),
        Day::Weekend(which) => {
            let saturday = match which {
                Which::Plain if today.weekday() == Weekday::Saturday => today,
                Which::This if today.weekday() == Weekday::Sunday => plus(today, (-1).days())?,
                Which::Plain | Which::Skip(_) => weekday(Weekday::Saturday, Which::Plain, today)?,
                which => weekday(Weekday::Saturday, which, today)?,
            };
            Ok(Span { from: saturday.max(today), to: plus(saturday, 1.days())? })
        }
        Day::Within(days) => Ok(Span { from: today, to: plus(today, days.days())? }),
        _ => Err(NoSuchDate("такого дня нет в календаре".into())),
    }
}

/// `date` moved by `by`; the calendar's end is the only failure.
pub(super) fn plus(date: Date, by: Duration) -> Result<Date, NoSuchDate> {
    date.checked_add(by).map_err(|_| NoSuchDate("дата за пределами календаря".into()))
}

fn monday_of(today: Date) -> Result<Date, NoSuchDate> {
    plus(today, (-i32::from(today.weekday().to_monday_zero_offset())).days())
}

fn weekday(day: Weekday, which: Which, today: Date) -> Result<Date, NoSuchDate> {
    let offset = i32::from(day.to_monday_zero_offset());
    match which {
        Which::Plain | Which::Skip(_) => {
            let ahead = (offset - i32::from(today.weekday().to_monday_zero_offset())).rem_euclid(7);
            let nearest = if ahead == 0 { 7 } else { ahead };
            let skipped = if let Which::Skip(n) = which { n * 7 } else { 0 };
            plus(today, (nearest + skipped).days())
        }
        Which::This => {
            let date = plus(monday_of(today)?, offset.days())?;
            if date < today { plus(date, 7.days()) } else { Ok(date) }
        }
        Which::Week(ahead) => plus(plus(monday_of(today)?, ahead.weeks())?, offset.days()),
    }
}

fn nth_weekday(nth: i8, day: Weekday, month: Option<MonthRef>, today: Date) -> Result<Date, NoSuchDate> {
    let missing = || NoSuchDate("в месяце нет столько таких дней недели".into());
    let in_month = |first: Date| first.nth_weekday_of_month(nth, day).map_err(|_| missing());
    let first = first_of(month.unwrap_or(MonthRef::Ahead(0)), today)?;
    let date = in_month(first)?;
    if date >= today || month.is_some() { Ok(date) } else { in_month(plus(first, 1.months())?) }
}

/// The first day of a month: a named month that is over is next year's.
fn first_of(month: MonthRef, today: Date) -> Result<Date, NoSuchDate> {
    match month {
        MonthRef::Ahead(ahead) => plus(today.first_of_month(), ahead.months()),
        MonthRef::Named(month) => {
            let year = if month < today.month() { today.year() + 1 } else { today.year() };
            Date::new(year, month, 1).map_err(|_| NoSuchDate("такого месяца нет".into()))
        }
    }
}

fn days_of_month(first: u32, last: u32, month: MonthRef, today: Date) -> Result<Span, NoSuchDate> {
    let mut start = first_of(month, today)?;
    let at = |start: Date, day: u32| {
        let day = (day as i8).min(start.days_in_month());
        Date::new(start.year(), start.month(), day).map_err(|_| no_such_day(u32::from(day.unsigned_abs()), start))
    };
    if at(start, last)? < today {
        start = plus(start, if matches!(month, MonthRef::Named(_)) { 1.years() } else { 1.months() })?;
    }
    Ok(Span { from: at(start, first)?.max(today), to: at(start, last)? })
}

fn of_month(day: u32, month: Option<MonthRef>, year: Option<i16>, today: Date) -> Result<Date, NoSuchDate> {
    let number = i8::try_from(day).unwrap_or(i8::MAX);
    if !(1..=31).contains(&number) {
        return Err(NoSuchDate(format!("{day}-го числа не бывает")));
    }
    match month {
        Some(MonthRef::Named(month)) => {
            let of_year = |year: i16| Date::new(year, month, number);
            if let Some(year) = year {
                let first = Date::new(year, month, 1).map_err(|_| NoSuchDate("такого года нет".into()))?;
                return of_year(year).map_err(|_| no_such_day(day, first));
            }
            let first = Date::new(today.year(), month, 1).map_err(|_| NoSuchDate("такого месяца нет".into()))?;
            match of_year(today.year()) {
                Ok(date) if date >= today => Ok(date),
                Ok(_) => {
                    of_year(today.year() + 1).map_err(|_| no_such_day(day, plus(first, 1.years()).unwrap_or(first)))
                }
                Err(_) => of_year(today.year() + 1).map_err(|_| no_such_day(day, first)),
            }
        }
        Some(MonthRef::Ahead(ahead)) => {
            let first = plus(today.first_of_month(), ahead.months())?;
            Date::new(first.year(), first.month(), number).map_err(|_| no_such_day(day, first))
        }
        // The nearest month that has the day and has not passed it.
        None => (0..=2)
            .filter_map(|ahead| plus(today.first_of_month(), ahead.months()).ok())
            .filter_map(|first| Date::new(first.year(), first.month(), number).ok())
            .find(|date| *date >= today)
            .ok_or_else(|| NoSuchDate(format!("{day}-го числа не бывает"))),
    }
}

fn no_such_day(day: u32, month: Date) -> NoSuchDate {
    const GENITIVE: [&str; 12] = [
        "января",
        "февраля",
        "марта",
        "апреля",
        "мая",
        "июня",
        "июля",
        "августа",
        "сентября",
        "октября",
        "ноября",
        "декабря",
    ];
    let name = GENITIVE[usize::from(month.month().unsigned_abs()).clamp(1, 12) - 1];
    NoSuchDate(format!("{day} {name} {} года не бывает", month.year()))
}
