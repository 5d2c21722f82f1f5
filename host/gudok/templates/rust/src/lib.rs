//! The flow `{{name}}`: greets, answers a question from the clinic's list, or leads to a person.

use gudok_flow::notes::{self, Outcome};
use gudok_flow::routing::{self, Destination, TransferOutcome};
use gudok_flow::{Answer, At, Flow, Question, Stop, clinic, export, faq, say};

struct Conversation;

impl Flow for Conversation {
    fn run() -> Result<(), Stop> {
        let name = clinic::info().name;
        let question = Question::new("need", &format!("{name}, здравствуйте! Чем помочь?"));
        let Answer::Speech(heard) = question.ask()? else { return to_person("звонящий промолчал") };
        let hits = faq::find(&heard.text).at("faq.find")?;
        let Some(hit) = hits.first() else { return to_person(&heard.text) };
        say(&hit.entry.answer)?;
        notes::set_outcome(Outcome::Answered).at("notes.set-outcome")?;
        say("До свидания!")
    }
}

fn to_person(summary: &str) -> Result<(), Stop> {
    match routing::transfer(&Destination::Operator, summary).at("routing.transfer")? {
        TransferOutcome::Connected => notes::set_outcome(Outcome::Transferred).at("notes.set-outcome"),
        TransferOutcome::Nobody | TransferOutcome::Refused(_) => {
            say("Сейчас никого нет. Пожалуйста, позвоните позже.")?;
            notes::set_outcome(Outcome::Nothing).at("notes.set-outcome")
        }
    }
}

export!(Conversation);
