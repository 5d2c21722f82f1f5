//! The fast lane for rows that are only ever added: turns, journal entries, runs of flows and events of calls, written many to a commit.
//!
//! A flow sees the result of a host call only after it was written down, so a thousand calls mean thousands of small
//! durable writes a second, and one disk flush each would be too slow. Whatever waits is written in one transaction and
//! everybody is told after its commit: durability as if alone, at the price of a share in a flush.

use sqlx::{Any, AnyPool, Transaction};
use tokio::sync::{mpsc, oneshot};

use crate::events::CallEvent;
use crate::runs::FlowRun;
use crate::turns::{SealedEntry, Turn};
use crate::{RecordsError, Result};

/// One row to add.
#[derive(Debug)]
pub(crate) enum Row {
    Turn(Box<Turn>),
    Journal(Box<SealedEntry>),
    Event(Box<CallEvent>),
    /// With the id of the key and the sealed end, where there is a key.
    Run(Box<(FlowRun, Option<(String, String)>)>),
}

/// The sending end; the writing task ends when the last one is dropped.
#[derive(Debug)]
pub(crate) struct Appender {
    queue: mpsc::Sender<Waiting>,
}

#[derive(Debug)]
struct Waiting {
    row: Row,
    done: oneshot::Sender<Result<()>>,
}

/// Longer batches would make the first in line wait for the last without saving flushes.
const BATCH: usize = 256;

impl Appender {
    pub(crate) fn start(write: AnyPool) -> Self {
        let (queue, receiver) = mpsc::channel(4 * BATCH);
        tokio::spawn(work(write, receiver));
        Self { queue }
    }

    /// Returns once the row is on disk.
    pub(crate) async fn append(&self, row: Row) -> Result<()> {
        let (done, answer) = oneshot::channel();
        self.queue.send(Waiting { row, done }).await.map_err(|_| RecordsError::Closed)?;
        answer.await.map_err(|_| RecordsError::Closed)?
    }
}

async fn work(write: AnyPool, mut queue: mpsc::Receiver<Waiting>) {
    let mut batch = Vec::with_capacity(BATCH);
    while queue.recv_many(&mut batch, BATCH).await > 0 {
        let result = write_all(&write, &batch).await;
        if result.is_err() && batch.len() > 1 {
            // One bad row must not fail its neighbours: write them one by one, each with its own answer.
            for waiting in batch.drain(..) {
                let alone = write_all(&write, std::slice::from_ref(&waiting)).await;
                let _ = waiting.done.send(alone);
            }
            continue;
        }
        let mut result = Some(result);
        for waiting in batch.drain(..) {
            // Whoever no longer waits for the answer has gone; the row stays.
            let _ = waiting.done.send(result.take().unwrap_or(Ok(())));
        }
    }
}

async fn write_all(write: &AnyPool, batch: &[Waiting]) -> Result<()> {
    let mut transaction: Transaction<'_, Any> = write.begin_with("BEGIN IMMEDIATE").await?;
    for waiting in batch {
        match &waiting.row {
            Row::Turn(turn) => turn.insert(&mut transaction).await?,
            Row::Journal(entry) => entry.insert(&mut transaction).await?,
            Row::Event(event) => event.insert(&mut transaction).await?,
            Row::Run(run) => run.0.upsert(run.1.as_ref(), &mut transaction).await?,
        }
    }
    Ok(transaction.commit().await?)
}
