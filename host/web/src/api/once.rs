//! Requests that are safe to repeat: `Idempotency-Key` (draft-ietf-httpapi-idempotency-key-header). The first answer is kept
//! for a day and sent again; the same key with another request is a mistake.

use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use records::Claim;

use crate::auth::{Via, Viewer};
use crate::{AppState, MAX_BODY, Problem};

/// How long an answer is kept, and how long one may work on it.
const KEEP: (i64, i64) = (24 * 3_600_000, 180_000);
/// The longest key, and the longest answer that is kept.
const KEY: usize = 255;
const ANSWER: usize = 256 * 1024;

pub(crate) async fn once(State(state): State<AppState>, request: Request, next: Next) -> Response {
    let key = request.headers().get("idempotency-key").cloned();
    let viewer = request.extensions().get::<Viewer>().cloned();
    let (Some(key), Some(viewer), true) = (key, viewer, *request.method() == Method::POST) else {
        return next.run(request).await;
    };
    match run(&state, &key, &viewer, request, next).await {
        Ok(response) => response,
        Err(problem) => problem.into_response(),
    }
}

async fn run(
    state: &AppState,
    key: &HeaderValue,
    viewer: &Viewer,
    request: Request,
    next: Next,
) -> Result<Response, Problem> {
    let key = key.to_str().ok().filter(|key| !key.is_empty() && key.len() <= KEY).ok_or_else(|| {
        Problem::bad_parameter("Idempotency-Key", "it must have 1 to 255 printable ASCII characters", [""; 0])
    })?;
    // Components are named by their contents: adding one twice is the same as once.
    let kind = request.headers().get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    if kind.starts_with("application/wasm") {
        return Ok(next.run(request).await);
    }
    let (parts, body) = request.into_parts();
    let body = to_bytes(body, MAX_BODY).await.map_err(|_| Problem::too_large(MAX_BODY))?;
    let via = if let Via::Token { id, .. } = &viewer.via { id.as_str() } else { "" };
    let hash = accounts::secret::fingerprint;
    let subject = hash(&format!("{}\n{via}\n{key}", viewer.user));
    let sent = String::from_utf8_lossy(&body);
    let asked = hash(&format!("{}\n{}\n{sent}", parts.method, parts.uri));
    let now_ms = (state.now)().as_millisecond();
    match state.store.claim_once(&subject, &asked, now_ms, KEEP).await? {
        Claim::Yours => {}
        Claim::Taken { request } | Claim::Answered { request, .. } if request != asked => {
            return Err(Problem::key_reused());
        }
        Claim::Taken { .. } => return Err(Problem::still_working()),
        Claim::Answered { status, body, .. } => return Ok(again(status, body)),
    }
    let response = next.run(Request::from_parts(parts, Body::from(body))).await;
    let (mut parts, body) = response.into_parts();
    let bytes = to_bytes(body, ANSWER).await;
    // What failed for a reason of ours may be tried again.
    let answer = match &bytes {
        Ok(bytes) if parts.status.as_u16() < 500 && parts.status != StatusCode::TOO_MANY_REQUESTS => {
            std::str::from_utf8(bytes).ok().map(|text| (parts.status.as_u16(), text))
        }
        _ => None,
    };
    state.store.answer_once(&subject, answer).await?;
    let bytes = bytes.map_err(|_| Problem::too_large(ANSWER))?;
    parts.headers.remove(header::CONTENT_LENGTH);
    Ok(Response::from_parts(parts, Body::from(bytes)))
}

fn again(status: u16, body: String) -> Response {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::OK);
    let kind = if status.is_client_error() { "application/problem+json" } else { "application/json" };
    let mut response = (status, [("idempotent-replayed", "true")], body).into_response();
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    response
}
