//! `gudok flow replay`: what yesterday's callers would have heard from this version.

use std::sync::Arc;

use anyhow::{Context, Result};
use clap::Args;
use flows::compare::{Comparison, Language};
use flows::replay::Verdict;
use flows::{Engine, Flow};
use jiff::Timestamp;
use records::Store;
use rollout::kept;
use rollout::trial::{Recorded, Trial, trial};
use serde_json::json;

use crate::cli::{Format, Lang};
use crate::clinics;
use crate::flow::library::{by, now_ms};
use crate::output::List;
use crate::place::Place;
use crate::progress::Progress;
use crate::terminal::Paint;

#[derive(Debug, Args)]
pub struct Replay {
    /// The version to try: a .wasm file, or one of the library
    pub flow: String,
    #[command(flatten)]
    pub calls: Calls,
    /// Only this call
    #[arg(long, value_name = "ID")]
    pub call: Option<String>,
    /// Show so many of the calls that would go otherwise side by side
    #[arg(long, default_value_t = 3, value_name = "N")]
    pub show: usize,
    /// Fail when effects change, a call breaks or two replays of it do not agree
    #[arg(long)]
    pub gate: bool,
    /// Calls whose changed effects are wanted (their ids, or `all`)
    #[arg(long, value_name = "CALL", value_delimiter = ',')]
    pub allow_effects: Vec<String>,
    /// Language of the comparison
    #[arg(long, value_enum, default_value = "ru")]
    pub lang: Lang,
    /// How to print
    #[arg(long, value_enum, default_value = "table")]
    pub format: Format,
}

/// Which recorded calls.
#[derive(Debug, Args)]
pub struct Calls {
    /// The clinic whose calls are replayed
    #[arg(long, value_name = "CLINIC")]
    pub clinic: String,
    /// How far back: 12h, 1d, 4w, or a day (2026-11-01)
    #[arg(long, default_value = "1d", value_name = "TIME")]
    pub since: String,
    /// At most so many, the latest
    #[arg(long, default_value_t = 100_000, value_name = "N")]
    pub limit: usize,
}

pub async fn run(args: &Replay, place: &Place) -> Result<()> {
    let clinic = clinics::one(&args.calls.clinic)?;
    let store = place.store_of([&*clinic]).await?;
    let engine = crate::stage::engine(place)?;
    let flow = crate::stage::version(&args.flow, &engine, &store, place).await?;
    let which = which(&args.calls, args.call.iter().cloned().collect(), &clinic)?;
    let language = match args.lang {
        Lang::Ru => Language::Russian,
        Lang::En => Language::English,
    };
    let tried = try_on(&engine, &store, &flow, &which, language).await?;
    match args.format {
        Format::Json => println!("{}", serde_json::to_string_pretty(&tried)?),
        format => print(&tried, args, language, format)?,
    }
    if args.gate {
        tried.gate(&clinic.id, &args.allow_effects)?;
    }
    Ok(())
}

/// The gate of `deploy`: the version is tried on the clinic's recorded calls, and refused where it does something else.
pub async fn gate(
    engine: &Engine,
    store: &Store,
    flow: &Arc<Flow>,
    clinic: &desk::Clinic,
    since: &str,
    allowed: &[String],
) -> Result<()> {
    let calls = Calls { clinic: clinic.id.clone(), since: since.to_owned(), limit: 100_000 };
    let tried = try_on(engine, store, flow, &which(&calls, Vec::new(), clinic)?, Language::Russian).await?;
    println!("{}", tried.summary.sentence(Language::Russian));
    Ok(tried.gate(&clinic.id, allowed)?)
}

pub async fn try_on(
    engine: &Engine,
    store: &Store,
    flow: &Arc<Flow>,
    which: &Recorded,
    language: Language,
) -> Result<Trial> {
    let mut shown: Option<Progress> = None;
    let progress = |done, all| match &mut shown {
        Some(progress) if done > 0 => progress.step(),
        _ => shown = Some(Progress::new("повтор звонков", all)),
    };
    // What was tried of a version in the library can be looked at in the pages afterwards, in both languages.
    let is_known = which.calls.is_empty() && store.flow_version(flow.digest()).await.is_ok();
    let tried = if is_known {
        let begun = kept::begin(store, flow.digest(), which, &by(), now_ms()).await?;
        kept::run(engine, store, flow, which, (begun, language), now_ms, progress).await?.0
    } else {
        trial(engine, store, flow, which, language, progress).await?
    };
    if let Some(progress) = shown {
        progress.done();
    }
    Ok(tried)
}

pub fn which(calls: &Calls, only: Vec<String>, clinic: &desk::Clinic) -> Result<Recorded> {
    let now = Timestamp::now();
    let from = since(&calls.since, now, clinic)?;
    Ok(Recorded {
        clinic: clinic.id.clone(),
        from_ms: from.as_millisecond(),
        // Scripted calls may lie ahead of the clock.
        to_ms: i64::MAX,
        calls: only,
        limit: calls.limit,
    })
}

/// `12h`, `1d`, `2026-11-01` as a moment.
fn since(text: &str, now: Timestamp, clinic: &desk::Clinic) -> Result<Timestamp> {
    if let Ok(day) = text.parse::<jiff::civil::Date>() {
        return Ok(day.to_zoned(clinic.zone.clone())?.timestamp());
    }
    let wrong = || format!("--since {text}: write 12h, 1d, 4w or a day such as 2026-11-01");
    let (number, unit) = text.split_at(text.len() - text.chars().last().map_or(0, char::len_utf8));
    let number: i64 = number.parse().ok().filter(|number| (0..100_000).contains(number)).with_context(wrong)?;
    let hours = match unit {
        "h" => number,
        "d" => number * 24,
        "w" => number * 24 * 7,
        _ => anyhow::bail!(wrong()),
    };
    now.checked_sub(jiff::SignedDuration::from_hours(hours)).with_context(wrong)
}

fn print(tried: &Trial, args: &Replay, language: Language, format: Format) -> Result<()> {
    let paint = Paint::stdout();
    println!("{}", paint.bold(&tried.summary.sentence(language)));
    for (call, why) in &tried.unreadable {
        println!("  {}", paint.yellow(&format!("{call}: {why}")));
    }
    if tried.summary.total() > 0 {
        let mut list = List::new(&[("verdict", "verdict"), ("calls", "calls")]);
        for verdict in Verdict::ALL {
            list.row([json!(verdict), json!(tried.summary.count(verdict))]);
        }
        list.print(format)?;
        println!("{}", paint.dim(&format!("{:.0} calls a second, each replayed twice", tried.calls_per_second)));
    }
    print_comparisons(&tried.comparisons, args.show, format)
}

/// The first ones side by side, the others a line each.
pub fn print_comparisons(comparisons: &[Comparison], show: usize, format: Format) -> Result<()> {
    let columns: usize = std::env::var("COLUMNS").ok().and_then(|columns| columns.parse().ok()).unwrap_or(110);
    for comparison in comparisons.iter().take(show) {
        println!("\n{}", comparison.to_text(columns.min(160)));
    }
    let rest = comparisons.get(show..).unwrap_or_default();
    if !rest.is_empty() {
        println!();
        let mut list = List::new(&[("call", "call"), ("verdict", "verdict"), ("difference", "difference")]);
        for comparison in rest.iter().take(40) {
            list.row([json!(comparison.call), json!(comparison.verdict), json!(comparison.line)]);
        }
        list.print(format)?;
        if rest.len() > 40 {
            println!("… {} more; --format json has them all", rest.len() - 40);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn how_far_back_is_said_as_people_say_it() {
        let clinic = clinics::one("vet_lapa").expect("ships");
        let now: Timestamp = "2026-11-24T12:00:00Z".parse().expect("a moment");
        let back = |text| since(text, now, &clinic).map(|moment| moment.to_string());
        assert_eq!(back("12h").expect("hours"), "2026-11-24T00:00:00Z");
        assert_eq!(back("1d").expect("a day"), "2026-11-23T12:00:00Z");
        assert_eq!(back("2w").expect("weeks"), "2026-11-10T12:00:00Z");
        assert_eq!(back("2026-11-24").expect("a day"), "2026-11-23T21:00:00Z");
        for wrong in ["", "d", "1y", "-1d", "завтра", "99999999999999999999d"] {
            assert!(since(wrong, now, &clinic).is_err(), "{wrong}");
        }
    }
}
