//! Sockets, and which of our addresses a peer should see.

mod framing;
mod long;
mod stream;
mod tls;
mod udp;

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket as StdUdp};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use rsipstack::platform::CancellationToken;
use rsipstack::sip::Transport as StackTransport;
use rsipstack::transaction::endpoint::EndpointInnerRef;
use rsipstack::transport::udp::UdpConnection;
use rsipstack::transport::{SipAddr, SipConnection};
use socket2::{Domain, Protocol, Socket, Type};
use tokio::net::{TcpListener, TcpStream, UdpSocket};
use tokio::time::timeout;
use tokio_rustls::rustls::pki_types::ServerName;

pub(crate) use stream::{Checks, Stream};

use crate::config::{Config, Listen, Network, Tls, Transport};
use crate::error::SipError;
use crate::locate::Target;

const CONNECT: Duration = Duration::from_secs(5);
/// Streams open at once; a clinic has tens.
const STREAMS: usize = 4096;

/// A way to a peer: the stack's connection, where to, and how we present ourselves there.
#[derive(Clone)]
pub(crate) struct Path {
    pub connection: SipConnection,
    pub destination: SocketAddr,
    pub transport: Transport,
    /// Address and port for Via and Contact.
    pub face: SocketAddr,
    /// What is too long for a datagram may go another way.
    pub free: bool,
}

impl Path {
    /// The destination as the stack wants it.
    pub(crate) fn stack_address(&self) -> SipAddr {
        SipAddr { r#type: Some(stack_transport(self.transport)), addr: self.destination.into() }
    }

    /// `UDP`, `TCP` or `TLS`, as Via writes it.
    pub(crate) fn via_transport(&self) -> &'static str {
        name(self.transport)
    }

    /// `;transport=tcp` for addresses, nothing for UDP.
    pub(crate) fn transport_parameter(&self) -> &'static str {
        match self.transport {
            Transport::Udp => "",
            Transport::Tcp => ";transport=tcp",
            Transport::Tls => ";transport=tls",
        }
    }
}

/// All sockets of an endpoint.
pub(crate) struct Wires {
    udp: Vec<(SocketAddr, SipConnection, Arc<udp::CheckedUdp>)>,
    listeners: Vec<Listen>,
    streams: Mutex<HashMap<(Transport, SocketAddr), Stream>>,
    stack: OnceLock<EndpointInnerRef>,
    external: Vec<IpAddr>,
    local_networks: Vec<Network>,
    tls: Tls,
    checks: Checks,
    /// Where long requests cannot go by a stream.
    datagrams_only: long::DatagramsOnly,
    stop: CancellationToken,
}

/// Opened but not yet accepting.
pub(crate) struct Acceptors(Vec<(TcpListener, Option<tokio_rustls::TlsAcceptor>)>);

impl Wires {
    /// Opens every listener of the configuration.
    pub(crate) async fn open(
        config: &Config,
        checks: Checks,
        stop: CancellationToken,
    ) -> Result<(Wires, Acceptors), SipError> {
        let (mut udp, mut listeners, mut acceptors) = (Vec::new(), Vec::new(), Vec::new());
        for listen in &config.listen {
            let failed = |cause| SipError::Listen { transport: name(listen.transport), address: listen.address, cause };
            let local = match listen.transport {
                Transport::Udp => {
                    let socket = UdpSocket::from_std(bind(listen.address, Type::DGRAM).map_err(failed)?.into())
                        .map_err(failed)?;
                    let local = socket.local_addr().map_err(failed)?;
                    let socket = Arc::new(udp::CheckedUdp::new(socket, checks.meter.clone(), checks.guard.clone()));
                    let connection = UdpConnection::from_socket(socket.clone(), None, Some(stop.clone()))
                        .await
                        .map_err(|e| SipError::Config(e.to_string()))?;
                    udp.push((local, SipConnection::Udp(connection), socket));
                    local
                }
                Transport::Tcp | Transport::Tls => {
                    let tls = match listen.transport {
                        Transport::Tls => Some(tls::acceptor(&config.tls)?),
                        _ => None,
                    };
                    let socket = bind(listen.address, Type::STREAM).map_err(failed)?;
                    socket.listen(256).map_err(failed)?;
                    let listener = TcpListener::from_std(socket.into()).map_err(failed)?;
                    let local = listener.local_addr().map_err(failed)?;
                    acceptors.push((listener, tls));
                    local
                }
            };
            listeners.push(Listen { transport: listen.transport, address: local });
        }
        let wires = Wires {
            udp,
            listeners,
            streams: Mutex::default(),
            stack: OnceLock::new(),
            external: config.external.clone(),
            local_networks: config.local_networks.clone(),
            tls: config.tls.clone(),
            checks,
            datagrams_only: long::DatagramsOnly::default(),
            stop,
        };
        Ok((wires, Acceptors(acceptors)))
    }

    /// Datagram connections for the stack to read.
    pub(crate) fn datagrams(&self) -> impl Iterator<Item = SipConnection> + '_ {
        self.udp.iter().map(|(_, connection, _)| connection.clone())
    }

    /// The listeners with the ports they really got.
    pub(crate) fn listeners(&self) -> &[Listen] {
        &self.listeners
    }

    /// Begins accepting; `stack` takes the streams.
    pub(crate) fn accept(self: &Arc<Self>, acceptors: Acceptors, stack: EndpointInnerRef) {
        self.stack.set(stack).ok();
        for (listener, tls) in acceptors.0 {
            let wires = self.clone();
            tokio::spawn(async move {
                loop {
                    let accepted = tokio::select! {
                        () = wires.stop.cancelled() => return,
                        accepted = listener.accept() => accepted,
                    };
                    // Out of descriptors: let some be closed before trying again.
                    let Ok((socket, remote)) = accepted else {
                        tokio::time::sleep(Duration::from_millis(50)).await;
                        continue;
                    };
                    if wires.checks.guard.is_banned(remote.ip()) || wires.streams().len() >= STREAMS {
                        continue;
                    }
                    socket.set_nodelay(true).ok();
                    let (wires, tls) = (wires.clone(), tls.clone());
                    tokio::spawn(async move {
                        let Ok(local) = socket.local_addr() else { return };
                        match tls {
                            None => drop(wires.adopt(socket, Transport::Tcp, local, remote).await),
                            Some(tls) => {
                                if let Ok(Ok(secure)) = timeout(CONNECT, tls.accept(socket)).await {
                                    drop(wires.adopt(secure, Transport::Tls, local, remote).await);
                                }
                            }
                        }
                    });
                }
            });
        }
    }

    /// A way to a target, over a stream that is already open or a new one.
    pub(crate) async fn path(&self, target: &Target, verify: bool) -> Result<Path, SipError> {
        let unreachable = |problem: String| SipError::Unreachable { target: target.name.clone(), problem };
        if target.transport == Transport::Udp {
            return self
                .datagram_path(target.address)
                .map(|path| Path { free: target.free, ..path })
                .ok_or_else(|| unreachable("no UDP listener of that address family is configured".into()));
        }
        if let Some(stream) = self.stream_to(target.transport, target.address) {
            return Ok(self.stream_path(target.transport, &stream));
        }
        let socket = timeout(CONNECT, TcpStream::connect(target.address))
            .await
            .map_err(|_| unreachable(format!("{} did not accept a connection", target.address)))?
            .map_err(|e| unreachable(format!("{}: {e}", target.address)))?;
        socket.set_nodelay(true).ok();
        let local = socket.local_addr().map_err(|e| unreachable(e.to_string()))?;
        let stream = match target.transport {
            Transport::Tls => {
                let server = ServerName::try_from(target.name.clone())
                    .map_err(|_| unreachable("its name cannot stand in a certificate".into()))?;
                let secure = timeout(CONNECT, tls::connector(&self.tls, verify)?.connect(server, socket))
                    .await
                    .map_err(|_| unreachable("no TLS handshake".into()))?
                    .map_err(|e| unreachable(format!("TLS: {e}")))?;
                self.adopt(secure, target.transport, local, target.address).await
            }
            _ => self.adopt(socket, target.transport, local, target.address).await,
        };
        stream.map(|s| self.stream_path(target.transport, &s)).map_err(|e| unreachable(e.to_string()))
    }

    /// The way back over the connection a request came in on.
    pub(crate) fn path_back(&self, transport: Transport, source: SocketAddr) -> Option<Path> {
        match transport {
            Transport::Udp => self.datagram_path(source),
            _ => self.stream_to(transport, source).map(|s| self.stream_path(transport, &s)),
        }
    }

    /// Our address as this peer should see it.
    pub(crate) fn advertised(&self, peer: IpAddr, ours: IpAddr) -> IpAddr {
        if self.local_networks.iter().any(|n| n.contains(peer)) {
            return ours;
        }
        self.external.iter().copied().find(|e| e.is_ipv4() == ours.is_ipv4()).unwrap_or(ours)
    }

    /// Our address towards a peer, before translation.
    pub(crate) fn local_towards(&self, peer: SocketAddr) -> IpAddr {
        local_towards(peer).unwrap_or(match peer {
            SocketAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
            SocketAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
        })
    }

    /// Keeps the flow to a peer open through a NAT.
    pub(crate) async fn ping(&self, transport: Transport, peer: SocketAddr) {
        match transport {
            Transport::Udp => {
                if let Some((_, _, socket)) = self.socket_towards(peer) {
                    rsipstack::platform::net::UdpSocket::send_to(socket.as_ref(), b"\r\n\r\n", peer).await.ok();
                }
            }
            _ => self.stream_to(transport, peer).iter().for_each(Stream::ping),
        }
    }

    async fn adopt<S>(
        &self,
        io: S,
        transport: Transport,
        local: SocketAddr,
        remote: SocketAddr,
    ) -> rsipstack::Result<Stream>
    where
        S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Send + 'static,
    {
        let stream = stream::run(io, transport, local, remote, self.checks.clone(), || {}).await?;
        {
            let mut streams = self.streams();
            streams.retain(|_, s| s.is_alive());
            streams.insert((transport, remote), stream.clone());
        }
        if let Some(stack) = self.stack.get() {
            stack.transport_layer.add_connection(stream.connection.clone());
        }
        Ok(stream)
    }

    fn streams(&self) -> std::sync::MutexGuard<'_, HashMap<(Transport, SocketAddr), Stream>> {
        self.streams.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn stream_to(&self, transport: Transport, peer: SocketAddr) -> Option<Stream> {
        self.streams().get(&(transport, peer)).filter(|s| s.is_alive()).cloned()
    }

    fn stream_path(&self, transport: Transport, stream: &Stream) -> Path {
        // Peers may open a new connection to us: name the listener's port if there is one.
        let port = self
            .listeners
            .iter()
            .find(|l| l.transport == transport && l.address.is_ipv4() == stream.local.is_ipv4())
            .map_or(stream.local.port(), |l| l.address.port());
        let ip = self.advertised(stream.remote.ip(), stream.local.ip());
        Path {
            connection: stream.connection.clone(),
            destination: stream.remote,
            transport,
            face: SocketAddr::new(ip, port),
            free: false,
        }
    }

    fn datagram_path(&self, peer: SocketAddr) -> Option<Path> {
        let (local, connection, _) = self.socket_towards(peer)?;
        let ours = match local.ip().is_unspecified() {
            true => self.local_towards(peer),
            false => local.ip(),
        };
        let face = SocketAddr::new(self.advertised(peer.ip(), ours), local.port());
        Some(Path { connection: connection.clone(), destination: peer, transport: Transport::Udp, face, free: false })
    }

    fn socket_towards(&self, peer: SocketAddr) -> Option<&(SocketAddr, SipConnection, Arc<udp::CheckedUdp>)> {
        let family = || self.udp.iter().filter(|(a, ..)| a.is_ipv4() == peer.is_ipv4());
        // With several sockets of a family, the one on the interface that leads there.
        let ours = (family().count() > 1).then(|| local_towards(peer)).flatten();
        family().find(|(a, ..)| Some(a.ip()) == ours).or_else(|| family().next())
    }
}

/// Our transport as the stack names it.
pub(crate) fn stack_transport(transport: Transport) -> StackTransport {
    match transport {
        Transport::Udp => StackTransport::Udp,
        Transport::Tcp => StackTransport::Tcp,
        Transport::Tls => StackTransport::Tls,
    }
}

/// `UDP`, `TCP`, `TLS`.
pub(crate) fn name(transport: Transport) -> &'static str {
    match transport {
        Transport::Udp => "UDP",
        Transport::Tcp => "TCP",
        Transport::Tls => "TLS",
    }
}

/// Asks the routing table, without sending anything.
fn local_towards(peer: SocketAddr) -> Option<IpAddr> {
    let any: SocketAddr = match peer {
        SocketAddr::V4(_) => (Ipv4Addr::UNSPECIFIED, 0).into(),
        SocketAddr::V6(_) => (Ipv6Addr::UNSPECIFIED, 0).into(),
    };
    let probe = StdUdp::bind(any).ok()?;
    probe.connect(peer).ok()?;
    probe.local_addr().ok().map(|a| a.ip())
}

/// A v6 socket takes v6 only, so that both families can listen on the same port.
fn bind(address: SocketAddr, kind: Type) -> std::io::Result<Socket> {
    let protocol = if kind == Type::DGRAM { Protocol::UDP } else { Protocol::TCP };
    let socket = Socket::new(Domain::for_address(address), kind, Some(protocol))?;
    if address.is_ipv6() {
        socket.set_only_v6(true)?;
    }
    if kind == Type::STREAM {
        socket.set_reuse_address(true)?;
    } else {
        // Bursts of calls arrive faster than one task reads.
        socket.set_recv_buffer_size(1 << 21).ok();
    }
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    Ok(socket)
}
