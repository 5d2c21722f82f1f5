//! The period of a report, and the one it is compared with.

use jiff::ToSpan as _;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde::Serialize;

use crate::ReportError;

/// Days of a clinic's calendar, both ends included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Period {
    /// First day.
    pub from: Date,
    /// Last day.
    pub to: Date,
}

impl Period {
    /// # Errors
    /// [`ReportError::Period`] when it ends before it begins.
    pub fn new(from: Date, to: Date) -> Result<Self, ReportError> {
        if to < from { Err(ReportError::Period { from, to }) } else { Ok(Self { from, to }) }
    }

    /// The calendar month a day is in.
    pub fn month(day: Date) -> Self {
        Self { from: day.first_of_month(), to: day.last_of_month() }
    }

    /// Whether it is exactly one calendar month.
    pub fn is_month(self) -> bool {
        self == Self::month(self.from)
    }

    /// How many days.
    pub fn days(self) -> i64 {
        i64::from((self.to - self.from).get_days()) + 1
    }

    /// The days as numbers since 1970-01-01, as the records know them.
    pub fn day_numbers(self) -> std::ops::RangeInclusive<i64> {
        let epoch = jiff::civil::date(1970, 1, 1);
        let number = |day: Date| i64::from((day - epoch).get_days());
        number(self.from)..=number(self.to)
    }

    /// The calendar month before a calendar month; before anything else, as many days.
    ///
    /// # Errors
    /// [`ReportError::Calendar`] when the calendar does not go back that far.
    pub fn before(self) -> Result<Self, ReportError> {
        let last = self.from.yesterday().map_err(|_| ReportError::Calendar)?;
        if self.is_month() {
            return Ok(Self::month(last));
        }
        let first = self.from.checked_sub(self.days().days()).map_err(|_| ReportError::Calendar)?;
        Ok(Self { from: first, to: last })
    }

    /// The period in unix milliseconds on a zone's wall clock: from the first midnight, up to but without the last one.
    ///
    /// # Errors
    /// [`ReportError::Timezone`] for a zone nobody knows, [`ReportError::Calendar`] outside the calendar.
    pub fn bounds(self, timezone: &str) -> Result<(i64, i64), ReportError> {
        let zone = TimeZone::get(timezone).map_err(|_| ReportError::Timezone(timezone.to_owned()))?;
        let midnight = |day: Date| {
            let start = day.to_zoned(zone.clone()).map_err(|_| ReportError::Calendar)?;
            Ok::<_, ReportError>(start.timestamp().as_millisecond())
        };
        Ok((midnight(self.from)?, midnight(self.to.tomorrow().map_err(|_| ReportError::Calendar)?)?))
    }

    /// How often each weekday occurs, from Monday.
    pub fn weekdays(self) -> [i64; 7] {
        let (whole, rest) = (self.days() / 7, self.days() % 7);
        let first = i64::from(self.from.weekday().to_monday_zero_offset());
        std::array::from_fn(|day| whole + i64::from((day as i64 - first).rem_euclid(7) < rest))
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    #[test]
    fn a_month_is_compared_with_the_month_before() {
        let march = Period::month(date(2026, 3, 15));
        assert_eq!(march.before().unwrap(), Period::month(date(2026, 2, 1)));
        assert_eq!(march.days(), 31);
        let january = Period::month(date(2026, 1, 1));
        assert_eq!(january.before().unwrap(), Period::month(date(2025, 12, 1)));
    }

    #[test]
    fn anything_else_with_as_many_days() {
        let week = Period::new(date(2026, 11, 16), date(2026, 11, 22)).unwrap();
        assert_eq!(week.before().unwrap(), Period::new(date(2026, 11, 9), date(2026, 11, 15)).unwrap());
        let day = Period::new(date(2026, 3, 1), date(2026, 3, 1)).unwrap();
        assert_eq!(day.before().unwrap().from, date(2026, 2, 28));
        assert!(matches!(Period::new(date(2026, 2, 2), date(2026, 2, 1)), Err(ReportError::Period { .. })));
    }

    #[test]
    fn a_day_of_a_clock_change_has_23_hours() {
        let day = Period::new(date(2026, 3, 29), date(2026, 3, 29)).unwrap();
        let (from, to) = day.bounds("Europe/Berlin").unwrap();
        assert_eq!((to - from) / 3_600_000, 23);
        assert!(matches!(day.bounds("Europe/Nowhere"), Err(ReportError::Timezone(_))));
    }

    #[test]
    fn weekdays_are_counted() {
        // October 2026 begins on a Thursday and has 31 days: five Thursdays, Fridays and Saturdays.
        assert_eq!(Period::month(date(2026, 10, 1)).weekdays(), [4, 4, 4, 5, 5, 5, 4]);
        assert_eq!(Period::new(date(2026, 11, 22), date(2026, 11, 22)).unwrap().weekdays(), [0, 0, 0, 0, 0, 0, 1]);
    }
}
