//! What clinics do, and the turns of phrase callers use: word patterns from data files, found tolerantly in any text.
//!
//! Layout: [`text`] cuts and stems once; [`patterns`] finds many short phrases in one pass; this file holds the
//! [`Lexicon`] of services by field of medicine (`models/lexicon/services.toml`) and named phrase lists ([`Cues`]).
//! Which of the services found a clinic offers is [`crate::profile`]'s to say.

pub mod patterns;
pub mod senses;
pub mod text;
pub mod vocabulary;

use std::ops::Range;
use std::sync::LazyLock;

use serde::Deserialize;

use crate::profile::Kind;
use patterns::Patterns;
use text::Text;

/// The fields of medicine in which a service is found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fields {
    /// Treatment of animals.
    pub veterinary: bool,
    /// Human medicine, teeth aside.
    pub medical: bool,
    /// Teeth.
    pub dental: bool,
}

impl Fields {
    /// Whether clinics of this kind may be asked for it in earnest.
    pub fn include(self, kind: Kind) -> bool {
        match kind {
            Kind::Veterinary => self.veterinary,
            Kind::Medical => self.medical,
            Kind::Dental => self.dental,
        }
    }

    /// Human medicine for a dentist, teeth for a physician.
    pub fn neighbour(self, kind: Kind) -> bool {
        match kind {
            Kind::Veterinary => false,
            Kind::Medical => self.dental,
            Kind::Dental => self.medical,
        }
    }
}

/// One service, speciality or kind of patient.
#[derive(Debug, Clone)]
pub struct Service {
    /// Stable id (`mri`, `grooming`).
    pub id: String,
    /// As the trade calls it, in Russian.
    pub name: String,
    /// Where it is found.
    pub fields: Fields,
    /// Indices of wider services that contain it.
    pub parents: Vec<usize>,
    /// A kind of animal: of interest only when a clinic's lists speak of it.
    pub species: bool,
}

/// A service named in a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mention {
    /// Index into [`Lexicon::services`].
    pub service: usize,
    /// Indices of the words that name it.
    pub words: Range<usize>,
    /// Whether a damaged word was forgiven.
    pub damaged: bool,
}

/// All services with the words for them.
#[derive(Debug, Clone)]
pub struct Lexicon {
    /// In the order of the data file.
    pub services: Vec<Service>,
    patterns: Patterns,
}

impl Lexicon {
    /// The services this program ships with.
    pub fn embedded() -> &'static Self {
        static LEXICON: LazyLock<Lexicon> = LazyLock::new(|| {
            Lexicon::parse(include_str!("../../../../models/lexicon/services.toml"))
                .expect("invariant: the embedded services.toml is checked by a test")
        });
        &LEXICON
    }

    /// Reads the format of `models/lexicon/services.toml`. The error names the entry at fault.
    pub fn parse(toml: &str) -> Result<Self, String> {
        let file: ServicesFile = toml::from_str(toml).map_err(|e| e.to_string())?;
        let mut patterns = Patterns::default();
        let mut services = Vec::new();
        for (index, entry) in file.services.iter().enumerate() {
            let parents = entry.parents.iter().map(|id| {
                file.services
                    .iter()
                    .position(|s| s.id == *id)
                    .ok_or_else(|| format!("service `{}`: no service `{id}` to be its parent", entry.id))
            });
            services.push(Service {
                id: entry.id.clone(),
                name: entry.name.clone(),
                fields: Fields {
                    veterinary: entry.fields.contains('v'),
                    medical: entry.fields.contains('m'),
                    dental: entry.fields.contains('d'),
                },
                parents: parents.collect::<Result<_, _>>()?,
                species: entry.species,
            });
            entry.words.split(';').for_each(|p| patterns.add(index, p));
        }
        Ok(Self { services, patterns })
    }

    /// Every service named in the text, in order; one place may name several («снять зубной камень»).
    pub fn mentions(&self, text: &Text) -> Vec<Mention> {
        let mut out: Vec<Mention> = Vec::new();
        for f in self.patterns.find(text) {
            let words = f.first..f.last + 1;
            if !out.iter().any(|m| m.service == f.group && overlap(&m.words, &words)) {
                out.push(Mention { service: f.group, words, damaged: f.damaged });
            }
        }
        out
    }

    /// The service with this id.
    pub fn position(&self, id: &str) -> Option<usize> {
        self.services.iter().position(|s| s.id == id)
    }

    /// The service and everything that contains it, nearest first.
    pub fn ancestry(&self, service: usize) -> Vec<usize> {
        let mut line = vec![service];
        let mut at = 0;
        while let Some(&s) = line.get(at) {
            for &parent in &self.services[s].parents {
                if !line.contains(&parent) {
                    line.push(parent);
                }
            }
            at += 1;
        }
        line
    }
}

/// Whether two ranges of words share one.
pub fn overlap(a: &Range<usize>, b: &Range<usize>) -> bool {
    a.start < b.end && b.start < a.end
}

/// Named lists of phrases.
#[derive(Debug, Clone)]
pub struct Cues {
    /// Names, in the order of the file.
    pub ids: Vec<String>,
    /// The phrases; a group number is an index into `ids`.
    pub patterns: Patterns,
}

impl Cues {
    /// Reads `cues = [{ id, words }]`, phrases apart by «;».
    pub fn parse(toml: &str) -> Result<Self, String> {
        let file: CuesFile = toml::from_str(toml).map_err(|e| e.to_string())?;
        let mut patterns = Patterns::default();
        for (index, cue) in file.cues.iter().enumerate() {
            cue.words.split(';').for_each(|p| patterns.add(index, p));
        }
        Ok(Self { ids: file.cues.into_iter().map(|c| c.id).collect(), patterns })
    }

    /// The phrases that speak for a category (`models/lexicon/cues.toml`).
    pub fn categories() -> &'static Self {
        static CUES: LazyLock<Cues> = LazyLock::new(|| {
            Cues::parse(include_str!("../../../../models/lexicon/cues.toml"))
                .expect("invariant: the embedded cues.toml is checked by a test")
        });
        &CUES
    }
}

#[derive(Deserialize)]
struct ServicesFile {
    services: Vec<ServiceEntry>,
}

#[derive(Deserialize)]
struct ServiceEntry {
    id: String,
    name: String,
    fields: String,
    #[serde(default)]
    parents: Vec<String>,
    #[serde(default)]
    species: bool,
    words: String,
}

#[derive(Deserialize)]
struct CuesFile {
    cues: Vec<CueEntry>,
}

#[derive(Deserialize)]
struct CueEntry {
    id: String,
    words: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(text: &str) -> Vec<&'static str> {
        let lexicon = Lexicon::embedded();
        lexicon.mentions(&Text::new(text)).into_iter().map(|m| lexicon.services[m.service].id.as_str()).collect()
    }

    #[test]
    fn the_embedded_files_are_well_formed() {
        assert!(Lexicon::embedded().services.len() >= 150);
        assert!(Cues::categories().ids.len() > 30);
    }

    #[test]
    fn callers_words_name_services() {
        for (text, id) in [
            ("магнитку сделать собаке", "mri"),
            ("а узист у вас сегодня есть", "ultrasound"),
            ("мне бы к ушнику", "ent"),
            ("можно кота постричь", "grooming"),
            ("прививку от бешенства", "rabies"),
            ("усыпить собаку сколько стоит", "euthanasia"),
            ("на передержку возьмёте", "boarding"),
            ("врач на дом выезжает?", "home_visit"),
            ("черепаху посмотрите", "reptiles"),
            ("крысу лечите", "rodents"),
            ("брекеты ставите", "orthodontics"),
        ] {
            assert!(names(text).contains(&id), "{text}: {:?}", names(text));
        }
    }
}
