//! Why there is no trace.

/// What can go wrong.
#[derive(Debug, thiserror::Error)]
pub enum TelemetryError {
    /// A key of `[telemetry]` that cannot stand so.
    #[error("[telemetry] {key}: {problem}")]
    Setting {
        /// Which.
        key: String,
        /// What would be right.
        problem: String,
    },
    /// The collector did not take what it was sent.
    #[error("the collector did not take the traces: {0}")]
    Collector(String),
    /// The records cannot be read.
    #[error(transparent)]
    Records(#[from] records::RecordsError),
}
