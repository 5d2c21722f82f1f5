//! Signatures over versions: Ed25519 (RFC 8032) over the 32 bytes of the digest.
//!
//! Keys are text files: 32 bytes as base64, or PEM as `openssl genpkey -algorithm ed25519` and `openssl pkey -pubout` write
//! it (RFC 8410).

use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use ed25519_dalek::{Signature, Signer as _, SigningKey, VerifyingKey};

use crate::RolloutError;

/// A signature's bytes.
pub type SignatureBytes = [u8; 64];

/// Who may sign. Parses from base64 or PEM, displays as base64.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PublicKey(VerifyingKey);

impl PublicKey {
    /// Reads a key file.
    ///
    /// # Errors
    /// [`RolloutError::Io`], [`RolloutError::BadKey`].
    pub fn load(path: &Path) -> Result<Self, RolloutError> {
        read(path)?.parse().map_err(|error| at(path, error))
    }
}

impl FromStr for PublicKey {
    type Err = RolloutError;

    fn from_str(text: &str) -> Result<Self, RolloutError> {
        let bad = |problem: &str| RolloutError::BadKey { what: "public key".into(), problem: problem.into() };
        if text.contains("PRIVATE") {
            return Err(bad("this is a private key; give the public one"));
        }
        let bytes =
            key_bytes(text, &[SPKI]).ok_or_else(|| bad("it is not 32 bytes as base64, and no Ed25519 key as PEM"))?;
        VerifyingKey::from_bytes(&bytes).map(Self).map_err(|_| bad("these 32 bytes are no Ed25519 key"))
    }
}

impl std::fmt::Display for PublicKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&BASE64.encode(self.0.as_bytes()))
    }
}

/// Makes a key: the private one at `path` (mode 0600), the public one beside it with `.pub` at the end. Nothing that is
/// there is overwritten.
///
/// # Errors
/// [`RolloutError::Io`].
pub fn generate_key(path: &Path) -> Result<PublicKey, RolloutError> {
    let mut seed = [0; 32];
    getrandom::fill(&mut seed).expect("invariant: the operating system has randomness");
    let key = SigningKey::from_bytes(&seed);
    let public = PublicKey(key.verifying_key());
    write_new(path, 0o600, &BASE64.encode(seed))?;
    let mut beside = path.as_os_str().to_owned();
    beside.push(".pub");
    write_new(Path::new(&beside), 0o644, &public.to_string())?;
    Ok(public)
}

/// Signs a version with the private key in a file.
///
/// # Errors
/// [`RolloutError::Io`], [`RolloutError::BadKey`].
pub fn sign(key_file: &Path, digest: &str) -> Result<SignatureBytes, RolloutError> {
    let bad = |what: String, problem: &str| RolloutError::BadKey { what, problem: problem.into() };
    let text = read(key_file)?;
    let seed = key_bytes(&text, &[PKCS8, PKCS8_V2]).filter(|_| !text.contains("PUBLIC")).ok_or_else(|| {
        bad(key_file.display().to_string(), "it holds no private Ed25519 key: 32 bytes as base64, or PEM")
    })?;
    let digest = digest_bytes(digest).ok_or_else(|| bad(digest.into(), "a digest is 64 hexadecimal digits"))?;
    Ok(SigningKey::from_bytes(&seed).sign(&digest).to_bytes())
}

/// Whether the signature over a version is by this key.
pub fn verify(key: &PublicKey, digest: &str, signature: &SignatureBytes) -> bool {
    let Some(digest) = digest_bytes(digest) else { return false };
    key.0.verify_strict(&digest, &Signature::from_bytes(signature)).is_ok()
}

/// A signature as text.
pub fn signature_text(signature: &SignatureBytes) -> String {
    BASE64.encode(signature)
}

/// A signature from text.
///
/// # Errors
/// [`RolloutError::BadKey`].
pub fn parse_signature(text: &str) -> Result<SignatureBytes, RolloutError> {
    let bytes = BASE64.decode(text.trim()).ok().and_then(|bytes| bytes.try_into().ok());
    bytes.ok_or_else(|| RolloutError::BadKey {
        what: "signature".into(),
        problem: "it is not 64 bytes as base64".into(),
    })
}

/// What stands before the key's 32 bytes in DER: SubjectPublicKeyInfo, PKCS #8 version 1 and 2.
const SPKI: &[u8] = &[0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];
const PKCS8: &[u8] = &[0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20];
const PKCS8_V2: &[u8] =
    &[0x30, 0x53, 0x02, 0x01, 0x01, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20];

fn key_bytes(text: &str, prefixes: &[&[u8]]) -> Option<[u8; 32]> {
    let is_pem = text.trim_start().starts_with("-----BEGIN");
    let body: String = text.lines().filter(|line| !line.starts_with("-----")).flat_map(str::split_whitespace).collect();
    let bytes = BASE64.decode(body).ok()?;
    if !is_pem {
        return bytes.try_into().ok();
    }
    let key = prefixes.iter().find_map(|prefix| bytes.strip_prefix(*prefix))?;
    key.first_chunk().copied()
}

fn digest_bytes(digest: &str) -> Option<[u8; 32]> {
    let digits = digest.as_bytes();
    if digits.len() != 64 || !digits.iter().all(u8::is_ascii_hexdigit) {
        return None;
    }
    let mut bytes = [0; 32];
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
        *byte = u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()?;
    }
    Some(bytes)
}

fn read(path: &Path) -> Result<String, RolloutError> {
    fs::read_to_string(path).map_err(|source| RolloutError::Io { path: path.into(), source })
}

fn write_new(path: &Path, mode: u32, text: &str) -> Result<(), RolloutError> {
    let written = OpenOptions::new().write(true).create_new(true).mode(mode).open(path);
    written
        .and_then(|mut file| writeln!(file, "{text}").and_then(|()| file.sync_all()))
        .map_err(|source| RolloutError::Io { path: path.into(), source })
}

fn at(path: &Path, error: RolloutError) -> RolloutError {
    match error {
        RolloutError::BadKey { problem, .. } => RolloutError::BadKey { what: path.display().to_string(), problem },
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DIGEST: &str = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a";

    #[test]
    fn a_made_key_signs_and_only_its_public_half_verifies() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("release.key");
        let public = generate_key(&path).unwrap();
        assert_eq!(PublicKey::load(&folder.path().join("release.key.pub")).unwrap(), public);
        let signature = sign(&path, DIGEST).unwrap();
        assert!(verify(&public, DIGEST, &parse_signature(&signature_text(&signature)).unwrap()));
        let other = DIGEST.replace('a', "b");
        assert!(!verify(&public, &other, &signature));
        let stranger = generate_key(&folder.path().join("other.key")).unwrap();
        assert!(!verify(&stranger, DIGEST, &signature));
        assert!(matches!(generate_key(&path), Err(RolloutError::Io { .. })), "a key is never overwritten");
    }

    #[test]
    fn pem_of_rfc_8410_is_read() {
        // Section 10.1 and 10.3.
        let public = "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=\n-----END PUBLIC KEY-----\n";
        let private = "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC\n-----END PRIVATE KEY-----\n";
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key.pem");
        fs::write(&path, private).unwrap();
        let key: PublicKey = public.parse().unwrap();
        assert!(verify(&key, DIGEST, &sign(&path, DIGEST).unwrap()));
        assert!(private.parse::<PublicKey>().unwrap_err().to_string().contains("private key"));
        fs::write(&path, public).unwrap();
        assert!(sign(&path, DIGEST).unwrap_err().to_string().contains("no private Ed25519 key"));
    }
}
