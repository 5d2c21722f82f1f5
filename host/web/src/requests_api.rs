//! Everybody who is to be called, over HTTP: requests and their results, the list in its order, messages that were sent.

use accounts::Permission;
use axum::Json;
use axum::extract::rejection::JsonRejection;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use desk::PhoneNumber;
use jiff::civil::DateTime;
use outreach::figures::{Figures, figures};
use outreach::list::{self, Outcome};
use records::{
    Added, CallbackStatus, Channel, Contact, ContactAttempt, ContactFilter, ContactKind, ContactResult, Cursor,
    Message, MessageState, NewContact, Pii, RecordsError,
};
use reports::Period;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::accounts_api::Items;
use crate::api::{Api, Op, Param, Tagged, WantedTag, body_of};
use crate::auth::Viewer;
use crate::params::{Params, RawParams};
use crate::{AppState, Problem};

/// Entries on a page when nobody asks for more or fewer, and at most.
pub(crate) const PAGE: (i64, i64) = (50, 200);
const MAY: Permission = Permission::ManageRequests;

pub(crate) fn api() -> Api {
    let days = || [Param::day("from", "First day of the clinic's calendar"), Param::day("to", "Last day, included")];
    let paged =
        || [Param::number("limit", "Entries on a page", 1, PAGE.1), Param::text("cursor", "`next` of an earlier page")];
    let kinds: Vec<&str> = ContactKind::ALL.iter().map(|kind| kind.as_str()).collect();
    let statuses: Vec<&str> = CallbackStatus::ALL.iter().map(|status| status.as_str()).collect();
    let channels: Vec<&str> = Channel::ALL.iter().map(|channel| channel.as_str()).collect();
    let states: Vec<&str> = MessageState::ALL.iter().map(|state| state.as_str()).collect();
    let kind = Param::one_of("kind", "Why they are to be called", &kinds);
    let change = |id, summary| Op::may(id, summary, MAY);
    Api::new()
        .get(
            "/api/v1/requests",
            requests,
            Op::may("requests", "Who came and is or was to be called, newest first", MAY)
                .query([Param::clinic(), kind.clone(), Param::one_of("status", "Where it stands", &statuses)].into_iter().chain(days()).chain(paged()))
                .answers::<Page<Contact>>(),
        )
        .get(
            "/api/v1/requests/{request}",
            request,
            Op::may("request", "An entry of the list and its attempts", MAY).answers::<Entry>().tagged(),
        )
        .post(
            "/api/v1/clinics/{clinic}/requests",
            create,
            change("create-request", "Put somebody on the list")
                .about("A number that is on the list already joins that entry.")
                .takes::<Wish>()
                .answers_with::<Entry>(201, "On the list")
                .once(),
        )
        .post(
            "/api/v1/requests/{request}/take",
            take,
            change("take-request", "Take an entry: nobody else gets it for the clinic's minutes").answers::<Entry>().once().tagged(),
        )
        .post(
            "/api/v1/requests/{request}/release",
            release,
            change("release-request", "Give an entry back without an attempt").answers::<Entry>().once().tagged(),
        )
        .post(
            "/api/v1/requests/{request}/result",
            result,
            change("request-result", "Say what came of an attempt")
                .about("The entry is closed, or called again by the clinic's plan. `later` takes the hour that was named in `at`.")
                .takes::<Said>()
                .answers::<Entry>()
                .once()
                .tagged(),
        )
        .get(
            "/api/v1/dial",
            dial,
            Op::may("dial-list", "Everybody to call, the first on top", MAY)
                .query([Param::clinic(), kind])
                .answers::<Items<Contact>>(),
        )
        .post(
            "/api/v1/clinics/{clinic}/dial/next",
            next,
            change("dial-next", "Take the entry that is to be called first")
                .about("204: nobody is to be called now. With `after`, that entry is given back and the one behind it taken.")
                .takes::<Next>()
                .answers::<Entry>()
                .answers_nothing()
                .once(),
        )
        .get(
            "/api/v1/request-figures",
            sums,
            Op::may("request-figures", "How well those who came are served", MAY)
                .about("Without days: the last seven. `in_time_share` and `first_time_share` are null where nothing was measured.")
                .query([Param::clinic()].into_iter().chain(days()))
                .answers::<FiguresShape>(),
        )
        .get(
            "/api/v1/messages",
            messages,
            Op::may("messages", "What was and will be said of the clinic's own accord, newest first", MAY)
                .query(
                    [
                        Param::clinic(),
                        Param::one_of("channel", "By which way", &channels),
                        Param::one_of("state", "Where it stands", &states),
                    ]
                    .into_iter()
                    .chain(days())
                    .chain(paged()),
                )
                .answers::<Page<Message>>(),
        )
        .get("/api/v1/messages/{message}", message, Op::may("message", "One message", MAY).answers::<Message>().tagged())
}

/// A page of a list.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "{T}Page")]
pub(crate) struct Page<T> {
    pub(crate) items: Vec<T>,
    /// Pass it as `cursor` for the next page; null = this was the last.
    pub(crate) next: Option<String>,
}

pub(crate) fn cursor(params: &Params) -> Result<Option<Cursor>, Problem> {
    let wrong = |_| Problem::bad_parameter("cursor", "it must be the `next` of an earlier page, unchanged", [""; 0]);
    params.get("cursor").map(|text| text.parse().map_err(wrong)).transpose()
}

pub(crate) fn limit(params: &Params) -> Result<u32, Problem> {
    Ok(params.number("limit", 1..=PAGE.1)?.unwrap_or(PAGE.0) as u32)
}

/// Words of a list as choices.
fn choices<T: Copy>(all: &[T], word: fn(T) -> &'static str) -> Vec<(&'static str, T)> {
    all.iter().map(|one| (word(*one), *one)).collect()
}

/// From the first day's start to the last day's end; open where a day is not named.
fn bounds(params: &Params, clinic: &desk::Clinic) -> Result<(Option<i64>, Option<i64>), Problem> {
    let (from, to) = (params.date("from")?, params.date("to")?);
    if let (Some(from), Some(to)) = (from, to) {
        Period::new(from, to)?;
    }
    let day = |day| Period::new(day, day).and_then(|day| day.bounds(&clinic.timezone));
    let (from, to) = (from.map(day).transpose()?, to.map(day).transpose()?);
    Ok((from.map(|day| day.0), to.map(|day| day.1)))
}

async fn requests(
    State(state): State<AppState>,
    viewer: Viewer,
    raw: RawParams,
) -> Result<Json<Page<Contact>>, Problem> {
    let params = Params::parse(raw, &["clinic", "kind", "status", "from", "to", "limit", "cursor"])?;
    let clinic = params.clinic_for(&state, &viewer, MAY)?;
    let (from_ms, to_ms) = bounds(&params, clinic)?;
    let wanted = ContactFilter {
        clinic: clinic.id.clone(),
        kind: params.one_of("kind", &choices(ContactKind::ALL, ContactKind::as_str))?,
        status: params.one_of("status", &choices(CallbackStatus::ALL, CallbackStatus::as_str))?,
        from_ms,
        to_ms,
    };
    let page = state.store.contact_page(&wanted, limit(&params)?, cursor(&params)?.as_ref()).await?;
    state.witness(viewer.who(), &clinic.id, "requests.listed", "clinic", &clinic.id).await?;
    Ok(Json(Page { items: page.contacts, next: page.next.map(|cursor| cursor.to_string()) }))
}

/// An entry of the list.
#[derive(Serialize, JsonSchema)]
struct Entry {
    request: Contact,
    /// Oldest first.
    attempts: Vec<ContactAttempt>,
}

/// An entry of a clinic of this server, for who may see to it. Another clinic's entry does not exist.
async fn found(state: &AppState, viewer: &Viewer, id: &str) -> Result<Entry, Problem> {
    let request = match state.store.contact(id).await {
        Err(RecordsError::NotFound { .. }) => return Err(Problem::unknown("request")),
        found => found?,
    };
    if !state.clinics.contains_key(&request.clinic) || !viewer.knows(&request.clinic) {
        return Err(Problem::unknown("request"));
    }
    viewer.check(state, &request.clinic, MAY)?;
    let attempts = state.store.contact_attempts(id).await?;
    Ok(Entry { request, attempts })
}

async fn request(
    State(state): State<AppState>,
    viewer: Viewer,
    Path(id): Path<String>,
    raw: RawParams,
    wanted: WantedTag,
) -> Result<Tagged<Entry>, Problem> {
    Params::parse(raw, &[])?;
    let entry = found(&state, &viewer, &id).await?;
    state.witness(viewer.who(), &entry.request.clinic, "contact.seen", "contact", &id).await?;
    Ok(wanted.answer(entry))
}

/// Somebody to be put on the list.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Wish {
    phone: Pii,
    #[serde(default)]
    person: Pii,
    /// What it is about.
    #[serde(default)]
    reason: Pii,
    /// When they want to be called, on the clinic's clock: `2026-11-26T15:00`.
    at: Option<String>,
}

fn moment(at: Option<&str>) -> Result<Option<DateTime>, Problem> {
    let wrong = |_| Problem::bad_body("at", "it must be a time on the clinic's clock, for example 2026-11-26T15:00");
    at.map(|at| at.parse().map_err(wrong)).transpose()
}

async fn create(
    State(state): State<AppState>,
    viewer: Viewer,
    Path(clinic): Path<String>,
    body: Result<Json<Wish>, JsonRejection>,
) -> Result<(StatusCode, Json<Entry>), Problem> {
    viewer.check(&state, &clinic, MAY)?;
    let wish = body_of(body)?;
    let clinic = state.clinic(&clinic)?;
    let phone = PhoneNumber::parse(wish.phone.as_str())
        .ok_or_else(|| Problem::bad_body("phone", "it must be a phone number, for example +7 903 123-45-67"))?;
    for (field, text, most) in [("person", &wish.person, 200), ("reason", &wish.reason, 2_000)] {
        if text.as_str().chars().count() > most {
            return Err(Problem::bad_body(field, format!("it has {most} characters at most")));
        }
    }
    let now = (state.now)();
    let (due, deadline) = list::due(clinic, moment(wish.at.as_deref())?, now);
    let new = NewContact {
        id: records::id(),
        clinic: clinic.id.clone(),
        timezone: clinic.timezone.clone(),
        kind: ContactKind::Request,
        phone: phone.into(),
        person: wish.person,
        reason: wish.reason,
        due_ms: due.as_millisecond(),
        deadline_ms: deadline.as_millisecond(),
        visit: None,
        call: None,
        message: None,
        dedup: None,
        created_ms: now.as_millisecond(),
    };
    let id = match state.store.add_contact(&new).await? {
        Added::New => new.id,
        Added::Joined(id) | Added::Known(id) => id,
    };
    Ok((StatusCode::CREATED, Json(found(&state, &viewer, &id).await?)))
}

async fn take(
    State(state): State<AppState>,
    viewer: Viewer,
    Path(id): Path<String>,
    wanted: WantedTag,
) -> Result<Tagged<Entry>, Problem> {
    let before = found(&state, &viewer, &id).await?;
    wanted.check(&before)?;
    state.outreach().take(&before.request.clinic, &id, &viewer.user).await?;
    Ok(wanted.answer(found(&state, &viewer, &id).await?))
}

async fn release(
    State(state): State<AppState>,
    viewer: Viewer,
    Path(id): Path<String>,
    wanted: WantedTag,
) -> Result<Tagged<Entry>, Problem> {
    let before = found(&state, &viewer, &id).await?;
    wanted.check(&before)?;
    state.outreach().release(&before.request.clinic, &id, &viewer.user).await?;
    Ok(wanted.answer(found(&state, &viewer, &id).await?))
}

/// What came of an attempt.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Said {
    result: ContactResult,
    /// The visit that was booked.
    visit: Option<String>,
    /// Of a refusal: one of the clinic's reasons.
    reason: Option<String>,
    /// The call.
    call: Option<String>,
    /// Of `later`: when, on the clinic's clock: `2026-11-26T15:00`.
    at: Option<String>,
}

async fn result(
    State(state): State<AppState>,
    viewer: Viewer,
    Path(id): Path<String>,
    wanted: WantedTag,
    body: Result<Json<Said>, JsonRejection>,
) -> Result<Tagged<Entry>, Problem> {
    let before = found(&state, &viewer, &id).await?;
    let said = body_of(body)?;
    wanted.check(&before)?;
    let clinic = before.request.clinic.as_str();
    if let Some(visit) = &said.visit {
        let known = state.store.find_visit(visit).await?.is_some_and(|booking| booking.clinic == clinic);
        if !known {
            return Err(Problem::bad_body("visit", "there is no visit with this id"));
        }
    }
    let at = moment(said.at.as_deref())?;
    let outcome = Outcome { result: said.result, visit: said.visit, reason: said.reason, call: said.call };
    state.outreach().attempted_until(clinic, &id, &outcome, at, &viewer.user).await?;
    Ok(wanted.answer(found(&state, &viewer, &id).await?))
}

async fn dial(State(state): State<AppState>, viewer: Viewer, raw: RawParams) -> Result<Json<Items<Contact>>, Problem> {
    let params = Params::parse(raw, &["clinic", "kind"])?;
    let clinic = params.clinic_for(&state, &viewer, MAY)?;
    let kind = params.one_of("kind", &choices(ContactKind::ALL, ContactKind::as_str))?;
    let mut items = state.outreach().list(&clinic.id).await?;
    items.retain(|one| kind.is_none_or(|kind| one.kind == kind));
    state.witness(viewer.who(), &clinic.id, "requests.listed", "clinic", &clinic.id).await?;
    Ok(Json(Items { items }))
}

/// Which entry is wanted.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Next {
    /// Of these kinds; empty: of all.
    #[serde(default)]
    kinds: Vec<ContactKind>,
    /// The entry that is left without a result.
    after: Option<String>,
}

async fn next(
    State(state): State<AppState>,
    viewer: Viewer,
    Path(clinic): Path<String>,
    body: Result<Json<Next>, JsonRejection>,
) -> Result<Response, Problem> {
    viewer.check(&state, &clinic, MAY)?;
    let wanted = body_of(body)?;
    let list = state.outreach();
    let taken = match &wanted.after {
        Some(id) => {
            if found(&state, &viewer, id).await?.request.clinic != clinic {
                return Err(Problem::unknown("request"));
            }
            list.skip(&clinic, id, &wanted.kinds, &viewer.user).await?
        }
        None => list.next_to_call(&clinic, &wanted.kinds, &viewer.user).await?,
    };
    match taken {
        Some(one) => Ok(Json(found(&state, &viewer, &one.id).await?).into_response()),
        None => Ok(StatusCode::NO_CONTENT.into_response()),
    }
}

/// Figures, and what each means.
#[derive(Serialize)]
struct Sums {
    #[serde(flatten)]
    figures: Figures,
    in_time_share: Option<f64>,
    first_time_share: Option<f64>,
    definitions: Map<String, Value>,
}

/// Figures, and what each means.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "RequestFigures")]
#[allow(dead_code, reason = "it is the shape of what `outreach` counts")]
struct FiguresShape {
    came: u64,
    by_kind: Map<String, Value>,
    joined: u64,
    in_time: u64,
    judged: u64,
    reached: u64,
    not_reached: u64,
    open: u64,
    booked: u64,
    refused: u64,
    lost_reasons: Map<String, Value>,
    first_time: u64,
    first_time_booked: u64,
    goal: f64,
    in_time_share: Option<f64>,
    first_time_share: Option<f64>,
    definitions: Map<String, Value>,
}

async fn sums(State(state): State<AppState>, viewer: Viewer, raw: RawParams) -> Result<Json<Sums>, Problem> {
    let params = Params::parse(raw, &["clinic", "from", "to"])?;
    let clinic = params.clinic_for(&state, &viewer, MAY)?;
    let now = (state.now)();
    let (from, to) = bounds(&params, clinic)?;
    let (from, to) = (from.unwrap_or(now.as_millisecond() - 7 * 86_400_000), to.unwrap_or(i64::MAX));
    let came = state.store.contacts_between(&clinic.id, from, to).await?;
    let figures = figures(&came, clinic.requests.goal, now);
    let definitions = outreach::figures::DEFINITIONS.iter().map(|(id, what)| ((*id).to_owned(), Value::from(*what)));
    Ok(Json(Sums {
        in_time_share: figures.in_time_share(),
        first_time_share: figures.first_time_share(),
        definitions: definitions.collect(),
        figures,
    }))
}

async fn messages(
    State(state): State<AppState>,
    viewer: Viewer,
    raw: RawParams,
) -> Result<Json<Page<Message>>, Problem> {
    let params = Params::parse(raw, &["clinic", "channel", "state", "from", "to", "limit", "cursor"])?;
    let clinic = params.clinic_for(&state, &viewer, MAY)?;
    let (from, to) = bounds(&params, clinic)?;
    let which = (
        params.one_of("channel", &choices(Channel::ALL, Channel::as_str))?,
        params.one_of("state", &choices(MessageState::ALL, MessageState::as_str))?,
    );
    let between = (from.unwrap_or(0), to.unwrap_or(i64::MAX));
    let cursor = cursor(&params)?;
    let (items, next) = state.store.message_page(&clinic.id, which, between, limit(&params)?, cursor.as_ref()).await?;
    state.witness(viewer.who(), &clinic.id, "messages.listed", "clinic", &clinic.id).await?;
    Ok(Json(Page { items, next: next.map(|cursor| cursor.to_string()) }))
}

async fn message(
    State(state): State<AppState>,
    viewer: Viewer,
    Path(id): Path<String>,
    raw: RawParams,
    wanted: WantedTag,
) -> Result<Tagged<Message>, Problem> {
    Params::parse(raw, &[])?;
    let found = match state.store.message(&id).await {
        Err(RecordsError::NotFound { .. }) => return Err(Problem::unknown("message")),
        found => found?,
    };
    let clinic = found.new.clinic.as_str();
    if !state.clinics.contains_key(clinic) || !viewer.knows(clinic) {
        return Err(Problem::unknown("message"));
    }
    viewer.check(&state, clinic, MAY)?;
    state.witness(viewer.who(), clinic, "message.seen", "message", &id).await?;
    Ok(wanted.answer(found))
}
