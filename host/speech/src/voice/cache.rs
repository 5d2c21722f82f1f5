//! Sound that was made once: on disk from one run to the next, in memory within one.
//!
//! A file's name is the hash of what it says and who says it, so nothing is ever overwritten with something else, and no
//! text can be read from the folder's listing. Files are written aside and renamed: a reader sees all of one or none.

use std::collections::HashMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use audio::{Pcm, wav};
use sha2::{Digest, Sha256};

use super::finish::VERSION;
use crate::SpeechError;

/// Samples kept in memory: about 35 minutes of speech, 32 MB.
const MEMORY_SAMPLES: usize = 16 << 20;
/// The folder is measured after so many new files.
const SWEEP_EVERY: u64 = 64;

/// Name of a sound: who says it and what.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Key(String);

impl Key {
    pub fn of(voice: &str, text: &str) -> Key {
        let mut hash = Sha256::new();
        for part in [voice, VERSION, text] {
            hash.update((part.len() as u64).to_le_bytes());
            hash.update(part.as_bytes());
        }
        Key(hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
    }
}

pub(super) struct Cache {
    dir: PathBuf,
    most_bytes: u64,
    memory: Mutex<Memory>,
    written: AtomicU64,
}

#[derive(Default)]
struct Memory {
    sounds: HashMap<Key, (Arc<Pcm>, u64)>,
    samples: usize,
    clock: u64,
}

impl Cache {
    pub fn open(dir: &Path, most_bytes: u64) -> Result<Cache, SpeechError> {
        fs::create_dir_all(dir).map_err(SpeechError::io(dir))?;
        let cache = Cache { dir: dir.to_owned(), most_bytes, memory: Mutex::default(), written: AtomicU64::new(0) };
        cache.sweep();
        Ok(cache)
    }

    /// From memory, or from disk; a file that cannot be read counts as absent and goes.
    pub fn get(&self, key: &Key) -> Option<Arc<Pcm>> {
        if let Some(sound) = self.memory().touch(key) {
            return Some(sound);
        }
        let path = self.path(key);
        let bytes = fs::read(&path).ok()?;
        let Ok(recording) = wav::decode(&bytes) else {
            let _ = fs::remove_file(&path);
            return None;
        };
        // Its age is what decides when the folder is full; a folder mounted read-only is used all the same.
        let _ = File::options().append(true).open(&path).and_then(|f| f.set_modified(SystemTime::now()));
        let sound = Arc::new(recording.mono());
        self.memory().keep(key, &sound);
        Some(sound)
    }

    /// Keeps a sound. A disk that is full costs the next run its time and this call nothing, hence no error.
    pub fn put(&self, key: &Key, sound: &Arc<Pcm>) {
        self.memory().keep(key, sound);
        if let Err(error) = self.write(key, sound) {
            tracing::warn!(%error, "speech cannot be kept on disk");
        }
        if self.written.fetch_add(1, Ordering::Relaxed) % SWEEP_EVERY == SWEEP_EVERY - 1 {
            self.sweep();
        }
    }

    fn write(&self, key: &Key, sound: &Pcm) -> Result<(), SpeechError> {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let path = self.path(key);
        let folder = path.parent().unwrap_or(&self.dir);
        fs::create_dir_all(folder).map_err(SpeechError::io(folder))?;
        let aside = folder.join(format!(".{}-{}.part", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed)));
        let written = wav::write(&aside, sound.rate, &[&sound.samples])
            .map_err(SpeechError::from)
            .and_then(|()| fs::rename(&aside, &path).map_err(SpeechError::io(&path)));
        if written.is_err() {
            let _ = fs::remove_file(&aside);
        }
        written
    }

    /// Removes the files longest unused until nine tenths of the size allowed are left.
    fn sweep(&self) {
        let mut files: Vec<(SystemTime, u64, PathBuf)> = Vec::new();
        for folder in fs::read_dir(&self.dir).into_iter().flatten().flatten() {
            for file in fs::read_dir(folder.path()).into_iter().flatten().flatten() {
                let ours = file.path().extension().is_some_and(|e| e == "wav" || e == "part");
                if let (true, Ok(about)) = (ours, file.metadata()) {
                    files.push((about.modified().unwrap_or(SystemTime::UNIX_EPOCH), about.len(), file.path()));
                }
            }
        }
        let mut total: u64 = files.iter().map(|(_, size, _)| size).sum();
        if total <= self.most_bytes {
            return;
        }
        files.sort();
        for (_, size, path) in files {
            if total <= self.most_bytes / 10 * 9 {
                break;
            }
            if fs::remove_file(path).is_ok() {
                total -= size;
            }
        }
    }

    fn path(&self, key: &Key) -> PathBuf {
        self.dir.join(&key.0[..2]).join(format!("{}.wav", key.0))
    }

    fn memory(&self) -> MutexGuard<'_, Memory> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Memory {
    fn touch(&mut self, key: &Key) -> Option<Arc<Pcm>> {
        self.clock += 1;
        let (sound, used) = self.sounds.get_mut(key)?;
        *used = self.clock;
        Some(Arc::clone(sound))
    }

    fn keep(&mut self, key: &Key, sound: &Arc<Pcm>) {
        self.clock += 1;
        self.samples += sound.samples.len();
        if let Some((old, _)) = self.sounds.insert(key.clone(), (Arc::clone(sound), self.clock)) {
            self.samples -= old.samples.len();
        }
        while self.samples > MEMORY_SAMPLES {
            let oldest = self.sounds.iter().min_by_key(|(_, (_, used))| *used).map(|(key, _)| key.clone());
            let Some((gone, _)) = oldest.and_then(|key| self.sounds.remove(&key)) else { break };
            self.samples -= gone.samples.len();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sound(length: usize) -> Arc<Pcm> {
        Arc::new(Pcm::new(8_000, vec![7; length]))
    }

    #[test]
    fn what_was_kept_is_there_for_the_next_run() {
        let dir = tempfile::tempdir().expect("a folder");
        let key = Key::of("voice", "текст");
        Cache::open(dir.path(), 1 << 20).expect("opens").put(&key, &sound(100));
        let next = Cache::open(dir.path(), 1 << 20).expect("opens");
        assert_eq!(next.get(&key), Some(sound(100)));
        assert_eq!(next.get(&Key::of("other voice", "текст")), None);
    }

    #[test]
    fn parts_of_a_key_do_not_run_together() {
        assert_ne!(Key::of("ab", "c"), Key::of("a", "bc"));
    }

    #[test]
    fn a_damaged_file_is_absent_and_goes() {
        let dir = tempfile::tempdir().expect("a folder");
        let key = Key::of("voice", "текст");
        let cache = Cache::open(dir.path(), 1 << 20).expect("opens");
        let path = cache.path(&key);
        fs::create_dir_all(path.parent().expect("a folder")).expect("made");
        fs::write(&path, b"RIFF but no more").expect("written");
        assert_eq!(cache.get(&key), None);
        assert!(!path.exists());
    }

    #[test]
    fn the_longest_unused_files_go_when_the_folder_is_full() {
        let dir = tempfile::tempdir().expect("a folder");
        let cache = Cache::open(dir.path(), 10_000).expect("opens");
        let keys: Vec<Key> = (0..8).map(|i| Key::of("voice", &i.to_string())).collect();
        for (age, key) in keys.iter().enumerate() {
            cache.put(key, &sound(1000));
            let file = File::options().append(true).open(cache.path(key)).expect("there");
            file.set_modified(SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(age as u64)).expect("set");
        }
        // Used again after this long: the youngest now.
        let fresh = Cache::open(dir.path(), 1 << 20).expect("opens");
        assert!(fresh.get(&keys[0]).is_some());
        cache.sweep();
        let left: Vec<bool> = keys.iter().map(|key| cache.path(key).exists()).collect();
        assert_eq!(left, [true, false, false, false, false, true, true, true]);
    }
}
