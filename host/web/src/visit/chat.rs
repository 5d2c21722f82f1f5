//! Written conversations of a site's visitors. They are those of the room `chat`, as a messenger's are: written down, answered
//! by the robot or by a person, so a visitor who reloads the page, or loses the connection, finds theirs again.
//!
//! The page gets the key of its conversation first, then every message after the one it says it has seen, then what comes and
//! who answers. It sends [`Wrote`] as JSON. Whoever has the key has the conversation; it is 128 random bits that no address
//! and no log line holds.

use std::time::Duration;

use axum::Router;
use axum::extract::Path;
use axum::extract::ws::{self, WebSocket, WebSocketUpgrade};
use axum::response::Response;
use axum::routing::any;
use chat::{Incoming, Office, SITE};
use records::{ChatMessage, ChatState, ChatThread, ChatWho, Pii};
use serde::{Deserialize, Serialize};
use tokio::time::{Instant, sleep_until, timeout};

use super::calls::Kind;
use super::entrance::Entrance;
use super::limits::Place;
use crate::{AppState, Problem};

/// The longest message, in characters.
const MOST_CHARS: usize = 1_000;
/// The largest message as it is sent.
const MOST_BYTES: usize = 16 * 1024;
/// What one conversation may come to.
const MOST_MESSAGES: i64 = 2_000;
/// A visitor may write so many messages at once, and one more after each pause.
const BURST: u32 = 10;
const PAUSE: Duration = Duration::from_secs(2);
/// A page says who it is at once.
const HELLO: Duration = Duration::from_secs(10);
/// Proxies close connections that are silent for a minute.
const PING: Duration = Duration::from_secs(25);
/// What another process wrote is found by looking.
const LOOK: Duration = Duration::from_secs(2);
/// Whatever happens in the clinic rings the bell; it is looked no oftener than this.
const REST: Duration = Duration::from_millis(100);
/// A socket that takes nothing for so long is dead.
const STUCK: Duration = Duration::from_secs(5);
/// Messages that are read at once.
const PAGE: u32 = 200;

pub(super) fn router() -> Router<AppState> {
    Router::new().route("/chat/{clinic}/socket", any(socket))
}

/// What a page says first.
#[derive(Deserialize)]
#[serde(tag = "kind", rename = "hello")]
struct Hello {
    /// The conversation it had.
    key: Option<String>,
    /// The last message that is on the page.
    #[serde(default)]
    seen: i64,
}

/// What a visitor does.
#[derive(Deserialize)]
#[serde(tag = "kind", rename = "words")]
struct Wrote {
    text: String,
}

/// What a page is told.
#[derive(Serialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
enum Told<'a> {
    /// First of all: its conversation, and after which message it goes on.
    Conversation { key: &'a str, clinic: &'a str, seen: i64 },
    /// A message of the robot, the visitor, a person at the clinic, the program.
    Message { seq: i64, who: ChatWho, text: &'a str, choices: &'a [String] },
    /// Who answers; which place in the line somebody has who waits.
    State { state: ChatState, position: Option<i64> },
    /// It was not taken: too much at a time.
    Slow { text: &'a str },
    /// There is no conversation to be had now.
    Refused { code: &'a str },
}

async fn socket(
    entrance: Entrance,
    Path(clinic): Path<String>,
    upgrade: WebSocketUpgrade,
) -> Result<Response, Problem> {
    entrance.is_from_our_page(entrance.page(&clinic, Kind::Chat)?)?;
    talk(entrance, &clinic, upgrade)
}

/// A chat from the desk's own page: an ordinary one.
pub(crate) fn try_in_writing(entrance: Entrance, clinic: &str, upgrade: WebSocketUpgrade) -> Result<Response, Problem> {
    entrance.is_from_the_desk()?;
    talk(entrance, clinic, upgrade)
}

fn talk(entrance: Entrance, clinic: &str, upgrade: WebSocketUpgrade) -> Result<Response, Problem> {
    let clinic = std::sync::Arc::clone(entrance.state.clinic(clinic)?);
    Ok(upgrade.max_message_size(MOST_BYTES).on_upgrade(async move |mut socket| {
        let Ok(Some(Ok(ws::Message::Text(hello)))) = timeout(HELLO, socket.recv()).await else { return };
        let Ok(hello) = serde_json::from_str::<Hello>(&hello) else { return };
        let office = entrance.state.office(&clinic);
        match begin(&entrance, &office, &hello).await {
            Ok(mut page) => page.run(&mut socket).await,
            Err(problem) => {
                say(&mut socket, &Told::Refused { code: problem.code }).await;
            }
        }
    }))
}

/// The conversation that the page had, or a new one.
async fn begin(entrance: &Entrance, office: &Office, hello: &Hello) -> Result<Looking, Problem> {
    let now = entrance.state.now;
    if let Some(key) = hello.key.as_deref().filter(|key| key.len() == 32) {
        let known = office.store().chat_thread_of(&office.clinic().id, SITE, key).await?;
        if let Some(thread) = known {
            let seen = hello.seen.clamp(0, thread.last_seq);
            let place = entrance.again(Kind::Chat)?;
            return Ok(Looking::at(office, key.into(), thread, seen, place, now));
        }
    }
    let place = entrance.enter(Kind::Chat)?;
    let key = Pii::from(key());
    let thread = office.open(SITE, &key, now().as_millisecond()).await?;
    Ok(Looking::at(office, key, thread, 0, place, now))
}

/// A page that looks at a conversation.
struct Looking {
    office: Office,
    key: Pii,
    thread: ChatThread,
    seen: i64,
    /// What was told last.
    told: Option<(ChatState, Option<i64>)>,
    /// Messages that may still be written now, and since when it is so.
    allowance: (u32, Instant),
    now: fn() -> jiff::Timestamp,
    _place: Place,
}

impl Looking {
    fn at(
        office: &Office,
        key: Pii,
        thread: ChatThread,
        seen: i64,
        place: Place,
        now: fn() -> jiff::Timestamp,
    ) -> Self {
        let (office, allowance) = (office.clone(), (BURST, Instant::now()));
        Self { office, key, thread, seen, told: None, allowance, now, _place: place }
    }

    /// Until the page goes, or the conversation is over.
    async fn run(&mut self, socket: &mut WebSocket) {
        let clinic = self.office.clinic().name.clone();
        let welcome = Told::Conversation { key: self.key.as_str(), clinic: &clinic, seen: self.seen };
        if !say(socket, &welcome).await {
            return;
        }
        let mut bell = self.office.store().feed_bell();
        let mut ping = Instant::now() + PING;
        loop {
            bell.borrow_and_update();
            match self.show(socket).await {
                Some(true) => {}
                // It is over, and that was said.
                Some(false) => {
                    timeout(STUCK, socket.send(ws::Message::Close(None))).await.ok();
                    return;
                }
                None => return,
            }
            let looked = Instant::now();
            tokio::select! {
                _ = bell.changed() => sleep_until(looked + REST).await,
                () = sleep_until(looked + LOOK) => {}
                () = sleep_until(ping) => {
                    let sent = socket.send(ws::Message::Ping(Vec::new().into()));
                    if !matches!(timeout(STUCK, sent).await, Ok(Ok(()))) {
                        return;
                    }
                    ping = Instant::now() + PING;
                }
                arrived = socket.recv() => match arrived {
                    Some(Ok(ws::Message::Text(text))) => {
                        if !self.take(socket, &text).await {
                            return;
                        }
                    }
                    Some(Ok(ws::Message::Ping(_) | ws::Message::Pong(_))) => {}
                    _ => return,
                },
            }
        }
    }

    /// Shows what is new. False: the conversation is over; none: nobody looks any more.
    async fn show(&mut self, socket: &mut WebSocket) -> Option<bool> {
        // What cannot be read now is read the next time; a conversation that is no more ends the page.
        let thread = match self.office.store().chat_thread(&self.thread.id).await {
            Ok(thread) => thread,
            Err(records::RecordsError::NotFound { .. }) => return None,
            Err(_) => return Some(true),
        };
        if self.told.is_none() || thread.generation != self.thread.generation || self.seen < thread.last_seq {
            loop {
                let Ok(new) = self.office.store().chat_messages(&thread.id, self.seen, PAGE).await else {
                    return Some(true);
                };
                if new.is_empty() {
                    break;
                }
                for message in &new {
                    if !say(socket, &told(message)).await {
                        return None;
                    }
                    self.seen = message.seq;
                }
            }
        }
        self.thread = thread;
        let position = self.office.position(&self.thread).await.ok().flatten();
        let now = (self.thread.state, position);
        if self.told != Some(now) {
            self.told = Some(now);
            if !say(socket, &Told::State { state: now.0, position }).await {
                return None;
            }
        }
        Some(self.thread.state != ChatState::Closed)
    }

    /// The visitor wrote. False when this page is not one of ours.
    async fn take(&mut self, socket: &mut WebSocket, text: &str) -> bool {
        let Ok(Wrote { text }) = serde_json::from_str(text) else { return false };
        let text: String = text.trim().chars().take(MOST_CHARS).collect();
        if text.is_empty() {
            return true;
        }
        if self.thread.last_seq >= MOST_MESSAGES || !self.may_write(Instant::now()) {
            return say(socket, &Told::Slow { text: &text }).await;
        }
        let incoming = Incoming {
            channel: SITE.to_owned(),
            conversation: self.key.clone(),
            message: None,
            text: text.as_str().into(),
            name: Pii::default(),
            phone: None,
        };
        match self.office.visitor(&incoming, (self.now)().as_millisecond()).await {
            Ok(_) => true,
            Err(error) => {
                tracing::error!(%error, "a visitor's message could not be written down");
                say(socket, &Told::Slow { text: &text }).await
            }
        }
    }

    fn may_write(&mut self, now: Instant) -> bool {
        let (left, since) = &mut self.allowance;
        let pauses = u32::try_from(now.duration_since(*since).as_millis() / PAUSE.as_millis()).unwrap_or(BURST);
        if pauses > 0 {
            (*left, *since) = (left.saturating_add(pauses).min(BURST), now);
        }
        let may = *left > 0;
        *left = left.saturating_sub(1);
        may
    }
}

fn told(message: &ChatMessage) -> Told<'_> {
    Told::Message { seq: message.seq, who: message.who, text: message.text.as_str(), choices: &message.buttons }
}

async fn say(socket: &mut WebSocket, what: &Told<'_>) -> bool {
    let text = serde_json::to_string(what).expect("invariant: texts and lists of them are JSON");
    matches!(timeout(STUCK, socket.send(ws::Message::text(text))).await, Ok(Ok(())))
}

/// 128 random bits.
fn key() -> String {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).expect("invariant: the operating system has randomness");
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
