//! Trains the call classifier: `cargo run -p understanding --example train_classifier -- CORPUS DATE [OUT]`.
//!
//! Without OUT only the figures are printed. `--check FILE` adds a labelled file (clinics.json beside it) as a test.

use std::path::Path;

use understanding::category::corpus::Corpus;
use understanding::category::evaluate::{Evaluation, evaluate};
use understanding::category::{Classifier, TrainOptions};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [corpus, date, rest @ ..] = args.as_slice() else {
        return Err("usage: train_classifier CORPUS DATE [OUT] [--check DIR]".into());
    };
    let mut options = TrainOptions { date: date.clone(), ..TrainOptions::default() };
    if let Ok(l2) = std::env::var("L2") {
        options.l2 = l2.parse()?;
    }
    if let Ok(b) = std::env::var("BAL") {
        options.balance = b.parse()?;
    }
    if std::env::var("PLAIN").is_ok() {
        options.variants = false;
    }
    let (model, report) = understanding::category::train(Path::new(corpus), &options)?;
    println!(
        "{} calls, {} examples, {} features, {} bytes",
        report.calls, report.examples, report.features, report.bytes
    );
    println!("temperature {:.2}, review below {:.2}", model.info().temperature, model.info().review_below);
    print("cross-validation by scenario", &report.cross_validation, std::env::var("CVM").is_ok());
    println!(
        "caller's words alone: accuracy {:.3} macro-F1 {:.3}",
        report.caller_only.accuracy, report.caller_only.macro_f1
    );
    let mut rest = rest.iter();
    let mut out = None;
    let mut check = None;
    while let Some(arg) = rest.next() {
        match arg.as_str() {
            "--check" => check = rest.next(),
            _ => out = Some(arg),
        }
    }
    if let Some(out) = out {
        std::fs::write(out, model.to_bytes())?;
    }
    if let Some(dir) = check {
        let corpus = Corpus::load(Path::new(dir))?;
        let classifier = Classifier::new(model);
        print("check", &evaluate(&classifier, &corpus), std::env::var("MISTAKES").is_ok());
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
