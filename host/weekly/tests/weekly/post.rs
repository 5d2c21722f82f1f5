//! A mail server, and what it took.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

#[derive(Default)]
struct Taken {
    mails: Vec<String>,
    refusals: Vec<String>,
    breaks: bool,
}

pub(crate) struct Post {
    port: u16,
    taken: Arc<Mutex<Taken>>,
}

impl Post {
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let taken = Arc::new(Mutex::new(Taken::default()));
        let shared = Arc::clone(&taken);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let taken = Arc::clone(&shared);
                std::thread::spawn(move || serve(stream, &taken).ok());
            }
        });
        Self { port, taken }
    }

    /// As a section of gateways.
    pub(crate) fn server(&self) -> String {
        format!(
            "[email]\nhost = \"127.0.0.1\"\nport = {}\ntls = \"none\"\nfrom = \"Гудок <desk@vet.example>\"\ntimeout_s = 5\n",
            self.port
        )
    }

    pub(crate) fn mails(&self) -> Vec<String> {
        self.taken.lock().unwrap().mails.clone()
    }

    pub(crate) fn empty(&self) {
        *self.taken.lock().unwrap() = Taken::default();
    }

    /// Answers the next recipient so.
    pub(crate) fn refuse(&self, answer: &str) {
        self.taken.lock().unwrap().refusals.push(answer.to_owned());
    }

    /// Takes the next letter, and hangs up instead of saying so.
    pub(crate) fn break_off(&self) {
        self.taken.lock().unwrap().breaks = true;
    }
}

fn serve(mut stream: TcpStream, taken: &Mutex<Taken>) -> std::io::Result<()> {
    let mut lines = BufReader::new(stream.try_clone()?).lines();
    stream.write_all(b"220 here\r\n")?;
    while let Some(Ok(line)) = lines.next() {
        let word = line.split([' ', ':']).next().unwrap_or_default().to_uppercase();
        let answer = match word.as_str() {
            "EHLO" => "250-here\r\n250 8BITMIME".to_owned(),
            "RCPT" => taken.lock().unwrap().refusals.pop().unwrap_or_else(|| "250 good".to_owned()),
            "DATA" => {
                stream.write_all(b"354 go on\r\n")?;
                let mail: Vec<String> = lines.by_ref().map_while(Result::ok).take_while(|line| line != ".").collect();
                let mut taken = taken.lock().unwrap();
                taken.mails.push(mail.join("\n"));
                if std::mem::take(&mut taken.breaks) {
                    return stream.shutdown(std::net::Shutdown::Both);
                }
                "250 taken".to_owned()
            }
            "QUIT" => "221 bye".to_owned(),
            _ => "250 ok".to_owned(),
        };
        stream.write_all(format!("{answer}\r\n").as_bytes())?;
    }
    Ok(())
}

/// The plain and the HTML part of a letter, decoded.
pub(crate) fn parts(mail: &str) -> [String; 2] {
    let (_, after) = mail.split_once("boundary=\"").unwrap();
    let boundary = format!("--{}", after.split('"').next().unwrap());
    let bodies: Vec<String> = mail
        .split(&boundary)
        .skip(1)
        .filter_map(|part| {
            let (head, body) = part.split_once("\n\n")?;
            let head = head.to_lowercase();
            Some(if head.contains("base64") {
                String::from_utf8(base64(body)).unwrap()
            } else if head.contains("quoted-printable") {
                quoted(body)
            } else {
                body.to_owned()
            })
        })
        .collect();
    assert!(mail.contains("Content-Type: text/plain") && mail.contains("Content-Type: text/html"));
    [bodies[0].clone(), bodies[1].clone()]
}

fn base64(text: &str) -> Vec<u8> {
    const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let (mut bits, mut held, mut out) = (0_u32, 0, Vec::new());
    for value in text.bytes().filter_map(|byte| ALPHABET.iter().position(|known| *known == byte)) {
        bits = (bits << 6) | u32::try_from(value).unwrap();
        held += 6;
        if held >= 8 {
            held -= 8;
            out.push(u8::try_from((bits >> held) & 0xff).unwrap());
        }
    }
    out
}

fn quoted(text: &str) -> String {
    let text = text.replace("=\n", "");
    let (mut out, mut bytes) = (Vec::new(), text.bytes());
    while let Some(byte) = bytes.next() {
        if byte == b'=' {
            let digits = [bytes.next().unwrap(), bytes.next().unwrap()];
            out.push(u8::from_str_radix(std::str::from_utf8(&digits).unwrap(), 16).unwrap());
        } else {
            out.push(byte);
        }
    }
    String::from_utf8(out).unwrap()
}
