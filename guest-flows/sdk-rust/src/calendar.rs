//! Days and times as a caller should hear them. Pure arithmetic on the ISO texts of the contract; no clock.

const WEEKDAYS: [&str; 7] = ["понедельник", "вторник", "среда", "четверг", "пятница", "суббота", "воскресенье"];
const ON_WEEKDAY: [&str; 7] =
    ["в понедельник", "во вторник", "в среду", "в четверг", "в пятницу", "в субботу", "в воскресенье"];
const MONTHS: [&str; 12] = [
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

/// `2026-11-24` → its parts; `None` when it is not a date.
pub fn parse_date(iso: &str) -> Option<(i64, u32, u32)> {
    let mut parts = iso.get(..10)?.split('-');
    let (year, month, day) = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
    ((1..=12).contains(&month) && (1..=31).contains(&day)).then_some((year, month, day))
}

/// Days since 1970-01-01 (the civil-from-days arithmetic of H. Hinnant, "chrono-compatible low-level date algorithms").
fn day_number((year, month, day): (i64, u32, u32)) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((i64::from(month) + 9) % 12) + 2) / 5 + i64::from(day) - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

/// Monday = 0.
fn weekday(date: (i64, u32, u32)) -> usize {
    (day_number(date) + 3).rem_euclid(7) as usize
}

/// The day as one says it to somebody today: «сегодня», «завтра», «во вторник, 24 ноября».
pub fn day(iso: &str, today: &str) -> String {
    let (Some(date), Some(now)) = (parse_date(iso), parse_date(today)) else { return iso.into() };
    match day_number(date) - day_number(now) {
        0 => "сегодня".into(),
        1 => "завтра".into(),
        2 => "послезавтра".into(),
        _ => format!("{}, {} {}", ON_WEEKDAY[weekday(date)], date.2, MONTHS[date.1 as usize - 1]),
    }
}

/// The time of a moment, `2026-11-24T16:30` → `16:30`.
pub fn time(moment: &str) -> &str {
    moment.get(11..16).unwrap_or(moment)
}

/// `09:00` → `9:00`, `00:30` → `0:30`.
fn plain_time(moment: &str) -> &str {
    let time = time(moment);
    time.strip_prefix('0').unwrap_or(time)
}

/// «завтра в 16:30», «во вторник, 24 ноября, в 9:00».
pub fn moment(iso: &str, today: &str) -> String {
    let day = day(iso, today);
    let comma = if day.contains(',') { "," } else { "" };
    format!("{day}{comma} в {}", plain_time(iso))
}

/// The weekday's name in the nominative.
pub fn weekday_name(iso: &str) -> &'static str {
    parse_date(iso).map_or("", |date| WEEKDAYS[weekday(date)])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_told_from_today() {
        assert_eq!(day("2026-11-24", "2026-11-24T10:00"), "сегодня");
        assert_eq!(day("2026-11-25", "2026-11-24"), "завтра");
        assert_eq!(day("2027-01-01", "2026-11-24"), "в пятницу, 1 января");
        assert_eq!(moment("2026-12-01T09:30", "2026-11-24"), "во вторник, 1 декабря, в 9:30");
        assert_eq!(moment("2026-12-01T00:30", "2026-11-30"), "завтра в 0:30");
        assert_eq!(day("nonsense", "2026-11-24"), "nonsense");
    }

    #[test]
    fn leap_days_and_centuries() {
        assert_eq!(weekday_name("2028-02-29"), "вторник");
        assert_eq!(weekday_name("2000-03-01"), "среда");
    }
}
