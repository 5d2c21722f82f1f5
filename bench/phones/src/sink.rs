//! The socket all calls send their sound to: a thread takes packets off it in batches, with the kernel's stamps.

use std::collections::HashMap;
use std::io::IoSliceMut;
use std::net::{SocketAddr, SocketAddrV4, UdpSocket};
use std::os::fd::AsRawFd as _;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};

use anyhow::{Context, Result};
use nix::sys::socket::{self, ControlMessageOwned, MsgFlags, MultiHeaders, SockaddrIn, setsockopt, sockopt};
use nix::sys::time::{TimeSpec, TimeValLike as _};

/// Packets taken at once.
const BATCH: usize = 64;
/// 20 ms of G.711 and its header, with room.
const PACKET: usize = 256;
/// RTP's fixed header (RFC 3550 §5.1).
pub const HEADER: usize = 12;
/// A quarter of a second of 2,000 calls.
const RECEIVE_BUFFER: usize = 16 << 20;

/// One packet, as far as timing goes.
#[derive(Debug, Clone, Copy)]
pub struct Stamp {
    /// When the kernel was handed it, nanoseconds.
    pub at_ns: i64,
    /// The moment it stands for, by its own RTP timestamp, 1/8000 s.
    pub timestamp: u32,
    /// Its number.
    pub sequence: u16,
    /// Does it carry sound that a person would hear?
    pub loud: bool,
}

/// What came from each address.
pub type Stamps = HashMap<SocketAddrV4, Vec<Stamp>>;

/// The receiving side.
pub struct Sink {
    socket: UdpSocket,
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

struct Shared {
    stamps: Mutex<Stamps>,
    over: AtomicBool,
}

impl Sink {
    /// Opens the socket and begins to listen.
    ///
    /// # Errors
    /// When the system gives no socket, or does not stamp.
    pub fn open() -> Result<Sink> {
        let socket = UdpSocket::bind("127.0.0.1:0")?;
        setsockopt(&socket, sockopt::ReceiveTimestampns, &true).context("the kernel does not stamp packets")?;
        // More than an ordinary user may have; without it the default has to do.
        if setsockopt(&socket, sockopt::RcvBufForce, &RECEIVE_BUFFER).is_err() {
            setsockopt(&socket, sockopt::RcvBuf, &RECEIVE_BUFFER)?;
        }
        socket.set_read_timeout(Some(std::time::Duration::from_millis(50)))?;
        let shared = Arc::new(Shared { stamps: Mutex::new(HashMap::new()), over: AtomicBool::new(false) });
        let (listening, theirs) = (socket.try_clone()?, Arc::clone(&shared));
        let thread = thread::spawn(move || listen(&listening, &theirs));
        Ok(Sink { socket, shared, thread: Some(thread) })
    }

    /// The socket, to send from: to the server a call has one address.
    ///
    /// # Errors
    /// When the system cannot give it twice.
    pub fn socket(&self) -> Result<UdpSocket> {
        Ok(self.socket.try_clone()?)
    }

    /// Where calls send their sound.
    ///
    /// # Errors
    /// When the system cannot tell.
    pub fn port(&self) -> Result<u16> {
        Ok(self.socket.local_addr()?.port())
    }

    /// What has come from each address.
    pub fn stamps(&self) -> MutexGuard<'_, Stamps> {
        self.shared.stamps.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Sink {
    fn drop(&mut self) {
        self.shared.over.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            thread.join().ok();
        }
    }
}

fn listen(socket: &UdpSocket, shared: &Shared) {
    let mut buffers = vec![[0_u8; PACKET]; BATCH];
    let mut headers = MultiHeaders::<SockaddrIn>::preallocate(BATCH, Some(nix::cmsg_space!(TimeSpec)));
    let mut batch: Vec<(usize, SocketAddrV4, i64)> = Vec::with_capacity(BATCH);
    while !shared.over.load(Ordering::Relaxed) {
        batch.clear();
        receive(socket, &mut buffers, &mut headers, &mut batch);
        let mut stamps = shared.stamps.lock().unwrap_or_else(PoisonError::into_inner);
        for (buffer, (size, from, at_ns)) in buffers.iter().zip(&batch) {
            if *size < HEADER || buffer[0] >> 6 != 2 {
                continue;
            }
            let stamp = Stamp {
                at_ns: *at_ns,
                timestamp: u32::from_be_bytes([buffer[4], buffer[5], buffer[6], buffer[7]]),
                sequence: u16::from_be_bytes([buffer[2], buffer[3]]),
                loud: is_loud(&buffer[HEADER..*size]),
            };
            stamps.entry(*from).or_default().push(stamp);
        }
    }
}

/// Waits for one packet and takes what else is there: sizes, senders and stamps, in the order of the buffers.
fn receive(
    socket: &UdpSocket,
    buffers: &mut [[u8; PACKET]],
    headers: &mut MultiHeaders<SockaddrIn>,
    batch: &mut Vec<(usize, SocketAddrV4, i64)>,
) {
    let mut slices: Vec<[IoSliceMut; 1]> = buffers.iter_mut().map(|buffer| [IoSliceMut::new(buffer)]).collect();
    let flags = MsgFlags::MSG_WAITFORONE;
    let Ok(received) = socket::recvmmsg(socket.as_raw_fd(), headers, slices.iter_mut(), flags, None) else { return };
    for message in received {
        let at = message.cmsgs().ok().and_then(|mut messages| {
            messages.find_map(|message| match message {
                ControlMessageOwned::ScmTimestampns(at) => Some(at.num_nanoseconds()),
                _ => None,
            })
        });
        // Without a sender or a stamp a packet tells nothing; its place in the batch counts all the same.
        let from = message.address.map_or(SocketAddrV4::new(0.into(), 0), SocketAddrV4::from);
        batch.push((if at.is_some() { message.bytes } else { 0 }, from, at.unwrap_or(0)));
    }
}

/// A-law: the lowest three segments hold magnitudes below 256 of 32,768. Speech leaves them in most packets.
fn is_loud(payload: &[u8]) -> bool {
    payload.iter().filter(|byte| ((**byte ^ 0x55) & 0x70) > 0x20).count() > payload.len() / 20
}

/// A socket address as the rest of the program knows it.
pub fn address(from: SocketAddrV4) -> SocketAddr {
    SocketAddr::V4(from)
}
