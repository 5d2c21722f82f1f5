//! "We will call you back": when the clinic means to, and the promise written down.

use jiff::civil::DateTime;
use jiff::{Timestamp, ToSpan as _};
use records::{Added, ContactKind, NewContact, Pii};
use serde::Serialize;

use crate::booking::Desk;
use crate::clinic::Clinic;
use crate::error::DeskError;
use crate::phone::PhoneNumber;

/// At its moment it is dialled; so long after that it is late.
const LATE_MS: i64 = 5 * 60_000;

/// Whom to call back, about what.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CallbackRequest {
    /// In any spelling.
    pub phone: Pii,
    /// Empty when not known.
    pub person: Pii,
    /// In the caller's words.
    pub reason: Pii,
    /// When the caller asked for it, on the clinic's wall clock; none = by the clinic's rule.
    pub at: Option<DateTime>,
}

/// A call-back, written down.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Promise {
    /// Of its entry of the list of people to call.
    pub id: String,
    /// When the clinic means to call at the latest, on its wall clock.
    pub due: jiff::Zoned,
}

impl Desk {
    /// Writes a call-back down; committed when it returns. Somebody who is to be called already (a request of the site, a missed
    /// call, an earlier promise) is called once: the promise joins that entry of the list, and is kept with it. Due at the hour that was asked for, else after the clinic's
    /// `callback_minutes`; when the clinic is closed then, as many minutes after its next opening.
    ///
    /// # Errors
    /// [`DeskError::BadPhone`], [`DeskError::Records`].
    pub async fn request_callback(
        &self,
        request: &CallbackRequest,
        call: Option<&str>,
        now: Timestamp,
    ) -> Result<Promise, DeskError> {
        self.request_callback_as(records::id(), request, call, now).await
    }

    /// The same under an id of the caller's own: written down once, however often it is asked for.
    pub(crate) async fn request_callback_as(
        &self,
        id: String,
        request: &CallbackRequest,
        call: Option<&str>,
        now: Timestamp,
    ) -> Result<Promise, DeskError> {
        let phone = PhoneNumber::parse(request.phone.as_str()).ok_or(DeskError::BadPhone)?;
        let due = callback_due(&self.clinic, request.at, now);
        let due_ms = due.as_millisecond();
        let contact = NewContact {
            id,
            clinic: self.clinic.id.clone(),
            timezone: self.clinic.timezone.clone(),
            kind: ContactKind::Callback,
            phone: phone.into(),
            person: request.person.clone(),
            reason: request.reason.clone(),
            due_ms,
            deadline_ms: due_ms + LATE_MS,
            visit: None,
            call: call.map(str::to_owned),
            message: None,
            dedup: None,
            created_ms: now.as_millisecond(),
        };
        // What it joins is never called later than was promised here.
        let id = match self.store.add_contact(&contact).await? {
            Added::New => contact.id,
            Added::Joined(id) | Added::Known(id) => id,
        };
        Ok(Promise { id, due: due.to_zoned(self.clinic.zone.clone()) })
    }
}

/// When a call-back is due; the rule is written at [`Desk::request_callback`].
pub fn callback_due(clinic: &Clinic, at: Option<DateTime>, now: Timestamp) -> Timestamp {
    let minutes = i64::from(clinic.callback_minutes).minutes();
    let asked = at.and_then(|at| clinic.zone.to_timestamp(at).ok()).filter(|at| *at > now);
    if let Some(asked) = asked.filter(|asked| clinic.is_open(*asked)) {
        return asked;
    }
    let wanted = asked.unwrap_or(now + minutes);
    // A minute before closing time nobody begins a list of calls.
    if clinic.is_open(asked.unwrap_or(now)) && clinic.is_open(wanted) {
        return wanted;
    }
    clinic.next_open(wanted.max(now)).map_or(wanted, |opens| opens.saturating_add(minutes).unwrap_or(opens))
}
