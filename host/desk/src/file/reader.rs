//! Reading values with their place in the text, and collecting what is wrong with them.

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::names;
use crate::error::Mistake;
use crate::money::{Currency, Money};

/// Collects mistakes; every getter returns what it could read and writes down why it could not.
pub(super) struct Reader {
    /// Where each line begins.
    lines: Vec<usize>,
    mistakes: Vec<Mistake>,
}

/// A table with its path and its place.
#[derive(Clone)]
pub(super) struct Section<'a> {
    pub(super) table: &'a DeTable<'a>,
    /// For example `doctors[2]`; empty at the top.
    pub(super) path: String,
    pub(super) offset: usize,
}

impl<'a> Section<'a> {
    pub(super) fn top(table: &'a DeTable<'a>) -> Self {
        Self { table, path: String::new(), offset: 0 }
    }

    pub(super) fn keys(&self) -> impl Iterator<Item = &'a str> {
        self.table.keys().map(|key| key.get_ref().as_ref())
    }

    pub(super) fn get(&self, key: &str) -> Option<&'a Spanned<DeValue<'a>>> {
        self.table.iter().find(|(name, _)| name.get_ref() == key).map(|(_, value)| value)
    }

    /// The path of a key in it.
    pub(super) fn key(&self, key: &str) -> String {
        match (self.path.is_empty(), key.is_empty()) {
            (true, _) => key.to_owned(),
            (false, true) => self.path.clone(),
            (false, false) => format!("{}.{key}", self.path),
        }
    }
}

impl Reader {
    pub(super) fn new(text: &str) -> Self {
        let breaks = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n').map(|(at, _)| at + 1);
        Self { lines: std::iter::once(0).chain(breaks).collect(), mistakes: Vec::new() }
    }

    pub(super) fn into_mistakes(mut self) -> Vec<Mistake> {
        self.mistakes.sort_by_key(|mistake| mistake.line);
        self.mistakes.dedup();
        self.mistakes
    }

    pub(super) fn mistake(&mut self, offset: usize, key: &str, problem: impl Into<String>, hint: &str) {
        let line = self.lines.partition_point(|start| *start <= offset);
        self.mistakes.push(Mistake { line, key: key.to_owned(), problem: problem.into(), hint: hint.to_owned() });
    }

    /// About a key's value, or about the section when it has no such key.
    pub(super) fn mistake_at(&mut self, section: &Section, key: &str, problem: impl Into<String>, hint: &str) {
        let offset = section.get(key).map_or(section.offset, |value| value.span().start);
        self.mistake(offset, &section.key(key), problem, hint);
    }

    pub(super) fn check_keys(&mut self, section: &Section, known: &[&str]) {
        for key in section.table.keys().filter(|key| !known.contains(&key.get_ref().as_ref())) {
            let hint = names::allowed(key.get_ref(), known);
            self.mistake(key.span().start, &section.key(key.get_ref()), "this key is not known", &hint);
        }
    }

    /// A text that is not blank.
    pub(super) fn text(&mut self, section: &Section, key: &str) -> Option<String> {
        let value = section.get(key)?;
        self.text_of(value, &section.key(key))
    }

    pub(super) fn required_text(&mut self, section: &Section, key: &str, needed: &str) -> Option<String> {
        if section.get(key).is_none() {
            self.mistake(section.offset, &section.key(key), "it is missing", &format!("needed: {needed}"));
        }
        self.text(section, key)
    }

    pub(super) fn text_of(&mut self, value: &Spanned<DeValue>, key: &str) -> Option<String> {
        let offset = value.span().start;
        match value.get_ref().as_str() {
            Some(text) if !text.trim().is_empty() => Some(text.trim().to_owned()),
            Some(_) => {
                self.mistake(offset, key, "it is empty", "write something, or leave the key out if it is optional");
                None
            }
            None => {
                self.wrong_type(value, key, "a text in quotes");
                None
            }
        }
    }

    /// A list of texts; a single text is a list of one.
    pub(super) fn texts(&mut self, section: &Section, key: &str) -> Vec<String> {
        let Some(value) = section.get(key) else { return Vec::new() };
        let path = section.key(key);
        match value.get_ref() {
            DeValue::Array(items) => {
                let item = |(n, item)| self.text_of(item, &format!("{path}[{}]", n + 1));
                items.iter().enumerate().filter_map(item).collect()
            }
            DeValue::String(_) => self.text_of(value, &path).into_iter().collect(),
            _ => {
                self.wrong_type(value, &path, "a list of texts, for example [\"УЗИ\", \"рентген\"]");
                Vec::new()
            }
        }
    }

    pub(super) fn number(&mut self, section: &Section, key: &str, least: u32, most: u32) -> Option<u32> {
        let value = section.get(key)?;
        self.number_of(value, &section.key(key), least, most)
    }

    pub(super) fn number_of(&mut self, value: &Spanned<DeValue>, key: &str, least: u32, most: u32) -> Option<u32> {
        let Some(integer) = value.get_ref().as_integer() else {
            self.wrong_type(value, key, &format!("a whole number from {least} to {most}"));
            return None;
        };
        let number = i64::from_str_radix(integer.as_str(), integer.radix()).ok().and_then(|n| u32::try_from(n).ok());
        let number = number.filter(|number| (least..=most).contains(number));
        if number.is_none() {
            let problem = format!("{} is out of range", integer.as_str());
            self.mistake(value.span().start, key, problem, &format!("allowed: {least} to {most}"));
        }
        number
    }

    pub(super) fn truth(&mut self, section: &Section, key: &str) -> Option<bool> {
        let value = section.get(key)?;
        let truth = value.get_ref().as_bool();
        if truth.is_none() {
            self.wrong_type(value, &section.key(key), "true or false");
        }
        truth
    }

    /// A part of one: 0 to 1.
    pub(super) fn share(&mut self, section: &Section, key: &str) -> Option<f64> {
        let value = section.get(key)?;
        let text = match value.get_ref() {
            DeValue::Integer(number) => number.as_str(),
            DeValue::Float(number) => number.as_str(),
            _ => {
                self.wrong_type(value, &section.key(key), "a share from 0 to 1, for example 0.02 for two in a hundred");
                return None;
            }
        };
        let share = text.parse().ok().filter(|share: &f64| (0.0..=1.0).contains(share));
        if share.is_none() {
            let hint = "allowed: 0 to 1; 0.02 is two in a hundred";
            self.mistake(value.span().start, &section.key(key), format!("{text} is out of range"), hint);
        }
        share
    }

    /// An amount in major units, and whether it is written as the lowest one (`"от 1500"`). Decimals are read from the
    /// text of the file, never through a binary fraction.
    pub(super) fn money(&mut self, section: &Section, key: &str, currency: Currency) -> Option<(Money, bool)> {
        let value = section.get(key)?;
        let text = match value.get_ref() {
            DeValue::Integer(number) if number.radix() == 10 => number.as_str(),
            DeValue::Float(number) => number.as_str(),
            DeValue::String(text) => text.as_ref(),
            _ => {
                self.wrong_type(value, &section.key(key), "an amount, for example 1500 or 8.50");
                return None;
            }
        };
        let lowest = text.trim().strip_prefix("от ");
        let money = Money::parse(lowest.unwrap_or(text), currency);
        if money.is_none() {
            let hint = "write an amount with at most two decimals, for example 1500, 8.50 or \"от 1500\"";
            self.mistake_at(section, key, format!("{text:?} is no amount of money"), hint);
        }
        money.map(|money| (money, lowest.is_some()))
    }

    pub(super) fn table<'a>(&mut self, section: &Section<'a>, key: &str) -> Option<Section<'a>> {
        let value = section.get(key)?;
        self.table_of(value, section.key(key))
    }

    pub(super) fn table_of<'a>(&mut self, value: &'a Spanned<DeValue<'a>>, path: String) -> Option<Section<'a>> {
        let DeValue::Table(table) = value.get_ref() else {
            let last = path.rsplit('.').next().unwrap_or_default().to_owned();
            self.wrong_type(value, &path, &format!("a table, for example [{last}]"));
            return None;
        };
        Some(Section { table, path, offset: value.span().start })
    }

    /// A list of tables, written as `[[key]]` or `key = [{…}]`.
    pub(super) fn tables<'a>(&mut self, section: &Section<'a>, key: &str) -> Vec<Section<'a>> {
        let Some(value) = section.get(key) else { return Vec::new() };
        let path = section.key(key);
        let DeValue::Array(items) = value.get_ref() else {
            self.wrong_type(value, &path, &format!("a list of tables, each begun with [[{path}]]"));
            return Vec::new();
        };
        let item = |(n, item)| self.table_of(item, format!("{path}[{}]", n + 1));
        items.iter().enumerate().filter_map(item).collect()
    }

    pub(super) fn wrong_type(&mut self, value: &Spanned<DeValue>, key: &str, needed: &str) {
        let found = match value.get_ref() {
            DeValue::String(_) => "a text",
            DeValue::Integer(_) | DeValue::Float(_) => "a number",
            DeValue::Boolean(_) => "true or false",
            DeValue::Datetime(_) => "a date or time",
            DeValue::Array(_) => "a list",
            DeValue::Table(_) => "a table",
        };
        self.mistake(value.span().start, key, format!("this is {found}"), &format!("needed: {needed}"));
    }
}
