//! Visitors: calls from a browser, written conversations, and the WebSockets of telephone providers and PBXs.
//!
//! | address | what it is |
//! |---|---|
//! | `/call/{clinic}` | a page with a microphone; its sound and captions go over `/call/{clinic}/socket` |
//! | `/chat/{clinic}` | a page with the chat, as it stands on the clinic's site by one line: `<script src="…/widget.js" data-clinic="…" async></script>` |
//! | `/media/{name}` | a call of Asterisk's WebSocket channel, or of Twilio Media Streams |
//! | `/media/{name}/voice` | what a provider asks when a call comes in, and TwiML for an answer |
//!
//! - [`Calls`]: where calls are held; the program passes it in with [`Visits`]. What is written goes to the room `chat`, like
//!   the messengers', and a person of the clinic may answer
//! - [`Opening`]: who comes in, where and for which clinic; [`Shown`]: what the visitor sees of their call
//! - [`public_router`], [`serve_public`]: all of it
//!
//! Invariants: of the records these routes see one written conversation, to whoever holds its key, and nothing of calls, so
//! they may listen on a public address, which the API may not. Each has a limit; pages are let in from their own site and from those that were named; providers show a
//! signature or a password. Nothing that a page loads comes from anywhere else.

mod calls;
mod chat;
mod entrance;
mod limits;
mod media;
mod page;
mod rehearse;
mod settings;
mod socket;
mod spoken;

use std::future::Future;
use std::time::Instant;

use axum::extract::{DefaultBodyLimit, MatchedPath, Request, State};
use axum::http::{HeaderName, HeaderValue, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse as _, Response};
use axum::{Router, routing::get};
use tokio::net::TcpListener;

pub(crate) use chat::try_in_writing;
pub(crate) use entrance::Entrance;
pub(crate) use rehearse::rehearse_in_writing;
pub(crate) use spoken::try_aloud;

pub use calls::{Calls, Kind, Opening, Shown, ShownSender};
pub use settings::{MediaSocket, Page, Speaks, VisitLimits, Visits};

use crate::guard::is_ours;
use crate::{AppState, Problem, Served};

/// A provider's request has a few dozen fields.
const MAX_BODY: usize = 16 * 1024;

/// What visitors may reach, and nothing else. Nothing but `/healthz` while [`AppState::visits`] is none.
pub fn public_router(state: AppState) -> Router {
    Router::new()
        .merge(page::router())
        .merge(spoken::router())
        .merge(chat::router())
        .merge(media::router())
        .route("/healthz", get(|| async { "ok" }))
        .fallback(|| async { Problem::no_visitors_here() })
        .method_not_allowed_fallback(|| async { Problem::wrong_method() })
        .layer(DefaultBodyLimit::max(MAX_BODY))
        .layer(middleware::from_fn_with_state(state.clone(), guard))
        .with_state(state)
}

/// What pages with a call or a chat load, for those of the desk.
pub(crate) fn assets() -> Router<AppState> {
    page::assets()
}

/// Answers visitors on `listener` until `shutdown` is ready. Conversations under way go on until [`Calls`] ends them.
///
/// # Errors
/// When the listener breaks.
pub async fn serve_public(
    listener: TcpListener,
    state: AppState,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> std::io::Result<()> {
    if let Ok(address) = listener.local_addr() {
        tracing::info!(%address, "listening for visitors");
    }
    Served::new(state).serve_public(listener, shutdown).await
}

/// The host name, headers, counters and a log line without secrets. A socket is out of its hands once it is open.
async fn guard(State(state): State<AppState>, request: Request, next: Next) -> Response {
    let started = Instant::now();
    let method = request.method().clone();
    let route = request.extensions().get::<MatchedPath>().map_or("none", MatchedPath::as_str).to_owned();
    let ours = state.visits.as_ref().is_none_or(|visits| is_ours(request.headers(), &visits.hosts(&state.hosts)));
    let mut response = if ours { next.run(request).await } else { Problem::wrong_host().into_response() };
    let headers = response.headers_mut();
    let mut set = |name: HeaderName, value: &'static str| {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    };
    set(header::CACHE_CONTROL, "no-store");
    set(header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    set(header::REFERRER_POLICY, "no-referrer");
    let (status, took) = (response.status().as_u16(), started.elapsed());
    state.metrics.answered(&method, &route, status, took);
    tracing::debug!(%method, route, status, took_ms = took.as_millis() as u64, "answered a visitor");
    response
}
