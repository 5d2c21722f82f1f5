//! What understanding needs to know of one clinic: what it is, what it does and does not do, who works there.
//!
//! A clinic's lists are free text («выезд на дом», «ратолог/герпетолог (экзоты)»). They are read once, with the
//! [`Lexicon`] where it knows the words and by their own stems where it does not, so that any service a caller names
//! is offered, absent or unlisted *here*.

use std::collections::HashMap;
use std::ops::Range;

use serde::{Deserialize, Serialize};

use crate::lexicon::patterns::Patterns;
use crate::lexicon::text::Text;
use crate::lexicon::{Lexicon, overlap};
use crate::normalise;

/// The field of medicine a clinic works in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Animals.
    #[serde(alias = "vet")]
    Veterinary,
    /// People, teeth aside.
    #[serde(alias = "med")]
    Medical,
    /// Teeth.
    #[serde(alias = "dent")]
    Dental,
}

/// Whether a service is given at the clinic.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Offered {
    /// On the list of services.
    Offered,
    /// On the list of what is asked for in vain.
    Absent,
    /// On neither.
    Unlisted,
}

/// How a service named by a caller stands to the clinic.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Standing {
    /// On the list of services.
    Offered,
    /// On the list of what is asked for in vain.
    Absent,
    /// On neither list, though of the clinic's field.
    Unlisted,
    /// On neither list; teeth asked of a physician, or the other way round.
    Neighbour,
    /// On neither list, and of another field of medicine altogether.
    Foreign,
}

impl Standing {
    /// The same in the words of the contract with flows.
    pub fn offered(self) -> Offered {
        match self {
            Self::Offered => Offered::Offered,
            Self::Absent => Offered::Absent,
            Self::Unlisted | Self::Neighbour | Self::Foreign => Offered::Unlisted,
        }
    }
}

/// A question the clinic answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FaqEntry {
    /// The clinic's id.
    pub id: String,
    /// As the clinic words it.
    pub question: String,
    /// What is answered.
    pub answer: String,
}

/// Somebody who sees patients.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Doctor {
    /// The clinic's id.
    pub id: String,
    /// Full name, surname first or last.
    pub name: String,
    /// Speciality, as the clinic writes it.
    pub speciality: String,
}

/// A service named by a caller, judged for one clinic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Named {
    /// As the trade calls it (or as the clinic does, where the lexicon knows no such thing).
    pub name: String,
    /// How it stands to the clinic.
    pub standing: Standing,
    /// Index into [`Profile::services`], when offered.
    pub service: Option<usize>,
    /// The lexicon's service, when it knows it.
    pub known: Option<usize>,
    /// Indices of the words that name it.
    pub words: Range<usize>,
}

/// A clinic as understanding sees it.
#[derive(Debug, Clone)]
pub struct Profile {
    /// The clinic's id.
    pub id: String,
    /// Its name as spoken.
    pub name: String,
    /// Its field.
    pub kind: Kind,
    /// What it does, in its own words.
    pub services: Vec<String>,
    /// Its ids of these services, in the same order; empty when it has none.
    pub service_ids: Vec<String>,
    /// What callers ask for in vain, in its own words.
    pub absent: Vec<String>,
    /// Who works there.
    pub doctors: Vec<Doctor>,
    /// Questions it answers.
    pub faq: Vec<FaqEntry>,
    /// Services of the lexicon on its lists: offered (with the index into `services`) or absent.
    listed: HashMap<usize, Option<usize>>,
    /// What follows from them for every service of the lexicon.
    standings: Vec<(Standing, Option<usize>)>,
    /// Entries the lexicon does not know, by their own words: group = index, absent ones after the services.
    own: Patterns,
}

impl Profile {
    /// A clinic from its plain lists; doctors, questions and ids are set afterwards where there are any.
    pub fn new(id: &str, name: &str, kind: Kind, services: &[String], absent: &[String]) -> Self {
        let mut profile = Self {
            id: id.to_owned(),
            name: name.to_owned(),
            kind,
            services: services.to_vec(),
            service_ids: Vec::new(),
            absent: absent.to_vec(),
            doctors: Vec::new(),
            faq: Vec::new(),
            listed: HashMap::new(),
            standings: Vec::new(),
            own: Patterns::default(),
        };
        for (index, entry) in services.iter().enumerate() {
            profile.read(entry, index, Some(index));
        }
        for (index, entry) in absent.iter().enumerate() {
            profile.read(entry, services.len() + index, None);
        }
        profile.conclude();
        profile
    }

    /// With the clinic's ids of its services, in the order of the list.
    pub fn with_service_ids(mut self, ids: Vec<String>) -> Self {
        self.service_ids = ids;
        self
    }

    /// With the people who work there.
    pub fn with_doctors(mut self, doctors: Vec<Doctor>) -> Self {
        self.doctors = doctors;
        self
    }

    /// With the questions it answers.
    pub fn with_faq(mut self, faq: Vec<FaqEntry>) -> Self {
        self.faq = faq;
        self
    }

    /// How a service of the lexicon stands here: as listed, else as the nearest wider service that is listed.
    pub fn standing(&self, service: usize) -> (Standing, Option<usize>) {
        self.standings[service]
    }

    fn conclude(&mut self) {
        self.standings = (0..Lexicon::embedded().services.len()).map(|s| self.conclusion(s)).collect();
    }

    fn conclusion(&self, service: usize) -> (Standing, Option<usize>) {
        let lexicon = Lexicon::embedded();
        for s in lexicon.ancestry(service) {
            match self.listed.get(&s) {
                Some(Some(index)) => return (Standing::Offered, Some(*index)),
                Some(None) => return (Standing::Absent, None),
                None => {}
            }
        }
        let fields = lexicon.services[service].fields;
        let standing = if fields.include(self.kind) {
            Standing::Unlisted
        } else if fields.neighbour(self.kind) {
            Standing::Neighbour
        } else {
            Standing::Foreign
        };
        (standing, None)
    }

    /// The services named in a text, in order, each judged for this clinic. Where the same words can mean services of
    /// several fields, only the readings nearest to the clinic are kept.
    pub fn named(&self, text: &Text) -> Vec<Named> {
        let lexicon = Lexicon::embedded();
        let mut out: Vec<Named> = Vec::new();
        for mention in lexicon.mentions(text) {
            let known = &lexicon.services[mention.service];
            if sends_here(text, &mention.words) {
                continue;
            }
            let (standing, service) = self.standing(mention.service);
            if known.species && !matches!(standing, Standing::Offered | Standing::Absent) {
                continue;
            }
            let (name, words) = (known.name.clone(), mention.words);
            out.push(Named { name, standing, service, known: Some(mention.service), words });
        }
        for found in self.own.find(text) {
            let words = found.first..found.last + 1;
            let service = (found.group < self.services.len()).then_some(found.group);
            let (name, standing) = match service {
                Some(index) => (self.services[index].clone(), Standing::Offered),
                None => (self.absent[found.group - self.services.len()].clone(), Standing::Absent),
            };
            out.push(Named { name, standing, service, known: None, words });
        }
        let near = |n: &Named| matches!(n.standing, Standing::Offered | Standing::Absent | Standing::Unlisted);
        let far_beside_near: Vec<bool> =
            out.iter().map(|n| !near(n) && out.iter().any(|o| near(o) && overlap(&o.words, &n.words))).collect();
        let mut drop = far_beside_near.iter();
        out.retain(|_| !drop.next().copied().unwrap_or(false));
        // «конь» names horses, not farm animals at large: of readings of the same words the narrower holds.
        let wider: Vec<bool> = out
            .iter()
            .map(|n| {
                let contains = |o: &Named| match (o.known, n.known) {
                    (Some(o), Some(n)) => o != n && lexicon.ancestry(o).contains(&n),
                    _ => false,
                };
                out.iter().any(|o| contains(o) && overlap(&o.words, &n.words))
            })
            .collect();
        let mut drop = wider.iter();
        out.retain(|_| !drop.next().copied().unwrap_or(false));
        out.sort_by_key(|n| (n.words.start, n.words.end));
        out
    }

    /// The clinic as if these services of the lexicon stood otherwise on its lists, or on neither; for training. Nothing where
    /// they cannot stand so: what belongs to another field is never just unlisted.
    pub(crate) fn relisted(&self, services: &[usize], standing: Standing) -> Option<Self> {
        let mut other = self.clone();
        other.own = Patterns::default();
        for &s in services {
            match standing {
                Standing::Offered => _ = other.listed.insert(s, Some(0)),
                Standing::Absent => _ = other.listed.insert(s, None),
                _ => other.listed.retain(|listed, _| !Lexicon::embedded().ancestry(s).contains(listed)),
            }
        }
        other.conclude();
        services.iter().all(|&s| other.standing(s).0 == standing).then_some(other)
    }

    /// Reads one entry of a list. `service` is its index when offered.
    fn read(&mut self, entry: &str, group: usize, service: Option<usize>) {
        let lexicon = Lexicon::embedded();
        for part in entry.split(['/', ',', '(', ')', ';', '+']).flat_map(|p| p.split(" и ")) {
            let text = Text::new(part);
            if text.words.is_empty() {
                continue;
            }
            let mentions = lexicon.mentions(&text);
            let mut known: Vec<usize> = mentions.iter().map(|m| m.service).collect();
            // «терапия кошек» lists therapy and cats; «детский стоматолог» in vain is no word against children.
            if service.is_none() && known.iter().any(|&s| !lexicon.services[s].species) {
                known.retain(|&s| !lexicon.services[s].species);
            }
            if known.iter().any(|&s| lexicon.services[s].fields.include(self.kind)) {
                known.retain(|&s| lexicon.services[s].fields.include(self.kind));
            }
            // «стационар круглосуточный» says nothing of the ward by day: only the narrowest reading counts.
            let wider: Vec<usize> = known.iter().flat_map(|&s| lexicon.ancestry(s).into_iter().skip(1)).collect();
            known.retain(|s| !wider.contains(s));
            // «приём детей до 5 лет» is no word against the older ones.
            if service.is_none() && text.words.iter().any(|w| w.text == "до" || w.text == "старше") {
                known.retain(|&s| !lexicon.services[s].species);
            }
            // «анализы животным» beside «анализы крови» says nothing of analyses: only its own words do.
            if service.is_none() {
                let qualified = text.words.iter().enumerate().any(|(n, w)| {
                    w.text.chars().count() > 2
                        && !is_generic(&w.stem)
                        && !mentions.iter().any(|m| known.contains(&m.service) && m.words.contains(&n))
                });
                known.retain(|&s| {
                    let offered = |l: (&usize, &Option<usize>)| {
                        l.1.is_some() && (*l.0 == s || qualified && lexicon.ancestry(*l.0).contains(&s))
                    };
                    !self.listed.iter().any(offered)
                });
            }
            if known.is_empty() {
                let stems: Vec<String> = text
                    .words
                    .iter()
                    .filter(|w| w.text.chars().count() > 2 && !is_generic(&w.stem))
                    .map(|w| w.text.clone())
                    .collect();
                self.own.add(group, &stems.join(" + "));
            }
            for s in known {
                self.listed.insert(s, service);
            }
        }
    }
}

/// «хирург направил», «от ортодонта»: a specialist who sent the caller is not the one asked for.
fn sends_here(text: &Text, words: &Range<usize>) -> bool {
    const SPECIALISTS: &[&str] =
        &["олог", "хирург", "терапевт", "педиатр", "ортодонт", "ортопед", "окулист", "стоматолог"];
    const SENDS: &[&str] = &[
        "направил",
        "направля",
        "отправил",
        "послал",
        "требует",
        "просит",
        "назначил",
        "прописал",
        "велел",
        "посоветовал",
        "рекомендовал",
        "написал",
        "дал",
    ];
    let specialist = |w: &crate::lexicon::text::Word| {
        let base = w.text.trim_end_matches(['а', 'у', 'ы', 'е', 'и']);
        SPECIALISTS.iter().any(|s| base.ends_with(s))
    };
    if words.len() != 1 || !text.words.get(words.start).is_some_and(specialist) {
        return false;
    }
    let sent = |w: &crate::lexicon::text::Word| SENDS.iter().any(|s| w.text.starts_with(s));
    let after = text.words.iter().skip(words.end).take(2).any(sent);
    let before = words.start.checked_sub(1).and_then(|n| text.words.get(n)).is_some_and(|w| w.text == "от" || sent(w));
    after || before
}

/// Words of a catalogue that name no service by themselves.
fn is_generic(stem: &str) -> bool {
    const GENERIC: &[&str] = &["услуга", "приём", "лечение", "врач", "доктор", "для", "при", "все", "виды", "другой"];
    GENERIC.iter().any(|g| normalise::stem(g) == stem)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(items: &[&str]) -> Vec<String> {
        items.iter().map(|s| (*s).to_owned()).collect()
    }

    fn clinic() -> Profile {
        Profile::new(
            "c",
            "Лапа",
            Kind::Veterinary,
            &list(&["терапия", "УЗИ", "стационар дневной", "груминг", "лечение пчёл на пасеке", "прокат лодок"]),
            &list(&["МРТ", "ратолог/герпетолог (экзоты)", "выезд на дом", "стационар круглосуточный", "ковка коней"]),
        )
    }

    fn standing(text: &str) -> Vec<Standing> {
        clinic().named(&Text::new(text)).into_iter().map(|n| n.standing).collect()
    }

    #[test]
    fn every_mention_is_judged_for_this_clinic() {
        assert_eq!(standing("магнитку делаете"), [Standing::Absent]);
        assert_eq!(standing("кота постричь"), [Standing::Offered]);
        assert_eq!(standing("черепаху посмотреть"), [Standing::Absent]);
        assert_eq!(standing("нужен офтальмолог"), [Standing::Unlisted]);
        assert_eq!(standing("ботокс колете"), [Standing::Foreign]);
        assert_eq!(standing("лодок на прокат"), [Standing::Offered]);
    }

    #[test]
    fn lists_are_read_narrowly() {
        let lab = Profile::new(
            "l",
            "Лаборатория",
            Kind::Medical,
            &list(&["анализы крови", "УЗИ"]),
            &list(&["анализы животным", "терапевт", "приём детей до 5 лет"]),
        );
        let standing = |text: &str| lab.named(&Text::new(text)).iter().map(|n| n.standing).collect::<Vec<_>>();
        assert_eq!(standing("сдать кровь до скольки можно"), [Standing::Offered]);
        assert_eq!(standing("терапевт направил на узи"), [Standing::Offered]);
        assert_eq!(standing("к терапевту запишите"), [Standing::Absent]);
        assert_eq!(standing("дочке десять лет"), []);
        let stable = Profile::new("h", "Конюшня", Kind::Veterinary, &list(&["лошади"]), &list(&["коровы и козы"]));
        assert_eq!(stable.named(&Text::new("конь захромал"))[0].standing, Standing::Offered);
        assert_eq!(stable.named(&Text::new("корова захромала"))[0].standing, Standing::Absent);
    }

    #[test]
    fn the_field_decides_between_readings() {
        let dental = Profile::new("d", "Улыбка", Kind::Dental, &list(&["терапия"]), &list(&["терапевт"]));
        assert_eq!(dental.named(&Text::new("терапевта бы"))[0].standing, Standing::Absent);
        assert_eq!(dental.named(&Text::new("кариес лечите"))[0].standing, Standing::Offered);
    }
}
