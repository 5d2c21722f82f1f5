//! `gudok call`: one conversation with a flow, from a script or from recordings of the caller.

use std::sync::Arc;

use anyhow::{Context, Result};
use audio::Pcm;
use desk::Clinic;
use flows::host::voice::Channel;
use jiff::Zoned;
use lines::caller::Caller;
use lines::script::{Act, Line, Script};
use lines::spoken::{CallerVoice, SpokenCaller};
use lines::{LINE_RATE, Pace};
use session::trace::Tracer;
use session::{Held, Setup};
use speech::voice::Mouth;

use crate::cli::Call;
use crate::place::Place;
use crate::{clinics, stage, terminal};

pub async fn run(args: &Call, place: &Place) -> Result<()> {
    let clinic = clinics::one(&args.clinic)?;
    let stage = stage::open(&clinic, args.flow.as_deref(), place.store_of([&*clinic]).await?, place).await?;
    let script = match &args.script {
        Some(path) => Script::load(path)?,
        None => recordings(args)?,
    };
    let mut setup = setup(&clinic, &script, args)?;
    let (tracer, traces) = Tracer::channel();
    let watching = tokio::spawn(terminal::watch(traces));
    let held: Held = if args.spoken || args.script.is_none() {
        let hearing = stage::hearing(&args.speech, &clinic, place)?;
        setup.recording.clone_from(&args.record);
        let pace = if args.real_time { Pace::RealTime } else { Pace::Simulated };
        let voice = match args.script {
            Some(_) => synthetic(Arc::clone(&hearing.mouth)),
            None => recorded(),
        };
        let door = Box::new(SpokenCaller::new(&script, voice, pace));
        session::spoken(&stage, setup, door, hearing, tracer).await?
    } else {
        session::typed(&stage, setup, Caller::new(&script), tracer).await?
    };
    watching.await?;
    println!("{}", terminal::summary(&held));
    if let Some(path) = &held.recording {
        println!("  запись: {} (слева звонящий, справа робот)", path.display());
    }
    shadow_is_done(&stage.store, &held.id).await;
    expected(&script, &held)
}

/// A version that ran beside the call may still be on its last step; with the program it would be gone.
async fn shadow_is_done(store: &records::Store, call: &str) {
    for _ in 0..SHADOW_STEPS {
        match store.flow_run(call).await {
            Ok(run) if run.shadow_digest.is_some() && run.shadow_verdict.is_none() => {}
            _ => return,
        }
        tokio::time::sleep(SHADOW_STEP).await;
    }
}

const SHADOW_STEPS: u32 = 60;
const SHADOW_STEP: std::time::Duration = std::time::Duration::from_millis(50);

/// What the script says the call must end in.
pub fn expected(script: &Script, held: &Held) -> Result<()> {
    if let Some(outcome) = &script.expect.outcome {
        let found = held.outcome.map_or("nothing", |outcome| outcome.as_str());
        anyhow::ensure!(found == outcome, "{}: expected the outcome `{outcome}`, it is `{found}`", script.title);
    }
    if let Some(category) = &script.expect.category {
        let found = held.category.as_deref().unwrap_or("none");
        anyhow::ensure!(found == category, "{}: expected the category `{category}`, it is `{found}`", script.title);
    }
    Ok(())
}

fn setup(clinic: &Clinic, script: &Script, args: &Call) -> Result<Setup> {
    let started = match args.now.or(script.now) {
        Some(moment) => {
            moment.to_zoned(clinic.zone.clone()).context("this moment does not exist in the clinic's zone")?
        }
        None => Zoned::now().with_time_zone(clinic.zone.clone()),
    };
    let channel = if args.spoken || args.script.is_none() { Channel::Phone } else { Channel::Script };
    let mut setup = Setup::new(channel, started).entry_by_hours(clinic);
    if let Some(entry) = &script.scene.entry {
        setup.entry = entry.parse().map_err(|problem: String| anyhow::anyhow!("{}: {problem}", script.title))?;
    }
    setup.caller = args.caller.clone().or_else(|| script.caller.clone());
    setup.line.clone_from(&clinic.phone);
    Ok(setup)
}

/// Recordings of the caller as a script: each file is one turn.
fn recordings(args: &Call) -> Result<Script> {
    let lines = args.wav.iter().map(|file| {
        anyhow::ensure!(file.is_file(), "{}: no such recording", file.display());
        Ok(Line { when: None, act: Act::Say(file.display().to_string()), again: None })
    });
    Ok(Script { title: "recordings".into(), lines: lines.collect::<Result<_>>()?, ..Script::default() })
}

/// A caller whose lines are names of recordings.
fn recorded() -> CallerVoice {
    Box::new(|path| match audio::wav::read(path) {
        Ok(recording) => Ok(recording.mono()),
        Err(error) => {
            eprintln!("{error}");
            Err(error.to_string())
        }
    })
}

/// A caller with a synthetic voice, a little higher than the robot's.
pub fn synthetic(mouth: Arc<Mouth>) -> CallerVoice {
    Box::new(move |text| {
        let mut speech = Pcm::new(LINE_RATE, Vec::new());
        for part in mouth.speak_parts(text) {
            let sound = mouth.speak(&part).map_err(|error| error.to_string())?;
            speech.append(&sound.resampled(LINE_RATE));
        }
        Ok(speech)
    })
}
