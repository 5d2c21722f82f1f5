//! The robot's side of a conversation.

use async_trait::async_trait;
use records::{ChatState, ChatThread, Pii};
use serde::{Deserialize, Serialize};
use std::time::Duration;

use crate::office::{Office, kind_of};
use crate::step::Event;
use crate::{ChatError, Result};

/// The kind of the jobs that ask the robot for an answer; `.` and the clinic's id follow.
pub const ROBOT_JOB: &str = "chat.robot";
/// A robot that takes longer has failed.
const PATIENCE: Duration = Duration::from_secs(20);
/// Longer than the robot may take.
const LEASE_MS: i64 = 60_000;

/// Whoever runs the flow of a written conversation. With `session::ChatDoor` it is a map of conversations: `say` sends
/// `FromVisitor::Wrote` and collects `Says` and `Offers` until `Listens` or `Ended`; `Ended(Transferred)` is a hand-over.
#[async_trait]
pub trait Robot: Send + Sync {
    /// What it says to that. A conversation it does not know begins with this message; with an empty one it only greets.
    ///
    /// # Errors
    /// A sentence without personal data; the visitor is handed over to a person.
    async fn say(&self, thread: &ChatThread, text: &Pii) -> std::result::Result<RobotSays, String>;

    /// A person has taken over, or the conversation is closed: what was under way with this thread's id is over.
    async fn dismissed(&self, thread: &str) {
        let _ = thread;
    }
}

/// What the robot says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RobotSays {
    /// One message each.
    pub replies: Vec<Reply>,
    /// A person is to go on.
    pub hand_over: bool,
    /// The robot's conversation is over.
    pub ended: bool,
}

/// A message of the robot.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Reply {
    /// The words.
    pub text: String,
    /// Answers on offer, shown as buttons.
    pub buttons: Vec<String>,
}

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Asked {
    pub(crate) thread: String,
    pub(crate) seq: i64,
}

impl Office {
    /// Takes the next message that waits for the robot and has it answered; false when there was none. A robot that fails, or
    /// takes longer than 20 s, hands over to a person.
    pub async fn robot_once(&self, robot: &dyn Robot, now_ms: i64) -> Result<bool> {
        let kind = kind_of(ROBOT_JOB, &self.clinic().id);
        let Some(job) = self.store().claim(&kind, now_ms, LEASE_MS).await? else { return Ok(false) };
        match self.ask(robot, &job.payload, now_ms).await {
            Ok(()) => self.store().finish(&job, now_ms).await?,
            Err(error) => {
                tracing::warn!(job = job.id, %error, "a visitor's message was not answered by the robot");
                self.store().fail(&job, &error.to_string(), now_ms).await?;
            }
        }
        Ok(true)
    }

    async fn ask(&self, robot: &dyn Robot, payload: &serde_json::Value, now_ms: i64) -> Result<()> {
        let asked: Asked =
            serde_json::from_value(payload.clone()).map_err(|error| ChatError::Unreadable(error.to_string()))?;
        let thread = self.store().chat_thread(&asked.thread).await?;
        let opens = asked.seq == 0;
        let wrote = match opens {
            true => Some(Pii::default()),
            false => self.store().chat_messages(&asked.thread, asked.seq - 1, 1).await?.pop().map(|wrote| wrote.text),
        };
        // Erased meanwhile, or a person has taken over.
        let Some(wrote) = wrote.filter(|_| thread.state == ChatState::Robot) else { return Ok(()) };
        let says = match tokio::time::timeout(PATIENCE, robot.say(&thread, &wrote)).await {
            Ok(Ok(says)) => says,
            Ok(Err(problem)) => {
                tracing::warn!(thread = thread.id, problem, "the robot failed in a chat; a person is called");
                RobotSays { hand_over: true, ..RobotSays::default() }
            }
            Err(_) => {
                tracing::warn!(thread = thread.id, "the robot took too long in a chat; a person is called");
                RobotSays { hand_over: true, ..RobotSays::default() }
            }
        };
        let mut events: Vec<Event> = says
            .replies
            .into_iter()
            .map(|reply| Event::Robot { text: reply.text.into(), buttons: reply.buttons })
            .collect();
        if opens && (says.hand_over || says.ended) && thread.visitor_ms.is_none() {
            // Nobody has written: there is nothing to hand over yet. The first message is handed over, or answered.
            if events.is_empty() {
                events.push(Event::Greeted);
            }
        } else if says.hand_over {
            events.push(Event::HandOver);
        } else if says.ended {
            events.push(Event::Close { operator: None });
        }
        // The same answer again, after a crash between here and the job's end, is no new message.
        let mark = format!("robot:{}", asked.seq);
        match self.change(&asked.thread, &events, Some(&mark), now_ms).await {
            // A person came while the robot thought.
            Err(ChatError::Refused(_)) => Ok(()),
            other => other.map(|_| ()),
        }
    }
}
