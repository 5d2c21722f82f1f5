//! A simulated network: packets of a known sound are lost, late, doubled, out of order, from a clock that drifts; what is
//! heard is compared with what was said.

use proptest::prelude::*;

use super::*;

const FRAMES: u64 = 500;

/// Something like a voice: a fundamental that wanders between 100 and 180 Hz, overtones, syllables.
fn voice(samples: usize) -> Vec<i16> {
    let mut phase = 0.0f64;
    (0..samples)
        .map(|i| {
            let t = i as f64 / 8_000.0;
            phase += (140.0 + 40.0 * (2.1 * t).sin()) / 8_000.0;
            let tone: f64 = (1..8).map(|n| (std::f64::consts::TAU * phase * f64::from(n)).sin() / f64::from(n)).sum();
            let syllable = 0.55 + 0.45 * (std::f64::consts::TAU * 3.0 * t).sin();
            (5_000.0 * tone * syllable) as i16
        })
        .collect()
}

struct Sent {
    sequence: u16,
    timestamp: u32,
    payload: Vec<u8>,
    /// Milliseconds.
    sent: f64,
}

/// The voice as A-law packets of 20 ms.
fn packets(voice: &[i16], first: u32) -> Vec<Sent> {
    voice
        .chunks(160)
        .enumerate()
        .map(|(n, samples)| Sent {
            sequence: (n as u16).wrapping_add(65_000),
            timestamp: first.wrapping_add(n as u32 * 160),
            payload: audio::g711::alaw_encode(samples),
            sent: n as f64 * 20.0,
        })
        .collect()
}

fn moment(ms: f64) -> Duration {
    Duration::from_secs_f64(ms.max(0.0) / 1_000.0)
}

/// Delivers packets at their moments and asks for a frame every 20 ms.
fn hear(mut arrivals: Vec<(f64, &Sent)>, frames: u64, phase: f64) -> (Vec<i16>, Playout) {
    arrivals.sort_by(|a, b| a.0.total_cmp(&b.0));
    let mut playout = Playout::new(Delay::default());
    let mut heard = Vec::new();
    let mut next = arrivals.iter().peekable();
    for frame in 0..frames {
        let now = frame as f64 * 20.0 + phase;
        while let Some((at, sent)) = next.next_if(|(at, _)| *at <= now) {
            playout.insert(Arrived {
                sequence: sent.sequence,
                timestamp: sent.timestamp,
                sound: Sound::Coded(Codec::Pcma),
                payload: &sent.payload,
                at: moment(*at),
            });
        }
        heard.extend(playout.frame(moment(now)));
    }
    (heard, playout)
}

/// How alike what was heard is to what was said: each 100 ms by itself, shifted by up to 120 ms; the mean over those in
/// which something was said.
fn likeness(said: &[i16], heard: &[i16]) -> f64 {
    const WINDOW: usize = 800;
    let mut total = (0.0, 0.0f64);
    for from in (1_600..heard.len().min(said.len()).saturating_sub(WINDOW)).step_by(WINDOW) {
        let best = (0..1_600)
            .step_by(2)
            .map(|delay| correlation(&said[from - delay..from - delay + WINDOW], &heard[from..from + WINDOW], 4))
            .enumerate()
            .max_by(|a, b| a.1.total_cmp(&b.1));
        // Refined around the coarse place.
        let near = best.map_or(0, |(at, _)| 2 * at);
        let fine = (near.saturating_sub(2)..=near + 2)
            .filter(|delay| from >= *delay)
            .map(|delay| correlation(&said[from - delay..from - delay + WINDOW], &heard[from..from + WINDOW], 1))
            .fold(-1.0, f64::max);
        total = (total.0 + fine, total.1 + 1.0);
    }
    total.0 / total.1.max(1.0)
}

fn correlation(a: &[i16], b: &[i16], step: usize) -> f64 {
    let (mut product, mut left, mut right) = (0.0, 0.0, 0.0);
    for (a, b) in a.iter().zip(b).step_by(step) {
        let (a, b) = (f64::from(*a), f64::from(*b));
        product += a * b;
        left += a * a;
        right += b * b;
    }
    product / f64::max((left * right).sqrt(), 1.0)
}

fn random(seed: &mut u64) -> f64 {
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    (*seed >> 11) as f64 / (1u64 << 53) as f64
}

#[test]
fn an_even_network_changes_nothing() {
    let said = voice(160 * FRAMES as usize);
    let sent = packets(&said, u32::MAX - 5_000);
    let (heard, playout) = hear(sent.iter().map(|p| (p.sent + 1.0, p)).collect(), FRAMES, 7.0);
    let coded = audio::g711::alaw_decode(&audio::g711::alaw_encode(&said));
    let delay = heard.iter().position(|&sample| sample != 0 && sample.abs() != 8).expect("sound");
    let start = coded.iter().position(|&sample| sample.abs() != 8).expect("sound");
    let shift = delay - start;
    assert_eq!(heard[shift..], coded[..coded.len() - shift], "sample for sample");
    assert!(shift <= 320, "{} ms of delay", shift / 8);
    let counts = playout.heard();
    assert_eq!((counts.discarded, counts.concealed, counts.stretched), (0, 0, 0));
}

#[test]
fn five_percent_lost_is_still_the_voice() {
    let said = voice(160 * FRAMES as usize);
    let sent = packets(&said, 1_000);
    let mut seed = 11;
    let arrivals = sent.iter().filter(|_| random(&mut seed) > 0.05).map(|p| (p.sent + 1.0, p)).collect();
    let (heard, playout) = hear(arrivals, FRAMES, 3.0);
    let like = likeness(&said, &heard);
    assert!(like > 0.97, "{like}");
    assert!(playout.heard().concealed > 0 && playout.heard().stretched == 0);
    assert!(playout.delay_ms() < 65.0, "losses cost no delay: {}", playout.delay_ms());
}

#[test]
fn jitter_reordering_and_doubles() {
    let said = voice(160 * FRAMES as usize);
    let sent = packets(&said, 7);
    let mut seed = 5;
    let mut arrivals = Vec::new();
    for packet in &sent {
        // Up to 45 ms, so that neighbours change places.
        arrivals.push((packet.sent + 45.0 * random(&mut seed).powi(2), packet));
        if random(&mut seed) < 0.1 {
            arrivals.push((packet.sent + 60.0 * random(&mut seed), packet));
        }
    }
    let (heard, playout) = hear(arrivals, FRAMES, 12.0);
    let like = likeness(&said, &heard);
    assert!(like > 0.97, "{like}: {:?}", playout.heard());
}

#[test]
fn clocks_that_drift_are_followed() {
    for drift in [1.0 - 300e-6, 1.0 + 300e-6] {
        let frames = 6_000;
        let said = voice(160 * frames);
        let sent = packets(&said, 7);
        let mut seed = 3;
        let arrivals = sent.iter().map(|p| (p.sent * drift + 4.0 * random(&mut seed), p)).collect();
        let (heard, playout) = hear(arrivals, frames as u64, 0.0);
        // 120 s at 300 ppm are 36 ms.
        let last = 160 * (frames - 500);
        let like = likeness(&said[last - 4_000..], &heard[last - 4_000..]);
        assert!(like > 0.97, "{drift}: {like}");
        assert!(playout.delay_ms() < 75.0, "{drift}: {}", playout.delay_ms());
        assert!(playout.heard().discarded <= 2, "{drift}: {:?}", playout.heard());
        let shortest_way = (drift - 1.0).abs() * 120_000.0 * 8.0;
        assert!((playout.heard().stretched as f64) < 6.0 * shortest_way, "{:?}", playout.heard());
    }
}

#[test]
fn delay_goes_away_when_the_network_calms_down() {
    let said = voice(160 * 1_500);
    let sent = packets(&said, 7);
    let mut seed = 9;
    // Five seconds of up to 120 ms of jitter, then calm.
    let arrivals = sent
        .iter()
        .enumerate()
        .map(|(n, p)| (p.sent + if n < 250 { 120.0 * random(&mut seed) } else { 2.0 }, p))
        .collect::<Vec<_>>();
    let (_, playout) = hear(arrivals.iter().filter(|(_, p)| p.sent < 5_000.0).copied().collect(), 250, 0.0);
    let stormy = playout.delay_ms();
    let (heard, playout) = hear(arrivals, 1_500, 0.0);
    let like = likeness(&said[160 * 1_000..], &heard[160 * 1_000..]);
    assert!(like > 0.98, "{like}");
    assert!(stormy > 70.0, "{stormy}");
    assert!(playout.delay_ms() < 65.0, "{stormy} -> {}", playout.delay_ms());
}

#[test]
fn a_pause_of_the_sender_is_a_pause() {
    let said = voice(160 * FRAMES as usize);
    let sent = packets(&said, 7);
    // A second left out with its time (silence suppression), and a clock that is set anew without a pause.
    let jump: Vec<Sent> = sent
        .iter()
        .filter(|p| !(2_000.0..3_000.0).contains(&p.sent))
        .map(|p| Sent {
            sequence: p.sequence,
            timestamp: if p.sent > 6_000.0 { p.timestamp ^ 0x4000_0000 } else { p.timestamp },
            payload: p.payload.clone(),
            sent: p.sent,
        })
        .collect();
    let (heard, playout) = hear(jump.iter().map(|p| (p.sent + 1.0, p)).collect(), FRAMES, 3.0);
    assert!(likeness(&said[..14_000], &heard[..14_000]) > 0.99);
    assert!(heard[8 * 2_300..8 * 2_900].iter().all(|&sample| sample == 0));
    assert!(likeness(&said[8 * 3_100..], &heard[8 * 3_100..]) > 0.99);
    assert_eq!(playout.heard().discarded, 0);
}

#[test]
fn a_heap_of_late_packets_is_not_played_for_seconds() {
    let said = voice(160 * FRAMES as usize);
    let sent = packets(&said, 7);
    // The network stands still for two seconds and then delivers everything at once.
    let stuck = |p: &Sent| if (2_000.0..4_000.0).contains(&p.sent) { 4_000.0 } else { p.sent + 1.0 };
    let (heard, playout) = hear(sent.iter().map(|p| (stuck(p), p)).collect(), FRAMES, 3.0);
    assert!(likeness(&said[8 * 4_500..], &heard[8 * 4_500..]) > 0.98);
    assert!(playout.delay_ms() < 110.0, "{}", playout.delay_ms());
    assert!(playout.heard().discarded >= 90, "{:?}", playout.heard());
}

#[test]
fn comfort_noise_fills_the_silence_it_announces() {
    let said = voice(160 * 100);
    let sent = packets(&said, 7);
    let mut playout = Playout::new(Delay::default());
    let mut heard = Vec::new();
    for frame in 0..200u64 {
        let now = moment(frame as f64 * 20.0);
        match frame {
            0..100 => {
                let p = &sent[frame as usize];
                let sound = Sound::Coded(Codec::Pcma);
                playout.insert(Arrived {
                    sequence: p.sequence,
                    timestamp: p.timestamp,
                    sound,
                    payload: &p.payload,
                    at: now,
                });
            }
            100 => {
                let timestamp = 7 + 100 * 160;
                playout.insert(Arrived { sequence: 64, timestamp, sound: Sound::Comfort, payload: &[50], at: now });
            }
            _ => {}
        }
        heard.extend(playout.frame(now));
    }
    let quiet = &heard[160 * 110..];
    let rms = (quiet.iter().map(|&s| f64::from(s).powi(2)).sum::<f64>() / quiet.len() as f64).sqrt();
    let dbov = 20.0 * (rms / 32_768.0).log10();
    assert!((dbov + 50.0).abs() < 1.5, "{dbov}");
    assert_eq!(playout.heard().concealed, 0);
}

#[test]
fn packets_of_any_length_and_a_change_of_codec() {
    let said = voice(160 * 200);
    for length in [80usize, 240, 320, 480] {
        let mut playout = Playout::new(Delay::default());
        let mut heard = Vec::new();
        let mut chunks = said.chunks(length).enumerate().peekable();
        for frame in 0..200u64 {
            let now = frame as f64 * 20.0 + 3.0;
            while let Some((n, samples)) = chunks.next_if(|(n, _)| ((n + 1) * length) as f64 / 8.0 <= now) {
                // Half of them in the other law.
                let (codec, payload) = if (n * length) < 16_000 {
                    (Codec::Pcma, audio::g711::alaw_encode(samples))
                } else {
                    (Codec::Pcmu, audio::g711::ulaw_encode(samples))
                };
                let timestamp = (n * length) as u32;
                let at = moment(((n + 1) * length) as f64 / 8.0);
                playout.insert(Arrived {
                    sequence: n as u16,
                    timestamp,
                    sound: Sound::Coded(codec),
                    payload: &payload,
                    at,
                });
            }
            heard.extend(playout.frame(moment(now)));
        }
        let like = likeness(&said, &heard);
        assert!(like > 0.99, "{length}: {like}, {:?}", playout.heard());
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn any_packets_are_taken(
        packets in prop::collection::vec(
            (any::<u16>(), any::<u32>(), 0u8..5, prop::collection::vec(any::<u8>(), 0..200), 0u64..200), 0..100),
    ) {
        let mut playout = Playout::new(Delay::default());
        let mut now = 0;
        for (sequence, timestamp, kind, payload, later) in packets {
            now += later / 4;
            let sound = match kind {
                0 => Sound::Coded(Codec::Pcmu),
                1 => Sound::Coded(Codec::G722),
                2 => Sound::Coded(Codec::Opus),
                3 => Sound::Comfort,
                _ => Sound::Coded(Codec::Pcma),
            };
            // Half of the times near each other, so that buffers fill.
            let timestamp = if sequence % 2 == 0 { timestamp % 8_000 } else { timestamp };
            playout.insert(Arrived { sequence, timestamp, sound, payload: &payload, at: Duration::from_millis(now) });
            if now % 3 == 0 {
                playout.frame(Duration::from_millis(now));
            }
        }
    }

}

proptest! {
    // Each case is 18 s of sound.
    #![proptest_config(ProptestConfig::with_cases(16))]

    /// However the network behaves, sound is there again when it behaves well again.
    #[test]
    fn it_recovers_from_anything(seed in 1u64..u64::MAX, loss in 0.0..0.6f64, jitter in 0.0..300.0f64) {
        let mut seed = seed;
        let said = voice(160 * 900);
        let sent = packets(&said, 7);
        let mut arrivals = Vec::new();
        for packet in &sent {
            let stormy = packet.sent < 5_000.0;
            let (fate, late) = (random(&mut seed), jitter * random(&mut seed));
            if !stormy || fate > loss {
                arrivals.push((packet.sent + if stormy { late } else { 1.0 }, packet));
            }
        }
        let (heard, playout) = hear(arrivals, 900, 5.0);
        let like = likeness(&said[160 * 700..], &heard[160 * 700..]);
        prop_assert!(like > 0.95, "{} {:?}", like, playout.heard());
    }
}
