//! One spoken call through the whole program: a synthetic caller on an A-law line, the real recogniser, the real voice.
//! Skipped, in so many words, where the model or the voice is not installed; `make test` installs both.

// Functions that tests share are tests too; clippy.toml exempts only those marked `#[test]`.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "all of this is tests")]

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// Recognition is cut off after some seconds, so that no caller waits; on a machine that is busy with something else that
/// may happen to a good recogniser. What it does to a caller is tested elsewhere; here it is worth another try.
const TRIES: usize = 3;

#[test]
fn two_questions_are_heard_and_answered() {
    if let Some(missing) = missing() {
        println!("skipped: run `make models` and `make setup` first ({missing})");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let recording = folder.path().join("call.wav");
    let mut told = String::new();
    for _ in 0..TRIES {
        let output = call(folder.path(), &recording);
        told = format!("{}{}", text(&output.stdout), text(&output.stderr));

        // Whatever became of it, both sides are on the recording.
        let sound = audio::wav::read(&recording).unwrap();
        assert_eq!((sound.rate, sound.channels.len()), (8_000, 2), "{told}");
        for (side, name) in [(0, "caller"), (1, "robot")] {
            let loud = sound.channels[side].iter().filter(|sample| sample.unsigned_abs() > 1_000).count();
            assert!(loud > 1_000, "the {name}'s side is silent ({loud} loud samples)\n{told}");
        }
        if output.status.success() {
            // The answers themselves, not just some outcome: what was asked was heard.
            // Today's hours, or the clinic's own words about all of them when «до скольки» was misheard.
            let hours = ["работаем с 09:00 до 21:00", "с девяти утра до девяти вечера"];
            assert!(hours.iter().any(|words| told.contains(words)), "{told}");
            assert!(told.contains("во дворе есть бесплатные места"), "{told}");
            assert!(told.contains("итог: ответ дан"), "{told}");
            return;
        }
        assert!(told.contains("итог: передан человеку"), "who is not understood is handed to a person\n{told}");
    }
    panic!("not heard in {TRIES} tries:\n{told}");
}

fn call(home: &Path, recording: &Path) -> Output {
    let root = root();
    let flow = root.join("guest-flows/target/components/vet-desk.wasm");
    assert!(flow.is_file(), "{}: build the flows first (make flows)", flow.display());
    Command::new(env!("CARGO_BIN_EXE_gudok"))
        .args([
            "call",
            "--clinic",
            "vet_lapa",
            "--spoken",
            "--voice",
            "festival",
            "--now",
            "2026-11-24T10:15",
            "--flow",
        ])
        .arg(flow)
        .arg("--script")
        .arg(root.join("host/gudok/assets/demo/questions.toml"))
        .arg("--record")
        .arg(recording)
        .arg("--home")
        .arg(home)
        .env_remove("GUDOK_DB")
        .output()
        .unwrap()
}

/// What this test needs and this machine has not.
fn missing() -> Option<&'static str> {
    let list = Command::new(env!("CARGO_BIN_EXE_gudok")).args(["models", "list", "--format", "json"]).output().unwrap();
    let models: serde_json::Value = serde_json::from_slice(&list.stdout).unwrap();
    let heard =
        models.as_array().unwrap().iter().any(|model| {
            model["installed"] == true && model["id"].as_str().is_some_and(|id| id.starts_with("whisper"))
        });
    if !heard || !cfg!(feature = "whisper") {
        return Some("no speech model is installed");
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    let spoken = std::env::split_paths(&path).any(|folder| folder.join("festival").is_file());
    (!spoken).then_some("festival is not installed")
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
