//! How much of labelled phrases is understood: `slots FILE.jsonl… [--wrong]` prints a row for every kind of phrase, and
//! with `--wrong` what was misunderstood. Questions are compared by meaning too where its model is installed, unless `--words`
//! is said.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::ExitCode;

use speech::sentences::Sentences;
use understanding::meaning::Meaning;

#[path = "../tests/judge/mod.rs"]
mod judge;

fn main() -> ExitCode {
    let (flags, files): (Vec<String>, Vec<String>) = std::env::args().skip(1).partition(|arg| arg.starts_with("--"));
    let [show, words] = ["--wrong", "--words"].map(|flag| flags.iter().any(|given| given == flag));
    if files.is_empty() || flags.len() > usize::from(show) + usize::from(words) {
        eprintln!("slots FILE.jsonl… [--wrong] [--words]");
        return ExitCode::FAILURE;
    }
    let meaning = match Sentences::open(&speech::models::default_store()) {
        Ok(sentences) if !words => Some(Meaning::new(move |text| sentences.question(text))),
        Ok(_) => None,
        Err(error) => {
            eprintln!("questions by words alone: {error}");
            None
        }
    };
    let mut rows: BTreeMap<String, (usize, usize)> = BTreeMap::new();
    for file in &files {
        let judged = match judge::file(Path::new(file), meaning.as_ref()) {
            Ok(judged) => judged,
            Err(error) => {
                eprintln!("{error}");
                return ExitCode::FAILURE;
            }
        };
        for line in judged {
            let row = rows.entry(line.kind).or_default();
            row.0 += usize::from(line.right);
            row.1 += 1;
            if show && !line.right {
                println!("{}", line.report);
            }
        }
    }
    for (kind, (right, all)) in rows {
        println!("{kind:<16} {right:>5} of {all:<5} {:>5.1} %", 100.0 * right as f64 / all as f64);
    }
    ExitCode::SUCCESS
}
