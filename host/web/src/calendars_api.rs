//! Doctors' calendars: a feed (iCalendar) for each, under an address that only those know who were told it. An address can be
//! made anew, which ends the one before.

use accounts::Permission;
use accounts::secret::{fingerprint, new_secret};
use axum::extract::rejection::JsonRejection;
use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use desk::ical::FeedDetail;
use jiff::ToSpan as _;
use records::CalendarLink;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::accounts_api::Items;
use crate::api::{Api, Op, body_of};
use crate::auth::Viewer;
use crate::params::{Params, RawParams};
use crate::{AppState, Problem};

/// Days that a feed shows before today, and after it.
const SHOWN: (i64, i64) = (30, 92);

pub(crate) fn api() -> Api {
    Api::new()
        .get(
            "/api/v1/clinics/{clinic}/calendars",
            list,
            Op::may("calendars", "Doctors and since when their calendars have an address", Permission::SeeVisits)
                .answers::<Items<Calendar>>(),
        )
        .post(
            "/api/v1/clinics/{clinic}/calendars/{doctor}",
            renew,
            Op::may("renew-calendar", "A new address of a doctor's calendar", Permission::ManageVisits)
                .about("Whoever knows the address reads the calendar. It is told this once; the one before ends.")
                .takes::<Told>()
                .answers_with::<Address>(201, "Made"),
        )
        .delete(
            "/api/v1/clinics/{clinic}/calendars/{doctor}",
            end,
            Op::may("end-calendar", "Take the address of a doctor's calendar away", Permission::ManageVisits)
                .answers_nothing(),
        )
}

/// The feeds themselves: open to whoever knows an address.
pub(crate) fn router() -> Router<AppState> {
    Router::new().route("/calendars/{secret}", get(feed))
}

/// A doctor's calendar.
#[derive(Serialize, JsonSchema)]
struct Calendar {
    doctor: String,
    name: String,
    /// When its address was made; none = it has none.
    since_ms: Option<i64>,
    /// How much of a visitor it tells.
    detail: Option<String>,
}

/// How much of a visitor a feed tells.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum Detail {
    /// The service and nothing of the visitor.
    #[default]
    Nobody,
    /// The kind of animal too.
    Species,
    /// Initials of the person, and the animal.
    Initials,
}

impl Detail {
    const WORDS: [(&'static str, FeedDetail); 3] =
        [("nobody", FeedDetail::Nobody), ("species", FeedDetail::Species), ("initials", FeedDetail::Initials)];

    fn word(self) -> &'static str {
        Self::WORDS[self as usize].0
    }

    /// Of a word of a newer program as little as possible is told.
    fn of(word: &str) -> FeedDetail {
        Self::WORDS.iter().find(|(known, _)| *known == word).map_or(FeedDetail::Nobody, |(_, detail)| *detail)
    }
}

/// What a calendar is to tell.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Told {
    #[serde(default)]
    detail: Detail,
}

/// An address that is told once.
#[derive(Serialize, JsonSchema)]
struct Address {
    doctor: String,
    /// Behind the server's own name; for a calendar program to subscribe to.
    path: String,
}

async fn list(
    State(state): State<AppState>,
    viewer: Viewer,
    Path(clinic): Path<String>,
    raw: RawParams,
) -> Result<Json<Items<Calendar>>, Problem> {
    viewer.check(&state, &clinic, Permission::SeeVisits)?;
    Params::parse(raw, &[])?;
    let links = state.store.calendar_links(&clinic).await?;
    let calendar = |doctor: &desk::Doctor| {
        let link = links.iter().find(|link| link.doctor == doctor.id);
        Calendar {
            doctor: doctor.id.clone(),
            name: doctor.name.clone(),
            since_ms: link.map(|link| link.created_ms),
            detail: link.map(|link| link.detail.clone()),
        }
    };
    Ok(Json(Items { items: state.clinic(&clinic)?.doctors.iter().map(calendar).collect() }))
}

async fn renew(
    State(state): State<AppState>,
    viewer: Viewer,
    Path((clinic, doctor)): Path<(String, String)>,
    body: Result<Json<Told>, JsonRejection>,
) -> Result<(StatusCode, Json<Address>), Problem> {
    viewer.check(&state, &clinic, Permission::ManageVisits)?;
    let told = body_of(body)?;
    if state.clinic(&clinic)?.doctor(&doctor).is_none() {
        return Err(Problem::unknown("doctor"));
    }
    let secret = new_secret(accounts::system);
    state.witness(viewer.who(), &clinic, "calendar.renewed", "doctor", &doctor).await?;
    let link = CalendarLink {
        clinic,
        doctor: doctor.clone(),
        digest: fingerprint(&secret),
        detail: told.detail.word().to_owned(),
        created_ms: (state.now)().as_millisecond(),
        created_by: viewer.by().to_owned(),
    };
    state.store.put_calendar_link(&link).await?;
    Ok((StatusCode::CREATED, Json(Address { doctor, path: format!("/calendars/{secret}.ics") })))
}

async fn end(
    State(state): State<AppState>,
    viewer: Viewer,
    Path((clinic, doctor)): Path<(String, String)>,
    raw: RawParams,
) -> Result<StatusCode, Problem> {
    viewer.check(&state, &clinic, Permission::ManageVisits)?;
    Params::parse(raw, &[])?;
    if !state.store.drop_calendar_link(&clinic, &doctor).await? {
        return Err(Problem::unknown("calendar"));
    }
    state.witness(viewer.who(), &clinic, "calendar.ended", "doctor", &doctor).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn feed(State(state): State<AppState>, Path(secret): Path<String>) -> Result<Response, Problem> {
    let secret = secret.strip_suffix(".ics").unwrap_or(&secret);
    let link = state.store.calendar_link(&fingerprint(secret)).await?.ok_or_else(|| Problem::unknown("calendar"))?;
    let clinic = state.clinics.get(&link.clinic).ok_or_else(|| Problem::unknown("calendar"))?;
    // A doctor who has left has no calendar any more.
    if clinic.doctor(&link.doctor).is_none() {
        return Err(Problem::unknown("calendar"));
    }
    let now = (state.now)();
    let around = |days: i64| now.saturating_add((24 * days).hours()).unwrap_or(now);
    let shown = (around(-SHOWN.0), around(SHOWN.1));
    let text = state.desk(clinic).doctor_feed(&link.doctor, shown, Detail::of(&link.detail), now).await?;
    let headers = [
        (header::CONTENT_TYPE, "text/calendar; charset=utf-8"),
        (header::CACHE_CONTROL, "private, no-cache"),
        (header::REFERRER_POLICY, "no-referrer"),
    ];
    Ok((headers, text).into_response())
}
