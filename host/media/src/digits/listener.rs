//! Events that come in: repeated, reordered, cut short, and each of them one key.

use std::time::Duration;

use super::{blocks, key};
use crate::rtp::Packet;

/// Hears each key once, at its beginning: what a caller waits for after pressing should not wait for them to let go.
///
/// A key is known by sender, timestamp and event (RFC 4733, 2.5.1.2): every packet with the same three is a repetition.
/// Senders that replay a recorded press (sipp's packaged captures) give the same three again; that is a new press when the
/// last one ended, a pause followed, and the new packet is no repetition of an end.
#[derive(Debug, Default)]
pub struct Listener {
    current: Option<Current>,
    /// The key before: packets of it may still come.
    before: Option<(u32, u32, u8)>,
}

#[derive(Debug)]
struct Current {
    ssrc: u32,
    timestamp: u32,
    event: u8,
    duration: u16,
    ended: bool,
    at: Duration,
}

/// No packet for so long, and a key counts as let go even if every packet of its end was lost. Asterisk waits as long.
const LOST_END: Duration = Duration::from_millis(150);
/// Packets of one end are this close; whatever repeats a press begins later.
const PAUSE: Duration = Duration::from_millis(60);

impl Listener {
    /// Takes a packet of events that came at a moment; `press` is told each new key.
    pub fn hear(&mut self, packet: &Packet<'_>, at: Duration, mut press: impl FnMut(char)) {
        let mut timestamp = packet.timestamp;
        for block in blocks(packet.payload) {
            let began = timestamp;
            // Events in one packet follow each other without a gap.
            timestamp = timestamp.wrapping_add(u32::from(block.duration));
            // A duration of nothing is a beginning that some announce; the key itself comes with the next packet.
            let Some(pressed) = key(block.event).filter(|_| block.duration > 0) else { continue };
            match &mut self.current {
                Some(current) if current.is(packet.ssrc, began, block.event) => {
                    let again = current.ended && !block.end && at >= current.at + PAUSE
                        || !block.end && at >= current.at + LOST_END && block.duration < current.duration;
                    if again {
                        press(pressed);
                    }
                    if again || block.duration >= current.duration || block.end {
                        (current.duration, current.ended, current.at) = (block.duration, block.end, at);
                    }
                    continue;
                }
                // Came late, after the next key had begun.
                Some(current)
                    if self.before == Some((packet.ssrc, began, block.event)) && at < current.at + LOST_END =>
                {
                    continue;
                }
                // A very long press is told in segments, each beginning where the last one ended (2.5.1.3).
                Some(current)
                    if current.ssrc == packet.ssrc
                        && current.event == block.event
                        && !current.ended
                        && current.duration >= LONG
                        && began == current.timestamp.wrapping_add(u32::from(current.duration)) => {}
                _ => press(pressed),
            }
            self.before = self.current.as_ref().map(|current| (current.ssrc, current.timestamp, current.event));
            self.current = Some(Current {
                ssrc: packet.ssrc,
                timestamp: began,
                event: block.event,
                duration: block.duration,
                ended: block.end,
                at,
            });
        }
    }

    /// Is a key held down at this moment? Its tone is not the caller's voice.
    pub fn held_down(&self, now: Duration) -> bool {
        self.current.as_ref().is_some_and(|current| !current.ended && now < current.at + LOST_END)
    }
}

/// From here on a duration may be the last that fits.
const LONG: u16 = 0xf000;

impl Current {
    fn is(&self, ssrc: u32, timestamp: u32, event: u8) -> bool {
        self.ssrc == ssrc && self.timestamp == timestamp && self.event == event
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::digits::{Block, Dialler, Press};

    fn packet(timestamp: u32, payload: &[u8]) -> Packet<'_> {
        Packet { marker: false, payload_type: 101, sequence: 0, timestamp, ssrc: 1, payload }
    }

    fn block(event: u8, end: bool, duration: u16) -> [u8; 4] {
        Block { event, end, volume: 10, duration }.write()
    }

    fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    fn heard(packets: &[(u64, u32, [u8; 4])]) -> String {
        let mut keys = String::new();
        let mut listener = Listener::default();
        for (at, timestamp, payload) in packets {
            listener.hear(&packet(*timestamp, payload), ms(*at), |key| keys.push(key));
        }
        keys
    }

    #[test]
    fn a_key_and_its_repetitions_are_one_key() {
        let press = [(0, 9, block(5, false, 160)), (20, 9, block(5, false, 320)), (40, 9, block(5, true, 480))];
        let mut packets = press.to_vec();
        packets.extend([press[2], press[2], press[1]]);
        assert_eq!(heard(&packets), "5");
    }

    #[test]
    fn the_same_key_twice_is_two() {
        assert_eq!(heard(&[(0, 9, block(5, true, 400)), (200, 2_000, block(5, false, 160))]), "55");
        // Every packet of the first one's end was lost.
        assert_eq!(heard(&[(0, 9, block(5, false, 160)), (200, 2_000, block(5, false, 160))]), "55");
    }

    #[test]
    fn only_the_end_arrives() {
        let end = block(11, true, 800);
        assert_eq!(heard(&[(0, 9, end), (20, 9, end), (90, 9, end)]), "#");
    }

    #[test]
    fn a_recorded_press_that_is_replayed_counts_again() {
        let press =
            |at| [(at, 9, block(1, false, 160)), (at + 20, 9, block(1, false, 320)), (at + 40, 9, block(1, true, 480))];
        assert_eq!(heard(&[press(0), press(500), press(700)].concat()), "111");
        // The same with the ends lost.
        let cut = |at| [(at, 9, block(1, false, 160)), (at + 20, 9, block(1, false, 320))];
        assert_eq!(heard(&[cut(0), cut(500)].concat()), "11");
    }

    #[test]
    fn an_announced_beginning_and_things_that_are_no_keys() {
        assert_eq!(heard(&[(0, 9, block(3, false, 0)), (20, 9, block(3, false, 160))]), "3");
        assert_eq!(heard(&[(0, 9, block(16, false, 160)), (20, 9, block(200, true, 160))]), "");
    }

    #[test]
    fn a_packet_from_the_key_before_comes_late() {
        let packets = [
            (0, 1_000, block(1, false, 160)),
            (100, 3_000, block(2, false, 160)),
            (110, 1_000, block(1, true, 800)),
            (120, 3_000, block(2, true, 320)),
        ];
        assert_eq!(heard(&packets), "12");
    }

    #[test]
    fn several_keys_in_one_packet() {
        let mut payload = block(7, true, 800).to_vec();
        payload.extend(block(8, true, 800));
        payload.extend(block(8, false, 160));
        let mut keys = String::new();
        Listener::default().hear(&packet(0, &payload), ms(0), |key| keys.push(key));
        assert_eq!(keys, "788");
    }

    #[test]
    fn a_press_longer_than_a_duration_can_say() {
        let mut packets: Vec<_> =
            (1..=410u32).map(|n| (20 * u64::from(n), 0, block(4, false, (160 * n).min(0xffff) as u16))).collect();
        packets.extend((1..10u16).map(|n| (8_200 + 20 * u64::from(n), 0xffff, block(4, false, 160 * n))));
        assert_eq!(heard(&packets), "4");
    }

    proptest! {
        #[test]
        fn any_payload_is_taken(payloads in prop::collection::vec((any::<u32>(), prop::collection::vec(any::<u8>(), 0..20), 0u64..500), 0..50)) {
            let mut listener = Listener::default();
            let mut at = 0;
            for (timestamp, payload, later) in payloads {
                at += later;
                listener.hear(&packet(timestamp, &payload), ms(at), |_| {});
            }
        }

        /// Any packets of a press may be lost, as long as one comes; they may come twice; and those sent within 40 ms of
        /// each other may change places.
        #[test]
        fn what_was_dialled_is_heard_once(
            number in "[0-9*#A-D]{1,8}",
            fates in prop::collection::vec((0u8..10, any::<bool>()), 100),
        ) {
            let mut dialler = Dialler::new(8_000);
            dialler.press(&number);
            let mut sent = Vec::new();
            let mut now = 0;
            while dialler.busy() {
                let mut packets = Vec::new();
                dialler.frame(now * 8, |press: Press| packets.push(press));
                sent.extend(packets.into_iter().map(|press| (u64::from(now), press)));
                now += 20;
            }
            let mut came = Vec::new();
            for (n, (at, press)) in sent.iter().enumerate() {
                let (fate, swap) = fates[n % fates.len()];
                // Three of ten are lost, but never a whole press.
                if fate < 3 && !press.marker {
                    continue;
                }
                came.push((*at, press.timestamp, press.block.write()));
                if fate == 9 {
                    came.push((*at + 5, press.timestamp, press.block.write()));
                }
                let last = came.len() - 1;
                if swap && last > 0 && came[last].0 - came[last - 1].0.min(came[last].0) <= 40 {
                    let (a, b) = (came[last - 1].0, came[last].0);
                    came.swap(last - 1, last);
                    (came[last - 1].0, came[last].0) = (a, b);
                }
            }
            prop_assert_eq!(heard(&came), number);
        }
    }
}
