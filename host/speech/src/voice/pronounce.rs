//! What festival's Russian voice can say: Russian letters, spaces and a few signs. Everything else is turned into these.
//!
//! A letter outside its rules makes festival give up a whole sentence, so the result is built from a list of what is
//! allowed; no quote, bracket or backslash can come through. Words the voice has no stress for get a «+» before the
//! stressed vowel, as its letter-to-sound rules read it.

use crate::spoken::to_cyrillic;

/// The text for festival; empty when there is nothing to say.
pub(super) fn for_festival(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 16);
    let mut word = String::new();
    for c in text.chars().chain(std::iter::once(' ')) {
        if c.is_alphabetic() || c == '-' && !word.is_empty() {
            word.push(c);
            continue;
        }
        say_word(&mut out, &word);
        word.clear();
        match c {
            '.' | ',' | '!' | '?' | ';' | ':' => mark(&mut out, c),
            '…' => mark(&mut out, '.'),
            '–' | '—' | '-' | '(' | ')' => mark(&mut out, ','),
            _ => {}
        }
    }
    out.trim_end_matches(',').trim().to_owned()
}

/// A mark stands right behind a word, and only one.
fn mark(out: &mut String, c: char) {
    if out.ends_with(|last: char| last.is_alphabetic()) {
        out.push(c);
    } else if matches!(c, '.' | '!' | '?') && out.ends_with([',', ';', ':']) {
        out.pop();
        out.push(c);
    }
}

fn say_word(out: &mut String, word: &str) {
    let parts: Vec<&str> = word.split('-').filter(|p| !p.is_empty()).collect();
    let mut at = 0;
    while at < parts.len() {
        // «кто-то», «по-русски» are one word with one stress; «десять-двенадцать», «эм-эр-тэ» are several.
        let joined = parts.get(at + 1).is_some_and(|next| {
            matches!(next.to_lowercase().as_str(), "то" | "нибудь" | "либо" | "ка")
                || matches!(parts[at].to_lowercase().as_str(), "кое" | "по" | "из" | "во" | "в")
        });
        let mut letters = russian(parts[at]);
        if joined {
            letters.push_str(&russian(parts[at + 1]));
            at += 1;
        }
        at += 1;
        if letters.is_empty() {
            continue;
        }
        if !out.is_empty() {
            out.push(' ');
        }
        out.push_str(&stressed(&letters));
    }
}

fn russian(word: &str) -> String {
    let latin = word.chars().any(|c| c.is_ascii_alphabetic());
    let word = if latin { to_cyrillic(word) } else { word.to_lowercase() };
    word.chars()
        .filter_map(|c| match c {
            'а'..='я' | 'ё' => Some(c),
            // Letters of the neighbours, by the Russian letter that sounds most alike.
            'і' | 'ї' => Some('и'),
            'є' => Some('е'),
            'ў' => Some('у'),
            'ґ' | 'ғ' => Some('г'),
            'қ' => Some('к'),
            'ң' => Some('н'),
            'ө' => Some('о'),
            'ү' | 'ұ' => Some('у'),
            'ә' => Some('э'),
            'һ' => Some('х'),
            'ј' => Some('й'),
            _ => None,
        })
        .collect()
}

/// Adds the stress where the voice's dictionary lacks the word and its guess is wrong.
fn stressed(word: &str) -> String {
    // A dictionary knows «четвертого» with its ё, but the letter itself is always stressed.
    if !word.contains('ё')
        && let Some(known) = STRESS.iter().find(|known| {
            let plain = known.replace('+', "");
            match plain.strip_suffix('*') {
                Some(stem) => word.starts_with(stem),
                None => word == plain,
            }
        })
    {
        let marked = known.trim_end_matches('*');
        return format!("{marked}{}", &word[marked.len() - 1..]);
    }
    word.to_owned()
}

/// Stems of words of the trade that the voice's dictionary (181 thousand forms) does not have. «*» stands for any ending.
const STRESS: &[&str] = &[
    "уз+и",
    "вакцин+аци*",
    "ветклин+ик*",
    "внутрим+ышечн*",
    "внутрив+енн*",
    "гастроэнтер+олог*",
    "эндокрин+олог*",
    "дермат+олог*",
    "кардиолог+ическ*",
    "карди+олог*",
    "офтальм+олог*",
    "стомат+олог*",
    "онк+олог*",
    "невр+олог*",
    "ур+олог*",
    "пульмон+олог*",
    "гр+уминг*",
    "гр+умер*",
    "стерилиз+аци*",
    "кастр+аци*",
    "чип+ирован*",
    "импл+ант*",
    "консульт+аци*",
    "опер+атор*",
    "парк+овк*",
    "педи+атр*",
    "перезвон+им",
    "перезвон+ить",
    "перезвон+ю",
    "перезвон+ит",
    "пит+омц*",
    "пит+омец*",
    "прив+ивк*",
    "противопоказ+ани*",
    "регистрат+ур*",
    "секунд+очк*",
    "соедин+яю",
    "стацион+ар*",
    "табл+етк*",
    "удал+ени*",
    "уд+обно",
    "усл+уг*",
    "миллигр+амм*",
    "микрогр+амм*",
    "миллил+итр*",
    "деф+ис*",
    "с+отых",
    "дес+ятая",
    "дес+ятых",
    "с+отая",
    "ст+арше",
    "москв+а",
    "м+ая",
    "ватс+ап*",
    "+инфо",
    "десятидн+евн*",
    "двухт+ысячн*",
    "трёхт+ысячн*",
    "двадц+атое",
    "тридц+атое",
    "эхокардиогр+амм*",
    "кардиогр+амм*",
    "рентгеногр+амм*",
];

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn signs_become_pauses_and_latin_becomes_russian() {
        assert_eq!(for_festival("Корм «Royal Canin» (сухой) — есть!"), "корм роял канин, сухой, есть!");
        assert_eq!(for_festival("эм-эр-тэ или кто-то"), "эм эр тэ или ктото");
        assert_eq!(for_festival("\"(quit)\" \\ 😀"), "квит");
        assert_eq!(for_festival("… — ?!"), "");
    }

    #[test]
    fn stress_is_marked_once_and_keeps_the_ending() {
        assert_eq!(for_festival("оператору, УЗИ, стоматологами"), "опер+атору, уз+и, стомат+ологами");
        for known in STRESS {
            assert_eq!(known.matches('+').count(), 1, "{known}");
            let vowel = known.split_once('+').and_then(|(_, after)| after.chars().next());
            assert!(vowel.is_some_and(|v| "аеиоуыэюя".contains(v)), "{known}");
        }
    }

    proptest! {
        #[test]
        fn nothing_comes_through_that_the_voice_cannot_say(text in "\\PC{0,80}") {
            let said = for_festival(&text);
            prop_assert!(said.chars().all(|c| matches!(c, 'а'..='я' | 'ё' | ' ' | '+' | '.' | ',' | '!' | '?' | ';' | ':')), "{said}");
        }
    }
}
