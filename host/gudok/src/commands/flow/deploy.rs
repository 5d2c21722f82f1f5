//! `gudok flow deploy`: a version answers the calls of a clinic: all, some, or none aloud.

use std::sync::Arc;

use anyhow::Result;
use clap::Args;
use desk::Clinic;
use rollout::{Deployed, Entry, How};

use super::replay;
use crate::cli::Format;
use crate::clinics;
use crate::flow::library::{House, act, by};
use crate::place::Place;

/// A route: a clinic and the occasion of its calls.
#[derive(Debug, Args)]
pub struct Where {
    /// The clinic: the id of one that ships, or a .toml file
    #[arg(long, value_name = "CLINIC")]
    pub clinic: String,
    /// On which occasion: day, night, overload, reminder, chat. An entry without a route of its own follows `day`
    #[arg(long, value_name = "ENTRY", default_value = "day")]
    pub entry: Entry,
}

impl Where {
    pub fn clinic(&self) -> Result<Arc<Clinic>> {
        clinics::one(&self.clinic)
    }
}

#[derive(Debug, Args)]
pub struct Deploy {
    /// The version: a flow's name (its newest), NAME@DIGEST, the beginning of a digest, or a file, which is added first
    #[arg(id = "flow-version", value_name = "VERSION")]
    pub version: String,
    #[command(flatten)]
    pub at: Where,
    /// For a share of the calls only: 10%
    #[arg(long, value_name = "PERCENT", value_parser = percent, conflicts_with = "shadow")]
    pub canary: Option<u32>,
    /// Beside the version that answers, unheard and without effects; differences are recorded
    #[arg(long)]
    pub shadow: bool,
    /// Later: 18:00, opening, closing (of the clinic), or 2026-11-23T18:00
    #[arg(long = "at", value_name = "MOMENT")]
    pub moment: Option<String>,
    /// Try it on recorded calls first, and refuse it when effects change, a call breaks or two replays do not agree
    #[arg(long)]
    pub gate: bool,
    /// How far back the gate looks: 12h, 1d, 4w, or a day (2026-11-01)
    #[arg(long, default_value = "1d", value_name = "TIME", requires = "gate")]
    pub since: String,
    /// Calls whose changed effects are wanted (their ids, or `all`)
    #[arg(long, value_name = "CALL", value_delimiter = ',', requires = "gate")]
    pub allow_effects: Vec<String>,
}

fn percent(text: &str) -> Result<u32, String> {
    let number = text.trim_end_matches('%').trim();
    let percent = number.parse().ok().filter(|percent| (1..=99).contains(percent));
    percent.ok_or_else(|| "a canary takes 1% to 99% of the calls; for all of them leave --canary out".to_owned())
}

pub async fn run(args: &Deploy, place: &Place) -> Result<()> {
    let clinic = args.at.clinic()?;
    let now = jiff::Timestamp::now();
    let at_ms = args.moment.as_deref().map(|text| clinic.planned(text, now)).transpose()?.map(|at| at.as_millisecond());
    let house = House::open_for(place, [clinic.as_ref()]).await?;
    let version = house.version_or_file(&args.version, &clinic).await?;
    if args.gate {
        let flow = house.library.load(&version.digest).await?;
        let engine = house.library.engine();
        replay::gate(engine, &house.store, &flow, &clinic, &args.since, &args.allow_effects).await?;
    }
    let how = match (args.canary, args.shadow) {
        (Some(percent), _) => How::canary(percent)?,
        (None, true) => How::Shadow,
        (None, false) => How::All,
    };
    let routes = house.routes([clinic.as_ref()])?;
    let by = by();
    match routes.deploy(&clinic.id, args.at.entry, &version.digest, how, at_ms, act(&by, "")).await? {
        Deployed::Now(route) => println!("    {}", house.said(&route).await),
        Deployed::Already(route) => println!("    {} already", house.said(&route).await),
        Deployed::Planned(plan) => {
            let said = house.plan(&plan, Format::Table, Some(&clinic.zone)).await;
            println!("    {}/{}: {said}, clinic time", plan.clinic, plan.entry);
        }
    }
    Ok(())
}
