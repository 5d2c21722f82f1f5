//! `gudok backup`: a copy of the database that is noted in it; `gudok backups`: what becomes of such copies.

use anyhow::{Result, bail};
use jiff::Timestamp;
use records::{AuditEntry, Backup as Made, Store};
use serde_json::json;

use crate::cli::{Backup, Backups};
use crate::place::Place;

pub async fn run(args: &Backup, place: &Place) -> Result<()> {
    let store = place.store().await?;
    let Some(to) = &args.to else { return list(&store).await };
    if to.exists() {
        bail!("{} is there already: name another file", to.display());
    }
    let made = store.backup(to, Timestamp::now().as_millisecond()).await?;
    println!("{}: {} bytes, SHA-256 {}", made.path.display(), made.bytes, made.sha256);
    println!("  {} recordings belong to it: {}", made.audio, Made::audio_list(&made.path).display());
    println!("  they lie in {}", store.audio_folder().display());
    Ok(())
}

/// Stands as the one who did it.
const BY: &str = "terminal";

pub async fn manage(command: &Backups, place: &Place) -> Result<()> {
    let store = place.store().await?;
    let now_ms = Timestamp::now().as_millisecond();
    match command {
        Backups::List => list(&store).await,
        Backups::Clean { id } => {
            let wanted = |made: &Made| id.as_ref().map_or(!made.pending.is_empty(), |id| made.id == *id);
            let found: Vec<Made> =
                store.backups().await?.into_iter().filter(|made| made.gone_ms.is_none() && wanted(made)).collect();
            if found.is_empty() {
                match id {
                    Some(id) => bail!("there is no backup {id}; `gudok backups list` names them"),
                    None => println!("nobody is to be forgotten in a backup"),
                }
            }
            for made in found {
                let people = made.pending.len();
                let cleaned = store.clean_backup(&made.id, BY, now_ms).await?;
                witness(&store, "backup.cleaned", &made.id, now_ms).await?;
                println!("{}: {people} people were forgotten in it; SHA-256 {}", made.path.display(), cleaned.sha256);
            }
            Ok(())
        }
        Backups::Gone { id } => {
            store.backup_gone(id, now_ms).await?;
            witness(&store, "backup.gone", id, now_ms).await?;
            println!("noted: {id} was thrown away");
            Ok(())
        }
    }
}

async fn list(store: &Store) -> Result<()> {
    for made in store.backups().await? {
        let at = Timestamp::from_millisecond(made.made_ms)?;
        let state = match (made.gone_ms, made.pending.len()) {
            (Some(_), _) => "thrown away".to_owned(),
            (None, people) => format!("{people} people to forget in it"),
        };
        println!("{}  {at}  {}  {state}", made.id, made.path.display());
    }
    Ok(())
}

async fn witness(store: &Store, action: &str, backup: &str, at_ms: i64) -> Result<()> {
    let entry = AuditEntry {
        at_ms,
        clinic: String::new(),
        who: BY.to_owned(),
        action: action.to_owned(),
        subject_kind: "backup".to_owned(),
        subject: backup.to_owned(),
        ip: None,
        detail: json!({}),
    };
    store.audit(&entry).await?;
    Ok(())
}
