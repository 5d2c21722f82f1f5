//! Host calls, answers and ends in plain words.

use std::collections::HashMap;

use super::Language;
use crate::host::appointments::{Appointment, Booking, Slot, SlotQuery, Visitor};
use crate::host::notes::Outcome;
use crate::host::routing::{Destination, TransferOutcome};
use crate::host::voice::Answer;
use crate::host::{Error, HostCall, HostReply};
use crate::journal::Journal;
use crate::run::{FlowEnd, TrapKind};

/// Puts things into words, with the names that the journal knows for the ids in it.
pub(super) struct Words<'a> {
    pub(super) language: Language,
    slots: HashMap<&'a str, &'a Slot>,
    visits: HashMap<&'a str, &'a Appointment>,
    names: HashMap<&'a str, &'a str>,
}

/// `pick!(self, "по-русски {x}", "in English {x}")`
macro_rules! pick {
    ($words:expr, $russian:literal, $english:literal) => {
        match $words.language {
            Language::Russian => format!($russian),
            Language::English => format!($english),
        }
    };
}
pub(super) use pick;

impl<'a> Words<'a> {
    pub(super) fn new(journal: &'a Journal, language: Language) -> Self {
        let mut words = Self { language, slots: HashMap::new(), visits: HashMap::new(), names: HashMap::new() };
        for entry in &journal.entries {
            match &entry.reply {
                HostReply::AppointmentsFind(Ok(slots)) => slots.iter().for_each(|slot| words.learn(slot)),
                HostReply::AppointmentsMine(Ok(visits)) => visits.iter().for_each(|visit| words.learn_visit(visit)),
                HostReply::AppointmentsBook(Ok(Booking::Booked(visit)))
                | HostReply::AppointmentsReschedule(Ok(Booking::Booked(visit))) => words.learn_visit(visit),
                HostReply::ClinicDoctors(doctors) => {
                    words.names.extend(doctors.iter().map(|doctor| (doctor.id.as_str(), doctor.name.as_str())));
                }
                HostReply::ClinicServices(services) => {
                    words.names.extend(services.iter().map(|service| (service.id.as_str(), service.name.as_str())));
                }
                _ => {}
            }
        }
        words
    }

    fn learn(&mut self, slot: &'a Slot) {
        self.slots.insert(&slot.id, slot);
        self.names.insert(&slot.doctor_id, &slot.doctor_name);
        self.names.insert(&slot.service_id, &slot.service_name);
    }

    fn learn_visit(&mut self, visit: &'a Appointment) {
        self.learn(&visit.slot);
        // As it stood first: a visit that was moved goes by its old time.
        self.visits.entry(&visit.id).or_insert(visit);
    }

    pub(super) fn slot(&self, id: &str) -> Option<&'a Slot> {
        self.slots.get(id).copied()
    }

    fn name<'b>(&'b self, id: &'b str) -> &'b str {
        self.names.get(id).copied().unwrap_or(id)
    }

    /// A call, as «робот сказал: «…»», in the past tense and without a subject where the robot acts.
    pub(super) fn call(&self, call: &HostCall) -> String {
        use HostCall as C;
        match call {
            C::VoiceCall => pick!(self, "узнал, кто звонит", "looked who is calling"),
            C::VoiceSay { text, .. } => pick!(self, "робот сказал: «{text}»", "the robot said: “{text}”"),
            C::VoicePlay { prompt, .. } => {
                pick!(self, "робот включил запись «{prompt}»", "the robot played the prompt “{prompt}”")
            }
            C::VoiceAsk { question } => {
                let text = &question.text;
                pick!(self, "робот спросил: «{text}»", "the robot asked: “{text}”")
            }
            C::VoiceHangUp => pick!(self, "положил трубку", "hung up"),
            C::ClinicInfo => pick!(self, "посмотрел сведения о клинике", "looked up the clinic"),
            C::ClinicNow => pick!(self, "посмотрел на часы", "looked at the clock"),
            C::ClinicHours { date } => {
                let day = self.day(date);
                pick!(self, "посмотрел часы работы на {day}", "looked up the hours of {day}")
            }
            C::ClinicIsOpen => pick!(self, "посмотрел, открыто ли", "looked whether it is open"),
            C::ClinicServices => pick!(self, "посмотрел список услуг", "looked up the services"),
            C::ClinicAbsentServices => {
                pick!(self, "посмотрел, чего в клинике нет", "looked up what the clinic does not offer")
            }
            C::ClinicDoctors => pick!(self, "посмотрел список врачей", "looked up the doctors"),
            C::FaqFind { question } => {
                pick!(self, "искал ответ на вопрос «{question}»", "searched the FAQ for “{question}”")
            }
            C::FaqEntries => pick!(self, "посмотрел все вопросы и ответы", "looked through the FAQ"),
            C::AppointmentsFind { query } => {
                let what = self.query(query);
                pick!(self, "искал свободное время{what}", "searched free times{what}")
            }
            C::AppointmentsBook { slot_id, visitor } => {
                let (time, who) = (self.time(slot_id), visitor_words(visitor));
                pick!(self, "записал на {time}; {who}", "booked {time}; {who}")
            }
            C::AppointmentsReschedule { appointment_id, slot_id } => {
                let (visit, time) = (self.visit(appointment_id), self.time(slot_id));
                pick!(self, "перенёс визит {visit} на {time}", "moved the visit of {visit} to {time}")
            }
            C::AppointmentsCancel { appointment_id, reason } => {
                let (visit, reason) = (self.visit(appointment_id), quoted(reason, self.language));
                pick!(self, "отменил визит {visit}{reason}", "cancelled the visit of {visit}{reason}")
            }
            C::AppointmentsMine { phone } => {
                pick!(self, "посмотрел визиты номера {phone}", "looked up the visits of {phone}")
            }
            C::CallbacksRequest { callback } => {
                let whom = list([callback.person.as_str(), &callback.phone]);
                let at = callback.at.as_deref().map(|at| format!(", {}", self.moment(at))).unwrap_or_default();
                let reason = quoted(&callback.reason, self.language);
                pick!(self, "обещал перезвонить: {whom}{at}{reason}", "promised a call-back: {whom}{at}{reason}")
            }
            C::RoutingTransfer { to, summary } => {
                let (to, summary) = (self.destination(to), quoted(summary, self.language));
                pick!(self, "перевёл звонок {to}{summary}", "transferred the call {to}{summary}")
            }
            C::RoutingQueue { to } => {
                let to = self.destination(to);
                pick!(self, "посмотрел, дозвонится ли звонок {to}", "looked how busy it is, for a transfer {to}")
            }
            C::ParseDateTime { text } => {
                pick!(self, "понял «{text}» как день и время", "read “{text}” as a day and a time")
            }
            C::ParseYesNo { text } => pick!(self, "понял «{text}» как да или нет", "read “{text}” as yes or no"),
            C::ParsePhone { text } => pick!(self, "понял «{text}» как номер", "read “{text}” as a number"),
            C::ParseName { text } => pick!(self, "понял «{text}» как имя", "read “{text}” as a name"),
            C::ParseAnimal { text } => pick!(self, "понял «{text}» как животное", "read “{text}” as an animal"),
            C::ParseIntent { text } => pick!(self, "понял, чего хотят: «{text}»", "read what is wanted: “{text}”"),
            C::ParseChoice { text, options } => {
                let options = options.join(", ");
                pick!(self, "понял «{text}» как выбор из: {options}", "read “{text}” as one of: {options}")
            }
            C::NotesTag { category } => {
                pick!(self, "отнёс звонок к категории «{category}»", "tagged the call “{category}”")
            }
            C::NotesNote { name, value } => pick!(self, "записал: {name} = «{value}»", "noted: {name} = “{value}”"),
            C::NotesSetOutcome { outcome } => {
                let outcome = self.outcome(*outcome);
                pick!(self, "отметил итог: {outcome}", "set the outcome: {outcome}")
            }
            C::NotesLog { line } => pick!(self, "заметка для автора: {line}", "a line for the author: {line}"),
        }
    }

    /// What is worth showing of an answer.
    pub(super) fn answer(&self, reply: &HostReply) -> Option<String> {
        Some(match reply {
            HostReply::VoiceAsk(Ok(Answer::Speech(heard))) => {
                let text = &heard.text;
                pick!(self, "звонящий ответил: «{text}»", "the caller answered: “{text}”")
            }
            HostReply::VoiceAsk(Ok(Answer::Digits(keys))) => {
                pick!(self, "звонящий нажал: {keys}", "the caller pressed: {keys}")
            }
            HostReply::VoiceAsk(Ok(Answer::Silence)) => pick!(self, "звонящий промолчал", "the caller kept silent"),
            HostReply::AppointmentsFind(Ok(slots)) => {
                let times: Vec<_> = slots.iter().map(|slot| self.slot_words(slot)).collect();
                let times = times.join("; ");
                if slots.is_empty() {
                    pick!(self, "свободного времени нет", "nothing is free")
                } else {
                    pick!(self, "нашёл: {times}", "found: {times}")
                }
            }
            HostReply::AppointmentsBook(Ok(Booking::Taken)) | HostReply::AppointmentsReschedule(Ok(Booking::Taken)) => {
                pick!(self, "это время уже заняли", "the time was taken meanwhile")
            }
            HostReply::RoutingTransfer(Ok(TransferOutcome::Nobody)) => pick!(self, "никого нет", "nobody was there"),
            HostReply::RoutingTransfer(Ok(TransferOutcome::Refused(why))) => {
                pick!(self, "линия отказала: {why}", "the line refused: {why}")
            }
            other => match other.error()? {
                Error::Hangup => pick!(self, "звонящий положил трубку", "the caller hung up"),
                error => pick!(self, "не вышло: {error}", "it did not work: {error}"),
            },
        })
    }

    /// How a flow ended.
    pub(super) fn end(&self, end: &FlowEnd) -> String {
        match end {
            FlowEnd::Finished => pick!(self, "дошёл до конца", "came to its end"),
            FlowEnd::GaveUp(why) => {
                pick!(self, "сдался, звонок ушёл человеку: «{why}»", "gave up, the call went to a person: “{why}”")
            }
            FlowEnd::Trapped { kind, .. } => {
                let why = self.trap(*kind);
                pick!(self, "сломался: {why}", "broke: {why}")
            }
        }
    }

    pub(super) fn trap(&self, kind: TrapKind) -> String {
        match kind {
            TrapKind::Unreachable => pick!(self, "ошибка в программе", "an error in the program"),
            TrapKind::CpuLimit => pick!(self, "считал слишком долго", "it computed for too long"),
            TrapKind::MemoryLimit => pick!(self, "взял слишком много памяти", "it took too much memory"),
            TrapKind::StackOverflow => pick!(self, "зациклился сам в себе", "it called itself without end"),
            TrapKind::HostCallFlood => pick!(self, "слишком много обращений подряд", "it made too many calls in a row"),
            TrapKind::IgnoredHangup => {
                pick!(self, "продолжал, когда звонящий ушёл", "it went on after the caller had gone")
            }
            TrapKind::WallLimit => pick!(self, "вышло время звонка", "the time for the call was over"),
            TrapKind::Port => pick!(self, "звонок оборвался", "the call was cut off"),
            TrapKind::EngineFull => pick!(self, "не хватило места для запуска", "there was no room to start it"),
            TrapKind::Other => pick!(self, "ошибка выполнения", "a run-time error"),
        }
    }

    pub(super) fn cut_off(&self) -> String {
        pick!(self, "здесь записанный звонок оборвался", "the recorded call was cut off here")
    }

    pub(super) fn compared_up_to_here(&self) -> String {
        pick!(self, "дальше сравнить нельзя: ответ неизвестен", "no comparison from here on: the answer is not known")
    }

    /// A time that may be booked: «24 ноября, 10:30, Петрова, осмотр».
    pub(super) fn slot_words(&self, slot: &Slot) -> String {
        list([self.moment(&slot.start).as_str(), &slot.doctor_name, &slot.service_name])
    }

    fn time(&self, slot_id: &str) -> String {
        self.slot(slot_id).map_or_else(|| format!("«{slot_id}»"), |slot| self.slot_words(slot))
    }

    fn visit(&self, id: &str) -> String {
        self.visits.get(id).map_or_else(|| format!("«{id}»"), |visit| self.moment(&visit.slot.start))
    }

    fn query(&self, query: &SlotQuery) -> String {
        let ids = [&query.service, &query.doctor].into_iter().flatten().map(|id| self.name(id).to_owned());
        let range = |from: Option<String>, to: Option<String>| {
            Some(match (from, to) {
                (Some(from), Some(to)) if from == to => from,
                (Some(from), Some(to)) => format!("{from} – {to}"),
                (Some(from), None) => pick!(self, "с {from}", "from {from}"),
                (None, Some(to)) => pick!(self, "до {to}", "until {to}"),
                (None, None) => return None,
            })
        };
        let day = |date: &Option<String>| date.as_deref().map(|date| self.day(date));
        let days = range(day(&query.date_from), day(&query.date_to));
        let times = range(query.time_from.clone(), query.time_to.clone());
        let all: Vec<_> = ids.chain(days).chain(times).collect();
        if all.is_empty() { String::new() } else { format!(": {}", all.join(", ")) }
    }

    pub(super) fn destination(&self, to: &Destination) -> String {
        match to {
            Destination::Operator => pick!(self, "администратору", "to the front desk"),
            Destination::Doctor => pick!(self, "врачу", "to the doctor"),
            Destination::Ward => pick!(self, "в стационар", "to the ward"),
            Destination::Results => pick!(self, "в отдел результатов", "to the results desk"),
            Destination::Line(name) => pick!(self, "на линию «{name}»", "to the line “{name}”"),
        }
    }

    fn outcome(&self, outcome: Outcome) -> String {
        match outcome {
            Outcome::Booked => pick!(self, "записан", "booked"),
            Outcome::Moved => pick!(self, "визит перенесён", "moved"),
            Outcome::Cancelled => pick!(self, "визит отменён", "cancelled"),
            Outcome::Answered => pick!(self, "получил ответ", "answered"),
            Outcome::Transferred => pick!(self, "переведён на человека", "transferred"),
            Outcome::Callback => pick!(self, "ему перезвонят", "call-back"),
            Outcome::NotOffered => pick!(self, "такой услуги нет", "not offered"),
            Outcome::Nothing => pick!(self, "ничего из этого", "none of these"),
        }
    }

    /// «24 ноября, 10:30»; what is no moment stays as it is.
    pub(super) fn moment(&self, moment: &str) -> String {
        match moment.split_once('T') {
            Some((date, time)) => format!("{}, {time}", self.day(date)),
            None => moment.to_owned(),
        }
    }

    /// «24 ноября»; what is no date stays as it is.
    pub(super) fn day(&self, date: &str) -> String {
        const RUSSIAN: [&str; 12] = [
            "января",
            "февраля",
            "марта",
            "апреля",
            "мая",
            "июня",
            "июля",
            "августа",
            "сентября",
            "октября",
            "ноября",
            "декабря",
        ];
        const ENGLISH: [&str; 12] = [
            "January",
            "February",
            "March",
            "April",
            "May",
            "June",
            "July",
            "August",
            "September",
            "October",
            "November",
            "December",
        ];
        let Ok(parsed) = date.parse::<jiff::civil::Date>() else { return date.to_owned() };
        let months = if self.language == Language::Russian { RUSSIAN } else { ENGLISH };
        format!("{} {}", parsed.day(), months[parsed.month() as usize - 1])
    }
}

fn visitor_words(visitor: &Visitor) -> String {
    list([visitor.person.as_str(), &visitor.animal, &visitor.phone, &visitor.reason])
}

fn list<const N: usize>(parts: [&str; N]) -> String {
    parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(", ")
}

/// A remark in quotation marks after a comma; nothing when there is none.
fn quoted(text: &str, language: Language) -> String {
    match (text, language) {
        ("", _) => String::new(),
        (text, Language::Russian) => format!(", «{text}»"),
        (text, Language::English) => format!(", “{text}”"),
    }
}
