//! Signatures: HMAC-SHA256 over `id.timestamp.body`, in base64 behind `v1,`.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

/// A secret shared with a receiver: `whsec_` and 24 to 64 bytes in base64.
#[derive(Clone, PartialEq, Eq)]
pub struct SigningSecret(Vec<u8>);

impl SigningSecret {
    /// Reads it.
    ///
    /// # Errors
    /// A sentence with the way to make a good one.
    pub fn parse(text: &str) -> Result<Self, String> {
        let make = "make one with: echo whsec_$(openssl rand -base64 32)";
        let Some(key) = text.trim().strip_prefix("whsec_") else {
            return Err(format!("must begin with whsec_; {make}"));
        };
        let key = STANDARD.decode(key).map_err(|_| format!("what follows whsec_ is no base64; {make}"))?;
        if !(24..=64).contains(&key.len()) {
            return Err(format!("has {} bytes, and must have 24 to 64; {make}", key.len()));
        }
        Ok(Self(key))
    }

    /// The signature with its version.
    pub fn sign(&self, id: &str, timestamp_s: i64, body: &[u8]) -> String {
        format!("v1,{}", STANDARD.encode(self.mac(id, timestamp_s, body).finalize().into_bytes()))
    }

    fn mac(&self, id: &str, timestamp_s: i64, body: &[u8]) -> Hmac<Sha256> {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.0).expect("invariant: HMAC takes keys of any length");
        mac.update(format!("{id}.{timestamp_s}.").as_bytes());
        mac.update(body);
        mac
    }
}

impl std::fmt::Debug for SigningSecret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SigningSecret(***)")
    }
}

/// The header `webhook-signature`: one signature a secret, so that a secret can be changed without a gap.
pub fn header(secrets: &[SigningSecret], id: &str, timestamp_s: i64, body: &[u8]) -> String {
    secrets.iter().map(|secret| secret.sign(id, timestamp_s, body)).collect::<Vec<_>>().join(" ")
}

/// What a receiver does: whether one of the signatures is the secret's, compared in constant time. Whether the timestamp
/// is recent enough is the receiver's to say.
pub fn verify(secret: &SigningSecret, id: &str, timestamp_s: i64, body: &[u8], header: &str) -> bool {
    let given = header.split(' ').filter_map(|one| one.strip_prefix("v1,"));
    let mut mine = given.filter_map(|one| STANDARD.decode(one).ok());
    mine.any(|signature| secret.mac(id, timestamp_s, body).verify_slice(&signature).is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "msg_p5jXN8AQM9LWM0D4loKWxJek";
    const AT: i64 = 1_614_265_330;
    const BODY: &[u8] = br#"{"test": 2432232314}"#;
    const SIGNATURE: &str = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";

    fn secret() -> SigningSecret {
        SigningSecret::parse("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap()
    }

    /// The vector that the specification's own libraries are tested with.
    #[test]
    fn signs_as_the_published_vector_says() {
        assert_eq!(secret().sign(ID, AT, BODY), SIGNATURE);
    }

    #[test]
    fn any_one_of_several_signatures_will_do_and_a_changed_byte_will_not() {
        let other = SigningSecret::parse("whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=").unwrap();
        let both = header(&[other.clone(), secret()], ID, AT, BODY);
        assert_eq!(both.split(' ').count(), 2);
        assert!(verify(&secret(), ID, AT, BODY, &both));
        assert!(verify(&other, ID, AT, BODY, &both));
        assert!(!verify(&other, ID, AT, BODY, SIGNATURE));
        assert!(!verify(&secret(), ID, AT + 1, BODY, &both));
        assert!(!verify(&secret(), ID, AT, br#"{"test": 2432232315}"#, &both));
        assert!(!verify(&secret(), ID, AT, BODY, "v1,nonsense v1a,other"));
    }

    #[test]
    fn weak_and_garbled_secrets_are_refused_with_the_way_to_make_one() {
        for wrong in ["MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_short", "whsec_MfKQ9r8GKYqrTwjUPD8I", "whsec_!"] {
            let problem = SigningSecret::parse(wrong).unwrap_err();
            assert!(problem.contains("openssl rand"), "{problem}");
        }
    }
}
