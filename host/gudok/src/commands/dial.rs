//! `gudok dial`: orders a call; the server that serves the clinic places it, and tries again by the plan of its lines file.

use anyhow::{Context, Result};
use desk::PhoneNumber;
use exchange::outgoing::{self, CallOut};

use crate::cli::Dial;
use crate::clinics;
use crate::place::Place;

pub async fn run(args: &Dial, place: &Place) -> Result<()> {
    let clinic = clinics::one(&args.clinic)?;
    let store = place.store_of([&*clinic]).await?;
    let entry = args.entry.parse().map_err(|problem: String| anyhow::anyhow!("--entry: {problem}"))?;
    let number = match PhoneNumber::parse(&args.number) {
        Some(number) => number.as_str().to_owned(),
        // An extension of the PBX behind the trunk.
        None if !args.number.is_empty() && args.number.bytes().all(|byte| byte.is_ascii_digit()) => args.number.clone(),
        None => {
            anyhow::bail!("{}: this is no number; write it with its country code, as +7 903 123-45-67", args.number)
        }
    };
    let at = match args.at {
        Some(at) => {
            at.to_zoned(clinic.zone.clone()).context("this moment does not exist in the clinic's zone")?.timestamp()
        }
        None => jiff::Timestamp::now(),
    };
    let out = CallOut { clinic: clinic.id.clone(), number, entry };
    let key = args.once.as_ref().map(|once| format!("{}:{once}", clinic.id));
    let new = outgoing::order(&store, &out, key, at.as_millisecond()).await?;
    println!(
        "{}",
        if new {
            "ordered; the server that serves this clinic places the call"
        } else {
            "a call with this --once was ordered before; nothing was added"
        }
    );
    Ok(())
}
