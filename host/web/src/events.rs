//! What changes in a clinic's business: as pages, and as a stream that tells of it as it happens.

use std::convert::Infallible;
use std::time::Duration;

use accounts::Permission;
use axum::Json;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::sse::{Event, KeepAlive, Sse};
use futures_util::Stream;
use futures_util::stream::unfold;
use records::FeedEvent;
use schemars::JsonSchema;
use serde::Serialize;
use tokio::sync::watch;

use crate::api::{Api, Needs, Op, Param};
use crate::auth::Viewer;
use crate::params::{Params, RawParams};
use crate::{AppState, Problem};

/// Events on a page when nobody asks for more or fewer, and at most.
const PAGE: (i64, i64) = (100, 1_000);
/// How often the feed is looked at for what other processes wrote.
const LOOK: Duration = Duration::from_secs(2);
/// A stream ends after so long, and is opened anew by whoever may still see it.
const LASTS: Duration = Duration::from_secs(600);
/// Which events somebody sees who may do this.
const KINDS: [(&str, Permission); 6] = [
    ("visit.", Permission::SeeVisits),
    ("call.", Permission::SeeCalls),
    ("request.", Permission::ManageRequests),
    ("callback.", Permission::ManageRequests),
    ("message.", Permission::ManageRequests),
    ("chat.", Permission::Chat),
];

pub(crate) fn api() -> Api {
    const ABOUT: &str = "Without personal data: look the subject up. Visits are for who may see visits, calls for who may see \
                         calls, requests, call-backs and messages for who manages requests, chats for who chats.";
    let after = || Param::number("after", "The position of the last event that was seen", 0, i64::MAX);
    let limit = Param::number("limit", "Events at most", 1, PAGE.1);
    Api::new()
        .get(
            "/api/v1/events",
            list,
            Op::new("events", "What changed, oldest first", Needs::Viewer)
                .about(ABOUT)
                .query([Param::clinic(), after(), limit])
                .answers::<Events>(),
        )
        .get(
            "/api/v1/events/stream",
            stream,
            Op::new("event-stream", "What changes, as it happens (server-sent events)", Needs::Viewer)
                .about("`Last-Event-ID` or `after` goes on where one left off; without them it begins now. Ends after ten minutes.")
                .query([Param::clinic(), after()])
                .answers_raw("text/event-stream"),
        )
}

/// A page of the feed.
#[derive(Serialize, JsonSchema)]
struct Events {
    items: Vec<FeedEvent>,
    /// Pass it as `after` for what comes next.
    next: i64,
}

async fn list(State(state): State<AppState>, viewer: Viewer, raw: RawParams) -> Result<Json<Events>, Problem> {
    let params = Params::parse(raw, &["clinic", "after", "limit"])?;
    let clinic = clinic(&state, &viewer, &params)?;
    let after = params.number("after", 0..=i64::MAX)?.unwrap_or(0);
    let limit = params.number("limit", 1..=PAGE.1)?.unwrap_or(PAGE.0);
    let mut items = state.store.feed(after, Some(&clinic), limit as u32).await?;
    let next = items.last().map_or(after, |last| last.position);
    items.retain(|event| sees(&viewer, event));
    Ok(Json(Events { items, next }))
}

fn clinic(state: &AppState, viewer: &Viewer, params: &Params) -> Result<String, Problem> {
    let known = || state.clinics.keys().filter(|known| viewer.knows(known));
    let id = params.get("clinic").ok_or_else(|| Problem::bad_parameter("clinic", "it is required", known()))?;
    if known().any(|known| known == id) { Ok(id.to_owned()) } else { Err(Problem::unknown_clinic(known())) }
}

fn sees(viewer: &Viewer, event: &FeedEvent) -> bool {
    KINDS.iter().any(|(kind, permission)| event.kind.starts_with(kind) && viewer.may(&event.clinic, *permission))
}

/// How far a stream has got.
struct Following {
    state: AppState,
    viewer: Viewer,
    clinic: String,
    after: i64,
    waiting: std::vec::IntoIter<FeedEvent>,
    bell: watch::Receiver<u64>,
    closing: watch::Receiver<bool>,
    until: tokio::time::Instant,
}

async fn stream(
    State(state): State<AppState>,
    viewer: Viewer,
    headers: HeaderMap,
    raw: RawParams,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>>>, Problem> {
    let params = Params::parse(raw, &["clinic", "after"])?;
    let clinic = clinic(&state, &viewer, &params)?;
    let last = headers.get("last-event-id").and_then(|id| id.to_str().ok()).and_then(|id| id.parse::<i64>().ok());
    let bell = state.store.feed_bell();
    let after = match last.or(params.number("after", 0..=i64::MAX)?) {
        Some(after) => after,
        None => state.store.feed_end().await?,
    };
    let closing = state.closing.subscribe();
    let until = tokio::time::Instant::now() + LASTS;
    let start = Following { state, viewer, clinic, after, waiting: Vec::new().into_iter(), bell, closing, until };
    let events = unfold(start, |mut following| async move {
        let event = following.next().await?;
        let told = Event::default().id(event.position.to_string()).event(event.kind.clone());
        let told = told.json_data(&event).ok()?;
        Some((Ok(told), following))
    });
    Ok(Sse::new(events).keep_alive(KeepAlive::default()))
}

impl Following {
    /// The next event; none when the stream is over.
    async fn next(&mut self) -> Option<FeedEvent> {
        loop {
            if let Some(event) = self.waiting.next() {
                return Some(event);
            }
            self.bell.borrow_and_update();
            let found = self.state.store.feed(self.after, Some(&self.clinic), PAGE.0 as u32).await.ok()?;
            if let Some(last) = found.last() {
                self.after = last.position;
                let seen: Vec<FeedEvent> = found.into_iter().filter(|event| sees(&self.viewer, event)).collect();
                self.waiting = seen.into_iter();
                continue;
            }
            tokio::select! {
                _ = self.bell.changed() => {}
                () = tokio::time::sleep(LOOK) => {}
                _ = self.closing.wait_for(|closing| *closing) => return None,
                () = tokio::time::sleep_until(self.until) => return None,
            }
        }
    }
}
