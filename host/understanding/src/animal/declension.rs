//! Animals' names back in the nominative, by the case of the noun or preposition before them.

use super::{RAW, Word};
use crate::normalise::listed;

/// How a name is declined.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Case {
    Nominative,
    /// «кошку Мурку», «кота Барсика».
    Accusative,
    /// «у кошки Мурки».
    Genitive,
    /// «кошке Мурке», «коту Барсику».
    Dative,
    /// «с кошкой Муркой», «зовут Барсиком».
    Instrumental,
}

/// Oblique forms of masculine nouns that the list of animals gives beside their nominative.
const MASCULINE: &str = "кота котика котенка пса песика щенка щеночка попугая хомяка хорька ежа ежика хоря кобеля";

/// The case of the name that follows a kind of animal called `noun`, or «у», «для», «к», «с» right before it.
pub(super) fn after(noun: &Word, preposition: Option<&str>) -> Case {
    let text = noun.text.as_str();
    if listed(MASCULINE, text) {
        return if preposition == Some("у") { Case::Genitive } else { Case::Accusative };
    }
    if matches!(text, "коту" | "псу" | "щенку" | "ежу" | "хорьку") {
        return Case::Dative;
    }
    let by_with = matches!(preposition, Some("с" | "со" | "за" | "перед"));
    if by_with && ["ом", "ем", "ой", "ей"].iter().any(|end| text.ends_with(end)) {
        return Case::Instrumental;
    }
    // «йорочка Бусинка»: no list has all the pet words for a breed, but they are all of one gender.
    let pet_word = ["очка", "ечка", "ушка", "юшка", "юша", "уша"].iter().any(|end| text.ends_with(end));
    if RAW.contains(text) || pet_word {
        return Case::Nominative;
    }
    let feminine = |drop: usize| RAW.contains(&format!("{}а", start(text, drop)));
    match text.chars().last() {
        Some('у' | 'ю') if feminine(1) => Case::Accusative,
        Some('у' | 'ю') => Case::Dative,
        Some('а' | 'я') if preposition == Some("у") => Case::Genitive,
        Some('а' | 'я') => Case::Accusative,
        Some('ы' | 'и') if feminine(1) => Case::Genitive,
        Some('е') => Case::Dative,
        Some('м' | 'й') if ["ом", "ем", "ой", "ей"].iter().any(|end| text.ends_with(end)) => {
            Case::Instrumental
        }
        _ => Case::Nominative,
    }
}

/// The case that a preposition right before the name asks for.
pub(super) fn of_preposition(preposition: &str) -> Case {
    match preposition {
        "у" | "для" | "от" => Case::Genitive,
        "про" | "на" => Case::Accusative,
        "к" | "по" => Case::Dative,
        "с" | "со" => Case::Instrumental,
        _ => Case::Nominative,
    }
}

/// The nominative of a name said in `case`, its first letter large.
pub(super) fn nominative(said: &str, case: Case) -> String {
    let text = crate::normalise::fold(said);
    let ends = |end: &str| text.ends_with(end) && text.chars().count() > end.chars().count() + 1;
    let with = |drop: usize, add: &str| format!("{}{add}", start(said, drop));
    // The letter before an ending of one letter, or of two.
    let before = |drop: usize| text.chars().rev().nth(drop).unwrap_or(' ');
    let consonant = |c: char| "бвгджзйклмнпрстфхцчшщ".contains(c);
    let hushing = |c: char| "гкхжчшщцбвдзлмнпрстф".contains(c) && !"нлрс".contains(c);
    let name = match case {
        Case::Accusative if ends("у") => with(1, "а"),
        Case::Accusative | Case::Genitive if ends("ю") => with(1, "я"),
        Case::Accusative | Case::Genitive if ends("а") && consonant(before(1)) => with(1, ""),
        Case::Accusative | Case::Genitive if ends("я") && !consonant(before(1)) => with(1, "й"),
        Case::Genitive if ends("у") => with(1, "а"),
        Case::Genitive if ends("ы") => with(1, "а"),
        Case::Genitive if ends("и") => with(1, if hushing(before(1)) { "а" } else { "я" }),
        Case::Dative if ends("у") && consonant(before(1)) => with(1, ""),
        Case::Dative if ends("ю") => with(1, "й"),
        Case::Dative if ends("е") && crate::name::is_first(&format!("{}а", start(&text, 1))) => with(1, "а"),
        Case::Dative if ends("е") && consonant(before(1)) => with(1, if hushing(before(1)) { "а" } else { "я" }),
        Case::Instrumental if ends("ом") => with(2, ""),
        Case::Instrumental if ends("ой") => with(2, "а"),
        Case::Instrumental if ends("ей") && "жчшщц".contains(before(2)) => with(2, "а"),
        // «зовут Тимофей»: a name of people as it stands.
        Case::Instrumental if ends("ей") && !crate::name::is_first(&text) => with(2, "я"),
        Case::Instrumental if ends("ем") => with(2, "й"),
        _ => said.to_string(),
    };
    let mut letters = name.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

fn start(text: &str, drop: usize) -> String {
    let letters = text.chars().count();
    text.chars().take(letters.saturating_sub(drop)).collect()
}
