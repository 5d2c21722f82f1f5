//! `gudok evaluate`: the classifier on labelled calls.

use std::path::Path;

use anyhow::{Context, Result, bail};
use serde::Deserialize;
use serde_json::json;
use understanding::category::evaluate::{Evaluation, score};
use understanding::category::{CallText, Classifier, Turn, Verdict};

use crate::cli::{Evaluate, Format};
use crate::clinics::Profiles;
use crate::output::List;

#[derive(Deserialize)]
struct Line {
    id: String,
    text: Option<String>,
    turns: Option<Vec<Turn>>,
    clinic: Option<String>,
    label: String,
    #[serde(default)]
    missed_call: bool,
}

pub fn run(args: &Evaluate) -> Result<()> {
    let profiles = Profiles::load(&args.clinic)?;
    let own = args.model.as_deref().map(Classifier::load).transpose()?;
    let classifier = own.as_ref().unwrap_or_else(|| Classifier::embedded());
    let mut judged: Vec<(String, String, Verdict)> = Vec::new();
    for file in &args.files {
        judge(file, classifier, &profiles, &mut judged)?;
    }
    if judged.is_empty() {
        bail!("no labelled calls; each line needs `id`, `label`, and `text` or `turns`");
    }
    let evaluation = score(&classifier.info().labels, &judged);
    match args.format {
        Format::Json => println!("{}", serde_json::to_string_pretty(&evaluation)?),
        Format::Csv => classes(&evaluation).print(Format::Csv)?,
        Format::Table => {
            print_classes(&evaluation);
            print_confusion(&evaluation);
            print_calibration(&evaluation);
        }
    }
    Ok(())
}

fn judge(
    file: &Path,
    classifier: &Classifier,
    profiles: &Profiles,
    judged: &mut Vec<(String, String, Verdict)>,
) -> Result<()> {
    let text = std::fs::read_to_string(file).with_context(|| format!("{}: cannot be read", file.display()))?;
    for (number, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        let place = || format!("{}, line {}", file.display(), number + 1);
        let line: Line = serde_json::from_str(line).with_context(place)?;
        let call = match (line.turns, line.text) {
            (Some(turns), _) => CallText { turns, missed_call: line.missed_call },
            (None, Some(text)) => CallText { missed_call: line.missed_call, ..CallText::of(&text) },
            (None, None) => bail!("{}: neither `text` nor `turns`", place()),
        };
        let profile = profiles.of_or_none(line.clinic.as_deref());
        judged.push((line.id, line.label, classifier.classify(&call, profile)));
    }
    Ok(())
}

fn classes(evaluation: &Evaluation) -> List {
    let mut list = List::new(&[
        ("label", "category"),
        ("precision", "precision"),
        ("recall", "recall"),
        ("f1", "F1"),
        ("support", "calls"),
    ]);
    for class in &evaluation.classes {
        let percent = |value: f32| json!((f64::from(value) * 1000.0).round() / 1000.0);
        list.row([
            json!(class.label),
            percent(class.precision),
            percent(class.recall),
            percent(class.f1),
            json!(class.support),
        ]);
    }
    list
}

/// Per class, and over all.
pub fn print_classes(evaluation: &Evaluation) {
    classes(evaluation).print(Format::Table).ok();
    println!(
        "calls {} · accuracy {:.3} · macro-F1 {:.3} · ECE {:.3} · review {:.1} % · accuracy of the rest {:.3}",
        evaluation.calls,
        evaluation.accuracy,
        evaluation.macro_f1,
        evaluation.ece,
        evaluation.review_share * 100.0,
        evaluation.accept_accuracy
    );
}

fn print_confusion(evaluation: &Evaluation) {
    println!("\nconfusion (row: truth, column: given)");
    let labels: Vec<&str> = evaluation.classes.iter().map(|class| class.label.as_str()).collect();
    print!("{:18}", "");
    for label in &labels {
        print!("{:>7}", label.chars().take(6).collect::<String>());
    }
    println!();
    for (label, row) in labels.iter().zip(&evaluation.confusion) {
        print!("{label:18}");
        for count in row {
            print!("{:>7}", if *count == 0 { "·".to_owned() } else { count.to_string() });
        }
        println!();
    }
}

fn print_calibration(evaluation: &Evaluation) {
    println!("\ncalibration (says · is · calls)");
    for bin in evaluation.reliability.iter().filter(|bin| bin.count > 0) {
        let bar = "█".repeat((bin.accuracy * 30.0).round() as usize);
        println!("  {:>4.0} %  {:>4.0} %  {:>5}  {bar}", bin.confidence * 100.0, bin.accuracy * 100.0, bin.count);
    }
    println!("\ncoverage (share kept · accuracy)");
    for (coverage, accuracy) in &evaluation.coverage {
        println!("  {:>4.0} %  {:>5.1} %", coverage * 100.0, accuracy * 100.0);
    }
    println!("\nworst mistakes");
    for mistake in &evaluation.mistakes {
        println!("  {}: {} given for {} ({:.2})", mistake.id, mistake.given, mistake.truth, mistake.confidence);
    }
}
