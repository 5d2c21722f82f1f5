//! The library of versions and the routes, as every command sees them.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result, bail};
use desk::Clinic;
use flows::Engine;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use records::{FlowRoute, FlowSchedule, FlowVersion, HowKind, Store};
use rollout::signing::SignatureBytes;
use rollout::{Act, AddOptions, Added, Allow, Bounds, Library, Policy, PublicKey, Routes, short};
use serde_json::{Value, json};

use crate::cli::Format;
use crate::place::Place;
use crate::stage;

/// The largest component that is taken, wherever it comes from.
pub const LARGEST: u64 = 64 * 1024 * 1024;

/// What the library keeps, and where routes are written.
pub struct House {
    /// The versions.
    pub library: Library,
    /// The records.
    pub store: Store,
}

/// On which terms a version is taken.
#[derive(Default)]
pub struct Terms {
    /// What it may ask for though the version before did not.
    pub allow: Vec<String>,
    /// Its signature.
    pub signature: Option<SignatureBytes>,
    /// The clinic whose rule about signatures applies.
    pub clinic: Option<Arc<Clinic>>,
}

impl House {
    /// The one in the home folder, made if it is not there yet.
    pub async fn open(place: &Place) -> Result<House> {
        House::open_for(place, []).await
    }

    /// The same for these clinics, whose keys may lie elsewhere.
    pub async fn open_for<'a>(place: &Place, clinics: impl IntoIterator<Item = &'a Clinic>) -> Result<House> {
        House::open_on(place, clinics, stage::engine(place)?).await
    }

    /// The same with an engine of one's own.
    pub async fn open_on<'a>(
        place: &Place,
        clinics: impl IntoIterator<Item = &'a Clinic>,
        engine: Engine,
    ) -> Result<House> {
        let store = place.store_of(clinics).await?;
        let library = stage::library(&engine, &store, place)?;
        Ok(House { library, store })
    }

    /// A version that is in the library, or a file, which is added first.
    pub async fn version_or_file(&self, name: &str, clinic: &Arc<Clinic>) -> Result<FlowVersion> {
        let path = Path::new(name);
        if !path.is_file() {
            return Ok(self.library.show(name).await?);
        }
        let terms = Terms { clinic: Some(Arc::clone(clinic)), ..Terms::default() };
        Ok(self.add_file(path, None, terms).await?.version)
    }

    /// Adds a file under this name, or its own.
    pub async fn add_file(&self, path: &Path, name: Option<&str>, terms: Terms) -> Result<Added> {
        let wasm = read(path)?;
        let stem = path.file_stem().map(|stem| stem.to_string_lossy().into_owned());
        let Some(name) = name.map(str::to_owned).or(stem) else { bail!("{}: is not a file", path.display()) };
        self.add(&name, &wasm, terms).await
    }

    /// Adds a component.
    pub async fn add(&self, name: &str, wasm: &[u8], terms: Terms) -> Result<Added> {
        let allow = match terms.allow.iter().any(|word| word == "all") {
            true => Allow::All,
            false => Allow::These(terms.allow),
        };
        let require_signed_by = match terms.clinic.as_deref() {
            Some(clinic) => policy(clinic)?.signed_by,
            None => Vec::new(),
        };
        let options = AddOptions { allow, signature: terms.signature, require_signed_by, by: by(), now_ms: now_ms() };
        // Large components take their time; small ones are there before anybody wonders.
        if wasm.len() > 1_000_000 {
            eprintln!("    compiling {name} ({} kB) …", wasm.len().div_ceil(1_000));
        }
        Ok(self.library.add(name, wasm, options).await?)
    }

    /// The routes, with what these clinics want of their flows.
    pub fn routes<'a>(&self, clinics: impl IntoIterator<Item = &'a Clinic>) -> Result<Routes> {
        let routes = Routes::new(self.library.clone());
        set_policies(&routes, clinics)?;
        Ok(routes)
    }

    /// A route in one sentence.
    pub async fn said(&self, route: &FlowRoute) -> String {
        let stable = self.label(&route.stable).await;
        let mut said = match (&route.candidate, route.percent) {
            (Some(candidate), Some(percent)) => {
                format!("{} answers {percent}% of the calls, {stable} the others", self.label(candidate).await)
            }
            _ => format!("{stable} answers every call"),
        };
        if let Some(shadow) = &route.shadow {
            said.push_str(&format!("; {} runs beside, unheard", self.label(shadow).await));
        }
        format!("{}/{}: {said}", route.clinic, route.entry)
    }

    /// `vet-desk@3f2a9c01d2e4`, also for versions that were removed.
    pub async fn label(&self, digest: &str) -> String {
        match self.store.flow_version(digest).await {
            Ok(version) => format!("{}@{}", version.name, short(digest)),
            Err(_) => short(digest),
        }
    }

    /// A version as a cell of a list: for a person by name, for a program by its whole digest.
    pub async fn cell(&self, digest: Option<&str>, format: Format) -> Value {
        match digest {
            None => Value::Null,
            Some(digest) if format == Format::Table => json!(self.label(digest).await),
            Some(digest) => json!(digest),
        }
    }

    /// A planned change in a few words.
    pub async fn plan(&self, plan: &FlowSchedule, format: Format, zone: Option<&TimeZone>) -> String {
        let how = match plan.how {
            HowKind::All => String::new(),
            HowKind::Canary => format!(" for {}%", plan.percent.unwrap_or_default()),
            HowKind::Shadow => " as shadow".to_owned(),
        };
        format!("{}{how} at {}", self.label(&plan.digest).await, moment(plan.at_ms, format, zone))
    }
}

/// What these clinics want of their flows from now on.
pub fn set_policies<'a>(routes: &Routes, clinics: impl IntoIterator<Item = &'a Clinic>) -> Result<()> {
    for clinic in clinics {
        routes.set_policy(&clinic.id, policy(clinic)?);
    }
    Ok(())
}

/// What a clinic's file says about flows.
fn policy(clinic: &Clinic) -> Result<Policy> {
    let key = |text: &String| {
        text.parse::<PublicKey>().with_context(|| format!("clinic {}: a key of [flows] signed_by is no key", clinic.id))
    };
    let signed_by = clinic.flows.signed_by.iter().map(key).collect::<Result<_>>()?;
    let rules = &clinic.flows.rollback;
    let bounds =
        Bounds { min_calls: rules.min_calls, traps_more: rules.traps_more, handovers_more: rules.handovers_more };
    Ok(Policy { signed_by, bounds })
}

/// A component from a file: as it is, or made of a core module that describes its interface.
pub fn read(path: &Path) -> Result<Vec<u8>> {
    let size = std::fs::metadata(path).with_context(|| format!("{}: cannot be read", path.display()))?.len();
    if size > LARGEST {
        bail!("{} is {size} bytes; at most {LARGEST} are taken", path.display());
    }
    super::read(path)
}

/// A component from bytes that came over the network, by the same rules.
pub fn component(bytes: Vec<u8>) -> Result<Vec<u8>> {
    super::componentize::componentize(bytes)
}

/// A moment: for a person on a clock they know, for a program exactly.
pub fn moment(ms: i64, format: Format, zone: Option<&TimeZone>) -> String {
    let Ok(moment) = Timestamp::from_millisecond(ms) else { return String::new() };
    if format != Format::Table {
        return moment.to_string();
    }
    let zone = zone.cloned().unwrap_or_else(TimeZone::system);
    moment.to_zoned(zone).strftime("%Y-%m-%d %H:%M").to_string()
}

/// A change on the command line, now.
pub fn act<'a>(by: &'a str, reason: &'a str) -> Act<'a> {
    Act { by, reason, now_ms: now_ms() }
}

/// Who makes a change on the command line.
pub fn by() -> String {
    let user = ["USER", "LOGNAME"].into_iter().find_map(|name| std::env::var(name).ok());
    user.filter(|user| !user.is_empty()).unwrap_or_else(|| "command line".to_owned())
}

/// Now, unix milliseconds.
pub fn now_ms() -> i64 {
    Timestamp::now().as_millisecond()
}
