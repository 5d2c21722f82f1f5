//! How much of labelled phrases is understood: `slots FILE.jsonl… [--wrong]` prints a row for every kind of phrase, and
//! with `--wrong` what was misunderstood.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::ExitCode;

#[path = "../tests/judge/mod.rs"]
mod judge;

fn main() -> ExitCode {
    let (flags, files): (Vec<String>, Vec<String>) = std::env::args().skip(1).partition(|arg| arg.starts_with("--"));
    let show = flags.iter().any(|flag| flag == "--wrong");
    if files.is_empty() || flags.iter().any(|flag| flag != "--wrong") {
        eprintln!("slots FILE.jsonl… [--wrong]");
        return ExitCode::FAILURE;
    }
    let mut rows: BTreeMap<String, (usize, usize)> = BTreeMap::new();
    for file in &files {
        let judged = match judge::file(Path::new(file)) {
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
