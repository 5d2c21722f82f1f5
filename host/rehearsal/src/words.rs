//! Host calls in words for a person of the clinic. They hold what the caller said: for a screen, never for a log.

use flows::host::appointments::{Appointment, Booking, Slot};
use flows::host::notes::Outcome;
use flows::host::routing::{Destination, TransferOutcome};
use flows::host::understanding::{DateTime, Wish, YesNo};
use flows::host::voice::{Answer, Said};
use flows::host::{Error, HostCall, HostReply};
use flows::journal::Entry;

/// A journal's entry as lines of a conversation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Told {
    /// The robot said or asked this.
    Robot(String),
    /// The caller said or did this.
    Caller(String),
    /// Something was done that lasts.
    Did(String),
    /// Something was looked up or understood.
    Saw(String),
}

/// What one entry shows: a question shows two lines, everything else one.
pub fn told(entry: &Entry) -> Vec<Told> {
    use {HostCall as Call, HostReply as Reply};
    let unless_wrong = |what: String| match entry.reply.error() {
        Some(error) => Told::Did(format!("{what}: {}", wrong(error))),
        None => Told::Did(what),
    };
    match (&entry.call, &entry.reply) {
        (Call::VoiceAsk { question }, Reply::VoiceAsk(answer)) => {
            vec![Told::Robot(question.text.clone()), Told::Caller(answered(answer))]
        }
        (Call::VoiceSay { text, .. }, Reply::VoiceSay(said)) => {
            let mut told = vec![Told::Robot(text.clone())];
            match said {
                Ok(Said::Complete) => {}
                Ok(Said::Interrupted) => told.push(Told::Caller("(перебивает)".into())),
                Err(error) => told.push(Told::Caller(wrong(error))),
            }
            told
        }
        (Call::VoicePlay { prompt, .. }, _) => vec![Told::Robot(format!("[{prompt}]"))],
        (Call::VoiceHangUp, _) => vec![unless_wrong("робот кладёт трубку".into())],
        (Call::AppointmentsBook { visitor, .. }, Reply::AppointmentsBook(Ok(booking))) => {
            vec![Told::Did(format!("запись для «{}»: {}", visitor.person, booked(booking)))]
        }
        (_, Reply::AppointmentsReschedule(Ok(booking))) => vec![Told::Did(format!("перенос: {}", booked(booking)))],
        (Call::AppointmentsBook { .. }, _) => vec![unless_wrong("запись".into())],
        (Call::AppointmentsReschedule { .. }, _) => vec![unless_wrong("перенос".into())],
        (Call::AppointmentsCancel { reason, .. }, _) => {
            vec![unless_wrong(format!("отмена записи{}", because(reason)))]
        }
        (Call::CallbacksRequest { callback }, Reply::CallbacksRequest(Ok(promise))) => {
            let due = moment(&promise.due);
            vec![Told::Did(format!("обещан звонок на {} до {due}{}", callback.phone, because(&callback.reason)))]
        }
        (Call::CallbacksRequest { .. }, _) => vec![unless_wrong("обещание перезвонить".into())],
        (Call::RoutingTransfer { to, summary }, Reply::RoutingTransfer(Ok(outcome))) => {
            vec![Told::Did(format!("соединение: {} — {}{}", line(to), transferred(outcome), because(summary)))]
        }
        (Call::RoutingTransfer { to, .. }, _) => vec![unless_wrong(format!("соединение: {}", line(to)))],
        (Call::NotesTag { category }, _) => vec![unless_wrong(format!("категория звонка: {category}"))],
        (Call::NotesNote { name, value }, _) => vec![unless_wrong(format!("заметка «{name}»: {value}"))],
        (Call::NotesSetOutcome { outcome: found }, _) => {
            vec![unless_wrong(format!("итог звонка: {}", outcome(*found)))]
        }
        (Call::NotesLog { line }, _) => vec![Told::Saw(format!("сценарий пишет себе: {line}"))],
        (call, reply) => vec![Told::Saw(looked(call, reply))],
    }
}

/// Reads: the function, what was asked, what was found.
fn looked(call: &HostCall, reply: &HostReply) -> String {
    use {HostCall as Call, HostReply as Reply};
    if let Some(error) = reply.error() {
        return format!("{}: {}", call.function(), wrong(error));
    }
    match (call, reply) {
        (_, Reply::VoiceCall(call)) => {
            let number = call.caller.as_deref().unwrap_or("номер скрыт");
            format!("звонок: {number}, вход «{}», {}", call.entry, moment(&call.started))
        }
        (_, Reply::ClinicInfo(info)) => format!("клиника: {}", info.name),
        (_, Reply::ClinicNow(now)) => format!("сейчас {}", moment(now)),
        (_, Reply::ClinicHours(Ok(day))) if day.open => format!("часы {}: {}–{}", day.date, day.opens, day.closes),
        (_, Reply::ClinicHours(Ok(day))) => format!("часы {}: закрыто {}", day.date, day.note).trim_end().to_owned(),
        (_, Reply::ClinicIsOpen(open)) => format!("клиника {}", if *open { "открыта" } else { "закрыта" }),
        (_, Reply::ClinicServices(services)) => format!("список услуг: {}", services.len()),
        (_, Reply::ClinicAbsentServices(absent)) => format!("чего нет: {}", absent.join(", ")),
        (_, Reply::ClinicDoctors(doctors)) => format!("список врачей: {}", doctors.len()),
        (_, Reply::FaqEntries(entries)) => format!("вопросы и ответы: {}", entries.len()),
        (Call::FaqFind { question }, Reply::FaqFind(Ok(hits))) => match hits.first() {
            Some(hit) => {
                format!("вопрос «{question}»: {} ({:.0} %)", hit.entry.question, hit.confidence * 100.0)
            }
            None => format!("вопрос «{question}»: ответа нет"),
        },
        (Call::AppointmentsFind { query }, Reply::AppointmentsFind(Ok(slots))) => {
            let mut asked: Vec<String> = [&query.service, &query.doctor].into_iter().flatten().cloned().collect();
            asked.extend(span(query.date_from.as_deref(), query.date_to.as_deref()));
            asked.extend(span(query.time_from.as_deref(), query.time_to.as_deref()));
            let found: Vec<String> = slots.iter().map(free).collect();
            let found = if found.is_empty() { "свободного нет".to_owned() } else { found.join("; ") };
            let asked = if asked.is_empty() { String::new() } else { format!(" ({})", asked.join(", ")) };
            format!("свободное время{asked}: {found}")
        }
        (_, Reply::AppointmentsMine(Ok(visits))) => {
            let visits: Vec<String> = visits.iter().map(visit).collect();
            let visits = if visits.is_empty() { "нет".to_owned() } else { visits.join("; ") };
            format!("записи звонящего: {visits}")
        }
        (Call::RoutingQueue { to }, Reply::RoutingQueue(Ok(queue))) => {
            let open = if queue.open { "отвечает" } else { "не отвечает" };
            format!("линия {}: {open}, ждут {}", line(to), queue.waiting)
        }
        (Call::ParseDateTime { text }, Reply::ParseDateTime(found)) => {
            format!("время в «{text}»: {}", date_time(found))
        }
        (Call::ParseYesNo { text }, Reply::ParseYesNo(found)) => {
            let found = match found {
                YesNo::Yes => "да",
                YesNo::No => "нет",
                YesNo::Unknown => "ни да ни нет",
            };
            format!("согласие в «{text}»: {found}")
        }
        (Call::ParsePhone { text }, Reply::ParsePhone(found)) => {
            format!("телефон в «{text}»: {}", found.as_deref().unwrap_or("нет"))
        }
        (Call::ParseName { text }, Reply::ParseName(found)) => {
            let parts = found.iter().flat_map(|name| [&name.last, &name.first, &name.patronymic]).flatten();
            let name: Vec<&str> = parts.map(String::as_str).collect();
            format!("имя в «{text}»: {}", if name.is_empty() { "нет".to_owned() } else { name.join(" ") })
        }
        (Call::ParseAnimal { text }, Reply::ParseAnimal(found)) => {
            let parts = found.iter().flat_map(|animal| [&animal.species, &animal.breed, &animal.name]).flatten();
            let animal: Vec<&str> = parts.map(String::as_str).collect();
            format!("животное в «{text}»: {}", if animal.is_empty() { "нет".to_owned() } else { animal.join(" ") })
        }
        (Call::ParseIntent { text }, Reply::ParseIntent(found)) => {
            let kind = serde_json::to_value(found.kind).unwrap_or_default();
            let services: Vec<&str> = found.services.iter().map(|service| service.name.as_str()).collect();
            let services = if services.is_empty() { String::new() } else { format!(" · {}", services.join(", ")) };
            let urgent = if found.urgent { " · срочно" } else { "" };
            let sure = found.confidence * 100.0;
            format!("цель в «{text}»: {} ({sure:.0} %){services}{urgent}", kind.as_str().unwrap_or_default())
        }
        (Call::ParseChoice { text, options }, Reply::ParseChoice(found)) => {
            let chosen = found.and_then(|index| options.get(index as usize)).map_or("ничего", String::as_str);
            format!("выбор в «{text}» из «{}»: {chosen}", options.join("», «"))
        }
        _ => call.function().to_owned(),
    }
}

fn answered(answer: &Result<Answer, Error>) -> String {
    match answer {
        Ok(Answer::Speech(heard)) => heard.text.clone(),
        Ok(Answer::Digits(keys)) => format!("[{keys}]"),
        Ok(Answer::Silence) => "(молчит)".into(),
        Err(error) => wrong(error),
    }
}

fn wrong(error: &Error) -> String {
    match error {
        Error::Hangup => "(звонящий положил трубку)".into(),
        Error::Timeout => "не успели".into(),
        Error::Denied(why) => format!("отказано: {why}"),
        Error::Unavailable(why) => format!("недоступно: {why}"),
        Error::Other { code, message } => format!("{code}: {message}"),
    }
}

fn booked(booking: &Booking) -> String {
    match booking {
        Booking::Booked(found) => visit(found),
        Booking::Taken => "время уже заняли".into(),
    }
}

fn visit(visit: &Appointment) -> String {
    free(&visit.slot)
}

fn free(slot: &Slot) -> String {
    format!("{}, {}, {}", moment(&slot.start), slot.service_name, slot.doctor_name)
}

fn moment(text: &str) -> String {
    text.replace('T', " ")
}

fn because(reason: &str) -> String {
    if reason.is_empty() { String::new() } else { format!(" («{reason}»)") }
}

fn line(to: &Destination) -> &str {
    match to {
        Destination::Operator => "администратор",
        Destination::Doctor => "врач",
        Destination::Ward => "стационар",
        Destination::Results => "результаты",
        Destination::Line(name) => name,
    }
}

fn transferred(outcome: &TransferOutcome) -> String {
    match outcome {
        TransferOutcome::Connected => "соединили".into(),
        TransferOutcome::Nobody => "никого нет".into(),
        TransferOutcome::Refused(why) => format!("линия отказала ({why})"),
    }
}

/// What came of a call.
pub fn outcome(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Booked => "записан",
        Outcome::Moved => "запись перенесена",
        Outcome::Cancelled => "запись отменена",
        Outcome::Answered => "ответ дан",
        Outcome::Transferred => "передан человеку",
        Outcome::Callback => "обещан звонок",
        Outcome::NotOffered => "услуги нет",
        Outcome::Nothing => "без результата",
    }
}

fn date_time(found: &DateTime) -> String {
    match found {
        DateTime::Nothing => "нет".into(),
        DateTime::Resolved(found) => wish(found),
        DateTime::Ambiguous(readings) => readings.iter().map(wish).collect::<Vec<_>>().join(" или "),
        DateTime::Vague => "когда-нибудь".into(),
        DateTime::Invalid(why) => why.clone(),
    }
}

fn wish(wish: &Wish) -> String {
    let mut parts: Vec<String> = wish.date.iter().cloned().collect();
    parts.extend(span(wish.date_from.as_deref(), wish.date_to.as_deref()));
    parts.extend(span(wish.time_from.as_deref(), wish.time_to.as_deref()));
    if wish.asap {
        parts.push("как можно скорее".into());
    }
    parts.join(" ")
}

fn span(from: Option<&str>, to: Option<&str>) -> Option<String> {
    match (from, to) {
        (None, None) => None,
        (Some(from), Some(to)) if from == to => Some(from.to_owned()),
        (from, to) => Some(format!("{}–{}", from.unwrap_or("…"), to.unwrap_or("…"))),
    }
}
