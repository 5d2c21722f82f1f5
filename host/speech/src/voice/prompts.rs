//! What a person has recorded: played instead of any synthesis, found by its id or by its text.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use audio::{Pcm, wav};
use serde::Deserialize;

use super::finish::finish;
use crate::SpeechError;
use crate::spoken::read_aloud;

/// Name of the index in a folder of prompts.
const INDEX: &str = "prompts.toml";

/// Recorded prompts, in memory, at 8 kHz and of one loudness.
#[derive(Debug, Default)]
pub struct Prompts {
    by_id: HashMap<String, Arc<Pcm>>,
    by_text: HashMap<String, Arc<Pcm>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Index {
    #[serde(default)]
    prompt: Vec<Entry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    id: Option<String>,
    text: Option<String>,
    file: String,
}

impl Prompts {
    /// Reads a folder. Every `NAME.wav` is a prompt with the id `NAME`; `prompts.toml`, if it is there, adds ids and the
    /// text that a recording says:
    ///
    /// ```toml
    /// [[prompt]]
    /// id = "greeting"
    /// file = "greeting-2026.wav"
    /// text = "Здравствуйте! Клиника «Лапа», чем могу помочь?"
    /// ```
    ///
    /// # Errors
    /// The folder, the index or a recording cannot be read; an index that is wrong is named with its line; two entries
    /// with one id.
    pub fn open(dir: &Path) -> Result<Prompts, SpeechError> {
        let mut prompts = Prompts::default();
        let entries = std::fs::read_dir(dir).map_err(SpeechError::io(dir))?;
        for entry in entries {
            let path = entry.map_err(SpeechError::io(dir))?.path();
            let is_wav = path.extension().is_some_and(|e| e.eq_ignore_ascii_case("wav"));
            if let (true, Some(id)) = (is_wav, path.file_stem().and_then(|s| s.to_str())) {
                prompts.by_id.insert(id.to_owned(), load(&path)?);
            }
        }
        let path = dir.join(INDEX);
        if !path.is_file() {
            return Ok(prompts);
        }
        let wrong = |reason: String| SpeechError::VoiceFailed {
            engine: format!("recorded prompts, {}", path.display()),
            reason,
        };
        let text = std::fs::read_to_string(&path).map_err(SpeechError::io(&path))?;
        let index: Index = toml::from_str(&text).map_err(|e| wrong(e.to_string()))?;
        let mut ids = std::collections::HashSet::new();
        for entry in index.prompt {
            if entry.id.is_none() && entry.text.is_none() {
                return Err(wrong(format!("the entry of {} has neither `id` nor `text`; give it one", entry.file)));
            }
            let file = Path::new(&entry.file);
            if file.components().any(|c| !matches!(c, std::path::Component::Normal(_) | std::path::Component::CurDir)) {
                return Err(wrong(format!(
                    "`{}` is outside the folder; put the recording beside the index",
                    entry.file
                )));
            }
            let sound = load(&dir.join(file))?;
            if let Some(id) = entry.id {
                if !ids.insert(id.clone()) {
                    return Err(wrong(format!("the id `{id}` is used twice; give one of them another")));
                }
                prompts.by_id.insert(id, Arc::clone(&sound));
            }
            if let Some(text) = entry.text {
                prompts.by_text.insert(key(&text), sound);
            }
        }
        Ok(prompts)
    }

    /// The recording with that id.
    pub fn by_id(&self, id: &str) -> Option<Arc<Pcm>> {
        self.by_id.get(id).cloned()
    }

    /// The recording that says this text; case, punctuation and ё/е do not matter, figures match their words.
    pub fn by_text(&self, text: &str) -> Option<Arc<Pcm>> {
        if self.by_text.is_empty() {
            return None;
        }
        self.by_text.get(&key(text)).cloned()
    }
}

fn load(path: &Path) -> Result<Arc<Pcm>, SpeechError> {
    Ok(Arc::new(finish(&wav::read(path)?.mono())))
}

fn key(text: &str) -> String {
    let words = read_aloud(text).to_lowercase().replace('ё', "е");
    let words: Vec<&str> = words.split(|c: char| !c.is_alphanumeric()).filter(|w| !w.is_empty()).collect();
    words.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(index: &str) -> tempfile::TempDir {
        let dir = tempfile::tempdir().expect("a folder");
        let tone: Vec<i16> = (0..8000).map(|i| ((i % 20) * 500) as i16).collect();
        wav::write(dir.path().join("hello.wav"), 16_000, &[&tone]).expect("written");
        std::fs::write(dir.path().join(INDEX), index).expect("written");
        dir
    }

    #[test]
    fn prompts_are_found_by_file_name_by_id_and_by_text() {
        let dir = folder("[[prompt]]\nid = \"greeting\"\nfile = \"hello.wav\"\ntext = \"Приём в 9:00, ждём!\"\n");
        let prompts = Prompts::open(dir.path()).expect("a good folder");
        assert!(prompts.by_id("hello").is_some() && prompts.by_id("greeting").is_some());
        let sound = prompts.by_text("прием в девять часов - ждем").expect("the same words");
        assert_eq!(sound.rate, 8_000);
        assert!(prompts.by_id("other").is_none() && prompts.by_text("Другое").is_none());
    }

    #[test]
    fn mistakes_in_the_index_are_named() {
        let error = |index: &str| Prompts::open(folder(index).path()).expect_err("a mistake").to_string();
        assert!(error("[[prompt]]\nid = \"a\"\nfile = \"absent.wav\"\n").contains("absent.wav"));
        assert!(error("[[prompt]]\nfile = \"hello.wav\"\n").contains("neither `id` nor `text`"));
        assert!(error("[[prompt]]\nid = \"a\"\nfile = \"../hello.wav\"\n").contains("outside the folder"));
        assert!(
            error("[[prompt]]\nid = \"a\"\nfile = \"hello.wav\"\n[[prompt]]\nid = \"a\"\nfile = \"hello.wav\"\n")
                .contains("twice")
        );
        assert!(error("[[prompt]]\nname = \"a\"\nfile = \"hello.wav\"\n").contains("line 2"));
    }
}
