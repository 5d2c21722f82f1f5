//! A house with records, an engine and small flows written as text.

use std::path::Path;
use std::sync::{Arc, LazyLock};

use flows::{Allocation, Engine, Limits, Options};
use records::Store;
use rollout::{Act, AddOptions, CallResult, CallStart, Deployed, Entry, FlowRoute, How, Library, Pinned, Routes};
use rollout::{RolloutError, Switchboard};
use tempfile::TempDir;

/// Monday 2026-11-23 10:00 in Moscow.
pub const NOW: i64 = 1_795_417_200_000;
pub const CLINIC: &str = "vet_lapa";

static ENGINE: LazyLock<Engine> = LazyLock::new(|| {
    let options =
        Options { limits: Limits::default(), threads: 1, allocation: Allocation::OnDemand, ..Options::default() };
    Engine::with_options(options).unwrap()
});

pub struct House {
    pub folder: TempDir,
    pub store: Store,
    pub library: Library,
    pub routes: Routes,
}

impl House {
    pub async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (store, library, routes) = open(folder.path()).await;
        Self { folder, store, library, routes }
    }

    /// The same house as another process sees it.
    pub async fn other(&self) -> Routes {
        open(self.folder.path()).await.2
    }

    /// Adds a version of `desk` that differs from others by what it says; returns its digest.
    pub async fn version(&self, says: &str) -> String {
        self.library.add("desk", &flow(says), by(NOW)).await.unwrap().version.digest
    }

    pub async fn deploy(&self, digest: &str, how: How) -> Result<FlowRoute, RolloutError> {
        match self.routes.deploy(CLINIC, Entry::Day, digest, how, None, act()).await? {
            Deployed::Now(route) | Deployed::Already(route) => Ok(route),
            Deployed::Planned(plan) => panic!("planned: {plan:?}"),
        }
    }

    pub async fn board(&self) -> Arc<Switchboard> {
        Switchboard::open(self.routes.clone(), None).await.unwrap()
    }
}

async fn open(folder: &Path) -> (Store, Library, Routes) {
    let store = Store::open(folder.join("gudok.db")).await.unwrap();
    let library = Library::open(folder.join("flows"), store.clone(), ENGINE.clone()).unwrap();
    (store, library.clone(), Routes::new(library))
}

pub fn act() -> Act<'static> {
    Act { by: "anna", reason: "", now_ms: NOW }
}

pub fn by(now_ms: i64) -> AddOptions {
    AddOptions { by: "anna".into(), now_ms, ..AddOptions::default() }
}

/// A flow that writes one line into its log.
pub fn flow(says: &str) -> Vec<u8> {
    component("", says, "(call $log (i32.const 64) (i32.const 5)) (i32.const 0)")
}

/// The same, and it may look at the clock of the clinic.
pub fn curious_flow(says: &str) -> Vec<u8> {
    let import = r#"(import "gudok:clinic/clinic@0.1.0" (instance (export "now" (func (result string)))))"#;
    component(import, says, "(call $log (i32.const 64) (i32.const 5)) (i32.const 0)")
}

/// One that breaks at once.
pub fn broken_flow() -> Vec<u8> {
    component("", "never", "unreachable")
}

fn component(import: &str, says: &str, body: &str) -> Vec<u8> {
    let text = format!(
        r#"(component
          {import}
          (import "gudok:notes/notes@0.1.0" (instance $notes (export "log" (func (param "line" string)))))
          (core module $memory (memory (export "memory") 1) (data (i32.const 64) "{says}"))
          (core instance $memory (instantiate $memory))
          (core func $log (canon lower (func $notes "log") (memory $memory "memory")))
          (core module $program
            (import "notes" "log" (func $log (param i32 i32)))
            (func (export "run") (result i32) {body}))
          (core instance $program (instantiate $program (with "notes" (instance (export "log" (func $log))))))
          (func (export "run") (result (result (error string)))
            (canon lift (core func $program "run") (memory $memory "memory"))))"#
    );
    wat::parse_str(text).unwrap()
}

/// A call that held so.
pub fn result(call: &str, trapped: bool, handed_over: bool) -> CallResult {
    CallResult {
        start: CallStart { call: call.into(), seed: 7, started_ms: NOW },
        ended_ms: NOW + 60_000,
        end: Some(flows::FlowEnd::Finished),
        trapped,
        handed_over,
        cpu_ms: 0.5,
        memory_bytes: 65_536,
        host_calls: 3,
    }
}

/// Calls begin and end on the board until `wanted` of them had the version; those of this version end as `bad` says.
pub async fn calls(board: &Switchboard, digest: &str, wanted: usize, bad: impl Fn(usize) -> (bool, bool)) {
    let mut held = 0;
    while held < wanted {
        let id = records::id();
        let pinned = board.pick(CLINIC, Entry::Day, &id).unwrap();
        let (trapped, handed_over) = if pinned.digest() == digest { bad(held) } else { (false, false) };
        held += usize::from(pinned.digest() == digest);
        board.ended(&pinned, &result(&id, trapped, handed_over)).await.unwrap();
    }
}

pub fn pick(board: &Switchboard) -> Pinned {
    board.pick(CLINIC, Entry::Day, &records::id()).unwrap()
}
