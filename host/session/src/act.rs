//! A caller's line on its way from act to act: robot, waiting room, bridge. And an act on the shared clock.

use std::task::Context;

use lines::{Beat, Door, Paced, Pacer};
use tokio::sync::oneshot;

use crate::error::SessionError;
use crate::recorder::Recording;
use call::Millis;

/// A caller's line between two acts. Nobody keeps it alive meanwhile: give it to the next act at once.
pub struct Leg {
    /// The line itself; dropped, it hangs up.
    pub door: Box<dyn Door>,
    /// The recording of the whole call, going on.
    pub recording: Option<Recording>,
    /// Media time since the call began: where the recording stands.
    pub at: Millis,
}

impl Leg {
    /// A line without a past.
    pub fn new(door: Box<dyn Door>, recording: Option<Recording>) -> Leg {
        Leg { door, recording, at: Millis(0) }
    }

    /// Is the call to be recorded, and the caller has not been told yet?
    pub fn notice_is_due(&self) -> bool {
        self.recording.as_ref().is_some_and(|recording| !recording.is_on())
    }

    /// Hang up, and wait until the recording is on the disk. False if there is none: nothing of the call was kept.
    ///
    /// # Errors
    ///
    /// [`SessionError::Recording`].
    pub async fn hang_up(self) -> Result<bool, SessionError> {
        let Leg { door, recording, .. } = self;
        drop(door);
        match recording {
            Some(recording) => Ok(recording.finish().await?),
            None => Ok(false),
        }
    }
}

/// Run an act on the shared clock to its end; it is handed back. None when it panicked, or the clock was stopped.
pub(crate) async fn perform<T: Paced + 'static>(pacer: &Pacer, act: T) -> Option<T> {
    let (done, over) = oneshot::channel();
    pacer.add(Box::new(Performing { act: Some(act), done: Some(done) }));
    over.await.ok()
}

struct Performing<T> {
    act: Option<T>,
    done: Option<oneshot::Sender<T>>,
}

impl<T: Paced> Paced for Performing<T> {
    fn poll(&mut self, context: &mut Context<'_>) {
        if let Some(act) = &mut self.act {
            act.poll(context);
        }
    }

    fn frame(&mut self) -> Beat {
        let Some(act) = &mut self.act else { return Beat::Over };
        if act.frame() == Beat::On {
            return Beat::On;
        }
        if let (Some(act), Some(done)) = (self.act.take(), self.done.take()) {
            // Whoever waited for it may be gone; then it is dropped here, which hangs up.
            done.send(act).ok();
        }
        Beat::Over
    }

    fn skipped(&mut self, frames: u64) {
        if let Some(act) = &mut self.act {
            act.skipped(frames);
        }
    }
}
