//! Calls that go on, for those at the desk who listen in or take one over from the robot.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use lines::FRAME_SAMPLES;
use session::Live;
use tokio::sync::broadcast;

use crate::Exchange;
use crate::people::BY_NAME;

/// Why a call was not taken over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotTaken {
    /// It is over, or with a person.
    #[error("no robot holds this call any more")]
    NotWithRobot,
    /// Nobody of this name has a phone at this clinic.
    #[error("no operator of this name has a phone here; [[operator]] of the lines file names them")]
    UnknownOperator,
}

/// The calls of the house, by id.
#[derive(Clone, Default)]
pub(crate) struct Lives(Arc<Mutex<HashMap<String, (String, Live)>>>);

/// A call that is known until this is dropped.
pub(crate) struct Known {
    lives: Lives,
    call: String,
}

impl Lives {
    /// A call has begun.
    pub(crate) fn begins(&self, clinic: &str, call: &str, live: Live) -> Known {
        self.calls().insert(call.to_owned(), (clinic.to_owned(), live));
        Known { lives: self.clone(), call: call.to_owned() }
    }

    fn of(&self, clinic: &str, call: &str) -> Option<Live> {
        self.calls().get(call).filter(|(of, _)| of == clinic).map(|(_, live)| live.clone())
    }

    fn calls(&self) -> std::sync::MutexGuard<'_, HashMap<String, (String, Live)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Known {
    fn drop(&mut self) {
        self.lives.calls().remove(&self.call);
    }
}

impl Exchange {
    /// The sound of a call from now on, both sides together, 20 ms at a time at 8 kHz. None when it is over, is not recorded,
    /// or its caller has not been told so yet: then nobody may hear it.
    pub fn listen(&self, clinic: &str, call: &str) -> Option<broadcast::Receiver<[i16; FRAME_SAMPLES]>> {
        self.inner.lives.of(clinic, call)?.listen()
    }

    /// Who may take a call over: the operators of a clinic that have phones here.
    pub fn takers(&self, clinic: &str) -> Vec<String> {
        if self.inner.dialler.is_none() {
            return Vec::new();
        }
        let operators = self.inner.lines.operators.iter().filter(|operator| operator.clinic == clinic);
        operators.map(|operator| operator.name.clone()).collect()
    }

    /// Takes a call from the robot: the caller hears that they are put through, this operator's phone rings, and the two are
    /// bridged. Where the operator does not answer, the caller goes the way of everybody who wants a person.
    ///
    /// # Errors
    /// [`NotTaken`].
    pub fn take_over(&self, clinic: &str, call: &str, operator: &str) -> Result<(), NotTaken> {
        if !self.takers(clinic).iter().any(|name| name == operator) {
            return Err(NotTaken::UnknownOperator);
        }
        let live = self.inner.lives.of(clinic, call).ok_or(NotTaken::NotWithRobot)?;
        let asked = live.take_over(&format!("{BY_NAME}{operator}"), "Вы забрали этот звонок у робота.");
        if asked { Ok(()) } else { Err(NotTaken::NotWithRobot) }
    }
}
