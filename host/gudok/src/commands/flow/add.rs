//! `gudok flow add`: check a version and keep it in the library.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use clap::Args;
use rollout::signing::{SignatureBytes, parse_signature};
use rollout::{Added, short};
use serde_json::json;

use crate::cli::Format;
use crate::clinics;
use crate::flow::library::{House, Terms};
use crate::place::Place;

#[derive(Debug, Args)]
pub struct Add {
    /// The flow: a component, or a core module that carries the description of its interface
    #[arg(value_name = "FLOW.wasm")]
    pub file: PathBuf,
    /// The flow it is a version of. Without it, the file's name
    #[arg(long, value_name = "NAME")]
    pub name: Option<String>,
    /// Let it ask for something the version before did not: an interface such as gudok:faq/faq@0.1.0, or `all`
    #[arg(long, value_name = "CAP")]
    pub allow: Vec<String>,
    /// Its signature, as `gudok flow sign` writes it
    #[arg(long, value_name = "FILE")]
    pub signature: Option<PathBuf>,
    /// The clinic whose rule about signatures applies
    #[arg(long, value_name = "CLINIC")]
    pub clinic: Option<String>,
    /// How to print
    #[arg(long, value_enum, default_value = "table")]
    pub format: Format,
}

pub async fn run(args: &Add, place: &Place) -> Result<()> {
    let clinic = args.clinic.as_deref().map(clinics::one).transpose()?;
    let terms =
        Terms { allow: args.allow.clone(), signature: args.signature.as_deref().map(signature).transpose()?, clinic };
    let house = House::open(place).await?;
    let added = house.add_file(&args.file, args.name.as_deref(), terms).await?;
    said(&added, args.format)
}

fn signature(path: &Path) -> Result<SignatureBytes> {
    let text = std::fs::read_to_string(path).with_context(|| format!("{}: cannot be read", path.display()))?;
    parse_signature(&text).with_context(|| path.display().to_string())
}

/// What came of it, in a few lines or as JSON.
pub fn said(added: &Added, format: Format) -> Result<()> {
    let version = &added.version;
    if format != Format::Table {
        let whole = json!({
            "new": added.new, "version": version, "before": added.before,
            "added_capabilities": added.added_capabilities, "removed_capabilities": added.removed_capabilities,
        });
        println!("{}", serde_json::to_string_pretty(&whole)?);
        return Ok(());
    }
    if !added.new {
        println!("    {} {} is in the library already", version.name, short(&version.digest));
        return Ok(());
    }
    println!(
        "    {} {} added: {} kB, contract {}, compiled in {:.0} ms",
        version.name,
        short(&version.digest),
        version.bytes.unsigned_abs().div_ceil(1_000),
        version.contract,
        version.compile_ms,
    );
    if let Some(before) = &added.before {
        for capability in &added.added_capabilities {
            println!("    + {capability}, which {} did not ask for", short(before));
        }
        for capability in &added.removed_capabilities {
            println!("    - {capability}, which {} asked for", short(before));
        }
    }
    Ok(())
}
