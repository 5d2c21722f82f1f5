//! Many calls at once: are packets on time, and what does it cost?

use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::Result;

use crate::callers::{Callers, now_ns};
use crate::sink::Sink;
use crate::sipp::Sipp;
use crate::timing::{Timing, at, judge};
use crate::{Server, usage};

/// Between the last call's beginning and the measurement.
const SETTLE: Duration = Duration::from_secs(3);
/// Calls that have not begun so long after they should are not waited for.
const PATIENCE: Duration = Duration::from_secs(15);
/// How often to look.
const LOOK: Duration = Duration::from_millis(100);

/// Measures each number of calls, one line each.
pub fn run(server: &Server, calls: &[u32], rate: u32, seconds: u64) -> Result<()> {
    println!(
        "{:>6} {:>6} {:>9} {:>9} {:>9} {:>22} {:>8} {:>7} {:>9} {:>10} {:>20} {:>17} {:>7}",
        "calls",
        "up",
        "on time",
        "worst",
        "≥ 99 %",
        "off ms 50 %/99 %/max",
        "missing",
        "cores",
        "µs/pair",
        "calls/core",
        "machine busy, others",
        "200 ms 50 %/99 %",
        "failed"
    );
    for calls in calls {
        println!("{}", measure(server, *calls, rate, seconds)?);
        let up = usage::cpu_seconds(server.pid);
        if up.is_err() {
            println!("the server is gone");
            break;
        }
    }
    Ok(())
}

fn measure(server: &Server, calls: u32, rate: u32, seconds: u64) -> Result<String> {
    let sink = Arc::new(Sink::open()?);
    let callers = Callers::start(&sink)?;
    let begins = Duration::from_millis(u64::from(calls) * 1_000 / u64::from(rate.max(1)));
    let lasting = begins + PATIENCE + SETTLE + Duration::from_secs(seconds + 2);
    let mut sipp = Sipp::start(server, calls, calls, rate, u64::try_from(lasting.as_millis())?, sink.port()?)?;
    let start = Instant::now();
    while sink.stamps().len() < calls as usize && start.elapsed() < begins + PATIENCE && sipp.ended()?.is_none() {
        thread::sleep(LOOK);
    }
    thread::sleep(SETTLE);

    // What came before is not judged.
    sink.stamps().values_mut().for_each(Vec::clear);
    let (began, from_ns) = (Instant::now(), now_ns());
    let before = (usage::cpu_seconds(server.pid)?, usage::machine_seconds()?.0, ours(&sipp)?);
    thread::sleep(Duration::from_secs(seconds));
    let after = (usage::cpu_seconds(server.pid)?, usage::machine_seconds()?.0, ours(&sipp)?);
    let (took, to_ns) = (began.elapsed().as_secs_f64(), now_ns());
    let stamps = std::mem::take(&mut *sink.stamps());
    let timing = judge(&stamps, from_ns, to_ns);

    let (failed, _) = sipp.counts().unwrap_or_default();
    let answers = sipp.answer_times();
    let errors = sipp.errors();
    let cpu = after.0 - before.0;
    let busy = (after.1 - before.1) / took;
    let others = (busy - (cpu + after.2 - before.2) / took).max(0.0);
    // All calls are hung up before the next measurement, by sipp where it still can.
    let deadline = Instant::now() + lasting + PATIENCE;
    while sipp.ended()?.is_none() && Instant::now() < deadline {
        thread::sleep(LOOK);
    }
    drop(callers);
    let mut row = line(calls, &timing, cpu, took, (busy, others), &answers, failed);
    if failed > 0 {
        row += &format!("\n{errors}");
    }
    Ok(row)
}

/// CPU of the load itself.
fn ours(sipp: &Sipp) -> Result<f64> {
    Ok(usage::cpu_seconds(std::process::id())? + usage::cpu_seconds(sipp.id()).unwrap_or(0.0))
}

fn line(calls: u32, timing: &Timing, cpu: f64, took: f64, machine: (f64, f64), answers: &[f64], failed: u64) -> String {
    let cores = cpu / took;
    let fine = timing.per_call.iter().filter(|share| **share >= 0.99).count();
    format!(
        "{calls:>6} {:>6} {:>7.2} % {:>7.2} % {:>7.1} % {:>22} {:>8} {cores:>7.3} {:>9.2} {:>10.0} {:>20} {:>17} {failed:>7}",
        timing.calls,
        timing.on_time * 100.0,
        timing.per_call.first().copied().unwrap_or(0.0) * 100.0,
        fine as f64 / timing.calls.max(1) as f64 * 100.0,
        timing.off_ms.map(|ms| format!("{ms:.2}")).join(" / "),
        timing.missing,
        cpu * 1e6 / timing.packets.max(1) as f64,
        timing.calls as f64 / cores.max(1e-9),
        format!("{:.2}, {:.2}", machine.0, machine.1),
        format!("{:.0} / {:.0}", at(answers, 0.5).unwrap_or(0.0), at(answers, 0.99).unwrap_or(0.0)),
    )
}
