//! Making an operator's phone ring.

use async_trait::async_trait;
use lines::Door;
use queue::Miss;

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

/// The phones of the house.
#[async_trait]
pub trait Phones: Send + Sync {
    /// Rings until the phone is answered, declined or gone. Dropping the future stops the ringing.
    ///
    /// # Errors
    /// How it came to nothing.
    async fn ring(&self, ringing: Ringing) -> Result<Box<dyn Door>, Miss>;
}
