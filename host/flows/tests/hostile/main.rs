//! Flows that mean harm, each named, each contained; in a process of its own, because its memory is weighed.
//!
//! | module | what |
//! |---|---|
//! | [`upload`] | what is refused before a caller is on the line |
//! | [`running`] | what is stopped while it runs |
//! | [`wasi`] | what tries the machine instead of the conversation |
//! | [`bombs`] | what attacks the compiler; needs a child that can be ended |
//! | [`neighbours`] | what the others notice of it |
//!
//! The program is its own test harness: started with `compile-flow` it is the child that compiles, exactly as `gudok`
//! is, so the suite runs as a server does. Otherwise it runs the checks one after the other; words on its command line
//! choose among them.

#![allow(clippy::unwrap_used, reason = "all of this is tests")]

mod bombs;
mod neighbours;
mod running;
#[path = "../engine/support.rs"]
#[allow(dead_code, reason = "shared with the tests of the engine, which use all of it")]
mod support;
mod table;
mod upload;
mod wasi;

use std::panic::catch_unwind;
use std::process::ExitCode;
use std::time::Instant;

/// Every check by name.
const CHECKS: [(&str, fn()); 5] = [
    ("every_hostile_flow_is_contained_and_leaves_nothing_behind", table::every_hostile_flow_is_contained),
    ("compile_bombs_end_in_one_clear_error", bombs::compile_bombs_end_in_one_clear_error),
    ("a_child_that_fails_is_one_clear_error", bombs::a_child_that_fails_is_one_clear_error),
    ("child_and_parent_make_the_same_code", bombs::child_and_parent_make_the_same_code),
    ("neighbours_are_not_late", neighbours::neighbours_are_not_late),
];

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    if args.first().is_some_and(|arg| arg == "compile-flow") {
        return match flows::compile_stdin() {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                eprintln!("{error}");
                ExitCode::FAILURE
            }
        };
    }
    if args.iter().any(|arg| arg == "--list") {
        for (name, _) in CHECKS {
            println!("{name}: test");
        }
        return ExitCode::SUCCESS;
    }
    let words: Vec<_> = args.iter().filter(|arg| !arg.starts_with('-')).collect();
    let chosen = CHECKS.iter().filter(|(name, _)| words.is_empty() || words.iter().any(|word| name.contains(*word)));
    let mut failed = 0;
    for (name, check) in chosen {
        println!("check {name}");
        let began = Instant::now();
        let passed = catch_unwind(check).is_ok();
        println!("check {name}: {} in {:.1} s", if passed { "ok" } else { "FAILED" }, began.elapsed().as_secs_f64());
        failed += u8::from(!passed);
    }
    ExitCode::from(failed)
}
