//! Where a flow lies in a registry.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use oci_client::Reference;

use crate::RegistryError;

/// A place in a registry: `HOST[:PORT]/NAME[:TAG][@DIGEST]`. Without a tag and a digest, the tag is `latest`.
///
/// ```
/// let target: registry::Target = "registry.example.org/flows/vet-desk:1".parse()?;
/// assert_eq!(target.registry(), "registry.example.org");
/// assert_eq!(target.name(), "vet-desk");
/// # Ok::<(), registry::RegistryError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target(Reference);

impl Target {
    /// The host, with its port if one was given.
    pub fn registry(&self) -> &str {
        self.0.registry()
    }

    /// What the flow is called there: the last part of its path.
    pub fn name(&self) -> &str {
        self.0.repository().rsplit('/').next().unwrap_or_default()
    }

    /// Whether the registry runs on this machine, so that nothing leaves it.
    pub fn is_loopback(&self) -> bool {
        let host = self.registry();
        let host = match host.strip_prefix('[') {
            Some(rest) => rest.split(']').next().unwrap_or_default(),
            None => host.rsplit_once(':').map_or(host, |(name, _)| name),
        };
        host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
    }

    /// The same repository, at exactly this manifest.
    pub(crate) fn pinned(&self, manifest: &str) -> Self {
        Self(self.0.clone_with_digest(manifest.to_owned()))
    }

    pub(crate) fn reference(&self) -> &Reference {
        &self.0
    }
}

impl FromStr for Target {
    type Err = RegistryError;

    fn from_str(given: &str) -> Result<Self, RegistryError> {
        let wrong = |why: String| RegistryError::Target { given: given.to_owned(), why };
        // Others read a name without a host as one of Docker's; a flow must not go there by a slip.
        let (host, _) = given.split_once('/').ok_or_else(|| wrong("the registry's host is missing".to_owned()))?;
        if !(host == "localhost" || host.contains(['.', ':'])) {
            return Err(wrong(format!("`{host}` is not a host name")));
        }
        given.parse().map(Self).map_err(|error: oci_client::ParseError| wrong(error.to_string()))
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_names_its_registry() {
        for (given, registry, name, loopback) in [
            ("localhost/vet-desk", "localhost", "vet-desk", true),
            ("localhost:5000/a/b/vet-desk:1.2", "localhost:5000", "vet-desk", true),
            ("127.0.0.9:5000/vet-desk", "127.0.0.9:5000", "vet-desk", true),
            ("ghcr.io/clinic/vet-desk:1", "ghcr.io", "vet-desk", false),
            ("127.0.0.1.evil.example/vet-desk", "127.0.0.1.evil.example", "vet-desk", false),
        ] {
            let target: Target = given.parse().unwrap();
            assert_eq!((target.registry(), target.name(), target.is_loopback()), (registry, name, loopback), "{given}");
        }
        let pinned = format!("ghcr.io/clinic/vet-desk@sha256:{}", "0".repeat(64));
        assert_eq!(pinned.parse::<Target>().unwrap().to_string(), pinned);
        assert_eq!("ghcr.io/x".parse::<Target>().unwrap().to_string(), "ghcr.io/x:latest");
    }

    #[test]
    fn what_would_go_elsewhere_is_refused() {
        for given in
            ["", "vet-desk", "vet-desk:1", "clinic/vet-desk", "ghcr.io/", "ghcr.io/UPPER", "a.b/x@sha256:00", "a.b/x y"]
        {
            let error = given.parse::<Target>().unwrap_err().to_string();
            assert!(error.starts_with(&format!("`{given}` is not a place in a registry: ")), "{error}");
        }
    }
}
