//! What kind of project lies in a folder, and the command that this kind is built by.

use std::path::Path;

use anyhow::{Context, Result, bail};

const NPM_CI: [&str; 4] = ["npm", "ci", "--no-audit", "--no-fund"];
const NPM_INSTALL: [&str; 4] = ["npm", "install", "--no-audit", "--no-fund"];

/// A kind of project.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Rust,
    JavaScript,
    AssemblyScript,
    Go,
    Python,
    /// C, or anything else that `make` builds.
    Make,
}

impl Kind {
    /// By the files in the folder; the first that fits.
    pub fn of(project: &Path) -> Result<Kind> {
        let has = |file: &str| project.join(file).is_file();
        if has("Cargo.toml") {
            return Ok(Kind::Rust);
        }
        if has("package.json") {
            let uses =
                |package: &str| Ok::<_, anyhow::Error>(dependencies(project)?.iter().any(|name| name == package));
            return Ok(if uses("assemblyscript")? { Kind::AssemblyScript } else { Kind::JavaScript });
        }
        let by_make = if has("go.mod") {
            Kind::Go
        } else if has("pyproject.toml") || has("app.py") {
            Kind::Python
        } else if has("Makefile") {
            return Ok(Kind::Make);
        } else if project.is_dir() {
            bail!(
                "{}: no project here. A flow's folder has Cargo.toml (Rust), package.json (JavaScript, TypeScript, \
                 AssemblyScript), go.mod (Go), app.py (Python) or a Makefile (C and others); \
                 `gudok flow new NAME --lang LANG` makes one",
                project.display()
            )
        } else {
            bail!("{}: no such folder", project.display())
        };
        if !has("Makefile") {
            bail!(
                "{}: a {} project is built by its Makefile, and there is none; `make` must leave build/flow.wasm",
                project.display(),
                by_make.name()
            )
        }
        Ok(by_make)
    }

    /// For a person.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Rust => "Rust",
            Kind::JavaScript => "JavaScript",
            Kind::AssemblyScript => "AssemblyScript",
            Kind::Go => "Go",
            Kind::Python => "Python",
            Kind::Make => "Makefile",
        }
    }

    /// What fetches what the build needs.
    pub fn fetched_by(self) -> &'static str {
        match self {
            Kind::Rust => "setup/packages.sh",
            Kind::JavaScript => "setup/toolchains/js.sh (with --engine starling: starling.sh)",
            Kind::AssemblyScript => "setup/toolchains/assemblyscript.sh",
            Kind::Go => "setup/toolchains/go.sh",
            Kind::Python => "setup/toolchains/python.sh",
            Kind::Make => "setup/toolchains/c.sh (with --compiler zig: zig.sh)",
        }
    }

    /// The commands that leave `build/flow.wasm`, in order. Rust has its own way.
    pub fn commands(self, project: &Path) -> Result<Vec<&'static [&'static str]>> {
        Ok(match self {
            Kind::Rust => Vec::new(),
            Kind::Go | Kind::Python | Kind::Make => vec![&["make"]],
            Kind::JavaScript | Kind::AssemblyScript => {
                let mut commands: Vec<&[&str]> = Vec::new();
                if !project.join("node_modules").is_dir() && !dependencies(project)?.is_empty() {
                    let locked = project.join("package-lock.json").is_file();
                    commands.push(if locked { &NPM_CI } else { &NPM_INSTALL });
                }
                commands.push(&["npm", "run", "--silent", "build"]);
                commands
            }
        })
    }
}

/// Names of what `package.json` depends on.
fn dependencies(project: &Path) -> Result<Vec<String>> {
    let path = project.join("package.json");
    let text = std::fs::read_to_string(&path).with_context(|| format!("{}: cannot be read", path.display()))?;
    let package: serde_json::Value =
        serde_json::from_str(&text).with_context(|| format!("{}: not JSON", path.display()))?;
    let lists = ["dependencies", "devDependencies"].into_iter().filter_map(|list| package[list].as_object());
    Ok(lists.flat_map(|list| list.keys().cloned()).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn project(files: &[(&str, &str)]) -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        for (name, text) in files {
            std::fs::write(dir.path().join(name), text).unwrap();
        }
        dir
    }

    #[test]
    fn the_first_file_that_fits_decides() {
        let kind = |files: &[(&str, &str)]| Kind::of(project(files).path());
        assert_eq!(kind(&[("Cargo.toml", ""), ("Makefile", "")]).unwrap(), Kind::Rust);
        assert_eq!(kind(&[("package.json", "{}"), ("Makefile", "")]).unwrap(), Kind::JavaScript);
        let assembly_script = r#"{"devDependencies": {"assemblyscript": "0.28.0"}}"#;
        assert_eq!(kind(&[("package.json", assembly_script)]).unwrap(), Kind::AssemblyScript);
        assert_eq!(kind(&[("go.mod", ""), ("Makefile", "")]).unwrap(), Kind::Go);
        assert_eq!(kind(&[("app.py", ""), ("Makefile", "")]).unwrap(), Kind::Python);
        assert_eq!(kind(&[("Makefile", "")]).unwrap(), Kind::Make);
    }

    #[test]
    fn what_is_missing_is_named() {
        let error = Kind::of(project(&[("notes.txt", "")]).path()).unwrap_err().to_string();
        assert!(error.contains("Cargo.toml (Rust)") && error.contains("gudok flow new"), "{error}");
        let error = Kind::of(project(&[("go.mod", "")]).path()).unwrap_err().to_string();
        assert!(error.contains("a Go project is built by its Makefile"), "{error}");
        let error = Kind::of(Path::new("/nowhere/at/all")).unwrap_err().to_string();
        assert!(error.contains("no such folder"), "{error}");
    }

    #[test]
    fn packages_are_installed_once() {
        let bare = project(&[("package.json", "{}")]);
        assert_eq!(Kind::JavaScript.commands(bare.path()).unwrap().len(), 1);
        let needy = project(&[("package.json", r#"{"dependencies": {"left-pad": "1"}}"#)]);
        assert_eq!(Kind::JavaScript.commands(needy.path()).unwrap()[0][1], "install");
        std::fs::write(needy.path().join("package-lock.json"), "{}").unwrap();
        assert_eq!(Kind::JavaScript.commands(needy.path()).unwrap()[0][1], "ci");
        std::fs::create_dir(needy.path().join("node_modules")).unwrap();
        assert_eq!(Kind::JavaScript.commands(needy.path()).unwrap().len(), 1);
    }
}
