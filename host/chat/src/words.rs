//! What the program itself says in a conversation, and how it knows that a person is asked for.

/// Whether somebody asks for a person: the word for one, in a message that is short or says what it wants.
pub(crate) fn asks_for_a_person(text: &str) -> bool {
    const PEOPLE: &[&str] = &["оператор", "администратор", "менеджер", "сотрудник", "регистратур", "human", "operator"];
    const WANTS: &[&str] =
        &["позов", "соедин", "переключ", "переведи", "живой", "живого", "живым", "нужен", "поговорить"];
    let text = text.to_lowercase();
    let short = text.split_whitespace().count() <= 4;
    let names = PEOPLE.iter().any(|word| text.contains(word));
    let wants = WANTS.iter().any(|word| text.contains(word));
    (names && (short || wants)) || text.trim() == "человек" || (wants && text.contains("человек"))
}

pub(crate) fn waiting(position: i64) -> String {
    if position <= 1 {
        "Зову администратора, вам скоро ответят.".to_owned()
    } else {
        format!("Зову администратора. Перед вами в очереди: {}.", position - 1)
    }
}

pub(crate) const WRITE_US: &str = "Здравствуйте! Напишите, чем мы можем помочь.";
pub(crate) const TAKEN: &str = "С вами на связи сотрудник клиники.";
pub(crate) const GIVEN_BACK: &str = "Дальше вам отвечает робот клиники.";
pub(crate) const PROMISED: &str = "Сейчас все заняты. Мы обязательно перезвоним вам.";
pub(crate) const NUMBER_WANTED: &str =
    "Сейчас никто не может ответить. Напишите номер телефона, и мы вам перезвоним. Сообщения мы тоже прочитаем.";
pub(crate) const NUMBER_TAKEN: &str = "Спасибо! Мы вам перезвоним.";

#[cfg(test)]
mod tests {
    use super::asks_for_a_person;

    #[test]
    fn a_person_is_asked_for_in_many_words() {
        for text in [
            "оператор",
            "Позовите администратора, пожалуйста",
            "хочу поговорить с живым человеком, соедините с человеком",
            "Человек",
            "переключите меня на оператора, робот не понимает вопроса",
        ] {
            assert!(asks_for_a_person(text), "{text}");
        }
        for text in [
            "во сколько завтра приём",
            "в прошлый раз ваш администратор сказал, что можно прийти без записи, это так?",
            "это человек или собака чаще болеет",
            "кот оперирован",
        ] {
            assert!(!asks_for_a_person(text), "{text}");
        }
    }
}
