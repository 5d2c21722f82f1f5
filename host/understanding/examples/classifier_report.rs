//! Trains the classifier and tells how good it is, for the model card:
//! `cargo run --release -p understanding --example classifier_report -- CORPUS DATE [WEIGHTS [PICTURE.svg]]`.
//!
//! Five folds by scenario; every writer of the corpus left out in turn (a writer is the part of a call's id before the
//! hyphen; ids without one are of the first); near twins; by length of the call; calibration, with a picture.

use std::collections::{HashMap, HashSet};
use std::fmt::Write as _;
use std::path::Path;

use speech::sentences::Sentences;
use understanding::category::calibrate::HeldOut;
use understanding::category::corpus::{Corpus, LabelledCall};
use understanding::category::evaluate::{Evaluation, ReliabilityBin, evaluate};
use understanding::category::train::{TrainOptions, Trainer, train_on};
use understanding::category::{Classifier, ModelInfo};
use understanding::lexicon::text::Text;
use understanding::meaning::Meaning;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let args: Vec<String> = std::env::args().collect();
    let (Some(dir), Some(date)) = (args.get(1), args.get(2)) else {
        return Err("usage: classifier_report CORPUS DATE [WEIGHTS [PICTURE.svg]]".into());
    };
    let corpus = Corpus::load(Path::new(dir))?;
    let meaning = Sentences::open(&speech::models::default_store())
        .map(|sentences| Meaning::new(move |text| sentences.vector(text)))
        .inspect_err(|error| println!("without meaning: {error}"))
        .ok();
    let options = TrainOptions { date: date.clone(), meaning: meaning.clone(), ..TrainOptions::default() };
    let started = std::time::Instant::now();
    let (model, report) = train_on(&corpus, &options);
    println!(
        "{} calls, {} stories, {} clinics; {} examples, {} features, {} bytes, {:.0?}",
        report.calls,
        corpus.calls.iter().map(|c| &c.scenario).collect::<HashSet<_>>().len(),
        corpus.clinics.len(),
        report.examples,
        report.features,
        report.bytes,
        started.elapsed()
    );
    let info = model.info().clone();
    println!("temperature {:.3}, review below {:.2}", info.temperature, info.review_below);
    if let Some(out) = args.get(3) {
        std::fs::write(out, model.to_bytes())?;
    }
    tell("five folds", &report.cross_validation);
    classes(&report.cross_validation);
    reliability(&report.cross_validation.reliability);
    tell("five folds, caller alone", &report.caller_only);
    tell("five folds, damaged", &report.damaged);
    if let Some([whole, alone, damaged]) = &report.with_meaning {
        tell("five folds, with meaning", whole);
        classes(whole);
        reliability(&whole.reliability);
        tell("five folds, caller alone, with meaning", alone);
        tell("five folds, damaged, with meaning", damaged);
    }

    let trainer = Trainer::new(&corpus, &options);
    let heard = Path::new(dir).with_file_name("corpus-heard.jsonl");
    if heard.exists() {
        listen(&corpus, &trainer, &corpus.with_calls(&heard)?, &info, meaning);
    }
    let folds = corpus.folds(options.folds, options.seed);
    let twins = twins(&corpus, &folds);
    println!("near twin in training: {:.1} % of the test calls", 100.0 * twins as f32 / corpus.calls.len() as f32);

    let writer = |c: &LabelledCall| c.id.split_once('-').map_or("first".to_owned(), |(w, _)| w.to_owned());
    let mut writers: Vec<String> = corpus.calls.iter().map(writer).collect::<HashSet<_>>().into_iter().collect();
    writers.sort();
    let group = |c: &LabelledCall| writers.iter().position(|w| *w == writer(c)).unwrap_or(0);
    let groups: Vec<usize> = corpus.calls.iter().map(group).collect();
    let apart = trainer.cross_validate(&groups);
    for (index, name) in writers.iter().enumerate() {
        let part = |of: &[HeldOut]| part(&corpus, of, |n| groups[n] == index, &info, &options);
        tell(&format!("without writer {name}"), &part(&apart.whole));
        tell(&format!("without writer {name}, damaged"), &part(&apart.damaged));
    }
    let whole = trainer.score(&apart.whole, &info);
    tell("every writer left out", &whole);
    classes(&whole);
    reliability(&whole.reliability);
    tell("every writer left out, caller alone", &trainer.score(&apart.alone, &info));
    tell("every writer left out, damaged", &trainer.score(&apart.damaged, &info));
    if options.meaning.is_some() {
        // What words and meaning settled on is a probability already.
        let review_below = info.meaning.as_ref().map_or(info.review_below, |of| of.review_below);
        let settled = ModelInfo { temperature: 1.0, review_below, ..info.clone() };
        for (what, held_out) in ["", ", caller alone", ", damaged"].iter().zip(apart.settled(&info)) {
            tell(&format!("every writer left out{what}, with meaning"), &trainer.score(&held_out, &settled));
        }
    }
    let words = |n: usize| -> usize {
        corpus.calls[n].call.caller_turns().map(|(_, t)| t.text.split_whitespace().count()).sum()
    };
    for (from, to) in [(0, 5), (6, 15), (16, 40), (41, 80), (81, usize::MAX)] {
        let of = part(&corpus, &apart.whole, |n| (from..=to).contains(&words(n)), &info, &options);
        tell(&format!("every writer left out, caller says {from} to {to} words"), &of);
    }
    if let Some(out) = args.get(4) {
        std::fs::write(out, picture(&report.cross_validation, &whole))?;
    }
    Ok(())
}

/// Calls as a recogniser heard them (id of the call and `-heard`), judged by a model that knows none of their stories.
fn listen(corpus: &Corpus, trainer: &Trainer, heard: &Corpus, info: &ModelInfo, meaning: Option<Meaning>) {
    let written: HashMap<&str, &LabelledCall> = corpus.calls.iter().map(|c| (c.id.as_str(), c)).collect();
    let source = |c: &LabelledCall| written.get(c.id.trim_end_matches("-heard")).copied();
    let stories: HashSet<&str> = heard.calls.iter().filter_map(source).map(|c| c.scenario.as_str()).collect();
    let others: Vec<usize> =
        (0..corpus.calls.len()).filter(|&n| !stories.contains(corpus.calls[n].scenario.as_str())).collect();
    let (model, _) = trainer.fit(&others);
    let classifier = Classifier::new(model.calibrated_as(info));
    // What was said, no more of the call than was heard.
    let mut said = heard.clone();
    for call in &mut said.calls {
        if let Some(source) = source(call) {
            let turns = call.call.turns.len();
            call.call.turns = source.call.caller_turns().take(turns).map(|(_, t)| t.clone()).collect();
        }
    }
    tell("through the recogniser: as said", &evaluate(&classifier, &said));
    tell("through the recogniser: as heard", &evaluate(&classifier, heard));
    classes(&evaluate(&classifier, heard));
    if let Some(meaning) = meaning {
        let classifier = classifier.with_meaning(meaning);
        tell("through the recogniser, with meaning: as said", &evaluate(&classifier, &said));
        tell("through the recogniser, with meaning: as heard", &evaluate(&classifier, heard));
        classes(&evaluate(&classifier, heard));
    }
}

/// The figures of some of the calls.
fn part(
    corpus: &Corpus,
    held_out: &[HeldOut],
    wanted: impl Fn(usize) -> bool,
    info: &ModelInfo,
    options: &TrainOptions,
) -> Evaluation {
    let chosen: Vec<usize> = (0..corpus.calls.len()).filter(|&n| wanted(n)).collect();
    let calls = chosen.iter().map(|&n| corpus.calls[n].clone()).collect();
    let few = Corpus { calls, clinics: corpus.clinics.clone(), ..Corpus::default() };
    let held_out: Vec<HeldOut> = chosen.iter().map(|&n| held_out[n].clone()).collect();
    let options = TrainOptions { variants: false, ..options.clone() };
    Trainer::with_labels(&few, &options, info.labels.clone()).score(&held_out, info)
}

fn tell(what: &str, e: &Evaluation) {
    println!(
        "{what}: {} calls, macro-F1 {:.3}, accuracy {:.3}, ECE {:.3}, right at 80 % coverage {:.3}, to review {:.3}, of the rest right {:.3}",
        e.calls, e.macro_f1, e.accuracy, e.ece, e.coverage[7].1, e.review_share, e.accept_accuracy
    );
}

fn classes(e: &Evaluation) {
    for c in &e.classes {
        println!(
            "    {:16} {:5} calls, precision {:.2}, recall {:.2}, F1 {:.2}",
            c.label, c.support, c.precision, c.recall, c.f1
        );
    }
}

fn reliability(bins: &[ReliabilityBin]) {
    for bin in bins.iter().filter(|b| b.count > 0) {
        println!("    said {:.2}, was right {:.2} ({} calls)", bin.confidence, bin.accuracy, bin.count);
    }
}

/// Calls with a call of another fold that shares half of its runs of three words (first five letters of each).
fn twins(corpus: &Corpus, folds: &[usize]) -> usize {
    let runs: Vec<HashSet<String>> = corpus
        .calls
        .iter()
        .map(|c| {
            let text = Text::new(&c.call.caller_text());
            let words: Vec<String> = text.words.iter().map(|w| w.text.chars().take(5).collect()).collect();
            if words.len() < 4 {
                HashSet::from([words.join(" ")])
            } else {
                words.windows(3).map(|w| w.join(" ")).collect()
            }
        })
        .collect();
    let mut having: HashMap<&str, Vec<usize>> = HashMap::new();
    for (n, runs) in runs.iter().enumerate() {
        runs.iter().for_each(|r| having.entry(r).or_default().push(n));
    }
    let twin = |n: &usize| {
        let mut shared: HashMap<usize, usize> = HashMap::new();
        for other in runs[*n].iter().flat_map(|r| &having[r.as_str()]).filter(|&&o| folds[o] != folds[*n]) {
            *shared.entry(*other).or_default() += 1;
        }
        shared.iter().any(|(o, &both)| 2 * both >= runs[*n].len() + runs[*o].len() - both)
    };
    (0..runs.len()).filter(twin).count()
}

/// Confidence across, share of right verdicts upwards: five folds as discs, unseen writers as squares.
fn picture(folds: &Evaluation, writers: &Evaluation) -> String {
    let at = |v: f32| 40.0 + 240.0 * v;
    let up = |v: f32| 280.0 - 240.0 * v;
    let mut svg = String::from(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 320 330\" font-family=\"sans-serif\" font-size=\"10\">\n\
         <title>Calibration: confidence against the share of right verdicts</title>\n\
         <rect width=\"320\" height=\"330\" fill=\"#fff\"/>\n\
         <path d=\"M40 280 280 40\" stroke=\"#999\" stroke-dasharray=\"3 3\"/>\n\
         <path d=\"M40 40V280H280\" fill=\"none\" stroke=\"#333\"/>\n",
    );
    for tenth in [0.0_f32, 0.2, 0.4, 0.6, 0.8, 1.0] {
        let _ = writeln!(svg, "<text x=\"{:.0}\" y=\"294\" text-anchor=\"middle\">{tenth:.1}</text>", at(tenth));
        let _ = writeln!(svg, "<text x=\"34\" y=\"{:.0}\" text-anchor=\"end\">{tenth:.1}</text>", up(tenth) + 3.0);
    }
    svg += "<text x=\"160\" y=\"310\" text-anchor=\"middle\">confidence said</text>\n\
            <text x=\"12\" y=\"160\" text-anchor=\"middle\" transform=\"rotate(-90 12 160)\">share right</text>\n";
    for bin in folds.reliability.iter().filter(|b| b.count >= 10) {
        let r = 2.0 + (bin.count as f32).sqrt() / 8.0;
        let _ = writeln!(
            svg,
            "<circle cx=\"{:.1}\" cy=\"{:.1}\" r=\"{r:.1}\" fill=\"#2563eb\" fill-opacity=\".7\"/>",
            at(bin.confidence),
            up(bin.accuracy)
        );
    }
    for bin in writers.reliability.iter().filter(|b| b.count >= 10) {
        let (x, y) = (at(bin.confidence) - 4.0, up(bin.accuracy) - 4.0);
        let _ = writeln!(
            svg,
            "<rect x=\"{x:.1}\" y=\"{y:.1}\" width=\"8\" height=\"8\" fill=\"none\" stroke=\"#b45309\" stroke-width=\"1.5\"/>"
        );
    }
    let _ = writeln!(
        svg,
        "<text x=\"48\" y=\"52\" fill=\"#2563eb\">discs: five folds by story, ECE {:.3}</text>\n\
         <text x=\"48\" y=\"66\" fill=\"#b45309\">squares: writers never trained on, ECE {:.3}</text>\n</svg>",
        folds.ece, writers.ece
    );
    svg
}
