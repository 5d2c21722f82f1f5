//! `gudok train`: the classifier from its corpus.

use anyhow::{Context, Result};
use understanding::category::{Taxonomy, TrainOptions, train};

use crate::cli::Train;
use crate::commands::evaluate::print_classes;

pub fn run(args: &Train) -> Result<()> {
    let options = TrainOptions {
        date: args.date.unwrap_or_else(|| jiff::Zoned::now().date()).to_string(),
        folds: usize::from(args.folds),
        ..TrainOptions::default()
    };
    eprintln!("    training on {} (cross-validation in {} folds, by scenario)", args.corpus.display(), options.folds);
    let (model, report) = train(&args.corpus, &options)?;
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
    std::fs::write(&args.out, model.to_bytes())
        .with_context(|| format!("{}: cannot be written", args.out.display()))?;
    println!("written to {}", args.out.display());
    Ok(())
}
