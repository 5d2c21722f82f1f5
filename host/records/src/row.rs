//! Reading rows: one trait, and enums that are words in the database and in JSON.

use sqlx::Row as _;
use sqlx::any::AnyRow;

use crate::{Pii, RecordsError, Result};

/// A struct that reads itself from a row that has its columns, in any order.
pub(crate) trait FromColumns: Sized {
    fn from_columns(row: &AnyRow) -> Result<Self>;
}

/// Typed access to a row by column name.
pub(crate) trait Columns {
    fn text(&self, column: &'static str) -> Result<String>;
    fn text_opt(&self, column: &'static str) -> Result<Option<String>>;
    fn int(&self, column: &'static str) -> Result<i64>;
    fn int_opt(&self, column: &'static str) -> Result<Option<i64>>;
    fn real_opt(&self, column: &'static str) -> Result<Option<f64>>;

    fn pii(&self, column: &'static str) -> Result<Pii> {
        self.text(column).map(Pii::from)
    }

    fn truth(&self, column: &'static str) -> Result<bool> {
        Ok(self.int(column)? != 0)
    }

    fn truth_opt(&self, column: &'static str) -> Result<Option<bool>> {
        Ok(self.int_opt(column)?.map(|value| value != 0))
    }

    fn word<T: std::str::FromStr<Err = String>>(&self, column: &'static str) -> Result<T> {
        self.text(column)?.parse().map_err(|problem| RecordsError::BadValue { field: column, problem })
    }

    fn word_opt<T: std::str::FromStr<Err = String>>(&self, column: &'static str) -> Result<Option<T>> {
        let Some(text) = self.text_opt(column)? else { return Ok(None) };
        text.parse().map(Some).map_err(|problem| RecordsError::BadValue { field: column, problem })
    }
}

impl Columns for AnyRow {
    fn text(&self, column: &'static str) -> Result<String> {
        Ok(self.try_get(column)?)
    }

    fn text_opt(&self, column: &'static str) -> Result<Option<String>> {
        Ok(self.try_get(column)?)
    }

    fn int(&self, column: &'static str) -> Result<i64> {
        Ok(self.try_get(column)?)
    }

    fn int_opt(&self, column: &'static str) -> Result<Option<i64>> {
        Ok(self.try_get(column)?)
    }

    fn real_opt(&self, column: &'static str) -> Result<Option<f64>> {
        Ok(self.try_get(column)?)
    }
}

/// Declares an enum whose variants are words: in the database, in JSON, in `Display` and in `FromStr` alike.
macro_rules! words {
    ($(#[$meta:meta])* $name:ident { $($(#[$variant_meta:meta])* $variant:ident = $word:literal,)+ }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
        pub enum $name {
            $($(#[$variant_meta])* #[serde(rename = $word)] $variant,)+
        }

        impl $name {
            /// Every value, in the order of the documentation.
            pub const ALL: &'static [$name] = &[$($name::$variant),+];

            /// The word that stands for it.
            pub fn as_str(self) -> &'static str {
                match self { $($name::$variant => $word,)+ }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl std::str::FromStr for $name {
            type Err = String;

            /// Fails with a sentence that lists the allowed words.
            fn from_str(word: &str) -> std::result::Result<Self, String> {
                match word {
                    $($word => Ok($name::$variant),)+
                    _ => Err(format!("{word:?} is none of {}", [$($word),+].join(", "))),
                }
            }
        }
    };
}
pub(crate) use words;
