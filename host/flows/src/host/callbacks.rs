//! `gudok:callbacks`: a promise to call back.

use serde::{Deserialize, Serialize};

use super::bindings::gudok::callbacks::callbacks as wit;
use super::bindings::gudok::types::types::Error as WitError;
use super::convert::record;
use super::forward;
use crate::guest::Guest;

/// Whom to call, and about what.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Callback {
    /// E.164.
    pub phone: String,
    /// Empty when not known.
    pub person: String,
    /// In the caller's words.
    pub reason: String,
    /// When the caller asked for it.
    pub at: Option<String>,
}

/// What was promised.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Promise {
    /// The call-back's id.
    pub id: String,
    /// Moment by which the clinic means to call.
    pub due: String,
}

record!(wit::Callback => Callback { phone, person, reason, at });
record!(Promise => wit::Promise { id, due });

impl wit::Host for Guest {
    async fn request(&mut self, callback: wit::Callback) -> wasmtime::Result<Result<wit::Promise, WitError>> {
        forward!(self, CallbacksRequest { callback: callback })
    }
}
