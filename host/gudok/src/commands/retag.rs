//! `gudok retag`: recorded calls, tagged anew with the classifier in use. What people and flows said stays.

use std::pin::pin;

use anyhow::Result;
use futures_util::TryStreamExt as _;
use records::{Conversation, Tag};
use serde_json::{Value, json};
use session::{meaning, tagging};
use understanding::category::compare::{self, Comparison, Judged};

use crate::cli::{Format, Retag};
use crate::clinics;
use crate::commands::evaluate::excerpt;
use crate::in_use;
use crate::output::List;
use crate::place::Place;
use crate::progress::Progress;
use crate::terminal::category_name;

/// Tags written in one commit: live calls wait for it.
const BATCH: usize = 500;
/// Changed calls shown for each change.
const EXAMPLES: usize = 3;

/// What was found.
#[derive(Default)]
struct Found {
    comparison: Comparison,
    /// The new tags, with the words that decided.
    tags: Vec<Tag>,
    /// What the callers of changed calls said.
    said: std::collections::BTreeMap<String, String>,
    /// Calls a person spoke of, and calls a flow did.
    by_people: usize,
    by_flows: usize,
    /// Calls that had no tag.
    untagged: usize,
    /// Calls whose tag is this model's already.
    fresh: usize,
}

pub async fn run(args: &Retag, place: &Place) -> Result<()> {
    let clinic = clinics::one(&args.clinic)?;
    let store = place.store().await?;
    let tagger = in_use::tagger_with(place, in_use::classifier(place, args.model.as_deref())?.0);
    let profile = meaning::profile(&clinic);
    let version = tagger.version(&clinic.id);
    let now = jiff::Timestamp::now().as_millisecond();

    let mut found = Found::default();
    let mut judged = Vec::new();
    let mut calls = pin!(store.conversations(&clinic.id, clinic_day(&clinic, args.since)?, i64::MAX));
    let mut progress = Progress::counting("разговоры");
    while let Some(call) = calls.try_next().await? {
        progress.step();
        match who(&call) {
            Who::Person => found.by_people += 1,
            Who::Flow => found.by_flows += 1,
            Who::Classifier if call.model_version.as_deref() == Some(&version) => found.fresh += 1,
            Who::Classifier | Who::Nobody => {
                let said = tagging::spoken(&call);
                let verdict = tagger.judge(&said, &profile);
                match &call.category {
                    Some(before) => {
                        let confidence = call.confidence.unwrap_or_default() as f32;
                        let before = compare::Tag { label: before.clone(), confidence };
                        if before.label != verdict.label {
                            found.said.insert(call.call.clone(), said.caller_text());
                        }
                        let after = compare::Tag::from(&verdict);
                        judged.push(Judged { id: call.call.clone(), before, after, truth: None });
                    }
                    None => found.untagged += 1,
                }
                found.tags.push(tagger.record(&call.call, &clinic.id, &verdict, now));
            }
        }
    }
    progress.done();
    found.comparison = compare::compare(judged);
    let mut written = 0;
    if !args.dry_run {
        for batch in found.tags.chunks(BATCH) {
            written += store.add_tags(batch).await?;
        }
    }
    match args.format {
        Format::Json => println!("{}", serde_json::to_string_pretty(&found.json(args.dry_run, written, &version))?),
        Format::Csv => found.moves().print(Format::Csv)?,
        Format::Table => found.print(args.dry_run, written, &version)?,
    }
    Ok(())
}

/// Midnight of the day on the clinic's clock; the beginning of time without one.
pub fn clinic_day(clinic: &desk::Clinic, since: Option<jiff::civil::Date>) -> Result<i64> {
    let Some(day) = since else { return Ok(0) };
    Ok(day.to_zoned(clinic.zone.clone())?.timestamp().as_millisecond())
}

/// Who gave the tag that stands.
enum Who {
    Person,
    Flow,
    Classifier,
    Nobody,
}

fn who(call: &Conversation) -> Who {
    match call.by.as_deref() {
        _ if call.corrected => Who::Person,
        None => Who::Nobody,
        Some(tagging::BY) => Who::Classifier,
        Some(by) if by.starts_with("flow") => Who::Flow,
        Some(_) => Who::Person,
    }
}

impl Found {
    fn moves(&self) -> List {
        let mut list = List::new(&[("from", "was"), ("to", "is"), ("calls", "calls")]);
        for change in &self.comparison.moves {
            list.row([json!(change.from), json!(change.to), json!(change.calls)]);
        }
        list
    }

    fn examples<'a>(&'a self, from: &'a str, to: &'a str) -> impl Iterator<Item = &'a Judged> {
        let fits = move |call: &&Judged| call.before.label == from && call.after.label == to;
        self.comparison.changed.iter().filter(fits).take(EXAMPLES)
    }

    /// The words that decided.
    fn words(&self, call: &str) -> String {
        let Some(tag) = self.tags.iter().find(|tag| tag.call == call) else { return String::new() };
        let words = tag.evidence.as_array().into_iter().flatten().filter_map(|span| span["text"].as_str());
        words.collect::<Vec<_>>().join(" · ")
    }

    fn json(&self, dry_run: bool, written: usize, version: &str) -> Value {
        let moves: Vec<Value> = self
            .comparison
            .moves
            .iter()
            .map(|change| {
                let example = |call: &Judged| {
                    json!({ "call": call.id, "confidence": call.after.confidence, "words": self.words(&call.id),
                        "text": self.said.get(&call.id) })
                };
                let examples: Vec<Value> = self.examples(&change.from, &change.to).map(example).collect();
                json!({ "from": change.from, "to": change.to, "calls": change.calls, "examples": examples })
            })
            .collect();
        json!({
            "model": version, "dry_run": dry_run, "judged": self.tags.len(), "written": written,
            "changed": self.comparison.changed.len(), "untagged_before": self.untagged,
            "left_alone": { "people": self.by_people, "flows": self.by_flows, "up_to_date": self.fresh },
            "moves": moves, "counts": self.comparison.counts,
        })
    }

    fn print(&self, dry_run: bool, written: usize, version: &str) -> Result<()> {
        println!(
            "classifier {version}: {} calls judged, {} of them changed, {} had no tag",
            self.tags.len(),
            self.comparison.changed.len(),
            self.untagged
        );
        println!(
            "left alone: {} that people spoke of, {} that a flow tagged, {} tagged by this classifier already",
            self.by_people, self.by_flows, self.fresh
        );
        if !self.comparison.moves.is_empty() {
            println!();
            self.moves().print(Format::Table)?;
            for change in &self.comparison.moves {
                println!("\n{} → {}", category_name(&change.from), category_name(&change.to));
                for call in self.examples(&change.from, &change.to) {
                    let text = self.said.get(&call.id).map_or("", String::as_str);
                    println!("  {} ({:.2}; {})", call.id, call.after.confidence, self.words(&call.id));
                    println!("    {}", excerpt(text, 140));
                }
            }
            println!();
            let mut counts = List::new(&[("category", "category"), ("before", "before"), ("after", "after")]);
            for count in &self.comparison.counts {
                counts.row([json!(count.label), json!(count.before), json!(count.after)]);
            }
            counts.print(Format::Table)?;
        }
        match dry_run {
            true => println!("\nnothing was changed; without --dry-run these tags are written"),
            false => println!("\n{written} tags written; the ones before them stay in each call's history"),
        }
        Ok(())
    }
}
