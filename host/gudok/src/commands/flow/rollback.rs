//! `gudok flow rollback`: back to the version before.

use anyhow::Result;
use clap::Args;

use super::deploy::Where;
use crate::flow::library::{House, act, by};
use crate::place::Place;

#[derive(Debug, Args)]
pub struct Rollback {
    #[command(flatten)]
    pub at: Where,
    /// Why, for the log of changes
    #[arg(long, default_value = "", value_name = "TEXT")]
    pub reason: String,
}

pub async fn run(args: &Rollback, place: &Place) -> Result<()> {
    let clinic = args.at.clinic()?;
    let house = House::open(place).await?;
    let routes = house.routes([clinic.as_ref()])?;
    let route = routes.rollback(&clinic.id, args.at.entry, act(&by(), &args.reason)).await?;
    println!("    {}", house.said(&route).await);
    Ok(())
}
