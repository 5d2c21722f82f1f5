//! What to do when a visit and its deal differ: a pure function.
//!
//! The written rule, in the order in which it is asked:
//! 1. A side that is as it was when both last said the same has not been changed. Neither has a deal that is as we set it
//!    ourselves, though the answer to that was lost: our own echo is no change of theirs.
//! 2. When one side changed, it wins, if the visit can take that step; several steps at once are taken one by one (a deal
//!    moved from "booked" to "took place": arrived, then done). A step that is impossible is put back, with a comment.
//! 3. When both changed: what is final stays ("took place", "cancelled", "did not come"); a final word of theirs wins over
//!    one of ours that is not final; else the later change of a person wins, and at the same moment ours does.
//! 4. A stage that the file does not map says nothing; it stays until the visit changes.
//! 5. A time from the deal moves the visit if it is ahead and the desk would book it; else it is put back, with a comment.

use records::Status;
use serde::{Deserialize, Serialize};

use super::Stages;

/// How the visit is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ours {
    /// Its status.
    pub status: Status,
    /// Its start, unix milliseconds.
    pub start_ms: i64,
    /// When it last changed.
    pub changed_ms: i64,
    /// Whether a person changed it (an operator, or the visitor by any way), not a program by itself.
    pub by_person: bool,
}

/// How the deal is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Theirs {
    /// Its stage.
    pub stage: String,
    /// The time in its field, unix milliseconds; none when there is none.
    pub start_ms: Option<i64>,
    /// When it last changed, by our clock.
    pub changed_ms: i64,
}

/// A stage and a time that we set.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pushed {
    /// The stage.
    pub stage: String,
    /// The time.
    pub start_ms: Option<i64>,
}

/// How both were when they last said the same.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seen {
    /// The visit's status.
    pub status: Status,
    /// The visit's start.
    pub start_ms: i64,
    /// The deal's stage and time.
    pub theirs: Pushed,
    /// What we have set since and nobody has acknowledged.
    #[serde(default)]
    pub pushing: Vec<Pushed>,
    /// The deal was deleted: it is left alone from then on.
    #[serde(default)]
    pub gone: bool,
}

/// What the decision is made by.
#[derive(Debug, Clone, Copy)]
pub struct Rules<'a> {
    /// Which stage is which status.
    pub stages: &'a Stages,
    /// Whether times are kept equal.
    pub times: bool,
    /// Now, unix milliseconds.
    pub now_ms: i64,
    /// A time that the schedule has just refused.
    pub refused_ms: Option<i64>,
}

/// A change of the visit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// To this status.
    Become(Status),
    /// To this time.
    Start(i64),
}

/// Why something was put back, for the comment in the deal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
    /// The visit cannot go from the first to the second.
    Impossible(Status, Status),
    /// The visit was changed later than the deal.
    Later,
    /// Somebody holds that time, or the clinic is closed then.
    Taken(i64),
    /// That time is over.
    Past(i64),
    /// A visit in this status cannot be moved.
    Unmovable(Status),
    /// The time was taken out of the deal.
    Cleared,
}

/// A change of the deal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Push {
    /// The stage to set.
    pub stage: Option<String>,
    /// The time to set.
    pub start_ms: Option<i64>,
    /// What was put back, and why.
    pub because: Vec<Why>,
}

/// What to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Both say the same.
    Equal,
    /// Change the visit, then decide again.
    Change(Step),
    /// Change the deal.
    Push(Push),
}

/// The one decision.
pub fn decide(ours: &Ours, theirs: &Theirs, seen: &Seen, rules: Rules<'_>) -> Action {
    let status = status(ours, theirs, seen, rules);
    let time = if rules.times { time(ours, theirs, seen, rules) } else { Side::Equal };
    match (status, time) {
        // A visit that ends is not moved first; one that goes on is, since moving it makes it booked anew.
        (Side::Ours(Step::Become(next)), _) if is_final(next) => Action::Change(Step::Become(next)),
        (_, Side::Ours(step)) | (Side::Ours(step), _) => Action::Change(step),
        (Side::Equal, Side::Equal) => Action::Equal,
        (status, time) => {
            let mut push = Push { stage: None, start_ms: None, because: Vec::new() };
            if let Side::Theirs(why) = status {
                push.stage = Some(rules.stages.stage_of(ours.status).to_owned());
                push.because.extend(why);
            }
            if let Side::Theirs(why) = time {
                push.start_ms = Some(ours.start_ms);
                push.because.extend(why);
            }
            Action::Push(push)
        }
    }
}

/// Which side has to change in one respect.
enum Side {
    Equal,
    Ours(Step),
    Theirs(Option<Why>),
}

fn status(ours: &Ours, theirs: &Theirs, seen: &Seen, rules: Rules<'_>) -> Side {
    let stages = rules.stages;
    if stages.agree(&theirs.stage, ours.status) {
        return Side::Equal;
    }
    let we_changed = ours.status != seen.status;
    let they_changed = theirs.stage != seen.theirs.stage && seen.pushing.iter().all(|one| one.stage != theirs.stage);
    let Some(wanted) = stages.status_of(&theirs.stage) else {
        return if we_changed { Side::Theirs(None) } else { Side::Equal };
    };
    if !they_changed {
        return Side::Theirs(None);
    }
    let step = first_step(ours.status, wanted);
    let impossible = Side::Theirs(Some(Why::Impossible(ours.status, wanted)));
    let Some(step) = step else { return impossible };
    // What is final has no step, so ours is not final here.
    let wins = !we_changed || is_final(wanted) || !ours.by_person || theirs.changed_ms > ours.changed_ms;
    if wins { Side::Ours(Step::Become(step)) } else { Side::Theirs(Some(Why::Later)) }
}

fn time(ours: &Ours, theirs: &Theirs, seen: &Seen, rules: Rules<'_>) -> Side {
    if theirs.start_ms.is_some_and(|start_ms| same_second(start_ms, ours.start_ms)) {
        return Side::Equal;
    }
    let is = |one: Option<i64>| match (one, theirs.start_ms) {
        (Some(one), Some(start_ms)) => same_second(one, start_ms),
        (one, start_ms) => one == start_ms,
    };
    if is(seen.theirs.start_ms) || seen.pushing.iter().any(|one| is(one.start_ms)) {
        return Side::Theirs(None);
    }
    let Some(wanted_ms) = theirs.start_ms else { return Side::Theirs(Some(Why::Cleared)) };
    if !ours.status.may_become(Status::Moved) {
        return Side::Theirs(Some(Why::Unmovable(ours.status)));
    }
    if rules.refused_ms == Some(wanted_ms) {
        return Side::Theirs(Some(Why::Taken(wanted_ms)));
    }
    if wanted_ms <= rules.now_ms {
        return Side::Theirs(Some(Why::Past(wanted_ms)));
    }
    let we_changed = !same_second(ours.start_ms, seen.start_ms);
    let wins = !we_changed || !ours.by_person || theirs.changed_ms > ours.changed_ms;
    if wins { Side::Ours(Step::Start(wanted_ms)) } else { Side::Theirs(Some(Why::Later)) }
}

/// Bitrix24 keeps seconds.
fn same_second(a: i64, b: i64) -> bool {
    a.div_euclid(1_000) == b.div_euclid(1_000)
}

fn is_final(status: Status) -> bool {
    matches!(status, Status::Done | Status::Cancelled | Status::NoShow)
}

/// The first step of the shortest way from one status to another; moving is no way.
fn first_step(from: Status, to: Status) -> Option<Status> {
    let next =
        |from: Status| Status::ALL.iter().copied().filter(move |next| *next != Status::Moved && from.may_become(*next));
    let mut reached: Vec<(Status, Status)> = next(from).map(|first| (first, first)).collect();
    let mut looked = 0;
    while let Some((here, first)) = reached.get(looked).copied() {
        if here == to {
            return Some(first);
        }
        for further in next(here) {
            if reached.iter().all(|(there, _)| *there != further) {
                reached.push((further, first));
            }
        }
        looked += 1;
    }
    None
}

#[cfg(test)]
#[path = "sync_tests.rs"]
mod tests;
