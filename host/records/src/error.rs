//! What can go wrong, each with what to do about it.

use std::path::{Path, PathBuf};

/// Why the store could not do what it was asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RecordsError {
    /// The database file, or the folder it is to lie in, cannot be used.
    #[error("database {path}: {problem}; give a file in a folder this user may write to")]
    BadPath {
        /// As it was given.
        path: PathBuf,
        /// What the system said.
        problem: String,
    },
    /// A kind of database this build has no driver for.
    #[error(
        "database {scheme}://…: only SQLite and Postgres are spoken; give the path of a file, for example data/gudok.db, or \
         postgres://USER:PASSWORD@HOST/DATABASE"
    )]
    UnknownDatabase {
        /// The scheme of the address.
        scheme: String,
    },
    /// The database's server cannot be reached, or refuses.
    #[error("database {address}: {problem}; see that the server runs, knows this user and has the database (createdb)")]
    Server {
        /// Its address, without the password.
        address: PathBuf,
        /// What was said.
        problem: String,
    },
    /// What a file allows and a server does by itself.
    #[error("{what} is not for a database on a server: {instead}")]
    OnServer {
        /// What was asked for.
        what: &'static str,
        /// What to do there.
        instead: &'static str,
    },
    /// The file is no SQLite database, or a damaged one.
    #[error(
        "database {path} is damaged or is not a SQLite database ({detail}); restore it from a backup, or move it away to start empty"
    )]
    Corrupt {
        /// The file.
        path: PathBuf,
        /// What SQLite found.
        detail: String,
    },
    /// The file was written by a newer program.
    #[error(
        "database {path} has schema {found}, this program knows schemas up to {known}; run the newer program that wrote it"
    )]
    NewerSchema {
        /// The file.
        path: PathBuf,
        /// Schema version in the file.
        found: i64,
        /// The newest this program knows.
        known: i64,
    },
    /// A released migration was edited, so that the file's schema is not what its number says.
    #[error(
        "database {path}: migration {version} differs from the one this file was made with; run the program that made it"
    )]
    ForeignSchema {
        /// The file.
        path: PathBuf,
        /// Schema version in question.
        version: i64,
    },
    /// Another process kept the database locked for longer than the busy time-out.
    #[error("the database is locked by another process; stop that process (a backup? a second gudok?) and try again")]
    Busy,
    /// The disk is full, or writing failed.
    #[error("the database cannot be written ({0}); free some space on its disk and check it")]
    Disk(String),
    /// There is no such row.
    #[error("no {what} with id {id:?}")]
    NotFound {
        /// `call`, `booking`, `call-back`, `audio`, `job`.
        what: &'static str,
        /// The id that was asked for.
        id: String,
    },
    /// An id that must be new belongs to something else already.
    #[error("{what} {id:?} already exists with other contents; use a new id")]
    Exists {
        /// `call`, `booking`, …
        what: &'static str,
        /// The id.
        id: String,
    },
    /// A visit cannot go from its status to that one.
    #[error("booking {id:?} is {from}, it cannot become {to}")]
    WrongStatus {
        /// The booking.
        id: String,
        /// Its status.
        from: super::Status,
        /// What was asked.
        to: super::Status,
    },
    /// A visit that was given up cannot be put right: its time was given to somebody else.
    #[error("booking {id:?} was given up and its time given to another visitor; book a new time for who came late")]
    TimeGiven {
        /// The booking.
        id: String,
    },
    /// An argument that no row may hold.
    #[error("{field}: {problem}")]
    BadValue {
        /// Column or argument.
        field: &'static str,
        /// What is wrong and what would be right. Never the value itself if it could be personal.
        problem: String,
    },
    /// A job is no longer held by the worker that reports on it: its lease ran out and another took it.
    #[error("job {id:?} is no longer leased by this worker; drop the result, another worker has taken it")]
    LeaseLost {
        /// The job.
        id: String,
    },
    /// Somebody else works on an entry of the list of calls, or it is at its end.
    #[error("entry {id:?} of the list of calls is not free ({by}); take the next one")]
    Claimed {
        /// The entry.
        id: String,
        /// Who works on it, or where it stands.
        by: String,
    },
    /// A file of audio could not be written or read.
    #[error("audio {path}: {source}")]
    Audio {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The file of a journal key cannot be used.
    #[error(
        "journal key {path}: {problem}; put the clinic's key back there, or name its file in `[privacy] journal_key`"
    )]
    KeyFile {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
    /// Rows are sealed, and the key is not there.
    #[error(
        "the journals of {clinic:?} are sealed with key {key}, and its file {file} is missing; put it back to read them"
    )]
    NoKey {
        /// The clinic.
        clinic: String,
        /// The key's id.
        key: String,
        /// Where it should lie.
        file: PathBuf,
    },
    /// Rows are sealed with another key than the one that is there.
    #[error(
        "a journal of {clinic:?} is sealed with key {key}, and {file} holds another one; put the right key there to read it"
    )]
    WrongKey {
        /// The clinic.
        clinic: String,
        /// The id of the key that is needed.
        key: String,
        /// The file with the other key.
        file: PathBuf,
    },
    /// A sealed text is not what was sealed in that place.
    #[error("the journal of call {call:?} was changed after it was sealed ({field}); restore it from a backup")]
    Tampered {
        /// The call.
        call: String,
        /// Which part.
        field: String,
    },
    /// A clinic has no key, and what is to be done needs one.
    #[error(
        "clinic {clinic:?} has no key, and an erasure is noted as a keyed hash; open the store with the folder of the keys"
    )]
    NoKeyring {
        /// The clinic.
        clinic: String,
    },
    /// A backup, an export or the note of an erasure cannot be written or read.
    #[error("{path}: {problem}; see that the folder is there, may be written to and has space")]
    File {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
    /// The store was closed while the write waited.
    #[error("the database was closed before the write was done")]
    Closed,
    /// Anything else the database said.
    #[error("database: {0}")]
    Database(#[source] sqlx::Error),
}

impl RecordsError {
    /// Gives the file's name to errors that are about the file.
    pub(crate) fn at(self, path: &Path) -> Self {
        match self {
            Self::Corrupt { detail, .. } => Self::Corrupt { path: path.into(), detail },
            Self::BadPath { problem, .. } => Self::BadPath { path: path.into(), problem },
            other => other,
        }
    }
}

/// Postgres' codes have five characters (<https://www.postgresql.org/docs/current/errcodes-appendix.html>), SQLite's primary
/// result codes (<https://sqlite.org/rescode.html>) are the lower eight bits of a number.
impl From<sqlx::Error> for RecordsError {
    fn from(error: sqlx::Error) -> Self {
        let Some(database) = error.as_database_error() else {
            return match error {
                sqlx::Error::PoolTimedOut => Self::Busy,
                sqlx::Error::PoolClosed | sqlx::Error::WorkerCrashed => Self::Closed,
                other => Self::Database(other),
            };
        };
        let detail = database.message().to_owned();
        let code = database.code().unwrap_or_default();
        if code.len() == 5 {
            return match &*code {
                "40P01" | "55P03" => Self::Busy,
                "53100" | "58030" => Self::Disk(detail),
                "57P01" | "57P02" | "57P03" => Self::Closed,
                _ => Self::Database(error),
            };
        }
        let code = code.parse::<i32>().unwrap_or(0) & 0xff;
        match code {
            5 | 6 => Self::Busy,
            8 | 10 | 13 => Self::Disk(detail),
            11 | 26 => Self::Corrupt { path: PathBuf::new(), detail },
            14 => Self::BadPath { path: PathBuf::new(), problem: detail },
            _ => Self::Database(error),
        }
    }
}
