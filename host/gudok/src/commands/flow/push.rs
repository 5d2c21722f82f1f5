//! `gudok flow push`: a version goes to an OCI registry.

use anyhow::Result;
use clap::Args;
use registry::{Artifact, Credentials, Options, Registry, Target};
use rollout::short;
use rollout::signing::parse_signature;

use crate::flow::library::House;
use crate::place::Place;
use crate::progress::Bytes;

#[derive(Debug, Args)]
pub struct Push {
    /// The version: a flow's name (its newest), NAME@DIGEST, or the beginning of a digest
    #[arg(id = "flow-version", value_name = "VERSION")]
    pub version: String,
    /// Where to, for example registry.clinic.ru:5000/vet-desk:7
    #[arg(value_name = "REFERENCE")]
    pub target: String,
    /// Without encryption. A registry on this machine is always spoken to so
    #[arg(long)]
    pub plain_http: bool,
}

pub async fn run(args: &Push, place: &Place) -> Result<()> {
    let target: Target = args.target.parse()?;
    let house = House::open(place).await?;
    let version = house.library.show(&args.version).await?;
    let signature = version.signature.as_deref().map(parse_signature).transpose()?;
    let artifact = Artifact {
        name: version.name.clone(),
        wasm: house.library.bytes(&version.digest).await?,
        created: jiff::Timestamp::from_millisecond(version.added_ms)?.to_string(),
        contract: Some(version.contract.clone()),
        capabilities: version.capabilities.clone(),
        signature,
        signer: version.signer.clone(),
    };
    let options = Options { credentials: Credentials::find(target.registry())?, plain_http: args.plain_http };
    let progress = Bytes::new("pushing");
    let pushed = Registry::new(target, options)?.push(&artifact, progress.watch()).await?;
    progress.done();
    let known = if pushed.was_there { " (the registry had the component already)" } else { "" };
    println!("    {} {} pushed{known}: {}", version.name, short(&version.digest), pushed.pinned);
    Ok(())
}
