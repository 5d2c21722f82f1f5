//! Reading aloud: the golden table, properties, and the way back from words to figures.

use proptest::prelude::*;
use speech::spoken::numeral::{Case, Gender, cardinal};
use speech::spoken::read_aloud;

const TABLE: &str = include_str!("data/read_aloud.tsv");

fn table() -> Vec<(&'static str, &'static str)> {
    TABLE
        .lines()
        .filter(|line| !line.starts_with('#') && !line.is_empty())
        .map(|line| line.split_once('\t').expect("every line of the table has a tab"))
        .collect()
}

#[test]
fn every_line_of_the_golden_table_is_read_as_written() {
    let lines = table();
    assert!(lines.len() >= 120, "the table has {} lines", lines.len());
    let wrong: Vec<String> = lines
        .iter()
        .filter_map(|(written, wanted)| {
            let said = read_aloud(written);
            (said != *wanted).then(|| format!("{written}\n  wanted {wanted}\n  said   {said}"))
        })
        .collect();
    assert!(wrong.is_empty(), "{} lines:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn what_was_read_reads_as_itself() {
    for (_, said) in table() {
        assert_eq!(read_aloud(said), said);
    }
}

/// Nominative words back to a number, by addition; the reverse of `cardinal` and independent of its tables' order.
fn value(words: &str) -> Option<u64> {
    const NAMES: &[(&str, u64)] = &[
        ("ноль", 0),
        ("один", 1),
        ("одна", 1),
        ("два", 2),
        ("две", 2),
        ("три", 3),
        ("четыре", 4),
        ("пять", 5),
        ("шесть", 6),
        ("семь", 7),
        ("восемь", 8),
        ("девять", 9),
        ("десять", 10),
        ("одиннадцать", 11),
        ("двенадцать", 12),
        ("тринадцать", 13),
        ("четырнадцать", 14),
        ("пятнадцать", 15),
        ("шестнадцать", 16),
        ("семнадцать", 17),
        ("восемнадцать", 18),
        ("девятнадцать", 19),
        ("двадцать", 20),
        ("тридцать", 30),
        ("сорок", 40),
        ("пятьдесят", 50),
        ("шестьдесят", 60),
        ("семьдесят", 70),
        ("восемьдесят", 80),
        ("девяносто", 90),
        ("сто", 100),
        ("двести", 200),
        ("триста", 300),
        ("четыреста", 400),
        ("пятьсот", 500),
        ("шестьсот", 600),
        ("семьсот", 700),
        ("восемьсот", 800),
        ("девятьсот", 900),
    ];
    let (mut total, mut group) = (0, 0);
    for word in words.split(' ') {
        let size = match word {
            w if w.starts_with("тысяч") => 1_000,
            w if w.starts_with("миллион") => 1_000_000,
            w if w.starts_with("миллиард") => 1_000_000_000,
            w => {
                group += NAMES.iter().find(|(name, _)| *name == w)?.1;
                continue;
            }
        };
        total += size * std::cmp::max(group, 1);
        group = 0;
    }
    Some(total + group)
}

#[test]
fn small_numbers_come_back_from_their_words() {
    for n in 0..2_000 {
        assert_eq!(value(&read_aloud(&n.to_string())), Some(n), "{n}");
    }
}

proptest! {
    #[test]
    fn numbers_come_back_from_their_words(n in 0..1_000_000_000_000_u64) {
        // Ten and eleven digits may be a telephone number, and are read as one.
        let short = n % 1_000_000_000;
        prop_assert_eq!(value(&read_aloud(&short.to_string())), Some(short));
        prop_assert_eq!(value(&cardinal(n, Case::Nominative, Gender::Masculine)), Some(n));
    }

    #[test]
    fn no_text_leaves_a_figure_or_changes_when_read_again(text in "\\PC{0,60}") {
        let said = read_aloud(&text);
        prop_assert!(!said.bytes().any(|b| b.is_ascii_digit()), "{said}");
        prop_assert_eq!(read_aloud(&said), said);
    }

    #[test]
    fn nor_does_one_made_of_what_the_readers_look_for(
        parts in prop::collection::vec(prop::sample::select(vec![
            "1", "2", "05", "16", "24", "31", "2026", "1500", "8", "903", "123", "007", "12345678901234567890", ".", ",", ":",
            "-", "–", "/", " ", " ", " ", "(", ")", "+", "№", "%", "₽", "$", "°", "руб.", "коп.", "мин", "ч", "кг", "мг", "г.",
            "д.", "ул.", "кв.", "т.", "е.", "др.", "пн", "вт", "на", "в", "с", "до", "к", "по", "и", "ноября", "мая", "году",
            "числа", "этаж", "кошка", "кошки", "дней", "МРТ", "УЗИ", "А", "к", "тыс.", "info@lapa.ru", "www.", ".ru", "Royal",
            "-й", "-го", "-летний", "\n", "\u{a0}", "😀", "²", "٣",
        ]), 0..14)
    ) {
        let text = parts.concat();
        let said = read_aloud(&text);
        prop_assert!(!said.bytes().any(|b| b.is_ascii_digit()), "{text:?} → {said:?}");
        prop_assert_eq!(read_aloud(&said), said.clone(), "{:?} → {:?}", text, said);
    }
}
