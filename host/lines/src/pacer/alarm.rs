//! How a call is woken between its beats: whoever sends it something wakes its waker, which puts it on the list of its shard and
//! wakes that. A call that is on the list already is not put there again.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::task::Wake;
use std::thread::Thread;

/// One call's.
pub(super) struct Alarm {
    call: usize,
    rung: AtomicBool,
    bell: Arc<Bell>,
}

/// One shard's: the list, and whom to wake.
#[derive(Default)]
pub(super) struct Bell {
    rung: Mutex<Vec<Arc<Alarm>>>,
    /// None as long as the shard has not begun, or where its clock is turned by hand.
    thread: OnceLock<Thread>,
}

impl Alarm {
    pub(super) fn new(call: usize, bell: &Arc<Bell>) -> Arc<Alarm> {
        Arc::new(Alarm { call, rung: AtomicBool::new(false), bell: Arc::clone(bell) })
    }

    /// Whose it is.
    pub(super) fn call(&self) -> usize {
        self.call
    }

    /// The call is about to look: from now on it may be rung again.
    pub(super) fn answered(&self) {
        // Read and written at once: what was sent before it was rung is seen when the call looks.
        self.rung.swap(false, Ordering::AcqRel);
    }
}

impl Wake for Alarm {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if !self.rung.swap(true, Ordering::AcqRel) {
            self.bell.list().push(Arc::clone(self));
            self.bell.wake();
        }
    }
}

impl Bell {
    /// The shard's own thread.
    pub(super) fn wakes(&self, thread: Thread) {
        self.thread.set(thread).ok();
    }

    /// The shard has something to do.
    pub(super) fn wake(&self) {
        if let Some(thread) = self.thread.get() {
            thread.unpark();
        }
    }

    /// The calls that were rung, into an empty list.
    pub(super) fn take(&self, into: &mut Vec<Arc<Alarm>>) {
        std::mem::swap(&mut *self.list(), into);
    }

    fn list(&self) -> std::sync::MutexGuard<'_, Vec<Arc<Alarm>>> {
        self.rung.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
