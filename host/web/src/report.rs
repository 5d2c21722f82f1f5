//! The report, as JSON and as a page.

use axum::extract::State;
use axum::http::header;
use axum::response::{Html, IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use reports::{Lang, Report, page};

use crate::params::{Params, RawParams};
use crate::{AppState, Problem};

/// The page loads nothing and runs nothing.
const POLICY: &str =
    "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

pub(crate) fn router() -> Router<AppState> {
    Router::new().route("/api/v1/report", get(json)).route("/report", get(html))
}

async fn json(State(state): State<AppState>, raw: RawParams) -> Result<Json<Report>, Problem> {
    let params = Params::parse(raw, &["clinic", "from", "to"])?;
    Ok(Json(build(&state, &params).await?))
}

async fn html(State(state): State<AppState>, raw: RawParams) -> Result<Response, Problem> {
    let params = Params::parse(raw, &["clinic", "from", "to", "lang"])?;
    let lang = params.one_of("lang", &[("ru", Lang::Ru), ("en", Lang::En)])?.unwrap_or_default();
    let report = build(&state, &params).await?;
    Ok(([(header::CONTENT_SECURITY_POLICY, POLICY)], Html(page::html(&report, lang))).into_response())
}

async fn build(state: &AppState, params: &Params) -> Result<Report, Problem> {
    let clinic = params.clinic(state)?;
    let period = params.period(state, clinic)?;
    Ok(Report::build(&state.store, &state.report_input(clinic, period)).await?)
}
