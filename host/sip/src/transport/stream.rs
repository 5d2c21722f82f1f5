//! TCP and TLS: accepting, connecting, and feeding whole checked messages into the stack through its in-memory
//! connection, so that the parser sees nothing the front check has not seen.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use rsipstack::sip::{SipMessage, Transport as StackTransport};
use rsipstack::transport::channel::ChannelConnection;
use rsipstack::transport::{SipAddr, SipConnection, TransportEvent};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::sync::mpsc;
use tokio::time::timeout;

use super::framing::{Frame, Framer};
use crate::counters::Meter;
use crate::front::{self, Transport, Verdict};
use crate::guard::Guard;

/// A stream that says nothing for so long is closed; phones keep theirs alive far more often.
const IDLE: Duration = Duration::from_secs(900);
/// A fresh stream must bring its first message by then.
const FIRST: Duration = Duration::from_secs(20);
/// A peer that does not read loses its connection.
const WRITE: Duration = Duration::from_secs(10);

/// A live stream: the stack's handle, and a way to write raw bytes (keep-alives).
#[derive(Clone)]
pub(crate) struct Stream {
    pub connection: SipConnection,
    pub remote: SocketAddr,
    pub local: SocketAddr,
    raw: mpsc::UnboundedSender<Raw>,
}

impl Stream {
    /// Whether writing still reaches somebody.
    pub(crate) fn is_alive(&self) -> bool {
        !self.raw.is_closed()
    }

    /// Sends a keep-alive.
    pub(crate) fn ping(&self) {
        self.raw.send(Raw::Bytes(b"\r\n\r\n".to_vec())).ok();
    }
}

/// Bytes that do not come from the stack.
enum Raw {
    Bytes(Vec<u8>),
    Close,
}

/// Shared by all streams.
#[derive(Clone)]
pub(crate) struct Checks {
    pub meter: Arc<Meter>,
    pub guard: Arc<Guard>,
}

/// Runs a connected stream; `ended` is called once when it is over.
pub(crate) async fn run<S>(
    io: S,
    transport: Transport,
    local: SocketAddr,
    remote: SocketAddr,
    checks: Checks,
    ended: impl FnOnce() + Send + 'static,
) -> rsipstack::Result<Stream>
where
    S: AsyncRead + AsyncWrite + Send + 'static,
{
    let kind = match transport {
        Transport::Tls => StackTransport::Tls,
        _ => StackTransport::Tcp,
    };
    let address = SipAddr { r#type: Some(kind), addr: remote.into() };
    let (to_stack, from_us) = mpsc::unbounded_channel();
    let (to_us, mut from_stack) = mpsc::unbounded_channel::<TransportEvent>();
    let (raw, mut raw_out) = mpsc::unbounded_channel::<Raw>();
    let channel = ChannelConnection::create_connection(from_us, to_us, address.clone(), None).await?;
    let connection = SipConnection::Channel(channel);
    let stream = Stream { connection: connection.clone(), remote, local, raw: raw.clone() };

    let (mut reader, mut writer) = tokio::io::split(io);
    let meter = checks.meter.clone();
    let write = async move {
        loop {
            let bytes = tokio::select! {
                event = from_stack.recv() => match event {
                    Some(TransportEvent::Incoming(message, ..)) => {
                        Meter::add(&meter.sent);
                        message_bytes(message)
                    }
                    Some(_) => continue,
                    None => break,
                },
                bytes = raw_out.recv() => match bytes {
                    Some(Raw::Bytes(b)) => b,
                    Some(Raw::Close) | None => break,
                },
            };
            match timeout(WRITE, writer.write_all(&bytes)).await {
                Ok(Ok(())) => {}
                _ => break,
            }
            if timeout(WRITE, writer.flush()).await.is_err() {
                break;
            }
        }
        writer.shutdown().await.ok();
    };
    let answers = raw.downgrade();
    let read = async move {
        let (mut framer, mut buffer, mut patience) = (Framer::default(), vec![0; 8192], FIRST);
        loop {
            let len = match timeout(patience, reader.read(&mut buffer)).await {
                Ok(Ok(len)) if len > 0 => len,
                _ => return,
            };
            framer.push(&buffer[..len]);
            while let Some(frame) = framer.next() {
                let (message, last) = match frame {
                    Frame::Ping => {
                        answers.upgrade().map(|a| a.send(Raw::Bytes(b"\r\n".to_vec())));
                        patience = IDLE;
                        continue;
                    }
                    Frame::Message(m) => (m, false),
                    Frame::Last(m) => (m, true),
                    Frame::Broken => return,
                };
                if checks.guard.is_banned(remote.ip()) {
                    Meter::add(&checks.meter.ignored);
                    return;
                }
                Meter::add(&checks.meter.received);
                let verdict = front::check(&message, transport, remote);
                match verdict {
                    Verdict::Pass | Verdict::Tidy(_) => {
                        let plain = if let Verdict::Tidy(plain) = &verdict { plain } else { &message };
                        let parsed = SipMessage::try_from(plain.as_slice())
                            .ok()
                            .and_then(|m| SipConnection::update_msg_received(m, remote, kind).ok());
                        match parsed {
                            Some(m) => {
                                let event = TransportEvent::Incoming(m, connection.clone(), address.clone());
                                if to_stack.send(event).is_err() {
                                    return;
                                }
                                patience = IDLE;
                            }
                            None => Meter::add(&checks.meter.malformed),
                        }
                    }
                    Verdict::Answer(bytes) => {
                        Meter::add(&checks.meter.malformed);
                        answers.upgrade().map(|a| a.send(Raw::Bytes(bytes)));
                    }
                    Verdict::Ignore => Meter::add(&checks.meter.malformed),
                }
                if last {
                    // The writer ends the stream once the answer is out.
                    answers.upgrade().map(|a| a.send(Raw::Close));
                    return std::future::pending().await;
                }
            }
        }
    };
    tokio::spawn(async move {
        // Whichever half ends, the other has nobody to talk to. `raw` must not outlive the writer.
        tokio::select! {
            () = write => {}
            () = read => {}
        }
        ended();
    });
    drop(raw);
    Ok(stream)
}

fn message_bytes(message: SipMessage) -> Vec<u8> {
    match message {
        SipMessage::Request(r) => r.to_bytes(),
        SipMessage::Response(r) => r.to_bytes(),
    }
}
