//! sipp runs a scenario file of `tests/phones/scenarios` and judges by itself: it fails when a message is not the one
//! expected.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, bail};

use crate::process::{Process, free_port, require};

/// How sipp reaches the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transport {
    /// UDP, one socket.
    Udp,
    /// TCP, one connection.
    Tcp,
}

/// A run of sipp: what to set before it starts.
pub struct Sipp {
    command: Command,
    scenario: PathBuf,
    folder: PathBuf,
    limit: Duration,
}

/// What sipp left behind.
pub struct Outcome {
    /// The messages, as they were sent and received.
    pub messages: String,
    /// The lines it was told to write (`<log>`).
    pub log: String,
}

impl Sipp {
    /// Will run `scenarios/NAME.xml` once against `server`, keeping its files in `folder`.
    ///
    /// # Errors
    /// When sipp is missing, or the folder cannot be made.
    pub fn new(name: &str, server: SocketAddr, transport: Transport, folder: &Path) -> Result<Sipp> {
        require("sipp", "sip-tester")?;
        let scenario = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("scenarios/{name}.xml"));
        let folder = folder.join(name);
        fs::create_dir_all(&folder)?;
        let ip = server.ip().to_string();
        let port = free_port(&ip)?;
        // sipp opens two media ports from this one on, and a port for its keyboard: each its own.
        let media = free_port(&ip)?;
        let bracketed = if server.is_ipv6() { format!("[{ip}]:{}", server.port()) } else { server.to_string() };
        let mut command = Command::new("sipp");
        command
            .arg(bracketed)
            .args(["-sf", &scenario.display().to_string()])
            .args(["-i", &if server.is_ipv6() { format!("[{ip}]") } else { ip.clone() }])
            .args(["-p", &port.to_string(), "-mp", &media.to_string(), "-cp", &free_port("127.0.0.1")?.to_string()])
            .args(["-t", if transport == Transport::Udp { "u1" } else { "t1" }])
            .args(["-nostdin", "-trace_msg", "-trace_err", "-trace_logs", "-message_overwrite", "false"])
            .args(["-message_file", "messages.log", "-error_file", "errors.log", "-log_file", "log.log"])
            .args(["-timeout_error", "-default_behaviors", "all,-bye"])
            .current_dir(&folder);
        Ok(Sipp { command, scenario, folder, limit: Duration::from_secs(40) })
    }

    /// Who calls whom.
    #[must_use]
    pub fn calling(self, number: &str, called: &str) -> Sipp {
        self.key("number", number).key("called", called)
    }

    /// Calls in all, and calls a second.
    #[must_use]
    pub fn calls(mut self, calls: u32, a_second: u32) -> Sipp {
        self.command.args(["-m", &calls.to_string(), "-r", &a_second.to_string(), "-l", &calls.to_string()]);
        self
    }

    /// A word the scenario uses as `[name]`.
    #[must_use]
    pub fn key(mut self, name: &str, value: &str) -> Sipp {
        self.command.args(["-key", name, value]);
        self
    }

    /// Any other option of sipp.
    #[must_use]
    pub fn option(mut self, words: &[&str]) -> Sipp {
        self.command.args(words);
        self
    }

    /// How long it may take.
    #[must_use]
    pub fn limit(mut self, limit: Duration) -> Sipp {
        self.limit = limit;
        self
    }

    /// Starts it.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn start(mut self) -> Result<Running> {
        self.command.args(["-timeout", &format!("{}s", self.limit.as_secs())]);
        let process = Process::start("sipp", &mut self.command, &self.folder.join("screen.txt"))?;
        Ok(Running { process, scenario: self.scenario, folder: self.folder, limit: self.limit })
    }

    /// Runs it to its end.
    ///
    /// # Errors
    /// When any call of it failed.
    pub fn run(self) -> Result<Outcome> {
        self.start()?.end()
    }
}

/// sipp at work.
pub struct Running {
    process: Process,
    scenario: PathBuf,
    folder: PathBuf,
    limit: Duration,
}

impl Running {
    /// The messages so far.
    pub fn messages(&self) -> String {
        read(&self.folder.join("messages.log"))
    }

    /// Waits for its end.
    ///
    /// # Errors
    /// When any call of it failed, with sipp's own words and the last messages.
    pub fn end(mut self) -> Result<Outcome> {
        // Its own time-out comes first, and says more.
        let status = self.process.end(self.limit + Duration::from_secs(15))?;
        let messages = self.messages();
        if status.success() {
            return Ok(Outcome { messages, log: read(&self.folder.join("log.log")) });
        }
        let mut screen = self.process.printed();
        screen.truncate(screen.char_indices().nth(2_500).map_or(screen.len(), |(at, _)| at));
        let tail: String = messages.chars().rev().take(6_000).collect::<Vec<_>>().into_iter().rev().collect();
        bail!(
            "{}: sipp says no ({status})\n{}\n{screen}\n… {tail}",
            self.scenario.display(),
            read(&self.folder.join("errors.log")),
        )
    }
}

fn read(file: &Path) -> String {
    fs::read(file).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default()
}

/// The value of a header of the first message whose first line begins with `start`.
///
/// # Errors
/// When there is no such message or header.
pub fn header<'a>(messages: &'a str, start: &str, name: &str) -> Result<&'a str> {
    let from = messages.find(start).with_context(|| format!("no message begins with «{start}»"))?;
    let prefix = format!("{}:", name.to_lowercase());
    messages[from..]
        .lines()
        .take_while(|line| !line.trim().is_empty())
        .find(|line| line.to_lowercase().starts_with(&prefix))
        .map(|line| line[prefix.len()..].trim())
        .with_context(|| format!("«{start}» has no {name}"))
}
