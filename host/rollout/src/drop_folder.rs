//! Deploying by dropping a file: `<folder>/<clinic>/<entry>/<flow>.wasm`.
//!
//! A file is taken when its size and time stayed the same from one look to the next, so that a copy under way is not. It is
//! added to the library and deployed for all calls. Then the file goes and `<flow>.done` beside says which version it
//! became; a refused one becomes `<flow>.wasm.refused`, with the reason in `<flow>.refused.txt`. A signature may lie beside it
//! as `<flow>.sig` (base64). New capabilities are refused here: a person allows them with `gudok flow add --allow`.

use std::collections::HashMap;
use std::fs;
use std::future::Future;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use records::Entry;

use crate::RolloutError;
use crate::library::{AddOptions, short};
use crate::route::How;
use crate::routes::{Act, Deployed, Routes};
use crate::signing::parse_signature;

/// How often the folder is looked at.
const LOOK: Duration = Duration::from_secs(1);

/// The folder that is watched.
pub struct DropFolder {
    folder: PathBuf,
    routes: Routes,
    /// Files as they were at the last look.
    seen: HashMap<PathBuf, (u64, SystemTime)>,
}

/// What became of a dropped file.
#[derive(Debug)]
pub struct Dropped {
    /// The file, as it was dropped.
    pub path: PathBuf,
    /// The digest it was deployed as, or why not.
    pub result: Result<String, RolloutError>,
}

impl DropFolder {
    /// Watches `folder` (usually `<home>/flows/drop`); it need not be there yet.
    pub fn new(folder: impl Into<PathBuf>, routes: Routes) -> Self {
        Self { folder: folder.into(), routes, seen: HashMap::new() }
    }

    /// Looks once, and takes what is complete.
    ///
    /// # Errors
    /// [`RolloutError::Io`] when the folder or a result cannot be read or written.
    pub async fn poll(&mut self, now_ms: i64) -> Result<Vec<Dropped>, RolloutError> {
        let found = scan(&self.folder)?;
        let ready: Vec<PathBuf> = found
            .iter()
            .filter(|(path, state)| self.seen.get(*path) == Some(state))
            .map(|(path, _)| path.clone())
            .collect();
        self.seen = found;
        let mut dropped = Vec::new();
        for path in ready {
            let result = self.take(&path, now_ms).await;
            tell(&path, &result)?;
            self.seen.remove(&path);
            dropped.push(Dropped { path, result });
        }
        Ok(dropped)
    }

    /// Looks again and again, until `shutdown` is ready.
    pub async fn watch(mut self, shutdown: impl Future<Output = ()> + Send) {
        let mut shutdown = std::pin::pin!(shutdown);
        let mut look = tokio::time::interval(LOOK);
        look.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut trouble = String::new();
        loop {
            tokio::select! {
                () = &mut shutdown => return,
                _ = look.tick() => {}
            }
            match self.poll(jiff::Timestamp::now().as_millisecond()).await {
                Ok(dropped) => {
                    trouble.clear();
                    for Dropped { path, result } in dropped {
                        let path = path.display();
                        match result {
                            Ok(digest) => tracing::info!(%path, digest = short(&digest), "dropped flow deployed"),
                            Err(error) => tracing::warn!(%path, "dropped flow refused: {error}"),
                        }
                    }
                }
                Err(error) if error.to_string() == trouble => {}
                Err(error) => {
                    trouble = error.to_string();
                    tracing::error!("the folder for flows cannot be used: {trouble}");
                }
            }
        }
    }

    async fn take(&self, path: &Path, now_ms: i64) -> Result<String, RolloutError> {
        let name =
            |path: Option<&Path>| path.and_then(Path::file_name).unwrap_or_default().to_string_lossy().into_owned();
        let (entry, clinic) = (name(path.parent()), name(path.parent().and_then(Path::parent)));
        let entry: Entry = entry.parse().map_err(RolloutError::BadEntry)?;
        let io = |source| RolloutError::Io { path: path.into(), source };
        let wasm = tokio::fs::read(path).await.map_err(io)?;
        let flow = path.file_stem().unwrap_or_default().to_string_lossy();
        let signature = match fs::read_to_string(path.with_extension("sig")) {
            Ok(text) => Some(parse_signature(&text)?),
            Err(_) => None,
        };
        let by = "drop folder";
        let require_signed_by = self.routes.policy(&clinic).signed_by;
        let options = AddOptions { signature, require_signed_by, by: by.into(), now_ms, ..AddOptions::default() };
        let digest = self.routes.library().add(&flow, &wasm, options).await?.version.digest;
        let act = Act { by, reason: "", now_ms };
        match self.routes.deploy(&clinic, entry, &digest, How::All, None, act).await? {
            Deployed::Now(_) | Deployed::Already(_) | Deployed::Planned(_) => Ok(digest),
        }
    }
}

/// The `.wasm` files two folders down, with size and time.
fn scan(folder: &Path) -> Result<HashMap<PathBuf, (u64, SystemTime)>, RolloutError> {
    let mut found = HashMap::new();
    for clinic in list(folder)? {
        for entry in list(&clinic)? {
            for path in list(&entry)? {
                // A file that goes away between two looks was not meant for us.
                let Ok(meta) = fs::metadata(&path) else { continue };
                if meta.is_file() && path.extension().is_some_and(|extension| extension == "wasm") {
                    let changed = meta.modified().unwrap_or(SystemTime::UNIX_EPOCH);
                    found.insert(path, (meta.len(), changed));
                }
            }
        }
    }
    Ok(found)
}

/// What is in a folder; nothing, if it is none.
fn list(folder: &Path) -> Result<Vec<PathBuf>, RolloutError> {
    use std::io::ErrorKind::{NotADirectory, NotFound};
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if matches!(error.kind(), NotFound | NotADirectory) => return Ok(Vec::new()),
        Err(source) => return Err(RolloutError::Io { path: folder.into(), source }),
    };
    let mut paths: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    paths.sort();
    Ok(paths)
}

/// Leaves the result beside the file.
fn tell(path: &Path, result: &Result<String, RolloutError>) -> Result<(), RolloutError> {
    let (done, reason) = (path.with_extension("done"), path.with_extension("refused.txt"));
    for old in [&done, &reason] {
        let _ = fs::remove_file(old);
    }
    let written = match result {
        Ok(digest) => fs::write(&done, format!("deployed as version {digest}\n")).and_then(|()| fs::remove_file(path)),
        Err(error) => fs::write(&reason, format!("{error}\n"))
            .and_then(|()| fs::rename(path, path.with_extension("wasm.refused"))),
    };
    written.map_err(|source| RolloutError::Io { path: path.into(), source })
}
