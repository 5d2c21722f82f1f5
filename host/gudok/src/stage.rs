//! A clinic ready for calls: its flows at hand, its desk open, its voice found.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result};
use desk::{Clinic, Desk};
use flows::{Compiler, Engine, Flow, Options};
use records::Store;
use rollout::{Library, Routes, Switchboard};
use session::{ClinicLines, Hearing, Stage, meaning::Meaning, tagging::Tagger};
use speech::voice::{self, Mouth, VoiceChoice};

use crate::cli::Speech;
use crate::commands::transcribe::ears;
use crate::flow::find;
use crate::place::Place;
use crate::{in_use, progress};

/// Flows are compiled by another run of this program, which has bounds and a low priority.
pub fn compiler() -> Compiler {
    Compiler::this_program(["compile-flow"])
}

/// The flow that answers where nothing was deployed.
pub const SHIPPED: &str = "vet-desk";

/// Everything that calls of a clinic share. Calls get this flow, or without one what is deployed.
pub async fn open(clinic: &Arc<Clinic>, flow: Option<&str>, store: Store, place: &Place) -> Result<Stage> {
    let engine = engine(place)?;
    let flows = match flow {
        Some(name) => Switchboard::fixed_with(version(name, &engine, &store, place).await?, store.clone()),
        None => {
            let library = library(&engine, &store, place)?;
            let routed = store.flow_routes().await?.1.iter().any(|route| route.clinic == clinic.id);
            let shipped = if routed { None } else { Some(version(SHIPPED, &engine, &store, place).await?) };
            Switchboard::open(Routes::new(library), shipped).await?
        }
    };
    let desk = Arc::new(Desk::new(Arc::clone(clinic), store.clone()));
    Ok(of(desk, engine, flows, store, in_use::tagger(place)?))
}

/// The same for a clinic whose flows are at hand already.
pub fn of(desk: Arc<Desk>, engine: Engine, flows: Arc<Switchboard>, store: Store, classifier: Arc<Tagger>) -> Stage {
    Stage {
        engine,
        flows,
        meaning: Arc::new(Meaning::new(desk.clinic()).comparing(classifier.classifier().meaning())),
        desk,
        classifier,
        store,
        people: Arc::new(ClinicLines),
    }
}

/// The engine of a command: it has the machine for itself and compiles on all cores.
pub fn engine(place: &Place) -> Result<Engine> {
    let options = Options {
        cache_dir: Some(place.cache.join("flows")),
        parallel_compilation: true,
        compiler: compiler(),
        ..Options::default()
    };
    Ok(Engine::with_options(options)?)
}

/// The engine of a server: room for so many calls, and compiling leaves the cores to them.
pub fn serving_engine(place: &Place, calls: u32) -> Result<Engine> {
    let usual = Options::default();
    let options = Options {
        cache_dir: Some(place.cache.join("flows")),
        compiler: compiler(),
        // Shadows and calls whose flow has yet to end need room of their own.
        max_calls: usual.max_calls.max(calls + calls / 4),
        ..usual
    };
    Ok(Engine::with_options(options)?)
}

/// The library in the home folder.
pub fn library(engine: &Engine, store: &Store, place: &Place) -> Result<Library> {
    Ok(Library::open(place.home.join("flows"), store.clone(), engine.clone())?)
}

/// A version: a file, the name of a flow that was built here, or one of the library.
pub async fn version(name: &str, engine: &Engine, store: &Store, place: &Place) -> Result<Arc<Flow>> {
    let no_file = match find::flow(name, &place.home) {
        Ok(path) => {
            let wasm = crate::flow::read(&path)?;
            let name = path.file_stem().map_or_else(|| name.to_owned(), |name| name.to_string_lossy().into_owned());
            return Ok(progress::while_waiting("компилируется", &name, engine.compile_async(&name, &wasm)).await?);
        }
        Err(error) => error,
    };
    let library = library(engine, store, place)?;
    let found = match library.show(name).await {
        Ok(found) => found,
        // Whoever has no library meant a file.
        Err(_) if library.list().await?.is_empty() => return Err(no_file),
        Err(error) => return Err(error.into()),
    };
    library.load(&found.digest).await.with_context(|| format!("{name}: cannot be loaded from the library"))
}

/// Ears and mouth as the command line asks for them.
pub fn hearing(speech: &Speech, clinic: &Clinic, place: &Place) -> Result<Hearing> {
    Ok(Hearing::new(ears(speech.engine, place)?, mouth(&speech.voice, clinic.prompts.as_deref(), place)?))
}

/// A voice by its name on the command line.
pub fn mouth(name: &str, prompts: Option<&Path>, place: &Place) -> Result<Arc<Mouth>> {
    let engine = match name {
        "auto" => voice::Engine::Auto,
        "festival" => voice::Engine::Festival,
        "espeak" | "espeak-ng" => voice::Engine::Espeak,
        command => voice::Engine::Command(command.to_owned()),
    };
    let choice = VoiceChoice { engine, prompts_dir: prompts.map(Path::to_owned), cache_dir: place.cache.join("voice") };
    Ok(voice::open(&choice)?)
}
