//! A written rehearsal of a version that answers nobody yet, in the desk's own page. Nothing of it is kept: it ends with the
//! page's socket.

use std::time::Duration;

use axum::extract::ws::{self, WebSocket, WebSocketUpgrade};
use axum::response::Response;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::mpsc;
use tokio::time::timeout;

use super::calls::{Kind, Opening, Shown};
use super::entrance::Entrance;
use crate::Problem;

/// The longest message, in characters.
const MOST_CHARS: usize = 1_000;
/// The largest message as it is sent.
const MOST_BYTES: usize = 16 * 1024;
/// Messages that wait for the robot.
const MOST_WAITING: usize = 16;
/// A socket that takes nothing for so long is dead.
const STUCK: Duration = Duration::from_secs(5);
/// Whoever writes nothing for so long has gone.
const SILENCE: Duration = Duration::from_secs(30 * 60);

/// What the page sends: a greeting first, then words.
#[derive(Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
enum Sent {
    Hello {},
    Words { text: String },
}

/// Opens a rehearsal of this version.
pub(crate) fn rehearse_in_writing(
    entrance: Entrance,
    clinic: String,
    version: String,
    upgrade: WebSocketUpgrade,
) -> Result<Response, Problem> {
    entrance.is_from_the_desk()?;
    let name = entrance.state.clinic(&clinic)?.name.clone();
    let place = entrance.enter(Kind::Chat)?;
    let calls = std::sync::Arc::clone(&entrance.visits.calls);
    let opening = Opening {
        kind: Kind::Chat,
        clinic,
        socket: String::new(),
        caller: None,
        line: String::new(),
        reference: None,
        rehearsed: Some(version),
    };
    Ok(upgrade.max_message_size(MOST_BYTES).on_upgrade(async move |mut socket| {
        let (said, written) = mpsc::channel(MOST_WAITING);
        let (shows, shown) = mpsc::unbounded_channel();
        tokio::spawn(async move {
            calls.rehearse(opening, written, shows).await;
            drop(place);
        });
        if say(&mut socket, json!({ "kind": "conversation", "key": null, "clinic": name, "seen": 0 })).await {
            talk(&mut socket, said, shown).await;
        }
        timeout(STUCK, socket.send(ws::Message::Close(None))).await.ok();
    }))
}

async fn talk(socket: &mut WebSocket, said: mpsc::Sender<String>, mut shown: mpsc::UnboundedReceiver<Shown>) {
    let mut seq = 0;
    loop {
        let message = tokio::select! {
            seen = shown.recv() => match seen {
                Some(Shown::Robot { text }) => ("robot", text, Vec::new()),
                Some(Shown::Question { choices, .. }) if !choices.is_empty() => ("robot", "…".to_owned(), choices),
                Some(Shown::Person { .. }) => ("system", "Здесь разговор передали бы человеку.".to_owned(), Vec::new()),
                Some(Shown::Ended) | None => {
                    say(socket, json!({ "kind": "state", "state": "closed", "position": null })).await;
                    return;
                }
                Some(_) => continue,
            },
            arrived = timeout(SILENCE, socket.recv()) => {
                let Ok(Some(Ok(arrived))) = arrived else { return };
                let ws::Message::Text(text) = arrived else { continue };
                match serde_json::from_str::<Sent>(&text) {
                    Ok(Sent::Hello {}) => continue,
                    Ok(Sent::Words { text }) => {
                        let text: String = text.trim().chars().take(MOST_CHARS).collect();
                        if text.is_empty() || said.try_send(text.clone()).is_err() {
                            continue;
                        }
                        ("visitor", text, Vec::new())
                    }
                    Err(_) => return,
                }
            }
        };
        seq += 1;
        let (who, text, choices) = message;
        if !say(socket, json!({ "kind": "message", "seq": seq, "who": who, "text": text, "choices": choices })).await {
            return;
        }
    }
}

async fn say(socket: &mut WebSocket, what: Value) -> bool {
    matches!(timeout(STUCK, socket.send(ws::Message::text(what.to_string()))).await, Ok(Ok(())))
}
