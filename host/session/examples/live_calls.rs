//! What a live call costs, and how soon a key is answered: many calls at once on the shared clock, each with a prompt
//! playing, voice activity, a stereo recording and a flow of its own.
//!
//! ```text
//! cargo build --workspace --example live_calls
//! target/debug/examples/live_calls CALLS SECONDS [talk] [no-recording]
//! ```
//!
//! The flow is `guest-flows/target/components/rust-menu.wasm` (`make flows`). Callers press keys at any moment; in `talk`
//! there is also a voice in the background of every line, so that voice activity is computed at every frame. Latency is from the key's own
//! moment to the first sample of the next prompt, both on the machine's clock. CPU is by thread, from `/proc`.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a measurement: whatever goes wrong ends it")]

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use audio::Pcm;
use flows::host::voice::Channel;
use flows::{Engine, Limits, Options};
use lines::{Door, FRAME_SAMPLES, Pace, Received};
use records::Store;
use rollout::Switchboard;
use session::meaning::Meaning;
use session::tagging::Tagger;
use session::trace::Tracer;
use session::{ClinicLines, Hearing, Setup, Stage};
use speech::recogniser::{Listen, Transcript};
use speech::voice::{Mouth, Prompts, Voice};
use speech::{Ears, Recogniser, SpeechError};

/// A person's recording for every text.
struct Person(Pcm);

impl Voice for Person {
    fn id(&self) -> &str {
        "person"
    }

    fn synthesise(&self, _text: &str) -> Result<Pcm, SpeechError> {
        Ok(self.0.clone())
    }
}

struct Deaf;

impl Recogniser for Deaf {
    fn id(&self) -> &str {
        "deaf"
    }

    fn transcribe(&self, _audio: &Pcm, _listen: &Listen) -> Result<Transcript, SpeechError> {
        Ok(Transcript::default())
    }
}

/// Key to first sample, microseconds.
type Latencies = Arc<Mutex<Vec<u64>>>;

/// Presses `1` two to five seconds after a prompt began, and waits for the next.
struct Presser {
    random: u64,
    talks: Option<Arc<Vec<i16>>>,
    frames: usize,
    /// When the next key comes, on the machine's clock; none while an answer is waited for.
    key_at: Option<Instant>,
    pressed: Option<Instant>,
    /// The old prompt has stopped.
    hushed: bool,
    latencies: Latencies,
}

impl Presser {
    fn random(&mut self, most: u64) -> u64 {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        self.random % most
    }
}

impl Door for Presser {
    fn pace(&self) -> Pace {
        Pace::RealTime
    }

    fn receive(&mut self) -> Option<Received> {
        let mut received = Received::silence();
        for sample in &mut received.audio {
            self.random ^= self.random << 13;
            self.random ^= self.random >> 7;
            self.random ^= self.random << 17;
            *sample = (self.random % 25) as i16 - 12;
        }
        if let Some(voice) = &self.talks {
            // Too faint to be taken for speech beside the prompt, too loud to be taken for silence.
            let from = self.frames * FRAME_SAMPLES % (voice.len() - FRAME_SAMPLES);
            for (out, sample) in received.audio.iter_mut().zip(&voice[from..]) {
                *out += sample / 12;
            }
        }
        self.frames += 1;
        if let Some(at) = self.key_at.take_if(|at| *at <= Instant::now()) {
            received.digits.push('1');
            self.pressed = Some(at);
            self.hushed = false;
        }
        Some(received)
    }

    fn send(&mut self, frame: &[i16; FRAME_SAMPLES]) {
        let sounds = frame.iter().any(|sample| *sample != 0);
        match self.pressed {
            Some(at) if sounds && self.hushed => {
                let took = u64::try_from(at.elapsed().as_micros()).unwrap();
                self.latencies.lock().unwrap().push(took);
                self.pressed = None;
            }
            Some(_) if !sounds => self.hushed = true,
            Some(_) => {}
            None if sounds && self.key_at.is_none() => {
                let wait = 2_000_000 + self.random(3_000_000);
                self.key_at = Some(Instant::now() + Duration::from_micros(wait));
            }
            None => {}
        }
    }
}

/// CPU time by the name of the thread, numbers cut off, milliseconds.
fn cpu() -> BTreeMap<String, u64> {
    let mut by_name = BTreeMap::new();
    for task in std::fs::read_dir("/proc/self/task").unwrap().flatten() {
        let Ok(stat) = std::fs::read_to_string(task.path().join("schedstat")) else { continue };
        let name = std::fs::read_to_string(task.path().join("comm")).unwrap_or_default();
        let name = name.trim().trim_end_matches(|c: char| c.is_ascii_digit() || c == '-').to_owned();
        let ns: u64 = stat.split(' ').next().unwrap().parse().unwrap();
        *by_name.entry(name).or_default() += ns;
    }
    by_name
}

#[tokio::main]
async fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let number = |at: usize, usual: u64| arguments.get(at).map_or(usual, |n| n.parse().expect("a number"));
    let (calls, seconds) = (number(0, 100), number(1, 20));
    let says = |word: &str| arguments.iter().any(|argument| argument == word);

    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let voice = audio::wav::read(here.join("../audio/tests/prompts/vm-goodbye.wav")).unwrap().mono().resampled(8_000);
    let folder = tempfile::tempdir().unwrap();
    let options = Options { limits: Limits::default(), max_calls: 3_000, ..Options::default() };
    let engine = Engine::with_options(options).unwrap();
    let wasm = std::fs::read(here.join("../../guest-flows/target/components/rust-menu.wasm")).expect("make flows");
    let flow = engine.compile("menu", &wasm).unwrap();
    let store = Store::open(folder.path().join("gudok.db")).await.unwrap();
    let clinic = std::fs::read_to_string(here.join("../../clinics/vet_lapa.toml")).unwrap();
    let clinic = Arc::new(desk::Clinic::parse(&clinic, "vet_lapa.toml").unwrap());
    let stage = Stage {
        engine,
        flows: Switchboard::fixed_with(flow, store.clone()),
        desk: Arc::new(desk::Desk::new(Arc::clone(&clinic), store.clone())),
        meaning: Arc::new(Meaning::new(&clinic)),
        classifier: Arc::new(Tagger::embedded()),
        store,
        people: Arc::new(ClinicLines),
    };
    let mouth = Mouth::new(vec![Arc::new(Person(voice.clone()))], Prompts::default(), folder.path()).unwrap();
    let hearing = Hearing::new(Ears::new(Arc::new(Deaf), 1), Arc::new(mouth));
    let (latencies, voice) = (Latencies::default(), Arc::new(voice.samples));

    for number in 0..calls {
        let (stage, hearing, latencies) = (stage.clone(), hearing.clone(), Arc::clone(&latencies));
        let talks = says("talk").then(|| Arc::clone(&voice));
        let recording = (!says("no-recording")).then(|| folder.path().join(format!("{number}.wav")));
        tokio::spawn(async move {
            // Callers come one after the other, not all in one moment.
            tokio::time::sleep(Duration::from_millis(5_000 * number / calls)).await;
            for call in 1.. {
                let mut setup = Setup::new(Channel::Phone, jiff::Zoned::now());
                setup.recording.clone_from(&recording);
                let door = Presser {
                    random: (number * 7_919 + call) | 1,
                    talks: talks.clone(),
                    frames: 0,
                    key_at: None,
                    pressed: None,
                    hushed: false,
                    latencies: Arc::clone(&latencies),
                };
                session::spoken(&stage, setup, Box::new(door), hearing.clone(), Tracer::none()).await.unwrap();
            }
        });
    }
    tokio::time::sleep(Duration::from_secs(8)).await;
    latencies.lock().unwrap().clear();
    let (before, cpu_before, began) = (hearing.pacer.lateness(), cpu(), Instant::now());
    tokio::time::sleep(Duration::from_secs(seconds)).await;
    let lateness = hearing.pacer.lateness().since(&before);
    let (cpu_after, took) = (cpu(), began.elapsed());

    let in_progress = hearing.pacer.calls();
    println!("calls {in_progress} of {calls}, {:.1} s", took.as_secs_f64());
    println!(
        "frames {}, within 5 ms {:.3} %, left out {}, latest of all {:?}",
        lateness.frames,
        lateness.share_on_time() * 100.0,
        lateness.skipped,
        lateness.latest
    );
    let mut all = 0;
    for (name, ns) in &cpu_after {
        let used = ns - cpu_before.get(name).copied().unwrap_or(0);
        all += used;
        let per_frame = used as f64 / 1_000.0 / lateness.frames.max(1) as f64;
        println!("  {name:<18} {:>8.1} ms CPU, {per_frame:>6.2} µs a frame", used as f64 / 1e6);
    }
    let of_a_core = all as f64 / took.as_nanos() as f64;
    println!("CPU {:.1} % of a core: {:.0} calls a core", of_a_core * 100.0, in_progress as f64 / of_a_core);
    let mut latencies = latencies.lock().unwrap().clone();
    latencies.sort_unstable();
    if latencies.is_empty() {
        println!("no key was answered");
        std::process::exit(1);
    }
    let quantile = |share: f64| latencies[((latencies.len() - 1) as f64 * share) as usize] as f64 / 1_000.0;
    println!(
        "key to first sample, ms: p50 {:.1}, p95 {:.1}, p99 {:.1}, max {:.1} ({} keys)",
        quantile(0.5),
        quantile(0.95),
        quantile(0.99),
        quantile(1.0),
        latencies.len()
    );
    // Calls are in the middle of things, and the folder they record into goes.
    std::process::exit(0);
}
