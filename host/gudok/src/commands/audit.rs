//! `gudok audit`: whether the trail of who did and saw what is whole.

use anyhow::{Context, Result, bail};
use records::{AuditCheck, AuditEnd, AuditFilter, Store};

use crate::cli::Audit;
use crate::place::Place;

pub async fn run(command: &Audit, place: &Place) -> Result<()> {
    let store = place.store().await?;
    match command {
        Audit::Verify { noted } => verify(&store, noted.as_deref()).await,
    }
}

async fn verify(store: &Store, noted: Option<&str>) -> Result<()> {
    let noted = noted.map(end).transpose()?;
    match store.verify_audit().await? {
        AuditCheck::BrokenAt { seq, problem } => bail!("entry {seq} of the trail is {problem}"),
        AuditCheck::Whole(end) => {
            if let Some(noted) = noted {
                let page = store.audit_trail(&AuditFilter::default(), Some(noted.seq + 1), 1).await?;
                let there = page.rows.first().filter(|row| row.seq == noted.seq);
                match there {
                    Some(row) if row.hash == noted.hash => {}
                    Some(_) => bail!("entry {} is not the one that was noted: the trail was made anew", noted.seq),
                    None => {
                        bail!("the trail ends at {}, and was noted to have {}: its end was cut off", end.seq, noted.seq)
                    }
                }
            }
            println!("whole: {} entries; to be noted elsewhere: {}:{}", end.seq, end.seq, end.hash);
            Ok(())
        }
    }
}

fn end(text: &str) -> Result<AuditEnd> {
    let parts = text.split_once(':').and_then(|(seq, hash)| Some((seq.trim().parse().ok()?, hash.trim())));
    let (seq, hash) =
        parts.with_context(|| format!("--noted {text}: write it as PLACE:HASH, for example 120:9f86d0…"))?;
    Ok(AuditEnd { seq, hash: hash.to_owned() })
}
