//! How well people who came are served, as pure functions of the list.

use desk::Clinic;
use jiff::civil::Date;
use jiff::{Timestamp, ToSpan as _};
use records::{CallbackStatus, Contact, ContactKind};
use serde::Serialize;
use std::collections::BTreeMap;

/// What each figure means, in the order of [`Figures`].
pub const DEFINITIONS: &[(&str, &str)] = &[
    (
        "came",
        "requests of the site, missed calls, night calls, call-backs and chats that somebody has to call about; a second one of the same number that joined the first is not counted",
    ),
    ("joined", "those that joined another one of the same number"),
    (
        "in_time",
        "of those that were tried or are past their deadline: first tried by the deadline (30 minutes of opening hours, or the client's hour)",
    ),
    ("reached", "talked to, whatever came of it"),
    ("not_reached", "closed without having been talked to: the plan of attempts was used up, or the number was wrong"),
    ("open", "still on the list"),
    ("booked", "closed with a booking"),
    ("refused", "closed by the client's no"),
    ("first_time", "requests of the site from numbers under which nobody had booked before"),
    ("first_time_booked", "of these, closed with a booking"),
    ("goal", "the share of first-time requests that is to become bookings; 0.8 in the trade"),
];

/// Figures of a period, by when people came.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Figures {
    /// See [`DEFINITIONS`], as for all of them.
    pub came: u64,
    /// How many came by which way.
    pub by_kind: BTreeMap<&'static str, u64>,
    /// Joined another.
    pub joined: u64,
    /// Tried in time.
    pub in_time: u64,
    /// Tried, or past the deadline.
    pub judged: u64,
    /// Talked to.
    pub reached: u64,
    /// Given up.
    pub not_reached: u64,
    /// Still on the list.
    pub open: u64,
    /// Booked.
    pub booked: u64,
    /// Refused.
    pub refused: u64,
    /// Why, in the clinic's words.
    pub lost_reasons: BTreeMap<String, u64>,
    /// First-time requests.
    pub first_time: u64,
    /// Of these, booked.
    pub first_time_booked: u64,
    /// The share that is to be reached.
    pub goal: f64,
}

impl Figures {
    /// Share that was tried in time.
    pub fn in_time_share(&self) -> Option<f64> {
        share(self.in_time, self.judged)
    }

    /// Share of first-time requests that became bookings.
    pub fn first_time_share(&self) -> Option<f64> {
        share(self.first_time_booked, self.first_time)
    }
}

fn share(part: u64, whole: u64) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}

/// Figures of what came, as it stands at `now`.
pub fn figures<'a>(contacts: impl IntoIterator<Item = &'a Contact>, goal: f64, now: Timestamp) -> Figures {
    let mut figures = Figures { goal, ..Figures::default() };
    for contact in contacts.into_iter().filter(|contact| contact.kind.inbound()) {
        if contact.status == CallbackStatus::Merged {
            figures.joined += 1;
            continue;
        }
        figures.came += 1;
        *figures.by_kind.entry(contact.kind.as_str()).or_default() += 1;
        let late = contact.deadline_ms < now.as_millisecond();
        if contact.first_attempt_ms.is_some() || late {
            figures.judged += 1;
            figures.in_time += u64::from(contact.first_attempt_ms.is_some_and(|at| at <= contact.deadline_ms));
        }
        let closed = contact.status == CallbackStatus::Done;
        let booked = closed && contact.result.as_deref() == Some("booked");
        figures.reached += u64::from(contact.reached_ms.is_some());
        figures.not_reached += u64::from(closed && contact.reached_ms.is_none());
        figures.open += u64::from(!closed);
        figures.booked += u64::from(booked);
        if closed && contact.result.as_deref() == Some("refused") {
            figures.refused += 1;
            *figures.lost_reasons.entry(contact.lost_reason.clone().unwrap_or_default()).or_default() += 1;
        }
        if contact.kind == ContactKind::Request && contact.first_time == Some(true) {
            figures.first_time += 1;
            figures.first_time_booked += u64::from(booked);
        }
    }
    figures
}

/// How long a period is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Period {
    /// A day of the clinic's clock.
    Day,
    /// From Monday on.
    Week,
    /// A month.
    Month,
}

/// The same by period, each under its first day.
pub fn by_period(contacts: &[Contact], clinic: &Clinic, period: Period, now: Timestamp) -> BTreeMap<Date, Figures> {
    let mut groups: BTreeMap<Date, Vec<&Contact>> = BTreeMap::new();
    for contact in contacts {
        let came = Timestamp::from_millisecond(contact.created_ms).unwrap_or_default();
        let day = clinic.local(came).date();
        let first = match period {
            Period::Day => day,
            Period::Week => day.checked_sub(i64::from(day.weekday().to_monday_zero_offset()).days()).unwrap_or(day),
            Period::Month => day.first_of_month(),
        };
        groups.entry(first).or_default().push(contact);
    }
    groups.into_iter().map(|(day, group)| (day, figures(group, clinic.requests.goal, now))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn contact(kind: ContactKind, change: impl FnOnce(&mut Contact)) -> Contact {
        let mut contact = Contact {
            id: "c".to_owned(),
            clinic: "vet".to_owned(),
            timezone: "Europe/Moscow".to_owned(),
            kind,
            phone: "+79031234567".into(),
            person: "".into(),
            reason: "".into(),
            status: CallbackStatus::Open,
            due_ms: 0,
            deadline_ms: 1_800_000,
            next_ms: 0,
            attempts: 0,
            result: None,
            first_time: Some(true),
            visit: None,
            call: None,
            message: None,
            claimed_by: None,
            claimed_until_ms: None,
            first_attempt_ms: None,
            reached_ms: None,
            closed_ms: None,
            late_ms: None,
            lost_reason: None,
            merged_into: None,
            created_ms: 0,
            updated_ms: 0,
        };
        change(&mut contact);
        contact
    }

    fn closed(contact: &mut Contact, result: &str, tried_ms: i64, reached: bool) {
        contact.status = CallbackStatus::Done;
        contact.result = Some(result.to_owned());
        contact.first_attempt_ms = Some(tried_ms);
        contact.reached_ms = reached.then_some(tried_ms);
    }

    #[test]
    fn every_figure_by_its_definition() {
        let list = [
            contact(ContactKind::Request, |it| closed(it, "booked", 1_800_000, true)),
            contact(ContactKind::Request, |it| closed(it, "no-answer", 1_800_001, false)),
            contact(ContactKind::Request, |it| {
                closed(it, "refused", 60_000, true);
                it.first_time = Some(false);
                it.lost_reason = Some("дорого".to_owned());
            }),
            contact(ContactKind::Missed, |it| closed(it, "booked", 60_000, true)),
            contact(ContactKind::Missed, |_| {}),
            contact(ContactKind::Night, |it| it.deadline_ms = 9_000_000),
            contact(ContactKind::Request, |it| it.status = CallbackStatus::Merged),
            // About a visit they have: not counted among those who came.
            contact(ContactKind::Reminder, |_| {}),
        ];
        let now = Timestamp::from_millisecond(3_600_000).unwrap();
        let figures = figures(&list, 0.8, now);
        assert_eq!((figures.came, figures.joined, figures.open), (6, 1, 2));
        assert_eq!((figures.in_time, figures.judged), (3, 5));
        assert_eq!((figures.reached, figures.not_reached, figures.booked, figures.refused), (3, 1, 2, 1));
        assert_eq!(figures.lost_reasons["дорого"], 1);
        assert_eq!((figures.first_time, figures.first_time_booked), (2, 1));
        assert_eq!(figures.first_time_share(), Some(0.5));
        assert_eq!(Figures::default().in_time_share(), None);
    }
}
