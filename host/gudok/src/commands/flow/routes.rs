//! `gudok flow routes`: which version answers where.

use anyhow::Result;
use clap::Args;
use serde_json::{Value, json};

use crate::cli::Format;
use crate::clinics;
use crate::flow::library::{House, moment};
use crate::output::List;
use crate::place::Place;

#[derive(Debug, Args)]
pub struct Routes {
    /// Only this clinic
    #[arg(long, value_name = "CLINIC")]
    pub clinic: Option<String>,
    /// How to print
    #[arg(long, value_enum, default_value = "table")]
    pub format: Format,
}

pub async fn run(args: &Routes, place: &Place) -> Result<()> {
    let clinic = args.clinic.as_deref().map(clinics::one).transpose()?;
    let is_asked = |id: &str| clinic.as_ref().is_none_or(|clinic| clinic.id == id);
    let house = House::open(place).await?;
    let mut list = List::new(&[
        ("clinic", "clinic"),
        ("entry", "entry"),
        ("stable", "stable"),
        ("candidate", "candidate"),
        ("percent", "%"),
        ("shadow", "shadow"),
        ("since", "since"),
        ("by", "by"),
        ("previous", "previous"),
        ("scheduled", "scheduled"),
    ]);
    let (_, routes) = house.store.flow_routes().await?;
    let mut waiting = house.store.flow_schedule(None).await?;
    waiting.retain(|plan| is_asked(&plan.clinic));
    for route in routes.iter().filter(|route| is_asked(&route.clinic)) {
        let zone = clinics::one(&route.clinic).ok().map(|clinic| clinic.zone.clone());
        let mut plans = Vec::new();
        for plan in waiting.extract_if(.., |plan| plan.clinic == route.clinic && plan.entry == route.entry) {
            plans.push(house.plan(&plan, args.format, zone.as_ref()).await);
        }
        list.row([
            json!(route.clinic),
            json!(route.entry.as_str()),
            house.cell(Some(&route.stable), args.format).await,
            house.cell(route.candidate.as_deref(), args.format).await,
            json!(route.percent),
            house.cell(route.shadow.as_deref(), args.format).await,
            json!(moment(route.since_ms, args.format, zone.as_ref())),
            json!(route.by),
            house.cell(route.previous.as_deref(), args.format).await,
            json!(plans.join("; ")),
        ]);
    }
    // Planned where nothing answers yet.
    for plan in waiting {
        let zone = clinics::one(&plan.clinic).ok().map(|clinic| clinic.zone.clone());
        let said = house.plan(&plan, args.format, zone.as_ref()).await;
        let mut row = vec![json!(plan.clinic), json!(plan.entry.as_str())];
        row.extend([const { Value::Null }; 7]);
        row.push(json!(said));
        list.row(row);
    }
    list.print(args.format)
}
