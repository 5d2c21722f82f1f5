//! Waiting until something is so.

use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};

/// How often to look.
const LOOK: Duration = Duration::from_millis(20);

/// Looks until `ready` has something, at most for `limit`. `what` completes the sentence "waited for …".
///
/// # Errors
/// When the limit is over, or as soon as `ready` fails.
pub fn until<T>(what: &str, limit: Duration, mut ready: impl FnMut() -> Result<Option<T>>) -> Result<T> {
    let start = Instant::now();
    loop {
        if let Some(found) = ready()? {
            return Ok(found);
        }
        if start.elapsed() > limit {
            bail!("waited {} s for {what} in vain", limit.as_secs());
        }
        thread::sleep(LOOK);
    }
}
