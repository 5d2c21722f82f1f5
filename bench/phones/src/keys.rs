//! From the end of a key to the first sample of the prompt that answers it.
//!
//! A key is pressed when the line has been quiet for a while: what is heard next is the answer. The end is when its first
//! end packet was sent; the first sample is in the first packet that carries sound a person would hear.

use std::collections::HashSet;
use std::net::SocketAddrV4;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};

use crate::callers::{Callers, now_ns};
use crate::sink::{Sink, Stamp, address};
use crate::sipp::Sipp;
use crate::timing::at;
use crate::{Server, usage};

/// The line is quiet when nothing loud came for so long.
const QUIET_NS: i64 = 400_000_000;
/// A call from which nothing comes is over.
const GONE_NS: i64 = 500_000_000;
/// An answer that has not come by now never will.
const NEVER_NS: i64 = 8_000_000_000;
/// Calls are long enough for a few keys each.
const LASTING_MS: u64 = 45_000;
/// For one key, at the very most.
const PATIENCE: Duration = Duration::from_secs(12);

/// Presses `keys` keys in `calls` calls at a time, and says how long answers took.
pub fn run(server: &Server, calls: u32, keys: usize, key: char) -> Result<()> {
    let sink = Arc::new(Sink::open()?);
    let callers = Callers::start(&sink)?;
    let mut sipp = Sipp::start(server, 1_000_000, calls, calls.max(4), LASTING_MS, sink.port()?)?;
    // Keys that were pressed and not answered yet.
    let mut waiting: HashSet<SocketAddrV4> = HashSet::new();
    let (mut took, mut unanswered) = (Vec::new(), 0);
    let deadline = Instant::now() + PATIENCE * u32::try_from(keys)?;
    while took.len() + unanswered < keys && Instant::now() < deadline && sipp.ended()?.is_none() {
        thread::sleep(Duration::from_millis(10));
        let now = now_ns();
        let mut stamps = sink.stamps();
        for (from, call) in stamps.iter_mut() {
            let Some(last) = call.last().copied() else { continue };
            if waiting.contains(from) {
                let Some(let_go) = callers.let_go(address(*from)) else { continue };
                if let Some(answer) = call.iter().find(|stamp| stamp.loud && stamp.at_ns > let_go) {
                    took.push((answer.at_ns - let_go) as f64 / 1e6);
                    waiting.remove(from);
                } else if now - let_go > NEVER_NS || now - last.at_ns > GONE_NS {
                    unanswered += 1;
                    waiting.remove(from);
                }
            } else if now - last.at_ns < GONE_NS && has_fallen_quiet(call, now) {
                callers.press(address(*from), key);
                waiting.insert(*from);
                // What was said before the key is of no use any more.
                call.clear();
            }
        }
    }
    if took.is_empty() {
        bail!("no key was answered ({unanswered} were pressed)\n{}", sipp.errors());
    }
    took.sort_by(f64::total_cmp);
    let share = |share| at(&took, share).unwrap_or(0.0);
    println!(
        "{} keys, {unanswered} unanswered; end of the key to the first sample, ms: p50 {:.1}, p90 {:.1}, p99 {:.1}, max {:.1}; {}",
        took.len() + unanswered,
        share(0.5),
        share(0.9),
        share(0.99),
        share(1.0),
        usage::load()?,
    );
    Ok(())
}

/// Something was said, and then nothing for a while.
fn has_fallen_quiet(call: &[Stamp], now: i64) -> bool {
    call.iter().rev().find(|stamp| stamp.loud).is_some_and(|loud| now - loud.at_ns > QUIET_NS)
}
