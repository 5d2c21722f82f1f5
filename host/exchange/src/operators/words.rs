//! What waiting callers and operators are told, in Russian.

use queue::{Announcement, Wait};

/// An announcement as it is spoken to a waiting caller.
pub(super) fn announcement(what: &Announcement) -> String {
    if what.is_reassurance() {
        return "Спасибо, что ждёте. Вам обязательно ответят.".to_owned();
    }
    let mut parts: Vec<String> = Vec::new();
    match what.position {
        Some(1) => parts.push("Вы следующий в очереди.".to_owned()),
        Some(position) => parts.push(format!("Ваш номер в очереди: {position}.")),
        None => {}
    }
    match what.wait {
        Some(Wait::UnderMinute) => parts.push("Ждать меньше минуты.".to_owned()),
        Some(Wait::Minutes(minutes)) => parts.push(format!("Ждать примерно {}.", about(minutes))),
        Some(Wait::Long) => parts.push("Ждать придётся больше получаса.".to_owned()),
        None => {}
    }
    if what.offer_callback {
        parts.push("Чтобы не ждать, нажмите один: мы перезвоним вам, когда подойдёт ваша очередь.".to_owned());
    }
    parts.join(" ")
}

/// The times that the queue tells; any other one is said as a figure.
fn about(minutes: u32) -> String {
    let words = match minutes {
        1 => "минуту",
        2 => "две минуты",
        3 => "три минуты",
        4 => "четыре минуты",
        5 => "пять минут",
        7 => "семь минут",
        10 => "десять минут",
        15 => "пятнадцать минут",
        20 => "двадцать минут",
        25 => "двадцать пять минут",
        30 => "полчаса",
        other => return format!("{other} минут"),
    };
    words.to_owned()
}

/// The caller asked for a call-back and keeps the place.
pub(super) const CALLBACK_TAKEN: &str = "Хорошо, мы перезвоним вам, когда подойдёт ваша очередь. До свидания!";
/// Nobody could take the caller; the number is known.
pub(super) const WILL_CALL_BACK: &str =
    "К сожалению, сейчас никто не может ответить. Мы обязательно вам перезвоним. До свидания!";
/// The same for a caller whose number is hidden.
pub(super) const CALL_AGAIN: &str =
    "К сожалению, сейчас никто не может ответить. Пожалуйста, позвоните нам ещё раз. До свидания!";
/// To an operator whose call-back's client did not answer.
pub(super) const NOT_REACHED: &str = "Клиент не ответил.";

/// What an operator hears before the caller is put through.
pub(super) fn whisper(queue: &str, summary: &str) -> String {
    match summary.trim() {
        "" => format!("Звонок из очереди, {queue}."),
        summary => format!("Звонок. {summary}"),
    }
}

/// What an operator hears before a call-back's client is dialled.
pub(super) fn callback_whisper(queue: &str, summary: &str) -> String {
    match summary.trim() {
        "" => format!("Перезваниваем клиенту, {queue}. Набираю номер."),
        summary => format!("Перезваниваем клиенту. {summary} Набираю номер."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_times_and_the_offer_are_told_in_one_breath() {
        let what = Announcement { position: Some(3), wait: Some(Wait::Minutes(5)), offer_callback: true };
        let said = announcement(&what);
        assert!(said.starts_with("Ваш номер в очереди: 3. Ждать примерно пять минут. Чтобы не ждать, нажмите один"));
        let what = Announcement { position: Some(1), wait: Some(Wait::UnderMinute), offer_callback: false };
        assert_eq!(announcement(&what), "Вы следующий в очереди. Ждать меньше минуты.");
        let nothing = Announcement { position: None, wait: None, offer_callback: false };
        assert!(announcement(&nothing).starts_with("Спасибо"));
    }
}
