//! What is to be known of a flow before it answers callers: what it asks for, what it costs, what made it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::engine::Engine;
use crate::error::FlowError;
use crate::flow::{Flow, INTERFACE_VERSION};
use crate::host::{HostCall, HostReply};
use crate::port::{Port, PortError};
use crate::run::{FlowEnd, RunOptions, TrapKind};

mod producers;

/// What was found out about a flow.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Inspection {
    /// SHA-256 of the component, in hexadecimal.
    pub digest: String,
    /// Size of the component.
    pub bytes: u64,
    /// The contract it was built against: the highest version among its `gudok:` imports, or this host's if it has
    /// none.
    pub contract: String,
    /// What it imports of ours: its list of permissions.
    pub capabilities: Vec<String>,
    /// What it imports of WASI. All of it is there, and empty.
    pub wasi: Vec<String>,
    /// What compiling took; what loading took, if the cache had it.
    pub compile_ms: f64,
    /// Linear memory at its first host call (of its whole run, if it makes none).
    pub memory_bytes: usize,
    /// From instantiation to its first host call (to its end, if it makes none), best of three.
    pub start_us: f64,
    /// The language it says it was written in. An author's claim, not a proof.
    pub language: Option<String>,
}

/// Runs of a flow to its first host call. The first one also pays for pages nobody has touched yet.
const RUNS: u32 = 3;
/// Its CPU is bounded anyway; this bounds what a loaded machine makes of it.
const PATIENCE: Duration = Duration::from_secs(60);

impl Engine {
    /// Compile a flow and look at it, as an upload does: everything of [`Engine::compile`], and it is really started,
    /// in a call that ends with its first host call.
    ///
    /// # Errors
    ///
    /// As for [`Engine::compile`]; [`FlowError::DiesAtStart`] if it traps, gives up or exceeds a limit before its first
    /// host call; [`FlowError::Engine`] if there is no room for a call.
    pub async fn inspect(&self, name: &str, wasm: &[u8]) -> Result<(Arc<Flow>, Inspection), FlowError> {
        let began = Instant::now();
        let flow = self.compile_async(name, wasm).await?;
        let compile_ms = began.elapsed().as_secs_f64() * 1e3;
        let (mut memory_bytes, mut start) = (0, Duration::MAX);
        for _ in 0..RUNS {
            let (memory, took) = self.start_once(&flow).await?;
            memory_bytes = memory;
            start = start.min(took);
        }
        let capabilities = flow.capabilities();
        let inspection = Inspection {
            digest: flow.digest().to_owned(),
            bytes: wasm.len() as u64,
            contract: contract(&capabilities),
            capabilities,
            wasi: flow.wasi(),
            compile_ms: to_thousandths(compile_ms),
            memory_bytes,
            start_us: to_thousandths(start.as_secs_f64() * 1e6),
            language: producers::language(wasm),
        };
        Ok((flow, inspection))
    }

    /// Memory and time at the first host call.
    async fn start_once(&self, flow: &Arc<Flow>) -> Result<(usize, Duration), FlowError> {
        let options = RunOptions { wall_limit: Some(PATIENCE), ..RunOptions::default() };
        let began = Instant::now();
        let timed = self.timed(flow, Box::new(Closed), options).await;
        let report = timed.report;
        let dies = |how, message| FlowError::DiesAtStart { name: flow.name().to_owned(), how, message };
        match (timed.first_call, report.end) {
            (Some(took), _) => Ok((report.memory_bytes, took)),
            (None, FlowEnd::Finished) => Ok((report.memory_bytes, began.elapsed())),
            (None, FlowEnd::GaveUp(reason)) => Err(dies("gave-up", reason)),
            (None, FlowEnd::Trapped { kind: TrapKind::EngineFull, message }) => Err(FlowError::Engine(message)),
            (None, FlowEnd::Trapped { kind, message }) => Err(dies(kind.name(), message)),
        }
    }
}

/// More digits would be noise.
fn to_thousandths(value: f64) -> f64 {
    (value * 1e3).round() / 1e3
}

/// A call that is over at the first thing a flow wants.
struct Closed;

#[async_trait]
impl Port for Closed {
    async fn call(&mut self, _call: HostCall) -> Result<HostReply, PortError> {
        Err(PortError::Closed)
    }
}

/// The highest version of ours among the imports.
fn contract(capabilities: &[String]) -> String {
    let versions = capabilities.iter().filter_map(|import| import.split_once('@')).map(|(_, version)| version);
    let newest = versions.max_by_key(|version| {
        let core = version.split(['-', '+']).next().unwrap_or_default();
        core.split('.').map(|number| number.parse::<u64>().unwrap_or(0)).collect::<Vec<_>>()
    });
    newest.unwrap_or(INTERFACE_VERSION).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_contract_is_the_highest_version_imported() {
        let of = |imports: &[&str]| contract(&imports.iter().map(|&import| import.to_owned()).collect::<Vec<_>>());
        assert_eq!(of(&["gudok:clinic/clinic@0.1.9", "gudok:voice/voice@0.1.10"]), "0.1.10");
        assert_eq!(of(&[]), INTERFACE_VERSION);
    }
}
