//! The words of an answer as names need them: parts of a double name together, letters spelled out put into a word, and
//! which word the caller calls the surname.

use super::unlisted::{QUALITIES, from_first};
use super::{Gender, STOP, first, is_first, patronymic, surname};
use crate::normalise::{Token, TokenKind, listed, tokens};

/// A word of the text, hyphenated parts together.
#[derive(Debug, Clone)]
pub(super) struct Word {
    /// As written.
    pub said: String,
    /// Folded.
    pub text: String,
    /// A comma, full stop or the start of the text stands before it.
    pub apart: bool,
    /// A dash stands before it.
    dash: bool,
    /// The caller says that this is the surname.
    pub surname: bool,
}

impl Word {
    /// Whether it begins with a capital letter.
    pub fn large(&self) -> bool {
        self.said.chars().next().is_some_and(char::is_uppercase)
    }

    /// Its letters.
    pub fn len(&self) -> usize {
        self.text.chars().count()
    }
}

/// The words of `text`.
pub(super) fn words(text: &str) -> Vec<Word> {
    let mut words = hyphenated(spelled(joined(text)));
    declare(&mut words);
    beside_a_woman(&mut words);
    words
}

fn joined(text: &str) -> Vec<Word> {
    let mut out: Vec<Word> = Vec::new();
    let all = tokens(text);
    let glued = |a: &Token, b: &Token| a.bytes.end == b.bytes.start;
    let (mut apart, mut dash) = (true, false);
    for (nth, token) in all.iter().enumerate() {
        let hyphen =
            nth >= 2 && all[nth - 1].is("-") && glued(&all[nth - 2], &all[nth - 1]) && glued(&all[nth - 1], token);
        match (token.kind, out.last_mut()) {
            (TokenKind::Mark, _) => {
                apart |= !token.is("-");
                dash |= ["-", "–", "—"].iter().any(|mark| token.is(mark));
            }
            (_, Some(last)) if hyphen && token.kind == TokenKind::Word => {
                last.said = format!("{}-{}", last.said, &text[token.bytes.clone()]);
                last.text = format!("{}-{}", last.text, token.text);
                dash = false;
            }
            _ => {
                let said = text[token.bytes.clone()].to_string();
                out.push(Word { said, text: token.text.clone(), apart, dash, surname: false });
                (apart, dash) = (false, false);
            }
        }
    }
    out
}

/// What letters are called, before the letters.
const LETTERS: &[(&str, &str)] = &[
    ("бэ", "б"),
    ("бе", "б"),
    ("вэ", "в"),
    ("ве", "в"),
    ("гэ", "г"),
    ("ге", "г"),
    ("дэ", "д"),
    ("де", "д"),
    ("жэ", "ж"),
    ("же", "ж"),
    ("зэ", "з"),
    ("зе", "з"),
    ("ка", "к"),
    ("эл", "л"),
    ("эль", "л"),
    ("эм", "м"),
    ("эн", "н"),
    ("пэ", "п"),
    ("пе", "п"),
    ("эр", "р"),
    ("рэ", "р"),
    ("хэ", "х"),
    ("эс", "с"),
    ("тэ", "т"),
    ("те", "т"),
    ("эф", "ф"),
    ("ха", "х"),
    ("цэ", "ц"),
    ("це", "ц"),
    ("че", "ч"),
    ("ша", "ш"),
    ("ща", "щ"),
];

/// The letters that a word spells: itself, its name, or several with hyphens («щ-у-к-а»).
fn letters(word: &Word) -> Option<String> {
    let one = |part: &str| {
        let alone = part.chars().count() == 1 && part.chars().all(char::is_alphabetic);
        let named = || LETTERS.iter().find(|(name, _)| *name == part).map(|(_, letter)| (*letter).to_string());
        if alone { Some(part.to_string()) } else { named() }
    };
    word.text.split('-').map(one).collect()
}

/// «щ у к а, Щука Анатолий», «фамилия ч и ж»: three letters or more are a word; where it is said as well, they go.
fn spelled(words: Vec<Word>) -> Vec<Word> {
    let mut out: Vec<Word> = Vec::new();
    let mut spelt: Vec<usize> = Vec::new();
    let mut at = 0;
    while at < words.len() {
        let run: Vec<String> = words[at..].iter().map_while(letters).collect();
        let word = run.concat();
        let consonant = word.chars().any(|c| !"аеиоуыэюя".contains(c));
        if word.chars().count() < 3 || !consonant || word.chars().all(|c| word.starts_with(c)) {
            out.push(words[at].clone());
            at += 1;
            continue;
        }
        spelt.push(out.len());
        let apart = words[at].apart;
        out.push(Word { said: word.clone(), text: word, apart, dash: words[at].dash, surname: false });
        at += run.len();
    }
    let surname_asked = out.iter().any(|w| w.text.starts_with("фамили"));
    for at in spelt.into_iter().rev() {
        let same = |other: &usize| *other != at && out[*other].text.starts_with(&out[at].text);
        let whole = (0..out.len()).find(same);
        let named = at > 0 && listed("имя зовут звать", &out[at - 1].text);
        let target = whole.unwrap_or(at);
        let lone = !out.iter().any(|w| is_first(&w.text));
        out[target].surname = !named && !is_first(&out[target].text) && (surname_asked || !lone);
        if whole.is_some() {
            let gone = out.remove(at);
            if let Some(next) = out.get_mut(at) {
                next.apart |= gone.apart;
            }
        }
    }
    out
}

const HYPHEN: &str = "дефис дефиса дефисом черточка черточку черточкой тире двойная двойную";

/// «римский корсаков через дефис», «Петрова дефис Сидорова»: a hyphen in words.
fn hyphenated(mut words: Vec<Word>) -> Vec<Word> {
    let Some(cue) = words.iter().position(|w| listed(HYPHEN, &w.text)) else { return words };
    if words.iter().any(|w| w.text.contains('-')) {
        return words;
    }
    let free = |w: &Word| {
        !listed(STOP, &w.text)
            && w.len() > 2
            && first::read(&w.text, &w.said, None, None).is_none_or(|_| surname::strength(&w.text) > 2)
            && patronymic::read(&w.text, &w.said).is_none_or(|_| w.text.ends_with("вич"))
    };
    let join = |words: &mut Vec<Word>, one: usize, two: usize| {
        let second = words[two].clone();
        words[one].said = format!("{}-{}", words[one].said, second.said);
        words[one].text = format!("{}-{}", words[one].text, second.text);
        words[one].surname = true;
        words.drain(one + 1..=two);
    };
    let from = if cue > 0 && words[cue - 1].text == "через" { cue - 1 } else { cue };
    let fits = |one: &Word, two: &Word| {
        free(one) && free(two) && surname::looks_like(&one.text).max(surname::looks_like(&two.text))
    };
    if let Some(before) = from.checked_sub(1)
        && words.get(cue + 1).is_some_and(|next| fits(&words[before], next))
    {
        join(&mut words, before, cue + 1);
        return words;
    }
    let pair = (1..words.len()).filter(|at| !words[*at].apart && fits(&words[at - 1], &words[*at]));
    if let Some(two) = pair.max_by_key(|at| surname::strength(&words[*at].text)) {
        join(&mut words, two - 1, two);
    }
    words
}

/// «Абрамович — фамилия», «фамилия Ким»: what reads as a first name or a patronymic is the surname if it is called so.
fn declare(words: &mut [Word]) {
    let free = |w: &Word| !listed(STOP, &w.text) && !listed(QUALITIES, &w.text);
    let male = |w: &Word| {
        let first = first::read(&w.text, &w.said, None, Some(false));
        let patronymic = patronymic::read(&w.text, &w.said);
        first.is_some_and(|r| !r.oblique && r.gender == Some(Gender::Male) && !w.text.ends_with(['а', 'я']))
            || patronymic.is_some_and(|r| !r.oblique && w.text.ends_with("вич"))
    };
    let cues: Vec<usize> = (0..words.len()).filter(|at| words[*at].text == "фамилия").collect();
    for cue in cues {
        let from = (0..=cue).rev().find(|at| words[*at].apart && !words[*at].dash).unwrap_or(0);
        let to = (cue + 1..words.len()).find(|at| words[*at].apart && !words[*at].dash).unwrap_or(words.len());
        let before = (from..cue).rev().find(|at| free(&words[*at]));
        let after = (cue + 1..to).find(|at| free(&words[*at]));
        let called = match (before, after) {
            (Some(at), None) if words[at + 1..=cue].iter().all(|w| !free(w) || w.text == "фамилия") => Some(at),
            (None, Some(at)) => {
                let patronymic = words.get(at + 1).is_some_and(|w| patronymic::read(&w.text, &w.said).is_some());
                Some(at).filter(|_| !patronymic)
            }
            _ => None,
        };
        if let Some(at) = called.filter(|at| male(&words[*at])) {
            let text = words[at].text.clone();
            words.iter_mut().filter(|w| w.text == text).for_each(|w| w.surname = true);
        }
    }
}

/// «Наталья Рабинович», «Лёва Войцехович»: a man's patronymic stands beside no woman's name, after no other patronymic, and
/// beside a pet name hardly.
fn beside_a_woman(words: &mut [Word]) {
    const FULL: &str = "илья никита кузьма фома лука савва данила";
    let reading = |at: usize| {
        let word = words.get(at)?;
        first::read(&word.text, &word.said, None, Some(false)).filter(|r| !r.oblique)
    };
    let contradicts = |at: usize, root: bool| {
        reading(at).is_some_and(|r| match r.gender {
            Some(Gender::Female) => true,
            _ => !root && r.nominative.ends_with(['а', 'я']) && !listed(FULL, &words[at].text),
        })
    };
    let surnames: Vec<usize> = (0..words.len())
        .filter(|at| {
            let word = &words[*at];
            let male = patronymic::read(&word.text, &word.said)
                .is_some_and(|r| r.gender == Gender::Male && !r.oblique && word.text.ends_with("вич"));
            let before = at.checked_sub(1).filter(|_| !word.apart);
            let after = Some(at + 1).filter(|n| words.get(*n).is_some_and(|w| !w.apart));
            let root = from_first(&word.text);
            // «Ольга Моисеевна Рабинович», «Иван Петрович Абрамович»
            let second = before.is_some_and(|n| patronymic::read(&words[n].text, &words[n].said).is_some());
            let man = before.and_then(reading).is_some_and(|r| r.gender == Some(Gender::Male));
            male && (second
                || before.is_some_and(|n| contradicts(n, root))
                || !man && after.is_some_and(|n| contradicts(n, root)))
        })
        .collect();
    for at in surnames {
        words[at].surname = true;
    }
}

#[cfg(test)]
mod tests {
    use crate::name::parse;

    #[test]
    fn the_caller_says_which_word_is_the_surname() {
        for (text, last, first) in [
            ("ж у к жук дмитрий", "Жук", "Дмитрий"),
            ("Щ-у-к-а, Анатолий Щука", "Щука", "Анатолий"),
            ("матвей фамилия ч и ж", "Чиж", "Матвей"),
            ("эм, ы, эс, и, ка. Мысик Вадим", "Мысик", "Вадим"),
            ("дмитрий мамин сибиряк через дефис", "Мамин-Сибиряк", "Дмитрий"),
            ("Петрова дефис Водкина, Зоя", "Петрова-Водкина", "Зоя"),
            ("Иосиф Давидович, Давидович — фамилия", "Давидович", "Иосиф"),
            ("Роман — имя, Герман — фамилия", "Герман", "Роман"),
            ("Фамилия у нас простая, Лось, а зовут Пётр", "Лось", "Пётр"),
            ("Скрипка, как инструмент, Захар", "Скрипка", "Захар"),
        ] {
            let name = parse(text).unwrap_or_default();
            assert_eq!((name.last.as_deref(), name.first.as_deref()), (Some(last), Some(first)), "{text}");
        }
    }
}
