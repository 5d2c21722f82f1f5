//! The conformance flow `menu`: keys, at most three times.

use conformance_endings::{hand_over, outcome};
use gudok_flow::notes::Outcome;
use gudok_flow::{Answer, AnswerKind, At, Flow, Question, Stop, clinic, export, say, understanding, voice};

struct Menu;

/// What the caller may choose.
enum Choice {
    Hours,
    Address,
    Operator,
    NoneOfThese,
}

impl Flow for Menu {
    fn run() -> Result<(), Stop> {
        let call = voice::call();
        let clinic = clinic::info();
        let text = format!("{}. Часы работы — один. Адрес — два. Регистратура — ноль.", clinic.name);
        let question = Question::new("menu", &text).expects(AnswerKind::Digits).max_digits(1).wait_ms(4000);
        let mut answered = false;
        for _ in 0..3 {
            match choice(question.ask()?) {
                Choice::Hours => tell_hours()?,
                Choice::Address => say(&clinic.address)?,
                Choice::Operator => return hand_over(&call, "меню"),
                Choice::NoneOfThese => continue,
            }
            outcome(Outcome::Answered)?;
            answered = true;
        }
        say("До свидания!")?;
        voice::hang_up().at("voice.hang-up")?;
        if answered { Ok(()) } else { outcome(Outcome::Nothing) }
    }
}

fn choice(answer: Answer) -> Choice {
    let options = ["часы", "адрес", "регистратура"].map(String::from);
    let index = match answer {
        Answer::Digits(keys) => match keys.as_str() {
            "1" => Some(0),
            "2" => Some(1),
            "0" => Some(2),
            _ => None,
        },
        Answer::Speech(heard) => understanding::parse_choice(&heard.text, &options),
        Answer::Silence => None,
    };
    match index {
        Some(0) => Choice::Hours,
        Some(1) => Choice::Address,
        Some(2) => Choice::Operator,
        _ => Choice::NoneOfThese,
    }
}

fn tell_hours() -> Result<(), Stop> {
    let now = clinic::now();
    let hours = clinic::hours(now.get(..10).unwrap_or(&now)).at("clinic.hours")?;
    if hours.open {
        say(&format!("Сегодня работаем с {} до {}.", hours.opens, hours.closes))
    } else {
        say("Сегодня закрыто.")
    }
}

export!(Menu);
