//! The conformance flow `reminder`: a call to somebody who has a visit.

use conformance_endings::{hand_over, moment, outcome, promise};
use gudok_flow::notes::{self, Outcome};
use gudok_flow::understanding::YesNo;
use gudok_flow::{
    Answer, AnswerKind, At, Flow, Question, Stop, appointments, clinic, export, say, understanding, voice,
};

struct Reminder;

impl Flow for Reminder {
    fn run() -> Result<(), Stop> {
        let call = voice::call();
        let clinic = clinic::info();
        let Some(phone) = &call.caller else { return outcome(Outcome::Nothing) };
        let visits = appointments::mine(phone).at("appointments.mine")?;
        let Some(visit) = visits.first() else { return outcome(Outcome::Nothing) };

        let text = format!(
            "Здравствуйте! Это {}. Вы записаны на {}, врач {}. Вы придёте?",
            clinic.name,
            moment(&visit.slot.start),
            visit.slot.doctor_name
        );
        let mut comes = yes_no("come", &text)?;
        if comes == YesNo::Unknown {
            comes = yes_no("come-again", "Скажите, пожалуйста, да или нет: вы придёте?")?;
        }
        match comes {
            YesNo::Unknown => hand_over(&call, "напоминание: не ответили"),
            YesNo::Yes => {
                notes::note("visit", "confirmed").at("notes.note")?;
                say("Спасибо, ждём вас!")?;
                outcome(Outcome::Answered)
            }
            YesNo::No if yes_no("move", "Перенести на другое время?")? == YesNo::Yes => {
                promise(&call, "перенос записи")
            }
            YesNo::No => {
                appointments::cancel(&visit.id, "напоминание").at("appointments.cancel")?;
                say("Отменил вашу запись. До свидания!")?;
                notes::tag("reschedule").at("notes.tag")?;
                outcome(Outcome::Cancelled)
            }
        }
    }
}

fn yes_no(id: &str, text: &str) -> Result<YesNo, Stop> {
    Ok(match Question::new(id, text).expects(AnswerKind::YesNo).ask()? {
        Answer::Digits(keys) if keys == "1" => YesNo::Yes,
        Answer::Digits(keys) if keys == "2" => YesNo::No,
        Answer::Speech(heard) => understanding::parse_yes_no(&heard.text),
        Answer::Digits(_) | Answer::Silence => YesNo::Unknown,
    })
}

export!(Reminder);
