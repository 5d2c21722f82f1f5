//! The feed for those who would rather ask than be told: pages from any position.

use records::Store;
use serde::{Deserialize, Serialize};

use crate::events::{CloudEvent, cloud_event};

/// What `GET /api/v1/events?after=N` answers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Page {
    /// Oldest first.
    pub events: Vec<CloudEvent>,
    /// What to ask for next time: the same number again when there was nothing.
    pub next: i64,
    /// Whether there is more to read at once.
    pub more: bool,
}

/// Events after a position, of one clinic or of all; at most `limit` (1 to 500).
///
/// # Errors
/// When the records cannot be read.
pub async fn page(store: &Store, clinic: Option<&str>, after: i64, limit: u32, personal: bool) -> crate::Result<Page> {
    let limit = limit.clamp(1, 500) as usize;
    let mut found = store.feed(after, clinic, limit as u32 + 1).await?;
    let more = found.len() > limit;
    found.truncate(limit);
    let next = found.last().map_or(after, |event| event.position);
    let mut events = Vec::with_capacity(found.len());
    for event in &found {
        events.push(cloud_event(store, event, personal).await?);
    }
    Ok(Page { events, next, more })
}
