//! The clinic's texts for messages: what is written in the clinic file, else ours, with the particulars of a visit put in.
//!
//! `{when}` stands for a particular. A part in square brackets is left out when a particular in it is empty:
//! `[ Адрес: {address}.]` says nothing at a clinic that gives no address.

use std::collections::BTreeMap;

use records::Channel;
use serde::{Deserialize, Serialize};

/// A language that messages are written in.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Language {
    /// `ru`
    #[default]
    #[serde(rename = "ru")]
    Russian,
    /// `en`
    #[serde(rename = "en")]
    English,
}

impl Language {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Russian, Self::English];

    /// `ru` or `en`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Russian => "ru",
            Self::English => "en",
        }
    }

    /// The language of a word of the records.
    pub fn of(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|language| language.as_str() == word)
    }
}

/// Particulars that a text may name.
pub const PARTICULARS: &[&str] = &[
    "clinic", "when", "date", "time", "doctor", "service", "address", "phone", "person", "animal", "count", "minutes",
];

/// Texts that are there without any step of the clinic's own. `title` is the subject of e-mails.
pub const TEXTS: &[&str] = &["booked", "moved", "day-before", "soon", "late", "title"];

/// The clinic's own texts: by language, name, and the way they are for (none: any).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Wording {
    /// Keyed by `(language, name)`; under the channel, or under none for every channel.
    #[serde(skip)]
    pub texts: BTreeMap<(Language, String), BTreeMap<Option<Channel>, String>>,
}

impl Wording {
    /// The text `name` for a way and a language: the clinic's for that way, the clinic's, ours. A step without a text of its
    /// own has that of the reminder.
    pub fn text(&self, name: &str, channel: Channel, language: Language) -> &str {
        let own = self.texts.get(&(language, name.to_owned()));
        let own = own.and_then(|texts| texts.get(&Some(channel)).or_else(|| texts.get(&None)));
        own.map_or_else(|| default_text(name, language), String::as_str)
    }
}

fn default_text(name: &str, language: Language) -> &'static str {
    match (language, name) {
        (Language::Russian, "booked") => {
            "{clinic}: вы записаны {when}[. {doctor}][, {service}].[ Адрес: {address}.][ Если планы изменятся, позвоните: {phone}.]"
        }
        (Language::Russian, "moved") => {
            "{clinic}: запись перенесена, ждём вас {when}[. {doctor}][, {service}].[ Адрес: {address}.][ Телефон: {phone}.]"
        }
        (Language::Russian, "day-before") => {
            "{clinic}: напоминаем о записи {when}[. {doctor}].[ Адрес: {address}.] Вы придёте? Ответьте «да» или «нет»."
        }
        (Language::Russian, "late") => {
            "{clinic}: ждут звонка дольше обещанного: {count}. Самая ранняя заявка пришла {when}."
        }
        (Language::Russian, "title") => "{clinic}[: запись {when}]",
        (Language::Russian, _) => "{clinic}: ждём вас {when}[. {doctor}].[ Адрес: {address}.]",
        (Language::English, "booked") => {
            "{clinic}: you are booked {when}[. {doctor}][, {service}].[ Address: {address}.][ If your plans change, call {phone}.]"
        }
        (Language::English, "moved") => {
            "{clinic}: your visit was moved, we expect you {when}[. {doctor}][, {service}].[ Address: {address}.][ Phone: {phone}.]"
        }
        (Language::English, "day-before") => {
            "{clinic}: a reminder of your visit {when}[. {doctor}].[ Address: {address}.] Are you coming? Please answer yes or no."
        }
        (Language::English, "late") => {
            "{clinic}: waiting for a call longer than promised: {count}. The first request came {when}."
        }
        (Language::English, "title") => "{clinic}[: your visit {when}]",
        (Language::English, _) => "{clinic}: we expect you {when}[. {doctor}].[ Address: {address}.]",
    }
}

/// Puts particulars into a text.
///
/// ```
/// let facts = |name: &str| if name == "when" { "завтра".to_owned() } else { String::new() };
/// assert_eq!(desk::fill("Ждём вас {when}.[ Адрес: {address}.]", facts), "Ждём вас завтра.");
/// ```
pub fn fill(text: &str, particular: impl Fn(&str) -> String) -> String {
    let mut filled = String::new();
    for (part, optional) in parts(text) {
        let mut missing = false;
        let mut piece = String::new();
        let mut rest = part;
        while let Some((before, after)) = rest.split_once('{') {
            piece.push_str(before);
            let Some((name, after)) = after.split_once('}') else {
                piece.push('{');
                rest = after;
                continue;
            };
            let value = particular(name);
            missing |= value.trim().is_empty();
            piece.push_str(value.trim());
            rest = after;
        }
        piece.push_str(rest);
        if !(optional && missing) {
            filled.push_str(&piece);
        }
    }
    filled
}

/// The first particular in a text that does not exist, or what is wrong with its brackets.
pub(crate) fn mistake_in(text: &str) -> Option<String> {
    let mut depth = 0_i32;
    for letter in text.chars() {
        depth += match letter {
            '[' => 1,
            ']' => -1,
            _ => 0,
        };
        if !(0..=1).contains(&depth) {
            return Some("square brackets mark what may be left out, and do not stand in one another".to_owned());
        }
    }
    if depth != 0 {
        return Some("a square bracket is not closed".to_owned());
    }
    let mut rest = text;
    while let Some((_, after)) = rest.split_once('{') {
        let Some((name, after)) = after.split_once('}') else {
            return Some("a curly bracket is not closed".to_owned());
        };
        if !PARTICULARS.contains(&name) {
            return Some(format!("there is no particular {{{name}}}"));
        }
        rest = after;
    }
    None
}

/// The text cut at its square brackets; true for what stood in them.
fn parts(text: &str) -> Vec<(&str, bool)> {
    let mut parts = Vec::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('[') {
        let Some((inside, after)) = after.split_once(']') else { break };
        parts.push((before, false));
        parts.push((inside, true));
        rest = after;
    }
    parts.push((rest, false));
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn our_own_texts_are_without_mistakes_and_full_stops_are_single() {
        for language in Language::ALL {
            for name in TEXTS.iter().chain(&["another"]) {
                let text = default_text(name, language);
                assert_eq!(mistake_in(text), None, "{text}");
                for known in [true, false] {
                    let filled = fill(text, |name| {
                        if known || matches!(name, "clinic" | "when" | "count") {
                            name.to_owned()
                        } else {
                            String::new()
                        }
                    });
                    for wrong in ["..", " .", "[", "{", "  "] {
                        assert!(!filled.contains(wrong), "{filled}");
                    }
                }
            }
        }
    }

    #[test]
    fn mistakes_are_named() {
        assert_eq!(mistake_in("Ждём {wehn}").unwrap(), "there is no particular {wehn}");
        assert!(mistake_in("[a [b]]").is_some());
        assert!(mistake_in("[a").is_some());
        assert!(mistake_in("{when").is_some());
    }

    #[test]
    fn the_clinics_text_for_a_way_goes_before_its_text_for_all() {
        let mut wording = Wording::default();
        let texts = wording.texts.entry((Language::Russian, "soon".to_owned())).or_default();
        texts.insert(None, "всем".to_owned());
        texts.insert(Some(Channel::Sms), "коротко".to_owned());
        assert_eq!(wording.text("soon", Channel::Sms, Language::Russian), "коротко");
        assert_eq!(wording.text("soon", Channel::Email, Language::Russian), "всем");
        assert!(wording.text("soon", Channel::Sms, Language::English).contains("expect"));
    }
}
