//! How many visitors there are, and how many one address may be.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::calls::Kind;
use super::settings::VisitLimits;

const MINUTE: Duration = Duration::from_secs(60);
/// Addresses that are remembered; beyond it those who did nothing for a minute are forgotten.
const MOST_ADDRESSES: usize = 10_000;

/// Counts visitors.
#[derive(Debug)]
pub(super) struct Limits {
    pub(super) shipped: VisitLimits,
    calls: Arc<Semaphore>,
    media: Arc<Semaphore>,
    chats: Arc<Semaphore>,
    addresses: Arc<Mutex<HashMap<IpAddr, Address>>>,
    going_on: Arc<AtomicUsize>,
}

#[derive(Debug)]
struct Address {
    going_on: usize,
    began: u32,
    since: Instant,
}

/// Why a visitor is not let in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refused {
    /// There is no room for anybody.
    Full,
    /// This address has had its share.
    TooMany,
}

/// A visitor's place; given back when dropped.
#[derive(Debug)]
pub(super) struct Place {
    _permit: OwnedSemaphorePermit,
    address: Option<IpAddr>,
    addresses: Arc<Mutex<HashMap<IpAddr, Address>>>,
    going_on: Arc<AtomicUsize>,
}

impl Limits {
    pub(super) fn new(shipped: VisitLimits) -> Limits {
        Limits {
            calls: Arc::new(Semaphore::new(shipped.calls)),
            media: Arc::new(Semaphore::new(shipped.media)),
            chats: Arc::new(Semaphore::new(shipped.chats)),
            addresses: Arc::default(),
            going_on: Arc::default(),
            shipped,
        }
    }

    pub(super) fn going_on(&self) -> usize {
        self.going_on.load(Ordering::Relaxed)
    }

    /// A place for one more conversation. A provider or a PBX has one address for all its callers, so theirs does not count.
    pub(super) fn enter(&self, kind: Kind, address: Option<IpAddr>, now: Instant) -> Result<Place, Refused> {
        let (room, address) = match kind {
            Kind::Browser => (&self.calls, address),
            Kind::Chat => (&self.chats, address),
            Kind::Asterisk | Kind::Twilio => (&self.media, None),
        };
        let permit = Arc::clone(room).try_acquire_owned().map_err(|_| Refused::Full)?;
        let address = address.map(household);
        if let Some(address) = address {
            let mut addresses = self.addresses.lock().unwrap_or_else(PoisonError::into_inner);
            if addresses.len() >= MOST_ADDRESSES {
                addresses.retain(|_, known| known.going_on > 0 || now.duration_since(known.since) < MINUTE);
                if addresses.len() >= MOST_ADDRESSES {
                    return Err(Refused::Full);
                }
            }
            let known = addresses.entry(address).or_insert(Address { going_on: 0, began: 0, since: now });
            if now.duration_since(known.since) >= MINUTE {
                (known.began, known.since) = (0, now);
            }
            if known.going_on >= self.shipped.per_address || known.began >= self.shipped.per_minute {
                return Err(Refused::TooMany);
            }
            known.going_on += 1;
            known.began += 1;
        }
        self.going_on.fetch_add(1, Ordering::Relaxed);
        let (addresses, going_on) = (Arc::clone(&self.addresses), Arc::clone(&self.going_on));
        Ok(Place { _permit: permit, address, addresses, going_on })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.going_on.fetch_sub(1, Ordering::Relaxed);
        if let Some(address) = self.address {
            let mut addresses = self.addresses.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(known) = addresses.get_mut(&address) {
                known.going_on = known.going_on.saturating_sub(1);
            }
        }
    }
}

/// One visitor has a whole network of IPv6, so its first half counts.
fn household(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => {
            let [a, b, c, d, ..] = v6.segments();
            Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0).into()
        }
        v4 => v4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limits() -> Limits {
        Limits::new(VisitLimits {
            calls: 3,
            chats: 3,
            media: 2,
            per_address: 2,
            per_minute: 3,
            ..VisitLimits::default()
        })
    }

    #[test]
    fn one_address_cannot_take_every_place() {
        let (limits, now) = (limits(), Instant::now());
        let enter = |address: &str, at| limits.enter(Kind::Browser, Some(address.parse().unwrap()), at);
        let first = enter("192.0.2.1", now).unwrap();
        let _second = enter("::ffff:192.0.2.1", now).unwrap();
        assert_eq!(enter("192.0.2.1", now).unwrap_err(), Refused::TooMany);
        let _other = enter("192.0.2.2", now).unwrap();
        assert_eq!(enter("192.0.2.3", now).unwrap_err(), Refused::Full);
        assert_eq!(limits.going_on(), 3);
        drop(first);
        let third = enter("192.0.2.1", now).unwrap();
        drop(third);
        assert_eq!(enter("192.0.2.1", now).unwrap_err(), Refused::TooMany, "three in a minute");
        assert!(enter("192.0.2.1", now + MINUTE).is_ok());
    }

    #[test]
    fn a_network_of_ipv6_is_one_visitor_and_a_provider_is_many() {
        let (limits, now) = (limits(), Instant::now());
        let enter = |kind, address: &str| limits.enter(kind, Some(address.parse().unwrap()), now);
        let _chats = [enter(Kind::Chat, "2001:db8::1").unwrap(), enter(Kind::Chat, "2001:db8::2").unwrap()];
        assert_eq!(enter(Kind::Chat, "2001:db8::3").unwrap_err(), Refused::TooMany);
        let _media = [enter(Kind::Twilio, "192.0.2.9").unwrap(), enter(Kind::Asterisk, "192.0.2.9").unwrap()];
        assert_eq!(enter(Kind::Twilio, "192.0.2.9").unwrap_err(), Refused::Full);
    }
}
