//! The way out: messages that are written down, brought to the messenger in their order.

use std::collections::HashMap;
use std::sync::Arc;

use async_trait::async_trait;
use records::{ChatDelivery, ChatMessage, ChatThread, JobState, Store};

use crate::robot::Asked;
use crate::{ChatError, Result};

/// The kind of the jobs that deliver.
pub const DELIVER_JOB: &str = "chat.deliver";
/// Longer than a messenger may take for everything that waits.
const LEASE_MS: i64 = 120_000;

/// A messenger.
#[async_trait]
pub trait Channel: Send + Sync {
    /// Brings a message there. It may be asked for the same one again: after a crash between the delivery and its note.
    ///
    /// # Errors
    /// [`NotDelivered`].
    async fn deliver(&self, thread: &ChatThread, message: &ChatMessage) -> std::result::Result<(), NotDelivered>;
}

/// Why a message did not arrive. The sentences hold no personal data and no secrets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NotDelivered {
    /// Try again: after so long, or when the queue's own rule says so.
    Later {
        /// Milliseconds.
        after_ms: Option<i64>,
        /// What was wrong.
        why: String,
    },
    /// Never: the visitor has gone, the other side refuses this message.
    Never {
        /// What was wrong.
        why: String,
    },
}

/// The messengers there are, by the names of their channels.
pub type Channels = HashMap<String, Arc<dyn Channel>>;

/// Takes the next conversation with messages to deliver and delivers them, in their order; false when there was none. One such
/// worker at a time, or messages of a conversation could overtake each other.
pub async fn deliver(store: &Store, channels: &Channels, now_ms: i64) -> Result<bool> {
    let Some(job) = store.claim(DELIVER_JOB, now_ms, LEASE_MS).await? else { return Ok(false) };
    let asked: Asked =
        serde_json::from_value(job.payload.clone()).map_err(|error| ChatError::Unreadable(error.to_string()))?;
    let thread = store.chat_thread(&asked.thread).await?;
    for message in store.chat_undelivered(&thread.id).await? {
        let told = match channels.get(&thread.channel) {
            Some(channel) => channel.deliver(&thread, &message).await,
            None => Err(NotDelivered::Later { after_ms: None, why: format!("no channel {:?} here", thread.channel) }),
        };
        match told {
            Ok(()) => store.chat_delivered(&thread.id, message.seq, ChatDelivery::Sent).await?,
            Err(NotDelivered::Never { why }) => {
                tracing::warn!(thread = thread.id, seq = message.seq, why, "a message was refused for good");
                store.chat_delivered(&thread.id, message.seq, ChatDelivery::Failed).await?;
            }
            Err(NotDelivered::Later { after_ms, why }) => {
                let state = match after_ms {
                    Some(after) if job.attempts < job.max_attempts => {
                        store.fail_until(&job, &why, Some(now_ms.saturating_add(after)), now_ms).await?
                    }
                    _ => store.fail(&job, &why, now_ms).await?,
                };
                if state == JobState::Failed {
                    tracing::warn!(thread = thread.id, seq = message.seq, why, "a message was given up");
                    store.chat_delivered(&thread.id, message.seq, ChatDelivery::Failed).await?;
                }
                return Ok(true);
            }
        }
    }
    store.finish(&job, now_ms).await?;
    Ok(true)
}
