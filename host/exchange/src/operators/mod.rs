//! The people of a clinic: queues in which callers wait for them, their phones, and call-backs that keep their place.
//!
//! Who talks to whom is decided by the `queue` room, a pure state machine; `driver` is its clock and its hands. A caller's
//! own task (see `crate::reception`) holds the caller's line and does what [`ToCaller`] says.

mod callback;
mod driver;
mod log;
mod phones;
mod settings;
mod words;

use std::collections::HashMap;
use std::sync::Arc;

use desk::Desk;
use queue::{Acd, AgentView, Event, Join, QueueView, SettingsError, WaitingView};
use records::{Contact, Store};
use tokio::sync::{mpsc, oneshot};

pub use callback::{Callback, CallbackLine, Talk};
pub use phones::{Answered, Joining, Phones, Ringing, SendOn};

use crate::config::Lines;
use driver::{Driver, Message};

/// What is known of a caller who waits.
#[derive(Debug, Clone)]
pub struct About {
    /// Their number, E.164.
    pub caller: Option<String>,
    /// What the robot learned, in one line.
    pub summary: String,
}

/// What the holder of a waiting caller's line is to do.
pub enum ToCaller {
    /// Play this queue's music from now on.
    Music {
        /// Whose.
        queue: String,
    },
    /// Say this, then music again.
    Say(String),
    /// Bridge with this operator.
    Connect {
        /// The operator on the line.
        operator: Answered,
        /// Who it is.
        agent: String,
        /// What the operator hears first.
        whisper: String,
    },
    /// Say this and hang up.
    Leave {
        /// What.
        say: &'static str,
        /// A call-back is written down.
        callback: bool,
    },
}

/// How the queues stand.
#[derive(Debug, Clone, Default)]
pub struct View {
    /// Who waits, the first first.
    pub waiting: Vec<WaitingView>,
    /// Who serves.
    pub agents: Vec<AgentView>,
    /// What whoever joins now has before them.
    pub queues: Vec<QueueView>,
}

/// The queues of one clinic. Cheap to clone; they stop when the last clone is gone.
#[derive(Clone)]
pub struct Operators {
    messages: mpsc::UnboundedSender<Message>,
}

impl Operators {
    /// Starts the queues of a clinic; nobody is logged in.
    ///
    /// # Errors
    /// Settings that contradict themselves.
    pub fn start(
        lines: &Lines,
        desk: Arc<Desk>,
        store: Store,
        phones: Arc<dyn Phones>,
        callbacks: Option<Arc<dyn CallbackLine>>,
    ) -> Result<Operators, Vec<SettingsError>> {
        let clinic = desk.clinic().id.clone();
        let settings = settings::of_clinic(lines, &clinic);
        let usual = lines.queue_for(&clinic, "operator").map(|queue| queue.name.as_str().into());
        let usual = usual.or_else(|| settings.queues.keys().next().cloned());
        let missed = lines.outgoing.as_ref().is_some_and(|outgoing| outgoing.missed);
        let acd = Acd::new(settings, driver::now_ms())?;
        let (messages, received) = mpsc::unbounded_channel();
        let driver = Driver {
            acd,
            phones,
            callbacks,
            desk,
            store,
            usual,
            missed,
            to_self: messages.downgrade(),
            callers: HashMap::new(),
            ringing: HashMap::new(),
            answered: HashMap::new(),
            dialling: HashMap::new(),
        };
        tokio::spawn(driver.run(received));
        Ok(Operators { messages })
    }

    /// Something happened.
    pub fn tell(&self, event: Event) {
        // The driver ends with the program only.
        self.messages.send(Message::Event(event)).ok();
    }

    /// A caller joins a queue; none when it does not take them (full, nobody there). Whoever joined tells
    /// [`Event::HungUp`] or [`Event::TalkEnded`] in the end.
    pub async fn join(&self, join: Join, about: About) -> Option<mpsc::UnboundedReceiver<ToCaller>> {
        let (caller, told) = mpsc::unbounded_channel();
        let (joined, answer) = oneshot::channel();
        self.messages.send(Message::Join { join, about: Arc::new(about), caller, joined }).ok()?;
        answer.await.ok().filter(|joined| *joined).map(|_| told)
    }

    /// An entry of the list of people to call is due: somebody is rung for it when they are free, then the client is dialled.
    pub fn call_back(&self, contact: Contact) {
        self.messages.send(Message::CallBack(Box::new(contact))).ok();
    }

    /// How the queues stand.
    pub async fn look(&self) -> View {
        let (answer, view) = oneshot::channel();
        self.messages.send(Message::Look(answer)).ok();
        view.await.unwrap_or_default()
    }
}
