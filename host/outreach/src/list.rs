//! Working through the list of people to call: when each is due, who has them, what came of it, who is late.

use desk::{Attempt, Clinic, Why};
use jiff::civil::DateTime;
use jiff::{SignedDuration, Timestamp, ToSpan as _};
use records::{
    AttemptMade, Change, Channel, Contact, ContactKind, ContactResult, NewMessage, OutreachBatch, RecordsError, Status,
};
use serde::{Deserialize, Serialize};

use crate::context::Outreach;
use crate::follow::BY;
use crate::hours::next_within;
use crate::words::capital;
use crate::{OutreachError, Result};

/// Who wants to be called later and names no hour.
const LATER: SignedDuration = SignedDuration::from_hours(2);

/// What a person says of an attempt: one key on the page.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Outcome {
    /// What came of it.
    pub result: ContactResult,
    /// The visit that was booked, if one was.
    #[serde(default)]
    pub visit: Option<String>,
    /// Of a refusal: one of the clinic's reasons, of requests or (its code) of lost visits.
    #[serde(default)]
    pub reason: Option<String>,
    /// The call.
    #[serde(default)]
    pub call: Option<String>,
}

/// When somebody who asked at `now` (for the hour `at`, if they named one) is called, and when that is late.
///
/// At once in opening hours, else at the next opening; late after the clinic's minutes of opening hours. At the hour that
/// was named if the clinic is open then; late a little after it.
pub fn due(clinic: &Clinic, at: Option<DateTime>, now: Timestamp) -> (Timestamp, Timestamp) {
    let rules = &clinic.requests;
    let minutes = i64::from(rules.minutes.unwrap_or(clinic.callback_minutes)).minutes();
    let after = |moment: Timestamp, wait: jiff::Span| moment.checked_add(wait).unwrap_or(moment);
    let asked = at.and_then(|at| clinic.zone.to_timestamp(at).ok()).filter(|at| *at > now);
    if let Some(asked) = asked.filter(|asked| clinic.is_open(*asked)) {
        return (asked, after(asked, i64::from(rules.grace_minutes).minutes()));
    }
    let from = asked.unwrap_or(now);
    let due = clinic.next_open(from).unwrap_or(from);
    let deadline = after(due, minutes);
    // What comes a minute before closing may wait for the morning.
    if clinic.is_open(deadline) {
        return (due, deadline);
    }
    (due, clinic.next_open(deadline).map_or(deadline, |opens| after(opens, minutes)))
}

/// When somebody is called next after the `made`-th attempt (from 1) with this result; none: never again.
pub fn next(clinic: &Clinic, made: i64, result: ContactResult, last: Timestamp) -> Option<Timestamp> {
    let attempt = match result {
        ContactResult::Reached | ContactResult::Booked | ContactResult::Refused | ContactResult::Later => {
            Attempt::Reached
        }
        ContactResult::WrongNumber => Attempt::Never,
        ContactResult::NoAnswer => Attempt::NoAnswer,
        ContactResult::Busy => Attempt::Busy,
        ContactResult::Voicemail => Attempt::Voicemail,
    };
    clinic.requests.plan.next(usize::try_from(made).ok()?, last, attempt, &clinic.zone)
}

/// When somebody is called who wants to be called later: at the hour they named, else in two hours; when the clinic is open.
pub fn later(clinic: &Clinic, at: Option<DateTime>, now: Timestamp) -> Timestamp {
    let named = at.and_then(|at| clinic.zone.to_timestamp(at).ok()).filter(|at| *at > now);
    let wanted = named.unwrap_or_else(|| now.checked_add(LATER).unwrap_or(now));
    clinic.next_open(wanted).unwrap_or(wanted)
}

impl Outreach {
    /// The list of a clinic: what is to be called first at the top.
    ///
    /// # Errors
    /// The records cannot be read.
    pub async fn list(&self, clinic: &str) -> Result<Vec<Contact>> {
        Ok(self.store.contacts(&self.clinic(clinic)?.id).await?)
    }

    /// "Next": gives somebody at the desk the entry that is to be called first, of some kinds or (empty) of all. It is theirs
    /// for the clinic's `claim_minutes`.
    ///
    /// # Errors
    /// The records cannot be read or written.
    pub async fn next_to_call(&self, clinic: &str, kinds: &[ContactKind], by: &str) -> Result<Option<Contact>> {
        let clinic = self.clinic(clinic)?;
        let (now, until) = self.claim_times(clinic);
        Ok(self.store.next_contact(&clinic.id, kinds, by, now, until).await?)
    }

    /// "Next" without a result: gives this entry back and takes the one that comes after it, or the first again after the
    /// last. None when there is no other to be called now.
    ///
    /// # Errors
    /// The records cannot be read or written.
    pub async fn skip(&self, clinic: &str, id: &str, kinds: &[ContactKind], by: &str) -> Result<Option<Contact>> {
        let clinic = self.clinic(clinic)?;
        let (now, until) = self.claim_times(clinic);
        let list = self.store.contacts(&clinic.id).await?;
        let after = list.iter().position(|contact| contact.id == id).map_or(0, |at| at + 1);
        self.store.release_contact(id, by, now).await?;
        let wanted = |contact: &&Contact| {
            contact.id != id && contact.next_ms <= now && (kinds.is_empty() || kinds.contains(&contact.kind))
        };
        for contact in list[after..].iter().chain(&list[..after]).filter(wanted) {
            match self.store.claim_contact(&contact.id, by, now, until).await {
                Ok(contact) => return Ok(Some(contact)),
                // Somebody was quicker.
                Err(RecordsError::Claimed { .. }) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(None)
    }

    /// Gives an entry back without an attempt.
    ///
    /// # Errors
    /// The records cannot be written.
    pub async fn release(&self, clinic: &str, id: &str, by: &str) -> Result<()> {
        self.entry(self.clinic(clinic)?, id).await?;
        Ok(self.store.release_contact(id, by, self.now().as_millisecond()).await?)
    }

    /// An entry of this clinic; of another, it does not exist.
    async fn entry(&self, clinic: &Clinic, id: &str) -> Result<Contact> {
        let there = self.store.contact(id).await?;
        if there.clinic == clinic.id {
            return Ok(there);
        }
        Err(RecordsError::NotFound { what: "entry of the list", id: id.to_owned() }.into())
    }

    /// "Call": this entry and no other.
    ///
    /// # Errors
    /// [`RecordsError::Claimed`] when somebody else has it.
    pub async fn take(&self, clinic: &str, id: &str, by: &str) -> Result<Contact> {
        let clinic = self.clinic(clinic)?;
        self.entry(clinic, id).await?;
        let (now, until) = self.claim_times(clinic);
        Ok(self.store.claim_contact(id, by, now, until).await?)
    }

    fn claim_times(&self, clinic: &Clinic) -> (i64, i64) {
        let now = self.now().as_millisecond();
        (now, now + i64::from(clinic.requests.claim_minutes) * 60_000)
    }

    /// What came of an attempt. The entry is closed, or called again by the clinic's plan. An entry about a visit settles the
    /// visit, too: who says they come has confirmed it, who refuses has cancelled it.
    ///
    /// # Errors
    /// [`OutreachError::NoReason`], [`OutreachError::UnknownReason`] for a refusal; [`RecordsError::Claimed`] when somebody
    /// else has the entry.
    pub async fn attempted(&self, clinic: &str, id: &str, outcome: &Outcome, by: &str) -> Result<Contact> {
        self.attempted_until(clinic, id, outcome, None, by).await
    }

    /// [`Outreach::attempted`] where they said [`ContactResult::Later`]: the hour on the clinic's clock, if they named one.
    ///
    /// # Errors
    /// As [`Outreach::attempted`].
    pub async fn attempted_until(
        &self,
        clinic: &str,
        id: &str,
        outcome: &Outcome,
        at: Option<DateTime>,
        by: &str,
    ) -> Result<Contact> {
        let clinic = self.clinic(clinic)?;
        let (of_requests, of_visits) = (&clinic.requests.lost_reasons, &clinic.lost_reasons);
        let code = outcome.reason.clone().filter(|given| of_visits.iter().any(|reason| reason.code == *given));
        if outcome.result == ContactResult::Refused && !of_requests.is_empty() && code.is_none() {
            let codes = of_visits.iter().map(|reason| reason.code.as_str());
            let allowed = of_requests.iter().map(String::as_str).chain(codes).collect::<Vec<_>>().join(", ");
            match &outcome.reason {
                None => return Err(OutreachError::NoReason { allowed }),
                Some(given) if !of_requests.contains(given) => {
                    return Err(OutreachError::UnknownReason { given: given.clone(), allowed });
                }
                Some(_) => {}
            }
        }
        let now = self.now();
        let there = self.entry(clinic, id).await?;
        let mut next = match outcome.result {
            ContactResult::Later => Some(later(clinic, at, now)),
            result => next(clinic, there.attempts + 1, result, now),
        };
        let booking = match &there.visit {
            Some(visit) if !there.kind.inbound() => self.store.find_visit(visit).await?,
            _ => None,
        };
        if let Some(booking) = &booking {
            // After the visit there is nothing to call about.
            next = next.filter(|next| next.as_millisecond() < booking.start_ms);
        }
        let made = AttemptMade {
            result: outcome.result,
            visit: outcome.visit.clone(),
            lost_reason: outcome.reason.clone(),
            call: outcome.call.clone(),
            by: by.to_owned(),
            next_ms: next.map(Timestamp::as_millisecond),
            at_ms: now.as_millisecond(),
        };
        let contact = self.store.contact_attempt(id, &made).await?;
        match (booking, outcome.result) {
            (Some(booking), ContactResult::Refused) => {
                let words = if code.is_some() { "" } else { outcome.reason.as_deref().unwrap_or_default() };
                self.cancel(clinic, &booking.id, &Why { code, words: words.into() }, by).await?;
            }
            (Some(booking), ContactResult::Booked) => {
                let (at_ms, by, call) = (now.as_millisecond(), by.to_owned(), outcome.call.clone());
                let change = Change { at_ms, by, call, ..Change::default() };
                match self.store.set_booking_status(&booking.id, Status::Confirmed, &change).await {
                    // It was settled otherwise meanwhile.
                    Ok(_) | Err(RecordsError::WrongStatus { .. }) => {}
                    Err(error) => return Err(error.into()),
                }
            }
            _ => {}
        }
        Ok(contact)
    }

    /// After an attempt of the telephone exchange, which knows nothing of the list: when to call next.
    pub(crate) async fn plan_next(&self, clinic: &Clinic, id: &str) -> Result<()> {
        let contact = self.store.contact(id).await?;
        let last = Timestamp::from_millisecond(contact.updated_ms).unwrap_or_default();
        let next = next(clinic, contact.attempts, ContactResult::NoAnswer, last).map(Timestamp::as_millisecond);
        let now_ms = self.now().as_millisecond();
        Ok(self.store.replan_contact(id, contact.attempts, next, now_ms).await?)
    }

    /// Entries whose holder went away are free again; entries nobody has tried by their deadline are late, and whoever the
    /// clinic named is told, once for all that became late together. Returns how many are late.
    ///
    /// # Errors
    /// The records cannot be read or written.
    pub async fn escalate(&self, clinic: &Clinic) -> Result<usize> {
        let now = self.now();
        let now_ms = now.as_millisecond();
        self.store.lapse_claims(now_ms).await?;
        let late = self.store.late_contacts(&clinic.id, now_ms).await?;
        let Some(first) = late.iter().min_by_key(|contact| contact.created_ms) else { return Ok(0) };
        let since = Timestamp::from_millisecond(first.created_ms).unwrap_or_default();
        let mut batch = OutreachBatch { now_ms, ..OutreachBatch::default() };
        batch.late = late.iter().map(|contact| contact.id.clone()).collect();
        let rules = &clinic.reminders;
        let language = rules.language;
        let particulars = |name: &str| match name {
            "clinic" => capital(&clinic.name),
            "count" => late.len().to_string(),
            "when" => crate::when_in_words(clinic.local(since), language),
            "minutes" => ((now_ms - first.created_ms) / 60_000).to_string(),
            _ => String::new(),
        };
        let not_before = next_within(rules.hours, &clinic.zone, now).unwrap_or(now);
        for (channel, address) in &clinic.requests.head {
            let text = |name: &str| desk::fill(clinic.templates.text(name, *channel, language), particulars).into();
            batch.messages.push(NewMessage {
                id: records::id(),
                clinic: clinic.id.clone(),
                channel: *channel,
                recipient: address.as_str().into(),
                template: "late".to_owned(),
                title: if *channel == Channel::Email { text("title") } else { "".into() },
                body: text("late"),
                language: language.as_str().to_owned(),
                about: None,
                contact: Some(first.id.clone()),
                step: "late".to_owned(),
                asks: false,
                dedup: format!("late/{}/{channel}", first.id),
                not_before_ms: not_before.as_millisecond(),
                // Tomorrow's list is tomorrow's news.
                not_after_ms: not_before.as_millisecond() + 4 * 3_600_000,
                created_ms: now_ms,
            });
        }
        self.store.outreach(&batch).await?;
        tracing::warn!(clinic = clinic.id, late = late.len(), by = BY, "people wait for a call longer than promised");
        Ok(late.len())
    }
}
