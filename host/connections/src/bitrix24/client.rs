//! Speaking to a portal: one method at a time, or fifty in one request, never faster than it allows.

use std::time::Duration;

use reqwest::{ClientBuilder, Url};
use serde_json::{Map, Value, json};
use tokio::sync::Mutex;
use tokio::time::Instant;

use super::form::encode;
use crate::{ConnectionError, Secret};

/// What every tariff bears without end.
const PER_SECOND: f64 = 2.0;
/// So many may follow each other at once; the portal itself would bear fifty.
const BURST: f64 = 10.0;
/// More commands are not taken in one request.
const BATCH: usize = 50;

/// Somebody who answers Bitrix24's REST methods.
pub trait Portal: Send + Sync {
    /// Calls a method; the answer is the whole JSON object with `result`.
    fn call(&self, method: &str, params: &Value) -> impl Future<Output = Result<Value, CallError>> + Send;
}

/// Why a call brought nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CallError {
    /// Certainly not done: too many requests, no connection, a portal that is closed. Try again after so long.
    Later {
        /// Milliseconds.
        after_ms: i64,
        /// What the portal said.
        why: String,
    },
    /// Perhaps done: the answer was lost.
    Unsure(String),
    /// The method says no, and will say it again.
    Refused(Refusal),
}

/// What a method said instead of a result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// `error`.
    pub code: String,
    /// `error_description`.
    pub text: String,
}

impl std::fmt::Display for CallError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Later { why, .. } => write!(f, "not now: {why}"),
            Self::Unsure(why) => write!(f, "no answer: {why}"),
            Self::Refused(refusal) => write!(f, "{refusal}"),
        }
    }
}

/// For a log: a text that may repeat somebody's number or address is left out.
impl std::fmt::Display for Refusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let digits = self.text.chars().filter(char::is_ascii_digit).count();
        if digits >= 7 || self.text.contains('@') {
            return f.write_str(&self.code);
        }
        write!(f, "{}: {}", self.code, self.text)
    }
}

/// Calls several methods in as few requests as possible; one result for each, in their order. A command that is refused does
/// not stop the others.
///
/// # Errors
/// When a request as a whole failed: then it is unknown which commands were done.
pub async fn batch<P: Portal>(
    portal: &P,
    commands: &[(&str, Value)],
) -> Result<Vec<Result<Value, Refusal>>, CallError> {
    let mut results = Vec::with_capacity(commands.len());
    for part in commands.chunks(BATCH) {
        let mut cmd = Map::new();
        for (number, (method, params)) in part.iter().enumerate() {
            cmd.insert(format!("c{number}"), Value::String(format!("{method}?{}", encode(params))));
        }
        let answer = portal.call("batch", &json!({ "halt": 0, "cmd": cmd })).await?;
        let result = &answer["result"];
        for number in 0..part.len() {
            // PHP writes an empty object as an empty list.
            let key = format!("c{number}");
            if let Some(error) = result["result_error"].get(&key) {
                results.push(Err(refusal(error)));
            } else if let Some(value) = result["result"].get(&key) {
                results.push(Ok(value.clone()));
            } else {
                results.push(Err(Refusal { code: "NO_RESULT".into(), text: "the portal left it out".into() }));
            }
        }
    }
    Ok(results)
}

fn refusal(error: &Value) -> Refusal {
    let text = |key: &str| error.get(key).map(|value| value.as_str().map_or(value.to_string(), str::to_owned));
    Refusal {
        code: text("error").filter(|code| !code.is_empty()).unwrap_or_else(|| "ERROR".into()),
        text: text("error_description").unwrap_or_default(),
    }
}

/// A portal over HTTP, by an incoming webhook.
#[derive(Debug)]
pub struct Client {
    http: reqwest::Client,
    url: Secret,
    pace: Mutex<Pace>,
}

/// How many requests may follow at once, as of when.
#[derive(Debug)]
struct Pace {
    free: f64,
    at: Instant,
}

impl Client {
    /// A client for the portal at an incoming webhook's address.
    ///
    /// # Errors
    /// When this machine cannot make encrypted connections.
    pub fn new(url: Secret, timeout_s: i64) -> Result<Self, ConnectionError> {
        let http = http(timeout_s).build().map_err(|error| ConnectionError::Client(error.to_string()))?;
        Ok(Self { http, url, pace: Mutex::new(Pace { free: BURST, at: Instant::now() }) })
    }

    /// Waits for its turn. The lock is held meanwhile: who came first goes first.
    async fn turn(&self) {
        let mut pace = self.pace.lock().await;
        let now = Instant::now();
        pace.free = (pace.free + now.duration_since(pace.at).as_secs_f64() * PER_SECOND).min(BURST);
        pace.at = now;
        if pace.free < 1.0 {
            tokio::time::sleep(Duration::from_secs_f64((1.0 - pace.free) / PER_SECOND)).await;
            pace.free = 1.0;
            pace.at = Instant::now();
        }
        pace.free -= 1.0;
    }
}

impl Portal for Client {
    async fn call(&self, method: &str, params: &Value) -> Result<Value, CallError> {
        self.turn().await;
        let address = format!("{}/{method}.json", self.url.expose().trim_end_matches('/'));
        let sent = self.http.post(address).json(params).send().await;
        let response = sent.map_err(|error| {
            if error.is_connect() {
                CallError::Later { after_ms: 5_000, why: "no connection to the portal".into() }
            } else {
                // The error's own text has the address, and the address is the secret.
                CallError::Unsure(if error.is_timeout() { "no answer in time" } else { "the connection broke" }.into())
            }
        })?;
        let status = response.status().as_u16();
        let body = response.bytes().await.map_err(|_| CallError::Unsure("the answer broke off".into()))?;
        read_answer(status, &body)
    }
}

/// What an answer says, by its status and its body.
///
/// # Errors
/// [`CallError`], for everything but a result.
pub fn read_answer(status: u16, body: &[u8]) -> Result<Value, CallError> {
    let Ok(answer) = serde_json::from_slice::<Value>(body) else {
        let why = format!("it answered {status} without JSON");
        return Err(if status == 429 { CallError::Later { after_ms: 10_000, why } } else { CallError::Unsure(why) });
    };
    if answer.get("error").is_none() {
        return if (200..300).contains(&status) && answer.get("result").is_some() {
            Ok(answer)
        } else {
            Err(CallError::Unsure(format!("it answered {status} without a result")))
        };
    }
    let refusal = refusal(&answer);
    let after_ms = match refusal.code.to_uppercase().as_str() {
        "QUERY_LIMIT_EXCEEDED" => 1_000,
        "OPERATION_TIME_LIMIT" | "OVERLOAD_LIMIT" => 60_000,
        // A key that was revoked, a portal that is closed or not paid: a person has to mend it.
        "INVALID_CREDENTIALS"
        | "NO_AUTH_FOUND"
        | "EXPIRED_TOKEN"
        | "INSUFFICIENT_SCOPE"
        | "ACCESS_DENIED"
        | "PORTAL_DELETED"
        | "USER_ACCESS_ERROR" => 30_000,
        _ if status == 429 => 60_000,
        // The method may have got somewhere before it failed.
        "INTERNAL_SERVER_ERROR" | "ERROR_UNEXPECTED_ANSWER" => return Err(CallError::Unsure(refusal.to_string())),
        _ if status >= 500 => return Err(CallError::Unsure(refusal.to_string())),
        _ => return Err(CallError::Refused(refusal)),
    };
    Err(CallError::Later { after_ms, why: refusal.to_string() })
}

/// A client's settings that all requests of this room share.
pub(crate) fn http(timeout_s: i64) -> ClientBuilder {
    // Whoever comes first decides for the process; there is only this one.
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder()
        .user_agent(concat!("gudok/", env!("CARGO_PKG_VERSION")))
        .connect_timeout(Duration::from_secs(10))
        .timeout(Duration::from_secs(timeout_s.unsigned_abs()))
        .no_proxy()
}

/// Whether this can be an incoming webhook's address. What it says is not repeated: it is a secret.
pub(crate) fn check_url(text: &str) -> Result<(), String> {
    let form = "copy it from the portal: Developer resources, Incoming webhook; https://HOST/rest/USER/CODE/";
    let url = Url::parse(text).map_err(|error| format!("is no address ({error}); {form}"))?;
    let local = matches!(url.host_str(), Some("localhost" | "127.0.0.1" | "[::1]"));
    if url.scheme() != "https" && !(local && url.scheme() == "http") {
        return Err(format!("must begin with https://; {form}"));
    }
    let parts: Vec<&str> = url.path().trim_matches('/').split('/').collect();
    match parts.as_slice() {
        [.., "rest", user, code] if user.parse::<u64>().is_ok() && !code.is_empty() => Ok(()),
        _ => Err(format!("does not end in /rest/USER/CODE/; {form}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn later(status: u16, body: &str) -> Option<i64> {
        match read_answer(status, body.as_bytes()) {
            Err(CallError::Later { after_ms, .. }) => Some(after_ms),
            _ => None,
        }
    }

    #[test]
    fn limits_are_waited_out_and_lost_answers_are_not_taken_for_a_no() {
        assert_eq!(
            later(503, r#"{"error":"QUERY_LIMIT_EXCEEDED","error_description":"Too many requests"}"#),
            Some(1_000)
        );
        assert_eq!(later(429, r#"{"error":"OPERATION_TIME_LIMIT"}"#), Some(60_000));
        assert_eq!(later(429, "slow down"), Some(10_000));
        assert_eq!(later(401, r#"{"error":"INVALID_CREDENTIALS"}"#), Some(30_000));
        assert!(matches!(read_answer(502, b"<html>"), Err(CallError::Unsure(_))));
        assert!(matches!(read_answer(500, br#"{"error":"INTERNAL_SERVER_ERROR"}"#), Err(CallError::Unsure(_))));
        assert!(matches!(read_answer(200, b"{}"), Err(CallError::Unsure(_))));
        let refused =
            read_answer(400, r#"{"error":"","error_description":"ID is not defined or invalid."}"#.as_bytes());
        assert!(matches!(refused, Err(CallError::Refused(Refusal { code, .. })) if code == "ERROR"));
        assert_eq!(read_answer(200, br#"{"result":7}"#).unwrap()["result"], 7);
    }

    #[test]
    fn the_address_is_an_incoming_webhooks() {
        assert!(check_url("https://lapa.bitrix24.ru/rest/7/c0de/").is_ok());
        assert!(check_url("https://crm.lapa.ru/portal/rest/7/c0de").is_ok());
        assert!(check_url("http://127.0.0.1:8080/rest/1/test").is_ok());
        for wrong in ["http://lapa.bitrix24.ru/rest/7/c0de/", "https://lapa.bitrix24.ru/", "lapa"] {
            let problem = check_url(wrong).unwrap_err();
            assert!(problem.contains("Incoming webhook") && !problem.contains("c0de"), "{problem}");
        }
    }
}
