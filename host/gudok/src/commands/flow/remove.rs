//! `gudok flow remove`: a version leaves the library.

use anyhow::Result;
use clap::Args;
use rollout::short;

use crate::flow::library::{House, now_ms};
use crate::place::Place;

#[derive(Debug, Args)]
pub struct Remove {
    /// The version: a flow's name (its newest), NAME@DIGEST, or the beginning of a digest
    #[arg(id = "flow-version", value_name = "VERSION")]
    pub version: String,
}

pub async fn run(args: &Remove, place: &Place) -> Result<()> {
    let house = House::open(place).await?;
    let version = house.library.remove(&args.version, now_ms()).await?;
    println!("    {} {} removed", version.name, short(&version.digest));
    Ok(())
}
