//! One call's sound, both ways, without sockets and without a clock: datagrams and moments in, frames and datagrams out.
//!
//! Moments are counted from the beginning of the stream. What comes from the network is never an error: it is taken, or it
//! is dropped and counted.

mod incoming;
mod keys;

use std::net::SocketAddr;
use std::time::Duration;

use lines::{FRAME_SAMPLES, Quality, Received};

use crate::latch::Latch;
use crate::playout::{Delay, Playout};
use crate::reception::Reception;
use crate::report::Reports;
use crate::rtcp;
use crate::sender::Sender;
use crate::srtp::Srtp;
use crate::{MediaError, Negotiated, mos};
use keys::Keys;

/// How a call's sound is handled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settings {
    /// Listen for keys in the sound itself, for trunks that send them no other way.
    pub inband_digits: bool,
    /// Send where packets come from, not where the SDP says (NAT).
    pub symmetric: bool,
    /// No RTP and no RTCP for so long, and the call is dead. Not while either side is on hold. Zero: never.
    pub silence: Duration,
    /// About how often reports are sent.
    pub reports: Duration,
    /// How much delay there may be.
    pub delay: Delay,
}

impl Default for Settings {
    fn default() -> Self {
        Settings {
            inband_digits: false,
            symmetric: true,
            silence: Duration::from_secs(30),
            reports: Duration::from_secs(5),
            delay: Delay::default(),
        }
    }
}

/// Where numbers of ours begin: at random (RFC 3550, 5.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Origin {
    /// Our number.
    pub ssrc: u32,
    /// The first packet's number.
    pub sequence: u16,
    /// The first sample's time.
    pub timestamp: u32,
    /// Spreads the reports, names us in them.
    pub seed: u64,
    /// Time since 1970 at moment zero.
    pub wall: Duration,
}

/// Which socket a datagram leaves by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// The one of RTP, and of RTCP where both share it.
    Rtp,
    /// The one of RTCP.
    Rtcp,
}

/// One call's sound.
pub struct Stream {
    settings: Settings,
    agreed: Option<Negotiated>,
    latch: Latch,
    srtp: Option<Srtp>,
    /// The sender that is heard.
    source: Option<Source>,
    /// Counts of senders before it.
    past: Counts,
    playout: Playout,
    keys: Keys,
    sender: Sender,
    reports: Reports,
    name: String,
    /// Where their RTCP comes from.
    rtcp_from: Option<SocketAddr>,
    on_hold: bool,
    /// The last sign of life.
    alive: Duration,
    report: Vec<u8>,
}

struct Source {
    reception: Reception,
    last: Duration,
    /// Another number that sends in this one's place.
    rival: Option<(u32, u32)>,
}

#[derive(Default, Clone, Copy)]
struct Counts {
    received: u64,
    expected: u64,
}

impl Stream {
    /// Nothing is agreed yet: silence comes out, nothing goes out.
    pub fn new(settings: Settings, origin: Origin) -> Stream {
        Stream {
            settings,
            agreed: None,
            latch: Latch::new(settings.symmetric),
            srtp: None,
            source: None,
            past: Counts::default(),
            playout: Playout::new(settings.delay),
            keys: Keys::new(settings.inband_digits),
            sender: Sender::new(origin.ssrc, origin.sequence, origin.timestamp),
            reports: Reports::new(settings.reports, origin.wall, origin.seed),
            // RFC 7022: a name of random digits tells nothing of the machine.
            name: format!("{:016x}", origin.seed),
            rtcp_from: None,
            on_hold: false,
            alive: Duration::ZERO,
            report: Vec::new(),
        }
    }

    /// The signalling agreed, for the first time or anew.
    pub fn agree(&mut self, agreed: Negotiated, now: Duration) -> Result<(), MediaError> {
        match &agreed.srtp {
            Some(keys) if self.srtp.as_ref().is_some_and(|srtp| srtp.uses(keys)) => {}
            Some(keys) => self.srtp = Some(Srtp::new(keys)?),
            None => self.srtp = None,
        }
        self.sender.agree(&agreed)?;
        if self.agreed.as_ref().is_some_and(|before| before.remote != agreed.remote) {
            self.rtcp_from = None;
        }
        // An old way to say hold: the address of zeros is none to learn.
        if !agreed.remote.ip().is_unspecified() || self.agreed.is_none() {
            self.latch.agree(agreed.remote);
        }
        self.alive = now;
        self.agreed = Some(agreed);
        Ok(())
    }

    /// We put the other side on hold, or come back to it: its silence is no sign of death then.
    pub fn hold(&mut self, on: bool, now: Duration) {
        self.on_hold = on;
        self.alive = now;
    }

    /// Has the other side put us on hold?
    pub fn held(&self) -> bool {
        self.agreed.as_ref().is_some_and(|agreed| agreed.held)
    }

    /// The next 20 ms from the other side; a report goes out when one is due.
    pub fn receive(&mut self, now: Duration, mut send: impl FnMut(Way, SocketAddr, &[u8])) -> Received {
        if self.agreed.is_some() && self.reports.due(now) {
            self.write_report(now, false, &mut send);
        }
        let mut audio = self.playout.frame(now);
        let listening = self.agreed.as_ref().is_some_and(|agreed| !agreed.held && agreed.direction.receives());
        if !listening {
            audio = [0; FRAME_SAMPLES];
        }
        let digits = self.keys.frame(&audio, now);
        Received { audio, digits }
    }

    /// The next 20 ms to the other side.
    pub fn send(&mut self, frame: &[i16; FRAME_SAMPLES], now: Duration, mut send: impl FnMut(Way, SocketAddr, &[u8])) {
        let Some(agreed) = &self.agreed else { return };
        if !agreed.direction.sends() || agreed.dtls.is_some() {
            return;
        }
        let Some(target) = self.latch.target() else { return };
        let srtp = &mut self.srtp;
        self.sender.frame(frame, now, |packet| {
            if let Some(srtp) = srtp {
                srtp.protect(packet);
            }
            send(Way::Rtp, target, packet);
        });
    }

    /// Presses keys towards the other side.
    pub fn press(&mut self, keys: &str) {
        self.sender.press(keys);
    }

    /// A key that came with the signalling (SIP INFO).
    pub fn told(&mut self, key: char, now: Duration) {
        self.keys.told(key, now);
    }

    /// What waits to be sent is not to be heard.
    pub fn flush(&mut self) {
        self.sender.flush();
    }

    /// Says good-bye to whoever listens to reports.
    pub fn leave(&mut self, now: Duration, mut send: impl FnMut(Way, SocketAddr, &[u8])) {
        if self.agreed.is_some() {
            self.write_report(now, true, &mut send);
        }
    }

    /// Has nothing come for too long?
    pub fn dead(&mut self, now: Duration) -> bool {
        let Some(agreed) = &self.agreed else { return false };
        if self.settings.silence.is_zero() {
            return false;
        }
        if self.on_hold || agreed.held || !agreed.direction.receives() {
            self.alive = now;
        }
        now.saturating_sub(self.alive) > self.settings.silence
    }

    /// How good the line has been.
    pub fn quality(&self) -> Quality {
        let counts = self.counts();
        let discarded = self.playout.heard().discarded;
        let missing = counts.expected.saturating_sub(counts.received.min(counts.expected)) + discarded;
        let share = if counts.expected == 0 { 0.0 } else { missing as f64 / counts.expected as f64 };
        let round_trip_ms = self.reports.round_trip().map(|round_trip| round_trip.as_secs_f64() * 1_000.0);
        let one_way = round_trip_ms.unwrap_or(0.0) / 2.0 + self.playout.delay_ms();
        Quality {
            received: counts.received,
            lost: missing,
            jitter_ms: self.source.as_ref().map_or(0.0, |source| source.reception.jitter_ms()),
            round_trip_ms,
            lost_there: self.reports.lost_there(),
            mos: mos::estimate(one_way, share),
        }
    }

    fn counts(&self) -> Counts {
        let now = self.source.as_ref().map_or(Counts::default(), |source| source.counts());
        Counts { received: self.past.received + now.received, expected: self.past.expected + now.expected }
    }

    fn write_report(&mut self, now: Duration, bye: bool, send: &mut impl FnMut(Way, SocketAddr, &[u8])) {
        let Some((way, target)) = self.rtcp_target() else { return };
        // A sender's report while we sent since the last two intervals.
        let info = self.sender.info(now, 2 * self.settings.reports);
        let block = self.source.as_mut().map(|source| source.reception.report());
        let (info, block) = self.reports.stamp(info, block, now);
        let mut report = std::mem::take(&mut self.report);
        rtcp::write(self.sender.ssrc(), info.as_ref(), block.as_ref(), &self.name, bye, &mut report);
        if let Some(srtp) = &mut self.srtp {
            srtp.protect_report(&mut report);
        }
        send(way, target, &report);
        self.report = report;
    }

    fn rtcp_target(&self) -> Option<(Way, SocketAddr)> {
        let agreed = self.agreed.as_ref().filter(|agreed| agreed.dtls.is_none())?;
        let rtp = self.latch.target()?;
        if agreed.rtcp_mux {
            return Some((Way::Rtp, rtp));
        }
        let target = match self.rtcp_from {
            Some(source) if self.settings.symmetric => source,
            _ if rtp == agreed.remote => agreed.rtcp,
            _ => SocketAddr::new(rtp.ip(), rtp.port().saturating_add(1)),
        };
        (target.port() != 0 && !target.ip().is_unspecified()).then_some((Way::Rtcp, target))
    }
}

impl Source {
    fn counts(&self) -> Counts {
        Counts { received: u64::from(self.reception.received()), expected: u64::from(self.reception.expected()) }
    }
}

#[cfg(test)]
mod tests;
