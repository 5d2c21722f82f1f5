//! Agreeing on a free time: the caller's wish, up to three real times, one of them.

use gudok_flow::appointments::{self, Slot, SlotQuery};
use gudok_flow::understanding::{self, DateTime, Wish};
use gudok_flow::{AnswerKind, Stop, calendar, say};

use crate::desk::Desk;
use crate::handover;
use crate::talk::{Ask, yes_no};

/// What has to fit.
#[derive(Clone, Default)]
pub struct Wanted {
    pub service: Option<String>,
    pub doctor: Option<String>,
}

/// What the caller said to an offer.
enum Choice {
    Slot(usize),
    Other(Wish),
    /// None of these, and no word of what else.
    None,
}

/// Lead the caller to one free time. `wish` is what was said before, if anything; the one that led there comes back with
/// the time, for the next best when somebody is quicker.
pub fn agree(desk: &Desk, wanted: &Wanted, wish: Option<Wish>) -> Result<(Slot, Wish), Stop> {
    let mut wish = match wish {
        Some(wish) => wish,
        None => ask_wish(desk, "when", "На какой день и время вам удобно?")?,
    };
    // Rounds, not attempts: every one shows other times. A caller who refuses this many needs a person.
    for _ in 0..4 {
        let offer = look(desk, wanted, &wish)?;
        let choice = match offer.as_slice() {
            [] => {
                say("Свободного времени в расписании не нашлось.")?;
                return Err(handover::to_person(desk, "нет свободного времени")?);
            }
            [only] => confirm(desk, only)?,
            several => choose(desk, several)?,
        };
        match choice {
            Choice::Slot(index) => match offer.into_iter().nth(index) {
                Some(slot) => return Ok((slot, wish)),
                None => continue,
            },
            Choice::Other(other) => wish = other,
            Choice::None => wish = ask_wish(desk, "when-else", "Какой день и время подойдут?")?,
        }
    }
    Err(handover::to_person(desk, "не подошло предложенное время")?)
}

/// Ask for a day and a time until something usable was said.
fn ask_wish(desk: &Desk, id: &str, text: &str) -> Result<Wish, Stop> {
    let again = "Назовите, пожалуйста, день и время. Например: завтра после обеда.";
    desk.ask(&Ask::new(id, text, again, AnswerKind::DateTime), |answer| usable(desk, answer).ok().flatten())
}

/// A wish in what was said; `Err` when the caller has gone while being told that the date is impossible.
pub fn usable(desk: &Desk, text: &str) -> Result<Option<Wish>, Stop> {
    Ok(match understanding::parse_date_time(text) {
        DateTime::Resolved(wish) => Some(wish),
        DateTime::Ambiguous(readings) => which(desk, readings)?,
        DateTime::Vague => Some(soonest()),
        DateTime::Invalid(why) => {
            say(&why)?;
            None
        }
        DateTime::Nothing => any(text).then(soonest),
    })
}

/// «В любое время», «к любому», «без разницы», «как можно скорее».
pub fn any(text: &str) -> bool {
    ["любо", "разниц", "всё равно", "все равно", "ближайш", "скор", "когда есть", "неважно", "не важно"]
        .iter()
        .any(|word| text.to_lowercase().contains(word))
}

fn which(desk: &Desk, readings: Vec<Wish>) -> Result<Option<Wish>, Stop> {
    let names: Vec<String> = readings.iter().map(|wish| name(desk, wish)).collect();
    let text = format!("Уточните, пожалуйста: {}?", names.join(" или "));
    let index = desk.ask_once(&Ask::new("which-time", &text, &text, AnswerKind::Choice).hints(&names), |answer| {
        understanding::parse_choice(answer, &names)
    })?;
    Ok(index.and_then(|index| readings.into_iter().nth(index as usize)))
}

fn name(desk: &Desk, wish: &Wish) -> String {
    let day = wish.date.as_deref().map(|date| calendar::day(date, &desk.today()));
    let time = match (wish.time_from.as_deref(), wish.time_to.as_deref()) {
        (Some(from), Some(to)) if from == to => Some(format!("в {from}")),
        (Some(from), Some(to)) => Some(format!("с {from} до {to}")),
        (Some(from), None) => Some(format!("после {from}")),
        (None, Some(to)) => Some(format!("до {to}")),
        (None, None) => None,
    };
    [day, time].into_iter().flatten().collect::<Vec<_>>().join(" ")
}

fn soonest() -> Wish {
    Wish { date: None, date_from: None, date_to: None, time_from: None, time_to: None, asap: true }
}

/// Free times for a wish; when there are none, the nearest after it, and the caller is told so.
fn look(desk: &Desk, wanted: &Wanted, wish: &Wish) -> Result<Vec<Slot>, Stop> {
    let exact = appointments::find(&query(wanted, wish))?;
    if !exact.is_empty() {
        return Ok(exact);
    }
    let day_only = Wish { time_from: None, time_to: None, ..wish.clone() };
    let from_day =
        Wish { date_from: wish.date.clone().or(wish.date_from.clone()), date: None, date_to: None, ..wish.clone() };
    let later = Wish { time_from: None, time_to: None, ..from_day.clone() };
    for wider in [day_only, from_day, later, soonest()] {
        let found = appointments::find(&query(wanted, &wider))?;
        if !found.is_empty() {
            say(&format!("{} свободного нет.", asked_for(desk, wish)))?;
            return Ok(found);
        }
    }
    Ok(Vec::new())
}

fn asked_for(desk: &Desk, wish: &Wish) -> String {
    let name = name(desk, wish);
    if name.is_empty() { "На это время".into() } else { capital(&name) }
}

fn capital(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or(String::new(), |first| first.to_uppercase().collect::<String>() + chars.as_str())
}

fn query(wanted: &Wanted, wish: &Wish) -> SlotQuery {
    let exact = wish.time_from.is_some() && wish.time_from == wish.time_to;
    SlotQuery {
        service: wanted.service.clone(),
        doctor: wanted.doctor.clone(),
        date_from: wish.date.clone().or_else(|| wish.date_from.clone()),
        date_to: wish.date.clone().or_else(|| wish.date_to.clone()),
        time_from: wish.time_from.clone(),
        time_to: wish.time_to.clone(),
        limit: if exact { 1 } else { 3 },
    }
}

fn confirm(desk: &Desk, slot: &Slot) -> Result<Choice, Stop> {
    let text = format!("Есть время {}, {}. Подойдёт?", calendar::moment(&slot.start, &desk.today()), doctor(slot));
    let again = format!("{text} Скажите «да» или назовите другое время.");
    desk.ask(&Ask::new("slot", &text, &again, AnswerKind::DateTime), |answer| {
        match yes_no(answer) {
            Some(true) => return Some(Choice::Slot(0)),
            Some(false) if !names_a_time(answer) => return Some(Choice::None),
            _ => {}
        }
        usable(desk, answer).ok().flatten().map(
            |wish| {
                if fits(slot, &wish) { Choice::Slot(0) } else { Choice::Other(wish) }
            },
        )
    })
}

fn choose(desk: &Desk, slots: &[Slot]) -> Result<Choice, Stop> {
    let labels: Vec<String> = slots.iter().map(|slot| calendar::moment(&slot.start, &desk.today())).collect();
    let text = format!("Могу предложить: {}. Что выбираете?", listed(slots, &desk.today()));
    let again = format!("Есть время: {}. Назовите, какое подойдёт, или скажите «другое».", labels.join("; "));
    desk.ask(&Ask::new("slot", &text, &again, AnswerKind::DateTime).hints(&labels), |answer| {
        if let Some(index) = understanding::parse_choice(answer, &labels) {
            return Some(Choice::Slot(index as usize));
        }
        if let Some(wish) = usable(desk, answer).ok().flatten() {
            return Some(match slots.iter().position(|slot| fits(slot, &wish)) {
                Some(index) => Choice::Slot(index),
                None => Choice::Other(wish),
            });
        }
        match yes_no(answer) {
            // «Да, давайте» to a list: the first one, and the read-back will show it.
            Some(true) => Some(Choice::Slot(0)),
            Some(false) => Some(Choice::None),
            None => answer.to_lowercase().contains("друг").then_some(Choice::None),
        }
    })
}

/// The times in the order of the schedule, a day said once: «завтра в 10:00, в 10:30; в среду, 25 ноября, в 9:00».
fn listed(slots: &[Slot], today: &str) -> String {
    let mut text = String::new();
    let mut last = "";
    for slot in slots {
        let day = slot.start.get(..10).unwrap_or_default();
        if day == last {
            text.push_str(&format!(", в {}", calendar::time(&slot.start).trim_start_matches('0')));
        } else {
            let gap = if text.is_empty() { "" } else { "; " };
            text.push_str(&format!("{gap}{}", calendar::moment(&slot.start, today)));
        }
        last = day;
    }
    let doctors: Vec<&str> = slots.iter().map(|slot| slot.doctor_name.as_str()).collect();
    if doctors.windows(2).all(|pair| pair[0] == pair[1]) {
        text.push_str(&format!(", {}", doctor(&slots[0])));
    }
    text
}

/// «врач Иванова»: the surname is enough on the phone.
pub fn doctor(slot: &Slot) -> String {
    format!("врач {}", slot.doctor_name.split_whitespace().next().unwrap_or(&slot.doctor_name))
}

fn names_a_time(text: &str) -> bool {
    matches!(understanding::parse_date_time(text), DateTime::Resolved(_) | DateTime::Ambiguous(_))
}

/// Does a wish, as said to an offer, mean this slot? Only what was said counts.
fn fits(slot: &Slot, wish: &Wish) -> bool {
    let (day, time) = (slot.start.get(..10).unwrap_or_default(), calendar::time(&slot.start));
    let said_something = wish.date.is_some() || wish.time_from.is_some() || wish.time_to.is_some();
    said_something
        && wish.date.as_deref().is_none_or(|date| date == day)
        && wish.time_from.as_deref().is_none_or(|from| time >= from)
        && wish.time_to.as_deref().is_none_or(|to| time <= to)
}
