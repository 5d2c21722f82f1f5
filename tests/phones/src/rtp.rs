//! A bare media end, for what the clients cannot do: it counts what comes, sends when asked, and can tell when it came.

use std::net::{SocketAddr, UdpSocket};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use anyhow::Result;

use crate::wait;

/// RTP's fixed header (RFC 3550 §5.1).
const HEADER: usize = 12;

/// One packet that came.
#[derive(Debug, Clone)]
pub struct Packet {
    /// When.
    pub at: Instant,
    /// From whom.
    pub from: SocketAddr,
    /// Its payload type.
    pub payload_type: u8,
    /// Its sequence number.
    pub sequence: u16,
    /// What it carries.
    pub payload: Vec<u8>,
}

/// A socket that listens on a thread of its own until it is dropped.
pub struct MediaEnd {
    socket: UdpSocket,
    packets: Arc<Mutex<Vec<Packet>>>,
    over: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl MediaEnd {
    /// Opens one on a port of the system's choice.
    ///
    /// # Errors
    /// When no socket is to be had.
    pub fn open(ip: &str) -> Result<MediaEnd> {
        let socket = UdpSocket::bind((ip, 0))?;
        // So often the thread looks whether it is still wanted.
        socket.set_read_timeout(Some(Duration::from_millis(50)))?;
        let (packets, over) = (Arc::new(Mutex::new(Vec::new())), Arc::new(AtomicBool::new(false)));
        let listening = (socket.try_clone()?, Arc::clone(&packets), Arc::clone(&over));
        let thread = thread::spawn(move || listen(&listening.0, &listening.1, &listening.2));
        Ok(MediaEnd { socket, packets, over, thread: Some(thread) })
    }

    /// Where it listens.
    ///
    /// # Errors
    /// When the system cannot tell.
    pub fn port(&self) -> Result<u16> {
        Ok(self.socket.local_addr()?.port())
    }

    /// How many packets came so far.
    pub fn count(&self) -> usize {
        self.packets.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    /// The packets from the `first` on.
    pub fn since(&self, first: usize) -> Vec<Packet> {
        let packets = self.packets.lock().unwrap_or_else(PoisonError::into_inner);
        packets.get(first..).unwrap_or_default().to_vec()
    }

    /// Waits until `more` packets have come than now.
    ///
    /// # Errors
    /// When they do not come within `limit`.
    pub fn expect(&self, more: usize, limit: Duration) -> Result<()> {
        let wanted = self.count() + more;
        wait::until(&format!("{more} more RTP packets"), limit, || Ok((self.count() >= wanted).then_some(())))
    }

    /// Waits until no packet has come for `quiet`.
    ///
    /// # Errors
    /// When packets still come after `limit`.
    pub fn expect_quiet(&self, quiet: Duration, limit: Duration) -> Result<()> {
        let start = Instant::now();
        wait::until("RTP to stop", limit, || {
            let last =
                self.packets.lock().unwrap_or_else(PoisonError::into_inner).last().map_or(start, |packet| packet.at);
            Ok((last.max(start).elapsed() >= quiet).then_some(()))
        })
    }
}

impl Drop for MediaEnd {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            thread.join().ok();
        }
    }
}

fn listen(socket: &UdpSocket, packets: &Mutex<Vec<Packet>>, over: &AtomicBool) {
    let mut buffer = [0; 2_048];
    while !over.load(Ordering::Relaxed) {
        let Ok((size, from)) = socket.recv_from(&mut buffer) else { continue };
        let at = Instant::now();
        if size < HEADER || buffer[0] >> 6 != 2 {
            continue;
        }
        let packet = Packet {
            at,
            from,
            payload_type: buffer[1] & 0x7f,
            sequence: u16::from_be_bytes([buffer[2], buffer[3]]),
            payload: buffer[HEADER..size].to_vec(),
        };
        packets.lock().unwrap_or_else(PoisonError::into_inner).push(packet);
    }
}
