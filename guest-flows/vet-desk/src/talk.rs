//! Asking so that every misunderstanding ends somewhere: a second try in other words, then a person.

use gudok_flow::{Answer, AnswerKind, Question, Stop, say, understanding};

use crate::desk::Desk;
use crate::handover;

/// One thing to find out.
pub struct Ask<'a> {
    /// Name for traces.
    pub id: &'a str,
    pub text: &'a str,
    /// Said instead of `text` the second time.
    pub again: &'a str,
    pub expects: AnswerKind,
    pub hints: &'a [String],
}

impl<'a> Ask<'a> {
    pub fn new(id: &'a str, text: &'a str, again: &'a str, expects: AnswerKind) -> Self {
        Ask { id, text, again, expects, hints: &[] }
    }

    pub fn hints(mut self, hints: &'a [String]) -> Self {
        self.hints = hints;
        self
    }
}

impl Desk {
    /// Ask until `read` makes sense of the answer; after the second failure in a row a person takes over.
    /// Keys are given to `read` as their digits. A wish for a person or a danger ends the conversation here.
    pub fn ask<T>(&self, ask: &Ask, mut read: impl FnMut(&str) -> Option<T>) -> Result<T, Stop> {
        let mut text = ask.text;
        for attempt in 0..2 {
            let question = Question::new(ask.id, text).expects(ask.expects).hints(ask.hints);
            match question.ask()? {
                Answer::Digits(keys) if keys == "0" => return Err(handover::to_person(self, "просит оператора")?),
                Answer::Digits(keys) => {
                    if let Some(value) = read(&keys) {
                        return Ok(value);
                    }
                }
                Answer::Speech(heard) => {
                    // What was asked for is looked at first: «оператора» may be part of a sensible answer, not of a
                    // yes or a date.
                    self.interrupt(&heard.text)?;
                    if let Some(value) = read(&heard.text) {
                        return Ok(value);
                    }
                }
                Answer::Silence => {
                    if attempt == 0 {
                        say("Вас не слышно.")?;
                    }
                }
            }
            text = ask.again;
        }
        Err(handover::to_person(self, "не удалось понять друг друга")?)
    }

    /// A yes or a no.
    pub fn ask_yes_no(&self, id: &str, text: &str) -> Result<bool, Stop> {
        let again = format!("Плохо слышно. {text} Скажите «да» или «нет».");
        self.ask(&Ask::new(id, text, &again, AnswerKind::YesNo), |answer| yes_no(answer))
    }

    /// «Оператор», or a danger to life, said instead of an answer.
    pub fn interrupt(&self, text: &str) -> Result<(), Stop> {
        let intent = understanding::parse_intent(text);
        if intent.urgent {
            return Err(handover::urgent(self, text)?);
        }
        if intent.kind == understanding::IntentKind::Operator && intent.confidence >= 0.6 {
            return Err(handover::to_person(self, "просит оператора")?);
        }
        Ok(())
    }
}

/// Yes or no, by voice or by key (1 and 2).
pub fn yes_no(answer: &str) -> Option<bool> {
    match (answer, understanding::parse_yes_no(answer)) {
        ("1", _) | (_, understanding::YesNo::Yes) => Some(true),
        ("2", _) | (_, understanding::YesNo::No) => Some(false),
        _ => None,
    }
}
