//! Nothing that is said or recognised may stop a call: every reader takes any text, and any order of the words it knows.

use jiff::civil::date;
use proptest::prelude::*;
use understanding::datetime::{self, When};
use understanding::faq::Matcher;
use understanding::profile::FaqEntry;
use understanding::{animal, choice, name, number, phone, yes_no};

/// Words that start, end or break patterns somewhere.
const WORDS: &[&str] = &[
    "в",
    "на",
    "к",
    "до",
    "с",
    "после",
    "через",
    "между",
    "около",
    "не",
    "нет",
    "ой",
    "или",
    "и",
    "а",
    "пол",
    "половина",
    "четверть",
    "без",
    "часов",
    "час",
    "часу",
    "минут",
    "дня",
    "утра",
    "вечера",
    "утром",
    "обед",
    "пять",
    "двадцать",
    "сто",
    "тысяча",
    "пятого",
    "пятом",
    "первая",
    "второе",
    "16",
    "30",
    "25",
    "2026",
    "11",
    "99999999999",
    "го",
    "числа",
    "месяца",
    "неделю",
    "неделе",
    "дней",
    "следующей",
    "ближайшее",
    "этой",
    "последний",
    "день",
    "среду",
    "пятницу",
    "марта",
    "завтра",
    "вчера",
    "назад",
    "кроме",
    "выходные",
    "будни",
    "скорее",
    "раньше",
    "позже",
    "начале",
    "конце",
    "полтора",
    "пару",
    "год",
    "могу",
    "записан",
    "перенесите",
    "кот",
    "кошку",
    "Барсик",
    "зовут",
    "фамилия",
    "Иванова",
    "Мария",
    "Петровна",
    "оглы",
    "плюс",
    "семь",
    "восемь",
    "ноль",
    "дубль",
    "пятёрки",
    "раза",
    "по",
    "да",
    "давайте",
    "сколько",
    "стоит",
    "тоже",
    ",",
    ".",
    "-",
    ":",
    "?",
    "«",
];

fn read_all(text: &str) {
    let when = When::at(date(2028, 2, 29).at(23, 59, 0, 0));
    let meaning = datetime::parse(text, &when);
    if let Some(span) = meaning.span() {
        assert!(text.get(span.clone()).is_some(), "{span:?} of {text:?}");
    }
    if let Some(wish) = meaning.wish() {
        assert!(wish.date_from.zip(wish.date_to).is_none_or(|(from, to)| from <= to), "{text:?}: {wish:?}");
        assert!(wish.time_from.zip(wish.time_to).is_none_or(|(from, to)| from <= to), "{text:?}: {wish:?}");
    }
    datetime::to_json(&meaning);
    yes_no::parse(text);
    phone::parse(text);
    name::parse(text);
    animal::parse(text);
    number::parse(text);
    choice::parse(text, &["завтра в 10:00".into(), "Иванова Мария".into()]);
    Matcher::new(&[FaqEntry { id: "a".into(), question: text.into(), answer: text.into() }]).find(text);
}

proptest! {
    #[test]
    fn any_text_is_read(text in "\\PC{0,80}") {
        read_all(&text);
    }

    #[test]
    fn any_order_of_known_words_is_read(words in proptest::collection::vec(proptest::sample::select(WORDS), 0..14), glue in proptest::bool::weighted(0.1)) {
        read_all(&words.join(if glue { "" } else { " " }));
    }
}
