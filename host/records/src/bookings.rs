//! Visits: who comes to which doctor when. Two callers never get one time.
//!
//! A visit's first booking gives it its `visit` id. Moving it makes a new booking of the same visit and leaves the old one
//! as `moved`, in one transaction: at no moment does the visitor hold two times, or none.

use serde::{Deserialize, Serialize};
use serde_json::json;
use sqlx::any::AnyRow;
use sqlx::{Any, Transaction};

use crate::feed::{NewEvent, publish};
use crate::row::{Columns as _, FromColumns, words};
use crate::{Pii, RecordsError, Result, Store};

words! {
    /// Where a booking stands. `booked`, `confirmed`, `arrived` and `done` hold their time; the others have released it.
    Status {
        /// Committed.
        Booked = "booked",
        /// The visitor said yes to a reminder.
        Confirmed = "confirmed",
        /// They are here.
        Arrived = "arrived",
        /// The visit took place: the one good end.
        Done = "done",
        /// Another booking of the visit took its place.
        Moved = "moved",
        /// Called off.
        Cancelled = "cancelled",
        /// They did not come.
        NoShow = "no-show",
    }
}

impl Status {
    /// Whether a booking in this status holds its time.
    pub fn is_live(self) -> bool {
        matches!(self, Self::Booked | Self::Confirmed | Self::Arrived | Self::Done)
    }

    /// Whether a booking may go from this status to that one.
    pub fn may_become(self, next: Self) -> bool {
        match self {
            Self::Booked => next != Self::Booked && next != Self::Done,
            Self::Confirmed => matches!(next, Self::Arrived | Self::Moved | Self::Cancelled | Self::NoShow),
            Self::Arrived => next == Self::Done,
            // Whoever came late, after the desk gave them up, is marked by a new booking.
            Self::Done | Self::Moved | Self::Cancelled | Self::NoShow => false,
        }
    }
}

/// One booking.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BookingRecord {
    /// See [`crate::id()`].
    pub id: String,
    /// Id of the visit's first booking; equal to `id` for that one.
    pub visit: String,
    /// Clinic id.
    pub clinic: String,
    /// The clinic's IANA zone.
    pub timezone: String,
    /// Doctor id.
    pub doctor: String,
    /// Service id.
    pub service: String,
    /// Start, unix milliseconds.
    pub start_ms: i64,
    /// End, unix milliseconds; after the start.
    pub end_ms: i64,
    /// Where it stands.
    pub status: Status,
    /// E.164.
    pub phone: Pii,
    /// Who comes.
    pub person: Pii,
    /// Nickname and kind of the animal; empty in human medicine.
    pub animal: Pii,
    /// In the caller's words.
    pub reason: Pii,
    /// The call it was made in.
    pub call: Option<String>,
    /// When it was made, unix milliseconds.
    pub created_ms: i64,
    /// When it last changed.
    pub updated_ms: i64,
}

/// What a booking attempt came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BookOutcome {
    /// Committed: it may be told to the caller.
    Booked(Box<BookingRecord>),
    /// Somebody holds a part of that time.
    Taken,
}

/// Who changes a booking, when, why, and in which call.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// When, unix milliseconds.
    pub at_ms: i64,
    /// `robot`, or a user's name.
    pub by: String,
    /// In the caller's words; may be empty.
    pub reason: Pii,
    /// The call, if it was in one.
    pub call: Option<String>,
}

/// Where a visit is to move.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewTime {
    /// Id for the new booking.
    pub id: String,
    /// Doctor id.
    pub doctor: String,
    /// Service id.
    pub service: String,
    /// Start, unix milliseconds.
    pub start_ms: i64,
    /// End, unix milliseconds.
    pub end_ms: i64,
}

/// A held time, without whose it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Busy {
    /// Doctor id.
    pub doctor: String,
    /// Start, unix milliseconds.
    pub start_ms: i64,
    /// End, unix milliseconds.
    pub end_ms: i64,
}

/// One step of a booking.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HistoryEntry {
    /// The booking.
    pub booking: String,
    /// Its place in the history, from 0.
    pub seq: i64,
    /// What it became.
    pub status: Status,
    /// Who, when, why.
    #[serde(flatten)]
    pub change: Change,
}

macro_rules! columns {
    () => {
        "id, visit, clinic, timezone, doctor, service, start_ms, end_ms, status, phone, person, animal, reason, call, \
         created_ms, updated_ms"
    };
}

macro_rules! live {
    () => {
        "('booked', 'confirmed', 'arrived', 'done')"
    };
}

impl Store {
    /// Books, unless a part of the time is held. Durable when it returns `Booked`. The same booking again (same id, doctor
    /// and start) is answered with what is there, so a caller may retry.
    ///
    /// # Errors
    /// [`RecordsError::BadValue`] for an end that is not after the start; [`RecordsError::Exists`] for an id of another
    /// booking.
    pub async fn book(&self, booking: &BookingRecord, by: &str) -> Result<BookOutcome> {
        check_span(booking.start_ms, booking.end_ms)?;
        let mut transaction = self.begin_write().await?;
        if let Some(there) = find(&mut transaction, &booking.id).await? {
            let same = there.doctor == booking.doctor && there.start_ms == booking.start_ms;
            let exists = RecordsError::Exists { what: "booking", id: booking.id.clone() };
            return if same { Ok(BookOutcome::Booked(Box::new(there))) } else { Err(exists) };
        }
        if !insert_if_free(&mut transaction, booking, None).await? {
            return Ok(BookOutcome::Taken);
        }
        let change = Change {
            at_ms: booking.created_ms,
            by: by.to_owned(),
            reason: booking.reason.clone(),
            call: booking.call.clone(),
        };
        write_history(&mut transaction, &booking.id, booking.status, &change).await?;
        tell(&mut transaction, booking, None, &change).await?;
        self.commit_and_tell(transaction).await?;
        Ok(BookOutcome::Booked(Box::new(booking.clone())))
    }

    /// Moves a visit: the new time is taken and the old one released in one transaction, or nothing happens. The new time
    /// may overlap the old one.
    ///
    /// # Errors
    /// [`RecordsError::NotFound`]; [`RecordsError::WrongStatus`] for a booking that is over.
    pub async fn move_booking(&self, id: &str, to: &NewTime, change: &Change) -> Result<BookOutcome> {
        check_span(to.start_ms, to.end_ms)?;
        let mut transaction = self.begin_write().await?;
        let old = find(&mut transaction, id).await?.ok_or_else(|| not_found(id))?;
        if let Some(there) = find(&mut transaction, &to.id).await? {
            let same = there.visit == old.visit && there.doctor == to.doctor && there.start_ms == to.start_ms;
            let exists = RecordsError::Exists { what: "booking", id: to.id.clone() };
            return if same { Ok(BookOutcome::Booked(Box::new(there))) } else { Err(exists) };
        }
        check_step(&old, Status::Moved)?;
        set_status_of(&mut transaction, id, Status::Moved, change).await?;
        let old_start_ms = old.start_ms;
        let new = BookingRecord {
            id: to.id.clone(),
            doctor: to.doctor.clone(),
            service: to.service.clone(),
            start_ms: to.start_ms,
            end_ms: to.end_ms,
            status: Status::Booked,
            call: change.call.clone().or(old.call.clone()),
            created_ms: change.at_ms,
            updated_ms: change.at_ms,
            ..old
        };
        if !insert_if_free(&mut transaction, &new, Some(id)).await? {
            // Dropping the transaction puts the old booking back as it was.
            transaction.rollback().await?;
            return Ok(BookOutcome::Taken);
        }
        write_history(&mut transaction, &new.id, Status::Booked, change).await?;
        tell(&mut transaction, &new, Some((id, old_start_ms)), change).await?;
        self.commit_and_tell(transaction).await?;
        Ok(BookOutcome::Booked(Box::new(new)))
    }

    /// Calls a visit off and releases its time. Calling it off twice is no error.
    pub async fn cancel(&self, id: &str, change: &Change) -> Result<BookingRecord> {
        self.set_booking_status(id, Status::Cancelled, change).await
    }

    /// Takes a booking to its next status ([`Status::may_become`]); to the one it has already, nothing happens.
    /// To move it, use [`Store::move_booking`].
    ///
    /// # Errors
    /// [`RecordsError::NotFound`]; [`RecordsError::WrongStatus`].
    pub async fn set_booking_status(&self, id: &str, status: Status, change: &Change) -> Result<BookingRecord> {
        let mut transaction = self.begin_write().await?;
        let booking = find(&mut transaction, id).await?.ok_or_else(|| not_found(id))?;
        if booking.status == status {
            return Ok(booking);
        }
        if status == Status::Moved {
            return Err(RecordsError::WrongStatus { id: id.to_owned(), from: booking.status, to: status });
        }
        check_step(&booking, status)?;
        set_status_of(&mut transaction, id, status, change).await?;
        let booking = BookingRecord { status, updated_ms: change.at_ms, ..booking };
        tell(&mut transaction, &booking, None, change).await?;
        self.commit_and_tell(transaction).await?;
        Ok(booking)
    }

    /// One booking.
    pub async fn booking(&self, id: &str) -> Result<BookingRecord> {
        let row = sqlx::query(concat!("SELECT ", columns!(), " FROM bookings WHERE id = $1"))
            .bind(id)
            .fetch_optional(self.read())
            .await?;
        BookingRecord::from_columns(&row.ok_or_else(|| not_found(id))?)
    }

    /// What happened to a booking, oldest first.
    pub async fn booking_history(&self, id: &str) -> Result<Vec<HistoryEntry>> {
        let rows = sqlx::query(
            "SELECT booking, seq, status, at_ms, made_by, reason, call FROM booking_history WHERE booking = $1 ORDER BY seq",
        )
        .bind(id)
        .fetch_all(self.read())
        .await?;
        rows.iter().map(HistoryEntry::from_columns).collect()
    }

    /// Live bookings under a phone number (E.164) that end after `from_ms`, earliest first.
    pub async fn bookings_by_phone(&self, clinic: &str, phone: &str, from_ms: i64) -> Result<Vec<BookingRecord>> {
        let sql = concat!(
            "SELECT ",
            columns!(),
            " FROM bookings WHERE clinic = $1 AND phone = $2 AND end_ms > $3 AND status IN ",
            live!(),
            " ORDER BY start_ms, id"
        );
        let rows = sqlx::query(sql).bind(clinic).bind(phone).bind(from_ms).fetch_all(self.read()).await?;
        rows.iter().map(BookingRecord::from_columns).collect()
    }

    /// Every booking of a clinic that starts in `from_ms..to_ms`, in whatever status, earliest first.
    pub async fn bookings(&self, clinic: &str, from_ms: i64, to_ms: i64) -> Result<Vec<BookingRecord>> {
        let sql = concat!(
            "SELECT ",
            columns!(),
            " FROM bookings WHERE clinic = $1 AND start_ms >= $2 AND start_ms < $3 ORDER BY start_ms, id"
        );
        let rows = sqlx::query(sql).bind(clinic).bind(from_ms).bind(to_ms).fetch_all(self.read()).await?;
        rows.iter().map(BookingRecord::from_columns).collect()
    }

    /// The held times of a clinic that touch `from_ms..to_ms`, by start. No visit lasts longer than a day.
    pub async fn busy(&self, clinic: &str, from_ms: i64, to_ms: i64) -> Result<Vec<Busy>> {
        let sql = concat!(
            "SELECT doctor, start_ms, end_ms FROM bookings WHERE clinic = $1 AND start_ms > $2 - 86400000 \
             AND start_ms < $3 AND end_ms > $2 AND status IN ",
            live!(),
            " ORDER BY start_ms"
        );
        let rows = sqlx::query(sql).bind(clinic).bind(from_ms).bind(to_ms).fetch_all(self.read()).await?;
        let busy = |row: &AnyRow| {
            Ok(Busy { doctor: row.text("doctor")?, start_ms: row.int("start_ms")?, end_ms: row.int("end_ms")? })
        };
        rows.iter().map(busy).collect()
    }
}

async fn find(transaction: &mut Transaction<'_, Any>, id: &str) -> Result<Option<BookingRecord>> {
    let row = sqlx::query(concat!("SELECT ", columns!(), " FROM bookings WHERE id = $1"))
        .bind(id)
        .fetch_optional(&mut **transaction)
        .await?;
    row.as_ref().map(BookingRecord::from_columns).transpose()
}

/// False when a live booking of the doctor, other than `instead_of`, overlaps. The transaction holds the write lock, so
/// nobody can slip in between the look and the insert.
async fn insert_if_free(
    transaction: &mut Transaction<'_, Any>,
    booking: &BookingRecord,
    instead_of: Option<&str>,
) -> Result<bool> {
    let sql = concat!(
        "SELECT COUNT(*) FROM bookings WHERE clinic = $1 AND doctor = $2 AND start_ms < $4 AND end_ms > $3 \
         AND start_ms > $3 - 86400000 AND id <> $5 AND status IN ",
        live!()
    );
    let overlapping: i64 = sqlx::query_scalar(sql)
        .bind(&booking.clinic)
        .bind(&booking.doctor)
        .bind(booking.start_ms)
        .bind(booking.end_ms)
        .bind(instead_of.unwrap_or(""))
        .fetch_one(&mut **transaction)
        .await?;
    if overlapping > 0 {
        return Ok(false);
    }
    let sql = concat!(
        "INSERT INTO bookings (",
        columns!(),
        ") VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)"
    );
    sqlx::query(sql)
        .bind(&booking.id)
        .bind(&booking.visit)
        .bind(&booking.clinic)
        .bind(&booking.timezone)
        .bind(&booking.doctor)
        .bind(&booking.service)
        .bind(booking.start_ms)
        .bind(booking.end_ms)
        .bind(booking.status.as_str())
        .bind(booking.phone.as_str())
        .bind(booking.person.as_str())
        .bind(booking.animal.as_str())
        .bind(booking.reason.as_str())
        .bind(booking.call.as_deref())
        .bind(booking.created_ms)
        .bind(booking.updated_ms)
        .execute(&mut **transaction)
        .await?;
    Ok(true)
}

async fn set_status_of(
    transaction: &mut Transaction<'_, Any>,
    id: &str,
    status: Status,
    change: &Change,
) -> Result<()> {
    sqlx::query("UPDATE bookings SET status = $2, updated_ms = $3 WHERE id = $1")
        .bind(id)
        .bind(status.as_str())
        .bind(change.at_ms)
        .execute(&mut **transaction)
        .await?;
    write_history(transaction, id, status, change).await
}

async fn write_history(
    transaction: &mut Transaction<'_, Any>,
    id: &str,
    status: Status,
    change: &Change,
) -> Result<()> {
    sqlx::query(
        "INSERT INTO booking_history (booking, seq, status, at_ms, made_by, reason, call)
         VALUES ($1, (SELECT COUNT(*) FROM booking_history WHERE booking = $1), $2, $3, $4, $5, $6)",
    )
    .bind(id)
    .bind(status.as_str())
    .bind(change.at_ms)
    .bind(&change.by)
    .bind(change.reason.as_str())
    .bind(change.call.as_deref())
    .execute(&mut **transaction)
    .await?;
    Ok(())
}

/// Tells the feed what became of a visit; `moved_from` is the booking that was left, and when it was.
async fn tell(
    transaction: &mut Transaction<'_, Any>,
    booking: &BookingRecord,
    moved_from: Option<(&str, i64)>,
    change: &Change,
) -> Result<()> {
    let kind = match (moved_from, booking.status) {
        (Some(_), _) | (None, Status::Moved) => "visit.moved",
        (None, Status::Booked) => "visit.booked",
        (None, Status::Confirmed) => "visit.confirmed",
        (None, Status::Arrived) => "visit.arrived",
        (None, Status::Done) => "visit.done",
        (None, Status::Cancelled) => "visit.cancelled",
        (None, Status::NoShow) => "visit.no-show",
    };
    let mut data = json!({
        "booking": booking.id, "doctor": booking.doctor, "service": booking.service, "start_ms": booking.start_ms,
        "end_ms": booking.end_ms, "status": booking.status, "by": change.by, "call": change.call,
    });
    if let Some((from, start_ms)) = moved_from {
        data["moved_from"] = json!({ "booking": from, "start_ms": start_ms });
    }
    let event = NewEvent { clinic: &booking.clinic, kind, subject: &booking.visit, data, at_ms: change.at_ms };
    publish(transaction, event).await
}

/// A day is the longest visit: the overlap query looks back no further.
fn check_span(start_ms: i64, end_ms: i64) -> Result<()> {
    if (1..86_400_000).contains(&end_ms.saturating_sub(start_ms)) {
        return Ok(());
    }
    Err(RecordsError::BadValue {
        field: "end_ms",
        problem: "a visit ends after it starts and lasts less than a day".to_owned(),
    })
}

fn check_step(booking: &BookingRecord, to: Status) -> Result<()> {
    if booking.status.may_become(to) {
        return Ok(());
    }
    Err(RecordsError::WrongStatus { id: booking.id.clone(), from: booking.status, to })
}

fn not_found(id: &str) -> RecordsError {
    RecordsError::NotFound { what: "booking", id: id.to_owned() }
}

impl FromColumns for BookingRecord {
    fn from_columns(row: &AnyRow) -> Result<Self> {
        Ok(Self {
            id: row.text("id")?,
            visit: row.text("visit")?,
            clinic: row.text("clinic")?,
            timezone: row.text("timezone")?,
            doctor: row.text("doctor")?,
            service: row.text("service")?,
            start_ms: row.int("start_ms")?,
            end_ms: row.int("end_ms")?,
            status: row.word("status")?,
            phone: row.pii("phone")?,
            person: row.pii("person")?,
            animal: row.pii("animal")?,
            reason: row.pii("reason")?,
            call: row.text_opt("call")?,
            created_ms: row.int("created_ms")?,
            updated_ms: row.int("updated_ms")?,
        })
    }
}

impl FromColumns for HistoryEntry {
    fn from_columns(row: &AnyRow) -> Result<Self> {
        Ok(Self {
            booking: row.text("booking")?,
            seq: row.int("seq")?,
            status: row.word("status")?,
            change: Change {
                at_ms: row.int("at_ms")?,
                by: row.text("made_by")?,
                reason: row.pii("reason")?,
                call: row.text_opt("call")?,
            },
        })
    }
}
