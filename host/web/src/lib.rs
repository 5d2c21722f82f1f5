//! HTTP: health, metrics, the calls and what people say of them, the report and the flows, as JSON and as a page.
//!
//! Layout: [`router`] joins the routes and what every request goes through; [`AppState`] is all a handler may touch;
//! [`Problem`] is the one error (RFC 9457); [`Metrics`] is what `/metrics` tells. Each file of routes exports its `router()`.
//!
//! **There are no users and no passwords yet. What is served holds phone numbers and transcripts: listen on localhost only
//! and never put this on a network.** Against pages in a browser on the same machine, a request must name the server by an IP
//! address, as `localhost`, or by a name in [`AppState::hosts`] (DNS rebinding).
//!
//! Invariants:
//! - Nothing here writes to the records but `flows` (versions and routes) and `review` (what people say calls were about). They want content types that a page
//!   of another site cannot send without asking, and nobody here says yes to such a question.
//! - No log line and no metric holds a query, a number, a name or what was said: routes are logged by their pattern.
//! - Every error is `application/problem+json` with a code that stays the same; its cause is logged, not sent.

mod audiosocket;
mod calls;
mod flows;
mod guard;
mod health;
mod metrics;
mod params;
mod problem;
mod report;
mod review;
mod state;
mod visit;

use std::future::Future;

use axum::extract::DefaultBodyLimit;
use axum::{Router, middleware};
use tokio::net::TcpListener;

pub use flows::{Beside, beside, routed};
pub use metrics::Metrics;
pub use problem::Problem;
pub use review::{ReviewQueue, Waiting};
pub use state::{AppState, FlowHouse};
pub use visit::{
    Calls, Kind, MediaSocket, Opening, Page, Said, Shown, ShownSender, Speaks, VisitLimits, Visits, public_router,
    serve_public,
};

/// Largest body that is read, except a component.
const MAX_BODY: usize = 64 * 1024;

/// Every route, with the limits and counters that each request goes through.
pub fn router(state: AppState) -> Router {
    Router::new()
        .merge(health::router())
        .merge(calls::router())
        .merge(report::router())
        .merge(review::router())
        .merge(flows::router())
        .merge(audiosocket::router())
        .fallback(|| async { Problem::no_such_page() })
        .method_not_allowed_fallback(|| async { Problem::wrong_method() })
        .layer(DefaultBodyLimit::max(MAX_BODY))
        .layer(middleware::from_fn_with_state(state.clone(), guard::guard))
        .with_state(state)
}

/// Answers on `listener` until `shutdown` is ready, then finishes the requests under way and returns.
///
/// # Errors
/// When the listener breaks.
pub async fn serve(
    listener: TcpListener,
    state: AppState,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> std::io::Result<()> {
    if let Ok(address) = listener.local_addr() {
        if !address.ip().is_loopback() {
            tracing::warn!(%address, "the API has no passwords yet and this address is not localhost: keep it off the network");
        }
        tracing::info!(%address, "listening");
    }
    axum::serve(listener, router(state)).with_graceful_shutdown(shutdown).await
}
