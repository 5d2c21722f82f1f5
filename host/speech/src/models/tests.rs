//! Fetching and converting models, without a network.

use std::fs;
use std::io::Write;

use super::manifest::{Manifest, Model};
use super::*;

fn model(prepare: &str, url: &str, more: &str) -> Model {
    let text = format!(
        "[[model]]\nid = \"tiny\"\nengine = \"vosk\"\npurpose = \"test\"\nlicence = \"none\"\nsize_mb = 1\n\
         prepare = \"{prepare}\"\nkeep = [\"inside/\"]\nready = \"weights\"\n[[model.source]]\nurl = \"{url}\"\n{more}"
    );
    Manifest::parse(&text).expect("a manifest").models.remove(0)
}

/// An archive with one wanted file, one unwanted, and one that tries to leave the directory.
fn archive(dir: &std::path::Path) -> String {
    let path = dir.join("weights.zip");
    let mut zip = zip::ZipWriter::new(fs::File::create(&path).expect("created"));
    for (name, content) in [("inside/weights", "w"), ("other", "o"), ("inside/../../escaped", "e")] {
        zip.start_file(name, zip::write::SimpleFileOptions::default()).expect("started");
        zip.write_all(content.as_bytes()).expect("written");
    }
    zip.finish().expect("finished");
    format!("file://{}", path.display())
}

#[test]
fn the_built_in_manifest_is_in_order() {
    let manifest = Manifest::built_in().expect("in order");
    assert!(manifest.model("whisper-base").expect("there").sources.iter().all(|s| s.sha256.is_some()));
    let error = manifest.model("wisper").expect_err("unknown").to_string();
    assert!(error.contains("`wisper`; known are: whisper-base, "), "{error}");
}

#[test]
fn mistakes_in_a_manifest_are_named() {
    let no_source = "[[model]]\nid = \"a\"\nengine = \"vosk\"\npurpose = \"\"\nlicence = \"\"\nsize_mb = 1\n\
                     prepare = \"keep\"\nready = \"x\"\nsource = []\n";
    assert!(Manifest::parse(no_source).expect_err("refused").to_string().contains("no [[model.source]]"));
    let escaping = no_source.replace("\"a\"", "\"../a\"");
    assert!(Manifest::parse(&escaping).expect_err("refused").to_string().contains("single names"));
    let engine = no_source.replace("vosk", "voks");
    let message = Manifest::parse(&engine).expect_err("refused").to_string();
    assert!(message.contains("line 3") && message.contains("voks"), "{message}");
}

#[test]
fn an_empty_store_lists_everything_as_missing_with_its_command() {
    let store = tempfile::tempdir().expect("a directory");
    let all = list(store.path()).expect("listed");
    assert!(all.len() >= 5 && all.iter().all(|m| !m.installed));
    assert_eq!(all[0].command, "gudok models fetch whisper-base");
}

#[test]
fn a_model_is_fetched_once_and_its_hash_is_remembered() {
    let dir = tempfile::tempdir().expect("a directory");
    let (store, url) = (dir.path().join("store"), archive(dir.path()));
    let model = model("unpack", &url, "");
    let mut lines = Vec::new();
    fetch::fetch_model(&model, &store, &mut |line| lines.push(line.to_owned())).expect("fetched");
    assert_eq!(fs::read_to_string(store.join("tiny/weights")).expect("there"), "w");
    assert!(!store.join("tiny/other").exists() && !dir.path().join("escaped").exists());
    assert!(!store.join(".tiny.partial").exists(), "nothing is left behind");
    assert!(lines.iter().any(|line| line.contains("is recorded and expected")), "{lines:?}");

    lines.clear();
    fetch::fetch_model(&model, &store, &mut |line| lines.push(line.to_owned())).expect("nothing to do");
    assert!(lines[0].contains("already here"), "{lines:?}");

    // Another file under the same address is not accepted after that.
    fs::remove_dir_all(store.join("tiny")).expect("removed");
    fs::write(dir.path().join("weights.zip"), "something else").expect("replaced");
    let error = fetch::fetch_model(&model, &store, &mut |_| {}).expect_err("refused").to_string();
    assert!(error.contains("was expected"), "{error}");
    assert!(!store.join("tiny").exists());
}

#[test]
fn a_wrong_hash_leaves_nothing_and_says_so() {
    let dir = tempfile::tempdir().expect("a directory");
    let (store, url) = (dir.path().join("store"), archive(dir.path()));
    let model = model("unpack", &url, "sha256 = \"00\"\n");
    let error = fetch::fetch_model(&model, &store, &mut |_| {}).expect_err("refused");
    assert!(matches!(error, SpeechError::HashDiffers { .. }), "{error}");
    assert!(!store.join("tiny").exists());
}

#[test]
fn a_source_that_is_not_there_says_how_to_go_on() {
    let dir = tempfile::tempdir().expect("a directory");
    let model = model("keep", "file:///nowhere/weights", "");
    let error = fetch::fetch_model(&model, dir.path(), &mut |_| {}).expect_err("refused").to_string();
    assert!(
        error.starts_with("tiny: file:///nowhere/weights: curl: ") && error.contains("run the command again"),
        "{error}"
    );
}
