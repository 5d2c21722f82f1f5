//! Which of a clinic's frequent questions was asked, if any.
//!
//! A question is taken apart into topics (hours, payment, price …), the things it is about (implant, vaccination …)
//! and the remaining words. Topics of one kind answer by themselves («где вы находитесь»), others need their thing: the
//! price of an implant is not its guarantee. Words without topic are compared by stem, weighted by how rare they are
//! among the entries. Below the threshold the answer is "not in the list": the desk must not answer beside the point.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

mod topics;

use crate::normalise::{char_ngrams, fuzzy, stem, words};
use crate::profile::FaqEntry;
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
}

/// What a text asks.
#[derive(Debug, Clone, Default)]
struct Question {
    topics: Vec<&'static Topic>,
    things: Vec<&'static str>,
    /// Stems of words that carry meaning.
    stems: Vec<String>,
    /// How many of those words belong to no topic.
    rest: usize,
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
        Matcher { entries, rarity }
    }

    /// The entries that answer `text`, best first: one for each thing asked in one breath, none when the question is not
    /// in the list.
    pub fn find(&self, text: &str) -> Vec<Hit> {
        let mut hits: Vec<Hit> = Vec::new();
        for part in parts(text) {
            if let Some(hit) = self.best(&Question::read(&part)) {
                match hits.iter_mut().find(|h| h.id == hit.id) {
                    Some(known) => known.confidence = known.confidence.max(hit.confidence),
                    None => hits.push(hit),
                }
            }
        }
        if hits.is_empty() {
            hits.extend(self.best(&Question::read(text)));
        }
        hits.sort_by(|a, b| b.confidence.total_cmp(&a.confidence));
        hits
    }

    fn best(&self, asked: &Question) -> Option<Hit> {
        let scored = self.entries.iter().map(|entry| (self.score(asked, entry), entry));
        let (score, entry) = scored.max_by(|a, b| a.0.total_cmp(&b.0))?;
        (score >= Self::THRESHOLD).then(|| Hit { id: entry.id.clone(), confidence: score.clamp(0.0, 1.0) })
    }

    fn score(&self, asked: &Question, entry: &Entry) -> f32 {
        let words = self.overlap(&asked.stems, &entry.question.stems);
        let answer_words = self.overlap(&asked.stems, &entry.answer.stems);
        let lexical = words.max(0.5 * answer_words);
        let shares_thing = asked.things.iter().any(|t| entry.question.things.contains(t));
        let other_thing = !asked.things.is_empty() && !entry.question.things.is_empty() && !shares_thing;
        let mut topical: f32 = 0.0;
        for topic in &asked.topics {
            let in_question = entry.question.topics.iter().any(|t| t.name == topic.name);
            let in_answer = entry.answer.topics.iter().any(|t| t.name == topic.name);
            let worth = match topic.kind {
                Kind::Free if in_question => 0.62,
                Kind::Free if in_answer => 0.48,
                Kind::Bound if in_question && other_thing => 0.0,
                Kind::Bound if in_question && shares_thing => 0.62,
                Kind::Bound if in_question && asked.things.is_empty() && asked.rest == 0 && self.only(topic) => 0.52,
                Kind::Bound if in_question && (asked.things.is_empty() || entry.question.things.is_empty()) => {
                    0.40 + 0.3 * words
                }
                Kind::Bound if in_answer && shares_thing && entry.question.topics.is_empty() => 0.5,
                Kind::Bound if in_answer && shares_thing => 0.3,
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
        let rest = said.iter().zip(used).filter(|(w, used)| meaning(w) && !used).count();
        Question {
            topics: found.iter().copied().filter(|t| t.kind != Kind::Thing).collect(),
            things: found.iter().filter(|t| t.kind == Kind::Thing).map(|t| t.name).collect(),
            stems,
            rest,
        }
    }
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
    let (grams, others) = (char_ngrams(a, 3), char_ngrams(b, 3));
    let common = grams.iter().filter(|g| others.contains(g)).count();
    let dice = 2.0 * common as f32 / (grams.len() + others.len()) as f32;
    if dice >= 0.6 { dice } else { 0.0 }
}

/// Several questions asked in one breath.
fn parts(text: &str) -> Vec<String> {
    let mut out: Vec<String> = vec![String::new()];
    let folded = crate::normalise::fold(text);
    let marked = [
        " а еще ",
        " и еще ",
        " а также ",
        " и заодно ",
        " заодно ",
        " еще вопрос ",
        ", а ",
        ", и ",
        " и как ",
        " и где ",
        " и сколько ",
        " и можно ",
        " и есть ",
    ]
    .iter()
    .fold(format!(" {folded} "), |text, cut| text.replace(cut, &format!("?{cut}")));
    for c in marked.chars() {
        if matches!(c, '?' | '.' | '!' | ';') {
            out.push(String::new());
        } else if let Some(last) = out.last_mut() {
            last.push(c);
        }
    }
    let meaning = |part: &String| !Question::read(part).stems.is_empty() || !Question::read(part).topics.is_empty();
    let mut parts: Vec<String> = out.into_iter().map(|p| p.trim().to_string()).filter(meaning).collect();
    // «…, а сколько?» without a thing of its own means the whole.
    let own = |part: &String| {
        let question = Question::read(part);
        question.topics.iter().any(|t| t.kind == Kind::Free)
            || !question.topics.is_empty() && !question.things.is_empty()
    };
    if parts.len() < 2 || parts.iter().filter(|p| own(p)).count() < 2 {
        parts = vec![folded];
    }
    // «до скольки вы и парковка есть»: «и» parts two questions where each side is one.
    parts
        .into_iter()
        .flat_map(|part| match part.split_once(" и ") {
            Some((a, b)) if own(&a.to_string()) && own(&b.to_string()) => vec![a.to_string(), b.to_string()],
            _ => vec![part],
        })
        .collect()
}
