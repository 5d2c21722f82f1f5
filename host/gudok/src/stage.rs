//! A clinic ready for calls: its flow compiled, its desk open, its voice found.

use std::path::Path;
use std::sync::Arc;

use anyhow::Result;
use desk::{Clinic, Desk};
use flows::Options;
use records::Store;
use session::{Hearing, Stage, meaning::Meaning};
use speech::voice::{self, Mouth, VoiceChoice};
use understanding::category::Classifier;

use crate::cli::Speech;
use crate::commands::transcribe::ears;
use crate::flow::find;
use crate::place::Place;

/// Everything that calls of a clinic share.
pub fn open(clinic: &Arc<Clinic>, flow: &str, store: Store, place: &Place) -> Result<Stage> {
    let engine = flows::Engine::with_options(Options {
        cache_dir: Some(place.cache.join("flows")),
        parallel_compilation: true,
        ..Options::default()
    })?;
    let path = find::flow(flow, &place.home)?;
    let wasm = crate::flow::read(&path)?;
    let name = path.file_stem().map_or_else(|| flow.to_owned(), |name| name.to_string_lossy().into_owned());
    let flow = engine.compile(&name, &wasm)?;
    Ok(Stage {
        engine,
        flow,
        desk: Arc::new(Desk::new(Arc::clone(clinic), store.clone())),
        meaning: Arc::new(Meaning::new(clinic)),
        classifier: Arc::new(Classifier::embedded().clone()),
        store,
    })
}

/// Ears and mouth as the command line asks for them.
pub fn hearing(speech: &Speech, clinic: &Clinic, place: &Place) -> Result<Hearing> {
    Ok(Hearing { ears: ears(speech.engine, place)?, mouth: mouth(&speech.voice, clinic.prompts.as_deref(), place)? })
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
