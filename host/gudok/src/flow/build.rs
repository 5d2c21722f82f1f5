//! From a project's folder to a component.

use std::io;
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail, ensure};

use super::kind::Kind;
use super::{rust, toolchains};

/// Where every kind but Rust leaves what it made, inside the project.
const LEFT: &str = "build/flow.wasm";

/// Build the flow in `project` by its language's own command, with the fetched toolchains before the system's, and write
/// the component to `out`. Returns its size in bytes.
pub fn build(project: &Path, out: &Path, toolchains: &Path) -> Result<u64> {
    let kind = Kind::of(project)?;
    let made = match kind {
        Kind::Rust => rust::compile(project)?,
        _ => by_command(kind, project, toolchains)?,
    };
    let component = super::read(&made)?;
    if let Some(dir) = out.parent() {
        std::fs::create_dir_all(dir).with_context(|| format!("{}: cannot be made", dir.display()))?;
    }
    std::fs::write(out, &component).with_context(|| format!("{}: cannot be written", out.display()))?;
    Ok(component.len() as u64)
}

fn by_command(kind: Kind, project: &Path, toolchains: &Path) -> Result<PathBuf> {
    for words in kind.commands(project)? {
        let [program, arguments @ ..] = words else { continue };
        eprintln!("    building {} ({}): {}", project.display(), kind.name(), words.join(" "));
        let mut command = Command::new(program);
        command.args(arguments).current_dir(project).stdin(Stdio::null());
        // What a compiler says is not what this program answers.
        command.stdout(io::stderr().as_fd().try_clone_to_owned().context("standard error is closed")?);
        // A `make` around this one must not lend its own flags and job server.
        for variable in ["MAKEFLAGS", "MFLAGS", "MAKELEVEL"] {
            command.env_remove(variable);
        }
        toolchains::offer(&mut command, toolchains)?;
        let status = match command.status() {
            Ok(status) => status,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                bail!("`{program}` is not installed. What fetches it: {}", kind.fetched_by())
            }
            Err(error) => return Err(error).with_context(|| format!("`{program}` could not be started")),
        };
        ensure!(
            status.success(),
            "{}: `{}` failed (see above). What fetches a compiler that is missing: {}",
            project.display(),
            words.join(" "),
            kind.fetched_by()
        );
    }
    let made = project.join(LEFT);
    ensure!(made.is_file(), "{}: the build ended well, but left no {LEFT}", project.display());
    Ok(made)
}
