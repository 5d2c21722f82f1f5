//! One suite for every author kit: the same conversations with the same three flows in every language, and the same
//! journals to the letter. `guest-flows/conformance/README.md` is the specification, `scripts/` the conversations; the
//! Rust flows are what the others are compared with.

// Functions that tests share are tests too; clippy.toml exempts only those marked `#[test]`.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "all of this is tests")]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock};

use desk::Clinic;
use flows::{Engine, Options};
use lines::script::Script;
use rehearsal::{Case, Conversation, Coverage, House, play_all};

const FLOWS: [&str; 3] = ["front-desk", "reminder", "menu"];

/// Compiled flows are kept with the user's: Python and StarlingMonkey take half a minute each.
static ENGINE: LazyLock<Engine> = LazyLock::new(|| {
    let user = PathBuf::from(std::env::var_os("HOME").unwrap_or_else(|| "/tmp".into()));
    let cache = std::env::var_os("XDG_CACHE_HOME").map_or_else(|| user.join(".cache"), PathBuf::from);
    let cache_dir = Some(cache.join("gudok/flows"));
    let options = Options { cache_dir, max_calls: 32, parallel_compilation: true, ..Options::default() };
    Engine::with_options(options).unwrap()
});

fn guests() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../guest-flows")
}

fn component(language: &str, flow: &str) -> PathBuf {
    guests().join(format!("target/components/{language}-{flow}.wasm"))
}

/// May this language be missing?
fn optional(language: &str) -> bool {
    let list = std::fs::read_to_string(guests().join("conformance/optional")).unwrap();
    list.lines().any(|line| line.trim() == language)
}

fn cases(flow: &str) -> Vec<Case> {
    let scripts = guests().join("conformance/scripts");
    let house = House::new(Arc::new(Clinic::load(scripts.join("clinic.toml")).unwrap()));
    let entries = std::fs::read_dir(scripts.join(flow)).unwrap();
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let case = |file: &PathBuf| {
        let script = Script::load(file).unwrap();
        let (name, text) = (file.display().to_string(), std::fs::read_to_string(file).unwrap());
        rehearsal::expect::check_names(&script, &house, &name, &text).unwrap();
        Case { file: name, script: Arc::new(script), house: Arc::clone(&house), seed: 1 }
    };
    files.iter().map(case).collect()
}

/// All conversations with one flow in one language.
async fn play(language: &str, flow: &str) -> (Vec<Conversation>, Coverage) {
    let path = component(language, flow);
    let wasm = std::fs::read(&path)
        .unwrap_or_else(|_| panic!("{}: build the flows of the author kits first (make kits)", path.display()));
    let name = format!("{language}-{flow}");
    let compiled = tokio::task::spawn_blocking(move || ENGINE.compile(&name, &wasm)).await.unwrap().unwrap();
    let played = play_all(&ENGINE, &compiled, &cases(flow), 4, |_| {}).await.unwrap();
    let coverage = Coverage::of(&compiled, &played);
    (played, coverage)
}

/// The first place where two conversations are not the same.
fn difference(one: &Conversation, other: &Conversation) -> Option<String> {
    let (one, other) = (&one.journal, &other.journal);
    for (index, entry) in one.entries.iter().enumerate() {
        match other.entries.get(index) {
            Some(found) if (&found.call, &found.reply) == (&entry.call, &entry.reply) => {}
            Some(found) => return Some(format!("call {index}: {:?} instead of {:?}", found.call, entry.call)),
            None => return Some(format!("ends before call {index}: {:?}", entry.call)),
        }
    }
    if let Some(more) = other.entries.get(one.entries.len()) {
        return Some(format!("goes on with {:?}", more.call));
    }
    (one.end != other.end).then(|| format!("ends with {:?} instead of {:?}", other.end, one.end))
}

async fn conforms(language: &str) {
    if optional(language) && !FLOWS.iter().all(|flow| component(language, flow).is_file()) {
        eprintln!("{language}: not built, and listed in guest-flows/conformance/optional");
        return;
    }
    let mut wrong = Vec::new();
    for flow in FLOWS {
        let (rust, _) = play("rust", flow).await;
        let (found, _) = play(language, flow).await;
        for (rust, found) in rust.iter().zip(&found) {
            let about = |what: &str| format!("{language}-{flow}, {}: {what}", rust.file);
            wrong.extend(found.failures.iter().map(|failure| about(failure)));
            wrong.extend(difference(rust, found).map(|difference| about(&difference)));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

macro_rules! languages {
    ($($name:ident $language:literal;)*) => {
        $( #[tokio::test(flavor = "multi_thread")] async fn $name() { conforms($language).await; } )*
    };
}

languages! {
    rust "rust";
    javascript_in_quickjs "js";
    javascript_in_starlingmonkey "starling";
    python "python";
    go "go";
    c_by_clang "c";
    c_by_zig "zig";
    assemblyscript "as";
}

#[tokio::test(flavor = "multi_thread")]
async fn the_conversations_reach_every_question_and_every_function() {
    let questions = [
        ("front-desk", vec!["again", "more", "name", "need", "slot", "when"]),
        ("reminder", vec!["come", "come-again", "move"]),
        ("menu", vec!["menu"]),
    ];
    for (flow, questions) in questions {
        let (_, coverage) = play("rust", flow).await;
        let reached: BTreeSet<&str> = coverage.questions.keys().map(String::as_str).collect();
        assert_eq!(reached, BTreeSet::from_iter(questions), "{flow}");
        assert_eq!(coverage.unused, Vec::<String>::new(), "{flow}");
    }
}
