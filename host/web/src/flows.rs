//! Flows over HTTP: the library of versions, the routes, and their changes, as `gudok flow` has them on the command line.
//!
//! Whatever writes wants a content type that a page of another site cannot send without asking first: a component as
//! `application/wasm`, everything else as `application/json`.

use accounts::Permission;
use axum::Json;
use axum::body::Bytes;
use axum::extract::rejection::{BytesRejection, JsonRejection};
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use desk::Clinic;
use records::{Entry, FlowChange, FlowRoute, FlowSchedule, FlowVersion};
use rollout::{Act, AddOptions, Allow, Deployed, How, signing};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::accounts_api::Items;
use crate::api::{Api, Op, Param, Tagged, WantedTag, body_of};
use crate::auth::Viewer;

use crate::params::{Params, RawParams};
use crate::{AppState, FlowHouse, Problem};

/// The largest component that is taken; the engine has a limit of its own.
pub(crate) const MAX_COMPONENT: usize = 64 * 1024 * 1024;
/// Changes on a page when nobody asks for more or fewer, and at most.
const PAGE: (u32, u32) = (100, 1_000);

pub(crate) fn api() -> Api {
    let op = |id, summary| Op::may(id, summary, Permission::ManageFlows);
    let upload_op = op("add-flow", "Add a version to the library")
        .about("The body is the component. Adding the same one twice changes nothing.")
        .query([
            Param::text("name", "The flow it is a version of").required(),
            Param::text(
                "allow",
                "Interfaces, separated by commas, that it may ask for though the version before did not; or `all`",
            ),
            Param::text("signature", "Ed25519, base64"),
            Param::text("clinic", "Whose rule about signatures applies"),
        ])
        .takes_raw("application/wasm")
        .answers_with::<Uploaded>(200, "It was there already")
        .answers_with::<Uploaded>(201, "Added");
    let changes_op = op("flow-changes", "The log of changes, oldest first")
        .query([
            Param::text("clinic", "One clinic's"),
            Param::number("after", "The number of the last change that was seen", 0, i64::MAX),
            Param::number("limit", "Changes at most", 1, i64::from(PAGE.1)),
        ])
        .answers::<Changes>();
    let routes_op = op("routes", "Which version answers where, and what is planned")
        .query([Param::text("clinic", "One clinic's")])
        .answers::<Routes>()
        .tagged();
    Api::new()
        .get("/api/v1/flows", list, op("flows", "Versions of flows, newest first").answers::<Items<Item>>())
        .post("/api/v1/flows", upload, upload_op)
        .get("/api/v1/flows/changes", changes, changes_op)
        .get("/api/v1/flows/{version}", show, op("flow", "A version").answers::<Whole>())
        .get("/api/v1/routes", routes, routes_op)
        .post(
            "/api/v1/clinics/{clinic}/routes/{entry}/deploy",
            deploy,
            op("deploy", "Let a version answer").takes::<DeployBody>().answers::<Changed>().once(),
        )
        .post(
            "/api/v1/clinics/{clinic}/routes/{entry}/promote",
            promote,
            op("promote", "Let the canary answer everybody").takes::<StepBody>().answers::<Changed>().once(),
        )
        .post(
            "/api/v1/clinics/{clinic}/routes/{entry}/rollback",
            rollback,
            op("rollback", "Go back to the version before").takes::<StepBody>().answers::<Changed>().once(),
        )
}

/// The library is the server's: it is for who manages flows at one clinic of it at least.
fn of_library(state: &AppState, viewer: &Viewer) -> Result<(), Problem> {
    if viewer.clinics(state, Permission::ManageFlows).is_empty() {
        return Err(Problem::may_not(Permission::ManageFlows));
    }
    Ok(())
}

fn of_clinic<'a>(state: &'a AppState, viewer: &Viewer, params: &Params) -> Result<Option<&'a Clinic>, Problem> {
    of_library(state, viewer)?;
    let Some(id) = params.get("clinic") else { return Ok(None) };
    viewer.check(state, id, Permission::ManageFlows)?;
    Ok(Some(state.clinic(id)?))
}

/// Routes of clinics that the viewer has nothing to do with do not exist for them.
async fn seen_routes(state: &AppState, viewer: &Viewer) -> Result<(i64, Vec<FlowRoute>), Problem> {
    let (last, mut routes) = state.store.flow_routes().await?;
    routes.retain(|route| {
        viewer.may(&route.clinic, Permission::ManageFlows) && state.clinics.contains_key(&route.clinic)
    });
    Ok((last, routes))
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
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, JsonSchema)]
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
#[derive(Serialize, JsonSchema)]
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

async fn list(State(state): State<AppState>, viewer: Viewer, raw: RawParams) -> Result<Json<Items<Item>>, Problem> {
    Params::parse(raw, &[])?;
    of_library(&state, &viewer)?;
    let house = state.flow_house()?;
    let (_, routes) = seen_routes(&state, &viewer).await?;
    let versions = house.routes.library().list().await?;
    Ok(Json(Items { items: versions.into_iter().map(|version| Item::of(version, &routes)).collect() }))
}

/// One version, where it answers, and what it asks for that the one before did not.
#[derive(Serialize, JsonSchema)]
struct Whole {
    #[serde(flatten)]
    item: Item,
    #[serde(flatten)]
    beside: Beside,
}

async fn show(
    State(state): State<AppState>,
    viewer: Viewer,
    Path(version): Path<String>,
    raw: RawParams,
) -> Result<Json<Whole>, Problem> {
    Params::parse(raw, &[])?;
    of_library(&state, &viewer)?;
    let library = state.flow_house()?.routes.library();
    let version = library.show(&version).await?;
    let (versions, (_, routes)) = (library.list().await?, seen_routes(&state, &viewer).await?);
    let beside = beside(&versions, &version);
    Ok(Json(Whole { item: Item::of(version, &routes), beside }))
}

/// What came of an upload.
#[derive(Serialize, JsonSchema)]
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
    viewer: Viewer,
    raw: RawParams,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<(StatusCode, Json<Uploaded>), Problem> {
    let params = Params::parse(raw, &["name", "allow", "signature", "clinic"])?;
    let clinic = of_clinic(&state, &viewer, &params)?;
    let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    if kind.split(';').next().is_none_or(|kind| !kind.trim().eq_ignore_ascii_case("application/wasm")) {
        return Err(Problem::wrong_content_type("application/wasm"));
    }
    let house = state.flow_house()?;
    let name = params.get("name").ok_or_else(|| Problem::bad_parameter("name", "it is required", [""; 0]))?;
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
        by: viewer.by().to_owned(),
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
#[derive(Serialize, JsonSchema)]
struct Routes {
    items: Vec<FlowRoute>,
    scheduled: Vec<FlowSchedule>,
    /// The number of the last change that is in here: ask for changes after it.
    last_change: i64,
}

async fn routes(
    State(state): State<AppState>,
    viewer: Viewer,
    raw: RawParams,
    wanted: WantedTag,
) -> Result<Tagged<Routes>, Problem> {
    let params = Params::parse(raw, &["clinic"])?;
    let clinic = of_clinic(&state, &viewer, &params)?;
    let is_asked = |id: &str| {
        clinic.is_none_or(|clinic| clinic.id == id)
            && viewer.may(id, Permission::ManageFlows)
            && state.clinics.contains_key(id)
    };
    let (last_change, mut items) = seen_routes(&state, &viewer).await?;
    items.retain(|route| is_asked(&route.clinic));
    let mut scheduled = state.store.flow_schedule(None).await?;
    scheduled.retain(|plan| is_asked(&plan.clinic));
    Ok(wanted.answer(Routes { items, scheduled, last_change }))
}

#[derive(Serialize, JsonSchema)]
struct Changes {
    items: Vec<FlowChange>,
    /// Pass it as `after` for what comes next.
    next: i64,
}

/// The log of changes after line `after`, oldest first: ask again with `next`.
async fn changes(State(state): State<AppState>, viewer: Viewer, raw: RawParams) -> Result<Json<Changes>, Problem> {
    let params = Params::parse(raw, &["clinic", "after", "limit"])?;
    let clinic = of_clinic(&state, &viewer, &params)?;
    let after = params.number("after", 0..=i64::MAX)?.unwrap_or(0);
    let limit = params.number("limit", 1..=i64::from(PAGE.1))?.map_or(PAGE.0, |limit| limit as u32);
    let mut items = state.store.flow_changes(clinic.map(|clinic| clinic.id.as_str()), after, limit).await?;
    let next = items.last().map_or(after, |last| last.seq);
    items.retain(|change| viewer.may(&change.clinic, Permission::ManageFlows));
    Ok(Json(Changes { items, next }))
}

/// How a version is deployed.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum Manner {
    #[default]
    All,
    Canary,
    Shadow,
}

#[derive(Deserialize, JsonSchema)]
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
    viewer: Viewer,
    Path(place): Path<(String, String)>,
    body: Result<Json<DeployBody>, JsonRejection>,
) -> Result<Json<Changed>, Problem> {
    let (house, clinic, entry) = find(&state, &viewer, &place)?;
    let body = body_of(body)?;
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
    let deployed =
        house.routes.deploy(&clinic.id, entry, &body.version, how, at, act(&state, &viewer, &body.reason)).await?;
    Ok(Json(match deployed {
        Deployed::Now(route) => Changed::now(house, route).await?,
        Deployed::Already(route) => Changed { changed: false, route: Some(route), planned: None },
        Deployed::Planned(plan) => Changed { changed: false, route: None, planned: Some(plan) },
    }))
}

async fn promote(
    State(state): State<AppState>,
    viewer: Viewer,
    Path(place): Path<(String, String)>,
    body: Result<Json<StepBody>, JsonRejection>,
) -> Result<Json<Changed>, Problem> {
    let (house, clinic, entry) = find(&state, &viewer, &place)?;
    let body = body_of(body)?;
    let route = house.routes.promote(&clinic.id, entry, act(&state, &viewer, &body.reason)).await?;
    Ok(Json(Changed::now(house, route).await?))
}

async fn rollback(
    State(state): State<AppState>,
    viewer: Viewer,
    Path(place): Path<(String, String)>,
    body: Result<Json<StepBody>, JsonRejection>,
) -> Result<Json<Changed>, Problem> {
    let (house, clinic, entry) = find(&state, &viewer, &place)?;
    let body = body_of(body)?;
    let route = house.routes.rollback(&clinic.id, entry, act(&state, &viewer, &body.reason)).await?;
    Ok(Json(Changed::now(house, route).await?))
}

/// The body of a promotion and of a roll-back: `{}`, or why.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct StepBody {
    #[serde(default)]
    reason: String,
}

/// What came of a change.
#[derive(Serialize, JsonSchema)]
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
    viewer: &Viewer,
    (clinic, entry): &(String, String),
) -> Result<(&'a FlowHouse, &'a Clinic, Entry), Problem> {
    viewer.check(state, clinic, Permission::ManageFlows)?;
    let clinic: &Clinic = state.clinic(clinic)?;
    let entry =
        entry.parse::<Entry>().map_err(|_| Problem::unknown_entry(Entry::ALL.iter().map(|entry| entry.as_str())))?;
    Ok((state.flow_house()?, clinic, entry))
}

fn act<'a>(state: &AppState, viewer: &'a Viewer, reason: &'a str) -> Act<'a> {
    Act { by: viewer.by(), reason, now_ms: (state.now)().as_millisecond() }
}
