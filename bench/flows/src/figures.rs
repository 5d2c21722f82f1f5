//! Times as p50 and p99, memory of this process, and the table at the end.

use std::time::Duration;

/// What a measurement may fail of.
pub type Result<T> = std::result::Result<T, Box<dyn std::error::Error + Send + Sync>>;

/// p50 and p99 without the first tenth, which warms caches: `1.4 / 8.5 µs`.
pub fn percentiles(mut times: Vec<Duration>) -> String {
    times.drain(..times.len() / 10);
    times.sort_unstable();
    let at = |share: f64| times[((times.len() - 1) as f64 * share) as usize].as_secs_f64() * 1e6;
    let (p50, p99) = (at(0.50), at(0.99));
    match p50 {
        ..10.0 => format!("{p50:.2} / {p99:.1} µs"),
        ..10_000.0 => format!("{p50:.0} / {p99:.0} µs"),
        _ => format!("{:.1} / {:.1} ms", p50 / 1e3, p99 / 1e3),
    }
}

/// The median: `12.3 ms`.
pub fn median(mut times: Vec<Duration>) -> String {
    times.sort_unstable();
    let middle = times[times.len() / 2].as_secs_f64() * 1e3;
    if middle < 1.0 { format!("{:.0} µs", middle * 1e3) } else { format!("{middle:.1} ms") }
}

/// CPU this process has used, all threads.
pub fn cpu() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    Duration::new(u64::try_from(time.tv_sec).unwrap_or(0), u32::try_from(time.tv_nsec).unwrap_or(0))
}

/// Memory that this process shares with nobody, in KiB: what a call really takes from the machine.
pub fn private_kib() -> Result<u64> {
    let rollup = std::fs::read_to_string("/proc/self/smaps_rollup")?;
    let lines = rollup.lines().filter(|line| line.starts_with("Private_"));
    Ok(lines.filter_map(|line| line.split_whitespace().nth(1)?.parse::<u64>().ok()).sum())
}

/// A table with a column for each way to run a conversation.
#[derive(Default)]
pub struct Table(Vec<[String; 4]>);

impl Table {
    /// One row. An empty cell: that way has no such thing, or it was not measured.
    pub fn row(&mut self, what: impl Into<String>, gudok: String, extism: String, webhook: String) {
        let row = [what.into(), gudok, extism, webhook];
        // Shown at once: the whole takes minutes.
        eprintln!("    {}", row.iter().filter(|cell| !cell.is_empty()).cloned().collect::<Vec<_>>().join(" · "));
        self.0.push(row);
    }

    /// The table in Markdown.
    pub fn print(&self, heads: [&str; 4]) {
        println!("| {} |\n|---|---|---|---|", heads.join(" | "));
        for row in &self.0 {
            println!("| {} |", row.each_ref().map(|cell| if cell.is_empty() { "—" } else { cell }).join(" | "));
        }
    }
}
