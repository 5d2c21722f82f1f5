//! Strangers: known scanners get no word, an address that keeps guessing is ignored for a while, and answers to
//! unproven addresses are few, so that nobody can be flooded through us.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Answers an unproven address may draw in a burst, and how fast the allowance refills.
const BURST: f64 = 8.0;
const PER_SECOND: f64 = 0.5;
/// So many wrong passwords, and the address is ignored for this long.
const GUESSES: u32 = 10;
const BAN: Duration = Duration::from_secs(300);
/// Addresses remembered at most; the oldest are forgotten.
const ADDRESSES: usize = 4096;

/// Names scanners announce themselves with.
const SCANNERS: [&str; 12] = [
    "friendly-scanner",
    "friendly-request",
    "sipvicious",
    "sipcli",
    "sip-scan",
    "sipsak",
    "sundayddr",
    "pplsip",
    "vaxsipuseragent",
    "iwar",
    "smap",
    "eyebeam release 3004t",
];

/// Whether this User-Agent is one of the well-known scanners.
pub(crate) fn is_scanner(user_agent: &str) -> bool {
    let name = user_agent.to_ascii_lowercase();
    SCANNERS.iter().any(|s| name.contains(s))
}

/// What is remembered of addresses that have not proven themselves.
#[derive(Default)]
pub(crate) struct Guard {
    addresses: Mutex<HashMap<IpAddr, Stranger>>,
}

struct Stranger {
    allowance: f64,
    seen: Instant,
    wrong: u32,
    banned_until: Option<Instant>,
}

impl Guard {
    /// Takes one answer from the address's allowance.
    pub(crate) fn may_answer(&self, address: IpAddr) -> bool {
        self.with(address, Instant::now(), |s| {
            let may = s.allowance >= 1.0;
            if may {
                s.allowance -= 1.0;
            }
            may
        })
    }

    /// Whether everything from there is to be ignored.
    pub(crate) fn is_banned(&self, address: IpAddr) -> bool {
        let mut all = self.addresses.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(stranger) = all.get_mut(&address) else { return false };
        match stranger.banned_until {
            Some(until) if Instant::now() < until => true,
            Some(_) => {
                all.remove(&address);
                false
            }
            None => false,
        }
    }

    /// A wrong password came from there. Says whether the address is banned now.
    pub(crate) fn wrong_password(&self, address: IpAddr) -> bool {
        let now = Instant::now();
        self.with(address, now, |s| {
            s.wrong += 1;
            if s.wrong >= GUESSES {
                s.banned_until = Some(now + BAN);
            }
            s.banned_until.is_some()
        })
    }

    /// Somebody there knows a password: forget the misses of a mistyped one.
    pub(crate) fn proven(&self, address: IpAddr) {
        self.addresses.lock().unwrap_or_else(PoisonError::into_inner).remove(&address);
    }

    fn with<T>(&self, address: IpAddr, now: Instant, act: impl FnOnce(&mut Stranger) -> T) -> T {
        let mut all = self.addresses.lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() >= ADDRESSES && !all.contains_key(&address) {
            let oldest = all.iter().min_by_key(|(_, s)| s.seen).map(|(a, _)| *a);
            oldest.and_then(|a| all.remove(&a));
        }
        let fresh = || Stranger { allowance: BURST, seen: now, wrong: 0, banned_until: None };
        let stranger = all.entry(address).or_insert_with(fresh);
        let rest = now.duration_since(stranger.seen).as_secs_f64();
        stranger.allowance = (stranger.allowance + rest * PER_SECOND).min(BURST);
        stranger.seen = now;
        act(stranger)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scanners_are_known_by_name() {
        assert!(is_scanner("friendly-scanner") && is_scanner("SIPVicious/0.3"));
        assert!(!is_scanner("baresip v1.0.0") && !is_scanner("Asterisk PBX 22.10.1"));
    }

    #[test]
    fn an_address_draws_only_so_many_answers() {
        let (guard, address) = (Guard::default(), "203.0.113.7".parse().unwrap());
        let now = Instant::now();
        let take = |at| guard.with(address, at, |s| std::mem::replace(&mut s.allowance, 0.0));
        assert_eq!(take(now), BURST);
        assert_eq!(take(now + Duration::from_secs(4)), 4.0 * PER_SECOND);
        assert_eq!(take(now + Duration::from_secs(4000)), BURST);
    }

    #[test]
    fn guessing_is_banned_and_a_right_password_forgives() {
        let (guard, address) = (Guard::default(), "203.0.113.8".parse().unwrap());
        assert!((1..GUESSES).all(|_| !guard.wrong_password(address)));
        guard.proven(address);
        assert!((1..GUESSES).all(|_| !guard.wrong_password(address)));
        assert!(guard.wrong_password(address) && guard.is_banned(address));
        assert!(!guard.is_banned("203.0.113.9".parse().unwrap()));
    }

    #[test]
    fn memory_is_bounded() {
        let guard = Guard::default();
        for n in 0..(ADDRESSES as u32 + 100) {
            guard.may_answer(IpAddr::from(n.to_be_bytes()));
        }
        assert_eq!(guard.addresses.lock().unwrap().len(), ADDRESSES);
    }
}
