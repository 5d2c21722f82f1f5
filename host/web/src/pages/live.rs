//! Calls that go on: listening in, and taking one over from the robot.

use axum::extract::Path;
use axum::extract::ws::{Message, WebSocket, WebSocketUpgrade};
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse as _, Redirect, Response};
use axum::routing::{any, post};
use axum::{Form, Router};
use lines::FRAME_SAMPLES;
use maud::{Markup, html};
use records::CallRecord;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;
use tokio::time::{Duration, timeout};

use super::call::find;
use super::desk::Desk;
use super::frame::{encoded, token};
use crate::auth::Permission;
use crate::{AppState, Problem};

/// Frames in one message: a tenth of a second.
const FRAMES: usize = 5;
/// A browser that takes nothing for so long is gone.
const STUCK: Duration = Duration::from_secs(5);
/// Sound comes all the time while a call goes on.
const SILENT: Duration = Duration::from_secs(30);

/// What the pages ask of whoever holds calls.
pub trait LiveCalls: Send + Sync {
    /// The sound of a call from now on, both sides together, 8 kHz. None when nobody may hear it: it is over, is not recorded,
    /// or its caller was not told so yet.
    fn listen(&self, clinic: &str, call: &str) -> Option<Receiver<[i16; FRAME_SAMPLES]>>;

    /// Whose phones may take a call over.
    fn takers(&self, clinic: &str) -> Vec<String>;

    /// Hands a call of the robot to somebody at the desk.
    ///
    /// # Errors
    /// Why not, in a sentence.
    fn take_over(&self, clinic: &str, call: &str, operator: &str) -> Result<(), String>;
}

pub(crate) fn router() -> Router<AppState> {
    Router::new()
        .route("/desk/{clinic}/today/{id}/sound", any(sound))
        .route("/desk/{clinic}/today/{id}/take-over", post(take_over))
}

/// What may be done with a call in the list of those that go on.
pub(crate) fn actions(desk: &Desk, call: &CallRecord) -> Markup {
    let t = desk.words();
    let Some(live) = &desk.state.live else { return html! {} };
    let path = |what: &str| desk.path(&format!("today/{}/{what}", encoded(&call.id)));
    let takers = match call.agent.as_deref() {
        Some("robot") if desk.may(Permission::TakeOver) => live.takers(&desk.clinic.id),
        _ => Vec::new(),
    };
    html! {
        @if desk.may(Permission::ListenIn) || !takers.is_empty() { div.live-actions {
            // Needs a script; the script shows it.
            @if desk.may(Permission::ListenIn) { button.quiet type="button" hidden data-listen=(path("sound")) aria-pressed="false" { (t.listen_in) } }
            @if !takers.is_empty() { form method="post" action=(path("take-over")) {
                (token(desk))
                label { span.hidden { (t.take_over_to) } select name="operator" { @for name in &takers { option value=(name) { (name) } } } }
                button.quiet type="submit" { (t.take_over) }
            } }
        } }
    }
}

/// The sound of a call that goes on: messages of 16 bit samples, little-endian.
async fn sound(
    desk: Desk,
    Path((_, id)): Path<(String, String)>,
    headers: HeaderMap,
    upgrade: WebSocketUpgrade,
) -> Result<Response, Problem> {
    desk.check(Permission::ListenIn)?;
    // A page of somebody else has our cookie, but not our address.
    let of = |name| headers.get(name).and_then(|value: &axum::http::HeaderValue| value.to_str().ok());
    let page = of(header::ORIGIN).and_then(|origin| origin.split_once("://")).map(|(_, host)| host);
    if page.is_none() || page != of(header::HOST) {
        return Err(Problem::foreign_page());
    }
    let call = find(&desk, &id).await?;
    let live = desk.state.live.as_ref().ok_or_else(Problem::no_such_page)?;
    let heard = live.listen(&desk.clinic.id, &call.id).ok_or_else(Problem::not_to_be_heard)?;
    desk.witness("call.listened", "call", &call.id).await?;
    Ok(upgrade.on_upgrade(move |socket| carry(socket, heard)))
}

async fn carry(mut socket: WebSocket, mut heard: Receiver<[i16; FRAME_SAMPLES]>) {
    let mut bytes = Vec::with_capacity(FRAMES * FRAME_SAMPLES * 2);
    loop {
        tokio::select! {
            frame = timeout(SILENT, heard.recv()) => match frame {
                Ok(Ok(frame)) => bytes.extend(frame.iter().flat_map(|sample| sample.to_le_bytes())),
                // They are behind; on from what is there.
                Ok(Err(RecvError::Lagged(_))) => {}
                Ok(Err(RecvError::Closed)) | Err(_) => break,
            },
            // They say nothing; an end is all that comes.
            said = socket.recv() => match said {
                Some(Ok(Message::Close(_)) | Err(_)) | None => return,
                Some(Ok(_)) => {}
            },
        }
        if bytes.len() >= FRAMES * FRAME_SAMPLES * 2 {
            let message = Message::binary(std::mem::take(&mut bytes));
            if !matches!(timeout(STUCK, socket.send(message)).await, Ok(Ok(()))) {
                return;
            }
        }
    }
    timeout(STUCK, socket.send(Message::Close(None))).await.ok();
}

async fn take_over(
    desk: Desk,
    Path((_, id)): Path<(String, String)>,
    Form(fields): Form<Vec<(String, String)>>,
) -> Result<Response, Problem> {
    desk.check(Permission::TakeOver)?;
    let said = desk.read(fields)?;
    let call = find(&desk, &id).await?;
    let live = desk.state.live.as_ref().ok_or_else(Problem::no_such_page)?;
    let operator = said.get("operator").unwrap_or_default();
    desk.witness("call.taken-over", "call", &call.id).await?;
    live.take_over(&desk.clinic.id, &call.id, operator).map_err(Problem::not_taken_over)?;
    Ok(Redirect::to(&desk.path("today")).into_response())
}
