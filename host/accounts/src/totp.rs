//! One-time codes of an authenticator: RFC 6238, HMAC-SHA-1, six digits, thirty seconds, as every application has them.

use ring::hmac;

use crate::Randomness;

/// Seconds that a code lasts.
const STEP: i64 = 30;
/// Steps before and after the present one whose codes are taken, for clocks that differ.
const DRIFT: i64 = 1;
const ALPHABET: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/// A new secret of 160 bits, base32.
pub fn secret(random: Randomness) -> String {
    let mut bytes = [0; 20];
    random(&mut bytes);
    base32(&bytes)
}

/// What an authenticator reads, as a link or as a picture of one.
pub fn link(secret: &str, login: &str) -> String {
    let mut account = String::new();
    for byte in login.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' => account.push(char::from(byte)),
            _ => account.push_str(&format!("%{byte:02X}")),
        }
    }
    format!("otpauth://totp/Gudok:{account}?secret={secret}&issuer=Gudok&algorithm=SHA1&digits=6&period={STEP}")
}

/// The time step whose code this is, if it is one of now and later than `after`, the last that was taken. The caller notes
/// the step, so that the code is not taken again.
pub fn step_of(code: &str, secret: &str, now_ms: i64, after: i64) -> Option<i64> {
    let code: String = code.chars().filter(|letter| !letter.is_whitespace()).collect();
    if code.len() != 6 || !code.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let key = unbase32(secret)?;
    let now = now_ms.div_euclid(1_000).div_euclid(STEP);
    // All are looked at, whichever fits, so that the time it takes says nothing.
    let mut found = None;
    for step in now - DRIFT..=now + DRIFT {
        let fits = same(code.as_bytes(), self::code(&key, step as u64, 6).as_bytes());
        if fits && step > after && found.is_none() {
            found = Some(step);
        }
    }
    found
}

/// The code of now, as an authenticator shows it.
pub fn code_at(secret: &str, now_ms: i64) -> Option<String> {
    let key = unbase32(secret)?;
    Some(code(&key, now_ms.div_euclid(1_000).div_euclid(STEP) as u64, 6))
}

/// RFC 4226 §5.3.
fn code(key: &[u8], counter: u64, digits: u32) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, key);
    let mac = hmac::sign(&key, &counter.to_be_bytes());
    let mac = mac.as_ref();
    let at = usize::from(mac[19] & 0x0f);
    let number = u32::from_be_bytes([mac[at] & 0x7f, mac[at + 1], mac[at + 2], mac[at + 3]]);
    format!("{:0width$}", number % 10_u32.pow(digits), width = digits as usize)
}

/// Compares without telling by the time it takes where the difference is.
pub(crate) fn same(left: &[u8], right: &[u8]) -> bool {
    left.len() == right.len() && left.iter().zip(right).fold(0, |all, (left, right)| all | (left ^ right)) == 0
}

/// RFC 4648 §6, without padding.
fn base32(bytes: &[u8]) -> String {
    let (mut text, mut held, mut bits) = (String::new(), 0_u32, 0);
    for &byte in bytes {
        held = held << 8 | u32::from(byte);
        bits += 8;
        while bits >= 5 {
            bits -= 5;
            text.push(char::from(ALPHABET[(held >> bits & 31) as usize]));
        }
    }
    if bits > 0 {
        text.push(char::from(ALPHABET[(held << (5 - bits) & 31) as usize]));
    }
    text
}

fn unbase32(text: &str) -> Option<Vec<u8>> {
    let (mut bytes, mut held, mut bits) = (Vec::new(), 0_u32, 0);
    for letter in text.bytes().filter(|letter| *letter != b'=') {
        let value = ALPHABET.iter().position(|known| *known == letter.to_ascii_uppercase())?;
        held = held << 5 | value as u32;
        bits += 5;
        if bits >= 8 {
            bits -= 8;
            bytes.push((held >> bits & 0xff) as u8);
        }
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// RFC 6238, appendix B, the SHA-1 column.
    #[test]
    fn the_codes_of_the_standard() {
        let key = b"12345678901234567890";
        for (seconds, wanted) in [
            (59, "94287082"),
            (1_111_111_109, "07081804"),
            (1_111_111_111, "14050471"),
            (1_234_567_890, "89005924"),
            (2_000_000_000, "69279037"),
            (20_000_000_000, "65353130"),
        ] {
            assert_eq!(code(key, seconds / 30, 8), wanted, "{seconds}");
        }
    }

    #[test]
    fn a_code_is_taken_once_and_only_near_its_time() {
        let secret = base32(b"12345678901234567890");
        let now = 1_795_417_200_000;
        let code = code_at(&secret, now).unwrap();
        let spaced = format!("{} {}", &code[..3], &code[3..]);
        let step = step_of(&spaced, &secret, now, 0).unwrap();
        assert_eq!(step_of(&code, &secret, now, step), None);
        assert_eq!(step_of(&code, &secret, now + 30_000, 0), Some(step));
        assert_eq!(step_of(&code, &secret, now + 61_000, 0), None);
        for wrong in ["", "12345", "1234567", "абвгде", "12345x"] {
            assert_eq!(step_of(wrong, &secret, now, 0), None, "{wrong}");
        }
    }

    #[test]
    fn the_link_names_the_account() {
        let link = link("ABC", "anna@clinic.ru");
        assert!(link.starts_with("otpauth://totp/Gudok:anna%40clinic.ru?secret=ABC&issuer=Gudok"), "{link}");
    }

    proptest! {
        #[test]
        fn base32_comes_back(bytes in proptest::collection::vec(any::<u8>(), 0..40)) {
            prop_assert_eq!(unbase32(&base32(&bytes)), Some(bytes));
        }
    }
}
