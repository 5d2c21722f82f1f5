//! Reading one section of the file, key by key, with a sentence for every mistake.

use toml::{Table, Value};

/// One thing that is wrong with the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mistake {
    /// For example `[[webhooks]] "site"`.
    pub section: String,
    /// The key; empty when the section itself is wrong.
    pub key: String,
    /// What is wrong, and what would be right.
    pub problem: String,
}

impl std::fmt::Display for Mistake {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.key.is_empty() {
            return write!(f, "{}: {}", self.section, self.problem);
        }
        write!(f, "{} {}: {}", self.section, self.key, self.problem)
    }
}

/// A table whose keys are taken out one by one; what is left at the end is a mistake.
pub(super) struct Section<'a> {
    name: String,
    table: Table,
    known: Vec<&'static str>,
    mistakes: &'a mut Vec<Mistake>,
    env: &'a dyn Fn(&str) -> Option<String>,
}

impl<'a> Section<'a> {
    pub(super) fn new(
        name: String,
        table: Table,
        mistakes: &'a mut Vec<Mistake>,
        env: &'a dyn Fn(&str) -> Option<String>,
    ) -> Self {
        Self { name, table, known: Vec::new(), mistakes, env }
    }

    pub(super) fn wrong(&mut self, key: &str, problem: impl Into<String>) {
        self.mistakes.push(Mistake { section: self.name.clone(), key: key.to_owned(), problem: problem.into() });
    }

    fn take(&mut self, key: &'static str) -> Option<Value> {
        self.known.push(key);
        self.table.remove(key)
    }

    pub(super) fn text(&mut self, key: &'static str) -> Option<String> {
        match self.take(key)? {
            Value::String(text) if !text.trim().is_empty() => Some(text),
            Value::String(_) => {
                self.wrong(key, "is empty; write a value or leave the line out");
                None
            }
            other => {
                self.wrong(key, format!("is {}, and must be text in quotes", kind(&other)));
                None
            }
        }
    }

    /// A text that may stand in the environment: `env:NAME`.
    pub(super) fn secret(&mut self, key: &'static str) -> Option<String> {
        let text = self.text(key)?;
        let Some(name) = text.strip_prefix("env:") else { return Some(text) };
        let found = (self.env)(name).filter(|value| !value.trim().is_empty());
        if found.is_none() {
            self.wrong(key, format!("the environment has no {name}; set it before starting, or correct its name"));
        }
        found
    }

    pub(super) fn needed<T>(&mut self, key: &'static str, found: Option<T>, example: &str) -> Option<T> {
        let told = self.mistakes.iter().any(|mistake| mistake.section == self.name && mistake.key == key);
        if found.is_none() && !told {
            self.wrong(key, format!("is missing; write for example {key} = {example}"));
        }
        found
    }

    pub(super) fn flag(&mut self, key: &'static str) -> bool {
        match self.take(key) {
            None => false,
            Some(Value::Boolean(flag)) => flag,
            Some(other) => {
                self.wrong(key, format!("is {}, and must be true or false", kind(&other)));
                false
            }
        }
    }

    pub(super) fn number(&mut self, key: &'static str, allowed: std::ops::RangeInclusive<i64>) -> Option<i64> {
        match self.take(key)? {
            Value::Integer(number) if allowed.contains(&number) => Some(number),
            Value::Integer(number) => {
                let (low, high) = (allowed.start(), allowed.end());
                self.wrong(key, format!("is {number}, and must be from {low} to {high}"));
                None
            }
            other => {
                self.wrong(key, format!("is {}, and must be a whole number", kind(&other)));
                None
            }
        }
    }

    pub(super) fn list(&mut self, key: &'static str) -> Option<Vec<String>> {
        let value = self.take(key)?;
        let texts = value
            .as_array()
            .and_then(|items| items.iter().map(|item| item.as_str().map(str::to_owned)).collect::<Option<Vec<_>>>());
        if texts.is_none() {
            self.wrong(key, "must be a list of texts, for example [\"one\", \"two\"]");
        }
        texts
    }

    /// A table of texts.
    pub(super) fn map(&mut self, key: &'static str) -> Vec<(String, String)> {
        let Some(value) = self.take(key) else { return Vec::new() };
        let Value::Table(table) = value else {
            self.wrong(key, "must be a section of its own with `name = \"value\"` lines");
            return Vec::new();
        };
        let mut pairs = Vec::new();
        for (name, value) in table {
            match value {
                Value::String(text) => pairs.push((name, text)),
                other => self.wrong(key, format!("{name} is {}, and must be text in quotes", kind(&other))),
            }
        }
        pairs
    }

    /// Tells about every key that nobody asked for.
    pub(super) fn finish(mut self) {
        let unknown: Vec<String> = self.table.keys().cloned().collect();
        for key in unknown {
            let problem = match nearest(&key, &self.known) {
                Some(near) => format!("is not known; did you mean {near}?"),
                None => format!("is not known; this section has {}", self.known.join(", ")),
            };
            self.wrong(&key, problem);
        }
    }
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::String(_) => "text",
        Value::Integer(_) => "a number",
        Value::Float(_) => "a fraction",
        Value::Boolean(_) => "true or false",
        Value::Datetime(_) => "a date",
        Value::Array(_) => "a list",
        Value::Table(_) => "a section",
    }
}

/// The known word that differs least, if it is alike at all.
pub(super) fn nearest<'a>(word: &str, known: &[&'a str]) -> Option<&'a str> {
    let distance = known.iter().map(|candidate| (strsim::levenshtein(word, candidate), *candidate)).min()?;
    (distance.0 <= 1 + word.chars().count() / 4).then_some(distance.1)
}
