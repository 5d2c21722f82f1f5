//! Programs of others: found or asked for by the name of their package, ended with their test.

use std::fs::{self, File};
use std::net::{TcpListener, UdpSocket};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::Duration;

use anyhow::{Context, Result, bail};

use crate::wait;

/// Says which package brings `command`, if it is not here.
///
/// # Errors
/// When it is not here.
pub fn require(command: &str, package: &str) -> Result<()> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    if std::env::split_paths(&path).any(|folder| folder.join(command).is_file()) {
        return Ok(());
    }
    bail!("{command} is not installed: run `apt-get install {package}` (or `make setup`), then the test again")
}

/// A running program; its output goes into a file. Killed when dropped.
pub struct Process {
    name: String,
    child: Child,
    output: PathBuf,
}

impl Process {
    /// Starts `command`, all it prints into the file `output`.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn start(name: &str, command: &mut Command, output: &Path) -> Result<Process> {
        let file = File::create(output).with_context(|| format!("{}: cannot be written", output.display()))?;
        let child = command
            .stdin(Stdio::piped())
            .stdout(file.try_clone()?)
            .stderr(file)
            .spawn()
            .with_context(|| format!("{name} cannot be started"))?;
        Ok(Process { name: name.to_owned(), child, output: output.to_owned() })
    }

    /// Its process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Where it reads what is typed; can be taken once.
    pub fn keyboard(&mut self) -> Option<ChildStdin> {
        self.child.stdin.take()
    }

    /// Everything it printed so far.
    pub fn printed(&self) -> String {
        fs::read(&self.output).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default()
    }

    /// Fails, with what it printed, if it has ended.
    ///
    /// # Errors
    /// If it has ended.
    pub fn must_run(&mut self) -> Result<()> {
        if let Some(status) = self.child.try_wait()? {
            bail!("{} has ended too early ({status}):\n{}", self.name, self.printed());
        }
        Ok(())
    }

    /// Waits for its end.
    ///
    /// # Errors
    /// When it still runs after `limit`.
    pub fn end(&mut self, limit: Duration) -> Result<ExitStatus> {
        let child = &mut self.child;
        wait::until(&format!("the end of {}", self.name), limit, || Ok(child.try_wait()?))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may be over already; then there is nothing to end.
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// A port free for UDP and TCP alike, given to nobody else in this process. The three after it are not given away either:
/// sipp takes them for its media.
///
/// It lies below the ports that the system hands out by itself. One of those could be given to a connection made meanwhile,
/// and a connection made to that very port would even talk to itself.
///
/// # Errors
/// When none of them is free.
pub fn free_port(ip: &str) -> Result<u16> {
    const FIRST: u16 = 2_000;
    const EACH: u16 = 4;
    const PLACES: u16 = 1_900;
    static GIVEN: AtomicU16 = AtomicU16::new(0);
    // The next process begins elsewhere: the system may keep a port for a while after its last connection.
    let begin = std::process::id().wrapping_mul(61);
    for _ in 0..PLACES {
        let place = begin.wrapping_add(GIVEN.fetch_add(1, Ordering::Relaxed).into()) % u32::from(PLACES);
        let port = FIRST + EACH * u16::try_from(place)?;
        if TcpListener::bind((ip, port)).is_ok() && UdpSocket::bind((ip, port)).is_ok() {
            return Ok(port);
        }
    }
    bail!("{ip}: no port from {FIRST} on is free for UDP and TCP alike")
}

/// Whether somebody listens for TCP at a port of 127.0.0.1; asked of the kernel, because a connection would be taken for the
/// one that is expected, and binding the port to try would take it away.
///
/// # Errors
/// When the system does not tell.
pub fn is_listened_at(port: u16) -> Result<bool> {
    let sockets =
        std::fs::read_to_string("/proc/net/tcp").context("/proc/net/tcp: Linux tells of its sockets there")?;
    let here = format!("0100007F:{port:04X}");
    // Second column: the address; fourth: the state, 0A for listening.
    Ok(sockets.lines().map(|line| line.split_whitespace().collect::<Vec<_>>()).any(|words| {
        words.get(1).is_some_and(|address| *address == here) && words.get(3).is_some_and(|state| *state == "0A")
    }))
}
