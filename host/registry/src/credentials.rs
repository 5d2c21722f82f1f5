//! Who asks a registry: from the environment, or from the file that `docker login` writes.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use oci_client::secrets::RegistryAuth;
use serde::Deserialize;

use crate::RegistryError;

const USER: &str = "GUDOK_REGISTRY_USER";
const PASSWORD: &str = "GUDOK_REGISTRY_PASSWORD";

/// A name and a password, or nobody.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Credentials {
    user: Option<(String, String)>,
    /// A program that keeps the password, which we do not run; for the error message.
    helper: Option<String>,
}

impl Credentials {
    /// Nobody in particular.
    pub fn anonymous() -> Self {
        Self::default()
    }

    /// A name and a password (or a token in its place).
    pub fn basic(user: impl Into<String>, password: impl Into<String>) -> Self {
        Self { user: Some((user.into(), password.into())), helper: None }
    }

    /// For `registry`: `GUDOK_REGISTRY_USER` and `GUDOK_REGISTRY_PASSWORD`, else Docker's `config.json` (in
    /// `DOCKER_CONFIG` or `~/.docker`), else nobody.
    ///
    /// # Errors
    /// When only one of the variables is set, or the file is there and cannot be understood.
    pub fn find(registry: &str) -> Result<Self, RegistryError> {
        let variable = |name| std::env::var(name).ok().filter(|value| !value.is_empty());
        match (variable(USER), variable(PASSWORD)) {
            (Some(user), Some(password)) => return Ok(Self::basic(user, password)),
            (Some(_), None) => return Err(RegistryError::HalfCredentials { present: USER, absent: PASSWORD }),
            (None, Some(_)) => return Err(RegistryError::HalfCredentials { present: PASSWORD, absent: USER }),
            (None, None) => {}
        }
        let folder = std::env::var_os("DOCKER_CONFIG").map(PathBuf::from);
        let folder = folder.or_else(|| Some(PathBuf::from(std::env::var_os("HOME")?).join(".docker")));
        match folder.map(|folder| folder.join("config.json")) {
            Some(path) if path.is_file() => Self::docker(&path, registry),
            _ => Ok(Self::anonymous()),
        }
    }

    /// From a Docker configuration file; nobody when it does not know the registry.
    ///
    /// # Errors
    /// When it cannot be read or understood.
    pub fn docker(path: &Path, registry: &str) -> Result<Self, RegistryError> {
        let wrong = |why: String| RegistryError::Credentials { path: path.to_owned(), why };
        let text = std::fs::read_to_string(path).map_err(|error| wrong(format!("cannot be read: {error}")))?;
        // serde's message would quote what stands there, which may be a password.
        let config: Config = serde_json::from_str(&text).map_err(|error| {
            wrong(format!("line {}, column {}: not what `docker login` writes", error.line(), error.column()))
        })?;
        let helper = config.helpers.get(registry).cloned().or(config.store).filter(|name| !name.is_empty());
        // Docker writes the bare host, and for its own registry a URL.
        let same = |key: &str| {
            let host = key.trim_start_matches("https://").trim_start_matches("http://");
            host.split('/').next() == Some(registry)
                || (registry == "docker.io" && host.split('/').next() == Some("index.docker.io"))
        };
        let Some((_, entry)) = config.auths.iter().find(|(key, _)| same(key)) else {
            return Ok(Self { user: None, helper });
        };
        if let (Some(user), Some(password)) = (&entry.username, &entry.password) {
            return Ok(Self::basic(user, password));
        }
        let Some(auth) = entry.auth.as_deref().filter(|auth| !auth.is_empty()) else {
            return Ok(Self { user: None, helper });
        };
        let pair = STANDARD.decode(auth.trim()).ok().and_then(|bytes| String::from_utf8(bytes).ok());
        match pair.as_deref().and_then(|pair| pair.split_once(':')) {
            Some((user, password)) => Ok(Self::basic(user, password)),
            None => Err(wrong(format!("auths.\"{registry}\".auth is not `user:password` in base64"))),
        }
    }

    pub(crate) fn auth(&self) -> RegistryAuth {
        match &self.user {
            Some((user, password)) => RegistryAuth::Basic(user.clone(), password.clone()),
            None => RegistryAuth::Anonymous,
        }
    }

    /// For "… is refused".
    pub(crate) fn who(&self) -> String {
        match (&self.user, &self.helper) {
            (Some((user, _)), _) => format!(" to `{user}`"),
            (None, Some(helper)) => {
                format!(" to anonymous (the password is kept by docker-credential-{helper}, which is not asked)")
            }
            (None, None) => " to anonymous".to_owned(),
        }
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials").field("user", &self.user.as_ref().map(|(user, _)| user)).finish_non_exhaustive()
    }
}

/// The part of Docker's configuration that is about names and passwords.
#[derive(Deserialize)]
struct Config {
    #[serde(default)]
    auths: BTreeMap<String, Entry>,
    #[serde(default, rename = "credHelpers")]
    helpers: BTreeMap<String, String>,
    #[serde(default, rename = "credsStore")]
    store: Option<String>,
}

#[derive(Deserialize)]
struct Entry {
    auth: Option<String>,
    username: Option<String>,
    password: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str, registry: &str) -> Result<Credentials, RegistryError> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("config.json");
        std::fs::write(&path, text).unwrap();
        Credentials::docker(&path, registry)
    }

    #[test]
    fn the_entry_of_the_registry_is_taken() {
        // "user:pass:word"
        let text = r#"{"auths": {"other.example": {"auth": "bm86bm8="},
            "https://reg.example:5000/v1/": {"auth": "dXNlcjpwYXNzOndvcmQ="}}, "HttpHeaders": {}}"#;
        assert_eq!(read(text, "reg.example:5000").unwrap(), Credentials::basic("user", "pass:word"));
        assert_eq!(read(text, "reg.example").unwrap(), Credentials::anonymous());
        assert_eq!(read("{}", "reg.example").unwrap(), Credentials::anonymous());
    }

    #[test]
    fn a_password_elsewhere_is_said() {
        let found = read(r#"{"auths": {"reg.example": {}}, "credsStore": "desktop"}"#, "reg.example").unwrap();
        assert!(found.who().contains("docker-credential-desktop"), "{}", found.who());
    }

    #[test]
    fn no_error_and_no_debug_shows_a_password() {
        for text in [r#"{"auths": {"reg.example": "c2VjcmV0"}}"#, r#"{"auths": {"reg.example": {"auth": "c2VjcmV0"}}}"#]
        {
            let error = read(text, "reg.example").unwrap_err().to_string();
            assert!(
                error.contains("config.json: ") && !error.contains("c2VjcmV0") && !error.contains("secret"),
                "{error}"
            );
        }
        assert!(!format!("{:?}", Credentials::basic("user", "secret")).contains("secret"));
    }
}
