//! The mistakes of a clinic file in Russian, for the pages where a clinic's people read them; the command line stays English.
//!
//! A catalogue of both sentences, side by side: `{}` stands for what is quoted from the file, in the same order on both sides.
//! A sentence that is not in it stays English: it is about what only an editor of the file can write.

use crate::error::Mistake;

/// What is wrong.
const PROBLEMS: &[(&str, &str)] = &[
    ("it is missing", "не хватает"),
    ("it is empty", "пусто"),
    ("this key is not known", "такого ключа нет"),
    ("this is a text", "это текст"),
    ("this is a number", "это число"),
    ("this is true or false", "это «да» или «нет»"),
    ("this is a date or time", "это дата или время"),
    ("this is a list", "это список"),
    ("this is a table", "это таблица"),
    ("this is no TOML: {}", "это не TOML: {}"),
    ("{} is out of range", "{} — вне пределов"),
    ("{} is no amount of money", "{} — не сумма"),
    ("{} is no phone number", "{} — не телефон"),
    ("{} is no time of day; write HH:MM, from 00:00 to 24:00", "{} — не время; пишите ЧЧ:ММ, от 00:00 до 24:00"),
    ("{} are no hours; write them as \"09:00-21:00\"", "{} — не часы; пишите так: \"09:00-21:00\""),
    (
        "{} ends before it begins; hours past midnight are two spans, \"20:00-24:00\" and \"00:00-02:00\"",
        "{} кончается раньше, чем начинается; часы за полночь — это два отрезка, \"20:00-24:00\" и \"00:00-02:00\"",
    ),
    ("{} overlaps other hours of the day", "{} накладывается на другие часы этого дня"),
    ("{} has hours already", "{}: часы этого дня уже указаны"),
    ("this is no day of the week", "это не день недели"),
    ("{} is no date", "{} — не дата"),
    ("{} is no day", "{} — не день"),
    ("{} is before {}", "{} раньше, чем {}"),
    ("it is not clear which days are meant", "непонятно, о каких днях речь"),
    ("it does not say what is different", "не сказано, что в эти дни иначе"),
    ("the day is both closed and open", "день и закрыт, и открыт"),
    ("{} cannot be an id", "{} не годится в короткие имена"),
    ("this cannot be a code", "это не годится в коды"),
    ("the id {} is that of {}", "короткое имя {} уже у {}"),
    ("the id {} is taken", "короткое имя {} занято"),
    ("there is no doctor {}", "нет врача {}"),
    ("there is no service {}", "нет услуги {}"),
    ("there is no branch {}", "нет филиала {}"),
    ("there is no resource {}", "нет кабинета или аппарата {}"),
    ("no doctor has the speciality {}", "ни у одного врача нет специальности {}"),
    ("{} is among the services too", "{} есть и среди услуг"),
    ("{} stands there twice", "{} стоит там дважды"),
    ("there is `branch` too", "есть ещё и `branch`"),
    ("it is not clear where these hours are spent", "непонятно, в каком филиале эти часы"),
    ("it does not say where the doctor works", "не сказано, где врач принимает"),
    ("these hours overlap those at {}", "эти часы накладываются на часы в {}"),
    ("{} is no kind of clinic", "{} — не вид клиники"),
    ("{} is no time zone", "{} — не часовой пояс"),
    (
        "{} is no currency; give the three capital letters of ISO 4217, for example RUB",
        "{} — не валюта; нужны три заглавные буквы ISO 4217, например RUB",
    ),
    ("{} is no public key", "{} — не открытый ключ"),
    ("{} is no moment before a visit", "{} — не время до приёма"),
    ("{} is no time to wait", "{} — не срок ожидания"),
    ("nobody was asked before this step", "до этого шага никого не спрашивали"),
    ("a person who calls sends no question", "человек, который звонит, вопроса не посылает"),
    ("{} is not known here", "{} здесь не бывает"),
    ("{} is no way to write to somebody", "{} — не способ написать человеку"),
    ("two canned answers are called {}", "два готовых ответа называются {}"),
    ("nothing can be filled in for {}", "вместо {} нечего подставить"),
    ("there is no particular {}", "подстановки {} нет"),
    (
        "square brackets mark what may be left out, and do not stand in one another",
        "квадратные скобки отмечают то, что можно опустить, и друг в друге не стоят",
    ),
    ("a square bracket is not closed", "квадратная скобка не закрыта"),
    ("a curly bracket is not closed", "фигурная скобка не закрыта"),
];

/// What would be right.
const HINTS: &[(&str, &str)] = &[
    ("none are defined", "не задано ни одного"),
    (
        "write something, or leave the key out if it is optional",
        "напишите что-нибудь или, если это не обязательно, уберите строку",
    ),
    ("give one of them another id", "дайте одному из них другое короткое имя"),
    ("give one of them an id of its own, for example {}", "дайте одному из них своё короткое имя, например {}"),
    ("give every step an id of its own", "дайте каждому шагу своё короткое имя"),
    (
        "use small Latin letters, digits, _ and -, for example {}",
        "маленькие латинские буквы, цифры, _ и -, например {}",
    ),
    ("write it with the country code, for example {}", "напишите с кодом страны, например {}"),
    (
        "write an amount with at most two decimals, for example 1500, 8.50 or \"от 1500\"",
        "напишите сумму, после точки не больше двух цифр, например 1500, 8.50 или \"от 1500\"",
    ),
    ("write it as year-month-day, for example {}", "напишите год-месяц-день, например {}"),
    (
        "write month-day for every year, \"01-07\", or a date for once, \"2027-05-10\"",
        "напишите месяц-день, если каждый год (\"01-07\"), или дату, если один раз (\"2027-05-10\")",
    ),
    ("give every day once", "каждый день — один раз"),
    ("give every hour once", "каждый час — один раз"),
    ("or \"closed\"", "или \"closed\", если закрыто"),
    ("swap from and to", "поменяйте начало и конец местами"),
    (
        "give closed = true or hours = \"10:00-16:00\", not both",
        "нужно что-то одно: closed = true или hours = \"10:00-16:00\"",
    ),
    (
        "a service is offered or absent: take it out of one of the lists",
        "услуга или есть, или её нет: уберите её из одного списка",
    ),
    ("name each kind once", "назовите каждый вид один раз"),
    ("keep one of them", "оставьте одно из двух"),
    (
        "with `branches` the hours stand beside each branch; take `hours` out",
        "с `branches` часы стоят у каждого филиала; уберите `hours`",
    ),
    ("a doctor is in one branch at a time", "врач принимает сразу только в одном филиале"),
    ("IANA names are needed, for example {}", "нужно имя IANA, например {}"),
    ("IANA names are needed, for example {} or {}", "нужно имя IANA, например {} или {}"),
    (
        "write \"at once\", \"1 day before at 12:00\", \"2 h before\" or \"90 min before\"",
        "пишите \"at once\" (сразу), \"1 day before at 12:00\" (за день, в 12:00), \"2 h before\" (за 2 часа) или \"90 min before\" (за 90 минут)",
    ),
    (
        "write how long to wait before each attempt: plan = {}",
        "напишите, сколько ждать перед каждой попыткой: plan = {}",
    ),
    ("put a step with asks = true before it", "поставьте перед ним шаг, который спрашивает"),
    ("leave asks out: whoever calls asks by themselves", "уберите вопрос: кто звонит, спросит сам"),
    ("texts stand in quotes: {}", "текст стоит в кавычках: {}"),
    ("a key with other than Latin letters needs quotes: {}", "ключ не из латинских букв стоит в кавычках: {}"),
    (
        "an Ed25519 key is 32 bytes as base64: {}",
        "ключ Ed25519 — это 32 байта в base64: 43 буквы и цифры и `=`, как в файле `.pub` рядом с закрытым ключом",
    ),
    ("there are {}", "есть {}"),
];

/// What stands behind "needed:".
const NEEDED: &[(&str, &str)] = &[
    ("a text in quotes", "текст в кавычках"),
    ("true or false", "true или false"),
    ("a whole number from {} to {}", "целое число от {} до {}"),
    ("an amount, for example 1500 or 8.50", "сумма, например 1500 или 8.50"),
    ("a share from 0 to 1, for example 0.02 for two in a hundred", "доля от 0 до 1, например 0.02 — два из ста"),
    ("a list of texts, for example {}", "список текстов, например {}"),
    ("a list of tables, each begun with {}", "список таблиц, каждая начинается с {}"),
    ("a table, for example {}", "таблица, например {}"),
    ("a date, for example {}", "дата, например {}"),
    ("hours, for example \"09:00-21:00\", or \"closed\"", "часы, например \"09:00-21:00\", или \"closed\""),
    (
        "a list of names, for example {}, or a table {} for each",
        "список названий, например {}, или таблица {} для каждой",
    ),
    (
        "a name in quotes, or a table with name, minutes, price",
        "название в кавычках или таблица с name, minutes, price",
    ),
    ("the service as callers say it", "услуга, как её называют позвонившие"),
    ("surname first, as in the clinic's list", "сначала фамилия, как в списке клиники"),
    ("as callers ask it", "как спрашивают позвонившие"),
    ("written to be heard", "написанный так, чтобы его слушали"),
    ("the branch as callers say it", "филиал, как его называют позвонившие"),
    ("the room or machine, for example {}", "кабинет или аппарат, например {}"),
    ("what the button says, for example {}", "что написано на кнопке, например {}"),
    ("what is sent, for example {}", "что посылают, например {}"),
    ("the clinic's name as a caller should hear it", "название клиники, как его услышит позвонивший"),
    ("a short name for the records, for example {}", "короткое имя для записей, например {}"),
    ("a short name, for example {}", "короткое имя, например {}"),
    ("an IANA name, for example {}", "имя IANA, например {}"),
    ("one of {}", "одно из {}"),
    ("for example {}", "например {}"),
    (
        "branch = one of {}, or branches = {} with hours for each",
        "branch — один из {}, или branches = {} с часами для каждого",
    ),
    ("{} = {}", "{} = {}"),
];

impl Mistake {
    /// The same in Russian; parts that are not in the catalogue stay as they are.
    pub fn in_russian(&self) -> String {
        let mut said = String::new();
        if self.line > 0 {
            said.push_str(&format!("строка {}: ", self.line));
        }
        if !self.key.is_empty() {
            said.push_str(&format!("{}: ", self.key));
        }
        said.push_str(&find(&self.problem, PROBLEMS).unwrap_or_else(|| self.problem.clone()));
        if !self.hint.is_empty() {
            said.push_str("; ");
            said.push_str(&hint(&self.hint).unwrap_or_else(|| self.hint.clone()));
        }
        said
    }
}

fn hint(text: &str) -> Option<String> {
    if let Some((guess, rest)) = text.strip_prefix("did you mean ").and_then(|rest| rest.split_once("? ")) {
        return Some(format!("может быть, {guess}? {}", hint(rest)?));
    }
    if let Some(needed) = text.strip_prefix("needed: ") {
        return Some(format!("нужно: {}", find(needed, NEEDED)?));
    }
    if let Some(known) = text.strip_prefix("allowed: ") {
        let known = match find(
            known,
            &[("{} to {}; 0.02 is two in a hundred", "от {} до {}; 0.02 — два из ста"), ("{} to {}", "от {} до {}")],
        ) {
            Some(range) if !known.contains(',') => range,
            _ => known.replace("ranges and lists of them", "отрезки и списки"),
        };
        return Some(format!("можно: {known}"));
    }
    find(text, HINTS)
}

/// The Russian side of the first sentence that fits.
fn find(text: &str, catalogue: &[(&str, &str)]) -> Option<String> {
    catalogue.iter().find_map(|(english, russian)| Some(fill(russian, &holes(text, english)?)))
}

/// What stands in the holes of a sentence; none: it is another sentence.
fn holes<'a>(text: &'a str, sentence: &str) -> Option<Vec<&'a str>> {
    let mut parts = sentence.split("{}");
    let mut rest = text.strip_prefix(parts.next()?)?;
    let parts: Vec<&str> = parts.collect();
    let mut found = Vec::with_capacity(parts.len());
    for (n, part) in parts.iter().enumerate() {
        let is_last = n + 1 == parts.len();
        // What is quoted may hold the words of the sentence: the last part is looked for at the end.
        let (hole, after) = if is_last { (rest.strip_suffix(part)?, "") } else { rest.split_once(part)? };
        found.push(hole);
        rest = after;
    }
    rest.is_empty().then_some(found)
}

fn fill(sentence: &str, holes: &[&str]) -> String {
    let mut parts = sentence.split("{}");
    let mut filled = parts.next().unwrap_or_default().to_owned();
    for (n, part) in parts.enumerate() {
        filled.push_str(holes.get(n).copied().unwrap_or_default());
        filled.push_str(part);
    }
    filled
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_quoted_stays_as_it_was_typed() {
        let money = "\"{} is no date\" is no amount of money";
        assert_eq!(find(money, PROBLEMS).unwrap(), "\"{} is no date\" — не сумма");
        assert_eq!(find("2027-01-01 is before 2027-01-08", PROBLEMS).unwrap(), "2027-01-01 раньше, чем 2027-01-08");
        assert_eq!(find("nobody knows this sentence", PROBLEMS), None);
    }

    #[test]
    fn both_sides_of_every_sentence_have_the_same_holes() {
        let holes = |text: &str| text.matches("{}").count();
        for (english, russian) in [PROBLEMS, HINTS, NEEDED].concat() {
            assert!(holes(english) == holes(russian) || russian.contains("Ed25519"), "{english}");
        }
    }
}
