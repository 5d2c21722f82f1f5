//! Written conversations: they outlive the page, so a visitor who reloads it, or loses the connection, finds theirs again.
//!
//! The page gets the key of its conversation first, then everything that was shown since what it says it has seen, then
//! what comes. It sends [`Said`] as JSON. Whoever has the key has the conversation; it is 128 random bits that no address
//! and no log line holds.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::extract::Path;
use axum::extract::ws::{self, WebSocket, WebSocketUpgrade};
use axum::response::Response;
use axum::routing::any;
use serde::{Deserialize, Serialize};
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, timeout};

use super::calls::{Kind, Opening, Said, Shown};
use super::entrance::Entrance;
use super::limits::Place;
use super::settings::Visits;
use crate::{AppState, Problem};

/// The longest message, in characters.
const MOST_CHARS: usize = 1_000;
/// The largest message as it is sent.
const MOST_BYTES: usize = 16 * 1024;
/// What one conversation may come to.
const MOST_SHOWN: usize = 2_000;
/// Messages that wait for the robot.
const MOST_WAITING: usize = 16;
/// A page says who it is at once.
const HELLO: Duration = Duration::from_secs(10);
/// Proxies close connections that are silent for a minute.
const PING: Duration = Duration::from_secs(25);
/// How often it is looked whether a visitor is away for good.
const LOOK: Duration = Duration::from_secs(5);
/// A socket that takes nothing for so long is dead.
const STUCK: Duration = Duration::from_secs(5);

pub(super) fn router() -> Router<AppState> {
    Router::new().route("/chat/{clinic}/socket", any(socket))
}

/// The conversations there are, by key.
#[derive(Debug, Default)]
pub(super) struct Conversations(Mutex<HashMap<String, Arc<Conversation>>>);

#[derive(Debug)]
struct Conversation {
    key: String,
    clinic: String,
    inner: Mutex<Inner>,
    /// How much was shown.
    shown: watch::Sender<usize>,
}

#[derive(Debug)]
struct Inner {
    shown: Vec<Shown>,
    /// None once it is over.
    said: Option<mpsc::Sender<Said>>,
    /// When the visitor was last here.
    last: Instant,
}

/// What a page says first.
#[derive(Deserialize)]
#[serde(tag = "kind", rename = "hello")]
struct Hello {
    /// The conversation it had.
    key: Option<String>,
    /// How much of it is on the page.
    #[serde(default)]
    seen: usize,
}

/// What a page is told first.
#[derive(Serialize)]
#[serde(tag = "kind", rename = "conversation", rename_all = "camelCase")]
struct Welcome<'a> {
    key: &'a str,
    clinic: &'a str,
    /// How much of what was shown follows from where.
    seen: usize,
}

async fn socket(
    entrance: Entrance,
    Path(clinic): Path<String>,
    upgrade: WebSocketUpgrade,
) -> Result<Response, Problem> {
    entrance.is_from_our_page(entrance.page(&clinic, Kind::Chat)?)?;
    Ok(upgrade.max_message_size(MOST_BYTES).on_upgrade(async move |mut socket| {
        let Ok(Some(Ok(ws::Message::Text(hello)))) = timeout(HELLO, socket.recv()).await else { return };
        let Ok(hello) = serde_json::from_str::<Hello>(&hello) else { return };
        let known = hello.key.as_deref().and_then(|key| entrance.visits.conversations.get(key, &clinic));
        let (conversation, seen) = match known {
            Some(known) => (known, hello.seen),
            None => match entrance.enter(Kind::Chat) {
                Ok(place) => (begin(&entrance.visits, &clinic, place), 0),
                Err(problem) => {
                    say(&mut socket, &serde_json::json!({ "kind": "refused", "code": problem.code })).await;
                    return;
                }
            },
        };
        let name = entrance.state.clinics.get(&clinic).map_or("", |clinic| &clinic.name);
        conversation.seen_with(&mut socket, seen, name).await;
    }))
}

impl Conversations {
    fn all(&self) -> MutexGuard<'_, HashMap<String, Arc<Conversation>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn get(&self, key: &str, clinic: &str) -> Option<Arc<Conversation>> {
        self.all().get(key).filter(|known| known.clinic == clinic).cloned()
    }
}

/// A new conversation, held beside the socket.
fn begin(visits: &Visits, clinic: &str, place: Place) -> Arc<Conversation> {
    let (said, from_visitor) = mpsc::channel(MOST_WAITING);
    let (shows, to_visitor) = mpsc::unbounded_channel();
    let conversation = Arc::new(Conversation {
        key: key(),
        clinic: clinic.to_owned(),
        inner: Mutex::new(Inner { shown: Vec::new(), said: Some(said), last: Instant::now() }),
        shown: watch::Sender::new(0),
    });
    visits.conversations.all().insert(conversation.key.clone(), Arc::clone(&conversation));
    let opening = Opening {
        kind: Kind::Chat,
        clinic: clinic.to_owned(),
        socket: String::new(),
        caller: None,
        line: String::new(),
        reference: None,
    };
    let calls = Arc::clone(&visits.calls);
    let holding = tokio::spawn(async move {
        calls.chat(opening, from_visitor, shows).await;
        drop(place);
    });
    tokio::spawn(follow(Arc::clone(&conversation), visits.clone(), to_visitor, holding));
    conversation
}

/// Writes down what is shown, and notices when the visitor is gone or the conversation over.
async fn follow(
    conversation: Arc<Conversation>,
    visits: Visits,
    mut to_visitor: mpsc::UnboundedReceiver<Shown>,
    holding: tokio::task::JoinHandle<()>,
) {
    let away = visits.limits.shipped.away;
    loop {
        match timeout(LOOK, to_visitor.recv()).await {
            Ok(Some(Shown::Caller { .. })) => {}
            Ok(Some(Shown::Ended)) | Ok(None) => break,
            Ok(Some(shown)) => conversation.show(shown),
            Err(_) => {
                let inner = conversation.inner();
                if inner.last.elapsed() >= away
                    && let Some(said) = &inner.said
                {
                    // Held by nobody else, so the conversation learns that nobody will write any more.
                    said.try_send(Said::Left).ok();
                    drop(inner);
                    conversation.inner().said = None;
                }
            }
        }
    }
    conversation.inner().said = None;
    conversation.show(Shown::Ended);
    // What is still written down takes the time it takes; meanwhile the visitor can read what was said.
    holding.await.ok();
    tokio::time::sleep(away).await;
    visits.conversations.all().remove(&conversation.key);
}

impl Conversation {
    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn show(&self, shown: Shown) {
        let mut inner = self.inner();
        if inner.shown.len() < MOST_SHOWN || shown == Shown::Ended {
            inner.shown.push(shown);
        } else {
            // Nobody talks so much; the conversation is told to end.
            inner.said = None;
        }
        self.shown.send_replace(inner.shown.len());
    }

    /// A page looks at the conversation until it goes, or the conversation is over.
    async fn seen_with(&self, socket: &mut WebSocket, mut seen: usize, name: &str) {
        let mut grows = self.shown.subscribe();
        self.inner().last = Instant::now();
        seen = seen.min(self.inner().shown.len());
        if !say(socket, &Welcome { key: &self.key, clinic: name, seen }).await {
            return;
        }
        loop {
            grows.borrow_and_update();
            let new = self.inner().shown[seen..].to_vec();
            for shown in new {
                seen += 1;
                let over = shown == Shown::Ended;
                if !say(socket, &shown).await {
                    return;
                }
                if over {
                    timeout(STUCK, socket.send(ws::Message::Close(None))).await.ok();
                    return;
                }
            }
            tokio::select! {
                _ = grows.changed() => {}
                arrived = timeout(PING, socket.recv()) => match arrived {
                    Ok(Some(Ok(ws::Message::Text(text)))) => {
                        if !self.take(&text) {
                            break;
                        }
                    }
                    Ok(Some(Ok(ws::Message::Ping(_) | ws::Message::Pong(_)))) => {}
                    Ok(_) => break,
                    Err(_) => {
                        let ping = socket.send(ws::Message::Ping(Vec::new().into()));
                        if !matches!(timeout(STUCK, ping).await, Ok(Ok(()))) {
                            break;
                        }
                    }
                },
            }
        }
        self.inner().last = Instant::now();
    }

    /// The visitor wrote, or left. False when this page is not one of ours.
    fn take(&self, text: &str) -> bool {
        let Ok(said) = serde_json::from_str::<Said>(text) else { return false };
        let mut inner = self.inner();
        inner.last = Instant::now();
        let Some(sender) = inner.said.clone() else { return true };
        match said {
            Said::Left => {
                sender.try_send(Said::Left).ok();
                inner.said = None;
            }
            Said::Words { text } => {
                let text: String = text.trim().chars().take(MOST_CHARS).collect();
                // A visitor who writes faster than the robot can read loses the excess; they see that it is not there.
                if !text.is_empty() && sender.try_send(Said::Words { text: text.clone() }).is_ok() {
                    drop(inner);
                    self.show(Shown::Caller { text });
                }
            }
        }
        true
    }
}

async fn say(socket: &mut WebSocket, what: &impl Serialize) -> bool {
    let text = serde_json::to_string(what).expect("invariant: texts and lists of them are JSON");
    matches!(timeout(STUCK, socket.send(ws::Message::text(text))).await, Ok(Ok(())))
}

/// 128 random bits.
fn key() -> String {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).expect("invariant: the operating system has randomness");
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
