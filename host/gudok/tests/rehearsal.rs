//! `gudok flow test`, `walk` and `trace` from outside, with the flow that ships.

// Functions that tests share are tests too; clippy.toml exempts only those marked `#[test]`.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "all of this is tests")]

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};
use tempfile::TempDir;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The flow that ships, in a project of its own.
struct Project {
    dir: TempDir,
}

impl Project {
    fn new() -> Project {
        let dir = tempfile::tempdir().unwrap();
        let component = root().join("guest-flows/target/components/vet-desk.wasm");
        assert!(component.is_file(), "{}: build the flows first (make flows)", component.display());
        std::fs::copy(component, dir.path().join("desk.wasm")).unwrap();
        std::fs::create_dir(dir.path().join("tests")).unwrap();
        Project { dir }
    }

    fn script(&self, name: &str, text: &str) {
        std::fs::write(self.dir.path().join("tests").join(name), text).unwrap();
    }

    /// `(success, standard output, standard error)`
    fn gudok(&self, args: &[&str]) -> (bool, String, String) {
        let output = Command::new(env!("CARGO_BIN_EXE_gudok"))
            .args(args)
            .current_dir(self.dir.path())
            .env("GUDOK_HOME", self.dir.path().join("home"))
            .env_remove("GUDOK_DB")
            .output()
            .unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        (output.status.success(), text(output.stdout), text(output.stderr))
    }
}

const OPERATOR: &str = "title = 'К человеку'\nnow = '2026-11-24T10:15'\n[[line]]\nwhen = 'need'\ndigits = '0'\n";

#[test]
fn a_project_is_tested_as_it_stands() {
    let project = Project::new();
    project.script("operator.toml", &format!("{OPERATOR}[expect]\noutcome = 'transferred'"));
    let (ok, out, err) = project.gudok(&["flow", "test", "desk.wasm"]);
    assert!(ok, "{out}{err}");
    assert!(out.contains("✓ К человеку") && out.contains("questions reached: 1 (need)"), "{out}");
    assert!(out.contains("imported and never used:") && out.contains("appointments.book"), "{out}");
}

#[test]
fn a_failure_shows_the_conversation_and_what_is_missing() {
    let project = Project::new();
    project.script("operator.toml", &format!("{OPERATOR}[expect]\noutcome = 'booked'"));
    let (ok, out, err) = project.gudok(&["flow", "test", "desk.wasm"]);
    assert!(!ok && err.contains("1 of 1 conversations did not go"), "{err}");
    assert!(out.contains("✗ К человеку") && out.contains("звонящий [0]"), "{out}");
    assert!(out.contains("✗ outcome: expected booked, it is transferred"), "{out}");

    let (ok, out, _) = project.gudok(&["flow", "test", "desk.wasm", "--format", "json", "--repeat", "3"]);
    let report: Value = serde_json::from_str(&out).unwrap();
    assert!(!ok);
    assert_eq!((&report["passed"], &report["failed"]), (&json!(0), &json!(3)));
    assert_eq!(report["conversations"][2]["seed"], json!(3));
    assert_eq!(report["coverage"]["questions"], json!({ "need": 3 }));
}

#[test]
fn mistakes_in_scripts_are_named_with_file_line_and_what_is_allowed() {
    let project = Project::new();
    let error = |expect: &str| {
        project.script("operator.toml", &format!("{OPERATOR}[expect]\n{expect}"));
        let (ok, _, err) = project.gudok(&["flow", "test", "desk.wasm"]);
        assert!(!ok);
        err
    };
    let outcome = error("outcome = 'bookd'");
    assert!(
        outcome.contains("operator.toml") && outcome.contains("line 7") && outcome.contains("`booked`"),
        "{outcome}"
    );
    let category = error("category = 'goal'");
    assert!(category.contains("operator.toml:7: `category` is “goal”; categories are target"), "{category}");
    let (_, _, none) = Project::new().gudok(&["flow", "test", "desk.wasm"]);
    assert!(none.contains("no scripts") && none.contains("--scripts"), "{none}");
}

#[test]
fn journals_are_the_same_for_the_same_seed() {
    let project = Project::new();
    project.script("operator.toml", OPERATOR);
    let journal = |folder: &str| {
        let (ok, out, err) = project.gudok(&["flow", "test", "desk.wasm", "--journal", folder]);
        assert!(ok, "{out}{err}");
        std::fs::read_to_string(project.dir.path().join(folder).join("operator.jsonl")).unwrap()
    };
    let one = journal("one");
    assert!(flows::journal::Journal::parse(&one).unwrap().entries.len() > 3);
    assert_eq!(one, journal("two"));
}

#[test]
fn the_flow_that_ships_leaves_nobody_without_an_end() {
    let project = Project::new();
    let (ok, out, err) = project.gudok(&["flow", "walk", "desk.wasm", "--depth", "4"]);
    assert!(ok, "{out}{err}");
    assert!(out.contains("? need") && out.contains("nobody is left without an end"), "{out}");
}

#[test]
fn a_call_is_traced_from_the_records() {
    let project = Project::new();
    project.script("operator.toml", OPERATOR);
    let call = ["call", "--clinic", "vet_lapa", "--flow", "desk.wasm", "--script", "tests/operator.toml"];
    let (ok, out, err) = project.gudok(&call);
    assert!(ok, "{out}{err}");
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let id = runtime.block_on(async {
        let store = records::Store::open(project.dir.path().join("home/gudok.db")).await.unwrap();
        let calls = store.calls(&records::CallFilter::default(), 1, None).await.unwrap();
        calls.calls[0].id.clone()
    });
    let (ok, out, err) = project.gudok(&["flow", "trace", &id]);
    assert!(ok, "{out}{err}");
    assert!(out.contains("робот    Чем могу помочь?") && out.contains("звонящий [0]"), "{out}");
    assert!(out.contains("✓ соединение: администратор — соединили") && out.contains("итог: transferred"), "{out}");
    let (ok, _, err) = project.gudok(&["flow", "trace", "nobody"]);
    assert!(!ok && err.contains("no call with id \"nobody\""), "{err}");
}

#[test]
fn busy_lines_are_told_with_the_wait_and_a_call_back_is_offered_first() {
    let project = Project::new();
    for script in ["overload-callback", "overload-request"] {
        let text = std::fs::read_to_string(root().join(format!("tests/scripts/{script}.toml"))).unwrap();
        project.script(&format!("{script}.toml"), &text);
    }
    let head = "title = 'Ждать'\nclinic = 'vet_lapa'\nnow = '2026-11-24T10:15'\nentry = 'overload'\nwait = 200\n";
    let waits = "[[line]]\nwhen = 'callback-offer'\nsay = 'нет, я подожду'\n[[line]]\nwhen = 'need'\ndigits = '0'\n";
    let expect =
        "[expect]\noutcome = 'transferred'\nsaid = ['ждать примерно 4 минуты']\nquestions = ['callback-offer', 'need']";
    project.script("waits.toml", &format!("{head}{waits}{expect}"));
    let (ok, out, err) = project.gudok(&["flow", "test", "desk.wasm"]);
    assert!(ok, "{out}{err}");
}

#[test]
fn the_own_address_comes_before_what_only_happens_to_be_somewhere() {
    let project = Project::new();
    let clinic = std::fs::read_to_string(root().join("clinics/vet_zoo.toml")).unwrap();
    let (before, _) = clinic.split_once("[[faq]]").unwrap();
    let faq = "[[faq]]\nid = 'uzi'\nquestion = 'Где у вас делают УЗИ'\nanswer = 'На первом этаже, кабинет пять.'\n\
        [[faq]]\nid = 'parking'\nquestion = 'Где поставить машину'\nanswer = 'Во дворе за шлагбаумом.'\n";
    std::fs::write(project.dir.path().join("zoo.toml"), format!("{before}{faq}")).unwrap();
    let head = "title = 'Где вы'\nclinic = 'zoo.toml'\nnow = '2026-11-24T10:15'\n[[line]]\nwhen = 'need'\n";
    let end = "[[line]]\nwhen = 'more'\nsay = 'нет спасибо'\n[expect]\noutcome = 'answered'\n";
    let asked = "say = 'где вы находитесь'\n";
    project.script("where.toml", &format!("{head}{asked}{end}said = ['Ленина']\nnot_said = ['кабинет пять']"));
    let asked = "say = 'где у вас машину поставить'\n";
    project.script("parking.toml", &format!("{head}{asked}{end}said = ['за шлагбаумом']"));
    let (ok, out, err) = project.gudok(&["flow", "test", "desk.wasm"]);
    assert!(ok, "{out}{err}");
}
