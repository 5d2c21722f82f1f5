//! What comes in from the form of a clinic's site: checked purely, written down once, put on the list of people to call.
//!
//! The site signs what it sends: `hex(HMAC-SHA256(secret, timestamp + "." + body))` over the body's very bytes, the timestamp
//! in unix seconds. A form may carry a field that people do not see; whoever fills it in is told that all is well, and is
//! forgotten.

use desk::{Clinic, PhoneNumber};
use hmac::{Hmac, KeyInit as _, Mac as _};
use jiff::Timestamp;
use jiff::civil::DateTime;
use records::{Added, ContactKind, NewContact, Pii};
use serde::{Deserialize, Serialize};
use sha2::Sha256;

use crate::context::Outreach;
use crate::{Result, list};

/// The form, as JSON.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Form {
    /// In any spelling.
    pub phone: Pii,
    /// May be empty.
    #[serde(default)]
    pub name: Pii,
    /// What it is about; may be empty.
    #[serde(default)]
    pub text: Pii,
    /// When they want to be called, on the clinic's clock: `2026-11-26T15:00`.
    #[serde(default)]
    pub at: Option<String>,
    /// The form's own key: the same again is the same request.
    #[serde(default)]
    pub key: Option<String>,
    /// How long the form was open before it was sent, in milliseconds.
    #[serde(default)]
    pub filled_ms: Option<i64>,
    /// The field that people do not see.
    #[serde(default)]
    pub website: Option<String>,
}

/// What arrived, and what is known of the sender.
#[derive(Debug, Clone, Copy)]
pub struct Arrival<'a> {
    /// The body's bytes.
    pub body: &'a [u8],
    /// The header with the time, unix seconds.
    pub timestamp: Option<&'a str>,
    /// The header with the signature, hex.
    pub signature: Option<&'a str>,
    /// How many requests came from this address in the last hour.
    pub from_address: u32,
    /// How many came with this number in the last hour; the store knows, where it is not given.
    pub from_number: Option<u32>,
}

/// How forms are taken in.
#[derive(Debug, Clone)]
pub struct Intake {
    /// With it the site signs; none: forms come straight from browsers, and are not signed.
    pub secret: Option<Vec<u8>>,
    /// A signature is good for so many seconds.
    pub tolerance_s: i64,
    /// Nobody fills a form in faster.
    pub least_filled_ms: i64,
    /// Most requests of one address in an hour.
    pub most_from_address: u32,
    /// Most requests of one number in an hour.
    pub most_from_number: u32,
}

impl Default for Intake {
    fn default() -> Self {
        Self { secret: None, tolerance_s: 300, least_filled_ms: 2_000, most_from_address: 20, most_from_number: 5 }
    }
}

/// A request that was taken in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Accepted {
    /// Its id.
    pub id: String,
    /// When somebody calls at the latest, on the clinic's clock.
    pub due: Option<jiff::Zoned>,
    /// Whether it was there already.
    pub known: bool,
}

/// Why a request was not taken in. [`Refused::code`] is stable.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// Not signed, or not by this clinic's site.
    #[error(
        "the signature is missing or wrong: send hex(HMAC-SHA256(secret, timestamp + \".\" + body)) of the body as it is sent"
    )]
    Signature,
    /// Signed too long ago, or in the future.
    #[error(
        "the timestamp is missing or more than {0} seconds off: sign with the present unix time, and set the server's clock"
    )]
    Stale(i64),
    /// Not the form.
    #[error("this is no request: {0}")]
    Unreadable(String),
    /// Not a phone number.
    #[error("phone: this is no phone number; give it with its country code, for example +7 903 123-45-67")]
    BadPhone,
    /// Too long.
    #[error("{0}: it is too long; {1} characters are allowed")]
    TooLong(&'static str, usize),
    /// Not a moment to come.
    #[error("at: give a day and an hour that is still to come, on the clinic's clock, for example 2026-11-26T15:00")]
    BadTime,
    /// Too many from one place.
    #[error("too many requests from one {0}; try again in an hour, or call")]
    TooMany(&'static str),
}

impl Refused {
    /// Lower-case, dashed.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Signature => "bad-signature",
            Self::Stale(_) => "stale",
            Self::Unreadable(_) => "unreadable",
            Self::BadPhone => "bad-phone",
            Self::TooLong(..) => "too-long",
            Self::BadTime => "bad-time",
            Self::TooMany(_) => "too-many",
        }
    }
}

/// A form that passed every check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checked {
    /// E.164.
    pub phone: Pii,
    /// May be empty.
    pub person: Pii,
    /// May be empty.
    pub text: Pii,
    /// The hour they want.
    pub at: Option<DateTime>,
    /// The form's own key.
    pub key: Option<String>,
    /// It looks like a machine's: it is thanked for, and forgotten.
    pub bot: bool,
}

impl Intake {
    /// Checks what arrived for a clinic, without looking anything up.
    ///
    /// # Errors
    /// The first thing that is wrong.
    pub fn check(
        &self,
        clinic: &Clinic,
        arrival: &Arrival<'_>,
        now: Timestamp,
    ) -> std::result::Result<Checked, Refused> {
        if arrival.from_address >= self.most_from_address {
            return Err(Refused::TooMany("address"));
        }
        if let Some(secret) = &self.secret {
            self.check_signature(secret, arrival, now)?;
        }
        let form: Form = serde_json::from_slice(arrival.body).map_err(|error| Refused::Unreadable(place(&error)))?;
        for (name, text, most) in [("name", &form.name, 200), ("text", &form.text, 2_000)] {
            if text.as_str().chars().count() > most {
                return Err(Refused::TooLong(name, most));
            }
        }
        if form.key.as_ref().is_some_and(|key| key.len() > 200) {
            return Err(Refused::TooLong("key", 200));
        }
        let hurried = form.filled_ms.is_some_and(|ms| ms < self.least_filled_ms);
        let bot = hurried || form.website.as_ref().is_some_and(|text| !text.is_empty());
        let phone = PhoneNumber::parse(form.phone.as_str()).ok_or(Refused::BadPhone)?;
        if arrival.from_number.is_some_and(|count| count >= self.most_from_number) {
            return Err(Refused::TooMany("number"));
        }
        let at = match form.at.as_deref().map(str::trim).filter(|at| !at.is_empty()) {
            None => None,
            Some(at) => {
                let at: DateTime = at.parse().map_err(|_| Refused::BadTime)?;
                let moment = clinic.zone.to_timestamp(at).map_err(|_| Refused::BadTime)?;
                let in_time = moment > now && moment.as_second() - now.as_second() < 60 * 86_400;
                in_time.then_some(Some(at)).ok_or(Refused::BadTime)?
            }
        };
        let one_line = |text: &Pii| Pii::from(text.as_str().split_whitespace().collect::<Vec<_>>().join(" "));
        Ok(Checked {
            phone: phone.into(),
            person: one_line(&form.name),
            text: one_line(&form.text),
            at,
            key: form.key,
            bot,
        })
    }

    fn check_signature(
        &self,
        secret: &[u8],
        arrival: &Arrival<'_>,
        now: Timestamp,
    ) -> std::result::Result<(), Refused> {
        let stale = Refused::Stale(self.tolerance_s);
        let timestamp = arrival.timestamp.ok_or_else(|| stale.clone())?.trim();
        let signed: i64 = timestamp.parse().map_err(|_| stale.clone())?;
        let signature = arrival.signature.and_then(from_hex).ok_or(Refused::Signature)?;
        let mut mac = mac(secret);
        mac.update(timestamp.as_bytes());
        mac.update(b".");
        mac.update(arrival.body);
        mac.verify_slice(&signature).map_err(|_| Refused::Signature)?;
        if now.as_second().saturating_sub(signed).saturating_abs() > self.tolerance_s {
            return Err(stale);
        }
        Ok(())
    }
}

/// What a site sends beside a body: for its tests, and ours.
pub fn sign(secret: &[u8], timestamp: i64, body: &[u8]) -> String {
    let mut mac = mac(secret);
    mac.update(timestamp.to_string().as_bytes());
    mac.update(b".");
    mac.update(body);
    mac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect()
}

fn mac(secret: &[u8]) -> Hmac<Sha256> {
    Hmac::new_from_slice(secret).expect("invariant: HMAC takes a key of any length")
}

fn from_hex(text: &str) -> Option<Vec<u8>> {
    let text = text.trim();
    if text.len() != 64 || !text.is_ascii() {
        return None;
    }
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(text.get(at..at + 2)?, 16).ok()).collect()
}

/// Where JSON is wrong, without what stands there.
fn place(error: &serde_json::Error) -> String {
    if error.is_data() && error.to_string().starts_with("unknown field") {
        return error.to_string();
    }
    format!(
        "line {}, column {} is not what is expected; send a JSON object with phone, name, text, at",
        error.line(),
        error.column()
    )
}

impl Outreach {
    /// Takes in what arrived; durable when it returns. The same request again, by its key or by its number within the
    /// clinic's `same_minutes`, is the first one.
    ///
    /// # Errors
    /// The records cannot be read or written. What is wrong with the request is the inner result.
    pub async fn accept(
        &self,
        clinic: &str,
        intake: &Intake,
        arrival: &Arrival<'_>,
    ) -> Result<std::result::Result<Accepted, Refused>> {
        let clinic = self.clinic(clinic)?;
        let now = self.now();
        let checked = match intake.check(clinic, arrival, now) {
            Ok(checked) => checked,
            Err(refused) => return Ok(Err(refused)),
        };
        let (due, deadline) = list::due(clinic, checked.at, now);
        let shown = |at: Timestamp| Some(at.to_zoned(clinic.zone.clone()));
        if checked.bot {
            return Ok(Ok(Accepted { id: records::id(), due: shown(deadline), known: false }));
        }
        let now_ms = now.as_millisecond();
        let window = i64::from(clinic.requests.same_minutes) * 60_000;
        let lately = self.store.contacts_between(&clinic.id, now_ms - window.max(3_600_000), now_ms + 1).await?;
        let same = lately
            .iter()
            .filter(|other| other.kind == ContactKind::Request && other.phone == checked.phone)
            .collect::<Vec<_>>();
        if let Some(first) = same.iter().find(|other| other.created_ms > now_ms - window && checked.at.is_none()) {
            let id = first.merged_into.clone().unwrap_or_else(|| first.id.clone());
            let deadline = Timestamp::from_millisecond(first.deadline_ms).unwrap_or(deadline);
            return Ok(Ok(Accepted { id, due: shown(deadline), known: true }));
        }
        if same.len() >= intake.most_from_number as usize {
            return Ok(Err(Refused::TooMany("number")));
        }
        let contact = NewContact {
            id: records::id(),
            clinic: clinic.id.clone(),
            timezone: clinic.timezone.clone(),
            kind: ContactKind::Request,
            phone: checked.phone,
            person: checked.person,
            reason: checked.text,
            due_ms: due.as_millisecond(),
            deadline_ms: deadline.as_millisecond(),
            visit: None,
            call: None,
            message: None,
            dedup: checked.key.map(|key| format!("form/{key}")),
            created_ms: now_ms,
        };
        let accepted = match self.store.add_contact(&contact).await? {
            Added::New => Accepted { id: contact.id, due: shown(deadline), known: false },
            Added::Joined(id) => Accepted { id, due: shown(deadline), known: false },
            Added::Known(id) => Accepted { id, due: shown(deadline), known: true },
        };
        Ok(Ok(accepted))
    }
}

#[cfg(test)]
mod tests;
