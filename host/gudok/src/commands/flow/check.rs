//! `gudok flow check`: what an upload would say.

use std::path::PathBuf;

use anyhow::Result;
use clap::Args;
use flows::Inspection;
use serde_json::json;

use crate::cli::Format;
use crate::output::List;
use crate::{progress, stage};

#[derive(Debug, Args)]
pub struct Check {
    /// The component
    pub flow: PathBuf,
    /// How to print: json is one object with every finding
    #[arg(long, value_enum, default_value = "table")]
    pub format: Format,
}

pub async fn run(args: &Check) -> Result<()> {
    let wasm = crate::flow::read(&args.flow)?;
    let engine = flows::Engine::with_options(flows::Options {
        parallel_compilation: true,
        compiler: stage::compiler(),
        max_calls: 1,
        ..flows::Options::default()
    })?;
    let name = args.flow.file_stem().map_or_else(|| "flow".into(), |name| name.to_string_lossy().into_owned());
    let (_, found) = progress::while_waiting("проверяется", &name, engine.inspect(&name, &wasm)).await?;
    match args.format {
        Format::Json => println!("{}", serde_json::to_string_pretty(&found)?),
        format => table(&found).print(format)?,
    }
    Ok(())
}

fn table(found: &Inspection) -> List {
    let mut list = List::new(&[("what", "what"), ("value", "value")]);
    list.row([json!("digest"), json!(found.digest)]);
    list.row([json!("language"), json!(found.language.as_deref().unwrap_or("not said"))]);
    list.row([json!("contract"), json!(format!("gudok {}", found.contract))]);
    list.row([json!("size"), json!(kilobytes(found.bytes))]);
    list.row([json!("compiled in"), json!(format!("{:.0} ms", found.compile_ms))]);
    list.row([json!("starts in"), json!(format!("{:.0} µs", found.start_us))]);
    list.row([json!("memory at start"), json!(kilobytes(found.memory_bytes as u64))]);
    for capability in &found.capabilities {
        list.row([json!("may use"), json!(capability)]);
    }
    for import in &found.wasi {
        list.row([json!("is given, empty"), json!(import)]);
    }
    list
}

fn kilobytes(bytes: u64) -> String {
    format!("{} kB", bytes.div_ceil(1_000))
}
