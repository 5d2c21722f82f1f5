//! What was done beside a call's loop, on its way back to it.

use call::{Millis, Token, TransferResult};
use speech::SpeechError;
use speech::recogniser::Transcript;
use tokio::sync::mpsc;

use crate::flow_side::FromFlow;
use crate::playback::Prepared;

/// Something that arrived.
#[derive(Debug)]
pub(crate) enum Arrived {
    /// From the flow.
    Flow(FromFlow),
    /// From the mouth.
    Sound(Prepared),
    /// From the ears: the span that was heard, and its words.
    Heard { token: Token, from: Millis, to: Millis, result: Result<Transcript, SpeechError> },
    /// From the people the caller was to be handed to.
    Transferred(Token, TransferResult),
}

/// One channel for everything: a loop that looks a thousand times a second looks in one place.
pub(crate) type ToLoop = mpsc::UnboundedSender<Arrived>;
/// Its other end.
pub(crate) type Inbox = mpsc::UnboundedReceiver<Arrived>;
