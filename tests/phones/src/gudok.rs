//! `gudok serve`, as a clinic would run it, with a home, ports and clinics of its own; and what it wrote down.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{IpAddr, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde_json::Value;
use tempfile::TempDir;

use crate::process::{Process, free_port};
use crate::wait;

/// The number that the vet desk answers.
pub const DESK: &str = "74951000001";
/// The number that the menu of keys answers.
pub const MENU: &str = "74951000002";
/// Long enough for a busy machine to load models, compile flows and render prompts.
const START_LIMIT: Duration = Duration::from_secs(120);
/// Media ports of one server.
const MEDIA_PORTS: u16 = 200;

/// What of a server may differ from test to test.
#[derive(Debug, Clone)]
pub struct Setting {
    /// The address it listens on.
    pub ip: IpAddr,
    /// Calls at a time before 503.
    pub max_calls: u32,
    /// Listen on TLS too, with a certificate made for the test.
    pub tls: bool,
    /// `srtp` of the trunk: off, optional, required.
    pub srtp: &'static str,
    /// `dtmf` of the trunk: rfc4733, info, inband.
    pub dtmf: &'static str,
    /// Codecs in order of preference.
    pub codecs: &'static [&'static str],
    /// Seconds without sound from the caller after which a call is over.
    pub rtp_timeout: u32,
    /// Lines added to the lines file.
    pub more: String,
}

impl Default for Setting {
    fn default() -> Self {
        Setting {
            ip: IpAddr::from([127, 0, 0, 1]),
            max_calls: 200,
            tls: false,
            srtp: "off",
            dtmf: "rfc4733",
            codecs: &["pcma", "pcmu", "g722", "opus"],
            rtp_timeout: 30,
            more: String::new(),
        }
    }
}

/// A running server; ended, and its home removed, when dropped.
pub struct Gudok {
    process: Process,
    http: SocketAddr,
    /// Where SIP is heard, UDP and TCP.
    pub sip: SocketAddr,
    /// Where SIP over TLS is heard.
    pub sips: SocketAddr,
    home: TempDir,
    /// Of the API.
    token: String,
    /// Holds the range of media ports against other tests.
    _ports: TcpListener,
}

impl Gudok {
    /// Deploys the flows of both clinics and starts it; answers when it listens.
    ///
    /// # Errors
    /// When something that it needs is missing, or it does not start.
    pub fn start(setting: &Setting) -> Result<Gudok> {
        let program = program()?;
        let home = tempfile::tempdir()?;
        let here = Path::new(env!("CARGO_MANIFEST_DIR"));
        let flows = here.join("../../guest-flows/target/components");
        let (desk, menu) = (here.join("clinics/desk.toml"), here.join("clinics/menu.toml"));
        for (clinic, flow) in [(&desk, "vet-desk.wasm"), (&menu, "rust-menu.wasm")] {
            deploy(&program, home.path(), clinic, &flows.join(flow))?;
        }
        run(&program, home.path(), &["user", "add", "test", "--name", "Test", "--role", "owner"])?;
        let wanted = ["user", "token", "test", "--name", "test", "--scope", "see_calls", "--scope", "see_report"];
        let token = run(&program, home.path(), &wanted)?.trim().to_owned();
        let (ports, range) = media_ports()?;
        let ip = setting.ip.to_string();
        let sip = SocketAddr::new(setting.ip, free_port(&ip)?);
        let sips = SocketAddr::new(setting.ip, free_port(&ip)?);
        let http = SocketAddr::from(([127, 0, 0, 1], free_port("127.0.0.1")?));
        let lines = home.path().join("lines.toml");
        let tls = if setting.tls { certificate(home.path(), sips)? } else { String::new() };
        fs::write(&lines, lines_file(setting, sip, &range, &tls))?;
        let mut command = Command::new(&program);
        command.arg("serve").arg("--home").arg(home.path()).arg("--lines").arg(&lines);
        command.args(["--listen", &http.to_string()]).arg("--clinic").arg(desk).arg("--clinic").arg(menu);
        command.env_remove("GUDOK_DB").env("RUST_LOG", std::env::var("RUST_LOG").unwrap_or_else(|_| "info".into()));
        let process = Process::start("gudok serve", &mut command, &home.path().join("serve.txt"))?;
        let mut gudok = Gudok { process, http, sip, sips, home, token, _ports: ports };
        wait::until("gudok serve to listen", START_LIMIT, || {
            gudok.process.must_run()?;
            Ok(gudok.get("/healthz").ok())
        })?;
        Ok(gudok)
    }

    /// Its process id.
    pub fn id(&self) -> u32 {
        self.process.id()
    }

    /// Where its HTTP API is.
    pub fn http(&self) -> SocketAddr {
        self.http
    }

    /// Everything it printed.
    pub fn printed(&self) -> String {
        self.process.printed()
    }

    /// What it answers to a GET, as text.
    ///
    /// # Errors
    /// When it does not answer, or not with 200.
    pub fn get(&self, path: &str) -> Result<String> {
        let mut stream = TcpStream::connect_timeout(&self.http, Duration::from_secs(2))?;
        stream.set_read_timeout(Some(Duration::from_secs(10)))?;
        let (host, token) = (self.http, &self.token);
        let head = format!(
            "GET {path} HTTP/1.0\r\nHost: {host}\r\nAuthorization: Bearer {token}\r\nConnection: close\r\n\r\n"
        );
        stream.write_all(head.as_bytes())?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        let (head, body) = answer.split_once("\r\n\r\n").context("no HTTP answer")?;
        if head.split_whitespace().nth(1) != Some("200") {
            bail!("GET {path}: {head}\n{body}");
        }
        Ok(body.to_owned())
    }

    /// The calls of a clinic by one number, the newest first, as the HTTP API tells them.
    ///
    /// # Errors
    /// When it does not answer.
    pub fn calls(&self, clinic: &str, caller: &str) -> Result<Vec<Value>> {
        let page: Value = serde_json::from_str(&self.get(&format!("/api/v1/calls?clinic={clinic}&limit=200"))?)?;
        let list = page["items"].as_array().cloned();
        let mut calls = list.with_context(|| format!("the list of calls has an unknown form: {page}"))?;
        calls.retain(|call| call["caller"].as_str().is_some_and(|number| number == caller));
        Ok(calls)
    }

    /// One call with its turns, tags, bookings and audio.
    ///
    /// # Errors
    /// When it does not answer.
    pub fn call(&self, id: &str) -> Result<Value> {
        Ok(serde_json::from_str(&self.get(&format!("/api/v1/calls/{id}"))?)?)
    }

    /// Waits for the one call of a number to begin; its id.
    ///
    /// # Errors
    /// When there is none within the limit.
    pub fn call_of(&self, clinic: &str, caller: &str) -> Result<String> {
        wait::until(&format!("a call of {caller} in the records"), Duration::from_secs(20), || {
            let calls = self.calls(clinic, caller)?;
            Ok(calls.first().and_then(|call| call["id"].as_str()).map(str::to_owned))
        })
    }

    /// Waits until a call is over and written down.
    ///
    /// # Errors
    /// When it is not over within the limit.
    pub fn ended(&self, id: &str) -> Result<Value> {
        wait::until(&format!("the end of call {id}"), Duration::from_secs(30), || {
            let call = self.call(id)?;
            Ok((!call["call"]["ended_ms"].is_null()).then_some(call))
        })
    }

    /// The stereo recording of a call: caller left, robot right.
    ///
    /// # Errors
    /// When there is none, or it cannot be read.
    pub fn recording(&self, id: &str) -> Result<(Vec<i16>, Vec<i16>)> {
        let file = wait::until(&format!("the recording of call {id}"), Duration::from_secs(30), || {
            let call = self.call(id)?;
            let audio = call["audio"].as_array().and_then(|audio| audio.first()).cloned();
            let Some(hash) = audio.as_ref().and_then(|audio| audio["sha256"].as_str()) else { return Ok(None) };
            Ok(find(self.home.path(), hash))
        })?;
        let sound = audio::wav::read(&file).with_context(|| format!("{}", file.display()))?;
        let [caller, robot] = sound.channels.as_slice() else { bail!("{}: not stereo", file.display()) };
        Ok((caller.clone(), robot.clone()))
    }
}

/// The program: named by `GUDOK_BIN`, or what cargo built beside this test.
fn program() -> Result<PathBuf> {
    if let Some(named) = std::env::var_os("GUDOK_BIN") {
        return Ok(PathBuf::from(named));
    }
    let test = std::env::current_exe()?;
    let built = test.parent().and_then(Path::parent).map(|folder| folder.join("gudok"));
    match built {
        Some(file) if file.is_file() => Ok(file),
        _ => {
            bail!("the program is not built: run `cargo build --workspace --bin gudok` first, or name it in GUDOK_BIN")
        }
    }
}

/// What a command prints.
fn run(program: &Path, home: &Path, args: &[&str]) -> Result<String> {
    let mut command = Command::new(program);
    command.args(args).arg("--home").arg(home).env_remove("GUDOK_DB");
    let output = command.stdin(Stdio::null()).output().with_context(|| format!("{}", program.display()))?;
    if !output.status.success() {
        bail!("gudok {}: {}", args.join(" "), String::from_utf8_lossy(&output.stderr));
    }
    Ok(String::from_utf8(output.stdout)?)
}

fn deploy(program: &Path, home: &Path, clinic: &Path, flow: &Path) -> Result<()> {
    if !flow.is_file() {
        bail!("{}: build the flows first (`make flows kits`)", flow.display());
    }
    let mut command = Command::new(program);
    command
        .args(["flow", "deploy"])
        .arg(flow)
        .arg("--clinic")
        .arg(clinic)
        .arg("--home")
        .arg(home)
        .env_remove("GUDOK_DB");
    let output = command.stdin(Stdio::null()).output().with_context(|| format!("{}", program.display()))?;
    if !output.status.success() {
        bail!("{} cannot be deployed:\n{}", flow.display(), String::from_utf8_lossy(&output.stderr));
    }
    Ok(())
}

/// A range of media ports that no other test has: who listens (TCP) on its first port owns it.
fn media_ports() -> Result<(TcpListener, String)> {
    // Below the ports that the system gives out by itself.
    for first in (10_000..32_000).step_by(usize::from(MEDIA_PORTS)) {
        if let Ok(owner) = TcpListener::bind(("127.0.0.1", first)) {
            return Ok((owner, format!("{first}-{}", first + MEDIA_PORTS - 1)));
        }
    }
    bail!("no range of media ports is free")
}

fn lines_file(setting: &Setting, sip: SocketAddr, media: &str, tls: &str) -> String {
    let trunk = |name: &str, clinic: &str, number: &str| {
        format!(
            "[[trunk]]\nname = \"{name}\"\nclinic = \"{clinic}\"\nallow = [\"127.0.0.0/8\", \"::1/128\"]\n\
             numbers = [\"{number}\"]\ncodecs = {:?}\ndtmf = \"{}\"\nsrtp = \"{}\"\n\n",
            setting.codecs, setting.dtmf, setting.srtp
        )
    };
    format!(
        "[sip]\nudp = [\"{sip}\"]\ntcp = [\"{sip}\"]\n{tls}max_calls = {}\n\n[media]\nports = \"{media}\"\nrtp_timeout = {}\n\n{}{}{}",
        setting.max_calls,
        setting.rtp_timeout,
        trunk("desk", "phones_desk", DESK),
        trunk("menu", "phones_menu", MENU),
        setting.more,
    )
}

/// Makes a certificate for the test; the lines of `[sip]` that name it.
fn certificate(home: &Path, listen: SocketAddr) -> Result<String> {
    crate::process::require("openssl", "openssl")?;
    let (cert, key) = (home.join("cert.pem"), home.join("key.pem"));
    let output = Command::new("openssl")
        .args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"])
        .args(["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1,DNS:localhost", "-keyout"])
        .arg(&key)
        .arg("-out")
        .arg(&cert)
        .output()?;
    if !output.status.success() {
        bail!("openssl makes no certificate:\n{}", String::from_utf8_lossy(&output.stderr));
    }
    Ok(format!("tls = [\"{listen}\"]\ntls_cert = \"{}\"\ntls_key = \"{}\"\n", cert.display(), key.display()))
}

/// The file named by a hash (`ab/cdef….wav` of `abcdef…`), wherever the program keeps it.
fn find(folder: &Path, hash: &str) -> Option<PathBuf> {
    let rest = hash.get(2..)?;
    for entry in fs::read_dir(folder).ok()?.flatten() {
        let path = entry.path();
        if path.is_dir() {
            if let Some(found) = find(&path, hash) {
                return Some(found);
            }
        } else if path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(rest)) {
            return Some(path);
        }
    }
    None
}
