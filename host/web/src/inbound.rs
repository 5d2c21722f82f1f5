//! What other programs send of their own accord: forms of a clinic's site, messages of a CRM's portal, messengers. Nobody is
//! signed in; each shows that it is genuine by a signature or a word of its own, which whoever takes it checks.

use std::collections::BTreeMap;
use std::net::IpAddr;

use async_trait::async_trait;
use axum::body::Bytes;
use axum::extract::{Path, Request, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Json, Router};
use serde_json::Value;

use crate::{AppState, MAX_BODY, Problem};

/// Where it came in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Gate {
    /// The form of a clinic's site; the clinic's id.
    Form(String),
    /// A CRM's portal, by its name in the settings.
    Portal(String),
    /// A messenger, by its name in the settings.
    Messenger(String),
}

/// Something that came in.
#[derive(Debug, Clone)]
pub struct Sent {
    /// Where.
    pub gate: Gate,
    /// From which address.
    pub address: Option<IpAddr>,
    /// Headers that are text, by their small-letter names.
    pub headers: BTreeMap<String, String>,
    /// As it was sent.
    pub body: Bytes,
}

impl Sent {
    /// A header, if it was sent.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(String::as_str)
    }
}

/// Why it was not taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotTaken {
    /// The HTTP status: 4xx where sending it again is of no use, 5xx where it is.
    pub status: u16,
    /// The kind as a word to compare with.
    pub code: &'static str,
    /// What is wrong and what would be right.
    pub detail: String,
}

/// Whoever takes what comes in.
#[async_trait]
pub trait Inbound: Send + Sync {
    /// Takes it; durable when it returns. The answer is told the sender.
    ///
    /// # Errors
    /// Why not.
    async fn take(&self, sent: Sent) -> Result<Value, NotTaken>;
}

pub(crate) fn router() -> Router<AppState> {
    Router::new()
        .route("/api/requests/{clinic}", post(form))
        .route("/api/v1/bitrix24/{name}", post(portal))
        .route("/api/chat/{name}", post(messenger))
}

async fn form(State(state): State<AppState>, Path(clinic): Path<String>, request: Request) -> Response {
    take(&state, Gate::Form(clinic), request).await
}

async fn portal(State(state): State<AppState>, Path(name): Path<String>, request: Request) -> Response {
    take(&state, Gate::Portal(name), request).await
}

async fn messenger(State(state): State<AppState>, Path(name): Path<String>, request: Request) -> Response {
    take(&state, Gate::Messenger(name), request).await
}

async fn take(state: &AppState, gate: Gate, request: Request) -> Response {
    let Some(inbound) = &state.inbound else { return Problem::no_such_page().into_response() };
    let (parts, body) = request.into_parts();
    let address = state.entry.address(&parts.headers, &parts.extensions);
    let Ok(body) = axum::body::to_bytes(body, MAX_BODY).await else {
        return Problem::too_large(MAX_BODY).into_response();
    };
    let sent = Sent { gate, address, headers: texts(&parts.headers), body };
    match inbound.take(sent).await {
        Ok(answer) => (StatusCode::ACCEPTED, Json(answer)).into_response(),
        Err(NotTaken { status, code, detail }) => {
            let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
            Problem::not_taken(status, code, detail).into_response()
        }
    }
}

fn texts(headers: &HeaderMap) -> BTreeMap<String, String> {
    let text = |value: &axum::http::HeaderValue| value.to_str().ok().map(str::to_owned);
    headers.iter().filter_map(|(name, value)| Some((name.as_str().to_owned(), text(value)?))).collect()
}
