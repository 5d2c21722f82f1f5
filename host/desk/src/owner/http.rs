//! The owner's protocol over HTTP and JSON, as `docs/schedule.md` writes it down.

use std::fmt;
use std::sync::Once;
use std::time::Duration;

use reqwest::{Client, Method, RequestBuilder, StatusCode, Url};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::{Answer, Granted, Held, Owner, OwnerError, OwnerSlot, Wanted, Wish};

/// An answer longer than this is none.
const MOST_BYTES: usize = 1 << 20;

/// Where the owner of a schedule listens: a section of the server's `connections.toml`.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OwnerSettings {
    /// Address that the paths of the protocol are put behind, for example `https://crm.example/gudok`.
    pub url: String,
    /// Sent as `Authorization: Bearer …`; `env:NAME` has been resolved.
    #[serde(default)]
    pub token: Option<String>,
    /// No answer after so many milliseconds is no answer. 200 to 30 000.
    #[serde(default = "ordinary_timeout")]
    pub timeout_ms: u64,
}

impl fmt::Debug for OwnerSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OwnerSettings")
            .field("url", &self.url)
            .field("timeout_ms", &self.timeout_ms)
            .finish_non_exhaustive()
    }
}

fn ordinary_timeout() -> u64 {
    4_000
}

/// An owner behind HTTP.
pub struct HttpOwner {
    client: Client,
    base: String,
    token: Option<String>,
}

impl fmt::Debug for HttpOwner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpOwner").field("url", &self.base).finish_non_exhaustive()
    }
}

impl HttpOwner {
    /// A connection to the owner; nothing is sent yet.
    ///
    /// # Errors
    /// A sentence that names the setting and says how to mend it.
    pub fn new(settings: &OwnerSettings) -> Result<Self, String> {
        let url: Url = settings.url.parse().map_err(|error| {
            format!("url {:?} is no address ({error}); write it as https://crm.example/gudok", settings.url)
        })?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(format!("url {:?} is neither http nor https", settings.url));
        }
        if !(200..=30_000).contains(&settings.timeout_ms) {
            return Err(format!("timeout_ms {} is out of range; allowed: 200 to 30000", settings.timeout_ms));
        }
        tls();
        let client = Client::builder()
            .timeout(Duration::from_millis(settings.timeout_ms))
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .map_err(|error| format!("the connection cannot be set up: {}", error.without_url()))?;
        Ok(Self { client, base: url.as_str().trim_end_matches('/').to_owned(), token: settings.token.clone() })
    }

    /// `parts` are put behind the address, each as one segment whatever is in it.
    fn request(&self, method: Method, parts: &[&str], key: Option<&str>) -> Result<RequestBuilder, OwnerError> {
        let bad = || OwnerError::Refused("the address cannot be made".to_owned());
        let mut url: Url = self.base.parse().map_err(|_| bad())?;
        url.path_segments_mut().map_err(|()| bad())?.pop_if_empty().extend(parts);
        let mut request = self.client.request(method, url).header("Accept", "application/json");
        if let Some(token) = &self.token {
            request = request.bearer_auth(token);
        }
        if let Some(key) = key {
            request = request.header("Idempotency-Key", key);
        }
        Ok(request)
    }
}

/// TLS by ring, chosen once for the process; whoever chose before is left alone.
fn tls() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| drop(rustls::crypto::ring::default_provider().install_default()));
}

#[derive(Serialize, Deserialize)]
struct Slots {
    slots: Vec<OwnerSlot>,
}

#[derive(Serialize)]
struct Off<'a> {
    reason_code: Option<&'a str>,
}

/// What an owner says when it says no.
#[derive(Deserialize)]
struct No {
    #[serde(default)]
    code: String,
    #[serde(default)]
    message: String,
}

impl Owner for HttpOwner {
    fn find<'a>(&'a self, wish: &'a Wish) -> Answer<'a, Vec<OwnerSlot>> {
        Box::pin(async move {
            let request = self.request(Method::POST, &["slots", "find"], None)?.json(wish);
            let found: Slots = read(&send(request).await?)?;
            Ok(found.slots)
        })
    }

    fn hold<'a>(&'a self, key: &'a str, wanted: &'a Wanted) -> Answer<'a, Held> {
        Box::pin(async move {
            let request = self.request(Method::POST, &["holds"], Some(key))?.json(wanted);
            read(&send(request).await?)
        })
    }

    fn confirm<'a>(&'a self, key: &'a str, hold: &'a str) -> Answer<'a, Granted> {
        Box::pin(async move {
            let request = self.request(Method::POST, &["holds", hold, "confirm"], Some(key))?;
            read(&send(request).await?)
        })
    }

    fn release<'a>(&'a self, key: &'a str) -> Answer<'a, ()> {
        Box::pin(async move {
            let request = self.request(Method::DELETE, &["orders", key], Some(key))?;
            gone_is_fine(send(request).await)
        })
    }

    fn move_to<'a>(&'a self, key: &'a str, visit: &'a str, wanted: &'a Wanted) -> Answer<'a, Granted> {
        Box::pin(async move {
            let request = self.request(Method::POST, &["visits", visit, "move"], Some(key))?.json(wanted);
            read(&send(request).await?)
        })
    }

    fn cancel<'a>(&'a self, key: &'a str, visit: &'a str, reason_code: Option<&'a str>) -> Answer<'a, ()> {
        Box::pin(async move {
            let request = self.request(Method::POST, &["visits", visit, "cancel"], Some(key))?;
            gone_is_fine(send(request.json(&Off { reason_code })).await)
        })
    }
}

fn gone_is_fine(answer: Result<Vec<u8>, OwnerError>) -> Result<(), OwnerError> {
    match answer {
        Ok(_) | Err(OwnerError::Gone) => Ok(()),
        Err(error) => Err(error),
    }
}

/// The body of a success; what else there is becomes one of four errors.
async fn send(request: RequestBuilder) -> Result<Vec<u8>, OwnerError> {
    let mut response = request.send().await.map_err(unheard)?;
    let status = response.status();
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(unheard)? {
        body.extend_from_slice(&chunk);
        if body.len() > MOST_BYTES {
            return Err(OwnerError::Unknown("the answer is longer than a megabyte".to_owned()));
        }
    }
    if status.is_success() {
        return Ok(body);
    }
    let no: No = serde_json::from_slice(&body).unwrap_or(No { code: String::new(), message: String::new() });
    Err(match status {
        StatusCode::CONFLICT if no.code == "in-progress" => OwnerError::Unknown("it is still at it".to_owned()),
        StatusCode::CONFLICT => OwnerError::Taken,
        StatusCode::NOT_FOUND | StatusCode::GONE => OwnerError::Gone,
        StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_EARLY | StatusCode::TOO_MANY_REQUESTS => {
            OwnerError::Unknown(format!("it answered {}", status.as_u16()))
        }
        status if status.is_client_error() => {
            let words: String = format!("{} {}", no.code, no.message).trim().chars().take(200).collect();
            OwnerError::Refused(format!("it answered {}: {words}", status.as_u16()))
        }
        status => OwnerError::Unknown(format!("it answered {}", status.as_u16())),
    })
}

/// The request may have arrived: nobody knows. Without its address, which may hold an id.
fn unheard(error: reqwest::Error) -> OwnerError {
    let what = match (error.is_connect(), error.is_timeout()) {
        (true, _) => "it cannot be reached",
        (_, true) => "it did not answer in time",
        _ => "the connection broke",
    };
    OwnerError::Unknown(what.to_owned())
}

/// An answer that cannot be read is no answer: what was asked for may have been done.
fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, OwnerError> {
    serde_json::from_slice(body).map_err(|error| {
        OwnerError::Unknown(format!("the answer cannot be read at line {} column {}", error.line(), error.column()))
    })
}
