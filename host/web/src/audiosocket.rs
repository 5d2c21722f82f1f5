//! A PBX tells of a call that it will send by AudioSocket, whose protocol tells nothing but a UUID.

use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use axum::{Extension, Form, Router};
use lines::audiosocket::Announced;

use crate::auth::{EVERY_CLINIC, Permission, Viewer};
use crate::{AppState, Problem};

pub(crate) fn router() -> Router<AppState> {
    Router::new().route("/api/v1/audiosocket/{uuid}", post(announce))
}

/// A dialplan can send a form and a header, so it is those; a page of another site cannot send the header without asking.
async fn announce(
    State(state): State<AppState>,
    viewer: Option<Extension<Viewer>>,
    Path(uuid): Path<String>,
    headers: HeaderMap,
    form: Result<Form<Announced>, axum::extract::rejection::FormRejection>,
) -> Result<StatusCode, Problem> {
    let announcements = state.audiosocket.as_ref().ok_or_else(Problem::no_such_page)?;
    if !headers.contains_key("x-requested-with") {
        return Err(Problem::bad_body(
            "X-Requested-With",
            "this header must be sent, with any value: a PBX asks, not a page",
        ));
    }
    let Ok(Form(announced)) = form else {
        return Err(Problem::bad_body(
            "form",
            "send a form with the fields caller, line and clinic, each of which may be left out",
        ));
    };
    // A PBX on this machine shows nothing; one elsewhere a token.
    if let Some(Extension(viewer)) = viewer {
        let clinic = announced.clinic.as_deref().unwrap_or(EVERY_CLINIC);
        if !viewer.may(clinic, Permission::ManageRequests) {
            return Err(Problem::may_not(Permission::ManageRequests));
        }
    }
    if announced.clinic.as_deref().is_some_and(|clinic| !state.clinics.contains_key(clinic)) {
        return Err(Problem::unknown_clinic(state.clinics.keys()));
    }
    if !announcements.announce(&uuid, announced) {
        return Err(Problem::bad_body(
            "uuid",
            "the call is named by a UUID, 32 hexadecimal digits with or without hyphens",
        ));
    }
    Ok(StatusCode::NO_CONTENT)
}
