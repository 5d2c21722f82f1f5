//! Whose packets are the caller's, and where ours go: symmetric RTP (RFC 4961), safe against strangers.
//!
//! Behind NAT the address in the SDP is not the one packets come from, so ours follow theirs. But whoever sends first must
//! not get the call: the address that was agreed is believed at once, another only when it sends several packets in a row,
//! and once somebody is believed, nobody else is unless that one has fallen silent and the new one carries on the same
//! stream, or lives at the same address. Packets that authenticate (SRTP) prove themselves.

use std::net::SocketAddr;
use std::time::Duration;

/// Decides, packet by packet.
#[derive(Debug)]
pub struct Latch {
    symmetric: bool,
    agreed: Option<SocketAddr>,
    locked: Option<Locked>,
    candidate: Option<Candidate>,
    strangers: u64,
}

#[derive(Debug, Clone, Copy)]
struct Locked {
    source: SocketAddr,
    ssrc: u32,
    sequence: u16,
    at: Duration,
}

#[derive(Debug, Clone, Copy)]
struct Candidate {
    source: SocketAddr,
    ssrc: u32,
    sequence: u16,
    packets: u32,
}

/// What a packet shows of its sender.
#[derive(Debug, Clone, Copy)]
pub struct Seen {
    /// Where it came from.
    pub source: SocketAddr,
    /// Its stream.
    pub ssrc: u32,
    /// Its number.
    pub sequence: u16,
    /// When it came.
    pub at: Duration,
    /// It authenticated.
    pub authentic: bool,
}

/// Packets in a row that make a stranger believable.
const PROBATION: u32 = 3;
/// Silence after which a stream may go on from elsewhere.
const MOVED: Duration = Duration::from_millis(200);
/// Silence after which another stream may begin at the same address.
const SILENT: Duration = Duration::from_millis(500);
/// A stream that goes on elsewhere goes on within so many numbers.
const CONTINUES: u16 = 500;

impl Latch {
    /// `symmetric`: may packets come from elsewhere than agreed, and ours follow them?
    pub fn new(symmetric: bool) -> Latch {
        Latch { symmetric, agreed: None, locked: None, candidate: None, strangers: 0 }
    }

    /// The signalling named an address. A new one begins the learning anew.
    pub fn agree(&mut self, remote: SocketAddr) {
        if self.agreed != Some(remote) {
            self.agreed = Some(remote);
            self.locked = None;
            self.candidate = None;
        }
    }

    /// Where packets go.
    pub fn target(&self) -> Option<SocketAddr> {
        let locked = self.locked.filter(|_| self.symmetric).map(|locked| locked.source);
        locked.or(self.agreed).filter(|target| target.port() != 0 && !target.ip().is_unspecified())
    }

    /// Who is believed.
    pub fn locked(&self) -> Option<SocketAddr> {
        self.locked.map(|locked| locked.source)
    }

    /// Packets that were turned away.
    pub fn strangers(&self) -> u64 {
        self.strangers
    }

    /// Is a packet the caller's?
    pub fn take(&mut self, seen: Seen) -> bool {
        let Some(agreed) = self.agreed else { return false };
        if let Some(locked) = &mut self.locked
            && locked.source == seen.source
        {
            (locked.ssrc, locked.sequence, locked.at) = (seen.ssrc, seen.sequence, seen.at);
            return true;
        }
        let home = seen.source.ip() == agreed.ip();
        let believed = match self.locked {
            _ if !self.symmetric => home,
            _ if seen.authentic => true,
            None => home || self.in_a_row(seen) >= PROBATION,
            // The one that was agreed comes after all: whoever was learnt in its place has to go.
            Some(locked) if home && locked.source.ip() != agreed.ip() => true,
            // To the port: at one address there may be several, as where a PBX puts another caller into a call's place.
            Some(_) if seen.source == agreed => true,
            Some(locked) => {
                let silent = seen.at.saturating_sub(locked.at);
                let continues = seen.ssrc == locked.ssrc
                    && (1..CONTINUES).contains(&seen.sequence.wrapping_sub(locked.sequence))
                    && silent >= MOVED;
                let neighbour = seen.source.ip() == locked.source.ip() && silent >= SILENT;
                (continues || neighbour) && self.in_a_row(seen) >= PROBATION
            }
        };
        if believed {
            self.locked = Some(Locked { source: seen.source, ssrc: seen.ssrc, sequence: seen.sequence, at: seen.at });
            self.candidate = None;
        } else {
            self.strangers += 1;
        }
        believed
    }

    /// How many packets of one stream followed each other, from one stranger.
    fn in_a_row(&mut self, seen: Seen) -> u32 {
        let packets = match self.candidate {
            Some(before)
                if before.source == seen.source
                    && before.ssrc == seen.ssrc
                    && seen.sequence == before.sequence.wrapping_add(1) =>
            {
                before.packets + 1
            }
            _ => 1,
        };
        self.candidate = Some(Candidate { source: seen.source, ssrc: seen.ssrc, sequence: seen.sequence, packets });
        packets
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const AGREED: &str = "192.0.2.1:4000";
    const NAT: &str = "198.51.100.7:61000";
    const THIEF: &str = "203.0.113.66:5004";

    fn seen(source: &str, ssrc: u32, sequence: u16, ms: u64) -> Seen {
        Seen {
            source: source.parse().expect("an address"),
            ssrc,
            sequence,
            at: Duration::from_millis(ms),
            authentic: false,
        }
    }

    fn latch() -> Latch {
        let mut latch = Latch::new(true);
        latch.agree(AGREED.parse().expect("an address"));
        latch
    }

    fn target(latch: &Latch) -> String {
        latch.target().map(|target| target.to_string()).unwrap_or_default()
    }

    #[test]
    fn ours_follow_theirs_through_nat() {
        let mut latch = latch();
        assert_eq!(target(&latch), AGREED);
        let taken = (0..4).map(|n| latch.take(seen(NAT, 1, n, 20 * u64::from(n)))).collect::<Vec<_>>();
        assert_eq!(taken, [false, false, true, true]);
        assert_eq!(target(&latch), NAT);
    }

    #[test]
    fn the_agreed_address_needs_no_proof_and_another_port_of_it_neither() {
        let mut latch = latch();
        assert!(latch.take(seen("192.0.2.1:4711", 1, 0, 0)));
        assert_eq!(target(&latch), "192.0.2.1:4711");
    }

    #[test]
    fn a_stranger_gets_nothing_while_the_caller_speaks() {
        let mut latch = latch();
        assert!(latch.take(seen(AGREED, 1, 0, 0)));
        for n in 1..200u16 {
            assert!(latch.take(seen(AGREED, 1, n, 20 * u64::from(n))));
            // Even with the caller's own numbers.
            assert!(!latch.take(seen(THIEF, 1, n + 1, 20 * u64::from(n) + 5)));
        }
        // And not by waiting, unless it knows the stream.
        for n in 0..50 {
            assert!(!latch.take(seen(THIEF, 99, n, 10_000 + 20 * u64::from(n))));
        }
        assert_eq!(target(&latch), AGREED);
        assert_eq!(latch.strangers(), 249);
    }

    #[test]
    fn a_stream_may_go_on_from_another_port_or_address() {
        let mut latch = latch();
        for n in 0..4 {
            latch.take(seen(NAT, 7, n, 20 * u64::from(n)));
        }
        let moved = "198.51.100.7:61999";
        let taken: Vec<bool> = (0..6).map(|n| latch.take(seen(moved, 7, 20 + n, 500 + 20 * u64::from(n)))).collect();
        assert_eq!(taken, [false, false, true, true, true, true]);
        let elsewhere = "198.51.100.99:1234";
        let taken: Vec<bool> =
            (0..4).map(|n| latch.take(seen(elsewhere, 7, 40 + n, 1_000 + 20 * u64::from(n)))).collect();
        assert_eq!(taken, [false, false, true, true]);
    }

    #[test]
    fn the_agreed_one_displaces_who_was_learnt() {
        let mut latch = latch();
        for n in 0..4 {
            latch.take(seen(THIEF, 7, n, 20 * u64::from(n)));
        }
        assert_eq!(target(&latch), THIEF);
        assert!(latch.take(seen(AGREED, 1, 0, 100)));
        assert_eq!(target(&latch), AGREED);
        assert!(!latch.take(seen(THIEF, 7, 9, 120)));
    }

    #[test]
    fn at_one_address_the_port_that_was_agreed_is_believed_before_the_one_that_still_sends() {
        let (old, new) = ("192.0.2.1:4000", "192.0.2.1:4010");
        let mut latch = latch();
        assert!(latch.take(seen(old, 1, 0, 0)));
        latch.agree(new.parse().expect("an address"));
        // The old one does not know yet.
        assert!(latch.take(seen(old, 1, 1, 20)));
        assert!(latch.take(seen(new, 2, 0, 25)));
        assert_eq!(target(&latch), new);
        for n in 2..20 {
            assert!(!latch.take(seen(old, 1, n, 20 * u64::from(n))));
            assert!(latch.take(seen(new, 2, n, 20 * u64::from(n) + 5)));
        }
        assert_eq!(target(&latch), new);
    }

    #[test]
    fn a_new_agreement_begins_anew_and_the_same_does_not() {
        let mut latch = latch();
        for n in 0..4 {
            latch.take(seen(NAT, 7, n, 20 * u64::from(n)));
        }
        latch.agree(AGREED.parse().expect("an address"));
        assert_eq!(target(&latch), NAT);
        latch.agree("192.0.2.50:9000".parse().expect("an address"));
        assert_eq!(target(&latch), "192.0.2.50:9000");
    }

    #[test]
    fn who_authenticates_is_believed() {
        let mut latch = latch();
        assert!(latch.take(seen(AGREED, 1, 0, 0)));
        assert!(latch.take(Seen { authentic: true, ..seen(NAT, 1, 1, 20) }));
        assert_eq!(target(&latch), NAT);
    }

    #[test]
    fn without_symmetry_the_agreement_is_all() {
        let mut latch = Latch::new(false);
        latch.agree(AGREED.parse().expect("an address"));
        (0..9).for_each(|n| assert!(!latch.take(seen(NAT, 7, n, 20 * u64::from(n)))));
        assert!(latch.take(seen("192.0.2.1:9", 7, 0, 0)));
        assert_eq!(target(&latch), AGREED);
        latch.agree("0.0.0.0:4000".parse().expect("an address"));
        assert_eq!(latch.target(), None, "an old way to say hold");
    }
}
