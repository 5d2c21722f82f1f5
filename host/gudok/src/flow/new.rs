//! A project to begin with: a template, the contract and the SDK of its language in one folder that needs nothing else.

use std::path::Path;

use anyhow::{Context, Result, bail, ensure};
use clap::ValueEnum;

use super::assets::{self, Folder};

/// Languages that have a kit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Language {
    /// Rust
    Rust,
    /// JavaScript
    Js,
    /// TypeScript
    Ts,
    /// Python
    Python,
    /// Go
    Go,
    /// C
    C,
    /// AssemblyScript
    As,
}

/// What runs JavaScript inside the component.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Engine {
    /// Small; starts fast, compiles fast
    Quickjs,
    /// Mozilla's, with more of the web's interfaces; ten times as large
    Starling,
}

/// What compiles C.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Compiler {
    /// clang with wasi-libc
    Clang,
    /// `zig cc`, which brings its own libc
    Zig,
}

/// What to put into a new project.
#[derive(Debug)]
pub struct Choices {
    pub language: Language,
    pub engine: Engine,
    pub compiler: Compiler,
}

impl Language {
    fn template(self) -> &'static str {
        match self {
            Language::Rust => "rust",
            Language::Js => "js",
            Language::Ts => "ts",
            Language::Python => "python",
            Language::Go => "go",
            Language::C => "c",
            Language::As => "assemblyscript",
        }
    }

    fn sdk(self) -> &'static str {
        match self {
            Language::Ts => "js",
            other => other.template(),
        }
    }
}

/// Write a new project to `dir`, whose last part is its name. The folder must not be there, or be empty.
pub fn new(dir: &Path, choices: &Choices) -> Result<()> {
    let name = dir.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    ensure!(
        name.starts_with(|first: char| first.is_ascii_lowercase())
            && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-'),
        "`{name}`: a project's name is small Latin letters, digits and dashes, a letter first: night-desk"
    );
    if dir.read_dir().is_ok_and(|mut entries| entries.next().is_some()) {
        bail!("{}: the folder is not empty; nothing was written", dir.display());
    }
    let language = choices.language;
    let template = assets::template(language.template())
        .with_context(|| format!("this program carries no template for {}", language.template()))?;
    let sdk =
        assets::sdk(language.sdk()).with_context(|| format!("this program carries no SDK for {}", language.sdk()))?;
    let every = assets::template("every").context("this program carries no clinic to try a flow with")?;
    // A language's own files stand over those of every language.
    for files in [every, template] {
        write(dir, files, |text| fill(text, &name, choices))?;
    }
    let untouched = |text: &str| text.to_owned();
    write(&dir.join("gudok/wit"), assets::wit(), untouched)?;
    write(&dir.join("gudok/sdk").join(language.sdk()), sdk, untouched)
}

fn fill(text: &str, name: &str, choices: &Choices) -> String {
    let value = |value: Option<clap::builder::PossibleValue>| value.map(|value| value.get_name().to_owned());
    text.replace("{{name}}", name)
        .replace("{{engine}}", &value(choices.engine.to_possible_value()).unwrap_or_default())
        .replace("{{compiler}}", &value(choices.compiler.to_possible_value()).unwrap_or_default())
}

/// Text passes through `change`, other files are copied.
fn write(dir: &Path, files: Folder, change: impl Fn(&str) -> String) -> Result<()> {
    for (inside, bytes) in files {
        let path = dir.join(inside);
        let parent = path.parent().unwrap_or(dir);
        std::fs::create_dir_all(parent).with_context(|| format!("{}: cannot be made", parent.display()))?;
        let written = match std::str::from_utf8(bytes) {
            Ok(text) => std::fs::write(&path, change(text)),
            Err(_) => std::fs::write(&path, bytes),
        };
        written.with_context(|| format!("{}: cannot be written", path.display()))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn choices(language: Language) -> Choices {
        Choices { language, engine: Engine::Quickjs, compiler: Compiler::Clang }
    }

    #[test]
    fn a_project_has_its_name_in_it_and_all_it_needs() {
        let dir = tempfile::tempdir().unwrap();
        let project = dir.path().join("night-desk");
        new(&project, &choices(Language::Rust)).unwrap();
        let text = |file: &str| std::fs::read_to_string(project.join(file)).unwrap();
        assert!(text("Cargo.toml").contains("name = \"night-desk\""));
        assert!(text("clinic.toml").contains("id = \"night-desk\""));
        assert!(text("gudok/wit/flow.wit").contains("world flow"));
        assert!(text("gudok/sdk/rust/Cargo.toml").contains("gudok-flow"));
        assert!(!text("README.md").contains("{{"));
    }

    #[test]
    fn what_lies_in_the_folder_stays() {
        let dir = tempfile::tempdir().unwrap();
        let project = dir.path().join("desk");
        std::fs::create_dir(&project).unwrap();
        std::fs::write(project.join("novel.txt"), "Chapter 1").unwrap();
        let error = new(&project, &choices(Language::Rust)).unwrap_err().to_string();
        assert!(error.contains("not empty"), "{error}");
        assert_eq!(project.read_dir().unwrap().count(), 1);
    }

    #[test]
    fn names_are_for_every_language() {
        let dir = tempfile::tempdir().unwrap();
        for name in ["Desk", "7up", "ночь", "a b"] {
            let error = new(&dir.path().join(name), &choices(Language::Rust)).unwrap_err().to_string();
            assert!(error.contains("small Latin letters"), "{error}");
        }
    }
}
