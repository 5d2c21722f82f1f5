//! What is known of a version when it is added.

use std::sync::Arc;

use flows::{Engine, Flow};
use records::FlowVersion;

use crate::RolloutError;

/// Compiles a flow and starts it. Of the version, name, time, author and signature are left open.
pub(crate) async fn inspect(
    engine: &Engine,
    name: &str,
    wasm: &[u8],
) -> Result<(Arc<Flow>, FlowVersion), RolloutError> {
    let (flow, seen) = engine.inspect(name, wasm).await?;
    let version = FlowVersion {
        digest: seen.digest,
        name: String::new(),
        added_ms: 0,
        by: String::new(),
        bytes: i64::try_from(seen.bytes).unwrap_or(i64::MAX),
        contract: seen.contract,
        capabilities: seen.capabilities,
        wasi: seen.wasi,
        compile_ms: seen.compile_ms,
        memory_bytes: i64::try_from(seen.memory_bytes).unwrap_or(i64::MAX),
        start_us: seen.start_us,
        language: seen.language,
        signature: None,
        signer: None,
        removed_ms: None,
    };
    Ok((flow, version))
}
