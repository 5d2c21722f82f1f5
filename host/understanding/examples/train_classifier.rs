//! Trains the call classifier and prints how well it does.
//!
//! `cargo run -p understanding --example train_classifier -- CORPUS DATE [--out FILE] [--check DIR] [--l2 X]
//! [--balance X] [--plain] [--mistakes]`: without `--out` only figures; `--check` judges another labelled corpus;
//! `--plain` trains without variants; `--mistakes` lists wrong verdicts, most confident first.

use std::path::Path;

use understanding::category::corpus::Corpus;
use understanding::category::evaluate::{Evaluation, evaluate};
use understanding::category::{Classifier, TrainOptions};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut args = std::env::args().skip(1);
    let (Some(corpus), Some(date)) = (args.next(), args.next()) else {
        return Err("usage: train_classifier CORPUS DATE [--out FILE] [--check DIR] [--l2 X] [--balance X] ...".into());
    };
    let mut options = TrainOptions { date, ..TrainOptions::default() };
    let (mut out, mut check, mut mistakes) = (None, None, false);
    while let Some(arg) = args.next() {
        let mut value = || args.next().ok_or(format!("{arg} wants a value"));
        match arg.as_str() {
            "--out" => out = Some(value()?),
            "--check" => check = Some(value()?),
            "--l2" => options.l2 = value()?.parse()?,
            "--balance" => options.balance = value()?.parse()?,
            "--plain" => options.variants = false,
            "--mistakes" => mistakes = true,
            other => return Err(format!("unknown option {other}").into()),
        }
    }
    let (model, report) = understanding::category::train(Path::new(&corpus), &options)?;
    let info = model.info();
    println!("{} calls, {} examples", report.calls, report.examples);
    println!("{} features, {} bytes", report.features, report.bytes);
    println!("temperature {:.2}, review below {:.2}", info.temperature, info.review_below);
    print("cross-validation by scenario", &report.cross_validation, mistakes);
    let alone = &report.caller_only;
    println!("caller's words alone: accuracy {:.3}, macro-F1 {:.3}", alone.accuracy, alone.macro_f1);
    if let Some(out) = out {
        std::fs::write(out, model.to_bytes())?;
    }
    if let Some(dir) = check {
        let classifier = Classifier::new(model);
        print("check", &evaluate(&classifier, &Corpus::load(Path::new(&dir))?), mistakes);
    }
    Ok(())
}

fn print(title: &str, e: &Evaluation, mistakes: bool) {
    println!("\n{title}: {} calls, accuracy {:.3}, macro-F1 {:.3}, ECE {:.3}", e.calls, e.accuracy, e.macro_f1, e.ece);
    println!("review {:.2}, accuracy of the rest {:.3}", e.review_share, e.accept_accuracy);
    for (class, row) in e.classes.iter().zip(&e.confusion) {
        let row: String = row.iter().map(|n| format!("{n:5}")).collect();
        println!("{:16} P {:.2} R {:.2} F1 {:.2} |{row}", class.label, class.precision, class.recall, class.f1);
    }
    let coverage: Vec<String> = e.coverage.iter().map(|(c, a)| format!("{c:.1}:{a:.3}")).collect();
    println!("coverage {}", coverage.join(" "));
    if mistakes {
        for m in &e.mistakes {
            println!("  {} {} -> {} {:.2}", m.id, m.truth, m.given, m.confidence);
        }
    }
}
