//! One UDP socket that never waits, and knows when the kernel received what it gives.

use std::cell::RefCell;
use std::io::{self, IoSliceMut};
use std::net::{SocketAddr, SocketAddrV4, SocketAddrV6};
use std::os::fd::AsRawFd as _;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use nix::sys::socket::{ControlMessageOwned, MsgFlags, SockaddrStorage, recvmsg, setsockopt, sockopt};
use socket2::{Domain, Protocol, Type};

/// A bound socket.
#[derive(Debug)]
pub(crate) struct Socket {
    socket: std::net::UdpSocket,
    port: u16,
}

/// No packet of sound is longer than a frame of Ethernet; what is cut here does not parse.
const DATAGRAM: usize = 2_048;
/// Datagrams taken at once at most: a flood costs its own call a bounded time.
const AT_ONCE: usize = 64;
/// Expedited forwarding, in the upper six bits.
const EXPEDITED: i32 = 46 << 2;

thread_local! {
    /// One for all calls of a thread: a datagram is handled before the next one is taken.
    static BUFFER: RefCell<Box<Buffer>> =
        RefCell::new(Box::new(Buffer { datagram: [0; DATAGRAM], control: nix::cmsg_space!(nix::sys::time::TimeSpec) }));
}

struct Buffer {
    datagram: [u8; DATAGRAM],
    control: Vec<u8>,
}

impl Socket {
    /// Binds; `mark` asks routers for haste.
    pub(crate) fn bind(address: SocketAddr, mark: bool) -> io::Result<Socket> {
        let domain = Domain::for_address(address);
        let socket = socket2::Socket::new(domain, Type::DGRAM, Some(Protocol::UDP))?;
        socket.set_nonblocking(true)?;
        if domain == Domain::IPV6 {
            socket.set_only_v6(true)?;
        }
        if mark {
            // A system that will not mark packets still carries them.
            let _ = if domain == Domain::IPV6 {
                setsockopt(&socket, sockopt::Ipv6TClass, &EXPEDITED)
            } else {
                setsockopt(&socket, sockopt::Ipv4Tos, &EXPEDITED)
            };
        }
        socket.bind(&address.into())?;
        // Without it the moment of reading is taken.
        let _ = setsockopt(&socket, sockopt::ReceiveTimestampns, &true);
        let socket = std::net::UdpSocket::from(socket);
        let port = socket.local_addr()?.port();
        Ok(Socket { socket, port })
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// Hands over every datagram that waits, with its source and how long ago it came.
    pub(crate) fn drain(&self, mut take: impl FnMut(&mut [u8], SocketAddr, Duration)) {
        BUFFER.with_borrow_mut(|buffer| {
            let mut wall = None;
            for _ in 0..AT_ONCE {
                let Buffer { datagram, control } = &mut **buffer;
                let mut slices = [IoSliceMut::new(datagram)];
                let received = recvmsg::<SockaddrStorage>(
                    self.socket.as_raw_fd(),
                    &mut slices,
                    Some(control),
                    MsgFlags::MSG_DONTWAIT,
                );
                let (length, source, stamp) = match received {
                    Ok(message) => {
                        let stamp = message.cmsgs().ok().and_then(|mut all| {
                            all.find_map(|one| match one {
                                ControlMessageOwned::ScmTimestampns(stamp) => Some(Duration::from(stamp)),
                                _ => None,
                            })
                        });
                        (message.bytes, message.address.and_then(address), stamp)
                    }
                    // An unreachable port told of earlier packets of ours: the next read tells more.
                    Err(nix::Error::ECONNREFUSED | nix::Error::EINTR) => continue,
                    Err(_) => break,
                };
                let Some(source) = source else { continue };
                let wall = *wall.get_or_insert_with(wall_clock);
                let age = stamp.map_or(Duration::ZERO, |stamp| wall.saturating_sub(stamp));
                take(&mut buffer.datagram[..length.min(DATAGRAM)], source, age);
            }
        });
    }

    /// Sends, or not: a full queue loses packets like any other place on the way.
    pub(crate) fn send(&self, datagram: &[u8], target: SocketAddr) {
        let _ = self.socket.send_to(datagram, target);
    }
}

fn wall_clock() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}

fn address(storage: SockaddrStorage) -> Option<SocketAddr> {
    let v4 = storage.as_sockaddr_in().map(|v4| SocketAddr::V4(SocketAddrV4::from(*v4)));
    v4.or_else(|| storage.as_sockaddr_in6().map(|v6| SocketAddr::V6(SocketAddrV6::from(*v6))))
}
