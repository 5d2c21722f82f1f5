//! How well the shipped classifier judges labelled calls: `judge_calls CLINICS FILE.jsonl… [--wrong] [--words] [--weights=FILE]`, by meaning
//! too where its model is installed, unless by words alone is asked for. CLINICS is a folder
//! or file of `clinics*.jsonl` lines, or a JSON object of clinics by their ids.

use std::path::Path;

use serde_json::Value;
use speech::sentences::Sentences;
use understanding::category::Classifier;
use understanding::category::corpus::Corpus;
use understanding::category::evaluate::evaluate;
use understanding::meaning::Meaning;
use understanding::profile::{Kind, Profile};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let (flags, args): (Vec<String>, Vec<String>) = std::env::args().skip(1).partition(|arg| arg.starts_with("--"));
    let [clinics, files @ ..] = args.as_slice() else {
        return Err("usage: judge_calls CLINICS FILE.jsonl… [--wrong] [--words] [--weights=FILE]".into());
    };
    let mut classifier = match flags.iter().find_map(|flag| flag.strip_prefix("--weights=")) {
        Some(file) => Classifier::load(Path::new(file))?,
        None => Classifier::embedded().clone(),
    };
    match Sentences::open(&speech::models::default_store()) {
        Ok(sentences) if !flags.iter().any(|flag| flag == "--words") => {
            classifier = classifier.with_meaning(Meaning::new(move |text| sentences.vector(text)));
        }
        Ok(_) => {}
        Err(error) => println!("by words alone: {error}"),
    }
    let known = Corpus { clinics: read(Path::new(clinics))?, ..Corpus::default() };
    for file in files {
        let corpus = known.with_calls(Path::new(file))?;
        let e = evaluate(&classifier, &corpus);
        println!(
            "{file}: {} calls, macro-F1 {:.3}, accuracy {:.3}, ECE {:.3}, right at 80 % coverage {:.3}, to review {:.3}, of the rest right {:.3}",
            e.calls, e.macro_f1, e.accuracy, e.ece, e.coverage[7].1, e.review_share, e.accept_accuracy
        );
        for (class, row) in e.classes.iter().zip(&e.confusion).filter(|(c, _)| c.support > 0) {
            println!(
                "    {:16} {:4} calls, precision {:.2}, recall {:.2}, F1 {:.2} | {row:?}",
                class.label, class.support, class.precision, class.recall, class.f1
            );
        }
        for wrong in e.mistakes.iter().filter(|_| flags.iter().any(|flag| flag == "--wrong")) {
            let call = corpus.calls.iter().find(|c| c.id == wrong.id);
            let said = call.map(|c| c.call.caller_text()).unwrap_or_default();
            println!("{} is {}, said {} {:.2}: {said}", wrong.id, wrong.truth, wrong.given, wrong.confidence);
        }
    }
    Ok(())
}

/// Clinics of a file, or of all `clinics*` files of a folder.
fn read(path: &Path) -> Result<Vec<Profile>, Box<dyn std::error::Error>> {
    if path.is_dir() {
        let mut out = Vec::new();
        for entry in std::fs::read_dir(path)? {
            let path = entry?.path();
            if path.file_name().is_some_and(|n| n.to_string_lossy().starts_with("clinics")) {
                out.extend(read(&path)?);
            }
        }
        return Ok(out);
    }
    let text = std::fs::read_to_string(path)?;
    let clinics: Vec<(String, Value)> = match serde_json::from_str(&text) {
        Ok(Value::Object(by_id)) if !by_id.contains_key("services") => by_id.into_iter().collect(),
        _ => text
            .lines()
            .filter(|line| !line.trim().is_empty())
            .map(|line| {
                serde_json::from_str(line)
                    .map(|clinic: Value| (clinic["id"].as_str().unwrap_or_default().to_owned(), clinic))
            })
            .collect::<Result<_, _>>()?,
    };
    let list = |of: &Value| -> Vec<String> {
        of.as_array().into_iter().flatten().filter_map(|s| s.as_str().map(str::to_owned)).collect()
    };
    clinics
        .into_iter()
        .map(|(id, clinic)| {
            let kind: Kind = serde_json::from_value(clinic["kind"].clone())?;
            Ok(Profile::new(
                &id,
                clinic["name"].as_str().unwrap_or(&id),
                kind,
                &list(&clinic["services"]),
                &list(&clinic["absent"]),
            ))
        })
        .collect()
}
