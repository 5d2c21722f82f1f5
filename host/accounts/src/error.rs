//! What can go wrong, each with what to do about it.

use records::RecordsError;

/// Why somebody may not come in, or why an account could not be changed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AccountError {
    /// Login, password or code is wrong; which, is not told.
    #[error("the login, the password or the code is wrong")]
    Wrong,
    /// The password was right, and the authenticator's code is needed.
    #[error("a code of the authenticator is needed; a recovery code does, too")]
    CodeNeeded,
    /// Too many failures.
    #[error("too many wrong attempts; try again in {seconds} s")]
    Wait {
        /// How long.
        seconds: i64,
    },
    /// The link was used, has run out, or never was.
    #[error("this link was used already or has run out; ask for a new one (`gudok user link`)")]
    BadLink,
    /// A field that nobody may have.
    #[error("{field}: {problem}")]
    BadField {
        /// Its name.
        field: &'static str,
        /// What would be right.
        problem: &'static str,
    },
    /// Somebody has this login.
    #[error("there is a user with this login already; choose another")]
    LoginTaken,
    /// There must be somebody who can let others in.
    #[error("this is the last owner; make somebody else an owner first")]
    LastOwner,
    /// Somebody else changed the same in between.
    #[error("somebody changed this user in between; look again and repeat")]
    ChangedMeanwhile,
    /// The provider of identities failed or said something that cannot be.
    #[error("sign-in by {issuer} failed: {problem}")]
    OpenId {
        /// Its address.
        issuer: String,
        /// What went wrong.
        problem: String,
    },
    /// The records could not be used.
    #[error(transparent)]
    Records(#[from] RecordsError),
}
