//! Calls of an Asterisk that come as AudioSocket connections.

use std::net::IpAddr;

use desk::PhoneNumber;
use flows::host::voice::Channel;
use lines::audiosocket::{Announcements, Incoming, Settings, listen};
use session::trace::Tracer;
use tokio::net::TcpListener;

use crate::config::AudioSocket;
use crate::{Arrival, Exchange, ExchangeError};

/// Listens where the lines file says, until the lines are closed. What the dialplan tells of calls beforehand goes to
/// `announcements`.
pub(crate) async fn open(exchange: &Exchange, announcements: &Announcements) -> Result<(), ExchangeError> {
    for socket in &exchange.inner.lines.audiosockets {
        let listener = TcpListener::bind(socket.listen)
            .await
            .map_err(|cause| ExchangeError::AudioSocket { address: socket.listen, cause })?;
        let settings = Settings { most_calls: exchange.inner.gate.most(), announced_only: socket.announced_only };
        let mut arriving = listen(listener, settings, announcements.clone());
        let (exchange, socket) = (exchange.clone(), socket.clone());
        tokio::spawn(async move {
            loop {
                tokio::select! {
                    incoming = arriving.recv() => match incoming {
                        Some(incoming) => take(&exchange, &socket, incoming),
                        None => return,
                    },
                    () = exchange.stopped() => return,
                }
            }
        });
    }
    Ok(())
}

fn take(exchange: &Exchange, socket: &AudioSocket, incoming: Incoming) {
    if !allowed(socket, incoming.peer.ip()) {
        tracing::warn!(peer = %incoming.peer.ip(), "an AudioSocket from an address that is not allowed; see `allow`");
        return;
    }
    // The door is dropped where there is no place, which hangs up: the protocol has no other way to say so.
    let Ok(place) = exchange.enter() else { return };
    let announced = incoming.announced.unwrap_or_default();
    let clinic = announced.clinic.filter(|clinic| exchange.inner.houses.get(clinic).is_some());
    let caller = announced.caller.as_deref().and_then(PhoneNumber::parse);
    let arrival = Arrival {
        clinic: clinic.unwrap_or_else(|| socket.clinic.clone()),
        entry: socket.entry,
        channel: Channel::Phone,
        caller: caller.map(|number| number.as_str().to_owned()),
        line: announced.line,
        trunk: None,
        door: Box::new(incoming.door),
        place,
    };
    let exchange = exchange.clone();
    tokio::spawn(async move { exchange.hold(arrival, Tracer::none()).await });
}

/// Without a list, this machine only.
fn allowed(socket: &AudioSocket, peer: IpAddr) -> bool {
    let peer = peer.to_canonical();
    if socket.allow.is_empty() { peer.is_loopback() } else { socket.allow.iter().any(|net| net.contains(peer)) }
}
