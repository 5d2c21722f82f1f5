//! The live port: what a flow asks for is done here, for real.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use call::{Command, Reply};
use desk::{Clinic, Desk, DeskError};
use flows::host::appointments::{self as visits, Status};
use flows::host::routing::{Destination, QueueState, TransferOutcome};
use flows::host::understanding::IntentKind;
use flows::host::voice::{self, Answer, Heard, Said};
use flows::host::{Error, HostCall, HostReply, callbacks, notes};
use flows::script::Understanding;
use flows::{Flow, Port, PortError};
use jiff::civil::{Date, DateTime, Time};
use records::{Note, Pii, Tag};
use serde_json::json;
use tokio::sync::oneshot;
use understanding::category::Taxonomy;

use crate::clinic_view;
use crate::clock::Clock;
use crate::flow_side::FromFlow;
use crate::inbox::{Arrived, ToLoop};
use crate::meaning::Meaning;
use crate::people::QueueNow;
use crate::stage::{Setup, Stage};
use crate::trace::{Trace, Tracer};

/// What the flow has done, and whether there is still somebody to do it for: shared between port and loop.
#[derive(Clone, Default)]
pub(crate) struct Done {
    gone: Arc<AtomicBool>,
    outcome: Arc<Mutex<Option<records::Outcome>>>,
    category: Arc<Mutex<Option<String>>>,
}

impl Done {
    pub(crate) fn caller_is_gone(&self) {
        self.gone.store(true, Ordering::Release);
    }

    fn is_gone(&self) -> bool {
        self.gone.load(Ordering::Acquire)
    }

    pub(crate) fn set_outcome(&self, outcome: records::Outcome) {
        *self.outcome.lock().unwrap_or_else(PoisonError::into_inner) = Some(outcome);
    }

    pub(crate) fn outcome(&self) -> Option<records::Outcome> {
        *self.outcome.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn set_category(&self, category: &str) {
        *self.category.lock().unwrap_or_else(PoisonError::into_inner) = Some(category.to_owned());
    }

    pub(crate) fn category(&self) -> Option<String> {
        self.category.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// The port of one live call.
pub(crate) struct LivePort {
    stage: Stage,
    info: voice::CallInfo,
    clock: Clock,
    done: Done,
    to_loop: ToLoop,
    tracer: Tracer,
    /// Digest and name of the version that holds the call.
    version: (String, String),
}

impl LivePort {
    pub(crate) fn new(
        stage: Stage,
        setup: &Setup,
        flow: &Flow,
        clock: Clock,
        done: Done,
        to_loop: ToLoop,
        tracer: Tracer,
    ) -> LivePort {
        let info = voice::CallInfo {
            id: setup.id.clone(),
            channel: setup.channel,
            caller: setup.caller.clone(),
            line: setup.line.clone(),
            entry: setup.entry.as_str().to_owned(),
            started: moment(setup.started.datetime()),
        };
        let version = (flow.digest().to_owned(), flow.name().to_owned());
        LivePort { stage, info, clock, done, to_loop, tracer, version }
    }

    fn desk(&self) -> &Desk {
        &self.stage.desk
    }

    fn clinic(&self) -> &Clinic {
        self.stage.desk.clinic()
    }

    fn meaning(&self) -> &Meaning {
        &self.stage.meaning
    }

    /// Something that lasts is done only for a caller who is there to hear of it.
    fn present(&self) -> Result<(), Error> {
        if self.done.is_gone() { Err(Error::Hangup) } else { Ok(()) }
    }

    /// Ask the media loop, and wait for its reply.
    async fn on_line(&self, command: Command) -> Result<Reply, PortError> {
        let (reply, answer) = oneshot::channel();
        self.to_loop.send(Arrived::Flow(FromFlow::Wants(command, reply))).map_err(|_| PortError::Closed)?;
        answer.await.map_err(|_| PortError::Closed)
    }

    async fn say(&self, command: Command) -> Result<Result<Said, Error>, PortError> {
        Ok(match self.on_line(command).await? {
            Reply::Said(call::Said::Complete) => Ok(Said::Complete),
            Reply::Said(call::Said::Interrupted) => Ok(Said::Interrupted),
            Reply::HungUp => Err(Error::Hangup),
            Reply::UnknownPrompt => Err(Error::other(
                "unknown-prompt",
                "the clinic has no recorded prompt of this name; see `prompts` in the clinic file",
            )),
            Reply::VoiceFailed => Err(Error::Unavailable("the voice failed; the caller did not hear it".into())),
            Reply::Answer(_) | Reply::Transferred(_) => return Err(wrong_reply()),
        })
    }

    async fn ask(&self, question: voice::Question) -> Result<Result<Answer, Error>, PortError> {
        Ok(match self.on_line(Command::Ask(core_question(question))).await? {
            Reply::Answer(call::Answer::Speech { text, confidence }) => {
                Ok(Answer::Speech(Heard { text, confidence: f64::from(confidence) }))
            }
            Reply::Answer(call::Answer::Digits(digits)) => Ok(Answer::Digits(digits)),
            Reply::Answer(call::Answer::Silence) => Ok(Answer::Silence),
            Reply::HungUp => Err(Error::Hangup),
            Reply::VoiceFailed => Err(Error::Unavailable("the voice failed; the caller did not hear it".into())),
            Reply::UnknownPrompt | Reply::Said(_) | Reply::Transferred(_) => return Err(wrong_reply()),
        })
    }

    async fn transfer(&self, to: &Destination, summary: String) -> Result<Result<TransferOutcome, Error>, PortError> {
        let command = Command::Transfer { to: line_name(to).to_owned(), summary };
        Ok(match self.on_line(command).await? {
            Reply::Transferred(call::TransferResult::Connected) => Ok(TransferOutcome::Connected),
            Reply::Transferred(call::TransferResult::Nobody) => Ok(TransferOutcome::Nobody),
            Reply::Transferred(call::TransferResult::Refused(why)) => Ok(TransferOutcome::Refused(why)),
            Reply::HungUp => Err(Error::Hangup),
            Reply::Said(_) | Reply::Answer(_) | Reply::UnknownPrompt | Reply::VoiceFailed => return Err(wrong_reply()),
        })
    }

    /// Where there is no queue in front of people, a line is staffed while the clinic is open.
    async fn queue(&self, to: &Destination) -> Result<QueueState, Error> {
        let name = line_name(to);
        if !self.clinic().lines.contains_key(name) {
            let message = format!("the clinic file has no line `{name}` under [lines]");
            return Err(Error::other("unknown-line", message));
        }
        let open = self.clinic().is_open(self.clock.now().timestamp());
        let Some(queue) = self.stage.people.queue(self.clinic(), name).await else {
            return Ok(QueueState { open, waiting: 0, expected_wait_s: 0 });
        };
        let QueueNow { served, waiting, expected_wait_s } = queue;
        Ok(QueueState { open: served, waiting, expected_wait_s })
    }

    async fn find(&self, query: visits::SlotQuery) -> Result<Vec<visits::Slot>, Error> {
        let query = desk::SlotQuery {
            service: query.service,
            doctor: query.doctor,
            date_from: query.date_from.map(|text| date("date-from", &text)).transpose()?,
            date_to: query.date_to.map(|text| date("date-to", &text)).transpose()?,
            time_from: query.time_from.map(|text| time("time-from", &text)).transpose()?,
            time_to: query.time_to.map(|text| time("time-to", &text)).transpose()?,
            limit: query.limit,
            // A first visit may be longer: who calls is who most likely comes.
            phone: self.info.caller.clone().unwrap_or_default().into(),
            ..desk::SlotQuery::default()
        };
        let slots = self.desk().find(&query, self.clock.now().timestamp()).await.map_err(desk_error)?;
        Ok(slots.iter().map(clinic_view::slot).collect())
    }

    async fn book(&self, slot_id: &str, visitor: visits::Visitor) -> Result<visits::Booking, Error> {
        self.present()?;
        let visitor = desk::Visitor {
            phone: visitor.phone.into(),
            person: visitor.person.into(),
            animal: visitor.animal.into(),
            reason: visitor.reason.into(),
        };
        let now = self.clock.now().timestamp();
        let booking = self.desk().book(slot_id, &visitor, Some(&self.info.id), now).await.map_err(desk_error)?;
        Ok(self.booking(booking, "запись"))
    }

    async fn reschedule(&self, appointment: &str, slot_id: &str) -> Result<visits::Booking, Error> {
        self.present()?;
        let now = self.clock.now().timestamp();
        let call = Some(self.info.id.as_str());
        let booking = self.desk().reschedule(appointment, slot_id, call, now).await.map_err(desk_error)?;
        Ok(self.booking(booking, "перенос"))
    }

    fn booking(&self, booking: desk::Booking, what: &str) -> visits::Booking {
        match booking {
            desk::Booking::Booked(appointment) => {
                let appointment = self.appointment(&appointment);
                let (start, doctor) = (&appointment.slot.start, &appointment.slot.doctor_name);
                self.tracer.send(Trace::Did(format!("{what}: {} · {doctor}", start.replace('T', " "))));
                visits::Booking::Booked(appointment)
            }
            desk::Booking::Taken => visits::Booking::Taken,
        }
    }

    async fn cancel(&self, appointment: &str, reason: &str) -> Result<(), Error> {
        self.present()?;
        let now = self.clock.now().timestamp();
        self.desk().cancel(appointment, reason, Some(&self.info.id), now).await.map_err(desk_error)?;
        self.tracer.send(Trace::Did("запись отменена".into()));
        Ok(())
    }

    async fn mine(&self, phone: &str) -> Result<Vec<visits::Appointment>, Error> {
        let found = self.desk().mine(phone, self.clock.now().timestamp()).await.map_err(desk_error)?;
        Ok(found.iter().map(|appointment| self.appointment(appointment)).collect())
    }

    fn appointment(&self, found: &desk::Appointment) -> visits::Appointment {
        visits::Appointment {
            id: found.id.clone(),
            slot: clinic_view::slot(&found.slot),
            visitor: visits::Visitor {
                phone: found.visitor.phone.as_str().to_owned(),
                person: found.visitor.person.as_str().to_owned(),
                animal: found.visitor.animal.as_str().to_owned(),
                reason: found.visitor.reason.as_str().to_owned(),
            },
            status: match found.status {
                // The contract has no word for it: to a flow, a visit that was reminded of is a booked one.
                desk::Status::Booked | desk::Status::Reminded => Status::Booked,
                desk::Status::Confirmed => Status::Confirmed,
                desk::Status::Arrived => Status::Arrived,
                desk::Status::Done => Status::Done,
                desk::Status::Moved => Status::Moved,
                desk::Status::Cancelled => Status::Cancelled,
                desk::Status::NoShow => Status::NoShow,
            },
        }
    }

    async fn call_back(&self, callback: callbacks::Callback) -> Result<callbacks::Promise, Error> {
        self.present()?;
        let at = callback.at.map(|text| {
            let wrong = || bad_argument("at", &text, "a moment such as 2026-11-24T16:30");
            text.parse::<DateTime>().map_err(|_| wrong())
        });
        let request = desk::CallbackRequest {
            phone: callback.phone.into(),
            person: callback.person.into(),
            reason: callback.reason.into(),
            at: at.transpose()?,
        };
        let now = self.clock.now().timestamp();
        let promise = self.desk().request_callback(&request, Some(&self.info.id), now).await.map_err(desk_error)?;
        let due = moment(promise.due.datetime());
        self.tracer.send(Trace::Did(format!("перезвонить до {}", due.replace('T', " "))));
        Ok(callbacks::Promise { id: promise.id, due })
    }

    async fn tag(&self, category: &str) -> Result<(), Error> {
        let taxonomy = Taxonomy::embedded();
        let clinic = &self.stage.desk.clinic().id;
        if taxonomy.get(category).is_none() && !self.stage.classifier.is_own(clinic, category) {
            let known: Vec<&str> = taxonomy.categories.iter().map(|category| category.id.as_str()).collect();
            let message = format!("`{category}` is no category; known are {}", known.join(", "));
            return Err(Error::other("unknown-category", message));
        }
        let tag = Tag {
            call: self.info.id.clone(),
            category: category.to_owned(),
            confidence: 1.0,
            evidence: json!([]),
            taxonomy_version: taxonomy.version.to_string(),
            model_version: self.version.0.clone(),
            review: false,
            by: format!("flow:{}", self.version.1),
            at_ms: self.clock.now_ms(),
        };
        self.stage.store.add_tag(&tag).await.map_err(records_error)?;
        self.done.set_category(category);
        Ok(())
    }

    async fn note(&self, name: String, value: String) -> Result<(), Error> {
        let note = Note { call: self.info.id.clone(), name, value: Pii::from(value), at_ms: self.clock.now_ms() };
        self.stage.store.add_note(&note).await.map_err(records_error)
    }

    async fn set_outcome(&self, outcome: notes::Outcome) -> Result<(), Error> {
        let outcome = match outcome {
            notes::Outcome::Booked => records::Outcome::Booked,
            notes::Outcome::Moved => records::Outcome::Moved,
            notes::Outcome::Cancelled => records::Outcome::Cancelled,
            notes::Outcome::Answered => records::Outcome::Answered,
            notes::Outcome::Transferred => records::Outcome::Transferred,
            notes::Outcome::Callback => records::Outcome::Callback,
            notes::Outcome::NotOffered => records::Outcome::NotOffered,
            notes::Outcome::Nothing => records::Outcome::Nothing,
        };
        self.stage.store.set_outcome(&self.info.id, outcome).await.map_err(records_error)?;
        self.done.set_outcome(outcome);
        Ok(())
    }

    fn hours(&self, text: &str) -> Result<flows::host::clinic::DayHours, Error> {
        Ok(clinic_view::hours(self.clinic(), date("date", text)?))
    }

    fn faq(&self, question: &str) -> Vec<flows::host::faq::Hit> {
        let hits = self.meaning().faq(question, &clinic_view::entries(self.clinic()));
        if let Some(hit) = hits.first() {
            self.understood("вопрос", format!("{} ({:.0} %)", hit.entry.question, hit.confidence * 100.0));
        }
        hits
    }

    fn understood(&self, what: &'static str, meaning: String) {
        self.tracer.send(Trace::Understood { what, meaning });
    }

    fn date_time(&self, text: &str) -> flows::host::understanding::DateTime {
        use flows::host::understanding::DateTime as Found;
        let found = self.meaning().date_time(text, &moment(self.clock.now().datetime()));
        match &found {
            Found::Nothing => {}
            Found::Resolved(wish) => self.understood("время", wish_text(wish)),
            Found::Ambiguous(wishes) => {
                let readings: Vec<String> = wishes.iter().map(wish_text).collect();
                self.understood("время", format!("{}?", readings.join(" или ")));
            }
            Found::Vague => self.understood("время", "когда-нибудь".into()),
            Found::Invalid(why) => self.understood("время", why.clone()),
        }
        found
    }

    fn intent(&self, text: &str) -> flows::host::understanding::Intent {
        let found = self.meaning().intent(text);
        if found.kind == IntentKind::Unknown || found.confidence < 0.6 {
            return found;
        }
        let mut words = vec![format!("{} ({:.0} %)", goal(found.kind), found.confidence * 100.0)];
        words.extend(found.services.iter().map(|service| service.name.clone()));
        words.extend(found.doctor.iter().filter_map(|id| Some(self.clinic().doctor(id)?.name.clone())));
        if found.urgent {
            words.push("СРОЧНО".into());
        }
        self.understood("цель", words.join(" · "));
        found
    }
}

#[async_trait::async_trait]
impl Port for LivePort {
    async fn call(&mut self, call: HostCall) -> Result<HostReply, PortError> {
        use HostCall as Ask;
        use HostReply as Tell;
        Ok(match call {
            Ask::VoiceCall => Tell::VoiceCall(self.info.clone()),
            Ask::VoiceSay { text, barge_in } => {
                Tell::VoiceSay(self.say(Command::Say { text, barge_in: core_barge_in(barge_in) }).await?)
            }
            Ask::VoicePlay { prompt, barge_in } => {
                Tell::VoicePlay(self.say(Command::Play { prompt, barge_in: core_barge_in(barge_in) }).await?)
            }
            Ask::VoiceAsk { question } => Tell::VoiceAsk(self.ask(question).await?),
            Ask::VoiceHangUp => {
                // The caller may still be hearing the last words; for the flow the call is over at its first hang-up.
                let gone = self.done.is_gone();
                self.on_line(Command::HangUp).await?;
                // Whatever comes after it is told that nobody is there.
                self.done.caller_is_gone();
                Tell::VoiceHangUp(if gone { Err(Error::Hangup) } else { Ok(()) })
            }
            Ask::ClinicInfo => Tell::ClinicInfo(clinic_view::info(self.clinic())),
            Ask::ClinicNow => Tell::ClinicNow(moment(self.clock.now().datetime())),
            Ask::ClinicHours { date } => Tell::ClinicHours(self.hours(&date)),
            Ask::ClinicIsOpen => Tell::ClinicIsOpen(self.clinic().is_open(self.clock.now().timestamp())),
            Ask::ClinicServices => Tell::ClinicServices(clinic_view::services(self.clinic())),
            Ask::ClinicAbsentServices => Tell::ClinicAbsentServices(self.clinic().absent.clone()),
            Ask::ClinicDoctors => Tell::ClinicDoctors(clinic_view::doctors(self.clinic())),
            Ask::FaqFind { question } => Tell::FaqFind(Ok(self.faq(&question))),
            Ask::FaqEntries => Tell::FaqEntries(clinic_view::entries(self.clinic())),
            Ask::AppointmentsFind { query } => Tell::AppointmentsFind(self.find(query).await),
            Ask::AppointmentsBook { slot_id, visitor } => Tell::AppointmentsBook(self.book(&slot_id, visitor).await),
            Ask::AppointmentsReschedule { appointment_id, slot_id } => {
                Tell::AppointmentsReschedule(self.reschedule(&appointment_id, &slot_id).await)
            }
            Ask::AppointmentsCancel { appointment_id, reason } => {
                Tell::AppointmentsCancel(self.cancel(&appointment_id, &reason).await)
            }
            Ask::AppointmentsMine { phone } => Tell::AppointmentsMine(self.mine(&phone).await),
            Ask::CallbacksRequest { callback } => Tell::CallbacksRequest(self.call_back(callback).await),
            Ask::RoutingTransfer { to, summary } => Tell::RoutingTransfer(self.transfer(&to, summary).await?),
            Ask::RoutingQueue { to } => Tell::RoutingQueue(self.queue(&to).await),
            Ask::ParseDateTime { text } => Tell::ParseDateTime(self.date_time(&text)),
            Ask::ParseYesNo { text } => Tell::ParseYesNo(self.meaning().yes_no(&text)),
            Ask::ParsePhone { text } => Tell::ParsePhone(self.meaning().phone(&text)),
            Ask::ParseName { text } => Tell::ParseName(self.meaning().name(&text)),
            Ask::ParseAnimal { text } => Tell::ParseAnimal(self.meaning().animal(&text)),
            Ask::ParseIntent { text } => Tell::ParseIntent(self.intent(&text)),
            Ask::ParseChoice { text, options } => Tell::ParseChoice(self.meaning().choice(&text, &options)),
            Ask::NotesTag { category } => Tell::NotesTag(self.tag(&category).await),
            Ask::NotesNote { name, value } => Tell::NotesNote(self.note(name, value).await),
            Ask::NotesSetOutcome { outcome } => Tell::NotesSetOutcome(self.set_outcome(outcome).await),
            // The journal has it; our own log does not, because nobody knows what an author wrote there.
            Ask::NotesLog { .. } => Tell::NotesLog(()),
        })
    }

    fn elapsed_ms(&self) -> Option<u64> {
        Some(self.clock.elapsed_ms())
    }
}

fn core_barge_in(barge_in: voice::BargeIn) -> call::BargeIn {
    match barge_in {
        voice::BargeIn::None => call::BargeIn::None,
        voice::BargeIn::Digits => call::BargeIn::Digits,
        voice::BargeIn::Speech => call::BargeIn::Speech,
    }
}

fn core_question(question: voice::Question) -> call::Question {
    call::Question {
        id: question.id,
        text: question.text,
        expects: match question.expects {
            voice::AnswerKind::Free => call::AnswerKind::Free,
            voice::AnswerKind::YesNo => call::AnswerKind::YesNo,
            voice::AnswerKind::Choice => call::AnswerKind::Choice,
            voice::AnswerKind::Phone => call::AnswerKind::Phone,
            voice::AnswerKind::Digits => call::AnswerKind::Digits,
            voice::AnswerKind::DateTime => call::AnswerKind::DateTime,
            voice::AnswerKind::PersonName => call::AnswerKind::PersonName,
            voice::AnswerKind::Animal => call::AnswerKind::Animal,
        },
        barge_in: core_barge_in(question.barge_in),
        answer_timeout_ms: question.answer_timeout_ms,
        max_digits: question.max_digits,
        hints: question.hints,
    }
}

/// The name of a destination under `[lines]` in the clinic file.
fn line_name(to: &Destination) -> &str {
    match to {
        Destination::Operator => "operator",
        Destination::Doctor => "doctor",
        Destination::Ward => "ward",
        Destination::Results => "results",
        Destination::Line(name) => name,
    }
}

/// An intent in a word for people.
fn goal(kind: IntentKind) -> &'static str {
    match kind {
        IntentKind::Book => "записаться",
        IntentKind::Reschedule => "перенести запись",
        IntentKind::Cancel => "отменить запись",
        IntentKind::MyVisit => "узнать о своей записи",
        IntentKind::Results => "результаты",
        IntentKind::Ward => "о пациенте в стационаре",
        IntentKind::Doctor => "вопрос врачу",
        IntentKind::Feed => "корма и лекарства",
        IntentKind::Price => "цена",
        IntentKind::Hours => "часы работы",
        IntentKind::Address => "адрес и дорога",
        IntentKind::Question => "вопрос",
        IntentKind::Operator => "человек",
        IntentKind::CallbackMissed => "перезванивает на пропущенный",
        IntentKind::Advertising => "реклама",
        IntentKind::Goodbye => "прощание",
        IntentKind::Unknown => "не понято",
    }
}

fn wish_text(wish: &flows::host::understanding::Wish) -> String {
    let mut parts: Vec<String> = wish.date.iter().cloned().collect();
    if wish.date_from.is_some() || wish.date_to.is_some() {
        parts.push(range(wish.date_from.as_deref(), wish.date_to.as_deref()));
    }
    if wish.time_from.is_some() || wish.time_to.is_some() {
        parts.push(range(wish.time_from.as_deref(), wish.time_to.as_deref()));
    }
    if wish.asap {
        parts.push("как можно скорее".into());
    }
    parts.join(" ")
}

fn range(from: Option<&str>, to: Option<&str>) -> String {
    match (from, to) {
        (Some(from), Some(to)) if from == to => from.to_owned(),
        (from, to) => format!("{}–{}", from.unwrap_or("…"), to.unwrap_or("…")),
    }
}

fn moment(at: DateTime) -> String {
    at.strftime("%Y-%m-%dT%H:%M").to_string()
}

fn date(name: &str, text: &str) -> Result<Date, Error> {
    text.parse().map_err(|_| bad_argument(name, text, "a day such as 2026-11-24"))
}

fn time(name: &str, text: &str) -> Result<Time, Error> {
    text.parse().map_err(|_| bad_argument(name, text, "a time such as 16:30"))
}

fn bad_argument(name: &str, text: &str, expected: &str) -> Error {
    Error::other("bad-argument", format!("{name} is `{text}`; give {expected}"))
}

fn desk_error(error: DeskError) -> Error {
    match error {
        DeskError::Records(error) => records_error(error),
        other => Error::other(other.code(), other.to_string()),
    }
}

fn records_error(error: records::RecordsError) -> Error {
    tracing::error!(%error, "the records could not be used");
    Error::Unavailable("the clinic's records cannot be used now".into())
}

fn wrong_reply() -> PortError {
    PortError::Fault("the call core answered another question than was asked".into())
}
