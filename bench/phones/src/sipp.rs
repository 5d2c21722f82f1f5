//! The signalling: one sipp for all calls.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result};

use crate::Server;

/// sipp at work; ended when dropped.
pub struct Sipp {
    child: Child,
    folder: PathBuf,
}

impl Sipp {
    /// Starts `calls` calls, `rate` a second, each hung up after `lasting_ms`; their sound goes to `port` here.
    ///
    /// # Errors
    /// When sipp is not installed.
    pub fn start(server: &Server, calls: u32, at_once: u32, rate: u32, lasting_ms: u64, port: u16) -> Result<Sipp> {
        let folder = server.scratch.join(format!("sipp-{}", std::process::id()));
        fs::create_dir_all(&folder)?;
        let scenario = Path::new(env!("CARGO_MANIFEST_DIR")).join("call.xml");
        let screen = File::create(folder.join("screen.txt"))?;
        let child = Command::new("sipp")
            .arg(server.server.to_string())
            .arg("-sf")
            .arg(scenario)
            .args(["-i", "127.0.0.1", "-nostdin", "-m", &calls.to_string(), "-l", &at_once.to_string()])
            .args(["-r", &rate.to_string(), "-d", &lasting_ms.to_string()])
            .args([
                "-key",
                "number",
                &server.number,
                "-key",
                "called",
                &server.called,
                "-key",
                "rtp_port",
                &port.to_string(),
            ])
            .args(["-trace_err", "-error_file", "errors.log", "-trace_stat", "-stf", "stat.csv", "-fd", "1"])
            .args(["-trace_rtt", "-rtt_freq", "10", "-default_behaviors", "all,-bye", "-buff_size", "8388608"])
            .current_dir(&folder)
            .stdin(Stdio::null())
            .stdout(screen.try_clone()?)
            .stderr(screen)
            .spawn()
            .context("sipp cannot be started: apt-get install sip-tester")?;
        Ok(Sipp { child, folder })
    }

    /// Its process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Has it ended, and if so: was every call fine?
    ///
    /// # Errors
    /// When the system cannot tell.
    pub fn ended(&mut self) -> Result<Option<bool>> {
        Ok(self.child.try_wait()?.map(|status| status.success()))
    }

    /// Calls that failed so far, and those that went well, as sipp counts.
    ///
    /// # Errors
    /// When sipp has written nothing.
    pub fn counts(&self) -> Result<(u64, u64)> {
        let table = fs::read_to_string(self.folder.join("stat.csv"))?;
        let mut lines = table.lines();
        let names: Vec<&str> = lines.next().context("sipp counts nothing")?.split(';').collect();
        let last: Vec<&str> = lines.next_back().context("sipp has counted nothing yet")?.split(';').collect();
        let value = |name: &str| {
            let at = names.iter().position(|known| *known == name);
            at.and_then(|at| last.get(at)).and_then(|value| value.parse().ok()).unwrap_or(0)
        };
        Ok((value("FailedCall(C)"), value("SuccessfulCall(C)")))
    }

    /// INVITE to 200, milliseconds, sorted.
    pub fn answer_times(&self) -> Vec<f64> {
        let mut times: Vec<f64> = Vec::new();
        for entry in fs::read_dir(&self.folder).into_iter().flatten().flatten() {
            if entry.file_name().to_string_lossy().ends_with("_rtt.csv") {
                let table = fs::read_to_string(entry.path()).unwrap_or_default();
                times.extend(table.lines().skip(1).filter_map(|line| line.split(';').nth(1)?.parse::<f64>().ok()));
            }
        }
        times.sort_by(f64::total_cmp);
        times
    }

    /// What it complained of.
    pub fn errors(&self) -> String {
        fs::read_to_string(self.folder.join("errors.log")).unwrap_or_default().chars().take(1_500).collect()
    }
}

impl Drop for Sipp {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
        fs::remove_dir_all(&self.folder).ok();
    }
}
