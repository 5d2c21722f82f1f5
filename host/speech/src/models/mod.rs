//! Where the weights come from, and whether they are here.
//!
//! The manifest (`models/manifest.toml`, built in) says what there is; the store is a directory with one directory per
//! model. A model appears in the store all at once, by a rename, after its hashes were checked and it was prepared; a fetch
//! that was cut off goes on where it stopped.

mod fetch;
mod ggml;
mod manifest;
mod mel;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};

use serde::Serialize;

pub use fetch::fetch;
pub use ggml::{ConvertError, convert};
pub use manifest::{Engine, Manifest, Model, Prepare, Source};

use crate::SpeechError;

/// The environment variable that names the store.
pub const STORE_VARIABLE: &str = "GUDOK_MODELS";

/// A model, and whether it is here.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ModelStatus {
    /// Name in commands.
    pub id: String,
    /// What it is good for.
    pub purpose: String,
    /// Licence of the weights.
    pub licence: String,
    /// Download, megabytes.
    pub size_mb: u32,
    /// Can it be used?
    pub installed: bool,
    /// Where it is, or would be.
    pub path: PathBuf,
    /// The command that gets it.
    pub command: String,
}

/// The store: `$GUDOK_MODELS`, or `~/.cache/gudok/models`.
pub fn default_store() -> PathBuf {
    if let Some(dir) = std::env::var_os(STORE_VARIABLE).filter(|dir| !dir.is_empty()) {
        return dir.into();
    }
    let cache = std::env::var_os("XDG_CACHE_HOME").filter(|dir| !dir.is_empty()).map(PathBuf::from);
    let home = || std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".cache"));
    cache.or_else(home).unwrap_or_else(std::env::temp_dir).join("gudok/models")
}

/// All models the manifest knows, in its order.
pub fn list(store: &Path) -> Result<Vec<ModelStatus>, SpeechError> {
    let manifest = Manifest::built_in()?;
    let status = |model: &Model| ModelStatus {
        id: model.id.clone(),
        purpose: model.purpose.clone(),
        licence: model.licence.clone(),
        size_mb: model.size_mb,
        installed: model.ready_path(store).exists(),
        path: model.ready_path(store),
        command: fetch_command(&model.id),
    };
    Ok(manifest.models.iter().map(status).collect())
}

/// The first model of an engine that is in the store, in the order of the manifest: its id and path.
pub(crate) fn installed(store: &Path, engine: Engine) -> Result<Option<(String, PathBuf)>, SpeechError> {
    let manifest = Manifest::built_in()?;
    Ok(manifest.models.iter().filter(|model| model.engine == engine).find_map(|model| {
        let path = model.ready_path(store);
        path.exists().then(|| (model.id.clone(), path))
    }))
}

/// The command that gets a model.
pub(crate) fn fetch_command(id: &str) -> String {
    format!("gudok models fetch {id}")
}
