//! What can go wrong, each with what to do about it.

/// Why another system could not be served.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConnectionError {
    /// The store.
    #[error(transparent)]
    Records(#[from] records::RecordsError),
    /// This machine cannot make encrypted connections.
    #[error("no HTTP client can be made ({0}); check the system's certificates (package ca-certificates)")]
    Client(String),
    /// There is no such endpoint or portal in the settings.
    #[error("connections.toml has no {what} named {name:?}; it knows {known}")]
    Unknown {
        /// `webhook`, `bitrix24`.
        what: &'static str,
        /// What was asked for.
        name: String,
        /// The names that are there.
        known: String,
    },
    /// A message that claims to be a portal's and does not prove it.
    #[error(
        "the message does not carry the portal's application token; copy the token of the outgoing webhook to `application_token`"
    )]
    WrongToken,
    /// A message of a portal that cannot be read.
    #[error("the portal's message cannot be read: {0}; it must be the form that Bitrix24 sends for an event")]
    BadMessage(&'static str),
    /// The CSV could not be written.
    #[error("the export cannot be written: {0}")]
    Export(String),
}
