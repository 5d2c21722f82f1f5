//! Compiled flows on disk, so that a restart does not compile them again.
//!
//! Loading compiled code is running it. So the cache believes only what this user wrote, into a directory nobody else
//! can enter, for exactly this engine, and unchanged: on any doubt the flow is compiled again, which is always right.
//!
//! A file is named `<sha256 of the component>-<engine>.cwasm`, `<engine>` being a fingerprint of wasmtime's exact
//! version, its configuration, the target and its CPU features. Inside: a line of text, SHA-256 of the code, the code.
//! It is written under another name, synced and renamed, and never rewritten in place.

use std::fs::{self, DirBuilder, File, Metadata, OpenOptions};
use std::hash::{Hash, Hasher};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

use sha2::{Digest, Sha256};
use wasmtime::Engine;
use wasmtime::component::Component;

use crate::engine::WASMTIME_VERSION;

const MAGIC: &[u8; 16] = b"gudok compiled 1";
const HEADER: usize = MAGIC.len() + 32;

pub(crate) struct Cache {
    dir: PathBuf,
    fingerprint: String,
}

impl Cache {
    /// `None`, with a line in the log, when the directory is not private or cannot be made.
    pub(crate) fn open(dir: &Path, engine: &Engine) -> Option<Self> {
        match private_dir(dir) {
            Ok(()) => Some(Self { dir: dir.to_owned(), fingerprint: fingerprint(engine) }),
            Err(error) => {
                tracing::warn!(dir = %dir.display(), "compiled flows are not kept: {error}");
                None
            }
        }
    }

    /// The compiled component, if it is there and beyond doubt.
    pub(crate) fn load(&self, engine: &Engine, digest: &str) -> Option<Component> {
        let path = self.path(digest);
        let code = match self.read(&path) {
            Ok(code) => code,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return None,
            Err(error) => {
                tracing::warn!(file = %path.display(), "compiled flow not used: {error}");
                return None;
            }
        };
        // `read` has checked that these bytes are, unchanged, what `store` of this user wrote into a directory no other
        // user can enter, for an engine of the same fingerprint.
        let component = load_code(engine, &code);
        component.inspect_err(|error| tracing::warn!(file = %path.display(), "compiled flow not used: {error:#}")).ok()
    }

    /// Keep compiled code. Failing costs time at the next start, nothing else, so it is only logged.
    pub(crate) fn store(&self, code: &[u8], digest: &str) {
        if let Err(error) = self.write(digest, code) {
            tracing::warn!(dir = %self.dir.display(), "compiled flow not kept: {error}");
        }
    }

    fn path(&self, digest: &str) -> PathBuf {
        self.dir.join(format!("{digest}-{}.cwasm", self.fingerprint))
    }

    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        private_dir(&self.dir)?;
        let mut file = File::open(path)?;
        let metadata = file.metadata()?;
        if !metadata.is_file() {
            return Err(doubt("it is not a regular file"));
        }
        owned(&metadata, 0o022)?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        if bytes.len() < HEADER || !bytes.starts_with(MAGIC) {
            return Err(doubt("it is not one of ours"));
        }
        let code = bytes.split_off(HEADER);
        if Sha256::digest(&code)[..] != bytes[MAGIC.len()..] {
            return Err(doubt("its checksum is wrong"));
        }
        Ok(code)
    }

    fn write(&self, digest: &str, code: &[u8]) -> io::Result<()> {
        private_dir(&self.dir)?;
        let (path, temporary) = (self.path(digest), self.dir.join(temporary_name()));
        let write = || {
            let mut file = OpenOptions::new().write(true).create_new(true).mode(0o400).open(&temporary)?;
            file.write_all(MAGIC)?;
            file.write_all(&Sha256::digest(code))?;
            file.write_all(code)?;
            file.sync_all()?;
            fs::rename(&temporary, &path)?;
            File::open(&self.dir)?.sync_all()
        };
        write().inspect_err(|_| {
            fs::remove_file(&temporary).ok();
        })?;
        self.forget_other_engines(digest, &path)
    }

    /// The same flow compiled for an engine before this one is of no use any more.
    fn forget_other_engines(&self, digest: &str, keep: &Path) -> io::Result<()> {
        for entry in fs::read_dir(&self.dir)? {
            let path = entry?.path();
            let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            if path != keep && name.starts_with(digest) && name.ends_with(".cwasm") {
                fs::remove_file(path)?;
            }
        }
        Ok(())
    }
}

/// Make a component of code that this user's compiler just made, here or in a child, or that [`Cache::read`] believes.
pub(crate) fn load_code(engine: &Engine, code: &[u8]) -> wasmtime::Result<Component> {
    // SAFETY: the bytes come from `Engine::precompile_component` of an engine with this one's fingerprint: of this
    // process, of a child of ours that sent its own fingerprint and a checksum, or of the cache, which checks both.
    #[allow(unsafe_code, reason = "the one way to load compiled code; the checks are the callers'")]
    unsafe {
        Component::deserialize(engine, code)
    }
}

/// Unique among the threads and processes that may write at the same time.
fn temporary_name() -> String {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    format!("{}-{}.tmp", std::process::id(), NEXT.fetch_add(1, Relaxed))
}

/// The directory is ours alone; made so if it is not there.
fn private_dir(dir: &Path) -> io::Result<()> {
    let metadata = match fs::symlink_metadata(dir) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            DirBuilder::new().recursive(true).mode(0o700).create(dir)?;
            fs::symlink_metadata(dir)?
        }
        other => other?,
    };
    if !metadata.is_dir() {
        return Err(doubt("it is not a directory"));
    }
    owned(&metadata, 0o077)
}

fn owned(metadata: &Metadata, forbidden: u32) -> io::Result<()> {
    if metadata.uid() != rustix::process::geteuid().as_raw() {
        return Err(doubt("it belongs to another user"));
    }
    if metadata.mode() & forbidden != 0 {
        return Err(doubt("other users have access to it (`chmod -R go-rwx` mends that)"));
    }
    Ok(())
}

fn doubt(why: &str) -> io::Error {
    io::Error::other(why)
}

/// wasmtime says by its hash which engines may share compiled code (version, settings, target, CPU features). The
/// hasher is ours, because std's changes between releases and this name must not.
pub(crate) fn fingerprint(engine: &Engine) -> String {
    struct Fixed(Sha256);
    impl Hasher for Fixed {
        fn write(&mut self, bytes: &[u8]) {
            self.0.update(bytes);
        }
        fn finish(&self) -> u64 {
            let digest = self.0.clone().finalize();
            u64::from_le_bytes(std::array::from_fn(|index| digest[index]))
        }
    }
    let mut hasher = Fixed(Sha256::new());
    engine.precompile_compatibility_hash().hash(&mut hasher);
    WASMTIME_VERSION.hash(&mut hasher);
    format!("{:016x}", hasher.finish())
}

#[cfg(test)]
mod tests {
    use std::fs::Permissions;
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    const EMPTY_COMPONENT: &[u8] = b"\0asm\x0d\0\x01\0";
    const DIGEST: &str = "00ff";

    fn filled() -> (tempfile::TempDir, Engine, Cache) {
        let dir = tempfile::tempdir().expect("a directory");
        let engine = Engine::default();
        let cache = Cache::open(&dir.path().join("flows"), &engine).expect("made private");
        cache.store(&engine.precompile_component(EMPTY_COMPONENT).expect("compiles"), DIGEST);
        (dir, engine, cache)
    }

    #[test]
    fn what_was_stored_is_loaded() {
        let (_dir, engine, cache) = filled();
        assert!(cache.load(&engine, DIGEST).is_some());
        assert!(cache.load(&engine, "another").is_none());
        let mode = fs::metadata(&cache.dir).expect("directory").mode();
        assert_eq!(mode & 0o777, 0o700);
    }

    #[test]
    fn a_changed_byte_anywhere_is_noticed() {
        let (_dir, engine, cache) = filled();
        let path = cache.path(DIGEST);
        let bytes = fs::read(&path).expect("stored");
        for place in [0, MAGIC.len(), HEADER, bytes.len() / 2, bytes.len() - 1] {
            let mut broken = bytes.clone();
            broken[place] ^= 1;
            fs::remove_file(&path).expect("replaced");
            fs::write(&path, broken).expect("written");
            fs::set_permissions(&path, Permissions::from_mode(0o600)).expect("private");
            assert!(cache.load(&engine, DIGEST).is_none(), "byte {place}");
        }
        fs::write(&path, &bytes[..HEADER - 1]).expect("written");
        assert!(cache.load(&engine, DIGEST).is_none(), "truncated");
    }

    #[test]
    fn what_others_could_have_written_is_not_loaded() {
        let (_dir, engine, cache) = filled();
        fs::set_permissions(cache.path(DIGEST), Permissions::from_mode(0o460)).expect("permissions");
        assert!(cache.load(&engine, DIGEST).is_none(), "the group may write it");
        fs::set_permissions(cache.path(DIGEST), Permissions::from_mode(0o400)).expect("permissions");
        assert!(cache.load(&engine, DIGEST).is_some());
        fs::set_permissions(&cache.dir, Permissions::from_mode(0o755)).expect("permissions");
        assert!(cache.load(&engine, DIGEST).is_none(), "everybody may enter");
        assert!(Cache::open(&cache.dir, &engine).is_none());
    }

    #[test]
    fn code_of_another_engine_is_not_found_and_then_replaced() {
        let (_dir, engine, cache) = filled();
        let other = Engine::new(wasmtime::Config::new().epoch_interruption(true)).expect("an engine");
        assert_ne!(fingerprint(&engine), fingerprint(&other));
        let second = Cache::open(&cache.dir, &other).expect("private");
        assert!(second.load(&other, DIGEST).is_none());
        second.store(&other.precompile_component(EMPTY_COMPONENT).expect("compiles"), DIGEST);
        assert!(second.load(&other, DIGEST).is_some());
        assert!(!cache.path(DIGEST).exists());
    }
}
