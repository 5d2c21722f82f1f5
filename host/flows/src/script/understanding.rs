//! What a scripted caller meant.

use jiff::civil;

use crate::host::faq::{Entry, Hit};
use crate::host::understanding::{Animal, DateTime, Intent, IntentKind, PersonName, Wish, YesNo};

/// Understanding, plugged into a script. The real one lives in its own room and is wired in by the program.
pub trait Understanding: Send + Sync {
    /// A day and a time; `now` is a moment (`2026-11-24T10:00`).
    fn date_time(&self, text: &str, now: &str) -> DateTime;
    /// Consent or refusal.
    fn yes_no(&self, text: &str) -> YesNo;
    /// A phone number, as E.164.
    fn phone(&self, text: &str) -> Option<String>;
    /// A person's name.
    fn name(&self, text: &str) -> Option<PersonName>;
    /// An animal.
    fn animal(&self, text: &str) -> Option<Animal>;
    /// Why the caller speaks.
    fn intent(&self, text: &str) -> Intent;
    /// Index of the option that was meant.
    fn choice(&self, text: &str, options: &[String]) -> Option<u32>;
    /// Entries that answer a question, best first.
    fn faq(&self, question: &str, entries: &[Entry]) -> Vec<Hit>;
}

impl<U: Understanding> Understanding for std::sync::Arc<U> {
    fn date_time(&self, text: &str, now: &str) -> DateTime {
        (**self).date_time(text, now)
    }

    fn yes_no(&self, text: &str) -> YesNo {
        (**self).yes_no(text)
    }

    fn phone(&self, text: &str) -> Option<String> {
        (**self).phone(text)
    }

    fn name(&self, text: &str) -> Option<PersonName> {
        (**self).name(text)
    }

    fn animal(&self, text: &str) -> Option<Animal> {
        (**self).animal(text)
    }

    fn intent(&self, text: &str) -> Intent {
        (**self).intent(text)
    }

    fn choice(&self, text: &str, options: &[String]) -> Option<u32> {
        (**self).choice(text, options)
    }

    fn faq(&self, question: &str, entries: &[Entry]) -> Vec<Hit> {
        (**self).faq(question, entries)
    }
}

/// Reads exact forms only: «да» and «нет», `2026-11-24 16:30`, `+79031234567`, a name or an animal word by word, an
/// option or a question as it is written, and an intent by its name (`book`, `my-visit`). A flow's own turns can be
/// tested with it, without any guess about language in between.
#[derive(Clone, Copy, Debug, Default)]
pub struct Exact;

impl Understanding for Exact {
    fn date_time(&self, text: &str, _now: &str) -> DateTime {
        let mut wish = Wish::default();
        for word in text.split([' ', 'T']).filter(|word| !word.is_empty()) {
            if word.parse::<civil::Date>().is_ok() && word.len() == 10 {
                wish.date = Some(word.to_owned());
            } else if word.parse::<civil::Time>().is_ok() && word.len() == 5 {
                wish.time_from = Some(word.to_owned());
                wish.time_to = Some(word.to_owned());
            } else {
                return DateTime::Nothing;
            }
        }
        if wish == Wish::default() { DateTime::Nothing } else { DateTime::Resolved(wish) }
    }

    fn yes_no(&self, text: &str) -> YesNo {
        match text.trim().to_lowercase().as_str() {
            "да" => YesNo::Yes,
            "нет" => YesNo::No,
            _ => YesNo::Unknown,
        }
    }

    fn phone(&self, text: &str) -> Option<String> {
        let digits = text.trim().strip_prefix('+')?;
        let plausible = (8..=15).contains(&digits.len()) && digits.bytes().all(|digit| digit.is_ascii_digit());
        plausible.then(|| text.trim().to_owned())
    }

    fn name(&self, text: &str) -> Option<PersonName> {
        let words: Vec<_> = text.split_whitespace().map(str::to_owned).collect();
        match words.as_slice() {
            [first] => Some(PersonName { last: None, first: Some(first.clone()), patronymic: None }),
            [last, first] => {
                Some(PersonName { last: Some(last.clone()), first: Some(first.clone()), patronymic: None })
            }
            [last, first, patronymic] => Some(PersonName {
                last: Some(last.clone()),
                first: Some(first.clone()),
                patronymic: Some(patronymic.clone()),
            }),
            _ => None,
        }
    }

    fn animal(&self, text: &str) -> Option<Animal> {
        let mut words = text.split_whitespace().map(str::to_owned);
        let species = words.next()?;
        Some(Animal { species: Some(species), breed: None, name: words.next() })
    }

    fn intent(&self, text: &str) -> Intent {
        let kind = serde_json::from_value(serde_json::Value::from(text.trim())).unwrap_or(IntentKind::Unknown);
        let confidence = if kind == IntentKind::Unknown { 0.0 } else { 1.0 };
        Intent { kind, confidence, services: Vec::new(), doctor: None, urgent: false }
    }

    fn choice(&self, text: &str, options: &[String]) -> Option<u32> {
        options.iter().position(|option| option == text.trim()).map(|index| index as u32)
    }

    fn faq(&self, question: &str, entries: &[Entry]) -> Vec<Hit> {
        let same = entries.iter().filter(|entry| entry.question == question.trim());
        same.map(|entry| Hit { entry: entry.clone(), confidence: 1.0 }).collect()
    }
}
