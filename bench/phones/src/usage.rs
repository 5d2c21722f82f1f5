//! What a process used of the machine, from `/proc`.

use std::fs;

use anyhow::{Context, Result};

/// What the kernel counts CPU time in; it has been this on every Linux of the last twenty years.
const TICKS_A_SECOND: f64 = 100.0;

/// CPU seconds of a process so far, its own and the kernel's on its behalf.
///
/// # Errors
/// When the process is gone.
pub fn cpu_seconds(pid: u32) -> Result<f64> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).with_context(|| format!("process {pid} is gone"))?;
    // The name may hold blanks and brackets; what counts comes after the last one.
    let after = stat.rsplit_once(')').map_or("", |(_, after)| after);
    let field = |index: usize| after.split_whitespace().nth(index).and_then(|ticks| ticks.parse::<f64>().ok());
    let (user, system) = field(11).zip(field(12)).context("/proc/PID/stat has no times")?;
    Ok((user + system) / TICKS_A_SECOND)
}

/// CPU seconds the whole machine was busy so far, and those it had.
///
/// # Errors
/// When `/proc/stat` is not as expected.
pub fn machine_seconds() -> Result<(f64, f64)> {
    let stat = fs::read_to_string("/proc/stat")?;
    let line = stat.lines().next().context("/proc/stat is empty")?;
    let ticks: Vec<f64> = line.split_whitespace().skip(1).filter_map(|field| field.parse().ok()).collect();
    let all: f64 = ticks.iter().take(8).sum();
    let idle: f64 = ticks.iter().skip(3).take(2).sum();
    Ok(((all - idle) / TICKS_A_SECOND, all / TICKS_A_SECOND))
}

/// Resident memory, KiB.
#[derive(Debug, Clone, Copy)]
pub struct Resident {
    /// All of it.
    pub all: u64,
    /// What is no part of a file.
    pub anonymous: u64,
}

/// Resident memory of a process.
///
/// # Errors
/// When the process is gone.
pub fn resident(pid: u32) -> Result<Resident> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).with_context(|| format!("process {pid} is gone"))?;
    let kib = |name: &str| -> Result<u64> {
        let line = status.lines().find_map(|line| line.strip_prefix(name)).with_context(|| format!("no {name}"))?;
        line.trim().trim_end_matches(" kB").parse().with_context(|| format!("{name} is no number"))
    };
    Ok(Resident { all: kib("VmRSS:")?, anonymous: kib("RssAnon:")? })
}

/// Open descriptors, and those of them that are sockets.
///
/// # Errors
/// When the process is gone.
pub fn descriptors(pid: u32) -> Result<(usize, usize)> {
    let open = fs::read_dir(format!("/proc/{pid}/fd")).with_context(|| format!("process {pid} is gone"))?;
    let targets: Vec<_> = open.flatten().filter_map(|entry| fs::read_link(entry.path()).ok()).collect();
    let sockets = targets.iter().filter(|target| target.to_string_lossy().starts_with("socket:")).count();
    Ok((targets.len(), sockets))
}

/// Threads.
///
/// # Errors
/// When the process is gone.
pub fn threads(pid: u32) -> Result<usize> {
    Ok(fs::read_dir(format!("/proc/{pid}/task")).with_context(|| format!("process {pid} is gone"))?.count())
}

/// The load of the machine, in words.
///
/// # Errors
/// When `/proc/loadavg` is not there.
pub fn load() -> Result<String> {
    let load = fs::read_to_string("/proc/loadavg")?;
    Ok(format!("load {}", load.split_whitespace().take(3).collect::<Vec<_>>().join(" ")))
}
