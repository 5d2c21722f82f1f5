//! Asterisk's AudioSocket: a call as a TCP connection, in the dialplan `AudioSocket(UUID,host:port)`.
//!
//! - [`frame`]: the bytes
//! - [`listen`]: takes connections and gives each as an [`Incoming`] call with its door
//! - [`Announcements`]: the protocol tells nothing of a call but a UUID, so the dialplan tells the rest before, by HTTP
//!
//! The protocol has no authentication: listen on the PBX's own network, or take announced calls only.

mod announced;
mod connection;
pub mod frame;

use std::net::SocketAddr;
use std::sync::Arc;

use tokio::net::TcpListener;
use tokio::sync::{Semaphore, mpsc};

pub use announced::{Announced, Announcements};

use crate::socket::SocketDoor;

/// How calls are taken.
#[derive(Debug, Clone)]
pub struct Settings {
    /// At the same time; more are hung up at once.
    pub most_calls: usize,
    /// Only calls whose UUID was announced.
    pub announced_only: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Settings { most_calls: 500, announced_only: false }
    }
}

/// A call that came in. Dropping the door hangs up.
#[derive(Debug)]
pub struct Incoming {
    /// The call's UUID, lower case with hyphens.
    pub id: String,
    /// What was announced of it.
    pub announced: Option<Announced>,
    /// From where.
    pub peer: SocketAddr,
    /// The door.
    pub door: SocketDoor,
}

/// Takes calls on `listener` until the receiver is dropped. Must be called within a tokio runtime.
pub fn listen(listener: TcpListener, settings: Settings, announcements: Announcements) -> mpsc::Receiver<Incoming> {
    let (calls, receiver) = mpsc::channel(16);
    let room = Arc::new(Semaphore::new(settings.most_calls));
    tokio::spawn(async move {
        loop {
            let accepted = tokio::select! {
                accepted = listener.accept() => accepted,
                () = calls.closed() => return,
            };
            let (stream, peer) = match accepted {
                Ok(accepted) => accepted,
                Err(_) => {
                    // Out of descriptors: what is there goes on, and the next attempt waits for one to be free.
                    tokio::time::sleep(std::time::Duration::from_millis(100)).await;
                    continue;
                }
            };
            let Ok(permit) = Arc::clone(&room).try_acquire_owned() else {
                tokio::spawn(connection::refuse(stream));
                continue;
            };
            let (calls, announcements, announced_only) =
                (calls.clone(), announcements.clone(), settings.announced_only);
            tokio::spawn(async move {
                connection::hold(stream, peer, &calls, &announcements, announced_only).await;
                drop(permit);
            });
        }
    });
    receiver
}

#[cfg(test)]
mod tests;
