//! `gudok person`: what one person may ask of a clinic: everything that is known of them, or to be forgotten.

use std::io::{IsTerminal as _, Write as _};

use anyhow::{Context, Result, bail};
use desk::PhoneNumber;
use jiff::Timestamp;
use records::{NewErasure, Pii, Store};

use crate::cli::{Person, WhichPerson};
use crate::place::Place;

/// Stands as the one who did it.
const BY: &str = "terminal";

pub async fn run(command: &Person, place: &Place) -> Result<()> {
    let store = place.store().await?;
    match command {
        Person::Export { who, out } => {
            if out.exists() {
                bail!("{} is there already: name another file", out.display());
            }
            let export = store.export_person(&who.clinic, &number(who)?, now_ms()).await?;
            let file = std::fs::File::create_new(out).with_context(|| format!("{}: cannot be made", out.display()))?;
            export.write_zip(file)?;
            println!("{}: {} files", out.display(), export.files.len());
        }
        Person::Erase { who, yes } => erase(&store, who, *yes).await?,
    }
    Ok(())
}

async fn erase(store: &Store, who: &WhichPerson, yes: bool) -> Result<()> {
    let phone = number(who)?;
    if !yes {
        if !std::io::stdin().is_terminal() {
            bail!("nobody is here to ask: say --yes");
        }
        print!("Everything about {} at {} will be gone. Type the number again to go on: ", who.phone, who.clinic);
        std::io::stdout().flush()?;
        let mut typed = String::new();
        std::io::stdin().read_line(&mut typed)?;
        if PhoneNumber::parse(typed.trim()).map(Pii::from).as_ref() != Some(&phone) {
            bail!("that is another number: nothing was done");
        }
    }
    let reason = "request of the person".to_owned();
    let (id, clinic) = (records::id(), who.clinic.clone());
    let erasure =
        store.erase_person(&NewErasure { id, clinic, phone, by: BY.to_owned(), reason, at_ms: now_ms() }).await?;
    for (table, rows) in &erasure.report {
        println!("  {table}: {rows}");
    }
    let finished = store.finish_erasures(now_ms()).await?;
    for backup in store.backups().await?.iter().filter(|backup| backup.pending.contains(&erasure.id)) {
        println!("  still in the backup {}", backup.path.display());
    }
    if !finished.iter().any(|done| done.id == erasure.id) {
        bail!(
            "the rows are gone, but another program reads {} and it could not be rewritten without them: stop it and say \
             this again, or leave it to `gudok serve`, which does it at night",
            store.path().display()
        );
    }
    println!("done; keep {} with the clinic's keys", store.erasure_log().display());
    Ok(())
}

fn number(who: &WhichPerson) -> Result<Pii> {
    let number = PhoneNumber::parse(&who.phone);
    number.map(Pii::from).with_context(|| format!("{} is no phone number; for example +7 903 123-45-67", who.phone))
}

fn now_ms() -> i64 {
    Timestamp::now().as_millisecond()
}
