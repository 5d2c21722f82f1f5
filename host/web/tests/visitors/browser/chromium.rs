//! A Chromium that is driven by its DevTools protocol, with a file as its microphone.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};

/// A machine that is busy with other things takes long to start a browser.
const PATIENCE: Duration = Duration::from_secs(90);

/// What the visitor's microphone does.
pub enum Microphone {
    /// The visitor says no when the browser asks.
    Forbidden,
    /// It hears these Russian words, once.
    Says(&'static str),
}

/// A browser with one page.
pub struct Chromium {
    _running: Running,
    socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
    sent: u64,
    complaints: Vec<String>,
    _folder: TempDir,
}

impl Chromium {
    pub async fn start(microphone: Microphone) -> Chromium {
        let folder = tempfile::tempdir().unwrap();
        let mut command = Command::new(program("chromium", "chromium"));
        command.args([
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-quic",
            "--no-first-run",
            "--disable-sync",
        ]);
        command.args(["--disable-background-networking", "--disable-component-update", "--remote-debugging-port=0"]);
        command.args(["--use-fake-device-for-media-stream", "--autoplay-policy=no-user-gesture-required"]);
        command.arg(format!("--user-data-dir={}", folder.path().join("profile").display()));
        match microphone {
            Microphone::Forbidden => {
                command.arg("--use-fake-ui-for-media-stream=deny");
            }
            Microphone::Says(words) => {
                let wav = speak(words, folder.path());
                command.arg("--use-fake-ui-for-media-stream");
                command.arg(format!("--use-file-for-fake-audio-capture={}%noloop", wav.display()));
            }
        }
        command.arg("about:blank").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let running = Running(command.spawn().unwrap());
        let page = tokio::time::timeout(PATIENCE, page(folder.path())).await.expect("Chromium did not start");
        let (socket, _) = tokio_tungstenite::connect_async(page).await.unwrap();
        let mut chromium = Chromium { _running: running, socket, sent: 0, complaints: Vec::new(), _folder: folder };
        for domain in ["Page.enable", "Runtime.enable", "Log.enable"] {
            chromium.command(domain, json!({})).await;
        }
        chromium
    }

    /// Runs this script at the start of every page.
    pub async fn before_each_page(&mut self, script: &str) {
        self.command("Page.addScriptToEvaluateOnNewDocument", json!({ "source": script })).await;
    }

    /// The size of the window: a desk's or a telephone's.
    #[allow(dead_code, reason = "not every test that drives a browser is about widths")]
    pub async fn size(&mut self, width: u32, height: u32) {
        let size = json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600 });
        self.command("Emulation.setDeviceMetricsOverride", size).await;
    }

    /// The page as it is seen, as a PNG at `scale` device pixels to one: the window, or the page from top to bottom.
    #[allow(dead_code, reason = "not every test that drives a browser takes pictures")]
    pub async fn picture(&mut self, (width, height): (u32, u32), scale: u32, whole: bool) -> Vec<u8> {
        let size = json!({ "width": width, "height": height, "deviceScaleFactor": scale, "mobile": width < 600 });
        self.command("Emulation.setDeviceMetricsOverride", size).await;
        self.command("Emulation.setScrollbarsHidden", json!({ "hidden": true })).await;
        let mut asked = json!({ "format": "png", "captureBeyondViewport": whole });
        if whole {
            let tall = self.evaluate("document.documentElement.scrollHeight").await;
            asked["clip"] = json!({ "x": 0, "y": 0, "width": width, "height": tall, "scale": 1 });
        }
        let answer = self.command("Page.captureScreenshot", asked).await;
        let data = answer["data"].as_str().unwrap_or_else(|| panic!("no picture: {answer}"));
        base64::Engine::decode(&base64::engine::general_purpose::STANDARD, data).unwrap()
    }

    pub async fn open(&mut self, url: &str) {
        self.command("Page.navigate", json!({ "url": url })).await;
        self.until(&format!("location.href.startsWith({}) && document.readyState === 'complete'", json!(url))).await;
    }

    /// What this script comes to; the browser takes it for something the visitor did.
    pub async fn evaluate(&mut self, script: &str) -> Value {
        let asked = json!({ "expression": script, "awaitPromise": true, "returnByValue": true, "userGesture": true });
        let answer = self.command("Runtime.evaluate", asked).await;
        assert!(answer.get("exceptionDetails").is_none(), "{script}: {answer}");
        answer["result"].get("value").cloned().unwrap_or(Value::Null)
    }

    /// Waits until this comes true in the page.
    pub async fn until(&mut self, condition: &str) {
        let waits = format!(
            "new Promise((done) => {{ const look = () => {{ try {{ if ({condition}) return done(true); }} catch {{}} setTimeout(look, 30); }}; look(); }})"
        );
        let started = tokio::time::Instant::now();
        loop {
            // A page that is left takes its promises with it.
            let asked = json!({ "expression": waits, "awaitPromise": true, "returnByValue": true });
            match tokio::time::timeout(PATIENCE, self.command("Runtime.evaluate", asked)).await {
                Ok(answer) if answer["result"]["value"] == true => return,
                Ok(_) if started.elapsed() < PATIENCE => tokio::task::yield_now().await,
                _ => {
                    let asked = json!({ "expression": "document.body.innerText", "returnByValue": true });
                    let page = self.command("Runtime.evaluate", asked).await;
                    panic!("never came true: {condition}\n{}\n{:?}", page["result"]["value"], self.complaints);
                }
            }
        }
    }

    pub async fn text(&mut self, selector: &str) -> String {
        let text = self.evaluate(&format!("document.querySelector({}).textContent", json!(selector))).await;
        text.as_str().unwrap().to_owned()
    }

    pub async fn click(&mut self, selector: &str) {
        let visible = format!("document.querySelector({})?.checkVisibility()", json!(selector));
        self.until(&visible).await;
        self.evaluate(&format!("document.querySelector({}).click()", json!(selector))).await;
    }

    /// A key of the keyboard.
    pub async fn press(&mut self, key: &str) {
        // Keys with names write nothing.
        let text = if key.chars().count() == 1 { key } else { "" };
        for kind in ["keyDown", "keyUp"] {
            self.command("Input.dispatchKeyEvent", json!({ "type": kind, "key": key, "text": text })).await;
        }
    }

    /// What the browser itself complained about: broken scripts, a policy that was hurt, files that are missing.
    pub fn complaints(&self) -> Vec<String> {
        self.complaints.clone()
    }

    async fn command(&mut self, method: &str, params: Value) -> Value {
        self.sent += 1;
        let id = self.sent;
        let message = json!({ "id": id, "method": method, "params": params });
        self.socket.send(Message::text(message.to_string())).await.unwrap();
        loop {
            let message = self.socket.next().await.expect("Chromium is gone").unwrap();
            let Message::Text(text) = message else { continue };
            let answer: Value = serde_json::from_str(&text).unwrap();
            if answer["id"] == id {
                return if answer.get("result").is_some() { answer["result"].clone() } else { answer };
            }
            match answer["method"].as_str() {
                Some("Runtime.exceptionThrown") => {
                    self.complaints.push(answer["params"]["exceptionDetails"].to_string())
                }
                Some("Log.entryAdded") if answer["params"]["entry"]["level"] == "error" => {
                    let entry = &answer["params"]["entry"];
                    self.complaints.push(format!("{} {}", entry["text"], entry["url"]));
                }
                _ => {}
            }
        }
    }
}

/// The browser's process. It ends with this, also when the start fails half way.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

/// The address by which the first page is driven.
async fn page(folder: &Path) -> String {
    loop {
        if let Some(page) = try_page(folder).await {
            return page;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

async fn try_page(folder: &Path) -> Option<String> {
    let told = std::fs::read_to_string(folder.join("profile/DevToolsActivePort")).ok()?;
    let port = told.lines().next()?.to_owned();
    let mut stream = TcpStream::connect(format!("127.0.0.1:{port}")).await.ok()?;
    let ask = format!("GET /json/list HTTP/1.1\r\nhost: 127.0.0.1:{port}\r\nconnection: close\r\n\r\n");
    stream.write_all(ask.as_bytes()).await.ok()?;
    // The server keeps the connection open, so the answer is over when it is whole.
    let mut answer = Vec::new();
    let pages = loop {
        if stream.read_buf(&mut answer).await.ok()? == 0 {
            return None;
        }
        let text = String::from_utf8_lossy(&answer);
        if let Some((_, body)) = text.split_once("\r\n\r\n")
            && let Ok(pages) = serde_json::from_str::<Value>(body)
        {
            break pages;
        }
    };
    let page = pages.as_array()?.iter().find(|target| target["type"] == "page")?;
    Some(page["webSocketDebuggerUrl"].as_str()?.to_owned())
}

/// These words, as a person on the telephone says them.
fn speak(words: &str, folder: &Path) -> PathBuf {
    let (text, wav) = (folder.join("words.txt"), folder.join("words.wav"));
    std::fs::write(&text, words).unwrap();
    let mut command = Command::new(program("text2wave", "festival"));
    let spoken = command.args(["-eval", "(voice_msu_ru_nsh_clunits)", "-o"]).arg(&wav).arg(&text).output().unwrap();
    let long = std::fs::metadata(&wav).is_ok_and(|file| file.len() > 10_000);
    assert!(spoken.status.success() && long, "festival does not speak Russian: apt-get install festvox-ru");
    wav
}

fn program(name: &str, package: &str) -> PathBuf {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&path).map(|folder| folder.join(name)).find(|file| file.is_file());
    found.unwrap_or_else(|| panic!("{name} is missing and this test needs it: apt-get install {package}"))
}
