//! Puts the contract, the SDKs, the templates of new projects and the corpus of labelled calls into the program, so that
//! `gudok flow new`, `gudok flow build` and `gudok train` need nothing beside it.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

/// Made by building, never a part of a project.
const LEFT_OUT: [&str; 4] = ["node_modules", "target", "build", "__pycache__"];

fn main() {
    let root = PathBuf::from(env("CARGO_MANIFEST_DIR"));
    let repository = root.join("../..").canonicalize().expect("the crate lies two folders below the repository");
    let mut code = String::new();
    writeln!(code, "static WIT: Folder = {};", folder(&repository.join("wit"))).expect("strings grow");
    let templates = folders(&root.join("templates"), "");
    writeln!(code, "static TEMPLATES: &[(&str, Folder)] = &{templates};").expect("strings grow");
    let sdks = folders(&repository.join("guest-flows"), "sdk-");
    writeln!(code, "static SDKS: &[(&str, Folder)] = &{sdks};").expect("strings grow");
    writeln!(code, "static CORPUS: Folder = {};", folder(&repository.join("models/corpus"))).expect("strings grow");
    std::fs::write(Path::new(&env("OUT_DIR")).join("assets.rs"), code).expect("OUT_DIR can be written");
}

fn env(name: &str) -> String {
    std::env::var(name).expect("cargo sets it")
}

/// The folders in `dir` whose names begin so, as `[(rest of the name, files)]`.
fn folders(dir: &Path, prefix: &str) -> String {
    let mut list = String::from("[");
    for entry in entries(dir) {
        let name = name(&entry);
        if let Some(rest) = name.strip_prefix(prefix).filter(|_| entry.is_dir()) {
            write!(list, "({rest:?}, {}),", folder(&entry)).expect("strings grow");
        }
    }
    list.push(']');
    list
}

/// All files under `dir`, as `&[(relative path, bytes)]`.
fn folder(dir: &Path) -> String {
    println!("cargo:rerun-if-changed={}", dir.display());
    let mut files = Vec::new();
    collect(dir, &mut files);
    let mut list = String::from("&[");
    for file in files {
        let inside = file.strip_prefix(dir).expect("it was found there").display().to_string();
        write!(list, "({inside:?}, include_bytes!({:?}) as &[u8]),", file.display().to_string()).expect("strings grow");
    }
    list.push(']');
    list
}

fn collect(dir: &Path, files: &mut Vec<PathBuf>) {
    for entry in entries(dir) {
        if LEFT_OUT.contains(&name(&entry).as_str()) {
            continue;
        }
        if entry.is_dir() {
            collect(&entry, files);
        } else {
            files.push(entry);
        }
    }
}

fn entries(dir: &Path) -> Vec<PathBuf> {
    let listing = std::fs::read_dir(dir).unwrap_or_else(|error| panic!("{}: {error}", dir.display()));
    let mut entries: Vec<PathBuf> = listing.filter_map(|entry| Some(entry.ok()?.path())).collect();
    entries.sort();
    entries
}

fn name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}
