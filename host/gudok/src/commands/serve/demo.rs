//! `gudok serve --demo`: a clinic in the midst of its work, with a month behind it. Everybody in it is made up.

use anyhow::{Context, Result};
use jiff::{ToSpan as _, Zoned};
use records::Store;
use simulation::Month;

use crate::clinics;
use crate::place::Place;
use crate::progress::Progress;

/// The clinic of the demonstration.
const CLINIC: &str = "vet_lapa";
/// Who looks at it.
const LOGIN: &str = "demo";

/// A home of its own inside the home folder: nothing of the demonstration mixes with a real clinic's.
pub fn place(place: &Place) -> Place {
    let home = place.home.join("demo");
    Place { db: home.join("gudok.db"), home, ..place.clone() }
}

/// Writes the clinic's file, and lets a month happen where none has yet.
pub async fn prepare(place: &Place) -> Result<()> {
    let file = place.home.join("clinics").join(format!("{CLINIC}.toml"));
    let folder = place.home.join("clinics");
    std::fs::create_dir_all(&folder).with_context(|| format!("{}: cannot be made", folder.display()))?;
    if !file.exists() {
        let text = clinics::shipped(CLINIC).context("invariant: the demonstration's clinic ships")?;
        std::fs::write(&file, text).with_context(|| format!("{}: cannot be written", file.display()))?;
    }
    if place.db.exists() {
        return Ok(());
    }
    let clinic = clinics::one(CLINIC)?;
    let now = Zoned::now().with_time_zone(clinic.zone.clone());
    // The last day goes on: its rest is what the pages are opened for.
    let from = now.date().checked_sub(30.days())?;
    let stop = Some(now.timestamp());
    let month = Month { days: 31, faults: false, crm: false, stop, ..Month::busy(clinic, from) };
    println!("making up a month of a clinic: {} calls, {} visits; this is done once", month.calls, month.visits);
    let mut progress = Progress::new("days", usize::from(month.days));
    let mut over = 0;
    // Made beside and put in place when it is whole: what is broken off is begun anew.
    let half = place.db.with_extension("new.db");
    for ending in ["", "-wal", "-shm"] {
        std::fs::remove_file(format!("{}{ending}", half.display())).ok();
    }
    simulation::run(&half, &month, |day, _| {
        for _ in over..day {
            progress.step();
        }
        over = over.max(day);
    })
    .await?;
    progress.done();
    let store = Store::open(&half).await?;
    let now_ms = jiff::Timestamp::now().as_millisecond();
    store.backup(&place.db, now_ms).await.context("the made-up month cannot be put in place")?;
    drop(store);
    std::fs::remove_file(records::Backup::audio_list(&place.db)).ok();
    for ending in ["", "-wal", "-shm"] {
        std::fs::remove_file(format!("{}{ending}", half.display())).ok();
    }
    Ok(())
}

/// A link by which the demonstration's owner chooses a password; a new one each time.
pub async fn owner(accounts: &accounts::Accounts, store: &Store, now_ms: i64) -> Result<String> {
    if let Some(user) = store.user_by_login(LOGIN).await? {
        return Ok(accounts.password_link(&user.id, "demo", now_ms).await?);
    }
    let grants = vec![accounts::Grant::owner_of_everything()];
    let new = accounts::NewUser {
        login: LOGIN.into(), name: "Демонстрация".into(), language: "ru".into(), grants
    };
    Ok(accounts.invite(&new, "demo", now_ms).await?.1)
}
