//! The socket of the call page.

use std::time::Duration;

use axum::Router;
use axum::extract::ws::WebSocketUpgrade;
use axum::extract::{Path, RawQuery};
use axum::response::Response;
use axum::routing::any;
use lines::websocket::{Format, browser::Browser};
use tokio::sync::mpsc;

use super::calls::{Kind, Opening};
use super::entrance::Entrance;
use super::socket::{Carried, carry};
use crate::{AppState, Problem};

/// A page sends sound all the time, silence too.
const SILENCE: Duration = Duration::from_secs(20);
/// Sound comes 20 ms at a time; a browser that was asleep may have more.
const MOST_BYTES: usize = 64 * 1024;

pub(super) fn router() -> Router<AppState> {
    Router::new().route("/call/{clinic}/socket", any(socket))
}

async fn socket(
    entrance: Entrance,
    Path(clinic): Path<String>,
    RawQuery(query): RawQuery,
    upgrade: WebSocketUpgrade,
) -> Result<Response, Problem> {
    entrance.is_from_our_page(entrance.page(&clinic, Kind::Browser)?)?;
    let format = match query.as_deref() {
        Some("format=ulaw") => Format::Ulaw,
        _ => Format::Linear(lines::LINE_RATE),
    };
    hold(entrance, clinic, None, format, upgrade)
}

/// A call from the desk's own page; with a version, a rehearsal of it.
pub(crate) fn try_aloud(
    entrance: Entrance,
    clinic: String,
    rehearsed: Option<String>,
    upgrade: WebSocketUpgrade,
) -> Result<Response, Problem> {
    entrance.is_from_the_desk()?;
    hold(entrance, clinic, rehearsed, Format::Linear(lines::LINE_RATE), upgrade)
}

fn hold(
    entrance: Entrance,
    clinic: String,
    rehearsed: Option<String>,
    format: Format,
    upgrade: WebSocketUpgrade,
) -> Result<Response, Problem> {
    let place = entrance.enter(Kind::Browser)?;
    let visits = entrance.visits;
    let carried = Carried { silence: SILENCE, longest: visits.limits.shipped.longest_call, begun: true };
    let opening = Opening {
        kind: Kind::Browser,
        clinic,
        socket: String::new(),
        caller: None,
        line: String::new(),
        reference: None,
        rehearsed,
    };
    Ok(upgrade.max_message_size(MOST_BYTES).on_upgrade(async move |socket| {
        carry(socket, &mut Browser::new(format), carried, |door, _| {
            let (shows, captions) = mpsc::unbounded_channel();
            // The call may outlive the socket by what is written down of it; its place is taken until then.
            tokio::spawn(async move {
                visits.calls.spoken(opening, Box::new(door), shows).await;
                drop(place);
            });
            Some(captions)
        })
        .await;
    }))
}
