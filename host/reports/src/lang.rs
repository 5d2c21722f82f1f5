//! The two languages of a report, and how each writes numbers, money, times and dates.

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::kpi::Kpis;
use crate::share::div_round;
use crate::{Amount, Period, Share};

/// Language of a page or a sentence.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Lang {
    /// Russian.
    #[default]
    Ru,
    /// English.
    En,
}

impl Lang {
    /// The word in an address or on a command line: `ru`, `en`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ru => "ru",
            Self::En => "en",
        }
    }

    /// One of two texts.
    pub fn pick<T>(self, ru: T, en: T) -> T {
        match self {
            Self::Ru => ru,
            Self::En => en,
        }
    }

    /// A whole number with its thousands apart: no-break spaces or commas; a true minus sign.
    pub fn number(self, n: i64) -> String {
        let digits = n.unsigned_abs().to_string();
        let separator = self.pick('\u{a0}', ',');
        let mut out = String::from(if n < 0 { "−" } else { "" });
        // Russian leaves four digits together only in running text; figures in columns are easier to compare when split.
        for (i, digit) in digits.chars().enumerate() {
            if i > 0 && (digits.len() - i).is_multiple_of(3) {
                out.push(separator);
            }
            out.push(digit);
        }
        out
    }

    /// With a sign in front, for differences.
    pub fn signed(self, n: i64) -> String {
        if n > 0 { format!("+{}", self.number(n)) } else { self.number(n) }
    }

    /// To a tenth of a per cent.
    pub fn share(self, share: Share) -> String {
        self.pick(share.ru(), share.to_string())
    }

    /// To a whole per cent, for sentences; what is not 0 or all is never called so.
    pub fn rough_share(self, share: Share) -> String {
        let percent = (share.permille() + 5) / 10;
        let percent = match percent {
            0 if share.part() > 0 => return self.pick("меньше 1\u{a0}%".into(), "under 1%".into()),
            100 if share.part() < share.whole() => 99,
            other => other,
        };
        self.pick(format!("{percent}\u{a0}%"), format!("{percent}%"))
    }

    /// A difference in tenths of a percentage point.
    pub fn points(self, tenths: i64) -> String {
        let sign = if tenths > 0 {
            "+"
        } else if tenths < 0 {
            "−"
        } else {
            ""
        };
        let (whole, tenth) = (tenths.abs() / 10, tenths.abs() % 10);
        self.pick(format!("{sign}{whole},{tenth}\u{a0}п.\u{a0}п."), format!("{sign}{whole}.{tenth}\u{a0}pp"))
    }

    /// To whole units of the currency; under ten of them, to hundredths.
    pub fn money(self, amount: &Amount) -> String {
        let sign = match amount.currency.as_str() {
            "RUB" => "₽",
            "EUR" => "€",
            "USD" => "$",
            "KZT" => "₸",
            other => other,
        };
        let minor = amount.minor.unsigned_abs();
        let minus = if amount.minor < 0 { "−" } else { "" };
        let whole = i64::try_from(div_round(minor.into(), 100)).unwrap_or(i64::MAX);
        let figure = if minor < 1000 && !minor.is_multiple_of(100) {
            format!("{}{}{:02}", minor / 100, self.pick(',', '.'), minor % 100)
        } else {
            self.number(whole)
        };
        format!("{minus}{figure}\u{a0}{sign}")
    }

    /// The same with a sign in front.
    pub fn signed_money(self, amount: &Amount) -> String {
        if amount.minor > 0 { format!("+{}", self.money(amount)) } else { self.money(amount) }
    }

    /// Whole minutes, rounded to the nearest.
    pub fn minutes(self, ms: i64) -> i64 {
        i64::try_from(div_round(ms.into(), 60_000)).unwrap_or(i64::MAX)
    }

    /// A figure as it is read, by the id of its definition; none where nothing was measured.
    pub(crate) fn figure(self, kpis: &Kpis, id: &str) -> Option<String> {
        let share = |share: Option<Share>| share.map(|share| self.share(share));
        let time = |ms: Option<i64>| ms.map(|ms| self.duration(ms));
        match id {
            "sl_offered" => share(kpis.sl_offered),
            "sl_answered" => share(kpis.sl_answered),
            "sl_offered_less_short" => share(kpis.sl_offered_less_short),
            "sl2" => share(kpis.sl2),
            "lcr_gross" => share(kpis.lcr_gross),
            "lcr_net" => share(kpis.lcr_net),
            "asa" => time(kpis.asa_ms),
            "abandon" => time(kpis.abandon_ms),
            "att" => time(kpis.att_ms),
            "acw" => time(kpis.acw_ms),
            "aht" => time(kpis.aht_ms),
            "occupancy" => share(kpis.occupancy),
            _ => None,
        }
    }

    /// A length of time as people say it: two units at most.
    pub fn duration(self, ms: i64) -> String {
        let (h, m, s) = self.pick(("ч", "мин", "с"), ("h", "min", "s"));
        let minus = if ms < 0 { "−" } else { "" };
        let seconds = i64::try_from(div_round(i128::from(ms).abs(), 1000)).unwrap_or(i64::MAX);
        let minutes = i64::try_from(div_round(i128::from(ms).abs(), 60_000)).unwrap_or(i64::MAX);
        let join = |a: i64, a_unit: &str, b: i64, b_unit: &str| match b {
            0 => format!("{minus}{}\u{a0}{a_unit}", self.number(a)),
            b => format!("{minus}{}\u{a0}{a_unit} {b}\u{a0}{b_unit}", self.number(a)),
        };
        match seconds {
            ..60 => format!("{minus}{seconds}\u{a0}{s}"),
            60..3600 => join(seconds / 60, m, seconds % 60, s),
            _ => join(minutes / 60, h, minutes % 60, m),
        }
    }

    /// `1 звонок, 3 звонка, 5 звонков`; `1 call, 2 calls`. Only the word, without the number.
    pub fn calls_word(self, n: i64) -> &'static str {
        match self {
            Self::Ru => match (n % 10, n % 100) {
                (_, 11..=14) => "звонков",
                (1, _) => "звонок",
                (2..=4, _) => "звонка",
                _ => "звонков",
            },
            Self::En => {
                if n == 1 {
                    "call"
                } else {
                    "calls"
                }
            }
        }
    }

    /// `3 звонка`.
    pub fn calls(self, n: i64) -> String {
        format!("{}\u{a0}{}", self.number(n), self.calls_word(n))
    }

    /// A period as a title: `октябрь 2026`, `16–22 ноября 2026`, `30 октября – 5 ноября 2026`.
    pub fn period(self, period: Period) -> String {
        let Period { from, to } = period;
        let (year, month) = (from.year(), usize::from(from.month().unsigned_abs()) - 1);
        if period.is_month() {
            return format!("{} {year}", self.pick(MONTHS_RU[month], MONTHS_EN[month]));
        }
        match from == to {
            true => self.date(to),
            false if from.first_of_month() == to.first_of_month() => match self {
                Self::Ru => format!("{}–{}", from.day(), self.date(to)),
                Self::En => format!("{}–{} {} {year}", from.day(), to.day(), MONTHS_EN[month]),
            },
            false if from.year() == to.year() => {
                let from = self.date(from);
                format!("{} – {}", from.rsplit_once(' ').map_or(from.as_str(), |(day, _)| day), self.date(to))
            }
            false => format!("{} – {}", self.date(from), self.date(to)),
        }
    }

    /// A day: `16 ноября 2026`.
    pub fn date(self, date: Date) -> String {
        let month = usize::from(date.month().unsigned_abs()) - 1;
        format!("{} {} {}", date.day(), self.pick(MONTHS_OF_RU[month], MONTHS_EN[month]), date.year())
    }

    /// Two or three letters.
    pub fn weekday(self, monday_zero: usize) -> &'static str {
        let ru = ["Пн", "Вт", "Ср", "Чт", "Пт", "Сб", "Вс"];
        let en = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
        self.pick(ru[monday_zero % 7], en[monday_zero % 7])
    }

    /// In full, small letters in Russian.
    pub fn weekday_name(self, monday_zero: usize) -> &'static str {
        let ru = ["понедельник", "вторник", "среда", "четверг", "пятница", "суббота", "воскресенье"];
        let en = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];
        self.pick(ru[monday_zero % 7], en[monday_zero % 7])
    }
}

impl std::str::FromStr for Lang {
    type Err = String;

    fn from_str(word: &str) -> Result<Self, String> {
        match word {
            "ru" => Ok(Self::Ru),
            "en" => Ok(Self::En),
            other => Err(format!("{other:?} is none of ru, en")),
        }
    }
}

const MONTHS_RU: [&str; 12] = [
    "январь",
    "февраль",
    "март",
    "апрель",
    "май",
    "июнь",
    "июль",
    "август",
    "сентябрь",
    "октябрь",
    "ноябрь",
    "декабрь",
];
const MONTHS_OF_RU: [&str; 12] = [
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
const MONTHS_EN: [&str; 12] = [
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

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    #[test]
    fn numbers_and_money() {
        let (ru, en) = (Lang::Ru, Lang::En);
        assert_eq!(ru.number(1_234_567), "1\u{a0}234\u{a0}567");
        assert_eq!(en.number(-1_234), "−1,234");
        assert_eq!(en.number(123_456), "123,456");
        assert_eq!((ru.signed(5), ru.signed(0), ru.signed(-5)), ("+5".into(), "0".into(), "−5".into()));
        assert_eq!(ru.money(&Amount::new(1_234_550, "RUB")), "12\u{a0}346\u{a0}₽");
        assert_eq!(ru.money(&Amount::new(950, "RUB")), "9,50\u{a0}₽");
        assert_eq!(en.money(&Amount::new(-250_000, "EUR")), "−2,500\u{a0}€");
        assert_eq!(ru.points(-12), "−1,2\u{a0}п.\u{a0}п.");
        assert_eq!(
            (ru.calls(1), ru.calls(22), ru.calls(112)),
            ("1\u{a0}звонок".into(), "22\u{a0}звонка".into(), "112\u{a0}звонков".into())
        );
        assert_eq!(en.rough_share(Share::of(1, 1000).unwrap()), "under 1%");
        assert_eq!(en.rough_share(Share::of(999, 1000).unwrap()), "99%");
    }

    #[test]
    fn lengths_and_periods() {
        assert_eq!(Lang::Ru.duration(18_400), "18\u{a0}с");
        assert_eq!(Lang::En.duration(125_000), "2\u{a0}min 5\u{a0}s");
        assert_eq!(Lang::En.duration(3_599_900), "1\u{a0}h");
        assert_eq!(Lang::Ru.duration(78_000_000), "21\u{a0}ч 40\u{a0}мин");
        let period = |a, b| Lang::Ru.period(Period::new(a, b).unwrap());
        assert_eq!(period(date(2026, 10, 1), date(2026, 10, 31)), "октябрь 2026");
        assert_eq!(period(date(2026, 11, 16), date(2026, 11, 22)), "16–22 ноября 2026");
        assert_eq!(period(date(2026, 10, 30), date(2026, 11, 5)), "30 октября – 5 ноября 2026");
        assert_eq!(period(date(2025, 12, 30), date(2026, 1, 5)), "30 декабря 2025 – 5 января 2026");
        assert_eq!(period(date(2026, 1, 5), date(2026, 1, 5)), "5 января 2026");
    }
}
