//! Which week is due: a pure function of the settings, the clinic's clock and now.

use jiff::civil::Date;
use jiff::{Timestamp, ToSpan as _};
use reports::Period;

use crate::Settings;

/// A letter that could not leave for so long is out of date.
const FRESH_HOURS: i64 = 48;

/// A week that is to be told of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Week {
    /// Monday to Sunday.
    pub period: Period,
    /// From when on.
    pub due: Timestamp,
    /// Until when.
    pub until: Timestamp,
}

/// The week whose letter is due at `now` on this clinic's clock: the last whole one, Monday to Sunday, before the day of the
/// letter. None: there is nothing to send now.
pub fn due(settings: &Settings, timezone: &str, now: Timestamp) -> Option<Week> {
    let zone = jiff::tz::TimeZone::get(timezone).ok()?;
    let today = now.to_zoned(zone.clone()).date();
    // Today or one of the six days before; a change of the clocks may move the hour, never the day.
    let back =
        i64::from((today.weekday().to_monday_zero_offset() - settings.day.to_monday_zero_offset()).rem_euclid(7));
    [back, back + 7].into_iter().find_map(|back| {
        let day = today.checked_sub(back.days()).ok()?;
        let due = day.at(settings.hour, 0, 0, 0).to_zoned(zone.clone()).ok()?.timestamp();
        let until = due + FRESH_HOURS.hours();
        (due <= now && now < until).then_some(())?;
        Some(Week { period: week_before(day)?, due, until })
    })
}

fn week_before(day: Date) -> Option<Period> {
    let monday = day.checked_sub(i64::from(day.weekday().to_monday_zero_offset() + 7).days()).ok()?;
    Period::new(monday, monday.checked_add(6.days()).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use jiff::civil::{Weekday, date};
    use reports::Lang;

    use super::*;

    fn settings(day: Weekday, hour: i8) -> Settings {
        Settings { to: Default::default(), day, hour, language: Lang::Ru, page: "https://d".to_owned() }
    }

    fn at(day: Date, hour: i8, minute: i8) -> Timestamp {
        day.at(hour, minute, 0, 0).in_tz("Europe/Moscow").unwrap().timestamp()
    }

    #[test]
    fn from_its_hour_on_for_two_days() {
        let monday = date(2026, 11, 23);
        let due = |now| due(&settings(Weekday::Monday, 8), "Europe/Moscow", now);
        assert_eq!(due(at(monday, 7, 59)), None);
        let week = due(at(monday, 8, 0)).unwrap();
        assert_eq!((week.period.from, week.period.to), (date(2026, 11, 16), date(2026, 11, 22)));
        assert_eq!(week.due, at(monday, 8, 0));
        assert_eq!(due(at(date(2026, 11, 25), 7, 59)).map(|week| week.period), Some(week.period));
        assert_eq!(due(at(date(2026, 11, 25), 8, 0)), None, "nobody wants it any more");
    }

    #[test]
    fn another_day_tells_of_the_last_whole_week() {
        let due = |now| due(&settings(Weekday::Sunday, 23), "Europe/Moscow", now);
        let week = due(at(date(2026, 11, 23), 1, 0)).unwrap();
        assert_eq!(week.period.from, date(2026, 11, 9), "the day of the letter is not over itself");
        assert_eq!(due(at(date(2026, 11, 22), 22, 0)), None);
    }

    #[test]
    fn every_week_of_years_is_told_once() {
        // Through changes of the clocks, too: Berlin has them.
        let settings = settings(Weekday::Monday, 2);
        let mut hour = date(2026, 1, 5).at(0, 0, 0, 0).in_tz("Europe/Berlin").unwrap().timestamp();
        let mut told = Vec::new();
        for _ in 0..(24 * 7 * 60) {
            if let Some(week) = due(&settings, "Europe/Berlin", hour)
                && told.last() != Some(&week.period.from)
            {
                told.push(week.period.from);
            }
            hour += 1.hour();
        }
        assert_eq!(told.len(), 60);
        assert!(told.windows(2).all(|two| two[1] == two[0] + 7.days()), "{told:?}");
    }
}
