//! Where things are on this machine.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

/// The folders of one run.
#[derive(Debug, Clone)]
pub struct Place {
    /// Database, recordings, installed flows.
    pub home: PathBuf,
    /// The database: a file, or the address of a server.
    pub db: PathBuf,
    /// Compiled flows, synthesised prompts: may be deleted at any time.
    pub cache: PathBuf,
    /// Speech models.
    pub models: PathBuf,
}

impl Place {
    /// From the command line, the environment, or the usual folders of the user.
    pub fn new(home: Option<&Path>, db: Option<&Path>) -> Place {
        let user = PathBuf::from(std::env::var_os("HOME").unwrap_or_else(|| "/tmp".into()));
        let data = std::env::var_os("XDG_DATA_HOME").map_or_else(|| user.join(".local/share"), PathBuf::from);
        let cache = std::env::var_os("XDG_CACHE_HOME").map_or_else(|| user.join(".cache"), PathBuf::from).join("gudok");
        let home = home.map_or_else(|| data.join("gudok"), Path::to_owned);
        Place {
            db: db.map_or_else(|| home.join("gudok.db"), Path::to_owned),
            models: std::env::var_os("GUDOK_MODELS").map_or_else(|| cache.join("models"), PathBuf::from),
            home,
            cache,
        }
    }

    /// The database, made if it is not there yet. Journals are sealed with the keys in the home folder.
    pub async fn store(&self) -> Result<records::Store> {
        self.store_of([]).await
    }

    /// The same for these clinics, whose keys may lie elsewhere.
    pub async fn store_of<'a>(&self, clinics: impl IntoIterator<Item = &'a desk::Clinic>) -> Result<records::Store> {
        // The store makes the folder of a database that is a file.
        std::fs::create_dir_all(&self.home).with_context(|| format!("{}: cannot be made", self.home.display()))?;
        let keys =
            clinics.into_iter().fold(records::Keyring::new(self.home.join("keys")), |keys, clinic| {
                match &clinic.privacy.journal_key {
                    Some(file) => keys.with_file(&clinic.id, file),
                    None => keys,
                }
            });
        let store = records::Store::open_beside(&self.db, &self.home).await?.with_keyring(keys);
        store.recordings_wait_in(self.home.join("recordings"));
        store.seal_open_totps().await?;
        Ok(store)
    }
}
