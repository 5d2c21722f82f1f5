//! Two ends and a network between them, in virtual time.

use super::*;
use crate::digits::Block;
use crate::rtp::{self, Packet};
use crate::{Codec, Direction, SrtpKeys, SrtpSuite};

const HERE: &str = "192.0.2.1:4000";
const THERE: &str = "198.51.100.1:5000";

fn address(text: &str) -> SocketAddr {
    text.parse().expect("an address")
}

fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

fn stream(seed: u64, settings: Settings) -> Stream {
    let wall = Duration::from_secs(1_700_000_000 + 1_000 * seed);
    Stream::new(settings, Origin { ssrc: seed as u32 * 77, sequence: 65_530, timestamp: u32::MAX - 900, seed, wall })
}

/// Two ends that agreed, and what the network between them does.
struct Pair {
    ends: [Stream; 2],
    addresses: [SocketAddr; 2],
    flying: Vec<(Duration, usize, Way, Vec<u8>)>,
    /// Each datagram: its count, which end sent it; lost or not.
    lost: fn(u64, usize) -> bool,
    way: Duration,
    counts: [u64; 2],
    now: Duration,
    heard: [Vec<i16>; 2],
    keys: [String; 2],
    wire: Vec<Vec<u8>>,
}

impl Pair {
    fn new(mut change: impl FnMut(usize, &mut Negotiated)) -> Pair {
        let addresses = [address(HERE), address(THERE)];
        let mut ends = [stream(1, Settings::default()), stream(2, Settings::default())];
        for (n, end) in ends.iter_mut().enumerate() {
            let mut agreed = Negotiated::plain(Codec::Pcma, 8, addresses[1 - n]);
            agreed.dtmf = Some(101);
            change(n, &mut agreed);
            end.agree(agreed, Duration::ZERO).expect("it can be done");
        }
        Pair {
            ends,
            addresses,
            flying: Vec::new(),
            lost: |_, _| false,
            way: ms(30),
            counts: [0; 2],
            now: Duration::ZERO,
            heard: [Vec::new(), Vec::new()],
            keys: [String::new(), String::new()],
            wire: Vec::new(),
        }
    }

    /// 20 ms: everything that is due arrives, both ends listen, both ends speak.
    fn step(&mut self, said: [&[i16; FRAME_SAMPLES]; 2]) {
        let now = self.now;
        let (due, flying) = std::mem::take(&mut self.flying).into_iter().partition(|(at, ..)| *at <= now);
        self.flying = flying;
        for (at, end, way, mut datagram) in due {
            let source = self.addresses[1 - end];
            match way {
                Way::Rtp => self.ends[end].take(&mut datagram, source, at),
                Way::Rtcp => self.ends[end].take_report(&mut datagram, source, at),
            }
        }
        for (n, said) in said.into_iter().enumerate() {
            let mut sent = Vec::new();
            let received = self.ends[n].receive(now, |way, _, datagram| sent.push((way, datagram.to_vec())));
            self.heard[n].extend(received.audio);
            self.keys[n].extend(received.digits);
            self.ends[n].send(said, now, |way, _, datagram| sent.push((way, datagram.to_vec())));
            for (way, datagram) in sent {
                self.counts[n] += 1;
                self.wire.push(datagram.clone());
                if !(self.lost)(self.counts[n], n) {
                    self.flying.push((now + self.way, 1 - n, way, datagram));
                }
            }
        }
        self.now += ms(20);
    }

    fn run(&mut self, frames: usize) {
        let tone = tone(frames * FRAME_SAMPLES);
        for frame in tone.chunks_exact(FRAME_SAMPLES) {
            let frame: &[i16; FRAME_SAMPLES] = frame.try_into().expect("a frame");
            self.step([frame, frame]);
        }
    }
}

/// 300 to 1,900 Hz and back.
fn tone(samples: usize) -> Vec<i16> {
    let mut phase = 0.0f64;
    (0..samples)
        .map(|i| {
            phase += (1_100.0 + 800.0 * (i as f64 / 4_000.0).sin()) / 8_000.0;
            (8_000.0 * (std::f64::consts::TAU * phase).sin()) as i16
        })
        .collect()
}

/// The best correlation of the end of what was heard with what was said, over delays of up to 250 ms.
fn likeness(said: &[i16], heard: &[i16]) -> f64 {
    let window = 8_000.min(heard.len() - 2_000);
    let part = &heard[heard.len() - window..];
    (0..2_000)
        .map(|delay| {
            let from = heard.len() - window - delay;
            let (mut product, mut left, mut right) = (0.0, 0.0, 0.0);
            for (a, b) in said[from..from + window].iter().zip(part) {
                let (a, b) = (f64::from(*a), f64::from(*b));
                (product, left, right) = (product + a * b, left + a * a, right + b * b);
            }
            product / f64::max((left * right).sqrt(), 1.0)
        })
        .fold(-1.0, f64::max)
}

#[test]
fn every_codec_carries_the_sound() {
    // G.722 and Opus delay by parts of a sample, which a comparison sample by sample cannot follow.
    for (codec, number, least) in
        [(Codec::Pcma, 8, 0.999), (Codec::Pcmu, 0, 0.999), (Codec::G722, 9, 0.95), (Codec::Opus, 96, 0.85)]
    {
        for ptime_ms in [10, 20, 40, 60] {
            let mut pair = Pair::new(|_, agreed| {
                *agreed = Negotiated::plain(codec, number, agreed.remote);
                agreed.ptime_ms = ptime_ms;
            });
            pair.run(100);
            let said = tone(100 * FRAME_SAMPLES);
            for heard in &pair.heard {
                let like = likeness(&said, heard);
                assert!(like > least, "{codec:?}, {ptime_ms} ms: {like}");
            }
            let packets = pair.wire.iter().filter(|datagram| !rtp::is_rtcp(datagram)).count();
            let wanted = 2 * 100 * 20 / ptime_ms as usize;
            assert!(wanted - packets <= 2, "{packets} packets of {ptime_ms} ms");
        }
    }
}

#[test]
fn reports_tell_loss_and_round_trip() {
    let mut pair = Pair::new(|_, _| {});
    // Every tenth packet of ours is lost on the way.
    pair.lost = |count, end| end == 0 && count % 10 == 1;
    pair.run(1_000);
    let (here, there) = (pair.ends[0].quality(), pair.ends[1].quality());
    let lost_there = here.lost_there.expect("they reported");
    assert!((lost_there - 0.1).abs() < 0.04, "{lost_there}");
    let round_trip = here.round_trip_ms.expect("they reported");
    // 30 ms each way, and they look every 20.
    assert!((59.9..=100.0).contains(&round_trip), "{round_trip}");
    assert!((there.lost as f64 / 1_000.0 - 0.1).abs() < 0.02, "{there:?}");
    assert!(there.mos < 3.6 && here.mos > 4.2, "{} {}", there.mos, here.mos);
    assert!(here.jitter_ms < 0.1, "{}", here.jitter_ms);
}

#[test]
fn encrypted_sound_reports_and_keys() {
    for suite in [SrtpSuite::AesCm128HmacSha1_80, SrtpSuite::AesCm128HmacSha1_32] {
        let mut pair = Pair::new(|n, agreed| {
            let key = |n: usize| (0..30).map(|i| i + 50 * n as u8).collect::<Vec<u8>>();
            agreed.srtp = Some(SrtpKeys { suite, send: key(n), receive: key(1 - n) });
        });
        pair.ends[0].press("42#");
        pair.run(500);
        assert_eq!(pair.keys[1], "42#");
        assert!(likeness(&tone(500 * FRAME_SAMPLES), &pair.heard[0]) > 0.999);
        assert!(pair.ends[0].quality().round_trip_ms.is_some());
        let plain = audio::g711::alaw_encode(&tone(FRAME_SAMPLES));
        assert!(pair.wire.iter().all(|datagram| !datagram.windows(20).any(|part| part == &plain[..20])));
    }
}

#[test]
fn keys_survive_heavy_loss() {
    let mut pair = Pair::new(|_, _| {});
    pair.lost = |count, _| count % 3 == 0;
    pair.ends[1].press("0123456789*#ABCD");
    pair.run(200);
    assert_eq!(pair.keys[0], "0123456789*#ABCD");
    assert_eq!(pair.keys[1], "");
}

#[test]
fn keys_travel_as_tones_where_there_are_no_events() {
    let mut pair = Pair::new(|_, agreed| agreed.dtmf = None);
    let settings = Settings { inband_digits: true, ..Settings::default() };
    pair.ends[0] = stream(1, settings);
    pair.ends[0].agree(Negotiated::plain(Codec::Pcma, 8, address(THERE)), Duration::ZERO).expect("it can be done");
    pair.ends[1].press("5509#");
    pair.run(100);
    assert_eq!(pair.keys[0], "5509#");
}

#[test]
fn a_key_that_comes_twice_is_one() {
    let mut here = stream(1, Settings::default());
    let mut agreed = Negotiated::plain(Codec::Pcma, 8, address(THERE));
    agreed.dtmf = Some(96);
    here.agree(agreed, Duration::ZERO).expect("it can be done");
    let payload = Block { event: 7, end: false, volume: 10, duration: 160 }.write();
    let packet = Packet { marker: true, payload_type: 96, sequence: 1, timestamp: 9, ssrc: 5, payload: &payload };
    let mut datagram = Vec::new();
    rtp::write(&packet, &mut datagram);
    here.take(&mut datagram, address(THERE), ms(10));
    here.told('7', ms(40));
    here.told('8', ms(60));
    here.told('8', ms(300));
    here.told('!', ms(400));
    assert_eq!(here.receive(ms(500), |_, _, _| {}).digits, ['7', '8', '8']);
}

#[test]
fn keys_may_come_under_a_number_of_their_own() {
    let mut pair = Pair::new(|_, _| {});
    pair.run(10);
    for n in 0..5u16 {
        let payload = Block { event: 3, end: n == 4, volume: 10, duration: 160 * (n + 1) }.write();
        let packet =
            Packet { marker: n == 0, payload_type: 101, sequence: n, timestamp: 9, ssrc: 1, payload: &payload };
        let mut datagram = Vec::new();
        rtp::write(&packet, &mut datagram);
        pair.ends[0].take(&mut datagram, address(THERE), pair.now);
        pair.run(1);
    }
    pair.run(10);
    assert_eq!(pair.keys[0], "3");
    assert_eq!(pair.ends[0].quality().lost, 0);
    assert_eq!(pair.ends[0].quality().received, 23, "two are on their way");
}

#[test]
fn a_dead_call_is_noticed_and_hold_is_no_death() {
    let silent = |agreed: Negotiated| {
        let mut here = stream(1, Settings::default());
        here.agree(agreed, Duration::ZERO).expect("it can be done");
        here
    };
    let plain = Negotiated::plain(Codec::Pcma, 8, address(THERE));
    let mut here = silent(plain.clone());
    assert!(!here.dead(ms(29_000)) && here.dead(ms(31_000)));
    let mut here = silent(Negotiated { held: true, direction: Direction::RecvOnly, ..plain.clone() });
    assert!(!here.dead(ms(31_000)));
    let mut here = silent(plain.clone());
    here.hold(true, ms(10_000));
    assert!(!here.dead(ms(60_000)));
    here.hold(false, ms(60_000));
    assert!(!here.dead(ms(89_000)) && here.dead(ms(91_000)));
    // Reports alone are a sign of life.
    let mut here = silent(plain);
    let mut report = Vec::new();
    rtcp::write(9, None, None, "x", false, &mut report);
    here.take_report(&mut report, address("198.51.100.1:5001"), ms(20_000));
    assert!(!here.dead(ms(45_000)) && here.dead(ms(51_000)));
}

#[test]
fn on_hold_nothing_is_heard_and_nothing_is_said() {
    let mut pair = Pair::new(|_, _| {});
    pair.run(20);
    let remote = address(THERE);
    let held = Negotiated { held: true, direction: Direction::RecvOnly, ..Negotiated::plain(Codec::Pcma, 8, remote) };
    pair.ends[0].agree(held, pair.now).expect("it can be done");
    assert!(pair.ends[0].held());
    pair.run(20);
    let before = pair.wire.len();
    pair.run(20);
    let sound = pair.wire[before..].iter().filter(|datagram| !rtp::is_rtcp(datagram)).count();
    assert_eq!(sound, 20, "theirs alone");
    assert!(pair.heard[0][25 * FRAME_SAMPLES..].iter().all(|&sample| sample == 0));
    pair.ends[0].agree(Negotiated::plain(Codec::Pcma, 8, remote), pair.now).expect("it can be done");
    pair.run(60);
    assert!(
        likeness(&[tone(20 * 160), tone(20 * 160), tone(20 * 160), tone(60 * 160)].concat(), &pair.heard[0]) > 0.99
    );
}

#[test]
fn another_sender_takes_over_and_a_stranger_does_not() {
    let mut here = stream(1, Settings::default());
    here.agree(Negotiated::plain(Codec::Pcma, 8, address(THERE)), Duration::ZERO).expect("it can be done");
    let mut loud = 0;
    for n in 0..300u16 {
        let now = ms(20 * u64::from(n));
        let mut send = |ssrc: u32, from: &str, level: i16| {
            let payload = audio::g711::alaw_encode(&[level; 160]);
            let timestamp = u32::from(n) * 160 + ssrc;
            let packet = Packet { marker: false, payload_type: 8, sequence: n, timestamp, ssrc, payload: &payload };
            let mut datagram = Vec::new();
            rtp::write(&packet, &mut datagram);
            here.take(&mut datagram, address(from), now);
        };
        // The PBX changes senders after two seconds; somebody else shouts all the time.
        send(if n < 100 { 5 } else { 1 << 31 }, THERE, 1_000);
        send(9, "203.0.113.66:5000", 30_000);
        let heard = here.receive(now, |_, _, _| {}).audio;
        assert!(heard.iter().all(|&sample| sample.abs() < 2_000), "frame {n}");
        loud += usize::from(heard.iter().all(|&sample| sample > 900));
    }
    assert!(loud > 285, "{loud}");
    assert_eq!(here.quality().lost, 0);
}

#[test]
fn frames_left_out_are_time_that_passed() {
    let mut here = stream(1, Settings::default());
    here.agree(Negotiated::plain(Codec::Pcma, 8, address(THERE)), Duration::ZERO).expect("it can be done");
    let mut sent = Vec::new();
    for n in (0..10u64).chain(60..70) {
        here.send(&[0; FRAME_SAMPLES], ms(20 * n), |_, _, datagram| sent.push(datagram.to_vec()));
    }
    let packets: Vec<Packet<'_>> = sent.iter().filter_map(|datagram| rtp::parse(datagram)).collect();
    let steps: Vec<(u16, u32, bool)> = packets
        .windows(2)
        .map(|p| (p[1].sequence.wrapping_sub(p[0].sequence), p[1].timestamp.wrapping_sub(p[0].timestamp), p[1].marker))
        .collect();
    assert!(packets[0].marker);
    assert_eq!(steps[8], (1, 160, false));
    assert_eq!(steps[9], (1, 51 * 160, true));
    assert_eq!(steps[10], (1, 160, false));
}

#[test]
fn nothing_is_sent_to_nowhere() {
    let mut here = stream(1, Settings::default());
    let mut sent = 0;
    here.send(&[0; FRAME_SAMPLES], ms(0), |_, _, _| sent += 1);
    here.agree(Negotiated::plain(Codec::Pcma, 8, address("0.0.0.0:0")), ms(0)).expect("it can be done");
    for n in 0..500 {
        here.receive(ms(20 * n), |_, _, _| sent += 1);
        here.send(&[0; FRAME_SAMPLES], ms(20 * n), |_, _, _| sent += 1);
    }
    here.leave(ms(10_000), |_, _, _| sent += 1);
    assert_eq!(sent, 0);
}
