//! The calls that wait for a person, in the order in which a look teaches most; the same for the terminal and for HTTP.

use std::collections::BTreeSet;
use std::pin::pin;
use std::sync::Arc;

use futures_util::TryStreamExt as _;
use records::{Conversation, RecordsError, Store};
use session::tagging::{self, Tagger};
use understanding::category::review::{self, QueueOptions, Waiting, Why};
use understanding::category::{CallText, Verdict};
use understanding::profile::Profile;

/// Of so many calls that nobody would look at, one is put in the queue all the same: sure mistakes come to light no
/// other way.
const SPOT_CHECK: u64 = 20;
/// How far back calls wait.
const DAYS: i64 = 90;
const DAY_MS: i64 = 86_400_000;

/// A call that waits.
#[derive(Debug, Clone)]
pub struct Queued {
    /// What is recorded of it.
    pub call: Conversation,
    /// The same as the classifier reads it.
    pub said: CallText,
    /// What the classifier in use makes of it.
    pub verdict: Verdict,
    /// What a look teaches, 0 to 1.
    pub value: f32,
    /// Why it waits: `doubt`, `chance`, `spot check`.
    pub why: &'static str,
    /// Whether somebody looked and put it off.
    pub put_off: bool,
}

/// Where the queue is made.
#[derive(Clone)]
pub struct Queue {
    /// The records.
    pub store: Store,
    /// What judges.
    pub tagger: Arc<Tagger>,
}

impl Queue {
    /// The queue of a clinic. `since_ms` is how far back; without it [`DAYS`]. Each day has lots of its own.
    pub async fn of(&self, profile: &Profile, since_ms: Option<i64>, now_ms: i64) -> Result<Vec<Queued>, RecordsError> {
        let from = since_ms.unwrap_or(now_ms - DAYS * DAY_MS);
        let put_off: BTreeSet<String> = self.store.put_off(&profile.id).await?.into_iter().collect();
        let mut waiting = Vec::new();
        let mut calls = pin!(self.store.conversations(&profile.id, from, i64::MAX));
        while let Some(call) = calls.try_next().await? {
            let sure = call.by.as_deref() == Some(tagging::BY);
            if call.corrected || !(call.review || sure && is_drawn(&call.call)) {
                continue;
            }
            let said = tagging::spoken(&call);
            let verdict = self.tagger.judge(&said, profile);
            waiting.push((call, said, verdict));
        }
        let asked: Vec<Waiting> = waiting.iter().map(|(call, _, verdict)| Waiting::new(&call.call, verdict)).collect();
        let options = QueueOptions { seed: now_ms.div_euclid(DAY_MS).unsigned_abs(), ..QueueOptions::default() };
        let order = review::order(&asked, &options);
        let mut waiting: Vec<_> = waiting.into_iter().map(Some).collect();
        let mut queue: Vec<Queued> = Vec::new();
        for pick in order {
            let Some((call, said, verdict)) = waiting.get_mut(pick.index).and_then(Option::take) else { continue };
            let why = match pick.why {
                _ if !call.review => "spot check",
                Why::Doubt => "doubt",
                Why::Chance => "chance",
            };
            let put_off = put_off.contains(&call.call);
            queue.push(Queued { call, said, verdict, value: pick.value, why, put_off });
        }
        // What was put off comes when the rest is done.
        queue.sort_by_key(|call| call.put_off);
        Ok(queue)
    }
}

/// The same calls are drawn whenever somebody asks.
fn is_drawn(call: &str) -> bool {
    let hash = call.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |h, b| (h ^ u64::from(b)).wrapping_mul(0x0100_0000_01b3));
    (hash ^ (hash >> 29)).is_multiple_of(SPOT_CHECK)
}
