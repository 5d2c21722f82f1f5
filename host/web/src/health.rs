//! Whether the server lives, and what it has done.

use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Extension, Json, Router};
use records::RecordsError;
use serde_json::json;

use crate::auth::{Permission, Viewer, may_see_all};
use crate::{AppState, Problem};

pub(crate) fn router() -> Router<AppState> {
    Router::new().route("/healthz", get(healthz)).route("/metrics", get(metrics))
}

/// 200 when the records can be read, 503 when they cannot.
async fn healthz(State(state): State<AppState>) -> Result<Response, Problem> {
    // A call that does not exist: the cheapest question that goes all the way to the table.
    match state.store.call("").await {
        Ok(_) | Err(RecordsError::NotFound { .. }) => {
            Ok(Json(json!({ "status": "ok", "version": env!("CARGO_PKG_VERSION") })).into_response())
        }
        Err(error) => Err(error.into()),
    }
}

/// For a program on this machine, or for whoever may see the report of every clinic.
async fn metrics(State(state): State<AppState>, viewer: Option<Extension<Viewer>>) -> Result<Response, Problem> {
    if !may_see_all(viewer.as_deref()) {
        return Err(Problem::may_not(Permission::SeeReport));
    }
    let flows = state.flows.as_ref().map(|house| house.board.stats());
    let text = state.metrics.render(flows.as_ref());
    Ok(([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], text).into_response())
}
