//! Requests that are too long for a datagram (RFC 3261 §18.1.1): they go by TCP where nobody has chosen the transport, and by UDP
//! all the same where TCP is refused, or leads nowhere.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use rsipstack::sip::{Header, Request};
use tokio::time::{Instant, timeout};

use super::{Path, Wires};
use crate::config::Transport;
use crate::header::field;
use crate::locate::Target;
use crate::message;

/// Longer requests are cut in pieces on the way, and pieces are lost in many a router.
const LONG: usize = 1_300;
/// A peer that does not do TCP often just does not answer: nobody waits longer to find out.
const CONNECT: Duration = Duration::from_secs(2);
/// And nobody asks it again for so long.
const REMEMBERED: Duration = Duration::from_secs(600);
/// Peers that are remembered.
const MOST: usize = 256;

/// Peers that were asked for a stream in vain.
#[derive(Default)]
pub(super) struct DatagramsOnly(Mutex<HashMap<SocketAddr, Instant>>);

impl DatagramsOnly {
    fn has(&self, peer: SocketAddr) -> bool {
        self.peers().get(&peer).is_some_and(|asked| asked.elapsed() < REMEMBERED)
    }

    fn add(&self, peer: SocketAddr) {
        let mut peers = self.peers();
        peers.retain(|_, asked| asked.elapsed() < REMEMBERED);
        if peers.len() < MOST {
            peers.insert(peer, Instant::now());
        }
    }

    fn peers(&self) -> std::sync::MutexGuard<'_, HashMap<SocketAddr, Instant>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Wires {
    /// The way this request takes, and the request as it goes there: its Via names the transport. To be asked before
    /// anything remembers the request: a way of its own has a branch of its own.
    pub(crate) async fn way_for(&self, request: Request, path: &Path) -> (Request, Path) {
        let stays = path.transport != Transport::Udp || !path.free || self.datagrams_only.has(path.destination);
        if stays || request.to_bytes().len() <= LONG {
            return (request, path.clone());
        }
        let there = Target {
            address: path.destination,
            transport: Transport::Tcp,
            free: false,
            name: path.destination.ip().to_string(),
        };
        match timeout(CONNECT, self.path(&there, true)).await {
            Ok(Ok(stream)) => (by(request, &stream), stream),
            _ => {
                self.datagrams_only.add(path.destination);
                tracing::debug!("a long request goes by UDP: there is no TCP at its target");
                (request, path.clone())
            }
        }
    }
}

/// The request with a Via of ours for that way.
fn by(mut request: Request, path: &Path) -> Request {
    let via = field("Via", message::via(path));
    if let Some(ours) = request.headers.iter_mut().find(|header| matches!(header, Header::Via(_))) {
        *ours = via;
    }
    request
}
