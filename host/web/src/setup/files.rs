//! A clinic's file on the disk: written whole or not at all, with the versions before it kept beside.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::{fs, io};

use jiff::Timestamp;
use sha2::{Digest as _, Sha256};

/// Versions before the present one that are kept.
const KEPT: usize = 50;

/// What names a file's content: who changes a file says which content they saw.
pub(crate) fn tag(text: &str) -> String {
    Sha256::digest(text.as_bytes()).iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}

/// Where the versions before lie: `history/NAME/` beside the file.
pub(crate) fn history(path: &Path) -> PathBuf {
    let name = path.file_stem().unwrap_or_default();
    path.parent().unwrap_or(Path::new("")).join("history").join(name)
}

/// The file says `text` from now on; what it said before is kept. Whoever reads it meanwhile reads the one or the other.
pub(crate) fn write(path: &Path, text: &str, now: Timestamp) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    if path.is_file() {
        keep(path, now)?;
    }
    let new = path.with_extension("toml.new");
    let mut file = private(&new)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    fs::rename(&new, path)?;
    if let Some(folder) = path.parent() {
        fs::File::open(folder)?.sync_all()?;
    }
    Ok(())
}

/// A lines file holds passwords: nobody else's eyes.
fn private(path: &Path) -> io::Result<fs::File> {
    use std::os::unix::fs::OpenOptionsExt as _;
    fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)
}

fn keep(path: &Path, now: Timestamp) -> io::Result<()> {
    let folder = history(path);
    fs::create_dir_all(&folder)?;
    let old = fs::read(path)?;
    let moment = now.strftime("%Y%m%dT%H%M%S%.3fZ");
    let names = (0..100).map(|n| folder.join(format!("{moment}-{n:02}.toml")));
    let Some(name) = names.into_iter().find(|name| !name.exists()) else { return Ok(()) };
    private(&name)?.write_all(&old)?;
    let mut all: Vec<PathBuf> = fs::read_dir(&folder)?.filter_map(|entry| Some(entry.ok()?.path())).collect();
    all.sort();
    let too_many = all.len().saturating_sub(KEPT);
    for old in all.into_iter().take(too_many) {
        fs::remove_file(old)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stood_there_before_is_kept_but_not_for_ever() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("clinics/vet.toml");
        for n in 0..60_i64 {
            write(&path, &format!("n = {n}"), Timestamp::from_millisecond(1_700_000_000_000 + n).unwrap()).unwrap();
        }
        assert_eq!(fs::read_to_string(&path).unwrap(), "n = 59");
        let mut kept: Vec<PathBuf> = fs::read_dir(history(&path)).unwrap().map(|entry| entry.unwrap().path()).collect();
        kept.sort();
        assert_eq!(kept.len(), KEPT);
        assert_eq!(fs::read_to_string(kept.last().unwrap()).unwrap(), "n = 58");
        assert_eq!(fs::read_dir(folder.path().join("clinics")).unwrap().count(), 2, "nothing half written is left");
        assert_ne!(tag("a"), tag("b"));
    }
}
