//! Which of the clinic's doctors was named: surname, first name and patronymic in any case, slightly damaged too.

use crate::lexicon::text::Text;
use crate::normalise::fold;
use crate::normalise::fuzzy::within;
use crate::profile::Doctor;

/// Words before a first name alone that make it a doctor's.
const TITLES: &[&str] = &["к", "врач", "врача", "врачу", "доктор", "доктора", "доктору", "доктором", "у", "с"];

/// The id of the doctor named, if exactly one fits best.
pub(super) fn named(text: &Text, doctors: &[Doctor]) -> Option<String> {
    let mut best: Option<(u32, &Doctor)> = None;
    let mut tied = false;
    for doctor in doctors {
        let score = score(text, doctor);
        match best {
            _ if score == 0 => {}
            Some((top, _)) if score < top => {}
            Some((top, _)) if score == top => tied = true,
            _ => (best, tied) = (Some((score, doctor)), false),
        }
    }
    best.filter(|_| !tied).map(|(_, d)| d.id.clone())
}

/// Surname 4, patronymic 3, first name 2 beside either of them, 1 after a title, else 0.
fn score(text: &Text, doctor: &Doctor) -> u32 {
    let parts: Vec<String> = fold(&doctor.name).split(|c: char| !c.is_alphabetic()).map(str::to_owned).collect();
    let parts: Vec<&String> = parts.iter().filter(|p| p.chars().count() > 2).collect();
    let patronymic = parts.iter().position(|p| is_patronymic(p));
    // «Бойко Ирина Дмитриевна», «Ирина Дмитриевна Бойко», «Ирина Бойко», «Бойко Ирина» or one word alone.
    let (surname, first) = match (parts.len(), patronymic) {
        (0, _) => return 0,
        (1, _) => (Some(0), None),
        (2, Some(p)) => (None, Some(1 - p.min(1))),
        (2, None) if is_first_name(parts[0]) => (Some(1), Some(0)),
        (2, None) => (Some(0), Some(1)),
        (_, Some(1)) => (Some(2), Some(0)),
        (_, _) => (Some(0), Some(1)),
    };
    let heard = |part: Option<usize>| {
        let part = parts[part?];
        text.words.iter().position(|w| same_name(part, &w.text))
    };
    let mut score = 0;
    if heard(surname).is_some() {
        score += 4;
    }
    if heard(patronymic.filter(|_| parts.len() > 1)).is_some() {
        score += 3;
    }
    if let Some(at) = heard(first) {
        let titled = at > 0 && TITLES.contains(&text.words[at - 1].text.as_str());
        score += if score > 0 { 2 } else { u32::from(titled) };
    }
    score
}

fn is_patronymic(part: &str) -> bool {
    ["вич", "вна", "чна", "ьич"].iter().any(|e| part.ends_with(e)) && part.chars().count() > 5
}

fn is_first_name(part: &str) -> bool {
    const NAMES: &[&str] = &[
        "александр",
        "алексей",
        "алина",
        "алла",
        "анастасия",
        "андрей",
        "анна",
        "антон",
        "борис",
        "вадим",
        "валентина",
        "валерия",
        "вера",
        "виктор",
        "виктория",
        "виталий",
        "владимир",
        "галина",
        "георгий",
        "григорий",
        "дарья",
        "денис",
        "дмитрий",
        "евгений",
        "евгения",
        "екатерина",
        "елена",
        "елизавета",
        "иван",
        "игорь",
        "илья",
        "инна",
        "ирина",
        "кирилл",
        "константин",
        "ксения",
        "лариса",
        "людмила",
        "максим",
        "марина",
        "мария",
        "михаил",
        "надежда",
        "наталия",
        "наталья",
        "никита",
        "николай",
        "оксана",
        "олег",
        "ольга",
        "павел",
        "петр",
        "полина",
        "роман",
        "светлана",
        "сергей",
        "софья",
        "станислав",
        "тамара",
        "татьяна",
        "тимур",
        "федор",
        "юлия",
        "юрий",
        "яна",
        "марк",
        "нина",
        "зоя",
        "лев",
        "степан",
        "рустам",
        "руслан",
        "эльвира",
        "гузель",
        "лилия",
        "артем",
    ];
    NAMES.contains(&part)
}

/// Whether a word is a form of the name: the same up to case endings, with one damaged letter in a longer base.
fn same_name(name: &str, word: &str) -> bool {
    if name == word {
        return true;
    }
    let (base, heard) = (base(name), base(word));
    let letters = base.chars().count();
    if letters < 3 || heard.chars().count() < 3 {
        return false;
    }
    base == heard || letters >= 5 && base.chars().next() == heard.chars().next() && within(&base, &heard, 1).is_some()
}

/// The name without its case ending: Петров(у), Бойко, Резников(ым), Мари(и), Белов(ой), Достоевск(ого).
fn base(name: &str) -> String {
    const ENDINGS: &[&str] = &[
        "ого", "ому", "ыми", "ими", "ией", "иям", "ым", "им", "ом", "ем", "ой", "ей", "ою", "ею", "ую", "юю", "ая",
        "яя", "ый", "ий", "ья", "ье", "ьи", "ью", "ия", "ии", "ию", "ие", "а", "я", "у", "ю", "е", "и", "ы", "о", "й",
        "ь",
    ];
    let letters = name.chars().count();
    ENDINGS
        .iter()
        .filter(|e| letters >= e.chars().count() + 3)
        .find_map(|e| name.strip_suffix(e))
        .unwrap_or(name)
        .to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn doctors() -> Vec<Doctor> {
        [("boyko", "Бойко Ирина Дмитриевна"), ("reznikov", "Пётр Резников"), ("n", "Наталья Борисовна Белова")]
            .map(|(id, name)| Doctor { id: id.into(), name: name.into(), speciality: "терапевт".into() })
            .to_vec()
    }

    #[test]
    fn any_case_and_small_damage() {
        for (said, id) in [
            ("к Бойко на завтра", Some("boyko")),
            ("хочу к Резникову", Some("reznikov")),
            ("с Резниковым соедините", Some("reznikov")),
            ("к Ризникову можно", Some("reznikov")),
            ("запишите к Наталье Борисовне", Some("n")),
            ("к доктору Беловой", Some("n")),
            ("Ирину Дмитриевну позовите", Some("boyko")),
            ("к Петру", Some("reznikov")),
            ("меня зовут Наталья", None),
            ("к терапевту", None),
            ("собака белая", None),
        ] {
            assert_eq!(named(&Text::new(said), &doctors()).as_deref(), id, "{said}");
        }
    }
}
