//! Toolchains that `setup/toolchains/` fetched: a folder per language, its programs in `bin`.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

/// The folder of all toolchains in the program's cache.
pub fn folder(cache: &Path) -> PathBuf {
    cache.join("toolchains")
}

/// Put the toolchains before everything else that a command finds by its name.
pub fn offer(command: &mut Command, toolchains: &Path) -> Result<()> {
    command.env("PATH", path(toolchains)?).env("GUDOK_TOOLCHAINS", toolchains);
    Ok(())
}

fn path(toolchains: &Path) -> Result<OsString> {
    let mut places = Vec::new();
    // None fetched yet is no error: the language's command may come from the system.
    if let Ok(languages) = std::fs::read_dir(toolchains) {
        places.extend(languages.filter_map(|language| Some(language.ok()?.path().join("bin"))));
        places.retain(|place| place.is_dir());
        places.sort();
    }
    let usual = std::env::var_os("PATH").unwrap_or_default();
    places.extend(std::env::split_paths(&usual));
    std::env::join_paths(places).with_context(|| format!("{}: a folder on PATH has a colon", toolchains.display()))
}
