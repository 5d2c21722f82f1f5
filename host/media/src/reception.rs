//! What of the other side's packets arrived, as RFC 3550 counts it (appendices A.1, A.3, A.8).

use std::time::Duration;

use crate::rtcp::Block;

/// Counts one sender's packets.
#[derive(Debug, Clone)]
pub struct Reception {
    ssrc: u32,
    clock: u32,
    base: u32,
    /// Highest sequence number, with its rounds above.
    highest: u32,
    received: u32,
    /// At the last report.
    expected_before: u32,
    received_before: u32,
    /// Ticks, times sixteen.
    jitter: f64,
    last: Option<(Duration, u32)>,
    /// A number that would follow a jump, if the next packet has it.
    after_jump: Option<u16>,
}

/// Further ahead than this is no loss but a jump: a sender that began anew.
const DROPOUT: u16 = 3_000;
/// Further back than this is no late packet.
const MISORDER: u16 = 100;

impl Reception {
    /// Begins with a sender's first packet.
    pub fn new(ssrc: u32, clock: u32, sequence: u16) -> Reception {
        Reception {
            ssrc,
            clock: clock.max(1),
            base: u32::from(sequence),
            highest: u32::from(sequence),
            received: 0,
            expected_before: 0,
            received_before: 0,
            jitter: 0.0,
            last: None,
            after_jump: None,
        }
    }

    /// Who is counted.
    pub fn ssrc(&self) -> u32 {
        self.ssrc
    }

    /// Takes a packet that came at a moment. `sound` is false for packets whose timestamp stands still (telephone events),
    /// which say nothing about jitter.
    pub fn packet(&mut self, sequence: u16, timestamp: u32, clock: u32, sound: bool, at: Duration) {
        let ahead = sequence.wrapping_sub(self.highest as u16);
        if ahead < DROPOUT {
            let rounds = self.highest & 0xffff_0000;
            let wrapped = if sequence < self.highest as u16 { 0x1_0000 } else { 0 };
            self.highest = (rounds | u32::from(sequence)).wrapping_add(wrapped);
            self.after_jump = None;
        } else if ahead < 0u16.wrapping_sub(MISORDER) {
            if self.after_jump != Some(sequence) {
                self.after_jump = Some(sequence.wrapping_add(1));
                return;
            }
            // Two in a row: it did begin anew. What was counted stays counted; the numbers go on from here.
            let expected = self.expected();
            self.highest = u32::from(sequence);
            self.base = self.highest.wrapping_sub(expected);
            self.after_jump = None;
            self.last = None;
        }
        self.received = self.received.wrapping_add(1);
        if self.clock != clock.max(1) {
            self.jitter *= f64::from(clock.max(1)) / f64::from(self.clock);
            self.clock = clock.max(1);
            self.last = None;
        }
        if !sound {
            return;
        }
        if let Some((before, stamp)) = self.last {
            let passed = at.as_secs_f64() - before.as_secs_f64();
            let meant = f64::from(timestamp.wrapping_sub(stamp) as i32) / f64::from(self.clock);
            let difference = (passed - meant).abs() * f64::from(self.clock);
            // A pause, or a jump of the clock: not the network's doing.
            if difference < f64::from(self.clock) {
                self.jitter += (difference - self.jitter) / 16.0;
            }
        }
        self.last = Some((at, timestamp));
    }

    /// Packets that arrived, duplicates among them.
    pub fn received(&self) -> u32 {
        self.received
    }

    /// Packets that should have arrived.
    pub fn expected(&self) -> u32 {
        self.highest.wrapping_sub(self.base).wrapping_add(1)
    }

    /// Interarrival jitter, milliseconds.
    pub fn jitter_ms(&self) -> f64 {
        self.jitter * 1_000.0 / f64::from(self.clock)
    }

    /// The block of a report, and the beginning of the next interval. Times of the last sender report are the caller's.
    pub fn report(&mut self) -> Block {
        let expected = self.expected();
        let lost = i64::from(expected) - i64::from(self.received);
        let due = expected.wrapping_sub(self.expected_before);
        let came = self.received.wrapping_sub(self.received_before);
        (self.expected_before, self.received_before) = (expected, self.received);
        let missing = i64::from(due) - i64::from(came);
        let fraction = if due == 0 || missing <= 0 { 0 } else { ((missing << 8) / i64::from(due)).min(255) as u8 };
        Block {
            ssrc: self.ssrc,
            fraction_lost: fraction,
            lost: lost.clamp(-0x80_0000, 0x7f_ffff) as i32,
            highest: self.highest,
            jitter: self.jitter as u32,
            last_report: 0,
            since_report: 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    fn run(packets: impl IntoIterator<Item = (u16, u64)>) -> Reception {
        let mut packets = packets.into_iter().peekable();
        let first = packets.peek().map_or(0, |packet| packet.0);
        let mut reception = Reception::new(9, 8_000, first);
        for (sequence, at) in packets {
            reception.packet(sequence, u32::from(sequence.wrapping_sub(first)) * 160, 8_000, true, ms(at));
        }
        reception
    }

    #[test]
    fn losses_are_counted_over_a_wrap() {
        let mut reception =
            run((0..200u64).filter(|n| n % 10 != 5).map(|n| (65_500u64.wrapping_add(n) as u16, 20 * n)));
        assert_eq!((reception.expected(), reception.received()), (200, 180));
        let block = reception.report();
        assert_eq!((block.fraction_lost, block.lost), (25, 20), "a tenth, in 256ths");
        assert_eq!(block.highest, 0x1_0000 + 163);
        assert_eq!(reception.report().fraction_lost, 0, "nothing was due since");
    }

    #[test]
    fn jitter_is_that_of_the_formula() {
        // Every second packet comes 8 ms late: |D| is 8 ms always, and J tends to it.
        let reception = run((0..500u64).map(|n| (n as u16, 20 * n + if n % 2 == 1 { 8 } else { 0 })));
        assert!((reception.jitter_ms() - 8.0).abs() < 0.01, "{}", reception.jitter_ms());
        assert!(run((0..500u64).map(|n| (n as u16, 20 * n))).jitter_ms() < 1e-6);
    }

    #[test]
    fn a_sender_that_begins_anew_is_no_loss() {
        let packets =
            (0..50u64).map(|n| (n as u16, 20 * n)).chain((0..50u64).map(|n| ((30_000 + n) as u16, 1_000 + 20 * n)));
        let reception = run(packets);
        // The packet that announced the jump is believed only with the second, and not counted.
        assert_eq!(reception.received(), 99);
        assert!(reception.expected() - reception.received() <= 1, "{}", reception.expected());
    }

    proptest! {
        #[test]
        fn any_numbers_are_taken(packets in prop::collection::vec((any::<u16>(), any::<u32>(), 0u64..100_000), 0..200)) {
            let mut reception = Reception::new(1, 8_000, 0);
            for (sequence, timestamp, at) in packets {
                reception.packet(sequence, timestamp, 8_000, true, ms(at));
                reception.report();
                prop_assert!(reception.jitter_ms() >= 0.0);
            }
        }
    }
}
