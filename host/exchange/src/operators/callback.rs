//! A call-back that keeps its place: the operator has answered and hears music while the client is dialled.

use std::sync::Arc;

use async_trait::async_trait;
use lines::Door;
use queue::{AgentId, CallId, EndedBy, Event, NotReached, QueueId};
use tokio::sync::mpsc;

use super::driver::Message;
use super::{About, words};

/// Who dials clients, and brings two lines together.
#[async_trait]
pub trait CallbackLine: Send + Sync {
    /// Dials the client of a call-back while `operator` waits on the line, having heard `whisper`. Ready when the client
    /// has answered, or will not.
    ///
    /// # Errors
    /// How it came to nothing; the operator has been told and hung up.
    async fn dial(&self, callback: Callback, operator: Box<dyn Door>) -> Result<Talk, NotReached>;
}

/// What is to be dialled.
#[derive(Debug, Clone)]
pub struct Callback {
    /// The client's number, E.164.
    pub number: String,
    /// The call it was promised in.
    pub promised_in: String,
    /// Who waits on the line.
    pub operator: String,
    /// What they hear first.
    pub whisper: String,
    /// What they hear when nobody answers.
    pub not_reached: &'static str,
}

/// A call-back that was answered.
pub struct Talk {
    /// The new call's id.
    pub call: String,
    /// Ends with the talk, and says who ended it.
    pub over: std::pin::Pin<Box<dyn Future<Output = EndedBy> + Send>>,
}

/// From the operator's answer to the end of the talk.
pub(super) async fn run(
    line: Arc<dyn CallbackLine>,
    messages: mpsc::WeakUnboundedSender<Message>,
    call: CallId,
    queue: QueueId,
    agent: AgentId,
    about: Arc<About>,
    operator: Box<dyn Door>,
) {
    let tell = |message| {
        if let Some(messages) = messages.upgrade() {
            messages.send(message).ok();
        }
    };
    let Some(number) = about.caller.clone() else {
        return tell(Message::CalledBack { call, result: Err(NotReached::Refused) });
    };
    let callback = Callback {
        number,
        promised_in: call.as_str().to_owned(),
        operator: agent.as_str().to_owned(),
        whisper: words::callback_whisper(queue.as_str(), &about.summary),
        not_reached: words::NOT_REACHED,
    };
    match line.dial(callback, operator).await {
        Ok(talk) => {
            let as_call = CallId::from(talk.call);
            tell(Message::CalledBack { call, result: Ok(as_call.clone()) });
            let by = talk.over.await;
            tell(Message::Event(Event::TalkEnded { call: as_call, by }));
        }
        Err(why) => tell(Message::CalledBack { call, result: Err(why) }),
    }
}
