//! Secrets that a program holds: of sessions, links, forms, and tokens of the API. They are random, so that a plain SHA-256 is
//! all that is kept of them.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::digest;

use crate::Randomness;

/// What every token begins with, so that scanners of repositories know one.
const TOKEN: &str = "gudok_";
/// Letters of a token's checksum.
const CHECK: usize = 6;

/// 256 random bits as 43 letters that fit into an address and a cookie.
pub fn new_secret(random: Randomness) -> String {
    let mut bytes = [0; 32];
    random(&mut bytes);
    URL_SAFE_NO_PAD.encode(bytes)
}

/// What is kept of a secret: SHA-256, hexadecimal.
pub fn fingerprint(secret: &str) -> String {
    let hash = digest::digest(&digest::SHA256, secret.as_bytes());
    hash.as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A token of the API: `gudok_`, 256 random bits, and a checksum, by which a mistyped or invented one is refused without a
/// look at the records.
pub fn new_token(random: Randomness) -> String {
    let body = format!("{TOKEN}{}", new_secret(random));
    let check = checksum(&body);
    body + &check
}

/// Whether it could be one of our tokens.
pub fn is_token(text: &str) -> bool {
    let length = TOKEN.len() + 43 + CHECK;
    text.len() == length
        && text.is_ascii()
        && text.starts_with(TOKEN)
        && checksum(&text[..length - CHECK]) == text[length - CHECK..]
}

fn checksum(body: &str) -> String {
    let mut all = URL_SAFE_NO_PAD.encode(digest::digest(&digest::SHA256, body.as_bytes()));
    all.truncate(CHECK);
    all
}

/// Ten codes of ten letters for the day the authenticator is lost; letters that are not mistaken for each other.
pub fn recovery_codes(random: Randomness) -> Vec<String> {
    const LETTERS: &[u8; 32] = b"abcdefghjkmnpqrstuvwxyz234567890";
    let mut bytes = [0; 100];
    random(&mut bytes);
    let code = |bytes: &[u8]| bytes.iter().map(|byte| char::from(LETTERS[usize::from(byte & 31)])).collect();
    bytes.chunks(10).map(code).collect()
}

/// The operating system's randomness.
pub fn system(bytes: &mut [u8]) {
    getrandom::fill(bytes).expect("invariant: the operating system has randomness");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_knows_its_own_typos() {
        let token = new_token(system);
        assert!(is_token(&token), "{token}");
        assert_ne!(token, new_token(system));
        let mut typo = token.clone().into_bytes();
        typo[20] = if typo[20] == b'A' { b'B' } else { b'A' };
        assert!(!is_token(std::str::from_utf8(&typo).unwrap()));
        assert!(!is_token("") && !is_token("gudok_") && !is_token(&format!("{token}x")));
        assert!(!is_token(&"ы".repeat(28)));
    }

    #[test]
    fn the_fingerprint_is_sha_256() {
        assert_eq!(fingerprint("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    }

    #[test]
    fn recovery_codes_differ() {
        let mut codes = recovery_codes(system);
        codes.sort();
        codes.dedup();
        assert_eq!(codes.len(), 10);
        assert!(codes.iter().all(|code| code.len() == 10));
    }
}
