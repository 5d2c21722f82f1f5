//! Abbreviations with a full stop (ул., д., каб., т. е.), weekdays (пн–пт), and acronyms (МРТ, ОМС).

use super::context::{Governor, Place, Read};
use super::numeral::Case;
use super::scan;

/// Reads an abbreviation of words, of an address, of weekdays, or an acronym.
pub(super) fn abbreviation<'a>(place: Place<'a>) -> Read<'a> {
    phrase(place).or_else(|| part_of_address(place)).or_else(|| weekdays(place)).or_else(|| acronym(place))
}

/// Fixed abbreviations whose reading does not depend on what stands around them.
const PHRASES: &[(&str, &str)] = &[
    ("т.е.", "то есть"),
    ("т. е.", "то есть"),
    ("т.к.", "так как"),
    ("т. к.", "так как"),
    ("т.д.", "так далее"),
    ("т. д.", "так далее"),
    ("т.п.", "тому подобное"),
    ("т. п.", "тому подобное"),
    ("т.ч.", "том числе"),
    ("т. ч.", "том числе"),
    ("к.м.н.", "кандидат медицинских наук"),
    ("к. м. н.", "кандидат медицинских наук"),
    ("д.м.н.", "доктор медицинских наук"),
    ("д. м. н.", "доктор медицинских наук"),
    ("к.в.н.", "кандидат ветеринарных наук"),
    ("др.", "другие"),
    ("пр.", "прочее"),
    ("напр.", "например"),
    ("см.", "смотрите"),
    ("тел.", "телефон"),
    ("моб.", "мобильный"),
    ("ежедн.", "ежедневно"),
    ("круглосут.", "круглосуточно"),
    ("вкл.", "включительно"),
    ("искл.", "исключая"),
    ("макс.", "максимум"),
    ("мин.", "минимум"),
    ("прибл.", "приблизительно"),
    ("вет.", "ветеринарный"),
    ("мед.", "медицинский"),
    ("жен.", "женский"),
    ("муж.", "мужской"),
    ("гор.", "городской"),
    ("обл.", "область"),
    ("р-н", "район"),
    ("д-р", "доктор"),
    ("пр-т", "проспект"),
    ("пр-кт", "проспект"),
    ("б-р", "бульвар"),
    ("ш.", "шоссе"),
    ("наб.", "набережная"),
    ("в/в", "внутривенно"),
    ("в/м", "внутримышечно"),
    ("п/к", "подкожно"),
    ("ч/б", "чёрно-белый"),
    ("и/о", "исполняющий обязанности"),
    ("с/м", "с места"),
    ("б/п", "беспородный"),
];

fn phrase<'a>(place: Place<'a>) -> Read<'a> {
    for (written, words) in PHRASES {
        let Some(rest) = strip_ignoring_case(place.rest, written) else { continue };
        if !written.ends_with('.') && scan::goes_on(rest) {
            continue;
        }
        if !written.ends_with('.') {
            return Some(((*words).to_owned(), rest));
        }
        // The full stop may end the sentence as well.
        let dotted = &place.rest[place.rest.len() - rest.len() - 1..];
        return Some(((*words).to_owned(), scan::abbreviation_stop(dotted)));
    }
    None
}

fn strip_ignoring_case<'a>(text: &'a str, lower: &str) -> Option<&'a str> {
    let mut chars = text.chars();
    for wanted in lower.chars() {
        let found = chars.next()?;
        if found != wanted && !found.to_lowercase().eq([wanted]) {
            return None;
        }
    }
    Some(chars.as_str())
}

/// A noun of an address, singular, in the six cases.
struct Part {
    written: &'static str,
    forms: [&'static str; 6],
    /// Only before a figure («д. 5»), only before a capital («г. Москва»), or before either.
    before: Before,
}

#[derive(PartialEq)]
enum Before {
    Figure,
    Capital,
    Either,
}

const PARTS: &[Part] = &[
    Part {
        written: "ул", forms: ["улица", "улицы", "улице", "улицу", "улицей", "улице"], before: Before::Either
    },
    Part {
        written: "пер",
        forms: ["переулок", "переулка", "переулку", "переулок", "переулком", "переулке"],
        before: Before::Either,
    },
    Part {
        written: "просп",
        forms: ["проспект", "проспекта", "проспекту", "проспект", "проспектом", "проспекте"],
        before: Before::Either,
    },
    Part {
        written: "пл",
        forms: ["площадь", "площади", "площади", "площадь", "площадью", "площади"],
        before: Before::Capital,
    },
    Part {
        written: "г", forms: ["город", "города", "городу", "город", "городом", "городе"], before: Before::Capital
    },
    Part {
        written: "пос",
        forms: ["посёлок", "посёлка", "посёлку", "посёлок", "посёлком", "посёлке"],
        before: Before::Capital,
    },
    Part {
        written: "дер",
        forms: ["деревня", "деревни", "деревне", "деревню", "деревней", "деревне"],
        before: Before::Capital,
    },
    Part { written: "м", forms: ["метро"; 6], before: Before::Capital },
    Part {
        written: "д", forms: ["дом", "дома", "дому", "дом", "домом", "доме"], before: Before::Figure
    },
    Part {
        written: "корп",
        forms: ["корпус", "корпуса", "корпусу", "корпус", "корпусом", "корпусе"],
        before: Before::Figure,
    },
    Part {
        written: "к",
        forms: ["корпус", "корпуса", "корпусу", "корпус", "корпусом", "корпусе"],
        before: Before::Figure,
    },
    Part {
        written: "стр",
        forms: ["строение", "строения", "строению", "строение", "строением", "строении"],
        before: Before::Figure,
    },
    Part {
        written: "кв",
        forms: ["квартира", "квартиры", "квартире", "квартиру", "квартирой", "квартире"],
        before: Before::Figure,
    },
    Part {
        written: "оф", forms: ["офис", "офиса", "офису", "офис", "офисом", "офисе"], before: Before::Figure
    },
    Part {
        written: "каб",
        forms: ["кабинет", "кабинета", "кабинету", "кабинет", "кабинетом", "кабинете"],
        before: Before::Figure,
    },
    Part {
        written: "под",
        forms: ["подъезд", "подъезда", "подъезду", "подъезд", "подъездом", "подъезде"],
        before: Before::Figure,
    },
    Part {
        written: "подъ",
        forms: ["подъезд", "подъезда", "подъезду", "подъезд", "подъездом", "подъезде"],
        before: Before::Figure,
    },
    Part {
        written: "эт", forms: ["этаж", "этажа", "этажу", "этаж", "этажом", "этаже"], before: Before::Figure
    },
    Part {
        written: "доб",
        forms: ["добавочный", "добавочного", "добавочному", "добавочный", "добавочным", "добавочном"],
        before: Before::Figure,
    },
    Part {
        written: "вн",
        forms: ["внутренний", "внутреннего", "внутреннему", "внутренний", "внутренним", "внутреннем"],
        before: Before::Figure,
    },
];

fn part_of_address<'a>(place: Place<'a>) -> Read<'a> {
    let (word, rest) = scan::word(place.rest)?;
    let lower = word.to_lowercase();
    let part = PARTS.iter().find(|p| p.written == lower)?;
    let rest = rest.strip_prefix('.')?;
    let behind = rest.trim_start_matches(' ');
    let figure = behind.starts_with(|c: char| c.is_ascii_digit() || c == '№');
    let capital = behind.starts_with(char::is_uppercase) || behind.starts_with(['«', '"']);
    let fits = match part.before {
        Before::Figure => figure,
        Before::Capital => capital,
        Before::Either => figure || capital || behind.starts_with(char::is_alphabetic),
    };
    if !fits {
        return None;
    }
    let case = match (place.governor(), place.word_before().as_str()) {
        // A place where one is: «на улице Речной», «в доме пять», «по улице Речной».
        (Governor::By(Case::Accusative), "в" | "во" | "на") => Case::Prepositional,
        (Governor::Each, _) => Case::Dative,
        (governor, _) => governor.case(5),
    };
    Some((part.forms[case as usize].to_owned(), rest))
}

/// The weekdays: short form, nominative, accusative, genitive.
const WEEKDAYS: &[(&str, &str, &str, &str)] = &[
    ("пн", "понедельник", "понедельник", "понедельника"),
    ("вт", "вторник", "вторник", "вторника"),
    ("ср", "среда", "среду", "среды"),
    ("чт", "четверг", "четверг", "четверга"),
    ("пт", "пятница", "пятницу", "пятницы"),
    ("сб", "суббота", "субботу", "субботы"),
    ("вс", "воскресенье", "воскресенье", "воскресенья"),
];

fn weekdays<'a>(place: Place<'a>) -> Read<'a> {
    let (first, rest) = weekday(place.rest)?;
    let governor = place.governor();
    if let Some((last, rest)) = scan::dash(rest.strip_prefix('.').unwrap_or(rest)).and_then(weekday) {
        return Some((format!("с {} по {}", WEEKDAYS[first].3, WEEKDAYS[last].2), scan::abbreviation_stop(rest)));
    }
    let (_, nominative, accusative, genitive) = WEEKDAYS[first];
    let words = match governor {
        Governor::By(Case::Accusative) | Governor::Each => accusative,
        Governor::By(Case::Genitive) => genitive,
        _ => nominative,
    };
    Some((words.to_owned(), scan::abbreviation_stop(rest)))
}

fn weekday(text: &str) -> Option<(usize, &str)> {
    let (word, rest) = scan::word(text)?;
    let lower = word.to_lowercase();
    Some((WEEKDAYS.iter().position(|(short, ..)| *short == lower)?, rest))
}

/// Acronyms that are said in a way of their own; the rest are said by letters when they have no vowel.
const ACRONYMS: &[(&str, &str)] = &[
    ("ЛОР", "лор"),
    ("ОМС", "о-эм-эс"),
    ("ОАК", "о-а-ка"),
    ("ОАМ", "о-а-эм"),
    ("ЭЭГ", "э-э-гэ"),
    ("ЭКГ", "э-ка-гэ"),
    ("ЭМГ", "э-эм-гэ"),
    ("ИНН", "и-эн-эн"),
    ("ООО", "о-о-о"),
    ("УВЧ", "у-вэ-че"),
    ("АЛТ", "а-эл-тэ"),
    ("АСТ", "а-эс-тэ"),
    ("СОЭ", "эс-о-э"),
    ("ЖКТ", "жэ-ка-тэ"),
    ("ФИО", "фамилия, имя и отчество"),
    ("ЧПУ", "че-пэ-у"),
    ("ИП", "и-пэ"),
    ("СПб", "Санкт-Петербург"),
    ("ЗППП", "зэ-пэ-пэ-пэ"),
    ("SMS", "эс-эм-эс"),
    ("QR", "кью-ар"),
    ("PDF", "пэ-дэ-эф"),
    ("VIP", "вип"),
    ("IQ", "ай-кью"),
    ("ID", "ай-ди"),
    ("USB", "ю-эс-би"),
];

const LETTERS: &[(char, &str)] = &[
    ('Б', "бэ"),
    ('В', "вэ"),
    ('Г', "гэ"),
    ('Д', "дэ"),
    ('Ж', "жэ"),
    ('З', "зэ"),
    ('К', "ка"),
    ('Л', "эл"),
    ('М', "эм"),
    ('Н', "эн"),
    ('П', "пэ"),
    ('Р', "эр"),
    ('С', "эс"),
    ('Т', "тэ"),
    ('Ф', "эф"),
    ('Х', "ха"),
    ('Ц', "цэ"),
    ('Ч', "че"),
    ('Ш', "ша"),
    ('Щ', "ща"),
];

fn acronym<'a>(place: Place<'a>) -> Read<'a> {
    let (word, rest) = scan::word(place.rest)?;
    if let Some((_, words)) = ACRONYMS.iter().find(|(written, _)| *written == word) {
        return Some(((*words).to_owned(), rest));
    }
    let letters: Option<Vec<&str>> =
        word.chars().map(|c| LETTERS.iter().find(|(l, _)| *l == c).map(|(_, name)| *name)).collect();
    let letters = letters.filter(|l| (2..=5).contains(&l.len()))?;
    Some((letters.join("-"), rest))
}
