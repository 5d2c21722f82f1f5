//! What the queues and the people did, written down.

use desk::Desk;
use queue::{AgentId, AgentState, QueueEvent};
use records::Store;

/// A decision of the queue.
pub(super) async fn event(_store: &Store, desk: &Desk, event: QueueEvent) {
    tracing::debug!(
        clinic = desk.clinic().id,
        call = event.call.as_ref().map(|call| call.as_str()),
        kind = event.kind(),
        "queue"
    );
}

/// What somebody is doing from now on.
pub(super) async fn agent(_store: &Store, desk: &Desk, agent: &AgentId, state: &AgentState) {
    tracing::debug!(clinic = desk.clinic().id, agent = agent.as_str(), state = state.as_str(), "operator");
}
