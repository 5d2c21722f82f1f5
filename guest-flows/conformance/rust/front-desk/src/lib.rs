//! The conformance flow `front-desk`: questions, visits, people.

mod booking;

use conformance_endings::{hand_over, moment, outcome};
use gudok_flow::clinic::{self, ClinicInfo};
use gudok_flow::notes::{self, Outcome};
use gudok_flow::understanding::{self, IntentKind};
use gudok_flow::voice::{self, CallInfo};
use gudok_flow::{Answer, At, Flow, Question, Stop, appointments, export, faq, say};

struct FrontDesk;

impl Flow for FrontDesk {
    fn run() -> Result<(), Stop> {
        let call = voice::call();
        Desk { call, clinic: clinic::info(), outcome_set: false, faq_answered: false }.serve()
    }
}

/// One conversation.
struct Desk {
    call: CallInfo,
    clinic: ClinicInfo,
    outcome_set: bool,
    faq_answered: bool,
}

/// How one answer of the caller was served.
enum Served {
    /// The next round begins.
    More,
    NotUnderstood,
    /// The flow is over.
    Over,
}

impl Desk {
    fn serve(&mut self) -> Result<(), Stop> {
        let mut question = Question::new("need", &format!("{}, здравствуйте! Чем помочь?", self.clinic.name));
        let mut misunderstood = false;
        loop {
            let served = match question.ask()? {
                Answer::Digits(keys) if keys == "0" => return hand_over(&self.call, "клавиша 0"),
                Answer::Digits(_) | Answer::Silence => Served::NotUnderstood,
                Answer::Speech(heard) => self.request(&heard.text)?,
            };
            question = match served {
                Served::Over => return Ok(()),
                Served::NotUnderstood if misunderstood => return hand_over(&self.call, "не поняли друг друга"),
                Served::NotUnderstood => {
                    misunderstood = true;
                    Question::new("again", "Простите, не понял. Чем помочь?")
                }
                Served::More => {
                    misunderstood = false;
                    Question::new("more", "Чем ещё помочь?")
                }
            }
        }
    }

    fn request(&mut self, text: &str) -> Result<Served, Stop> {
        let intent = understanding::parse_intent(text);
        if intent.urgent {
            notes::tag("target").at("notes.tag")?;
            return self.to_person(&format!("срочно: {text}"));
        }
        match intent.kind {
            IntentKind::Operator
            | IntentKind::Results
            | IntentKind::Ward
            | IntentKind::Doctor
            | IntentKind::CallbackMissed
            | IntentKind::Feed
            | IntentKind::Advertising => self.to_person(text),
            IntentKind::Goodbye => {
                say("До свидания!")?;
                if !self.outcome_set {
                    self.set(Outcome::Nothing)?;
                }
                Ok(Served::Over)
            }
            IntentKind::Book => self.book(text, &intent),
            IntentKind::MyVisit => self.my_visit(text, false),
            IntentKind::Cancel | IntentKind::Reschedule => self.my_visit(text, true),
            IntentKind::Price
            | IntentKind::Hours
            | IntentKind::Address
            | IntentKind::Question
            | IntentKind::Unknown => self.answer(text),
        }
    }

    fn answer(&mut self, text: &str) -> Result<Served, Stop> {
        let hits = faq::find(text).at("faq.find")?;
        let Some(hit) = hits.first() else { return Ok(Served::NotUnderstood) };
        say(&hit.entry.answer)?;
        if !self.faq_answered {
            self.faq_answered = true;
            self.set(Outcome::Answered)?;
        }
        Ok(Served::More)
    }

    /// What the caller has booked; who wants to change it talks to a person.
    fn my_visit(&mut self, text: &str, change: bool) -> Result<Served, Stop> {
        let Some(phone) = &self.call.caller else { return self.to_person("нет номера") };
        let visits = appointments::mine(phone).at("appointments.mine")?;
        let Some(visit) = visits.first() else {
            say("На ваш номер записи нет.")?;
            self.set(Outcome::Answered)?;
            return Ok(Served::More);
        };
        let slot = &visit.slot;
        say(&format!("Вы записаны на {}, врач {}.", moment(&slot.start), slot.doctor_name))?;
        self.set(Outcome::Answered)?;
        if change { self.to_person(text) } else { Ok(Served::More) }
    }

    fn to_person(&self, summary: &str) -> Result<Served, Stop> {
        hand_over(&self.call, summary)?;
        Ok(Served::Over)
    }

    fn set(&mut self, value: Outcome) -> Result<(), Stop> {
        self.outcome_set = true;
        outcome(value)
    }
}

export!(FrontDesk);
