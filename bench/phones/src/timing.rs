//! What stamps mean: how far each packet left from the moment it was due.
//!
//! A packet is due by its own RTP timestamp; when the call's clock began is not known, so the median of all its packets
//! stands for "on time". A call is late when its packets wander about that, however far from the truth the median lies.

use crate::sink::{Stamp, Stamps};

/// A packet may leave so far from its time, to either side.
pub const ON_TIME_NS: i64 = 5_000_000;
/// Nanoseconds of one step of RTP's clock at 8 kHz.
const STEP_NS: i64 = 125_000;

/// What a measurement saw.
#[derive(Debug, Default, Clone)]
pub struct Timing {
    /// Calls that sent anything.
    pub calls: usize,
    /// Packets seen.
    pub packets: usize,
    /// Packets missing by their numbers.
    pub missing: usize,
    /// Share of packets within 5 ms of their time, all calls together.
    pub on_time: f64,
    /// The same of each call, the worst first.
    pub per_call: Vec<f64>,
    /// How far packets were from their time, milliseconds: median, 99 of 100, the furthest.
    pub off_ms: [f64; 3],
}

/// Judges what came between two moments of the sink's clock.
pub fn judge(stamps: &Stamps, from_ns: i64, to_ns: i64) -> Timing {
    let mut timing = Timing::default();
    let mut off = Vec::new();
    let mut good = 0;
    for call in stamps.values() {
        let call: Vec<Stamp> = call.iter().filter(|stamp| (from_ns..to_ns).contains(&stamp.at_ns)).copied().collect();
        let Some(first) = call.first() else { continue };
        // Relative to the first packet, so that the clock's wrapping does not matter.
        let offset = |stamp: &Stamp| {
            let steps = i64::from(stamp.timestamp.wrapping_sub(first.timestamp).cast_signed());
            stamp.at_ns - first.at_ns - steps * STEP_NS
        };
        let mut offsets: Vec<i64> = call.iter().map(offset).collect();
        offsets.sort_unstable();
        let median = offsets[offsets.len() / 2];
        let late = offsets.iter().map(|offset| (offset - median).abs());
        let on_time = late.clone().filter(|off| *off <= ON_TIME_NS).count();
        off.extend(late);
        good += on_time;
        timing.calls += 1;
        timing.packets += call.len();
        timing.per_call.push(on_time as f64 / call.len() as f64);
        let last = call.last().unwrap_or(first);
        let sent = usize::from(last.sequence.wrapping_sub(first.sequence)) + 1;
        timing.missing += sent.saturating_sub(call.len());
    }
    timing.per_call.sort_by(f64::total_cmp);
    off.sort_unstable();
    timing.on_time = good as f64 / timing.packets.max(1) as f64;
    timing.off_ms = [0.5, 0.99, 1.0].map(|share| at(&off, share).map_or(0.0, |off| off as f64 / 1e6));
    timing
}

/// The smallest value that at least `share` of the sorted values do not exceed (nearest rank).
pub fn at<T: Copy>(sorted: &[T], share: f64) -> Option<T> {
    let rank = (sorted.len() as f64 * share).ceil() as usize;
    sorted.get(rank.saturating_sub(1)).copied()
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, SocketAddrV4};

    use super::*;

    fn call(offs_ms: &[i64], first_timestamp: u32) -> Vec<Stamp> {
        offs_ms
            .iter()
            .enumerate()
            .map(|(index, off)| Stamp {
                at_ns: 7_000_000_000 + index as i64 * 20_000_000 + off * 1_000_000,
                timestamp: first_timestamp.wrapping_add(index as u32 * 160),
                sequence: (index as u16).wrapping_add(65_533),
                loud: true,
            })
            .collect()
    }

    fn address(port: u16) -> SocketAddrV4 {
        SocketAddrV4::new(Ipv4Addr::LOCALHOST, port)
    }

    #[test]
    fn a_late_packet_is_late_and_the_clock_may_wrap() {
        let stamps = Stamps::from([(address(1), call(&[0, 0, 9, 0, 0, -1, 0, 4, 0, 0], u32::MAX - 400))]);
        let timing = judge(&stamps, 0, i64::MAX);
        assert_eq!((timing.calls, timing.packets, timing.missing), (1, 10, 0));
        assert!((timing.on_time - 0.9).abs() < 1e-9, "{timing:?}");
        assert!((timing.off_ms[2] - 9.0).abs() < 1e-9, "{timing:?}");
    }

    #[test]
    fn a_late_first_packet_does_not_make_the_others_early() {
        let stamps = Stamps::from([(address(1), call(&[30, 0, 0, 0, 0, 0, 0, 0, 0, 0], 5))]);
        assert!((judge(&stamps, 0, i64::MAX).on_time - 0.9).abs() < 1e-9);
    }

    #[test]
    fn what_is_missing_is_counted_and_the_worst_call_comes_first() {
        let mut holed = call(&[0, 0, 0, 0], 0);
        holed.remove(2);
        let stamps = Stamps::from([(address(1), holed), (address(2), call(&[0, 50, 0, 0], 0))]);
        let timing = judge(&stamps, 0, i64::MAX);
        assert_eq!(timing.missing, 1);
        assert_eq!(timing.per_call, [0.75, 1.0]);
    }
}
