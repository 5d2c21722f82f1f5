//! Learns what the signs of the frequent questions count, from labelled questions, and tells how well that does on clinics
//! it has not seen: `cargo run --release -p understanding --example faq_fit -- FILE.jsonl… > data/faq_weights.txt`.
//! What it says goes to standard error: six folds by clinic; questions with several answers are left out of the fit. The
//! questions of a file named by `--twice=FILE.jsonl` count double: those whose wording no list of words was made for. With
//! `--meaning` sentences are compared as vectors too (`data/faq_weights_meaning.txt`): those of the files that follow a
//! `--tuned=FILE.e5tune` by a model tuned so, which must not have learned from them (`models/sentences/train.py`).

use std::collections::BTreeMap;

use serde_json::Value;
use speech::sentences::Sentences;
use understanding::faq::Matcher;
use understanding::faq::weights::{Example, Weights};
use understanding::meaning::Meaning;
use understanding::profile::FaqEntry;

/// How strongly weights are held back, unless `--l2=NUMBER` says otherwise.
const L2: f64 = 0.001;
const FOLDS: usize = 6;
/// How much less "not in the list" weighs than was learned: with this, as many answers as refusals are right on clinics
/// not learned from.
const LEAN: f32 = 0.1;

struct Question {
    clinic: String,
    text: String,
    answer: Option<String>,
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut entries: BTreeMap<String, Vec<FaqEntry>> = BTreeMap::new();
    let mut questions: Vec<Question> = Vec::new();
    let mut tuned: BTreeMap<String, String> = BTreeMap::new();
    let (flags, files): (Vec<String>, Vec<String>) = std::env::args().skip(1).partition(|arg| arg.starts_with("--"));
    let mut by = None;
    for argument in std::env::args().skip(1) {
        match argument.strip_prefix("--tuned=") {
            Some(file) => by = Some(file.to_owned()),
            None if !argument.starts_with("--") => drop(by.clone().and_then(|by| tuned.insert(argument, by))),
            None => {}
        }
    }
    let given = flags.iter().find_map(|flag| flag.strip_prefix("--l2="));
    let l2 = given.map(str::parse).transpose()?.unwrap_or(L2);
    let twice: Vec<&str> = flags.iter().filter_map(|flag| flag.strip_prefix("--twice=")).collect();
    for file in files {
        for line in std::fs::read_to_string(&file)?.lines().filter(|line| !line.trim().is_empty()) {
            let line: Value = serde_json::from_str(line)?;
            let field = |key: &str| line[key].as_str().unwrap_or_default().to_owned();
            let clinic = format!("{file} {}", field("clinic"));
            if line["type"] == "entry" {
                let entry = FaqEntry { id: field("id"), question: field("question"), answer: field("answer") };
                entries.entry(clinic).or_default().push(entry);
            } else if !line["expected"].is_array() {
                let answer = line["expected"].as_str().map(str::to_owned);
                questions.push(Question { clinic, text: field("text"), answer });
            }
        }
    }
    let wanted = flags.iter().any(|flag| flag == "--meaning");
    let meaning = |tuning: Option<&String>| -> Result<Option<Meaning>, Box<dyn std::error::Error>> {
        if !wanted {
            return Ok(None);
        }
        let store = speech::models::default_store();
        let sentences = match tuning {
            Some(file) => Sentences::tuned(&store, &std::fs::read(file)?)?,
            None => Sentences::open(&store)?,
        };
        Ok(Some(Meaning::new(move |text| sentences.question(text))))
    };
    let mut matchers: BTreeMap<&String, Matcher> = BTreeMap::new();
    let shipped = meaning(None)?;
    let tunings: BTreeMap<&String, Option<Meaning>> = tuned
        .values()
        .map(|file| Ok((file, meaning(Some(file))?)))
        .collect::<Result<_, Box<dyn std::error::Error>>>()?;
    for (clinic, list) in &entries {
        let file = clinic.split_whitespace().next().unwrap_or_default();
        let meaning = tuned.get(file).and_then(|tuning| tunings.get(tuning)).unwrap_or(&shipped);
        matchers.insert(clinic, Matcher::with_meaning(list, meaning.as_ref()));
    }
    let fold = |q: &Question| matchers.keys().position(|c| **c == q.clinic).unwrap_or(0) % FOLDS;
    let examples: Vec<Example> = questions
        .iter()
        .map(|q| {
            let answer = q.answer.as_ref().and_then(|id| entries[&q.clinic].iter().position(|e| e.id == *id));
            Example::new(&matchers[&q.clinic], &q.text, answer)
        })
        .collect();
    let fit = |wanted: &dyn Fn(&Question) -> bool| {
        let counts = |q: &Question| if twice.iter().any(|file| q.clinic.starts_with(file)) { 2 } else { 1 };
        let chosen: Vec<&Example> = questions
            .iter()
            .zip(&examples)
            .filter(|(q, _)| wanted(q))
            .flat_map(|(q, example)| std::iter::repeat_n(example, counts(q)))
            .collect();
        Weights::fit(&chosen, l2)
    };
    let mut rows: BTreeMap<(String, bool), (usize, usize)> = BTreeMap::new();
    for held_out in 0..FOLDS {
        let weights = fit(&|q| fold(q) != held_out);
        for question in questions.iter().filter(|q| fold(q) == held_out) {
            let hits = matchers[&question.clinic].clone().weighted(weights.clone()).find(&question.text);
            let right = hits.first().map(|hit| &hit.id) == question.answer.as_ref() && hits.len() < 2;
            let file = question.clinic.split_whitespace().next().unwrap_or_default().to_owned();
            let row = rows.entry((file, question.answer.is_some())).or_default();
            row.0 += usize::from(right);
            row.1 += 1;
            if !right {
                eprintln!("  {} | got {:?} | expected {:?}", question.text, hits, question.answer);
            }
        }
    }
    for ((file, answered), (right, all)) in rows {
        let what = if answered { "an answer" } else { "none" };
        eprintln!("{file}, {what}: {right} of {all}, {:.1} %", 100.0 * right as f64 / all as f64);
    }
    for line in fit(&|_| true).to_text().lines() {
        match line.split_once(' ') {
            Some((weight, "none")) => println!("{:.3} none", weight.parse::<f32>()? - LEAN),
            _ => println!("{line}"),
        }
    }
    Ok(())
}
