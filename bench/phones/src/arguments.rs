//! The command line: `--name value`, nothing else.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::str::FromStr;

use anyhow::{Context, Result, bail};

/// What was given and not asked for yet.
pub struct Arguments(BTreeMap<String, String>);

impl Arguments {
    /// Reads pairs of a name and a value.
    ///
    /// # Errors
    /// When a name has no value, or a value no name.
    pub fn read(mut words: impl Iterator<Item = String>) -> Result<Arguments> {
        let mut given = BTreeMap::new();
        while let Some(word) = words.next() {
            let name = word.strip_prefix("--").with_context(|| format!("\"{word}\": expected --NAME VALUE"))?;
            let value = words.next().with_context(|| format!("--{name} has no value"))?;
            given.insert(name.to_owned(), value);
        }
        Ok(Arguments(given))
    }

    /// A value that must be there.
    ///
    /// # Errors
    /// When it is not, or is not of this kind.
    pub fn must<T: FromStr<Err: Display>>(&mut self, name: &str) -> Result<T> {
        let value = self.0.remove(name).with_context(|| format!("--{name} is missing"))?;
        value.parse().map_err(|error| anyhow::anyhow!("--{name} {value}: {error}"))
    }

    /// A value that has a usual one.
    ///
    /// # Errors
    /// When it is there and not of this kind.
    pub fn may<T: FromStr<Err: Display>>(&mut self, name: &str, usual: T) -> Result<T> {
        if self.0.contains_key(name) { self.must(name) } else { Ok(usual) }
    }

    /// Nothing else may be left.
    ///
    /// # Errors
    /// When something is: a misspelt name would be passed over in silence.
    pub fn done(&self) -> Result<()> {
        match self.0.keys().next() {
            Some(name) => bail!("--{name} is not known here"),
            None => Ok(()),
        }
    }
}
