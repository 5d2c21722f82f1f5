//! Sending what is due: one attempt at a time on each way, written down before and after.

use std::sync::PoisonError;
use std::time::Duration;

use desk::{Clinic, Language};
use jiff::{SignedDuration, Timestamp};
use records::{Channel, Message, MessageState, NewMessage, RecordsError};

use crate::context::{Outreach, Step};
use crate::hours::{next_within, within};
use crate::send::{Fate, Recovery, Sender, Verdict};
use crate::{Result, follow, words};

/// Longer than any sender takes ([`crate::gateways`] allows 60 s, twice for a mail server): whoever holds a message longer
/// has died.
pub(crate) const LEASE_MS: i64 = 150_000;
/// A sender that is set up wrongly is left alone for so long.
const PAUSE: SignedDuration = SignedDuration::from_mins(10);
/// A message whose fate stays unknown is asked about so often.
const MOST_UNSURE: i64 = 8;

impl Outreach {
    /// Sends what is due of a clinic on one way. Returns how many messages it handled.
    ///
    /// # Errors
    /// The records cannot be read or written; what was begun is taken up again when its time has run out.
    pub async fn send_due(&self, clinic: &Clinic, channel: Channel) -> Result<u32> {
        let sender = self.settings.senders.get(&channel).cloned();
        let mut handled = 0;
        loop {
            let now = self.now();
            if !within(clinic.reminders.hours, &clinic.zone, now) || self.is_paused(channel, now) {
                return Ok(handled);
            }
            let now_ms = now.as_millisecond();
            if let Some(message) = self.store.stale_message(&clinic.id, channel, now_ms, LEASE_MS).await? {
                self.recover(clinic, sender.as_deref(), &message).await?;
                handled += 1;
                continue;
            }
            if sender.is_none() && channel != Channel::List {
                return Ok(handled);
            }
            let key = records::id();
            let Some(message) = self.store.claim_message(&clinic.id, channel, &key, now_ms, LEASE_MS).await? else {
                return Ok(handled);
            };
            (self.settings.at)(Step::Claimed);
            // Under a key of before: what was asked with it may have come through.
            let asked_before = message.attempt.as_deref() != Some(key.as_str());
            self.attempt(clinic, sender.as_deref(), &message, asked_before).await?;
            handled += 1;
        }
    }

    async fn attempt(
        &self,
        clinic: &Clinic,
        sender: Option<&dyn Sender>,
        message: &Message,
        asked_before: bool,
    ) -> Result<()> {
        let Some(sender) = sender else { return self.to_the_list(clinic, message).await };
        let verdict = sender.send(message).await;
        (self.settings.at)(Step::Answered);
        self.settle(clinic, sender.recovery(), message, verdict, asked_before).await
    }

    /// A message that was being sent when its sender died.
    async fn recover(&self, clinic: &Clinic, sender: Option<&dyn Sender>, message: &Message) -> Result<()> {
        let Some(sender) = sender else {
            return match message.new.channel {
                // Putting somebody on the list twice is putting them there once.
                Channel::List => self.to_the_list(clinic, message).await,
                _ => self.unknown(message, "the program stopped while it was sent, and its gateway is no more").await,
            };
        };
        match sender.recovery() {
            Recovery::SameKey => self.attempt(clinic, Some(sender), message, true).await,
            Recovery::Nothing => self.unknown(message, "the program stopped while it was sent").await,
            Recovery::Ask => {
                let now_ms = self.now().as_millisecond();
                match sender.ask(message).await {
                    Fate::Taken(id) => held(self.store.message_sent(message, id.as_deref(), now_ms).await),
                    Fate::NotTaken => {
                        held(self.store.message_again(message, true, now_ms, "the gateway never saw it", now_ms).await)
                    }
                    // It stays as it is, and is asked about again when its time has run out.
                    Fate::Unsure(_) if now_ms < message.new.not_after_ms => Ok(()),
                    Fate::Unsure(problem) => self.unknown(message, &problem).await,
                }
            }
        }
    }

    async fn settle(
        &self,
        clinic: &Clinic,
        recovery: Recovery,
        message: &Message,
        verdict: Verdict,
        asked_before: bool,
    ) -> Result<()> {
        let now = self.now();
        let now_ms = now.as_millisecond();
        let channel = message.new.channel;
        // A refusal ends a key, unless what was asked with it before may have come through: only by its key is it known again.
        let same_key = asked_before && matches!(recovery, Recovery::SameKey);
        let settled = match verdict {
            Verdict::Taken(id) => {
                self.resumed(channel);
                held(self.store.message_sent(message, id.as_deref(), now_ms).await)
            }
            Verdict::Again { problem, after } => {
                let at = later(clinic, message, after, now);
                held(self.store.message_again(message, same_key, at, &problem, now_ms).await)
            }
            Verdict::Never(problem) => self.another_way(clinic, message, &problem).await,
            Verdict::Misconfigured(problem) => {
                self.pause(channel, now, &problem);
                let at = now.saturating_add(PAUSE).unwrap_or(now).as_millisecond();
                held(self.store.message_again(message, same_key, at, &problem, now_ms).await)
            }
            Verdict::Strange(problem) => {
                self.pause(channel, now, &problem);
                self.unsure(clinic, recovery, message, &problem).await
            }
            Verdict::Unsure(problem) => self.unsure(clinic, recovery, message, &problem).await,
        };
        (self.settings.at)(Step::Written);
        settled
    }

    /// The gateway may have taken it, or not.
    async fn unsure(&self, clinic: &Clinic, recovery: Recovery, message: &Message, problem: &str) -> Result<()> {
        let now = self.now();
        match recovery {
            Recovery::SameKey if message.attempts < MOST_UNSURE => {
                let at = later(clinic, message, None, now);
                held(self.store.message_again(message, true, at, problem, now.as_millisecond()).await)
            }
            // It stays `sending` until its time has run out, and is asked about then.
            Recovery::Ask => Ok(()),
            Recovery::SameKey | Recovery::Nothing => self.unknown(message, problem).await,
        }
    }

    async fn unknown(&self, message: &Message, problem: &str) -> Result<()> {
        let now_ms = self.now().as_millisecond();
        held(self.store.message_failed(message, MessageState::Unknown, problem, now_ms).await)
    }

    /// One way surely refused: the next one the person allows, or a person calls them.
    async fn another_way(&self, clinic: &Clinic, message: &Message, problem: &str) -> Result<()> {
        let now_ms = self.now().as_millisecond();
        if let Some(to) = self.rerouted(clinic, message).await? {
            return held(self.store.message_rerouted(message, &to, problem, now_ms).await);
        }
        held(self.store.message_failed(message, MessageState::Failed, problem, now_ms).await)
    }

    async fn rerouted(&self, clinic: &Clinic, message: &Message) -> Result<Option<NewMessage>> {
        let Some(about) = &message.new.about else { return Ok(None) };
        let wanted = &clinic.reminders.channels;
        let Some(place) = wanted.iter().position(|channel| *channel == message.new.channel) else { return Ok(None) };
        let Some(booking) = follow::gone(self.store.booking(&about.booking).await.map_err(Into::into))? else {
            return Ok(None);
        };
        let ways = self.ways(clinic, &booking.phone, &wanted[place + 1..]).await?;
        let Some(way) = ways.into_iter().next() else { return Ok(None) };
        let language = Language::of(&message.new.language).unwrap_or(clinic.reminders.language);
        let particulars = words::of_visit(clinic, &booking, language);
        let text = |name: &str| desk::fill(clinic.templates.text(name, way.channel, language), &particulars).into();
        let (title, body) = (text("title"), text(&message.new.template));
        let (channel, recipient) = (way.channel, way.address);
        Ok(Some(NewMessage { channel, recipient, title, body, ..message.new.clone() }))
    }

    /// A person calls: the message becomes an entry of the list.
    async fn to_the_list(&self, clinic: &Clinic, message: &Message) -> Result<()> {
        let now = self.now();
        let dedup = message.new.dedup.clone();
        if let Some(contact) =
            follow::about_visit(self, clinic, message, records::ContactKind::Reminder, dedup, now).await?
        {
            self.store.add_contact(&contact).await?;
        }
        (self.settings.at)(Step::Answered);
        let written = held(self.store.message_sent(message, None, now.as_millisecond()).await);
        (self.settings.at)(Step::Written);
        written
    }

    fn is_paused(&self, channel: Channel, now: Timestamp) -> bool {
        let paused = self.paused.lock().unwrap_or_else(PoisonError::into_inner);
        paused.get(&channel).is_some_and(|(until, _)| now < *until)
    }

    /// Leaves a sender alone for a while; the same problem is told once.
    fn pause(&self, channel: Channel, now: Timestamp, problem: &str) {
        let until = now.saturating_add(PAUSE).unwrap_or(now);
        let mut paused = self.paused.lock().unwrap_or_else(PoisonError::into_inner);
        let before = paused.insert(channel, (until, problem.to_owned()));
        if before.is_none_or(|(_, told)| told != problem) {
            tracing::error!(channel = channel.as_str(), problem, "nothing is sent this way until it is mended");
        }
    }

    fn resumed(&self, channel: Channel) {
        let mut paused = self.paused.lock().unwrap_or_else(PoisonError::into_inner);
        if paused.remove(&channel).is_some() {
            tracing::info!(channel = channel.as_str(), "messages are sent this way again");
        }
    }
}

/// 30 s, a minute, two … an hour after an attempt, or when the gateway said, within the clinic's hours.
fn later(clinic: &Clinic, message: &Message, after: Option<Duration>, now: Timestamp) -> i64 {
    let doublings = u32::try_from(message.attempts - 1).unwrap_or(0).min(7);
    let wait = SignedDuration::from_secs(30 << doublings);
    let asked = after.and_then(|after| SignedDuration::try_from(after).ok()).unwrap_or_default();
    let at = now.saturating_add(wait.max(asked)).unwrap_or(now);
    next_within(clinic.reminders.hours, &clinic.zone, at).unwrap_or(at).as_millisecond()
}

/// Somebody else settled it meanwhile: then it is settled.
fn held(result: records::Result<()>) -> Result<()> {
    match result {
        Err(RecordsError::LeaseLost { .. }) => Ok(()),
        other => Ok(other?),
    }
}
