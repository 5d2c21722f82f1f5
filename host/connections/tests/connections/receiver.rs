//! Somebody who receives events, and answers what the test wants.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use axum::routing::post;
use connections::Settings;
use connections::webhooks::{SigningSecret, verify};
use serde_json::Value;
use tokio::sync::Notify;

pub(crate) const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
pub(crate) const OLD_SECRET: &str = "whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";

#[derive(Debug, Clone)]
pub(crate) struct Got {
    pub(crate) id: String,
    pub(crate) timestamp_s: i64,
    pub(crate) signatures: String,
    pub(crate) content_type: String,
    pub(crate) body: String,
}

impl Got {
    pub(crate) fn event(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }

    pub(crate) fn is_signed_with(&self, secret: &str) -> bool {
        let secret = SigningSecret::parse(secret).unwrap();
        verify(&secret, &self.id, self.timestamp_s, self.body.as_bytes(), &self.signatures)
    }
}

/// A status, and `Retry-After`.
type Answer = (u16, Option<&'static str>);

#[derive(Clone, Default)]
pub(crate) struct Receiver {
    got: Arc<Mutex<Vec<Got>>>,
    answers: Arc<Mutex<VecDeque<Answer>>>,
    /// Subjects that are refused.
    refused: Arc<Mutex<Vec<String>>>,
    /// While set, requests are taken and never answered.
    silent: Arc<Mutex<bool>>,
    arrived: Arc<Notify>,
    address: String,
}

impl Receiver {
    pub(crate) async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}/in", listener.local_addr().unwrap());
        let receiver = Self { address, ..Self::default() };
        let app = Router::new().route("/in", post(take)).with_state(receiver.clone());
        tokio::spawn(async move { axum::serve(listener, app).await });
        receiver
    }

    /// Settings with this receiver as the endpoint `site`, and further lines for it.
    pub(crate) fn settings(&self, more: &str) -> Settings {
        let text = format!(
            "[[webhooks]]\nname = \"site\"\nurl = \"{}\"\nallow_private = true\nsecret = \"{SECRET}\"\n{more}\n",
            self.address
        );
        Settings::read(&text, "connections.toml", &|_| None).unwrap()
    }

    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    pub(crate) fn got(&self) -> Vec<Got> {
        self.got.lock().unwrap().clone()
    }

    /// Subjects of what came, in order.
    pub(crate) fn subjects(&self) -> Vec<String> {
        self.got().iter().map(|got| got.event()["subject"].as_str().unwrap().to_owned()).collect()
    }

    pub(crate) fn answer(&self, answers: &[Answer]) {
        self.answers.lock().unwrap().extend(answers);
    }

    pub(crate) fn refuse(&self, subjects: &[&str]) {
        *self.refused.lock().unwrap() = subjects.iter().map(|subject| (*subject).to_owned()).collect();
    }

    pub(crate) fn silence(&self, silent: bool) {
        *self.silent.lock().unwrap() = silent;
    }

    pub(crate) async fn arrived(&self) {
        self.arrived.notified().await;
    }
}

async fn take(State(receiver): State<Receiver>, headers: HeaderMap, body: String) -> Response {
    let header = |name: &str| headers.get(name).map_or("", |value| value.to_str().unwrap()).to_owned();
    let got = Got {
        id: header("webhook-id"),
        timestamp_s: header("webhook-timestamp").parse().unwrap(),
        signatures: header("webhook-signature"),
        content_type: header("content-type"),
        body,
    };
    let subject = got.event()["subject"].as_str().unwrap().to_owned();
    receiver.got.lock().unwrap().push(got);
    receiver.arrived.notify_one();
    if *receiver.silent.lock().unwrap() {
        std::future::pending::<()>().await;
    }
    if receiver.refused.lock().unwrap().contains(&subject) {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    }
    let (status, retry_after) = receiver.answers.lock().unwrap().pop_front().unwrap_or((204, None));
    let status = StatusCode::from_u16(status).unwrap();
    match retry_after {
        Some(after) => (status, [("retry-after", after)]).into_response(),
        None => status.into_response(),
    }
}
