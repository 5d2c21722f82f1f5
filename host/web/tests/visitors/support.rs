//! A server with a parrot behind it, and a client.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use chat::{Office, Reply, RobotSays};
use desk::Clinic;
use futures_util::{SinkExt as _, StreamExt as _};
use lines::{Door, FRAME_SAMPLES};
use records::{ChatThread, Pii, Store};
use tempfile::TempDir;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, watch};
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};
use web::{AppState, Calls, MediaSocket, Opening, Page, Shown, ShownSender, Speaks, VisitLimits, Visits};

pub const SECRET: &str = "12345";

/// What the parrot noticed.
#[derive(Debug, PartialEq)]
pub enum Event {
    Opened(Opening),
    Heard,
    Key(char),
    Gone,
}

/// Says a tone for a second, tells what it hears, and hangs up at the key 0.
pub struct Parrot {
    events: mpsc::UnboundedSender<Event>,
}

#[async_trait]
impl Calls for Parrot {
    async fn spoken(&self, opening: Opening, mut door: Box<dyn Door>, shown: ShownSender) {
        self.events.send(Event::Opened(opening)).ok();
        shown.send(Shown::Robot { text: "Здравствуйте! Клиника слушает.".into() }).ok();
        let mut clock = tokio::time::interval(Duration::from_millis(20));
        let (mut loud, mut said) = (0, 0_usize);
        'call: loop {
            clock.tick().await;
            let Some(received) = door.receive() else { break };
            for key in received.digits {
                self.events.send(Event::Key(key)).ok();
                shown.send(Shown::Keys { keys: key.into() }).ok();
                match key {
                    '0' => {
                        shown.send(Shown::Robot { text: "До свидания!".into() }).ok();
                        break 'call;
                    }
                    '7' => door.flush(),
                    _ => {}
                }
            }
            loud += usize::from(received.audio.iter().any(|sample| sample.unsigned_abs() > 1_000));
            if loud == 10 {
                loud += 1;
                self.events.send(Event::Heard).ok();
                shown.send(Shown::Caller { text: "что-то сказано".into() }).ok();
            }
            let mut frame = [0; FRAME_SAMPLES];
            if said < 50 {
                for (n, sample) in frame.iter_mut().enumerate() {
                    let turns = (said * FRAME_SAMPLES + n) as f64 / 8_000.0 * 440.0;
                    *sample = ((turns * std::f64::consts::TAU).sin() * 8_000.0) as i16;
                }
            }
            said += 1;
            door.send(&frame);
        }
        self.events.send(Event::Gone).ok();
    }
}

/// In writing it greets, offers two answers, and repeats what was written; «пока» ends the conversation.
struct Writer;

#[async_trait]
impl chat::Robot for Writer {
    async fn say(&self, _: &ChatThread, text: &Pii) -> Result<RobotSays, String> {
        let reply = |text: String, buttons: &[&str]| Reply {
            text,
            buttons: buttons.iter().map(|button| (*button).to_owned()).collect(),
        };
        let replies = match text.as_str() {
            "" => vec![reply("Здравствуйте! Чем помочь?".into(), &["Записаться", "Часы работы"])],
            "пока" => Vec::new(),
            text => vec![reply(format!("Вы написали: {text}"), &[])],
        };
        Ok(RobotSays { replies, hand_over: false, ended: text.as_str() == "пока" })
    }
}

/// A server on a port of its own.
pub struct Server {
    pub address: String,
    pub events: mpsc::UnboundedReceiver<Event>,
    /// For the pages of those who work there.
    pub state: AppState,
    /// The conversations of `vet`, as people at the clinic see them.
    pub office: Office,
    _stop: watch::Sender<bool>,
    _folder: TempDir,
}

impl Server {
    pub async fn start() -> Server {
        Server::with(VisitLimits { per_minute: 100, ..VisitLimits::default() }, Vec::new()).await
    }

    /// With these limits; `origins` are sites that may have our pages.
    pub async fn with(limits: VisitLimits, origins: Vec<String>) -> Server {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path().join("gudok.db")).await.unwrap();
        let clinic = "id = \"vet\"\nname = \"Лапа & Хвост\"\nkind = \"veterinary\"\ntimezone = \"Europe/Moscow\"\n\
                      services = [\"терапия\"]\n";
        let clinic = Arc::new(Clinic::parse(clinic, "test.toml").unwrap());
        let office = Office::new(store.clone(), Arc::clone(&clinic), true);
        let (stop, stopping) = watch::channel(false);
        let offices = vec![office.clone()];
        tokio::spawn(chat::run(offices, Some(Arc::new(Writer)), chat::Channels::new(), stopping));
        let silent = Clinic { id: "silent".into(), ..Clinic::clone(&clinic) };
        let (events, receiver) = mpsc::unbounded_channel();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let socket = |speaks| MediaSocket {
            clinic: "vet".into(),
            speaks,
            secret: Some(SECRET.into()),
            public_url: Some("https://calls.example".into()),
        };
        let visits = Visits::new(Arc::new(Parrot { events }), limits)
            .with_page("vet", Page { origins, call: true, chat: true })
            .with_page("silent", Page { origins: Vec::new(), call: false, chat: false })
            .with_socket("pbx", socket(Speaks::Asterisk { answer: true }))
            .with_socket("provider", socket(Speaks::Twilio));
        let mut state = AppState::new(store, [clinic, Arc::new(silent)], Vec::new());
        state.visits = Some(visits);
        state.robot_writes = true;
        tokio::spawn(web::serve_public(listener, state.clone(), std::future::pending()));
        Server { address, events: receiver, state, office, _stop: stop, _folder: folder }
    }

    /// A page of ours, as an origin.
    pub fn origin(&self) -> String {
        format!("http://{}", self.address)
    }

    /// A WebSocket with these headers, or the status with which it was refused.
    pub async fn open(&self, path: &str, headers: &[(&'static str, &str)]) -> Result<Client, u16> {
        let mut request = format!("ws://{}{path}", self.address).into_client_request().unwrap();
        for (name, value) in headers {
            request.headers_mut().insert(*name, value.parse().unwrap());
        }
        match tokio_tungstenite::connect_async(request).await {
            Ok((socket, _)) => Ok(Client(socket)),
            Err(Error::Http(response)) => Err(response.status().as_u16()),
            Err(error) => panic!("{error}"),
        }
    }

    /// A WebSocket of a page of ours.
    pub async fn visit(&self, path: &str) -> Result<Client, u16> {
        self.open(path, &[("origin", &self.origin())]).await
    }

    /// The status, the headers and the text of a page.
    pub async fn ask(&self, request: &str) -> (u16, BTreeMap<String, String>, String) {
        use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
        let mut stream = TcpStream::connect(&self.address).await.unwrap();
        let (line, rest) = request.split_once('\n').unwrap_or((request, ""));
        let (headers, body) = rest.split_once("\n\n").unwrap_or((rest, ""));
        let host = if headers.contains("host:") { String::new() } else { format!("host: {}\n", self.address) };
        let length = body.len();
        let head = format!("{line} HTTP/1.1\nconnection: close\n{host}content-length: {length}\n{headers}");
        let head = head.trim_end().replace('\n', "\r\n");
        stream.write_all(format!("{head}\r\n\r\n{body}").as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        let headers = head.lines().skip(1).filter_map(|line| line.split_once(": "));
        let headers = headers.map(|(name, value)| (name.to_lowercase(), value.to_owned())).collect();
        (head.split(' ').nth(1).unwrap().parse().unwrap(), headers, body.to_owned())
    }

    /// What the parrot notices next.
    pub async fn event(&mut self) -> Event {
        tokio::time::timeout(Duration::from_secs(60), self.events.recv()).await.expect("nothing happened").unwrap()
    }
}

/// One end of a WebSocket.
pub struct Client(WebSocketStream<MaybeTlsStream<TcpStream>>);

impl Client {
    pub async fn say(&mut self, text: impl Into<String>) {
        self.0.send(Message::text(text.into())).await.unwrap();
    }

    pub async fn sound(&mut self, bytes: Vec<u8>) {
        self.0.send(Message::binary(bytes)).await.unwrap();
    }

    /// The next message; none when the other side closed.
    pub async fn next(&mut self) -> Option<Message> {
        loop {
            let next = tokio::time::timeout(Duration::from_secs(60), self.0.next()).await.expect("nothing came");
            match next {
                Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                Some(Ok(Message::Close(_)) | Err(_)) | None => return None,
                Some(Ok(message)) => return Some(message),
            }
        }
    }

    /// The next text; sound is passed over.
    pub async fn text(&mut self) -> Option<String> {
        loop {
            if let Message::Text(text) = self.next().await? {
                return Some(text.to_string());
            }
        }
    }

    /// The next text, as JSON.
    pub async fn json(&mut self) -> serde_json::Value {
        serde_json::from_str(&self.text().await.expect("the socket was closed")).unwrap()
    }

    /// The next sound that is not silence.
    pub async fn heard(&mut self, silence: u8) -> Vec<u8> {
        loop {
            if let Some(Message::Binary(bytes)) = self.next().await
                && bytes.iter().any(|byte| *byte != silence)
            {
                return bytes.to_vec();
            }
        }
    }
}
