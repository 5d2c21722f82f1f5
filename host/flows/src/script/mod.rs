//! A conversation for an author's test: a clinic given as data, a caller given as lines, in virtual time.
//!
//! No database, no telephone, no model. What "understanding" means is plugged in ([`Understanding`]); [`Exact`] reads
//! only exact forms, which is enough to test a flow's own turns. So is the clinic ([`Office`]), and the caller
//! ([`Caller`]).
//!
//! The port keeps to the contract of the WIT as the live one does: after the caller has gone everything that needs them
//! or is done for them returns `hangup`, arguments are checked, and a booked time is gone.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use jiff::civil;
use serde::{Deserialize, Serialize};

mod clinic;
mod office;
mod understanding;

pub use clinic::{Clinic, Opening};
pub use office::Office;
pub use understanding::{Exact, Understanding};

use crate::host::appointments::Appointment;
use crate::host::callbacks::{Callback, Promise};
use crate::host::notes::Outcome;
use crate::host::routing::{Destination, TransferOutcome};
use crate::host::voice::{Answer, CallInfo, Heard, Question, Said};
use crate::host::{Error, HostCall, HostReply};
use crate::port::{Port, PortError};

/// What the caller does when it is their turn. A caller with no lines left hangs up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CallerTurn {
    /// Speaks.
    Says(String),
    /// Presses keys.
    Presses(String),
    /// Stays silent until the time-out.
    IsSilent,
    /// Hangs up.
    HangsUp,
}

/// Somebody who answers questions. A list of turns is one: they come one after the other, whatever is asked.
pub trait Caller: Send {
    /// What they do when asked.
    fn answer(&mut self, question: &Question) -> CallerTurn;
}

impl Caller for std::vec::IntoIter<CallerTurn> {
    fn answer(&mut self, _question: &Question) -> CallerTurn {
        self.next().unwrap_or(CallerTurn::HangsUp)
    }
}

/// Who said a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Who {
    /// The caller.
    Caller,
    /// The flow.
    Flow,
}

/// One line of the conversation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    /// Virtual milliseconds since the start.
    pub at_ms: u64,
    /// Whose.
    pub who: Who,
    /// What was said; keys as `[12]`, silence as `[…]`, a recorded prompt as `[its name]`.
    pub text: String,
}

/// What happened, for a test to look at.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Story {
    /// What was said by whom.
    pub lines: Vec<Line>,
    /// Every visit under the clinic's roof, old and new.
    pub appointments: Vec<Appointment>,
    /// Call-backs promised.
    pub callbacks: Vec<Callback>,
    /// Transfers tried, with their summaries.
    pub transfers: Vec<(Destination, String)>,
    /// Tags, in order.
    pub tags: Vec<String>,
    /// Notes by name.
    pub notes: BTreeMap<String, String>,
    /// How the flow says the call ended.
    pub outcome: Option<Outcome>,
    /// The flow's own log.
    pub log: Vec<String>,
    /// Has the call ended (whoever ended it)?
    pub over: bool,
}

impl Story {
    /// The flow's lines alone.
    pub fn said(&self) -> Vec<&str> {
        self.lines.iter().filter(|line| line.who == Who::Flow).map(|line| line.text.as_str()).collect()
    }
}

/// The port.
pub struct Scripted {
    office: Box<dyn Office>,
    call: CallInfo,
    started: civil::DateTime,
    caller: Box<dyn Caller>,
    understanding: Box<dyn Understanding>,
    now_ms: u64,
    story: Arc<Mutex<Story>>,
}

impl Scripted {
    /// A call to `clinic`, in which the caller says `caller` one after the other.
    ///
    /// # Errors
    ///
    /// [`PortError::Fault`]: `call.started` is not a moment (`2026-11-24T10:00`).
    pub fn new(
        clinic: Clinic,
        call: CallInfo,
        caller: Vec<CallerTurn>,
        understanding: Box<dyn Understanding>,
    ) -> Result<Self, PortError> {
        Self::with(Box::new(clinic), call, Box::new(caller.into_iter()), understanding)
    }

    /// A call to any clinic, by any caller.
    ///
    /// # Errors
    ///
    /// As for [`Scripted::new`].
    pub fn with(
        office: Box<dyn Office>,
        call: CallInfo,
        caller: Box<dyn Caller>,
        understanding: Box<dyn Understanding>,
    ) -> Result<Self, PortError> {
        let started = call.started.parse().map_err(|error| {
            PortError::Fault(format!("`started` is “{}”, not a moment like 2026-11-24T10:00: {error}", call.started))
        })?;
        let story = Story { appointments: office.visits().to_vec(), ..Story::default() };
        Ok(Self { office, call, started, caller, understanding, now_ms: 0, story: Arc::new(Mutex::new(story)) })
    }

    /// The story as it grows; look at it when the run is over.
    pub fn story(&self) -> Arc<Mutex<Story>> {
        Arc::clone(&self.story)
    }

    fn write(&self) -> MutexGuard<'_, Story> {
        self.story.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn now(&self) -> civil::DateTime {
        let passed = jiff::SignedDuration::from_millis(self.now_ms as i64);
        self.started.checked_add(passed).unwrap_or(self.started)
    }

    /// Somebody speaks: about 65 ms a letter.
    fn speak(&mut self, who: Who, text: String) {
        let took = 400 + 65 * text.chars().count() as u64;
        self.write().lines.push(Line { at_ms: self.now_ms, who, text });
        self.now_ms += took;
    }

    fn say(&mut self, text: String) -> Result<Said, Error> {
        self.speak(Who::Flow, text);
        Ok(Said::Complete)
    }

    fn play(&mut self, prompt: String) -> Result<Said, Error> {
        if !self.office.has_prompt(&prompt) {
            return Err(Error::other("unknown-prompt", format!("the clinic has no recorded prompt `{prompt}`")));
        }
        self.say(format!("[{prompt}]"))
    }

    fn ask(&mut self, question: Question) -> Result<Answer, Error> {
        self.speak(Who::Flow, question.text.clone());
        let timeout_ms = question.answer_timeout_ms;
        match self.caller.answer(&question) {
            CallerTurn::Says(text) => {
                self.speak(Who::Caller, text.clone());
                Ok(Answer::Speech(Heard { text, confidence: 0.9 }))
            }
            CallerTurn::Presses(mut keys) => {
                if question.max_digits > 0 {
                    keys = keys.chars().take(question.max_digits as usize).collect();
                }
                self.speak(Who::Caller, format!("[{keys}]"));
                Ok(Answer::Digits(keys))
            }
            CallerTurn::IsSilent => {
                self.write().lines.push(Line { at_ms: self.now_ms, who: Who::Caller, text: "[…]".into() });
                self.now_ms += if timeout_ms == 0 { 5_000 } else { u64::from(timeout_ms) };
                Ok(Answer::Silence)
            }
            CallerTurn::HangsUp => {
                self.write().over = true;
                Err(Error::Hangup)
            }
        }
    }

    fn transfer(&mut self, to: Destination, summary: String) -> Result<TransferOutcome, Error> {
        let outcome = self.office.transfer(&to, self.now())?;
        let mut story = self.write();
        story.transfers.push((to, summary));
        story.over = outcome == TransferOutcome::Connected;
        Ok(outcome)
    }

    fn promise(&mut self, callback: Callback) -> Result<Promise, Error> {
        let due = self.office.due(&callback, self.now())?;
        let mut story = self.write();
        story.callbacks.push(callback);
        let id = format!("callback-{}", story.callbacks.len());
        Ok(Promise { id, due: clinic::iso(due) })
    }

    fn tag(&mut self, category: String) -> Result<(), Error> {
        self.office.check_category(&category)?;
        self.write().tags.push(category);
        Ok(())
    }

    /// Visits changed: the story shows them.
    fn changed<T>(&mut self, result: Result<T, Error>) -> Result<T, Error> {
        let visits = self.office.visits().to_vec();
        self.write().appointments = visits;
        result
    }

    fn reply(&mut self, call: HostCall) -> HostReply {
        use {HostCall as Call, HostReply as Reply};
        let over = self.write().over;
        // One line per function: what needs the caller, or is done for them, ends with them.
        macro_rules! unless_over {
            ($variant:ident, $answer:expr) => {
                Reply::$variant(if over { Err(Error::Hangup) } else { $answer })
            };
        }
        match call {
            Call::VoiceCall => Reply::VoiceCall(self.call.clone()),
            Call::VoiceSay { text, .. } => unless_over!(VoiceSay, self.say(text)),
            Call::VoicePlay { prompt, .. } => unless_over!(VoicePlay, self.play(prompt)),
            Call::VoiceAsk { question } => unless_over!(VoiceAsk, self.ask(question)),
            Call::VoiceHangUp => unless_over!(VoiceHangUp, {
                self.write().over = true;
                Ok(())
            }),
            Call::ClinicInfo => Reply::ClinicInfo(self.office.info()),
            Call::ClinicNow => Reply::ClinicNow(clinic::iso(self.now())),
            Call::ClinicHours { date } => Reply::ClinicHours(self.office.hours(&date)),
            Call::ClinicIsOpen => Reply::ClinicIsOpen(self.office.is_open(self.now())),
            Call::ClinicServices => Reply::ClinicServices(self.office.services()),
            Call::ClinicAbsentServices => Reply::ClinicAbsentServices(self.office.absent()),
            Call::ClinicDoctors => Reply::ClinicDoctors(self.office.doctors()),
            Call::FaqFind { question } => Reply::FaqFind(Ok(self.understanding.faq(&question, self.office.faq()))),
            Call::FaqEntries => Reply::FaqEntries(self.office.faq().to_vec()),
            Call::AppointmentsFind { query } => Reply::AppointmentsFind(self.office.find(&query, self.now())),
            Call::AppointmentsBook { slot_id, visitor } => {
                unless_over!(AppointmentsBook, {
                    let booked = self.office.book(&slot_id, visitor, self.now());
                    self.changed(booked)
                })
            }
            Call::AppointmentsReschedule { appointment_id, slot_id } => {
                unless_over!(AppointmentsReschedule, {
                    let moved = self.office.reschedule(&appointment_id, &slot_id, self.now());
                    self.changed(moved)
                })
            }
            Call::AppointmentsCancel { appointment_id, .. } => {
                unless_over!(AppointmentsCancel, {
                    let cancelled = self.office.cancel(&appointment_id);
                    self.changed(cancelled)
                })
            }
            Call::AppointmentsMine { phone } => Reply::AppointmentsMine(self.office.mine(&phone, self.now())),
            Call::CallbacksRequest { callback } => unless_over!(CallbacksRequest, self.promise(callback)),
            Call::RoutingTransfer { to, summary } => unless_over!(RoutingTransfer, self.transfer(to, summary)),
            Call::RoutingQueue { to } => Reply::RoutingQueue(self.office.queue(&to, self.now())),
            Call::ParseDateTime { text } => {
                Reply::ParseDateTime(self.understanding.date_time(&text, &clinic::iso(self.now())))
            }
            Call::ParseYesNo { text } => Reply::ParseYesNo(self.understanding.yes_no(&text)),
            Call::ParsePhone { text } => Reply::ParsePhone(self.understanding.phone(&text)),
            Call::ParseName { text } => Reply::ParseName(self.understanding.name(&text)),
            Call::ParseAnimal { text } => Reply::ParseAnimal(self.understanding.animal(&text)),
            Call::ParseIntent { text } => Reply::ParseIntent(self.understanding.intent(&text)),
            Call::ParseChoice { text, options } => Reply::ParseChoice(self.understanding.choice(&text, &options)),
            Call::NotesTag { category } => Reply::NotesTag(self.tag(category)),
            Call::NotesNote { name, value } => {
                self.write().notes.insert(name, value);
                Reply::NotesNote(Ok(()))
            }
            Call::NotesSetOutcome { outcome } => {
                self.write().outcome = Some(outcome);
                Reply::NotesSetOutcome(Ok(()))
            }
            Call::NotesLog { line } => {
                self.write().log.push(line);
                Reply::NotesLog(())
            }
        }
    }
}

#[async_trait]
impl Port for Scripted {
    async fn call(&mut self, call: HostCall) -> Result<HostReply, PortError> {
        Ok(self.reply(call))
    }

    fn elapsed_ms(&self) -> Option<u64> {
        Some(self.now_ms)
    }
}

#[cfg(test)]
mod tests;
