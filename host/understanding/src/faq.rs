//! Which of a clinic's frequent questions was asked, if any.
//!
//! A question is taken apart into topics (hours, payment …), what is asked (price, how long, how to prepare …), the things
//! it is about (implant, vaccination, parrot …) and the remaining words; so is every entry, by its title and its answer
//! ([`topics`]). How the two meet are some hundred signs ([`signs`]): the price of an implant is not its guarantee, what
//! must not be eaten before ultrasound is not before blood, an answer that names no money tells no price. What each sign
//! counts is learned ([`weights`]), as a choice among all entries and "not in the list": the desk must not answer beside
//! the point.

use serde::{Deserialize, Serialize};

mod likeness;
mod meant;
mod near;
mod parts;
mod signs;
mod topics;
pub mod weights;

use crate::meaning::{LENGTH, Meaning};
use crate::normalise::words;
use crate::profile::FaqEntry;
use topics::Reading;
use weights::Weights;

/// An entry that answers the question.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Hit {
    /// The entry's id.
    pub id: String,
    /// The chance that it answers, 0 to 1; hits are only returned from [`Matcher::THRESHOLD`] on.
    pub confidence: f32,
}

/// A clinic's questions, prepared for matching.
#[derive(Debug, Clone)]
pub struct Matcher {
    entries: Vec<Entry>,
    weights: Weights,
    meaning: Option<Meaning>,
}

#[derive(Debug, Clone)]
struct Entry {
    id: String,
    question: Reading,
    answer: Reading,
    /// Whether it names a price, or that there is none.
    money: bool,
    /// Of the title, and of title and answer together, where meaning is asked for.
    vectors: Option<Box<[[f32; LENGTH]; 2]>>,
}

/// A question, taken apart.
struct Asked {
    reading: Reading,
    vector: Option<[f32; LENGTH]>,
}

impl Entry {
    fn new(question: &str, answer: &str) -> Entry {
        let named = words(question).into_iter().chain(words(answer)).any(|word| is_money(&word.text));
        Entry {
            id: String::new(),
            question: Reading::question(question),
            answer: Reading::answer(answer),
            money: named,
            vectors: None,
        }
    }
}

impl Matcher {
    /// Confidence from which an entry counts as an answer.
    pub const THRESHOLD: f32 = 0.45;

    /// Prepares the entries.
    ///
    /// ```
    /// use understanding::{faq::Matcher, profile::FaqEntry};
    /// let entry = |id: &str, question: &str, answer: &str| FaqEntry { id: id.into(), question: question.into(), answer: answer.into() };
    /// let faq = Matcher::new(&[
    ///     entry("hours", "Режим работы", "Ежедневно с девяти до двадцати одного."),
    ///     entry("warranty", "Гарантия на импланты", "Пожизненная."),
    /// ]);
    /// assert_eq!(faq.find("до скольки вы открыты")[0].id, "hours");
    /// assert_eq!(faq.find("имплант отвалится, переделаете?")[0].id, "warranty");
    /// assert!(faq.find("сколько стоит имплант").is_empty());
    /// ```
    pub fn new(entries: &[FaqEntry]) -> Matcher {
        let entries = entries.iter().map(|e| Entry { id: e.id.clone(), ..Entry::new(&e.question, &e.answer) });
        Matcher { entries: entries.collect(), weights: Weights::embedded().clone(), meaning: None }
    }

    /// As [`Matcher::new`], comparing sentences by their meaning too, if there is whom to ask.
    pub fn with_meaning<'m>(entries: &[FaqEntry], meaning: impl Into<Option<&'m Meaning>>) -> Matcher {
        let mut matcher = Matcher::new(entries);
        let Some(meaning) = meaning.into() else { return matcher };
        for (entry, given) in matcher.entries.iter_mut().zip(entries) {
            let both = format!("{}. {}", given.question, given.answer);
            entry.vectors = Some(Box::new([meaning.question(&given.question), meaning.question(&both)]));
        }
        Matcher { weights: Weights::with_meaning().clone(), meaning: Some(meaning.clone()), ..matcher }
    }

    /// The same entries under other weights: for those who fit them.
    pub fn weighted(mut self, weights: Weights) -> Matcher {
        self.weights = weights;
        self
    }

    /// The entries that answer `text`, best first: one for each thing asked in one breath, none when the question is not
    /// in the list.
    pub fn find(&self, text: &str) -> Vec<Hit> {
        let (whole, pieces) = (self.best(text), parts::pieces(text));
        if pieces.len() < 2 {
            return whole.into_iter().collect();
        }
        let mut hits = self.several(&pieces, whole.as_ref()).unwrap_or(whole.into_iter().collect());
        hits.sort_by(|a, b| b.confidence.total_cmp(&a.confidence));
        hits
    }

    /// Different entries for neighbouring pieces of a text, as many as there are. Where the text as a whole has no
    /// answer, one piece may: «сколько за приём и до скольки вы».
    fn several(&self, pieces: &[String], whole: Option<&Hit>) -> Option<Vec<Hit>> {
        // Every run of neighbours is looked up once.
        let n = pieces.len();
        let alone: Vec<Vec<Option<Hit>>> =
            (0..n).map(|from| (from..n).map(|to| self.asked_alone(&pieces[from..=to].concat())).collect()).collect();
        let groups = |cuts: Vec<(usize, usize)>| -> Vec<Option<Hit>> {
            cuts.into_iter().map(|(from, to)| alone[from][to - from].clone()).collect()
        };
        let all = parts::groupings(n).into_iter().map(groups).filter_map(|hits| {
            let hits: Vec<Hit> = hits.into_iter().collect::<Option<_>>()?;
            let distinct = (1..hits.len()).all(|at| hits[..at].iter().all(|earlier| earlier.id != hits[at].id));
            (hits.len() > 1 && distinct).then_some(hits)
        });
        let sum = |hits: &[Hit]| hits.iter().map(|h| h.confidence).sum::<f32>() / hits.len() as f32;
        let found = all.max_by(|a, b| a.len().cmp(&b.len()).then(sum(a).total_cmp(&sum(b))));
        if found.is_some() || whole.is_some() {
            return found;
        }
        let sure = alone.into_iter().flatten().flatten().filter(|hit| hit.confidence >= Self::SURE);
        sure.max_by(|a, b| a.confidence.total_cmp(&b.confidence)).map(|hit| vec![hit])
    }

    /// Confidence from which a piece of a question may answer for all of it.
    const SURE: f32 = 0.85;

    /// The answer to a piece that is a question by itself, not the rest of one.
    fn asked_alone(&self, piece: &str) -> Option<Hit> {
        let reading = Reading::question(piece);
        let Reading { free, asks, things, own, .. } = &reading;
        let has_thing = !(things.is_empty() && own.is_empty());
        let whole = !free.is_empty() || (has_thing && !asks.is_empty());
        whole.then(|| self.answer(&self.with_vector(reading, piece))).flatten()
    }

    fn best(&self, text: &str) -> Option<Hit> {
        self.answer(&self.with_vector(Reading::question(text), text))
    }

    fn with_vector(&self, reading: Reading, text: &str) -> Asked {
        Asked { reading, vector: self.meaning.as_ref().map(|meaning| meaning.question(text)) }
    }

    fn answer(&self, asked: &Asked) -> Option<Hit> {
        let chances = weights::softmax(&self.signs(asked), &self.weights.0);
        let (&none, entries) = chances.split_last()?;
        let (at, &chance) = entries.iter().enumerate().max_by(|a, b| a.1.total_cmp(b.1))?;
        (chance > none && chance >= Self::THRESHOLD)
            .then(|| Hit { id: self.entries[at].id.clone(), confidence: chance })
    }

    /// The signs of every entry, then those of "not in the list".
    fn candidates(&self, text: &str) -> Vec<Vec<f32>> {
        self.signs(&self.with_vector(Reading::question(text), text))
    }

    fn signs(&self, asked: &Asked) -> Vec<Vec<f32>> {
        let (asked, meant) = (&asked.reading, meant::Meant::of(asked.vector.as_ref(), &self.entries));
        let near = near::Near::of(asked, &self.entries);
        let entries = (0..self.entries.len()).map(|at| signs::of_entry(asked, at, &self.entries, &near, &meant));
        entries.chain(std::iter::once(signs::of_none(asked, &self.entries, &near, &meant))).collect()
    }
}

/// The entry's id as the evaluation files write it: the best hit, or null.
///
/// ```
/// use understanding::faq::to_json;
/// assert!(to_json(&[]).is_null());
/// ```
pub fn to_json(hits: &[Hit]) -> serde_json::Value {
    hits.first().map_or(serde_json::Value::Null, |hit| serde_json::Value::String(hit.id.clone()))
}

/// Words of prices.
fn is_money(word: &str) -> bool {
    const BEGIN: [&str; 13] = [
        "рубл",
        "тысяч",
        "бесплат",
        "платн",
        "сотн",
        "двести",
        "двухсот",
        "триста",
        "четырест",
        "пятьсот",
        "стоит",
        "процент",
        "платит",
    ];
    BEGIN.iter().any(|begin| word.starts_with(begin)) || word.ends_with("сот") || word == "сто"
}
