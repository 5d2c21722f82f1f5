//! The UDP socket the stack reads through: the front check sits in front of the parser, and what is sent twice is
//! counted.

use std::collections::HashSet;
use std::hash::{BuildHasher, RandomState};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use rsipstack::platform::net::UdpSocket as StackSocket;
use tokio::net::UdpSocket;

use crate::counters::Meter;
use crate::front::{self, Transport, Verdict};
use crate::guard::Guard;

/// One bound socket.
pub(crate) struct CheckedUdp {
    socket: UdpSocket,
    meter: Arc<Meter>,
    guard: Arc<Guard>,
    sent: Repeats,
}

impl CheckedUdp {
    pub(crate) fn new(socket: UdpSocket, meter: Arc<Meter>, guard: Arc<Guard>) -> CheckedUdp {
        CheckedUdp { socket, meter, guard, sent: Repeats::default() }
    }
}

#[async_trait]
impl StackSocket for CheckedUdp {
    async fn recv_from(&self, buf: &mut [u8]) -> rsipstack::Result<(usize, SocketAddr)> {
        loop {
            let (len, from) = match self.socket.recv_from(buf).await {
                Ok(read) => read,
                // An ICMP error of an earlier datagram; the socket itself is sound.
                Err(_) => {
                    tokio::task::yield_now().await;
                    continue;
                }
            };
            if self.guard.is_banned(from.ip()) {
                Meter::add(&self.meter.ignored);
                continue;
            }
            let message = &buf[..len];
            if message.iter().all(u8::is_ascii_whitespace) {
                return Ok((len, from));
            }
            Meter::add(&self.meter.received);
            match front::check(message, Transport::Udp, from) {
                Verdict::Pass => return Ok((len, from)),
                // Plain forms are hardly longer than what came; the buffer holds the largest datagram.
                Verdict::Tidy(plain) => match buf.get_mut(..plain.len()) {
                    Some(room) => {
                        room.copy_from_slice(&plain);
                        return Ok((plain.len(), from));
                    }
                    None => Meter::add(&self.meter.malformed),
                },
                Verdict::Answer(bytes) => {
                    Meter::add(&self.meter.malformed);
                    // At most a few answers to one address, so that a forged source is not flooded through us.
                    if self.guard.may_answer(from.ip()) {
                        self.socket.send_to(&bytes, from).await.ok();
                    }
                }
                Verdict::Ignore => Meter::add(&self.meter.malformed),
            }
        }
    }

    async fn send_to(&self, buf: &[u8], addr: SocketAddr) -> rsipstack::Result<usize> {
        if buf.len() > 4 {
            Meter::add(&self.meter.sent);
            if self.sent.seen(buf) {
                Meter::add(&self.meter.retransmitted);
            }
        }
        Ok(self.socket.send_to(buf, addr).await?)
    }

    fn local_addr(&self) -> rsipstack::Result<SocketAddr> {
        Ok(self.socket.local_addr()?)
    }
}

/// Remembers what went out within the last one to two transaction lifetimes, as hashes.
#[derive(Default)]
struct Repeats {
    hasher: RandomState,
    seen: Mutex<Generations>,
}

#[derive(Default)]
struct Generations {
    young: HashSet<u64>,
    old: HashSet<u64>,
    turned: Option<Instant>,
}

impl Repeats {
    const LIFE: Duration = Duration::from_secs(32);

    fn seen(&self, message: &[u8]) -> bool {
        let hash = self.hasher.hash_one(message);
        let now = Instant::now();
        let mut all = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if all.turned.is_none_or(|t| now.duration_since(t) > Repeats::LIFE) {
            all.old = std::mem::take(&mut all.young);
            all.turned = Some(now);
        }
        all.old.contains(&hash) || !all.young.insert(hash)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_second_copy_is_a_retransmission() {
        let repeats = Repeats::default();
        assert!(!repeats.seen(b"INVITE 1"));
        assert!(!repeats.seen(b"INVITE 2"));
        assert!(repeats.seen(b"INVITE 1"));
    }
}
