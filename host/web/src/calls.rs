//! Clinics and their calls as JSON.

use accounts::Permission;
use axum::Json;
use axum::extract::{Path, State};
use desk::Kind;
use records::{AudioRef, BookingRecord, CallFilter, CallRecord, Cursor, Review, TagEntry, Turn};
use reports::Period;
use schemars::JsonSchema;
use serde::Serialize;

use crate::api::{Api, Needs, Op, Param, Tagged, WantedTag};
use crate::auth::Viewer;
use crate::params::{Params, RawParams};
use crate::{AppState, Problem};

/// Calls on a page when nobody asks for more or fewer, and at most.
const PAGE: (u32, u32) = (50, 200);

pub(crate) fn api() -> Api {
    let list = Op::may("calls", "Calls, newest first", Permission::SeeCalls)
        .query([
            Param::clinic(),
            Param::day("from", "First day of the clinic's calendar"),
            Param::day("to", "Last day, included"),
            Param::text("category", "What the call was about"),
            Param::one_of("review", "Whether it waits for a person to look at it", &["true", "false"]),
            Param::number("limit", "Calls on a page", 1, i64::from(PAGE.1)),
            Param::text("cursor", "`next` of an earlier page"),
        ])
        .answers::<Page<CallRecord>>();
    let one =
        Op::may("call", "A call with all that belongs to it", Permission::SeeCalls).answers::<WholeCall>().tagged();
    Api::new()
        .get(
            "/api/v1/clinics",
            clinics,
            Op::new("clinics", "The clinics one knows", Needs::Viewer).answers::<Clinics>(),
        )
        .get("/api/v1/calls", calls, list)
        .get("/api/v1/calls/{id}", call, one)
}

#[derive(Serialize, JsonSchema)]
struct Clinics {
    items: Vec<ClinicItem>,
}

#[derive(Serialize, JsonSchema)]
struct ClinicItem {
    id: String,
    name: String,
    /// `human`, `dental`, `veterinary`, …
    #[schemars(with = "String")]
    kind: Kind,
    timezone: String,
}

#[derive(Serialize, JsonSchema)]
struct Page<T> {
    items: Vec<T>,
    /// Pass it as `cursor` for the next page; null = this was the last.
    next: Option<String>,
}

async fn clinics(State(state): State<AppState>, viewer: Viewer, raw: RawParams) -> Result<Json<Clinics>, Problem> {
    Params::parse(raw, &[])?;
    let known = state.clinics.values().filter(|clinic| viewer.knows(&clinic.id));
    let item = |clinic: &std::sync::Arc<desk::Clinic>| ClinicItem {
        id: clinic.id.clone(),
        name: clinic.name.clone(),
        kind: clinic.kind,
        timezone: clinic.timezone.clone(),
    };
    Ok(Json(Clinics { items: known.map(item).collect() }))
}

/// `clinic` is required; `from` and `to` are days of the clinic's calendar, both included, each may be left out.
async fn calls(
    State(state): State<AppState>,
    viewer: Viewer,
    raw: RawParams,
) -> Result<Json<Page<CallRecord>>, Problem> {
    let params = Params::parse(raw, &["clinic", "from", "to", "category", "review", "limit", "cursor"])?;
    let clinic = params.clinic_for(&state, &viewer, Permission::SeeCalls)?;
    let all = state.categories_of(&clinic.id);
    let categories: Vec<_> = all.iter().map(|known| (known.id.as_str(), known.id.as_str())).collect();
    let (from, to) = (params.date("from")?, params.date("to")?);
    if let (Some(from), Some(to)) = (from, to) {
        Period::new(from, to)?;
    }
    let bounds = |day| Period::new(day, day).and_then(|day| day.bounds(&clinic.timezone));
    let filter = CallFilter {
        clinic: Some(clinic.id.clone()),
        from_ms: from.map(bounds).transpose()?.map(|(start, _)| start),
        to_ms: to.map(bounds).transpose()?.map(|(_, end)| end),
        category: params.one_of("category", &categories)?.map(str::to_owned),
        review: params.one_of("review", &[("true", true), ("false", false)])?,
        ..CallFilter::default()
    };
    let page = state.store.calls(&filter, limit(&params)?, cursor(&params)?.as_ref()).await?;
    Ok(Json(Page { items: page.calls, next: page.next.map(|cursor| cursor.to_string()) }))
}

fn limit(params: &Params) -> Result<u32, Problem> {
    let (usual, most) = PAGE;
    let wrong = || Problem::bad_parameter("limit", format!("it must be a whole number from 1 to {most}"), [""; 0]);
    match params.get("limit") {
        None => Ok(usual),
        Some(text) => text.parse().ok().filter(|limit| (1..=most).contains(limit)).ok_or_else(wrong),
    }
}

fn cursor(params: &Params) -> Result<Option<Cursor>, Problem> {
    let wrong = |_| Problem::bad_parameter("cursor", "it must be the `next` of an earlier page, unchanged", [""; 0]);
    params.get("cursor").map(|text| text.parse().map_err(wrong)).transpose()
}

#[derive(Serialize, JsonSchema)]
struct WholeCall {
    call: CallRecord,
    turns: Vec<Turn>,
    /// Oldest first; the last one stands.
    tags: Vec<TagEntry>,
    /// What people said of it, oldest first.
    reviews: Vec<Review>,
    /// Made in this call.
    bookings: Vec<BookingRecord>,
    audio: Vec<AudioRef>,
}

async fn call(
    State(state): State<AppState>,
    viewer: Viewer,
    Path(id): Path<String>,
    raw: RawParams,
    wanted: WantedTag,
) -> Result<Tagged<WholeCall>, Problem> {
    Params::parse(raw, &[])?;
    let call = found(&state, &viewer, &id, Permission::SeeCalls).await?;
    state.witness(viewer.who(), &call.clinic, "call.seen", "call", &id).await?;
    let store = &state.store;
    let (turns, tags, reviews, audio) =
        tokio::try_join!(store.turns(&id), store.tags(&id), store.reviews(&id), store.call_audio(&id))?;
    // A visit begins after the call in which it was booked, and nobody books further ahead than this.
    let ahead = call.started_ms + 400 * 86_400_000;
    let mut bookings = store.bookings(&call.clinic, call.started_ms, ahead).await?;
    bookings.retain(|booking| booking.call.as_deref() == Some(&id));
    Ok(wanted.answer(WholeCall { call, turns, tags, reviews, bookings, audio }))
}

/// A call of a clinic of this server, for who may do this there. Another clinic's call does not exist.
pub(crate) async fn found(
    state: &AppState,
    viewer: &Viewer,
    id: &str,
    permission: Permission,
) -> Result<CallRecord, Problem> {
    let call = state.store.call(id).await?;
    if !state.clinics.contains_key(&call.clinic) || !viewer.knows(&call.clinic) {
        return Err(Problem::unknown_call());
    }
    viewer.check(state, &call.clinic, permission)?;
    Ok(call)
}
