//! Making an operator's phone ring.

use async_trait::async_trait;
use lines::Door;
use queue::Miss;
use tokio::sync::mpsc;

pub use crate::consultation::Joining;

/// What an operator's phone shows while it rings.
#[derive(Debug, Clone)]
pub struct Ringing {
    /// Whose phone.
    pub operator: String,
    /// The caller's number, to be shown.
    pub caller: Option<String>,
    /// The queue the caller waits in.
    pub queue: String,
    /// Nobody is on the line yet: they will be dialled.
    pub callback: bool,
}

/// An operator on the line.
pub struct Answered {
    /// Their line; dropped, it hangs up.
    pub door: Box<dyn Door>,
    /// Wishes to send the caller on, by the phone's transfer key.
    pub wishes: mpsc::UnboundedReceiver<SendOn>,
}

/// The operator wants the caller to go on to somebody else.
#[derive(Debug, Clone)]
pub enum SendOn {
    /// To a number, or a queue by its name.
    To(String),
    /// To whoever the operator has just talked to.
    Joined(Joining),
}

/// The phones of the house.
#[async_trait]
pub trait Phones: Send + Sync {
    /// Rings until the phone is answered, declined or gone. Dropping the future stops the ringing.
    ///
    /// # Errors
    /// How it came to nothing.
    async fn ring(&self, ringing: Ringing) -> Result<Answered, Miss>;
}
