//! First names from the list, in every case.

use std::collections::HashMap;
use std::sync::LazyLock;

use super::{Gender, capitalised};
use crate::normalise::{fold, fuzzy, sound};

/// A word read as a first name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Reading {
    pub nominative: String,
    /// `None` for short names of both sexes.
    pub gender: Option<Gender>,
    /// Whether it was said in another case.
    pub oblique: bool,
}

/// Reads a word as a first name; the patronymic beside it settles what its ending leaves open («Александра»).
pub(super) fn read(text: &str, said: &str, gender: Option<Gender>, oblique: Option<bool>) -> Option<Reading> {
    if let Some((one, two)) = text.split_once('-') {
        // «Мария-Луиза», «Анной-Марией»
        let (said_one, said_two) = said.split_once('-')?;
        let (one, two) = (read(one, said_one, gender, oblique)?, read(two, said_two, gender, oblique)?);
        return Some(Reading { nominative: format!("{}-{}", one.nominative, two.nominative), ..one });
    }
    let found = FORMS.get(text).cloned().or_else(|| {
        // A spelling by ear is forgiven only beside a patronymic.
        gender?;
        let near = |form: &&String| fuzzy::within(form, text, 2).is_some() && sound(form) == sound(text);
        FORMS.iter().find(|(form, _)| text.chars().count() >= 5 && near(form)).map(|(_, readings)| readings.clone())
    })?;
    let fits = |r: &&Reading| gender.is_none() || r.gender.is_none() || r.gender == gender;
    let chosen = found
        .iter()
        .filter(fits)
        .max_by_key(|r| (oblique == Some(r.oblique), !r.oblique))
        .or_else(|| gender.is_none().then(|| found.first()).flatten())?;
    let nominative = if !chosen.oblique && fold(said) == fold(&chosen.nominative) {
        capitalised(said)
    } else {
        chosen.nominative.clone()
    };
    Some(Reading { nominative, ..chosen.clone() })
}

static FORMS: LazyLock<HashMap<String, Vec<Reading>>> = LazyLock::new(|| {
    let mut forms: HashMap<String, Vec<Reading>> = HashMap::new();
    for line in include_str!("../../data/first_names.txt").lines().filter(|line| !line.starts_with('#')) {
        let mut names = line.split_whitespace();
        let gender = match names.next() {
            Some("m" | "md") => Some(Gender::Male),
            Some("f" | "fd") => Some(Gender::Female),
            _ => None,
        };
        for name in names {
            for (nth, form) in cases(name, gender).into_iter().enumerate() {
                let readings = forms.entry(fold(&form)).or_default();
                let reading = Reading { nominative: name.to_string(), gender, oblique: nth > 0 };
                if !readings.contains(&reading) {
                    readings.push(reading);
                }
            }
        }
    }
    forms
});

/// The name in the nominative and the other cases.
fn cases(name: &str, gender: Option<Gender>) -> Vec<String> {
    let stem = |drop: usize| name.chars().take(name.chars().count() - drop).collect::<String>();
    let with = |stem: &str, endings: &[&str]| endings.iter().map(|e| format!("{stem}{e}")).collect::<Vec<_>>();
    let mut out = vec![name.to_string()];
    out.extend(match name {
        "Пётр" => with("Петр", &["а", "у", "ом", "е"]),
        "Лев" => with("Льв", &["а", "у", "ом", "е"]),
        "Павел" => with("Павл", &["а", "у", "ом", "е"]),
        "Любовь" => with("Любов", &["и", "ью"]),
        "Игорёк" => with("Игорьк", &["а", "у", "ом", "е"]),
        "Санёк" => with("Саньк", &["а", "у", "ом", "е"]),
        _ if name.ends_with("ия") => with(&stem(1), &["и", "ю", "ей", "ею"]),
        _ if name.ends_with('я') => with(&stem(1), &["и", "е", "ю", "ей", "ёй"]),
        _ if name.ends_with('а') => with(&stem(1), &["ы", "и", "е", "у", "ой", "ей", "ою"]),
        _ if name.ends_with("ий") => with(&stem(1), &["я", "ю", "ем", "и"]),
        _ if name.ends_with('й') || name.ends_with('ь') && gender == Some(Gender::Male) => {
            with(&stem(1), &["я", "ю", "ем", "е"])
        }
        _ if name.ends_with('ь') => with(&stem(1), &["и", "ью"]),
        _ if gender == Some(Gender::Male) && !name.ends_with(['о', 'и', 'е', 'у']) => {
            with(name, &["а", "у", "ом", "е", "ем"])
        }
        _ => Vec::new(),
    });
    out
}
