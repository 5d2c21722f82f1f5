//! Topics of questions to a clinic, from `data/faq_topics.txt`: finding them in words.

use std::collections::HashMap;
use std::sync::LazyLock;

use crate::lexicon::senses::Sense;
use crate::normalise::{sound, stem, words};

/// What a topic needs to be an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Nothing: hours, address, payment.
    Free,
    /// The thing it is about: price, duration, preparation.
    Bound,
    /// Such a thing itself.
    Thing,
}

/// One topic of the file.
#[derive(Debug)]
struct Topic {
    kind: Kind,
    /// Itself and all that is wider.
    line: Vec<usize>,
    /// The next wider ones.
    parents: Vec<usize>,
    patterns: Vec<Vec<Part>>,
    /// What an answer says that tells this.
    said: Vec<Vec<Part>>,
}

/// A word of a pattern: one of its options, or the pattern fails where one of them is said anywhere.
#[derive(Debug)]
struct Part {
    options: Vec<Written>,
    unwanted: bool,
}

#[derive(Debug)]
enum Written {
    /// This very word.
    Word(&'static str),
    /// A beginning, and how it sounds where it is long enough to be told by that.
    Beginning(&'static str, Option<String>),
}

/// From how many letters on a beginning is also known by its sound.
const HEARD_FROM: usize = 5;

/// A text as topics and words.
#[derive(Debug, Clone, Default)]
pub(super) struct Reading {
    /// Topics that answer by themselves.
    pub free: Vec<usize>,
    /// What is asked of a thing (or told of it, in an answer).
    pub asks: Vec<usize>,
    /// Things.
    pub things: Vec<usize>,
    /// Stems of words that carry meaning.
    pub stems: Vec<String>,
    /// Those of them that no topic was found by.
    pub own: Vec<String>,
    /// What each of the stems means.
    pub senses: Vec<Option<Sense>>,
    /// Words in all.
    pub length: usize,
}

impl Reading {
    /// Reads what a caller asks or what an entry is called.
    pub fn question(text: &str) -> Reading {
        Reading::of(text, false)
    }

    /// Reads an answer: it tells things that nobody would ask in these words.
    pub fn answer(text: &str) -> Reading {
        Reading::of(text, true)
    }

    fn of(text: &str, answer: bool) -> Reading {
        let said: Vec<(String, String)> = words(text).into_iter().map(|t| (t.text.clone(), sound(&t.text))).collect();
        let mut used = vec![false; said.len()];
        let mut out = Reading { length: said.len(), ..Reading::default() };
        for (at, topic) in TOPICS.list.iter().enumerate() {
            let mut found = false;
            for places in topic.patterns.iter().filter_map(|pattern| fits(pattern, &said)) {
                found = true;
                places.into_iter().for_each(|place| used[place] = true);
            }
            if found || answer && topic.said.iter().any(|pattern| fits(pattern, &said).is_some()) {
                match topic.kind {
                    Kind::Free => out.free.push(at),
                    Kind::Bound => out.asks.push(at),
                    Kind::Thing => out.things.push(at),
                }
            }
        }
        let meaning =
            |w: &str| !is_function_word(w) && (w.chars().count() > 2 || w.chars().all(|c| c.is_ascii_digit()));
        for ((word, _), used) in said.iter().zip(used).filter(|((word, _), _)| meaning(word)) {
            let stem = stem(word);
            if !used {
                out.own.push(stem.clone());
            }
            out.senses.push(Sense::of(&stem));
            out.stems.push(stem);
        }
        out
    }

    /// The animals among the things, the word "animal" aside.
    pub fn species(&self) -> Vec<usize> {
        self.things.iter().copied().filter(|&t| t != TOPICS.animal && line(t).contains(&TOPICS.animal)).collect()
    }

    /// The things that are no animals.
    pub fn matters(&self) -> Vec<usize> {
        self.things.iter().copied().filter(|&t| !line(t).contains(&TOPICS.animal)).collect()
    }
}

/// The number of a topic; the file has every name the code asks for (a test holds that).
pub(super) fn number(name: &str) -> usize {
    TOPICS.by_name.get(name).copied().unwrap_or(usize::MAX)
}

/// How well things answer for `thing`: 1 itself, 0.8 something wider that speaks of no other kind of it, 0.5 a narrower one.
pub(super) fn covers(things: &[usize], thing: usize) -> f32 {
    if things.contains(&thing) {
        return 1.0;
    }
    let another = |wider: usize| things.iter().any(|&t| t != wider && line(t).contains(&wider));
    if line(thing).iter().any(|&wider| things.contains(&wider) && !another(wider)) {
        return 0.8;
    }
    if things.iter().any(|&t| line(t).contains(&thing)) { 0.5 } else { 0.0 }
}

/// Whether two things are kinds of one wider thing.
pub(super) fn siblings(a: usize, b: usize) -> bool {
    let parents = |t: usize| TOPICS.list.get(t).map_or(&[][..], |t| &t.parents);
    parents(a).iter().any(|p| parents(b).contains(p))
}

fn line(thing: usize) -> &'static [usize] {
    TOPICS.list.get(thing).map_or(&[], |t| &t.line)
}

/// Words that only hold a question together.
fn is_function_word(word: &str) -> bool {
    const WORDS: &str = "как что где это вас нас вам нам мне меня или для при без под над про если есть можно нужно надо ли бы же там \
        тут так еще уже вот ваш ваша ваше ваши наш мой моя мою свой быть будет будете был была было какой какая какие \
        какое сколько когда который почему зачем чтобы чем тем только очень тоже вообще просто скажите подскажите \
        пожалуйста здравствуйте добрый день вечер утро хочу хотела хотел узнать вопрос девушка алло делать делаете \
        делают сделать стоит стоят кто куда откуда она они оно обязательно обязателен обязательна сейчас прямо завтра \
        сегодня его нее них все сам самый после перед нет дает даете ваших вашей здрасте ало слушайте значит вообщем \
        короче типа голубушка милая дочка сынок доченька девушки ребята ладно ага то ни уж нибудь какие-нибудь либо \
        такой такая такое такие хочется хотим нада можна могу можете можем сможете смогу будем буду ты он мы вы я ее \
        их ему ей им нем ней например собираюсь получится самой самому свою своей своего своему своих именно понимаю \
        знаю помню забыла кто-нибудь что-нибудь него нею тогда потом теперь";
    static SET: LazyLock<std::collections::HashSet<&str>> = LazyLock::new(|| WORDS.split_whitespace().collect());
    SET.contains(word)
}

/// The places of the words that make the pattern.
fn fits(pattern: &[Part], said: &[(String, String)]) -> Option<Vec<usize>> {
    let hit = |part: &Part, (word, sound): &(String, String)| {
        part.options.iter().any(|option| match option {
            Written::Word(whole) => word == whole,
            Written::Beginning(written, heard) => {
                word.starts_with(written) || heard.as_ref().is_some_and(|heard| sound.starts_with(heard.as_str()))
            }
        })
    };
    if pattern.iter().filter(|p| p.unwanted).any(|p| said.iter().any(|w| hit(p, w))) {
        return None;
    }
    let wanted: Vec<&Part> = pattern.iter().filter(|p| !p.unwanted).collect();
    (0..said.len()).find_map(|start| {
        let mut at = start;
        let mut places = Vec::new();
        for (nth, part) in wanted.iter().enumerate() {
            // Up to two other words may stand between two words of a pattern.
            let reach = if nth == 0 { 1 } else { 3 };
            let step = said.iter().skip(at).take(reach).position(|w| hit(part, w))?;
            places.push(at + step);
            at += step + 1;
        }
        Some(places)
    })
}

struct Topics {
    list: Vec<Topic>,
    by_name: HashMap<&'static str, usize>,
    animal: usize,
}

static TOPICS: LazyLock<Topics> = LazyLock::new(|| {
    let lines = || {
        let lines = include_str!("../../data/faq_topics.txt").lines().filter(|line| !line.starts_with('#'));
        lines.filter_map(|line| line.split_once('|'))
    };
    let mut topics = Topics { list: Vec::new(), by_name: HashMap::new(), animal: usize::MAX };
    let mut wider: Vec<Vec<&'static str>> = Vec::new();
    for (head, patterns) in lines() {
        let mut head = head.split_whitespace();
        let (Some(kind), Some(name)) = (head.next(), head.next()) else { continue };
        let read: Vec<Vec<Part>> = patterns.split(';').map(pattern).filter(|p| p.iter().any(|p| !p.unwanted)).collect();
        let kind = match kind {
            "free" => Kind::Free,
            "bound" => Kind::Bound,
            "thing" => Kind::Thing,
            _ => {
                if let Some(topic) = topics.by_name.get(name).and_then(|&at| topics.list.get_mut(at)) {
                    topic.said.extend(read);
                }
                continue;
            }
        };
        topics.by_name.insert(name, topics.list.len());
        wider.push(head.collect());
        topics.list.push(Topic { kind, line: Vec::new(), parents: Vec::new(), patterns: read, said: Vec::new() });
    }
    let parents: Vec<Vec<usize>> =
        wider.iter().map(|names| names.iter().filter_map(|n| topics.by_name.get(n).copied()).collect()).collect();
    for at in 0..topics.list.len() {
        let mut line = vec![at];
        let mut next = 0;
        while let Some(&thing) = line.get(next) {
            for &parent in &parents[thing] {
                if !line.contains(&parent) {
                    line.push(parent);
                }
            }
            next += 1;
        }
        topics.list[at].line = line;
        topics.list[at].parents.clone_from(&parents[at]);
    }
    topics.animal = topics.by_name.get("animal").copied().unwrap_or(usize::MAX);
    topics
});

fn pattern(text: &'static str) -> Vec<Part> {
    text.split_whitespace()
        .map(|word| {
            let (unwanted, word) = word.strip_prefix('!').map_or((false, word), |rest| (true, rest));
            let option = |option: &'static str| match option.strip_prefix('=') {
                Some(whole) => Written::Word(whole),
                None if option.chars().count() < HEARD_FROM => Written::Beginning(option, None),
                // The last letter of a beginning is not the last of a word: it keeps its voice.
                None => {
                    let mut heard = sound(&format!("{option}а"));
                    heard.pop();
                    Written::Beginning(option, Some(heard))
                }
            };
            Part { options: word.split('/').map(option).collect(), unwanted }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_topic_file_is_well_formed() {
        assert!(TOPICS.list.len() > 200 && TOPICS.animal != usize::MAX);
        assert_eq!(TOPICS.by_name.len(), TOPICS.list.len(), "a name stands twice");
        let lines = include_str!("../../data/faq_topics.txt").lines().filter(|line| !line.starts_with('#'));
        for (head, _) in lines.filter_map(|l| l.split_once('|')) {
            for name in head.split_whitespace().skip(1) {
                assert_ne!(number(name), usize::MAX, "{head}: no topic {name}");
            }
        }
        for topic in &TOPICS.list {
            for part in topic.patterns.iter().chain(&topic.said).flatten() {
                for Written::Word(option) | Written::Beginning(option, _) in &part.options {
                    let letters = option.chars().all(|c| c.is_alphanumeric() && c != 'ё');
                    assert!(letters && !option.is_empty(), "{option:?}");
                }
            }
        }
    }

    #[test]
    fn wider_things_answer_for_narrower_ones_but_not_for_their_kin() {
        let [vaccine, flu, measles] = ["vaccine", "flu", "measles"].map(number);
        assert_eq!(covers(&[vaccine], flu), 0.8);
        assert_eq!(covers(&[vaccine, measles], flu), 0.0);
        assert!(siblings(flu, measles));
    }

    #[test]
    fn misspelt_words_are_known_by_their_sound() {
        assert!(Reading::question("что нильзя есть перид узи").asks.contains(&number("prepare")));
    }
}
