//! What the callers say: the hum of a quiet line, so that a detector of speech has something to listen to and nothing to
//! find, or keys. One thread keeps the time for all of them.

use std::collections::HashMap;
use std::net::{SocketAddr, UdpSocket};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use anyhow::Result;

use crate::sink::{HEADER, Sink, address};

/// A call's packets leave every 20 ms, in one of so many slices of that time.
const SLICES: usize = 20;
/// Samples in a packet.
const SAMPLES: usize = 160;
/// G.711 A-law (RFC 3551).
const PCMA: u8 = 8;
/// As the scenario says.
const EVENTS: u8 = 96;
/// The hum, as a peak amplitude.
const HUM: i16 = 6;
/// A key is held for five packets, 100 ms; its end is said three times (RFC 4733 §2.5.1.4).
const HELD_PACKETS: u16 = 5;

/// The sending side of all calls.
pub struct Callers {
    keys: Keys,
    over: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

/// Keys to press, by call; and when a key was let go, in the clock of the kernel's stamps.
type Keys = Arc<Mutex<HashMap<SocketAddr, Pressed>>>;

struct Pressed {
    key: u8,
    packets: u16,
    timestamp: u32,
    let_go: Option<i64>,
}

struct Caller {
    to: SocketAddr,
    sequence: u16,
    timestamp: u32,
    slice: usize,
}

impl Callers {
    /// Begins to speak to every address that sound comes from.
    ///
    /// # Errors
    /// When there is no socket.
    pub fn start(sink: &Arc<Sink>) -> Result<Callers> {
        let (keys, over) = (Keys::default(), Arc::new(AtomicBool::new(false)));
        let (socket, theirs, until) = (sink.socket()?, Arc::clone(&keys), Arc::clone(&over));
        let sink = Arc::clone(sink);
        let thread = thread::spawn(move || speak(&sink, &socket, &theirs, &until));
        Ok(Callers { keys, over, thread: Some(thread) })
    }

    /// Presses a key in one call.
    pub fn press(&self, to: SocketAddr, key: char) {
        let key = match key {
            '*' => 10,
            '#' => 11,
            digit => digit.to_digit(10).unwrap_or(0) as u8,
        };
        let pressed = Pressed { key, packets: 0, timestamp: 0, let_go: None };
        self.keys.lock().unwrap_or_else(PoisonError::into_inner).insert(to, pressed);
    }

    /// When the key of that call was let go.
    pub fn let_go(&self, to: SocketAddr) -> Option<i64> {
        self.keys.lock().unwrap_or_else(PoisonError::into_inner).get(&to).and_then(|pressed| pressed.let_go)
    }
}

impl Drop for Callers {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            thread.join().ok();
        }
    }
}

fn speak(sink: &Sink, socket: &UdpSocket, keys: &Mutex<HashMap<SocketAddr, Pressed>>, over: &AtomicBool) {
    let hum = hum();
    let mut callers: Vec<Caller> = Vec::new();
    let (start, mut tick) = (Instant::now(), 0_u32);
    while !over.load(Ordering::Relaxed) {
        tick += 1;
        if let Some(wait) = (start + Duration::from_millis(u64::from(tick))).checked_duration_since(Instant::now()) {
            thread::sleep(wait);
        }
        if tick % 100 == 1 {
            welcome(sink, &mut callers);
        }
        let mut keys = keys.lock().unwrap_or_else(PoisonError::into_inner);
        for caller in callers.iter_mut().filter(|caller| caller.slice == tick as usize % SLICES) {
            match keys.get_mut(&caller.to).filter(|pressed| pressed.let_go.is_none()) {
                Some(pressed) => hold_key(socket, caller, pressed),
                None => send(socket, caller, PCMA, false, caller.timestamp, &hum[tick as usize % 8]),
            }
            caller.timestamp = caller.timestamp.wrapping_add(SAMPLES as u32);
        }
    }
}

/// Those who were not there a moment ago.
fn welcome(sink: &Sink, callers: &mut Vec<Caller>) {
    let stamps = sink.stamps();
    if stamps.len() == callers.len() {
        return;
    }
    for from in stamps.keys() {
        let to = address(*from);
        if !callers.iter().any(|caller| caller.to == to) {
            let index = callers.len();
            callers.push(Caller { to, sequence: index as u16, timestamp: index as u32 * 7_919, slice: index % SLICES });
        }
    }
}

fn hold_key(socket: &UdpSocket, caller: &mut Caller, pressed: &mut Pressed) {
    if pressed.packets == 0 {
        pressed.timestamp = caller.timestamp;
    }
    pressed.packets += 1;
    let ends = pressed.packets == HELD_PACKETS;
    let duration = (pressed.packets * SAMPLES as u16).to_be_bytes();
    let event = [pressed.key, if ends { 0x80 | 10 } else { 10 }, duration[0], duration[1]];
    for repeat in 0..if ends { 3 } else { 1 } {
        send(socket, caller, EVENTS, pressed.packets == 1 && repeat == 0, pressed.timestamp, &event);
        if ends && repeat == 0 {
            pressed.let_go = Some(now_ns());
        }
    }
}

fn send(socket: &UdpSocket, caller: &mut Caller, payload_type: u8, marker: bool, timestamp: u32, payload: &[u8]) {
    let mut packet = [0; HEADER + SAMPLES];
    packet[0] = 0x80;
    packet[1] = payload_type | if marker { 0x80 } else { 0 };
    packet[2..4].copy_from_slice(&caller.sequence.to_be_bytes());
    packet[4..8].copy_from_slice(&timestamp.to_be_bytes());
    packet[8..12].copy_from_slice(&u32::from(caller.to.port()).to_be_bytes());
    packet[HEADER..HEADER + payload.len()].copy_from_slice(payload);
    // A server whose call is over refuses; the others go on.
    socket.send_to(&packet[..HEADER + payload.len()], caller.to).ok();
    caller.sequence = caller.sequence.wrapping_add(1);
}

/// The clock that the kernel stamps packets with.
pub fn now_ns() -> i64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_nanos()).unwrap_or(i64::MAX)
}

/// Eight packets of hum, from a xorshift generator.
fn hum() -> Vec<Vec<u8>> {
    let mut state = 0x2545_F491_u32;
    let mut sample = || {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        (state % (2 * HUM as u32 + 1)) as i16 - HUM
    };
    (0..8).map(|_| audio::g711::alaw_encode(&std::array::from_fn::<i16, SAMPLES, _>(|_| sample()))).collect()
}
