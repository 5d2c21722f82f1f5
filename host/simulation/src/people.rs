//! Who lives around the clinic, and what they are like.

use records::{Channel, Pii};

use crate::dice::Dice;

/// Somebody with a telephone.
#[derive(Debug, Clone)]
pub(crate) struct Person {
    /// E.164.
    pub(crate) phone: Pii,
    pub(crate) name: Pii,
    /// Nickname and kind; empty in human medicine.
    pub(crate) animal: Pii,
    /// How they may be written to.
    pub(crate) ways: Vec<Channel>,
    /// How reliably they answer, of a hundred.
    pub(crate) answers: u32,
    /// How reliably they come, of a hundred.
    pub(crate) comes: u32,
    /// How often they pick up, of a hundred.
    pub(crate) picks_up: u32,
}

/// So many, all with numbers of their own. A few share one: a family.
pub(crate) fn people(count: usize, animals: bool, dice: &mut Dice) -> Vec<Person> {
    let mut all: Vec<Person> = Vec::with_capacity(count);
    for number in 0..count {
        let phone = match all.last() {
            // The rest of a family calls from the same telephone.
            Some(other) if dice.percent(6) => other.phone.clone(),
            // 900 is a code of mobile networks; the rest counts up, so that nobody is met twice by chance.
            _ => Pii::from(format!("+7900{:07}", 1_000_000 + number * 37)),
        };
        let ways = dice.weighed(WAYS).copied().unwrap_or_default().to_vec();
        let (name, surname) = (dice.one(NAMES).unwrap_or(&""), dice.one(SURNAMES).unwrap_or(&""));
        let animal = match (dice.one(ANIMALS), dice.one(NICKNAMES)) {
            (Some(kind), Some(nickname)) if animals => format!("{kind} {nickname}"),
            _ => String::new(),
        };
        all.push(Person {
            phone,
            name: Pii::from(format!("{surname} {name}")),
            animal: animal.into(),
            ways,
            answers: *dice.weighed(&[(50, 90), (30, 60), (20, 5)]).unwrap_or(&60),
            comes: *dice.weighed(&[(80, 97), (15, 85), (5, 40)]).unwrap_or(&97),
            picks_up: *dice.weighed(&[(60, 85), (30, 50), (10, 8)]).unwrap_or(&85),
        });
    }
    all
}

/// Which ways people allow, the preferred one first, and how many of a hundred.
const WAYS: &[(u32, &[Channel])] =
    &[(55, &[Channel::Sms, Channel::Call]), (30, &[Channel::Messenger, Channel::Sms]), (10, &[Channel::Sms]), (5, &[])];

const NAMES: &[&str] = &[
    "Анна",
    "Мария",
    "Ольга",
    "Светлана",
    "Наталья",
    "Елена",
    "Ирина",
    "Татьяна",
    "Юлия",
    "Вера",
    "Зоя",
    "Алина",
    "Саша",
    "Женя",
    "Никита",
    "Олег",
    "Игорь",
    "Роман",
    "Павел",
    "Артём",
    "Глеб",
    "Тимур",
    "Руслан",
    "Фёдор",
];

// Of both genders, so that no name is bent wrongly.
const SURNAMES: &[&str] = &[
    "Шевченко",
    "Ткаченко",
    "Бондаренко",
    "Черных",
    "Седых",
    "Белых",
    "Дюма",
    "Кравчук",
    "Мельник",
    "Гончар",
    "Ремарк",
    "Савчук",
    "Лысенко",
    "Коваль",
    "Швец",
    "Горбач",
    "Заяц",
    "Мороз",
    "Жук",
    "Франко",
    "Руденко",
    "Панасюк",
];

const ANIMALS: &[&str] = &["кошка", "кот", "кот", "собака", "собака", "щенок", "котёнок", "кролик", "хорёк", "попугай"];

const NICKNAMES: &[&str] = &[
    "Муся",
    "Барсик",
    "Рекс",
    "Буся",
    "Тоша",
    "Персик",
    "Жужа",
    "Граф",
    "Ника",
    "Кеша",
    "Симба",
    "Шанти",
    "Марс",
    "Буля",
    "Фокс",
    "Пуля",
    "Чара",
    "Тайсон",
    "Люся",
    "Гоша",
    "Афина",
    "Бакс",
    "Зевс",
    "Кнопка",
];

#[cfg(test)]
mod tests {
    use desk::PhoneNumber;

    use super::*;

    #[test]
    fn everybody_has_a_number_that_is_one() {
        let all = people(400, true, &mut Dice::new(3));
        assert_eq!(all.len(), 400);
        for person in &all {
            let number = PhoneNumber::parse(person.phone.as_str()).unwrap();
            assert_eq!(number.as_str(), person.phone.as_str());
            assert!(!person.animal.as_str().is_empty());
        }
        let numbers: std::collections::BTreeSet<_> = all.iter().map(|person| person.phone.as_str()).collect();
        assert!((350..400).contains(&numbers.len()), "some share one: {}", numbers.len());
    }
}
