//! What a call's sound costs: N calls on the loopback, a prompt playing on each, a voice coming in on each.
//!
//! `cargo run --release -p media --example pace -- [calls] [seconds] [shards] [pcma|pcmu|g722|opus]`
//!
//! Prints the processor time of the pacer's threads alone for each pair of packets (one in, one out); the peer that sends
//! and swallows the other half has a thread of its own. Linux only.

use std::net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket};
use std::time::{Duration, Instant};

use lines::pacer::{Beat, Paced, Pacer};
use lines::{Door, FRAME_SAMPLES, Quality};
use media::rtp::{self, Packet};
use media::{Codec, Negotiated, OpusSettings, PortSettings, Ports, RtpControl, RtpDoor, Settings};

struct Call {
    door: RtpDoor,
    prompt: Vec<i16>,
    at: usize,
    until: Instant,
}

impl Paced for Call {
    fn frame(&mut self) -> Beat {
        if self.door.receive().is_none() || Instant::now() > self.until {
            return Beat::Over;
        }
        let mut frame = [0; FRAME_SAMPLES];
        frame.copy_from_slice(&self.prompt[self.at..self.at + FRAME_SAMPLES]);
        self.at = (self.at + FRAME_SAMPLES) % self.prompt.len();
        self.door.send(&frame);
        Beat::On
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut words = std::env::args().skip(1);
    let mut number = |default: u64| words.next().and_then(|word| word.parse().ok()).unwrap_or(default);
    let (calls, seconds, shards) = (number(250), number(10), number(4));
    let (codec, payload_type) = match std::env::args().nth(4).as_deref() {
        Some("pcmu") => (Codec::Pcmu, 0),
        Some("g722") => (Codec::G722, 9),
        Some("opus") => (Codec::Opus, 96),
        _ => (Codec::Pcma, 8),
    };
    let local = IpAddr::V4(Ipv4Addr::LOCALHOST);
    let ports = Ports::new(PortSettings { range: (42_000, 61_999), v4: Some(local), ..PortSettings::default() })?;
    let pacer = Pacer::start(shards as usize);
    let prompt = audio::tone::sines(&[(180.0, -12.0), (720.0, -18.0)], 2_000, 8_000).samples;
    let until = Instant::now() + Duration::from_secs(seconds + 2);
    let (mut peers, mut controls) = (Vec::new(), Vec::new());
    for _ in 0..calls {
        let socket = ports.open(local)?;
        let peer = UdpSocket::bind((local, 0))?;
        peer.set_nonblocking(true)?;
        peers.push((peer, socket.local()));
        let (door, control) = RtpDoor::new(socket, Settings::default());
        control.negotiate(Negotiated::plain(codec, payload_type, peers[peers.len() - 1].0.local_addr()?))?;
        controls.push(control.clone());
        pacer.add(Box::new(Call { door, prompt: prompt.clone(), at: 0, until }));
    }
    let peer = std::thread::spawn(move || exchange(&peers, codec, payload_type, until));
    std::thread::sleep(Duration::from_secs(1));
    let (cpu, before, began) = (processor_time(), pacer.lateness(), Instant::now());
    std::thread::sleep(Duration::from_secs(seconds));
    let (cpu, lateness) = (processor_time() - cpu, pacer.lateness().since(&before));
    let lasted = began.elapsed().as_secs_f64();
    let qualities: Vec<Quality> = controls.iter().filter_map(RtpControl::quality).collect();
    let mean = |of: fn(&Quality) -> f64| qualities.iter().map(of).sum::<f64>() / qualities.len().max(1) as f64;
    let received = peer.join().map_err(|_| "the peer panicked")?;
    println!(
        "{calls} calls, {codec:?}, {shards} shards, {:.1} s: {} frames, {:.2} % within 5 ms, {} skipped; {:.2} µs of \
         processor a packet pair ({:.1} % of a core); the peer received {:.1} packets a second and call; \
         jitter {:.2} ms, {:.2} packets lost a call, score {:.2}",
        lasted,
        lateness.frames,
        100.0 * lateness.share_on_time(),
        lateness.skipped,
        cpu.as_secs_f64() * 1e6 / lateness.frames.max(1) as f64,
        100.0 * cpu.as_secs_f64() / lasted,
        received as f64 / calls as f64 / (seconds + 2) as f64,
        mean(|quality| quality.jitter_ms),
        mean(|quality| quality.lost as f64),
        mean(|quality| quality.mos),
    );
    Ok(())
}

/// Sends a packet on every call each 20 ms, spread over the 20 ms, and swallows what comes.
fn exchange(peers: &[(UdpSocket, SocketAddr)], codec: Codec, payload_type: u8, until: Instant) -> u64 {
    let tone = audio::tone::sines(&[(150.0, -12.0)], 1_000, 8_000).samples;
    let Ok(mut encoder) = media::codec::Encoder::new(codec, &OpusSettings::default()) else { return 0 };
    let payloads: Vec<Vec<u8>> = tone
        .chunks_exact(FRAME_SAMPLES)
        .map(|frame| {
            let mut payload = Vec::new();
            encoder.encode(frame, &mut payload);
            payload
        })
        .collect();
    let (mut received, mut datagram, mut scratch) = (0, Vec::new(), [0; 2_048]);
    let began = Instant::now();
    for tick in 0u64.. {
        let now = began + Duration::from_millis(tick);
        if now > until {
            break;
        }
        std::thread::sleep(now.saturating_duration_since(Instant::now()));
        let frame = tick / 20;
        for (peer, target) in peers.iter().skip((tick % 20) as usize).step_by(20) {
            let packet = Packet {
                marker: frame == 0,
                payload_type,
                sequence: frame as u16,
                timestamp: frame as u32 * codec.clock() / 50,
                ssrc: u32::from(target.port()),
                payload: &payloads[frame as usize % payloads.len()],
            };
            rtp::write(&packet, &mut datagram);
            // Lost like any other packet.
            let _ = peer.send_to(&datagram, target);
            while peer.recv_from(&mut scratch).is_ok() {
                received += 1;
            }
        }
    }
    received
}

/// Processor time of the pacer's threads so far.
fn processor_time() -> Duration {
    let Ok(tasks) = std::fs::read_dir("/proc/self/task") else { return Duration::ZERO };
    let of = |task: std::path::PathBuf| {
        let name = std::fs::read_to_string(task.join("comm")).ok()?;
        let time = std::fs::read_to_string(task.join("schedstat")).ok()?;
        let nanoseconds: u64 = time.split_whitespace().next()?.parse().ok()?;
        name.starts_with("pacer").then_some(Duration::from_nanos(nanoseconds))
    };
    tasks.filter_map(|task| of(task.ok()?.path())).sum()
}
