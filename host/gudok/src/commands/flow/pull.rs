//! `gudok flow pull`: a version comes from an OCI registry into the library.

use anyhow::Result;
use clap::Args;
use registry::{Credentials, Options, Registry, Target};

use super::add;
use crate::cli::Format;
use crate::clinics;
use crate::flow::library::{House, LARGEST, Terms, component};
use crate::place::Place;
use crate::progress::Bytes;

#[derive(Debug, Args)]
pub struct Pull {
    /// Where from, for example registry.clinic.ru:5000/vet-desk:7, or with @sha256:… for one digest
    #[arg(value_name = "REFERENCE")]
    pub target: String,
    /// The flow it is a version of. Without it, what it says itself
    #[arg(long, value_name = "NAME")]
    pub name: Option<String>,
    /// Let it ask for something the version before did not: an interface such as gudok:faq/faq@0.1.0, or `all`
    #[arg(long, value_name = "CAP")]
    pub allow: Vec<String>,
    /// The clinic whose rule about signatures applies
    #[arg(long, value_name = "CLINIC")]
    pub clinic: Option<String>,
    /// Without encryption. A registry on this machine is always spoken to so
    #[arg(long)]
    pub plain_http: bool,
    /// How to print
    #[arg(long, value_enum, default_value = "table")]
    pub format: Format,
}

pub async fn run(args: &Pull, place: &Place) -> Result<()> {
    let target: Target = args.target.parse()?;
    let clinic = args.clinic.as_deref().map(clinics::one).transpose()?;
    let options = Options { credentials: Credentials::find(target.registry())?, plain_http: args.plain_http };
    let progress = Bytes::new("pulling");
    let pulled = Registry::new(target, options)?.pull(LARGEST, progress.watch()).await?;
    progress.done();
    let house = House::open(place).await?;
    let artifact = pulled.artifact;
    let name = args.name.as_deref().unwrap_or(&artifact.name);
    // Whose signature it is does not matter here, but whether it is one of those the clinic trusts.
    let terms = Terms { allow: args.allow.clone(), signature: artifact.signature, clinic };
    let wasm = component(artifact.wasm)?;
    let added = house.add(name, &wasm, terms).await?;
    if args.format == Format::Table {
        println!("    pulled {}", pulled.pinned);
    }
    add::said(&added, args.format)
}
