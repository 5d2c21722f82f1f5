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
mod near;
mod parts;
mod signs;
mod topics;
pub mod weights;

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
}

#[derive(Debug, Clone)]
struct Entry {
    id: String,
    question: Reading,
    answer: Reading,
    /// Whether it names a price, or that there is none.
    money: bool,
}

impl Entry {
    fn new(question: &str, answer: &str) -> Entry {
        let named = words(question).into_iter().chain(words(answer)).any(|word| is_money(&word.text));
        Entry {
            id: String::new(),
            question: Reading::question(question),
            answer: Reading::answer(answer),
            money: named,
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
        Matcher { entries: entries.collect(), weights: Weights::embedded().clone() }
    }

    /// The same entries under other weights: for those who fit them.
    pub fn weighted(mut self, weights: Weights) -> Matcher {
        self.weights = weights;
        self
    }

    /// The entries that answer `text`, best first: one for each thing asked in one breath, none when the question is not
    /// in the list.
    pub fn find(&self, text: &str) -> Vec<Hit> {
        let whole = self.best(text);
        let mut hits = self.several(&parts::pieces(text), whole.as_ref()).unwrap_or(whole.into_iter().collect());
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
        let asked = Reading::question(piece);
        let has_thing = !(asked.things.is_empty() && asked.own.is_empty());
        let whole = !asked.free.is_empty() || (has_thing && !asked.asks.is_empty());
        whole.then(|| self.answer(&asked)).flatten()
    }

    fn best(&self, text: &str) -> Option<Hit> {
        self.answer(&Reading::question(text))
    }

    fn answer(&self, asked: &Reading) -> Option<Hit> {
        let chances = weights::softmax(&self.signs(asked), &self.weights.0);
        let (&none, entries) = chances.split_last()?;
        let (at, &chance) = entries.iter().enumerate().max_by(|a, b| a.1.total_cmp(b.1))?;
        (chance > none && chance >= Self::THRESHOLD)
            .then(|| Hit { id: self.entries[at].id.clone(), confidence: chance })
    }

    /// The signs of every entry, then those of "not in the list".
    fn candidates(&self, text: &str) -> Vec<Vec<f32>> {
        self.signs(&Reading::question(text))
    }

    fn signs(&self, asked: &Reading) -> Vec<Vec<f32>> {
        let near = near::Near::of(asked, &self.entries);
        let entries = (0..self.entries.len()).map(|at| signs::of_entry(asked, at, &self.entries, &near));
        entries.chain(std::iter::once(signs::of_none(asked, &self.entries, &near))).collect()
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
