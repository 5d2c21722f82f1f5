//! `gudok flow run`: a conversation at the desk, with you or a script as the caller.

use std::io::{BufRead, IsTerminal, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use clap::Args;
use flows::host::voice::Channel;
use jiff::Zoned;
use lines::caller::Caller;
use lines::script::Script;
use session::Setup;
use session::trace::Tracer;

use crate::flow::find;
use crate::place::Place;
use crate::{clinics, stage, terminal};

#[derive(Debug, Args)]
pub struct Run {
    /// A .wasm file, or the name of one that was built
    pub flow: String,
    /// The clinic
    #[arg(long, value_name = "CLINIC", default_value = "vet_lapa")]
    pub clinic: String,
    /// Play a script instead of asking you
    #[arg(long, value_name = "FILE")]
    pub script: Option<PathBuf>,
}

pub async fn run(args: &Run, place: &Place) -> Result<()> {
    try_flow(&args.flow, &args.clinic, args.script.as_deref(), place).await
}

/// A conversation at the desk: records in a folder that is gone afterwards.
async fn try_flow(flow: &str, clinic: &str, script: Option<&Path>, place: &Place) -> Result<()> {
    let flow = find::flow(flow, &place.home)?;
    let clinic = clinics::one(clinic)?;
    let scratch = tempfile::tempdir().context("no temporary folder")?;
    let store = records::Store::open(scratch.path().join("try.db")).await?;
    let stage = stage::open(&clinic, Some(&flow.display().to_string()), store, place).await?;
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
