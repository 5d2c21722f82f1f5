//! The robot's side of written conversations, from the site's widget and from messengers: each is a chat of the clinic's flow,
//! held where the calls are.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use chat::{Reply, RobotSays};
use exchange::Exchange;
use records::{ChatThread, Pii};
use session::trace::Tracer;
use session::{ChatDoor, FromVisitor, ToVisitor, Visitor};

/// A visitor who is silent for so long has left; who writes again begins anew with the flow.
const AWAY: Duration = Duration::from_secs(30 * 60);

/// Talks by the id of their conversation.
pub struct ChatRobot {
    exchange: Exchange,
    talks: Mutex<HashMap<String, (Arc<Talk>, Instant)>>,
}

/// One conversation with the flow; a message at a time.
type Talk = tokio::sync::Mutex<Visitor>;

impl ChatRobot {
    /// Conversations are held by this exchange.
    pub fn new(exchange: Exchange) -> Self {
        Self { exchange, talks: Mutex::default() }
    }

    /// The talk of a conversation, and whether it begins just now.
    fn talk(&self, thread: &ChatThread) -> (Arc<Talk>, bool) {
        let mut talks = self.talks();
        let now = Instant::now();
        talks.retain(|_, (_, last)| now.duration_since(*last) < AWAY);
        if let Some((talk, last)) = talks.get_mut(&thread.id) {
            *last = now;
            return (Arc::clone(talk), false);
        }
        let (door, visitor) = ChatDoor::open();
        let (exchange, clinic) = (self.exchange.clone(), thread.clinic.clone());
        tokio::spawn(async move {
            exchange.write(&clinic, door, Tracer::none()).await;
        });
        let talk = Arc::new(Talk::new(visitor));
        talks.insert(thread.id.clone(), (Arc::clone(&talk), now));
        (talk, true)
    }

    fn talks(&self) -> MutexGuard<'_, HashMap<String, (Arc<Talk>, Instant)>> {
        self.talks.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl chat::Robot for ChatRobot {
    async fn say(&self, thread: &ChatThread, text: &Pii) -> Result<RobotSays, String> {
        let (talk, is_new) = self.talk(thread);
        let mut visitor = talk.lock().await;
        let mut says = RobotSays::default();
        // A flow greets and asks before it listens.
        if is_new {
            listen(&mut visitor, &mut says).await;
        }
        // A visitor who only opened the chat is greeted.
        if !says.ended && !text.is_empty() {
            let wrote = FromVisitor::Wrote(text.as_str().to_owned());
            if visitor.send.send(wrote).is_err() {
                says.ended = true;
            } else {
                listen(&mut visitor, &mut says).await;
            }
        }
        if says.ended {
            self.talks().remove(&thread.id);
        }
        if says.replies.is_empty() && says.ended && !says.hand_over {
            return Err("the conversation could not be held; is the server full, or is no flow deployed?".to_owned());
        }
        Ok(says)
    }

    /// The flow notices that its visitor left.
    async fn dismissed(&self, thread: &str) {
        self.talks().remove(thread);
    }
}

/// What the flow says until it waits for an answer, or is over.
async fn listen(visitor: &mut Visitor, says: &mut RobotSays) {
    let mut buttons = Vec::new();
    loop {
        match visitor.receive.recv().await {
            Some(ToVisitor::Says(text)) => says.replies.push(Reply { text, buttons: Vec::new() }),
            Some(ToVisitor::Offers(offered)) => buttons = offered,
            Some(ToVisitor::Listens(_)) => break,
            Some(ToVisitor::Ended(reason)) => {
                says.ended = true;
                says.hand_over = reason == call::EndReason::Transferred;
                break;
            }
            None => {
                says.ended = true;
                break;
            }
        }
    }
    if let Some(last) = says.replies.last_mut() {
        last.buttons = buttons;
    }
}
