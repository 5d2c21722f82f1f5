//! Spoken calls in real time, on the shared clock, with the flow that ships: what the caller hears and when, counted in
//! frames of their own line.

use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use audio::Pcm;
use call::{EndReason, TransferResult};
use lines::{Door, FRAME_SAMPLES, Pace, Received};
use session::trace::Tracer;
use session::{Hearing, People, Trace, TransferCall};
use speech::recogniser::{Listen, Transcript};
use speech::voice::{Mouth, Prompts, Voice};
use speech::{Ears, Recogniser, SpeechError};
use tempfile::TempDir;
use tokio::sync::mpsc;

use crate::support::{DAY, House, at};

/// A person's recording, from the audio room's tests.
fn recording(name: &str) -> Pcm {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../audio/tests/prompts");
    audio::wav::read(folder.join(format!("{name}.wav"))).unwrap().mono().resampled(8_000)
}

/// Says every text with the same person's voice.
struct Person;

impl Voice for Person {
    fn id(&self) -> &str {
        "person"
    }

    fn synthesise(&self, _text: &str) -> Result<Pcm, SpeechError> {
        Ok(recording("conf-getpin"))
    }
}

/// Hears these words, whatever is said.
struct Knows(&'static str);

impl Recogniser for Knows {
    fn id(&self) -> &str {
        "knows"
    }

    fn transcribe(&self, _audio: &Pcm, _listen: &Listen) -> Result<Transcript, SpeechError> {
        Ok(Transcript { text: self.0.to_owned(), confidence: 0.9, ..Transcript::default() })
    }
}

fn hearing(words: &'static str) -> (Hearing, TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let mouth = Mouth::new(vec![Arc::new(Person)], Prompts::default(), folder.path()).unwrap();
    let ears = Ears::new(Arc::new(Knows(words)), 1);
    (Hearing::new(ears, Arc::new(mouth)), folder)
}

/// What the caller's line saw, by its own frames.
#[derive(Default)]
struct Seen {
    frames: usize,
    /// The latest frame in which the robot was heard.
    sound: usize,
    flushed: Option<usize>,
}

enum Plan {
    /// So many frames after the robot was first heard, speak this.
    SpeakOver(usize, Vec<i16>),
    /// In the first frame of all, before the robot has said a word, press this.
    Press(char),
    /// So many frames after the robot was first heard, hang up.
    HangUp(usize),
}

/// A caller with a plan.
struct Caller {
    plan: Plan,
    seen: Arc<Mutex<Seen>>,
    first_sound: Option<usize>,
}

impl Door for Caller {
    fn pace(&self) -> Pace {
        Pace::RealTime
    }

    fn receive(&mut self) -> Option<Received> {
        let mut seen = self.seen.lock().unwrap();
        seen.frames += 1;
        let since = self.first_sound.map(|first| seen.frames - first);
        let mut received = Received::silence();
        match (&self.plan, since) {
            (Plan::Press(key), _) if seen.frames == 1 => received.digits.push(*key),
            (Plan::HangUp(after), Some(since)) if since >= *after => return None,
            (Plan::SpeakOver(after, voice), Some(since)) if since >= *after => {
                let said = voice.chunks(FRAME_SAMPLES).nth(since - after);
                // After their words they wait five seconds, and go.
                match said {
                    Some(said) => received.audio[..said.len()].copy_from_slice(said),
                    None if since > after + voice.len() / FRAME_SAMPLES + 250 => return None,
                    None => {}
                }
            }
            _ => {}
        }
        Some(received)
    }

    fn send(&mut self, frame: &[i16; FRAME_SAMPLES]) {
        let mut seen = self.seen.lock().unwrap();
        if frame.iter().any(|sample| sample.unsigned_abs() > 200) {
            seen.sound = seen.frames;
            self.first_sound.get_or_insert(seen.frames);
        }
    }

    fn flush(&mut self) {
        let mut seen = self.seen.lock().unwrap();
        let frames = seen.frames;
        seen.flushed.get_or_insert(frames);
    }
}

/// A caller's voice, from its first loud sample, which is that of a vowel.
fn voice() -> Vec<i16> {
    let samples = recording("vm-goodbye").samples;
    let begin = samples.iter().position(|sample| sample.unsigned_abs() > 3_000).unwrap();
    samples[begin..].to_vec()
}

fn all(mut traces: mpsc::UnboundedReceiver<Trace>) -> Vec<Trace> {
    std::iter::from_fn(|| traces.try_recv().ok()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_voice_stops_the_prompt_within_150_ms_and_is_the_answer() {
    let house = House::vet_lapa().await;
    let (hearing, folder) = hearing("подскажите, сколько стоит приём терапевта");
    let seen = Arc::<Mutex<Seen>>::default();
    // Into the first question: the greeting before it is two sentences of 1.8 s, the notice one, and both must be heard.
    let question = 3 * recording("conf-getpin").samples.len() / FRAME_SAMPLES;
    let door = Caller { plan: Plan::SpeakOver(question + 40, voice()), seen: Arc::clone(&seen), first_sound: None };
    let mut setup = at(DAY, Some("+79031234567"));
    let path = folder.path().join("call.wav");
    setup.recording = Some(path.clone());
    let (tracer, traces) = Tracer::channel();
    let held = session::spoken(&house.stage, setup, Box::new(door), hearing, tracer).await.unwrap();
    assert_eq!(held.end, EndReason::CallerHungUp, "{}", house.told(&held).await);
    let traces = all(traces);
    assert!(traces.iter().any(|trace| matches!(trace, Trace::BargeIn { .. })), "{traces:?}");
    let recorded = audio::wav::read(&path).unwrap();
    // By the recording: from the first sample of the caller to the last one of the robot before its silence.
    let begins = recorded.channels[0].iter().position(|sample| sample.unsigned_abs() > 500).unwrap();
    let quiet = recorded.channels[1][begins..].chunks(FRAME_SAMPLES).position(|frame| frame.iter().all(|s| *s == 0));
    let stopped = quiet.expect("the robot stops") * 20;
    assert!(stopped <= 150, "the prompt stopped after {stopped} ms");
    assert!(seen.lock().unwrap().flushed.is_some(), "what was sent and not heard is taken back");
    let turns = house.stage.store.turns(&held.id).await.unwrap();
    assert!(turns.iter().any(|turn| turn.text.as_str().contains("сколько стоит")), "{}", house.told(&held).await);
}

/// Lets callers wait until it is told what became of them.
#[derive(Default)]
struct Slow {
    asked: Mutex<Vec<TransferCall>>,
    given_up: Arc<AtomicUsize>,
    answers: bool,
}

struct GivenUp(Option<Arc<AtomicUsize>>);

impl Drop for GivenUp {
    fn drop(&mut self) {
        if let Some(count) = &self.0 {
            count.fetch_add(1, Ordering::SeqCst);
        }
    }
}

#[async_trait]
impl People for Slow {
    async fn transfer(&self, call: &TransferCall) -> TransferResult {
        self.asked.lock().unwrap().push(call.clone());
        let mut waiting = GivenUp(Some(Arc::clone(&self.given_up)));
        if !self.answers {
            std::future::pending::<()>().await;
        }
        waiting.0 = None;
        TransferResult::Connected
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_caller_who_is_handed_over_comes_back_with_their_line() {
    let house = House::vet_lapa().await;
    let people = Arc::new(Slow { answers: true, ..Slow::default() });
    let stage = session::Stage { people: people.clone(), ..house.stage.clone() };
    let (hearing, folder) = hearing("соедините меня с оператором");
    let seen = Arc::<Mutex<Seen>>::default();
    let door = Caller { plan: Plan::SpeakOver(20, voice()), seen: Arc::clone(&seen), first_sound: None };
    let mut setup = at(DAY, Some("+79031234567"));
    let path = folder.path().join("call.wav");
    setup.recording = Some(path.clone());
    let robot = session::robot(&stage, setup, Box::new(door), &hearing, Tracer::none()).await.unwrap();
    assert_eq!(robot.end, EndReason::Transferred);
    let handed = robot.handed_over.clone().expect("to whom");
    let held = robot.held.await.unwrap().unwrap();
    assert_eq!(held.handed_over, Some(handed.clone()));
    let asked = people.asked.lock().unwrap().clone();
    assert_eq!((asked.len(), &asked[0].to, &asked[0].summary), (1, &handed.to, &handed.summary));
    assert!(!handed.summary.is_empty());
    // The line goes on, and so does the recording.
    let (at, mut leg) = (robot.leg.at, robot.leg);
    assert!(leg.door.receive().is_some());
    leg.recording.as_mut().unwrap().push(&[7; FRAME_SAMPLES], &[8; FRAME_SAMPLES]);
    leg.hang_up().await.unwrap();
    let recorded = audio::wav::read(&path).unwrap();
    assert_eq!(u64::from(recorded.duration_ms()), at.0 + 20);
    assert_eq!(recorded.channels[1].last(), Some(&8));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_pressed_ahead_answers_the_first_question() {
    let house = House::vet_lapa().await;
    let people = Arc::new(Slow { answers: true, ..Slow::default() });
    let stage = session::Stage { people: people.clone(), ..house.stage.clone() };
    let (hearing, _folder) = hearing("");
    let door = Caller { plan: Plan::Press('0'), seen: Arc::default(), first_sound: None };
    let robot = session::robot(&stage, at(DAY, None), Box::new(door), &hearing, Tracer::none()).await.unwrap();
    assert_eq!(robot.end, EndReason::Transferred);
    assert_eq!(people.asked.lock().unwrap()[0].to, "operator");
    let held = robot.held.await.unwrap().unwrap();
    let told = house.told(&held).await;
    assert!(!told.contains("caller:"), "nobody said a word: {told}");
}

/// Takes a while, as recognition does, and remembers what it heard.
#[derive(Default)]
struct TakesTime(Mutex<Vec<Vec<i16>>>);

const HEARING_TAKES: Duration = Duration::from_millis(400);

impl Recogniser for TakesTime {
    fn id(&self) -> &str {
        "takes-time"
    }

    fn transcribe(&self, audio: &Pcm, _listen: &Listen) -> Result<Transcript, SpeechError> {
        self.0.lock().unwrap().push(audio.samples.clone());
        std::thread::sleep(HEARING_TAKES);
        Ok(Transcript {
            text: "соедините меня с оператором".to_owned(), confidence: 0.9, ..Transcript::default()
        })
    }
}

/// The pause that ends an answer to an open question is 900 ms; recognition begins 200 ms into it.
#[tokio::test(flavor = "multi_thread")]
async fn recognition_is_over_when_the_pause_is() {
    let house = House::vet_lapa().await;
    let people = Arc::new(Slow { answers: true, ..Slow::default() });
    let stage = session::Stage { people: people.clone(), ..house.stage.clone() };
    let folder = tempfile::tempdir().unwrap();
    let mouth = Mouth::new(vec![Arc::new(Person)], Prompts::default(), folder.path()).unwrap();
    let engine = Arc::new(TakesTime::default());
    let hearing = Hearing::new(Ears::new(engine.clone(), 2), Arc::new(mouth));
    // After two sentences of greeting and the question.
    let silence = 3 * recording("conf-getpin").samples.len() / FRAME_SAMPLES;
    let door = Caller { plan: Plan::SpeakOver(silence + 40, voice()), seen: Arc::default(), first_sound: None };
    let (tracer, traces) = Tracer::channel();
    let robot = session::robot(&stage, at(DAY, None), Box::new(door), &hearing, tracer).await.unwrap();
    robot.held.await.unwrap().unwrap();
    let answered = |trace: Trace| match trace {
        Trace::Answered(turn) => Some(turn.recognising_ms),
        _ => None,
    };
    let times: Vec<u64> = all(traces).into_iter().filter_map(answered).collect();
    // A frame or two for the words to arrive, and what a busy machine adds.
    assert!(times.iter().any(|ms| *ms < HEARING_TAKES.as_millis() as u64 / 2), "{times:?}");
    let heard = engine.0.lock().unwrap();
    let longest = heard.iter().map(Vec::len).max().unwrap();
    assert_eq!(heard.iter().filter(|audio| audio.len() == longest).count(), 1, "heard once, not twice");
}

#[tokio::test(flavor = "multi_thread")]
async fn people_are_not_kept_waiting_for_a_caller_who_left() {
    let house = House::vet_lapa().await;
    let people = Arc::new(Slow::default());
    let given_up = Arc::clone(&people.given_up);
    let stage = session::Stage { people: people.clone(), ..house.stage.clone() };
    let (hearing, _folder) = hearing("соедините меня с оператором");
    let door = Caller { plan: Plan::SpeakOver(20, voice()), seen: Arc::default(), first_sound: None };
    let robot = session::robot(&stage, at(DAY, None), Box::new(door), &hearing, Tracer::none()).await.unwrap();
    assert_eq!(robot.end, EndReason::CallerHungUp);
    assert_eq!(robot.handed_over, None);
    robot.held.await.unwrap().unwrap();
    assert_eq!(people.asked.lock().unwrap().len(), 1);
    assert_eq!(given_up.load(Ordering::SeqCst), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stopped_clock_closes_the_call_in_the_records() {
    let house = House::vet_lapa().await;
    let (hearing, _folder) = hearing("");
    let door = Caller { plan: Plan::HangUp(100_000), seen: Arc::default(), first_sound: None };
    let setup = at(DAY, None);
    let id = setup.id.clone();
    let (stage, pacer) = (house.stage.clone(), hearing.pacer.clone());
    let (tracer, mut traces) = Tracer::channel();
    let call = tokio::spawn(async move { session::spoken(&stage, setup, Box::new(door), hearing, tracer).await });
    // Once the robot speaks, the call is in the middle of things.
    while !matches!(traces.recv().await, Some(Trace::Robot { .. })) {}
    tokio::task::spawn_blocking(move || pacer.stop()).await.unwrap();
    assert!(matches!(call.await.unwrap(), Err(session::SessionError::Broken)));
    let record = house.stage.store.call(&id).await.unwrap();
    assert_eq!(record.end_reason.as_deref(), Some("broken"));
}
