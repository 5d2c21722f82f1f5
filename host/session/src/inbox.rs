//! What was done beside a call's loop, on its way back to it.

use std::task::{Context, Poll};

use call::{Millis, Token, TransferResult};
use speech::SpeechError;
use speech::recogniser::Transcript;
use tokio::sync::mpsc;
use tokio::sync::mpsc::error::TryRecvError;

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
    /// From somebody who takes the call over from the robot.
    TakenOver { to: String, summary: String },
}

/// One channel for everything: whatever arrives wakes the loop by the same waker.
pub(crate) type ToLoop = mpsc::UnboundedSender<Arrived>;
/// Its other end.
pub(crate) type Inbox = mpsc::UnboundedReceiver<Arrived>;

/// The next message; where there is none yet, the context's waker is woken by it.
pub(crate) fn next<T>(messages: &mut mpsc::UnboundedReceiver<T>, context: &mut Context<'_>) -> Result<T, TryRecvError> {
    // Asked first, because polling counts against the task that turns a clock by hand.
    match messages.try_recv() {
        Err(TryRecvError::Empty) => match messages.poll_recv(context) {
            Poll::Ready(Some(message)) => Ok(message),
            Poll::Ready(None) => Err(TryRecvError::Disconnected),
            Poll::Pending => Err(TryRecvError::Empty),
        },
        other => other,
    }
}
