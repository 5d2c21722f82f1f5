//! Short calls without end: does anything stay behind?

use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::Result;

use crate::callers::Callers;
use crate::sink::Sink;
use crate::sipp::Sipp;
use crate::timing::at;
use crate::{Server, usage};

/// Between two looks.
const LOOK: Duration = Duration::from_secs(2);
/// So long after its end a call may hold something: a transaction lives for 32 s (RFC 3261, timers B, F, H).
const AFTERMATH: Duration = Duration::from_secs(50);
/// The first calls warm caches and pools; the slope is judged after them.
const WARM: f64 = 0.2;

/// Calls `calls` times, `rate` a second, and watches the server.
pub fn run(server: &Server, calls: u32, rate: u32, lasting_ms: u32) -> Result<()> {
    let pid = server.pid;
    let before = (usage::resident(pid)?, usage::descriptors(pid)?, usage::threads(pid)?);
    let sink = Arc::new(Sink::open()?);
    let callers = Callers::start(&sink)?;
    // More at once than the rate asks for means that calls do not end.
    let at_once = rate * (lasting_ms / 1_000 + 1) * 4;
    let mut sipp = Sipp::start(server, calls, at_once, rate, u64::from(lasting_ms), sink.port()?)?;
    let mut memory: Vec<(f64, usage::Resident)> = Vec::new();
    let mut most = (0, 0);
    let fine = loop {
        if let Some(fine) = sipp.ended()? {
            break fine;
        }
        thread::sleep(LOOK);
        // Addresses come again; what they sent is not judged here.
        sink.stamps().clear();
        let (failed, good) = sipp.counts().unwrap_or_default();
        memory.push(((failed + good) as f64, usage::resident(pid)?));
        let open = usage::descriptors(pid)?;
        most = (most.0.max(open.0), most.1.max(open.1));
    };
    let (failed, good) = sipp.counts().unwrap_or_default();
    drop(callers);
    let over = Instant::now();
    while usage::descriptors(pid)?.0 > before.1.0 && over.elapsed() < AFTERMATH {
        thread::sleep(LOOK);
    }
    let after = (usage::resident(pid)?, usage::descriptors(pid)?, usage::threads(pid)?);

    println!(
        "{} calls, {failed} failed{}; {}",
        failed + good,
        if fine { "" } else { " (sipp is not content)" },
        usage::load()?
    );
    let answers = sipp.answer_times();
    println!(
        "INVITE to 200, ms: p50 {:.1}, p99 {:.1}",
        at(&answers, 0.5).unwrap_or(0.0),
        at(&answers, 0.99).unwrap_or(0.0)
    );
    let mib = |kib: u64| kib as f64 / 1024.0;
    let said = |resident: usage::Resident| format!("{:.1} ({:.1})", mib(resident.all), mib(resident.anonymous));
    println!("resident memory (of it not from files), MiB: {} before, {} after", said(before.0), said(after.0));
    for share in [0.1, 0.25, 0.5, 0.75, 1.0] {
        if let Some((done, resident)) = place(&memory, share) {
            println!("  after {done:>7.0} calls {:>16}", said(*resident));
        }
    }
    let warm = memory.iter().filter(|(done, _)| *done >= f64::from(calls) * WARM);
    let slope_of = |what: fn(&usage::Resident) -> u64| {
        slope(&warm.clone().map(|(done, resident)| (*done, what(resident) as f64)).collect::<Vec<_>>()) * 1_000.0
    };
    println!(
        "slope after the first {:.0} %: {:+.1} ({:+.1}) KiB per 1,000 calls",
        WARM * 100.0,
        slope_of(|resident| resident.all),
        slope_of(|resident| resident.anonymous)
    );
    println!(
        "descriptors: {} before, at most {}, {} after ({} s later)",
        before.1.0,
        most.0,
        after.1.0,
        over.elapsed().as_secs()
    );
    println!("sockets: {} before, at most {}, {} after", before.1.1, most.1, after.1.1);
    println!("threads: {} before, {} after", before.2, after.2);
    if failed > 0 {
        println!("{}", sipp.errors());
    }
    Ok(())
}

/// The entry at a share of the way.
fn place<T>(entries: &[T], share: f64) -> Option<&T> {
    entries.get(((entries.len().saturating_sub(1)) as f64 * share).round() as usize)
}

/// Least squares.
fn slope(points: &[(f64, f64)]) -> f64 {
    let count = points.len().max(1) as f64;
    let mean = |values: &dyn Fn(&(f64, f64)) -> f64| points.iter().map(values).sum::<f64>() / count;
    let (x, y) = (mean(&|point| point.0), mean(&|point| point.1));
    let (mut up, mut along) = (0.0, 0.0);
    for point in points {
        up += (point.0 - x) * (point.1 - y);
        along += (point.0 - x).powi(2);
    }
    if along > 0.0 { up / along } else { 0.0 }
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_leak_has_a_slope_and_noise_has_none() {
        let leak: Vec<(f64, f64)> = (0..100).map(|at| (f64::from(at), 500.0 + 3.0 * f64::from(at))).collect();
        assert!((super::slope(&leak) - 3.0).abs() < 1e-9);
        let noise: Vec<(f64, f64)> =
            (0..100).map(|at| (f64::from(at), if at % 2 == 0 { 499.0 } else { 501.0 })).collect();
        assert!(super::slope(&noise).abs() < 0.05);
        assert!(super::slope(&[]).abs() < 1e-9);
    }
}
