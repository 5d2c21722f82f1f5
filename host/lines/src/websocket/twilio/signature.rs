//! Whether a request comes from the provider: `X-Twilio-Signature`.
//!
//! HMAC-SHA1, with the account's secret as the key, of the public address as the provider called it, followed by the form's
//! fields sorted by name, names and values without anything between; base64. A field that comes several times counts with
//! each of its values once, in order. Source: twilio.com/docs/usage/security.

use std::collections::{BTreeMap, BTreeSet};

use base64::Engine as _;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha1::Sha1;

/// Whether `signature` was made with `secret` over this address and these fields. Takes as long for a wrong one as for a
/// right one.
pub fn is_genuine(secret: &str, url: &str, fields: &[(String, String)], signature: &str) -> bool {
    let Ok(signature) = BASE64_STANDARD.decode(signature.trim()) else { return false };
    !secret.is_empty() && over(secret, url, fields).verify_slice(&signature).is_ok()
}

/// The signature of this address and these fields.
pub fn sign(secret: &str, url: &str, fields: &[(String, String)]) -> String {
    BASE64_STANDARD.encode(over(secret, url, fields).finalize().into_bytes())
}

/// A word that lets the stream of this call in, for providers that sign nothing but the first request.
pub fn ticket(secret: &str, call: &str) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(of_call(secret, call).finalize().into_bytes())
}

/// Whether `ticket` was given to this call.
pub fn is_ticket(secret: &str, call: &str, ticket: &str) -> bool {
    let Ok(ticket) = BASE64_URL_SAFE_NO_PAD.decode(ticket) else { return false };
    !secret.is_empty() && !call.is_empty() && of_call(secret, call).verify_slice(&ticket).is_ok()
}

fn keyed(secret: &str) -> Hmac<Sha1> {
    Hmac::new_from_slice(secret.as_bytes()).expect("invariant: HMAC takes keys of any length")
}

fn over(secret: &str, url: &str, fields: &[(String, String)]) -> Hmac<Sha1> {
    let mut sorted: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for (name, value) in fields {
        sorted.entry(name).or_default().insert(value);
    }
    let mut mac = keyed(secret);
    mac.update(url.as_bytes());
    for (name, values) in sorted {
        for value in values {
            mac.update(name.as_bytes());
            mac.update(value.as_bytes());
        }
    }
    mac
}

fn of_call(secret: &str, call: &str) -> Hmac<Sha1> {
    let mut mac = keyed(secret);
    // No address begins so, and a signature of an address is no ticket.
    mac.update(b"stream of ");
    mac.update(call.as_bytes());
    mac
}

#[cfg(test)]
mod tests {
    use super::*;

    const URL: &str = "https://mycompany.com/myapp.php?foo=1&bar=2";

    fn fields(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    /// Both examples of Twilio's documentation and libraries; the secret is `12345`.
    #[test]
    fn the_published_examples() {
        for (number, signature) in
            [("+14158675309", "RSOYDt4T1cUTdK1PDd93/VVr8B8="), ("+12349013030", "0/KCTR6DLpKmkAf8muzZqo1nDgQ=")]
        {
            let sent = fields(&[
                ("To", "+18005551212"),
                ("Digits", "1234"),
                ("CallSid", "CA1234567890ABCDE"),
                ("From", number),
                ("Caller", number),
            ]);
            assert_eq!(sign("12345", URL, &sent), signature);
            assert!(is_genuine("12345", URL, &sent, signature));
            assert!(!is_genuine("12346", URL, &sent, signature));
            assert!(!is_genuine("12345", &URL.replace("foo=1", "foo=2"), &sent, signature));
            assert!(!is_genuine("12345", URL, &sent[1..], signature));
            assert!(!is_genuine("", URL, &sent, &sign("", URL, &sent)), "without a secret nothing is genuine");
            for wrong in ["", "RSOY", "ы", "RSOYDt4T1cUTdK1PDd93/VVr8B9=", "AAAAAAAAAAAAAAAAAAAAAAAAAAA="] {
                assert!(!is_genuine("12345", URL, &sent, wrong), "{wrong}");
            }
        }
    }

    #[test]
    fn a_field_that_comes_twice_counts_once_for_each_value() {
        let sent = fields(&[
            ("Sid", "CA123"),
            ("SidAccount", "AC123"),
            ("Digits", "5678"),
            ("Digits", "1234"),
            ("Digits", "1234"),
        ]);
        assert_eq!(sign("12345", URL, &sent), "IK+Dwps556ElfBT0I3Rgjkr1wJU=");
    }

    #[test]
    fn a_ticket_is_for_one_call() {
        let given = ticket("12345", "CA1");
        assert!(is_ticket("12345", "CA1", &given));
        assert!(!is_ticket("12345", "CA2", &given) && !is_ticket("54321", "CA1", &given));
        assert!(!is_ticket("12345", "CA1", "") && !is_ticket("12345", "", &ticket("12345", "")));
        assert_ne!(given, sign("12345", "stream of CA1", &[]));
    }
}
