//! `gudok flow promote`: the candidate answers every call.

use anyhow::Result;
use clap::Args;

use super::deploy::Where;
use crate::flow::library::{House, act, by};
use crate::place::Place;

#[derive(Debug, Args)]
pub struct Promote {
    #[command(flatten)]
    pub at: Where,
}

pub async fn run(args: &Promote, place: &Place) -> Result<()> {
    let clinic = args.at.clinic()?;
    let house = House::open(place).await?;
    let routes = house.routes([clinic.as_ref()])?;
    let route = routes.promote(&clinic.id, args.at.entry, act(&by(), "")).await?;
    println!("    {}", house.said(&route).await);
    Ok(())
}
