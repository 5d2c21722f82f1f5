//! Finding calls by words that were said in them: the latest first, however often a word is said.
//!
//! A word that was said seldom is looked up in the index of words, and its calls are put in order. Of a word that is in every
//! third call that would be a third of everything, to show fifty; there the calls are walked, the latest first, and a chunk at a
//! time is asked which of them have the words. Where the walk finds little, the index is asked after all. Either way the calls
//! are the same.

use std::collections::HashSet;

use sqlx::any::AnyArguments;
use sqlx::{Arguments as _, AssertSqlSafe};

use crate::calls::{CallFilter, CallRecord, Cursor};
use crate::dialect::Dialect;
use crate::row::Columns as _;
use crate::{RecordsError, Result, Store};

/// What was typed, as queries of the index of words.
#[derive(Debug, Default)]
pub(crate) struct Said {
    /// Words that were said seldom: looked up.
    pub(crate) rare: Vec<String>,
    /// Words that may be in every other call.
    pub(crate) common: Vec<String>,
}

/// A word that was said this often is not rare.
const OFTEN: i64 = 1_000;
/// How many calls are walked at a time.
const CHUNKS: [usize; 2] = [200, 1_000];
/// A walk that finds fewer than one in so many calls is not worth going on with.
const ONE_IN: usize = 32;

impl Store {
    pub(crate) async fn words_said(&self, typed: &str) -> Result<Said> {
        let mut said = Said::default();
        for stems in search_words(typed) {
            let word = self.dialect().any_ending(&stems);
            if self.is_rare(&word).await? { said.rare.push(word) } else { said.common.push(word) }
        }
        Ok(said)
    }

    /// Whether a word was said seldom.
    async fn is_rare(&self, word: &str) -> Result<bool> {
        // On a server asking this costs as much as the search itself; the walk finds it out.
        if !matches!(self.dialect(), Dialect::Sqlite) {
            return Ok(false);
        }
        let sql = "SELECT COUNT(*) FROM (SELECT 1 FROM turn_words WHERE turn_words MATCH $1 LIMIT $2) AS found";
        let count: i64 = sqlx::query_scalar(sql).bind(word).bind(OFTEN).fetch_one(self.read()).await?;
        Ok(count < OFTEN)
    }

    /// The latest calls that fit and have all these words, at most `wanted`.
    pub(crate) async fn walk(
        &self,
        filter: &CallFilter,
        said: Said,
        wanted: usize,
        after: Option<&Cursor>,
    ) -> Result<Vec<CallRecord>> {
        let mut found = Vec::new();
        let mut from = after.cloned();
        for size in CHUNKS {
            let chunk = self.select_calls(filter, &said.rare, size, from.as_ref()).await?;
            let is_last = chunk.len() < size;
            from = chunk.last().map(|last| Cursor::after(last.started_ms, &last.id)).or(from);
            let have = self.with_words(&chunk, &said.common).await?;
            let before = found.len();
            found.extend(chunk.into_iter().filter(|call| have.contains(&call.id)));
            if is_last || found.len() >= wanted {
                found.truncate(wanted);
                return Ok(found);
            }
            if (found.len() - before) * ONE_IN < size {
                break;
            }
        }
        let all = [said.rare, said.common].concat();
        found.extend(self.select_calls(filter, &all, wanted - found.len(), from.as_ref()).await?);
        Ok(found)
    }

    /// Which of these calls have all the words.
    async fn with_words(&self, calls: &[CallRecord], words: &[String]) -> Result<HashSet<String>> {
        let mut have: HashSet<String> = calls.iter().map(|call| call.id.clone()).collect();
        for word in words {
            if have.is_empty() {
                break;
            }
            let ids: Vec<&str> = have.iter().map(String::as_str).collect();
            let found = match self.dialect() {
                Dialect::Sqlite => self.with_word_in_file(&ids, word).await?,
                Dialect::Postgres => {
                    let sql = format!(
                        "SELECT DISTINCT call FROM turns WHERE call IN ({})
                         AND to_tsvector('simple', lower(text)) @@ to_tsquery('simple', $1)",
                        places(ids.len(), 2)
                    );
                    self.calls_of(sql, word, &[], &ids).await?
                }
            };
            have = found;
        }
        Ok(have)
    }

    /// The index is asked only for the part in which the turns of these calls lie; calls are mostly written as they come, so that
    /// is a small one.
    async fn with_word_in_file(&self, ids: &[&str], word: &str) -> Result<HashSet<String>> {
        let sql = format!(
            "SELECT COALESCE(MIN(rowid), 0) AS first, COALESCE(MAX(rowid), -1) AS last FROM turns WHERE call IN ({})",
            places(ids.len(), 1)
        );
        let mut arguments = AnyArguments::default();
        add_all(&mut arguments, ids)?;
        // Safe, here and below: made of literals and of placeholders; values are bound.
        let row = sqlx::query_with(AssertSqlSafe(sql), arguments).fetch_one(self.read()).await?;
        let (first, last) = (row.int("first")?, row.int("last")?);
        // With a plus the turns are found by their call and not one by one by their number.
        let sql = format!(
            "SELECT DISTINCT call FROM turns WHERE call IN ({}) AND +rowid IN
                (SELECT rowid FROM turn_words WHERE turn_words MATCH $1 AND rowid BETWEEN $2 AND $3)",
            places(ids.len(), 4)
        );
        self.calls_of(sql, word, &[first, last], ids).await
    }

    async fn calls_of(&self, sql: String, word: &str, bounds: &[i64], ids: &[&str]) -> Result<HashSet<String>> {
        let mut arguments = AnyArguments::default();
        arguments.add(word.to_owned()).map_err(unbound)?;
        for bound in bounds {
            arguments.add(*bound).map_err(unbound)?;
        }
        add_all(&mut arguments, ids)?;
        let rows = sqlx::query_with(AssertSqlSafe(sql), arguments).fetch_all(self.read()).await?;
        rows.iter().map(|row| row.text("call")).collect()
    }
}

fn add_all(arguments: &mut AnyArguments, ids: &[&str]) -> Result<()> {
    ids.iter().try_for_each(|id| arguments.add((*id).to_owned()).map_err(unbound))
}

fn unbound(error: sqlx::error::BoxDynError) -> RecordsError {
    RecordsError::Database(sqlx::Error::Encode(error))
}

/// `$4, $5, $6`.
fn places(count: usize, first: usize) -> String {
    (first..first + count).map(|n| format!("${n}")).collect::<Vec<_>>().join(", ")
}

/// What somebody typed as stems to search for, for each word those that mean it. At most eight words; letters and digits
/// only, so that nothing in them is a command.
fn search_words(text: &str) -> Vec<Vec<String>> {
    let words = text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
    words.take(8).map(|word| stems(&word.to_lowercase())).collect()
}

fn stems(word: &str) -> Vec<String> {
    const ENDINGS: &str = "аеёиоуыэюяйьъ";
    let mut stem: Vec<char> = word.chars().collect();
    // Two letters of an ending at most, and never of a short word: enough for "стрижка, стрижку, стрижке".
    for _ in 0..2 {
        if stem.len() > 4 && stem.last().is_some_and(|last| ENDINGS.contains(*last)) {
            stem.pop();
        }
    }
    let stem: String = stem.into_iter().collect();
    let plain = stem.replace('ё', "е");
    if plain == stem { vec![stem] } else { vec![stem, plain] }
}
