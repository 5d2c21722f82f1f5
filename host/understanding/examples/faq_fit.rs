//! Learns what the signs of the frequent questions count, from labelled questions, and tells how well that does on clinics
//! it has not seen: `cargo run --release -p understanding --example faq_fit -- FILE.jsonl… > data/faq_weights.txt`.
//! What it says goes to standard error: six folds by clinic; questions with several answers are left out of the fit.

use std::collections::BTreeMap;

use serde_json::Value;
use understanding::faq::Matcher;
use understanding::faq::weights::{Example, Weights};
use understanding::profile::FaqEntry;

const L2: f64 = 0.003;
const FOLDS: usize = 6;

struct Question {
    clinic: String,
    text: String,
    answer: Option<String>,
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut entries: BTreeMap<String, Vec<FaqEntry>> = BTreeMap::new();
    let mut questions: Vec<Question> = Vec::new();
    for file in std::env::args().skip(1) {
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
    let matchers: BTreeMap<&String, Matcher> =
        entries.iter().map(|(clinic, list)| (clinic, Matcher::new(list))).collect();
    let fold = |q: &Question| matchers.keys().position(|c| **c == q.clinic).unwrap_or(0) % FOLDS;
    let fit = |wanted: &dyn Fn(&Question) -> bool| {
        let examples: Vec<Example<'_>> = questions
            .iter()
            .filter(|q| wanted(q))
            .map(|q| Example {
                matcher: &matchers[&q.clinic],
                text: &q.text,
                answer: q.answer.as_ref().and_then(|id| entries[&q.clinic].iter().position(|e| e.id == *id)),
            })
            .collect();
        Weights::fit(&examples, L2)
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
    print!("{}", fit(&|_| true).to_text());
    Ok(())
}
