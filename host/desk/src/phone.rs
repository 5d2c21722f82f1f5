//! Phone numbers in one form.

use std::fmt;

use records::Pii;

/// A phone number in E.164: `+` and 8 to 15 digits. `Debug` hides it.
///
/// ```
/// use desk::PhoneNumber;
/// assert_eq!(PhoneNumber::parse("8 (903) 123-45-67").unwrap().as_str(), "+79031234567");
/// assert!(PhoneNumber::parse("завтра").is_none());
/// ```
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct PhoneNumber(String);

impl PhoneNumber {
    /// Reads a number as people and PBXs write it. Ten digits, or eleven that begin with 7 or 8, are Russian; anything else
    /// needs its `+` (or `00`).
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let separators = |c: char| matches!(c, ' ' | '\u{a0}' | '-' | '–' | '(' | ')' | '.' | '/');
        let plain: String = text.chars().filter(|c| !separators(*c)).collect();
        let (international, digits) = match plain.strip_prefix('+').or(plain.strip_prefix("00")) {
            Some(rest) => (true, rest),
            None => (false, plain.as_str()),
        };
        if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        let number = match (international, digits.len(), digits.as_bytes().first()?) {
            (true, 8..=15, b'1'..=b'9') => digits.to_owned(),
            (false, 11, b'7' | b'8') => format!("7{}", &digits[1..]),
            (false, 10, b'3'..=b'9') => format!("7{digits}"),
            _ => return None,
        };
        Some(Self(format!("+{number}")))
    }

    /// `+79031234567`.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for PhoneNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PhoneNumber(***)")
    }
}

impl From<PhoneNumber> for Pii {
    fn from(number: PhoneNumber) -> Self {
        number.0.into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn one_form_for_every_spelling() {
        for text in ["+7 903 123-45-67", "8(903)1234567", "79031234567", "9031234567", "007 903 123 45 67"] {
            assert_eq!(PhoneNumber::parse(text).unwrap().as_str(), "+79031234567", "{text}");
        }
        assert_eq!(PhoneNumber::parse("+49 30 1234567").unwrap().as_str(), "+49301234567");
        for text in
            ["", "+", "112", "+0 123 456 78", "89031234", "8 903 123 45 67 8", "+7903123456789012", "٠١٢٣٤٥٦٧٨٩"]
        {
            assert!(PhoneNumber::parse(text).is_none(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_text_gives_e164_or_nothing(text in "\\PC*") {
            if let Some(number) = PhoneNumber::parse(&text) {
                prop_assert!(number.as_str().len() >= 9 && number.as_str().len() <= 16);
                let again = PhoneNumber::parse(number.as_str());
                prop_assert_eq!(again, Some(number));
            }
        }
    }
}
