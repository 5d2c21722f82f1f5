//! Attended transfer (RFC 5589): an operator asks a colleague first, by a call of their own, and then has their caller put
//! through to them. Both calls of the operator's phone end here, so the two others are bridged here.

use std::sync::{Arc, Mutex, PoisonError};

use lines::Door;
use sip::Dialog;
use tokio::sync::{mpsc, oneshot};

/// Whoever wants the other end of a consultation.
pub(crate) type Asker = oneshot::Sender<Box<dyn Door>>;

/// The calls that operators' phones have made and that go on.
#[derive(Clone, Default)]
pub(crate) struct Consultations(Arc<Mutex<Vec<Open>>>);

struct Open {
    dialog: Dialog,
    asked: mpsc::UnboundedSender<Asker>,
}

/// One of them, from the side of whoever holds its two lines.
pub(crate) struct Consultation {
    all: Consultations,
    call_id: String,
    asked: mpsc::UnboundedReceiver<Asker>,
}

/// A consultation somebody may be put through to.
#[derive(Debug, Clone)]
pub struct Joining(mpsc::UnboundedSender<Asker>);

impl Joining {
    /// The line of whoever was consulted; none when they have hung up.
    pub(crate) async fn take(self) -> Option<Box<dyn Door>> {
        let (asker, door) = oneshot::channel();
        self.0.send(asker).ok()?;
        door.await.ok()
    }
}

impl Consultations {
    /// An operator's phone talks to somebody, by this call of the phone.
    pub(crate) fn opens(&self, dialog: Dialog) -> Consultation {
        let (asks, asked) = mpsc::unbounded_channel();
        let call_id = dialog.call_id().to_owned();
        self.open().push(Open { dialog, asked: asks });
        Consultation { all: self.clone(), call_id, asked }
    }

    /// The one that a Replaces names.
    pub(crate) fn named(&self, replaces: &str) -> Option<Joining> {
        let open = self.open();
        open.iter().find(|open| open.dialog.is_named_by(replaces)).map(|open| Joining(open.asked.clone()))
    }

    fn open(&self) -> std::sync::MutexGuard<'_, Vec<Open>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Consultation {
    /// Somebody wants the other line.
    pub(crate) async fn asked(&mut self) -> Option<Asker> {
        self.asked.recv().await
    }
}

impl Drop for Consultation {
    fn drop(&mut self) {
        self.all.open().retain(|open| open.dialog.call_id() != self.call_id);
    }
}
