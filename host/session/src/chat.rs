//! The same conversation with a person who writes: on a page, in a messenger. Real time, no sound.

use call::{Input, Millis};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until};

use crate::conversation::{Act, Conversation, Spoken, Words};
use crate::error::SessionError;
use crate::stage::{Held, Setup, Stage};
use crate::trace::Tracer;

/// A message longer than this is cut: nobody writes so much to a clinic's robot, and a flow reads all of it.
const MOST_CHARS: usize = 2_000;

/// What a visitor does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FromVisitor {
    /// They wrote this.
    Wrote(String),
    /// They left: closed the page, or were not seen for too long.
    Left,
}

/// What a visitor sees.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ToVisitor {
    /// The robot writes this.
    Says(String),
    /// The question that follows can be answered with one of these, word for word; other words will do, too.
    Offers(Vec<String>),
    /// The robot waits for an answer to the question of this id; until then it is busy.
    Listens(String),
    /// It is over. Nothing follows.
    Ended(call::EndReason),
}

/// The conversation's end of a chat.
#[derive(Debug)]
pub struct ChatDoor {
    from_visitor: mpsc::UnboundedReceiver<FromVisitor>,
    to_visitor: mpsc::UnboundedSender<ToVisitor>,
}

/// The visitor's end of a chat, for whoever carries messages to and fro. Dropping it is leaving.
#[derive(Debug)]
pub struct Visitor {
    /// What the visitor does.
    pub send: mpsc::UnboundedSender<FromVisitor>,
    /// What the visitor sees.
    pub receive: mpsc::UnboundedReceiver<ToVisitor>,
}

impl ChatDoor {
    /// Both ends.
    pub fn open() -> (ChatDoor, Visitor) {
        let (send, from_visitor) = mpsc::unbounded_channel();
        let (to_visitor, receive) = mpsc::unbounded_channel();
        (ChatDoor { from_visitor, to_visitor }, Visitor { send, receive })
    }

    fn shows(&self, what: ToVisitor) {
        // A visitor who left is noticed at the other channel.
        self.to_visitor.send(what).ok();
    }
}

/// Hold one conversation in writing, from the first word to the last. `setup.channel` says where: a chat, as a rule.
///
/// # Errors
///
/// [`SessionError`] when it cannot be written down.
pub async fn chat(stage: &Stage, setup: Setup, mut door: ChatDoor, tracer: Tracer) -> Result<Held, SessionError> {
    let (mut conversation, mut inbox) = Conversation::start(stage, setup, call::Config::chat(), tracer).await?;
    let began = Instant::now();
    let mut now = Millis(0);
    loop {
        act(&mut conversation, &door, now);
        if conversation.ended() {
            break;
        }
        if let Some((id, _)) = conversation.take_question() {
            let choices = conversation.take_choices();
            if !choices.is_empty() {
                door.shows(ToVisitor::Offers(choices));
            }
            door.shows(ToVisitor::Listens(id));
        }
        let deadline = conversation.deadline();
        // Far ahead rather than never: a deadline that cannot be reached needs no branch of its own.
        let ahead = deadline.map_or(3_600_000, |deadline| deadline.since(now).min(3_600_000));
        let wake = Instant::now() + std::time::Duration::from_millis(ahead);
        tokio::select! {
            arrived = inbox.recv() => {
                now = passed(began, now);
                if let Some(arrived) = arrived {
                    conversation.arrived(arrived, now);
                }
            }
            done = door.from_visitor.recv() => {
                now = passed(began, now);
                match done {
                    Some(FromVisitor::Wrote(text)) => wrote(&mut conversation, text, now),
                    Some(FromVisitor::Left) | None => {
                        conversation.handle(Input::CallerHungUp, now);
                        break;
                    }
                }
            }
            () = sleep_until(wake) => {
                now = passed(began, now);
                conversation.handle(Input::Tick, now);
            }
        }
    }
    conversation.outlive_flow(&mut inbox, now).await;
    while !conversation.ended() {
        // The visitor left: what remains is the core's own time for the flow to end.
        now = conversation.deadline().map_or(now, |deadline| now.max(deadline));
        let before = now;
        conversation.handle(Input::Tick, now);
        act(&mut conversation, &door, now);
        if !conversation.ended() && conversation.deadline().is_none_or(|deadline| deadline <= before) {
            break;
        }
    }
    door.shows(ToVisitor::Ended(conversation.parted().0));
    conversation.finish(now).await
}

/// Time never stands still for two messages, so that turns keep their order.
fn passed(began: Instant, before: Millis) -> Millis {
    let passed = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
    Millis(passed.max(before.0 + 1))
}

fn wrote(conversation: &mut Conversation, text: String, now: Millis) {
    let text: String = text.trim().chars().take(MOST_CHARS).collect();
    if text.is_empty() {
        return;
    }
    conversation.caller_said(Words { text: text.clone(), from: now, to: now, confidence: None });
    conversation.handle(Input::Typed(text), now);
}

/// What is written is read at once.
fn act(conversation: &mut Conversation, door: &ChatDoor, now: Millis) {
    while let Some(act) = conversation.next_act(now) {
        match act {
            Act::Play { token, text: Spoken::Text(text) } => {
                conversation.handle(Input::PlaybackStarted { token }, now);
                conversation.robot_says(&text, now);
                door.shows(ToVisitor::Says(text.clone()));
                conversation.robot_said(&text, now, now);
                conversation.handle(Input::PlaybackDone { token }, now);
            }
            // A recording cannot be written; the flow is told so.
            Act::Play { token, text: Spoken::Recorded(_) } => {
                conversation.handle(Input::PlaybackFailed { token }, now);
            }
            Act::StopPlayback { .. } | Act::Hear { .. } | Act::HearAhead(_) | Act::ComfortTone(_) => {}
        }
    }
}
