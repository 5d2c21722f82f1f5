//! A call that goes on, as seen from outside: its sound for those who may listen in, and the wish that a person takes it over.
//!
//! Whoever listens in hears what is being recorded and nothing else: so nobody hears a call before its caller knows that it
//! is recorded, nor one that is not.

use std::sync::{Arc, Mutex, PoisonError};

use lines::FRAME_SAMPLES;
use tokio::sync::broadcast;

use crate::inbox::{Arrived, ToLoop};

type Frame = [i16; FRAME_SAMPLES];

/// Frames that a slow listener may be behind: two seconds. What is older they miss.
const BEHIND: usize = 100;

/// A handle on a live call. Cheap to clone; it outlives the call and is of no use then.
#[derive(Debug, Clone, Default)]
pub struct Live(Arc<Mutex<Inside>>);

#[derive(Debug, Default)]
struct Inside {
    /// None while nothing is kept of the call.
    sound: Option<broadcast::Sender<Frame>>,
    /// While the robot holds it.
    robot: Option<ToLoop>,
}

impl Live {
    /// The call's sound from now on, both sides together, 20 ms at a time at 8 kHz; it ends with the recording. None while
    /// nobody may hear the call: it is not recorded, or its caller does not know yet.
    pub fn listen(&self) -> Option<broadcast::Receiver<Frame>> {
        self.inside().sound.as_ref().map(broadcast::Sender::subscribe)
    }

    /// Asks the robot to hand its caller to `to` now, with one line for whoever takes them. False when no robot holds the
    /// call (any more).
    pub fn take_over(&self, to: &str, summary: &str) -> bool {
        let order = Arrived::TakenOver { to: to.to_owned(), summary: summary.to_owned() };
        self.inside().robot.as_ref().is_some_and(|robot| robot.send(order).is_ok())
    }

    pub(crate) fn robot_begins(&self, robot: ToLoop) {
        self.inside().robot = Some(robot);
    }

    pub(crate) fn robot_left(&self) {
        self.inside().robot = None;
    }

    /// Whoever listens hears it from now on, until what is returned is dropped.
    pub(crate) fn sounds(&self) -> Sounding {
        let (sound, _) = broadcast::channel(BEHIND);
        self.inside().sound = Some(sound.clone());
        Sounding { live: self.clone(), sound }
    }

    fn inside(&self) -> std::sync::MutexGuard<'_, Inside> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A call that can be heard.
pub(crate) struct Sounding {
    live: Live,
    sound: broadcast::Sender<Frame>,
}

impl Sounding {
    /// 20 ms of both sides.
    pub(crate) fn push(&self, caller: &Frame, other: &Frame) {
        if self.sound.receiver_count() > 0 {
            // The last listener may just have left.
            self.sound.send(std::array::from_fn(|at| caller[at].saturating_add(other[at]))).ok();
        }
    }
}

impl Drop for Sounding {
    fn drop(&mut self) {
        self.live.inside().sound = None;
    }
}
