//! To a person; and when nobody is there, a promise to call back.
//!
//! The functions return the [`Stop`] that ends the conversation, or the error that ended it before.

use gudok_flow::callbacks::{self, Callback};
use gudok_flow::notes::{self, Outcome};
use gudok_flow::routing::{self, Destination, TransferOutcome};
use gudok_flow::{AnswerKind, Error, Stop, calendar, say, say_all, understanding};

use crate::desk::Desk;
use crate::talk::Ask;

/// To the front desk. `why` goes to the person who takes over.
pub fn to_person(desk: &Desk, why: &str) -> Result<Stop, Stop> {
    transfer(desk, Destination::Operator, "Соединяю с администратором.", why)
}

/// A danger to life: the shortest way there is.
pub fn urgent(desk: &Desk, said: &str) -> Result<Stop, Stop> {
    notes::tag("target").ok();
    transfer(
        desk,
        Destination::Operator,
        "Это срочно. Соединяю с врачом, не кладите трубку.",
        &format!("СРОЧНО: {said}"),
    )
}

/// To a department.
pub fn transfer(desk: &Desk, to: Destination, announce: &str, why: &str) -> Result<Stop, Stop> {
    if desk.person_may_answer(&to) {
        say_all(announce)?;
        let summary = if desk.known().is_empty() { why.to_string() } else { format!("{why}; {}", desk.known()) };
        match routing::transfer(&to, &summary) {
            Ok(TransferOutcome::Connected) => {
                notes::set_outcome(Outcome::Transferred)?;
                return Ok(Stop::Done);
            }
            Ok(TransferOutcome::Nobody | TransferOutcome::Refused(_)) => say("Сейчас все заняты.")?,
            Err(Error::Hangup) => return Err(Stop::HangUp),
            // A line that cannot be reached is no reason to lose the caller.
            Err(_) => say("Сейчас не получается соединить.")?,
        }
    } else {
        say(&format!("Сейчас клиника закрыта, администратора на месте нет. {}", desk.opening()))?;
    }
    promise(desk, why)
}

/// The caller would rather be called back than wait.
pub fn call_back(desk: &Desk, why: &str) -> Result<Stop, Stop> {
    promise(desk, why)
}

/// Promise a call-back, and say when it comes.
fn promise(desk: &Desk, why: &str) -> Result<Stop, Stop> {
    let phone = match desk.caller() {
        Some(number) => number,
        None => ask_phone(desk, "callback-phone", "Мы вам перезвоним. Назовите, пожалуйста, номер телефона.")?,
    };
    let request = Callback { phone, person: String::new(), reason: why.into(), at: None };
    let promise = callbacks::request(&request)?;
    notes::set_outcome(Outcome::Callback)?;
    let when = calendar::moment(&promise.due, &desk.today());
    say_all(&format!("Записано. Перезвоним {}. До свидания!", by(&when)))?;
    Ok(Stop::Done)
}

/// «до сегодня» is no Russian: a promise for today is told by its hour alone.
fn by(when: &str) -> String {
    match when.strip_prefix("сегодня в ") {
        Some(time) => format!("сегодня до {time}"),
        None => format!("{when} или раньше"),
    }
}

/// A phone number, by voice or by keys. Two failures are enough: a number that cannot be heard cannot be called back.
pub fn ask_phone(desk: &Desk, id: &str, text: &str) -> Result<String, Stop> {
    let again = "Номер не разобрать. Наберите его, пожалуйста, на клавиатуре телефона и нажмите решётку.";
    let mut text = text;
    for _ in 0..3 {
        let question = gudok_flow::Question::new(id, text).expects(AnswerKind::Phone);
        let answer = match question.ask()? {
            gudok_flow::Answer::Speech(heard) => heard.text,
            gudok_flow::Answer::Digits(keys) if keys == "0" => String::new(),
            gudok_flow::Answer::Digits(keys) => keys,
            gudok_flow::Answer::Silence => String::new(),
        };
        if let Some(number) = understanding::parse_phone(&answer) {
            let check = format!("{number}, верно?");
            let read_back = Ask::new("phone-check", &check, &check, AnswerKind::YesNo);
            let right = desk.ask_once(&read_back, crate::talk::yes_no)?;
            if right != Some(false) {
                return Ok(number);
            }
        }
        text = again;
    }
    say_all("К сожалению, номер не расслышать. Позвоните нам, пожалуйста, ещё раз. До свидания!")?;
    Err(Stop::Done)
}
