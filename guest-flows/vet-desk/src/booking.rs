//! A new visit: what animal, what for, which doctor, when; read back, confirmed, booked.

use gudok_flow::appointments::{self, Booking, Slot, Visitor};
use gudok_flow::notes::{self, Outcome};
use gudok_flow::understanding::{self, Animal, Intent};
use gudok_flow::{AnswerKind, Stop, calendar, clinic, say};

use crate::desk::Desk;
use crate::slots::{self, Wanted};
use crate::talk::Ask;
use crate::{answers, handover};

/// What is known of the visit so far.
struct Visit {
    animal: String,
    reason: String,
    wanted: Wanted,
}

/// Book a visit. `text` and `intent` are the caller's request; what they already say is not asked again.
pub fn book(desk: &Desk, text: &str, intent: &Intent) -> Result<(), Stop> {
    notes::tag("target")?;
    let animal = animal(desk, text)?;
    desk.remember(&animal);
    let Some((service, reason)) = service(desk, text, intent)? else { return Ok(()) };
    let doctor = doctor(desk, &service, intent)?;
    let visit = Visit { animal, reason, wanted: Wanted { service: Some(service.id.clone()), doctor } };
    let mut wish = slots::usable(desk, text)?;
    for _ in 0..3 {
        let (slot, agreed) = slots::agree(desk, &visit.wanted, wish)?;
        let visitor = visitor(desk, &visit)?;
        if !read_back(desk, &visit, &slot)? {
            wish = None;
            continue;
        }
        match appointments::book(&slot.id, &visitor)? {
            Booking::Booked(appointment) => return booked(desk, &appointment.slot),
            Booking::Taken => say("Это время только что заняли. Посмотрим другое.")?,
        }
        wish = Some(agreed);
    }
    Err(handover::to_person(desk, "запись не получилась")?)
}

fn booked(desk: &Desk, slot: &Slot) -> Result<(), Stop> {
    notes::set_outcome(Outcome::Booked)?;
    let place =
        if desk.clinic.address.is_empty() { String::new() } else { format!(" Адрес: {}.", desk.clinic.address) };
    say(&format!("Готово, вы записаны {}.{place} Ждём вас!", calendar::moment(&slot.start, &desk.today())))
}

/// Whom the visit is for. The request often names the kind of animal; the nickname is asked for by itself, because what
/// stands beside «кошку» in a request is as likely a slip of recognition as a name.
fn animal(desk: &Desk, text: &str) -> Result<String, Stop> {
    let said = understanding::parse_animal(text).filter(|animal| animal.species.is_some());
    let Some(said) = said else {
        let ask = Ask::new(
            "animal",
            "Кто у вас и как зовут?",
            "Скажите, кого записываем: кошку, собаку?",
            AnswerKind::Animal,
        );
        return desk.ask(&ask, |answer| {
            let found = understanding::parse_animal(answer)?;
            (found.species.is_some() || found.name.is_some()).then(|| describe(&found))
        });
    };
    let ask = Ask::new("nickname", "Как зовут питомца?", "Скажите кличку.", AnswerKind::Animal);
    let name = desk.ask_once(&ask, |answer| {
        let named = understanding::parse_animal(answer).and_then(|found| found.name);
        // A nickname may be any word at all.
        named.or_else(|| (answer.split_whitespace().count() <= 2).then(|| answer.trim_matches(['.', ' ']).to_string()))
    })?;
    Ok(describe(&Animal { name, ..said }))
}

/// «кошка Мурка», «собака, такса».
fn describe(animal: &Animal) -> String {
    let kind = animal.species.clone().unwrap_or_default();
    let breed = animal.breed.as_deref().map(|breed| format!(", {breed}")).unwrap_or_default();
    let name = animal.name.as_deref().map(|name| format!(" {name}")).unwrap_or_default();
    format!("{kind}{breed}{name}").trim_start_matches([',', ' ']).to_string()
}

/// The service, and the reason in the caller's words; none when what was named is not done here.
fn service(desk: &Desk, text: &str, intent: &Intent) -> Result<Option<(clinic::Service, String)>, Stop> {
    let offered = clinic::services();
    let named = |intent: &Intent| {
        let id = intent.services.iter().find_map(|s| s.service_id.clone())?;
        offered.iter().find(|service| service.id == id).cloned()
    };
    if let Some(service) = named(intent) {
        return Ok(Some((service, text.to_string())));
    }
    let ask = Ask::new(
        "reason",
        "Что случилось или на какую услугу записать?",
        "Расскажите коротко, что беспокоит.",
        AnswerKind::Free,
    );
    let reason = desk.ask(&ask, |answer| (!answer.trim().is_empty()).then(|| answer.to_string()))?;
    let intent = understanding::parse_intent(&reason);
    if answers::not_offered(&intent)? {
        return Ok(None);
    }
    let service = named(&intent).or_else(|| general(&offered));
    match service {
        Some(service) => Ok(Some((service, reason))),
        None => Err(handover::to_person(desk, "непонятно, к кому записать")?),
    }
}

/// Whom an ill animal sees when nothing special was asked for.
fn general(offered: &[clinic::Service]) -> Option<clinic::Service> {
    let is = |word: &str| offered.iter().find(|service| service.name.to_lowercase().contains(word));
    is("терап").or_else(|| is("приём")).or_else(|| is("прием")).or_else(|| is("осмотр")).or(offered.first()).cloned()
}

/// The doctor who was named, or the one the caller prefers; none = any.
fn doctor(desk: &Desk, service: &clinic::Service, intent: &Intent) -> Result<Option<String>, Stop> {
    if let Some(named) = intent.doctor.as_ref().filter(|id| service.doctors.contains(id)) {
        return Ok(Some(named.clone()));
    }
    if intent.doctor.is_some() {
        say("Этот врач такую услугу не ведёт, подберу другого.")?;
    }
    let doctors: Vec<_> = clinic::doctors().into_iter().filter(|doctor| service.doctors.contains(&doctor.id)).collect();
    if doctors.len() < 2 {
        return Ok(None);
    }
    let names: Vec<String> = doctors.iter().map(|doctor| doctor.name.clone()).collect();
    let surnames: Vec<&str> = names.iter().map(|name| name.split_whitespace().next().unwrap_or(name)).collect();
    let text = format!("Врачи: {}. К кому записать, или к любому?", surnames.join(", "));
    let ask = Ask::new("doctor", &text, &text, AnswerKind::Choice).hints(&names);
    // No answer that names one of them is an answer too: any doctor.
    let chosen = desk.ask_once(&ask, |answer| {
        if slots::any(answer) {
            return None;
        }
        let named = understanding::parse_intent(answer).doctor.filter(|id| service.doctors.contains(id));
        let by_words =
            || doctors.get(understanding::parse_choice(answer, &names)? as usize).map(|found| found.id.clone());
        named.or_else(by_words)
    })?;
    Ok(chosen)
}

fn visitor(desk: &Desk, visit: &Visit) -> Result<Visitor, Stop> {
    let phone = match desk.caller() {
        Some(number) => number,
        None => handover::ask_phone(desk, "phone", "Назовите, пожалуйста, номер телефона для связи.")?,
    };
    let ask = Ask::new("person", "Как вас зовут?", "Назовите, пожалуйста, ваше имя.", AnswerKind::PersonName);
    // A name that was not understood is written down as heard: the visit matters more.
    let person = desk.ask(&ask, |answer| {
        let name = understanding::parse_name(answer);
        let parts = name.map(|n| [n.last, n.first, n.patronymic].into_iter().flatten().collect::<Vec<_>>().join(" "));
        parts.filter(|name| !name.is_empty()).or_else(|| (!answer.trim().is_empty()).then(|| answer.trim().to_string()))
    })?;
    Ok(Visitor { phone, person, animal: visit.animal.clone(), reason: visit.reason.clone() })
}

fn read_back(desk: &Desk, visit: &Visit, slot: &Slot) -> Result<bool, Stop> {
    let when = calendar::moment(&slot.start, &desk.today());
    let text =
        format!("Записываю: {}, {}, {when}, {}. Всё верно?", visit.animal, slot.service_name, slots::doctor(slot));
    desk.ask_yes_no("confirm", &text)
}
