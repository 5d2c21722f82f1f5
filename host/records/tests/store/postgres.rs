//! Everything the other modules try, on a Postgres server: this program runs itself again with a server's address.

use std::fs;
use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use records::{RecordsError, Store};
use tempfile::TempDir;

/// Where the modules find a server; each test makes a database of its own on it.
pub(crate) const ADDRESS: &str = "GUDOK_TEST_POSTGRES";
/// The file in which a test's folder says which database is meant.
pub(crate) const NOTE: &str = "address";
/// What is only about files: `opening`, `crash`, `volume`, and these tests.
const FILES_ONLY: [&str; 4] = ["opening::", "crash::", "volume::", "postgres::"];
/// Postgres will not run as root; it runs as nobody then.
const NOBODY: u32 = 65_534;

/// A server of our own, in a folder of its own, gone with this.
struct Server {
    process: Child,
    address: String,
    _folder: TempDir,
}

impl Server {
    /// None where Postgres is not installed.
    fn start() -> Option<Self> {
        let programs = programs()?;
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("data");
        fs::create_dir(&data).unwrap();
        let root = fs::metadata(&data).is_ok_and(|data| std::os::unix::fs::MetadataExt::uid(&data) == 0);
        let as_somebody = |program: &str| {
            let mut command = Command::new(programs.join(program));
            command.current_dir(folder.path()).stdout(Stdio::null()).stderr(Stdio::null());
            if root {
                command.uid(NOBODY).gid(NOBODY);
            }
            command
        };
        if root {
            for place in [folder.path(), &data] {
                chown(place, Some(NOBODY), Some(NOBODY)).unwrap();
            }
        }
        let made = as_somebody("initdb")
            .args(["-U", "gudok", "--auth=trust", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync", "-D"])
            .arg(&data)
            .status();
        assert!(made.unwrap().success(), "initdb");
        let port = phones::process::free_port("127.0.0.1").unwrap();
        let process = as_somebody("postgres")
            .args(["-h", "127.0.0.1", "-c", "fsync=off", "-c", "max_connections=200", "-k"])
            .arg(folder.path())
            .args(["-p", &port.to_string(), "-D"])
            .arg(&data)
            .spawn()
            .unwrap();
        Some(Self { process, address: format!("postgres://gudok@127.0.0.1:{port}/postgres"), _folder: folder })
    }

    async fn ready(&self) {
        for _ in 0..300 {
            let options: sqlx::any::AnyConnectOptions = self.address.parse().unwrap();
            if sqlx::ConnectOptions::connect(&options).await.is_ok() {
                return;
            }
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        }
        panic!("the server of the test is not ready after half a minute");
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Debian keeps them outside the path, by version.
fn programs() -> Option<PathBuf> {
    let debian =
        fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten().map(|version| version.path().join("bin"));
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut folders: Vec<PathBuf> = debian.chain(std::env::split_paths(&path)).collect();
    folders.retain(|folder| folder.join("initdb").is_file() && folder.join("postgres").is_file());
    folders.into_iter().next()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_remembers_as_a_file_does() {
    if std::env::var_os(ADDRESS).is_some() {
        return;
    }
    let Some(server) = Server::start() else {
        eprintln!("Postgres is not installed here (apt install postgresql): not tried");
        return;
    };
    sqlx::any::install_default_drivers();
    server.ready().await;

    let mut again = Command::new(std::env::current_exe().unwrap());
    again.env(ADDRESS, &server.address);
    for module in FILES_ONLY {
        again.args(["--skip", module]);
    }
    let output = tokio::task::spawn_blocking(move || again.output()).await.unwrap().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));

    a_wrong_address_is_one_sentence(&server).await;
}

async fn a_wrong_address_is_one_sentence(server: &Server) {
    let folder = tempfile::tempdir().unwrap();
    let (server, _) = server.address.rsplit_once('/').unwrap();
    let address = format!("{server}/nowhere").replace("gudok@", "gudok:secret@");
    let error = Store::open_beside(&address, folder.path()).await.unwrap_err();
    assert!(matches!(error, RecordsError::Server { .. }), "{error:?}");
    let text = error.to_string();
    assert!(text.contains("nowhere") && text.contains("createdb") && !text.contains("secret"), "{text}");
}

/// A database that nobody else uses, on the server at `address`.
pub(crate) async fn database(address: &str, folder: &Path) -> Store {
    use sqlx::Executor as _;

    sqlx::any::install_default_drivers();
    let name = format!("t{}", records::id().replace('-', ""));
    let options: sqlx::any::AnyConnectOptions = address.parse().unwrap();
    let mut server = sqlx::ConnectOptions::connect(&options).await.unwrap();
    server.execute(sqlx::AssertSqlSafe(format!("CREATE DATABASE {name}"))).await.unwrap();
    let (server, _) = address.rsplit_once('/').unwrap();
    let address = format!("{server}/{name}");
    fs::write(folder.join(NOTE), &address).unwrap();
    Store::open_beside(address, folder).await.unwrap()
}
