//! One person over HTTP: what the clinic knows of them, what they agreed to, their data as a file, and gone at their wish.
//!
//! A person is found by a number that stands in a body, and goes by an id from there on: no number stands in an address.

use std::sync::Arc;

use accounts::Permission;
use axum::Json;
use axum::extract::rejection::JsonRejection;
use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use desk::{Clinic, PhoneNumber};
use records::{
    BookingRecord, CallFilter, CallRecord, ChatThread, Client, Consent, ConsentHow, Contact, Erasure, Message,
    PersonData, Pii, Purpose,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::accounts_api::Items;
use crate::api::{Api, Op, Tagged, WantedTag, body_of};
use crate::auth::Viewer;
use crate::pages::{erase_person, zipped};
use crate::params::{Params, RawParams};
use crate::{AppState, Problem};

const MAY: Permission = Permission::ManageRequests;
/// Calls of a person in an answer, at most; the latest.
const CALLS: u32 = 200;

pub(crate) fn api() -> Api {
    Api::new()
        .post(
            "/api/v1/clinics/{clinic}/persons",
            look_up,
            Op::may("find-person", "The person of a phone number", MAY)
                .about("404 where the clinic has nothing under the number.")
                .takes::<Number>()
                .answers::<Client>()
                .once(),
        )
        .get(
            "/api/v1/clinics/{clinic}/persons/{person}",
            show,
            Op::may("person", "What the clinic knows of somebody", MAY)
                .about("Calls, visits and conversations are for who may see those; null for others.")
                .answers::<Person>()
                .tagged(),
        )
        .get(
            "/api/v1/clinics/{clinic}/persons/{person}/consents",
            consents,
            Op::may("consents", "What somebody agreed to and took back, latest first", MAY).answers::<Items<Consent>>(),
        )
        .post(
            "/api/v1/clinics/{clinic}/persons/{person}/consents",
            say,
            Op::may("note-consent", "Note that somebody agreed, or took it back", MAY)
                .about("The latest word about a purpose stands.")
                .takes::<Word>()
                .answers_with::<Consent>(201, "Written down")
                .once(),
        )
        .get(
            "/api/v1/clinics/{clinic}/persons/{person}/export",
            export,
            Op::may("export-person", "Everything the clinic has of somebody, as a ZIP archive", Permission::Export)
                .answers_raw("application/zip"),
        )
        .post(
            "/api/v1/clinics/{clinic}/persons/{person}/erase",
            erase,
            Op::may("erase-person", "Take somebody out of everything, for good", Permission::ErasePersons)
                .about("The number must be sent again, so that nobody is erased by a mistyped id.")
                .takes::<Number>()
                .answers::<Erasure>()
                .once(),
        )
}

/// Whose.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Number {
    phone: Pii,
}

impl Number {
    fn read(&self) -> Result<Pii, Problem> {
        let wrong = || Problem::bad_body("phone", "it must be a phone number, for example +7 903 123-45-67");
        PhoneNumber::parse(self.phone.as_str()).map(Pii::from).ok_or_else(wrong)
    }
}

async fn look_up(
    State(state): State<AppState>,
    viewer: Viewer,
    Path(clinic): Path<String>,
    body: Result<Json<Number>, JsonRejection>,
) -> Result<Json<Client>, Problem> {
    viewer.check(&state, &clinic, MAY)?;
    let number = body_of(body)?.read()?;
    let now = (state.now)().as_millisecond();
    if state.store.person_data(&clinic, &number, now).await?.rows.is_empty() {
        return Err(Problem::unknown("person"));
    }
    let client = state.store.put_client(&clinic, &number, None, now).await?;
    state.witness(viewer.who(), &clinic, "person.found", "person", &client.id).await?;
    Ok(Json(client))
}

/// A person of a clinic where they may do this.
async fn found<'a>(
    state: &'a AppState,
    viewer: &Viewer,
    (clinic, person): &(String, String),
    permission: Permission,
) -> Result<(&'a Arc<Clinic>, Client), Problem> {
    viewer.check(state, clinic, permission)?;
    let client = state.store.client_by_id(clinic, person).await?;
    Ok((state.clinic(clinic)?, client.ok_or_else(|| Problem::unknown("person"))?))
}

/// What the clinic knows of somebody.
#[derive(Serialize, JsonSchema)]
struct Person {
    person: Client,
    /// How much there is, by kind.
    data: PersonData,
    /// Latest first.
    consents: Vec<Consent>,
    requests: Vec<Contact>,
    messages: Vec<Message>,
    calls: Option<Vec<CallRecord>>,
    visits: Option<Vec<BookingRecord>>,
    chats: Option<Vec<ChatThread>>,
}

async fn show(
    State(state): State<AppState>,
    viewer: Viewer,
    Path(place): Path<(String, String)>,
    raw: RawParams,
    wanted: WantedTag,
) -> Result<Tagged<Person>, Problem> {
    Params::parse(raw, &[])?;
    let (clinic, person) = found(&state, &viewer, &place, MAY).await?;
    state.witness(viewer.who(), &clinic.id, "person.seen", "person", &person.id).await?;
    let (store, id, phone) = (&state.store, clinic.id.as_str(), &person.phone);
    let may = |permission| viewer.may(id, permission);
    let filter = CallFilter { clinic: Some(id.to_owned()), caller: Some(phone.clone()), ..CallFilter::default() };
    let calls = match may(Permission::SeeCalls) {
        true => Some(store.calls(&filter, CALLS, None).await?.calls),
        false => None,
    };
    let visits = match may(Permission::SeeVisits) {
        true => Some(store.bookings_of(id, phone).await?),
        false => None,
    };
    let chats = match may(Permission::Chat) {
        true => Some(store.chats_of(id, phone).await?),
        false => None,
    };
    let chats = chats.map(|chats| chats.into_iter().map(|chat| ChatThread { external_id: None, ..chat }).collect());
    let now = (state.now)().as_millisecond();
    Ok(wanted.answer(Person {
        data: store.person_data(id, phone, now).await?,
        consents: store.consents(id, phone).await?,
        requests: store.contacts_of(id, phone).await?,
        messages: store.messages_to(id, phone).await?,
        calls,
        visits,
        chats,
        person,
    }))
}

async fn consents(
    State(state): State<AppState>,
    viewer: Viewer,
    Path(place): Path<(String, String)>,
    raw: RawParams,
) -> Result<Json<Items<Consent>>, Problem> {
    Params::parse(raw, &[])?;
    let (clinic, person) = found(&state, &viewer, &place, MAY).await?;
    Ok(Json(Items { items: state.store.consents(&clinic.id, &person.phone).await? }))
}

/// What somebody said.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Word {
    purpose: Purpose,
    /// False: they take it back.
    given: bool,
    /// By what means.
    how: ConsentHow,
    /// What proves it: an id, never words. Without it the note itself.
    proof: Option<String>,
    /// Which wording they heard or read, for example `form-2026-03`.
    wording: Option<String>,
}

async fn say(
    State(state): State<AppState>,
    viewer: Viewer,
    Path(place): Path<(String, String)>,
    body: Result<Json<Word>, JsonRejection>,
) -> Result<(StatusCode, Json<Consent>), Problem> {
    let (clinic, person) = found(&state, &viewer, &place, MAY).await?;
    let word = body_of(body)?;
    for (field, text) in [("proof", &word.proof), ("wording", &word.wording)] {
        if text.as_ref().is_some_and(|text| text.chars().count() > 200) {
            return Err(Problem::bad_body(field, "it has 200 characters at most"));
        }
    }
    state.witness(viewer.who(), &clinic.id, "consent.noted", "person", &person.id).await?;
    let id = records::id();
    let consent = Consent {
        proof: word.proof.unwrap_or_else(|| id.clone()),
        id,
        clinic: clinic.id.clone(),
        phone: person.phone,
        purpose: word.purpose,
        given: word.given,
        at_ms: (state.now)().as_millisecond(),
        how: word.how,
        wording: word.wording.unwrap_or_else(|| "api".to_owned()),
        by: viewer.user.clone(),
    };
    state.store.put_consent(&consent).await?;
    Ok((StatusCode::CREATED, Json(consent)))
}

async fn export(
    State(state): State<AppState>,
    viewer: Viewer,
    Path(place): Path<(String, String)>,
    raw: RawParams,
) -> Result<Response, Problem> {
    Params::parse(raw, &[])?;
    let (clinic, person) = found(&state, &viewer, &place, Permission::Export).await?;
    state.witness(viewer.who(), &clinic.id, "person.exported", "person", &person.id).await?;
    let zip = zipped(&state, &person, (state.now)().as_millisecond()).await?;
    let headers = [
        (header::CONTENT_TYPE, "application/zip".to_owned()),
        (header::CONTENT_DISPOSITION, format!("attachment; filename=\"person-{}.zip\"", person.id)),
    ];
    Ok((headers, zip).into_response())
}

async fn erase(
    State(state): State<AppState>,
    viewer: Viewer,
    Path(place): Path<(String, String)>,
    body: Result<Json<Number>, JsonRejection>,
) -> Result<Json<Erasure>, Problem> {
    let (_, person) = found(&state, &viewer, &place, Permission::ErasePersons).await?;
    if body_of(body)?.read()? != person.phone {
        return Err(Problem::bad_body("phone", "it is not this person's number; nothing was erased"));
    }
    Ok(Json(erase_person(&state, &person, &viewer.user, (state.now)().as_millisecond()).await?))
}
