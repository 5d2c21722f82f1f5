//! `gudok import`: recordings of a PBX: heard, tagged, counted.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result, bail};
use desk::Clinic;
use lines::recordings::{self, Found, RecordedCall, Side};
use records::{CallRecord, Direction, Pii, Store, Turn, Who};
use serde_json::json;
use session::meaning::{self, own_words};
use session::tagging::Tagger;
use speech::Ears;
use tokio::sync::Semaphore;
use understanding::category;
use understanding::profile::Profile;

use crate::cli::Import;
use crate::clinics;
use crate::commands::classify::{rounded, said, words};
use crate::commands::import_asterisk;
use crate::commands::transcribe::{ears, transcribe};
use crate::in_use;
use crate::output::List;
use crate::place::Place;
use crate::progress::Progress;

pub async fn run(args: &Import, place: &Place) -> Result<()> {
    if !args.asterisk_queue_log.is_empty() || !args.asterisk_cdr.is_empty() {
        return import_asterisk::run(args, place).await;
    }
    let clinic = clinics::one(&args.clinic)?;
    let dir = args.dir.as_deref().context("which folder? Name the one with the recordings")?;
    let found = match &args.meta {
        Some(table) => recordings::table(table, dir, &clinic.zone)?,
        None => recordings::folder(dir, &clinic.zone)?,
    };
    for problem in &found.problems {
        eprintln!("{problem}");
    }
    let problems = found.problems.len();
    let importer = Importer::new(&clinic, place.store().await?, ears(args.engine, place)?, in_use::tagger(place)?);
    let (imported, failed) = importer.all(found).await;
    let mut list = List::new(&[
        ("file", "recording"),
        ("state", "state"),
        ("category", "category"),
        ("confidence", "confidence"),
        ("review", "review"),
        ("evidence", "words that decided"),
    ]);
    for call in &imported {
        list.row([
            json!(call.file),
            json!(if call.is_new { "new" } else { "known" }),
            json!(call.category),
            json!(call.confidence.map(rounded)),
            json!(call.review),
            json!(call.evidence),
        ]);
    }
    list.print(args.format)?;
    if failed + problems > 0 {
        bail!(
            "{} calls were left out (see above); mend them and import again: what is known is not doubled",
            failed + problems
        );
    }
    Ok(())
}

/// One imported call, as it is shown.
pub struct ImportedCall {
    pub file: String,
    pub is_new: bool,
    pub category: Option<String>,
    pub confidence: Option<f32>,
    pub review: bool,
    pub evidence: String,
}

/// Brings recordings of one clinic in.
#[derive(Clone)]
pub struct Importer {
    clinic: Arc<Clinic>,
    profile: Arc<Profile>,
    store: Store,
    ears: Ears,
    tagger: Arc<Tagger>,
}

impl Importer {
    pub fn new(clinic: &Arc<Clinic>, store: Store, ears: Ears, tagger: Arc<Tagger>) -> Importer {
        Importer { clinic: Arc::clone(clinic), profile: Arc::new(meaning::profile(clinic)), store, ears, tagger }
    }

    /// All of them, as many at a time as there are workers; the ones that failed are counted and said.
    pub async fn all(&self, found: Found) -> (Vec<ImportedCall>, usize) {
        let room = Arc::new(Semaphore::new(std::thread::available_parallelism().map_or(2, usize::from)));
        let mut progress = Progress::new("распознавание", found.calls.len());
        let mut waiting = Vec::new();
        for call in found.calls {
            let (importer, room) = (self.clone(), Arc::clone(&room));
            waiting.push(tokio::spawn(async move {
                let _permit = room.acquire_owned().await?;
                importer.one(&call).await.with_context(|| call.path.display().to_string())
            }));
        }
        let (mut imported, mut failed) = (Vec::new(), 0);
        for call in waiting {
            match call.await.map_err(anyhow::Error::from).and_then(|result| result) {
                Ok(call) => imported.push(call),
                Err(error) => {
                    failed += 1;
                    eprintln!("{error:#}");
                }
            }
            progress.step();
        }
        progress.done();
        (imported, failed)
    }

    /// One recording. A call that is known already and has its tag is left as it is; one whose import broke off is
    /// heard again.
    async fn one(&self, call: &RecordedCall) -> Result<ImportedCall> {
        let imported = self.store.import_call(&self.record(call)?).await?;
        let file = call.path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        if !imported.is_new
            && let Some(tag) = self.store.tag(&imported.call).await?
        {
            return Ok(ImportedCall {
                file,
                is_new: false,
                category: Some(tag.category),
                confidence: Some(tag.confidence as f32),
                review: tag.review,
                evidence: String::new(),
            });
        }
        if !call.answered {
            return Ok(ImportedCall {
                file,
                is_new: true,
                category: None,
                confidence: None,
                review: false,
                evidence: String::new(),
            });
        }
        let (heard, bytes) =
            (transcribe(&call.path, &self.ears, Some(own_words(&self.profile))).await?, read(&call.path).await?);
        let sha256 = self.store.put_audio(&bytes, "audio/wav").await?;
        self.store.attach_audio(&imported.call, "recording", &sha256).await?;
        let caller_channel = match call.caller_side {
            Side::Left => 0,
            Side::Right => 1,
        };
        let mut said = said(&heard, caller_channel);
        said.text.missed_call = self.store.returns_a_missed_call(&imported.call).await?;
        for (seq, turn) in said.text.turns.iter().enumerate() {
            self.store.add_turn(self.turn(&imported.call, seq, turn)?).await?;
        }
        let verdict = said.judge(&self.tagger, Some(&self.profile));
        let ended = i64::from(heard.duration_ms) + call.started.as_millisecond();
        self.store.add_tag(&self.tagger.record(&imported.call, &self.clinic.id, &verdict, ended)).await?;
        Ok(ImportedCall {
            file,
            is_new: imported.is_new,
            evidence: words(&verdict),
            category: Some(verdict.label),
            confidence: Some(verdict.confidence),
            review: verdict.review,
        })
    }

    fn record(&self, call: &RecordedCall) -> Result<CallRecord> {
        let started = call.started.as_millisecond();
        let mut record =
            CallRecord::import(records::id(), &self.clinic.id, &self.clinic.timezone, started, &call.external_id);
        if call.outgoing {
            record.direction = Direction::Outgoing;
        }
        let wait = call.wait_ms.unwrap_or(0);
        record.line.clone_from(&call.line);
        record.agent.clone_from(&call.agent);
        // A number in another spelling is the same caller.
        record.caller = call.caller.as_deref().map(|number| match desk::PhoneNumber::parse(number) {
            Some(number) => Pii::from(number.as_str()),
            None => Pii::from(number),
        });
        record.queue_wait_ms = Some(wait);
        record.hold_ms = call.hold_ms;
        record.acw_ms = call.acw_ms;
        if call.answered {
            let talk = match call.talk_ms {
                Some(talk) => talk,
                None => i64::from(audio::wav::read(&call.path)?.duration_ms()),
            };
            record.answered_ms = Some(started + wait);
            record.talk_ms = Some(talk);
            record.ended_ms = Some(started + wait + talk + call.hold_ms.unwrap_or(0));
        } else {
            record.ended_ms = Some(started + wait);
        }
        Ok(record)
    }

    fn turn(&self, call: &str, seq: usize, turn: &category::Turn) -> Result<Turn> {
        Ok(Turn {
            call: call.to_owned(),
            seq: i64::try_from(seq)?,
            who: match turn.who {
                category::Who::Caller => Who::Caller,
                category::Who::Agent => Who::Agent,
                category::Who::Unknown => Who::Unknown,
            },
            text: Pii::from(turn.text.clone()),
            start_ms: i64::try_from(turn.start_ms)?,
            end_ms: i64::try_from(turn.end_ms)?,
            confidence: None,
            latency_ms: None,
        })
    }
}

async fn read(path: &Path) -> Result<Vec<u8>> {
    tokio::fs::read(path).await.with_context(|| format!("{}: cannot be read", path.display()))
}
