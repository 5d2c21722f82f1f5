//! Visits: who comes to which doctor when. Two callers never get one time, and no machine serves two visitors at once.
//!
//! A visit's first booking gives it its `visit` id. Moving it makes a new booking of the same visit and leaves the old one
//! as `moved`, in one transaction: at no moment does the visitor hold two times, or none.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};
use sqlx::any::AnyRow;

use crate::row::{Columns as _, FromColumns};
use crate::{Pii, RecordsError, Result, Status, Store};
use write::{
    check_span, check_step, find, insert, is_free, not_found, set_status_of, settle_first, tell, write_history,
};

macro_rules! columns {
    () => {
        "id, visit, clinic, timezone, doctor, service, start_ms, end_ms, status, phone, person, animal, reason, call, \
         created_ms, updated_ms, species, branch, held_until_ms, first_visit, first_for_animal, reason_code, external_id"
    };
}

macro_rules! live {
    () => {
        "('booked', 'reminded', 'confirmed', 'arrived', 'done')"
    };
}

mod write;

/// Who changes bookings when no person does: the `by` of a [`Change`] that a flow or a timer makes.
pub const ROBOT: &str = "robot";

/// One booking.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
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
    /// Kind of animal, a word of the clinic's list; empty when not known.
    #[serde(default)]
    pub species: String,
    /// Branch id; empty where the clinic has one place.
    #[serde(default)]
    pub branch: String,
    /// The doctor and the resources are free again then: the end and the buffer after it. Below the end it counts as the end.
    #[serde(default)]
    pub held_until_ms: i64,
    /// Nobody came, or is booked to come, from this number before. Settled when it is booked.
    #[serde(default)]
    pub first_visit: Option<bool>,
    /// The same for this animal of the number.
    #[serde(default)]
    pub first_for_animal: Option<bool>,
    /// Why it was lost: a word of the clinic's list.
    #[serde(default)]
    pub reason_code: Option<String>,
    /// Its id in the system that owns the schedule.
    #[serde(default)]
    pub external_id: Option<String>,
}

/// What a booking attempt came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BookOutcome {
    /// Committed: it may be told to the caller.
    Booked(Box<BookingRecord>),
    /// Somebody holds a part of that time, or the last of what it needs.
    Taken,
}

/// What a booking claims besides its doctor's time; looked at in the transaction that writes it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claims {
    /// Rooms and machines.
    pub resources: Vec<ResourceClaim>,
    /// The most visits of the doctor in a day.
    pub per_day: Option<PerDay>,
}

/// One of a kind of room or machine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResourceClaim {
    /// Resource id.
    pub resource: String,
    /// How many of it there are.
    pub there_are: u32,
}

/// A limit on a doctor's day.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PerDay {
    /// At most so many visits start in the day.
    pub visits: u32,
    /// Its first moment, unix milliseconds.
    pub from_ms: i64,
    /// Its end, excluded.
    pub to_ms: i64,
}

/// Who changes a booking, when, why, and in which call.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Change {
    /// When, unix milliseconds.
    pub at_ms: i64,
    /// [`ROBOT`], or a user's name.
    pub by: String,
    /// In the caller's words; may be empty.
    pub reason: Pii,
    /// The call, if it was in one.
    pub call: Option<String>,
    /// Why a visit is lost or moved: a word of the clinic's list.
    #[serde(default)]
    pub reason_code: Option<String>,
}

/// Where a visit is to move.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
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
    /// See [`BookingRecord::held_until_ms`].
    pub held_until_ms: i64,
    /// Branch id; empty where the clinic has one place.
    pub branch: String,
    /// What the system that owns the schedule calls the visit now; none = as before.
    pub external_id: Option<String>,
}

/// A held time, without whose it is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Busy {
    /// Doctor id.
    pub doctor: String,
    /// Start, unix milliseconds.
    pub start_ms: i64,
    /// End, the buffer included, unix milliseconds.
    pub end_ms: i64,
    /// The resources in use.
    pub resources: Vec<String>,
    /// The doctor is away; it is no visit.
    pub away: bool,
}

/// One step of a booking.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
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

impl Store {
    /// Books, unless a part of the time is held. Durable when it returns `Booked`. The same booking again (same id, doctor
    /// and start) is answered with what is there, so a caller may retry.
    ///
    /// # Errors
    /// [`RecordsError::BadValue`] for an end that is not after the start; [`RecordsError::Exists`] for an id of another
    /// booking.
    pub async fn book(&self, booking: &BookingRecord, by: &str) -> Result<BookOutcome> {
        self.book_with(booking, &Claims::default(), by).await
    }

    /// The same for a visit that needs more than its doctor.
    ///
    /// # Errors
    /// Those of [`Store::book`].
    pub async fn book_with(&self, booking: &BookingRecord, claims: &Claims, by: &str) -> Result<BookOutcome> {
        let mut booking = booking.clone();
        booking.held_until_ms = booking.held_until_ms.max(booking.end_ms);
        check_span(booking.start_ms, booking.end_ms, booking.held_until_ms)?;
        let mut transaction = self.begin_write().await?;
        if let Some(there) = find(&mut transaction, &booking.id).await? {
            let same = there.doctor == booking.doctor && there.start_ms == booking.start_ms;
            let exists = RecordsError::Exists { what: "booking", id: booking.id.clone() };
            return if same { Ok(BookOutcome::Booked(Box::new(there))) } else { Err(exists) };
        }
        if !is_free(&mut transaction, &booking, claims, "").await? {
            return Ok(BookOutcome::Taken);
        }
        settle_first(&mut transaction, &mut booking).await?;
        insert(&mut transaction, &booking, claims).await?;
        let change = Change {
            at_ms: booking.created_ms,
            by: by.to_owned(),
            reason: booking.reason.clone(),
            call: booking.call.clone(),
            reason_code: None,
        };
        write_history(&mut transaction, &booking.id, booking.status, &change).await?;
        tell(&mut transaction, &booking, None, &change).await?;
        crate::orders::settle_booking(&mut transaction, &booking.id, change.at_ms).await?;
        self.commit_and_tell(transaction).await?;
        Ok(BookOutcome::Booked(Box::new(booking)))
    }

    /// Moves a visit: the new time is taken and the old one released in one transaction, or nothing happens. The new time
    /// may overlap the old one.
    ///
    /// # Errors
    /// [`RecordsError::NotFound`]; [`RecordsError::WrongStatus`] for a booking that is over.
    pub async fn move_booking(&self, id: &str, to: &NewTime, change: &Change) -> Result<BookOutcome> {
        self.move_booking_with(id, to, &Claims::default(), change).await
    }

    /// The same for a visit that needs more than its doctor.
    ///
    /// # Errors
    /// Those of [`Store::move_booking`].
    pub async fn move_booking_with(
        &self,
        id: &str,
        to: &NewTime,
        claims: &Claims,
        change: &Change,
    ) -> Result<BookOutcome> {
        let held_until_ms = to.held_until_ms.max(to.end_ms);
        check_span(to.start_ms, to.end_ms, held_until_ms)?;
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
            held_until_ms,
            branch: to.branch.clone(),
            external_id: to.external_id.clone().or(old.external_id.clone()),
            status: Status::Booked,
            call: change.call.clone().or(old.call.clone()),
            created_ms: change.at_ms,
            updated_ms: change.at_ms,
            reason_code: None,
            ..old
        };
        if !is_free(&mut transaction, &new, claims, id).await? {
            // Dropping the transaction puts the old booking back as it was.
            transaction.rollback().await?;
            return Ok(BookOutcome::Taken);
        }
        insert(&mut transaction, &new, claims).await?;
        write_history(&mut transaction, &new.id, Status::Booked, change).await?;
        tell(&mut transaction, &new, Some((id, old_start_ms)), change).await?;
        crate::orders::settle_booking(&mut transaction, id, change.at_ms).await?;
        self.commit_and_tell(transaction).await?;
        Ok(BookOutcome::Booked(Box::new(new)))
    }

    /// Calls a visit off and releases its time. Calling it off twice is no error.
    pub async fn cancel(&self, id: &str, change: &Change) -> Result<BookingRecord> {
        self.set_booking_status(id, Status::Cancelled, change).await
    }

    /// Takes a booking to its next status ([`Status::may_become`]); to the one it has already, nothing happens.
    /// To move it, use [`Store::move_booking`]. A person may also put a no-show right who came late after all
    /// ([`Status::may_be_put_right`]), as long as nobody else has the time by now.
    ///
    /// # Errors
    /// [`RecordsError::NotFound`]; [`RecordsError::WrongStatus`]; [`RecordsError::TimeGiven`].
    pub async fn set_booking_status(&self, id: &str, status: Status, change: &Change) -> Result<BookingRecord> {
        let mut transaction = self.begin_write().await?;
        let booking = find(&mut transaction, id).await?.ok_or_else(|| not_found(id))?;
        if booking.status == status {
            return Ok(booking);
        }
        if status == Status::Moved {
            return Err(RecordsError::WrongStatus { id: id.to_owned(), from: booking.status, to: status });
        }
        if booking.status.may_be_put_right(status) && change.by != ROBOT {
            if !is_free(&mut transaction, &booking, &Claims::default(), id).await? {
                return Err(RecordsError::TimeGiven { id: id.to_owned() });
            }
        } else {
            check_step(&booking, status)?;
        }
        set_status_of(&mut transaction, id, status, change).await?;
        let reason_code = change.reason_code.clone();
        let booking = BookingRecord { status, updated_ms: change.at_ms, reason_code, ..booking };
        tell(&mut transaction, &booking, None, change).await?;
        if status == Status::Cancelled {
            crate::orders::settle_booking(&mut transaction, id, change.at_ms).await?;
        }
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

    /// The booking that stands for a visit now: its last one. The subject of the feed's `visit.…` events is the visit.
    ///
    /// # Errors
    /// [`RecordsError::NotFound`].
    pub async fn visit(&self, visit: &str) -> Result<BookingRecord> {
        let found = self.find_visit(visit).await?;
        found.ok_or_else(|| RecordsError::NotFound { what: "visit", id: visit.to_owned() })
    }

    /// The same; none where there is no such visit (any more).
    pub async fn find_visit(&self, visit: &str) -> Result<Option<BookingRecord>> {
        // A moved visit's next booking was made in the very millisecond in which the old one ended.
        let sql = concat!(
            "SELECT ",
            columns!(),
            " FROM bookings WHERE visit = $1 ORDER BY CASE WHEN status = 'moved' THEN 1 ELSE 0 END, created_ms DESC, \
             id DESC LIMIT 1"
        );
        let row = sqlx::query(sql).bind(visit).fetch_optional(self.read()).await?;
        row.as_ref().map(BookingRecord::from_columns).transpose()
    }

    /// The booking that the system which owns the schedule calls by this id.
    pub async fn booking_by_external(&self, clinic: &str, external_id: &str) -> Result<Option<BookingRecord>> {
        let sql = concat!(
            "SELECT ",
            columns!(),
            " FROM bookings WHERE clinic = $1 AND external_id = $2 \
             ORDER BY CASE WHEN status = 'moved' THEN 1 ELSE 0 END, created_ms DESC LIMIT 1"
        );
        let row = sqlx::query(sql).bind(clinic).bind(external_id).fetch_optional(self.read()).await?;
        row.as_ref().map(BookingRecord::from_columns).transpose()
    }

    /// What happened to a booking, oldest first.
    pub async fn booking_history(&self, id: &str) -> Result<Vec<HistoryEntry>> {
        let rows = sqlx::query(
            "SELECT booking, seq, status, at_ms, made_by, reason, call, reason_code FROM booking_history
             WHERE booking = $1 ORDER BY seq",
        )
        .bind(id)
        .fetch_all(self.read())
        .await?;
        rows.iter().map(HistoryEntry::from_columns).collect()
    }

    /// What happened to a visit under all its bookings, oldest first.
    pub async fn visit_history(&self, visit: &str) -> Result<Vec<HistoryEntry>> {
        let rows = sqlx::query(
            "SELECT booking, seq, h.status AS status, at_ms, made_by, h.reason AS reason, h.call AS call,
                h.reason_code AS reason_code
             FROM booking_history AS h JOIN bookings AS b ON b.id = h.booking
             WHERE b.visit = $1 ORDER BY at_ms, b.created_ms, booking, seq",
        )
        .bind(visit)
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

    /// Every booking under a phone number (E.164), in whatever status but moved, latest first.
    pub async fn bookings_of(&self, clinic: &str, phone: &Pii) -> Result<Vec<BookingRecord>> {
        let sql = concat!(
            "SELECT ",
            columns!(),
            " FROM bookings WHERE clinic = $1 AND phone = $2 AND status <> 'moved' ORDER BY start_ms DESC, id DESC"
        );
        let rows = sqlx::query(sql).bind(clinic).bind(phone.as_str()).fetch_all(self.read()).await?;
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

    /// The held times of a clinic that touch `from_ms..to_ms`, by start: visits with what they use, and absences.
    pub async fn busy(&self, clinic: &str, from_ms: i64, to_ms: i64) -> Result<Vec<Busy>> {
        // No visit with its buffer lasts longer than two days.
        let sql = concat!(
            "SELECT id, doctor, start_ms, held_until_ms AS end_ms, 0 AS away FROM bookings WHERE clinic = $1 \
             AND start_ms > $2 - 172800000 AND start_ms < $3 AND held_until_ms > $2 AND status IN ",
            live!(),
            " UNION ALL SELECT '' AS id, doctor, start_ms, end_ms, 1 AS away FROM absences WHERE clinic = $1 \
             AND start_ms < $3 AND end_ms > $2 ORDER BY start_ms"
        );
        let rows = sqlx::query(sql).bind(clinic).bind(from_ms).bind(to_ms).fetch_all(self.read()).await?;
        let sql = concat!(
            "SELECT r.booking AS booking, r.resource AS resource FROM bookings AS b JOIN booking_resources AS r \
             ON r.booking = b.id WHERE b.clinic = $1 AND b.start_ms > $2 - 172800000 AND b.start_ms < $3 \
             AND b.held_until_ms > $2 AND b.status IN ",
            live!()
        );
        let mut used: HashMap<String, Vec<String>> = HashMap::new();
        for row in sqlx::query(sql).bind(clinic).bind(from_ms).bind(to_ms).fetch_all(self.read()).await? {
            used.entry(row.text("booking")?).or_default().push(row.text("resource")?);
        }
        let busy = |row: &AnyRow| {
            Ok(Busy {
                doctor: row.text("doctor")?,
                start_ms: row.int("start_ms")?,
                end_ms: row.int("end_ms")?,
                resources: used.remove(&row.text("id")?).unwrap_or_default(),
                away: row.truth("away")?,
            })
        };
        rows.iter().map(busy).collect()
    }

    /// How many visits that were to start in `from_ms..to_ms` were lost, by status (`cancelled`, `no-show`) and reason code;
    /// most first.
    pub async fn lost_visits(
        &self,
        clinic: &str,
        from_ms: i64,
        to_ms: i64,
    ) -> Result<Vec<(Status, Option<String>, i64)>> {
        let rows = sqlx::query(
            "SELECT status, reason_code, COUNT(*) AS n FROM bookings WHERE clinic = $1 AND start_ms >= $2
                AND start_ms < $3 AND status IN ('cancelled', 'no-show') GROUP BY status, reason_code
             ORDER BY n DESC, status, reason_code",
        )
        .bind(clinic)
        .bind(from_ms)
        .bind(to_ms)
        .fetch_all(self.read())
        .await?;
        rows.iter().map(|row| Ok((row.word("status")?, row.text_opt("reason_code")?, row.int("n")?))).collect()
    }
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
            species: row.text("species")?,
            branch: row.text("branch")?,
            held_until_ms: row.int("held_until_ms")?,
            first_visit: row.truth_opt("first_visit")?,
            first_for_animal: row.truth_opt("first_for_animal")?,
            reason_code: row.text_opt("reason_code")?,
            external_id: row.text_opt("external_id")?,
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
                reason_code: row.text_opt("reason_code")?,
            },
        })
    }
}
