//! The categories as a clinic sees them: titles, what counts as target, advice; renaming, merging and adding to what the
//! model was trained on.

use std::sync::LazyLock;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::evidence::by_letters;
use super::{CallText, Evidence, Verdict};
use crate::lexicon::patterns::Patterns;
use crate::lexicon::text::Text;

/// Why a taxonomy could not be used.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum TaxonomyError {
    /// Not TOML of the right shape.
    #[error("the taxonomy cannot be read: {0}")]
    Malformed(String),
    /// Two categories share an id, or claim the same label of the model.
    #[error("category `{0}`: `{1}` is taken twice; give each label of the model to one category")]
    Twice(String, String),
    /// There are no categories.
    #[error("the taxonomy has no [[category]]")]
    Empty,
}

/// Whether a call may lead to a visit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CountsAs {
    /// A potential client.
    Target,
    /// A call that cannot lead to a visit.
    NonTarget,
}

/// One category.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Category {
    /// Stable id, as stored with calls.
    pub id: String,
    /// Russian title.
    pub title_ru: String,
    /// English title.
    pub title_en: String,
    /// Target or not.
    pub counts_as: CountsAs,
    /// Whether such calls may bring a sale though not a visit: reported on a line of its own.
    #[serde(default)]
    pub may_sell: bool,
    /// Whether such calls may end in a booking all the same.
    #[serde(default)]
    pub may_book: bool,
    /// What the clinic can do about it, in Russian.
    #[serde(default)]
    pub advice_ru: String,
    /// What the clinic can do about it, in English.
    #[serde(default)]
    pub advice_en: String,
    /// Labels of the model that make it up; the id when empty and there are no `words`.
    #[serde(default)]
    pub from: Vec<String>,
    /// Phrases that decide for it whatever the model says.
    #[serde(default)]
    pub words: String,
}

/// All categories of a clinic.
#[derive(Debug, Clone)]
pub struct Taxonomy {
    /// Version of the file, stored with every tag.
    pub version: u32,
    /// In the order of the file.
    pub categories: Vec<Category>,
    words: Patterns,
}

impl Taxonomy {
    /// The ten categories this program ships with.
    pub fn embedded() -> &'static Self {
        static TAXONOMY: LazyLock<Taxonomy> = LazyLock::new(|| {
            Taxonomy::parse(include_str!("../../../../models/taxonomy.toml"))
                .expect("invariant: the embedded taxonomy.toml is checked by a test")
        });
        &TAXONOMY
    }

    /// Reads the format of `models/taxonomy.toml`.
    pub fn parse(toml: &str) -> Result<Self, TaxonomyError> {
        let mut file: File = toml::from_str(toml).map_err(|e| TaxonomyError::Malformed(e.to_string()))?;
        if file.category.is_empty() {
            return Err(TaxonomyError::Empty);
        }
        let mut words = Patterns::default();
        let mut ids: Vec<String> = Vec::new();
        let mut labels: Vec<String> = Vec::new();
        for (index, category) in file.category.iter_mut().enumerate() {
            if ids.contains(&category.id) {
                return Err(TaxonomyError::Twice(category.id.clone(), category.id.clone()));
            }
            ids.push(category.id.clone());
            if category.from.is_empty() && category.words.is_empty() {
                category.from.push(category.id.clone());
            }
            for label in &category.from {
                if labels.contains(label) {
                    return Err(TaxonomyError::Twice(category.id.clone(), label.clone()));
                }
                labels.push(label.clone());
            }
            category.words.split(';').for_each(|p| words.add(index, p));
        }
        Ok(Self { version: file.version, categories: file.category, words })
    }

    /// The category with this id.
    pub fn get(&self, id: &str) -> Option<&Category> {
        self.categories.iter().find(|c| c.id == id)
    }

    /// A model's verdict in this taxonomy: labels renamed, merged ones added up, the clinic's own phrases honoured.
    /// Labels that no category takes keep their name.
    pub fn apply(&self, verdict: Verdict, call: &CallText) -> Verdict {
        let mut scores: Vec<(String, f32)> = Vec::new();
        for (label, p) in verdict.scores {
            let id = self.categories.iter().find(|c| c.from.contains(&label)).map_or(label, |c| c.id.clone());
            match scores.iter_mut().find(|s| s.0 == id) {
                Some(score) => score.1 += p,
                None => scores.push((id, p)),
            }
        }
        let mut evidence = verdict.evidence;
        let mut review = verdict.review;
        if let Some((category, found)) = self.by_words(call) {
            scores.iter_mut().for_each(|s| s.1 *= 0.1);
            match scores.iter_mut().find(|s| s.0 == category.id) {
                Some(score) => score.1 += 0.9,
                None => scores.push((category.id.clone(), 0.9)),
            }
            evidence = vec![found];
            review = false;
        }
        scores.sort_by(|a, b| b.1.total_cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
        let (label, confidence) = scores.first().cloned().unwrap_or_default();
        Verdict { label, confidence, scores, evidence, review }
    }

    /// The first phrase of the clinic's own in the caller's words.
    fn by_words(&self, call: &CallText) -> Option<(&Category, Evidence)> {
        let mut offset = 0;
        for (turn, said) in call.caller_turns() {
            let text = Text::new(&said.text);
            if let Some(found) = self.words.find(&text).first() {
                let chars = text.words[found.first].chars.start..text.words[found.last].chars.end;
                let words: String = said.text.chars().skip(chars.start).take(chars.len()).collect();
                let (start, end) = (offset + chars.start, offset + chars.end);
                let seconds = by_letters(said, &chars);
                let evidence = Evidence { start, end, turn, text: words, weight: 1.0, seconds };
                return Some((&self.categories[found.group], evidence));
            }
            offset += said.text.chars().count() + 1;
        }
        None
    }
}

#[derive(Deserialize)]
struct File {
    version: u32,
    category: Vec<Category>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(scores: &[(&str, f32)]) -> Verdict {
        let scores: Vec<(String, f32)> = scores.iter().map(|(l, p)| ((*l).to_owned(), *p)).collect();
        Verdict { label: scores[0].0.clone(), confidence: scores[0].1, scores, evidence: vec![], review: false }
    }

    #[test]
    fn the_shipped_categories_are_ten_with_titles_and_advice() {
        let shipped = Taxonomy::embedded();
        assert_eq!(shipped.categories.len(), 10);
        assert!(shipped.categories.iter().all(|c| !c.title_ru.is_empty() && !c.advice_ru.is_empty()));
        let target: Vec<_> = shipped.categories.iter().filter(|c| c.counts_as == CountsAs::Target).collect();
        assert_eq!(target.len(), 1);
    }

    #[test]
    fn a_clinic_renames_merges_and_adds() {
        let own = Taxonomy::parse(
            "version = 2\n\
             [[category]]\nid = 'patients'\ntitle_ru = 'Пациенты'\ntitle_en = 'Patients'\ncounts_as = 'non_target'\n\
             from = ['doctor', 'inpatient', 'test_results']\n\
             [[category]]\nid = 'parking'\ntitle_ru = 'Шлагбаум'\ntitle_en = 'Gate'\ncounts_as = 'non_target'\n\
             words = 'шлагбаум; открыть ворота'",
        )
        .expect("well formed");
        let said = verdict(&[("target", 0.4), ("doctor", 0.35), ("test_results", 0.25)]);
        let merged = own.apply(said.clone(), &CallText::of("вопрос"));
        assert_eq!((merged.label.as_str(), merged.confidence), ("patients", 0.6));
        let added = own.apply(said, &CallText::of("Я у клиники, откройте шлагбаум"));
        assert_eq!(added.label, "parking");
        assert_eq!(added.evidence[0].text, "шлагбаум");
    }

    #[test]
    fn mistakes_are_named() {
        let twice = "version = 1\n[[category]]\nid='a'\ntitle_ru=''\ntitle_en=''\ncounts_as='target'\nfrom=['x','x']";
        assert_eq!(Taxonomy::parse(twice).err(), Some(TaxonomyError::Twice("a".into(), "x".into())));
        assert!(matches!(Taxonomy::parse("version = 'x'"), Err(TaxonomyError::Malformed(_))));
    }
}
