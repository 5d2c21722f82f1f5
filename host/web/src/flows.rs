//! Flows over HTTP: the library of versions, the routes, and their changes, as `gudok flow` has them on the command line.
//!
//! Whatever writes wants a content type that a page of another site cannot send without asking first: a component as
//! `application/wasm`, everything else as `application/json`.

use axum::body::Bytes;
use axum::extract::rejection::{BytesRejection, JsonRejection};
use axum::extract::{DefaultBodyLimit, Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::routing::{get, post};
use axum::{Json, Router};
use desk::Clinic;
use records::{Entry, FlowChange, FlowRoute, FlowSchedule, FlowVersion};
use rollout::{Act, AddOptions, Allow, Deployed, How, signing};
use serde::{Deserialize, Serialize};

use crate::params::{Params, RawParams};
use crate::{AppState, FlowHouse, Problem};

/// The largest component that is taken; the engine has a limit of its own.
const MAX_COMPONENT: usize = 64 * 1024 * 1024;
/// Changes on a page when nobody asks for more or fewer, and at most.
const PAGE: (u32, u32) = (100, 1_000);
/// Who made a change that came this way.
const BY: &str = "http";

pub(crate) fn router() -> Router<AppState> {
    let upload = get(list).post(upload).layer(DefaultBodyLimit::max(MAX_COMPONENT));
    Router::new()
        .route("/api/v1/flows", upload)
        .route("/api/v1/flows/changes", get(changes))
        .route("/api/v1/flows/{version}", get(show))
        .route("/api/v1/routes", get(routes))
        .route("/api/v1/clinics/{clinic}/routes/{entry}/deploy", post(deploy))
        .route("/api/v1/clinics/{clinic}/routes/{entry}/promote", post(promote))
        .route("/api/v1/clinics/{clinic}/routes/{entry}/rollback", post(rollback))
}

/// Where a version answers: `vet_lapa/day`, and its role when it does not answer everybody there.
pub fn routed(routes: &[FlowRoute], digest: &str) -> Vec<String> {
    let mut places = Vec::new();
    for route in routes {
        let place = format!("{}/{}", route.clinic, route.entry);
        let is = |version: &Option<String>| version.as_deref() == Some(digest);
        if route.stable == digest {
            places.push(place);
        } else if is(&route.candidate) {
            places.push(format!("{place} ({}%)", route.percent.unwrap_or_default()));
        } else if is(&route.shadow) {
            places.push(format!("{place} (shadow)"));
        } else if is(&route.previous) {
            places.push(format!("{place} (previous)"));
        }
    }
    places
}

/// A version beside the one of the same flow that was the newest when it was added.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Beside {
    /// That version's digest.
    pub before: Option<String>,
    /// What it asks for and that one did not.
    pub added_capabilities: Vec<String>,
    /// What that one asked for and it does not.
    pub removed_capabilities: Vec<String>,
}

/// A version beside the one before it; `versions` are those of the library, newest first.
pub fn beside(versions: &[FlowVersion], version: &FlowVersion) -> Beside {
    let is_before = |other: &&FlowVersion| other.name == version.name && other.added_ms < version.added_ms;
    let Some(before) = versions.iter().find(is_before) else { return Beside::default() };
    // A newer patch of the same interface is nothing new.
    let interface = |capability: &str| capability.split('@').next().unwrap_or_default().to_owned();
    let lacking = |have: &[String], other: &[String]| {
        let other: Vec<String> = other.iter().map(|one| interface(one)).collect();
        have.iter().filter(|one| !other.contains(&interface(one))).cloned().collect()
    };
    Beside {
        before: Some(before.digest.clone()),
        added_capabilities: lacking(&version.capabilities, &before.capabilities),
        removed_capabilities: lacking(&before.capabilities, &version.capabilities),
    }
}

/// A version, and where it answers.
#[derive(Serialize)]
struct Item {
    #[serde(flatten)]
    version: FlowVersion,
    routed: Vec<String>,
}

impl Item {
    fn of(version: FlowVersion, routes: &[FlowRoute]) -> Self {
        let routed = routed(routes, &version.digest);
        Self { version, routed }
    }
}

#[derive(Serialize)]
struct Items<T> {
    items: Vec<T>,
}

async fn list(State(state): State<AppState>, raw: RawParams) -> Result<Json<Items<Item>>, Problem> {
    Params::parse(raw, &[])?;
    let house = state.flow_house()?;
    let (_, routes) = state.store.flow_routes().await?;
    let versions = house.routes.library().list().await?;
    Ok(Json(Items { items: versions.into_iter().map(|version| Item::of(version, &routes)).collect() }))
}

/// One version, where it answers, and what it asks for that the one before did not.
#[derive(Serialize)]
struct Whole {
    #[serde(flatten)]
    item: Item,
    #[serde(flatten)]
    beside: Beside,
}

async fn show(
    State(state): State<AppState>,
    Path(version): Path<String>,
    raw: RawParams,
) -> Result<Json<Whole>, Problem> {
    Params::parse(raw, &[])?;
    let library = state.flow_house()?.routes.library();
    let version = library.show(&version).await?;
    let (versions, (_, routes)) = (library.list().await?, state.store.flow_routes().await?);
    let beside = beside(&versions, &version);
    Ok(Json(Whole { item: Item::of(version, &routes), beside }))
}

/// What came of an upload.
#[derive(Serialize)]
struct Uploaded {
    /// False: it was in the library already.
    new: bool,
    version: FlowVersion,
    #[serde(flatten)]
    beside: Beside,
}

/// The body is the component. `name` is the flow it is a version of; `allow` are interfaces, separated by commas, that it
/// may ask for though the version before did not, or `all`; `signature` is base64; `clinic` is whose rule applies.
async fn upload(
    State(state): State<AppState>,
    raw: RawParams,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<(StatusCode, Json<Uploaded>), Problem> {
    let params = Params::parse(raw, &["name", "allow", "signature", "clinic"])?;
    let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    if kind.split(';').next().is_none_or(|kind| !kind.trim().eq_ignore_ascii_case("application/wasm")) {
        return Err(Problem::wrong_content_type("application/wasm"));
    }
    let house = state.flow_house()?;
    let name = params.get("name").ok_or_else(|| Problem::bad_parameter("name", "it is required", [""; 0]))?;
    let clinic = params.get("clinic").map(|id| state.clinic(id)).transpose()?;
    let body = body.map_err(|_| Problem::too_large(MAX_COMPONENT))?;
    let wasm = (house.read)(body.into()).map_err(Problem::flow_refused)?;
    let allow = match params.get("allow") {
        None => Allow::default(),
        Some("all") => Allow::All,
        Some(list) => Allow::These(list.split(',').map(str::to_owned).collect()),
    };
    let options = AddOptions {
        allow,
        signature: params.get("signature").map(signing::parse_signature).transpose()?,
        require_signed_by: clinic.map(|clinic| house.routes.policy(&clinic.id).signed_by).unwrap_or_default(),
        by: BY.to_owned(),
        now_ms: (state.now)().as_millisecond(),
    };
    let added = house.routes.library().add(name, &wasm, options).await?;
    state.metrics.flow_compiled(added.version.compile_ms / 1_000.0);
    let beside = Beside {
        before: added.before,
        added_capabilities: added.added_capabilities,
        removed_capabilities: added.removed_capabilities,
    };
    let status = if added.new { StatusCode::CREATED } else { StatusCode::OK };
    Ok((status, Json(Uploaded { new: added.new, version: added.version, beside })))
}

/// Where things stand: routes, and what is planned.
#[derive(Serialize)]
struct Routes {
    items: Vec<FlowRoute>,
    scheduled: Vec<FlowSchedule>,
    /// The number of the last change that is in here: ask for changes after it.
    last_change: i64,
}

async fn routes(State(state): State<AppState>, raw: RawParams) -> Result<Json<Routes>, Problem> {
    let params = Params::parse(raw, &["clinic"])?;
    let clinic = params.get("clinic").map(|id| state.clinic(id)).transpose()?;
    let is_asked = |id: &str| clinic.map_or_else(|| state.clinics.contains_key(id), |clinic| clinic.id == id);
    let (last_change, mut items) = state.store.flow_routes().await?;
    items.retain(|route| is_asked(&route.clinic));
    let mut scheduled = state.store.flow_schedule(None).await?;
    scheduled.retain(|plan| is_asked(&plan.clinic));
    Ok(Json(Routes { items, scheduled, last_change }))
}

#[derive(Serialize)]
struct Changes {
    items: Vec<FlowChange>,
    /// Pass it as `after` for what comes next.
    next: i64,
}

/// The log of changes after line `after`, oldest first: ask again with `next`.
async fn changes(State(state): State<AppState>, raw: RawParams) -> Result<Json<Changes>, Problem> {
    let params = Params::parse(raw, &["clinic", "after", "limit"])?;
    let clinic = params.get("clinic").map(|id| state.clinic(id)).transpose()?;
    let after = params.number("after", 0..=i64::MAX)?.unwrap_or(0);
    let limit = params.number("limit", 1..=i64::from(PAGE.1))?.map_or(PAGE.0, |limit| limit as u32);
    let items = state.store.flow_changes(clinic.map(|clinic| clinic.id.as_str()), after, limit).await?;
    let next = items.last().map_or(after, |last| last.seq);
    Ok(Json(Changes { items, next }))
}

/// How a version is deployed.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Manner {
    #[default]
    All,
    Canary,
    Shadow,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct DeployBody {
    /// A flow's name, `name@digest`, or the beginning of a digest.
    version: String,
    #[serde(default)]
    how: Manner,
    /// Of a canary.
    percent: Option<u32>,
    /// `18:00`, `opening`, `closing`, `2026-11-23T18:00`; at once when absent.
    at: Option<String>,
    /// For the log of changes.
    #[serde(default)]
    reason: String,
}

async fn deploy(
    State(state): State<AppState>,
    Path(place): Path<(String, String)>,
    body: Result<Json<DeployBody>, JsonRejection>,
) -> Result<Json<Changed>, Problem> {
    let (house, clinic, entry) = find(&state, &place)?;
    let body = read(body)?;
    let how = match (body.how, body.percent) {
        (Manner::All, None) => How::All,
        (Manner::Shadow, None) => How::Shadow,
        (Manner::Canary, Some(percent)) => How::canary(percent)?,
        (Manner::Canary, None) => return Err(Problem::bad_body("percent", "a canary needs it: 1 to 99")),
        (_, Some(_)) => return Err(Problem::bad_body("percent", "only a canary has it")),
    };
    let now = (state.now)();
    let wrong = |error: desk::PlannedError| Problem::bad_body("at", error.to_string());
    let at = body.at.as_deref().map(|text| clinic.planned(text, now)).transpose().map_err(wrong)?;
    let at = at.map(|at| at.as_millisecond());
    let deployed = house.routes.deploy(&clinic.id, entry, &body.version, how, at, act(&state, &body.reason)).await?;
    Ok(Json(match deployed {
        Deployed::Now(route) => Changed::now(house, route).await?,
        Deployed::Already(route) => Changed { changed: false, route: Some(route), planned: None },
        Deployed::Planned(plan) => Changed { changed: false, route: None, planned: Some(plan) },
    }))
}

async fn promote(
    State(state): State<AppState>,
    Path(place): Path<(String, String)>,
    body: Result<Json<StepBody>, JsonRejection>,
) -> Result<Json<Changed>, Problem> {
    let (house, clinic, entry) = find(&state, &place)?;
    let body = read(body)?;
    let route = house.routes.promote(&clinic.id, entry, act(&state, &body.reason)).await?;
    Ok(Json(Changed::now(house, route).await?))
}

async fn rollback(
    State(state): State<AppState>,
    Path(place): Path<(String, String)>,
    body: Result<Json<StepBody>, JsonRejection>,
) -> Result<Json<Changed>, Problem> {
    let (house, clinic, entry) = find(&state, &place)?;
    let body = read(body)?;
    let route = house.routes.rollback(&clinic.id, entry, act(&state, &body.reason)).await?;
    Ok(Json(Changed::now(house, route).await?))
}

/// The body of a promotion and of a roll-back: `{}`, or why.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct StepBody {
    #[serde(default)]
    reason: String,
}

/// What came of a change.
#[derive(Serialize)]
struct Changed {
    /// False: it was so already, or is planned.
    changed: bool,
    /// The route as it is now.
    route: Option<FlowRoute>,
    /// What waits for its time.
    planned: Option<FlowSchedule>,
}

impl Changed {
    /// When this is answered, calls that start follow the route.
    async fn now(house: &FlowHouse, route: FlowRoute) -> Result<Self, Problem> {
        house.board.refresh().await?;
        Ok(Self { changed: true, route: Some(route), planned: None })
    }
}

fn find<'a>(
    state: &'a AppState,
    (clinic, entry): &(String, String),
) -> Result<(&'a FlowHouse, &'a Clinic, Entry), Problem> {
    let clinic: &Clinic = state.clinic(clinic)?;
    let entry =
        entry.parse::<Entry>().map_err(|_| Problem::unknown_entry(Entry::ALL.iter().map(|entry| entry.as_str())))?;
    Ok((state.flow_house()?, clinic, entry))
}

/// The body, or what is wrong with it, without repeating it.
pub(crate) fn read<T>(body: Result<Json<T>, JsonRejection>) -> Result<T, Problem> {
    match body {
        Ok(Json(body)) => Ok(body),
        Err(JsonRejection::MissingJsonContentType(_)) => Err(Problem::wrong_content_type("application/json")),
        Err(JsonRejection::BytesRejection(_)) => Err(Problem::too_large(crate::MAX_BODY)),
        Err(error) => Err(Problem::bad_body("", error.body_text())),
    }
}

fn act<'a>(state: &AppState, reason: &'a str) -> Act<'a> {
    Act { by: BY, reason, now_ms: (state.now)().as_millisecond() }
}
