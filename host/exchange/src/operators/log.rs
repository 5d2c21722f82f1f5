//! What the queues and the people did, written down.

use desk::Desk;
use queue::{AgentId, AgentState, QueueEvent};
use records::{AgentSpan, CallEvent, Store};

use super::driver::now_ms;

/// After these the call's row says something new.
const SETTLING: [&str; 6] = ["connected", "talk_ended", "acw_end", "abandoned", "overflowed", "callback_taken"];

/// A decision of the queue.
pub(super) async fn event(store: &Store, desk: &Desk, event: QueueEvent) {
    let (kind, data) = (event.kind(), event.data());
    // What somebody does by themselves is in the log of people.
    let Some(call) = event.call else { return };
    let call = call.as_str().to_owned();
    tracing::debug!(clinic = desk.clinic().id, call, kind, "queue");
    let settles = SETTLING.contains(&kind.as_str());
    let written = CallEvent {
        call: call.clone(),
        at_ms: event.at_ms,
        kind,
        agent: event.agent.map(String::from),
        queue: event.queue.map(String::from),
        data,
    };
    let mut done = store.add_call_event(written).await;
    if done.is_ok() && settles {
        done = store.settle_call(&call).await.map(|_| ());
    }
    if let Err(error) = done {
        tracing::error!(call, %error, "an event of a queue could not be written down");
    }
}

/// What somebody is doing from now on.
pub(super) async fn agent(store: &Store, desk: &Desk, agent: &AgentId, state: &AgentState) {
    let word = state.as_str().parse::<records::AgentState>();
    let Ok(word) = word else { return };
    let span = AgentSpan {
        clinic: desk.clinic().id.clone(),
        agent: agent.as_str().to_owned(),
        from_ms: now_ms(),
        until_ms: None,
        state: word,
        reason: match state {
            AgentState::Paused(reason) => Some(reason.clone()),
            _ => None,
        },
        call: state.call().map(|call| call.as_str().to_owned()),
    };
    if let Err(error) = store.set_agent_state(&span).await {
        tracing::error!(agent = agent.as_str(), %error, "what an operator does could not be written down");
    }
}
