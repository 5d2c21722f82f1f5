//! What a caller might answer: by the kind of the question, from its hints, and from what the clinic is asked for.

use flows::host::voice::{AnswerKind, Question};
use flows::script::CallerTurn;

use crate::house::House;

/// Words that mean nothing to anybody.
const NONSENSE: &str = "тыр пыр восемь дыр";

/// An answer that the author gives to the walk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Phrase {
    /// Only for the question with this id; none: for every one.
    pub question: Option<String>,
    /// What is said; digits alone are keys.
    pub text: String,
}

impl Phrase {
    /// A line of a file of answers: `текст`, or `question-id: текст`. Empty lines and those that begin with `#` are none.
    ///
    /// ```
    /// use rehearsal::walk::Phrase;
    /// let phrase = Phrase::of_line("when: в субботу утром").unwrap();
    /// assert_eq!((phrase.question.as_deref(), phrase.text.as_str()), (Some("when"), "в субботу утром"));
    /// assert_eq!(Phrase::of_line("хочу записаться: срочно").unwrap().question, None);
    /// assert_eq!(Phrase::of_line("# замечание"), None);
    /// ```
    pub fn of_line(line: &str) -> Option<Phrase> {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            return None;
        }
        let id = |id: &str| !id.is_empty() && id.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_');
        Some(match line.split_once(':').filter(|(question, _)| id(question)) {
            Some((question, text)) => Phrase { question: Some(question.into()), text: text.trim().into() },
            None => Phrase { question: None, text: line.into() },
        })
    }
}

/// Answers to try at a question, each once, the most ordinary first.
pub(super) fn of(question: &Question, house: &House, phrases: &[Phrase]) -> Vec<CallerTurn> {
    let mut turns = Vec::new();
    let mut add = |turn: CallerTurn| {
        if !turns.contains(&turn) {
            turns.push(turn);
        }
    };
    let own = phrases.iter().filter(|phrase| phrase.question.as_ref().is_none_or(|id| *id == question.id));
    own.map(|phrase| said(&phrase.text)).for_each(&mut add);
    question.hints.iter().take(3).map(|hint| CallerTurn::Says(hint.clone())).for_each(&mut add);
    match question.expects {
        AnswerKind::Free => needs(house).into_iter().map(CallerTurn::Says).for_each(&mut add),
        AnswerKind::YesNo => ["да", "нет"].into_iter().map(said).for_each(&mut add),
        AnswerKind::Choice => ["первое", "нет"].into_iter().map(said).for_each(&mut add),
        AnswerKind::Phone => add(said("восемь девятьсот три сто двадцать три сорок пять шестьдесят семь")),
        AnswerKind::Digits => ["1", "2", "3", "9"].into_iter().map(said).for_each(&mut add),
        AnswerKind::DateTime => ["завтра", "в воскресенье в три часа ночи"].into_iter().map(said).for_each(&mut add),
        AnswerKind::PersonName => add(said("Анна Петрова")),
        AnswerKind::Animal => add(said("кошка Мурка")),
    }
    add(CallerTurn::Presses("0".into()));
    add(CallerTurn::Says(NONSENSE.into()));
    add(CallerTurn::IsSilent);
    turns
}

/// Callers who answer everything alike.
pub(super) fn stubborn() -> [CallerTurn; 5] {
    [CallerTurn::IsSilent, said(NONSENSE), said("да"), said("нет"), said("9")]
}

/// What callers of this clinic want.
fn needs(house: &House) -> Vec<String> {
    let clinic = house.clinic();
    let mut needs = vec![];
    let bookable = clinic.services.iter().filter(|service| service.bookable);
    needs.extend(bookable.take(2).map(|service| format!("хочу записаться: {}", service.name)));
    needs.extend(clinic.absent.first().map(|absent| format!("хочу записаться: {absent}")));
    needs.extend(clinic.faq.iter().take(2).map(|entry| entry.question.clone()));
    let usual =
        ["когда моя запись", "отмените мою запись", "перенесите запись", "соедините с администратором", "до свидания"];
    needs.extend(usual.map(str::to_owned));
    needs
}

fn said(text: &str) -> CallerTurn {
    let keys = !text.is_empty() && text.chars().all(|c| c.is_ascii_digit() || c == '*' || c == '#');
    if keys { CallerTurn::Presses(text.to_owned()) } else { CallerTurn::Says(text.to_owned()) }
}
