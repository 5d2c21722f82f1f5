//! `gudok flow check`: what an upload would say.

use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::Result;
use clap::Args;
use serde_json::json;

use crate::cli::Format;
use crate::output::List;

#[derive(Debug, Args)]
pub struct Check {
    /// The component
    pub flow: PathBuf,
    /// How to print
    #[arg(long, value_enum, default_value = "table")]
    pub format: Format,
}

pub fn run(args: &Check) -> Result<()> {
    check(&args.flow, args.format)
}

fn check(path: &Path, format: Format) -> Result<()> {
    let wasm = crate::flow::read(path)?;
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
