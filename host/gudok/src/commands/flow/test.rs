//! `gudok flow test`: scripted conversations with a flow, in virtual time, and what they reached of it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use clap::Args;
use desk::Clinic;
use flows::{Engine, Flow, Options};
use lines::script::Script;
use rehearsal::words::{Told, told};
use rehearsal::{Case, Conversation, Coverage, House, RehearsalError};
use serde_json::json;

use crate::cli::Format;
use crate::clinics;
use crate::flow::find;
use crate::place::Place;
use crate::progress::Progress;
use crate::terminal::{Paint, clock};

/// The clinic of a project that brings none.
pub const SAMPLE: &str = "vet_lapa";

#[derive(Debug, Args)]
pub struct Test {
    /// A .wasm file, or the name of a flow that was built
    pub flow: String,
    /// Scripts (.toml); without them, all in `tests` beside the flow or in this folder
    pub scripts: Vec<PathBuf>,
    /// A folder of scripts
    #[arg(long = "scripts", value_name = "DIR", conflicts_with = "scripts")]
    pub scripts_in: Option<PathBuf>,
    /// The clinic, for every script; without it, the script's own, `clinic.toml` beside the scripts, or the sample
    #[arg(long, value_name = "CLINIC")]
    pub clinic: Option<String>,
    /// Play each script so many times, each time with another seed
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..=1_000_000))]
    pub repeat: u64,
    /// The first seed: of the flow's randomness and of the recogniser's errors
    #[arg(long, value_name = "S", default_value_t = 1)]
    pub seed: u64,
    /// Share of the caller's words that come out wrong, 0 to 1; at least this in every script
    #[arg(long, value_name = "R", default_value_t = 0.0)]
    pub noise: f64,
    /// Print every conversation as it was said
    #[arg(long, short)]
    pub verbose: bool,
    /// Write each conversation's journal into this folder
    #[arg(long, value_name = "DIR")]
    pub journal: Option<PathBuf>,
    /// How to print
    #[arg(long, value_enum, default_value = "table")]
    pub format: Format,
}

pub async fn run(args: &Test, place: &Place) -> Result<()> {
    ensure!((0.0..=1.0).contains(&args.noise), "--noise {} is not a share between 0 and 1", args.noise);
    let path = find::flow(&args.flow, &place.home)?;
    let files = scripts(args, &path)?;
    let mut houses = Houses::new(args.clinic.as_deref());
    let mut scripts = Vec::new();
    for file in &files {
        scripts.push(houses.read(file, args.noise)?);
    }
    let (engine, flow) = load(&path, place)?;
    let cases: Vec<Case> = scripts
        .into_iter()
        .flat_map(|case| (0..args.repeat).map(move |turn| Case { seed: args.seed + turn, ..case.clone() }))
        .collect();
    let began = Instant::now();
    let mut progress = Progress::new("conversations", cases.len());
    let played = rehearsal::play_all(&engine, &flow, &cases, at_once(), |_| progress.step()).await?;
    progress.done();
    let took = began.elapsed();
    if let Some(folder) = &args.journal {
        journals(folder, &played, args.repeat > 1)?;
    }
    let coverage = Coverage::of(&flow, &played);
    match args.format {
        Format::Table => table(args, &played, &coverage, took),
        Format::Json | Format::Csv => programs(&played, &coverage, took)?,
    }
    let failed = played.iter().filter(|conversation| !conversation.passed()).count();
    ensure!(failed == 0, "{failed} of {} conversations did not go as their scripts expect", played.len());
    Ok(())
}

/// Ids of questions that the scripts beside a flow name.
pub fn question_ids(flow: &Path) -> BTreeSet<String> {
    let files = places(flow).into_iter().filter_map(|dir| folder(&dir).ok()).find(|files| !files.is_empty());
    let scripts = files.into_iter().flatten().filter_map(|file| Script::load(&file).ok());
    scripts.flat_map(|script| script.lines.into_iter().filter_map(|line| line.when)).collect()
}

/// The flow, compiled or from the cache, on an engine for rehearsals.
pub fn load(path: &Path, place: &Place) -> Result<(Engine, Arc<Flow>)> {
    let engine = Engine::with_options(Options {
        cache_dir: Some(place.cache.join("flows")),
        parallel_compilation: true,
        max_calls: at_once() as u32 + 8,
        ..Options::default()
    })?;
    let wasm = crate::flow::read(path)?;
    let name = path.file_stem().map_or_else(|| "flow".into(), |name| name.to_string_lossy().into_owned());
    let flow = engine.compile(&name, &wasm)?;
    Ok((engine, flow))
}

/// Conversations side by side: enough to keep the cores busy while results are gathered.
fn at_once() -> usize {
    std::thread::available_parallelism().map_or(4, |cores| cores.get() * 2)
}

/// Scripts named, or those of a folder, or those beside the flow.
fn scripts(args: &Test, flow: &Path) -> Result<Vec<PathBuf>> {
    if !args.scripts.is_empty() {
        let mut files = Vec::new();
        for path in &args.scripts {
            if path.is_dir() { files.extend(folder(path)?) } else { files.push(path.clone()) }
        }
        return Ok(files);
    }
    let folders = match &args.scripts_in {
        Some(dir) => vec![dir.clone()],
        None => places(flow),
    };
    for dir in folders.iter().filter(|dir| dir.is_dir()) {
        let files = folder(dir)?;
        if !files.is_empty() {
            return Ok(files);
        }
    }
    let looked: Vec<String> = folders.iter().map(|dir| dir.display().to_string()).collect();
    anyhow::bail!("no scripts: no .toml file in {}. Write one, or name a folder with --scripts", looked.join(", "))
}

/// `tests` beside the flow, in the folders above it, in this folder.
fn places(flow: &Path) -> Vec<PathBuf> {
    let full = flow.canonicalize().unwrap_or_else(|_| flow.to_owned());
    let mut places: Vec<PathBuf> = full.ancestors().skip(1).take(4).map(|dir| dir.join("tests")).collect();
    places.push(PathBuf::from("tests"));
    places
}

fn folder(dir: &Path) -> Result<Vec<PathBuf>> {
    let entries = std::fs::read_dir(dir).with_context(|| format!("{}: cannot be read", dir.display()))?;
    let mut files: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    files.retain(|file| file.extension().is_some_and(|ending| ending == "toml"));
    files.sort();
    Ok(files)
}

/// Clinics of scripts, each made ready once.
struct Houses<'a> {
    for_all: Option<&'a str>,
    known: BTreeMap<String, Arc<House>>,
}

impl<'a> Houses<'a> {
    fn new(for_all: Option<&'a str>) -> Houses<'a> {
        Houses { for_all, known: BTreeMap::new() }
    }

    /// A script with its clinic, its names checked.
    fn read(&mut self, file: &Path, noise: f64) -> Result<Case> {
        let name = file.display().to_string();
        let mut script = Script::load(file)?;
        script.scene.noise = script.scene.noise.max(noise);
        let house = self.of(&script, file)?;
        let text = std::fs::read_to_string(file).with_context(|| format!("{name}: cannot be read"))?;
        rehearsal::expect::check_names(&script, &house, &name, &text)?;
        Ok(Case { file: name, script: Arc::new(script), house, seed: 0 })
    }

    fn of(&mut self, script: &Script, file: &Path) -> Result<Arc<House>> {
        if let (None, Some(text)) = (self.for_all, &script.own_clinic) {
            let path = file.display().to_string();
            let clinic = Clinic::parse(text, "[clinic]").map_err(|source| RehearsalError::Clinic { path, source })?;
            return Ok(House::new(Arc::new(clinic)));
        }
        let name = match (self.for_all, &script.clinic) {
            (Some(name), _) => name.to_owned(),
            (None, Some(name)) => beside(file, name),
            (None, None) => of_project(file),
        };
        if let Some(house) = self.known.get(&name) {
            return Ok(Arc::clone(house));
        }
        let clinic = clinics::one(&name).with_context(|| format!("{}: its clinic", file.display()))?;
        let house = House::new(clinic);
        self.known.insert(name, Arc::clone(&house));
        Ok(house)
    }
}

/// A clinic file named in a script is looked for from the script's own folder.
fn beside(script: &Path, name: &str) -> String {
    let path = script.parent().unwrap_or(Path::new("")).join(name);
    if path.is_file() { path.display().to_string() } else { name.to_owned() }
}

/// `clinic.toml` in the folder of the scripts or in the one above it, else the sample.
fn of_project(script: &Path) -> String {
    let full = script.canonicalize().unwrap_or_else(|_| script.to_owned());
    let mut files = full.ancestors().skip(1).take(2).map(|dir| dir.join("clinic.toml"));
    files.find(|file| file.is_file()).map_or_else(|| SAMPLE.to_owned(), |file| file.display().to_string())
}

fn journals(folder: &Path, played: &[Conversation], numbered: bool) -> Result<()> {
    std::fs::create_dir_all(folder).with_context(|| format!("{}: cannot be made", folder.display()))?;
    for conversation in played {
        let stem = Path::new(&conversation.file).file_stem().unwrap_or_default().to_string_lossy();
        let number = if numbered { format!("-{}", conversation.seed) } else { String::new() };
        let file = folder.join(format!("{stem}{number}.jsonl"));
        let text = conversation.journal.to_text();
        std::fs::write(&file, text).with_context(|| format!("{}: cannot be written", file.display()))?;
    }
    Ok(())
}

fn table(args: &Test, played: &[Conversation], coverage: &Coverage, took: Duration) {
    let paint = Paint::stdout();
    for repeats in played.chunk_by(|a, b| a.file == b.file) {
        let failed: Vec<&Conversation> = repeats.iter().filter(|conversation| !conversation.passed()).collect();
        // Of many repeats the first failure stands for the others.
        let shown = failed.first().copied().or(repeats.first());
        let Some(shown) = shown else { continue };
        let mark = if failed.is_empty() { paint.green("✓") } else { paint.yellow("✗") };
        let count = match repeats.len() {
            1 => String::new(),
            all => format!("  {} of {all}", all - failed.len()),
        };
        let length = clock(call::Millis(shown.length_ms()));
        let line = format!("{} turns · {length}{count}", shown.turns());
        println!("  {mark} {}  {}", shown.title, paint.dim(&line));
        if args.verbose || !failed.is_empty() {
            conversation(&paint, shown, repeats.len() > 1);
        }
    }
    let ids: Vec<&str> = coverage.questions.keys().map(String::as_str).collect();
    println!();
    println!("  questions reached: {} ({})", ids.len(), ids.join(", "));
    println!("  texts said: {} · host functions used: {}", coverage.said.len(), coverage.functions.len());
    if !coverage.unused.is_empty() {
        println!("  {} {}", paint.yellow("imported and never used:"), coverage.unused.join(", "));
    }
    let seconds = took.as_secs_f64();
    let rate = played.len() as f64 / seconds.max(1e-6);
    let failed = played.iter().filter(|conversation| !conversation.passed()).count();
    let failed = if failed == 0 { String::new() } else { format!(", {failed} failed") };
    println!("  {} conversations in {seconds:.2} s ({rate:.0} per second){failed}", played.len());
}

/// The conversation as it was said, and what is wrong with it.
fn conversation(paint: &Paint, shown: &Conversation, seeded: bool) {
    println!("      {}", paint.dim(&shown.file));
    if seeded {
        println!("      {}", paint.dim(&format!("seed {}", shown.seed)));
    }
    for entry in &shown.journal.entries {
        for told in told(entry) {
            match told {
                Told::Robot(text) => println!("      {} {text}", paint.cyan("робот   ")),
                Told::Caller(text) => println!("      {} {text}", paint.green("звонящий")),
                Told::Did(text) => println!("               {}", paint.bold(&format!("✓ {text}"))),
                Told::Saw(text) => println!("               {}", paint.dim(&text)),
            }
        }
    }
    for failure in &shown.failures {
        println!("      {}", paint.yellow(&format!("✗ {failure}")));
    }
    let output = shown.report.output.trim();
    if !output.is_empty() && !shown.passed() {
        println!("      {}", paint.dim("the flow printed:"));
        output.lines().for_each(|line| println!("        {line}"));
    }
}

fn programs(played: &[Conversation], coverage: &Coverage, took: Duration) -> Result<()> {
    let conversation = |found: &Conversation| {
        json!({
            "file": found.file, "title": found.title, "seed": found.seed, "passed": found.passed(),
            "turns": found.turns(), "length_ms": found.length_ms(), "failures": found.failures,
            "end": found.report.end, "cpu_ms": found.report.cpu_ms, "memory_bytes": found.report.memory_bytes,
        })
    };
    let all: Vec<_> = played.iter().map(conversation).collect();
    let passed = played.iter().filter(|conversation| conversation.passed()).count();
    let whole = json!({
        "conversations": all, "passed": passed, "failed": played.len() - passed,
        "seconds": took.as_secs_f64(), "coverage": coverage,
    });
    println!("{}", serde_json::to_string_pretty(&whole)?);
    Ok(())
}
