//! `[telemetry]` of the server's `connections.toml`:
//!
//! ```toml
//! [telemetry]
//! endpoint = "http://localhost:4318"        # an OpenTelemetry collector, or whatever takes OTLP over HTTP
//! headers = { Authorization = "env:OTLP_AUTHORIZATION" }
//! service = "gudok"                         # by default
//! settle_s = 30                             # by default: so long after its end a call's last words may still come
//! ```

use std::collections::BTreeMap;
use std::time::Duration;

use reqwest::Url;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use serde::Deserialize;

use crate::{Result, TelemetryError};

/// Where traces go.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The address that takes traces (`…/v1/traces`).
    pub url: Url,
    /// Sent with each request; secrets are in them.
    pub headers: HeaderMap,
    /// What this server is called.
    pub service: String,
    /// How long after a call's end its trace is made.
    pub settle_ms: i64,
    /// How long a collector may take.
    pub timeout: Duration,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    endpoint: String,
    #[serde(default)]
    headers: BTreeMap<String, String>,
    #[serde(default)]
    service: Option<String>,
    #[serde(default)]
    settle_s: Option<u32>,
    #[serde(default)]
    timeout_s: Option<u64>,
}

impl Settings {
    /// Reads the section; `env` looks a secret's name up in the environment.
    ///
    /// # Errors
    /// The first mistake, with its key.
    pub fn read(section: toml::Value, env: &dyn Fn(&str) -> Option<String>) -> Result<Self> {
        let wrong = |key: &str, problem: String| TelemetryError::Setting { key: key.to_owned(), problem };
        let file: File =
            section.try_into().map_err(|error: toml::de::Error| wrong("…", error.message().replace('\n', ", ")))?;
        let base = file.endpoint.trim_end_matches('/');
        let whole = if base.ends_with("/v1/traces") { base.to_owned() } else { format!("{base}/v1/traces") };
        let url = Url::parse(&whole).ok().filter(|url| matches!(url.scheme(), "http" | "https"));
        let url = url.ok_or_else(|| wrong("endpoint", "an address: http://localhost:4318".to_owned()))?;
        let mut headers = HeaderMap::new();
        for (name, value) in &file.headers {
            let value = match value.strip_prefix("env:") {
                Some(variable) => {
                    env(variable).ok_or_else(|| wrong(name, format!("set the environment variable {variable}")))?
                }
                None => value.clone(),
            };
            let header = HeaderName::from_bytes(name.as_bytes()).ok();
            let value = HeaderValue::from_str(&value).ok();
            let (Some(header), Some(mut value)) = (header, value) else {
                return Err(wrong(name, "is no HTTP header".to_owned()));
            };
            value.set_sensitive(true);
            headers.insert(header, value);
        }
        Ok(Self {
            url,
            headers,
            service: file.service.unwrap_or_else(|| "gudok".to_owned()),
            settle_ms: i64::from(file.settle_s.unwrap_or(30).min(3_600)) * 1_000,
            timeout: Duration::from_secs(file.timeout_s.unwrap_or(10).clamp(1, 60)),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Settings> {
        Settings::read(toml::from_str(text).unwrap(), &|name| (name == "KEY").then(|| "s3cret".to_owned()))
    }

    #[test]
    fn an_address_is_enough() {
        let found = read("endpoint = \"http://localhost:4318/\"\nheaders = { X-Key = \"env:KEY\" }\n").unwrap();
        assert_eq!(found.url.as_str(), "http://localhost:4318/v1/traces");
        assert_eq!(found.headers["x-key"], "s3cret");
        assert!(!format!("{found:?}").contains("s3cret"));
        assert_eq!(read("endpoint = \"https://o.example/v1/traces\"\n").unwrap().url.path(), "/v1/traces");
    }

    #[test]
    fn mistakes_name_the_key() {
        let cases = [
            ("endpoint = \"localhost\"\n", "[telemetry] endpoint: an address"),
            (
                "endpoint = \"http://x\"\nheaders = { A = \"env:NONE\" }\n",
                "[telemetry] A: set the environment variable NONE",
            ),
            ("endpoint = \"http://x\"\nheaders = { \"a b\" = \"c\" }\n", "[telemetry] a b: is no HTTP header"),
            ("endpoint = \"http://x\"\nport = 1\n", "unknown field `port`"),
        ];
        for (text, expected) in cases {
            let said = read(text).unwrap_err().to_string();
            assert!(said.contains(expected), "{said}");
        }
    }
}
