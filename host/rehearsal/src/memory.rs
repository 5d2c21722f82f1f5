//! Understanding that remembers: the same words mean the same, and a thousand rehearsals say the same words.
//!
//! Understanding is a pure function of the words (and the moment, and the options), so nothing changes but the time it takes.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{PoisonError, RwLock};

use flows::host::faq::{Entry, Hit};
use flows::host::understanding::{Animal, DateTime, Intent, PersonName, YesNo};
use flows::script::Understanding;

/// Phrases remembered of each kind; a walk or a noisy test may say many.
const MOST: usize = 20_000;

/// An understanding with what it was asked before.
pub(crate) struct Memory<U> {
    inner: U,
    moments: Remembered<(String, String), DateTime>,
    names: Remembered<String, Option<PersonName>>,
    animals: Remembered<String, Option<Animal>>,
    intents: Remembered<String, Intent>,
    choices: Remembered<(String, Vec<String>), Option<u32>>,
    /// A clinic has one list of entries.
    faq: Remembered<String, Vec<Hit>>,
}

struct Remembered<K, V>(RwLock<HashMap<K, V>>);

impl<K: Eq + Hash, V: Clone> Remembered<K, V> {
    fn new() -> Self {
        Remembered(RwLock::default())
    }

    fn get(&self, key: K, work_out: impl FnOnce(&K) -> V) -> V {
        if let Some(known) = self.0.read().unwrap_or_else(PoisonError::into_inner).get(&key) {
            return known.clone();
        }
        let value = work_out(&key);
        let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if known.len() < MOST {
            known.insert(key, value.clone());
        }
        value
    }
}

impl<U> Memory<U> {
    pub(crate) fn new(inner: U) -> Self {
        Memory {
            inner,
            moments: Remembered::new(),
            names: Remembered::new(),
            animals: Remembered::new(),
            intents: Remembered::new(),
            choices: Remembered::new(),
            faq: Remembered::new(),
        }
    }
}

impl<U: Understanding> Understanding for Memory<U> {
    fn date_time(&self, text: &str, now: &str) -> DateTime {
        self.moments.get((text.to_owned(), now.to_owned()), |(text, now)| self.inner.date_time(text, now))
    }

    fn yes_no(&self, text: &str) -> YesNo {
        self.inner.yes_no(text)
    }

    fn phone(&self, text: &str) -> Option<String> {
        self.inner.phone(text)
    }

    fn name(&self, text: &str) -> Option<PersonName> {
        self.names.get(text.to_owned(), |text| self.inner.name(text))
    }

    fn animal(&self, text: &str) -> Option<Animal> {
        self.animals.get(text.to_owned(), |text| self.inner.animal(text))
    }

    fn intent(&self, text: &str) -> Intent {
        self.intents.get(text.to_owned(), |text| self.inner.intent(text))
    }

    fn choice(&self, text: &str, options: &[String]) -> Option<u32> {
        self.choices.get((text.to_owned(), options.to_vec()), |(text, options)| self.inner.choice(text, options))
    }

    fn faq(&self, question: &str, entries: &[Entry]) -> Vec<Hit> {
        self.faq.get(question.to_owned(), |question| self.inner.faq(question, entries))
    }
}

#[cfg(test)]
mod tests {
    use flows::script::Exact;

    use super::*;

    #[test]
    fn what_is_remembered_is_what_was_understood() {
        let memory = Memory::new(Exact);
        for _ in 0..2 {
            assert_eq!(memory.intent("book"), Exact.intent("book"));
            assert_eq!(memory.date_time("2026-11-24 16:30", ""), Exact.date_time("2026-11-24 16:30", ""));
            assert_eq!(memory.choice("б", &["а".into(), "б".into()]), Some(1));
            assert_eq!(memory.choice("б", &["б".into(), "а".into()]), Some(0), "other options, another choice");
        }
        assert_eq!(memory.intents.0.read().unwrap().len(), 1);
    }
}
