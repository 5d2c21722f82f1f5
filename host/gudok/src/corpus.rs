//! The corpus that the classifier was trained on. It is inside the program, so that a clinic can retrain with what it
//! corrected, wherever the program runs.

use std::path::Path;

use anyhow::{Context, Result};
use understanding::category::corpus::Corpus;

use crate::flow::assets;

/// A folder of labelled calls, else the ones that ship.
pub fn open(folder: Option<&Path>) -> Result<Corpus> {
    match folder {
        Some(folder) => Ok(Corpus::load(folder)?),
        None => shipped(),
    }
}

fn shipped() -> Result<Corpus> {
    let folder = tempfile::tempdir().context("the corpus cannot be unpacked: there is no room for temporary files")?;
    for (name, bytes) in assets::corpus() {
        let file = folder.path().join(name);
        if let Some(folder) = file.parent() {
            std::fs::create_dir_all(folder).with_context(|| folder.display().to_string())?;
        }
        std::fs::write(&file, bytes).with_context(|| file.display().to_string())?;
    }
    Ok(Corpus::load(folder.path())?)
}
