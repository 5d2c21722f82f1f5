//! Following the feed: calls that are over, some at a time, to the collector.

use std::time::Duration;

use records::{FeedEvent, RecordsError, Store};
use reqwest::{Client, StatusCode};
use tokio::sync::watch;

use crate::trace::{Facts, Span, trace};
use crate::{Result, Settings, TelemetryError, otlp};

/// Under this name the feed remembers how far we have read.
const READER: &str = "telemetry";
/// Events that are read at once, and so the most calls in one request.
const AT_ONCE: u32 = 64;
/// What is older than this when its turn comes is not sent.
const STALE_MS: i64 = 86_400_000;
/// How long to wait after a failure, at first and at most.
const LEAST: Duration = Duration::from_secs(1);
const MOST: Duration = Duration::from_secs(300);
/// How often to look when no bell rings.
const LOOK: Duration = Duration::from_secs(15);

/// Sends the traces of calls.
pub struct Exporter {
    store: Store,
    settings: Settings,
    client: Client,
}

/// What one turn came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Turn {
    /// Calls whose traces were taken.
    pub calls: usize,
    /// There is more to do at once.
    pub more: bool,
}

impl Exporter {
    /// Begins with what happens from now on, unless it was here before.
    ///
    /// # Errors
    /// When the records cannot be read, or this machine cannot make encrypted connections.
    pub async fn new(store: Store, settings: Settings, now_ms: i64) -> Result<Self> {
        rustls::crypto::ring::default_provider().install_default().ok();
        let client = Client::builder()
            .timeout(settings.timeout)
            .redirect(reqwest::redirect::Policy::none())
            .default_headers(settings.headers.clone())
            .build()
            .map_err(|_| TelemetryError::Collector("this machine cannot make such connections".to_owned()))?;
        if store.feed_read_to(READER).await? == 0 {
            store.feed_reached(READER, store.feed_end().await?, now_ms).await?;
        }
        Ok(Self { store, settings, client })
    }

    /// Sends what is ripe, one request at most.
    ///
    /// # Errors
    /// The collector did not take it, and is to be asked again; or the records cannot be read.
    pub async fn turn(&self, now_ms: i64) -> Result<Turn> {
        let after = self.store.feed_read_to(READER).await?;
        let events = self.store.feed(after, None, AT_ONCE).await?;
        let whole = events.len() == AT_ONCE as usize;
        // The last words of a call are written down after its end: it waits, and so does what came later.
        let unripe = |event: &FeedEvent| event.kind == "call.ended" && event.at_ms > now_ms - self.settings.settle_ms;
        let ripe = events.iter().position(unripe).unwrap_or(events.len());
        let (mut spans, mut calls, mut reached) = (Vec::new(), 0, after);
        for event in &events[..ripe] {
            reached = event.position;
            if event.kind == "call.ended" && event.at_ms > now_ms - STALE_MS {
                let found = self.spans(&event.subject).await?;
                calls += usize::from(!found.is_empty());
                spans.extend(found);
            }
        }
        if !spans.is_empty() {
            self.send(&spans).await?;
        }
        if reached > after {
            self.store.feed_reached(READER, reached, now_ms).await?;
        }
        Ok(Turn { calls, more: whole && ripe == events.len() })
    }

    /// A call's spans; nothing when it was erased meanwhile.
    async fn spans(&self, id: &str) -> Result<Vec<Span>> {
        let store = &self.store;
        let call = match store.call(id).await {
            Ok(call) => call,
            Err(RecordsError::NotFound { .. }) => return Ok(Vec::new()),
            Err(error) => return Err(error.into()),
        };
        let run = match store.flow_run(id).await {
            Ok(run) => Some(run),
            Err(RecordsError::NotFound { .. } | RecordsError::NoKey { .. } | RecordsError::WrongKey { .. }) => None,
            Err(RecordsError::KeyFile { .. } | RecordsError::Tampered { .. }) => None,
            Err(error) => return Err(error.into()),
        };
        let journal = match store.journal(id).await {
            Ok(journal) => Some(journal),
            Err(RecordsError::NoKey { .. } | RecordsError::WrongKey { .. }) => None,
            Err(RecordsError::KeyFile { .. } | RecordsError::Tampered { .. }) => None,
            Err(error) => return Err(error.into()),
        };
        let (turns, tags) = tokio::try_join!(store.turns(id), store.tags(id))?;
        let facts = Facts { call: &call, turns: &turns, tags: &tags, run: run.as_ref(), journal: journal.as_deref() };
        Ok(trace(&facts))
    }

    async fn send(&self, spans: &[Span]) -> Result<()> {
        let body = otlp::request(&self.settings.service, spans);
        let answer = self.client.post(self.settings.url.clone()).json(&body).send().await;
        let answer = answer.map_err(|error| {
            let why = if error.is_timeout() { "it did not answer in time" } else { "it cannot be reached" };
            TelemetryError::Collector(why.to_owned())
        })?;
        match answer.status() {
            status if status.is_success() => Ok(()),
            // What it calls malformed it will never take: asked again it would stand in the way of all that follows.
            status @ (StatusCode::BAD_REQUEST | StatusCode::PAYLOAD_TOO_LARGE | StatusCode::UNPROCESSABLE_ENTITY) => {
                tracing::warn!(%status, spans = spans.len(), "the collector refused traces; they are left out");
                Ok(())
            }
            status => Err(TelemetryError::Collector(format!("it answers {status}"))),
        }
    }
}

/// Follows the feed until `stop` says true; `now_ms` is the clock. A collector that is away is asked again, less and less often.
pub async fn run(exporter: Exporter, now_ms: fn() -> i64, mut stop: watch::Receiver<bool>) {
    let mut bell = exporter.store.feed_bell();
    let mut wait = LEAST;
    let mut told = false;
    while !*stop.borrow_and_update() {
        bell.mark_unchanged();
        let rest = match exporter.turn(now_ms()).await {
            Ok(turn) => {
                (wait, told) = (LEAST, false);
                if turn.more { Duration::ZERO } else { LOOK }
            }
            Err(error) => {
                // Once, not with every attempt: the log is not to be full of it.
                if !told {
                    tracing::warn!(%error, "traces are not sent; they are tried again");
                }
                told = true;
                let rest = wait;
                wait = (wait * 2).min(MOST);
                rest
            }
        };
        // Failures are waited out whatever the bell says.
        let rings = async {
            if told {
                std::future::pending::<()>().await;
            }
            tokio::time::sleep(LEAST).await;
            bell.changed().await.ok();
        };
        tokio::select! {
            _ = stop.changed() => {}
            () = rings => {}
            () = tokio::time::sleep(rest) => {}
        }
    }
}
