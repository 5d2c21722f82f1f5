//! The schedule over HTTP: free times, visits, and what becomes of them. A visit keeps its id however often it is moved.

use std::sync::Arc;

use accounts::Permission;
use axum::Json;
use axum::extract::rejection::JsonRejection;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use desk::{Booking, Clinic, Desk, DeskError, Hand, Slot, SlotQuery, Visitor, Why};
use jiff::civil::{Date, Time};
use records::{BookingRecord, Change, HistoryEntry, Pii, RecordsError, Status};
use reports::Period;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::accounts_api::Items;
use crate::api::{Api, Op, Param, Tagged, WantedTag, body_of};
use crate::auth::Viewer;
use crate::params::{Params, RawParams};
use crate::{AppState, Problem};

/// Free times in an answer when nobody asks for more or fewer, and at most.
const SLOTS: (i64, i64) = (20, 200);
/// Days of a list of visits, at most: a quarter.
const DAYS: i32 = 93;

pub(crate) fn api() -> Api {
    let change = |id, summary| Op::may(id, summary, Permission::ManageVisits);
    let slots_op = Op::may("slots", "Free times, earliest first", Permission::SeeVisits)
        .about("Nothing is held: booking decides.")
        .query([
            Param::clinic(),
            Param::text("service", "Id or name of a service"),
            Param::text("doctor", "Id of a doctor"),
            Param::text("branch", "Id or name of a branch"),
            Param::text("species", "Kind of animal"),
            Param::day("from", "First day"),
            Param::day("to", "Last day, included"),
            Param::text("time_from", "Earliest start within a day: 09:00"),
            Param::text("time_to", "Latest start within a day, included"),
            Param::number("limit", "Free times at most", 1, SLOTS.1),
        ])
        .answers::<Items<FreeTime>>();
    let list_op = Op::may("visits", "Visits that begin in these days, earliest first", Permission::SeeVisits)
        .about("Without days: today. At most 93 days. Times that were left by a move are not among them.")
        .query([
            Param::clinic(),
            Param::day("from", "First day"),
            Param::day("to", "Last day, included"),
            Param::text("doctor", "One doctor's"),
        ])
        .answers::<Items<BookingRecord>>();
    Api::new()
        .get("/api/v1/slots", slots, slots_op)
        .get("/api/v1/visits", list, list_op)
        .get(
            "/api/v1/visits/{visit}",
            show,
            Op::may("visit", "A visit and its history", Permission::SeeVisits).answers::<Visit>().tagged(),
        )
        .post(
            "/api/v1/clinics/{clinic}/visits",
            book,
            change("book", "Book a visit").takes::<Wanted>().answers_with::<BookingRecord>(201, "Booked").once(),
        )
        .post(
            "/api/v1/visits/{visit}/move",
            shift,
            change("move-visit", "Move a visit to another free time")
                .takes::<Move>()
                .answers::<Visit>()
                .once()
                .tagged(),
        )
        .post(
            "/api/v1/visits/{visit}/status",
            set_status,
            change("visit-status", "Say what became of a visit")
                .about("confirmed, arrived, done, no-show, cancelled; each only from where it may come.")
                .takes::<Step>()
                .answers::<Visit>()
                .once()
                .tagged(),
        )
}

/// A free time.
#[derive(Serialize, JsonSchema)]
struct FreeTime {
    /// Book with it.
    slot: String,
    start_ms: i64,
    /// On the clinic's wall clock, with its offset.
    start: String,
    minutes: u32,
    doctor: String,
    doctor_name: String,
    service: String,
    service_name: String,
}

impl FreeTime {
    fn of(slot: Slot) -> Self {
        Self {
            start_ms: slot.start.timestamp().as_millisecond(),
            start: slot.start.strftime("%Y-%m-%dT%H:%M:%S%:z").to_string(),
            slot: slot.id,
            minutes: slot.minutes,
            doctor: slot.doctor_id,
            doctor_name: slot.doctor_name,
            service: slot.service_id,
            service_name: slot.service_name,
        }
    }
}

async fn slots(
    State(state): State<AppState>,
    viewer: Viewer,
    raw: RawParams,
) -> Result<Json<Items<FreeTime>>, Problem> {
    let known = ["clinic", "service", "doctor", "branch", "species", "from", "to", "time_from", "time_to", "limit"];
    let params = Params::parse(raw, &known)?;
    let clinic = params.clinic_for(&state, &viewer, Permission::SeeVisits)?;
    let text = |name: &str| params.get(name).map(str::to_owned);
    let query = SlotQuery {
        service: text("service"),
        doctor: text("doctor"),
        branch: text("branch"),
        species: text("species"),
        date_from: params.date("from")?,
        date_to: params.date("to")?,
        time_from: time(&params, "time_from")?,
        time_to: time(&params, "time_to")?,
        limit: params.number("limit", 1..=SLOTS.1)?.unwrap_or(SLOTS.0) as u32,
        ..SlotQuery::default()
    };
    let found = desk(&state, clinic).find(&query, (state.now)()).await?;
    Ok(Json(Items { items: found.into_iter().map(FreeTime::of).collect() }))
}

fn time(params: &Params, name: &str) -> Result<Option<Time>, Problem> {
    let wrong = |_| Problem::bad_parameter(name, "it must be a time as HH:MM, for example 09:30", [""; 0]);
    params.get(name).map(|text| text.parse().map_err(wrong)).transpose()
}

fn desk(state: &AppState, clinic: &Arc<Clinic>) -> Desk {
    state.desk(clinic)
}

async fn list(
    State(state): State<AppState>,
    viewer: Viewer,
    raw: RawParams,
) -> Result<Json<Items<BookingRecord>>, Problem> {
    let params = Params::parse(raw, &["clinic", "from", "to", "doctor"])?;
    let clinic = params.clinic_for(&state, &viewer, Permission::SeeVisits)?;
    let today: Date = clinic.local((state.now)()).date();
    let from = params.date("from")?.unwrap_or(today);
    let to = params.date("to")?.unwrap_or(from);
    if (to - from).get_days() >= DAYS {
        return Err(Problem::bad_parameter("to", "a list has 93 days at most", [""; 0]));
    }
    let (from_ms, to_ms) = Period::new(from, to)?.bounds(&clinic.timezone)?;
    let mut items = state.store.bookings(&clinic.id, from_ms, to_ms).await?;
    let doctor = params.get("doctor");
    items.retain(|visit| visit.status != Status::Moved && doctor.is_none_or(|doctor| visit.doctor == doctor));
    state.witness(viewer.who(), &clinic.id, "visits.listed", "clinic", &clinic.id).await?;
    Ok(Json(Items { items }))
}

/// A visit as it stands, and how it came to be so.
#[derive(Serialize, JsonSchema)]
struct Visit {
    booking: BookingRecord,
    /// Oldest first.
    history: Vec<HistoryEntry>,
}

/// A visit of a clinic of this server, for who may do this there. Another clinic's visit does not exist.
async fn found(
    state: &AppState,
    viewer: &Viewer,
    id: &str,
    permission: Permission,
) -> Result<(Arc<Clinic>, Visit), Problem> {
    let booking = match state.store.visit(id).await {
        Err(RecordsError::NotFound { .. }) => return Err(Problem::unknown("visit")),
        found => found?,
    };
    if !state.clinics.contains_key(&booking.clinic) || !viewer.knows(&booking.clinic) {
        return Err(Problem::unknown("visit"));
    }
    viewer.check(state, &booking.clinic, permission)?;
    let clinic = Arc::clone(state.clinic(&booking.clinic)?);
    let history = state.store.visit_history(id).await?;
    Ok((clinic, Visit { booking, history }))
}

async fn show(
    State(state): State<AppState>,
    viewer: Viewer,
    Path(visit): Path<String>,
    raw: RawParams,
    wanted: WantedTag,
) -> Result<Tagged<Visit>, Problem> {
    Params::parse(raw, &[])?;
    let (clinic, whole) = found(&state, &viewer, &visit, Permission::SeeVisits).await?;
    state.witness(viewer.who(), &clinic.id, "visit.seen", "visit", &visit).await?;
    Ok(wanted.answer(whole))
}

/// A visit to be booked.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Wanted {
    /// A free time, as `slots` gave it.
    slot: String,
    phone: Pii,
    /// Who comes.
    person: Pii,
    /// Nickname and kind of the animal; empty in human medicine.
    #[serde(default)]
    animal: Pii,
    #[serde(default)]
    reason: Pii,
}

async fn book(
    State(state): State<AppState>,
    viewer: Viewer,
    Path(clinic): Path<String>,
    body: Result<Json<Wanted>, JsonRejection>,
) -> Result<(StatusCode, Json<BookingRecord>), Problem> {
    viewer.check(&state, &clinic, Permission::ManageVisits)?;
    let wanted = body_of(body)?;
    let visitor = Visitor { phone: wanted.phone, person: wanted.person, animal: wanted.animal, reason: wanted.reason };
    let desk = desk(&state, state.clinic(&clinic)?);
    match desk.book_by(&wanted.slot, &visitor, Hand::person(viewer.by(), (state.now)())).await? {
        Booking::Booked(made) => Ok((StatusCode::CREATED, Json(state.store.booking(&made.id).await?))),
        Booking::Taken => Err(Problem::time_taken()),
    }
}

/// Where a visit is to go.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Move {
    /// A free time, as `slots` gave it.
    slot: String,
    #[serde(default)]
    reason: Pii,
    /// A word of the clinic's list.
    reason_code: Option<String>,
}

async fn shift(
    State(state): State<AppState>,
    viewer: Viewer,
    Path(visit): Path<String>,
    wanted: WantedTag,
    body: Result<Json<Move>, JsonRejection>,
) -> Result<Tagged<Visit>, Problem> {
    let (clinic, before) = found(&state, &viewer, &visit, Permission::ManageVisits).await?;
    let body = body_of(body)?;
    wanted.check(&before)?;
    let why = Why { code: body.reason_code, words: body.reason };
    let hand = Hand::person(viewer.by(), (state.now)());
    match desk(&state, &clinic).move_by(&before.booking.id, &body.slot, &why, hand).await? {
        Booking::Booked(_) => {}
        Booking::Taken => return Err(Problem::time_taken()),
    }
    Ok(wanted.answer(found(&state, &viewer, &visit, Permission::ManageVisits).await?.1))
}

/// What became of a visit.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Step {
    status: Status,
    #[serde(default)]
    reason: Pii,
    /// A word of the clinic's list.
    reason_code: Option<String>,
}

async fn set_status(
    State(state): State<AppState>,
    viewer: Viewer,
    Path(visit): Path<String>,
    wanted: WantedTag,
    body: Result<Json<Step>, JsonRejection>,
) -> Result<Tagged<Visit>, Problem> {
    let (clinic, before) = found(&state, &viewer, &visit, Permission::ManageVisits).await?;
    let body = body_of(body)?;
    wanted.check(&before)?;
    let now = (state.now)();
    let id = &before.booking.id;
    if body.status == Status::Cancelled {
        let why = Why { code: body.reason_code, words: body.reason };
        desk(&state, &clinic).cancel_by(id, &why, Hand::person(viewer.by(), now)).await?;
    } else {
        let change = Change {
            at_ms: now.as_millisecond(),
            by: viewer.by().to_owned(),
            reason: body.reason,
            reason_code: body.reason_code,
            ..Change::default()
        };
        state.store.set_booking_status(id, body.status, &change).await?;
    }
    Ok(wanted.answer(found(&state, &viewer, &visit, Permission::ManageVisits).await?.1))
}

impl From<DeskError> for Problem {
    fn from(error: DeskError) -> Self {
        match error {
            DeskError::Records(error) => error.into(),
            DeskError::UnknownAppointment { .. } => Self::unknown("visit"),
            error => {
                let said = error.to_string();
                match error.code() {
                    code @ ("slot-not-offered" | "appointment-closed" | "time-given-away" | "schedule-refused") => {
                        Self::conflict(code, "The schedule does not allow this", said)
                    }
                    "booking-unsettled" | "schedule-silent" => Self::schedule_silent(said),
                    _ => Self::bad_body("", said),
                }
            }
        }
    }
}
