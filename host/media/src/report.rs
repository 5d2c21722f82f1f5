//! When reports are sent, and what theirs tell (RFC 3550, 6.2 to 6.4).

use std::time::Duration;

use crate::rtcp::{Block, Packet, SenderInfo};

/// The exchange of reports.
#[derive(Debug)]
pub struct Reports {
    interval: Duration,
    /// The wall clock at moment zero, since 1970.
    wall: Duration,
    due: Option<Duration>,
    /// Theirs: the middle of its NTP time, and when it came.
    heard: Option<(u32, Duration)>,
    round_trip: Option<Duration>,
    lost_there: Option<f64>,
    seed: u64,
}

/// Randomised intervals come out shorter by this on average, which RFC 3550 makes up for (6.3.1): e − 3/2.
const COMPENSATION: f64 = 1.218_281_828;
/// No two reports are closer than this, whatever the setting says.
const LEAST: Duration = Duration::from_millis(500);
/// 1900 to 1970.
const NTP_EPOCH: u64 = 2_208_988_800;

impl Reports {
    /// Reports about every `interval`, beginning at half of it; `wall` is the time since 1970 at moment zero.
    pub fn new(interval: Duration, wall: Duration, seed: u64) -> Reports {
        Reports {
            interval: interval.max(LEAST),
            wall,
            due: None,
            heard: None,
            round_trip: None,
            lost_there: None,
            seed: seed | 1,
        }
    }

    /// Is a report due? Then the next one is set.
    pub fn due(&mut self, now: Duration) -> bool {
        let Some(due) = self.due else {
            let first = self.interval.div_f64(2.0);
            self.due = Some(now + self.spread(first));
            return false;
        };
        if now < due {
            return false;
        }
        self.due = Some(now + self.spread(self.interval));
        true
    }

    /// Takes what came in a report; `ours` is our number.
    pub fn take(&mut self, packet: &Packet, ours: u32, at: Duration) {
        let blocks = match packet {
            Packet::SenderReport { info, blocks, .. } => {
                self.heard = Some(((info.ntp >> 16) as u32, at));
                blocks
            }
            Packet::ReceiverReport { blocks, .. } => blocks,
            Packet::Bye { .. } | Packet::Other { .. } => return,
        };
        let Some(block) = blocks.iter().find(|block| block.ssrc == ours) else { return };
        let lost = f64::from(block.fraction_lost) / 256.0;
        // A report tells of its interval alone: the average of the call is what a listener would judge by.
        self.lost_there = Some(self.lost_there.map_or(lost, |before| before + (lost - before) / 4.0));
        if block.last_report != 0 {
            let passed = middle(self.ntp(at)).wrapping_sub(block.last_report).wrapping_sub(block.since_report) as i32;
            // Clocks of reports are coarse: a little below nothing is nothing.
            if (-6_554..65_536 * 30).contains(&passed) {
                self.round_trip = Some(Duration::from_secs_f64(f64::from(passed.max(0)) / 65_536.0));
            }
        }
    }

    /// Completes a block and a sender's counts with the times of a report that is sent now.
    pub fn stamp(
        &self,
        info: Option<SenderInfo>,
        block: Option<Block>,
        now: Duration,
    ) -> (Option<SenderInfo>, Option<Block>) {
        let info = info.map(|info| SenderInfo { ntp: self.ntp(now), ..info });
        let block = block.map(|block| match self.heard {
            Some((last_report, at)) => {
                let since_report = (now.saturating_sub(at).as_secs_f64() * 65_536.0) as u32;
                Block { last_report, since_report, ..block }
            }
            None => block,
        });
        (info, block)
    }

    /// To the other side and back, without the time it takes there.
    pub fn round_trip(&self) -> Option<Duration> {
        self.round_trip
    }

    /// Share of our packets the other side missed lately.
    pub fn lost_there(&self) -> Option<f64> {
        self.lost_there
    }

    fn ntp(&self, now: Duration) -> u64 {
        let wall = self.wall + now;
        let fraction = (u64::from(wall.subsec_nanos()) << 32) / 1_000_000_000;
        (wall.as_secs() + NTP_EPOCH) << 32 | fraction
    }

    /// Between half and one and a half of an interval, so that reports of many calls never come together.
    fn spread(&mut self, interval: Duration) -> Duration {
        self.seed ^= self.seed << 13;
        self.seed ^= self.seed >> 7;
        self.seed ^= self.seed << 17;
        let random = (self.seed >> 11) as f64 / (1u64 << 53) as f64;
        interval.mul_f64((0.5 + random) / COMPENSATION)
    }
}

fn middle(ntp: u64) -> u32 {
    (ntp >> 16) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    fn s(seconds: f64) -> Duration {
        Duration::from_secs_f64(seconds)
    }

    /// RFC 3550, figure 2: a round trip of 6.125 s.
    #[test]
    fn the_published_round_trip() {
        let mut reports = Reports::new(s(5.0), Duration::ZERO, 1);
        // The report comes at 0xb710:8000 of the NTP time's middle.
        let wall = Duration::new(0xb710, 500_000_000) + Duration::from_secs((1 << 32) - NTP_EPOCH);
        let block = Block { ssrc: 7, last_report: 0xb705_2000, since_report: 0x0005_4000, ..Block::default() };
        reports.take(&Packet::ReceiverReport { ssrc: 1, blocks: vec![block] }, 7, wall);
        assert_eq!(reports.round_trip(), Some(s(6.125)));
    }

    #[test]
    fn two_ends_measure_the_way_between_them() {
        let (mut here, mut there) = (Reports::new(s(5.0), s(1e9), 1), Reports::new(s(5.0), s(2e9), 2));
        let (info, _) = here.stamp(Some(SenderInfo::default()), None, s(1.0));
        let report = Packet::SenderReport { ssrc: 1, info: info.expect("a sender"), blocks: Vec::new() };
        there.take(&report, 2, s(1.03));
        let (_, block) = there.stamp(None, Some(Block { ssrc: 1, fraction_lost: 64, ..Block::default() }), s(3.0));
        let report = Packet::ReceiverReport { ssrc: 2, blocks: vec![block.expect("a block")] };
        here.take(&report, 1, s(3.05));
        let round_trip = here.round_trip().expect("a round trip").as_secs_f64();
        assert!((round_trip - 0.08).abs() < 0.001, "{round_trip}");
        assert_eq!(here.lost_there(), Some(0.25));
    }

    #[test]
    fn reports_are_spread_around_the_interval() {
        let mut reports = Reports::new(s(5.0), Duration::ZERO, 99);
        let times: Vec<f64> =
            (0..100_000u32).filter(|&n| reports.due(s(f64::from(n) / 50.0))).map(|n| f64::from(n) / 50.0).collect();
        assert!(times[0] <= 3.1, "{}", times[0]);
        let gaps: Vec<f64> = times.windows(2).map(|pair| pair[1] - pair[0]).collect();
        let (shortest, longest) = (gaps.iter().copied().fold(9.0, f64::min), gaps.iter().copied().fold(0.0, f64::max));
        assert!(shortest > 2.0 && shortest < 2.3 && longest > 5.8 && longest < 6.2, "{shortest} {longest}");
        let mean = gaps.iter().sum::<f64>() / gaps.len() as f64;
        assert!((mean - 5.0 / COMPENSATION).abs() < 0.2, "{mean}");
    }
}
