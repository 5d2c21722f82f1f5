//! Traces for whoever watches the server: one call is one trace, from its first ring to its category, by OTLP over HTTP in JSON.
//!
//! Layout: [`Settings`] is `[telemetry]` of `connections.toml`; [`trace()`] makes a call's spans of what the records hold of
//! it; [`otlp`] writes them down as a collector reads them; [`Exporter`] follows the feed and sends them, [`run`] is the
//! loop around it.
//!
//! Invariants:
//! - Nothing here is anywhere near a call: traces are made of the records, after the call is over.
//! - Attributes hold ids, times, words of lists and measures. No name, no number, nothing that was said.
//! - The feed is the queue: what a collector has not taken is read again, never held in memory. What is older than a day when
//!   the collector is back is left out.
//! - The ids of a call's trace and spans come from the call's own id: what is sent twice is the same trace.

mod error;
mod export;
pub mod otlp;
mod settings;
mod trace;

pub use error::TelemetryError;
pub use export::{Exporter, run};
pub use settings::Settings;
pub use trace::{Facts, Kind, Span, Value, trace};

/// The result of what can fail here.
pub type Result<T> = std::result::Result<T, TelemetryError>;
