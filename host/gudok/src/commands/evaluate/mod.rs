//! `gudok evaluate`: the classifier on labelled calls, in figures and as a page.
//!
//! Layout: this file judges and prints; [`page`] is the HTML page.

mod page;

use std::path::Path;

use anyhow::{Context, Result, bail};
use serde::Deserialize;
use serde_json::{Value, json};
use understanding::category::evaluate::{Evaluation, Mistake, score};
use understanding::category::{CallText, Classifier, Turn, Verdict};

use crate::cli::{self, Evaluate, Format};
use crate::clinics::Profiles;
use crate::commands::classify::words;
use crate::in_use::{self, Origin};
use crate::output::List;
use crate::place::Place;

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

/// A labelled call, and what the classifier makes of it.
struct Judged {
    id: String,
    truth: String,
    call: CallText,
    verdict: Verdict,
}

/// All that is shown.
struct Measured {
    classifier: Classifier,
    origin: Origin,
    files: Vec<String>,
    calls: Vec<Judged>,
    figures: Evaluation,
    /// Mistakes that are shown, at most.
    most: usize,
}

pub fn run(args: &Evaluate, place: &Place) -> Result<()> {
    let profiles = Profiles::load(&args.clinic)?;
    let (classifier, origin) = in_use::classifier(place, args.model.as_deref())?;
    let mut calls = Vec::new();
    for file in &args.files {
        judge(file, &classifier, &profiles, &mut calls)?;
    }
    if calls.is_empty() {
        bail!("no labelled calls; each line needs `id`, `label`, and `text` or `turns`");
    }
    // A label the classifier has never heard of is a mistake each time, and has a row of its own.
    let mut labels = classifier.info().labels.clone();
    for call in &calls {
        if !labels.contains(&call.truth) {
            eprintln!("the classifier has no category `{}`: its calls can only be judged wrong", call.truth);
            labels.push(call.truth.clone());
        }
    }
    let judged: Vec<(String, String, Verdict)> =
        calls.iter().map(|call| (call.id.clone(), call.truth.clone(), call.verdict.clone())).collect();
    let figures = score(&labels, &judged);
    let files = args.files.iter().map(|file| file.display().to_string()).collect();
    let measured = Measured { classifier, origin, files, calls, figures, most: args.mistakes };
    match args.format {
        cli::EvaluationFormat::Html => {
            let page = page::html(&measured, args.lang);
            match &args.out {
                Some(file) => {
                    std::fs::write(file, page).with_context(|| format!("{}: cannot be written", file.display()))?;
                    println!("{}", summary(&measured.figures));
                    println!("written to {}", file.display());
                }
                None => println!("{page}"),
            }
        }
        cli::EvaluationFormat::Json => println!("{}", serde_json::to_string_pretty(&measured.json()?)?),
        cli::EvaluationFormat::Csv => classes(&measured.figures).print(Format::Csv)?,
        cli::EvaluationFormat::Table => {
            print_classes(&measured.figures);
            print_confusion(&measured.figures);
            print_calibration(&measured.figures);
            measured.print_mistakes();
        }
    }
    Ok(())
}

fn judge(file: &Path, classifier: &Classifier, profiles: &Profiles, calls: &mut Vec<Judged>) -> Result<()> {
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
        let verdict = classifier.classify(&call, profile);
        calls.push(Judged { id: line.id, truth: line.label, call, verdict });
    }
    Ok(())
}

impl Measured {
    /// The mistakes that are shown, most confident first, each with its call. Ids may come twice in several files.
    fn mistakes(&self) -> Vec<(&Mistake, &Judged)> {
        let found = |mistake: &Mistake| {
            self.calls.iter().find(|call| {
                call.id == mistake.id && call.truth == mistake.truth && call.verdict.label == mistake.given
            })
        };
        let all = self.figures.mistakes.iter();
        all.filter_map(|mistake| Some((mistake, found(mistake)?))).take(self.most).collect()
    }

    /// The figures, and the words of the mistakes.
    fn json(&self) -> Result<Value> {
        let mut json = serde_json::to_value(&self.figures)?;
        let words: Vec<Value> = self
            .mistakes()
            .into_iter()
            .map(|(mistake, call)| {
                json!({ "id": mistake.id, "truth": mistake.truth, "given": mistake.given,
                    "confidence": mistake.confidence, "evidence": call.verdict.evidence,
                    "text": call.call.caller_text() })
            })
            .collect();
        json["worst"] = Value::Array(words);
        json["model"] = serde_json::to_value(self.classifier.info())?;
        Ok(json)
    }

    fn print_mistakes(&self) {
        let all = self.figures.mistakes.len();
        let shown = self.mistakes();
        println!("\nworst mistakes ({} of {all}; all with --mistakes {all})", shown.len());
        for (mistake, call) in shown {
            println!("  {}: {} given for {} ({:.2})", mistake.id, mistake.given, mistake.truth, mistake.confidence);
            println!("    decided by: {}", words(&call.verdict));
            println!("    {}", excerpt(&call.call.caller_text(), 160));
        }
    }
}

/// The beginning of a text, cut between words.
pub fn excerpt(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    let cut: String = text.chars().take(most).collect();
    let end = cut.rfind(' ').unwrap_or(cut.len());
    format!("{} …", &cut[..end])
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
    println!("{}", summary(evaluation));
}

fn summary(evaluation: &Evaluation) -> String {
    format!(
        "calls {} · accuracy {:.3} · macro-F1 {:.3} · ECE {:.3} · review {:.1} % · accuracy of the rest {:.3}",
        evaluation.calls,
        evaluation.accuracy,
        evaluation.macro_f1,
        evaluation.ece,
        evaluation.review_share * 100.0,
        evaluation.accept_accuracy
    )
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
}
