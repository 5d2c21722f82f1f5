//! What a change makes of a route: the rules alone, without records.
//!
//! A route's past is a stack of stable versions, read from the log of changes: a deploy or a promotion puts one on top, a
//! roll-back takes the top away. So two roll-backs go two versions back, never to and fro, and a deploy after a roll-back
//! builds on the version gone back to. A roll-back while a canary runs takes away the canary and nothing else: it
//! undoes the last step.

use records::{ChangeKind, Entry, FlowChange, FlowRoute, HowKind};
use serde::{Deserialize, Serialize};

use crate::RolloutError;
use crate::library::short;

/// How a version is put on a route.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum How {
    /// It answers every call from now on.
    All,
    /// It answers so many calls in a hundred: 1 to 99.
    Canary(u8),
    /// It runs beside the stable version, unheard.
    Shadow,
}

impl How {
    /// A canary for `percent` of the calls.
    ///
    /// # Errors
    /// [`RolloutError::BadPercent`].
    pub fn canary(percent: u32) -> Result<Self, RolloutError> {
        let share = u8::try_from(percent).ok().filter(|share| (1..=99).contains(share));
        share.map(Self::Canary).ok_or(RolloutError::BadPercent(percent))
    }

    pub(crate) fn kind(self) -> HowKind {
        match self {
            Self::All => HowKind::All,
            Self::Canary(_) => HowKind::Canary,
            Self::Shadow => HowKind::Shadow,
        }
    }

    pub(crate) fn percent(self) -> Option<i64> {
        match self {
            Self::Canary(percent) => Some(i64::from(percent)),
            _ => None,
        }
    }

    pub(crate) fn planned(kind: HowKind, percent: Option<i64>) -> Result<Self, RolloutError> {
        Ok(match kind {
            HowKind::All => Self::All,
            HowKind::Shadow => Self::Shadow,
            HowKind::Canary => Self::canary(percent.and_then(|percent| u32::try_from(percent).ok()).unwrap_or(0))?,
        })
    }
}

/// A change asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step<'a> {
    Deploy { digest: &'a str, how: How },
    Promote,
    RollBack,
    DropCandidate,
    DropShadow,
}

/// What came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Stepped {
    pub(crate) route: FlowRoute,
    pub(crate) kind: ChangeKind,
    /// The version the change is about.
    pub(crate) digest: String,
}

/// The route after a step; none = it is so already. `past` are the versions under the stable one, the newest last.
/// Generation, time and author are the caller's to set; the generation is counted up here.
pub(crate) fn step(
    place: (&str, Entry),
    now: Option<&FlowRoute>,
    past: &[String],
    step: Step<'_>,
) -> Result<Option<Stepped>, RolloutError> {
    let (clinic, entry) = (place.0.to_owned(), place.1);
    let Some(now) = now else {
        let Step::Deploy { digest, how: How::All } = step else { return Err(RolloutError::NoRoute { clinic, entry }) };
        let route = FlowRoute {
            clinic,
            entry,
            generation: 1,
            stable: digest.to_owned(),
            candidate: None,
            percent: None,
            shadow: None,
            previous: None,
            on_trial: false,
            since_ms: 0,
            by: String::new(),
        };
        return Ok(Some(Stepped { route, kind: ChangeKind::Deployed, digest: digest.to_owned() }));
    };
    let mut route = FlowRoute { generation: now.generation + 1, ..now.clone() };
    let already = |digest: &str| RolloutError::AlreadyStable { clinic: clinic.clone(), entry, digest: short(digest) };
    let (kind, about) = match step {
        Step::Deploy { digest, how: How::All } if digest == now.stable => {
            let Some(candidate) = route.candidate.take() else { return Ok(None) };
            route.percent = None;
            (ChangeKind::DroppedCandidate, candidate)
        }
        Step::Deploy { digest, how: How::All } => {
            make_stable(&mut route, digest);
            (ChangeKind::Deployed, digest.to_owned())
        }
        Step::Deploy { digest, how: How::Canary(_) | How::Shadow } if digest == now.stable => {
            return Err(already(digest));
        }
        Step::Deploy { digest, how: How::Canary(percent) } => {
            if now.candidate.as_deref() == Some(digest) && now.percent == Some(i64::from(percent)) {
                return Ok(None);
            }
            route.candidate = Some(digest.to_owned());
            route.percent = Some(i64::from(percent));
            route.shadow = route.shadow.filter(|shadow| shadow != digest);
            (ChangeKind::Canary, digest.to_owned())
        }
        Step::Deploy { digest, how: How::Shadow } => {
            if now.shadow.as_deref() == Some(digest) {
                return Ok(None);
            }
            route.shadow = Some(digest.to_owned());
            (ChangeKind::Shadow, digest.to_owned())
        }
        Step::Promote => {
            let candidate = now.candidate.as_deref().ok_or(RolloutError::NoCandidate { clinic, entry })?;
            make_stable(&mut route, candidate);
            (ChangeKind::Promoted, candidate.to_owned())
        }
        Step::DropCandidate => {
            let candidate = route.candidate.take().ok_or(RolloutError::NoCandidate { clinic, entry })?;
            route.percent = None;
            (ChangeKind::DroppedCandidate, candidate)
        }
        Step::DropShadow => {
            let shadow = route.shadow.take().ok_or(RolloutError::NoShadow { clinic, entry })?;
            (ChangeKind::DroppedShadow, shadow)
        }
        Step::RollBack => {
            if let Some(candidate) = route.candidate.take() {
                route.percent = None;
                (ChangeKind::RolledBack, candidate)
            } else {
                let (back, before) = past.split_last().ok_or(RolloutError::NothingBefore { clinic, entry })?;
                let left = std::mem::replace(&mut route.stable, back.clone());
                route.previous = before.last().cloned();
                route.shadow = route.shadow.filter(|shadow| *shadow != route.stable);
                // It was judged when it came; the version under it is no measure for it now.
                route.on_trial = false;
                (ChangeKind::RolledBack, left)
            }
        }
    };
    Ok(Some(Stepped { route, kind, digest: about }))
}

fn make_stable(route: &mut FlowRoute, digest: &str) {
    route.previous = Some(std::mem::replace(&mut route.stable, digest.to_owned()));
    route.candidate = None;
    route.percent = None;
    route.shadow = route.shadow.take().filter(|shadow| shadow != digest);
    route.on_trial = true;
}

/// The stable versions of a route, the present one last, from the whole log of the route.
pub(crate) fn stack(history: &[FlowChange]) -> Vec<String> {
    let mut stack: Vec<String> = Vec::new();
    for change in history {
        let Some(stable) = &change.stable else { continue };
        if stack.last() == Some(stable) {
            continue;
        }
        match change.kind {
            ChangeKind::RolledBack | ChangeKind::RolledBackItself => {
                match stack.iter().rposition(|one| one == stable) {
                    Some(place) => stack.truncate(place + 1),
                    None => stack.push(stable.clone()),
                }
            }
            ChangeKind::Deployed | ChangeKind::Promoted => stack.push(stable.clone()),
            _ => {}
        }
    }
    stack
}

#[cfg(test)]
#[path = "route_tests.rs"]
mod tests;
