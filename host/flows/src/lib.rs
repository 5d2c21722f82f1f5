//! Runs flows: engine, limits, versions, journal, ports. The only room that knows wasmtime.
