//! Signing in and out, the first owner, invitations, and the choice of a clinic.

use accounts::{AccountError, Attempt, NewUser};
use axum::extract::rejection::FormRejection;
use axum::extract::{FromRequestParts, Query, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Form, Router};
use reports::Lang;
use serde::Deserialize;

use super::entrance_pages::{self as pages, Words};
use super::{Asker, Via, Viewer, cookie};
use crate::pages::{chosen_language, theme_of};
use crate::{AppState, Problem};

/// Where one is led who wanted nothing else.
const HOME: &str = "/desk";

pub(crate) fn router() -> Router<AppState> {
    Router::new()
        .route("/login", get(login_page).post(login))
        .route("/login/openid", get(openid))
        .route("/login/openid/back", get(openid_back))
        .route("/login/style.css", get(style))
        .route("/logout", post(logout))
        .route("/first-run", get(first_run_page).post(first_run))
        .route("/invitation", get(invitation_page).post(invitation))
        .route("/choose-clinic", post(choose_clinic))
}

/// What is known of somebody who stands at the door.
struct Caller {
    headers: HeaderMap,
    address: Option<std::net::IpAddr>,
    agent: String,
    lang: Lang,
}

impl FromRequestParts<AppState> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Problem> {
        let text = |name| parts.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned();
        let english = text(header::ACCEPT_LANGUAGE).trim_start().to_lowercase().starts_with("en");
        let chosen = chosen_language(&parts.headers);
        Ok(Self {
            address: state.entry.address(&parts.headers, &parts.extensions),
            agent: text(header::USER_AGENT),
            lang: chosen.unwrap_or(if english { Lang::En } else { Lang::Ru }),
            headers: parts.headers.clone(),
        })
    }
}

impl Caller {
    fn words(&self) -> Words {
        Words::of(self.lang, theme_of(&self.headers))
    }

    /// Forms of the door have no session whose word they could carry: the browser says where they were sent from.
    fn is_from_our_page(&self) -> Result<(), Problem> {
        let text = |name: &str| self.headers.get(name).and_then(|value| value.to_str().ok());
        let site = text("sec-fetch-site").is_none_or(|site| ["same-origin", "none"].contains(&site));
        let origin = text("origin").is_none_or(|origin| {
            let host = origin.split_once("://").map(|(_, host)| host);
            host.is_some() && host == text("host")
        });
        if site && origin { Ok(()) } else { Err(Problem::foreign_form()) }
    }
}

#[derive(Deserialize)]
struct Where {
    next: Option<String>,
    token: Option<String>,
}

async fn login_page(
    State(state): State<AppState>,
    viewer: Option<axum::Extension<Viewer>>,
    caller: Caller,
    Query(at): Query<Where>,
) -> Response {
    let next = ours(at.next.as_deref());
    if viewer.is_some_and(|viewer| viewer.via == Via::Session) {
        return go_to(next);
    }
    let words = caller.words();
    Html(pages::login(&words, next, "", None, state.openid_name())).into_response()
}

#[derive(Deserialize)]
struct LoginForm {
    login: String,
    password: String,
    #[serde(default)]
    code: String,
    next: Option<String>,
}

async fn login(
    State(state): State<AppState>,
    caller: Caller,
    form: Result<Form<LoginForm>, FormRejection>,
) -> Result<Response, Problem> {
    caller.is_from_our_page()?;
    let form = read(form)?;
    let now_ms = (state.now)().as_millisecond();
    let attempt = Attempt {
        login: &form.login,
        password: &form.password,
        code: Some(form.code.as_str()),
        address: caller.address,
        agent: &caller.agent,
    };
    let next = ours(form.next.as_deref());
    match state.accounts.sign_in(attempt, now_ms).await {
        Ok(opened) => {
            state
                .witness(
                    Asker { who: &opened.user.id, ip: caller.address },
                    "",
                    "session.opened",
                    "user",
                    &opened.user.id,
                )
                .await?;
            Ok(enter(&state, &opened.secret, next))
        }
        Err(AccountError::Records(error)) => Err(error.into()),
        Err(error) => {
            let words = caller.words();
            let (status, wait) = match &error {
                AccountError::Wait { seconds } => (StatusCode::TOO_MANY_REQUESTS, Some(*seconds)),
                AccountError::CodeNeeded => (StatusCode::OK, None),
                _ => (StatusCode::UNAUTHORIZED, None),
            };
            let page = pages::login(&words, next, form.login.trim(), Some(&error), state.openid_name());
            let mut response = (status, Html(page)).into_response();
            if let Some(wait) = wait {
                response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(wait));
            }
            Ok(response)
        }
    }
}

async fn openid(State(state): State<AppState>, Query(at): Query<Where>) -> Result<Response, Problem> {
    let openid = state.openid.as_ref().ok_or_else(Problem::no_such_page)?;
    let (place, word) = openid.begin(ours(at.next.as_deref()), (state.now)().as_millisecond()).await?;
    let mut response = go_to(&place);
    // The browser that comes back must be the one that left.
    cookie::write_for(response.headers_mut(), "openid", &word, state.entry.https);
    Ok(response)
}

#[derive(Deserialize)]
struct Back {
    code: Option<String>,
    state: Option<String>,
}

async fn openid_back(
    State(state): State<AppState>,
    caller: Caller,
    Query(back): Query<Back>,
) -> Result<Response, Problem> {
    let openid = state.openid.as_ref().ok_or_else(Problem::no_such_page)?;
    let word = cookie::read_for(&caller.headers, "openid", state.entry.https);
    let (Some(code), Some(shown)) = (&back.code, &back.state) else { return Err(AccountError::BadLink.into()) };
    if word != Some(shown) {
        return Err(AccountError::BadLink.into());
    }
    let now_ms = (state.now)().as_millisecond();
    let (user, next) = openid.finish(&state.store, code, shown, now_ms).await?;
    let opened = state.accounts.open(user, &caller.agent, now_ms).await?;
    state
        .witness(Asker { who: &opened.user.id, ip: caller.address }, "", "session.opened", "user", &opened.user.id)
        .await?;
    let mut response = enter(&state, &opened.secret, &next);
    cookie::write_for(response.headers_mut(), "openid", "", state.entry.https);
    Ok(response)
}

async fn logout(State(state): State<AppState>, caller: Caller) -> Result<Response, Problem> {
    let now_ms = (state.now)().as_millisecond();
    if let Some(secret) = cookie::read(&caller.headers, state.entry.https)
        && let Some(present) = state.accounts.by_session(secret, now_ms).await?
        && let accounts::Shown::Session(session) = &present.by
    {
        state.accounts.sign_out(session).await?;
    }
    Ok(enter(&state, "", "/login"))
}

async fn first_run_page(
    State(state): State<AppState>,
    caller: Caller,
    Query(at): Query<Where>,
) -> Result<Response, Problem> {
    let token = at.token.unwrap_or_default();
    let words = caller.words();
    Ok(match state.accounts.link(&token, "first-run", (state.now)().as_millisecond()).await {
        Ok(_) => Html(pages::first_run(&words, &token, None)).into_response(),
        Err(AccountError::Records(error)) => return Err(error.into()),
        Err(error) => (StatusCode::GONE, Html(pages::no_link(&words, &error))).into_response(),
    })
}

#[derive(Deserialize)]
struct OwnerForm {
    token: String,
    login: String,
    name: String,
    language: String,
    password: String,
}

async fn first_run(
    State(state): State<AppState>,
    caller: Caller,
    form: Result<Form<OwnerForm>, FormRejection>,
) -> Result<Response, Problem> {
    caller.is_from_our_page()?;
    let form = read(form)?;
    let now_ms = (state.now)().as_millisecond();
    let new = NewUser { login: form.login, name: form.name, language: form.language, grants: Vec::new() };
    match state.accounts.first_owner(&form.token, new, &form.password, now_ms).await {
        Ok(user) => {
            let opened = state.accounts.open(user, &caller.agent, now_ms).await?;
            state
                .witness(Asker { who: &opened.user.id, ip: caller.address }, "", "user.first", "user", &opened.user.id)
                .await?;
            Ok(enter(&state, &opened.secret, HOME))
        }
        Err(AccountError::Records(error)) => Err(error.into()),
        Err(error @ AccountError::BadLink) => {
            Ok((StatusCode::GONE, Html(pages::no_link(&caller.words(), &error))).into_response())
        }
        Err(error) => {
            let page = pages::first_run(&caller.words(), &form.token, Some(&error));
            Ok((StatusCode::UNPROCESSABLE_ENTITY, Html(page)).into_response())
        }
    }
}

async fn invitation_page(
    State(state): State<AppState>,
    caller: Caller,
    Query(at): Query<Where>,
) -> Result<Response, Problem> {
    let token = at.token.unwrap_or_default();
    let words = caller.words();
    Ok(match state.accounts.linked_user(&token, (state.now)().as_millisecond()).await {
        Ok(user) => Html(pages::invitation(&words, &token, &user.name, None)).into_response(),
        Err(AccountError::Records(error)) => return Err(error.into()),
        Err(error) => (StatusCode::GONE, Html(pages::no_link(&words, &error))).into_response(),
    })
}

#[derive(Deserialize)]
struct PasswordForm {
    token: String,
    password: String,
}

async fn invitation(
    State(state): State<AppState>,
    caller: Caller,
    form: Result<Form<PasswordForm>, FormRejection>,
) -> Result<Response, Problem> {
    caller.is_from_our_page()?;
    let form = read(form)?;
    let now_ms = (state.now)().as_millisecond();
    match state.accounts.choose_password(&form.token, &form.password, now_ms).await {
        // Not signed in yet: whoever has an authenticator shows it.
        Ok(user) => {
            state.witness(Asker { who: &user.id, ip: caller.address }, "", "password.chosen", "user", &user.id).await?;
            Ok(go_to("/login"))
        }
        Err(AccountError::Records(error)) => Err(error.into()),
        Err(error @ AccountError::BadLink) => {
            Ok((StatusCode::GONE, Html(pages::no_link(&caller.words(), &error))).into_response())
        }
        Err(error) => {
            let page = pages::invitation(&caller.words(), &form.token, "", Some(&error));
            Ok((StatusCode::UNPROCESSABLE_ENTITY, Html(page)).into_response())
        }
    }
}

#[derive(Deserialize)]
struct ClinicForm {
    clinic: String,
    next: Option<String>,
}

async fn choose_clinic(
    State(state): State<AppState>,
    viewer: Viewer,
    caller: Caller,
    form: Result<Form<ClinicForm>, FormRejection>,
) -> Result<Response, Problem> {
    let form = read(form)?;
    if !viewer.knows(&form.clinic) || !state.clinics.contains_key(&form.clinic) {
        return Err(Problem::unknown_clinic(state.clinics.keys().filter(|known| viewer.knows(known))));
    }
    if let Some(secret) = cookie::read(&caller.headers, state.entry.https) {
        state.store.choose_clinic(&accounts::secret::fingerprint(secret), &form.clinic).await?;
    }
    Ok(go_to(ours(form.next.as_deref())))
}

async fn style() -> Response {
    ([(header::CONTENT_TYPE, "text/css; charset=utf-8")], pages::STYLE).into_response()
}

fn read<T>(form: Result<Form<T>, FormRejection>) -> Result<T, Problem> {
    form.map(|Form(form)| form).map_err(|error| Problem::bad_body("form", error.body_text()))
}

/// An address on this server, so that nobody is sent on to a page that looks like ours.
fn ours(next: Option<&str>) -> &str {
    let fits = |next: &&str| {
        next.starts_with('/') && !next.starts_with("//") && !next.contains('\\') && !next.chars().any(char::is_control)
    };
    next.filter(fits).unwrap_or(HOME)
}

fn enter(state: &AppState, secret: &str, next: &str) -> Response {
    let mut response = go_to(next);
    cookie::write(response.headers_mut(), secret, state.entry.https);
    response
}

fn go_to(next: &str) -> Response {
    let mut response = StatusCode::SEE_OTHER.into_response();
    // What was decoded for us goes out encoded.
    let next: String = next
        .bytes()
        .map(|byte| if byte.is_ascii_graphic() { char::from(byte).to_string() } else { format!("%{byte:02X}") })
        .collect();
    let place = HeaderValue::from_str(&next).unwrap_or(HeaderValue::from_static(HOME));
    response.headers_mut().insert(header::LOCATION, place);
    response
}

#[cfg(test)]
mod tests {
    use super::{HOME, ours};

    #[test]
    fn nobody_is_sent_elsewhere() {
        assert_eq!(ours(Some("/calls?clinic=vet")), "/calls?clinic=vet");
        for foreign in ["https://evil.example", "//evil.example", "/\\evil.example", "evil", "", "/a\r\nb"] {
            assert_eq!(ours(Some(foreign)), HOME, "{foreign}");
        }
        assert_eq!(ours(None), HOME);
    }
}
