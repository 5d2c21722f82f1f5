//! Passwords: argon2id with the parameters of OWASP's Password Storage Cheat Sheet (19 MiB, two passes, one lane).

use argon2::password_hash::{PasswordHash, PasswordHasher as _, PasswordVerifier as _, SaltString};
use argon2::{Algorithm, Argon2, Params, Version};

use crate::{AccountError, Randomness};

/// Memory in KiB, passes, lanes.
const COST: (u32, u32, u32) = (19 * 1024, 2, 1);
/// NIST SP 800-63B: length is what counts; no rules of composition.
const LENGTH: std::ops::RangeInclusive<usize> = 10..=256;
/// What people choose when ten characters are asked for; the rest of the world's lists are shorter than ten.
const KNOWN: [&str; 16] = [
    "1234567890",
    "0123456789",
    "1234567891",
    "12345678910",
    "0987654321",
    "1q2w3e4r5t",
    "qwertyuiop",
    "qwerty12345",
    "qwerty123456",
    "password123",
    "password1234",
    "йцукенгшщз",
    "1111111111",
    "0000000000",
    "administrator",
    "пароль12345",
];

fn argon() -> Argon2<'static> {
    let params = Params::new(COST.0, COST.1, COST.2, None).expect("invariant: the cost is within argon2's bounds");
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
}

/// Whether it may be somebody's password.
///
/// # Errors
/// A sentence for the one who chose it.
pub fn check(password: &str, login: &str) -> Result<(), AccountError> {
    let length = password.chars().count();
    let lower = password.to_lowercase();
    let one_letter = password.chars().all(|letter| password.starts_with(letter));
    let problem = if !LENGTH.contains(&length) {
        "it must have 10 to 256 characters; several words are easy to remember"
    } else if one_letter || KNOWN.contains(&lower.as_str()) {
        "it is one of the first that anybody would try; several words are better"
    } else if lower == login.to_lowercase() {
        "it must differ from the login"
    } else {
        return Ok(());
    };
    Err(AccountError::BadField { field: "password", problem })
}

/// The hash to keep, in PHC form. Takes tens of milliseconds: not on a thread of the runtime.
pub fn hash(password: &str, random: Randomness) -> String {
    let mut salt = [0; 16];
    random(&mut salt);
    let salt = SaltString::encode_b64(&salt).expect("invariant: 16 bytes are a salt");
    let hash = argon().hash_password(password.as_bytes(), &salt);
    hash.expect("invariant: the password is shorter than argon2's bound").to_string()
}

/// Whether this is the password. Without a hash it works as long and says no, so that nobody learns who has an account.
pub fn verify(password: &str, hash: Option<&str>) -> bool {
    // Of a password that nobody has.
    const NOBODY: &str =
        "$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    let Ok(parsed) = PasswordHash::new(hash.unwrap_or(NOBODY)) else { return false };
    // The parameters are those of the hash, so that older ones stay good.
    Argon2::default().verify_password(password.as_bytes(), &parsed).is_ok() && hash.is_some()
}

/// Whether the hash was made with less than is asked for now, so that it is to be made anew at the next sign-in.
pub fn is_weak(hash: &str) -> bool {
    let Ok(parsed) = PasswordHash::new(hash) else { return true };
    let params = Params::try_from(&parsed);
    !params.is_ok_and(|params| (params.m_cost(), params.t_cost()) >= (COST.0, COST.1))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn zeros(bytes: &mut [u8]) {
        bytes.fill(7);
    }

    #[test]
    fn only_the_password_itself_opens() {
        let kept = hash("кот на окне спит", zeros);
        assert!(kept.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{kept}");
        assert!(verify("кот на окне спит", Some(&kept)));
        assert!(!verify("кот на окне", Some(&kept)) && !verify("", Some(&kept)));
        assert!(!verify("кот на окне спит", None) && !verify("x", Some("nonsense")));
        assert!(!is_weak(&kept));
        assert!(is_weak(&kept.replace("m=19456", "m=8192")));
    }

    #[test]
    fn what_anybody_would_try_is_refused() {
        for bad in ["short", "1234567890", "QwertyUiop", "аааааааааааа", "anna@clinic.ru", &"x".repeat(257)]
        {
            assert!(check(bad, "Anna@clinic.ru").is_err(), "{bad}");
        }
        assert!(check("correct horse battery", "anna").is_ok());
    }
}
