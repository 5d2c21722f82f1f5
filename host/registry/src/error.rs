//! Why a flow could not be pushed or pulled.

use std::path::PathBuf;

use oci_client::errors::{OciDistributionError as Oci, OciErrorCode};

/// What can go wrong between this machine and a registry.
#[derive(Debug, thiserror::Error)]
pub enum RegistryError {
    /// The place is not written as one.
    #[error(
        "`{given}` is not a place in a registry: {why}. Write HOST[:PORT]/NAME[:TAG], for example registry.example.org/flows/vet-desk:1"
    )]
    Target {
        /// As it was typed.
        given: String,
        /// What is wrong.
        why: String,
    },
    /// The file with names and passwords does not help.
    #[error("{}: {why}", path.display())]
    Credentials {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        why: String,
    },
    /// The environment has half of what is needed.
    #[error("{present} is set and {absent} is not: set both, or neither")]
    HalfCredentials {
        /// The variable that is set.
        present: &'static str,
        /// The variable that is not.
        absent: &'static str,
    },
    /// This machine cannot speak to registries at all.
    #[error("no connection can be made from this machine: {0}. Are its certificates installed (ca-certificates)?")]
    Client(String),
    /// Nobody answers.
    #[error("{registry} cannot be reached: {why}")]
    Unreachable {
        /// The registry.
        registry: String,
        /// The connection's own words.
        why: String,
    },
    /// The registry wants to know who asks, or knows and says no.
    #[error(
        "{target} is refused{who}: log in with `docker login`, or set GUDOK_REGISTRY_USER and GUDOK_REGISTRY_PASSWORD"
    )]
    Denied {
        /// The place.
        target: String,
        /// With which credentials.
        who: String,
    },
    /// There is nothing at this place.
    #[error("{target} is not in the registry")]
    NotFound {
        /// The place.
        target: String,
    },
    /// There is something else at this place.
    #[error("{target} is not a flow: {why}")]
    NotAFlow {
        /// The place.
        target: String,
        /// What it is.
        why: String,
    },
    /// The flow is larger than the caller takes.
    #[error("{target} is {bytes} bytes; at most {limit} are taken")]
    TooLarge {
        /// The place.
        target: String,
        /// Bytes there.
        bytes: u64,
        /// Bytes allowed.
        limit: u64,
    },
    /// What came is not what the manifest promises.
    #[error("{target} is damaged: {why}. Nothing was kept")]
    Corrupt {
        /// The place.
        target: String,
        /// What does not fit.
        why: String,
    },
    /// Anything else that the registry says.
    #[error("{target}: the registry says: {why}")]
    Refused {
        /// The place.
        target: String,
        /// The registry's own words.
        why: String,
    },
}

impl RegistryError {
    /// The client's error in terms of what was asked for.
    pub(crate) fn of(error: Oci, registry: &str, target: &str, who: &str) -> Self {
        let target = target.to_owned();
        let denied = |target| Self::Denied { target, who: who.to_owned() };
        match error {
            Oci::UnauthorizedError { .. } | Oci::AuthenticationFailure(_) => denied(target),
            Oci::ServerError { code: 401 | 403, .. } => denied(target),
            Oci::ServerError { code: 404, .. } | Oci::ImageManifestNotFoundError(_) => Self::NotFound { target },
            Oci::RegistryError { envelope, .. } => match envelope.errors.first().map(|first| &first.code) {
                Some(OciErrorCode::Unauthorized | OciErrorCode::Denied) => denied(target),
                Some(
                    OciErrorCode::ManifestUnknown
                    | OciErrorCode::NameUnknown
                    | OciErrorCode::BlobUnknown
                    | OciErrorCode::NotFound,
                ) => Self::NotFound { target },
                _ => Self::Refused { target, why: envelope.to_string() },
            },
            Oci::RequestError(error) if error.is_connect() || error.is_timeout() || error.is_request() => {
                Self::Unreachable { registry: registry.to_owned(), why: innermost(&error) }
            }
            Oci::ImageIndexParsingNoPlatformResolverError => {
                Self::NotAFlow { target, why: "it is an index of container images, one per machine type".to_owned() }
            }
            Oci::UnsupportedMediaTypeError(kind) => {
                Self::NotAFlow { target, why: format!("its manifest is of type {kind}") }
            }
            error @ (Oci::DigestError(_) | Oci::IoError(_)) => Self::Corrupt { target, why: error.to_string() },
            error @ (Oci::ManifestParsingError(_)
            | Oci::VersionedParsingError(_)
            | Oci::ManifestEncodingError(_)
            | Oci::UnsupportedSchemaVersionError(_)) => Self::NotAFlow { target, why: error.to_string() },
            error => Self::Refused { target, why: error.to_string() },
        }
    }
}

/// The cause below all causes says what happened; those above say that something did.
fn innermost(error: &dyn std::error::Error) -> String {
    let mut cause = error;
    while let Some(below) = cause.source() {
        cause = below;
    }
    cause.to_string()
}
