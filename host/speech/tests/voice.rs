//! The mouth, with voices made for the test and, where they are installed, with festival and espeak-ng.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use audio::{Pcm, mix};
use speech::SpeechError;
use speech::spoken::read_aloud;
use speech::voice::{CommandVoice, Festival, Mouth, Prompts, Voice};

/// A voice that hums, one hum a letter, and counts how often it is asked.
struct Humming {
    id: &'static str,
    asked: AtomicUsize,
    broken: bool,
}

impl Humming {
    fn new(id: &'static str, broken: bool) -> Arc<Humming> {
        Arc::new(Humming { id, asked: AtomicUsize::new(0), broken })
    }
}

impl Voice for Humming {
    fn id(&self) -> &str {
        self.id
    }

    fn synthesise(&self, text: &str) -> Result<Pcm, SpeechError> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        assert!(!text.chars().any(|c| c.is_ascii_digit()), "an engine got a figure");
        if self.broken {
            return Err(SpeechError::VoiceFailed { engine: self.id.into(), reason: "no breath".into() });
        }
        let samples = (0..text.chars().count() * 800).map(|i| ((i % 40) as i16 - 20) * 300).collect();
        Ok(Pcm::new(16_000, samples))
    }
}

fn mouth(voices: &[&Arc<Humming>], dir: &std::path::Path) -> Mouth {
    let voices = voices.iter().map(|v| Arc::clone(v) as Arc<dyn Voice>).collect();
    Mouth::new(voices, Prompts::default(), dir).expect("the folder can be made")
}

#[test]
fn a_text_is_synthesised_once_in_all_runs() {
    let dir = tempfile::tempdir().expect("a folder");
    let voice = Humming::new("one", false);
    let first = mouth(&[&voice], dir.path()).speak("Приём в 9:00").expect("said");
    assert_eq!(first.rate, 8_000);
    assert_eq!(mouth(&[&voice], dir.path()).speak("Приём в девять часов").expect("said"), first);
    assert_eq!(voice.asked.load(Ordering::SeqCst), 1);
}

#[test]
fn many_callers_of_one_text_wait_for_one_synthesis() {
    let dir = tempfile::tempdir().expect("a folder");
    let voice = Humming::new("one", false);
    let mouth = mouth(&[&voice], dir.path());
    std::thread::scope(|scope| {
        for _ in 0..16 {
            scope.spawn(|| mouth.speak("Здравствуйте, слушаю вас").expect("said"));
        }
    });
    assert_eq!(voice.asked.load(Ordering::SeqCst), 1);
}

#[test]
fn the_next_engine_speaks_when_one_fails_and_the_failing_one_rests() {
    let dir = tempfile::tempdir().expect("a folder");
    let (broken, good) = (Humming::new("broken", true), Humming::new("good", false));
    let mouth = mouth(&[&broken, &good], dir.path());
    for text in ["Раз", "Два", "Три", "Четыре"] {
        assert!(mouth.speak(text).expect("said").duration_ms() > 0);
    }
    assert_eq!(broken.asked.load(Ordering::SeqCst), 2);
    assert_eq!(good.asked.load(Ordering::SeqCst), 4);
}

#[test]
fn when_every_engine_fails_the_error_says_so() {
    let dir = tempfile::tempdir().expect("a folder");
    let broken = Humming::new("broken", true);
    let error = mouth(&[&broken], dir.path()).speak("Раз").expect_err("nobody speaks").to_string();
    assert!(error.contains("no breath"), "{error}");
    let error = mouth(&[], dir.path()).speak("Раз").expect_err("nobody is there").to_string();
    assert!(error.contains("apt-get install festival"), "{error}");
}

#[test]
fn a_recording_goes_before_any_voice() {
    let dir = tempfile::tempdir().expect("a folder");
    let tone: Vec<i16> = (0..8000).map(|i| ((i % 20) * 500) as i16).collect();
    audio::wav::write(dir.path().join("bye.wav"), 8_000, &[&tone]).expect("written");
    let index = "[[prompt]]\nid = \"goodbye\"\nfile = \"bye.wav\"\ntext = \"До свидания! Ждём вас в 9:00.\"\n";
    std::fs::write(dir.path().join("prompts.toml"), index).expect("written");
    let voice = Humming::new("one", false);
    let prompts = Prompts::open(dir.path()).expect("a good folder");
    let mouth = Mouth::new(vec![voice.clone()], prompts, &dir.path().join("cache")).expect("opens");
    let said = mouth.speak("До свидания! Ждём вас в 9:00.").expect("recorded");
    assert_eq!(Some(said), mouth.prompt("goodbye"));
    assert_eq!(voice.asked.load(Ordering::SeqCst), 0);
}

#[test]
fn parts_are_what_the_whole_is_made_of() {
    let dir = tempfile::tempdir().expect("a folder");
    let voice = Humming::new("one", false);
    let mouth = mouth(&[&voice], dir.path());
    let text = "Здравствуйте! Есть время в 10:00. Записать?";
    let parts = mouth.speak_parts(text);
    assert_eq!(parts, ["Здравствуйте!", "Есть время в десять часов.", "Записать?"]);
    let apart: u32 = parts.iter().map(|part| mouth.speak(part).expect("said").duration_ms()).sum();
    let whole = mouth.speak(text).expect("said").duration_ms();
    assert!(whole > apart && whole < apart + 1000, "{whole} ms of {apart} ms");
    assert_eq!(voice.asked.load(Ordering::SeqCst), 3);
    assert!(mouth.speak(" … ").expect("nothing to say").samples.is_empty());
}

/// festival, or a line on stderr why the test is skipped.
fn festival() -> Option<Festival> {
    match Festival::open() {
        Ok(festival) => Some(festival),
        Err(missing @ SpeechError::VoiceMissing { .. }) => {
            eprintln!("skipped: {missing}");
            None
        }
        Err(other) => panic!("festival is installed and does not open: {other}"),
    }
}

#[test]
fn festival_says_every_line_of_the_golden_table() {
    let Some(festival) = festival() else { return };
    let mut milliseconds = 0;
    let mut letters = 0;
    for line in include_str!("data/read_aloud.tsv").lines().filter(|l| !l.starts_with('#') && !l.is_empty()) {
        let said = line.split_once('\t').expect("a tab").1;
        let sound = festival.synthesise(said).unwrap_or_else(|error| panic!("{said}: {error}"));
        let spoken = said.chars().filter(|c| c.is_alphabetic()).count() as u32;
        let length = sound.duration_ms();
        // People say 10–20 letters a second; a word that was left out would make it too short.
        assert!(length >= 30 * spoken && length <= 3000 + 200 * spoken, "{said}: {length} ms");
        assert!(mix::rms_dbfs(&sound.samples) > -40.0, "{said}: too quiet");
        milliseconds += length;
        letters += spoken;
    }
    eprintln!("festival: {} ms a letter over {letters} letters", milliseconds / letters);
}

#[test]
fn festival_takes_code_for_text() {
    let Some(festival) = festival() else { return };
    let proof = std::env::temp_dir().join(format!("gudok-injection-{}", std::process::id()));
    for text in [
        format!("привет\") (system \"touch {}\") (print \"", proof.display()),
        format!("$(touch {0}) `touch {0}` ; touch {0}", proof.display()),
        "(quit) (exit 1) \\ \" \" ' ' #t".to_owned(),
    ] {
        // Some of it has letters to say, some has none; both are fine, and the process lives.
        let _ = festival.synthesise(&text).expect("letters are said, signs are not");
    }
    assert!(!proof.exists(), "text was run as code");
    assert!(festival.synthesise("Всё хорошо").expect("still alive").duration_ms() > 300);
}

#[test]
fn espeak_says_a_sentence() {
    let espeak = match CommandVoice::espeak() {
        Ok(espeak) => espeak,
        Err(missing) => return eprintln!("skipped: {missing}"),
    };
    let sound = espeak.synthesise(&read_aloud("Приём 24 ноября в 16:30")).expect("installed");
    assert_eq!(sound.rate, 22_050);
    assert!((1500..8000).contains(&sound.duration_ms()), "{} ms", sound.duration_ms());
}
