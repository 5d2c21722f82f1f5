//! Routes through their whole life, by the pure rules.

use proptest::prelude::*;

use super::*;

/// A route with the log that leads to it.
#[derive(Default)]
struct Line {
    route: Option<FlowRoute>,
    log: Vec<FlowChange>,
}

impl Line {
    fn go(&mut self, what: Step<'_>) -> Result<Option<ChangeKind>, RolloutError> {
        let stack = stack(&self.log);
        let past = stack.split_last().map_or(&[][..], |(_, past)| past);
        let Some(Stepped { route, kind, digest }) = step(("vet_lapa", Entry::Day), self.route.as_ref(), past, what)?
        else {
            return Ok(None);
        };
        self.log.push(FlowChange {
            seq: self.log.len() as i64 + 1,
            clinic: route.clinic.clone(),
            entry: route.entry,
            generation: route.generation,
            kind,
            digest,
            percent: route.percent,
            stable: Some(route.stable.clone()),
            cause: None,
            by: "test".into(),
            reason: String::new(),
            at_ms: 0,
        });
        self.route = Some(route);
        Ok(Some(kind))
    }

    fn all(&mut self, digest: &str) {
        self.go(Step::Deploy { digest, how: How::All }).unwrap();
    }

    fn now(&self) -> &FlowRoute {
        self.route.as_ref().unwrap()
    }
}

#[test]
fn going_back_twice_goes_two_versions_back() {
    let mut line = Line::default();
    for digest in ["a", "b", "c"] {
        line.all(digest);
    }
    assert_eq!(line.now().previous.as_deref(), Some("b"));
    assert_eq!(line.go(Step::RollBack).unwrap(), Some(ChangeKind::RolledBack));
    assert_eq!((line.now().stable.as_str(), line.now().previous.as_deref()), ("b", Some("a")));
    line.go(Step::RollBack).unwrap();
    assert_eq!((line.now().stable.as_str(), line.now().previous.as_deref()), ("a", None));
    assert!(matches!(line.go(Step::RollBack), Err(RolloutError::NothingBefore { .. })));
    // What is deployed now builds on `a`; `b` and `c` are gone from the way back.
    line.all("d");
    line.go(Step::RollBack).unwrap();
    assert_eq!(line.now().stable, "a");
}

#[test]
fn a_version_may_come_back_by_deploy_and_be_left_again() {
    let mut line = Line::default();
    for digest in ["a", "b", "a"] {
        line.all(digest);
    }
    line.go(Step::RollBack).unwrap();
    assert_eq!((line.now().stable.as_str(), line.now().previous.as_deref()), ("b", Some("a")));
    line.go(Step::RollBack).unwrap();
    assert_eq!(line.now().stable, "a");
}

#[test]
fn going_back_from_a_canary_drops_the_canary_alone() {
    let mut line = Line::default();
    line.all("a");
    line.all("b");
    line.go(Step::Deploy { digest: "c", how: How::Canary(10) }).unwrap();
    assert_eq!((line.now().candidate.as_deref(), line.now().percent), (Some("c"), Some(10)));
    line.go(Step::RollBack).unwrap();
    assert_eq!((line.now().stable.as_str(), line.now().candidate.as_deref(), line.now().percent), ("b", None, None));
    line.go(Step::RollBack).unwrap();
    assert_eq!(line.now().stable, "a");
}

#[test]
fn a_canary_is_promoted_and_judged_against_the_version_before() {
    let mut line = Line::default();
    line.all("a");
    assert!(!line.now().on_trial, "there is nothing to judge the first version against");
    assert!(matches!(line.go(Step::Promote), Err(RolloutError::NoCandidate { .. })));
    line.go(Step::Deploy { digest: "b", how: How::Canary(99) }).unwrap();
    assert_eq!(line.go(Step::Promote).unwrap(), Some(ChangeKind::Promoted));
    let route = line.now();
    assert_eq!((route.stable.as_str(), route.previous.as_deref(), route.candidate.as_deref()), ("b", Some("a"), None));
    assert!(route.on_trial);
    line.go(Step::RollBack).unwrap();
    assert!(!line.now().on_trial, "a version gone back to is not judged again");
}

#[test]
fn a_shadow_stays_beside_until_it_answers_itself() {
    let mut line = Line::default();
    let shadow = Step::Deploy { digest: "s", how: How::Shadow };
    assert!(matches!(line.go(shadow), Err(RolloutError::NoRoute { .. })));
    line.all("a");
    line.go(shadow).unwrap();
    assert_eq!(line.go(shadow).unwrap(), None, "nothing changes");
    line.all("b");
    assert_eq!(line.now().shadow.as_deref(), Some("s"));
    line.all("s");
    assert_eq!(line.now().shadow, None);
    assert!(matches!(line.go(Step::DropShadow), Err(RolloutError::NoShadow { .. })));
}

#[test]
fn deploying_what_answers_already_ends_its_canary_or_changes_nothing() {
    let mut line = Line::default();
    line.all("a");
    assert_eq!(line.go(Step::Deploy { digest: "a", how: How::All }).unwrap(), None);
    assert_eq!(line.now().generation, 1);
    let refused = line.go(Step::Deploy { digest: "a", how: How::Canary(5) }).unwrap_err();
    assert_eq!(refused.to_string(), "version a answers every call of vet_lapa/day already");
    line.go(Step::Deploy { digest: "b", how: How::Canary(5) }).unwrap();
    assert_eq!(line.go(Step::Deploy { digest: "a", how: How::All }).unwrap(), Some(ChangeKind::DroppedCandidate));
    assert_eq!(line.now().candidate, None);
}

#[test]
fn shares_are_one_to_ninety_nine() {
    assert_eq!(How::canary(1).unwrap(), How::Canary(1));
    for wrong in [0, 100, 1000] {
        assert!(matches!(How::canary(wrong), Err(RolloutError::BadPercent(_))));
    }
}

fn any_step() -> impl Strategy<Value = (u8, u8)> {
    (0u8..7, 0u8..5)
}

proptest! {
    /// Whatever people do: generations count up by one, the way back in the route is the one in the log, and a refused
    /// step leaves everything as it was.
    #[test]
    fn the_route_and_its_log_never_disagree(steps in proptest::collection::vec(any_step(), 1..60)) {
        let mut line = Line::default();
        for (what, which) in steps {
            let digest = ["a", "b", "c", "d", "e"][usize::from(which)];
            let what = match what {
                0 | 1 => Step::Deploy { digest, how: How::All },
                2 => Step::Deploy { digest, how: How::Canary(1 + which) },
                3 => Step::Deploy { digest, how: How::Shadow },
                4 => Step::Promote,
                5 => Step::RollBack,
                _ => Step::DropCandidate,
            };
            let before = line.route.clone();
            let done = line.go(what);
            let Some(route) = &line.route else { continue };
            let counted = before.as_ref().map_or(0, |route| route.generation);
            if matches!(done, Ok(Some(_))) {
                prop_assert_eq!(route.generation, counted + 1);
            } else {
                prop_assert_eq!(line.route.as_ref(), before.as_ref());
            }
            let stack = stack(&line.log);
            prop_assert_eq!(stack.last(), Some(&route.stable));
            prop_assert_eq!(stack.iter().rev().nth(1), route.previous.as_ref());
            prop_assert_ne!(route.candidate.as_ref(), Some(&route.stable));
            prop_assert_eq!(route.candidate.is_some(), route.percent.is_some());
        }
    }
}
