//! What the visitors' routes ask of the program: hold this call. Written conversations are the room `chat`'s.

use async_trait::async_trait;
use lines::Door;
use serde::Serialize;
use tokio::sync::mpsc;

/// Where conversations are held.
#[async_trait]
pub trait Calls: Send + Sync {
    /// Is there no room for one more? Asked before a visitor is let in.
    fn full(&self) -> bool {
        false
    }

    /// Hold a call at `door` and return when it is over. What is shown goes to `shown`; nobody may be looking.
    async fn spoken(&self, opening: Opening, door: Box<dyn Door>, shown: ShownSender);

    /// Hold a written rehearsal of the version in [`Opening::rehearsed`], of which nothing is kept, and return when it is over.
    /// `said` is what is written; it ends when whoever rehearses has left.
    async fn rehearse(&self, opening: Opening, said: mpsc::Receiver<String>, shown: ShownSender) {
        let _ = (opening, said, shown);
    }
}

/// A visitor at the door.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Opening {
    /// By which door.
    pub kind: Kind,
    /// Which clinic; it exists.
    pub clinic: String,
    /// The name of the provider's or the PBX's WebSocket; empty for a page.
    pub socket: String,
    /// The caller's number, E.164, when the provider or the PBX told it.
    pub caller: Option<String>,
    /// The number or line that was called; empty where there is none.
    pub line: String,
    /// What the other side calls this call (`callSid`, connection id, …); unique there, not here.
    pub reference: Option<String>,
    /// The version that is rehearsed, by its digest: nothing of it is kept. None: whatever answers callers.
    pub rehearsed: Option<String>,
}

/// The doors visitors come in by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A page with a microphone.
    Browser,
    /// A chat on a site.
    Chat,
    /// Asterisk's WebSocket channel.
    Asterisk,
    /// Twilio Media Streams, or a provider that speaks the same.
    Twilio,
}

/// Where what is shown goes; never blocks.
pub type ShownSender = mpsc::UnboundedSender<Shown>;

/// One thing a visitor sees of their own conversation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Shown {
    /// The robot (or a person who took over) begins to say this.
    Robot {
        /// What.
        text: String,
    },
    /// The visitor said this, as recognised.
    Caller {
        /// The words.
        text: String,
    },
    /// The visitor pressed keys.
    Keys {
        /// Which.
        keys: String,
    },
    /// The visitor interrupted.
    BargeIn,
    /// A question waits for its answer.
    Question {
        /// Its short stable name.
        id: String,
        /// Answers that can be offered as buttons; empty when any words will do.
        choices: Vec<String>,
    },
    /// The call goes to a person.
    Person {
        /// Where, in words a visitor understands; empty when it has no name.
        to: String,
    },
    /// The conversation is over.
    Ended,
}
