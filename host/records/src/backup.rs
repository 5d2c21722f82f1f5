//! Copies of the database, and which persons still have to be taken out of them.

use std::fs::{self, File};
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::json;
use sha2::{Digest as _, Sha256};
use sqlx::any::AnyRow;
use sqlx::{ConnectOptions as _, Connection as _, Executor as _};

use crate::audit::AuditEnd;
use crate::dialect::Dialect;
use crate::row::{Columns as _, FromColumns};
use crate::store::address;
use crate::{RecordsError, Result, Store};

/// A copy that was made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Backup {
    /// See [`crate::id()`].
    pub id: String,
    /// The copy of the database; the list of recordings lies beside it, see [`Backup::audio_list`].
    pub path: PathBuf,
    /// When, unix milliseconds.
    pub made_ms: i64,
    /// How many bytes.
    pub bytes: i64,
    /// SHA-256 of the copy, 64 hexadecimal digits.
    pub sha256: String,
    /// How many recordings its list names.
    pub audio: i64,
    /// Where the audit trail ended.
    pub audit: AuditEnd,
    /// When it was thrown away.
    pub gone_ms: Option<i64>,
    /// Ids of the erasures that came after it and were not done in it.
    pub pending: Vec<String>,
}

impl Backup {
    /// The list of the recordings that belong to a copy: a JSON object a line with `sha256`, `bytes` and `kind`. The files are
    /// copied by whatever copies files; each is named by its hash, so nothing but new ones need be.
    pub fn audio_list(path: &Path) -> PathBuf {
        let mut name = path.as_os_str().to_owned();
        name.push(".audio.jsonl");
        PathBuf::from(name)
    }
}

impl Store {
    /// Copies the database, whole and at one moment, to a file that is not there yet, while everything goes on; and writes the
    /// list of its recordings beside it.
    ///
    /// # Errors
    /// [`RecordsError::File`] when there is something at `path` already, or it cannot be written.
    pub async fn backup(&self, path: &Path, now_ms: i64) -> Result<Backup> {
        if self.dialect() == Dialect::Postgres {
            let instead = "copy it with pg_dump, and the folder of recordings with its own tool";
            return Err(RecordsError::OnServer { what: "a copy of the database's file", instead });
        }
        let path = std::path::absolute(path).map_err(|error| unusable(path, &error))?;
        let list = Backup::audio_list(&path);
        for there in [&path, &list] {
            if there.exists() {
                return Err(RecordsError::File { path: there.clone(), problem: "it is there already".to_owned() });
            }
        }
        let id = crate::id();
        let part = path.with_extension(format!("{id}.part"));
        let place = part.to_str().ok_or_else(|| RecordsError::File {
            path: part.clone(),
            problem: "the name is not valid UTF-8".to_owned(),
        })?;
        let copied = self.copy_to(place, &path, &list, id, now_ms).await;
        if copied.is_err() {
            let _ = fs::remove_file(&part);
        }
        copied
    }

    async fn copy_to(&self, part: &str, path: &Path, list: &Path, id: String, now_ms: i64) -> Result<Backup> {
        sqlx::query("VACUUM INTO $1").bind(part).execute(self.read()).await?;
        // SQLite does not promise that rows keep their numbers in a copy, and the index of words goes by them.
        let mut copy = open_plain(Path::new(part)).await?;
        copy.execute("INSERT INTO turn_words (turn_words) VALUES ('rebuild')").await?;
        // What the copy says counts: the database may have gone on.
        let audio = sqlx::query("SELECT sha256, kind, bytes FROM audio ORDER BY sha256").fetch_all(&mut copy).await?;
        let end =
            sqlx::query("SELECT seq, hash FROM audit ORDER BY seq DESC LIMIT 1").fetch_optional(&mut copy).await?;
        copy.close().await?;
        let mut lines = String::new();
        for row in &audio {
            let line = json!({ "sha256": row.text("sha256")?, "kind": row.text("kind")?, "bytes": row.int("bytes")? });
            lines.push_str(&format!("{line}\n"));
        }
        let (from, to, list) = (PathBuf::from(part), path.to_owned(), list.to_owned());
        let sealed = tokio::task::spawn_blocking(move || seal_copy(&from, &to, &list, &lines)).await;
        let (sha256, bytes) = sealed.map_err(|_| RecordsError::Closed)?.map_err(|error| unusable(path, &error))?;
        let audit = match end {
            Some(row) => AuditEnd { seq: row.int("seq")?, hash: row.text("hash")? },
            None => AuditEnd { seq: 0, hash: String::new() },
        };
        let audio = i64::try_from(audio.len()).unwrap_or(i64::MAX);
        let backup = Backup {
            id,
            path: path.to_owned(),
            made_ms: now_ms,
            bytes,
            sha256,
            audio,
            audit,
            gone_ms: None,
            pending: vec![],
        };
        sqlx::query(
            "INSERT INTO backups (id, path, made_ms, bytes, sha256, audio, audit_seq, audit_hash)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        )
        .bind(&backup.id)
        .bind(path.to_string_lossy().into_owned())
        .bind(backup.made_ms)
        .bind(backup.bytes)
        .bind(&backup.sha256)
        .bind(backup.audio)
        .bind(backup.audit.seq)
        .bind(&backup.audit.hash)
        .execute(self.write())
        .await?;
        Ok(backup)
    }

    /// The copies there are, latest first, each with the erasures that wait for it.
    pub async fn backups(&self) -> Result<Vec<Backup>> {
        let rows = sqlx::query(
            "SELECT id, path, made_ms, bytes, sha256, audio, audit_seq, audit_hash, gone_ms FROM backups
             ORDER BY made_ms DESC, id DESC",
        )
        .fetch_all(self.read())
        .await?;
        let mut backups = rows.iter().map(Backup::from_columns).collect::<Result<Vec<_>>>()?;
        let waiting = sqlx::query("SELECT backup, erasure FROM backup_erasures WHERE done_ms IS NULL ORDER BY erasure")
            .fetch_all(self.read())
            .await?;
        for row in &waiting {
            let backup = row.text("backup")?;
            if let Some(backup) = backups.iter_mut().find(|one| one.id == backup && one.gone_ms.is_none()) {
                backup.pending.push(row.text("erasure")?);
            }
        }
        Ok(backups)
    }

    /// Does in a copy what was erased here after it was made: its file is opened, cleaned and rewritten, and the manifest gets
    /// its new hash.
    ///
    /// # Errors
    /// [`RecordsError::File`] when the copy is not where it was or is not what was written.
    pub async fn clean_backup(&self, id: &str, by: &str, now_ms: i64) -> Result<Backup> {
        let backup = self.backups().await?.into_iter().find(|backup| backup.id == id && backup.gone_ms.is_none());
        let mut backup = backup.ok_or_else(|| RecordsError::NotFound { what: "backup", id: id.to_owned() })?;
        let path = backup.path.clone();
        if backup.pending.is_empty() {
            return Ok(backup);
        }
        if !path.is_file() {
            let problem = "the backup is not there any more; say that it was thrown away".to_owned();
            return Err(RecordsError::File { path, problem });
        }
        let copy = Store::open(&path).await?.with_keys_of(self);
        let pending = &backup.pending;
        let erasures: Vec<_> =
            self.erasures(None).await?.into_iter().filter(|erasure| pending.contains(&erasure.id)).collect();
        copy.replay_erasures(&erasures, by, now_ms).await?;
        copy.finish_erasures(now_ms).await?;
        let log = copy.erasure_log();
        copy.close().await;
        let at = path.clone();
        let hashed = tokio::task::spawn_blocking(move || {
            // Its own notes are ours, too.
            let _ = fs::remove_file(log);
            hash_file(&at)
        });
        let (sha256, bytes) =
            hashed.await.map_err(|_| RecordsError::Closed)?.map_err(|error| unusable(&path, &error))?;
        let mut transaction = self.begin_write().await?;
        sqlx::query("UPDATE backups SET sha256 = $2, bytes = $3 WHERE id = $1")
            .bind(id)
            .bind(&sha256)
            .bind(bytes)
            .execute(&mut *transaction)
            .await?;
        for erasure in &backup.pending {
            sqlx::query("UPDATE backup_erasures SET done_ms = $3 WHERE backup = $1 AND erasure = $2")
                .bind(id)
                .bind(erasure)
                .bind(now_ms)
                .execute(&mut *transaction)
                .await?;
        }
        transaction.commit().await?;
        backup.pending.clear();
        (backup.sha256, backup.bytes) = (sha256, bytes);
        Ok(backup)
    }

    /// Says that a copy was thrown away: nothing waits for it any more.
    pub async fn backup_gone(&self, id: &str, now_ms: i64) -> Result<()> {
        let done = sqlx::query("UPDATE backups SET gone_ms = COALESCE(gone_ms, $2) WHERE id = $1")
            .bind(id)
            .bind(now_ms)
            .execute(self.write())
            .await?;
        if done.rows_affected() == 1 {
            return Ok(());
        }
        Err(RecordsError::NotFound { what: "backup", id: id.to_owned() })
    }
}

/// Without the locks and the journal of a database in use.
async fn open_plain(path: &Path) -> Result<sqlx::AnyConnection> {
    let options: sqlx::any::AnyConnectOptions = address(path)?.parse()?;
    Ok(options.disable_statement_logging().connect().await?)
}

fn seal_copy(from: &Path, to: &Path, list: &Path, lines: &str) -> std::io::Result<(String, i64)> {
    File::open(from)?.sync_all()?;
    let found = hash_file(from)?;
    let mut file = File::create_new(list)?;
    file.write_all(lines.as_bytes())?;
    file.sync_all()?;
    fs::rename(from, to)?;
    to.parent().map_or(Ok(()), |folder| File::open(folder)?.sync_all())?;
    Ok(found)
}

fn hash_file(path: &Path) -> std::io::Result<(String, i64)> {
    let mut file = File::open(path)?;
    let (mut digest, mut buffer, mut bytes) = (Sha256::new(), vec![0; 1 << 20], 0);
    loop {
        let read = file.read(&mut buffer)?;
        if read == 0 {
            break;
        }
        bytes += i64::try_from(read).unwrap_or(0);
        digest.update(&buffer[..read]);
    }
    Ok((digest.finalize().iter().map(|byte| format!("{byte:02x}")).collect(), bytes))
}

fn unusable(path: &Path, error: &std::io::Error) -> RecordsError {
    RecordsError::File { path: path.to_owned(), problem: error.to_string() }
}

impl FromColumns for Backup {
    fn from_columns(row: &AnyRow) -> Result<Self> {
        Ok(Self {
            id: row.text("id")?,
            path: row.text("path")?.into(),
            made_ms: row.int("made_ms")?,
            bytes: row.int("bytes")?,
            sha256: row.text("sha256")?,
            audio: row.int("audio")?,
            audit: AuditEnd { seq: row.int("audit_seq")?, hash: row.text("audit_hash")? },
            gone_ms: row.int_opt("gone_ms")?,
            pending: Vec::new(),
        })
    }
}
