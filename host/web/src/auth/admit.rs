//! The door: finds out who asks, before any handler. What is not open to everybody wants a viewer; what changes something
//! wants, from a browser, the session's own word too.

use std::net::IpAddr;

use accounts::{Permission, Present, Shown};
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::rules::is_local;
use super::{Via, Viewer, cookie};
use crate::setup::MAX_FORM;
use crate::{AppState, Problem};

/// What anybody may ask for: whether the server lives, the door itself, what the pages are dressed in, and what shows that it
/// is genuine by a signature of its own.
const OPEN: [&str; 12] = [
    "/healthz",
    "/login",
    "/login/openid",
    "/login/openid/back",
    "/login/style.css",
    "/first-run",
    "/invitation",
    "/desk-assets/{name}",
    "/api/requests/{clinic}",
    "/api/v1/bitrix24/{name}",
    "/api/chat/{name}",
    // The address itself is the secret.
    "/calendars/{secret}",
];
/// What programs on this very machine may ask for without a token.
const LOCAL: [&str; 2] = ["/metrics", "/api/v1/audiosocket/{uuid}"];

/// Asks who it is.
pub(crate) async fn admit(State(state): State<AppState>, mut request: Request, next: Next) -> Response {
    let route = request.extensions().get::<MatchedPath>().map(|path| path.as_str().to_owned());
    let open = route.as_deref().is_none_or(|route| OPEN.contains(&route));
    let address = state.entry.address(request.headers(), request.extensions());
    let headers = request.headers().clone();
    let viewer = match who(&state, &headers, address).await {
        Ok(viewer) => viewer,
        // A cookie that no longer works keeps nobody from signing in.
        Err(_) if open => None,
        Err(problem) => return refused(problem, &request),
    };
    let Some(viewer) = viewer else {
        let local = route.as_deref().is_some_and(|route| LOCAL.contains(&route));
        if open || local && is_local(request.headers(), request.extensions()) {
            return next.run(request).await;
        }
        return refused(Problem::sign_in(), &request);
    };
    let allowance = match &viewer.via {
        Via::Token { id, .. } => Some(state.limiter.take(id, (state.now)().as_millisecond())),
        Via::Session => None,
    };
    let mut response = if allowance.is_some_and(|allowance| allowance.wait.is_some()) {
        Problem::too_often().into_response()
    } else {
        match with_word(&viewer, request, open).await {
            Ok(checked) => {
                request = checked;
                request.extensions_mut().insert(viewer);
                next.run(request).await
            }
            Err(problem) => problem.into_response(),
        }
    };
    if let Some(allowance) = allowance {
        allowance.tell(response.headers_mut());
    }
    response
}

async fn who(state: &AppState, headers: &HeaderMap, address: Option<IpAddr>) -> Result<Option<Viewer>, Problem> {
    let now_ms = (state.now)().as_millisecond();
    if let Some(authorization) = headers.get(header::AUTHORIZATION) {
        let token = authorization.to_str().ok().and_then(|text| text.split_once(' '));
        let token = token.filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer")).map(|(_, token)| token.trim());
        let present = state.accounts.by_token(token.unwrap_or_default(), now_ms).await?;
        return present.map(|present| Some(viewer(state, present, address))).ok_or_else(Problem::wrong_token);
    }
    let Some(secret) = cookie::read(headers, state.entry.https) else { return Ok(None) };
    let present = state.accounts.by_session(secret, now_ms).await?;
    Ok(present.map(|present| viewer(state, present, address)))
}

fn viewer(state: &AppState, present: Present, address: Option<IpAddr>) -> Viewer {
    let Present { user, grants, by } = present;
    let (clinic, csrf, via) = match by {
        Shown::Session(session) => (session.clinic, session.csrf, Via::Session),
        Shown::Token(token) => {
            let scopes = token.scopes.iter().filter_map(|scope| scope.parse().ok()).collect();
            let via = Via::Token { id: token.id, scopes, clinics: token.clinics.into_iter().collect() };
            (None, String::new(), via)
        }
    };
    let mut viewer =
        Viewer { user: user.id, name: user.name, grants, clinic: None, language: user.language, csrf, via, address };
    // Roles may have changed since it was chosen; with one clinic there is nothing to choose.
    let mut known = state.clinics.keys().filter(|clinic| viewer.knows(clinic));
    let only = known.next().filter(|_| known.next().is_none()).cloned();
    viewer.clinic = clinic.filter(|clinic| viewer.knows(clinic) && state.clinics.contains_key(clinic)).or(only);
    viewer
}

/// A browser sends the cookie with whatever any page makes it send; the word stands only in our own pages.
async fn with_word(viewer: &Viewer, request: Request, open: bool) -> Result<Request, Problem> {
    let safe = matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS);
    if safe || open || viewer.via != Via::Session {
        return Ok(request);
    }
    let fits = |word: &str| accounts::secret::fingerprint(word) == accounts::secret::fingerprint(&viewer.csrf);
    if let Some(word) = request.headers().get("x-csrf-token") {
        return if word.to_str().is_ok_and(fits) { Ok(request) } else { Err(Problem::no_word()) };
    }
    if !is_form(request.headers()) {
        return Err(Problem::no_word());
    }
    let (parts, body) = request.into_parts();
    let body = to_bytes(body, MAX_FORM).await.map_err(|_| Problem::too_large(MAX_FORM))?;
    if field(&body, "csrf").is_some_and(|word| fits(&word)) {
        return Ok(Request::from_parts(parts, Body::from(body)));
    }
    Err(Problem::no_word())
}

fn is_form(headers: &HeaderMap) -> bool {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    kind.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case("application/x-www-form-urlencoded")
}

/// A field of a form whose value needs no decoding, as our words do not.
fn field(body: &Bytes, name: &str) -> Option<String> {
    let text = std::str::from_utf8(body).ok()?;
    let mut pairs = text.split('&').filter_map(|pair| pair.split_once('='));
    pairs.find(|(found, _)| *found == name).map(|(_, value)| value.to_owned())
}

/// A program is told; a person is led to where they can sign in.
fn refused(problem: Problem, request: &Request) -> Response {
    let path = request.uri().path_and_query().map_or("/", |path| path.as_str());
    let accepts = request.headers().get(header::ACCEPT).and_then(|accept| accept.to_str().ok()).unwrap_or("text/html");
    let page = !path.starts_with("/api/") && path != "/metrics" && accepts.contains("text/html");
    if page && *request.method() == Method::GET {
        let mut response = StatusCode::SEE_OTHER.into_response();
        let next: String = path.bytes().map(|byte| format!("%{byte:02X}")).collect();
        if let Ok(place) = HeaderValue::from_str(&format!("/login?next={next}")) {
            response.headers_mut().insert(header::LOCATION, place);
        }
        return response;
    }
    let mut response = problem.into_response();
    response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"gudok\""));
    response
}

/// Figures of all clinics together are for who may see the report of each.
pub(crate) fn may_see_all(viewer: Option<&Viewer>) -> bool {
    viewer.is_none_or(|viewer| viewer.may(accounts::EVERY_CLINIC, Permission::SeeReport))
}
