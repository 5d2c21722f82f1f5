//! The port: where a flow's host calls are answered.
//!
//! Five kinds exist. Live (in `session`) does what is asked. [`Recording`](crate::journal::Recording) wraps another
//! and writes everything down. [`Replay`](crate::replay::Replay) answers from a journal,
//! [`Shadow`](crate::shadow::Shadow) from one that is still being written.
//! [`Scripted`](crate::script::Scripted) plays a caller and a clinic for an author's tests.

use async_trait::async_trait;

use crate::host::{HostCall, HostReply};

/// Answers the host calls of one call, one after the other.
#[async_trait]
pub trait Port: Send {
    /// Answer one call. The flow is parked until this returns; take as long as the caller does.
    ///
    /// What a flow can deal with goes into the reply as [`host::Error`](crate::host::Error). The reply must be the
    /// variant of the same name as the call.
    ///
    /// # Errors
    ///
    /// [`PortError`] ends the flow: the host itself cannot go on.
    async fn call(&mut self, call: HostCall) -> Result<HostReply, PortError>;

    /// Milliseconds from the start of the call to the last reply, if the port keeps its own time. This is the flow's
    /// clock: it stands still between host calls, so that a replay sees the same times. `None`: real time.
    fn elapsed_ms(&self) -> Option<u64> {
        None
    }
}

#[async_trait]
impl Port for Box<dyn Port> {
    async fn call(&mut self, call: HostCall) -> Result<HostReply, PortError> {
        (**self).call(call).await
    }

    fn elapsed_ms(&self) -> Option<u64> {
        (**self).elapsed_ms()
    }
}

/// The host cannot go on with this call: the flow is ended, the caller goes to a person.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PortError {
    /// The other side of the port is gone (the session ended).
    #[error("the call is over")]
    Closed,
    /// The journal could not be written; nothing may happen that is not written down.
    #[error("the journal cannot be written: {0}")]
    Journal(String),
    /// A replay asked for something the journal does not have at this place.
    #[error("the replay left the journal: {0}")]
    Diverged(String),
    /// Anything else.
    #[error("{0}")]
    Fault(String),
}
