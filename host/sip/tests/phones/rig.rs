//! Endpoints on free ports, and sipp as the other side.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use sip::{Config, Dialog, DialogEvent, Endpoint, Incoming, Listen, Over, Strangers, Transport};
use tokio::process::{Child, Command};
use tokio::sync::mpsc;
use tokio::time::timeout;

/// Our session. The endpoint does not look inside.
pub const SESSION: &str = "v=0\r\no=gudok 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n\
                           m=audio 4242 RTP/AVP 8\r\na=rtpmap:8 PCMA/8000\r\n";

/// Long, because the machine may be busy; nothing waits for it when all is well.
const PATIENCE: Duration = Duration::from_secs(45);

pub const LOCAL: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

pub struct Rig {
    pub endpoint: Endpoint,
    pub calls: mpsc::Receiver<Incoming>,
    pub at: SocketAddr,
}

/// A configuration that takes every call, on UDP.
pub fn open() -> Config {
    on(Transport::Udp, LOCAL)
}

pub fn on(transport: Transport, ip: IpAddr) -> Config {
    Config {
        listen: vec![Listen { transport, address: SocketAddr::new(ip, 0) }],
        strangers: Strangers::Admit,
        ..Config::default()
    }
}

impl Rig {
    pub async fn start(config: Config) -> Rig {
        let (endpoint, calls) = Endpoint::start(config).await.expect("the endpoint starts");
        let at = endpoint.addresses()[0].address;
        Rig { endpoint, calls, at }
    }

    pub async fn call(&mut self) -> Incoming {
        timeout(PATIENCE, self.calls.recv()).await.expect("no call came").expect("the endpoint is gone")
    }

    /// Takes the next call with our session.
    pub async fn answer(&mut self) -> (Dialog, Events) {
        let call = self.call().await;
        call.ring(None).expect("it still rings");
        let dialog = call.answer(SESSION.into()).await.expect("it is answered");
        let events = Events::of(&dialog);
        (dialog, events)
    }

    /// Nothing of a call may stay behind.
    pub fn assert_empty(&self) {
        assert_eq!(self.endpoint.counters().calls_now, 0, "a call was not forgotten");
    }
}

/// The events of a call, each waited for with patience.
pub struct Events(mpsc::UnboundedReceiver<DialogEvent>);

impl Events {
    pub fn of(dialog: &Dialog) -> Events {
        Events(dialog.events().expect("taken once"))
    }

    pub async fn next(&mut self) -> DialogEvent {
        timeout(PATIENCE, self.0.recv()).await.expect("nothing happened").expect("the call is gone")
    }

    pub async fn acknowledged(&mut self) -> Option<String> {
        match self.next().await {
            DialogEvent::Acknowledged { body } => body,
            other => panic!("{other:?} instead of an ACK"),
        }
    }

    pub async fn over(&mut self) -> Over {
        match self.next().await {
            DialogEvent::Over(why) => why,
            other => panic!("{other:?} instead of the end"),
        }
    }
}

/// A port nobody listens on now.
pub fn free_port() -> u16 {
    phones::process::free_port(&LOCAL.to_string()).expect("a free port")
}

/// Returns when somebody listens at a port for TCP.
pub async fn listened_at(port: u16) {
    let listens = async {
        while !phones::process::is_listened_at(port).expect("Linux tells of its sockets") {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(PATIENCE, listens).await.unwrap_or_else(|_| panic!("nobody listens at {port}"));
}

/// sipp with a scenario.
pub struct Sipp {
    child: Child,
    log: tempfile::TempDir,
    pub at: SocketAddr,
}

impl Sipp {
    /// Calls us.
    pub fn calling(scenario: &str, us: SocketAddr) -> Sipp {
        Sipp::run(scenario, us, free_port(), &[])
    }

    pub fn calling_with(scenario: &str, us: SocketAddr, more: &[&str]) -> Sipp {
        Sipp::run(scenario, us, free_port(), more)
    }

    /// Is called by us.
    pub fn called(scenario: &str) -> Sipp {
        Sipp::run(scenario, SocketAddr::new(LOCAL, 9), free_port(), &[])
    }

    pub fn run(scenario: &str, us: SocketAddr, port: u16, more: &[&str]) -> Sipp {
        let log = tempfile::tempdir().expect("a folder for logs");
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/sipp").join(format!("{scenario}.xml"));
        let ip = us.ip().to_string();
        let path = |name: &str| log.path().join(name).to_string_lossy().into_owned();
        let child = Command::new("sipp")
            .arg("-sf")
            .arg(file)
            .args(["-i", &ip, "-mi", &ip, "-p", &port.to_string(), "-m", "1", "-s", "100", "-nostdin"])
            .args(["-timeout", "60", "-timeout_error"])
            .args(["-trace_err", "-error_file", &path("errors"), "-trace_msg", "-message_file", &path("messages")])
            .args(more)
            .arg(us.to_string())
            .current_dir(log.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .expect("sipp does not start; install Debian's package sip-tester");
        Sipp { child, log, at: SocketAddr::new(us.ip(), port) }
    }

    /// Waits for it and insists that everything went as the scenario says.
    pub async fn succeeds(mut self) -> String {
        let status =
            timeout(PATIENCE * 2, self.child.wait()).await.expect("sipp does not end").expect("sipp can be waited for");
        let read = |name: &str| std::fs::read_to_string(self.file(name)).unwrap_or_default();
        let messages = read("messages");
        assert!(status.success(), "sipp: {status}\n{}\n{messages}", read("errors"));
        messages
    }

    fn file(&self, name: &str) -> PathBuf {
        self.log.path().join(name)
    }
}
