//! Who did and saw what.

use accounts::Permission;
use axum::Json;
use axum::extract::State;
use records::{AuditFilter, AuditRow};
use schemars::JsonSchema;
use serde::Serialize;

use crate::api::{Api, Op, Param};
use crate::auth::Viewer;
use crate::params::{Params, RawParams};
use crate::{AppState, Problem};

/// Entries on a page when nobody asks for more or fewer, and at most.
const PAGE: (i64, i64) = (100, 1_000);

pub(crate) fn api() -> Api {
    let op = Op::may("audit", "Who did and saw what, latest first", Permission::Audit)
        .query([
            Param::clinic(),
            Param::text("who", "Id of a user or of a token"),
            Param::text("action", "What was done, for example call.seen"),
            Param::text("subject", "To what: the id of a call, a visit, a user"),
            Param::number("limit", "Entries on a page", 1, PAGE.1),
            Param::number("cursor", "`next` of an earlier page", 1, i64::MAX),
        ])
        .answers::<Trail>();
    Api::new().get("/api/v1/audit", trail, op)
}

#[derive(Serialize, JsonSchema)]
struct Trail {
    items: Vec<AuditRow>,
    /// Pass it as `cursor` for the next page; null = this was the last.
    next: Option<i64>,
}

async fn trail(State(state): State<AppState>, viewer: Viewer, raw: RawParams) -> Result<Json<Trail>, Problem> {
    let params = Params::parse(raw, &["clinic", "who", "action", "subject", "limit", "cursor"])?;
    let clinic = params.clinic_for(&state, &viewer, Permission::Audit)?;
    let text = |name: &str| params.get(name).map(str::to_owned);
    let filter = AuditFilter {
        clinic: Some(clinic.id.clone()),
        who: text("who"),
        action: text("action"),
        subject: text("subject"),
        ..AuditFilter::default()
    };
    let limit = params.number("limit", 1..=PAGE.1)?.unwrap_or(PAGE.0);
    let cursor = params.number("cursor", 1..=i64::MAX)?;
    let page = state.store.audit_trail(&filter, cursor, limit as u32).await?;
    Ok(Json(Trail { items: page.rows, next: page.next }))
}
