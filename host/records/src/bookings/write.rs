//! What a booking is in one transaction: the look whether it fits, the row, its history, its event.

use serde_json::json;
use sqlx::{Any, Transaction};

use super::{BookingRecord, Change, Claims};
use crate::feed::{NewEvent, publish};
use crate::row::{Columns as _, FromColumns as _};
use crate::visitors::same_animal;
use crate::{RecordsError, Result, Status};

pub(super) async fn find(transaction: &mut Transaction<'_, Any>, id: &str) -> Result<Option<BookingRecord>> {
    let row = sqlx::query(concat!("SELECT ", columns!(), " FROM bookings WHERE id = $1"))
        .bind(id)
        .fetch_optional(&mut **transaction)
        .await?;
    row.as_ref().map(BookingRecord::from_columns).transpose()
}

/// Whether the doctor and everything else that the booking claims is free, but for what the booking `instead_of` holds. The
/// transaction holds the write lock, so nobody can slip in between this look and the insert.
pub(super) async fn is_free(
    transaction: &mut Transaction<'_, Any>,
    booking: &BookingRecord,
    claims: &Claims,
    instead_of: &str,
) -> Result<bool> {
    let sql = concat!(
        "SELECT COUNT(*) FROM bookings WHERE clinic = $1 AND doctor = $2 AND start_ms < $4 AND held_until_ms > $3 \
         AND start_ms > $3 - 172800000 AND id <> $5 AND status IN ",
        live!()
    );
    let overlapping: i64 = sqlx::query_scalar(sql)
        .bind(&booking.clinic)
        .bind(&booking.doctor)
        .bind(booking.start_ms)
        .bind(booking.held_until_ms)
        .bind(instead_of)
        .fetch_one(&mut **transaction)
        .await?;
    if overlapping > 0 || is_away(transaction, booking).await? {
        return Ok(false);
    }
    for claim in &claims.resources {
        if !has_one_left(transaction, booking, &claim.resource, claim.there_are, instead_of).await? {
            return Ok(false);
        }
    }
    let Some(limit) = &claims.per_day else { return Ok(true) };
    let sql = concat!(
        "SELECT COUNT(*) FROM bookings WHERE clinic = $1 AND doctor = $2 AND start_ms >= $3 AND start_ms < $4 \
         AND id <> $5 AND status IN ",
        live!()
    );
    let that_day: i64 = sqlx::query_scalar(sql)
        .bind(&booking.clinic)
        .bind(&booking.doctor)
        .bind(limit.from_ms)
        .bind(limit.to_ms)
        .bind(instead_of)
        .fetch_one(&mut **transaction)
        .await?;
    Ok(that_day < i64::from(limit.visits))
}

/// The doctor's other calendar: whoever is away cannot be booked. The buffer after a visit may fall into it.
async fn is_away(transaction: &mut Transaction<'_, Any>, booking: &BookingRecord) -> Result<bool> {
    let away: i64 = sqlx::query_scalar(
        "SELECT COUNT(*) FROM absences WHERE clinic = $1 AND doctor = $2 AND start_ms < $4 AND end_ms > $3",
    )
    .bind(&booking.clinic)
    .bind(&booking.doctor)
    .bind(booking.start_ms)
    .bind(booking.end_ms)
    .fetch_one(&mut **transaction)
    .await?;
    Ok(away > 0)
}

/// Units of a resource are alike, so it is enough that at no moment all of them are in use.
async fn has_one_left(
    transaction: &mut Transaction<'_, Any>,
    booking: &BookingRecord,
    resource: &str,
    there_are: u32,
    instead_of: &str,
) -> Result<bool> {
    let sql = concat!(
        "SELECT b.start_ms AS start_ms, b.held_until_ms AS held_until_ms FROM booking_resources AS r \
         JOIN bookings AS b ON b.id = r.booking WHERE r.resource = $1 AND b.clinic = $2 AND b.start_ms < $4 \
         AND b.held_until_ms > $3 AND b.start_ms > $3 - 172800000 AND b.id <> $5 AND b.status IN ",
        live!()
    );
    let rows = sqlx::query(sql)
        .bind(resource)
        .bind(&booking.clinic)
        .bind(booking.start_ms)
        .bind(booking.held_until_ms)
        .bind(instead_of)
        .fetch_all(&mut **transaction)
        .await?;
    let held: Vec<(i64, i64)> =
        rows.iter().map(|row| Ok((row.int("start_ms")?, row.int("held_until_ms")?))).collect::<Result<_>>()?;
    // The number in use can only rise where somebody begins.
    let begins = held.iter().map(|(start, _)| *start).filter(|start| *start > booking.start_ms);
    let in_use = |at: i64| held.iter().filter(|(start, until)| *start <= at && at < *until).count();
    let most = begins.chain([booking.start_ms]).map(in_use).max().unwrap_or(0);
    Ok(most < there_are as usize)
}

/// Fills in whether it is the first visit from this number and with this animal: nobody came before, and nobody is booked
/// to come before, or at the same time.
pub(super) async fn settle_first(transaction: &mut Transaction<'_, Any>, booking: &mut BookingRecord) -> Result<()> {
    if booking.phone.as_str().is_empty() {
        return Ok(());
    }
    let sql = concat!(
        "SELECT animal, person FROM bookings WHERE clinic = $1 AND phone = $2 AND visit <> $3 AND start_ms <= $4 \
         AND status IN ",
        live!()
    );
    let rows = sqlx::query(sql)
        .bind(&booking.clinic)
        .bind(booking.phone.as_str())
        .bind(&booking.visit)
        .bind(booking.start_ms)
        .fetch_all(&mut **transaction)
        .await?;
    booking.first_visit = Some(rows.is_empty());
    if !booking.animal.as_str().is_empty() {
        let mut known = false;
        for row in &rows {
            known |= same_animal(&row.text("animal")?, booking.animal.as_str());
        }
        booking.first_for_animal = Some(!known);
    }
    Ok(())
}

/// The row and what it holds. [`is_free`] has been asked.
pub(super) async fn insert(
    transaction: &mut Transaction<'_, Any>,
    booking: &BookingRecord,
    claims: &Claims,
) -> Result<()> {
    let sql = concat!(
        "INSERT INTO bookings (",
        columns!(),
        ") VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, \
         $22, $23)"
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
        .bind(&booking.species)
        .bind(&booking.branch)
        .bind(booking.held_until_ms)
        .bind(booking.first_visit.map(i64::from))
        .bind(booking.first_for_animal.map(i64::from))
        .bind(booking.reason_code.as_deref())
        .bind(booking.external_id.as_deref())
        .execute(&mut **transaction)
        .await?;
    for claim in &claims.resources {
        sqlx::query("INSERT INTO booking_resources (booking, resource) VALUES ($1, $2) ON CONFLICT DO NOTHING")
            .bind(&booking.id)
            .bind(&claim.resource)
            .execute(&mut **transaction)
            .await?;
    }
    Ok(())
}

pub(super) async fn set_status_of(
    transaction: &mut Transaction<'_, Any>,
    id: &str,
    status: Status,
    change: &Change,
) -> Result<()> {
    sqlx::query("UPDATE bookings SET status = $2, updated_ms = $3, reason_code = $4 WHERE id = $1")
        .bind(id)
        .bind(status.as_str())
        .bind(change.at_ms)
        .bind(change.reason_code.as_deref())
        .execute(&mut **transaction)
        .await?;
    write_history(transaction, id, status, change).await
}

pub(super) async fn write_history(
    transaction: &mut Transaction<'_, Any>,
    id: &str,
    status: Status,
    change: &Change,
) -> Result<()> {
    sqlx::query(
        "INSERT INTO booking_history (booking, seq, status, at_ms, made_by, reason, call, reason_code)
         VALUES ($1, (SELECT COUNT(*) FROM booking_history WHERE booking = $1), $2, $3, $4, $5, $6, $7)",
    )
    .bind(id)
    .bind(status.as_str())
    .bind(change.at_ms)
    .bind(&change.by)
    .bind(change.reason.as_str())
    .bind(change.call.as_deref())
    .bind(change.reason_code.as_deref())
    .execute(&mut **transaction)
    .await?;
    Ok(())
}

/// Tells the feed what became of a visit; `moved_from` is the booking that was left, and when it was.
pub(super) async fn tell(
    transaction: &mut Transaction<'_, Any>,
    booking: &BookingRecord,
    moved_from: Option<(&str, i64)>,
    change: &Change,
) -> Result<()> {
    let kind = match (moved_from, booking.status) {
        (Some(_), _) | (None, Status::Moved) => "visit.moved",
        (None, Status::Booked) => "visit.booked",
        (None, Status::Reminded) => "visit.reminded",
        (None, Status::Confirmed) => "visit.confirmed",
        (None, Status::Arrived) => "visit.arrived",
        (None, Status::Done) => "visit.done",
        (None, Status::Cancelled) => "visit.cancelled",
        (None, Status::NoShow) => "visit.no-show",
    };
    let mut data = json!({
        "booking": booking.id, "doctor": booking.doctor, "service": booking.service, "start_ms": booking.start_ms,
        "end_ms": booking.end_ms, "status": booking.status, "by": change.by, "call": change.call,
        "first_visit": booking.first_visit,
    });
    if !booking.branch.is_empty() {
        data["branch"] = json!(booking.branch);
    }
    if let Some(code) = &change.reason_code {
        data["reason_code"] = json!(code);
    }
    if let Some((from, start_ms)) = moved_from {
        data["moved_from"] = json!({ "booking": from, "start_ms": start_ms });
    }
    let event = NewEvent { clinic: &booking.clinic, kind, subject: &booking.visit, data, at_ms: change.at_ms };
    publish(transaction, event).await
}

/// A day is the longest visit, with its buffer two: the overlap query looks back no further.
pub(super) fn check_span(start_ms: i64, end_ms: i64, held_until_ms: i64) -> Result<()> {
    let bad = |field, problem: &str| Err(RecordsError::BadValue { field, problem: problem.to_owned() });
    if !(1..86_400_000).contains(&end_ms.saturating_sub(start_ms)) {
        return bad("end_ms", "a visit ends after it starts and lasts less than a day");
    }
    if !(0..86_400_000).contains(&held_until_ms.saturating_sub(end_ms)) {
        return bad("held_until_ms", "the buffer ends after the visit and lasts less than a day");
    }
    Ok(())
}

pub(super) fn check_step(booking: &BookingRecord, to: Status) -> Result<()> {
    if booking.status.may_become(to) {
        return Ok(());
    }
    Err(RecordsError::WrongStatus { id: booking.id.clone(), from: booking.status, to })
}

pub(super) fn not_found(id: &str) -> RecordsError {
    RecordsError::NotFound { what: "booking", id: id.to_owned() }
}
