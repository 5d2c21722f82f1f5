//! What can go wrong, each with what to do about it.

use std::path::PathBuf;

/// Why a version was not taken, or a route not changed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RolloutError {
    /// The engine would not take the component.
    #[error(transparent)]
    Flow(#[from] flows::FlowError),
    /// The records could not be read or written.
    #[error(transparent)]
    Records(#[from] records::RecordsError),
    /// A replay was cut off: a panic of ours, or the program is being stopped.
    #[error("a replay was interrupted: {0}")]
    Interrupted(String),
    /// A name that no flow can have.
    #[error("{name:?} cannot be a flow's name: take 1 to 64 letters, digits, `-`, `_` or `.`, for example vet-desk")]
    BadName {
        /// As it was given.
        name: String,
    },
    /// An id that no clinic can have.
    #[error(
        "{clinic:?} cannot be a clinic's id: take small Latin letters, digits, `-` or `_`, as `id` in the clinic file"
    )]
    BadClinic {
        /// As it was given.
        clinic: String,
    },
    /// A word that is no entry.
    #[error("no such entry: {0}")]
    BadEntry(String),
    /// A share that no canary can have.
    #[error("a canary takes 1 to 99 per cent of the calls, not {0}; for all of them deploy without a canary")]
    BadPercent(u32),
    /// The new version may do more than the one before.
    #[error(
        "flow `{name}` asks for more than its version {before} did: {}. If it may, add it with {}",
        .added.join(", "),
        .added.iter().map(|capability| format!("--allow {capability}")).collect::<Vec<_>>().join(" ")
    )]
    AddedCapabilities {
        /// The flow.
        name: String,
        /// The version before, shortened.
        before: String,
        /// What is new.
        added: Vec<String>,
    },
    /// There must be a signature.
    #[error(
        "{what} is not signed, and {who} takes signed flows only: sign it with `gudok flow sign`, using a key of `[flows] signed_by`"
    )]
    Unsigned {
        /// Flow or version.
        what: String,
        /// Who wants it signed.
        who: String,
    },
    /// There is a signature, but not by a key that counts.
    #[error(
        "the signature of {what} is by none of the keys that {who} trusts (`[flows] signed_by`): sign it with one of those"
    )]
    WrongSignature {
        /// Flow or version.
        what: String,
        /// Who wants it signed.
        who: String,
    },
    /// A key or a signature that is none.
    #[error("{what}: {problem}")]
    BadKey {
        /// The file or the setting.
        what: String,
        /// What is wrong and what would be right.
        problem: String,
    },
    /// No version goes by this digest or name.
    #[error(
        "no version of a flow goes by {reference:?}; `gudok flow list` shows those there are, `gudok flow add` adds one"
    )]
    UnknownVersion {
        /// As it was given.
        reference: String,
    },
    /// Several versions go by it.
    #[error("{reference:?} may be any of {}; give more digits of the digest", .candidates.join(", "))]
    Ambiguous {
        /// As it was given.
        reference: String,
        /// Digests, shortened.
        candidates: Vec<String>,
    },
    /// A version that a route needs.
    #[error(
        "version {digest} is used by {}; deploy another version there (twice, since a roll-back needs the one before), then remove it",
        .routes.join(", ")
    )]
    InUse {
        /// The version, shortened.
        digest: String,
        /// `clinic/entry`.
        routes: Vec<String>,
    },
    /// The file of a version is gone.
    #[error("the file of version {digest} is gone ({path}); add the same component again to restore it")]
    MissingFile {
        /// The version, shortened.
        digest: String,
        /// Where it should lie.
        path: PathBuf,
    },
    /// The file of a version has other bytes.
    #[error("{path} does not hold the bytes it is named for; delete it and add the same component again")]
    DamagedFile {
        /// The file.
        path: PathBuf,
    },
    /// A file could not be read or written.
    #[error("{path}: {source}")]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// Nothing was deployed there.
    #[error("no flow answers {clinic}/{entry} yet; `gudok flow deploy` puts one there, first for all calls")]
    NoRoute {
        /// The clinic.
        clinic: String,
        /// The entry.
        entry: records::Entry,
    },
    /// There is no candidate to promote or drop.
    #[error("{clinic}/{entry} has no candidate; `gudok flow deploy --canary 10%` starts one")]
    NoCandidate {
        /// The clinic.
        clinic: String,
        /// The entry.
        entry: records::Entry,
    },
    /// There is no shadow to drop.
    #[error("{clinic}/{entry} has no shadow; `gudok flow deploy --shadow` starts one")]
    NoShadow {
        /// The clinic.
        clinic: String,
        /// The entry.
        entry: records::Entry,
    },
    /// There is no version to go back to.
    #[error("{clinic}/{entry} has no earlier version to go back to; deploy the one you want")]
    NothingBefore {
        /// The clinic.
        clinic: String,
        /// The entry.
        entry: records::Entry,
    },
    /// A canary or shadow of the version that answers anyway.
    #[error("version {digest} answers every call of {clinic}/{entry} already")]
    AlreadyStable {
        /// The clinic.
        clinic: String,
        /// The entry.
        entry: records::Entry,
        /// The version, shortened.
        digest: String,
    },
    /// Others changed the route again and again meanwhile.
    #[error("{clinic}/{entry} is being changed by somebody else; look at it with `gudok flow routes` and try again")]
    Contended {
        /// The clinic.
        clinic: String,
        /// The entry.
        entry: records::Entry,
    },
    /// There is no such planned change, or it was carried out.
    #[error("no planned change {id:?} waits; `gudok flow routes` shows those that do")]
    NotPlanned {
        /// Its id.
        id: String,
    },
    /// What is recorded of a call cannot be read as a journal.
    #[error("the journal of call {call:?} cannot be read: {problem}")]
    Journal {
        /// The call.
        call: String,
        /// What is wrong.
        problem: String,
    },
    /// A task of ours was cancelled: the program is ending.
    #[error("the program is ending")]
    Ending,
}
