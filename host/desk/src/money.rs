//! Exact money: whole minor units and a currency.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// An amount in the currency's minor unit (kopecks for `RUB`).
///
/// ```
/// use desk::{Currency, Money};
/// let price = Money::parse("1 500,50 ₽", Currency::RUB).unwrap();
/// assert_eq!(price.minor, 150_050);
/// assert_eq!(price.to_string(), "1500.50 RUB");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Money {
    /// Hundredths of the major unit.
    pub minor: i64,
    /// ISO 4217.
    pub currency: Currency,
}

impl Money {
    /// Reads an amount in major units as people write it: digits with spaces between thousands, up to two decimals after a
    /// point or comma, and a word or sign of the currency that is ignored (`₽`, `р.`, `руб.`, `rub`).
    pub fn parse(text: &str, currency: Currency) -> Option<Self> {
        let text = text.trim().to_lowercase();
        let number = text.trim_end_matches(|c: char| !c.is_ascii_digit());
        let rest = text[number.len()..].trim().trim_end_matches('.');
        if !matches!(rest, "" | "₽" | "р" | "руб" | "рубль" | "рубля" | "рублей" | "rub") {
            return None;
        }
        let number: String = number.chars().filter(|c| !matches!(c, ' ' | '\u{a0}' | '\u{202f}' | '_')).collect();
        let (whole, part) = number.split_once(['.', ',']).unwrap_or((&number, ""));
        let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        if whole.is_empty() || !digits(whole) || !digits(part) || part.len() > 2 {
            return None;
        }
        let whole: i64 = whole.parse().ok()?;
        let part: i64 = format!("{part:0<2}").parse().ok()?;
        Some(Self { minor: whole.checked_mul(100)?.checked_add(part)?, currency })
    }
}

impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.minor < 0 { "-" } else { "" };
        let minor = self.minor.unsigned_abs();
        write!(f, "{sign}{}.{:02} {}", minor / 100, minor % 100, self.currency)
    }
}

/// An ISO 4217 code: three capital letters. Only currencies with hundredths are meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Currency([u8; 3]);

impl Currency {
    /// Russian rouble.
    pub const RUB: Self = Self(*b"RUB");

    /// The code.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).expect("invariant: made of ASCII letters only")
    }
}

impl FromStr for Currency {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.as_bytes() {
            &[a, b, c] if [a, b, c].iter().all(u8::is_ascii_uppercase) => Ok(Self([a, b, c])),
            _ => Err(format!("{text:?} is no currency; give the three capital letters of ISO 4217, for example RUB")),
        }
    }
}

impl TryFrom<String> for Currency {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<Currency> for String {
    fn from(currency: Currency) -> Self {
        currency.as_str().to_owned()
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_price_lists_say() {
        let minor = |text| Money::parse(text, Currency::RUB).map(|money| money.minor);
        assert_eq!(minor("1500"), Some(150_000));
        assert_eq!(minor("1\u{a0}500 руб."), Some(150_000));
        assert_eq!(minor("8,5"), Some(850));
        assert_eq!(minor("0.07 ₽"), Some(7));
        for bad in ["", "₽", "-5", "1.234", "1.2.3", "дорого", "5 долларов", "99999999999999999999", "1e3"]
        {
            assert_eq!(minor(bad), None, "{bad}");
        }
    }

    #[test]
    fn survives_json() {
        let price = Money { minor: 150_000, currency: Currency::RUB };
        let json = serde_json::to_string(&price).unwrap();
        assert_eq!(json, r#"{"minor":150000,"currency":"RUB"}"#);
        assert_eq!(serde_json::from_str::<Money>(&json).unwrap(), price);
        assert!(serde_json::from_str::<Currency>("\"рубль\"").is_err());
    }
}
