//! What can be wrong with a rehearsal before it begins.

/// Why a conversation cannot be played.
#[derive(Debug, thiserror::Error)]
pub enum RehearsalError {
    /// A value of the script names something that is not there.
    #[error("{path}{line}: `{key}` is “{value}”; {allowed}", line = line.map_or_else(String::new, |line| format!(":{line}")))]
    Value {
        /// The script.
        path: String,
        /// Where, if it was found.
        line: Option<usize>,
        /// The key.
        key: &'static str,
        /// What stands there.
        value: String,
        /// What may stand there.
        allowed: String,
    },
    /// The clinic inside a script has mistakes.
    #[error("{path}, its [clinic]: {source}")]
    Clinic {
        /// The script.
        path: String,
        /// Every mistake.
        source: desk::ClinicErrors,
    },
    /// The moment of the call is not one in the clinic's zone.
    #[error("{path}: `now` is {now}, which the clinic's zone does not have: {source}")]
    Now {
        /// The script.
        path: String,
        /// The moment.
        now: jiff::civil::DateTime,
        /// Why.
        source: jiff::Error,
    },
    /// The engine could not be asked.
    #[error("the rehearsal stopped: {0}")]
    Stopped(String),
    /// The records could not be read.
    #[error(transparent)]
    Records(#[from] records::RecordsError),
    /// What the records hold of a call is not readable.
    #[error("call {call}: entry {seq} of its journal cannot be read: {reason}")]
    Journal {
        /// The call.
        call: String,
        /// The entry.
        seq: i64,
        /// Why.
        reason: String,
    },
}
