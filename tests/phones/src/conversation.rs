//! Two sides of a call that take turns: the robot asks, the telephone answers.
//!
//! When the robot has finished is taken from two places: what Gudok wrote down tells that a question was said to its end,
//! and the telephone's own ear that it is quiet. Which line answers is chosen by the words of the question, as a caller
//! would; a question that comes again gets the other wording.

use std::path::Path;
use std::time::Duration;

use anyhow::{Result, bail};

use crate::compare::speaks_at_end;
use crate::gudok::Gudok;
use crate::voice::Voice;
use crate::wait;

/// A telephone with a file as its microphone and another as its ear.
pub trait Phone {
    /// Calls, and waits until the call is answered.
    ///
    /// # Errors
    /// When it is refused, or nobody answers.
    fn call(&mut self, to: &str) -> Result<()>;

    /// From now on the microphone hears this file from its beginning.
    ///
    /// # Errors
    /// When the telephone is gone.
    fn microphone(&mut self, wav: &Path) -> Result<()>;

    /// Has the other side hung up?
    ///
    /// # Errors
    /// When the telephone is gone.
    fn is_over(&mut self) -> Result<bool>;

    /// Hangs up.
    ///
    /// # Errors
    /// When the telephone is gone.
    fn hang_up(&mut self) -> Result<()>;

    /// What it heard so far.
    ///
    /// # Errors
    /// When nothing was recorded.
    fn heard(&self) -> Result<Vec<i16>>;

    /// What it sent so far.
    ///
    /// # Errors
    /// When nothing was recorded.
    fn said(&self) -> Result<Vec<i16>>;
}

/// What the caller answers to a question that holds these words.
#[derive(Debug, Clone, Copy)]
pub struct Line {
    /// Words of the question.
    pub asked: &'static str,
    /// The answer.
    pub say: &'static str,
    /// The answer when the question comes again.
    pub again: &'static str,
}

/// A whole visit at the vet desk, as somebody books one.
pub const BOOKING: &[Line] = &[
    Line {
        asked: "Чем могу помочь",
        say: "Здравствуйте. Хочу записать кошку на приём к терапевту.",
        again: "Запишите кошку к терапевту.",
    },
    Line {
        asked: "Не совсем понятно",
        say: "Запишите кошку к терапевту.",
        again: "Хочу записаться на приём к терапевту.",
    },
    Line { asked: "Записать вас", say: "Да, запишите.", again: "Да." },
    Line {
        asked: "Что случилось", say: "Нужен приём терапевта.", again: "Терапия."
    },
    Line { asked: "кого записываем", say: "Кошку.", again: "Кошка." },
    Line { asked: "Кто у вас", say: "Кошка Мурка.", again: "Кошка. Её зовут Мурка." },
    Line { asked: "Как зовут питомца", say: "Её зовут Мурка.", again: "Мурка." },
    Line { asked: "кличку", say: "Её зовут Мурка.", again: "Мурка." },
    Line { asked: "к любому", say: "К любому врачу.", again: "К любому." },
    Line {
        asked: "день и время", say: "Завтра после обеда.", again: "Завтра, после обеда."
    },
    Line {
        asked: "Какой день", say: "Послезавтра утром.", again: "Послезавтра, утром."
    },
    Line { asked: "Что выбираете", say: "Давайте первое время.", again: "Первое." },
    Line { asked: "Подойдёт", say: "Да, подходит.", again: "Да." },
    Line { asked: "Как вас зовут", say: "Меня зовут Анна.", again: "Анна." },
    Line { asked: "ваше имя", say: "Меня зовут Анна.", again: "Анна." },
    Line { asked: "верно", say: "Да, всё верно.", again: "Да." },
    Line {
        asked: "ещё могу помочь", say: "Нет, спасибо.", again: "Нет, до свидания."
    },
];

/// The words of [`BOOKING`], spoken into `folder`.
///
/// # Errors
/// When festival is missing or fails.
pub fn booking_voice(folder: &Path) -> Result<Voice> {
    let lines: Vec<&str> = BOOKING.iter().flat_map(|line| [line.say, line.again]).collect();
    Voice::speak(&lines, folder, audio::TELEPHONE_RATE)
}

/// What the telephone has to hear at its end to take the robot for quiet.
const QUIET_MS: usize = 300;
/// Recognition on a busy machine takes its time.
const TURN_LIMIT: Duration = Duration::from_secs(40);
/// A conversation does not go on for ever, however often the robot asks.
const MOST_TURNS: usize = 24;

/// Holds the conversation until the robot hangs up; the questions that were answered, in order. The robot's last words are
/// not answered.
///
/// # Errors
/// When a question has no line, or a turn does not come.
pub fn hold(
    phone: &mut impl Phone,
    gudok: &Gudok,
    call: &str,
    lines: &[Line],
    voice: &Voice,
) -> Result<Vec<&'static str>> {
    let (mut answered, mut asked_before) = (0, Vec::new());
    for _ in 0..MOST_TURNS {
        let question = wait::until("the robot's next question", TURN_LIMIT, || {
            if phone.is_over()? {
                return Ok(Some(None));
            }
            let robot = robot_turns(gudok, call)?;
            let next = robot[answered..].iter().rposition(|words| asks(words, lines)).map(|at| answered + at);
            // A question counts when nothing was said after it and the ear hears nothing either.
            let Some(next) = next.filter(|next| *next + 1 == robot.len()) else { return Ok(None) };
            if phone.heard().is_ok_and(|heard| speaks_at_end(&heard, QUIET_MS)) {
                return Ok(None);
            }
            answered = next + 1;
            Ok(Some(Some(robot[next].clone())))
        })
        .map_err(|error| error.context(format!("so far was said: {:#?}", turns(gudok, call).unwrap_or_default())))?;
        let Some(question) = question else { return Ok(asked_before) };
        let Some(line) = lines.iter().find(|line| question.contains(line.asked)) else {
            bail!("no line answers «{question}»; so far was said: {:#?}", turns(gudok, call)?);
        };
        let words = if asked_before.contains(&line.asked) { line.again } else { line.say };
        asked_before.push(line.asked);
        phone.microphone(voice.line(words)?)?;
    }
    bail!("the conversation does not end: {:#?}", turns(gudok, call)?)
}

/// Repeated questions are not all questions by the letter: «Скажите кличку.»
fn asks(words: &str, lines: &[Line]) -> bool {
    words.contains('?') || lines.iter().any(|line| words.contains(line.asked))
}

/// Every turn so far, as `who: words`.
///
/// # Errors
/// When Gudok does not answer.
pub fn turns(gudok: &Gudok, call: &str) -> Result<Vec<String>> {
    let call = gudok.call(call)?;
    let list = call["turns"].as_array().cloned().unwrap_or_default();
    Ok(list
        .iter()
        .map(|turn| format!("{}: {}", turn["who"].as_str().unwrap_or("?"), turn["text"].as_str().unwrap_or("")))
        .collect())
}

fn robot_turns(gudok: &Gudok, call: &str) -> Result<Vec<String>> {
    Ok(turns(gudok, call)?.into_iter().filter_map(|turn| turn.strip_prefix("agent: ").map(str::to_owned)).collect())
}
