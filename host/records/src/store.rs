//! Opening the database: where it lies, how it is locked, which schema it has.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use sqlx::any::{Any, AnyPoolOptions};
use sqlx::migrate::MigrateError;
use sqlx::{AnyPool, ConnectOptions as _, Connection as _, Executor as _, Row as _, Transaction};
use tokio::sync::watch;

use crate::append::Appender;
use crate::dialect::{self, Dialect};
use crate::seal::Keys;
use crate::turns::ClinicOf;
use crate::{RecordsError, Result, schema};

/// The one handle to what is remembered. Cheap to clone; every clone shares the connections.
///
/// SQLite has one writer at a time, so writes go through one connection and wait in line for it rather than fail with
/// "database is locked"; reads have connections of their own and never wait for a write (WAL). Other processes that
/// write the same file are waited for up to [`Store::BUSY`]. On a Postgres server it is the same: one writer at a time, by a
/// lock that every program takes.
#[derive(Clone, Debug)]
pub struct Store {
    pub(crate) inner: Arc<Inner>,
}

#[derive(Debug)]
pub(crate) struct Inner {
    pub(crate) write: AnyPool,
    pub(crate) read: AnyPool,
    pub(crate) audio: PathBuf,
    pub(crate) appender: Appender,
    pub(crate) keys: Keys,
    pub(crate) clinic_of: ClinicOf,
    /// Where recordings wait to be put away.
    waiting: RwLock<Vec<PathBuf>>,
    /// Counts commits that may have added to the feed.
    pub(crate) bell: watch::Sender<u64>,
    pub(crate) dialect: Dialect,
    path: PathBuf,
}

impl Store {
    /// How long a write waits for another process's write before it fails with [`RecordsError::Busy`].
    pub const BUSY: Duration = Duration::from_secs(10);

    /// Opens the database at `place` (a path, or `sqlite:PATH`), makes it and its folder if they are not there, and brings
    /// its schema up to date. Audio lies beside it in a folder `audio/`.
    ///
    /// Must be called inside a tokio runtime, which has to live as long as the store.
    ///
    /// # Errors
    /// One clear sentence each for a path that cannot be used ([`RecordsError::BadPath`]), a damaged file
    /// ([`RecordsError::Corrupt`]), a file of a newer program ([`RecordsError::NewerSchema`]), and an address this
    /// build has no driver for ([`RecordsError::UnknownDatabase`]).
    pub async fn open(place: impl AsRef<Path>) -> Result<Self> {
        Self::open_beside(place, Path::new(".")).await
    }

    /// [`Store::open`] for a database that may be lost, because what is in it can be made again: what is written is not waited for
    /// until it is on the disk. It survives the program's end, not the machine's.
    ///
    /// # Errors
    /// Those of [`Store::open`].
    pub async fn open_unsynced(place: impl AsRef<Path>) -> Result<Self> {
        let store = Self::open(place).await?;
        if store.dialect() == Dialect::Sqlite {
            // The one connection that writes.
            sqlx::query("PRAGMA synchronous = OFF").execute(store.write()).await?;
        }
        Ok(store)
    }

    /// [`Store::open`]; and where `place` is the address of a server (`postgres://USER:PASSWORD@HOST/DATABASE`), audio lies in
    /// `folder`, as does what is noted of erasures.
    ///
    /// # Errors
    /// Those of [`Store::open`], and [`RecordsError::Server`] when the server cannot be reached.
    pub async fn open_beside(place: impl AsRef<Path>, folder: &Path) -> Result<Self> {
        let place = place.as_ref();
        sqlx::any::install_default_drivers();
        if Dialect::of(place)? == Dialect::Postgres {
            let address = place.to_str().unwrap_or_default();
            let path = folder.join("gudok-postgres");
            prepare_folder(&path)?;
            return Self::connect_server(address, path).await.map_err(|error| match error {
                RecordsError::Database(problem) => {
                    RecordsError::Server { address: dialect::shown(place), problem: problem.to_string() }
                }
                other => other,
            });
        }
        let path = sqlite_path(place)?;
        prepare_folder(&path)?;
        Self::connect(&path).await.map_err(|error| error.at(&path))
    }

    async fn connect_server(address: &str, path: PathBuf) -> Result<Self> {
        // A pool would try for a minute to reach a server that is not there.
        let options: sqlx::any::AnyConnectOptions = address.parse()?;
        options.connect().await?.close().await?;
        let write = server_pool(address, 1).await?;
        migrate(&write, Dialect::Postgres, &dialect::shown(Path::new(address))).await?;
        let read = server_pool(address, READERS).await?;
        Ok(Self::over(write, read, Dialect::Postgres, path))
    }

    async fn connect(path: &Path) -> Result<Self> {
        // One process at a time makes or upgrades the schema; the lock ends with the file handle.
        // Waiting for it blocks, hence the thread.
        let lock_path = with_suffix(path, "-schema-lock");
        let at = lock_path.clone();
        let lock = tokio::task::spawn_blocking(move || File::create(&at).and_then(|file| file.lock().map(|()| file)));
        let lock = lock.await.map_err(|_| RecordsError::Closed)?;
        let lock = lock.map_err(|error| RecordsError::BadPath { path: lock_path, problem: error.to_string() })?;

        look_at(path).await?;
        let write = pool(path, 1).await?;
        migrate(&write, Dialect::Sqlite, path).await?;
        drop(lock);
        let read = pool(path, READERS).await?;
        Ok(Self::over(write, read, Dialect::Sqlite, path.to_owned()))
    }

    fn over(write: AnyPool, read: AnyPool, dialect: Dialect, path: PathBuf) -> Self {
        let folder = path.parent().unwrap_or(Path::new("."));
        let inner = Inner {
            appender: Appender::start(write.clone(), dialect),
            write,
            read,
            audio: folder.join("audio"),
            keys: Keys::default(),
            clinic_of: ClinicOf::default(),
            waiting: RwLock::default(),
            bell: watch::Sender::new(0),
            dialect,
            path,
        };
        tracing::debug!(schema = schema::newest(), "database open");
        Self { inner: Arc::new(inner) }
    }

    /// The database's file. Of a database on a server: with what the names of files begin that lie here and belong to it.
    pub fn path(&self) -> &Path {
        &self.inner.path
    }

    /// The folder with the audio.
    pub fn audio_folder(&self) -> &Path {
        &self.inner.audio
    }

    /// Recordings that wait to be put away lie in this folder, as `CLINIC/DAY/CALL.wav`: an erasure looks there, too. For this
    /// handle and all its clones.
    pub fn recordings_wait_in(&self, folder: impl Into<PathBuf>) {
        let folder = folder.into();
        let mut waiting = self.inner.waiting.write().unwrap_or_else(PoisonError::into_inner);
        if !waiting.contains(&folder) {
            waiting.push(folder);
        }
    }

    pub(crate) fn waiting_recordings(&self) -> Vec<PathBuf> {
        self.inner.waiting.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Reads every page and says whether the file is sound (SQLite's `integrity_check`; minutes on a large file). A server
    /// looks after its own files: of it only an answer is expected.
    ///
    /// # Errors
    /// [`RecordsError::Corrupt`] with what was found first.
    pub async fn check(&self) -> Result<()> {
        let question = match self.inner.dialect {
            Dialect::Sqlite => "PRAGMA integrity_check(1)",
            Dialect::Postgres => "SELECT 'ok'",
        };
        let found: String = sqlx::query_scalar(question)
            .fetch_one(&self.inner.read)
            .await
            .map_err(|error| RecordsError::from(error).at(&self.inner.path))?;
        if found == "ok" {
            return Ok(());
        }
        Err(RecordsError::Corrupt { path: self.inner.path.clone(), detail: found })
    }

    /// Waits for what is being written, then closes every connection. Without it nothing is lost either.
    pub async fn close(&self) {
        self.inner.write.close().await;
        self.inner.read.close().await;
    }

    /// A transaction that holds the write lock from its first moment, so that what it checks stays true until it commits.
    pub(crate) async fn begin_write(&self) -> Result<Transaction<'static, Any>> {
        Ok(self.inner.write.begin_with(self.inner.dialect.begin_alone()).await?)
    }

    pub(crate) fn read(&self) -> &AnyPool {
        &self.inner.read
    }

    pub(crate) fn write(&self) -> &AnyPool {
        &self.inner.write
    }

    pub(crate) fn dialect(&self) -> Dialect {
        self.inner.dialect
    }
}

const READERS: u32 = 4;

/// A pool tries again and again when setting a connection up fails; a file that is no database is told at once instead.
async fn look_at(path: &Path) -> Result<()> {
    let options: sqlx::any::AnyConnectOptions = address(path)?.parse()?;
    let mut connection = options.disable_statement_logging().connect().await?;
    let result = connection.execute("PRAGMA journal_mode = WAL; SELECT count(*) FROM sqlite_master;").await;
    connection.close().await?;
    result.map(|_| ()).map_err(RecordsError::from)
}

async fn pool(path: &Path, connections: u32) -> Result<AnyPool> {
    let address = address(path)?;
    let options: sqlx::any::AnyConnectOptions = address.parse()?;
    let options = options.disable_statement_logging();
    // The cache is of each connection: what it leaves out, the system's own cache has. What is deleted is overwritten.
    let pragmas = format!(
        "PRAGMA busy_timeout = {}; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; \
         PRAGMA foreign_keys = ON; PRAGMA cache_size = -4096; \
         PRAGMA journal_size_limit = 67108864; PRAGMA secure_delete = ON;",
        Store::BUSY.as_millis()
    );
    let pool = AnyPoolOptions::new()
        .max_connections(connections)
        // The line for the one writer may be long in a burst; each waits its turn.
        .acquire_timeout(Duration::from_secs(60))
        .idle_timeout(None)
        .max_lifetime(None)
        .after_connect(move |connection, _| {
            let pragmas = pragmas.clone();
            Box::pin(async move {
                connection.execute(sqlx::AssertSqlSafe(pragmas)).await?;
                Ok(())
            })
        })
        .connect_with(options)
        .await?;
    Ok(pool)
}

async fn server_pool(address: &str, connections: u32) -> Result<AnyPool> {
    let options: sqlx::any::AnyConnectOptions = address.parse()?;
    let pool = AnyPoolOptions::new().max_connections(connections).acquire_timeout(Duration::from_secs(60));
    Ok(pool.connect_with(options.disable_statement_logging()).await?)
}

async fn migrate(pool: &AnyPool, dialect: Dialect, path: &Path) -> Result<()> {
    let known = schema::newest();
    schema::migrator(dialect).run(pool).await.map_err(|error| match error {
        MigrateError::VersionMissing(found) if found > known => {
            RecordsError::NewerSchema { path: path.to_owned(), found, known }
        }
        MigrateError::VersionMissing(version) | MigrateError::VersionMismatch(version) => {
            RecordsError::ForeignSchema { path: path.to_owned(), version }
        }
        MigrateError::Execute(error) | MigrateError::ExecuteMigration(error, _) => error.into(),
        other => RecordsError::Database(sqlx::Error::Migrate(Box::new(other))),
    })?;
    // A damaged file often opens well and fails at the first real read: touch the catalogue now.
    let tables = sqlx::query("SELECT count(*) AS n FROM calls WHERE id = ''").fetch_one(pool).await?;
    let _: i64 = tables.try_get("n")?;
    Ok(())
}

fn sqlite_path(place: &Path) -> Result<PathBuf> {
    let bad = |problem: &str| RecordsError::BadPath { path: place.to_owned(), problem: problem.to_owned() };
    let text = place.to_str().ok_or_else(|| bad("the name is not valid UTF-8"))?;
    let text = match text.split_once("://") {
        Some(("sqlite", path)) => path,
        Some((scheme, _)) => return Err(RecordsError::UnknownDatabase { scheme: scheme.to_owned() }),
        None => text.strip_prefix("sqlite:").unwrap_or(text),
    };
    if text.is_empty() {
        return Err(bad("no file is named"));
    }
    std::path::absolute(text).map_err(|error| bad(&error.to_string()))
}

fn prepare_folder(path: &Path) -> Result<()> {
    let bad = |problem: String| RecordsError::BadPath { path: path.to_owned(), problem };
    if path.is_dir() {
        return Err(bad("this is a folder, not a file".to_owned()));
    }
    let folder = path.parent().ok_or_else(|| bad("no file is named".to_owned()))?;
    std::fs::create_dir_all(folder).map_err(|error| bad(format!("cannot make its folder: {error}")))
}

/// The URL that sqlx takes: everything but the plainest characters is percent-encoded, so that any file name works.
pub(crate) fn address(path: &Path) -> Result<String> {
    let text = path.to_str().ok_or_else(|| RecordsError::BadPath {
        path: path.to_owned(),
        problem: "the name is not valid UTF-8".to_owned(),
    })?;
    let mut url = String::from("sqlite://");
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'-' | b'_' | b'.' => url.push(char::from(byte)),
            _ => url.push_str(&format!("%{byte:02X}")),
        }
    }
    url.push_str("?mode=rwc");
    Ok(url)
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}
