//! Journals sealed at rest: what callers said and were told is readable only with a key that the clinic holds.
//!
//! ChaCha20-Poly1305 (RFC 8439) with one 32-byte key per clinic, a random nonce for every text, and the call and the place
//! in it as associated data, so that a sealed text cannot be moved to another call or place unnoticed. Random nonces
//! of 96 bits are safe for 2^32 texts under one key (NIST SP 800-38D, 8.3): a busy clinic's several decades.
//!
//! A key is a file of mode 0600 with 32 bytes as base64. It is made when it is first needed, except where sealed rows say
//! that there must be one: then its absence is an error, never a reason for a new key.

use std::collections::{BTreeMap, HashMap};
use std::fs::{self, File, OpenOptions};
use std::io::{ErrorKind, Write as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use chacha20poly1305::aead::{Aead as _, Payload};
use chacha20poly1305::{ChaCha20Poly1305, KeyInit as _, Nonce};
use sha2::{Digest as _, Sha256};

use crate::accounts::HOME;
use crate::{RecordsError, Result, Store};

const KEY_BYTES: usize = 32;
const NONCE_BYTES: usize = 12;

/// A clinic's key. Prints as `***`.
#[derive(Clone)]
pub struct Key {
    cipher: ChaCha20Poly1305,
    bytes: [u8; KEY_BYTES],
    id: String,
}

impl Key {
    /// A new key.
    pub fn generate() -> Self {
        let mut bytes = [0; KEY_BYTES];
        getrandom::fill(&mut bytes).expect("invariant: the operating system has randomness");
        Self::from_bytes(bytes)
    }

    /// The key with these bytes.
    pub fn from_bytes(bytes: [u8; KEY_BYTES]) -> Self {
        let digest = Sha256::new().chain_update(b"gudok journal key 1").chain_update(bytes).finalize();
        let id = digest[..6].iter().map(|byte| format!("{byte:02x}")).collect();
        Self { cipher: ChaCha20Poly1305::new(&bytes.into()), bytes, id }
    }

    /// Reads a key file; none = there is no such file.
    ///
    /// # Errors
    /// [`RecordsError::KeyFile`] for a file that cannot be read or holds no key.
    pub fn load(path: &Path) -> Result<Option<Self>> {
        let text = match fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(bad_file(path, &error.to_string())),
        };
        let bytes = BASE64.decode(text.trim()).ok().and_then(|bytes| bytes.try_into().ok());
        let Some(bytes) = bytes else { return Err(bad_file(path, "it does not hold 32 bytes as base64")) };
        if fs::metadata(path).is_ok_and(|file| file.permissions().mode() & 0o077 != 0) {
            tracing::warn!(file = %path.display(), "the journal key can be read by other users; `chmod 600` it");
        }
        Ok(Some(Self::from_bytes(bytes)))
    }

    /// Writes a key file of mode 0600. One that is there stays: the key in it is returned.
    ///
    /// # Errors
    /// [`RecordsError::KeyFile`] when it cannot be written.
    pub fn make(path: &Path) -> Result<Self> {
        let bad = |error: std::io::Error| bad_file(path, &error.to_string());
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        if !folder.is_dir() {
            fs::create_dir_all(folder).map_err(bad)?;
            fs::set_permissions(folder, fs::Permissions::from_mode(0o700)).map_err(bad)?;
        }
        let key = Self::generate();
        let temporary = folder.join(format!("{}.part", crate::id()));
        let made = (|| {
            let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&temporary)?;
            writeln!(file, "{}", BASE64.encode(key.bytes))?;
            file.sync_all()?;
            // Unlike a rename, a link never takes the place of a key that another process made meanwhile.
            fs::hard_link(&temporary, path)?;
            File::open(folder)?.sync_all()
        })();
        let _ = fs::remove_file(&temporary);
        match made {
            Ok(()) => Ok(key),
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {
                Self::load(path)?.ok_or_else(|| bad_file(path, "it appeared and went away again"))
            }
            Err(error) => Err(bad(error)),
        }
    }

    /// Names the key without giving it away; stands beside every row it sealed.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// HMAC-SHA-256 (RFC 2104) of a text under a key derived from this one, as 64 hexadecimal digits: the same text gives the
    /// same digits, and without the key nobody can try texts against them.
    pub(crate) fn mac(&self, text: &str) -> String {
        let key = Sha256::new().chain_update(b"gudok tombstone key 1").chain_update(self.bytes).finalize();
        hmac(&key.into(), text.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// Seals the text of a `field` of a call.
    pub(crate) fn seal(&self, call: &str, field: &str, text: &str) -> String {
        let mut nonce = [0; NONCE_BYTES];
        getrandom::fill(&mut nonce).expect("invariant: the operating system has randomness");
        let aad = associated(call, field);
        let payload = Payload { msg: text.as_bytes(), aad: aad.as_bytes() };
        let sealed = self.cipher.encrypt(&Nonce::from(nonce), payload);
        let sealed = sealed.expect("invariant: a text in memory is shorter than 256 GiB");
        let mut bytes = nonce.to_vec();
        bytes.extend(sealed);
        BASE64.encode(bytes)
    }

    /// The text that was sealed there.
    pub(crate) fn open(&self, call: &str, field: &str, sealed: &str) -> Result<String> {
        let tampered = || RecordsError::Tampered { call: call.to_owned(), field: field.to_owned() };
        let bytes = BASE64.decode(sealed).map_err(|_| tampered())?;
        let (nonce, msg) = bytes.split_first_chunk::<NONCE_BYTES>().ok_or_else(tampered)?;
        let aad = associated(call, field);
        let text = self.cipher.decrypt(&Nonce::from(*nonce), Payload { msg, aad: aad.as_bytes() });
        String::from_utf8(text.map_err(|_| tampered())?).map_err(|_| tampered())
    }
}

/// With a key shorter than a block of the hash, as RFC 2104 has it.
fn hmac(key: &[u8; KEY_BYTES], text: &[u8]) -> [u8; 32] {
    let pad = |with: u8| -> [u8; 64] { std::array::from_fn(|at| key.get(at).copied().unwrap_or(0) ^ with) };
    let inner = Sha256::new().chain_update(pad(0x36)).chain_update(text).finalize();
    Sha256::new().chain_update(pad(0x5c)).chain_update(inner).finalize().into()
}

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("***")
    }
}

/// No id holds a line break, so the parts cannot run into each other.
fn associated(call: &str, field: &str) -> String {
    format!("gudok journal 1\n{call}\n{field}")
}

fn bad_file(path: &Path, problem: &str) -> RecordsError {
    RecordsError::KeyFile { path: path.to_owned(), problem: problem.to_owned() }
}

/// Where the keys lie: `<folder>/<clinic>.key`, or where a clinic wants its own.
#[derive(Debug, Clone)]
pub struct Keyring {
    folder: PathBuf,
    files: BTreeMap<String, PathBuf>,
}

impl Keyring {
    /// Keys in a folder.
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self { folder: folder.into(), files: BTreeMap::new() }
    }

    /// Says where the key of one clinic lies.
    #[must_use]
    pub fn with_file(mut self, clinic: &str, path: impl Into<PathBuf>) -> Self {
        self.files.insert(clinic.to_owned(), path.into());
        self
    }

    /// The key file of a clinic.
    pub fn path(&self, clinic: &str) -> PathBuf {
        // The id becomes a file name; anything but plain characters stays out of it.
        let plain = |letter: char| if letter.is_alphanumeric() || "-_".contains(letter) { letter } else { '_' };
        let file = || self.folder.join(format!("{}.key", clinic.chars().map(plain).collect::<String>()));
        self.files.get(clinic).cloned().unwrap_or_else(file)
    }
}

/// The keys a store knows.
#[derive(Debug, Default)]
pub(crate) struct Keys(RwLock<Known>);

#[derive(Debug, Default)]
struct Known {
    ring: Option<Keyring>,
    loaded: HashMap<String, Arc<Key>>,
}

impl Keys {
    fn loaded(&self, clinic: &str) -> Option<Arc<Key>> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).loaded.get(clinic).cloned()
    }

    fn keep(&self, clinic: &str, key: Key) -> Arc<Key> {
        let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(known.loaded.entry(clinic.to_owned()).or_insert_with(|| Arc::new(key)))
    }

    fn path(&self, clinic: &str) -> Option<PathBuf> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).ring.as_ref().map(|ring| ring.path(clinic))
    }

    /// Whether any clinic's rows are to be sealed.
    pub(crate) fn any(&self) -> bool {
        let known = self.0.read().unwrap_or_else(PoisonError::into_inner);
        known.ring.is_some() || !known.loaded.is_empty()
    }
}

impl Store {
    /// Knows the keys that another store knows.
    pub(crate) fn with_keys_of(self, other: &Store) -> Self {
        let (ring, loaded) = {
            let known = other.inner.keys.0.read().unwrap_or_else(PoisonError::into_inner);
            (known.ring.clone(), known.loaded.clone())
        };
        *self.inner.keys.0.write().unwrap_or_else(PoisonError::into_inner) = Known { ring, loaded };
        self
    }

    /// From now on journals are sealed with the keys of this ring; for this handle and all its clones.
    #[must_use]
    pub fn with_keyring(self, ring: Keyring) -> Self {
        self.inner.keys.0.write().unwrap_or_else(PoisonError::into_inner).ring = Some(ring);
        self
    }

    /// From now on journals of a clinic are sealed, and read, with this key.
    pub fn set_journal_key(&self, clinic: &str, key: Key) {
        let mut known = self.inner.keys.0.write().unwrap_or_else(PoisonError::into_inner);
        known.loaded.insert(clinic.to_owned(), Arc::new(key));
    }

    /// Finds or makes the key of a clinic, so that a missing or broken key file is told when the program starts and not
    /// in a call. True = its journals will be sealed.
    ///
    /// # Errors
    /// [`RecordsError::NoKey`] when rows were sealed with a key that is gone; [`RecordsError::KeyFile`].
    pub async fn prepare_journal_key(&self, clinic: &str) -> Result<bool> {
        Ok(self.sealing_key(clinic).await?.is_some())
    }

    pub(crate) async fn sealing_key(&self, clinic: &str) -> Result<Option<Arc<Key>>> {
        if let Some(key) = self.inner.keys.loaded(clinic) {
            return Ok(Some(key));
        }
        let Some(path) = self.inner.keys.path(clinic) else { return Ok(None) };
        if let Some(key) = load(path.clone()).await? {
            return Ok(Some(self.inner.keys.keep(clinic, key)));
        }
        if let Some(seal) = self.any_seal(clinic).await? {
            // Another may have made the key, and sealed with it, since the look above.
            if let Some(key) = load(path.clone()).await? {
                return Ok(Some(self.inner.keys.keep(clinic, key)));
            }
            return Err(RecordsError::NoKey { clinic: clinic.to_owned(), key: seal, file: path });
        }
        let made = tokio::task::spawn_blocking(move || Key::make(&path).map(|key| (key, path))).await;
        let (key, path) = made.map_err(|_| RecordsError::Closed)??;
        tracing::info!(clinic, file = %path.display(), "made the key of the clinic's journals; keep a copy of it");
        Ok(Some(self.inner.keys.keep(clinic, key)))
    }

    /// The key that made the seal `id`.
    pub(crate) async fn opening_key(&self, clinic: &str, id: &str) -> Result<Arc<Key>> {
        let path = self.inner.keys.path(clinic);
        let key = match (self.inner.keys.loaded(clinic), &path) {
            (Some(key), _) => Some(key),
            (None, Some(path)) => load(path.clone()).await?.map(|key| self.inner.keys.keep(clinic, key)),
            (None, None) => None,
        };
        let file = path.unwrap_or_else(|| PathBuf::from(format!("keys/{clinic}.key")));
        match key {
            Some(key) if key.id() == id => Ok(key),
            Some(_) => Err(RecordsError::WrongKey { clinic: clinic.to_owned(), key: id.to_owned(), file }),
            None => Err(RecordsError::NoKey { clinic: clinic.to_owned(), key: id.to_owned(), file }),
        }
    }

    /// The id of some key that sealed a row of the clinic.
    async fn any_seal(&self, clinic: &str) -> Result<Option<String>> {
        if clinic == HOME {
            let sealed: Option<String> =
                sqlx::query_scalar("SELECT totp FROM users WHERE totp LIKE 'sealed %' LIMIT 1")
                    .fetch_optional(self.read())
                    .await?;
            return Ok(sealed.and_then(|sealed| sealed.split(' ').nth(1).map(str::to_owned)));
        }
        Ok(sqlx::query_scalar(
            "SELECT journal.seal FROM journal JOIN calls ON calls.id = journal.call
             WHERE calls.clinic = $1 AND journal.seal IS NOT NULL LIMIT 1",
        )
        .bind(clinic)
        .fetch_optional(self.read())
        .await?)
    }
}

async fn load(path: PathBuf) -> Result<Option<Key>> {
    tokio::task::spawn_blocking(move || Key::load(&path)).await.map_err(|_| RecordsError::Closed)?
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 4231, test case 1 with its 20-byte key filled up with zeros, which HMAC does itself.
    #[test]
    fn the_mac_is_hmac_sha_256() {
        let mut key = [0; KEY_BYTES];
        key[..20].fill(0x0b);
        let mac: String = hmac(&key, b"Hi There").iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(mac, "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
    }
}
