//! A recorded call, step by step: what was said, what the flow asked of the host and was told, and when.

use flows::journal::{Entry, FORMAT};
use records::{CallRecord, FlowRun, RecordsError, Store};

use crate::error::RehearsalError;

/// A call as the records have it.
#[derive(Clone, Debug)]
pub struct CallTrace {
    /// The call.
    pub call: CallRecord,
    /// Which version held it, and how that ended; none for calls before versions were kept.
    pub run: Option<FlowRun>,
    /// Every host call, times since the start of the call.
    pub entries: Vec<Entry>,
}

/// Read a call. With a sealed journal the store needs the clinic's key.
///
/// # Errors
///
/// [`RehearsalError::Records`]: there is no such call, or its journal cannot be opened; [`RehearsalError::Journal`]: an entry is
/// not one.
pub async fn read(store: &Store, id: &str) -> Result<CallTrace, RehearsalError> {
    let call = store.call(id).await?;
    let mut entries = Vec::new();
    for record in store.journal(id).await? {
        let wrong = |error: serde_json::Error| RehearsalError::Journal {
            call: id.to_owned(),
            seq: record.seq,
            // The text itself may quote the caller; where it broke off does not.
            reason: format!("{:?} at column {}", error.classify(), error.column()),
        };
        let entry = Entry {
            v: FORMAT,
            seq: u32::try_from(record.seq).unwrap_or_default(),
            at_ms: u64::try_from(record.at_ms - call.started_ms).unwrap_or_default(),
            took_ms: u64::try_from(record.took_ms).unwrap_or_default(),
            call: serde_json::from_str(record.request.as_str()).map_err(wrong)?,
            reply: serde_json::from_str(record.reply.as_str()).map_err(wrong)?,
        };
        entries.push(entry);
    }
    let run = match store.flow_run(id).await {
        Ok(run) => Some(run),
        Err(RecordsError::NotFound { .. }) => None,
        Err(error) => return Err(error.into()),
    };
    Ok(CallTrace { call, run, entries })
}
