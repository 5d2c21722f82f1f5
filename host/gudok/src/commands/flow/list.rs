//! `gudok flow list`: the versions in the library.

use anyhow::Result;
use clap::Args;
use rollout::short;
use serde_json::{Value, json};

use crate::cli::Format;
use crate::flow::library::{House, moment};
use crate::output::List;
use crate::place::Place;

#[derive(Debug, Args)]
pub struct ListVersions {
    /// Only versions of this flow
    pub name: Option<String>,
    /// How to print
    #[arg(long, value_enum, default_value = "table")]
    pub format: Format,
}

pub async fn run(args: &ListVersions, place: &Place) -> Result<()> {
    let house = House::open(place).await?;
    let (_, routes) = house.store.flow_routes().await?;
    let mut list = List::new(&[
        ("name", "flow"),
        ("digest", "version"),
        ("added", "added"),
        ("kilobytes", "kB"),
        ("contract", "contract"),
        ("language", "language"),
        ("signed", "signed"),
        ("routed", "routed"),
    ]);
    for version in house.library.list().await? {
        if args.name.as_ref().is_some_and(|name| *name != version.name) {
            continue;
        }
        let routed = web::routed(&routes, &version.digest);
        list.row([
            json!(version.name),
            json!(if args.format == Format::Table { short(&version.digest) } else { version.digest.clone() }),
            json!(moment(version.added_ms, args.format, None)),
            json!(version.bytes.unsigned_abs().div_ceil(1_000)),
            json!(version.contract),
            version.language.as_ref().map_or(Value::Null, |language| json!(language)),
            json!(if version.signature.is_some() { "yes" } else { "no" }),
            json!(routed.join(", ")),
        ]);
    }
    list.print(args.format)
}
