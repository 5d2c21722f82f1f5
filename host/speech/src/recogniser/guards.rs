//! Against words nobody said.
//!
//! Whisper was trained on films with subtitles, and fills noise with what stands there: "\[музыка\]", "ТРЕВОЖНАЯ МУЗЫКА",
//! "Субтитры сделал …", or one phrase over and over. Its own estimate of silence is 0 throughout on telephone lines, so the
//! guards look at the text, at how sure the decoder was, and at how much text there is for the time.

/// A phrase as the engine gave it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Candidate<'a> {
    /// Its text.
    pub text: &'a str,
    /// Mean of the natural logarithms of the tokens' probabilities.
    pub mean_log_probability: f32,
    /// Number of tokens.
    pub tokens: usize,
    /// Length of the audio it was heard in, milliseconds.
    pub audio_ms: u32,
}

/// Below this, on average over its tokens, a phrase is a guess.
pub const MIN_LOG_PROBABILITY: f32 = -1.1;
/// A phrase that repeats itself is dropped already below this.
const MIN_LOG_PROBABILITY_REPEATING: f32 = -0.7;
/// Nobody speaks faster; Russian takes 3 to 8 tokens a second of Whisper's vocabulary.
pub const MAX_TOKENS_PER_SECOND: u32 = 12;
/// For the first and last word of a short phrase.
pub const EXTRA_TOKENS: u32 = 8;

/// What stands in subtitles and is never said to a clinic.
const BOILERPLATE: [&str; 16] = [
    "субтитр",
    "продолжение следует",
    "редактор ",
    "корректор ",
    "dimatorzok",
    "amara.org",
    "спасибо за просмотр",
    "спасибо за внимание до новых встреч",
    "подписывайтесь на",
    "подпишитесь на канал",
    "ставьте лайк",
    "играет музыка",
    "тревожная музыка",
    "спокойная музыка",
    "thanks for watching",
    "thank you for watching",
];

/// The text that may be believed; `None` where nothing of it may.
pub fn believe(candidate: &Candidate<'_>) -> Option<String> {
    let text = without_brackets(candidate.text);
    let text = without_boilerplate(&text);
    let words = text.split_whitespace().count();
    let (text, kept) = collapse_repetition(&text);
    let text = once(text, candidate.audio_ms);
    let repeating = words >= 6 && kept * 2 < words;
    let most = MAX_TOKENS_PER_SECOND * candidate.audio_ms / 1_000 + EXTRA_TOKENS;
    let guess = candidate.mean_log_probability < MIN_LOG_PROBABILITY
        || (repeating && candidate.mean_log_probability < MIN_LOG_PROBABILITY_REPEATING)
        || candidate.tokens > 2 * most as usize;
    let said = text.chars().any(char::is_alphanumeric);
    (said && !guess && !shouted(&text) && !foreign(&text)).then_some(text)
}

/// Does a text say one thing over and over? Twice is enough where nobody could have said it twice in the time.
pub fn loops(text: &str, audio_ms: u32) -> bool {
    let text = without_brackets(text);
    let words = text.split_whitespace().count();
    let (collapsed, kept) = collapse_repetition(&text);
    kept < words || once(collapsed, audio_ms).split_whitespace().count() < kept
}

/// Are there words in a text, believed or not? Captions are none.
pub fn says_something(text: &str) -> bool {
    let text = without_boilerplate(&without_brackets(text));
    text.chars().any(char::is_alphanumeric) && !shouted(&text) && !foreign(&text)
}

/// Letters a second that nobody speaks: 12 to 15 are usual, and the time is longer than the speech in it.
const TOO_FAST: usize = 16;

/// One half of a text whose halves are the same, where there was no time to say both.
fn once(text: String, audio_ms: u32) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    let (first, second) = words.split_at(words.len() / 2);
    let same = first.len() == second.len() && first.iter().zip(second).all(|(a, b)| key(a) == key(b));
    let letters = text.chars().filter(|c| c.is_alphabetic()).count();
    if !words.is_empty() && same && letters * 1_000 > TOO_FAST * audio_ms.max(1) as usize {
        second.join(" ")
    } else {
        text
    }
}

/// Takes out what stands in brackets, between asterisks or notes.
fn without_brackets(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut closing = None;
    for c in text.chars() {
        match closing {
            Some(end) if c == end => closing = None,
            Some(_) => {}
            None => match c {
                '[' => closing = Some(']'),
                '(' => closing = Some(')'),
                '{' => closing = Some('}'),
                '*' | '♪' => closing = Some(c),
                ']' | ')' | '}' | '♫' => {}
                _ => out.push(c),
            },
        }
    }
    tidy(&out)
}

/// Takes out the sentences that belong to subtitles.
fn without_boilerplate(text: &str) -> String {
    let kept: String = sentences(text)
        .filter(|sentence| {
            let plain: String =
                sentence.to_lowercase().chars().filter(|c| !matches!(c, ',' | '!' | '«' | '»')).collect();
            !BOILERPLATE.iter().any(|phrase| plain.contains(phrase))
        })
        .collect();
    tidy(&kept)
}

/// Sentences with their ends; a full stop inside a word (amara.org) ends none.
fn sentences(text: &str) -> impl Iterator<Item = &str> {
    text.split_inclusive(". ").flat_map(|part| part.split_inclusive(['!', '?', '…']))
}

/// Capitals throughout, and not an abbreviation (УЗИ, МРТ): a caption.
fn shouted(text: &str) -> bool {
    let letters: Vec<char> = text.chars().filter(|c| c.is_alphabetic()).collect();
    let long_word = text.split(|c: char| !c.is_alphabetic()).any(|word| word.chars().count() > 4);
    long_word && letters.iter().all(|c| !c.is_lowercase())
}

/// Mostly letters that are neither Cyrillic nor Latin.
fn foreign(text: &str) -> bool {
    let letters = text.chars().filter(|c| c.is_alphabetic());
    let (ours, all) = letters.fold((0, 0), |(ours, all), c| {
        let known = c.is_ascii() || matches!(c, '\u{400}'..='\u{52f}' | '\u{c0}'..='\u{24f}');
        (ours + usize::from(known), all + 1)
    });
    ours * 2 < all
}

/// Longest phrase whose repetition is looked for, in words.
const LONGEST_PHRASE: usize = 8;

/// Makes one of a phrase that is said three times and more in a row (of a single word: five times, since people do say
/// "нет, нет, нет" and dictate "два, два, два"), or twice and then broken off in the middle, as a loop ends where the
/// tokens ran out. Figures are left alone: a phone number may repeat itself. Returns the text and its number of words.
pub fn collapse_repetition(text: &str) -> (String, usize) {
    let words: Vec<&str> = text.split_whitespace().filter(|word| !stuttered(word)).collect();
    let keys: Vec<String> = words.iter().map(|word| key(word)).collect();
    let mut kept: Vec<&str> = Vec::with_capacity(words.len());
    let mut at = 0;
    while at < words.len() {
        let repeated = (1..=LONGEST_PHRASE).find_map(|length| {
            let times = repetitions(&keys[at..], length);
            let rest = keys.get(at + length * times..).unwrap_or_default();
            let broken_off = length >= 3 && times == 2 && !rest.is_empty() && keys[at..at + length].starts_with(rest);
            let enough = if length == 1 { 5 } else { 3 };
            let figures = keys[at..].iter().take(length).all(|word| word.chars().all(|c| c.is_ascii_digit()));
            let taken = length * times + if broken_off { rest.len() } else { 0 };
            ((times >= enough || broken_off) && !figures).then_some((length, taken))
        });
        let (length, taken) = repeated.unwrap_or((1, 1));
        kept.extend(&words[at..at + length]);
        at += taken;
    }
    (kept.join(" "), kept.len())
}

/// How often the first `length` words stand at the beginning, one after another.
fn repetitions(words: &[String], length: usize) -> usize {
    match words.get(..length) {
        Some(phrase) => words.chunks_exact(length).take_while(|chunk| *chunk == phrase).count(),
        None => 0,
    }
}

/// One letter over and over: "аааааааааа".
fn stuttered(word: &str) -> bool {
    let mut letters = word.chars();
    let Some(first) = letters.next() else { return false };
    !first.is_ascii_digit() && word.chars().count() > 8 && letters.all(|c| c == first)
}

fn key(word: &str) -> String {
    word.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

fn tidy(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn believed(text: &str) -> Option<String> {
        believe(&Candidate { text, mean_log_probability: -0.3, tokens: 10, audio_ms: 2_000 })
    }

    #[test]
    fn what_noise_makes_of_it_is_not_believed() {
        for text in [
            "[музыка]",
            " (звук)",
            "*шум*",
            "♪ ♪",
            "ТРЕВОЖНАЯ МУЗЫКА",
            "СПОКОЙНАЯ МУЗЫКА!",
            "Субтитры сделал DimaTorzok",
            "Субтитры создавал DimaTorzok.",
            "Редактор субтитров А.Семкин Корректор А.Егорова",
            "Продолжение следует...",
            "Спасибо за просмотр!",
            "Thanks for watching!",
            "ご視聴ありがとうございました",
            "...",
            "",
        ] {
            assert_eq!(believed(text), None, "{text}");
        }
    }

    #[test]
    fn what_callers_say_is_left_alone() {
        for text in [
            "Да.",
            "Нет, нет, нет, спасибо.",
            "УЗИ и МРТ",
            "УЗИ",
            "Запишите кота на завтра, на 16:30.",
            "8 903 222 22 22",
            "Здравствуйте! А вы стрижёте собак?",
            "Спасибо, до свидания.",
        ] {
            assert_eq!(believed(text).as_deref(), Some(text));
        }
    }

    #[test]
    fn the_good_part_is_kept() {
        assert_eq!(believed("[музыка] Алло, здравствуйте.").as_deref(), Some("Алло, здравствуйте."));
        assert_eq!(believed("До свидания. Продолжение следует...").as_deref(), Some("До свидания."));
    }

    #[test]
    fn guesses_are_not_believed() {
        let candidate = Candidate { text: "Парни.", mean_log_probability: -1.3, tokens: 3, audio_ms: 1_000 };
        assert_eq!(believe(&candidate), None);
        assert!(believe(&Candidate { mean_log_probability: -0.9, ..candidate }).is_some());
        let flood =
            Candidate { text: "слова слова", mean_log_probability: -0.1, tokens: 200, audio_ms: 1_000 };
        assert_eq!(believe(&flood), None);
    }

    #[test]
    fn loops_are_collapsed_and_doubtful_ones_dropped() {
        let text = "мы едем мы едем мы едем мы едем мы едем к вам";
        assert_eq!(collapse_repetition(text), ("мы едем к вам".into(), 4));
        assert_eq!(believed(text).as_deref(), Some("мы едем к вам"));
        let doubtful = Candidate { text, mean_log_probability: -0.8, tokens: 20, audio_ms: 3_000 };
        assert_eq!(believe(&doubtful), None);
        assert_eq!(collapse_repetition("и затем решётку. И затем решётку. И затем").0, "и затем решётку.");
        assert_eq!(collapse_repetition("и затем решётку и затем решётку").1, 6);
        assert_eq!(collapse_repetition("2 2 2 2 2 2").0, "2 2 2 2 2 2");
        assert_eq!(collapse_repetition("ааааааааааа да").0, "да");
    }

    #[test]
    fn what_there_was_no_time_to_say_twice_was_said_once() {
        let heard = |text, audio_ms| believe(&Candidate { text, mean_log_probability: -0.3, tokens: 8, audio_ms });
        let doubled = "Сейчас в конференции находится. Сейчас в конференции находится.";
        assert_eq!(heard(doubled, 2_000).as_deref(), Some("Сейчас в конференции находится."));
        assert_eq!(heard(doubled, 5_000).as_deref(), Some(doubled));
        assert_eq!(heard("Да, да.", 900).as_deref(), Some("Да, да."));
        assert!(loops(doubled, 2_000) && !loops(doubled, 5_000) && !loops("", 0));
        assert!(loops("к вам к вам к вам к вам", 9_000));
    }

    #[test]
    fn captions_say_nothing() {
        assert!(says_something("отминьон") && says_something("[шум] алло"));
        assert!(!says_something("[музыка]") && !says_something("ТРЕВОЖНАЯ МУЗЫКА") && !says_something("..."));
    }

    proptest! {
        #[test]
        fn any_text_is_taken(text in "\\PC{0,60}", log in -5f32..0.0, tokens in 0usize..400, audio_ms in 0u32..30_000) {
            if let Some(kept) = believe(&Candidate { text: &text, mean_log_probability: log, tokens, audio_ms }) {
                prop_assert!(kept.chars().any(char::is_alphanumeric));
            }
        }

        #[test]
        fn collapsing_twice_changes_nothing_more(words in prop::collection::vec("[абв]", 0..40)) {
            let (once, _) = collapse_repetition(&words.join(" "));
            let (twice, _) = collapse_repetition(&once);
            prop_assert!(twice.len() <= once.len());
        }
    }
}
