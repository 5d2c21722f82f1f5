//! What can go wrong, each with what to do about it.

use crate::step::Refused;

/// Why the chat could not do what it was asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ChatError {
    /// The conversation is not where that could be done.
    #[error(transparent)]
    Refused(#[from] Refused),
    /// No canned answer has that id.
    #[error("no canned answer {id:?}; the clinic file's [[canned]] sections have: {known}")]
    NoCanned {
        /// What was asked for.
        id: String,
        /// What there is.
        known: String,
    },
    /// A message came that is not signed as agreed.
    #[error("the message's signature is refused: {0}; check the secret on both sides and the clock")]
    Signature(&'static str),
    /// A message came that cannot be read.
    #[error("the message cannot be read: {0}; see docs/chat.md for its fields")]
    Unreadable(String),
    /// Too many changes of one conversation at a time.
    #[error("conversation {0:?} is changing all the time; try again")]
    Busy(String),
    /// The other side refused or did not answer.
    #[error("{channel}: {problem}")]
    Channel {
        /// Which.
        channel: String,
        /// What it said. No personal data, no secret.
        problem: String,
    },
    /// The store refused.
    #[error(transparent)]
    Records(#[from] records::RecordsError),
}
