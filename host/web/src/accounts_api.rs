//! People over HTTP: oneself, others, their roles, tokens of the API.
//!
//! Whoever lets people in at one clinic sees and changes what they do there, and nothing of what they do elsewhere; what
//! concerns an account as a whole (its password, whether it is let in) is for who manages every clinic it belongs to.

use accounts::{Grant, NewToken, NewUser, Permission};
use axum::Json;
use axum::extract::rejection::JsonRejection;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use records::{SessionRecord, TokenRecord, UserRecord};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::api::{Api, Needs, Op, Tagged, WantedTag, body_of};
use crate::auth::{Via, Viewer};
use crate::params::{Params, RawParams};
use crate::{AppState, Problem};

pub(crate) fn api() -> Api {
    let viewer = |id, summary| Op::new(id, summary, Needs::Viewer);
    let manager = |id, summary| Op::may(id, summary, Permission::ManageUsers);
    Api::new()
        .get("/api/v1/me", me, viewer("me", "Who asks, and what they may do where").answers::<Me>().tagged())
        .patch(
            "/api/v1/me",
            describe,
            viewer("describe-me", "Change one's name or language").takes::<Description>().answers::<Me>().tagged(),
        )
        .post(
            "/api/v1/me/password",
            password,
            viewer("change-password", "Change one's password").about(SESSION).takes::<Passwords>().answers_nothing(),
        )
        .post(
            "/api/v1/me/totp",
            begin_totp,
            viewer("begin-totp", "A new secret for one's authenticator").about(SESSION).answers::<Totp>(),
        )
        .post(
            "/api/v1/me/totp/confirm",
            confirm_totp,
            viewer("confirm-totp", "Turn the second factor on by its first code")
                .about(SESSION)
                .takes::<Code>()
                .answers::<Recovery>(),
        )
        .post(
            "/api/v1/me/totp/end",
            end_totp,
            viewer("end-totp", "Turn the second factor off").about(SESSION).takes::<Code>().answers_nothing(),
        )
        .get(
            "/api/v1/me/sessions",
            sessions,
            viewer("sessions", "Where one is signed in").answers::<Items<SessionRecord>>(),
        )
        .delete("/api/v1/me/sessions/{session}", end_session, viewer("end-session", "Sign out there").answers_nothing())
        .get("/api/v1/users", users, manager("users", "Who may come in").answers::<Items<User>>())
        .post(
            "/api/v1/users",
            invite,
            manager("invite", "Let somebody in")
                .about("Answers with the link by which they choose their password; it works once, for three days.")
                .takes::<Invitation>()
                .answers_with::<Invited>(201, "Written down")
                .once(),
        )
        .put(
            "/api/v1/users/{user}/grants",
            set_grants,
            manager("set-grants", "Decide what somebody does")
                .about("At the clinics that the one who asks manages; roles elsewhere stay.")
                .takes::<Grants>()
                .answers::<User>(),
        )
        .post(
            "/api/v1/users/{user}/invitation",
            invite_again,
            manager("invite-again", "A new link to choose a password").answers::<Link>(),
        )
        .post(
            "/api/v1/users/{user}/disable",
            disable,
            manager("disable-user", "Let somebody in no more").answers::<User>(),
        )
        .post("/api/v1/users/{user}/enable", enable, manager("enable-user", "Let somebody in again").answers::<User>())
        .post(
            "/api/v1/users/{user}/totp/end",
            end_their_totp,
            manager("end-user-totp", "Take a lost authenticator off an account").answers_nothing(),
        )
        .get("/api/v1/tokens", tokens, viewer("tokens", "One's tokens").answers::<Items<TokenRecord>>())
        .post(
            "/api/v1/tokens",
            make_token,
            viewer("make-token", "Make a token")
                .about("It may do no more than its owner; its text is told this once.")
                .takes::<TokenWanted>()
                .answers_with::<TokenMade>(201, "Made"),
        )
        .delete(
            "/api/v1/tokens/{token}",
            revoke_token,
            viewer("revoke-token", "Take a token back for good").answers_nothing(),
        )
}

const SESSION: &str = "For a signed-in browser only, not for tokens.";

#[derive(Serialize, JsonSchema)]
pub(crate) struct Items<T> {
    pub(crate) items: Vec<T>,
}

/// Whoever asks.
#[derive(Serialize, JsonSchema)]
struct Me {
    user: UserRecord,
    clinics: Vec<AtClinic>,
    /// Whether it is a token that asks.
    by_token: bool,
}

/// What somebody may do at a clinic.
#[derive(Serialize, JsonSchema)]
struct AtClinic {
    id: String,
    name: String,
    roles: Vec<&'static str>,
    permissions: Vec<&'static str>,
}

async fn me(
    State(state): State<AppState>,
    viewer: Viewer,
    raw: RawParams,
    wanted: WantedTag,
) -> Result<Tagged<Me>, Problem> {
    Params::parse(raw, &[])?;
    let user = state.store.user(&viewer.user).await?;
    Ok(wanted.answer(whole(&state, &viewer, user)))
}

fn whole(state: &AppState, viewer: &Viewer, user: UserRecord) -> Me {
    let known = state.clinics.values().filter(|clinic| viewer.knows(&clinic.id));
    let at = known.map(|clinic| AtClinic {
        id: clinic.id.clone(),
        name: clinic.name.clone(),
        roles: viewer.roles(&clinic.id).iter().map(|role| role.as_str()).collect(),
        permissions: Permission::ALL
            .iter()
            .filter(|&&one| viewer.may(&clinic.id, one))
            .map(|one| one.as_str())
            .collect(),
    });
    Me { user, clinics: at.collect(), by_token: viewer.via != Via::Session }
}

/// Fields that are left out stay.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Description {
    name: Option<String>,
    /// `ru` or `en`.
    language: Option<String>,
}

async fn describe(
    State(state): State<AppState>,
    viewer: Viewer,
    wanted: WantedTag,
    body: Result<Json<Description>, JsonRejection>,
) -> Result<Tagged<Me>, Problem> {
    let body = body_of(body)?;
    let user = state.store.user(&viewer.user).await?;
    let seen = user.updated_ms;
    let (name, language) = (body.name.unwrap_or(user.name.clone()), body.language.unwrap_or(user.language.clone()));
    wanted.check(&whole(&state, &viewer, user))?;
    let user = state.accounts.describe(&viewer.user, &name, &language, seen, now(&state)).await?;
    Ok(wanted.answer(whole(&state, &viewer, user)))
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Passwords {
    old: String,
    new: String,
}

async fn password(
    State(state): State<AppState>,
    viewer: Viewer,
    body: Result<Json<Passwords>, JsonRejection>,
) -> Result<StatusCode, Problem> {
    by_session(&viewer)?;
    let body = body_of(body)?;
    state.accounts.change_password(&viewer.user, &body.old, &body.new, None, now(&state)).await?;
    state.witness(viewer.who(), "", "password.changed", "user", &viewer.user).await?;
    Ok(StatusCode::NO_CONTENT)
}

#[derive(Serialize, JsonSchema)]
struct Totp {
    /// Base32.
    secret: String,
    /// For a QR code.
    link: String,
}

async fn begin_totp(State(state): State<AppState>, viewer: Viewer) -> Result<Json<Totp>, Problem> {
    by_session(&viewer)?;
    let secret = state.accounts.begin_totp(&viewer.user, now(&state)).await?;
    let user = state.store.user(&viewer.user).await?;
    Ok(Json(Totp { link: accounts::totp::link(&secret, user.login.as_str()), secret }))
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Code {
    code: String,
}

#[derive(Serialize, JsonSchema)]
struct Recovery {
    /// Each works once, when the authenticator is lost.
    recovery_codes: Vec<String>,
}

async fn confirm_totp(
    State(state): State<AppState>,
    viewer: Viewer,
    body: Result<Json<Code>, JsonRejection>,
) -> Result<Json<Recovery>, Problem> {
    by_session(&viewer)?;
    let codes = state.accounts.confirm_totp(&viewer.user, &body_of(body)?.code, now(&state)).await?;
    state.witness(viewer.who(), "", "totp.on", "user", &viewer.user).await?;
    Ok(Json(Recovery { recovery_codes: codes }))
}

async fn end_totp(
    State(state): State<AppState>,
    viewer: Viewer,
    body: Result<Json<Code>, JsonRejection>,
) -> Result<StatusCode, Problem> {
    by_session(&viewer)?;
    state.accounts.end_totp(&viewer.user, Some(&body_of(body)?.code), now(&state)).await?;
    state.witness(viewer.who(), "", "totp.off", "user", &viewer.user).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn sessions(
    State(state): State<AppState>,
    viewer: Viewer,
    raw: RawParams,
) -> Result<Json<Items<SessionRecord>>, Problem> {
    Params::parse(raw, &[])?;
    Ok(Json(Items { items: state.store.sessions(&viewer.user).await? }))
}

async fn end_session(
    State(state): State<AppState>,
    viewer: Viewer,
    Path(session): Path<String>,
) -> Result<StatusCode, Problem> {
    if state.store.end_session(&session, &viewer.user).await? {
        Ok(StatusCode::NO_CONTENT)
    } else {
        Err(Problem::unknown("session"))
    }
}

/// Somebody who may come in, as far as the one who asks may know.
#[derive(Serialize, JsonSchema)]
struct User {
    #[serde(flatten)]
    user: UserRecord,
    grants: Vec<Grant>,
}

/// What of their roles the viewer manages; none: they do not exist for the viewer.
async fn seen_by(state: &AppState, viewer: &Viewer, user: UserRecord) -> Result<Option<User>, Problem> {
    let mut grants = state.accounts.grants(&user.id).await?;
    grants.retain(|grant| viewer.may(&grant.clinic, Permission::ManageUsers));
    let everything = viewer.may(accounts::EVERY_CLINIC, Permission::ManageUsers);
    Ok((everything || !grants.is_empty()).then_some(User { user, grants }))
}

async fn find(state: &AppState, viewer: &Viewer, id: &str) -> Result<User, Problem> {
    manages_somewhere(state, viewer)?;
    let user = state.store.user(id).await?;
    seen_by(state, viewer, user).await?.ok_or_else(|| Problem::unknown("user"))
}

/// For what concerns the whole account.
async fn find_whole(state: &AppState, viewer: &Viewer, id: &str) -> Result<UserRecord, Problem> {
    let found = find(state, viewer, id).await?;
    let all = state.accounts.grants(id).await?;
    if all.iter().all(|grant| viewer.may(&grant.clinic, Permission::ManageUsers)) {
        return Ok(found.user);
    }
    Err(Problem::may_not(Permission::ManageUsers))
}

fn manages_somewhere(state: &AppState, viewer: &Viewer) -> Result<(), Problem> {
    if viewer.clinics(state, Permission::ManageUsers).is_empty() {
        return Err(Problem::may_not(Permission::ManageUsers));
    }
    Ok(())
}

async fn users(State(state): State<AppState>, viewer: Viewer, raw: RawParams) -> Result<Json<Items<User>>, Problem> {
    Params::parse(raw, &[])?;
    manages_somewhere(&state, &viewer)?;
    let mut items = Vec::new();
    for user in state.store.users().await? {
        items.extend(seen_by(&state, &viewer, user).await?);
    }
    Ok(Json(Items { items }))
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Invitation {
    /// An e-mail address or a name: what they type to sign in.
    login: String,
    name: String,
    #[serde(default = "russian")]
    language: String,
    grants: Vec<Grant>,
}

fn russian() -> String {
    "ru".to_owned()
}

#[derive(Serialize, JsonSchema)]
struct Invited {
    user: User,
    /// On this server; works once.
    link: String,
}

/// Roles are given only where the one who gives them manages people, and only at clinics there are.
fn may_give(state: &AppState, viewer: &Viewer, grants: &[Grant]) -> Result<(), Problem> {
    for grant in grants {
        if grant.clinic == accounts::EVERY_CLINIC {
            if !viewer.may(accounts::EVERY_CLINIC, Permission::ManageUsers) {
                return Err(Problem::may_not(Permission::ManageUsers));
            }
        } else {
            viewer.check(state, &grant.clinic, Permission::ManageUsers)?;
        }
    }
    Ok(())
}

async fn invite(
    State(state): State<AppState>,
    viewer: Viewer,
    body: Result<Json<Invitation>, JsonRejection>,
) -> Result<(StatusCode, Json<Invited>), Problem> {
    manages_somewhere(&state, &viewer)?;
    let body = body_of(body)?;
    may_give(&state, &viewer, &body.grants)?;
    if body.grants.is_empty() {
        return Err(Problem::bad_body("grants", "a person needs a role at a clinic"));
    }
    let new = NewUser { login: body.login, name: body.name, language: body.language, grants: body.grants };
    let (user, secret) = state.accounts.invite(&new, viewer.by(), now(&state)).await?;
    state.witness(viewer.who(), "", "user.invited", "user", &user.id).await?;
    let user = User { user, grants: new.grants };
    Ok((StatusCode::CREATED, Json(Invited { user, link: invitation(&secret) })))
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Grants {
    grants: Vec<Grant>,
}

async fn set_grants(
    State(state): State<AppState>,
    viewer: Viewer,
    Path(user): Path<String>,
    body: Result<Json<Grants>, JsonRejection>,
) -> Result<Json<User>, Problem> {
    let found = find(&state, &viewer, &user).await?;
    let wanted = body_of(body)?.grants;
    may_give(&state, &viewer, &wanted)?;
    let mut grants = state.accounts.grants(&user).await?;
    grants.retain(|grant| !viewer.may(&grant.clinic, Permission::ManageUsers));
    grants.extend(wanted);
    state.accounts.set_grants(&user, &grants).await?;
    state.witness(viewer.who(), "", "user.grants", "user", &user).await?;
    let seen = seen_by(&state, &viewer, found.user).await?;
    Ok(Json(seen.ok_or_else(|| Problem::unknown("user"))?))
}

#[derive(Serialize, JsonSchema)]
struct Link {
    /// On this server; works once.
    link: String,
}

fn invitation(secret: &str) -> String {
    format!("/invitation?token={secret}")
}

async fn invite_again(
    State(state): State<AppState>,
    viewer: Viewer,
    Path(user): Path<String>,
) -> Result<Json<Link>, Problem> {
    let user = find_whole(&state, &viewer, &user).await?;
    let secret = state.accounts.password_link(&user.id, viewer.by(), now(&state)).await?;
    state.witness(viewer.who(), "", "user.invited", "user", &user.id).await?;
    Ok(Json(Link { link: invitation(&secret) }))
}

async fn disable(state: State<AppState>, viewer: Viewer, user: Path<String>) -> Result<Json<User>, Problem> {
    set_disabled(state, viewer, user, true).await
}

async fn enable(state: State<AppState>, viewer: Viewer, user: Path<String>) -> Result<Json<User>, Problem> {
    set_disabled(state, viewer, user, false).await
}

async fn set_disabled(
    State(state): State<AppState>,
    viewer: Viewer,
    Path(user): Path<String>,
    disabled: bool,
) -> Result<Json<User>, Problem> {
    let user = find_whole(&state, &viewer, &user).await?;
    let user = state.accounts.set_disabled(&user.id, disabled, now(&state)).await?;
    let action = if disabled { "user.disabled" } else { "user.enabled" };
    state.witness(viewer.who(), "", action, "user", &user.id).await?;
    let grants = state.accounts.grants(&user.id).await?;
    Ok(Json(User { user, grants }))
}

async fn end_their_totp(
    State(state): State<AppState>,
    viewer: Viewer,
    Path(user): Path<String>,
) -> Result<StatusCode, Problem> {
    let user = find_whole(&state, &viewer, &user).await?;
    state.accounts.end_totp(&user.id, None, now(&state)).await?;
    state.witness(viewer.who(), "", "totp.off", "user", &user.id).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn tokens(
    State(state): State<AppState>,
    viewer: Viewer,
    raw: RawParams,
) -> Result<Json<Items<TokenRecord>>, Problem> {
    Params::parse(raw, &[])?;
    Ok(Json(Items { items: state.store.tokens(Some(&viewer.user)).await? }))
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct TokenWanted {
    /// What it is for.
    name: String,
    scopes: Vec<Permission>,
    /// Where; empty or left out: wherever its owner may.
    #[serde(default)]
    clinics: Vec<String>,
    /// Unix milliseconds; left out: it never ends.
    expires_ms: Option<i64>,
}

#[derive(Serialize, JsonSchema)]
struct TokenMade {
    token: TokenRecord,
    /// The token itself, told this once.
    text: String,
}

async fn make_token(
    State(state): State<AppState>,
    viewer: Viewer,
    body: Result<Json<TokenWanted>, JsonRejection>,
) -> Result<(StatusCode, Json<TokenMade>), Problem> {
    let mut body = body_of(body)?;
    for clinic in &body.clinics {
        if !viewer.knows(clinic) || !state.clinics.contains_key(clinic) {
            return Err(Problem::unknown_clinic(state.clinics.keys().filter(|known| viewer.knows(known))));
        }
    }
    // A token's child may do no more than the token.
    if let Via::Token { scopes, clinics, .. } = &viewer.via {
        if let Some(beyond) = body.scopes.iter().find(|scope| !scopes.contains(scope)) {
            return Err(Problem::may_not(*beyond));
        }
        if body.clinics.is_empty() {
            body.clinics = clinics.iter().cloned().collect();
        }
    }
    let new = NewToken { name: body.name, scopes: body.scopes, clinics: body.clinics, expires_ms: body.expires_ms };
    let (token, text) = state.accounts.make_token(&viewer.user, new, now(&state)).await?;
    state.witness(viewer.who(), "", "token.made", "token", &token.id).await?;
    Ok((StatusCode::CREATED, Json(TokenMade { token, text })))
}

/// One's own, or those of people one manages.
async fn revoke_token(
    State(state): State<AppState>,
    viewer: Viewer,
    Path(token): Path<String>,
) -> Result<StatusCode, Problem> {
    let all = state.store.tokens(None).await?;
    let found = all.into_iter().find(|known| known.id == token).ok_or_else(|| Problem::unknown("token"))?;
    if found.user_id != viewer.user && find_whole(&state, &viewer, &found.user_id).await.is_err() {
        return Err(Problem::unknown("token"));
    }
    state.store.revoke_token(&found.id, now(&state)).await?;
    state.witness(viewer.who(), "", "token.revoked", "token", &found.id).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn by_session(viewer: &Viewer) -> Result<(), Problem> {
    if viewer.via == Via::Session { Ok(()) } else { Err(Problem::session_only()) }
}

fn now(state: &AppState) -> i64 {
    (state.now)().as_millisecond()
}
