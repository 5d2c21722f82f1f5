//! The schedule in the words of medical systems: FHIR R4's `Slot`, `Appointment` and `Patient`, to be read and to be booked.
//! What FHIR itself finds wrong is told as an `OperationOutcome`; who may not, and what is not there, as everywhere here.

use std::sync::Arc;

use accounts::Permission;
use axum::Json;
use axum::extract::rejection::JsonRejection;
use axum::extract::{Path, State};
use axum::http::{HeaderName, StatusCode, header};
use axum::response::{IntoResponse, Response};
use desk::fhir::{self, OperationOutcome, TakenIn};
use desk::{Booking, Clinic, DeskError, Hand, Slot, SlotQuery, Visitor, Why};
use jiff::civil::Date;
use records::{RecordsError, Status};
use reports::Period;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::api::{Api, Op, Param, body_of};
use crate::auth::Viewer;
use crate::params::{Params, RawParams};
use crate::{AppState, Problem};

const KIND: &str = "application/fhir+json";
/// Resources in a bundle when nobody asks for more or fewer, and at most.
const COUNT: (i64, i64) = (50, 200);
/// Days of a bundle of appointments.
const DAYS: i32 = 93;

pub(crate) fn api() -> Api {
    let see = |id, summary| Op::may(id, summary, Permission::SeeVisits).answers_raw(KIND);
    let change = |id, summary| Op::may(id, summary, Permission::ManageVisits).takes::<Resource>().refuses_as(KIND);
    Api::new()
        .get(
            "/api/v1/clinics/{clinic}/fhir/Slot",
            slots,
            see("fhir-slots", "Free times as a Bundle of Slot").query([
                Param::text("start", "First day: 2026-11-24, or ge2026-11-24"),
                Param::text("schedule", "A doctor: Schedule/ID, or the id"),
                Param::text("service-type", "A service's id"),
                Param::number("_count", "Free times at most", 1, COUNT.1),
            ]),
        )
        .get(
            "/api/v1/clinics/{clinic}/fhir/Appointment",
            appointments,
            see("fhir-appointments", "The visits of one day as a Bundle of Appointment")
                .query([Param::day("date", "Which day; without it, today"), Param::day("to", "Last day, included")]),
        )
        .post(
            "/api/v1/clinics/{clinic}/fhir/Appointment",
            book,
            change("fhir-book", "Book by an Appointment")
                .about(
                    "Who comes stands in it as a contained Patient, or is a Patient/ID of this server. The times are \
                     those of Slot; what is not free any more is answered 409.",
                )
                .answers_raw_with(201, "Booked", KIND)
                .once(),
        )
        .get(
            "/api/v1/clinics/{clinic}/fhir/Appointment/{visit}",
            appointment,
            see("fhir-appointment", "A visit as an Appointment"),
        )
        .put(
            "/api/v1/clinics/{clinic}/fhir/Appointment/{visit}",
            update,
            change("fhir-update", "Move a visit, or say what became of it, by an Appointment").answers_raw(KIND),
        )
        .get(
            "/api/v1/clinics/{clinic}/fhir/Patient/{visit}",
            patient,
            see("fhir-patient", "Who comes to a visit, as a Patient"),
        )
}

/// A FHIR resource: an object whose elements FHIR's own documents describe.
#[derive(Deserialize, Serialize)]
struct Resource(Value);

impl JsonSchema for Resource {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "FhirResource".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "object",
            "required": ["resourceType"],
            "properties": { "resourceType": { "type": "string" } },
        })
    }
}

/// What FHIR finds wrong, or anything else.
enum Refused {
    Outcome(StatusCode, OperationOutcome),
    Problem(Problem),
}

impl From<Problem> for Refused {
    fn from(problem: Problem) -> Self {
        Self::Problem(problem)
    }
}

impl From<DeskError> for Refused {
    fn from(error: DeskError) -> Self {
        Self::Problem(error.into())
    }
}

impl From<OperationOutcome> for Refused {
    fn from(outcome: OperationOutcome) -> Self {
        Self::Outcome(StatusCode::UNPROCESSABLE_ENTITY, outcome)
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        match self {
            Self::Outcome(status, outcome) => (status, said(&outcome.to_json())).into_response(),
            Self::Problem(problem) => problem.into_response(),
        }
    }
}

fn said(resource: &impl Serialize) -> Response {
    let text = serde_json::to_string(resource).expect("invariant: a resource is JSON");
    ([(header::CONTENT_TYPE, KIND)], text).into_response()
}

fn bundle(resources: Vec<Value>) -> Value {
    let entry: Vec<Value> = resources.into_iter().map(|resource| json!({ "resource": resource })).collect();
    json!({ "resourceType": "Bundle", "type": "searchset", "total": entry.len(), "entry": entry })
}

fn value(resource: &impl Serialize) -> Value {
    serde_json::to_value(resource).expect("invariant: a resource is JSON")
}

async fn slots(
    State(state): State<AppState>,
    viewer: Viewer,
    Path(clinic): Path<String>,
    raw: RawParams,
) -> Result<Response, Problem> {
    viewer.check(&state, &clinic, Permission::SeeVisits)?;
    let params = Params::parse(raw, &["start", "schedule", "service-type", "_count"])?;
    let wrong = |_| Problem::bad_parameter("start", "it must be a day as 2026-11-24 or ge2026-11-24", [""; 0]);
    let day = |text: &str| text.strip_prefix("ge").unwrap_or(text).parse::<Date>().map_err(wrong);
    let query = SlotQuery {
        service: params.get("service-type").map(str::to_owned),
        doctor: params.get("schedule").map(|text| text.trim_start_matches("Schedule/").to_owned()),
        date_from: params.get("start").map(day).transpose()?,
        limit: params.number("_count", 1..=COUNT.1)?.unwrap_or(COUNT.0) as u32,
        ..SlotQuery::default()
    };
    let found = state.desk(state.clinic(&clinic)?).find(&query, (state.now)()).await?;
    let found = found.iter().map(|slot| value(&fhir::slot(slot, true))).collect();
    Ok(said(&bundle(found)))
}

async fn appointments(
    State(state): State<AppState>,
    viewer: Viewer,
    Path(clinic): Path<String>,
    raw: RawParams,
) -> Result<Response, Problem> {
    viewer.check(&state, &clinic, Permission::SeeVisits)?;
    let params = Params::parse(raw, &["date", "to"])?;
    let clinic = state.clinic(&clinic)?;
    let from = params.date("date")?.unwrap_or_else(|| clinic.local((state.now)()).date());
    let to = params.date("to")?.unwrap_or(from);
    if (to - from).get_days() >= DAYS {
        return Err(Problem::bad_parameter("to", "a bundle has 93 days at most", [""; 0]));
    }
    let (from_ms, to_ms) = Period::new(from, to)?.bounds(&clinic.timezone)?;
    let desk = state.desk(clinic);
    let mut found = Vec::new();
    for booking in state.store.bookings(&clinic.id, from_ms, to_ms).await? {
        if booking.status != Status::Moved {
            found.push(value(&fhir::appointment(&desk.visit(&booking.id).await?)));
        }
    }
    state.witness(viewer.who(), &clinic.id, "visits.listed", "clinic", &clinic.id).await?;
    Ok(said(&bundle(found)))
}

/// A visit of this clinic by the id of its booking, or by its own.
async fn found(state: &AppState, clinic: &Arc<Clinic>, id: &str) -> Result<desk::Appointment, Problem> {
    let booking = match state.store.find_visit(id).await? {
        Some(booking) => booking,
        None => match state.store.booking(id).await {
            Err(RecordsError::NotFound { .. }) => return Err(Problem::unknown("visit")),
            booking => booking?,
        },
    };
    Ok(state.desk(clinic).visit(&booking.id).await?)
}

async fn appointment(
    State(state): State<AppState>,
    viewer: Viewer,
    Path((clinic, visit)): Path<(String, String)>,
    raw: RawParams,
) -> Result<Response, Problem> {
    viewer.check(&state, &clinic, Permission::SeeVisits)?;
    Params::parse(raw, &[])?;
    let found = found(&state, state.clinic(&clinic)?, &visit).await?;
    state.witness(viewer.who(), &clinic, "visit.seen", "visit", &found.visit).await?;
    Ok(said(&fhir::appointment(&found)))
}

async fn patient(
    State(state): State<AppState>,
    viewer: Viewer,
    Path((clinic, visit)): Path<(String, String)>,
    raw: RawParams,
) -> Result<Response, Problem> {
    viewer.check(&state, &clinic, Permission::SeeVisits)?;
    Params::parse(raw, &[])?;
    let found = found(&state, state.clinic(&clinic)?, &visit).await?;
    state.witness(viewer.who(), &clinic, "visit.seen", "visit", &found.visit).await?;
    Ok(said(&fhir::patient(&found)))
}

async fn book(
    State(state): State<AppState>,
    viewer: Viewer,
    Path(clinic): Path<String>,
    body: Result<Json<Resource>, JsonRejection>,
) -> Result<Response, Refused> {
    viewer.check(&state, &clinic, Permission::ManageVisits)?;
    let Resource(given) = body_of(body)?;
    let clinic = Arc::clone(state.clinic(&clinic)?);
    let taken = fhir::read_appointment(&clinic, &given.to_string())?;
    if taken.status != Some(Status::Booked) {
        let hint = "only what is booked is taken; a wish holds no time";
        return Err(OperationOutcome::one("value", "Appointment.status", hint).into());
    }
    let visitor = visitor(&state, &clinic, &given, &taken).await?;
    let slot = slot_id(&clinic, &taken)?;
    let hand = Hand::person(viewer.by(), (state.now)());
    match state.desk(&clinic).book_by(&slot, &visitor, hand).await? {
        Booking::Booked(made) => {
            let place = format!("/api/v1/clinics/{}/fhir/Appointment/{}", clinic.id, made.id);
            let headers: [(HeaderName, String); 1] = [(header::LOCATION, place)];
            Ok((StatusCode::CREATED, headers, said(&fhir::appointment(&made))).into_response())
        }
        Booking::Taken => Err(gone()),
    }
}

fn gone() -> Refused {
    let outcome = OperationOutcome::one("conflict", "Appointment.start", "this time is not free any more");
    Refused::Outcome(StatusCode::CONFLICT, outcome)
}

/// Who comes: contained in the appointment, or somebody who came before.
async fn visitor(state: &AppState, clinic: &Arc<Clinic>, given: &Value, taken: &TakenIn) -> Result<Visitor, Refused> {
    let contained = given["contained"].as_array().into_iter().flatten();
    let mut patients = contained.filter(|resource| resource["resourceType"] == "Patient");
    if let Some(patient) = patients.next() {
        let visitor = fhir::read_patient(&patient.to_string())?;
        return Ok(Visitor { reason: taken.reason.clone(), ..visitor });
    }
    let hint = "needed: a contained Patient with a phone, or the reference Patient/ID of an earlier visit here";
    let missing = || OperationOutcome::one("required", "Appointment.contained", hint);
    let known = taken.patient.as_deref().filter(|id| !id.starts_with('#')).ok_or_else(missing)?;
    match found(state, clinic, known).await {
        Ok(before) => Ok(Visitor { reason: taken.reason.clone(), ..before.visitor }),
        Err(_) => Err(OperationOutcome::one("not-found", "Appointment.participant", "there is no such Patient").into()),
    }
}

fn slot_id(clinic: &Clinic, taken: &TakenIn) -> Result<String, OperationOutcome> {
    let gives = |service: &&desk::Service| service.bookable && service.doctors.contains(&taken.doctor);
    let service = match &taken.service {
        Some(service) => Some(service.as_str()),
        None => clinic.services.iter().find(gives).map(|service| service.id.as_str()),
    };
    let missing = || OperationOutcome::one("required", "Appointment.serviceType", "this doctor gives several services");
    Ok(Slot::id_of(&taken.doctor, service.ok_or_else(missing)?, taken.start))
}

async fn update(
    State(state): State<AppState>,
    viewer: Viewer,
    Path((clinic, visit)): Path<(String, String)>,
    body: Result<Json<Resource>, JsonRejection>,
) -> Result<Response, Refused> {
    viewer.check(&state, &clinic, Permission::ManageVisits)?;
    let clinic = Arc::clone(state.clinic(&clinic)?);
    let before = found(&state, &clinic, &visit).await?;
    let Resource(given) = body_of(body)?;
    let taken = fhir::read_appointment(&clinic, &given.to_string())?;
    let desk = state.desk(&clinic);
    let hand = Hand::person(viewer.by(), (state.now)());
    let why = Why { code: taken.reason_code.clone(), words: "FHIR".into() };
    let moves = taken.start != before.slot.start.timestamp() || taken.doctor != before.slot.doctor_id;
    let after = match taken.status {
        Some(Status::Booked) if moves => {
            let service = taken.service.clone().or(Some(before.slot.service_id.clone()));
            let slot = slot_id(&clinic, &TakenIn { service, ..taken })?;
            match desk.move_by(&before.id, &slot, &why, hand).await? {
                Booking::Booked(moved) => *moved,
                Booking::Taken => return Err(gone()),
            }
        }
        Some(Status::Arrived) => desk.arrived(&before.id, hand).await?,
        Some(Status::Done) => desk.done(&before.id, hand).await?,
        Some(Status::Cancelled) => desk.cancel_by(&before.id, &why, hand).await?,
        Some(Status::NoShow) => desk.no_show(&before.id, &why, hand).await?,
        // Booked already, and where it is; or a wish, which holds no time.
        _ => before,
    };
    Ok(said(&fhir::appointment(&after)))
}
