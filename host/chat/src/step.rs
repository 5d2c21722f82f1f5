//! Who holds a conversation: robot, nobody yet, a person; and what follows on what. A pure function of the thread as it was, what
//! happened, and the time.
//!
//! | state | visitor writes | robot says | hand-over | operator takes or writes | nobody there | given back | closed |
//! |---|---|---|---|---|---|---|---|
//! | robot | robot, or waiting if a person is asked for | said | waiting | person | – | – | closed |
//! | waiting | waiting | – | waiting | person | waiting, call-back promised | robot | closed |
//! | person | person | – | – | person (the same one only) | – | robot (the same one only) | closed |
//! | closed | as in robot | – | – | person | – | – | closed |
//!
//! A conversation that was opened and in which nobody has written is the robot's: it greets and offers answers.
//! `–`: refused, the thread stays as it was. A visitor's message is never refused.

use desk::PhoneNumber;
use records::{ChatDelivery, ChatMessage, ChatState, ChatThread, ChatWho, Pii, WaitChange, WaitKind};

use crate::words;

/// Something that happened in a conversation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// A visitor opened the chat and has not written yet.
    Opened,
    /// There is nobody but the program to greet them.
    Greeted,
    /// The visitor wrote.
    Visitor {
        /// What.
        text: Pii,
        /// As the messenger calls the message.
        external_id: Option<String>,
    },
    /// The robot says.
    Robot {
        /// What.
        text: Pii,
        /// Answers on offer.
        buttons: Vec<String>,
    },
    /// The robot wants a person to go on.
    HandOver,
    /// An operator takes it.
    Take {
        /// Who.
        operator: String,
    },
    /// An operator writes; a conversation that nobody holds is theirs from then on.
    Operator {
        /// Who.
        operator: String,
        /// What.
        text: Pii,
        /// The canned answer it was made of.
        canned: Option<String>,
    },
    /// An operator gives it back to the robot.
    GiveBack {
        /// Who.
        operator: String,
    },
    /// It has waited too long, or the clinic is closed.
    NobodyThere,
    /// It is over.
    Close {
        /// The operator; none = the robot's conversation ended.
        operator: Option<String>,
    },
}

/// What is known besides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Context {
    /// Now, unix milliseconds.
    pub now_ms: i64,
    /// Which place in the line it would have or has, from 1.
    pub position: i64,
    /// Whether the clinic's chat has a robot; without one every conversation waits for a person.
    pub robot: bool,
}

/// What follows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// The thread as it is to be.
    pub thread: ChatThread,
    /// Messages to write down.
    pub messages: Vec<ChatMessage>,
    /// Waits that begin and end.
    pub waits: Vec<WaitChange>,
    /// Kinds of events.
    pub events: Vec<&'static str>,
    /// The robot is to answer the message of this number.
    pub ask_robot: Option<i64>,
    /// A call-back to this number is to be written down.
    pub call_back: Option<Pii>,
}

/// What cannot be done to a conversation.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// The robot may not speak: a person was asked for.
    #[error("the conversation is {0}, the robot has no say in it")]
    NotTheRobots(ChatState),
    /// Another operator holds it.
    #[error("{0:?} answers in this conversation; ask them to give it back")]
    HeldBy(String),
    /// It waits for nobody.
    #[error("the conversation is {0}, nobody is waited for")]
    NotWaiting(ChatState),
    /// Nobody holds it.
    #[error("the conversation is {0}, take it first")]
    NotHeld(ChatState),
}

/// The channel of the site's own widget: its page shows what is written down, so nothing need be delivered.
pub const SITE: &str = "site";

/// What becomes of a conversation.
///
/// # Errors
/// [`Refused`], see the table above.
pub fn step(before: &ChatThread, event: Event, context: &Context) -> Result<Outcome, Refused> {
    let mut next = Next::of(before, context);
    match event {
        Event::Opened if next.context.robot => next.out.ask_robot = Some(0),
        Event::Opened | Event::Greeted => next.say(words::WRITE_US.to_owned()),
        Event::Visitor { text, external_id } => next.visitor(text, external_id),
        Event::Robot { text, buttons } => {
            next.robots()?;
            next.write(ChatWho::Robot, None, text, buttons, None);
            next.answered("robot");
        }
        Event::HandOver => {
            next.robots()?;
            next.wait_for_a_person();
        }
        Event::Take { operator } => next.take(&operator)?,
        Event::Operator { operator, text, canned } => {
            next.take(&operator)?;
            next.write(ChatWho::Operator, Some(&operator), text, Vec::new(), canned);
            next.answered(&operator);
            next.out.waits.push(WaitChange::Answered(WaitKind::Person, operator));
        }
        Event::GiveBack { operator } => next.give_back(&operator)?,
        Event::NobodyThere => next.nobody_there()?,
        Event::Close { operator } => next.close(operator.as_deref())?,
    }
    Ok(next.out)
}

struct Next<'a> {
    out: Outcome,
    context: &'a Context,
}

impl<'a> Next<'a> {
    fn of(before: &ChatThread, context: &'a Context) -> Self {
        let out = Outcome {
            thread: before.clone(),
            messages: Vec::new(),
            waits: Vec::new(),
            events: Vec::new(),
            ask_robot: None,
            call_back: None,
        };
        Self { out, context }
    }

    fn visitor(&mut self, text: Pii, external_id: Option<String>) {
        let asks = words::asks_for_a_person(text.as_str());
        let number = number_in(text.as_str());
        let seq = self.write(ChatWho::Visitor, None, text, Vec::new(), None);
        if let Some(message) = self.out.messages.last_mut() {
            message.external_id = external_id;
            message.delivery = ChatDelivery::In;
        }
        self.out.thread.visitor_ms = Some(self.context.now_ms);
        self.out.waits.push(WaitChange::Begin(WaitKind::First));
        self.out.events.push("chat.message");
        match self.out.thread.state {
            ChatState::Robot | ChatState::Closed => {
                self.out.thread.state = ChatState::Robot;
                if asks || !self.context.robot {
                    self.wait_for_a_person();
                } else {
                    self.out.ask_robot = Some(seq);
                }
            }
            ChatState::Waiting => {
                if let Some(number) = number.filter(|_| self.out.thread.promised && self.out.thread.phone.is_empty()) {
                    self.out.thread.phone = number.clone();
                    self.out.call_back = Some(number);
                    self.say(words::NUMBER_TAKEN.to_owned());
                }
            }
            ChatState::Person => {}
        }
    }

    fn robots(&self) -> Result<(), Refused> {
        let state = self.out.thread.state;
        if state == ChatState::Robot { Ok(()) } else { Err(Refused::NotTheRobots(state)) }
    }

    fn wait_for_a_person(&mut self) {
        let thread = &mut self.out.thread;
        (thread.state, thread.waiting_ms, thread.promised) = (ChatState::Waiting, Some(self.context.now_ms), false);
        self.out.waits.push(WaitChange::Begin(WaitKind::Person));
        self.out.events.push("chat.waiting");
        self.say(words::waiting(self.context.position));
    }

    fn take(&mut self, operator: &str) -> Result<(), Refused> {
        let thread = &mut self.out.thread;
        match (thread.state, &thread.operator) {
            (ChatState::Person, Some(holder)) if holder == operator => return Ok(()),
            (ChatState::Person, Some(holder)) => return Err(Refused::HeldBy(holder.clone())),
            _ => {}
        }
        thread.state = ChatState::Person;
        thread.operator = Some(operator.to_owned());
        thread.waiting_ms = None;
        thread.promised = false;
        self.out.events.push("chat.taken");
        self.say(words::TAKEN.to_owned());
        Ok(())
    }

    fn give_back(&mut self, operator: &str) -> Result<(), Refused> {
        let thread = &mut self.out.thread;
        match (thread.state, &thread.operator) {
            (ChatState::Person, Some(holder)) if holder != operator => return Err(Refused::HeldBy(holder.clone())),
            (ChatState::Person | ChatState::Waiting, _) => {}
            (state, _) => return Err(Refused::NotHeld(state)),
        }
        thread.state = ChatState::Robot;
        (thread.operator, thread.waiting_ms, thread.promised) = (None, None, false);
        self.out.waits.push(WaitChange::End(WaitKind::Person));
        self.out.events.push("chat.returned");
        self.say(words::GIVEN_BACK.to_owned());
        Ok(())
    }

    fn nobody_there(&mut self) -> Result<(), Refused> {
        let thread = &mut self.out.thread;
        if thread.state != ChatState::Waiting {
            return Err(Refused::NotWaiting(thread.state));
        }
        if thread.promised {
            return Ok(());
        }
        // It stays in the line: whoever is free first may still answer.
        thread.promised = true;
        self.out.events.push("chat.promised");
        if self.out.thread.phone.is_empty() {
            self.say(words::NUMBER_WANTED.to_owned());
        } else {
            self.out.call_back = Some(self.out.thread.phone.clone());
            self.say(words::PROMISED.to_owned());
        }
        Ok(())
    }

    fn close(&mut self, operator: Option<&str>) -> Result<(), Refused> {
        let thread = &mut self.out.thread;
        match (thread.state, &thread.operator, operator) {
            (ChatState::Closed, ..) => return Ok(()),
            (ChatState::Person, Some(holder), Some(operator)) if holder != operator => {
                return Err(Refused::HeldBy(holder.clone()));
            }
            // The robot's end is not the person's.
            (ChatState::Waiting | ChatState::Person, _, None) => return Err(Refused::NotTheRobots(thread.state)),
            _ => {}
        }
        thread.state = ChatState::Closed;
        (thread.operator, thread.waiting_ms, thread.promised) = (None, None, false);
        self.out.waits.extend([WaitChange::End(WaitKind::Person), WaitChange::End(WaitKind::First)]);
        self.out.events.push("chat.closed");
        Ok(())
    }

    fn say(&mut self, text: String) {
        self.write(ChatWho::System, None, text.into(), Vec::new(), None);
    }

    /// The number of the new message.
    fn write(
        &mut self,
        who: ChatWho,
        operator: Option<&str>,
        text: Pii,
        buttons: Vec<String>,
        canned: Option<String>,
    ) -> i64 {
        let thread = &mut self.out.thread;
        thread.last_seq += 1;
        thread.last_ms = thread.last_ms.max(self.context.now_ms);
        let delivery = if thread.channel == SITE { ChatDelivery::Sent } else { ChatDelivery::Queued };
        self.out.messages.push(ChatMessage {
            thread: thread.id.clone(),
            seq: thread.last_seq,
            who,
            operator: operator.map(str::to_owned),
            text,
            buttons,
            canned,
            at_ms: self.context.now_ms,
            external_id: None,
            delivery,
        });
        thread.last_seq
    }

    /// A visitor got an answer: not by the program's own words, by the robot or a person.
    fn answered(&mut self, by: &str) {
        self.out.thread.answered_ms = Some(self.context.now_ms);
        self.out.waits.push(WaitChange::Answered(WaitKind::First, by.to_owned()));
        self.out.events.push("chat.answered");
    }
}

/// A phone number that somebody wrote, alone or among words.
fn number_in(text: &str) -> Option<Pii> {
    let written: String = text
        .chars()
        .map(|letter| if letter.is_ascii_digit() || "+-() ".contains(letter) { letter } else { '\n' })
        .collect();
    written.lines().find_map(|part| PhoneNumber::parse(part.trim())).map(Pii::from)
}

#[cfg(test)]
mod tests;
