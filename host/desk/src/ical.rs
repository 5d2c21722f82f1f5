//! iCalendar (RFC 5545): a doctor's visits as a feed that calendars subscribe to, and a doctor's other calendar read as the
//! times at which they are away.

mod read;
mod recur;

use jiff::Timestamp;
use records::{Absence, BookingRecord, Status};

use crate::booking::Desk;
use crate::clinic::{Clinic, Doctor};
use crate::error::DeskError;

pub use read::{IcalError, busy_times};

/// How much of a visitor a feed tells. Whoever has the address of a feed reads it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FeedDetail {
    /// The service and nothing of the visitor.
    #[default]
    Nobody,
    /// The kind of animal too.
    Species,
    /// Initials of the person, and the animal.
    Initials,
}

/// A doctor's visits as a calendar. What was called off or moved away stays in it as cancelled, so that subscribers take it
/// out; who did not come is not told.
pub fn feed(clinic: &Clinic, doctor: &Doctor, visits: &[BookingRecord], detail: FeedDetail, now: Timestamp) -> String {
    let mut out = Writer::default();
    out.line("BEGIN:VCALENDAR");
    out.line("VERSION:2.0");
    out.line("PRODID:-//Gudok//Desk//RU");
    out.line("CALSCALE:GREGORIAN");
    out.line("METHOD:PUBLISH");
    out.text("X-WR-CALNAME", &format!("{}, {}", doctor.name, clinic.name));
    out.line("REFRESH-INTERVAL;VALUE=DURATION:PT15M");
    for visit in visits.iter().filter(|visit| visit.doctor == doctor.id && visit.clinic == clinic.id) {
        let (Ok(start), Ok(end)) =
            (Timestamp::from_millisecond(visit.start_ms), Timestamp::from_millisecond(visit.end_ms))
        else {
            continue;
        };
        let service = clinic.service(&visit.service).map_or(visit.service.as_str(), |service| service.name.as_str());
        out.line("BEGIN:VEVENT");
        out.text("UID", &format!("{}@gudok", visit.id));
        out.line(&format!("DTSTAMP:{}", utc(now)));
        out.line(&format!("DTSTART:{}", utc(start)));
        out.line(&format!("DTEND:{}", utc(end)));
        if let Ok(changed) = Timestamp::from_millisecond(visit.updated_ms) {
            out.line(&format!("LAST-MODIFIED:{}", utc(changed)));
        }
        // Later than any earlier state of the event, whatever clock the subscriber has.
        out.line(&format!("SEQUENCE:{}", (visit.updated_ms - visit.created_ms).max(0) / 1000));
        out.text("SUMMARY", &summary(service, visit, detail));
        if let Some(branch) = clinic.branch(&visit.branch) {
            out.text("LOCATION", &branch.name);
        }
        out.line(match visit.status {
            Status::Booked | Status::Reminded => "STATUS:TENTATIVE",
            Status::Confirmed | Status::Arrived | Status::Done => "STATUS:CONFIRMED",
            Status::Moved | Status::Cancelled | Status::NoShow => "STATUS:CANCELLED",
        });
        out.line("END:VEVENT");
    }
    out.line("END:VCALENDAR");
    out.done
}

fn summary(service: &str, visit: &BookingRecord, detail: FeedDetail) -> String {
    let initials = |text: &str| {
        let letters = text.split_whitespace().filter_map(|word| word.chars().next());
        letters.map(|letter| format!("{letter}.")).collect::<String>()
    };
    let who = match detail {
        FeedDetail::Nobody => Vec::new(),
        FeedDetail::Species => vec![visit.species.clone()],
        FeedDetail::Initials => vec![initials(visit.person.as_str()), visit.animal.as_str().to_owned()],
    };
    let parts = std::iter::once(service.to_owned()).chain(who).filter(|part| !part.is_empty());
    parts.collect::<Vec<_>>().join(", ")
}

fn utc(at: Timestamp) -> String {
    at.strftime("%Y%m%dT%H%M%SZ").to_string()
}

/// Lines end in CRLF and are folded at 75 bytes, never within a letter.
#[derive(Default)]
struct Writer {
    done: String,
}

impl Writer {
    fn text(&mut self, name: &str, text: &str) {
        let escaped = text.replace('\\', "\\\\").replace(';', "\\;").replace(',', "\\,").replace('\n', "\\n");
        self.line(&format!("{name}:{}", escaped.replace('\r', "")));
    }

    fn line(&mut self, line: &str) {
        let mut width = 0;
        for letter in line.chars() {
            if width + letter.len_utf8() > 75 {
                self.done.push_str("\r\n ");
                width = 1;
            }
            self.done.push(letter);
            width += letter.len_utf8();
        }
        self.done.push_str("\r\n");
    }
}

impl Desk {
    /// The feed of a doctor's visits from `from` to `to`.
    ///
    /// # Errors
    /// [`DeskError::UnknownDoctor`], [`DeskError::Records`].
    pub async fn doctor_feed(
        &self,
        doctor: &str,
        (from, to): (Timestamp, Timestamp),
        detail: FeedDetail,
        now: Timestamp,
    ) -> Result<String, DeskError> {
        let doctor = crate::search::find_doctor(&self.clinic, doctor)?;
        let visits = self.store.bookings(&self.clinic.id, from.as_millisecond(), to.as_millisecond()).await?;
        Ok(feed(&self.clinic, doctor, &visits, detail, now))
    }

    /// Takes a doctor's other calendar as the times they are away, from now to the clinic's horizon, in place of what the
    /// same calendar (`source`) told before. Returns how many times there are.
    ///
    /// # Errors
    /// [`DeskError::UnknownDoctor`], [`DeskError::BadCalendar`] with the line, [`DeskError::Records`].
    pub async fn import_calendar(
        &self,
        doctor: &str,
        source: &str,
        text: &str,
        now: Timestamp,
    ) -> Result<usize, DeskError> {
        let doctor = crate::search::find_doctor(&self.clinic, doctor)?;
        let days = i64::from(self.clinic.horizon_days).saturating_add(1);
        let until = now.saturating_add(jiff::SignedDuration::from_hours(24 * days)).unwrap_or(Timestamp::MAX);
        let away: Vec<Absence> = busy_times(text, &self.clinic.zone, now, until).map_err(DeskError::BadCalendar)?;
        self.store.replace_absences(&self.clinic.id, &doctor.id, source, &away).await?;
        Ok(away.len())
    }
}
