//! Kinds of animals, as people say them: `кот Барсик` and `кошечка` are both one of the `кошки` of the clinic file.

use crate::clinic::{Clinic, Doctor};

/// A kind, and how the words for it begin. A word counts when it is a beginning with an ending of a Russian noun.
const KINDS: &[(&str, &[&str])] = &[
    ("кошки", &["кош", "кошк", "кошеч", "кот", "котик", "котен", "котят", "cat"]),
    ("собаки", &["собак", "собач", "пес", "пс", "щен", "щенк", "щенят", "dog"]),
    ("кролики", &["кролик", "крольч", "кролищ"]),
    ("грызуны", &["грызун", "хомя", "хомяк", "хомяч", "крыс", "мыш", "свинк", "шиншилл", "дегу", "песчанк"]),
    ("хорьки", &["хор", "хорьк", "хорек"]),
    (
        "птицы",
        &[
            "птиц",
            "птич",
            "попуга",
            "канарей",
            "канарейк",
            "кенар",
            "ворон",
            "голуб",
            "куриц",
            "петух",
            "корелл",
            "сов",
            "филин",
            "сокол",
            "ястреб",
            "галк",
            "скворец",
            "скворц",
            "воробе",
            "воробь",
            "снегир",
            "щегол",
            "щегл",
            "амадин",
            "гус",
            "утк",
            "утен",
            "индюк",
            "индюшк",
            "цесарк",
            "перепел",
            "павлин",
            "фазан",
            "страус",
        ],
    ),
    (
        "рептилии",
        &["рептили", "черепах", "ящериц", "зме", "геккон", "игуан", "хамелеон", "удав", "питон", "варан", "агам"],
    ),
    ("лошади", &["лошад", "кон", "пони", "жереб", "осел", "осл"]),
];

/// The kind a text speaks of; none when it names none.
///
/// ```
/// use desk::species_of;
/// assert_eq!(species_of("кот Барсик"), Some("кошки"));
/// assert_eq!(species_of("моей морской свинке"), Some("грызуны"));
/// assert_eq!(species_of("Барсик"), None);
/// ```
pub fn species_of(text: &str) -> Option<&'static str> {
    let plain = text.to_lowercase().replace('ё', "е");
    let words = plain.split(|character: char| !character.is_alphabetic()).filter(|word| !word.is_empty());
    words.filter_map(kind).next()
}

fn kind(word: &str) -> Option<&'static str> {
    let fits = |start: &&str| word.strip_prefix(*start).is_some_and(|ending| ENDINGS.contains(&ending));
    KINDS.iter().find(|(_, starts)| starts.iter().any(&fits)).map(|(kind, _)| *kind)
}

/// Endings of Russian nouns, and of their short and tender forms.
const ENDINGS: &[&str] = &[
    "", "а", "я", "у", "ю", "ы", "и", "е", "о", "ь", "й", "ой", "ей", "ом", "ем", "ам", "ям", "ами", "ями", "ах", "ях",
    "ов", "ев", "ок", "ек", "ик", "ика", "ику", "иком", "ики", "иков", "ка", "ку", "ки", "ке", "кой", "ком", "ков",
    "ого", "ому", "ята", "ят", "енок", "нок", "нка", "нку", "ька", "ьку", "ью", "ица", "ицу", "s",
];

impl Clinic {
    /// A kind as the query names it: one of the ordinary kinds, or a word that a doctor of the clinic has.
    pub(crate) fn species<'a>(&'a self, text: &str) -> Option<&'a str> {
        if let Some(kind) = species_of(text) {
            return Some(kind);
        }
        let wanted = text.trim().to_lowercase();
        let mut words = self.doctors.iter().flat_map(|doctor| &doctor.species);
        words.find(|word| word.to_lowercase() == wanted).map(String::as_str)
    }

    /// Every kind that some doctor names, for a message.
    pub(crate) fn known_species(&self) -> String {
        let mut words: Vec<&str> = self.doctors.iter().flat_map(|doctor| &doctor.species).map(String::as_str).collect();
        words.sort_unstable();
        words.dedup();
        if words.is_empty() {
            KINDS.iter().map(|(kind, _)| *kind).collect::<Vec<_>>().join(", ")
        } else {
            words.join(", ")
        }
    }
}

impl Doctor {
    /// Whether they see animals of a kind.
    pub fn sees(&self, species: &str) -> bool {
        let species = species_of(species).unwrap_or(species);
        let same = |word: &String| {
            species_of(word).map_or_else(|| word.to_lowercase() == species.to_lowercase(), |kind| kind == species)
        };
        self.species.is_empty() || self.species.iter().any(same)
    }
}

#[cfg(test)]
mod tests {
    use super::species_of;

    #[test]
    fn kinds_are_known_by_their_words_and_not_by_names() {
        for (text, kind) in [
            ("кошка", Some("кошки")),
            ("кошки", Some("кошки")),
            ("котёнок Тиша", Some("кошки")),
            ("с котом", Some("кошки")),
            ("собака Котик", Some("собаки")),
            ("пёс", Some("собаки")),
            ("щенка", Some("собаки")),
            ("собаку", Some("собаки")),
            ("хомяк Жора", Some("грызуны")),
            ("крыса", Some("грызуны")),
            ("морская свинка", Some("грызуны")),
            ("шиншилла", Some("грызуны")),
            ("кролик", Some("кролики")),
            ("попугай Кеша", Some("птицы")),
            ("канарейка Яша", Some("птицы")),
            ("сова", Some("птицы")),
            ("удав Каа", Some("рептилии")),
            ("Сорокин", None),
            ("сорок лет", None),
            ("черепаха", Some("рептилии")),
            ("хорёк", Some("хорьки")),
            ("Барсик", None),
            ("который болеет", None),
            ("Котлета", None),
            ("Кошмар", None),
            ("Белка", None),
            ("Хорошо", None),
            ("Мышкин", None),
            ("", None),
        ] {
            assert_eq!(species_of(text), kind, "{text}");
        }
    }
}
