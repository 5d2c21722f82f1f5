//! A Rust project: the first toolchain that works, and the module that cargo leaves.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail, ensure};

const TARGET: &str = "wasm32-unknown-unknown";
/// Where Debian's `rust-web-src` puts the standard library's source.
const DEBIAN_STD: &str = "/usr/lib/rustlib/src/rust/library/std";

/// A way to compile Rust to wasm.
enum Toolchain {
    /// `rustup` has the target's standard library.
    Rustup,
    /// Debian's own Rust, which brings the standard library as source; a linker from either.
    Debian { linker: PathBuf },
}

/// Compile the project and return where the module is.
pub fn compile(project: &Path) -> Result<PathBuf> {
    let toolchain = Toolchain::find()?;
    eprintln!("    building {} with {}", project.display(), toolchain.name());
    toolchain.compile(project)?;
    artifact(project)
}

impl Toolchain {
    fn find() -> Result<Toolchain> {
        let sysroot = sysroot()?;
        if sysroot.join("lib/rustlib").join(TARGET).join("lib").is_dir() {
            return Ok(Toolchain::Rustup);
        }
        if Path::new(DEBIAN_STD).is_dir() && Path::new("/usr/bin/cargo").is_file() {
            let linkers = [
                sysroot.join("lib/rustlib/x86_64-unknown-linux-gnu/bin/rust-lld"),
                sysroot.join("lib/rustlib/aarch64-unknown-linux-gnu/bin/rust-lld"),
                PathBuf::from("/usr/bin/rust-lld"),
                PathBuf::from("/usr/bin/wasm-ld"),
            ];
            let linker = linkers.into_iter().find(|path| path.is_file());
            let linker = linker.context("no linker for wasm: apt-get install lld")?;
            return Ok(Toolchain::Debian { linker });
        }
        bail!(
            "this machine cannot compile Rust to wasm yet.\n  with rustup: rustup target add {TARGET}\n  on Debian 12 without it: apt-get install rustc-web cargo-web rust-web-src"
        )
    }

    fn name(&self) -> &'static str {
        match self {
            Toolchain::Rustup => "rustup's wasm target",
            Toolchain::Debian { .. } => "Debian's Rust and the standard library from source",
        }
    }

    fn compile(&self, project: &Path) -> Result<()> {
        let mut cargo = match self {
            Toolchain::Rustup => Command::new("cargo"),
            Toolchain::Debian { linker } => {
                let mut cargo = Command::new("/usr/bin/cargo");
                let path = std::env::var("PATH").unwrap_or_default();
                cargo
                    .env("PATH", format!("/usr/bin:{path}"))
                    .env("RUSTC", "/usr/bin/rustc")
                    // Building the standard library is an unstable feature of cargo; this is the distribution's own.
                    .env("RUSTC_BOOTSTRAP", "1")
                    .env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER", linker)
                    .arg("-Zbuild-std=std,panic_abort");
                cargo
            }
        };
        // A host build around this one must not leak its own settings into the flow.
        for variable in ["CARGO_TARGET_DIR", "CARGO_ENCODED_RUSTFLAGS", "RUSTFLAGS", "RUSTUP_TOOLCHAIN"] {
            cargo.env_remove(variable);
        }
        let status = cargo
            .args(["build", "--release", "--target", TARGET])
            .current_dir(project)
            .stdin(Stdio::null())
            .status()
            .context("cargo could not be started")?;
        ensure!(status.success(), "{}: the flow does not compile (see above)", project.display());
        Ok(())
    }
}

fn sysroot() -> Result<PathBuf> {
    let output = Command::new("rustc").args(["--print", "sysroot"]).output().context("rustc could not be started")?;
    Ok(PathBuf::from(String::from_utf8_lossy(&output.stdout).trim()))
}

/// The module cargo has just made: `<target>/wasm32-unknown-unknown/release/<name>.wasm`.
fn artifact(project: &Path) -> Result<PathBuf> {
    let output = Command::new("cargo")
        .args(["metadata", "--no-deps", "--format-version", "1"])
        .current_dir(project)
        .env_remove("CARGO_TARGET_DIR")
        .output()
        .context("cargo metadata could not be started")?;
    ensure!(output.status.success(), "{}: {}", project.display(), String::from_utf8_lossy(&output.stderr).trim());
    let metadata: serde_json::Value = serde_json::from_slice(&output.stdout).context("cargo metadata is not JSON")?;
    let manifest = project.join("Cargo.toml").canonicalize()?;
    let packages = metadata["packages"].as_array().context("cargo metadata names no packages")?;
    let package = packages
        .iter()
        .find(|package| package["manifest_path"].as_str().is_some_and(|path| Path::new(path) == manifest))
        .with_context(|| format!("{}: this is a workspace; name the folder of one flow in it", project.display()))?;
    let library = package["targets"]
        .as_array()
        .into_iter()
        .flatten()
        .find(|target| target["crate_types"].as_array().is_some_and(|types| types.iter().any(|t| t == "cdylib")))
        .with_context(|| {
            format!("{}: a flow is a library; add [lib] crate-type = [\"cdylib\"] to Cargo.toml", project.display())
        })?;
    let name = library["name"].as_str().unwrap_or_default().replace('-', "_");
    let target = metadata["target_directory"].as_str().context("cargo metadata names no target folder")?;
    Ok(Path::new(target).join(TARGET).join("release").join(format!("{name}.wasm")))
}
