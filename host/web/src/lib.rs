//! HTTP: health, metrics, the calls and what people say of them, the report and the flows, as JSON and as a page.
//!
//! Layout: [`router`] joins the routes and what every request goes through; [`AppState`] is all a handler may touch;
//! [`Problem`] is the one error (RFC 9457); [`Metrics`] is what `/metrics` tells. Each file of routes exports its `router()`.
//!
//! Every route wants a viewer ([`auth`]): a signed-in person or a token; but for those that are listed in `auth::admit`. A
//! request must name the server by an IP address, as `localhost`, or by a name in [`AppState::hosts`] (DNS rebinding).
//!
//! Invariants:
//! - A route of the API is declared once (`api`): the declaration is what serves it and what documents it.
//! - A clinic in which somebody may do nothing does not exist for them: 404, as for one that was never there.
//! - What changes something wants, from a browser, the session's own word (CSRF).
//! - No log line and no metric holds a query, a number, a name or what was said: routes are logged by their pattern.
//! - Every error is `application/problem+json` with a code that stays the same; its cause is logged, not sent.

mod accounts_api;
mod api;
mod audiosocket;
mod audit_api;
pub mod auth;
mod calendars_api;
mod calls;
mod chats_api;
mod events;
mod fhir_api;
mod flows;
mod guard;
mod health;
mod inbound;
mod metrics;
mod pages;
mod params;
mod persons_api;
mod problem;
mod report;
mod requests_api;
mod review;
mod served;
mod setup;
mod staff_api;
mod state;
mod trials;
mod vcon;
mod visit;
mod visits_api;

use std::future::Future;

use axum::extract::DefaultBodyLimit;
use axum::{Router, middleware};
use tokio::net::TcpListener;

pub use flows::{Beside, beside, routed};
pub use inbound::{Gate, Inbound, NotTaken, Sent};
pub use metrics::Metrics;
pub use pages::live::LiveCalls;
pub use problem::Problem;
pub use review::{ReviewQueue, Waiting};
pub use served::Served;
pub use setup::{Looked, Workshop};
pub use state::{AppState, FlowHouse};
pub use visit::{
    Calls, Kind, MediaSocket, Opening, Page, Shown, ShownSender, Speaks, VisitLimits, Visits, public_router,
    serve_public,
};

/// Largest body that is read, except a component, a sound or a clinic file.
const MAX_BODY: usize = 64 * 1024;

/// Every route, with the limits and counters that each request goes through.
pub fn router(state: AppState) -> Router {
    Router::new()
        .merge(health::router())
        .merge(report::router())
        .merge(audiosocket::router())
        .merge(auth::router())
        .merge(inbound::router())
        .merge(calendars_api::router())
        .merge(api::all().router())
        .merge(pages::router())
        .merge(visit::assets())
        .fallback(|| async { Problem::no_such_page() })
        .method_not_allowed_fallback(|| async { Problem::wrong_method() })
        .layer(DefaultBodyLimit::max(MAX_BODY))
        .layer(middleware::from_fn_with_state(state.clone(), api::once))
        .layer(middleware::from_fn_with_state(state.clone(), auth::admit))
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
    Served::new(state).serve(listener, shutdown).await
}
