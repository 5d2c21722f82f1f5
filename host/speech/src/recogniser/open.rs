//! Which engine hears.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::Recogniser;
use super::vosk::Vosk;
use crate::SpeechError;
use crate::models::{self, Engine, fetch_command};

/// An engine to open, and where the models are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EngineChoice {
    /// Which one.
    pub engine: EngineName,
    /// The store of models ([`models::default_store`]).
    pub models: PathBuf,
    /// A model by its id in the manifest; without one the first of the engine's that is installed.
    pub model: Option<String>,
}

impl Default for EngineChoice {
    fn default() -> Self {
        EngineChoice { engine: EngineName::Auto, models: models::default_store(), model: None }
    }
}

/// The engines there are.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum EngineName {
    /// Whisper if its model is here, else Vosk with a Russian model.
    #[default]
    Auto,
    /// whisper.cpp.
    Whisper,
    /// Vosk.
    Vosk,
}

impl std::str::FromStr for EngineName {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        match name {
            "auto" => Ok(EngineName::Auto),
            "whisper" => Ok(EngineName::Whisper),
            "vosk" => Ok(EngineName::Vosk),
            other => Err(format!("there is no recogniser `{other}`; known are: auto, whisper, vosk")),
        }
    }
}

/// Loads an engine and its model. Takes a second; do it once and share the result.
pub fn open(choice: &EngineChoice) -> Result<Arc<dyn Recogniser>, SpeechError> {
    match choice.engine {
        EngineName::Whisper => whisper(choice),
        EngineName::Vosk => vosk(choice),
        EngineName::Auto => match whisper(choice) {
            Err(missing @ (SpeechError::ModelMissing { .. } | SpeechError::EngineAbsent { .. })) => {
                // The recommendation of the first choice is the better one, unless the second is half there.
                match vosk(choice) {
                    Err(SpeechError::ModelMissing { .. }) => Err(missing),
                    other => other,
                }
            }
            other => other,
        },
    }
}

#[cfg(feature = "whisper")]
fn whisper(choice: &EngineChoice) -> Result<Arc<dyn Recogniser>, SpeechError> {
    let (id, path) = model(choice, Engine::Whisper, "whisper", "whisper-base")?;
    Ok(Arc::new(super::whisper::Whisper::open(&id, &path)?))
}

#[cfg(not(feature = "whisper"))]
fn whisper(_: &EngineChoice) -> Result<Arc<dyn Recogniser>, SpeechError> {
    Err(SpeechError::EngineAbsent { engine: "whisper", feature: "whisper" })
}

fn vosk(choice: &EngineChoice) -> Result<Arc<dyn Recogniser>, SpeechError> {
    let (id, ready) = model(choice, Engine::Vosk, "vosk", "vosk-model-small-ru")?;
    let library = models::Manifest::built_in()?.model("vosk-lib")?.ready_path(&choice.models);
    // The model is the directory around the part that marks it complete.
    let directory = ready.parent().unwrap_or(Path::new("."));
    Ok(Arc::new(Vosk::open(&id, &library, directory)?))
}

/// Id and path of the model to load.
fn model(
    choice: &EngineChoice,
    engine: Engine,
    name: &'static str,
    recommended: &str,
) -> Result<(String, PathBuf), SpeechError> {
    let manifest = models::Manifest::built_in()?;
    let found = match &choice.model {
        Some(id) => {
            let path = manifest.model(id)?.ready_path(&choice.models);
            path.exists().then(|| (id.clone(), path))
        }
        None => models::installed(&choice.models, engine)?,
    };
    let wanted = choice.model.as_deref().unwrap_or(recommended);
    found.map_or_else(
        || {
            let path = manifest.model(wanted)?.ready_path(&choice.models);
            Err(SpeechError::ModelMissing { engine: name, path, command: fetch_command(wanted) })
        },
        Ok,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_store_gets_one_sentence_with_the_command() {
        let store = tempfile::tempdir().expect("a directory");
        let message = |engine| {
            let choice = EngineChoice { engine, models: store.path().into(), model: None };
            open(&choice).err().expect("nothing is here").to_string()
        };
        #[cfg(feature = "whisper")]
        assert!(message(EngineName::Auto).ends_with("run `gudok models fetch whisper-base`"));
        assert!(message(EngineName::Vosk).ends_with("run `gudok models fetch vosk-model-small-ru`"));
    }

    #[test]
    fn engines_have_names() {
        assert_eq!("vosk".parse(), Ok(EngineName::Vosk));
        let error = "wosk".parse::<EngineName>().expect_err("unknown");
        assert_eq!(error, "there is no recogniser `wosk`; known are: auto, whisper, vosk");
    }
}
