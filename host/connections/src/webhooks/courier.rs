//! Carries events to one endpoint.

use std::pin::Pin;
use std::time::{Duration, Instant};

use records::{AfterFailure, Delivery, DeliveryAttempt, FeedEvent, RecordsError, Store};
use reqwest::Client;
use tokio::sync::watch;

use super::guard::client;
use super::schedule::{Answer, Verdict, judge};
use super::signature::header;
use crate::events::cloud_event;
use crate::{Endpoint, Result};

/// Events are read from the feed so many at a time.
const PAGE: u32 = 500;
/// So many subjects are served at once.
const SENDERS: usize = 4;
/// A sender holds an event for the time-out and so much more.
const SPARE_MS: i64 = 30_000;
/// Another process's events, and a clock that was set, are noticed after so long.
const LOOK: Duration = Duration::from_secs(15);

/// Carries events to one endpoint. Every function takes the time it is called at.
pub struct Courier {
    store: Store,
    endpoint: Endpoint,
    client: Client,
    queued: watch::Sender<u64>,
}

/// What one attempt came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sent {
    /// The event.
    pub event: String,
    /// What followed.
    pub verdict: Verdict,
}

impl Courier {
    /// Makes the endpoint known; one that is new gets what happens from now on.
    ///
    /// # Errors
    /// When the records cannot be written, or this machine cannot make encrypted connections.
    pub async fn new(store: Store, endpoint: Endpoint, now_ms: i64) -> Result<Self> {
        let client = client(endpoint.allow_private, endpoint.timeout_s)?;
        store.know_endpoint(&endpoint.name, now_ms).await?;
        Ok(Self { store, endpoint, client, queued: watch::Sender::new(0) })
    }

    /// The endpoint.
    pub fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    /// Queues what the endpoint has not been given of the feed; returns how many events those are.
    ///
    /// # Errors
    /// When the records cannot be read or written.
    pub async fn queue(&self, now_ms: i64) -> Result<usize> {
        let name = &self.endpoint.name;
        let mut after = self.store.endpoint(name).await?.position;
        let mut queued = 0;
        loop {
            let events = self.store.feed(after, None, PAGE).await?;
            let Some(last) = events.last() else { break };
            after = last.position;
            let wanted: Vec<&FeedEvent> = events.iter().filter(|event| self.wants(event)).collect();
            self.store.queue_deliveries(name, &wanted, after, now_ms).await?;
            queued += wanted.len();
        }
        if queued > 0 {
            self.queued.send_modify(|count| *count += 1);
        }
        Ok(queued)
    }

    /// Whether the endpoint asked for such an event.
    pub fn wants(&self, event: &FeedEvent) -> bool {
        let clinic = self.endpoint.clinics.is_empty() || self.endpoint.clinics.contains(&event.clinic);
        clinic && self.endpoint.types.iter().any(|pattern| pattern.fits(&event.kind))
    }

    /// Sends everything after a position once more, at most `limit` events; returns how many.
    ///
    /// # Errors
    /// When the records cannot be read or written.
    pub async fn replay_after(&self, position: i64, limit: usize, now_ms: i64) -> Result<u64> {
        // What is not queued yet comes by itself.
        let end = self.store.endpoint(&self.endpoint.name).await?.position;
        let (mut after, mut queued, mut taken) = (position, 0, 0);
        while taken < limit {
            let events = self.store.feed(after, None, PAGE).await?;
            let Some(last) = events.last() else { break };
            after = last.position;
            let wanted: Vec<&FeedEvent> =
                events.iter().filter(|event| event.position <= end && self.wants(event)).take(limit - taken).collect();
            taken += wanted.len();
            queued += self.store.replay_deliveries(&self.endpoint.name, &wanted, now_ms).await?;
            if after >= end {
                break;
            }
        }
        self.queued.send_modify(|count| *count += 1);
        Ok(queued)
    }

    /// Sends one event once more.
    ///
    /// # Errors
    /// [`RecordsError::NotFound`] for an event that is not in the feed.
    pub async fn replay(&self, event: &str, position: i64, now_ms: i64) -> Result<u64> {
        let event = self.store.feed_event(event, position).await?;
        let queued = self.store.replay_deliveries(&self.endpoint.name, &[&event], now_ms).await?;
        self.queued.send_modify(|count| *count += 1);
        Ok(queued)
    }

    /// Sends the next due event, if there is one.
    ///
    /// # Errors
    /// When the records cannot be read or written.
    pub async fn send_next(&self, now_ms: i64, jitter: f64) -> Result<Option<Sent>> {
        let name = &self.endpoint.name;
        let lease_ms = self.endpoint.timeout_s * 1_000 + SPARE_MS;
        let Some(delivery) = self.store.claim_delivery(name, now_ms, lease_ms).await? else { return Ok(None) };
        let began = Instant::now();
        let (answer, problem) = self.post(&delivery, now_ms).await?;
        let took_ms = i64::try_from(began.elapsed().as_millis()).unwrap_or(i64::MAX);
        let status = answer.status.map(i64::from);
        let attempt = DeliveryAttempt { at_ms: now_ms, took_ms, status, problem };
        let failing_since_ms = self.store.endpoint(name).await?.failing_since_ms;
        let days = self.endpoint.off_after_days;
        let verdict = judge(answer, delivery.attempts, failing_since_ms, days, now_ms, jitter);
        let noted = match &verdict {
            Verdict::Delivered => self.store.delivered(&delivery, &attempt).await,
            Verdict::Failed { again_ms, pause_until_ms, off } => {
                let then = AfterFailure { again_ms: *again_ms, pause_until_ms: *pause_until_ms, off: off.as_deref() };
                self.store.delivery_failed(&delivery, &attempt, then).await
            }
        };
        match noted {
            Ok(()) => self.tell(&delivery, &attempt, &verdict),
            // Another sender took over after our lease; it reports.
            Err(RecordsError::LeaseLost { .. }) => {
                tracing::warn!(endpoint = name, event = delivery.event, "an event was sent by two");
            }
            Err(error) => return Err(error.into()),
        }
        Ok(Some(Sent { event: delivery.event, verdict }))
    }

    /// When the next event may be sent; none when nothing waits.
    ///
    /// # Errors
    /// When the records cannot be read.
    pub async fn next_ms(&self) -> Result<Option<i64>> {
        Ok(self.store.next_delivery_ms(&self.endpoint.name).await?)
    }

    /// Queues and sends until `stop` says true. Failures of the records are logged and outlived.
    pub async fn run(&self, stop: watch::Receiver<bool>, clock: fn() -> i64, jitter: fn() -> f64) {
        let mut all: Vec<Pin<Box<dyn Future<Output = ()> + Send + '_>>> = Vec::new();
        for _ in 0..SENDERS {
            all.push(Box::pin(self.send_until(stop.clone(), clock, jitter)));
        }
        all.push(Box::pin(self.queue_until(stop, clock)));
        for_all(all).await;
    }

    async fn queue_until(&self, mut stop: watch::Receiver<bool>, clock: fn() -> i64) {
        let mut bell = self.store.feed_bell();
        while !*stop.borrow_and_update() {
            bell.mark_unchanged();
            if let Err(error) = self.queue(clock()).await {
                tracing::error!(endpoint = self.endpoint.name, %error, "events could not be queued");
            }
            tokio::select! {
                _ = stop.changed() => {}
                _ = bell.changed() => {}
                () = tokio::time::sleep(LOOK) => {}
            }
        }
    }

    async fn send_until(&self, mut stop: watch::Receiver<bool>, clock: fn() -> i64, jitter: fn() -> f64) {
        let mut queued = self.queued.subscribe();
        while !*stop.borrow_and_update() {
            queued.mark_unchanged();
            match self.send_next(clock(), jitter()).await {
                Ok(Some(_)) => {
                    // What it held back may go now, and another sender may be free for it.
                    self.queued.send_modify(|count| *count += 1);
                    continue;
                }
                Ok(None) => {}
                Err(error) => {
                    tracing::error!(endpoint = self.endpoint.name, %error, "an event could not be sent");
                }
            }
            let next = self.next_ms().await.ok().flatten().map_or(LOOK, |at_ms| {
                Duration::from_millis(u64::try_from(at_ms - clock()).unwrap_or(0))
                    .clamp(Duration::from_millis(50), LOOK)
            });
            tokio::select! {
                _ = stop.changed() => {}
                _ = queued.changed() => {}
                () = tokio::time::sleep(next) => {}
            }
        }
    }

    /// Posts it; an answer of any kind is no error.
    async fn post(&self, delivery: &Delivery, now_ms: i64) -> Result<(Answer, Option<String>)> {
        let event = match self.store.feed_event(&delivery.event, delivery.position).await {
            Ok(event) => event,
            Err(RecordsError::NotFound { .. }) => {
                let gone = "the event is no longer in the feed".to_owned();
                return Ok((Answer::default(), Some(gone)));
            }
            Err(error) => return Err(error.into()),
        };
        let body = cloud_event(&self.store, &event, self.endpoint.personal).await?;
        let body = serde_json::to_vec(&body).expect("invariant: an event is JSON");
        let timestamp_s = now_ms.div_euclid(1_000);
        let request = self
            .client
            .post(self.endpoint.url.clone())
            .header("content-type", "application/cloudevents+json; charset=utf-8")
            .header("webhook-id", &delivery.event)
            .header("webhook-timestamp", timestamp_s.to_string())
            .header("webhook-signature", header(&self.endpoint.secrets, &delivery.event, timestamp_s, &body))
            .body(body);
        match request.send().await {
            Ok(response) => {
                let status = response.status();
                let retry_after_ms = response
                    .headers()
                    .get("retry-after")
                    .and_then(|value| value.to_str().ok())
                    .and_then(|text| retry_after_ms(text, now_ms));
                let problem = (!status.is_success()).then(|| format!("it answered {status}"));
                Ok((Answer { status: Some(status.as_u16()), retry_after_ms }, problem))
            }
            Err(error) => Ok((Answer::default(), Some(why(&error)))),
        }
    }

    fn tell(&self, delivery: &Delivery, attempt: &DeliveryAttempt, verdict: &Verdict) {
        let endpoint = &self.endpoint.name;
        match verdict {
            Verdict::Delivered => {
                tracing::debug!(endpoint, event = delivery.event, took_ms = attempt.took_ms, "delivered");
            }
            Verdict::Failed { off: Some(reason), .. } => {
                tracing::error!(endpoint, reason, "switched off; what it did not get waits until it is on again");
            }
            Verdict::Failed { again_ms: Some(_), .. } => {
                let problem = attempt.problem.as_deref();
                tracing::warn!(endpoint, event = delivery.event, attempt = delivery.attempts, problem, "not delivered");
            }
            Verdict::Failed { .. } => {
                tracing::error!(endpoint, event = delivery.event, "given up after the last attempt; replay it by hand");
            }
        }
    }
}

/// Seconds, or a date of HTTP.
fn retry_after_ms(text: &str, now_ms: i64) -> Option<i64> {
    let text = text.trim();
    if let Ok(seconds) = text.parse::<i64>() {
        return Some(seconds.clamp(0, 86_400) * 1_000);
    }
    let date = jiff::fmt::rfc2822::parse(text).ok()?;
    Some((date.timestamp().as_millisecond() - now_ms).max(0))
}

/// Without the address: it may hold a secret.
fn why(error: &reqwest::Error) -> String {
    let what = if error.is_timeout() {
        "no answer in time"
    } else if error.is_connect() {
        "no connection"
    } else {
        "the connection broke"
    };
    let mut deepest = std::error::Error::source(error);
    while let Some(source) = deepest.and_then(std::error::Error::source) {
        deepest = Some(source);
    }
    deepest.map_or_else(|| what.to_owned(), |deepest| format!("{what}: {deepest}"))
}

/// Waits for all of them, side by side, in this task.
async fn for_all(mut all: Vec<Pin<Box<dyn Future<Output = ()> + Send + '_>>>) {
    std::future::poll_fn(|context| {
        all.retain_mut(|one| one.as_mut().poll(context).is_pending());
        if all.is_empty() { std::task::Poll::Ready(()) } else { std::task::Poll::Pending }
    })
    .await;
}

#[cfg(test)]
mod tests {
    use super::retry_after_ms;

    #[test]
    fn retry_after_is_read_in_both_spellings() {
        assert_eq!(retry_after_ms("120", 0), Some(120_000));
        assert_eq!(retry_after_ms("Wed, 21 Oct 2015 07:28:00 GMT", 1_445_412_470_000), Some(10_000));
        assert_eq!(retry_after_ms("soon", 0), None);
    }
}
