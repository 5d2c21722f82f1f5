//! When somebody who was not reached is called again: at once, after half an hour, two hours, the next day, a week.
//!
//! Pure: the plan is data, times are arguments, and what comes of an attempt is told by whoever made it.

use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan as _};
use serde::{Deserialize, Serialize};

use crate::hours::{Minute, Span};

/// How long to wait before one attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Step {
    /// So many minutes after the attempt before (or after the promise).
    Minutes(u32),
    /// So many days later at the same time of the clinic's clock.
    Days(u32),
}

/// The attempts, and the hours in which people may be called.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RetryPlan {
    /// One for each attempt.
    pub steps: Vec<Step>,
    /// Nobody is called outside of it, on the clinic's clock.
    pub allowed: Span,
}

/// Now, after 30 minutes, 2 hours, the next day and a week; from 09:00 to 21:00.
impl Default for RetryPlan {
    fn default() -> Self {
        let hour = |hour: u16| Minute::new(hour * 60).unwrap_or(Minute::START);
        Self {
            steps: vec![Step::Minutes(0), Step::Minutes(30), Step::Minutes(120), Step::Days(1), Step::Days(7)],
            allowed: Span { opens: hour(9), closes: hour(21) },
        }
    }
}

/// What came of an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Attempt {
    /// They talked.
    Reached,
    /// Busy.
    Busy,
    /// It rang.
    NoAnswer,
    /// A machine answered.
    Voicemail,
    /// There is no such number, or its owner does not want to be called.
    Never,
}

impl RetryPlan {
    /// When the first attempt is due that was promised at `promised`; none if the plan has none.
    pub fn first(&self, promised: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
        self.step(0, promised, zone)
    }

    /// When the next attempt is due after the `made`-th (counted from 1) at `last`. None when it was the last one, when it
    /// reached them, or when it makes no sense to call again.
    pub fn next(&self, made: usize, last: Timestamp, result: Attempt, zone: &TimeZone) -> Option<Timestamp> {
        match result {
            Attempt::Reached | Attempt::Never => None,
            Attempt::Busy | Attempt::NoAnswer | Attempt::Voicemail => self.step(made, last, zone),
        }
    }

    fn step(&self, nth: usize, from: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
        let wanted = match self.steps.get(nth)? {
            Step::Minutes(minutes) => from.checked_add(i64::from(*minutes).minutes()).ok()?,
            Step::Days(days) => from.to_zoned(zone.clone()).checked_add(i64::from(*days).days()).ok()?.timestamp(),
        };
        self.allowed_from(wanted, zone)
    }

    /// The first moment at or after `wanted` at which people may be called.
    fn allowed_from(&self, wanted: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
        let local = wanted.to_zoned(zone.clone());
        let minute = Minute::from(local.time());
        if self.allowed.contains(minute) {
            return Some(wanted);
        }
        let day = if minute < self.allowed.opens { local.date() } else { local.date().tomorrow().ok()? };
        let opens = day.to_datetime(self.allowed.opens.time());
        opens.to_zoned(zone.clone()).ok().map(|at| at.timestamp())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn moscow() -> TimeZone {
        TimeZone::get("Europe/Moscow").unwrap()
    }

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    /// Every attempt of a plan when nobody ever answers, on Moscow's clock.
    fn attempts(plan: &RetryPlan, promised: &str) -> Vec<String> {
        let mut found = Vec::new();
        let mut next = plan.first(at(promised), &moscow());
        while let Some(due) = next {
            found.push(due.to_zoned(moscow()).strftime("%m-%d %H:%M").to_string());
            next = plan.next(found.len(), due, Attempt::NoAnswer, &moscow());
        }
        found
    }

    #[test]
    fn five_attempts_in_eight_days() {
        let found = attempts(&RetryPlan::default(), "2026-11-20T10:00:00+03:00");
        assert_eq!(found, ["11-20 10:00", "11-20 10:30", "11-20 12:30", "11-21 12:30", "11-28 12:30"]);
    }

    #[test]
    fn nobody_is_called_at_night() {
        let found = attempts(&RetryPlan::default(), "2026-11-20T20:40:00+03:00");
        assert_eq!(found, ["11-20 20:40", "11-21 09:00", "11-21 11:00", "11-22 11:00", "11-29 11:00"]);
        let found = attempts(&RetryPlan::default(), "2026-11-20T03:00:00+03:00");
        assert_eq!(found[0], "11-20 09:00");
    }

    #[test]
    fn it_stops_when_they_were_reached_or_never_can_be() {
        let plan = RetryPlan::default();
        for result in [Attempt::Reached, Attempt::Never] {
            assert_eq!(plan.next(1, at("2026-11-20T07:00:00Z"), result, &moscow()), None);
        }
        assert!(plan.next(1, at("2026-11-20T07:00:00Z"), Attempt::Voicemail, &moscow()).is_some());
        assert_eq!(plan.next(5, at("2026-11-20T07:00:00Z"), Attempt::Busy, &moscow()), None);
    }

    #[test]
    fn the_next_day_is_a_day_of_the_clock() {
        // Berlin's clocks go back in the night to 25 October 2026: the day has 25 hours.
        let berlin = TimeZone::get("Europe/Berlin").unwrap();
        let plan = RetryPlan { steps: vec![Step::Days(1)], ..RetryPlan::default() };
        let due = plan.first(at("2026-10-24T12:00:00+02:00"), &berlin).unwrap();
        assert_eq!(due, at("2026-10-25T12:00:00+01:00"));
    }

    #[test]
    fn a_plan_is_written_as_people_write_it() {
        let plan: RetryPlan = toml::from_str(
            "steps = [{ minutes = 0 }, { days = 1 }]\nallowed = { opens = \"10:00\", closes = \"18:00\" }",
        )
        .unwrap();
        assert_eq!(plan.steps, [Step::Minutes(0), Step::Days(1)]);
        assert_eq!(plan.allowed.to_string(), "10:00-18:00");
        assert!(toml::from_str::<RetryPlan>("step = []").is_err());
    }
}
