//! Any messenger by signed JSON: messages come in and go out as HTTP requests, signed as Standard Webhooks has it
//! (<https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md>).
//!
//! `webhook-signature: v1,BASE64(HMAC-SHA-256(secret, "{webhook-id}.{webhook-timestamp}.{body}"))`; a request more than five
//! minutes old is refused. What is in the JSON is in `docs/chat.md`.

use std::time::Duration;

use async_trait::async_trait;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use hmac::{Hmac, KeyInit as _, Mac as _};
use records::{ChatMessage, ChatThread, ChatWho, Pii};
use serde::{Deserialize, Serialize};
use serde_json::json;
use sha2::Sha256;

use crate::channel::{Channel, NotDelivered};
use crate::office::Incoming;
use crate::{ChatError, Result};

const TOLERANCE_S: i64 = 300;
/// A messenger that takes longer to answer has failed.
pub(crate) const PATIENCE: Duration = Duration::from_secs(15);
/// The longest text that is taken, in characters.
const MOST_CHARS: usize = 10_000;

/// A messenger that speaks our JSON.
pub struct Webhook {
    name: String,
    secret: Vec<u8>,
    /// Where messages go to; none = they only come in.
    to: Option<String>,
    http: reqwest::Client,
}

/// The headers of a signed request.
#[derive(Debug, Clone, Copy)]
pub struct Signed<'a> {
    /// `webhook-id`
    pub id: &'a str,
    /// `webhook-timestamp`, unix seconds.
    pub timestamp: &'a str,
    /// `webhook-signature`: one or several, with spaces between.
    pub signature: &'a str,
}

/// A message as it comes in.
#[derive(Debug, Deserialize)]
struct Said {
    conversation: String,
    message: String,
    text: String,
    #[serde(default)]
    name: String,
    #[serde(default)]
    phone: Option<String>,
}

/// A message as it goes out.
#[derive(Debug, Serialize)]
struct Sent<'a> {
    conversation: &'a str,
    /// The same whenever this message is sent.
    message: &'a str,
    from: ChatWho,
    text: &'a str,
    buttons: &'a [String],
    at_ms: i64,
}

impl Webhook {
    /// A messenger called `name`; `secret` is `whsec_` and base64, or any text.
    ///
    /// # Errors
    /// [`ChatError::Channel`] when no HTTP client can be made.
    pub fn new(name: &str, secret: &str, to: Option<String>) -> Result<Self> {
        let bytes = secret.strip_prefix("whsec_").and_then(|secret| BASE64.decode(secret).ok());
        Ok(Self {
            name: name.to_owned(),
            secret: bytes.unwrap_or_else(|| secret.as_bytes().to_vec()),
            to,
            http: client(name, PATIENCE)?,
        })
    }

    /// Checks and reads a message that came in.
    ///
    /// # Errors
    /// [`ChatError::Signature`], [`ChatError::Unreadable`].
    pub fn receive(&self, signed: Signed<'_>, body: &[u8], now_ms: i64) -> Result<Incoming> {
        let sent: i64 = signed.timestamp.parse().map_err(|_| ChatError::Signature("its time is no number"))?;
        if (now_ms.div_euclid(1000) - sent).abs() > TOLERANCE_S {
            return Err(ChatError::Signature("it is more than five minutes old, or ahead"));
        }
        let mac = self.mac(signed.id, signed.timestamp, body);
        let fits = signed.signature.split(' ').filter_map(|one| one.strip_prefix("v1,")).any(|one| {
            // Compared in constant time by the hash's own check.
            BASE64.decode(one).is_ok_and(|claimed| mac.clone().verify_slice(&claimed).is_ok())
        });
        if !fits {
            return Err(ChatError::Signature("it does not fit the body"));
        }
        let said: Said = serde_json::from_slice(body).map_err(|error| ChatError::Unreadable(error.to_string()))?;
        if said.conversation.is_empty() || said.message.is_empty() || said.text.trim().is_empty() {
            return Err(ChatError::Unreadable("conversation, message and text must not be empty".to_owned()));
        }
        if said.text.chars().count() > MOST_CHARS {
            return Err(ChatError::Unreadable(format!("text is longer than {MOST_CHARS} characters")));
        }
        let phone = said.phone.as_deref().and_then(desk::PhoneNumber::parse).map(Pii::from);
        Ok(Incoming {
            channel: self.name.clone(),
            conversation: said.conversation.into(),
            message: Some(said.message),
            text: said.text.into(),
            name: said.name.into(),
            phone,
        })
    }

    /// The signature of a body, as the header has it.
    pub fn sign(&self, id: &str, timestamp: &str, body: &[u8]) -> String {
        format!("v1,{}", BASE64.encode(self.mac(id, timestamp, body).finalize().into_bytes()))
    }

    fn mac(&self, id: &str, timestamp: &str, body: &[u8]) -> Hmac<Sha256> {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.secret).expect("invariant: HMAC takes keys of any length");
        mac.update(id.as_bytes());
        mac.update(b".");
        mac.update(timestamp.as_bytes());
        mac.update(b".");
        mac.update(body);
        mac
    }
}

#[async_trait]
impl Channel for Webhook {
    async fn deliver(&self, thread: &ChatThread, message: &ChatMessage) -> std::result::Result<(), NotDelivered> {
        let never = |why: &str| NotDelivered::Never { why: why.to_owned() };
        let to = self.to.as_deref().ok_or_else(|| never("messages only come in by this webhook"))?;
        let conversation = thread.external_id.as_ref().ok_or_else(|| never("the person was erased"))?;
        let id = format!("{}/{}", message.thread, message.seq);
        let sent = Sent {
            conversation: conversation.as_str(),
            message: &id,
            from: message.who,
            text: message.text.as_str(),
            buttons: &message.buttons,
            at_ms: message.at_ms,
        };
        let body = json!(sent).to_string();
        let timestamp = jiff::Timestamp::now().as_second().to_string();
        let request = self
            .http
            .post(to)
            .header("content-type", "application/json")
            .header("idempotency-key", &id)
            .header("webhook-id", &id)
            .header("webhook-timestamp", &timestamp)
            .header("webhook-signature", self.sign(&id, &timestamp, body.as_bytes()))
            .body(body);
        let answer = request
            .send()
            .await
            .map_err(|error| NotDelivered::Later { after_ms: None, why: error.without_url().to_string() })?;
        judge(answer.status().as_u16(), retry_after_ms(answer.headers()))
    }
}

/// What an answer's status means for the message.
fn judge(status: u16, after_ms: Option<i64>) -> std::result::Result<(), NotDelivered> {
    let why = format!("the other side answered {status}");
    match status {
        200..=299 => Ok(()),
        408 | 425 | 429 | 500..=599 => Err(NotDelivered::Later { after_ms, why }),
        _ => Err(NotDelivered::Never { why }),
    }
}

fn retry_after_ms(headers: &reqwest::header::HeaderMap) -> Option<i64> {
    let seconds: i64 = headers.get("retry-after")?.to_str().ok()?.parse().ok()?;
    Some(seconds.clamp(0, 3600) * 1000)
}

/// A client that says who it is and gives up in time.
pub(crate) fn client(channel: &str, patience: Duration) -> Result<reqwest::Client> {
    // The first one of the process stays; a second is no error.
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder()
        .timeout(patience)
        .user_agent("gudok")
        .build()
        .map_err(|error| ChatError::Channel { channel: channel.to_owned(), problem: error.to_string() })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The specification's own example: secret, id, timestamp, body, signature.
    #[test]
    fn signatures_are_those_of_the_specification() {
        let webhook = Webhook::new("max", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", None).unwrap();
        let body = b"{\"test\": 2432232314}";
        let signature = webhook.sign("msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330", body);
        assert_eq!(signature, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    #[test]
    fn only_what_is_signed_now_is_read() {
        let webhook = Webhook::new("max", "secret", None).unwrap();
        let body =
            r#"{"conversation": "c1", "message": "m1", "text": "Привет", "phone": "8 903 123-45-67"}"#.as_bytes();
        let signature = format!("v1,AAAA {}", webhook.sign("m1", "1000", body));
        let signed = Signed { id: "m1", timestamp: "1000", signature: &signature };
        let incoming = webhook.receive(signed, body, 1_000_000).unwrap();
        assert_eq!((incoming.channel.as_str(), incoming.phone), ("max", Some("+79031234567".into())));
        assert!(matches!(webhook.receive(signed, body, 1_301_000), Err(ChatError::Signature(_))));
        assert!(matches!(webhook.receive(signed, b"{}", 1_000_000), Err(ChatError::Signature(_))));
        let other = Signed { id: "m2", ..signed };
        assert!(matches!(webhook.receive(other, body, 1_000_000), Err(ChatError::Signature(_))));
        let empty = br#"{"conversation": "c1", "message": "m1", "text": "  "}"#;
        let signature = webhook.sign("m1", "1000", empty);
        let signed = Signed { signature: &signature, ..signed };
        assert!(matches!(webhook.receive(signed, empty, 1_000_000), Err(ChatError::Unreadable(_))));
    }

    #[test]
    fn what_can_be_mended_is_tried_again() {
        assert_eq!(judge(204, None), Ok(()));
        assert!(matches!(judge(503, None), Err(NotDelivered::Later { .. })));
        assert!(matches!(judge(429, Some(7000)), Err(NotDelivered::Later { after_ms: Some(7000), .. })));
        assert!(matches!(judge(410, None), Err(NotDelivered::Never { .. })));
    }
}
