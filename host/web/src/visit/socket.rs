//! A WebSocket that carries a call: messages of a protocol on one side, the conversation's door on the other.

use std::time::Duration;

use axum::extract::ws::{self, WebSocket};
use lines::socket::{SocketDoor, SocketEnd, pair};
use lines::websocket::{Began, Message, Protocol};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until, timeout};

use super::calls::Shown;

/// A socket that takes nothing for so long is dead.
const STUCK: Duration = Duration::from_secs(5);
/// A provider tells about a call at once.
const BEGINNING: Duration = Duration::from_secs(10);
/// The largest message; Asterisk's own limit is 65,500 bytes, and 30 s of µ-law in base64 are 320 kB.
pub(super) const MOST_BYTES: usize = 400 * 1024;

/// How a call is carried.
pub(super) struct Carried {
    /// A caller from whom nothing came for so long is gone.
    pub(super) silence: Duration,
    /// The call is ended after so long.
    pub(super) longest: Duration,
    /// It begins by itself; otherwise when the protocol says so.
    pub(super) begun: bool,
}

/// Carries one call over `socket` until one side hangs up. `begin` gets the door and what the protocol told; it says where
/// captions come from, or none when this call is not taken.
pub(super) async fn carry(
    mut socket: WebSocket,
    protocol: &mut dyn Protocol,
    carried: Carried,
    begin: impl FnOnce(SocketDoor, Option<Began>) -> Option<mpsc::UnboundedReceiver<Shown>>,
) {
    let (door, end) = pair();
    let mut waiting = Some((door, begin));
    let mut captions = None;
    if carried.begun
        && let Some((door, begin)) = waiting.take()
    {
        captions = begin(door, None);
        if captions.is_none() {
            return;
        }
    }
    let over = Instant::now() + carried.longest;
    loop {
        let patience = if waiting.is_some() { BEGINNING } else { carried.silence };
        let leaving = tokio::select! {
            arrived = timeout(patience, socket.recv()) => {
                let Ok(Some(Ok(arrived))) = arrived else { break };
                let message = match arrived {
                    ws::Message::Text(text) => Message::Text(text.as_str().to_owned()),
                    ws::Message::Binary(bytes) => Message::Binary(bytes.into()),
                    ws::Message::Ping(_) | ws::Message::Pong(_) => continue,
                    ws::Message::Close(_) => break,
                };
                match protocol.play(&message, &end) {
                    Ok((replies, began)) => {
                        if let Some(began) = began
                            && let Some((door, begin)) = waiting.take()
                        {
                            captions = begin(door, Some(began));
                            if captions.is_none() {
                                break;
                            }
                        }
                        replies
                    }
                    Err(error) => {
                        tracing::warn!(%error, "a call's socket is closed: it does not speak its protocol");
                        break;
                    }
                }
            }
            out = end.next(), if waiting.is_none() => match out {
                Some(out) => protocol.give(&out),
                None => {
                    show_the_rest(&mut socket, captions.as_mut()).await;
                    send(&mut socket, protocol.hang_up()).await;
                    break;
                }
            },
            shown = next(&mut captions) => vec![caption(&shown)],
            () = sleep_until(over) => {
                send(&mut socket, protocol.hang_up()).await;
                break;
            }
        };
        if !send(&mut socket, leaving).await {
            break;
        }
    }
    end.hung_up();
    drop(end);
    timeout(STUCK, socket.send(ws::Message::Close(None))).await.ok();
}

/// Sends these; false when the socket is of no use any more.
async fn send(socket: &mut WebSocket, messages: Vec<Message>) -> bool {
    for message in messages {
        let message = match message {
            Message::Text(text) => ws::Message::text(text),
            Message::Binary(bytes) => ws::Message::binary(bytes),
        };
        if !matches!(timeout(STUCK, socket.send(message)).await, Ok(Ok(()))) {
            return false;
        }
    }
    true
}

/// What was said last comes by another way than the sound, and may be behind it.
async fn show_the_rest(socket: &mut WebSocket, captions: Option<&mut mpsc::UnboundedReceiver<Shown>>) {
    let Some(captions) = captions else { return };
    while let Ok(shown) = captions.try_recv() {
        if !send(socket, vec![caption(&shown)]).await {
            return;
        }
    }
}

/// The next caption; waits for ever when there are none.
async fn next(captions: &mut Option<mpsc::UnboundedReceiver<Shown>>) -> Shown {
    if let Some(receiver) = captions
        && let Some(shown) = receiver.recv().await
    {
        return shown;
    }
    *captions = None;
    std::future::pending().await
}

fn caption(shown: &Shown) -> Message {
    Message::Text(serde_json::to_string(shown).expect("invariant: texts and lists of them are JSON"))
}

const _: () = {
    /// The end of a call is shared between tasks by nobody, but the future that holds it moves between threads.
    const fn moves<T: Send>() {}
    moves::<SocketEnd>();
};
