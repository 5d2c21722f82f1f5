//! The portal without a socket, for tests whose clock is their own.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::Value;

use super::{Reply, Server};
use crate::bitrix24::{CallError, Portal, read_answer};

/// Cheap to clone; the server behind it is one.
#[derive(Debug, Clone)]
pub struct InMemory {
    /// Who answers.
    pub server: Server,
    /// Set when the program is to die; the call never returns.
    pub crashed: Arc<AtomicBool>,
}

impl InMemory {
    /// The way to a server.
    pub fn new(server: Server) -> Self {
        Self { server, crashed: Arc::new(AtomicBool::new(false)) }
    }
}

impl Portal for InMemory {
    async fn call(&self, method: &str, params: &Value) -> Result<Value, CallError> {
        match self.server.request(method, params) {
            Reply::Answer(status, answer) => read_answer(status, answer.to_string().as_bytes()),
            Reply::Lost => Err(CallError::Unsure("no answer in time".into())),
            Reply::Crash => {
                self.crashed.store(true, Ordering::SeqCst);
                std::future::pending().await
            }
        }
    }
}
