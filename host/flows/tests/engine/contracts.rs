//! Old contracts keep working: a flow built against 0.1.0 holds its conversation for ever, and the `wit/` of today is a
//! compatible successor of what was frozen.

use std::path::{Path, PathBuf};

use flows::script::{CallerTurn, Clinic, Exact, Scripted, Story, Who};
use flows::{FlowEnd, RunOptions};
use wit_component::semver_check;
use wit_parser::Resolve;

use crate::support::{ENGINE, WIT, call_info, copy_changed};

const CONTRACTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/contracts");
/// Every contract that was ever published.
const FROZEN: [&str; 1] = ["0.1.0"];

fn frozen(version: &str, file: &str) -> PathBuf {
    Path::new(CONTRACTS).join(version).join(file)
}

/// A caller who books a visit for a cat, in the exact forms that a script understands.
fn caller() -> Vec<CallerTurn> {
    let says = |text: &str| CallerTurn::Says(text.to_owned());
    vec![
        says("book"),
        says("Мурка"),
        says("осмотр"),
        says("Петрова Ольга"),
        says("2026-11-25"),
        says("2026-11-25 10:00"),
        says("Петрова Анна"),
        says("да"),
        CallerTurn::IsSilent,
        CallerTurn::Presses("0".into()),
    ]
}

fn told(story: &Story) -> String {
    let line = |line: &flows::script::Line| match line.who {
        Who::Caller => format!("  — {}\n", line.text),
        Who::Flow => format!("{}\n", line.text),
    };
    let ended = format!(
        "\nвизитов: {}, звонков обещано: {}, переводов: {}, исход: {:?}, пометки: {:?}\n",
        story.appointments.len(),
        story.callbacks.len(),
        story.transfers.len(),
        story.outcome,
        story.tags
    );
    story.lines.iter().map(line).collect::<String>() + &ended
}

#[tokio::test]
async fn a_flow_of_every_old_contract_still_holds_its_conversation() {
    for version in FROZEN {
        let wasm = std::fs::read(frozen(version, &format!("front-desk-{version}.wasm"))).expect("kept");
        let (flow, found) = ENGINE.inspect("front-desk", &wasm).await.expect("still accepted");
        assert_eq!(found.contract, version);
        let clinic = std::fs::read_to_string(frozen(version, "clinic.json")).expect("kept");
        let clinic: Clinic = serde_json::from_str(&clinic).expect("a clinic");
        let port = Scripted::new(clinic, call_info(), caller(), Box::new(Exact)).expect("a port");
        let story = port.story();
        let report = ENGINE.run(&flow, Box::new(port), RunOptions::default()).await;
        assert_eq!(report.end, FlowEnd::Finished, "{report:?}");
        let expected = std::fs::read_to_string(frozen(version, "conversation.txt")).expect("kept");
        let heard = told(&story.lock().expect("not poisoned"));
        assert_eq!(heard, expected, "a caller of a {version} flow would hear something else; heard:\n{heard}");
    }
}

/// Does `wit/`, with its text changed, still serve flows built against this version? World by world.
fn succeeds(version: &str, change: impl Fn(&str) -> String) -> Result<(), String> {
    let copies = tempfile::tempdir().expect("a directory");
    let (old, new) = (copies.path().join("old"), copies.path().join("new"));
    // One `Resolve` holds both, so the old one gets a name of its own; the check does not look at versions.
    copy_changed(&frozen(version, "wit"), &old, &|text| text.replace(&format!("@{version}"), "@0.0.0-frozen"));
    copy_changed(Path::new(WIT), &new, &change);
    let mut resolve = Resolve::default();
    let (old, _) = resolve.push_dir(&old).expect("the frozen contract is valid");
    let (new, _) = resolve.push_dir(&new).map_err(|error| format!("{error:#}"))?;
    let worlds = resolve.packages[old].worlds.clone();
    assert!(!worlds.is_empty(), "a contract has worlds");
    for (name, old) in worlds {
        let new = resolve.packages[new].worlds.get(&name).ok_or(format!("world `{name}` is gone"))?;
        semver_check(resolve.clone(), old, *new).map_err(|error| format!("world `{name}`: {error:#}"))?;
    }
    Ok(())
}

#[test]
fn the_contract_of_today_serves_flows_of_every_old_one() {
    for version in FROZEN {
        succeeds(version, str::to_owned)
            .unwrap_or_else(|error| panic!("wit/ is not a compatible successor of {version}: {error}"));
    }
}

#[test]
fn an_incompatible_change_would_be_noticed() {
    let changes: [(&str, &str, &str); 5] = [
        ("a function is gone", "is-open: func() -> bool;", ""),
        ("a function is renamed", "is-open: func() -> bool;", "is-it-open: func() -> bool;"),
        ("a result has another type", "is-open: func() -> bool;", "is-open: func() -> u32;"),
        ("a parameter more", "is-open: func() -> bool;", "is-open: func(today: bool) -> bool;"),
        ("an interface is no longer offered", "import gudok:notes/notes@0.1.0;", ""),
    ];
    for (what, from, to) in changes {
        assert!(succeeds("0.1.0", |text| text.replace(from, to)).is_err(), "{what}");
    }
    // And an addition is none.
    let more = |text: &str| text.replace("is-open: func() -> bool;", "is-open: func() -> bool; moon: func() -> bool;");
    succeeds("0.1.0", more).expect("new functions are compatible");
}

#[test]
fn the_version_this_host_names_has_a_frozen_contract_of_its_line() {
    let line = |version: &str| version.rsplit_once('.').map(|(line, _)| line.to_owned());
    assert!(FROZEN.iter().any(|version| line(version) == line(flows::INTERFACE_VERSION)));
}
