//! Recorded calls as the replay takes them: the rows of the records put together again.

use flows::FlowEnd;
use flows::journal::{Entry as JournalEntry, FORMAT, Header, Journal};
use records::Store;

use crate::RolloutError;

/// Ids of the calls of a clinic that started in `since_ms..until_ms` and have a journal, earliest first.
///
/// # Errors
/// [`RolloutError::Records`].
pub async fn recorded_calls(
    store: &Store,
    clinic: &str,
    since_ms: i64,
    until_ms: i64,
) -> Result<Vec<String>, RolloutError> {
    Ok(store.recorded_calls(clinic, since_ms, until_ms).await?)
}

/// The journal of a call.
///
/// # Errors
/// [`RolloutError::Records`] when there is no such run, or its key is missing; [`RolloutError::Journal`] when a row cannot
/// be read or one is missing in between.
pub async fn journal_of(store: &Store, call: &str) -> Result<Journal, RolloutError> {
    let bad = |problem: String| RolloutError::Journal { call: call.to_owned(), problem };
    let run = store.flow_run(call).await?;
    let flow = match store.flow_version(&run.digest).await {
        Ok(version) => version.name,
        // A flow given on the command line is in no library.
        Err(records::RecordsError::NotFound { .. }) => String::new(),
        Err(error) => return Err(error.into()),
    };
    let mut entries = Vec::new();
    for row in store.journal(call).await? {
        let seq = u32::try_from(row.seq).map_err(|_| bad(format!("an entry has the number {}", row.seq)))?;
        if seq as usize != entries.len() {
            return Err(bad(format!("entry {} is missing", entries.len())));
        }
        let json =
            |what: &str, error: serde_json::Error| bad(format!("{what} of entry {seq}: {}", without_data(&error)));
        entries.push(JournalEntry {
            v: FORMAT,
            seq,
            at_ms: u64::try_from(row.at_ms - run.started_ms).unwrap_or_default(),
            took_ms: u64::try_from(row.took_ms).unwrap_or_default(),
            call: serde_json::from_str(row.request.as_str()).map_err(|error| json("the request", error))?,
            reply: serde_json::from_str(row.reply.as_str()).map_err(|error| json("the reply", error))?,
        });
    }
    let end = run.end.as_ref().map(|end| serde_json::from_str::<FlowEnd>(end.as_str())).transpose();
    let end = end.map_err(|error| bad(format!("the end: {}", without_data(&error))))?;
    let started_ms = u64::try_from(run.started_ms).unwrap_or_default();
    let header = Header { format: FORMAT, call: run.call, flow, digest: run.digest, seed: run.seed, started_ms };
    Ok(Journal { header, entries, end })
}

/// serde quotes values in its messages; a value may be a name or a number.
fn without_data(error: &serde_json::Error) -> String {
    format!("not in this program's form (line {}, column {})", error.line(), error.column())
}
