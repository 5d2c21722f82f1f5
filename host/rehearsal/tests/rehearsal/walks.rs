//! A flow explored by itself.

use rehearsal::walk::{Bounds, FindingKind, Leads, Walk, walk};

use crate::support::{DESK, ENGINE, case, flow};

async fn explored(run: &str, bounds: &Bounds) -> Walk {
    walk(&ENGINE, &flow(run), &case("[[line]]\nsilence = true"), bounds, |_| {}).await.unwrap()
}

#[tokio::test]
async fn who_is_left_alone_is_found() {
    let found = explored(DESK, &Bounds::default()).await;
    let kinds: Vec<_> = found.findings.iter().map(|finding| (finding.kind, finding.what.as_str())).collect();
    assert_eq!(kinds, [(FindingKind::DeadEnd, "after need")]);
    assert_eq!(found.findings[0].path, [("need".to_owned(), "(silence)".to_owned())]);
    let root = found.root.unwrap();
    assert_eq!((root.id.as_str(), root.text.as_str()), ("need", "Hello, why?"));
    let ends: Vec<&str> = root
        .branches
        .iter()
        .map(|(_, leads)| match leads {
            Leads::End(how) => how.as_str(),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(ends, ["finished (answered)", "put through (transferred)", "finished (nothing)"]);
    assert!(found.unused.is_empty() && !found.cut, "{:?}", found.unused);
}

/// Asks «again» for ever.
const DEAF: &str = r#"
    (loop $again
        (if (call $ask (i32.const 128) (i32.const 5) (i32.const 96) (i32.const 6)) (then (return (i32.const 0))))
        (br $again))
    (i32.const 0)"#;

#[tokio::test]
async fn a_loop_is_found_once_with_its_shortest_path() {
    let found = explored(DEAF, &Bounds::default()).await;
    assert_eq!(found.findings.len(), 1, "{:?}", found.findings);
    assert_eq!((found.findings[0].kind, found.findings[0].what.as_str()), (FindingKind::Loop, "again"));
    assert_eq!(found.findings[0].path.len(), 3, "the fourth time it was asked, three answers had been given");
}

#[tokio::test]
async fn what_makes_progress_or_says_goodbye_is_no_finding() {
    // The same, but something is written down after each answer.
    let progress = DEAF.replace("(br $again)", "(call $outcome (i32.const 3)) (br $again)");
    let found = explored(&progress, &Bounds::default()).await;
    assert_eq!(found.findings, []);
    // One question, then good-bye without an outcome.
    let farewell = r#"
        (if (call $ask (i32.const 64) (i32.const 4) (i32.const 80) (i32.const 11)) (then (return (i32.const 0))))
        (call $say (i32.const 112) (i32.const 8))
        (i32.const 0)"#;
    let found = explored(farewell, &Bounds::default()).await;
    assert_eq!(found.findings, []);
}

#[tokio::test]
async fn a_trap_is_found_behind_the_answer_that_leads_to_it() {
    // Keys are fatal.
    let run = r#"
        (if (call $ask (i32.const 64) (i32.const 4) (i32.const 80) (i32.const 11)) (then (return (i32.const 0))))
        (if (i32.eq (i32.load8_u (i32.const 1032)) (i32.const 1)) (then unreachable))
        (call $outcome (i32.const 7))
        (i32.const 0)"#;
    let found = explored(run, &Bounds::default()).await;
    assert_eq!(found.findings[0].kind, FindingKind::Trap);
    assert_eq!(found.findings[0].path, [("need".to_owned(), "[0]".to_owned())]);
    assert_eq!(found.unused, ["voice.say", "routing.transfer"].map(str::to_owned));
}

#[tokio::test]
async fn bounds_hold_and_the_result_is_the_same_twice() {
    let bounds = Bounds { paths: 5, ..Bounds::default() };
    let (one, other) = (explored(DEAF, &bounds).await, explored(DEAF, &bounds).await);
    assert!(one.cut);
    // Five paths of the tree, and the callers who answer everything alike.
    assert_eq!(one.paths, 10);
    assert_eq!(format!("{one:?}"), format!("{other:?}"));
}
