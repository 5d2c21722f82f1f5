//! Whole conversations with the flow that ships: the program, the wasm component, a clinic, real records, a typed
//! caller. The scripts are in `tests/scripts`; each says what its call must end in, and the program checks it.

#![expect(clippy::unwrap_used, reason = "a test that cannot be set up fails")]

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

struct Desk {
    home: tempfile::TempDir,
}

impl Desk {
    fn new() -> Desk {
        Desk { home: tempfile::tempdir().unwrap() }
    }

    /// Run one script on this desk's records.
    fn call(&self, script: &str) -> Output {
        let output = Command::new(env!("CARGO_BIN_EXE_gudok"))
            .args(["call", "--clinic", "vet_lapa", "--flow"])
            .arg(component())
            .arg("--script")
            .arg(root().join("tests/scripts").join(format!("{script}.toml")))
            .arg("--home")
            .arg(self.home.path())
            .env_remove("GUDOK_DB")
            .output()
            .unwrap();
        assert!(
            output.status.success(),
            "{script}\n{}\n{}",
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        );
        output
    }
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn component() -> PathBuf {
    let path = root().join("guest-flows/target/components/vet-desk.wasm");
    assert!(path.is_file(), "{}: build the flows first (make flows)", path.display());
    path
}

macro_rules! conversation {
    ($($name:ident: $($script:literal)+;)*) => {
        $( #[test] fn $name() { let desk = Desk::new(); $( desk.call($script); )+ } )*
    };
}

conversation! {
    books_with_any_doctor: "book-any-doctor";
    books_what_was_said_in_one_breath: "book-all-in-one-breath";
    finds_another_time_and_takes_a_number: "book-changes-mind";
    answers_two_questions: "two-questions";
    zero_leads_to_a_person: "operator-by-key";
    asking_leads_to_a_person: "operator-by-voice";
    danger_leads_to_a_person_at_once: "urgent";
    says_kindly_what_is_not_offered: "not-offered";
    promises_a_call_at_night: "night-callback";
    offers_a_call_back_when_all_lines_are_busy: "overload-callback";
    helps_whoever_stays_though_all_lines_are_busy: "overload-request";
    two_misunderstandings_lead_to_a_person: "two-misunderstandings";
    silence_leads_to_a_person: "silence";
    hanging_up_leaves_no_booking: "hang-up-midway";
    results_go_to_the_results_desk: "results";
    the_ward_is_asked_about_its_patients: "ward";
    tells_when_the_visit_is: "book-any-doctor" "my-visit";
    offers_another_time_before_cancelling: "book-any-doctor" "cancel-becomes-move";
    cancels_with_a_reason: "book-any-doctor" "cancel-becomes-move" "cancel-for-good";
}

#[test]
fn the_same_call_is_told_the_same_way_twice() {
    let told = |desk: Desk| String::from_utf8(desk.call("book-any-doctor").stdout).unwrap();
    assert_eq!(told(Desk::new()), told(Desk::new()));
}
