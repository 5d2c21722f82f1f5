//! `gudok train`: the classifier from its corpus, and from what people corrected.
//!
//! With corrections the new classifier is compared with the one in use on calls that neither learned from, and replaces it
//! only when it is no worse. There is no way around that: whoever wants a worse classifier can name its file with --model.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};
use serde_json::json;
use session::tagging::{self, Tagger};
use understanding::category::corrections::{Change, Correction, Judgement, Retrained, train_with_corrections};
use understanding::category::train::train_on;
use understanding::category::{Taxonomy, TrainOptions, TrainingReport};

use crate::cli::{Format, Train};
use crate::clinics::Profiles;
use crate::commands::evaluate::print_classes;
use crate::in_use::{self, Origin};
use crate::output::List;
use crate::place::Place;
use crate::{corpus, progress};

/// Where the project's own classifier lies.
const SHIPPED: &str = "models/classifier/calls.gudokm";

/// What is written beside a classifier that was trained here.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Made {
    /// Its version, as tags name it.
    pub version: String,
    /// When (RFC 3339).
    pub at: String,
    /// Calls of the corpus it learned from or was tested on.
    pub corpus: usize,
    /// Corrections it learned from.
    pub learned: usize,
    /// Corrections it was tested on.
    pub frozen: usize,
    /// The version it replaced, and macro-F1 of both on the same frozen calls.
    pub replaced: String,
    /// Of the one before.
    pub before: f32,
    /// Its own.
    pub after: f32,
}

pub async fn run(args: &Train, place: &Place) -> Result<()> {
    let options = TrainOptions {
        date: args.date.unwrap_or_else(|| jiff::Zoned::now().date()).to_string(),
        folds: usize::from(args.folds),
        meaning: in_use::meaning(place),
        ..TrainOptions::default()
    };
    let name = args.corpus.as_deref().map_or("the corpus of the program".to_owned(), |dir| dir.display().to_string());
    if args.with_corrections {
        return with_corrections(args, options, &name, place).await;
    }
    eprintln!("    training on {name} (cross-validation in {} folds, by scenario)", options.folds);
    let corpus = corpus::open(args.corpus.as_deref())?;
    let work = tokio::task::spawn_blocking(move || train_on(&corpus, &options));
    let (model, report) = progress::while_waiting("обучается", "классификатор", work).await?;
    say(&report);
    let out = args.out.clone().unwrap_or_else(|| PathBuf::from(SHIPPED));
    std::fs::write(&out, model.to_bytes()).with_context(|| format!("{}: cannot be written", out.display()))?;
    println!("written to {}", out.display());
    Ok(())
}

fn say(report: &TrainingReport) {
    println!(
        "{} calls ({} examples), {} features, {} bytes, taxonomy {}",
        report.calls,
        report.examples,
        report.features,
        report.bytes,
        Taxonomy::embedded().version
    );
    print_classes(&report.cross_validation);
    println!("from the caller's words alone: macro-F1 {:.3}", report.caller_only.macro_f1);
    if let Some([whole, alone, _]) = &report.with_meaning {
        println!(
            "with meaning beside the words: macro-F1 {:.3}; of the caller alone {:.3}",
            whole.macro_f1, alone.macro_f1
        );
    }
}

async fn with_corrections(args: &Train, options: TrainOptions, name: &str, place: &Place) -> Result<()> {
    let (current, origin) = in_use::classifier(place, None)?;
    let corpus = corpus::open(args.corpus.as_deref())?;
    let corrections = gather(args, &corpus, place).await?;
    if corrections.is_empty() {
        bail!("nobody has corrected a call yet; begin with: gudok review --clinic CLINIC");
    }
    eprintln!(
        "    training on {name} and {} corrections (cross-validation in {} folds, by scenario)",
        corrections.len(),
        options.folds
    );
    let calls = corpus.calls.len();
    let (before, judged_by) = (Tagger::new(current.clone(), Default::default()).version(""), current);
    let work = tokio::task::spawn_blocking(move || train_with_corrections(&corpus, &corrections, &judged_by, &options));
    let retrained = progress::while_waiting("обучается", "классификатор", work).await??;
    let classifier = understanding::category::Classifier::new(retrained.model.clone());
    let classifier = classifier.with_meaning(in_use::meaning(place));
    let version = Tagger::new(classifier, Default::default()).version("");
    println!(
        "{} calls of the corpus and {} corrections learned from; {} corrections kept for the test",
        calls, retrained.learned, retrained.frozen
    );
    let whose = match &origin {
        Origin::Shipped => "the one that ships".to_owned(),
        Origin::File(file) => file.display().to_string(),
    };
    println!("in use: {before} ({whose}) · new: {version}");
    compare(&retrained.judgement)?;
    if !retrained.judgement.accepted() {
        let reasons: Vec<String> = retrained.judgement.refusals.iter().map(ToString::to_string).collect();
        bail!(
            "the new classifier is refused, the one in use stays: {}. Look at the corrections of these categories once \
             more (gudok review --set CALL=CATEGORY), or collect more of them",
            reasons.join("; ")
        );
    }
    let out = args.out.clone().unwrap_or_else(|| in_use::home_file(place));
    let made = made(&retrained, version, before, calls);
    write(&out, &retrained, &made)?;
    println!("written to {}", out.display());
    if out == in_use::home_file(place) {
        println!(
            "classify, import, review and serve use it from now on (a running `gudok serve`: when it is started again)"
        );
        println!("calls of the past: gudok retag --clinic CLINIC --dry-run");
    }
    Ok(())
}

/// What people said, with the words of the calls. Corrections into categories that are not the corpus's (a clinic's own)
/// are left to `gudok category add`.
async fn gather(
    args: &Train,
    corpus: &understanding::category::corpus::Corpus,
    place: &Place,
) -> Result<Vec<Correction>> {
    let profiles = Profiles::load(&args.clinic)?;
    let asked: Vec<String> = crate::clinics::several(&args.clinic)?.into_keys().collect();
    let store = place.store().await?;
    let (mut found, mut own, mut wordless) = (Vec::new(), 0, 0);
    for review in store.corrections(None).await? {
        let Some(label) = review.category else { continue };
        let clinic = store.call(&review.call).await?.clinic;
        if !asked.is_empty() && !asked.contains(&clinic) {
            continue;
        }
        if !corpus.calls.iter().any(|call| call.label == label) {
            own += 1;
            continue;
        }
        let Some(conversation) = store.conversation(&review.call).await? else {
            wordless += 1;
            continue;
        };
        let profile = profiles.of(Some(&clinic))?.context("a clinic that is named has a profile")?;
        found.push(Correction {
            id: review.call,
            call: tagging::spoken(&conversation),
            profile: profile.clone(),
            label,
            by: review.by,
            at: jiff::Timestamp::from_millisecond(review.at_ms)?.to_string(),
        });
    }
    if own + wordless > 0 {
        eprintln!(
            "    left out: {own} corrections into clinics' own categories (`gudok category add` learns from them), \
             {wordless} of calls without words"
        );
    }
    Ok(found)
}

/// Both classifiers on the frozen calls, category by category.
fn compare(judgement: &Judgement) -> Result<()> {
    println!("\non {} calls that neither has learned from:", judgement.after.calls);
    let mut list = List::new(&[
        ("label", "category"),
        ("calls", "calls"),
        ("before", "F1 in use"),
        ("after", "F1 new"),
        ("mended", "mended"),
        ("broken", "broken"),
        ("change", "verdict"),
    ]);
    let rounded = |value: f32| (f64::from(value) * 1000.0).round() / 1000.0;
    for category in &judgement.categories {
        let change = match category.change {
            Change::Better => "better",
            Change::Same => "no difference to speak of",
            Change::Worse => "WORSE",
        };
        list.row([
            json!(category.label),
            json!(category.calls),
            json!(rounded(category.before)),
            json!(rounded(category.after)),
            json!(category.mended),
            json!(category.broken),
            json!(change),
        ]);
    }
    list.print(Format::Table)?;
    println!(
        "macro-F1 {:.3} → {:.3} · accuracy {:.3} → {:.3} · ECE {:.3} → {:.3}",
        judgement.before.macro_f1,
        judgement.after.macro_f1,
        judgement.before.accuracy,
        judgement.after.accuracy,
        judgement.before.ece,
        judgement.after.ece
    );
    Ok(())
}

fn made(retrained: &Retrained, version: String, replaced: String, corpus: usize) -> Made {
    Made {
        version,
        at: jiff::Timestamp::now().to_string(),
        corpus,
        learned: retrained.learned,
        frozen: retrained.frozen,
        replaced,
        before: retrained.judgement.before.macro_f1,
        after: retrained.judgement.after.macro_f1,
    }
}

/// The one before is kept beside it: `calls.before.gudokm`.
fn write(out: &Path, retrained: &Retrained, made: &Made) -> Result<()> {
    if out.exists() {
        let kept = out.with_extension("before.gudokm");
        std::fs::copy(out, &kept).with_context(|| format!("{}: cannot be written", kept.display()))?;
    }
    in_use::replace(out, &retrained.model.to_bytes())?;
    in_use::replace(&out.with_extension("json"), (serde_json::to_string_pretty(made)? + "\n").as_bytes())
}
