//! Ports for sound: pairs of an even one for RTP and the odd one after it for RTCP, out of a range a firewall can name.

use std::collections::VecDeque;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket};
use std::sync::{Arc, Mutex, PoisonError};

use crate::MediaError;
use crate::socket::Socket;

/// Where sound may come in.
#[derive(Debug, Clone)]
pub struct PortSettings {
    /// First and last port, both included.
    pub range: (u16, u16),
    /// What IPv4 sockets are bound to; none for no IPv4.
    pub v4: Option<IpAddr>,
    /// What IPv6 sockets are bound to; none for no IPv6.
    pub v6: Option<IpAddr>,
    /// The address others see us by, where that is not ours (NAT). Told to everybody if it is a private one, else to those
    /// who are not in a private network themselves.
    pub external_ip: Option<IpAddr>,
    /// Mark packets as speech (DSCP EF, RFC 3246).
    pub mark: bool,
}

impl Default for PortSettings {
    fn default() -> Self {
        PortSettings {
            range: (20_000, 29_999),
            v4: Some(Ipv4Addr::UNSPECIFIED.into()),
            v6: None,
            external_ip: None,
            mark: true,
        }
    }
}

/// The pool of pairs. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Ports {
    pool: Arc<Pool>,
}

#[derive(Debug)]
struct Pool {
    settings: PortSettings,
    pairs: usize,
    /// The one that was free longest comes first, so that late packets of a call do not meet the next one.
    free: Mutex<VecDeque<u16>>,
}

impl Ports {
    /// A pool; nothing is bound yet.
    pub fn new(settings: PortSettings) -> Result<Ports, MediaError> {
        let (first, last) = settings.range;
        // Even ports whose neighbour is in the range too.
        let mut free: VecDeque<u16> = (first.max(2)..last).filter(|port| port % 2 == 0).collect();
        if free.is_empty() {
            return Err(MediaError::NoPorts { first, last });
        }
        // After a restart the calls of the last run may still be sending.
        let turn = rand::random_range(0..free.len());
        free.rotate_left(turn);
        Ok(Ports { pool: Arc::new(Pool { settings, pairs: free.len(), free: Mutex::new(free) }) })
    }

    /// Binds a pair for a call with somebody at that address.
    pub fn open(&self, remote: IpAddr) -> Result<RtpSocket, MediaError> {
        let settings = &self.pool.settings;
        let bind = if remote.is_ipv4() { settings.v4 } else { settings.v6 };
        let bind = bind.ok_or(MediaError::WrongFamily(remote))?;
        let mut refused = None;
        // A port may be somebody else's: then the next one is tried.
        for _ in 0..self.pool.pairs.min(TRIES) {
            let port = self.pool.free.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
            let Some(port) = port else { break };
            let pair = Pair { pool: Arc::clone(&self.pool), port };
            match bind_pair(bind, port, settings.mark) {
                Ok((rtp, rtcp)) => {
                    let address = self.announced(bind, remote);
                    return Ok(RtpSocket { rtp, rtcp, address, _pair: pair });
                }
                Err((address, cause)) if cause.kind() == std::io::ErrorKind::AddrInUse => {
                    refused = Some(MediaError::Socket { address, cause });
                }
                Err((address, cause)) => return Err(MediaError::Socket { address, cause }),
            }
        }
        Err(refused.unwrap_or(MediaError::PortsTaken { pairs: self.pool.pairs }))
    }

    /// The address that somebody else would be told for a pair that is open already; none where sockets of that family are not
    /// to be had.
    pub fn announced_to(&self, remote: IpAddr) -> Option<IpAddr> {
        let settings = &self.pool.settings;
        let bind = if remote.is_ipv4() { settings.v4 } else { settings.v6 };
        Some(self.announced(bind?, remote))
    }

    /// Pairs that are not in use.
    pub fn free(&self) -> usize {
        self.pool.free.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    /// Pairs in all.
    pub fn pairs(&self) -> usize {
        self.pool.pairs
    }

    /// The address to tell somebody.
    fn announced(&self, bind: IpAddr, remote: IpAddr) -> IpAddr {
        let external = self.pool.settings.external_ip.filter(|external| external.is_ipv4() == remote.is_ipv4());
        match external {
            Some(external) if is_private(external) || !is_private(remote) => external,
            _ if !bind.is_unspecified() => bind,
            _ => route_to(bind, remote).unwrap_or(bind),
        }
    }
}

/// Ports tried before giving up.
const TRIES: usize = 64;

/// A pair of sockets, and the right to them. Dropped, the pair is free again.
#[derive(Debug)]
pub struct RtpSocket {
    pub(crate) rtp: Socket,
    pub(crate) rtcp: Socket,
    address: IpAddr,
    _pair: Pair,
}

impl RtpSocket {
    /// Address and port to tell the other side.
    pub fn local(&self) -> SocketAddr {
        SocketAddr::new(self.address, self.rtp.port())
    }

    /// The port of RTCP.
    pub fn rtcp_port(&self) -> u16 {
        self.rtcp.port()
    }
}

#[derive(Debug)]
struct Pair {
    pool: Arc<Pool>,
    port: u16,
}

impl Drop for Pair {
    fn drop(&mut self) {
        self.pool.free.lock().unwrap_or_else(PoisonError::into_inner).push_back(self.port);
    }
}

fn bind_pair(ip: IpAddr, port: u16, mark: bool) -> Result<(Socket, Socket), (SocketAddr, std::io::Error)> {
    let bind = |port| {
        let address = SocketAddr::new(ip, port);
        Socket::bind(address, mark).map_err(|cause| (address, cause))
    };
    Ok((bind(port)?, bind(port + 1)?))
}

/// The address of ours from which packets to somebody leave. Nothing is sent for that.
fn route_to(bind: IpAddr, remote: IpAddr) -> Option<IpAddr> {
    let socket = UdpSocket::bind((bind, 0)).ok()?;
    socket.connect((remote, 9)).ok()?;
    socket.local_addr().ok().map(|local| local.ip()).filter(|ip| !ip.is_unspecified())
}

fn is_private(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => ip.is_private() || ip.is_loopback() || ip.is_link_local(),
        IpAddr::V6(ip) => ip.is_loopback() || ip.is_unique_local() || ip.is_unicast_link_local(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ports(range: (u16, u16), external_ip: Option<&str>) -> Ports {
        let external_ip = external_ip.map(|ip| ip.parse().expect("an address"));
        let settings =
            PortSettings { range, v6: Some("::1".parse().expect("an address")), external_ip, ..Default::default() };
        Ports::new(settings).expect("a range")
    }

    fn ip(text: &str) -> IpAddr {
        text.parse().expect("an address")
    }

    #[test]
    fn pairs_are_lent_and_come_back() {
        let ports = ports((41_001, 41_006), None);
        assert_eq!((ports.pairs(), ports.free()), (2, 2), "41002 and 41004");
        let first = ports.open(ip("127.0.0.1")).expect("a pair");
        let second = ports.open(ip("127.0.0.1")).expect("a pair");
        assert_eq!(first.local().port() % 2, 0);
        assert_eq!(first.rtcp_port(), first.local().port() + 1);
        assert!(matches!(ports.open(ip("127.0.0.1")), Err(MediaError::PortsTaken { pairs: 2 })));
        let port = first.local().port();
        drop(first);
        assert_eq!(ports.open(ip("127.0.0.1")).expect("a pair").local().port(), port);
        drop(second);
        assert_eq!(ports.free(), 2);
    }

    #[test]
    fn somebody_elses_port_is_passed_over() {
        let theirs = UdpSocket::bind("0.0.0.0:41013").expect("a port");
        let ports = ports((41_012, 41_015), None);
        assert_eq!(ports.open(ip("127.0.0.1")).expect("a pair").local().port(), 41_014);
        drop(theirs);
    }

    #[test]
    fn ranges_without_a_pair_are_refused() {
        for range in [(5_001, 5_002), (5_000, 5_000), (5_002, 5_000)] {
            assert!(Ports::new(PortSettings { range, ..Default::default() }).is_err(), "{range:?}");
        }
    }

    #[test]
    fn everybody_is_told_the_address_they_can_reach() {
        let plain = ports((41_020, 41_029), None);
        assert_eq!(plain.open(ip("127.0.0.1")).expect("a pair").local().ip(), ip("127.0.0.1"));
        assert_eq!(plain.open(ip("::1")).expect("a pair").local().ip(), ip("::1"));
        let public = ports((41_030, 41_039), Some("192.0.2.77"));
        assert_eq!(public.open(ip("127.0.0.1")).expect("a pair").local().ip(), ip("127.0.0.1"));
        assert_eq!(public.open(ip("198.51.100.1")).expect("a pair").local().ip(), ip("192.0.2.77"));
        let private = ports((41_040, 41_049), Some("192.168.7.7"));
        assert_eq!(private.open(ip("127.0.0.1")).expect("a pair").local().ip(), ip("192.168.7.7"));
        assert_eq!(private.open(ip("::1")).expect("a pair").local().ip(), ip("::1"), "another family");
    }
}
