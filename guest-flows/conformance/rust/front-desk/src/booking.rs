//! A new visit.

use conformance_endings::{moment, promise};
use gudok_flow::appointments::{self, Booking, Slot, SlotQuery, Visitor};
use gudok_flow::notes::{self, Outcome};
use gudok_flow::understanding::{self, DateTime, Intent, Offered, PersonName, Wish};
use gudok_flow::{Answer, AnswerKind, At, Question, Stop, say};

use crate::{Desk, Served};

impl Desk {
    pub(crate) fn book(&mut self, need: &str, intent: &Intent) -> Result<Served, Stop> {
        let offered = intent.services.iter().find(|service| service.offered == Offered::Offered);
        if offered.is_none()
            && let Some(absent) = intent.services.first().filter(|service| service.offered == Offered::Absent)
        {
            return self.not_offered(&absent.name);
        }
        let wish = wish(need)?;
        let query = SlotQuery {
            service: offered.and_then(|service| service.service_id.clone()),
            doctor: intent.doctor.clone(),
            date_from: wish.date.clone().or(wish.date_from),
            date_to: wish.date.or(wish.date_to),
            time_from: wish.time_from,
            time_to: wish.time_to,
            limit: 3,
        };
        // Somebody may be quicker once.
        for _ in 0..2 {
            let slots = appointments::find(&query).at("appointments.find")?;
            if slots.is_empty() {
                return self.call_back("запись: свободного времени не нашлось");
            }
            let Some(slot) = choose(&slots)? else {
                return self.to_person("запись: время не выбрано");
            };
            let person = person()?;
            let Some(phone) = self.call.caller.clone() else {
                return self.to_person("запись: нет номера");
            };
            let visitor = Visitor { phone, person, animal: String::new(), reason: need.into() };
            match appointments::book(&slot.id, &visitor).at("appointments.book")? {
                Booking::Booked(visit) => return self.booked(&visit.slot),
                Booking::Taken => say("Это время только что заняли.")?,
            }
        }
        self.call_back("запись: время заняли")
    }

    fn not_offered(&mut self, service: &str) -> Result<Served, Stop> {
        say(&format!("К сожалению, услуги «{service}» у нас нет."))?;
        notes::tag("not_our_service").at("notes.tag")?;
        self.set(Outcome::NotOffered)?;
        Ok(Served::More)
    }

    fn booked(&mut self, slot: &Slot) -> Result<Served, Stop> {
        say(&format!("Записал вас на {}, врач {}. Ждём вас!", moment(&slot.start), slot.doctor_name))?;
        notes::tag("target").at("notes.tag")?;
        self.set(Outcome::Booked)?;
        Ok(Served::More)
    }

    fn call_back(&self, reason: &str) -> Result<Served, Stop> {
        promise(&self.call, reason)?;
        Ok(Served::Over)
    }
}

/// When they want to come: said at once, or asked for once.
fn wish(need: &str) -> Result<Wish, Stop> {
    if let DateTime::Resolved(wish) = understanding::parse_date_time(need) {
        return Ok(wish);
    }
    let question = Question::new("when", "На какой день вас записать?").expects(AnswerKind::DateTime);
    if let Answer::Speech(heard) = question.ask()?
        && let DateTime::Resolved(wish) = understanding::parse_date_time(&heard.text)
    {
        return Ok(wish);
    }
    Ok(Wish { date: None, date_from: None, date_to: None, time_from: None, time_to: None, asap: false })
}

fn choose(slots: &[Slot]) -> Result<Option<&Slot>, Stop> {
    let moments: Vec<String> = slots.iter().map(|slot| moment(&slot.start)).collect();
    let text = format!("Есть время: {}. Какое подходит?", moments.join(", "));
    let question = Question::new("slot", &text).expects(AnswerKind::Choice).hints(moments.iter().cloned());
    let index = match question.ask()? {
        Answer::Speech(heard) => understanding::parse_choice(&heard.text, &moments).map(|index| index as usize),
        Answer::Digits(keys) => ["1", "2", "3"].iter().position(|key| *key == keys),
        Answer::Silence => None,
    };
    Ok(index.and_then(|index| slots.get(index)))
}

fn person() -> Result<String, Stop> {
    let question = Question::new("name", "Как вас зовут?").expects(AnswerKind::PersonName);
    let Answer::Speech(heard) = question.ask()? else { return Ok(String::new()) };
    let parts = match understanding::parse_name(&heard.text) {
        Some(PersonName { last, first, patronymic }) => [last, first, patronymic].into_iter().flatten().collect(),
        None => Vec::new(),
    };
    Ok(if parts.is_empty() { heard.text } else { parts.join(" ") })
}
