//! «At 18:00», «at opening»: when something that is planned for later is to happen.

use jiff::civil::{Date, DateTime, Time};
use jiff::{Timestamp, ToSpan as _};

use crate::Clinic;

/// A moment that cannot be planned for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PlannedError {
    /// It is none of the ways to write one.
    #[error("`{0}` is not a moment: write 18:00, opening, closing, or 2026-11-23T18:00")]
    Unclear(String),
    /// It is over.
    #[error("{0} is in the past")]
    Past(DateTime),
    /// The clinic does not open.
    #[error("{0} is closed for the next four weeks, so there is no opening and no closing to wait for")]
    Closed(String),
}

impl Clinic {
    /// The next moment at which it is `text` on the clinic's wall clock, after `now`: a time of day (`18:00`), a day and a
    /// time (`2026-11-23T18:00`), `opening` or `closing`.
    ///
    /// # Errors
    /// When it cannot be understood, is over, or never comes.
    pub fn planned(&self, text: &str, now: Timestamp) -> Result<Timestamp, PlannedError> {
        let today = self.local(now).date();
        match text {
            "opening" => self.next_edge(today, now, true),
            "closing" => self.next_edge(today, now, false),
            // First, because a day and a time also reads as a time.
            _ => match text.parse::<DateTime>() {
                Ok(local) => match self.on_the_clock(local) {
                    Some(moment) if moment > now => Ok(moment),
                    Some(_) => Err(PlannedError::Past(local)),
                    None => Err(PlannedError::Unclear(text.to_owned())),
                },
                Err(_) => self.next_time(today, now, text).ok_or_else(|| PlannedError::Unclear(text.to_owned())),
            },
        }
    }

    fn next_time(&self, today: Date, now: Timestamp, text: &str) -> Option<Timestamp> {
        let time: Time = text.contains(':').then(|| text.parse().ok())??;
        let days = [Some(today), today.checked_add(1.day()).ok()].into_iter().flatten();
        days.filter_map(|day| self.on_the_clock(day.to_datetime(time))).find(|moment| *moment > now)
    }

    /// The first beginning of opening hours, or the last end of a day, that is still to come.
    fn next_edge(&self, today: Date, now: Timestamp, opening: bool) -> Result<Timestamp, PlannedError> {
        let edge = |ahead: i64| {
            let day = today.checked_add(ahead.days()).ok()?;
            let hours = self.hours(day);
            let moment = self.instant(day, if opening { hours.opens() } else { hours.closes() }?)?;
            (moment > now).then_some(moment)
        };
        (0..28).find_map(edge).ok_or_else(|| PlannedError::Closed(self.id.clone()))
    }

    fn on_the_clock(&self, local: DateTime) -> Option<Timestamp> {
        self.zone.to_ambiguous_timestamp(local).compatible().ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn clinic() -> Clinic {
        let text = "id = \"vet\"\nname = \"Лапа\"\nkind = \"veterinary\"\ntimezone = \"Europe/Moscow\"\n\
                    services = [\"терапия\"]\n[hours]\nmon = \"09:00-18:00\"\ntue = \"10:00-20:00\"\n";
        Clinic::parse(text, "vet.toml").unwrap()
    }

    /// The moment that is planned on Monday 2026-11-23 at `now`, as the clinic's clock shows it.
    fn planned(now: &str, text: &str) -> String {
        let clinic = clinic();
        let now = clinic.on_the_clock(format!("2026-11-23T{now}").parse().unwrap()).unwrap();
        match clinic.planned(text, now) {
            Ok(moment) => clinic.local(moment).strftime("%a %H:%M").to_string(),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn the_next_such_moment_counts() {
        for (now, text, expected) in [
            ("10:00", "18:00", "Mon 18:00"),
            ("18:00", "18:00", "Tue 18:00"),
            ("10:00", "closing", "Mon 18:00"),
            ("18:00", "closing", "Tue 20:00"),
            ("08:59", "opening", "Mon 09:00"),
            ("09:00", "opening", "Tue 10:00"),
            ("10:00", "2026-11-26T07:30", "Thu 07:30"),
        ] {
            assert_eq!(planned(now, text), expected, "{text} at {now}");
        }
    }

    #[test]
    fn what_is_no_moment_or_over_is_said() {
        assert_eq!(planned("10:00", "2026-11-23T09:00"), "2026-11-23T09:00:00 is in the past");
        for text in ["", "noon", "25:00", "18", "2026-13-01T10:00"] {
            assert!(planned("10:00", text).starts_with(&format!("`{text}` is not a moment")), "{text}");
        }
    }
}
