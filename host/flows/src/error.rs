//! Why the engine could not be made, or would not take a flow.

/// What can go wrong before a call starts. What goes wrong in a call is a [`FlowEnd`](crate::FlowEnd).
#[derive(Debug, thiserror::Error)]
pub enum FlowError {
    /// The machine does not give the engine what it needs.
    #[error("the flow engine could not start: {0}")]
    Engine(String),
    /// The file is larger than the engine takes.
    #[error("flow `{name}` is {size} bytes; the limit is {limit} (`component_bytes`)")]
    TooLarge {
        /// The flow's name.
        name: String,
        /// Bytes given.
        size: usize,
        /// Bytes allowed.
        limit: usize,
    },
    /// The bytes are not WebAssembly at all.
    #[error(
        "flow `{name}` is not WebAssembly: the file begins with {begins}. Give the `.wasm` file that the build made (a component)"
    )]
    NotWasm {
        /// The flow's name.
        name: String,
        /// The first bytes, readable.
        begins: String,
    },
    /// A core module, which has no typed interface.
    #[error(
        "flow `{name}` is a core wasm module, not a component. Make one of it: `wasm-tools component new {name}.wasm -o {name}.component.wasm` (build it with wit-bindgen against the world gudok:flow/flow; for WASI add `--adapt wasi_snapshot_preview1.reactor.wasm`)"
    )]
    CoreModule {
        /// The flow's name.
        name: String,
    },
    /// The component is broken, or uses wasm features that are off here.
    #[error("flow `{name}` is not a valid component for this host: {reason}")]
    Invalid {
        /// The flow's name.
        name: String,
        /// The compiler's own words.
        reason: String,
    },
    /// The flow imports an interface that this host does not have.
    #[error("flow `{name}` imports `{import}`, which this host does not offer. {offer}")]
    UnknownImport {
        /// The flow's name.
        name: String,
        /// The import, with its version.
        import: String,
        /// What the host offers instead.
        offer: String,
    },
    /// The interface is here in a compatible version, but without this function.
    #[error("flow `{name}` needs `{function}` of `{import}`; this host offers `{offered}`, which does not have it")]
    MissingFunction {
        /// The flow's name.
        name: String,
        /// The import, with its version.
        import: String,
        /// The function.
        function: String,
        /// The interface this host has.
        offered: String,
    },
    /// Names fit, types do not: the flow was built against a changed copy of the WIT.
    #[error(
        "flow `{name}` does not fit this host's interfaces: {reason}. Build it against the WIT that ships with Gudok"
    )]
    WrongType {
        /// The flow's name.
        name: String,
        /// The linker's own words.
        reason: String,
    },
    /// There is nothing to run.
    #[error(
        "flow `{name}` does not export `run: func() -> result<_, string>`. Build it against the world gudok:flow/flow"
    )]
    NoRun {
        /// The flow's name.
        name: String,
    },
    /// It asks for more than a call may have, before it has done anything.
    #[error("flow `{name}` asks for {asked} {what} at its start; a call may have {allowed} (`{knob}`)")]
    TooHungry {
        /// The flow's name.
        name: String,
        /// Of what.
        what: &'static str,
        /// How much it wants.
        asked: u64,
        /// How much there is.
        allowed: u64,
        /// The limit's name in [`Limits`](crate::Limits).
        knob: &'static str,
    },
    /// Compiling it takes more memory than a compilation may have.
    #[error(
        "flow `{name}` ({size} bytes) needs more than {limit_mib} MiB to compile (`memory_bytes` of the compiler). Make its largest functions smaller, or leave out what it does not use"
    )]
    CompileTooBig {
        /// The flow's name.
        name: String,
        /// Bytes of the component.
        size: usize,
        /// The limit, in MiB.
        limit_mib: u64,
    },
    /// Compiling it takes longer than a compilation may take.
    #[error(
        "flow `{name}` ({size} bytes) was not compiled within {limit} (`cpu_seconds`, `wall` of the compiler). Make its largest functions smaller, or leave out what it does not use"
    )]
    CompileTimeout {
        /// The flow's name.
        name: String,
        /// Bytes of the component.
        size: usize,
        /// The limit that was reached.
        limit: String,
    },
    /// The process that compiles broke.
    #[error("flow `{name}` ({size} bytes): the process that compiles failed: {reason}")]
    CompilerFailed {
        /// The flow's name.
        name: String,
        /// Bytes of the component.
        size: usize,
        /// What is known of its end.
        reason: String,
    },
    /// It breaks before it has asked the host for anything, so it would break in every call.
    #[error("flow `{name}` ends before its first call to the host ({how}): {message}")]
    DiesAtStart {
        /// The flow's name.
        name: String,
        /// Which wall it hit, or that it gave up by itself.
        how: &'static str,
        /// The engine's words, or the flow's.
        message: String,
    },
}
