//! The list of people to call, as the exchange works on it: an entry is taken before anybody is rung for it, so that nobody
//! at the desk calls the same client meanwhile, and what came of the call goes back to it. When to call again is the
//! clinic's own plan (`[requests] plan` of its file).

use desk::{Attempt, Clinic};
use jiff::Timestamp;
use queue::NotReached;
use records::{AttemptMade, Contact, ContactResult, EXCHANGE, RecordsError, Store};

/// Takes an entry for so long. None: somebody works on it, or talks to that client, or it is at its end.
pub(crate) async fn take(store: &Store, id: &str, hold_ms: i64) -> Option<Contact> {
    let now = Timestamp::now().as_millisecond();
    match store.claim_contact(id, EXCHANGE, now, now + hold_ms).await {
        Ok(contact) => Some(contact),
        Err(RecordsError::Claimed { .. }) => None,
        Err(error) => {
            tracing::error!(%error, "an entry of the list of calls could not be taken");
            None
        }
    }
}

/// Gives it back without an attempt.
pub(crate) async fn give_back(store: &Store, id: &str) {
    if let Err(error) = store.release_contact(id, EXCHANGE, Timestamp::now().as_millisecond()).await {
        tracing::error!(%error, "an entry of the list of calls could not be given back");
    }
}

/// Writes down what came of an attempt, and when the next one is due.
pub(crate) async fn tried(store: &Store, clinic: &Clinic, id: &str, result: ContactResult, call: Option<&str>) {
    if let Err(error) = try_to_write(store, clinic, id, result, call).await {
        tracing::error!(%error, "what came of a call could not be written into the list");
    }
}

async fn try_to_write(
    store: &Store,
    clinic: &Clinic,
    id: &str,
    result: ContactResult,
    call: Option<&str>,
) -> Result<(), RecordsError> {
    let now = Timestamp::now();
    let there = store.contact(id).await?;
    let mut next = next(clinic, there.attempts + 1, result, now);
    if let Some(visit) = there.visit.as_deref().filter(|_| !there.kind.inbound()) {
        // After the visit there is nothing to call about.
        let booking = store.find_visit(visit).await?;
        next = next.filter(|next| booking.is_some_and(|booking| next.as_millisecond() < booking.start_ms));
    }
    let made = AttemptMade {
        result,
        visit: None,
        lost_reason: None,
        call: call.map(str::to_owned),
        by: EXCHANGE.to_owned(),
        next_ms: next.map(Timestamp::as_millisecond),
        at_ms: now.as_millisecond(),
    };
    match store.contact_attempt(id, &made).await {
        // It was settled meanwhile by what happened in the call, a visit that was booked for example.
        Ok(_) | Err(RecordsError::Claimed { .. }) => Ok(()),
        Err(error) => Err(error),
    }
}

/// When somebody is called again after the `made`-th attempt (from 1).
fn next(clinic: &Clinic, made: i64, result: ContactResult, last: Timestamp) -> Option<Timestamp> {
    let attempt = match result {
        ContactResult::Reached | ContactResult::Booked | ContactResult::Refused => Attempt::Reached,
        ContactResult::WrongNumber => Attempt::Never,
        ContactResult::NoAnswer | ContactResult::Later => Attempt::NoAnswer,
        ContactResult::Busy => Attempt::Busy,
        ContactResult::Voicemail => Attempt::Voicemail,
    };
    clinic.requests.plan.next(usize::try_from(made).ok()?, last, attempt, &clinic.zone)
}

/// How nobody was reached, in the words of the list. None: the client was not rung, the attempt does not count.
pub(crate) fn result_of(why: NotReached) -> Option<ContactResult> {
    match why {
        NotReached::Busy => Some(ContactResult::Busy),
        NotReached::Voicemail => Some(ContactResult::Voicemail),
        // A trunk that refuses today may not do so in half an hour.
        NotReached::NoAnswer | NotReached::Refused => Some(ContactResult::NoAnswer),
        NotReached::AgentGone => None,
    }
}
