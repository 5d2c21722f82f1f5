//! Real telephones call a real Gudok. What the clients need comes with `make setup`; a missing one fails its test and says
//! which package to install.

// Functions that tests share are tests too; clippy.toml exempts only those marked `#[test]`.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "all of this is tests")]

#[path = "phones/booking.rs"]
mod booking;
#[path = "phones/media.rs"]
mod media;
#[path = "phones/signalling.rs"]
mod signalling;

use std::sync::{Arc, Mutex, PoisonError, Weak};

use phones::gudok::{Gudok, Setting};

/// The server that most tests share, while any of them runs.
static SHARED: Mutex<Weak<Gudok>> = Mutex::new(Weak::new());

fn shared() -> Arc<Gudok> {
    let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(running) = shared.upgrade() {
        return running;
    }
    let started = Arc::new(Gudok::start(&Setting::default()).unwrap());
    *shared = Arc::downgrade(&started);
    started
}

/// Real sound, in real time: a machine that stands still for a moment bends it. What failed is tried once more, and told which
/// try it is.
fn twice(test: impl Fn(u32)) {
    if let Err(first) = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| test(1))) {
        let why = first.downcast_ref::<String>().map_or("", String::as_str);
        eprintln!("the first try failed, and is made again: {why}");
        test(2);
    }
}
