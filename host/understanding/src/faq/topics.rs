//! Topics of questions to a clinic, from `data/faq_topics.txt`: finding them in words.

use std::sync::LazyLock;

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

/// One line of the topic file.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Topic {
    pub kind: Kind,
    pub name: &'static str,
    patterns: Vec<Vec<Part>>,
}

/// A word of a pattern.
#[derive(Debug, PartialEq, Eq)]
struct Part {
    /// Beginnings, or whole words where `exact`.
    options: Vec<(&'static str, bool)>,
    /// The pattern fails where such a word is said anywhere.
    unwanted: bool,
}

/// The topics of a text, each once, and for each word whether a topic was found by it.
pub(super) fn find(said: &[String]) -> (Vec<&'static Topic>, Vec<bool>) {
    let mut used = vec![false; said.len()];
    let mut found = Vec::new();
    for topic in TOPICS.iter() {
        let before = found.len();
        for places in topic.patterns.iter().filter_map(|pattern| fits(pattern, said)) {
            if found.len() == before {
                found.push(topic);
            }
            places.into_iter().for_each(|at| used[at] = true);
        }
    }
    (found, used)
}

/// Words that only hold a question together.
pub(super) fn is_function_word(word: &str) -> bool {
    const WORDS: &str = "как что где это вас нас вам нам мне меня или для при без под над про если есть можно нужно надо ли бы же там тут \
        так еще уже вот ваш ваша ваше ваши наш мой моя мою свой быть будет будете был была было какой какая какие какое сколько когда \
        который почему зачем чтобы чем тем только очень тоже вообще просто скажите подскажите пожалуйста здравствуйте добрый день \
        вечер утро хочу хотела хотел узнать вопрос девушка алло делать делаете делают сделать стоит стоят кто куда откуда она они оно \
        обязательно обязателен обязательна сейчас прямо завтра сегодня его нее них все всё сам самый после перед нет дает даете ваших вашей";
    WORDS.split_whitespace().any(|w| w == word)
}

/// The places of the words that make the pattern.
fn fits(pattern: &[Part], said: &[String]) -> Option<Vec<usize>> {
    let hit = |part: &Part, word: &String| {
        part.options.iter().any(|(option, exact)| if *exact { word == option } else { word.starts_with(option) })
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

static TOPICS: LazyLock<Vec<Topic>> = LazyLock::new(|| {
    let lines = include_str!("../../data/faq_topics.txt").lines().filter(|line| !line.starts_with('#'));
    lines
        .filter_map(|line| {
            let (head, patterns) = line.split_once('|')?;
            let (kind, name) = head.trim().split_once(' ')?;
            let kind = match kind {
                "free" => Kind::Free,
                "bound" => Kind::Bound,
                _ => Kind::Thing,
            };
            Some(Topic { kind, name: name.trim(), patterns: patterns.split(';').map(pattern).collect() })
        })
        .collect()
});

fn pattern(text: &'static str) -> Vec<Part> {
    text.split_whitespace()
        .map(|word| {
            let (unwanted, word) = word.strip_prefix('!').map_or((false, word), |rest| (true, rest));
            let options = word
                .split('/')
                .map(|option| option.strip_prefix('=').map_or((option, false), |whole| (whole, true)))
                .collect();
            Part { options, unwanted }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_topic_file_is_well_formed() {
        assert!(TOPICS.len() > 50);
        for topic in TOPICS.iter() {
            for pattern in &topic.patterns {
                assert!(pattern.iter().any(|part| !part.unwanted), "{}: empty pattern", topic.name);
                let letters = pattern.iter().flat_map(|p| &p.options).flat_map(|(option, _)| option.chars());
                assert!(
                    letters.clone().all(|c| c.is_alphanumeric()) && letters.clone().all(|c| c != 'ё'),
                    "{}: {pattern:?}",
                    topic.name
                );
            }
        }
    }
}
