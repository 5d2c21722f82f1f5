//! A running endpoint, and a sender who watches what comes back.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use sip::{Config, Endpoint, Listen, Strangers, Transport, User};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpStream, UdpSocket};
use tokio::sync::mpsc;
use tokio::time::timeout;

use super::{Case, Expect};

/// Far longer than anything here takes: a test that waits this long has failed.
const PATIENCE: Duration = Duration::from_secs(20);

/// What a call looked like when it came in.
#[derive(Debug)]
pub struct Seen {
    pub called: String,
    pub caller: String,
    pub display: Option<String>,
    pub body: Option<String>,
}

/// An endpoint that refuses every call with 486 and tells of it.
pub struct Rig {
    endpoint: Endpoint,
    pub calls: mpsc::UnboundedReceiver<Seen>,
    sender: u8,
}

impl Rig {
    pub async fn start() -> Rig {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let user = |name: &str| User { name: name.to_owned(), password: "secret".to_owned() };
        let config = Config {
            listen: [Transport::Udp, Transport::Tcp].map(|transport| Listen { transport, address }).to_vec(),
            users: ["watson", "j.user"].map(user).to_vec(),
            strangers: Strangers::Admit,
            ..Config::default()
        };
        let (endpoint, mut incoming) = Endpoint::start(config).await.unwrap();
        let (tell, calls) = mpsc::unbounded_channel();
        tokio::spawn(async move {
            while let Some(call) = incoming.recv().await {
                let (called, caller, display) =
                    (call.called.clone(), call.caller.number.clone(), call.caller.display.clone());
                tell.send(Seen { called, caller, display, body: call.body.clone() }).ok();
                call.reject(486, "Busy Here", None);
            }
        });
        Rig { endpoint, calls, sender: 1 }
    }

    /// Sends the message and says what happened to it. Where silence is due two plain questions come after it: if both are
    /// answered and it is not, it never will be.
    pub async fn happens(&mut self, case: &Case, transport: Transport, due: Expect) -> Expect {
        let probed = due == Expect::Silence;
        // Each from an address of its own: answers to one stranger are few.
        self.sender += 1;
        let from = SocketAddr::from((Ipv4Addr::new(127, 0, 1, self.sender), 0));
        let to = self.address(transport);
        let answer = match transport {
            Transport::Udp => datagram(case.bytes, from, to, probed).await,
            _ => stream(case.bytes, from, to, probed).await,
        };
        match (answer, self.calls.try_recv().is_ok()) {
            (Some(486), true) => Expect::Call,
            (Some(status), false) => Expect::Status(status),
            (None, false) => Expect::Silence,
            (answer, true) => panic!("{}: a call came in and {answer:?} went out", case.name),
        }
    }

    fn address(&self, transport: Transport) -> SocketAddr {
        self.endpoint.addresses().iter().find(|l| l.transport == transport).unwrap().address
    }

    /// Sends a datagram and takes no notice of what comes back.
    pub async fn send(&mut self, bytes: &[u8]) {
        self.sender += 1;
        let to = self.address(Transport::Udp);
        let from = SocketAddr::from((Ipv4Addr::new(127, 0, 1, self.sender), 0));
        UdpSocket::bind(from).await.unwrap().send_to(bytes, to).await.unwrap();
    }

    /// The next call that comes in.
    pub async fn called(&mut self) -> Seen {
        timeout(PATIENCE, self.calls.recv()).await.expect("a call comes in").expect("the endpoint runs")
    }

    /// Nothing is left of all that.
    pub async fn stop(self) {
        let counters = self.endpoint.counters();
        assert_eq!(counters.calls_now, 0, "{counters:?}");
        timeout(PATIENCE, self.endpoint.stop()).await.unwrap();
    }
}

/// A plain question, whose answer shows that what was sent before it has been dealt with.
fn probe(number: usize, transport: &str) -> String {
    format!(
        "OPTIONS sip:gudok@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/{transport} 127.0.0.1;branch=z9hG4bKprobe{number};rport\r\n\
         Max-Forwards: 70\r\nFrom: <sip:probe@127.0.0.1>;tag=probe\r\nTo: <sip:gudok@127.0.0.1>\r\n\
         Call-ID: probe{number}\r\nCSeq: {number} OPTIONS\r\nContent-Length: 0\r\n\r\n"
    )
}

/// The final answer to what was sent.
async fn datagram(bytes: &[u8], from: SocketAddr, to: SocketAddr, probed: bool) -> Option<u16> {
    let socket = UdpSocket::bind(from).await.unwrap();
    socket.send_to(bytes, to).await.unwrap();
    let mut buffer = vec![0; 65_535];
    for number in 1..=2 {
        if probed {
            socket.send_to(probe(number, "UDP").as_bytes(), to).await.unwrap();
        }
        loop {
            let (len, _) = timeout(PATIENCE, socket.recv_from(&mut buffer)).await.ok()?.unwrap();
            match Heard::read(&buffer[..len]) {
                Heard::Answer(status) => return Some(status),
                Heard::Probe(n) if n == number => break,
                _ => {}
            }
        }
    }
    None
}

/// The same on a stream; `None` also when the stream was closed without a word.
async fn stream(bytes: &[u8], from: SocketAddr, to: SocketAddr, probed: bool) -> Option<u16> {
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.bind(from).unwrap();
    let mut stream: TcpStream = socket.connect(to).await.unwrap();
    stream.write_all(bytes).await.unwrap();
    if probed {
        let probes = format!("{}{}", probe(1, "TCP"), probe(2, "TCP"));
        // The endpoint may have closed by now, which is an answer too.
        stream.write_all(probes.as_bytes()).await.ok();
    }
    let (mut heard, mut buffer) = (String::new(), [0; 4_096]);
    loop {
        let len = match timeout(PATIENCE, stream.read(&mut buffer)).await.ok()? {
            Ok(len) if len > 0 => len,
            _ => return None,
        };
        heard.push_str(&String::from_utf8_lossy(&buffer[..len]));
        let mut probes = 0;
        for message in heard.split_inclusive("\r\n\r\n").filter(|m| m.ends_with("\r\n\r\n")) {
            match Heard::read(message.as_bytes()) {
                Heard::Answer(status) => return Some(status),
                Heard::Probe(_) => probes += 1,
                Heard::Other => {}
            }
        }
        if probes == 2 {
            return None;
        }
    }
}

enum Heard {
    /// A final answer to the message.
    Answer(u16),
    /// The answer to a question of ours.
    Probe(usize),
    /// Provisional, or a request.
    Other,
}

impl Heard {
    fn read(bytes: &[u8]) -> Heard {
        let text = String::from_utf8_lossy(bytes);
        let Some(status) = text.strip_prefix("SIP/2.0 ").and_then(|rest| rest.get(..3)?.parse::<u16>().ok()) else {
            return Heard::Other;
        };
        match text.split_once("Call-ID: probe").and_then(|(_, rest)| rest.get(..1)?.parse().ok()) {
            Some(number) => Heard::Probe(number),
            None if status >= 200 => Heard::Answer(status),
            None => Heard::Other,
        }
    }
}
