//! How many calls one core judges in a second of processor time (Linux): `cargo run --release -p understanding --example classify_speed -- CORPUS`.

use std::path::Path;

use speech::sentences::Sentences;
use understanding::category::Classifier;
use understanding::category::corpus::Corpus;
use understanding::meaning::Meaning;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let dir = std::env::args().nth(1).ok_or("usage: classify_speed CORPUS")?;
    let corpus = Corpus::load(Path::new(&dir))?;
    let classifier = Classifier::embedded();
    let short: Vec<_> = corpus.calls.iter().filter(|c| c.call.turns.len() <= 2).collect();
    for (name, calls) in [("short", short), ("all", corpus.calls.iter().collect())] {
        let mean = calls.len().max(1) as f64;
        let words: usize = calls.iter().flat_map(|c| &c.call.turns).map(|t| t.text.split_whitespace().count()).sum();
        // Long enough for the scheduler's clock.
        let calls: Vec<_> = calls.iter().cycle().take(20_000).collect();
        for (what, evidence) in [("label", false), ("with evidence", true)] {
            let started = processor_seconds()?;
            let mut doubtful = 0;
            for call in &calls {
                let profile = Some(&corpus.clinics[call.clinic]);
                let verdict = if evidence {
                    classifier.classify(&call.call, profile)
                } else {
                    classifier.label(&call.call, profile)
                };
                doubtful += usize::from(verdict.review);
            }
            let rate = calls.len() as f64 / (processor_seconds()? - started);
            println!(
                "{name} calls ({:.0} words), {what}: {rate:.0} a second, {doubtful} doubtful",
                words as f64 / mean
            );
        }
    }
    match Sentences::open(&speech::models::default_store()) {
        Ok(sentences) => with_meaning(&corpus, sentences)?,
        Err(error) => println!("with meaning: {error}"),
    }
    Ok(())
}

/// One call in twenty: its vector, and what it costs to judge it where vectors are asked for in doubt.
fn with_meaning(corpus: &Corpus, sentences: Sentences) -> Result<(), Box<dyn std::error::Error>> {
    let calls: Vec<_> = corpus.calls.iter().step_by(20).collect();
    for most in [20, 50] {
        let texts: Vec<String> = calls
            .iter()
            .map(|call| call.call.caller_text())
            .filter(|text| text.split_whitespace().count() >= most)
            .map(|text| text.split_whitespace().take(most).collect::<Vec<_>>().join(" "))
            .collect();
        let started = processor_seconds()?;
        for text in &texts {
            std::hint::black_box(sentences.vector(text));
        }
        let each = 1e3 * (processor_seconds()? - started) / texts.len().max(1) as f64;
        println!("a vector of {most} words: {each:.1} ms ({} texts)", texts.len());
    }
    let classifier = Classifier::embedded().clone().with_meaning(Meaning::new(move |text| sentences.vector(text)));
    let started = processor_seconds()?;
    for call in &calls {
        classifier.label(&call.call, Some(&corpus.clinics[call.clinic]));
    }
    let rate = calls.len() as f64 / (processor_seconds()? - started);
    println!("all calls, label with meaning: {rate:.0} a second");
    Ok(())
}

/// Processor time of this thread, from the scheduler's own count.
fn processor_seconds() -> Result<f64, Box<dyn std::error::Error>> {
    let stat = std::fs::read_to_string("/proc/thread-self/schedstat")?;
    let nanoseconds: f64 = stat.split_whitespace().next().ok_or("an empty schedstat")?.parse()?;
    Ok(nanoseconds / 1e9)
}
