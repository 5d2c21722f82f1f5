//! The newcomer's road from outside: `gudok serve` in an empty home, the link, a clinic made in the browser, the robot's answer;
//! and every change after it without a restart.

// Functions that tests share are tests too; clippy.toml exempts only those marked `#[test]`.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "all of this is tests")]

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;

/// The flows that ship, as `make flows` builds them.
fn components() -> PathBuf {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../guest-flows/target/components");
    assert!(folder.join("vet-desk.wasm").is_file(), "{}: build the flows first (make flows)", folder.display());
    folder
}

/// A server with a home of its own, and whoever is signed in.
struct Server {
    child: Child,
    at: SocketAddr,
    said: String,
    out: BufReader<ChildStdout>,
    cookie: String,
}

struct Answer {
    status: u16,
    head: String,
    body: String,
}

impl Answer {
    fn header(&self, name: &str) -> &str {
        let line = self.head.lines().find_map(|line| {
            let (found, value) = line.split_once(':')?;
            found.eq_ignore_ascii_case(name).then_some(value.trim())
        });
        line.unwrap_or_default()
    }

    /// The value of the first hidden field of that name.
    fn hidden(&self, name: &str) -> String {
        let (_, rest) = self
            .body
            .split_once(&format!("name=\"{name}\" value=\""))
            .unwrap_or_else(|| panic!("{name}: {}", self.body));
        rest.split('"').next().unwrap().to_owned()
    }
}

impl Server {
    fn start(home: &Path, args: &[&str]) -> Server {
        let mut child = Command::new(env!("CARGO_BIN_EXE_gudok"))
            .args(["serve", "--listen", "127.0.0.1:0"])
            .args(args)
            .env("GUDOK_HOME", home)
            .env("GUDOK_FLOWS", components())
            .env_remove("GUDOK_DB")
            .env_remove("GUDOK_LOG")
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut out = BufReader::new(child.stdout.take().unwrap());
        let mut said = String::new();
        while !said.contains("/metrics") {
            assert!(out.read_line(&mut said).unwrap() > 0, "it ended: {said}");
        }
        let address = said.split("http://").nth(1).unwrap().split_whitespace().next().unwrap();
        Server { at: address.parse().unwrap(), child, said, out, cookie: String::new() }
    }

    /// The path and query of the link that was printed.
    fn link(&self, to: &str) -> String {
        let (_, rest) = self.said.split_once(to).unwrap_or_else(|| panic!("no {to} in: {}", self.said));
        format!("{to}{}", rest.split_whitespace().next().unwrap())
    }

    fn ask(&self, method: &str, path: &str, kind: &str, body: &[u8]) -> Answer {
        let mut stream = TcpStream::connect(self.at).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(120))).unwrap();
        let head = format!(
            "{method} {path} HTTP/1.1\r\nHost: {}\r\nCookie: gudok={}\r\nAccept: text/html\r\nAccept-Language: ru\r\n\
             Content-Type: {kind}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
            self.at,
            self.cookie,
            body.len()
        );
        stream.write_all(head.as_bytes()).unwrap();
        stream.write_all(body).unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap();
        let answer = String::from_utf8_lossy(&answer).into_owned();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        Answer { status, head: head.to_owned(), body: body.to_owned() }
    }

    fn get(&self, path: &str) -> Answer {
        self.ask("GET", path, "", b"")
    }

    fn post(&self, path: &str, fields: &[(&str, &str)]) -> Answer {
        // As browsers do: what needs no sign has none.
        let sign = |byte: u8| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' => char::from(byte).to_string(),
            _ => format!("%{byte:02X}"),
        };
        let encoded = |text: &str| text.bytes().map(sign).collect::<String>();
        let body: Vec<String> = fields.iter().map(|(name, value)| format!("{name}={}", encoded(value))).collect();
        self.ask("POST", path, "application/x-www-form-urlencoded", body.join("&").as_bytes())
    }

    /// A form of a step, with what its page holds.
    fn step(&self, clinic: &str, step: &str, fields: &[(&str, &str)]) -> Answer {
        let path = format!("/desk/{clinic}/setup/{step}");
        let page = self.get(&path);
        assert_eq!(page.status, 200, "{path}: {}", page.body);
        let (csrf, seen) = (page.hidden("csrf"), page.hidden("seen"));
        self.post(&path, &[&[("csrf", csrf.as_str()), ("seen", seen.as_str())], fields].concat())
    }

    fn chat(&self, path: &str) -> Chat {
        let mut stream = TcpStream::connect(self.at).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(120))).unwrap();
        let head = format!(
            "GET {path} HTTP/1.1\r\nHost: {0}\r\nOrigin: http://{0}\r\nCookie: gudok={1}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
            self.at, self.cookie
        );
        stream.write_all(head.as_bytes()).unwrap();
        let mut answer = Vec::new();
        while !answer.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            stream.read_exact(&mut byte).unwrap();
            answer.push(byte[0]);
        }
        let answer = String::from_utf8(answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 101"), "{answer}");
        let mut chat = Chat { stream };
        chat.send(&json!({ "kind": "hello", "key": null, "seen": 0 }));
        chat
    }

    fn stop(mut self) {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
        let mut last = String::new();
        self.out.read_to_string(&mut last).unwrap();
        assert!(self.child.wait().unwrap().success() && last.contains("stopped"), "{last}");
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// A chat, as the page's script holds it: a WebSocket by hand.
struct Chat {
    stream: TcpStream,
}

impl Chat {
    fn send(&mut self, message: &Value) {
        let text = message.to_string();
        let mut frame = vec![0x81];
        match text.len() {
            short @ 0..126 => frame.push(0x80 | short as u8),
            long => {
                frame.push(0x80 | 126);
                frame.extend((long as u16).to_be_bytes());
            }
        }
        // A mask of zeros is a mask.
        frame.extend([0; 4]);
        frame.extend(text.as_bytes());
        self.stream.write_all(&frame).unwrap();
    }

    fn next(&mut self) -> Value {
        loop {
            let mut head = [0; 2];
            self.stream.read_exact(&mut head).unwrap();
            let length = match head[1] & 0x7F {
                126 => {
                    let mut long = [0; 2];
                    self.stream.read_exact(&mut long).unwrap();
                    usize::from(u16::from_be_bytes(long))
                }
                short => usize::from(short),
            };
            let mut body = vec![0; length];
            self.stream.read_exact(&mut body).unwrap();
            match head[0] & 0x0F {
                1 => return serde_json::from_slice(&body).unwrap(),
                8 => panic!("the chat was closed"),
                _ => {}
            }
        }
    }

    /// What the robot says until these words are in it.
    fn listen(&mut self, until: &str) -> String {
        let mut said = String::new();
        while !said.contains(until) {
            let event = self.next();
            if event["kind"] == "message" && event["who"] == "robot" {
                said.push_str(&format!("{} ", event["text"].as_str().unwrap()));
            }
            assert!(event["kind"] != "refused" && event["state"] != "closed", "{said}{event}");
        }
        said
    }

    fn ask(&mut self, text: &str, until: &str) {
        self.send(&json!({ "kind": "words", "text": text }));
        self.listen(until);
    }
}

/// In an empty home up to an owner who is signed in.
fn owner(home: &TempDir) -> Server {
    let mut server = Server::start(home.path(), &[]);
    assert!(server.said.contains("no clinic yet"), "{}", server.said);
    let link = server.link("/first-run?token=");
    let page = server.get(&link);
    assert!(page.status == 200 && page.body.contains("Первый владелец"), "{}", page.body);
    let token = page.hidden("token");
    let fields = [
        ("token", token.as_str()),
        ("login", "olga"),
        ("name", "Ольга"),
        ("language", "ru"),
        ("password", "длинный пароль 1"),
    ];
    let entered = server.post("/first-run", &fields);
    assert_eq!((entered.status, entered.header("location")), (303, "/desk"), "{}", entered.body);
    let cookie = entered.header("set-cookie");
    server.cookie = cookie.strip_prefix("gudok=").unwrap().split(';').next().unwrap().to_owned();
    server
}

#[test]
fn from_an_empty_home_to_an_answered_chat_and_every_change_without_a_restart() {
    let home = tempfile::tempdir().unwrap();
    let server = owner(&home);
    assert_eq!(server.get("/desk").header("location"), "/desk/new", "the owner is led on");
    let page = server.get("/desk/new");
    assert!(
        page.status == 200 && page.body.contains("Ветеринарная") && page.body.contains("Стоматология"),
        "{}",
        page.body
    );
    assert!(!page.body.contains("<style") && !page.body.contains(" style="));
    let csrf = page.hidden("csrf");
    let wrong = server
        .post("/desk/new", &[("csrf", &csrf), ("kind", "veterinary"), ("timezone", "Europe/Moscow"), ("phone", "1")]);
    assert_eq!(wrong.status, 422);
    assert!(wrong.body.contains("Название: напишите") && wrong.body.contains("+7 495 123-45-67"), "{}", wrong.body);
    assert_eq!(server.post("/desk/new", &[("csrf", "other"), ("kind", "dental"), ("name", "А")]).status, 403);
    let fields = [
        ("csrf", csrf.as_str()),
        ("kind", "veterinary"),
        ("name", "ветклиника «Добрый доктор»"),
        ("timezone", "Europe/Moscow"),
        ("address", "улица Новая, дом пять"),
        ("phone", "8 (495) 120-45-67"),
    ];
    let made = server.post("/desk/new", &fields);
    let clinic = "vetklinika_dobryi_doktor";
    assert_eq!(
        (made.status, made.header("location")),
        (303, format!("/desk/{clinic}/setup/about").as_str()),
        "{}",
        made.body
    );
    let file = home.path().join(format!("clinics/{clinic}.toml"));
    let text = std::fs::read_to_string(&file).unwrap();
    assert!(text.contains("# The file of your clinic") && text.contains("улица Новая"), "{text}");
    assert_eq!(server.post("/desk/new", &fields).status, 422, "a second of the same name is refused");

    // Each step names its mistake, and changes the file when there is none.
    let wrong = server.step(clinic, "hours", &[("day0", "с утра до вечера")]);
    assert!(wrong.status == 422 && wrong.body.contains("Пн: «с утра до вечера»"), "{}", wrong.body);
    let week: Vec<(String, &str)> = (0..6).map(|day| (format!("day{day}"), "8:00-20:00")).collect();
    let week: Vec<(&str, &str)> = week.iter().map(|(name, hours)| (name.as_str(), *hours)).collect();
    let saved = server.step(clinic, "hours", &week);
    assert_eq!(
        (saved.status, saved.header("location")),
        (303, format!("/desk/{clinic}/setup/hours?told=saved").as_str()),
        "{}",
        saved.body
    );
    let doctor =
        [("name", "Соколова Марина"), ("speciality", "терапевт"), ("service", "терапия"), ("day1", "10:00-18:00")];
    assert_eq!(server.step(clinic, "doctors", &doctor).status, 303);
    let lift = [("question", "Есть ли у вас лифт?"), ("answer", "Лифта нет, мы на первом этаже.")];
    assert_eq!(server.step(clinic, "faq", &lift).status, 303);
    let text = std::fs::read_to_string(&file).unwrap();
    assert!(text.contains("mon-sat = \"08:00-20:00\"") && text.contains("hours = { tue = \"10:00-18:00\" }"), "{text}");
    assert!(text.contains("Лифта нет") && text.contains("# Questions asked every day."), "{text}");
    let before = std::fs::read_dir(home.path().join(format!("clinics/history/{clinic}"))).unwrap().count();
    assert_eq!(before, 3, "each version before is kept");

    // The whole file: a mistake is told with its line, and nothing is written.
    let broken = text.replace("mon-sat", "mon-saturday");
    let refused = server.step(clinic, "file", &[("text", &broken)]);
    assert!(
        refused.status == 422 && refused.body.contains("строка ") && refused.body.contains("это не день недели"),
        "{}",
        refused.body
    );
    assert_eq!(std::fs::read_to_string(&file).unwrap(), text);
    // Whoever saw other content changes nothing.
    let csrf = server.get(&format!("/desk/{clinic}/setup/faq")).hidden("csrf");
    let stale = server.post(
        &format!("/desk/{clinic}/setup/faq"),
        &[("csrf", &csrf), ("seen", "0123"), ("question", "А?"), ("answer", "Б.")],
    );
    assert!(
        stale.status == 422 && stale.body.contains("кто-ещё") || stale.body.contains("кто-то ещё"),
        "{}",
        stale.body
    );

    // The robot knows all of it.
    let mut chat = server.chat(&format!("/desk/{clinic}/setup/try/chat"));
    chat.listen("Добрый доктор");
    chat.ask("Где вы находитесь, какой у вас адрес?", "улица Новая, дом пять");
    chat.ask("Скажите, а есть ли у вас лифт?", "Лифта нет");
    // A change while they talk: the next conversation knows it.
    let elsewhere = [("name", "ветклиника «Добрый доктор»"), ("address", "улица Старая, дом один")];
    assert_eq!(server.step(clinic, "about", &elsewhere).status, 303);
    let mut other = server.chat(&format!("/desk/{clinic}/setup/try/chat"));
    other.listen("Добрый доктор");
    other.ask("Где вы находитесь, какой у вас адрес?", "улица Старая, дом один");
    drop((chat, other));

    // What answers is in the library, and can be tried as a version that leaves no trace.
    let flows = server.get(&format!("/desk/{clinic}/flows"));
    assert!(flows.status == 200 && flows.body.contains("vet-desk"), "{}", flows.body);
    let (_, rest) = flows.body.split_once("setup/try?version=").unwrap();
    let digest = rest.split('"').next().unwrap();
    let page = server.get(&format!("/desk/{clinic}/setup/try?version={digest}"));
    assert!(page.status == 200 && page.body.contains("Это репетиция"), "{}", page.body);
    let mut rehearsal = server.chat(&format!("/desk/{clinic}/setup/try/chat?version={digest}"));
    rehearsal.listen("Добрый доктор");
    rehearsal.ask("Где вы находитесь, какой у вас адрес?", "улица Старая");

    // An editor's change is noticed too.
    let mine = std::fs::read_to_string(&file).unwrap().replace("дом один", "дом три");
    std::fs::write(&file, mine).unwrap();
    let page = || server.get(&format!("/desk/{clinic}/clinic")).body;
    let began = std::time::Instant::now();
    while !page().contains("дом три") {
        assert!(began.elapsed() < Duration::from_secs(60), "the file was changed and nothing happened");
    }

    // Who did it stands in the trail.
    let audit = server.get(&format!("/api/v1/audit?clinic={clinic}"));
    assert!(audit.body.contains("clinic.made") && audit.body.matches("clinic.changed").count() >= 4, "{}", audit.body);
    server.stop();

    // It is found again without a word on the command line.
    let again = Server::start(home.path(), &[]);
    assert!(again.said.contains(clinic) && !again.said.contains("first-run"), "{}", again.said);
    again.stop();
}

#[test]
fn a_line_is_checked_before_it_is_written() {
    let home = tempfile::tempdir().unwrap();
    let server = owner(&home);
    let csrf = server.get("/desk/new").hidden("csrf");
    let made =
        server.post("/desk/new", &[("csrf", &csrf), ("kind", "dental"), ("name", "Улыбка"), ("timezone", "Asia/Omsk")]);
    assert_eq!(made.status, 303, "{}", made.body);
    let lines = home.path().join("lines.toml");
    let wrong = server.step("ulybka", "line", &[("do", "save"), ("username", "7495"), ("number", "завтра")]);
    assert!(wrong.status == 422 && wrong.body.contains("Не сохранено"), "{}", wrong.body);
    assert!(!lines.exists());
    let site = [("do", "site"), ("origin", "https://ulybka.example"), ("url", "")];
    std::fs::write(&lines, "# ours\n[visitors]\nlisten = \"127.0.0.1:0\"\n").unwrap();
    let put = server.step("ulybka", "line", &site);
    assert_eq!(put.status, 303, "{}", put.body);
    let text = std::fs::read_to_string(&lines).unwrap();
    assert!(
        text.contains("# ours") && text.contains("clinic = \"ulybka\"") && text.contains("https://ulybka.example"),
        "{text}"
    );
    let operator = server.step("ulybka", "line", &[("do", "operator"), ("operator", "101")]);
    assert_eq!(operator.status, 303, "{}", operator.body);
    server.stop();
}
