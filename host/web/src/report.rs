//! The report, as JSON and as a page.

use accounts::Permission;
use axum::Router;
use axum::extract::State;
use axum::http::header;
use axum::response::{Html, IntoResponse, Response};
use axum::routing::get;
use reports::{Lang, Report, page};
use schemars::JsonSchema;
use serde::Serialize;

use crate::api::{Api, Op, Param, Tagged, WantedTag};
use crate::auth::Viewer;
use crate::params::{Params, RawParams};
use crate::{AppState, Problem};

/// The page loads nothing and runs nothing.
const POLICY: &str =
    "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

pub(crate) fn router() -> Router<AppState> {
    Router::new().route("/report", get(html))
}

pub(crate) fn api() -> Api {
    let op = Op::may("report", "Figures of a period", Permission::SeeReport)
        .about("Without a period: the four whole weeks that ended yesterday.")
        .query([Param::clinic(), Param::day("from", "First day"), Param::day("to", "Last day, included")])
        .answers::<ReportShape>()
        .tagged();
    Api::new().get("/api/v1/report", json, op)
}

/// The report's outline; its definitions are part of it.
#[derive(Serialize, JsonSchema)]
#[allow(dead_code, reason = "it is the shape of what `reports` sends")]
struct ReportShape {
    /// `gudok.report/1`.
    schema: String,
    clinic: String,
    clinic_name: String,
    timezone: String,
    period: serde_json::Map<String, serde_json::Value>,
    /// Every indicator by its id; null: nothing was measured.
    kpis: serde_json::Map<String, serde_json::Value>,
    non_target: serde_json::Map<String, serde_json::Value>,
    headline: serde_json::Value,
    staffing: serde_json::Value,
}

async fn json(
    State(state): State<AppState>,
    viewer: Viewer,
    raw: RawParams,
    wanted: WantedTag,
) -> Result<Tagged<Report>, Problem> {
    let params = Params::parse(raw, &["clinic", "from", "to"])?;
    Ok(wanted.answer(build(&state, &viewer, &params).await?))
}

async fn html(State(state): State<AppState>, viewer: Viewer, raw: RawParams) -> Result<Response, Problem> {
    let params = Params::parse(raw, &["clinic", "from", "to", "lang"])?;
    let lang = params.one_of("lang", &[("ru", Lang::Ru), ("en", Lang::En)])?.unwrap_or_default();
    let report = build(&state, &viewer, &params).await?;
    Ok(([(header::CONTENT_SECURITY_POLICY, POLICY)], Html(page::html(&report, lang))).into_response())
}

async fn build(state: &AppState, viewer: &Viewer, params: &Params) -> Result<Report, Problem> {
    let clinic = params.clinic_for(state, viewer, Permission::SeeReport)?;
    let period = params.period(state, clinic)?;
    Ok(Report::build(&state.store, &state.report_input(clinic, period)).await?)
}
