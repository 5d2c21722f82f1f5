//! A conversation for an author's test: a clinic given as data, a caller given as lines, in virtual time.
//!
//! No database, no telephone, no model. What "understanding" means is plugged in ([`Understanding`]); [`Exact`] reads
//! only exact forms, which is enough to test a flow's own turns.
//!
//! The port keeps to the contract of the WIT as the live one does: after the caller has gone everything that needs them
//! or is done for them returns `hangup`, arguments are checked, and a booked time is gone.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use jiff::civil;
use serde::{Deserialize, Serialize};

mod clinic;
mod understanding;

pub use clinic::{Clinic, Opening};
pub use understanding::{Exact, Understanding};

use crate::host::appointments::Appointment;
use crate::host::callbacks::{Callback, Promise};
use crate::host::notes::Outcome;
use crate::host::routing::{Destination, QueueState, TransferOutcome};
use crate::host::voice::{Answer, CallInfo, Heard, Said};
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
    clinic: Clinic,
    call: CallInfo,
    started: civil::DateTime,
    caller: std::vec::IntoIter<CallerTurn>,
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
        let started = call.started.parse().map_err(|error| {
            PortError::Fault(format!("`started` is “{}”, not a moment like 2026-11-24T10:00: {error}", call.started))
        })?;
        let story = Story { appointments: clinic.appointments.clone(), ..Story::default() };
        let caller = caller.into_iter();
        Ok(Self { clinic, call, started, caller, understanding, now_ms: 0, story: Arc::new(Mutex::new(story)) })
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
        if !self.clinic.prompts.contains(&prompt) {
            return Err(Error::other("unknown-prompt", format!("the clinic has no recorded prompt `{prompt}`")));
        }
        self.say(format!("[{prompt}]"))
    }

    fn answer(&mut self, timeout_ms: u32) -> Result<Answer, Error> {
        match self.caller.next().unwrap_or(CallerTurn::HangsUp) {
            CallerTurn::Says(text) => {
                self.speak(Who::Caller, text.clone());
                Ok(Answer::Speech(Heard { text, confidence: 0.9 }))
            }
            CallerTurn::Presses(keys) => {
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
        self.known(&to)?;
        let somebody = self.clinic.people.contains(&to);
        let mut story = self.write();
        story.transfers.push((to, summary));
        story.over = somebody;
        Ok(if somebody { TransferOutcome::Connected } else { TransferOutcome::Nobody })
    }

    fn known(&self, to: &Destination) -> Result<(), Error> {
        match to {
            Destination::Line(name) if !self.clinic.lines.contains(name) => {
                let known = self.clinic.lines.join(", ");
                Err(Error::other("unknown-line", format!("the clinic has no line `{name}`; it has: {known}")))
            }
            _ => Ok(()),
        }
    }

    fn promise(&mut self, callback: Callback) -> Result<Promise, Error> {
        let due = match &callback.at {
            Some(at) => clinic::moment(at)?,
            None => self.now().checked_add(jiff::SignedDuration::from_mins(30)).unwrap_or(self.now()),
        };
        let mut story = self.write();
        story.callbacks.push(callback);
        let id = format!("callback-{}", story.callbacks.len());
        Ok(Promise { id, due: clinic::iso(due) })
    }

    fn tag(&mut self, category: String) -> Result<(), Error> {
        if !self.clinic.categories.is_empty() && !self.clinic.categories.contains(&category) {
            let known = self.clinic.categories.join(", ");
            return Err(Error::other("unknown-category", format!("no category `{category}`; known: {known}")));
        }
        self.write().tags.push(category);
        Ok(())
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
            Call::VoiceAsk { question } => unless_over!(VoiceAsk, {
                self.speak(Who::Flow, question.text);
                self.answer(question.answer_timeout_ms)
            }),
            Call::VoiceHangUp => unless_over!(VoiceHangUp, {
                self.write().over = true;
                Ok(())
            }),
            Call::ClinicInfo => Reply::ClinicInfo(self.clinic.info.clone()),
            Call::ClinicNow => Reply::ClinicNow(clinic::iso(self.now())),
            Call::ClinicHours { date } => Reply::ClinicHours(self.clinic.hours(&date)),
            Call::ClinicIsOpen => Reply::ClinicIsOpen(self.clinic.is_open(self.now())),
            Call::ClinicServices => Reply::ClinicServices(self.clinic.services.clone()),
            Call::ClinicAbsentServices => Reply::ClinicAbsentServices(self.clinic.absent.clone()),
            Call::ClinicDoctors => Reply::ClinicDoctors(self.clinic.doctors.clone()),
            Call::FaqFind { question } => Reply::FaqFind(Ok(self.understanding.faq(&question, &self.clinic.faq))),
            Call::FaqEntries => Reply::FaqEntries(self.clinic.faq.clone()),
            Call::AppointmentsFind { query } => Reply::AppointmentsFind(self.clinic.find(&query, self.now())),
            Call::AppointmentsBook { slot_id, visitor } => {
                unless_over!(AppointmentsBook, self.clinic.book(&slot_id, visitor))
            }
            Call::AppointmentsReschedule { appointment_id, slot_id } => {
                unless_over!(AppointmentsReschedule, self.clinic.reschedule(&appointment_id, &slot_id))
            }
            Call::AppointmentsCancel { appointment_id, .. } => {
                unless_over!(AppointmentsCancel, self.clinic.cancel(&appointment_id))
            }
            Call::AppointmentsMine { phone } => Reply::AppointmentsMine(Ok(self.clinic.mine(&phone, self.now()))),
            Call::CallbacksRequest { callback } => unless_over!(CallbacksRequest, self.promise(callback)),
            Call::RoutingTransfer { to, summary } => unless_over!(RoutingTransfer, self.transfer(to, summary)),
            Call::RoutingQueue { to } => Reply::RoutingQueue({
                let open = self.clinic.people.contains(&to);
                self.known(&to).map(|()| QueueState { open, waiting: 0, expected_wait_s: 0 })
            }),
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
        let reply = self.reply(call);
        self.write().appointments.clone_from(&self.clinic.appointments);
        Ok(reply)
    }

    fn elapsed_ms(&self) -> Option<u64> {
        Some(self.now_ms)
    }
}

#[cfg(test)]
mod tests;
