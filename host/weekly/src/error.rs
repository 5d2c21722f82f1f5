//! Why there is no letter.

/// What can go wrong.
#[derive(Debug, thiserror::Error)]
pub enum WeeklyError {
    /// A key of `[report]` that cannot stand so.
    #[error("[report] {key}: {problem}")]
    Setting {
        /// Which.
        key: String,
        /// What would be right.
        problem: String,
    },
    /// The mail server is set up wrongly.
    #[error(transparent)]
    Mail(#[from] outreach::OutreachError),
    /// The figures of the week.
    #[error(transparent)]
    Report(#[from] reports::ReportError),
    /// The records cannot be read or written.
    #[error(transparent)]
    Records(#[from] records::RecordsError),
}
