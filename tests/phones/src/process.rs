//! Programs of others: found or asked for by the name of their package, ended with their test.

use std::fs::{self, File};
use std::net::{TcpListener, UdpSocket};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
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

/// A UDP port nobody listens on now.
///
/// # Errors
/// When the system has none.
pub fn free_udp_port(ip: &str) -> Result<u16> {
    Ok(UdpSocket::bind((ip, 0))?.local_addr()?.port())
}

/// A TCP port nobody listens on now.
///
/// # Errors
/// When the system has none.
pub fn free_tcp_port(ip: &str) -> Result<u16> {
    Ok(TcpListener::bind((ip, 0))?.local_addr()?.port())
}

/// A port free for UDP and TCP alike, as a SIP server wants it.
///
/// # Errors
/// When the system has none.
pub fn free_sip_port(ip: &str) -> Result<u16> {
    for _ in 0..32 {
        let tcp = TcpListener::bind((ip, 0))?;
        let port = tcp.local_addr()?.port();
        if UdpSocket::bind((ip, port)).is_ok() {
            return Ok(port);
        }
    }
    bail!("{ip}: no port is free for UDP and TCP alike")
}
