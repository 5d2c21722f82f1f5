//! What is due to be said about a visit: a pure function of the visit, of what was said, of the rules and of now.
//!
//! A step is said at most once for one time of the visit. A visit that was moved has a new time, so its steps begin afresh
//! and what was planned for the old time is withdrawn. A step is left out when it would come right after the visit was
//! booked, when it cannot come before the visit within the clinic's hours, and when a later one has come already (after a
//! night of the program's own, nobody gets two reminders in a row).

use desk::{ReminderStep, Reminders, StepTime, StepWay};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, ToSpan as _};
use records::{Answer, MessageState, Status};

use crate::hours::{next_within, within};

/// That a visit was booked is no news after so long.
const NEWS: SignedDuration = SignedDuration::from_hours(12);

/// A visit as it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct VisitNow {
    /// Where it stands.
    pub status: Status,
    /// When it begins.
    pub start: Timestamp,
    /// When this time was agreed on: booked, or moved to.
    pub agreed: Timestamp,
    /// Whether it was moved there.
    pub moved: bool,
}

/// A message about the visit that is in the outbox.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Said {
    /// Its id.
    pub id: String,
    /// Which step.
    pub step: String,
    /// The start it tells of.
    pub start: Timestamp,
    /// Where it stands.
    pub state: MessageState,
    /// What was answered.
    pub answer: Option<Answer>,
}

/// What is to be done.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Plan<'r> {
    /// Steps to be said now.
    pub due: Vec<Due<'r>>,
    /// Planned messages that are no longer wanted, and why.
    pub withdraw: Vec<(String, &'static str)>,
    /// When to look again; none: nothing is left to say.
    pub wake: Option<Timestamp>,
}

/// A step to be said now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Due<'r> {
    /// Which.
    pub step: &'r ReminderStep,
    /// The name of its text.
    pub text: &'r str,
    /// From then on it is too late.
    pub not_after: Timestamp,
}

/// What is due to be said about a visit at `now`, and when to ask again.
pub fn plan<'r>(visit: &VisitNow, said: &[Said], rules: &'r Reminders, zone: &TimeZone, now: Timestamp) -> Plan<'r> {
    let mut plan = Plan::default();
    let last = visit.start.checked_sub(i64::from(rules.last_minutes).minutes()).unwrap_or(visit.start);
    let coming = visit.status.is_ahead();
    let settled = visit.status == Status::Confirmed || said.iter().any(|it| it.start == visit.start && it.clear());
    for old in said.iter().filter(|said| said.state == MessageState::Planned) {
        let step = rules.steps.iter().find(|step| step.id == old.step);
        let why = match step {
            _ if !coming => Some("the visit is no more"),
            _ if old.start != visit.start => Some("the visit was moved"),
            Some(step) if settled && (step.asks || step.unanswered) => Some("it is answered already"),
            _ => None,
        };
        plan.withdraw.extend(why.map(|why| (old.id.clone(), why)));
    }
    if !coming || now >= last {
        return plan;
    }
    let mut moments: Vec<(Timestamp, &ReminderStep)> =
        rules.steps.iter().filter_map(|step| moment(step, visit, rules, zone).map(|at| (at, step))).collect();
    moments.sort_by_key(|(at, _)| *at);
    let was_said = |step: &ReminderStep| said.iter().any(|it| it.start == visit.start && it.step == step.id);
    for (n, (at, step)) in moments.iter().enumerate() {
        let stale = step.when == StepTime::AtOnce && now > at.saturating_add(NEWS).unwrap_or(*at);
        if stale || *at >= last || was_said(step) || (settled && (step.asks || step.unanswered)) {
            continue;
        }
        let overtaken = |(later_at, later): &(Timestamp, &ReminderStep)| {
            later.how == StepWay::Message && (was_said(later) || (*later_at <= now && *later_at < last))
        };
        if step.how == StepWay::Message && moments[n + 1..].iter().any(overtaken) {
            continue;
        }
        if step.unanswered && !was_asked(step, &moments, said, visit) {
            // The question may still come, and then this step after it; it is looked at again when it does.
            continue;
        }
        let at = if *at <= now { next_within(rules.hours, zone, now) } else { Some(*at) };
        match at.filter(|at| *at < last) {
            Some(at) if at <= now => {
                let text = if visit.moved && step.when == StepTime::AtOnce && step.id == "booked" {
                    "moved"
                } else {
                    step.id.as_str()
                };
                plan.due.push(Due { step, text, not_after: last });
            }
            Some(at) => plan.wake = Some(plan.wake.map_or(at, |wake| wake.min(at))),
            None => {}
        }
    }
    debug_assert!(plan.due.is_empty() || within(rules.hours, zone, now), "nothing is due out of hours");
    if !plan.due.is_empty() {
        // What is due now may make a later step possible.
        let next = moments.iter().map(|(at, _)| *at).filter(|at| *at > now && *at < last).min();
        plan.wake = [plan.wake, next].into_iter().flatten().min();
    }
    plan
}

impl Said {
    fn clear(&self) -> bool {
        matches!(self.answer, Some(Answer::Yes | Answer::No | Answer::Unclear))
    }
}

/// When a step comes; none for one that is left out.
fn moment(step: &ReminderStep, visit: &VisitNow, rules: &Reminders, zone: &TimeZone) -> Option<Timestamp> {
    let wanted = match step.when {
        StepTime::AtOnce => return next_within(rules.hours, zone, visit.agreed),
        StepTime::DaysBefore(days, minute) => {
            let day = zone.to_datetime(visit.start).date().checked_sub(i64::from(days).days()).ok()?;
            zone.to_ambiguous_timestamp(day.to_datetime(minute.time())).compatible().ok()?
        }
        StepTime::MinutesBefore(minutes) => visit.start.checked_sub(i64::from(minutes).minutes()).ok()?,
    };
    let known_until = visit.agreed.checked_add(i64::from(rules.gap_minutes).minutes()).ok()?;
    if wanted < known_until {
        return None;
    }
    next_within(rules.hours, zone, wanted)
}

/// Whether a question about this time of the visit went out (or was tried to) before this step.
fn was_asked(step: &ReminderStep, moments: &[(Timestamp, &ReminderStep)], said: &[Said], visit: &VisitNow) -> bool {
    let asks = |id: &str| moments.iter().any(|(_, other)| other.asks && other.id == id && other.id != step.id);
    said.iter().any(|it| it.start == visit.start && it.state != MessageState::Withdrawn && asks(&it.step))
}

#[cfg(test)]
mod tests;
