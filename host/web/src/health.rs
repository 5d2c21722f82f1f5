//! Whether the server lives, and what it has done.

use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use records::RecordsError;
use serde_json::json;

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

async fn metrics(State(state): State<AppState>) -> Response {
    let flows = state.flows.as_ref().map(|house| house.board.stats());
    let text = state.metrics.render(flows.as_ref());
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], text).into_response()
}
