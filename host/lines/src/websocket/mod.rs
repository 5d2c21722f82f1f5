//! Calls by WebSocket: what is said over it, as pure codecs. The socket itself belongs to whoever serves HTTP.
//!
//! - [`asterisk`]: Asterisk's WebSocket channel (`chan_websocket`): media as bytes, control as text, in its plain form or JSON
//! - [`twilio`]: Twilio Media Streams, which several providers speak: everything is JSON
//! - [`browser`]: our own page: samples as bytes, control as JSON
//!
//! A [`Protocol`] turns what arrived into [`Step`]s and what is to be sent into [`Message`]s. It knows no clock and no
//! socket; [`Protocol::play`] carries its steps to the [`SocketEnd`] of a call.

pub mod asterisk;
pub mod browser;
mod format;
pub mod twilio;

use std::collections::BTreeMap;

pub use format::Format;

use crate::socket::{Out, SocketEnd};

/// One message over the socket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Message {
    /// Control.
    Text(String),
    /// Sound.
    Binary(Vec<u8>),
}

/// What a message of the other side means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// The call begins.
    Began(Began),
    /// The caller's voice, 8 kHz.
    Heard(Vec<i16>),
    /// The caller pressed a key.
    Key(char),
    /// The caller hung up.
    HungUp,
    /// This is to be answered at once.
    Reply(Message),
}

/// What is told of a call when it begins.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Began {
    /// What the other side calls it.
    pub reference: String,
    /// Whatever else was told, by name.
    pub parameters: BTreeMap<String, String>,
}

/// Why a message cannot be understood. The call is over then: what follows could not be either.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProtocolError {
    /// Not the form this protocol has.
    #[error("{protocol}: {problem}")]
    Message {
        /// Which protocol.
        protocol: &'static str,
        /// What is wrong, without what was sent.
        problem: String,
    },
    /// A codec that is not spoken here.
    #[error(
        "{protocol}: the codec «{codec}» is not spoken here; use ulaw, alaw, slin or slin16 (in Asterisk: c(ulaw) in the dial string)"
    )]
    Codec {
        /// Which protocol.
        protocol: &'static str,
        /// As it was called, shortened.
        codec: String,
    },
}

impl ProtocolError {
    pub(crate) fn message(protocol: &'static str, problem: impl Into<String>) -> Self {
        ProtocolError::Message { protocol, problem: problem.into() }
    }

    pub(crate) fn codec(protocol: &'static str, codec: &str) -> Self {
        ProtocolError::Codec { protocol, codec: codec.chars().take(20).collect() }
    }
}

/// One way to carry a call over a WebSocket.
pub trait Protocol: Send {
    /// What this message means.
    ///
    /// # Errors
    /// [`ProtocolError`] when it means nothing.
    fn take(&mut self, message: &Message) -> Result<Vec<Step>, ProtocolError>;

    /// How this is sent.
    fn give(&mut self, out: &Out) -> Vec<Message>;

    /// How the conversation's hang-up is sent.
    fn hang_up(&mut self) -> Vec<Message>;

    /// Carry what `message` means to `end`. Gives what is to be answered, and what the call began with if it did.
    ///
    /// # Errors
    /// As [`take`](Protocol::take).
    fn play(&mut self, message: &Message, end: &SocketEnd) -> Result<(Vec<Message>, Option<Began>), ProtocolError> {
        let (mut replies, mut began) = (Vec::new(), None);
        for step in self.take(message)? {
            match step {
                Step::Began(call) => began = Some(call),
                Step::Heard(samples) => end.hear(&samples),
                Step::Key(key) => end.key(key),
                Step::HungUp => end.hung_up(),
                Step::Reply(message) => replies.push(message),
            }
        }
        Ok((replies, began))
    }
}

/// The key in `text`, if that is what it is.
fn key(text: &str) -> Option<char> {
    let mut chars = text.chars();
    let key = chars.next().filter(|_| chars.next().is_none())?;
    matches!(key.to_ascii_uppercase(), '0'..='9' | '*' | '#' | 'A'..='D').then(|| key.to_ascii_uppercase())
}
