//! What SQLite and Postgres say differently. All other SQL of this room is common to both.

use std::path::{Path, PathBuf};

use crate::{RecordsError, Result};

/// Which of the two keeps the rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Dialect {
    Sqlite,
    Postgres,
}

impl Dialect {
    /// Begins a transaction that is alone in writing until it ends, whichever program the others are in: what it checks
    /// stays true until it commits.
    pub(crate) fn begin_alone(self) -> &'static str {
        match self {
            Self::Sqlite => "BEGIN IMMEDIATE",
            // Any number will do, as long as every version of this program takes the same.
            Self::Postgres => "BEGIN; SELECT pg_advisory_xact_lock(7162051)",
        }
    }

    /// Condition for calls in which a word was said, up to the parameter with [`Dialect::any_ending`], and what closes it.
    pub(crate) fn said(self) -> (&'static str, &'static str) {
        match self {
            Self::Sqlite => (
                "id IN (SELECT turns.call FROM turn_words JOIN turns ON turns.rowid = turn_words.rowid
                    WHERE turn_words MATCH ",
                ")",
            ),
            // As a list that is made once, by the index: joined, it is guessed to be long, and every turn there is is looked at.
            Self::Postgres => (
                "id = ANY(ARRAY(SELECT turns.call FROM turns
                    WHERE to_tsvector('simple', lower(turns.text)) @@ to_tsquery('simple', ",
                ")))",
            ),
        }
    }

    /// One of these stems, letters and digits only, with any ending: a query of the full-text search.
    pub(crate) fn any_ending(self, stems: &[String]) -> String {
        let (joint, one): (&str, fn(&String) -> String) = match self {
            Self::Sqlite => (" OR ", |stem| format!("\"{stem}\"*")),
            Self::Postgres => (" | ", |stem| format!("'{stem}':*")),
        };
        stems.iter().map(one).collect::<Vec<_>>().join(joint)
    }

    /// Which one an address means: a server, or else a file.
    pub(crate) fn of(place: &Path) -> Result<Self> {
        let text = place.to_str().unwrap_or_default();
        match text.split_once("://") {
            None | Some(("sqlite", _)) => Ok(Self::Sqlite),
            Some(("postgres" | "postgresql", _)) => Ok(Self::Postgres),
            Some((scheme, _)) => Err(RecordsError::UnknownDatabase { scheme: scheme.to_owned() }),
        }
    }
}

/// A database's place as it may be shown: a server's address without the password, and without what follows the name.
pub fn shown(place: &Path) -> PathBuf {
    let Some(address) = place.to_str().filter(|place| place.contains("://")) else { return place.to_owned() };
    let address = address.split('?').next().unwrap_or_default();
    let (scheme, rest) = address.split_once("://").unwrap_or(("postgres", address));
    let (user, host) = rest.rsplit_once('@').unwrap_or(("", rest));
    let user = user.split(':').next().unwrap_or_default();
    let at = if user.is_empty() { "" } else { "@" };
    PathBuf::from(format!("{scheme}://{user}{at}{host}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_shown_without_its_password() {
        for (address, as_shown) in [
            ("postgres://desk:se:cr@et@db.local:5432/gudok?sslmode=require", "postgres://desk@db.local:5432/gudok"),
            ("postgresql://db.local/gudok", "postgresql://db.local/gudok"),
            ("data/gudok.db", "data/gudok.db"),
        ] {
            assert_eq!(shown(Path::new(address)), Path::new(as_shown));
        }
    }

    #[test]
    fn a_scheme_says_which_database_is_meant() {
        assert_eq!(Dialect::of(Path::new("data/gudok.db")).unwrap(), Dialect::Sqlite);
        assert_eq!(Dialect::of(Path::new("sqlite:data/gudok.db")).unwrap(), Dialect::Sqlite);
        assert_eq!(Dialect::of(Path::new("postgres://localhost/gudok")).unwrap(), Dialect::Postgres);
        assert!(matches!(Dialect::of(Path::new("mysql://localhost/gudok")), Err(RecordsError::UnknownDatabase { .. })));
    }
}
