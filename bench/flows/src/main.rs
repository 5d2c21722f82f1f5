//! Flows beside Extism plug-ins and HTTP webhooks: the same conversation, in one run, as one table.
//!
//! `flow-peers [--quick] [COMPONENTS]` measures; `COMPONENTS` is where the conformance flows lie
//! (`guest-flows/target/components`); those that are missing are skipped and said so. What each row means is in
//! `bench/README.md`. Memory is measured in processes of their own (`flow-peers parked …`), so that nothing is counted
//! that an earlier part left behind.

#[path = "../../../host/flows/tests/engine/support.rs"]
#[allow(dead_code, missing_docs, reason = "shared with the engine's tests")]
mod engine_tests;
mod figures;
mod gudok;
#[cfg(feature = "extism")]
mod plug_in;
mod webhook;

use std::path::{Path, PathBuf};

use figures::{Result, Table, median, percentiles};

/// Languages with a front desk.
const LANGUAGES: [&str; 8] = ["rust", "c", "zig", "as", "go", "js", "starling", "python"];

/// How often everything is done.
struct Amounts {
    starts: usize,
    conversations: usize,
    turns: u32,
    steps: usize,
    deploys: usize,
    kits: usize,
    parked: &'static [usize],
    parked_languages: usize,
    parked_threads: &'static [usize],
}

const FULL: Amounts = Amounts {
    starts: 5_000,
    conversations: 100,
    turns: 500,
    steps: 20_000,
    deploys: 21,
    kits: 500,
    parked: &[1_000, 5_000, 10_000],
    parked_languages: 200,
    parked_threads: &[1_000, 5_000],
};

const QUICK: Amounts = Amounts {
    starts: 200,
    conversations: 5,
    turns: 100,
    steps: 500,
    deploys: 3,
    kits: 20,
    parked: &[50, 100],
    parked_languages: 5,
    parked_threads: &[20],
};

#[tokio::main]
async fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["parked", "gudok", path, calls] => println!("{}", gudok::parked(Path::new(path), calls.parse()?).await?),
        #[cfg(feature = "extism")]
        ["parked", "extism", calls] => println!("{}", plug_in::parked(calls.parse()?)?),
        ["--quick"] => measure(&QUICK, None).await?,
        ["--quick", components] => measure(&QUICK, Some(Path::new(components))).await?,
        [] => measure(&FULL, None).await?,
        [components] => measure(&FULL, Some(Path::new(components))).await?,
        _ => return Err("flow-peers [--quick] [COMPONENTS]".into()),
    }
    Ok(())
}

async fn measure(amounts: &Amounts, components: Option<&Path>) -> Result<()> {
    let mut table = Table::default();
    let flow = |language: &str| {
        let path = components?.join(format!("{language}-front-desk.wasm"));
        if !path.is_file() {
            eprintln!("    no {}: skipped", path.display());
            return None;
        }
        Some(path)
    };
    let (steps, first_steps) = webhook::measure(amounts.steps, amounts.starts).await?;
    let rust = flow("rust");

    let small = gudok::starts(&gudok::echo(1), amounts.starts).await?;
    table.row("start, hand-written guest", percentiles(small), extism_starts(amounts)?, percentiles(first_steps));
    let ours = gudok::call_cpu(&gudok::echo(1), amounts.starts).await?;
    table.row("CPU of a call of one turn, start to end", micros(ours), extism_call_cpu(amounts)?, String::new());
    if let Some(path) = &rust {
        let times = gudok::starts(&std::fs::read(path)?, amounts.starts).await?;
        table.row("start, front desk in Rust", percentiles(times), String::new(), String::new());
    }
    let ours = gudok::round_trips(amounts.conversations, amounts.turns, false).await?;
    table.row("host call round trip", percentiles(ours), extism_round_trips(amounts)?, percentiles(steps));
    let ours = gudok::round_trips(amounts.conversations, amounts.turns, true).await?;
    table.row("… written into the journal as well", percentiles(ours), String::new(), String::new());

    let small = gudok::echo(1);
    for (what, compiled) in [("raw wasm", false), ("compiled before", true)] {
        let ours = median(gudok::deploys(&small, amounts.deploys, compiled).await?);
        let theirs = extism_deploys(amounts, compiled)?;
        table.row(format!("new version to its first call, hand-written guest, {what}"), ours, theirs, String::new());
        if let Some(path) = &rust {
            let times = gudok::deploys(&std::fs::read(path)?, amounts.deploys, compiled).await?;
            let what = format!("new version to its first call, front desk in Rust, {what}");
            table.row(what, median(times), String::new(), String::new());
        }
    }

    for language in LANGUAGES {
        let Some(path) = flow(language) else { continue };
        let wasm = std::fs::read(path)?;
        let kit = gudok::kit(&wasm, amounts.kits).await?;
        let row = [
            format!("{} kB", wasm.len() / 1_000),
            format!("compiled in {}", median(vec![kit.compile])),
            format!("start {}", percentiles(kit.starts)),
            format!("a step {}", percentiles(kit.steps)),
            format!("CPU {}", micros(kit.cpu)),
        ];
        table.row(format!("front desk, {language}"), row.join(", "), String::new(), String::new());
    }

    parked(amounts, rust, flow, &mut table)?;
    let extism = format!("Extism {}", extism_version());
    table.print(["", "Gudok", &extism, "webhook per step"]);
    println!("\nTimes are p50 / p99, or the median of {}.", amounts.deploys);
    Ok(())
}

fn micros(time: std::time::Duration) -> String {
    format!("{:.0} µs", time.as_secs_f64() * 1e6)
}

/// Memory of calls that wait for their callers.
fn parked(
    amounts: &Amounts,
    rust: Option<PathBuf>,
    flow: impl Fn(&str) -> Option<PathBuf>,
    table: &mut Table,
) -> Result<()> {
    for calls in amounts.parked {
        let ours = match &rust {
            Some(path) => alone(&["parked", "gudok", &path.to_string_lossy(), &calls.to_string()])?,
            None => String::new(),
        };
        let theirs = if cfg!(feature = "extism") && amounts.parked_threads.contains(calls) {
            alone(&["parked", "extism", &calls.to_string()])?
        } else {
            String::new()
        };
        table.row(format!("memory of a parked call, {calls} of them, in Rust"), ours, theirs, String::new());
    }
    for language in LANGUAGES.iter().filter(|language| **language != "rust") {
        if let Some(path) = flow(language) {
            let calls = amounts.parked_languages.to_string();
            let ours = alone(&["parked", "gudok", &path.to_string_lossy(), &calls])?;
            let what = format!("memory of a parked call, {calls} of them, {language}");
            table.row(what, ours, String::new(), String::new());
        }
    }
    Ok(())
}

/// A measurement in a process of its own; what went wrong there is a cell of the table.
fn alone(arguments: &[&str]) -> Result<String> {
    let output = std::process::Command::new(std::env::current_exe()?).args(arguments).output()?;
    if !output.status.success() {
        let error = String::from_utf8_lossy(&output.stderr);
        return Ok(format!("failed: {}", error.lines().last().unwrap_or("no word about why")));
    }
    let kib: f64 = String::from_utf8_lossy(&output.stdout).trim().parse()?;
    Ok(format!("{kib:.1} KiB"))
}

#[cfg(feature = "extism")]
fn extism_starts(amounts: &Amounts) -> Result<String> {
    Ok(percentiles(plug_in::starts(amounts.starts)?))
}

#[cfg(feature = "extism")]
fn extism_call_cpu(amounts: &Amounts) -> Result<String> {
    Ok(micros(plug_in::call_cpu(amounts.starts)?))
}

#[cfg(not(feature = "extism"))]
fn extism_call_cpu(_: &Amounts) -> Result<String> {
    Ok(String::new())
}

#[cfg(feature = "extism")]
fn extism_round_trips(amounts: &Amounts) -> Result<String> {
    Ok(percentiles(plug_in::round_trips(amounts.conversations, amounts.turns)?))
}

#[cfg(feature = "extism")]
fn extism_deploys(amounts: &Amounts, compiled: bool) -> Result<String> {
    Ok(median(plug_in::deploys(amounts.deploys, compiled)?))
}

#[cfg(feature = "extism")]
fn extism_version() -> &'static str {
    plug_in::VERSION
}

#[cfg(not(feature = "extism"))]
fn extism_starts(_: &Amounts) -> Result<String> {
    Ok(String::new())
}

#[cfg(not(feature = "extism"))]
fn extism_round_trips(_: &Amounts) -> Result<String> {
    Ok(String::new())
}

#[cfg(not(feature = "extism"))]
fn extism_deploys(_: &Amounts, _: bool) -> Result<String> {
    Ok(String::new())
}

#[cfg(not(feature = "extism"))]
fn extism_version() -> &'static str {
    "(left out)"
}
