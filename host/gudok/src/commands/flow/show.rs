//! `gudok flow show`: everything that is known of one version.

use anyhow::Result;
use clap::Args;
use rollout::short;
use serde_json::{Value, json};

use crate::cli::Format;
use crate::flow::library::{House, moment};
use crate::output::List;
use crate::place::Place;

#[derive(Debug, Args)]
pub struct Show {
    /// The version: a flow's name (its newest), NAME@DIGEST, or the beginning of a digest
    #[arg(id = "flow-version", value_name = "VERSION")]
    pub version: String,
    /// How to print
    #[arg(long, value_enum, default_value = "table")]
    pub format: Format,
}

pub async fn run(args: &Show, place: &Place) -> Result<()> {
    let house = House::open(place).await?;
    let version = house.library.show(&args.version).await?;
    let (_, routes) = house.store.flow_routes().await?;
    let routed = web::routed(&routes, &version.digest);
    let beside = web::beside(&house.library.list().await?, &version);
    if args.format == Format::Json {
        let mut whole = json!({ "version": version, "routed": routed });
        if let (Some(whole), Value::Object(beside)) = (whole.as_object_mut(), json!(beside)) {
            whole.extend(beside);
        }
        println!("{}", serde_json::to_string_pretty(&whole)?);
        return Ok(());
    }
    let mut list = List::new(&[("what", "what"), ("value", "value")]);
    let mut row = |what: &str, value: String| list.row([json!(what), json!(value)]);
    row("flow", version.name.clone());
    row("digest", version.digest.clone());
    row("added", format!("{} by {}", moment(version.added_ms, args.format, None), version.by));
    row("size", format!("{} kB", version.bytes.unsigned_abs().div_ceil(1_000)));
    row("contract", version.contract.clone());
    row("language", version.language.clone().unwrap_or_else(|| "not said".to_owned()));
    row("compiled in", format!("{:.0} ms", version.compile_ms));
    row("starts in", format!("{:.0} µs", version.start_us));
    row("memory at start", format!("{} kB", version.memory_bytes.unsigned_abs().div_ceil(1_000)));
    row("signed by", version.signer.clone().unwrap_or_else(|| "nobody".to_owned()));
    for capability in &version.capabilities {
        row(
            "may use",
            format!("{capability}{}", if beside.added_capabilities.contains(capability) { "  (new)" } else { "" }),
        );
    }
    for interface in &version.wasi {
        row("may use", interface.clone());
    }
    for capability in &beside.removed_capabilities {
        row("no longer uses", capability.clone());
    }
    row("version before", beside.before.as_deref().map_or_else(|| "none".to_owned(), short));
    for place in &routed {
        row("routed", place.clone());
    }
    if routed.is_empty() {
        row("routed", "nowhere".to_owned());
    }
    list.print(args.format)
}
