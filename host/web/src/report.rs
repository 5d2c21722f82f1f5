//! The report as JSON. Its page is one of the clinic's pages.

use accounts::Permission;
use axum::Router;
use axum::extract::State;
use axum::response::Redirect;
use axum::routing::get;
use reports::{Lang, Report};
use schemars::JsonSchema;
use serde::Serialize;

use crate::api::{Api, Op, Param, Tagged, WantedTag};
use crate::auth::Viewer;
use crate::pages::encoded;
use crate::params::{Params, RawParams};
use crate::{AppState, Problem};

pub(crate) fn router() -> Router<AppState> {
    Router::new().route("/report", get(moved))
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

/// Where the report was before it had a place among the pages.
async fn moved(State(state): State<AppState>, viewer: Viewer, raw: RawParams) -> Result<Redirect, Problem> {
    let params = Params::parse(raw, &["clinic", "from", "to", "lang"])?;
    let lang = params.one_of("lang", &[("ru", Lang::Ru), ("en", Lang::En)])?;
    let clinic = params.clinic_for(&state, &viewer, Permission::SeeReport)?;
    let period = params.period(&state, clinic)?;
    let page = format!("/desk/{}/report?from={}&to={}", clinic.id, period.from, period.to);
    Ok(Redirect::permanent(&match lang {
        Some(lang) => format!("/desk/prefs?lang={}&back={}", lang.as_str(), encoded(&page)),
        None => page,
    }))
}

async fn build(state: &AppState, viewer: &Viewer, params: &Params) -> Result<Report, Problem> {
    let clinic = params.clinic_for(state, viewer, Permission::SeeReport)?;
    let period = params.period(state, clinic)?;
    Ok(Report::build(&state.store, &state.report_input(clinic, period)).await?)
}
