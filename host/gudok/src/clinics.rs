//! Clinics by id, by file or by folder. Four ship inside the program, so that everything can be tried at once.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context, Result, bail};
use desk::Clinic;
use serde::Deserialize;
use session::meaning;
use understanding::profile::{Kind, Profile};

/// The clinics that ship: `(id, file)`.
const SHIPPED: [(&str, &str); 4] = [
    ("vet_lapa", include_str!("../../../clinics/vet_lapa.toml")),
    ("vet_zoo", include_str!("../../../clinics/vet_zoo.toml")),
    ("med_plus", include_str!("../../../clinics/med_plus.toml")),
    ("dent_smile", include_str!("../../../clinics/dent_smile.toml")),
];

/// The file of a clinic that ships.
pub fn shipped(id: &str) -> Option<&'static str> {
    SHIPPED.iter().find(|(known, _)| *known == id).map(|(_, text)| *text)
}

/// One clinic: a `.toml` file, else the id of one that ships.
pub fn one(name: &str) -> Result<Arc<Clinic>> {
    let path = Path::new(name);
    if path.is_file() {
        return Ok(Arc::new(Clinic::load(path)?));
    }
    match SHIPPED.iter().find(|(id, _)| *id == name) {
        Some((id, text)) => Ok(Arc::new(Clinic::parse(text, &format!("{id}.toml"))?)),
        None => {
            let known: Vec<&str> = SHIPPED.iter().map(|(id, _)| *id).collect();
            bail!("no clinic `{name}`: give a .toml file, or one of those that ship: {}", known.join(", "))
        }
    }
}

/// Several clinics by id: files, ids that ship, and folders with `.toml` files.
pub fn several(names: &[String]) -> Result<BTreeMap<String, Arc<Clinic>>> {
    let mut clinics = BTreeMap::new();
    for name in names {
        let path = Path::new(name);
        if path.is_dir() {
            let entries = std::fs::read_dir(path).with_context(|| format!("{}: cannot be read", path.display()))?;
            let mut files: Vec<_> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
            files.retain(|file| file.extension().is_some_and(|ending| ending == "toml"));
            files.sort();
            if files.is_empty() {
                bail!("{}: no clinic files (.toml) in this folder", path.display());
            }
            for file in files {
                let clinic = Clinic::load(&file)?;
                clinics.insert(clinic.id.clone(), Arc::new(clinic));
            }
        } else {
            let clinic = one(name)?;
            clinics.insert(clinic.id.clone(), clinic);
        }
    }
    Ok(clinics)
}

/// A clinic in a list: what it offers, and nothing more.
#[derive(Deserialize)]
struct Listed {
    #[serde(default)]
    id: String,
    #[serde(default)]
    name: String,
    kind: Kind,
    services: Vec<String>,
    #[serde(default)]
    absent: Vec<String>,
}

fn is_list(name: &str) -> bool {
    Path::new(name).extension().is_some_and(|ending| ending == "json" || ending == "jsonl")
}

/// Clinics as lists have them: `.jsonl` with one a line, `.json` with all by id.
fn listed(path: &Path) -> Result<Vec<Profile>> {
    let text = std::fs::read_to_string(path).with_context(|| format!("{}: cannot be read", path.display()))?;
    let wanted = "a clinic is {\"id\", \"name\", \"kind\", \"services\": [], \"absent\": []}";
    let profile =
        |clinic: Listed| Profile::new(&clinic.id, &clinic.name, clinic.kind, &clinic.services, &clinic.absent);
    if path.extension().is_some_and(|ending| ending == "json") {
        let by_id: BTreeMap<String, Listed> =
            serde_json::from_str(&text).with_context(|| format!("{}: {wanted}, all by id", path.display()))?;
        return Ok(by_id.into_iter().map(|(id, clinic)| profile(Listed { id, ..clinic })).collect());
    }
    let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    let read = |(number, line)| {
        let clinic: Listed =
            serde_json::from_str(line).with_context(|| format!("{}, line {}: {wanted}", path.display(), number + 1))?;
        if clinic.id.is_empty() {
            bail!("{}, line {}: the clinic has no id; {wanted}", path.display(), number + 1);
        }
        Ok(profile(clinic))
    };
    lines.map(read).collect()
}

/// What understanding knows of clinics, for lines that name theirs.
pub struct Profiles {
    named: BTreeMap<String, Arc<Profile>>,
    /// The one that lines without a clinic are judged by.
    default: Option<Arc<Profile>>,
    /// Unknown clinics that were reported.
    said: Mutex<BTreeSet<String>>,
}

impl Profiles {
    /// The clinics given on the command line; those that ship are always known by id.
    pub fn load(names: &[String]) -> Result<Profiles> {
        let mut named = BTreeMap::new();
        for (id, text) in SHIPPED {
            let clinic = Clinic::parse(text, &format!("{id}.toml"))?;
            named.insert(id.to_owned(), Arc::new(meaning::profile(&clinic)));
        }
        let (lists, files): (Vec<String>, Vec<String>) = names.iter().cloned().partition(|name| is_list(name));
        let mut given: Vec<Profile> = several(&files)?.values().map(|clinic| meaning::profile(clinic)).collect();
        for list in &lists {
            given.extend(listed(Path::new(list))?);
        }
        let only = given.len() == 1;
        let mut default = None;
        for profile in given.into_iter().map(Arc::new) {
            if only {
                default = Some(Arc::clone(&profile));
            }
            named.insert(profile.id.clone(), profile);
        }
        Ok(Profiles { named, default, said: Mutex::default() })
    }

    /// The clinic of a line, for judgements that can do without: an unknown one is said once, and the line is judged
    /// without a list of services.
    pub fn of_or_none(&self, clinic: Option<&str>) -> Option<&Profile> {
        match self.of(clinic) {
            Ok(profile) => profile,
            Err(error) => {
                let mut said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
                if said.insert(clinic.unwrap_or_default().to_owned()) {
                    eprintln!("{error}; its calls are judged without a list of services");
                }
                None
            }
        }
    }

    /// The clinic of a line; an unknown one is an error that names those that are known.
    pub fn of(&self, clinic: Option<&str>) -> Result<Option<&Profile>> {
        match clinic {
            None => Ok(self.default.as_deref()),
            Some(id) => match self.named.get(id) {
                Some(profile) => Ok(Some(profile)),
                None => bail!(
                    "clinic `{id}` is not known; give its file with --clinic (known: {})",
                    self.named.keys().cloned().collect::<Vec<_>>().join(", ")
                ),
            },
        }
    }
}
