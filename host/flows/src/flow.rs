//! A flow, compiled and checked: everything that can be wrong with it is found here, before a caller is on the line.

use std::sync::Arc;

use sha2::{Digest, Sha256};
use wasmtime::component::types::ComponentItem;
use wasmtime::component::{Component, types};

use crate::cache::load_code;
use crate::compiler;
use crate::engine::{Engine, Inner};
use crate::error::FlowError;
use crate::guest::Guest;
use crate::host::HostCall;
use crate::host::bindings::FlowPre;

/// The version of every `gudok:` package this host offers.
pub const INTERFACE_VERSION: &str = "0.1.0";

/// A flow that may be run. Calls hold it by `Arc`: its code stays until the last call on it has ended.
pub struct Flow {
    name: String,
    digest: String,
    capabilities: Vec<String>,
    functions: Vec<&'static str>,
    wasi: Vec<String>,
    pub(crate) ready: FlowPre<Guest>,
}

impl Flow {
    /// The name it was compiled under.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// SHA-256 of the component's bytes, in hexadecimal: the version's identity.
    pub fn digest(&self) -> &str {
        &self.digest
    }

    /// What it imports of ours, sorted: `gudok:appointments/appointments@0.1.0`, … This is its list of permissions.
    pub fn capabilities(&self) -> Vec<String> {
        self.capabilities.clone()
    }

    /// The host functions it imports, `interface.function`, in the order of [`HostCall::FUNCTIONS`].
    pub fn functions(&self) -> &[&'static str] {
        &self.functions
    }

    /// What it imports of WASI, sorted: `wasi:clocks/wall-clock@0.2.0`, … All of it is there and empty.
    pub fn wasi(&self) -> Vec<String> {
        self.wasi.clone()
    }
}

impl std::fmt::Debug for Flow {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Flow").field("name", &self.name).field("digest", &self.digest).finish_non_exhaustive()
    }
}

impl Engine {
    /// Check and compile a component, or take it from the cache. Takes 0.1 s for Rust, half a minute for Python:
    /// call it from a blocking thread ([`Engine::compile_async`] does), at upload, never while a caller waits.
    ///
    /// # Errors
    ///
    /// A [`FlowError`] that says what to change. Never panics, whatever the bytes are.
    pub fn compile(&self, name: &str, wasm: &[u8]) -> Result<Arc<Flow>, FlowError> {
        let limit = self.inner.limits.component_bytes;
        if wasm.len() > limit {
            return Err(FlowError::TooLarge { name: name.into(), size: wasm.len(), limit });
        }
        check_layer(name, wasm)?;
        let digest: String = Sha256::digest(wasm).iter().map(|byte| format!("{byte:02x}")).collect();
        let component = self.inner.component(name, &digest, wasm)?;
        let ty = component.component_type();
        let Imports { capabilities, wasi } = check_imports(name, &self.inner.wasm, &ty)?;
        let functions = imported_functions(&self.inner.wasm, &ty);
        check_run(name, &self.inner.wasm, &ty)?;
        check_appetite(name, &self.inner, &component)?;
        let wrong_type =
            |error: wasmtime::Error| FlowError::WrongType { name: name.into(), reason: format!("{error:#}") };
        let instance = self.inner.linker.instantiate_pre(&component).map_err(wrong_type)?;
        let ready = FlowPre::new(instance).map_err(wrong_type)?;
        Ok(Arc::new(Flow { name: name.into(), digest, capabilities, functions, wasi, ready }))
    }

    /// [`Engine::compile`] on a thread that may block.
    ///
    /// # Errors
    ///
    /// As for [`Engine::compile`].
    pub async fn compile_async(&self, name: &str, wasm: &[u8]) -> Result<Arc<Flow>, FlowError> {
        let (engine, named, wasm) = (self.clone(), name.to_owned(), wasm.to_vec());
        let compiled = tokio::task::spawn_blocking(move || engine.compile(&named, &wasm)).await;
        compiled.unwrap_or_else(|error| {
            Err(FlowError::Invalid { name: name.into(), reason: format!("checking it failed: {error}") })
        })
    }
}

impl Inner {
    fn component(&self, name: &str, digest: &str, wasm: &[u8]) -> Result<Component, FlowError> {
        if let Some(component) = self.cache.as_ref().and_then(|cache| cache.load(&self.wasm, digest)) {
            return Ok(component);
        }
        let code = compiler::compile(&self.compiler, &self.wasm, self.parallel_compilation, name, wasm)?;
        let component = load_code(&self.wasm, &code)
            .map_err(|error| FlowError::Invalid { name: name.into(), reason: format!("{error:#}") })?;
        if let Some(cache) = &self.cache {
            cache.store(&code, digest);
        }
        Ok(component)
    }
}

/// The first eight bytes: magic, version, and the layer that tells components from core modules.
fn check_layer(name: &str, wasm: &[u8]) -> Result<(), FlowError> {
    match wasm {
        [b'\0', b'a', b's', b'm', _, _, 1, 0, ..] => Ok(()),
        [b'\0', b'a', b's', b'm', _, _, 0, 0, ..] => Err(FlowError::CoreModule { name: name.into() }),
        _ => {
            let begins = if wasm.is_empty() {
                "nothing, it is empty".to_owned()
            } else {
                format!("“{}”", wasm[..wasm.len().min(8)].escape_ascii())
            };
            Err(FlowError::NotWasm { name: name.into(), begins })
        }
    }
}

/// What a flow imports, by name.
#[derive(Default)]
struct Imports {
    capabilities: Vec<String>,
    wasi: Vec<String>,
}

/// Every import by name, before the linker gives its own, shorter, opinion.
fn check_imports(name: &str, wasm: &wasmtime::Engine, ty: &types::Component) -> Result<Imports, FlowError> {
    let Imports { mut capabilities, wasi: mut wasi_imports } = Imports::default();
    for (import, item) in ty.imports(wasm) {
        let unknown = |offer: String| FlowError::UnknownImport { name: name.into(), import: import.into(), offer };
        if let Some(offer) = refused_wasi(import) {
            return Err(unknown(offer));
        }
        let Some(path) = import.strip_prefix("gudok:") else {
            if import.starts_with("wasi:") {
                // The linker knows which parts of WASI there are.
                wasi_imports.push(import.to_owned());
                continue;
            }
            return Err(unknown(offered()));
        };
        let (path, version) = path.split_once('@').unwrap_or((path, ""));
        if path == "types/types" {
            continue;
        }
        let Some(interface) = interfaces().find(|interface| path == format!("{interface}/{interface}")) else {
            return Err(unknown(offered()));
        };
        let here = format!("gudok:{path}@{INTERFACE_VERSION}");
        if !compatible(version, INTERFACE_VERSION) {
            return Err(unknown(format!("It offers `{here}`: build the flow against that, or take a newer Gudok.")));
        }
        let ComponentItem::ComponentInstance(instance) = item.ty else {
            return Err(unknown(format!("It offers `{here}`, an interface.")));
        };
        for (function, item) in instance.exports(wasm) {
            let known = HostCall::FUNCTIONS.contains(&format!("{interface}.{function}").as_str());
            if matches!(item.ty, ComponentItem::ComponentFunc(_)) && !known {
                return Err(FlowError::MissingFunction {
                    name: name.into(),
                    import: import.into(),
                    function: function.into(),
                    offered: here,
                });
            }
        }
        capabilities.push(import.to_owned());
    }
    capabilities.sort();
    wasi_imports.sort();
    Ok(Imports { capabilities, wasi: wasi_imports })
}

/// Of the functions there are, those that the component imports.
fn imported_functions(wasm: &wasmtime::Engine, ty: &types::Component) -> Vec<&'static str> {
    let mut imported = Vec::new();
    for (import, item) in ty.imports(wasm) {
        let interface = import.strip_prefix("gudok:").and_then(|path| path.split('/').next());
        if let (Some(interface), ComponentItem::ComponentInstance(instance)) = (interface, item.ty) {
            imported.extend(instance.exports(wasm).map(|(function, _)| format!("{interface}.{function}")));
        }
    }
    HostCall::FUNCTIONS.iter().copied().filter(|name| imported.iter().any(|import| import == name)).collect()
}

fn check_run(name: &str, wasm: &wasmtime::Engine, ty: &types::Component) -> Result<(), FlowError> {
    match ty.get_export(wasm, "run").map(|export| export.ty) {
        Some(ComponentItem::ComponentFunc(_)) => Ok(()),
        _ => Err(FlowError::NoRun { name: name.into() }),
    }
}

const WASM_PAGE: u64 = 64 << 10;

/// What the flow takes before its first instruction must be within the limits, or every call of it would fail.
fn check_appetite(name: &str, inner: &Inner, component: &Component) -> Result<(), FlowError> {
    let Some(needs) = component.resources_required() else { return Ok(()) };
    let limits = &inner.limits;
    let memory = needs.max_initial_memory_size.unwrap_or(0).saturating_mul(WASM_PAGE);
    let checks = [
        ("bytes of memory", memory, limits.memory_bytes, "memory_bytes"),
        ("table elements", needs.max_initial_table_size.unwrap_or(0), limits.table_elements, "table_elements"),
        ("memories", u64::from(needs.num_memories), limits.memories, "memories"),
        ("tables", u64::from(needs.num_tables), limits.tables, "tables"),
    ];
    for (what, asked, allowed, knob) in checks {
        let allowed = allowed as u64;
        if asked > allowed {
            return Err(FlowError::TooHungry { name: name.into(), what, asked, allowed, knob });
        }
    }
    Ok(())
}

/// The interfaces of ours, each once, in the order of the WIT.
fn interfaces() -> impl Iterator<Item = &'static str> {
    let names = HostCall::FUNCTIONS.iter().filter_map(|name| name.split('.').next());
    let mut last = "";
    names.filter(move |name| std::mem::replace(&mut last, name) != *name)
}

fn offered() -> String {
    let names: Vec<_> = interfaces().map(|name| format!("gudok:{name}/{name}@{INTERFACE_VERSION}")).collect();
    format!("It offers WASI 0.2 without files and network, and: {}.", names.join(", "))
}

/// Parts of WASI that are no use to name a version for.
fn refused_wasi(import: &str) -> Option<String> {
    let package = import.strip_prefix("wasi:")?.split(['/', '@']).next()?;
    match package {
        "io" | "clocks" | "random" | "cli" | "filesystem" | "sockets" => None,
        "http" => Some(
            "A flow has no network. Build it without HTTP (componentize-js: `--disable http`); what it needs of the \
             clinic comes through the gudok: interfaces."
                .to_owned(),
        ),
        _ => Some(offered()),
    }
}

/// May a flow that was built against `wanted` run on a host that has `offered`? Semver: the same leftmost non-zero
/// number. Newer minor versions pass here, since their functions are looked up one by one.
fn compatible(wanted: &str, offered: &str) -> bool {
    let major = |version: &str| -> Option<[u64; 3]> {
        let core = version.split(['-', '+']).next()?;
        let mut numbers = core.split('.').map(|number| number.parse().ok());
        let parsed = [numbers.next()??, numbers.next()??, numbers.next()??];
        Some(match parsed {
            [0, 0, patch] => [0, 0, patch],
            [0, minor, _] => [0, minor, 0],
            [major, _, _] => [major, 0, 0],
        })
    };
    major(wanted).is_some() && major(wanted) == major(offered)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_compatible_as_semver_has_it() {
        for (wanted, offered, fits) in [
            ("0.1.0", "0.1.0", true),
            ("0.1.7", "0.1.0", true),
            ("0.2.0", "0.1.0", false),
            ("1.0.0", "0.1.0", false),
            ("1.4.0", "1.2.0", true),
            ("0.0.1", "0.0.2", false),
            ("", "0.1.0", false),
            ("0.1", "0.1.0", false),
        ] {
            assert_eq!(compatible(wanted, offered), fits, "{wanted} on {offered}");
        }
    }

    #[test]
    fn every_interface_is_named_once() {
        let names: Vec<_> = interfaces().collect();
        assert_eq!(names, ["voice", "clinic", "faq", "appointments", "callbacks", "routing", "understanding", "notes"]);
    }
}
