//! The first question of a call, and what follows from the answer.

use std::cell::RefCell;

use gudok_flow::clinic::{self, ClinicInfo};
use gudok_flow::notes;
use gudok_flow::routing::Destination;
use gudok_flow::understanding::{self, Intent, IntentKind};
use gudok_flow::voice::{self, CallInfo};
use gudok_flow::{Answer, AnswerKind, Question, Stop, say, say_all};

use crate::talk::Ask;
use crate::{answers, booking, change, handover, overload};

/// What the conversation knows of the clinic and of the caller.
pub struct Desk {
    pub clinic: ClinicInfo,
    call: CallInfo,
    open: bool,
    /// Facts for the person who may take over, in the order they came up.
    known: RefCell<Vec<String>>,
}

/// How one request ended.
enum Served {
    Done,
    /// Neither the FAQ nor the rules know what to do.
    NotUnderstood,
}

impl Desk {
    pub fn open() -> Self {
        Desk { clinic: clinic::info(), call: voice::call(), open: clinic::is_open(), known: RefCell::default() }
    }

    /// The whole conversation.
    pub fn serve(&self) -> Result<(), Stop> {
        self.greet()?;
        // Who is offered a call-back may say right away what they need instead.
        let mut said = if self.overloaded() { overload::offer(self)? } else { None };
        let mut question = ("need", "Чем могу помочь?");
        let mut missed = 0;
        loop {
            let served = if let Some(text) = said.take() {
                self.request(&text)?
            } else {
                let ask = Question::new(question.0, question.1).expects(AnswerKind::Free);
                match ask.ask()? {
                    Answer::Digits(keys) if keys == "0" => return Err(handover::to_person(self, "нажал ноль")?),
                    Answer::Digits(_) | Answer::Silence => Served::NotUnderstood,
                    Answer::Speech(heard) if question.0 == "more" && nothing_more(&heard.text) => return goodbye(),
                    Answer::Speech(heard) => self.request(&heard.text)?,
                }
            };
            match served {
                Served::Done => {
                    missed = 0;
                    question = ("more", "Чем ещё могу помочь?");
                }
                Served::NotUnderstood if missed == 0 => {
                    missed = 1;
                    question = (
                        "need-again",
                        "Не совсем понятно. Скажите, например: записаться к врачу, перенести запись или задать вопрос.",
                    );
                }
                Served::NotUnderstood => return Err(handover::to_person(self, "не удалось понять, что нужно")?),
            }
        }
    }

    /// The host adds the recording notice to the first words of a call.
    fn greet(&self) -> Result<(), Stop> {
        let name = &self.clinic.name;
        say(&format!("Здравствуйте! Это {name}."))?;
        if !self.open {
            say(&format!(
                "Сейчас мы закрыты. {} Я могу записать вас на приём, ответить на вопрос или передать просьбу перезвонить.",
                self.opening()
            ))?;
        }
        Ok(())
    }

    /// Whether the call came while everybody who answers is busy and the queue before them is long.
    fn overloaded(&self) -> bool {
        self.open && self.call.entry == "overload"
    }

    /// One thing the caller wants.
    fn request(&self, text: &str) -> Result<Served, Stop> {
        let intent = understanding::parse_intent(text);
        if intent.urgent {
            return Err(handover::urgent(self, text)?);
        }
        if wants_service(&intent) && answers::not_offered(&intent)? {
            return Ok(Served::Done);
        }
        self.remember(text);
        match intent.kind {
            IntentKind::Book => booking::book(self, text, &intent)?,
            IntentKind::Reschedule => change::reschedule(self, text)?,
            IntentKind::Cancel => change::cancel(self)?,
            IntentKind::MyVisit => change::my_visit(self)?,
            IntentKind::Results => {
                notes::tag("test_results")?;
                return Err(self.department(Destination::Results, "Соединяю с отделом результатов.", text)?);
            }
            IntentKind::Ward => {
                notes::tag("inpatient")?;
                return Err(self.department(Destination::Ward, "Соединяю со стационаром.", text)?);
            }
            IntentKind::Doctor => {
                notes::tag("doctor")?;
                return Err(self.department(Destination::Doctor, "Передаю ваш вопрос врачу, соединяю.", text)?);
            }
            IntentKind::CallbackMissed => {
                notes::tag("callback_missed")?;
                return Err(handover::to_person(self, "перезванивает на пропущенный")?);
            }
            IntentKind::Operator => return Err(handover::to_person(self, "просит оператора")?),
            IntentKind::Advertising => {
                notes::tag("advertising")?;
                say_all("Спасибо, предложения мы рассматриваем только письменно. До свидания!")?;
                return Err(Stop::Done);
            }
            IntentKind::Goodbye => return goodbye().and(Err(Stop::Done)),
            IntentKind::Feed => {
                if !answers::answer(self, text, &intent)? {
                    notes::tag("feed_drugs")?;
                    return Err(handover::to_person(self, "корм или лекарства")?);
                }
            }
            _ => {
                if !answers::answer(self, text, &intent)? {
                    return self.unknown(text, &intent);
                }
            }
        }
        Ok(Served::Done)
    }

    /// No rule fits: an animal that is ill needs a visit, whatever words were used.
    fn unknown(&self, text: &str, intent: &Intent) -> Result<Served, Stop> {
        let animal = understanding::parse_animal(text).is_some_and(|animal| animal.species.is_some());
        let service = intent.services.iter().any(|s| s.service_id.is_some());
        if !animal && !service {
            return Ok(Served::NotUnderstood);
        }
        if self.ask_yes_no("book-offer", "Записать вас на приём?")? {
            booking::book(self, text, intent)?;
        }
        Ok(Served::Done)
    }

    fn department(&self, to: Destination, announce: &str, text: &str) -> Result<Stop, Stop> {
        handover::transfer(self, to, announce, text)
    }

    /// Ask one time only; `None` when the answer made no sense.
    pub fn ask_once<T>(&self, ask: &Ask, read: impl Fn(&str) -> Option<T>) -> Result<Option<T>, Stop> {
        match Question::new(ask.id, ask.text).expects(ask.expects).hints(ask.hints).ask()? {
            Answer::Digits(keys) if keys == "0" => Err(handover::to_person(self, "просит оператора")?),
            Answer::Digits(keys) => Ok(read(&keys)),
            Answer::Speech(heard) => {
                self.interrupt(&heard.text)?;
                Ok(read(&heard.text))
            }
            Answer::Silence => Ok(None),
        }
    }

    /// A fact for the person who may take over.
    pub fn remember(&self, fact: &str) {
        self.known.borrow_mut().push(fact.trim().to_string());
    }

    pub fn known(&self) -> String {
        self.known.borrow().join("; ")
    }

    /// The number the caller calls from, when the line shows it.
    pub fn caller(&self) -> Option<String> {
        self.call.caller.clone()
    }

    /// Today's date in the clinic's zone.
    pub fn today(&self) -> String {
        clinic::now().chars().take(10).collect()
    }

    /// After hours only the ward may have somebody; the clinic's lines decide.
    pub fn person_may_answer(&self, to: &Destination) -> bool {
        self.open || matches!(to, Destination::Ward)
    }

    /// «Мы работаем сегодня с 9:00 до 21:00.»
    pub fn opening(&self) -> String {
        let today = self.today();
        match clinic::hours(&today) {
            Ok(hours) if hours.open => format!("Сегодня мы работаем с {} до {}.", hours.opens, hours.closes),
            Ok(hours) if !hours.note.is_empty() => format!("Сегодня не работаем: {}.", hours.note),
            _ => "Сегодня не работаем.".into(),
        }
    }
}

/// «Нет, спасибо», «всё», «до свидания» after "anything else?".
fn nothing_more(text: &str) -> bool {
    let intent = understanding::parse_intent(text);
    intent.kind == IntentKind::Goodbye
        || (intent.kind == IntentKind::Unknown && understanding::parse_yes_no(text) == understanding::YesNo::No)
}

fn wants_service(intent: &Intent) -> bool {
    !matches!(
        intent.kind,
        IntentKind::Results | IntentKind::Ward | IntentKind::Doctor | IntentKind::Operator | IntentKind::Goodbye
    )
}

fn goodbye() -> Result<(), Stop> {
    say_all("Спасибо за звонок. До свидания!")?;
    Ok(())
}
