//! One phone number in whatever way it was written down.

use crate::{Pii, RecordsError, Result};

/// A number as it is compared: the digits that stay the same however it is written.
#[derive(Clone)]
pub(crate) struct Number {
    /// `+` and 8 to 15 digits.
    pub(crate) canonical: Pii,
    /// Russian numbers without their 7 or 8, others whole.
    pub(crate) core: String,
}

impl Number {
    /// Reads `+79031234567`, `8 (903) 123-45-67` and the like. None for what is no number.
    pub(crate) fn read(text: &str) -> Option<Self> {
        let (digits, rest): (String, String) = text.chars().partition(char::is_ascii_digit);
        if !rest.chars().all(|letter| " +-()\u{a0}./–".contains(letter)) {
            return None;
        }
        let abroad = text.trim_start().starts_with('+');
        let national = match (digits.len(), digits.as_bytes().first()?) {
            (11, b'7') => Some(&digits[1..]),
            (11, b'8') if !abroad => Some(&digits[1..]),
            (10, b'3'..=b'9') if !abroad => Some(&digits[..]),
            _ => None,
        };
        match (national, digits.len()) {
            (Some(core), _) => Some(Self { canonical: format!("+7{core}").into(), core: core.to_owned() }),
            (None, 8..=15) => Some(Self { canonical: format!("+{digits}").into(), core: digits }),
            _ => None,
        }
    }

    pub(crate) fn wanted(phone: &Pii) -> Result<Self> {
        Self::read(phone.as_str()).ok_or_else(|| RecordsError::BadValue {
            field: "phone",
            problem: "it is no phone number; write it with the country code, for example +7 and ten digits".to_owned(),
        })
    }

    /// A condition of SQL: this column's text holds the number. The digits are ours, so they may stand in the text.
    pub(crate) fn is_in(&self, column: &str) -> String {
        format!("{} LIKE '%{}%'", plain(column), self.core)
    }
}

/// A column's text without what people put between digits, as SQL.
pub(crate) fn plain(column: &str) -> String {
    [" ", "-", "(", ")", "\u{a0}", "."]
        .iter()
        .fold(column.to_owned(), |inner, between| format!("replace({inner}, '{between}', '')"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_number_is_one_however_it_is_written() {
        for text in ["+79031234567", "8 (903) 123-45-67", "79031234567", "9031234567", "+7 903 123 45 67"] {
            let number = Number::read(text).unwrap();
            assert_eq!((number.canonical.as_str(), number.core.as_str()), ("+79031234567", "9031234567"), "{text}");
        }
        assert_eq!(Number::read("+44 20 7946 0958").unwrap().canonical.as_str(), "+442079460958");
        for text in ["", "завтра", "123", "anna 9031234567", "'; DROP TABLE calls; --"] {
            assert!(Number::read(text).is_none(), "{text}");
        }
    }
}
