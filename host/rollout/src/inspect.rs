//! What is measured of a version when it is added.

use std::sync::Arc;
use std::time::Instant;

use flows::host::{HostCall, HostReply};
use flows::{Engine, Flow, FlowError, INTERFACE_VERSION, Port, PortError, RunOptions};
use records::FlowVersion;

use crate::RolloutError;
use crate::library::blocking;

/// Compiles a flow and runs it up to its first host call. Of the version, name, time, author and signature are left open.
pub(crate) async fn inspect(
    engine: &Engine,
    name: &str,
    wasm: &[u8],
) -> Result<(Arc<Flow>, FlowVersion), RolloutError> {
    let (compiler, flow_name, owned) = (engine.clone(), name.to_owned(), wasm.to_vec());
    let began = Instant::now();
    let flow = blocking(move || Ok(compiler.compile(&flow_name, &owned)?)).await?;
    let compile_ms = began.elapsed().as_secs_f64() * 1000.0;
    let (first, called) = tokio::sync::oneshot::channel();
    let began = Instant::now();
    let run = engine.run(&flow, Box::new(FirstCall(Some(first))), RunOptions::default()).await;
    let start_us = called.await.map_or_else(|_| began.elapsed(), |at| at - began).as_secs_f64() * 1e6;
    if let flows::FlowEnd::Trapped { kind, message } = &run.end
        && !matches!(kind, flows::TrapKind::Port | flows::TrapKind::EngineFull)
    {
        let reason = format!("it breaks before its first host call: {message}");
        return Err(FlowError::Invalid { name: name.into(), reason }.into());
    }
    let capabilities = flow.capabilities();
    let contract = capabilities.iter().filter_map(|one| one.split_once('@')).map(|(_, version)| version).max();
    let version = FlowVersion {
        digest: flow.digest().to_owned(),
        name: String::new(),
        added_ms: 0,
        by: String::new(),
        bytes: i64::try_from(wasm.len()).unwrap_or(i64::MAX),
        contract: contract.unwrap_or(INTERFACE_VERSION).to_owned(),
        wasi: Vec::new(),
        compile_ms,
        memory_bytes: i64::try_from(run.memory_bytes).unwrap_or(i64::MAX),
        start_us,
        language: None,
        signature: None,
        signer: None,
        removed_ms: None,
        capabilities,
    };
    Ok((flow, version))
}

/// Tells when the first host call came, and closes.
struct FirstCall(Option<tokio::sync::oneshot::Sender<Instant>>);

#[async_trait::async_trait]
impl Port for FirstCall {
    async fn call(&mut self, _call: HostCall) -> Result<HostReply, PortError> {
        if let Some(first) = self.0.take() {
            first.send(Instant::now()).ok();
        }
        Err(PortError::Closed)
    }
}
