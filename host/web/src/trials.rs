//! A version of a flow tried on recorded calls: begun here, run beside everything else, looked at whenever somebody likes.
//!
//! One trial runs at a time, since the cores belong to the calls. What was said in a call stands in its comparison, so whoever
//! looks at one must be allowed to see calls.

use std::sync::Arc;

use accounts::Permission;
use axum::Json;
use axum::extract::rejection::JsonRejection;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use records::{FlowTrial, TrialCall};
use rollout::kept::{self, Language};
use rollout::trial::Recorded;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::accounts_api::Items;
use crate::api::{Api, Op, Param, body_of};
use crate::auth::Viewer;
use crate::params::{Params, RawParams};
use crate::{AppState, Problem};

const MAY: Permission = Permission::ManageFlows;
/// Calls a version is tried on, at most; the latest.
const MOST: usize = 2_000;
/// How far back calls may be looked for, and how far when nobody says.
const DAYS: (i64, i64) = (366, 7);
const DAY_MS: i64 = 86_400_000;

pub(crate) fn api() -> Api {
    let list_op = Op::may("trials", "Versions that were tried on recorded calls, newest first", MAY)
        .query([Param::text("version", "A flow's name, `name@digest`, or the beginning of a digest: only its trials")])
        .answers::<Items<FlowTrial>>();
    let start_op = Op::may("try-version", "Try a version on recorded calls", MAY)
        .about("Nothing is said, booked or looked up: the version gets the answers that were recorded. It runs beside everything else; look at it until `ended_ms` is there. While the version is being tried already, that trial is answered.")
        .takes::<TryBody>()
        .answers_with::<FlowTrial>(202, "It is being tried")
        .once();
    let call_op = Op::may("trial-call", "A recorded call beside what the version would have done", MAY)
        .about("Wants `see_calls`, too: it holds what was said.")
        .query([Param::one_of("lang", "The language of the texts; Russian when it is absent", &["ru", "en"])])
        .answers::<Compared>();
    Api::new()
        .get("/api/v1/clinics/{clinic}/trials", list, list_op)
        .post("/api/v1/clinics/{clinic}/trials", start, start_op)
        .get(
            "/api/v1/clinics/{clinic}/trials/{trial}",
            show,
            Op::may("trial", "What came of a trial", MAY)
                .about("`line` is null for who may not see calls.")
                .query([Param::one_of("lang", "The language of the texts; Russian when it is absent", &["ru", "en"])])
                .answers::<Whole>(),
        )
        .get("/api/v1/clinics/{clinic}/trials/{trial}/calls/{id}", call, call_op)
}

/// A recorded call and its replay, side by side.
#[derive(Debug, Deserialize, Serialize, JsonSchema)]
pub(crate) struct Compared {
    /// The recorded call.
    pub(crate) call: String,
    /// Name and digest of the version that held it.
    pub(crate) recorded_by: (String, String),
    /// The gravest difference.
    pub(crate) verdict: String,
    /// It in a line.
    pub(crate) line: String,
    /// In the order of the new version, what it left out at its recorded place.
    pub(crate) rows: Vec<Row>,
}

/// The recorded call to the left, the new version to the right.
#[derive(Debug, Deserialize, Serialize, JsonSchema)]
pub(crate) struct Row {
    /// `same`, `other-words`, `moved`, `new`, `missing`, `effect`, `trap`, `not-compared`.
    pub(crate) mark: String,
    /// `robot`, `caller`, `lookup`, `effect`, `remark`.
    pub(crate) kind: String,
    pub(crate) left: Option<Side>,
    pub(crate) right: Option<Side>,
}

/// One side of a row.
#[derive(Debug, Deserialize, Serialize, JsonSchema)]
pub(crate) struct Side {
    /// The step of the recorded call, from 0.
    #[serde(default)]
    pub(crate) seq: Option<u32>,
    /// Milliseconds from its start.
    #[serde(default)]
    pub(crate) at_ms: Option<u64>,
    pub(crate) text: String,
}

impl Compared {
    /// As it was kept.
    pub(crate) fn of(kept: &TrialCall, lang: &str) -> Result<Self, Problem> {
        let whole: serde_json::Value = serde_json::from_str(kept.compared.as_str()).unwrap_or_default();
        Self::deserialize(&whole[lang]).map_err(|error| {
            // Where it is, not what it says.
            tracing::error!(call = kept.call, line = error.line(), "a comparison that was kept cannot be read");
            Problem::unknown("call of a trial")
        })
    }

    /// The first row in which the two part.
    pub(crate) fn parts_at(&self) -> Option<usize> {
        self.rows.iter().position(|row| row.mark != "same")
    }
}

/// The difference in a line.
pub(crate) fn line(kept: &TrialCall, lang: &str) -> String {
    let lines: serde_json::Value = serde_json::from_str(kept.line.as_str()).unwrap_or_default();
    lines[lang].as_str().unwrap_or_default().to_owned()
}

/// Begins a trial on the calls of the last days; one that goes on already is answered.
pub(crate) async fn begin(
    state: &AppState,
    clinic: &str,
    version: &str,
    days: i64,
    by: &str,
) -> Result<FlowTrial, Problem> {
    state.flow_house()?;
    let Some(house) = state.flows.clone() else { return Err(Problem::no_flows()) };
    let version = house.routes.library().show(version).await?;
    let (store, now) = (state.store.clone(), state.now);
    // Looked and written by one at a time, so that two presses of a button are one trial.
    let alone = state.editing.lock().await;
    let before = store.flow_trials(clinic, Some(&version.digest)).await?;
    if let Some(under_way) = before.into_iter().find(|trial| trial.ended_ms.is_none()) {
        return Ok(under_way);
    }
    let now_ms = now().as_millisecond();
    let which = Recorded {
        clinic: clinic.to_owned(),
        from_ms: now_ms - days.clamp(1, DAYS.0) * DAY_MS,
        to_ms: now_ms,
        calls: Vec::new(),
        limit: MOST,
    };
    let begun = kept::begin(&store, &version.digest, &which, by, now_ms).await?;
    drop(alone);
    let (trial, trying) = (begun.clone(), Arc::clone(&state.trying));
    tokio::spawn(async move {
        let _one = trying.lock().await;
        let library = house.routes.library();
        let flow = match library.load(&trial.digest).await {
            Ok(flow) => flow,
            Err(error) => {
                let failed =
                    FlowTrial { ended_ms: Some(now().as_millisecond()), problem: Some(error.to_string()), ..trial };
                if let Err(error) = store.end_flow_trial(&failed, &[]).await {
                    tracing::error!(%error, "the end of a trial could not be written down");
                }
                return;
            }
        };
        let ended = move || now().as_millisecond();
        if let Err(error) =
            kept::run(library.engine(), &store, &flow, &which, (trial, Language::Russian), ended, |_, _| {}).await
        {
            tracing::error!(%error, "a version could not be tried on recorded calls");
        }
    });
    Ok(begun)
}

async fn list(
    State(state): State<AppState>,
    viewer: Viewer,
    Path(clinic): Path<String>,
    raw: RawParams,
) -> Result<Json<Items<FlowTrial>>, Problem> {
    let params = Params::parse(raw, &["version"])?;
    viewer.check(&state, &clinic, MAY)?;
    let digest = match params.get("version") {
        Some(version) => Some(state.flow_house()?.routes.library().show(version).await?.digest),
        None => None,
    };
    Ok(Json(Items { items: state.store.flow_trials(&clinic, digest.as_deref()).await? }))
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct TryBody {
    /// A flow's name, `name@digest`, or the beginning of a digest.
    version: String,
    /// On the calls of so many days, 1 to 366; 7 when it is absent.
    days: Option<i64>,
}

async fn start(
    State(state): State<AppState>,
    viewer: Viewer,
    Path(clinic): Path<String>,
    body: Result<Json<TryBody>, JsonRejection>,
) -> Result<(StatusCode, Json<FlowTrial>), Problem> {
    viewer.check(&state, &clinic, MAY)?;
    let body = body_of(body)?;
    let days = body.days.unwrap_or(DAYS.1);
    if !(1..=DAYS.0).contains(&days) {
        return Err(Problem::bad_body("days", format!("it must be 1 to {}", DAYS.0)));
    }
    let trial = begin(&state, &clinic, &body.version, days, viewer.by()).await?;
    Ok((StatusCode::ACCEPTED, Json(trial)))
}

/// What came of a trial.
#[derive(Serialize, JsonSchema)]
struct Whole {
    #[serde(flatten)]
    trial: FlowTrial,
    /// Calls that would have gone otherwise, gravest first; the first 200.
    calls: Vec<Otherwise>,
}

/// A call that would have gone otherwise.
#[derive(Serialize, JsonSchema)]
struct Otherwise {
    call: String,
    verdict: String,
    /// Whether two replays agreed.
    steady: bool,
    /// The difference in a line.
    line: Option<String>,
}

fn lang(params: &Params) -> Result<&'static str, Problem> {
    Ok(params.one_of("lang", &[("ru", "ru"), ("en", "en")])?.unwrap_or("ru"))
}

async fn show(
    State(state): State<AppState>,
    viewer: Viewer,
    Path((clinic, trial)): Path<(String, String)>,
    raw: RawParams,
) -> Result<Json<Whole>, Problem> {
    viewer.check(&state, &clinic, MAY)?;
    let lang = lang(&Params::parse(raw, &["lang"])?)?;
    let trial = state.store.flow_trial(&clinic, &trial).await?;
    let calls = state.store.flow_trial_calls(&trial).await?;
    let sees = viewer.may(&clinic, Permission::SeeCalls);
    let calls = calls.into_iter().map(|one| Otherwise {
        line: sees.then(|| line(&one, lang)),
        call: one.call,
        verdict: one.verdict,
        steady: one.steady,
    });
    Ok(Json(Whole { calls: calls.collect(), trial }))
}

async fn call(
    State(state): State<AppState>,
    viewer: Viewer,
    Path((clinic, trial, id)): Path<(String, String, String)>,
    raw: RawParams,
) -> Result<Json<Compared>, Problem> {
    viewer.check(&state, &clinic, MAY)?;
    viewer.check(&state, &clinic, Permission::SeeCalls)?;
    let lang = lang(&Params::parse(raw, &["lang"])?)?;
    let trial = state.store.flow_trial(&clinic, &trial).await?;
    let found = state.store.flow_trial_call(&trial, &id).await?;
    state.witness(viewer.who(), &clinic, "call.seen", "call", &id).await?;
    Ok(Json(Compared::of(&found, lang)?))
}
