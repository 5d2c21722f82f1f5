//! A gateway of SMS on a real socket: it counts what it delivers, knows keys, and can be told to misbehave.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

/// What it does with the next request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mood {
    /// Takes it.
    Takes,
    /// Answers with a status, and has not taken it.
    Refuses(u16),
    /// Takes it and breaks off.
    TakesAndBreaks,
    /// Breaks off without having taken it.
    Breaks,
}

#[derive(Default)]
pub(crate) struct Book {
    /// Deliveries by number and text: what people really got.
    pub(crate) delivered: Vec<(String, String)>,
    /// Keys it has taken, with its own id.
    pub(crate) keys: BTreeMap<String, usize>,
    /// Every key it was asked under, in order.
    pub(crate) asked: Vec<String>,
    /// What is to come, then `Takes`.
    pub(crate) moods: Vec<Mood>,
    /// Called when a request has arrived, before anything is answered; the test kills the client in it.
    pub(crate) on_request: Option<Box<dyn Fn() + Send>>,
}

/// A running gateway; its thread ends with the test.
pub(crate) struct Gateway {
    pub(crate) book: Arc<Mutex<Book>>,
    pub(crate) address: String,
}

impl Gateway {
    /// `knows_keys`: the same key twice is one delivery.
    pub(crate) fn start(knows_keys: bool) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let book = Arc::new(Mutex::new(Book::default()));
        let pages = Arc::clone(&book);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let book = Arc::clone(&pages);
                // A client that is killed in the middle is nothing of ours.
                std::thread::spawn(move || serve(&stream, &book, knows_keys).ok());
            }
        });
        Self { book, address }
    }

    pub(crate) fn delivered(&self) -> Vec<(String, String)> {
        self.book.lock().unwrap().delivered.clone()
    }

    /// How many different people-and-texts were delivered more than once.
    pub(crate) fn doubles(&self) -> usize {
        let delivered = self.delivered();
        delivered.len() - delivered.iter().collect::<BTreeSet<_>>().len()
    }
}

fn serve(stream: &TcpStream, book: &Mutex<Book>, knows_keys: bool) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream);
    let mut first = String::new();
    reader.read_line(&mut first)?;
    let mut length = 0;
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        let line = line.trim().to_lowercase();
        if line.is_empty() {
            break;
        }
        if let Some(bytes) = line.strip_prefix("content-length:") {
            length = bytes.trim().parse().unwrap_or(0);
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    let mut book = book.lock().unwrap();
    if let Some(key) = first.strip_prefix("GET /status?id=").and_then(|rest| rest.split(' ').next()) {
        let answer = match book.keys.get(key) {
            Some(id) => format!("{{\"status\": \"taken\", \"id\": \"sms-{id}\"}}"),
            None => "{\"status\": \"unknown\"}".to_owned(),
        };
        return respond(stream, 200, &answer);
    }
    let request: serde_json::Value = serde_json::from_slice(&body).unwrap_or_default();
    let text = |key: &str| request[key].as_str().unwrap_or_default().to_owned();
    let key = text("id");
    book.asked.push(key.clone());
    let mood = if book.moods.is_empty() { Mood::Takes } else { book.moods.remove(0) };
    if matches!(mood, Mood::Takes | Mood::TakesAndBreaks) && !(knows_keys && book.keys.contains_key(&key)) {
        book.delivered.push((text("to"), text("text")));
        let number = book.delivered.len();
        book.keys.insert(key.clone(), number);
    }
    if let Some(on_request) = &book.on_request {
        on_request();
    }
    match mood {
        Mood::Takes => {
            let answer =
                format!("{{\"status\": \"OK\", \"id\": \"sms-{}\"}}", book.keys.get(&key).copied().unwrap_or(0));
            respond(stream, 200, &answer)
        }
        Mood::Refuses(status) => respond(stream, status, "{\"status\": \"NO\"}"),
        Mood::TakesAndBreaks | Mood::Breaks => stream.shutdown(std::net::Shutdown::Both),
    }
}

fn respond(mut stream: &TcpStream, status: u16, body: &str) -> std::io::Result<()> {
    write!(
        stream,
        "HTTP/1.1 {status} X\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
        body.len()
    )
}

/// The configuration of this gateway; `more` says what it can do about crashes.
pub(crate) fn configured(name: &str, address: &str, more: &str) -> String {
    format!(
        "[{name}]\nurl = \"http://{address}/send\"\njson = {{ to = \"{{phone}}\", text = \"{{text}}\", id = \"{{id}}\" }}\n\
         success = {{ path = \"status\", equals = [\"OK\"] }}\nid_path = \"id\"\ntimeout_s = 5\n{more}\n"
    )
}
