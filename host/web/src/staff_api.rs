//! The people at the desk over HTTP: what each does now, who waits for them, and how many each hour needs.

use accounts::Permission;
use axum::Json;
use axum::extract::State;
use records::{AgentSpan, AgentState, CallFilter, CallRecord};
use reports::Period;
use reports::kpi;
use reports::staffing::{Goal, Queue, required};
use schemars::JsonSchema;
use serde::Serialize;

use crate::accounts_api::Items;
use crate::api::{Api, Op, Param};
use crate::auth::Viewer;
use crate::params::{Params, RawParams};
use crate::{AppState, Problem};

/// A call that lasts longer was left open by a crash.
const LONGEST_MS: i64 = 3 * 3_600_000;
/// Callers' patience where too few gave up to measure it.
const USUAL_PATIENCE_S: f64 = 120.0;

pub(crate) fn api() -> Api {
    let percent = |name, about, least, most| Param::number(name, about, least, most);
    Api::new()
        .get(
            "/api/v1/operators",
            operators,
            Op::may("operators", "Who is at the desk, and what they do now", Permission::SeeCalls)
                .query([Param::clinic()])
                .answers::<Items<AgentSpan>>(),
        )
        .get(
            "/api/v1/queue",
            queue,
            Op::may("queue", "Who waits and who is spoken to, now", Permission::SeeCalls)
                .query([Param::clinic()])
                .answers::<Line>(),
        )
        .get(
            "/api/v1/staffing",
            staffing,
            Op::may("staffing", "How many people each hour of the week needs", Permission::SeeReport)
                .about("By Erlang C for the people, by Erlang A for who gives up; from this clinic's own calls. Empty where none was answered.")
                .query([
                    Param::clinic(),
                    Param::day("from", "First day whose calls count"),
                    Param::day("to", "Last day, included"),
                    percent("level", "Share to answer in time, percent; 80 if nothing is said", 1, 99),
                    percent("within", "In time = within so many seconds; 20 if nothing is said", 1, 600),
                    percent("away", "Share of paid time away from the desk, percent", 0, 90),
                ])
                .answers::<Staffing>(),
        )
}

async fn operators(
    State(state): State<AppState>,
    viewer: Viewer,
    raw: RawParams,
) -> Result<Json<Items<AgentSpan>>, Problem> {
    let params = Params::parse(raw, &["clinic"])?;
    let clinic = params.clinic_for(&state, &viewer, Permission::SeeCalls)?;
    let now = (state.now)().as_millisecond();
    let mut items = state.store.agent_spans(&clinic.id, None, now - 12 * 3_600_000, now + 1).await?;
    items.retain(|span| span.until_ms.is_none() && span.state != AgentState::LoggedOut);
    Ok(Json(Items { items }))
}

/// The line as it is now.
#[derive(Serialize, JsonSchema)]
struct Line {
    /// The longest wait first.
    waiting: Vec<CallRecord>,
    /// With the robot or a person.
    talking: Vec<CallRecord>,
    /// How long the first has waited, milliseconds; null: nobody waits.
    longest_wait_ms: Option<i64>,
    /// People who are free, ringing, talking, away.
    free: usize,
    busy: usize,
    away: usize,
}

async fn queue(State(state): State<AppState>, viewer: Viewer, raw: RawParams) -> Result<Json<Line>, Problem> {
    let params = Params::parse(raw, &["clinic"])?;
    let clinic = params.clinic_for(&state, &viewer, Permission::SeeCalls)?;
    let now = (state.now)().as_millisecond();
    let open = CallFilter {
        clinic: Some(clinic.id.clone()),
        from_ms: Some(now - LONGEST_MS),
        open: true,
        ..CallFilter::default()
    };
    let mut calls = state.store.calls(&open, 200, None).await?.calls;
    calls.sort_by_key(|call| call.started_ms);
    let (waiting, talking): (Vec<_>, Vec<_>) = calls.into_iter().partition(|call| call.answered_ms.is_none());
    let spans = state.store.agent_spans(&clinic.id, None, now - 12 * 3_600_000, now + 1).await?;
    let count = |states: &[AgentState]| {
        spans.iter().filter(|span| span.until_ms.is_none() && states.contains(&span.state)).count()
    };
    Ok(Json(Line {
        longest_wait_ms: waiting.first().map(|call| now - call.started_ms),
        waiting,
        talking,
        free: count(&[AgentState::Ready, AgentState::Resting]),
        busy: count(&[AgentState::Ringing, AgentState::Talking, AgentState::WrapUp]),
        away: count(&[AgentState::Paused, AgentState::Engaged]),
    }))
}

/// Hours of the week.
#[derive(Serialize, JsonSchema)]
struct Staffing {
    /// Share to be answered in time, 0 to 1.
    service_level: f64,
    within_s: f64,
    /// Talk, hold and after-call work, seconds; null: nothing was answered.
    aht_s: Option<f64>,
    /// How long callers wait before they give up, seconds.
    patience_s: f64,
    hours: Vec<Hour>,
}

/// One hour of the week.
#[derive(Serialize, JsonSchema)]
struct Hour {
    /// From Monday midnight, 0 to 167.
    hour: i64,
    calls_per_hour: f64,
    /// At the desk, and on the roster for it.
    on_desk: u32,
    rostered: u32,
    /// With so many: answered in time, and lost, 0 to 1.
    in_time: f64,
    lost: f64,
    /// Lost with one fewer, and with one more.
    lost_with_one_fewer: f64,
    lost_with_one_more: f64,
}

async fn staffing(State(state): State<AppState>, viewer: Viewer, raw: RawParams) -> Result<Json<Staffing>, Problem> {
    let params = Params::parse(raw, &["clinic", "from", "to", "level", "within", "away"])?;
    let clinic = params.clinic_for(&state, &viewer, Permission::SeeReport)?;
    let period: Period = params.period(&state, clinic)?;
    let number = |name: &str, least, most, usual: i64| -> Result<f64, Problem> {
        Ok(params.number(name, least..=most)?.unwrap_or(usual) as f64)
    };
    let goal = Goal {
        service_level: number("level", 1, 99, 80)? / 100.0,
        within_s: number("within", 1, 600, 20)?,
        shrinkage: number("away", 0, 90, 0)? / 100.0,
        ..Goal::default()
    };
    let rolled = state.store.rolled(&clinic.id, period.day_numbers()).await?;
    let totals = &rolled.totals;
    let aht_s = kpi::aht_ms(totals).filter(|aht| *aht > 0).map(|aht| aht as f64 / 1000.0);
    let lost = kpi::lost(totals);
    let waited = (totals.answered_wait_ms + totals.lost_wait_ms) as f64 / 1000.0;
    let patience_s = if lost >= 20 { waited / lost as f64 } else { USUAL_PATIENCE_S };
    let weekdays = period.weekdays();
    let hour = |total: &records::HourTotal| {
        let times = *weekdays.get(usize::try_from(total.hour / 24).ok()?)?;
        let calls_per_hour = (times > 0).then(|| total.calls as f64 / times as f64)?;
        let aht_s = aht_s?;
        let staff = required(calls_per_hour, aht_s, &goal)?;
        let with = |agents: u32| Queue { calls_per_hour, aht_s, agents };
        let lost = |agents: u32| with(agents).impatient(patience_s).abandon;
        Some(Hour {
            hour: total.hour,
            calls_per_hour,
            on_desk: staff.on_desk,
            rostered: staff.rostered,
            in_time: with(staff.on_desk).service_level(goal.within_s),
            lost: lost(staff.on_desk),
            lost_with_one_fewer: lost(staff.on_desk.saturating_sub(1)),
            lost_with_one_more: lost(staff.on_desk.saturating_add(1)),
        })
    };
    let hours = rolled.hours.iter().filter_map(hour).collect();
    Ok(Json(Staffing { service_level: goal.service_level, within_s: goal.within_s, aht_s, patience_s, hours }))
}
