//! Which clinics are served, and the files they stand in.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result, bail};
use desk::Clinic;

use crate::clinics;
use crate::place::Place;

/// Those that the command line names; without any, those of the folder `clinics` in the home folder, where pages make them.
pub struct ClinicFiles {
    named: Vec<String>,
    folder: PathBuf,
}

/// The clinics as their files say now.
#[derive(Default)]
pub struct Found {
    /// By id.
    pub clinics: BTreeMap<String, Arc<Clinic>>,
    /// The file of each that has one: those that ship inside the program have none.
    pub files: BTreeMap<String, PathBuf>,
}

impl ClinicFiles {
    pub fn new(named: &[String], place: &Place) -> ClinicFiles {
        ClinicFiles { named: named.to_vec(), folder: place.home.join("clinics") }
    }

    /// Where new ones are written; none where the command line says which there are.
    pub fn folder(&self) -> Option<&Path> {
        self.named.is_empty().then_some(self.folder.as_path())
    }

    /// Reads them all.
    pub fn read(&self) -> Result<Found> {
        let mut found = Found::default();
        for name in &self.named {
            let path = Path::new(name);
            if path.is_dir() {
                let files = files(path)?;
                if files.is_empty() {
                    bail!("{}: no clinic files (.toml) in this folder", path.display());
                }
                for file in files {
                    found.take(&file)?;
                }
            } else if path.is_file() {
                found.take(path)?;
            } else {
                let clinic = clinics::one(name)?;
                found.clinics.insert(clinic.id.clone(), clinic);
            }
        }
        if let Some(folder) = self.folder().filter(|folder| folder.is_dir()) {
            for file in files(folder)? {
                found.take(&file)?;
            }
        }
        Ok(found)
    }

    /// What names the present content of all files, and of one beside them. What cannot be read counts as empty.
    pub fn content(&self, beside: Option<&Path>) -> u64 {
        let mut hash = DefaultHasher::new();
        let named = self.named.iter().map(Path::new);
        for path in named.chain(self.folder()).chain(beside) {
            let all = if path.is_dir() { files(path).unwrap_or_default() } else { vec![path.to_owned()] };
            for file in all {
                file.hash(&mut hash);
                std::fs::read(&file).unwrap_or_default().hash(&mut hash);
            }
        }
        hash.finish()
    }
}

impl Found {
    fn take(&mut self, file: &Path) -> Result<()> {
        let clinic = Clinic::load(file)?;
        if let Some(other) = self.files.get(&clinic.id) {
            bail!("{} and {} are both `{}`: give one of them another id", other.display(), file.display(), clinic.id);
        }
        self.files.insert(clinic.id.clone(), file.to_owned());
        self.clinics.insert(clinic.id.clone(), Arc::new(clinic));
        Ok(())
    }
}

fn files(folder: &Path) -> Result<Vec<PathBuf>> {
    let entries = std::fs::read_dir(folder).with_context(|| format!("{}: cannot be read", folder.display()))?;
    let mut files: Vec<_> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    files.retain(|file| file.is_file() && file.extension().is_some_and(|ending| ending == "toml"));
    files.sort();
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_that_is_not_there_yet_is_no_clinic_and_then_those_in_it() {
        let home = tempfile::tempdir().unwrap();
        let place = Place::new(Some(home.path()), None);
        let files = ClinicFiles::new(&[], &place);
        assert!(files.read().unwrap().clinics.is_empty());
        let (folder, before) = (files.folder().unwrap().to_owned(), files.content(None));
        std::fs::create_dir_all(folder.join("history")).unwrap();
        let text = include_str!("../../../../../clinics/templates/dental.toml");
        std::fs::write(folder.join("one.toml"), text).unwrap();
        let found = files.read().unwrap();
        assert_eq!((found.clinics.len(), &found.files["clinic"]), (1, &folder.join("one.toml")));
        assert_ne!(files.content(None), before);
        std::fs::write(folder.join("two.toml"), text).unwrap();
        assert!(files.read().err().unwrap().to_string().contains("are both `clinic`"));
        let shipped = ClinicFiles::new(&["vet_lapa".to_owned()], &place);
        assert!(shipped.folder().is_none() && shipped.read().unwrap().files.is_empty());
    }
}
