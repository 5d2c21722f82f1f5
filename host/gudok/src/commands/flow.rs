//! `gudok flow`: build, check and try flows.

use std::io::{BufRead, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context, Result};
use flows::host::voice::Channel;
use jiff::Zoned;
use lines::caller::Caller;
use lines::script::Script;
use serde_json::json;
use session::Setup;
use session::trace::Tracer;

use crate::cli::{Flow, Format};
use crate::flow::{build, find};
use crate::output::List;
use crate::place::Place;
use crate::{clinics, stage, terminal};

pub async fn run(command: &Flow, place: &Place) -> Result<()> {
    match command {
        Flow::Build { project, out } => {
            let out = out.clone().unwrap_or_else(|| default_out(project));
            let bytes = build::build(project, &out)?;
            println!("    {} ({} kB)", out.display(), bytes.div_ceil(1_000));
            Ok(())
        }
        Flow::Check { flow, format } => check(flow, *format),
        Flow::Run { flow, clinic, script } => try_flow(flow, clinic, script.as_deref(), place).await,
    }
}

fn default_out(project: &Path) -> PathBuf {
    let name = project.file_name().map_or_else(|| "flow".into(), |name| name.to_string_lossy().into_owned());
    project.join(format!("{name}.wasm"))
}

fn check(path: &Path, format: Format) -> Result<()> {
    let wasm = std::fs::read(path).with_context(|| format!("{}: cannot be read", path.display()))?;
    let engine = flows::Engine::with_options(flows::Options {
        parallel_compilation: true,
        max_calls: 1,
        ..flows::Options::default()
    })?;
    let began = Instant::now();
    let flow = engine.compile(&path.display().to_string(), &wasm)?;
    let took = began.elapsed();
    let mut list = List::new(&[("what", "what"), ("value", "value")]);
    list.row([json!("digest"), json!(flow.digest())]);
    list.row([json!("size"), json!(format!("{} kB", wasm.len().div_ceil(1_000)))]);
    list.row([json!("compiled in"), json!(format!("{} ms", took.as_millis()))]);
    for capability in flow.capabilities() {
        list.row([json!("may use"), json!(capability)]);
    }
    list.print(format)
}

/// A conversation at the desk: records in a folder that is gone afterwards.
async fn try_flow(flow: &str, clinic: &str, script: Option<&Path>, place: &Place) -> Result<()> {
    let flow = find::flow(flow, &place.home)?;
    let clinic = clinics::one(clinic)?;
    let scratch = tempfile::tempdir().context("no temporary folder")?;
    let store = records::Store::open(scratch.path().join("try.db")).await?;
    let stage = stage::open(&clinic, &flow.display().to_string(), store, place)?;
    let script = match script {
        Some(path) => Script::load(path)?,
        None => typed_by_you()?,
    };
    let started = match script.now {
        Some(moment) => moment.to_zoned(clinic.zone.clone())?,
        None => Zoned::now().with_time_zone(clinic.zone.clone()),
    };
    let mut setup = Setup::new(Channel::Script, started);
    setup.caller.clone_from(&script.caller);
    let (tracer, traces) = Tracer::channel();
    let watching = tokio::spawn(terminal::watch(traces));
    let held = session::typed(&stage, setup, Caller::new(&script), tracer).await?;
    watching.await?;
    println!("{}", terminal::summary(&held));
    crate::commands::call::expected(&script, &held)
}

/// Without a script the caller is you: one line per turn, all of them first, because the conversation runs in its own
/// time. An empty line ends them.
fn typed_by_you() -> Result<Script> {
    let stdin = std::io::stdin();
    if stdin.is_terminal() {
        println!("Что скажет звонящий? По строке на реплику; пустая строка — начать разговор.");
        print!("> ");
        std::io::stdout().flush()?;
    }
    let mut text = String::new();
    for line in stdin.lock().lines() {
        let line = line?;
        if line.trim().is_empty() {
            break;
        }
        text.push_str(&line);
        text.push('\n');
        if std::io::stdin().is_terminal() {
            print!("> ");
            std::io::stdout().flush()?;
        }
    }
    Ok(Script::plain(&text, "standard input")?)
}
