//! What can go wrong.

/// Why something could not be done.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OutreachError {
    /// The records could not be read or written.
    #[error(transparent)]
    Records(#[from] records::RecordsError),
    /// The part of `connections.toml` that concerns gateways.
    #[error("[gateways.{gateway}] {key}: {problem}")]
    Gateway {
        /// Which gateway.
        gateway: String,
        /// Which key of it.
        key: String,
        /// What is wrong and what would be right.
        problem: String,
    },
    /// There is no such clinic here.
    #[error("no clinic {0:?} is served here; give the id of a clinic file that is loaded")]
    UnknownClinic(String),
    /// A reason that is not on the clinic's list.
    #[error("{given:?} is no reason of this clinic; choose one of {allowed}, or add it to [requests] lost_reasons")]
    UnknownReason {
        /// What was given.
        given: String,
        /// What the clinic has.
        allowed: String,
    },
    /// A result without what belongs to it.
    #[error("a refusal needs its reason; choose one of {allowed}")]
    NoReason {
        /// What the clinic has.
        allowed: String,
    },
    /// Who may be contacted could not be found out.
    #[error("whether somebody may be written to could not be found out: {0}")]
    Consent(String),
}
