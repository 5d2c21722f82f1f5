//! `gudok category`: categories that a clinic makes for itself from a few examples.

use std::path::Path;

use anyhow::{Context, Result, bail, ensure};
use serde::Deserialize;
use serde_json::json;
use session::{meaning, tagging};
use understanding::category::own::{OwnCategory, Told};
use understanding::category::{self, CallText, CountsAs, Turn};

use crate::cli::{Category, Format};
use crate::in_use::{self, About};
use crate::output::List;
use crate::place::Place;
use crate::{clinics, corpus};

/// One example: `turns` when the sides are known, else `text`.
#[derive(Deserialize)]
struct Line {
    text: Option<String>,
    turns: Option<Vec<Turn>>,
    #[serde(default)]
    missed_call: bool,
}

pub async fn run(command: &Category, place: &Place) -> Result<()> {
    match command {
        Category::Add { .. } => add(command, place).await,
        Category::List { clinic, format } => list(&clinics::one(clinic)?.id, *format, place),
        Category::Remove { id, clinic } => remove(id, &clinics::one(clinic)?.id, place),
    }
}

async fn add(command: &Category, place: &Place) -> Result<()> {
    let Category::Add { id, clinic, title, title_en, examples, others, target, advice, by } = command else {
        return Ok(());
    };
    ensure!(
        !id.is_empty() && id.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_'),
        "`{id}` cannot be a category's id: use letters a-z, digits and `_`, for example parking_gate"
    );
    let clinic = clinics::one(clinic)?;
    let profile = meaning::profile(&clinic);
    let (classifier, _) = in_use::classifier(place, None)?;

    // What is given, and what people said in reviews: of this category, and of others.
    let (mut ours, mut not_ours) = (Vec::new(), Vec::new());
    for (file, calls) in [(examples, &mut ours), (others, &mut not_ours)] {
        if let Some(file) = file {
            calls.extend(read(file)?);
        }
    }
    let store = place.store().await?;
    for review in store.corrections(Some(&clinic.id)).await? {
        let Some(conversation) = store.conversation(&review.call).await? else { continue };
        let calls = if review.category.as_ref() == Some(id) { &mut ours } else { &mut not_ours };
        calls.push(tagging::spoken(&conversation));
    }
    let corpus = corpus::open(None)?;
    let told = |call| -> Told<'_> { (call, Some(&profile)) };
    // What sounds like it comes first: the calls of the corpus are thinned out.
    let rest = corpus.calls.iter().map(|call| (&call.call, Some(&corpus.clinics[call.clinic])));
    let rest: Vec<Told<'_>> = not_ours.iter().map(told).chain(rest).collect();
    let ours_told: Vec<Told<'_>> = ours.iter().map(told).collect();
    let own = OwnCategory::train(id, &ours_told, &rest, &classifier)?;

    let about = About {
        by: crate::commands::review::name(by.as_deref()),
        made: jiff::Zoned::now().date().to_string(),
        category: category::Category {
            id: id.clone(),
            title_ru: title.clone(),
            title_en: title_en.clone().unwrap_or_else(|| title.clone()),
            counts_as: if *target { CountsAs::Target } else { CountsAs::NonTarget },
            may_sell: false,
            may_book: false,
            advice_ru: advice.clone(),
            advice_en: advice.clone(),
            from: Vec::new(),
            words: String::new(),
        },
    };
    let file = in_use::own_folder(place, &clinic.id).join(format!("{id}.toml"));
    let lines: Vec<String> =
        ours.iter().map(|call| json!({ "turns": call.turns, "missed_call": call.missed_call }).to_string()).collect();
    in_use::replace(&file.with_extension("jsonl"), (lines.join("\n") + "\n").as_bytes())?;
    in_use::replace(&file.with_extension("gudokm"), &own.to_bytes())?;
    // The file that makes it count comes last.
    in_use::replace(&file, toml::to_string(&about)?.as_bytes())?;

    let quality = own.quality();
    println!(
        "{}: category `{id}` from {} examples; in cross-validation {:.0} % of them are found, and {:.1} % of {} other \
         calls are taken by mistake",
        clinic.id,
        quality.examples,
        quality.found * 100.0,
        quality.mistaken * 100.0,
        rest.len()
    );
    println!("new calls get it from now on (a running `gudok serve`: when it is started again)");
    println!("calls of the past: gudok retag --clinic {} --dry-run", clinic.id);
    Ok(())
}

/// Examples in a file: lines of JSON, or of plain text.
fn read(file: &Path) -> Result<Vec<CallText>> {
    let text = std::fs::read_to_string(file).with_context(|| format!("{}: cannot be read", file.display()))?;
    let plain = file.extension().is_some_and(|ending| ending == "txt");
    let mut calls = Vec::new();
    for (number, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        if plain {
            calls.push(CallText::of(line.trim()));
            continue;
        }
        let place = || format!("{}, line {}", file.display(), number + 1);
        let line: Line = serde_json::from_str(line).with_context(place)?;
        calls.push(match (line.turns, line.text) {
            (Some(turns), _) if !turns.is_empty() => CallText { turns, missed_call: line.missed_call },
            (_, Some(text)) => CallText { missed_call: line.missed_call, ..CallText::of(&text) },
            _ => bail!("{}: neither `text` nor `turns`", place()),
        });
    }
    Ok(calls)
}

fn list(clinic: &str, format: Format, place: &Place) -> Result<()> {
    let mut list = List::new(&[
        ("id", "id"),
        ("title", "title"),
        ("counts_as", "counts as"),
        ("own", "own"),
        ("examples", "examples"),
        ("found", "found"),
        ("mistaken", "mistaken"),
        ("made", "made"),
        ("by", "by"),
    ]);
    let own = in_use::own(place, clinic);
    for category in in_use::categories(place, clinic) {
        let made = own.iter().find(|own| own.about.category.id == category.id);
        let quality = made.map(|own| own.category.quality());
        let share = |share: f32| (f64::from(share) * 1000.0).round() / 1000.0;
        list.row([
            json!(category.id),
            json!(category.title_ru),
            json!(category.counts_as),
            json!(made.is_some()),
            json!(quality.map(|quality| quality.examples)),
            json!(quality.map(|quality| share(quality.found))),
            json!(quality.map(|quality| share(quality.mistaken))),
            json!(made.map(|own| &own.about.made)),
            json!(made.map(|own| &own.about.by)),
        ]);
    }
    list.print(format)
}

fn remove(id: &str, clinic: &str, place: &Place) -> Result<()> {
    let own = in_use::own(place, clinic);
    if !own.iter().any(|own| own.about.category.id == id) {
        let known: Vec<&str> = own.iter().map(|own| own.about.category.id.as_str()).collect();
        bail!(
            "{clinic} has no category `{id}` of its own ({}); those that ship cannot be removed",
            if known.is_empty() { "it has none".to_owned() } else { format!("it has {}", known.join(", ")) }
        );
    }
    let file = in_use::own_folder(place, clinic).join(format!("{id}.toml"));
    for ending in ["toml", "gudokm", "jsonl"] {
        let file = file.with_extension(ending);
        std::fs::remove_file(&file).with_context(|| format!("{}: cannot be removed", file.display()))?;
    }
    println!("{clinic}: `{id}` is removed; calls that have it keep it until gudok retag --clinic {clinic}");
    Ok(())
}
