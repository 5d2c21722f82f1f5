//! Any gateway that is spoken to by HTTP: what is sent, and what its answers mean, is written in the configuration.

use std::time::Duration;

use async_trait::async_trait;
use records::Message;
use reqwest::redirect::Policy;
use reqwest::{Client, Method, RequestBuilder, StatusCode};
use serde_json::Value;

use super::{Fate, Recovery, Sender, Verdict};
use crate::gateways::{HttpGateway, Rule, at_path, each_string};
use crate::{OutreachError, Result};

/// An answer longer than this is not read on.
const LONGEST_ANSWER: usize = 256 * 1024;

/// A gateway.
pub struct Http {
    name: &'static str,
    gateway: HttpGateway,
    client: Client,
}

impl Http {
    /// The gateway `name` (`sms`, `messenger`).
    ///
    /// # Errors
    /// [`OutreachError::Gateway`] when no client can be made for it.
    pub fn new(name: &'static str, gateway: HttpGateway) -> Result<Self> {
        // Somebody may have installed one already; either is the same.
        rustls::crypto::ring::default_provider().install_default().ok();
        let client = Client::builder()
            .timeout(Duration::from_secs(gateway.timeout_s))
            .connect_timeout(Duration::from_secs(gateway.timeout_s.min(10)))
            .redirect(Policy::none())
            .build();
        let client = client.map_err(|error| OutreachError::Gateway {
            gateway: name.to_owned(),
            key: "url".to_owned(),
            problem: format!("no client can be made: {error}"),
        })?;
        Ok(Self { name, gateway, client })
    }

    fn request(&self, message: &Message) -> std::result::Result<RequestBuilder, String> {
        let gateway = &self.gateway;
        let mut request = self.begin(&gateway.method, &fill(&gateway.url, message, true), message)?;
        if let Some(json) = &gateway.json {
            let mut json = json.clone();
            each_string(&mut json, &mut |text| {
                *text = fill(text, message, false);
                Ok::<(), String>(())
            })?;
            request = request.json(&json);
        }
        if let Some(form) = &gateway.form {
            let pairs: Vec<String> = form
                .iter()
                .map(|(key, value)| format!("{}={}", encoded(key), encoded(&fill(value, message, false))))
                .collect();
            request = request.header("content-type", "application/x-www-form-urlencoded").body(pairs.join("&"));
        }
        Ok(request)
    }

    fn begin(&self, method: &str, url: &str, message: &Message) -> std::result::Result<RequestBuilder, String> {
        let method = Method::from_bytes(method.to_uppercase().as_bytes())
            .map_err(|_| format!("{method:?} is no HTTP method"))?;
        let mut request = self.client.request(method, url);
        for (name, value) in &self.gateway.headers {
            request = request.header(name, fill(value, message, false));
        }
        Ok(request)
    }

    fn judge(&self, status: StatusCode, after: Option<Duration>, body: &Value) -> Verdict {
        let code = status.as_u16();
        let fits = |rule: &Option<Rule>| rule.as_ref().is_some_and(|rule| rule.fits(code, body));
        let (name, gateway) = (self.name, &self.gateway);
        if fits(&gateway.never) {
            return Verdict::Never(format!("the {name} gateway does not take this recipient (HTTP {code})"));
        }
        if fits(&gateway.again) {
            return Verdict::Again { problem: format!("the {name} gateway says: later (HTTP {code})"), after };
        }
        let taken = match &gateway.success {
            Some(rule) => rule.fits(code, body),
            None => status.is_success(),
        };
        if taken {
            let id = gateway.id_path.as_ref().and_then(|path| at_path(body, path));
            return Verdict::Taken(id.map(|id| id.as_str().map_or_else(|| id.to_string(), str::to_owned)));
        }
        match code {
            429 | 503 => Verdict::Again { problem: format!("the {name} gateway is busy (HTTP {code})"), after },
            401..=403 => Verdict::Misconfigured(format!(
                "the {name} gateway refuses us (HTTP {code}): look at its token and balance"
            )),
            300..=399 | 404 | 405 | 415 => Verdict::Misconfigured(format!(
                "the {name} gateway is not at this address (HTTP {code}): look at its url"
            )),
            200..=299 => Verdict::Strange(format!(
                "the {name} gateway answers HTTP {code} with something that is neither `success` nor `never` nor `again`"
            )),
            400..=499 if code != 408 => Verdict::Never(format!("the {name} gateway refuses the message (HTTP {code})")),
            _ => Verdict::Unsure(format!("the {name} gateway failed (HTTP {code})")),
        }
    }
}

#[async_trait]
impl Sender for Http {
    fn recovery(&self) -> Recovery {
        match (self.gateway.idempotent, &self.gateway.status) {
            (true, _) => Recovery::SameKey,
            (false, Some(_)) => Recovery::Ask,
            (false, None) => Recovery::Nothing,
        }
    }

    async fn send(&self, message: &Message) -> Verdict {
        let request = match self.request(message) {
            Ok(request) => request,
            Err(problem) => return Verdict::Misconfigured(format!("the {} gateway: {problem}", self.name)),
        };
        let response = match request.send().await {
            Ok(response) => response,
            // Nothing was sent where there was no connection. The error's text holds the address, and so the number.
            Err(error) if error.is_connect() => {
                return Verdict::Again { problem: format!("the {} gateway cannot be reached", self.name), after: None };
            }
            Err(error) if error.is_builder() => {
                return Verdict::Misconfigured(format!(
                    "the {} gateway: no request can be made of its configuration",
                    self.name
                ));
            }
            Err(error) => {
                let what = if error.is_timeout() { "did not answer in time" } else { "broke off" };
                return Verdict::Unsure(format!("the {} gateway {what}", self.name));
            }
        };
        let (status, after) = (response.status(), retry_after(&response));
        match body(response).await {
            Some(body) => self.judge(status, after, &body),
            None => Verdict::Unsure(format!("the {} gateway broke off in its answer", self.name)),
        }
    }

    async fn ask(&self, message: &Message) -> Fate {
        let unsure = |what: &str| Fate::Unsure(format!("the {} gateway {what}", self.name));
        let Some(query) = &self.gateway.status else { return unsure("cannot be asked") };
        let Ok(request) = self.begin(&query.method, &fill(&query.url, message, true), message) else {
            return unsure("cannot be asked as configured");
        };
        let Ok(response) = request.send().await else { return unsure("cannot be reached") };
        let status = response.status().as_u16();
        let Some(body) = body(response).await else { return unsure("broke off in its answer") };
        if query.taken.fits(status, &body) {
            let id = self.gateway.id_path.as_ref().and_then(|path| at_path(&body, path));
            return Fate::Taken(id.map(|id| id.as_str().map_or_else(|| id.to_string(), str::to_owned)));
        }
        let missing = match &query.missing {
            Some(rule) => rule.fits(status, &body),
            None => status == 404,
        };
        if missing { Fate::NotTaken } else { unsure("does not say what became of it") }
    }
}

fn retry_after(response: &reqwest::Response) -> Option<Duration> {
    let seconds = response.headers().get("retry-after")?.to_str().ok()?.trim().parse().ok()?;
    Some(Duration::from_secs(std::cmp::min(seconds, 3_600)))
}

/// What is no JSON is null: gateways that answer with a word are judged by their status. None when it broke off.
async fn body(mut response: reqwest::Response) -> Option<Value> {
    let mut bytes = Vec::new();
    while let Some(chunk) = response.chunk().await.ok()? {
        if bytes.len() + chunk.len() > LONGEST_ANSWER {
            break;
        }
        bytes.extend_from_slice(&chunk);
    }
    Some(serde_json::from_slice(&bytes).unwrap_or(Value::Null))
}

/// Puts the message's particulars into a text of the configuration, in one pass: what somebody's text says of `{phone}`
/// stays as it is.
fn fill(text: &str, message: &Message, encode: bool) -> String {
    let new = &message.new;
    let mut filled = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('{') {
        filled.push_str(before);
        let known = after.split_once('}').and_then(|(name, after)| {
            let value = match name {
                "phone" | "to" => new.recipient.as_str(),
                // Many gateways want the number without its plus.
                "digits" => new.recipient.as_str().trim_start_matches('+'),
                "text" => new.body.as_str(),
                "title" => new.title.as_str(),
                "id" => message.attempt.as_deref().unwrap_or(&new.id),
                "clinic" => &new.clinic,
                _ => return None,
            };
            Some((value, after))
        });
        match known {
            Some((value, after)) => {
                filled.push_str(&if encode { encoded(value) } else { value.to_owned() });
                rest = after;
            }
            None => {
                filled.push('{');
                rest = after;
            }
        }
    }
    filled + rest
}

/// Percent-encoding of everything but the unreserved characters (RFC 3986 §2.3).
fn encoded(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len() * 3);
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    encoded
}
