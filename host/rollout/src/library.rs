//! The library: every version of every flow, by digest, checked before it is kept.
//!
//! The component is a file `flows/sha256/<digest>.wasm`, complete and flushed before the records know of it; so a crash
//! leaves at most a file nobody names. Compiled code is held weakly here: it lives as long as a route or a call holds it.

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{ErrorKind, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use flows::{Engine, Flow};
use records::{FlowVersion, Store};

use crate::RolloutError;
use crate::inspect::inspect;
use crate::signing::{PublicKey, SignatureBytes, parse_signature, signature_text, verify};

/// The versions there are. Cheap to clone.
#[derive(Clone)]
pub struct Library {
    inner: Arc<Inner>,
}

struct Inner {
    folder: PathBuf,
    store: Store,
    engine: Engine,
    loaded: Mutex<HashMap<String, Weak<Flow>>>,
    /// One compilation at a time: the calls need the cores.
    compiling: tokio::sync::Mutex<()>,
}

/// What is allowed and known about a version that is added.
#[derive(Clone, Debug, Default)]
pub struct AddOptions {
    /// Capabilities it may have beyond those of the version before.
    pub allow: Allow,
    /// A signature over the digest.
    pub signature: Option<SignatureBytes>,
    /// Whose signature it must have; empty: it need not be signed.
    pub require_signed_by: Vec<PublicKey>,
    /// Who adds it.
    pub by: String,
    /// Now, unix milliseconds.
    pub now_ms: i64,
}

/// Capabilities that may be added.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Allow {
    /// These: whole (`gudok:callbacks/callbacks@0.1.0`) or by the interface's name (`callbacks`).
    These(Vec<String>),
    /// Any.
    All,
}

impl Default for Allow {
    fn default() -> Self {
        Self::These(Vec::new())
    }
}

impl Allow {
    fn allows(&self, capability: &str) -> bool {
        match self {
            Self::All => true,
            Self::These(these) => these.iter().any(|one| one == capability || *one == interface(capability)),
        }
    }
}

/// What came of adding a version.
#[derive(Clone, Debug, PartialEq)]
pub struct Added {
    /// The version.
    pub version: FlowVersion,
    /// Whether it was not there before.
    pub new: bool,
    /// Digest of the newest version of the same name before.
    pub before: Option<String>,
    /// What it asks for and that one did not.
    pub added_capabilities: Vec<String>,
    /// What that one asked for and it does not.
    pub removed_capabilities: Vec<String>,
}

impl Library {
    /// The library in `folder` (made if it is not there), known to `store`, compiled by `engine`.
    ///
    /// # Errors
    /// [`RolloutError::Io`].
    pub fn open(folder: impl Into<PathBuf>, store: Store, engine: Engine) -> Result<Self, RolloutError> {
        let folder = folder.into();
        let files = folder.join("sha256");
        fs::create_dir_all(&files).map_err(|source| RolloutError::Io { path: files, source })?;
        let (loaded, compiling) = (Mutex::default(), tokio::sync::Mutex::default());
        Ok(Self { inner: Arc::new(Inner { folder, store, engine, loaded, compiling }) })
    }

    /// Where it keeps what it knows.
    pub fn store(&self) -> &Store {
        &self.inner.store
    }

    /// What compiles its flows.
    pub fn engine(&self) -> &Engine {
        &self.inner.engine
    }

    /// The file of a version.
    pub fn path(&self, digest: &str) -> PathBuf {
        self.inner.folder.join("sha256").join(format!("{digest}.wasm"))
    }

    /// Checks a component and keeps it as a version of the flow `name`. The same bytes again are the same version.
    ///
    /// # Errors
    /// [`RolloutError::Flow`] with what to change in the flow; [`RolloutError::AddedCapabilities`] when it asks for more
    /// than the version before and that is not allowed; [`RolloutError::Unsigned`], [`RolloutError::WrongSignature`];
    /// [`RolloutError::BadName`].
    pub async fn add(&self, name: &str, wasm: &[u8], options: AddOptions) -> Result<Added, RolloutError> {
        check_name(name)?;
        let (flow, inspection) = {
            let _turn = self.inner.compiling.lock().await;
            inspect(&self.inner.engine, name, wasm).await?
        };
        let digest = flow.digest().to_owned();
        let signer = check_signature(&digest, &options, name)?;
        let versions = self.list().await?;
        let before = versions.iter().find(|version| version.name == name && version.digest != digest);
        let there = versions.iter().any(|version| version.digest == digest);
        let had = before.map_or(&[][..], |before| &before.capabilities);
        let added: Vec<String> = match before {
            Some(_) => inspection.capabilities.iter().filter(|new| !contains(had, new)).cloned().collect(),
            None => Vec::new(),
        };
        let removed: Vec<String> = had.iter().filter(|old| !contains(&inspection.capabilities, old)).cloned().collect();
        if let (Some(before), false) = (before, there) {
            let refused: Vec<String> = added.iter().filter(|one| !options.allow.allows(one)).cloned().collect();
            if !refused.is_empty() {
                let before = short(&before.digest);
                return Err(RolloutError::AddedCapabilities { name: name.into(), before, added: refused });
            }
        }
        let (path, bytes) = (self.path(&digest), wasm.to_vec());
        blocking(move || keep(&path, &bytes).map_err(|source| RolloutError::Io { path, source })).await?;
        let version = FlowVersion {
            name: name.to_owned(),
            added_ms: options.now_ms,
            by: options.by,
            signature: options.signature.as_ref().map(signature_text),
            signer: signer.map(|key| key.to_string()),
            ..inspection
        };
        let new = self.inner.store.add_flow_version(&version).await?;
        let version = self.inner.store.flow_version(&digest).await?;
        self.remember(&flow);
        tracing::info!(name, digest = short(&digest), new, "flow version added");
        let before = before.map(|before| before.digest.clone());
        Ok(Added { version, new, before, added_capabilities: added, removed_capabilities: removed })
    }

    /// Every version, newest first.
    ///
    /// # Errors
    /// [`RolloutError::Records`].
    pub async fn list(&self) -> Result<Vec<FlowVersion>, RolloutError> {
        Ok(self.inner.store.flow_versions().await?)
    }

    /// The version that goes by a digest (or its first four digits or more), a flow's name (its newest version), or both:
    /// `name@digits`.
    ///
    /// # Errors
    /// [`RolloutError::UnknownVersion`], [`RolloutError::Ambiguous`].
    pub async fn show(&self, reference: &str) -> Result<FlowVersion, RolloutError> {
        let mut versions = self.list().await?;
        if let Some(newest) = versions.iter().position(|version| version.name == reference) {
            return Ok(versions.swap_remove(newest));
        }
        let (name, digits) = match reference.split_once('@') {
            Some((name, digits)) => (Some(name), digits),
            None => (None, reference),
        };
        let digits = digits.strip_prefix("sha256:").unwrap_or(digits).to_ascii_lowercase();
        let enough = if name.is_some() { !digits.is_empty() } else { digits.len() >= 4 };
        versions.retain(|version| {
            enough && version.digest.starts_with(&digits) && name.is_none_or(|name| version.name == name)
        });
        match versions.len() {
            0 => Err(RolloutError::UnknownVersion { reference: reference.into() }),
            1 => Ok(versions.swap_remove(0)),
            _ => {
                let candidates = versions.iter().map(|version| short(&version.digest)).collect();
                Err(RolloutError::Ambiguous { reference: reference.into(), candidates })
            }
        }
    }

    /// Removes a version and its file.
    ///
    /// # Errors
    /// [`RolloutError::InUse`] while a route or a planned change needs it; [`RolloutError::UnknownVersion`].
    pub async fn remove(&self, reference: &str, now_ms: i64) -> Result<FlowVersion, RolloutError> {
        let version = self.show(reference).await?;
        let routes = self.inner.store.remove_flow_version(&version.digest, now_ms).await?;
        if !routes.is_empty() {
            return Err(RolloutError::InUse { digest: short(&version.digest), routes });
        }
        // From here on nothing can be routed to it; a crash leaves a file that `add` would find again.
        let path = self.path(&version.digest);
        match fs::remove_file(&path) {
            Err(source) if source.kind() != ErrorKind::NotFound => Err(RolloutError::Io { path, source }),
            _ => Ok(version),
        }
    }

    /// The component's bytes, as they were added.
    ///
    /// # Errors
    /// [`RolloutError::UnknownVersion`], [`RolloutError::MissingFile`], [`RolloutError::DamagedFile`].
    pub async fn bytes(&self, digest: &str) -> Result<Vec<u8>, RolloutError> {
        let path = self.path(digest);
        let wasm = match tokio::fs::read(&path).await {
            Ok(wasm) => wasm,
            Err(error) if error.kind() == ErrorKind::NotFound => {
                return Err(RolloutError::MissingFile { digest: short(digest), path });
            }
            Err(source) => return Err(RolloutError::Io { path, source }),
        };
        if hex_digest(&wasm) == digest { Ok(wasm) } else { Err(RolloutError::DamagedFile { path }) }
    }

    /// The compiled version: the one that calls hold already, or compiled now (from the engine's cache if it has one).
    /// Never call it while a caller waits.
    ///
    /// # Errors
    /// [`RolloutError::UnknownVersion`], [`RolloutError::MissingFile`], [`RolloutError::DamagedFile`],
    /// [`RolloutError::Flow`].
    pub async fn load(&self, digest: &str) -> Result<Arc<Flow>, RolloutError> {
        if let Some(flow) = self.loaded(digest) {
            return Ok(flow);
        }
        let _turn = self.inner.compiling.lock().await;
        if let Some(flow) = self.loaded(digest) {
            return Ok(flow);
        }
        let version = self.inner.store.flow_version(digest).await.map_err(|error| match error {
            records::RecordsError::NotFound { .. } => RolloutError::UnknownVersion { reference: digest.into() },
            other => other.into(),
        })?;
        let wasm = self.bytes(digest).await?;
        let engine = self.inner.engine.clone();
        let flow = blocking(move || Ok(engine.compile(&version.name, &wasm)?)).await?;
        self.remember(&flow);
        Ok(flow)
    }

    /// How many versions are in memory: those on routes, and those that calls in progress still hold.
    pub fn live_versions(&self) -> usize {
        let mut loaded = self.inner.loaded.lock().unwrap_or_else(PoisonError::into_inner);
        loaded.retain(|_, flow| flow.strong_count() > 0);
        loaded.len()
    }

    fn loaded(&self, digest: &str) -> Option<Arc<Flow>> {
        self.inner.loaded.lock().unwrap_or_else(PoisonError::into_inner).get(digest)?.upgrade()
    }

    fn remember(&self, flow: &Arc<Flow>) {
        let mut loaded = self.inner.loaded.lock().unwrap_or_else(PoisonError::into_inner);
        let known = loaded.entry(flow.digest().to_owned()).or_default();
        if known.strong_count() == 0 {
            *known = Arc::downgrade(flow);
        }
    }
}

/// The signer, if the signature is by one of the keys that are asked for.
fn check_signature(digest: &str, options: &AddOptions, name: &str) -> Result<Option<PublicKey>, RolloutError> {
    if options.require_signed_by.is_empty() {
        return Ok(None);
    }
    let what = format!("flow `{name}` ({})", short(digest));
    let who = "this library".to_owned();
    let Some(signature) = &options.signature else { return Err(RolloutError::Unsigned { what, who }) };
    let signer = options.require_signed_by.iter().find(|key| verify(key, digest, signature));
    signer.map(|key| Some(*key)).ok_or(RolloutError::WrongSignature { what, who })
}

/// Whether a version is signed by one of the keys that a clinic trusts; no keys: it need not be signed.
pub(crate) fn check_signed(version: &FlowVersion, keys: &[PublicKey], clinic: &str) -> Result<(), RolloutError> {
    if keys.is_empty() {
        return Ok(());
    }
    let what = format!("flow `{}` ({})", version.name, short(&version.digest));
    let who = clinic.to_owned();
    let Some(signature) = &version.signature else { return Err(RolloutError::Unsigned { what, who }) };
    let signature = parse_signature(signature)?;
    if keys.iter().any(|key| verify(key, &version.digest, &signature)) {
        return Ok(());
    }
    Err(RolloutError::WrongSignature { what, who })
}

/// The first twelve digits: enough for people to tell versions apart.
pub fn short(digest: &str) -> String {
    digest.chars().take(12).collect()
}

fn contains(list: &[String], capability: &str) -> bool {
    // A newer patch of the same interface is no new capability.
    list.iter().any(|one| without_version(one) == without_version(capability))
}

fn without_version(capability: &str) -> &str {
    capability.split('@').next().unwrap_or(capability)
}

/// `callbacks` of `gudok:callbacks/callbacks@0.1.0`.
fn interface(capability: &str) -> &str {
    without_version(capability).rsplit('/').next().unwrap_or(capability)
}

fn check_name(name: &str) -> Result<(), RolloutError> {
    let plain = |letter: char| letter.is_alphanumeric() || "-_.".contains(letter);
    let sound = (1..=64).contains(&name.chars().count()) && name.chars().all(plain) && !name.starts_with(['.', '-']);
    if sound { Ok(()) } else { Err(RolloutError::BadName { name: name.into() }) }
}

pub(crate) fn check_clinic(clinic: &str) -> Result<(), RolloutError> {
    let plain = |letter: char| letter.is_ascii_lowercase() || letter.is_ascii_digit() || "-_".contains(letter);
    let sound = (1..=64).contains(&clinic.len()) && clinic.chars().all(plain);
    if sound { Ok(()) } else { Err(RolloutError::BadClinic { clinic: clinic.into() }) }
}

pub(crate) fn hex_digest(bytes: &[u8]) -> String {
    use sha2::Digest as _;
    sha2::Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Writes the file of a version: temporary file, flush, rename, flush of the folder.
fn keep(path: &Path, wasm: &[u8]) -> std::io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    if fs::read(path).is_ok_and(|there| there == wasm) {
        return File::open(folder)?.sync_all();
    }
    let temporary = folder.join(format!("{}.part", records::id()));
    let written = (|| {
        let mut file = File::create(&temporary)?;
        file.write_all(wasm)?;
        file.set_permissions(fs::Permissions::from_mode(0o444))?;
        file.sync_all()?;
        fs::rename(&temporary, path)?;
        File::open(folder)?.sync_all()
    })();
    if written.is_err() {
        let _ = fs::remove_file(&temporary);
    }
    written
}

pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, RolloutError> + Send + 'static,
) -> Result<T, RolloutError> {
    tokio::task::spawn_blocking(work).await.map_err(|_| RolloutError::Ending)?
}
