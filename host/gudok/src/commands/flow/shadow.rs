//! `gudok flow shadow`: where the version that ran unheard beside real calls would have done otherwise.

use std::collections::BTreeMap;

use anyhow::Result;
use clap::Args;
use flows::compare::Language;
use flows::replay::Verdict;
use serde_json::json;

use super::deploy::Where;
use super::replay::{Calls, print_comparisons, try_on, which};
use crate::cli::{Format, Lang};
use crate::flow::library::{House, act, by};
use crate::output::List;
use crate::place::Place;
use crate::terminal::Paint;

#[derive(Debug, Args)]
pub struct Shadow {
    #[command(flatten)]
    pub at: Where,
    /// How far back: 12h, 1d, 4w, or a day (2026-11-01)
    #[arg(long, default_value = "1d", value_name = "TIME")]
    pub since: String,
    /// Show so many of the calls that would have gone otherwise side by side
    #[arg(long, default_value_t = 3, value_name = "N")]
    pub show: usize,
    /// The version that runs beside is let go
    #[arg(long)]
    pub drop: bool,
    /// Why, for the log of changes
    #[arg(long, default_value = "", requires = "drop", value_name = "TEXT")]
    pub reason: String,
    /// Language of the comparison
    #[arg(long, value_enum, default_value = "ru")]
    pub lang: Lang,
    /// How to print
    #[arg(long, value_enum, default_value = "table")]
    pub format: Format,
}

pub async fn run(args: &Shadow, place: &Place) -> Result<()> {
    let clinic = args.at.clinic()?;
    let house = House::open_for(place, [&*clinic]).await?;
    if args.drop {
        let routes = house.routes([clinic.as_ref()])?;
        let route = routes.drop_shadow(&clinic.id, args.at.entry, act(&by(), &args.reason)).await?;
        println!("    {}", house.said(&route).await);
        return Ok(());
    }
    let calls = Calls { clinic: clinic.id.clone(), since: args.since.clone(), limit: usize::MAX };
    let time = which(&calls, Vec::new(), &clinic)?;
    let runs = house.store.shadowed_calls(&clinic.id, args.at.entry, time.from_ms, time.to_ms).await?;
    if runs.is_empty() {
        println!("no call of {} had a version beside it in that time (`gudok flow deploy … --shadow`)", clinic.id);
        return Ok(());
    }

    let silent = word(Verdict::Identical);
    let mut counts: BTreeMap<(&str, &str), u32> = BTreeMap::new();
    let mut otherwise: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for run in &runs {
        let verdict = run.verdict.as_deref().unwrap_or("not finished");
        *counts.entry((&run.digest, verdict)).or_default() += 1;
        if run.verdict.as_deref().is_some_and(|verdict| verdict != silent) {
            otherwise.entry(&run.digest).or_default().push(run.call.clone());
        }
    }
    if args.format == Format::Table {
        let differ: usize = otherwise.values().map(Vec::len).sum();
        println!(
            "{}",
            Paint::stdout().bold(&format!(
                "{} calls with a version beside them, {differ} of them would have gone otherwise",
                runs.len()
            ))
        );
        let mut list = List::new(&[("version", "version"), ("verdict", "verdict"), ("calls", "calls")]);
        for ((digest, verdict), calls) in &counts {
            list.row([json!(digest.get(..12).unwrap_or(digest)), json!(verdict), json!(calls)]);
        }
        list.print(args.format)?;
    }

    let engine = crate::stage::engine(place)?;
    let language = match args.lang {
        Lang::Ru => Language::Russian,
        Lang::En => Language::English,
    };
    let mut comparisons = Vec::new();
    for (digest, calls) in otherwise {
        let flow = crate::stage::version(digest, &engine, &house.store, place).await?;
        let tried = try_on(&engine, &house.store, &flow, &which_of(&time, calls), language).await?;
        for (call, why) in &tried.unreadable {
            eprintln!("  {call}: {why}");
        }
        comparisons.extend(tried.comparisons);
    }
    match args.format {
        Format::Json => {
            println!("{}", serde_json::to_string_pretty(&json!({ "calls": runs, "otherwise": comparisons }))?)
        }
        format => print_comparisons(&comparisons, args.show, format)?,
    }
    Ok(())
}

fn which_of(time: &rollout::trial::Recorded, calls: Vec<String>) -> rollout::trial::Recorded {
    rollout::trial::Recorded { calls, ..time.clone() }
}

/// A verdict as the records keep it.
fn word(verdict: Verdict) -> String {
    json!(verdict).as_str().unwrap_or_default().to_owned()
}
