//! The fast lane for what every call writes: its start and end, turns, journal, run of a flow, events, tag, sound; many to a commit.
//!
//! A flow sees the result of a host call only after it was written down, and a call that is over holds its place until its
//! end is, so a thousand calls mean thousands of small durable writes a second, and one disk flush each would be too slow.
//! Whatever waits is written in one transaction and everybody is told after its commit: durability as if alone, at the price
//! of a share in a flush.

use sqlx::{Any, AnyPool, Transaction};
use tokio::sync::{mpsc, oneshot};

use crate::audio::{AttachedAudio, NewAudio};
use crate::calls::{CallEnd, CallRecord, Outcome};
use crate::dialect::Dialect;
use crate::events::{CallEvent, QueuePhase};
use crate::jobs::NewJob;
use crate::notes::Note;
use crate::quality::LineQuality;
use crate::runs::FlowRun;
use crate::tags::Tag;
use crate::turns::{SealedEntry, Turn};
use crate::{RecordsError, Result};

/// One thing to write. What it names by id must be there, or nothing is written and the answer is 0.
#[derive(Debug)]
pub(crate) enum Row {
    Turn(Box<Turn>),
    Journal(Box<SealedEntry>),
    Event(Box<CallEvent>),
    /// With the id of the key and the sealed end, where there is a key.
    Run(Box<(FlowRun, Option<(String, String)>)>),
    CallStart(Box<CallRecord>),
    CallEnd(Box<(String, CallEnd)>),
    Outcome(String, Outcome),
    Tag(Box<Tag>),
    Note(Box<Note>),
    Quality(String, LineQuality),
    Queue(Box<(String, QueuePhase)>),
    Audio(Box<NewAudio>),
    AttachedAudio(Box<AttachedAudio>),
    Job(Box<NewJob>),
}

/// The sending end; the writing task ends when the last one is dropped.
#[derive(Debug)]
pub(crate) struct Appender {
    queue: mpsc::Sender<Waiting>,
}

#[derive(Debug)]
struct Waiting {
    row: Row,
    done: oneshot::Sender<Result<u64>>,
}

/// Longer batches would make the first in line wait for the last without saving flushes.
const BATCH: usize = 256;

impl Appender {
    pub(crate) fn start(write: AnyPool, dialect: Dialect) -> Self {
        let (queue, receiver) = mpsc::channel(4 * BATCH);
        tokio::spawn(work(write, dialect, receiver));
        Self { queue }
    }

    /// Returns once the row is on disk: how many rows were written.
    pub(crate) async fn append(&self, row: Row) -> Result<u64> {
        let (done, answer) = oneshot::channel();
        self.queue.send(Waiting { row, done }).await.map_err(|_| RecordsError::Closed)?;
        answer.await.map_err(|_| RecordsError::Closed)?
    }
}

async fn work(write: AnyPool, dialect: Dialect, mut queue: mpsc::Receiver<Waiting>) {
    let mut batch = Vec::with_capacity(BATCH);
    while queue.recv_many(&mut batch, BATCH).await > 0 {
        match write_all(&write, dialect, &batch).await {
            Ok(written) => {
                for (waiting, written) in batch.drain(..).zip(written) {
                    // Whoever no longer waits for the answer has gone; the row stays.
                    let _ = waiting.done.send(Ok(written));
                }
            }
            // One bad row must not fail its neighbours: write them one by one, each with its own answer.
            Err(_) => {
                for waiting in batch.drain(..) {
                    let alone = write_all(&write, dialect, std::slice::from_ref(&waiting)).await;
                    let _ = waiting.done.send(alone.map(|written| written.into_iter().sum()));
                }
            }
        }
    }
}

async fn write_all(write: &AnyPool, dialect: Dialect, batch: &[Waiting]) -> Result<Vec<u64>> {
    let mut transaction: Transaction<'_, Any> = write.begin_with(dialect.begin_alone()).await?;
    let mut written = Vec::with_capacity(batch.len());
    for waiting in batch {
        written.push(waiting.row.write(&mut transaction).await?);
    }
    transaction.commit().await?;
    Ok(written)
}

impl Row {
    async fn write(&self, transaction: &mut Transaction<'_, Any>) -> Result<u64> {
        match self {
            Row::Turn(turn) => turn.insert(transaction).await?,
            Row::Journal(entry) => entry.insert(transaction).await?,
            Row::Event(event) => event.insert(transaction).await?,
            Row::Run(run) => run.0.upsert(run.1.as_ref(), transaction).await?,
            Row::Note(note) => note.upsert(transaction).await?,
            Row::Queue(queue) => queue.1.write(&queue.0, transaction).await?,
            Row::CallStart(call) => return Ok(u64::from(call.insert(transaction).await?)),
            Row::CallEnd(end) => return end.1.write(&end.0, transaction).await,
            Row::Outcome(call, outcome) => return outcome.write(call, transaction).await,
            Row::Tag(tag) => return Ok(u64::from(tag.insert_if_open(transaction).await?)),
            Row::Quality(call, quality) => return quality.write(call, transaction).await,
            Row::Audio(audio) => return audio.write(transaction).await,
            Row::AttachedAudio(audio) => return audio.write(transaction).await,
            Row::Job(job) => return job.insert(transaction).await,
        }
        Ok(1)
    }
}
