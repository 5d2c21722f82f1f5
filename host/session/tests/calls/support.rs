//! A clinic ready for calls in a folder of its own, and callers who follow a script.

use std::path::Path;
use std::sync::{Arc, LazyLock};

use ::records::{BookingRecord, CallRecord, Store};
use desk::{Clinic, Desk};
use flows::host::voice::Channel;
use flows::journal::{Entry, FORMAT};
use flows::{Engine, Flow, Limits, Options};
use lines::caller::Caller;
use lines::script::Script;
use rollout::Switchboard;
use session::meaning::Meaning;
use session::tagging::Tagger;
use session::{Held, Setup, Stage, Trace, trace::Tracer};
use tempfile::TempDir;

/// One engine for all tests, as in the program.
pub static ENGINE: LazyLock<Engine> = LazyLock::new(|| {
    let options = Options { limits: Limits::default(), max_calls: 64, threads: 2, ..Options::default() };
    Engine::with_options(options).expect("an engine")
});

/// The flow that ships.
pub static VET_DESK: LazyLock<Arc<Flow>> = LazyLock::new(|| {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../guest-flows/target/components/vet-desk.wasm");
    let wasm = std::fs::read(&path)
        .unwrap_or_else(|error| panic!("{}: {error}: build the flows first (make flows)", path.display()));
    ENGINE.compile("vet-desk", &wasm).expect("the flow that ships compiles")
});

/// The clinic that the scripts are about.
pub const VET_LAPA: &str = include_str!("../../../../clinics/vet_lapa.toml");

/// An ordinary Tuesday: the clinic is open.
pub const DAY: &str = "2026-11-24T10:15";
/// The same day: it is not.
pub const NIGHT: &str = "2026-11-24T23:40";

/// A caller who books a cat's visit, and says so at every question.
pub const BOOKING: &[(&str, &str)] = &[
    ("need", "здравствуйте хочу записать кошку к терапевту"),
    ("nickname", "Мурка"),
    ("doctor", "к любому"),
    ("when", "завтра после обеда"),
    ("slot", "давайте первое"),
    ("person", "Анна Петрова"),
    ("confirm", "да всё верно"),
    ("more", "нет спасибо"),
];

/// A clinic, its records, and room for calls.
pub struct House {
    pub stage: Stage,
    _folder: TempDir,
}

impl House {
    /// The clinic of the scripts, answered by the flow that ships.
    pub async fn vet_lapa() -> House {
        House::open(VET_LAPA, &VET_DESK).await
    }

    /// A clinic by its file, answered by this flow.
    pub async fn open(clinic: &str, flow: &Arc<Flow>) -> House {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path().join("gudok.db")).await.unwrap();
        let clinic = Arc::new(Clinic::parse(clinic, "clinic.toml").unwrap());
        let stage = Stage {
            engine: ENGINE.clone(),
            flows: Switchboard::fixed_with(Arc::clone(flow), store.clone()),
            desk: Arc::new(Desk::new(Arc::clone(&clinic), store.clone())),
            meaning: Arc::new(Meaning::new(&clinic)),
            classifier: Arc::new(Tagger::embedded()),
            store,
            people: Arc::new(session::ClinicLines),
        };
        House { stage, _folder: folder }
    }

    /// The same house with another flow: engine, desk and records are shared.
    pub fn with(&self, flow: &Arc<Flow>) -> Stage {
        let flows = Switchboard::fixed_with(Arc::clone(flow), self.stage.store.clone());
        Stage { flows, ..self.stage.clone() }
    }

    /// Hold one call and come back with what was seen of it.
    pub async fn call(&self, setup: Setup, script: &Script) -> (Held, Vec<Trace>) {
        let (tracer, mut traces) = Tracer::channel();
        let held = session::typed(&self.stage, setup, Caller::new(script), tracer).await.unwrap();
        let mut seen = Vec::new();
        while let Ok(trace) = traces.try_recv() {
            seen.push(trace);
        }
        (held, seen)
    }

    pub async fn record(&self, held: &Held) -> CallRecord {
        self.stage.store.call(&held.id).await.unwrap()
    }

    /// Every booking of the clinic, whatever its status.
    pub async fn bookings(&self) -> Vec<BookingRecord> {
        self.stage.store.bookings(&self.stage.desk.clinic().id, 0, i64::MAX).await.unwrap()
    }

    /// A call's journal as the flow room reads it; panics where an entry cannot be read or one is missing.
    pub async fn journal(&self, held: &Held) -> Vec<Entry> {
        let started = self.record(held).await.started_ms;
        let rows = self.stage.store.journal(&held.id).await.unwrap();
        let entry = |(place, row): (usize, ::records::JournalRecord)| {
            assert_eq!(row.seq, i64::try_from(place).unwrap(), "the journal has a gap");
            Entry {
                v: FORMAT,
                seq: u32::try_from(row.seq).unwrap(),
                at_ms: u64::try_from(row.at_ms - started).unwrap(),
                took_ms: u64::try_from(row.took_ms).unwrap(),
                call: serde_json::from_str(row.request.as_str()).unwrap(),
                reply: serde_json::from_str(row.reply.as_str()).unwrap(),
            }
        };
        rows.into_iter().enumerate().map(entry).collect()
    }
}

/// A call at `moment` in Moscow.
pub fn at(moment: &str, caller: Option<&str>) -> Setup {
    let moment: jiff::civil::DateTime = moment.parse().unwrap();
    let mut setup = Setup::new(Channel::Script, moment.in_tz("Europe/Moscow").unwrap());
    setup.caller = caller.map(str::to_owned);
    setup
}

/// A caller with these answers: `(question, words)`.
pub fn says(answers: &[(&str, &str)]) -> Script {
    let lines = answers.iter().map(|(when, say)| format!("[[line]]\nwhen = \"{when}\"\nsay = \"{say}\"\n"));
    Script::toml(&lines.collect::<String>(), "a test").unwrap()
}

/// The same, who hangs up when `question` comes.
pub fn hangs_up(answers: &[(&str, &str)], question: &str) -> Script {
    let mut script = says(answers);
    let end = format!("[[line]]\nwhen = \"{question}\"\nhang_up = true\n");
    script.lines.extend(Script::toml(&end, "a test").unwrap().lines);
    script
}

impl House {
    /// What was said in a call, for the message of a test that failed.
    pub async fn told(&self, held: &Held) -> String {
        let turns = self.stage.store.turns(&held.id).await.unwrap();
        turns.iter().map(|turn| format!("{}: {}\n", turn.who.as_str(), turn.text.as_str())).collect()
    }
}
