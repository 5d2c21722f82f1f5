//! Talking to the robot in the page: what answers callers now, or a version that answers nobody yet.
//!
//! A conversation with what answers now is an ordinary one: it is written down like a visitor's. One with another version is a
//! rehearsal: the clinic as it is, an empty schedule, and nothing of it is kept.

use axum::Router;
use axum::extract::ws::WebSocketUpgrade;
use axum::extract::{Form, Path, Query};
use axum::response::{IntoResponse as _, Redirect, Response};
use axum::routing::{any, get, post};
use maud::{Markup, html};
use serde::Deserialize;

use super::{Step, Told, step_page};
use crate::auth::Permission;
use crate::pages::{Desk, encoded, token};
use crate::visit::{self, Entrance};
use crate::{AppState, Problem};

pub(super) fn router() -> Router<AppState> {
    Router::new()
        .route("/desk/{clinic}/setup/try", get(show))
        .route("/desk/{clinic}/setup/hire", post(hire))
        .route("/desk/{clinic}/setup/try/call", any(call))
        .route("/desk/{clinic}/setup/try/chat", any(chat))
}

#[derive(Deserialize)]
struct Which {
    /// A version that answers nobody yet.
    version: Option<String>,
}

/// Who changes the clinic or its flows may try them.
fn check(desk: &Desk) -> Result<(), Problem> {
    if desk.may(Permission::ManageFlows) { Ok(()) } else { desk.check(Permission::ManageClinic) }
}

/// The version by its digest, if there is one.
async fn found(desk: &Desk, which: &Which) -> Result<Option<records::FlowVersion>, Problem> {
    let Some(version) = which.version.as_deref().filter(|version| !version.is_empty()) else { return Ok(None) };
    desk.check(Permission::ManageFlows)?;
    Ok(Some(desk.state.flow_house()?.routes.library().show(version).await?))
}

async fn call(
    desk: Desk,
    entrance: Entrance,
    Path(clinic): Path<String>,
    Query(which): Query<Which>,
    upgrade: WebSocketUpgrade,
) -> Result<Response, Problem> {
    check(&desk)?;
    let version = found(&desk, &which).await?;
    visit::try_aloud(entrance, clinic, version.map(|version| version.digest), upgrade)
}

async fn chat(
    desk: Desk,
    entrance: Entrance,
    Path(clinic): Path<String>,
    Query(which): Query<Which>,
    upgrade: WebSocketUpgrade,
) -> Result<Response, Problem> {
    check(&desk)?;
    let version = found(&desk, &which).await?;
    match version {
        None => visit::try_in_writing(entrance, &clinic, upgrade),
        Some(version) => visit::rehearse_in_writing(entrance, clinic, version.digest, upgrade),
    }
}

/// Puts the flow that ships at the clinic.
async fn hire(desk: Desk, Form(fields): Form<Vec<(String, String)>>) -> Result<Response, Problem> {
    desk.check(Permission::ManageClinic)?;
    desk.read(fields)?;
    let Some(workshop) = &desk.state.workshop else { return Err(Problem::no_flows()) };
    desk.witness("flow.hired", "clinic", "flow").await?;
    match workshop.hire(&desk.clinic.id, desk.by()).await {
        Ok(()) => Ok(Redirect::to(&Step::Try.path(&desk)).into_response()),
        Err(why) => Ok(step_page(&desk, Step::Try, &Told::wrong(why), &html! {})),
    }
}

async fn show(desk: Desk, Query(which): Query<Which>) -> Result<Response, Problem> {
    check(&desk)?;
    let t = |ru, en| desk.lang.pick(ru, en);
    let version = found(&desk, &which).await?;
    let (_, routes) = desk.state.store.flow_routes().await?;
    let routed = routes.iter().any(|route| route.clinic == desk.clinic.id);
    let body = html! {
        @if let Some(version) = &version {
            p.notice { b { (version.name) } " " code { (version.digest.chars().take(12).collect::<String>()) } " · " (t(
                "Это репетиция: версия не отвечает звонящим, запись на приём и всё остальное останется только здесь.",
                "This is a rehearsal: the version answers no callers, and whatever it books stays here only."
            )) }
        } @else {
            p.note { (t(
                "Разговор с тем, что сейчас отвечает звонящим. Он записывается, как разговор любого посетителя: потом посмотрите его в разделе «Звонки».",
                "A conversation with what answers callers now. It is written down like any visitor's: look at it under Calls afterwards."
            )) }
            @if !routed {
                div.notice {
                    p { (t("Сценарий ещё не поставлен. Без него звонящий попадёт сразу к человеку.", "No flow is put here yet. Without one callers go straight to a person.")) }
                    @if desk.may(Permission::ManageClinic) && desk.state.workshop.is_some() { form method="post" action=(desk.path("setup/hire")) {
                        (token(&desk)) button type="submit" { (t("Поставить готовый сценарий", "Put the flow that ships")) }
                    } }
                }
            }
        }
        @if desk.state.visits.is_some() { (talk(&desk, version.as_ref().map(|version| version.digest.as_str()))) }
        @else { p.notice { (t("На этом сервере разговоров не ведут.", "This server holds no conversations.")) } }
    };
    Ok(step_page(&desk, Step::Try, &Told::of(&desk), &body))
}

fn talk(desk: &Desk, version: Option<&str>) -> Markup {
    let t = |ru, en| desk.lang.pick(ru, en);
    let socket = |door: &str| {
        let query = version.map(|version| format!("?version={}", encoded(version))).unwrap_or_default();
        desk.path(&format!("setup/try/{door}{query}"))
    };
    let silent = desk.state.workshop.as_ref().and_then(|workshop| workshop.voiceless());
    html! {
        div.two.even.try {
            section aria-labelledby="aloud" {
                h2 #aloud { (t("Голосом", "Aloud")) }
                @if let Some(why) = silent {
                    p.notice { (t("Голосом пока не получится: ", "Not aloud yet: ")) (why) }
                } @else {
                    p #status role="status" { (t("Понадобится микрофон.", "A microphone is needed.")) }
                    p #problem role="alert" hidden {}
                    div.actions {
                        button #call type="button" data-socket=(socket("call")) { (t("Позвонить", "Call")) }
                        button.quiet #mute type="button" aria-pressed="false" hidden { (t("Без микрофона", "Mute")) }
                        button.quiet #hangup type="button" hidden { (t("Завершить", "Hang up")) }
                    }
                    div #talk hidden {
                        ol #captions role="log" aria-live="polite" aria-label=(t("Субтитры", "Captions")) tabindex="0" {}
                        div #keys role="group" aria-label=(t("Клавиши телефона", "Telephone keys")) {
                            @for key in ["1", "2", "3", "4", "5", "6", "7", "8", "9", "*", "0", "#"] { button type="button" data-key=(key) { (key) } }
                        }
                    }
                    noscript { p { (t("Для звонка нужен JavaScript.", "A call needs JavaScript.")) } }
                    script defer src="/assets/call.js" {}
                }
            }
            section aria-labelledby="written" {
                h2 #written { (t("Письменно", "In writing")) }
                p { (t("Чат открывается в углу страницы. Спросите, например: «Хочу записать кошку на завтра», «Делаете ли вы МРТ?», «Где вы находитесь?»", "The chat opens in the corner. The robot speaks Russian: «Хочу записаться на завтра», «Где вы находитесь?»")) }
                noscript { p { (t("Для чата нужен JavaScript.", "The chat needs JavaScript.")) } }
            }
        }
        script src="/widget.js" data-clinic=(desk.clinic.id) data-lang=(desk.lang.as_str()) data-open="yes" data-socket=(socket("chat")) async {}
    }
}
