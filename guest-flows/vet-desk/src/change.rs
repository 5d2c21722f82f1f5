//! The caller's own visits: when is it, move it, cancel it. Another time is offered before anything is cancelled.

use gudok_flow::appointments::{self, Appointment, Booking};
use gudok_flow::notes::{self, Outcome};
use gudok_flow::understanding::{self, Wish};
use gudok_flow::{AnswerKind, Stop, calendar, say};

use crate::desk::Desk;
use crate::handover;
use crate::slots::{self, Wanted};
use crate::talk::{Ask, yes_no};

/// When is my visit?
pub fn my_visit(desk: &Desk) -> Result<(), Stop> {
    notes::tag("reschedule")?;
    let visit = find(desk)?;
    notes::set_outcome(Outcome::Answered)?;
    say(&format!("Вы записаны {}.", describe(desk, &visit)))
}

/// Move a visit. `text` may already name the new time.
pub fn reschedule(desk: &Desk, text: &str) -> Result<(), Stop> {
    notes::tag("reschedule")?;
    let visit = find(desk)?;
    say(&format!("Нашлась ваша запись: {}.", describe(desk, &visit)))?;
    let wish = slots::usable(desk, text)?.filter(|wish| !is_old_time(&visit, wish));
    move_to(desk, &visit, wish)
}

/// Cancel a visit, if no other time will do.
pub fn cancel(desk: &Desk) -> Result<(), Stop> {
    notes::tag("reschedule")?;
    let visit = find(desk)?;
    let text = format!("Нашлась запись: {}. Может быть, перенести на другое время?", describe(desk, &visit));
    let again = "Перенести на другой день? Скажите «да», «нет» или назовите удобное время.";
    enum Answer {
        Move(Option<Wish>),
        Cancel,
    }
    let answer = desk.ask(&Ask::new("move-instead", &text, again, AnswerKind::DateTime), |answer| {
        let wish = slots::usable(desk, answer).ok().flatten();
        match (yes_no(answer), wish) {
            (Some(false), None) => Some(Answer::Cancel),
            (_, Some(wish)) => Some(Answer::Move(Some(wish))),
            (Some(true), None) => Some(Answer::Move(None)),
            (None, None) => answer.to_lowercase().contains("отмен").then_some(Answer::Cancel),
        }
    })?;
    match answer {
        Answer::Move(wish) => move_to(desk, &visit, wish),
        Answer::Cancel => cancel_for_good(desk, &visit),
    }
}

fn cancel_for_good(desk: &Desk, visit: &Appointment) -> Result<(), Stop> {
    let ask = Ask::new("cancel-reason", "Хорошо. Подскажите, почему отменяете?", "", AnswerKind::Free);
    let reason = desk.ask_once(&ask, |answer| Some(answer.to_string()))?.unwrap_or_default();
    appointments::cancel(&visit.id, &reason)?;
    notes::note("lost-visit-reason", &reason)?;
    notes::set_outcome(Outcome::Cancelled)?;
    say("Запись отменена.")
}

fn move_to(desk: &Desk, visit: &Appointment, mut wish: Option<Wish>) -> Result<(), Stop> {
    let wanted = Wanted { service: Some(visit.slot.service_id.clone()), doctor: Some(visit.slot.doctor_id.clone()) };
    for _ in 0..3 {
        let (slot, agreed) = slots::agree(desk, &wanted, wish.take())?;
        let when = calendar::moment(&slot.start, &desk.today());
        if !desk.ask_yes_no("confirm-move", &format!("Переношу: {when}, {}. Верно?", slots::doctor(&slot)))?
        {
            continue;
        }
        match appointments::reschedule(&visit.id, &slot.id)? {
            Booking::Booked(_) => {
                notes::set_outcome(Outcome::Moved)?;
                return say(&format!("Готово, запись перенесена. Ждём вас {when}."));
            }
            Booking::Taken => say("Это время только что заняли. Посмотрим другое.")?,
        }
        wish = Some(agreed);
    }
    Err(handover::to_person(desk, "перенос не получился")?)
}

/// The visit that is meant: by the number the caller calls from, else by one they name.
fn find(desk: &Desk) -> Result<Appointment, Stop> {
    let mut visits = match desk.caller() {
        Some(number) => appointments::mine(&number)?,
        None => Vec::new(),
    };
    if visits.is_empty() {
        let text = "На какой номер телефона оформлена запись?";
        visits = appointments::mine(&handover::ask_phone(desk, "visit-phone", text)?)?;
    }
    match visits.len() {
        0 => {
            say("На этот номер записи нет.")?;
            Err(handover::to_person(desk, "не нашлась запись")?)
        }
        1 => Ok(visits.remove(0)),
        _ => pick(desk, visits),
    }
}

fn pick(desk: &Desk, visits: Vec<Appointment>) -> Result<Appointment, Stop> {
    let labels: Vec<String> = visits.iter().map(|visit| describe(desk, visit)).collect();
    let text = format!("Записей несколько: {}. Какая из них?", labels.join("; "));
    let index = desk.ask(&Ask::new("which-visit", &text, &text, AnswerKind::Choice).hints(&labels), |answer| {
        understanding::parse_choice(answer, &labels)
    })?;
    match visits.into_iter().nth(index as usize) {
        Some(visit) => Ok(visit),
        None => Err(handover::to_person(desk, "не понять, какая запись")?),
    }
}

/// «кошка Мурка, завтра в 16:30, врач Иванова».
fn describe(desk: &Desk, visit: &Appointment) -> String {
    let when = calendar::moment(&visit.slot.start, &desk.today());
    let animal = if visit.visitor.animal.is_empty() { String::new() } else { format!("{}, ", visit.visitor.animal) };
    format!("{animal}{when}, {}", slots::doctor(&visit.slot))
}

/// «Перенесите мою запись со вторника»: the day that was said is the old one.
fn is_old_time(visit: &Appointment, wish: &Wish) -> bool {
    wish.date.as_deref() == visit.slot.start.get(..10)
        && wish.time_from.as_deref().is_none_or(|time| time == calendar::time(&visit.slot.start))
}
