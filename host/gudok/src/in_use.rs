//! What judges calls here: the classifier in the home folder, else the one that ships; and the categories that clinics
//! made for themselves.
//!
//! ```text
//! HOME/classifier/calls.gudokm    written by `gudok train --with-corrections`
//! HOME/classifier/calls.json      what it was trained on, and how it did beside the one before
//! HOME/categories/CLINIC/ID.toml  an own category as people see it; ID.gudokm its weights; ID.jsonl its examples
//! ```

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};
use session::tagging::Tagger;
use speech::SpeechError;
use speech::sentences::Sentences;
use understanding::category::own::OwnCategory;
use understanding::category::{Category, Classifier, Taxonomy};
use understanding::meaning::Meaning;

use crate::place::Place;

/// Where a classifier comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// It ships with the program.
    Shipped,
    /// A file: in the home folder, or named on the command line.
    File(PathBuf),
}

/// The classifier in the home folder.
pub fn home_file(place: &Place) -> PathBuf {
    place.home.join("classifier/calls.gudokm")
}

/// What compares sentences by what they mean, if its model was fetched. One that cannot be used is said and done without.
pub fn meaning(place: &Place) -> Option<Meaning> {
    static OPENED: OnceLock<Option<Meaning>> = OnceLock::new();
    let open = || match Sentences::open(&place.models) {
        Ok(sentences) => {
            let texts = Arc::new(sentences);
            let questions = Arc::clone(&texts);
            Some(Meaning::new(move |text| texts.vector(text)).for_questions(move |text| questions.question(text)))
        }
        Err(SpeechError::ModelMissing { .. }) => None,
        Err(error) => {
            eprintln!("warning: {error}; calls and questions are judged by words alone");
            None
        }
    };
    OPENED.get_or_init(open).clone()
}

/// The one that is named, else the one in the home folder, else the one that ships. A damaged one in the home folder is
/// said and passed over: calls go on being tagged.
pub fn classifier(place: &Place, named: Option<&Path>) -> Result<(Classifier, Origin)> {
    let (classifier, origin) = by_words(place, named)?;
    Ok((classifier.with_meaning(meaning(place)), origin))
}

fn by_words(place: &Place, named: Option<&Path>) -> Result<(Classifier, Origin)> {
    if let Some(file) = named {
        return Ok((Classifier::load(file)?, Origin::File(file.to_owned())));
    }
    let file = home_file(place);
    if !file.exists() {
        return Ok((Classifier::embedded().clone(), Origin::Shipped));
    }
    match Classifier::load(&file) {
        Ok(classifier) => Ok((classifier, Origin::File(file))),
        Err(error) => {
            eprintln!("warning: {}: {error}; the classifier that ships is used instead", file.display());
            Ok((Classifier::embedded().clone(), Origin::Shipped))
        }
    }
}

/// What tags the calls of every clinic.
pub fn tagger(place: &Place) -> Result<Arc<Tagger>> {
    Ok(Arc::new(tagger_with(place, classifier(place, None)?.0)))
}

/// The same with another classifier.
pub fn tagger_with(place: &Place, classifier: Classifier) -> Tagger {
    let own = all_own(place).into_iter().map(|(clinic, own)| {
        let categories = own.into_iter().map(|one| one.category).collect();
        (clinic, categories)
    });
    Tagger::new(classifier, own.collect())
}

/// A clinic's own category.
#[derive(Debug, Clone)]
pub struct Own {
    /// As people see it.
    pub about: About,
    /// What tells it from the others.
    pub category: OwnCategory,
}

/// A clinic's own category as people see it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct About {
    /// Who made it.
    pub by: String,
    /// When (ISO day).
    pub made: String,
    /// Titles, what it counts as, advice.
    #[serde(flatten)]
    pub category: Category,
}

/// The folder of a clinic's own categories.
pub fn own_folder(place: &Place, clinic: &str) -> PathBuf {
    place.home.join("categories").join(clinic)
}

/// The own categories of a clinic, by id. One that cannot be read is said and left out.
pub fn own(place: &Place, clinic: &str) -> Vec<Own> {
    let mut own = Vec::new();
    for file in files(&own_folder(place, clinic), "toml") {
        match read(&file) {
            Ok(one) => own.push(one),
            Err(error) => eprintln!("warning: {error:#}; this category is left out"),
        }
    }
    own
}

fn all_own(place: &Place) -> BTreeMap<String, Vec<Own>> {
    let Ok(clinics) = std::fs::read_dir(place.home.join("categories")) else { return BTreeMap::new() };
    let clinics = clinics.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    clinics.map(|clinic| (clinic.clone(), own(place, &clinic))).filter(|(_, own)| !own.is_empty()).collect()
}

fn read(about: &Path) -> Result<Own> {
    let text = std::fs::read_to_string(about).with_context(|| format!("{}: cannot be read", about.display()))?;
    let about_it: About = toml::from_str(&text).with_context(|| about.display().to_string())?;
    let category = OwnCategory::load(&about.with_extension("gudokm"))?;
    Ok(Own { about: about_it, category })
}

fn files(folder: &Path, ending: &str) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let mut files: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    files.retain(|file| file.extension().is_some_and(|found| found == ending));
    files.sort();
    files
}

/// The categories of a clinic, those that ship first.
pub fn categories(place: &Place, clinic: &str) -> Vec<Category> {
    let own = own(place, clinic).into_iter().map(|own| own.about.category);
    Taxonomy::embedded().categories.iter().cloned().chain(own).collect()
}

/// Writes a file so that whoever reads it sees the old one or the new one, never a part.
pub fn replace(file: &Path, bytes: &[u8]) -> Result<()> {
    let unwritable = || format!("{}: cannot be written", file.display());
    if let Some(folder) = file.parent() {
        std::fs::create_dir_all(folder).with_context(unwritable)?;
    }
    let mut name = file.file_name().unwrap_or_default().to_owned();
    name.push(".new");
    let new = file.with_file_name(name);
    std::fs::write(&new, bytes).with_context(unwritable)?;
    std::fs::rename(&new, file).with_context(unwritable)
}
