//! `gudok flow walk`: a flow explored by itself, as a tree with findings.

use std::collections::BTreeSet;
use std::io::{IsTerminal, Write};
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context, Result, ensure};
use clap::Args;
use lines::script::{Scene, Script};
use rehearsal::walk::{Bounds, Leads, Node, Phrase, walk};
use rehearsal::{Case, House};

use super::test::{SAMPLE, load, question_ids};
use crate::clinics;
use crate::flow::find;
use crate::place::Place;
use crate::terminal::Paint;

#[derive(Debug, Args)]
pub struct Walk {
    /// A .wasm file, or the name of a flow that was built
    pub flow: String,
    /// The clinic that is called
    #[arg(long, value_name = "CLINIC", default_value = SAMPLE)]
    pub clinic: String,
    /// Answers in one path
    #[arg(long, value_name = "N", default_value_t = 6, value_parser = clap::value_parser!(u8).range(1..=20))]
    pub depth: u8,
    /// Paths in all
    #[arg(long, value_name = "N", default_value_t = 2_000, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub paths: u32,
    /// More answers to try, one a line: «текст», or «question-id: текст»
    #[arg(long, value_name = "FILE")]
    pub answers: Option<PathBuf>,
    /// The number the line shows; `hidden` for none
    #[arg(long, value_name = "NUMBER", default_value = "+79031234567")]
    pub caller: String,
    /// The entry of the clinic that leads to the flow
    #[arg(long, value_name = "ENTRY", default_value = "day")]
    pub entry: String,
}

pub async fn run(args: &Walk, place: &Place) -> Result<()> {
    let path = find::flow(&args.flow, &place.home)?;
    let house = House::new(clinics::one(&args.clinic)?);
    let phrases = match &args.answers {
        Some(file) => {
            let text = std::fs::read_to_string(file).with_context(|| format!("{}: cannot be read", file.display()))?;
            text.lines().filter_map(Phrase::of_line).collect()
        }
        None => Vec::new(),
    };
    let script = Script {
        title: "walk".into(),
        caller: (args.caller != "hidden").then(|| args.caller.clone()),
        scene: Scene { entry: Some(args.entry.clone()), ..Scene::default() },
        ..Script::default()
    };
    let case = Case { file: "walk".into(), script: Arc::new(script), house, seed: 1 };
    let bounds = Bounds { depth: usize::from(args.depth), paths: args.paths as usize, phrases };
    let (engine, flow) = load(&path, place)?;
    let terminal = std::io::stderr().is_terminal();
    let progress = |paths: usize| {
        if terminal && paths.is_multiple_of(50) {
            eprint!("\r    {paths} paths ");
            std::io::stderr().flush().ok();
        }
    };
    let found = walk(&engine, &flow, &case, &bounds, progress).await?;
    if terminal {
        eprint!("\r\x1b[K");
    }
    let paint = Paint::stdout();
    match &found.root {
        Some(root) => tree(&paint, root, 1),
        None => println!("  the flow asks nothing"),
    }
    println!();
    let more = if found.cut { " (there are more: --paths)" } else { "" };
    println!("  {} paths{more}, {} questions", found.paths, found.questions.len());
    if !found.unused.is_empty() {
        println!("  {} {}", paint.yellow("host functions imported and never used:"), found.unused.join(", "));
    }
    let in_tests = question_ids(&path);
    let missed: BTreeSet<_> = in_tests.difference(&found.questions).map(String::as_str).collect();
    if !missed.is_empty() {
        let missed: Vec<&str> = missed.into_iter().collect();
        println!(
            "  {} {}",
            paint.yellow("questions that the flow's tests know and the walk did not reach:"),
            missed.join(", ")
        );
    }
    for finding in &found.findings {
        println!("  {} {}: {}", paint.yellow("✗"), paint.bold(finding.kind.as_str()), finding.what);
        for (question, answer) in &finding.path {
            println!("      {question} → {answer}");
        }
    }
    ensure!(found.findings.is_empty(), "{} finding(s)", found.findings.len());
    println!("  {} nobody is left without an end", paint.green("✓"));
    Ok(())
}

fn tree(paint: &Paint, node: &Node, depth: usize) {
    let indent = "    ".repeat(depth);
    let mut text: String = node.text.chars().take(60).collect();
    if text.len() < node.text.len() {
        text.push('…');
    }
    println!("{}{}  {}", "    ".repeat(depth - 1), paint.cyan(&format!("? {}", node.id)), paint.dim(&text));
    if node.branches.is_empty() {
        println!("{indent}{}", paint.dim("… (as deep as this walk goes)"));
    }
    for (answers, leads) in &node.branches {
        let answers = answers.join(" ");
        match leads {
            Leads::Question(next) => {
                println!("{indent}{answers}");
                tree(paint, next, depth + 1);
            }
            Leads::Known(id) => println!("{indent}{answers} → {id}"),
            Leads::End(how) => println!("{indent}{answers} → {}", paint.bold(how)),
        }
    }
}
