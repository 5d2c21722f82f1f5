//! From what a language's own compiler makes to a component, in-process.

use anyhow::{Context, Result, anyhow, bail};
use wasi_preview1_component_adapter_provider::{
    WASI_SNAPSHOT_PREVIEW1_ADAPTER_NAME as WASI_P1, WASI_SNAPSHOT_PREVIEW1_REACTOR_ADAPTER as REACTOR,
};
use wasmparser::{Encoding, Parser, Payload};
use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};
use wit_parser::{Resolve, UnresolvedPackageGroup, WorldId};

use super::assets;

/// A component is taken as it is. A core module that says which interface it uses becomes one; so does one that does not
/// say it, if it uses the names of the contract.
pub fn componentize(bytes: Vec<u8>) -> Result<Vec<u8>> {
    if !bytes.starts_with(b"\0asm") {
        // The engine says best what is wrong with it.
        return Ok(bytes);
    }
    let kind = Outline::of(&bytes)?;
    if kind.component {
        return Ok(bytes);
    }
    let mut module = bytes;
    if !kind.described {
        describe(&mut module)?;
    }
    let mut encoder = ComponentEncoder::default();
    encoder.validate(true).module(&module).context("its description of the interface it uses cannot be read")?;
    if kind.wasi {
        encoder.adapter(WASI_P1, REACTOR).context("the WASI adapter does not fit the module")?;
    }
    encoder.encode().context(
        "the module does not fit the world gudok:flow/flow (a flow exports `run` and imports only what wit/ has)",
    )
}

/// What matters here of a module or component.
struct Outline {
    component: bool,
    /// It carries the description that bindings generators write.
    described: bool,
    /// It calls the system the way compilers for `wasm32-wasi` and `GOOS=wasip1` do.
    wasi: bool,
}

impl Outline {
    fn of(bytes: &[u8]) -> Result<Outline> {
        let mut outline = Outline { component: false, described: false, wasi: false };
        for payload in Parser::new(0).parse_all(bytes) {
            match payload.map_err(|error| anyhow!("this is not WebAssembly: {error}"))? {
                Payload::Version { encoding: Encoding::Component, .. } => {
                    outline.component = true;
                    // What is inside a component is the engine's business.
                    break;
                }
                Payload::ImportSection(imports) => {
                    for import in imports.into_imports() {
                        let import = import.map_err(|error| anyhow!("its imports cannot be read: {error}"))?;
                        outline.wasi |= import.module == WASI_P1;
                    }
                }
                Payload::CustomSection(section) => outline.described |= section.name().starts_with("component-type"),
                _ => {}
            }
        }
        Ok(outline)
    }
}

/// Adds the description of the whole contract; what the module does not import is dropped from the component.
fn describe(module: &mut Vec<u8>) -> Result<()> {
    let (resolve, world) = contract()?;
    embed_component_metadata(module, &resolve, world, StringEncoding::UTF8, false)
        .context("the contract could not be written into the module")
}

fn contract() -> Result<(Resolve, WorldId)> {
    let mut flow = None;
    let mut dependencies = Vec::new();
    for (path, text) in assets::wit() {
        let text = std::str::from_utf8(text).context("the contract is not text")?;
        let package = UnresolvedPackageGroup::parse(path, text).map_err(|(_, error)| anyhow!("{path}: {error}"))?;
        if path.contains('/') { dependencies.push(package) } else { flow = Some(package) }
    }
    let Some(flow) = flow else { bail!("the program carries no contract") };
    let mut resolve = Resolve::default();
    let package = resolve.push_groups(flow, dependencies).map_err(|error| anyhow!("the contract: {error}"))?;
    let world = resolve.select_world(&[package], Some("flow"))?;
    Ok((resolve, world))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A core module with nothing in it.
    const EMPTY: &[u8] = b"\0asm\x01\0\0\0";

    #[test]
    fn what_is_no_flow_is_refused_by_its_reason() {
        assert_eq!(componentize(b"#!/bin/sh".to_vec()).unwrap(), b"#!/bin/sh", "left for the engine to refuse");
        let error = componentize(b"\0asm\x01\0\0\0junk".to_vec()).unwrap_err();
        assert!(format!("{error:#}").contains("not WebAssembly"), "{error:#}");
        let error = componentize(EMPTY.to_vec()).unwrap_err();
        assert!(format!("{error:#}").contains("exports `run`"), "{error:#}");
    }

    #[test]
    fn the_contract_in_the_program_is_whole() {
        let (resolve, world) = contract().unwrap();
        assert_eq!(resolve.worlds[world].name, "flow");
        // Eight capabilities, and the types they share.
        assert_eq!(resolve.worlds[world].imports.len(), 9);
    }
}
