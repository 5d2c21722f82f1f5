//! Dates as people write them, and the particulars of a visit.

use desk::{Clinic, Language};
use jiff::Timestamp;
use jiff::civil::{DateTime, Weekday};
use records::BookingRecord;

/// «в четверг, 26 ноября, в 15:30».
///
/// ```
/// let at = jiff::civil::date(2026, 11, 26).at(15, 30, 0, 0);
/// assert_eq!(outreach::when_in_words(at, desk::Language::Russian), "в четверг, 26 ноября, в 15:30");
/// assert_eq!(outreach::when_in_words(at, desk::Language::English), "on Thursday, 26 November, at 15:30");
/// ```
pub fn when_in_words(at: DateTime, language: Language) -> String {
    let time = at.strftime("%H:%M");
    match language {
        Language::Russian => {
            // «во вторник», the one day that begins with two consonants of which the first is в.
            let preposition = if at.weekday() == Weekday::Tuesday { "во" } else { "в" };
            format!("{preposition} {}, {}, в {time}", weekday(at, language), date_in_words(at, language))
        }
        Language::English => format!("on {}, {}, at {time}", weekday(at, language), date_in_words(at, language)),
    }
}

/// «26 ноября».
pub fn date_in_words(at: DateTime, language: Language) -> String {
    const RUSSIAN: [&str; 12] = [
        "января",
        "февраля",
        "марта",
        "апреля",
        "мая",
        "июня",
        "июля",
        "августа",
        "сентября",
        "октября",
        "ноября",
        "декабря",
    ];
    const ENGLISH: [&str; 12] = [
        "January",
        "February",
        "March",
        "April",
        "May",
        "June",
        "July",
        "August",
        "September",
        "October",
        "November",
        "December",
    ];
    let names = if language == Language::Russian { RUSSIAN } else { ENGLISH };
    let month = usize::from(at.month().unsigned_abs()).saturating_sub(1) % 12;
    format!("{} {}", at.day(), names[month])
}

/// In the accusative, as it stands after «в».
fn weekday(at: DateTime, language: Language) -> &'static str {
    const RUSSIAN: [&str; 7] = ["понедельник", "вторник", "среду", "четверг", "пятницу", "субботу", "воскресенье"];
    const ENGLISH: [&str; 7] = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];
    let names = if language == Language::Russian { RUSSIAN } else { ENGLISH };
    names[usize::from(at.weekday().to_monday_zero_offset().unsigned_abs()) % 7]
}

/// What a text may name of a visit.
pub fn of_visit<'a>(
    clinic: &'a Clinic,
    booking: &'a BookingRecord,
    language: Language,
) -> impl Fn(&str) -> String + 'a {
    let start = Timestamp::from_millisecond(booking.start_ms).unwrap_or_default();
    let local = clinic.local(start);
    move |name| match name {
        "clinic" => capital(&clinic.name),
        "when" => when_in_words(local, language),
        "date" => date_in_words(local, language),
        "time" => local.strftime("%H:%M").to_string(),
        "doctor" => doctor(clinic, &booking.doctor),
        "service" => clinic.service(&booking.service).map_or_else(String::new, |service| service.name.clone()),
        "address" => clinic.address.clone(),
        "phone" => clinic.phone.clone(),
        "person" => booking.person.as_str().to_owned(),
        "animal" => booking.animal.as_str().to_owned(),
        _ => String::new(),
    }
}

/// «врач Петров А. В.»; nothing for a clinic that names no doctors.
fn doctor(clinic: &Clinic, id: &str) -> String {
    match clinic.doctor(id) {
        Some(doctor) if clinic.doctors.len() > 1 || !doctor.speciality.is_empty() => doctor.name.clone(),
        _ => String::new(),
    }
}

/// A name at the beginning of a message: «Ветклиника «Лапа»».
pub(crate) fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    #[test]
    fn every_day_of_the_week_is_said_right() {
        let said: Vec<String> =
            (23..30).map(|day| when_in_words(date(2026, 11, day).at(9, 5, 0, 0), Language::Russian)).collect();
        assert_eq!(
            said,
            [
                "в понедельник, 23 ноября, в 09:05",
                "во вторник, 24 ноября, в 09:05",
                "в среду, 25 ноября, в 09:05",
                "в четверг, 26 ноября, в 09:05",
                "в пятницу, 27 ноября, в 09:05",
                "в субботу, 28 ноября, в 09:05",
                "в воскресенье, 29 ноября, в 09:05",
            ]
        );
        assert_eq!(date_in_words(date(2027, 5, 1).at(0, 0, 0, 0), Language::Russian), "1 мая");
    }
}
