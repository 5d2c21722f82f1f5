//! How well a clinic's own category does with 30 examples: `cargo run --release -p understanding --example own_category -- CORPUS`.
//!
//! Stands in for own categories: a whole category of the corpus under another name, and calls that name one service.
//! Examples and the calls that are something else are of some stories, the test of all others.

use std::path::Path;

use understanding::category::Classifier;
use understanding::category::corpus::{Corpus, LabelledCall};
use understanding::category::own::{OwnCategory, Told};
use understanding::lexicon::Lexicon;
use understanding::lexicon::text::Text;

const EXAMPLES: usize = 30;
const OTHERS: usize = 1000;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let dir = std::env::args().nth(1).ok_or("usage: own_category CORPUS")?;
    let corpus = Corpus::load(Path::new(&dir))?;
    let shared = Classifier::embedded();
    let lexicon = Lexicon::embedded();
    let names = |call: &LabelledCall, wanted: &[&str]| {
        let opening = call.call.caller_turns().next().map(|(_, t)| Text::new(&t.text));
        let found = opening.map(|text| lexicon.mentions(&text)).unwrap_or_default();
        found.iter().any(|m| wanted.contains(&lexicon.services[m.service].id.as_str()))
    };
    for label in ["callback_missed", "advertising", "inpatient", "test_results", "reschedule"] {
        measure(label, &corpus, shared, |c| c.label == label)?;
    }
    for (topic, services) in [
        ("papers", &["certificate", "med_book", "vet_passport", "sick_leave"][..]),
        ("at home", &["home_visit"]),
        ("grooming", &["grooming", "claws", "trimming"]),
        ("farewell", &["euthanasia", "cremation"]),
        ("braces", &["orthodontics", "braces", "aligners"]),
    ] {
        measure(topic, &corpus, shared, |c| names(c, services))?;
    }
    Ok(())
}

fn measure(
    topic: &str,
    corpus: &Corpus,
    shared: &Classifier,
    wanted: impl Fn(&LabelledCall) -> bool,
) -> Result<(), Box<dyn std::error::Error>> {
    let folds = corpus.folds(2, 5);
    let told = |c: &LabelledCall| -> bool { folds[corpus.calls.iter().position(|o| o.id == c.id).unwrap_or(0)] == 0 };
    // Every second story to learn from, thinned out evenly; the rest for the test.
    let (learn, test): (Vec<&LabelledCall>, Vec<&LabelledCall>) = corpus.calls.iter().partition(|c| told(c));
    let pick = |of: Vec<&'_ LabelledCall>, n: usize| -> Vec<Told<'_>> {
        let step = of.len().div_ceil(n).max(1);
        let clinic = |c: &LabelledCall| corpus.clinics.get(c.clinic);
        of.into_iter()
            .step_by(step)
            .map(|c| {
                let source = &corpus.calls[corpus.calls.iter().position(|o| o.id == c.id).unwrap_or(0)];
                (&source.call, clinic(source))
            })
            .collect()
    };
    let (of, others): (Vec<&LabelledCall>, Vec<&LabelledCall>) = learn.into_iter().partition(|c| wanted(c));
    let (examples, others) = (pick(of, EXAMPLES), pick(others, OTHERS));
    let own = match OwnCategory::train(&format!("own {topic}"), &examples, &others, shared) {
        Ok(own) => [own],
        Err(error) => {
            println!("{topic}: {error}");
            return Ok(());
        }
    };
    let (mut found, mut of, mut taken, mut rest, mut disturbed) = (0, 0, 0, 0, 0);
    for call in test {
        let clinic = Some(&corpus.clinics[call.clinic]);
        let with = shared.classify_with(&call.call, clinic, &own);
        let hit = with.label == own[0].id();
        if wanted(call) {
            of += 1;
            found += usize::from(hit);
        } else {
            rest += 1;
            taken += usize::from(hit);
            disturbed += usize::from(!hit && with.label != shared.label(&call.call, clinic).label);
        }
    }
    println!(
        "{topic}: {} examples, {} others; found {:.0} % of {of}, taken by mistake {taken} of {rest} others ({:.1} %), precision {:.2}; other verdicts changed: {disturbed}; in training {:?}",
        examples.len(),
        others.len(),
        100.0 * found as f32 / of as f32,
        100.0 * taken as f32 / rest as f32,
        found as f32 / (found + taken).max(1) as f32,
        own[0].quality()
    );
    Ok(())
}
