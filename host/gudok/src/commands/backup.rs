//! `gudok backup`: a copy of the database that is noted in it.

use anyhow::{Result, bail};
use jiff::Timestamp;
use records::Backup as Made;

use crate::cli::Backup;
use crate::place::Place;

pub async fn run(args: &Backup, place: &Place) -> Result<()> {
    let store = place.store().await?;
    let Some(to) = &args.to else {
        for made in store.backups().await? {
            let at = Timestamp::from_millisecond(made.made_ms)?;
            let forgotten = made.pending.len();
            println!("{}  {at}  {}  {forgotten} people to forget in it", made.id, made.path.display());
        }
        return Ok(());
    };
    if to.exists() {
        bail!("{} is there already: name another file", to.display());
    }
    let made = store.backup(to, Timestamp::now().as_millisecond()).await?;
    println!("{}: {} bytes, SHA-256 {}", made.path.display(), made.bytes, made.sha256);
    println!("  {} recordings belong to it: {}", made.audio, Made::audio_list(&made.path).display());
    println!("  they lie in {}", store.audio_folder().display());
    Ok(())
}
