//! Audio by content address: the bytes are a file named by their hash, the database knows which call they belong to.
//!
//! The file is complete and flushed before any row points at it (temporary file, fsync, rename, fsync of the folder), so a
//! row never points at half a file. A crash in between leaves at most a file nobody points at.

use std::fs::{self, File};
use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use sqlx::AnyConnection;

use crate::append::Row;
use crate::row::Columns as _;
use crate::turns::no_such_call;
use crate::{RecordsError, Result, Store};

/// Audio of a call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct AudioRef {
    /// What of the call it is, for example `stereo`, `caller`.
    pub kind: String,
    /// SHA-256 of the bytes, 64 hexadecimal digits.
    pub sha256: String,
    /// How many bytes.
    pub bytes: i64,
}

impl Store {
    /// Keeps the bytes of a WAV file and returns their SHA-256 (64 hexadecimal digits). The same bytes again are kept once.
    /// `kind` is what they are, for example `stereo` or `prompt`.
    ///
    /// # Errors
    /// [`RecordsError::Audio`] when the file cannot be written.
    pub async fn put_audio(&self, bytes: &[u8], kind: &str) -> Result<String> {
        let sha256 = hex(&Sha256::digest(bytes));
        let path = self.file_of(&sha256)?;
        let (owned, at) = (bytes.to_vec(), path.clone());
        let written = tokio::task::spawn_blocking(move || write_durably(&at, &owned)).await;
        written.map_err(|_| RecordsError::Closed)?.map_err(|source| RecordsError::Audio { path, source })?;
        let row = NewAudio {
            sha256: sha256.clone(),
            kind: kind.to_owned(),
            bytes: i64::try_from(bytes.len()).unwrap_or(i64::MAX),
            created_ms: jiff::Timestamp::now().as_millisecond(),
        };
        self.inner.appender.append(Row::Audio(Box::new(row))).await?;
        Ok(sha256)
    }

    /// Says that kept audio is the `kind` (for example `stereo`) of a call; a second one of a kind takes the first's place.
    pub async fn attach_audio(&self, call: &str, kind: &str, sha256: &str) -> Result<()> {
        let row = AttachedAudio { call: call.to_owned(), kind: kind.to_owned(), sha256: sha256.to_owned() };
        let written = self.inner.appender.append(Row::AttachedAudio(Box::new(row))).await?;
        if written == 1 { Ok(()) } else { Err(not_found(sha256)) }
    }

    /// The audio of a call.
    pub async fn call_audio(&self, call: &str) -> Result<Vec<AudioRef>> {
        let rows = sqlx::query(
            "SELECT call_audio.kind AS kind, call_audio.sha256 AS sha256, bytes
             FROM call_audio JOIN audio ON audio.sha256 = call_audio.sha256 WHERE call = $1 ORDER BY call_audio.kind",
        )
        .bind(call)
        .fetch_all(self.read())
        .await?;
        let audio = |row: &sqlx::any::AnyRow| {
            Ok(AudioRef { kind: row.text("kind")?, sha256: row.text("sha256")?, bytes: row.int("bytes")? })
        };
        rows.iter().map(audio).collect()
    }

    /// The bytes of kept audio, checked against their hash.
    ///
    /// # Errors
    /// [`RecordsError::NotFound`], or [`RecordsError::Audio`] when the file is damaged or cannot be read.
    pub async fn audio(&self, sha256: &str) -> Result<Vec<u8>> {
        let path = self.file_of(sha256)?;
        let bytes = match tokio::fs::read(&path).await {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == ErrorKind::NotFound => return Err(not_found(sha256)),
            Err(source) => return Err(RecordsError::Audio { path, source }),
        };
        if hex(&Sha256::digest(&bytes)) == sha256 {
            return Ok(bytes);
        }
        let source = std::io::Error::new(ErrorKind::InvalidData, "the file's bytes are not those it is named for");
        Err(RecordsError::Audio { path, source })
    }

    /// Where the file of a hash lies: `audio/ab/cdef….wav`.
    pub fn audio_path(&self, sha256: &str) -> Result<PathBuf> {
        self.file_of(sha256)
    }

    fn file_of(&self, sha256: &str) -> Result<PathBuf> {
        // The hash becomes a path: nothing but hexadecimal digits may pass.
        let sound = sha256.len() == 64 && sha256.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        if !sound {
            let problem = "a SHA-256 is 64 hexadecimal digits in lower case".to_owned();
            return Err(RecordsError::BadValue { field: "sha256", problem });
        }
        Ok(self.audio_folder().join(&sha256[..2]).join(format!("{}.wav", &sha256[2..])))
    }
}

fn write_durably(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    if fs::metadata(path).is_ok_and(|there| there.len() == bytes.len() as u64) {
        // Its name may be so young that it is not on disk yet.
        return File::open(folder)?.sync_all();
    }
    let folder_is_new = !folder.exists();
    fs::create_dir_all(folder)?;
    let temporary = folder.join(format!("{}.part", crate::id()));
    let written = (|| {
        let mut file = File::create(&temporary)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&temporary, path)?;
        File::open(folder)?.sync_all()?;
        match folder.parent() {
            Some(parent) if folder_is_new => File::open(parent)?.sync_all(),
            _ => Ok(()),
        }
    })();
    if written.is_err() {
        let _ = fs::remove_file(&temporary);
    }
    written
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn not_found(sha256: &str) -> RecordsError {
    RecordsError::NotFound { what: "audio", id: sha256.to_owned() }
}

/// Audio whose file is on the disk, about to be known.
#[derive(Debug)]
pub(crate) struct NewAudio {
    sha256: String,
    kind: String,
    bytes: i64,
    created_ms: i64,
}

impl NewAudio {
    pub(crate) async fn write(&self, connection: &mut AnyConnection) -> Result<u64> {
        let done = sqlx::query(
            "INSERT INTO audio (sha256, kind, bytes, created_ms) VALUES ($1, $2, $3, $4) ON CONFLICT (sha256) DO NOTHING",
        )
        .bind(&self.sha256)
        .bind(&self.kind)
        .bind(self.bytes)
        .bind(self.created_ms)
        .execute(connection)
        .await?;
        Ok(done.rows_affected())
    }
}

/// Kept audio that becomes a call's.
#[derive(Debug)]
pub(crate) struct AttachedAudio {
    call: String,
    kind: String,
    sha256: String,
}

impl AttachedAudio {
    /// 0 where there is no such audio.
    pub(crate) async fn write(&self, connection: &mut AnyConnection) -> Result<u64> {
        let done = sqlx::query(
            "INSERT INTO call_audio (call, kind, sha256)
             SELECT $1, $2, $3 WHERE EXISTS (SELECT 1 FROM audio WHERE sha256 = $3)
             ON CONFLICT (call, kind) DO UPDATE SET sha256 = excluded.sha256",
        )
        .bind(&self.call)
        .bind(&self.kind)
        .bind(&self.sha256)
        .execute(connection)
        .await
        .map_err(|error| no_such_call(error, &self.call))?;
        Ok(done.rows_affected())
    }
}
