//! Which of a clinic's frequent questions was asked, if any.
//!
//! A question is taken apart into topics (hours, payment, price …), the things it is about (implant, vaccination …)
//! and the remaining words. Topics of one kind answer by themselves («где вы находитесь»), others need their thing: the
//! price of an implant is not its guarantee. Words without topic are compared by stem, weighted by how rare they are
//! among the entries. Below the threshold the answer is "not in the list": the desk must not answer beside the point.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

mod parts;
mod similar;
mod topics;

use crate::normalise::{char_ngrams, fuzzy, stem, words};
use crate::profile::FaqEntry;
use crate::{animal, number};
use similar::Letters;
use topics::{Kind, Topic};

/// An entry that answers the question.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Hit {
    /// The entry's id.
    pub id: String,
    /// 0 to 1; hits are only returned from [`Matcher::THRESHOLD`] on.
    pub confidence: f32,
}

/// A clinic's questions, prepared for matching.
#[derive(Debug, Clone)]
pub struct Matcher {
    entries: Vec<Entry>,
    /// How rare each stem is among the entries, 0 to 1.
    rarity: HashMap<String, f32>,
    letters: Letters,
}

/// What a text asks.
#[derive(Debug, Clone, Default)]
struct Question {
    topics: Vec<&'static Topic>,
    things: Vec<&'static str>,
    /// Stems of words that carry meaning.
    stems: Vec<String>,
    /// Those of them that belong to no topic, verbs and animals aside.
    own: Vec<String>,
    /// The animal asked about.
    species: Option<String>,
}

#[derive(Debug, Clone)]
struct Entry {
    id: String,
    question: Question,
    answer: Question,
}

impl Matcher {
    /// Confidence from which an entry counts as an answer.
    pub const THRESHOLD: f32 = 0.5;

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
        let entries: Vec<Entry> = entries
            .iter()
            .map(|e| Entry {
                id: e.id.clone(),
                question: Question::read(&e.question),
                answer: Question::read(&e.answer),
            })
            .collect();
        let mut counts: HashMap<String, usize> = HashMap::new();
        for entry in &entries {
            let mut own: Vec<&String> = entry.question.stems.iter().chain(&entry.answer.stems).collect();
            own.sort();
            own.dedup();
            for stem in own {
                *counts.entry(stem.clone()).or_default() += 1;
            }
        }
        let all = entries.len().max(1) as f32;
        let rarity = counts.into_iter().map(|(stem, n)| (stem, 1.0 - (n as f32 - 1.0) / all)).collect();
        let letters = Letters::new(entries.iter().map(|e| e.question.stems.iter().chain(&e.answer.stems).collect()));
        Matcher { entries, rarity, letters }
    }

    /// The entries that answer `text`, best first: one for each thing asked in one breath, none when the question is not
    /// in the list.
    pub fn find(&self, text: &str) -> Vec<Hit> {
        let whole: Vec<Hit> = self.best(&Question::read(text)).into_iter().collect();
        let mut hits = self.several(&parts::pieces(text)).unwrap_or(whole);
        hits.sort_by(|a, b| b.confidence.total_cmp(&a.confidence));
        hits
    }

    /// Different entries for neighbouring pieces of a text, as many as there are; none unless two pieces or more have an
    /// answer of their own.
    fn several(&self, pieces: &[String]) -> Option<Vec<Hit>> {
        parts::groupings(pieces)
            .into_iter()
            .filter_map(|groups| {
                let hits: Vec<Hit> = groups.iter().map(|g| self.asked_alone(g)).collect::<Option<_>>()?;
                let distinct = (1..hits.len()).all(|at| hits[..at].iter().all(|earlier| earlier.id != hits[at].id));
                (hits.len() > 1 && distinct).then_some(hits)
            })
            .max_by(|a, b| {
                let sum = |hits: &[Hit]| hits.iter().map(|h| h.confidence).sum::<f32>() / hits.len() as f32;
                a.len().cmp(&b.len()).then(sum(a).total_cmp(&sum(b)))
            })
    }

    /// The answer to a piece that is a question by itself, not the rest of one.
    fn asked_alone(&self, piece: &str) -> Option<Hit> {
        let question = Question::read(piece);
        let whole = question.topics.iter().any(|t| t.kind == Kind::Free)
            || !(question.topics.is_empty() || question.things.is_empty() && question.own.is_empty())
            || question.own.iter().chain(&question.stems).any(|stem| self.speaking_of(stem) == 1);
        whole.then(|| self.best(&question)).flatten()
    }

    fn best(&self, asked: &Question) -> Option<Hit> {
        let scored = self.entries.iter().map(|entry| (self.score(asked, entry), entry));
        let (score, entry) = scored.max_by(|a, b| a.0.total_cmp(&b.0))?;
        if score >= Self::THRESHOLD {
            return Some(Hit { id: entry.id.clone(), confidence: score.clamp(0.0, 1.0) });
        }
        self.resembling(asked)
    }

    /// The entry worded like the question, unless it is silent on a topic, a thing or an animal that was asked about.
    fn resembling(&self, asked: &Question) -> Option<Hit> {
        let (at, share) = self.letters.nearest(&asked.stems)?;
        let entry = self.entries.get(at)?;
        let topic = |t: &&'static Topic| entry.question.topics.contains(t) || entry.answer.topics.contains(t);
        let thing = |t: &&'static str| entry.question.things.contains(t) || entry.answer.things.contains(t);
        let animal = asked.species.is_none() || asked.species == entry.question.species;
        (asked.topics.iter().all(topic) && asked.things.iter().all(thing) && animal)
            .then(|| Hit { id: entry.id.clone(), confidence: Self::THRESHOLD + 0.2 * share })
    }

    fn score(&self, asked: &Question, entry: &Entry) -> f32 {
        let mut score = self.likely(asked, entry);
        if self.telling(asked, entry) {
            score = score.max(0.55);
        }
        // «от ковида прививаете» asked of «Прививка от гриппа»: each names something that the other does not.
        let answered = |t: &&&'static Topic| t.kind == Kind::Free && entry.question.topics.contains(*t);
        if !asked.topics.iter().any(|t| answered(&t)) && self.astray(asked, entry) {
            score -= 0.3;
        }
        // The price of a tom-cat is not that of a dog; «птиц» may stand for any of them.
        let pets = |q: &Question| q.species.clone().filter(|s| matches!(s.as_str(), "кошка" | "собака"));
        if pets(asked).zip(pets(&entry.question)).is_some_and(|(a, b)| a != b) {
            score -= 0.5;
        }
        score
    }

    /// Whether the caller used a word that this entry alone is about.
    fn telling(&self, asked: &Question, entry: &Entry) -> bool {
        let known =
            |t: &'static Topic| entry.question.topics.iter().chain(&entry.answer.topics).any(|own| own.name == t.name);
        // How long or how often may be told by an answer of any kind; a price or an address is not.
        let told_anywhere = |t: &&'static Topic| t.kind == Kind::Bound && !matches!(t.name, "price" | "certificate");
        if !asked.topics.is_empty() && !asked.topics.iter().any(|t| known(t) || told_anywhere(t)) {
            return false;
        }
        let of_another =
            |thing: &&&str| !entry.question.things.contains(*thing) && !entry.answer.things.contains(*thing);
        if asked.things.iter().any(|thing| of_another(&thing)) {
            return false;
        }
        let number = |stem: &str| number::word(stem).is_some() || stem.chars().all(|c| c.is_ascii_digit());
        let only_here = |stem: &String| stem.chars().count() >= 4 && !number(stem) && self.speaking_of(stem) == 1;
        let of_question = |stem: &&String| entry.question.stems.iter().any(|s| likeness(s, stem) >= 0.85);
        let of_answer = |stem: &&String| entry.answer.stems.iter().any(|s| likeness(s, stem) >= 0.85);
        let telling = asked.own.iter().filter(|s| only_here(s) && (of_question(s) || of_answer(s))).count();
        2 * telling > asked.own.len()
    }

    /// How many entries speak of the word, in question or answer.
    fn speaking_of(&self, stem: &str) -> usize {
        let speaks = |e: &&Entry| e.question.stems.iter().chain(&e.answer.stems).any(|s| likeness(s, stem) >= 0.85);
        self.entries.iter().filter(speaks).count()
    }

    fn astray(&self, asked: &Question, entry: &Entry) -> bool {
        let in_entry = |stem: &String| {
            entry.question.stems.iter().chain(&entry.answer.stems).any(|own| likeness(own, stem) >= 0.6)
        };
        let in_asked = |stem: &String| asked.stems.iter().any(|own| likeness(own, stem) >= 0.6);
        // «от ковида» asked of «от гриппа»: each has a thing of its own.
        let strange_things =
            asked.things.iter().any(|t| !entry.question.things.contains(t) && !entry.answer.things.contains(t));
        let strange = strange_things || !asked.own.is_empty() && !asked.own.iter().any(in_entry);
        let things_left_out = strange_things && entry.question.things.iter().any(|t| !asked.things.contains(t));
        let left_out = things_left_out || !entry.question.own.is_empty() && !entry.question.own.iter().any(in_asked);
        strange && left_out
    }

    /// How likely the entry is to answer, by topics, things and words in common.
    fn likely(&self, asked: &Question, entry: &Entry) -> f32 {
        let words = self.overlap(&asked.stems, &entry.question.stems);
        let answer_words = self.overlap(&asked.stems, &entry.answer.stems);
        let lexical = words.max(0.5 * answer_words);
        let shares_thing = asked.things.iter().any(|t| entry.question.things.contains(t));
        let other_thing = !asked.things.is_empty() && !entry.question.things.is_empty() && !shares_thing;
        let answers_things = asked.things.iter().all(|t| entry.answer.things.contains(t));
        let of_other_matter = !asked.things.is_empty()
            && entry.question.things.is_empty()
            && entry.question.topics.iter().any(|t| t.kind == Kind::Free && !asked.topics.contains(t));
        let mut topical: f32 = 0.0;
        for topic in &asked.topics {
            let in_question = entry.question.topics.iter().any(|t| t.name == topic.name);
            let in_answer = entry.answer.topics.iter().any(|t| t.name == topic.name);
            let worth = match topic.kind {
                Kind::Free if in_question => 0.62,
                Kind::Free if in_answer => 0.48,
                // «справка в бассейн» asked of «Медкнижки и справки», whose answer names it.
                Kind::Bound if in_question && other_thing && answers_things => 0.5,
                Kind::Bound if in_question && other_thing => 0.0,
                // «справка для бассейна» asked of «Справка в налоговую», which has no thing but another topic.
                Kind::Bound if in_question && of_other_matter => 0.0,
                Kind::Bound if in_question && shares_thing => 0.62,
                Kind::Bound if in_question && asked.things.is_empty() && asked.own.is_empty() && self.only(topic) => {
                    0.52
                }
                Kind::Bound if in_question && (asked.things.is_empty() || entry.question.things.is_empty()) => {
                    0.40 + 0.3 * words
                }
                Kind::Bound if in_answer && shares_thing && entry.question.topics.is_empty() => 0.5,
                Kind::Bound if in_answer && shares_thing => 0.46 + 0.2 * words,
                _ => 0.0,
            };
            topical = topical.max(worth);
        }
        if topical > 0.0 {
            // Each speaks of something that the other does not.
            let astray = asked.things.iter().any(|t| !entry.question.things.contains(t))
                && entry.question.things.iter().any(|t| !asked.things.contains(t));
            let thing = if astray && shares_thing { -0.35 } else { 0.0 }
                + if shares_thing {
                    0.12
                } else if other_thing {
                    -0.08
                } else {
                    0.0
                };
            // Of two entries that fit, the one that speaks of less else.
            let beside = entry.question.topics.iter().filter(|t| !asked.topics.contains(t)).count() as f32;
            return topical + thing + 0.25 * lexical - 0.02 * beside.min(4.0);
        }
        // Asked for something the entry does not speak of: only near identity of words can outweigh that.
        if !asked.topics.is_empty() {
            return 0.3 * words + 0.3 * self.overlap(&entry.question.stems, &asked.stems);
        }
        let both_ways = words.min(1.0) * 0.6 + self.overlap(&entry.question.stems, &asked.stems) * 0.3;
        let shared = asked.things.iter().filter(|t| entry.question.things.contains(t)).count();
        // «чипируете?» asked of «Чипирование»; two things in common are no chance.
        if shares_thing && entry.question.topics.is_empty() && !other_thing && self.only_thing(asked, entry) {
            return 0.56 + 0.3 * words;
        }
        if shared >= 2 {
            return 0.5 + 0.3 * words;
        }
        if let ([stem], 0) = (asked.stems.as_slice(), asked.topics.len())
            && self.entries.iter().filter(|e| e.question.stems.contains(stem)).count() == 1
            && entry.question.stems.contains(stem)
        {
            return 0.54;
        }
        let enough = asked.stems.len() >= 2 || entry.question.stems.len() <= 2;
        let thing = if shares_thing && entry.question.topics.is_empty() { 0.2 } else { 0.0 };
        if enough { both_ways + thing + 0.15 * answer_words } else { 0.5 * both_ways + thing }
    }

    /// Whether no other entry without a topic is about a thing that was asked for.
    fn only_thing(&self, asked: &Question, entry: &Entry) -> bool {
        let about =
            |e: &&Entry| e.question.topics.is_empty() && e.question.things.iter().any(|t| asked.things.contains(t));
        self.entries.iter().filter(about).all(|e| e.id == entry.id)
    }

    /// Whether one entry alone speaks of the topic.
    fn only(&self, topic: &Topic) -> bool {
        self.entries.iter().filter(|e| e.question.topics.iter().any(|t| t.name == topic.name)).count() == 1
    }

    /// How much of `a`, by weight, is found in `b`.
    fn overlap(&self, a: &[String], b: &[String]) -> f32 {
        let weight = |s: &String| self.rarity.get(s).copied().unwrap_or(1.0).max(0.2);
        let total: f32 = a.iter().map(weight).sum();
        if total == 0.0 {
            return 0.0;
        }
        let common: f32 = a.iter().map(|s| weight(s) * b.iter().map(|t| likeness(s, t)).fold(0.0, f32::max)).sum();
        common / total
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

impl Question {
    fn read(text: &str) -> Question {
        let said: Vec<String> = words(text).into_iter().map(|t| t.text).collect();
        let (found, used) = topics::find(&said);
        let meaning = |w: &str| w.chars().count() > 2 && !topics::is_function_word(w);
        let stems = said.iter().filter(|w| meaning(w)).map(|w| stem(w)).collect();
        let noun = |w: &str| meaning(w) && !is_verb(w) && animal::parse(w).is_none_or(|a| a.species.is_none());
        let own = said.iter().zip(used).filter(|(w, used)| noun(w) && !used).map(|(w, _)| stem(w)).collect();
        Question {
            topics: found.iter().copied().filter(|t| t.kind != Kind::Thing).collect(),
            things: found.iter().filter(|t| t.kind == Kind::Thing).map(|t| t.name).collect(),
            stems,
            own,
            species: animal::parse(text).and_then(|animal| animal.species),
        }
    }
}

/// Prefixes of verbs that leave the meaning near.
const PREFIXES: [&str; 12] = ["при", "под", "от", "за", "вы", "по", "до", "про", "пере", "об", "у", "с"];

/// Whether a word ends as verbs do: what is done tells questions apart less than what it is done to.
fn is_verb(word: &str) -> bool {
    const ENDINGS: &str = "ать ять еть ить уть ыть ти чь ете ите ает яет еет ует ают яют уют ется ится аются ться тся аем яем уем \
        али яли или ели ала ила ешь ишь айте";
    word.chars().count() > 4 && ENDINGS.split_whitespace().any(|end| word.ends_with(end))
}

/// Equal stems are alike, damaged or derived ones partly.
fn likeness(a: &str, b: &str) -> f32 {
    if a == b {
        return 1.0;
    }
    let (short, long) = (a.chars().count().min(b.chars().count()), a.chars().count().max(b.chars().count()));
    if short < 4 || long > 2 * short {
        return 0.0;
    }
    if fuzzy::within(a, b, 1).is_some() {
        return 0.85;
    }
    // «везти», «привезти»; «первый», «первичный»
    let bare = |s: &str| PREFIXES.iter().find_map(|p| s.strip_prefix(p)).map(str::to_owned);
    if bare(a).is_some_and(|a| a == b) || bare(b).is_some_and(|b| a == b) {
        return 0.85;
    }
    if a.starts_with(b) || b.starts_with(a) {
        return 0.7;
    }
    let (grams, others) = (char_ngrams(a, 3), char_ngrams(b, 3));
    let common = grams.iter().filter(|g| others.contains(g)).count();
    let dice = 2.0 * common as f32 / (grams.len() + others.len()) as f32;
    if dice >= 0.6 { dice } else { 0.0 }
}
